"""`promptreg eval`."""

from __future__ import annotations

from typing import Any

import click

from promptreg import __version__
from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.evals.all_providers import NOT_MODELS
from promptreg.evaluation import Options, carry_out, check_budget, needed, whole
from promptreg.judging import Move
from promptreg.project import Project
from promptreg.promotion.promote import movable, target
from promptreg.promotion.rules import baseline_pin
from promptreg.report.moves import plan_lines, stored_lines


@click.command("eval")
@click.argument("specs", metavar="[SPEC]…", nargs=-1)
@click.option("--needed", "only_needed", is_flag=True, help="Exactly the runs that the gate would miss, both sides.")
@click.option(
    "--to", "environment", metavar="ENV", help="With --needed: for a promotion to ENV (else every environment)."
)
@click.option("--suite", metavar="S", help="This suite only.")
@click.option(
    "--provider", metavar="P", help="Another provider than the suite names: nearest-example, echo, command:PROGRAM."
)
@click.option("--repeat", "repeats", type=click.IntRange(1, 1000), metavar="N", help="Runs of each case.")
@click.option(
    "--concurrency", type=click.IntRange(1, 256), default=4, metavar="N", help="Calls at a time.  [default: 4]"
)
@click.option(
    "--max-cost", type=click.FloatRange(0), metavar="USD", help="Refuse a plan that could cost more; needs [prices]."
)
@click.option("--max-calls", type=click.IntRange(0), metavar="N", help="Refuse a plan of more calls.")
@click.option("--allow-code", is_flag=True, help="Let command: providers run their program.")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and run nothing.")
@format_option
def command(
    specs: tuple[str, ...], only_needed: bool, environment: str | None, as_json: bool, dry_run: bool, **given: Any
) -> None:
    """Run suites and store the results, which are the gate's evidence.

    A draft's results stay on this machine until the draft is released. There is no default provider: the suite names
    one. nearest-example needs no key and is not a language model.
    """
    if environment is not None and not only_needed:
        raise click.UsageError("--to goes with --needed.")
    if not specs and not only_needed:
        raise click.UsageError("Name what to evaluate (support/answer, support/answer@1.1.0), or --needed --to ENV.")
    if only_needed and given["provider"]:
        raise click.UsageError(
            "--needed runs the setup that the suites declare; --provider would make results that the gate does not use."
        )
    project = find_project()
    options = Options(tool=f"promptreg {__version__}", progress=output.Progress(), **given)
    if only_needed:
        planned = needed(project.head, _moves(project, specs, environment), options)
    else:
        planned = whole(project.head, [project.prompt(spec) for spec in specs], options)
    check_budget(project.head, planned, options)
    made = [] if dry_run else carry_out(project, planned, options)
    if as_json:
        output.say_json(
            {
                "results": [stored.data() for stored in made],
                "planned": [plan.data() for plan in planned],
                "calls": sum(plan.calls for plan in planned),
                "cost_usd": sum(stored.result.totals.cost_usd for stored in made),
            }
        )
        return
    if dry_run or only_needed:
        output.say_all(plan_lines(planned))
    output.say_all(stored_lines(made, NOT_MODELS))
    for plan in planned:
        if plan.suite.provider != plan.provider:
            declared = plan.suite.provider or "no provider"
            output.note(f"The gate will not use this: {plan.suite.path} declares {declared}.")
            output.note(f"To change that, write into it: provider: {plan.provider}")
            break


def _moves(project: Project, specs: tuple[str, ...], environment: str | None) -> list[Move]:
    view = project.head
    environments = [environment] if environment else list(view.catalog.settings.environments)
    moves = []
    for where in environments:
        view.catalog.check_environment(where)
        for spec in specs or _ahead(project, where):
            name, version = target(view, spec, where)
            pin = baseline_pin(project, where, name)
            if pin is None or pin.version != version:
                moves.append(Move(name, where, version, pin.version if pin else None))
    return moves


def _ahead(project: Project, environment: str) -> list[str]:
    """The prompts of which an environment could run a newer version."""
    view = project.head
    names = movable(view, environment)
    return [name for name in names if view.catalog.pin(environment, name) or view.suites(name)]
