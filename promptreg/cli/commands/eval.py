"""`promptreg eval`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from promptreg import __version__
from promptreg.cli import output
from promptreg.cli.apart import Apart
from promptreg.cli.evaluating import Wanted, check_wanted, evidence_options, run_facts, say_unused, stored_runs
from promptreg.cli.needed import Needed, moves_of
from promptreg.cli.options import find_project, format_option
from promptreg.cli.rescored import both_sides, rescored
from promptreg.evals.all_providers import NOT_MODELS
from promptreg.evaluation.budget import check_budget, usd_of_all
from promptreg.evaluation.carry_out import means_of
from promptreg.evaluation.keeping import missing
from promptreg.evaluation.looking import looked_at
from promptreg.evaluation.plans import Options, PlannedRun, whole
from promptreg.project import Project
from promptreg.report.looks import look_lines
from promptreg.report.moves import plan_lines, stored_lines


@click.command("eval")
@click.argument("specs", metavar="[SPEC]…", nargs=-1)
@click.option("--needed", "only_needed", is_flag=True, help="Exactly the runs that the gate would miss, both sides.")
@click.option(
    "--to", "environment", metavar="ENV", help="With --needed: for a promotion to ENV (else every environment)."
)
@click.option("--suite", metavar="S", help="This suite only.")
@click.option(
    "--provider", metavar="P", help="Another provider than the suite names (openai, litellm, nearest-example, …)."
)
@click.option("--repeat", "repeats", type=click.IntRange(1, 1000), metavar="N", help="Runs of each case.")
@click.option(
    "--concurrency", type=click.IntRange(1, 256), default=4, metavar="N", help="Calls at a time.  [default: 4]"
)
@click.option(
    "--max-cost",
    type=click.FloatRange(0),
    metavar="USD",
    help="Stop before a call that could cost more; needs [prices].",
)
@click.option("--max-calls", type=click.IntRange(0), metavar="N", help="Refuse a plan of more calls.")
@click.option(
    "--max-cases", type=click.IntRange(1), metavar="N", help="The first N cases of each suite only: a look, not stored."
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Begin at most N calls a minute.")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=120.0, metavar="S",
    help="Seconds until a call is given up and made again.  [default: 120]",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with an unfinished run of the same text, suite and repeats.")
@click.option("--cache", is_flag=True, help="Take answers of earlier runs; these are no new evidence.")
@click.option("--record", is_flag=True, help="Keep the answers in evals/recordings/, for the provider replay.")
@click.option("--case", "cases", multiple=True, metavar="ID", help="With --show: these cases only.")
@click.option("--show", is_flag=True, help="Show messages, answers and scores of --case, and store nothing.")
@click.option(
    "--rescore", is_flag=True, help="Score stored answers by the scorers declared now; with --to ENV of both sides."
)
@click.option("--metric", "metrics", multiple=True, metavar="M", help="With --rescore: this scorer only.")
@click.option("--allow-code", is_flag=True, help="Let python: and command: run code that the suite names.")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and run nothing.")
@evidence_options
@format_option
def command(
    specs: tuple[str, ...],
    only_needed: bool,
    environment: str | None,
    as_json: bool,
    dry_run: bool,
    show: bool,
    rescore: bool,
    metrics: tuple[str, ...],
    wanted: Wanted,
    **given: Any,
) -> int:
    """Run suites and store the results, which are the gate's evidence.

    A draft's results stay on this machine until the draft is released. There is no default provider: the suite names
    one. nearest-example needs no key and is not a language model.

    What was answered is kept when a run ends early (^C, a kill, --max-cost): --resume goes on with it.

    Status 0, but with --against-stored: 1 where the fresh run is worse, 4 where the gate cannot tell.
    """
    check_wanted(wanted, given, only_needed=only_needed, show=show, dry_run=dry_run)
    _check_usage(specs, only_needed, environment, wanted, show, rescore, metrics, given)
    if given["max_cases"]:
        # some cases alone are no evidence: else those that failed could be asked until they pass
        wanted = replace(wanted, no_store=True)
    project = find_project()
    options = Options(tool=f"promptreg {__version__}", progress=output.Progress(), note=output.note, **given)
    if options.allow_code:
        project.allow_code(means_of(project, options))
    if rescore:
        rescored(project, both_sides(project, specs, environment), options, metrics, as_json=as_json, dry_run=dry_run)
        return 0
    if only_needed:
        moves = moves_of(project, specs, environment)
        Needed(project, moves, options, as_json=as_json, dry_run=dry_run).run(wanted)
        return 0
    if wanted.apart:
        apart = Apart(project, wanted, options, as_json=as_json, dry_run=dry_run)
        return apart.run(specs, wanted.looked_in or environment)
    planned = whole(project.head, [project.prompt(spec) for spec in specs], options)
    if show:
        check_budget(project.head, planned, options)
        _show(project, planned, options, as_json=as_json)
    else:
        _make(project, planned, options, as_json=as_json, dry_run=dry_run)
    return 0


def _make(project: Project, planned: list[PlannedRun], options: Options, *, as_json: bool, dry_run: bool) -> None:
    """Run a plan and store what comes of it."""
    if options.resume:
        planned = missing(project, planned, options)
    check_budget(project.head, planned, options)
    cost = usd_of_all(project.head, planned)
    if planned and dry_run and not as_json:
        output.say_all(plan_lines(planned, cost))
    made = [] if dry_run else stored_runs(project, planned, options)
    if as_json:
        output.say_json(run_facts(planned, made, [cost]))
        return
    output.say_all(stored_lines(made, NOT_MODELS))
    say_unused(planned)


def _check_usage(
    specs: tuple[str, ...],
    only_needed: bool,
    environment: str | None,
    wanted: Wanted,
    show: bool,
    rescore: bool,
    metrics: tuple[str, ...],
    given: dict[str, Any],
) -> None:
    """A usage error for options that do not go together."""
    if environment is not None and not (only_needed or wanted.same_twice or rescore):
        raise click.UsageError("--to goes with --needed.")
    if rescore and (only_needed or wanted.apart or show or given["repeats"] or given["provider"] or given["resume"]):
        raise click.UsageError(
            "--rescore asks nothing again: it goes without --needed, --repeat, --provider, --resume, --show, --aa and "
            "--no-store."
        )
    if not (specs or only_needed or wanted.looked_in or environment):
        raise click.UsageError("Name what to evaluate (support/answer, support/answer@1.1.0), or --needed --to ENV.")
    if only_needed and given["provider"]:
        raise click.UsageError(
            "--needed runs the setup that the suites declare; --provider would make results that the gate does not use."
        )
    if metrics and not rescore:
        raise click.UsageError("--metric goes with --rescore.")
    if given["max_cases"] and (only_needed or rescore):
        raise click.UsageError("--max-cases is a look at some cases, which is no evidence: it goes with SPECs alone.")
    if bool(given["cases"]) != show or (show and only_needed):
        raise click.UsageError("--case and --show go together: chosen cases are looked at, and are no evidence.")


def _show(project: Project, planned: list[PlannedRun], options: Options, *, as_json: bool) -> None:
    looks = looked_at(project, planned, options)
    if as_json:
        output.say_json({"cases": [look.data() for look in looks]})
    else:
        output.say_all(look_lines(looks, output.paint))
