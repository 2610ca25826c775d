"""`promptreg ship`."""

from __future__ import annotations

import click

from promptreg import __version__
from promptreg.cli import output
from promptreg.cli.commands.promote import exit_status, say_committed
from promptreg.cli.options import chosen, find_project, format_option, selection_options, to_option
from promptreg.committing import check_committed, commit
from promptreg.evals.all_providers import NOT_MODELS
from promptreg.evaluation.budget import usd_of_all
from promptreg.evaluation.carry_out import means_of
from promptreg.evaluation.plans import Options
from promptreg.listing import about
from promptreg.project import Project
from promptreg.release import why_not_ahead
from promptreg.report.moves import outcome_lines, plan_lines, release_lines, stored_lines
from promptreg.selection import Selection
from promptreg.ship import Shipment, Wish, foundations, own_files, ship


@click.command("ship")
@selection_options
@to_option
@click.option("-m", "--message", metavar="TEXT", help="What changed, for the line in versions.sum.")
@click.option(
    "--bump",
    type=click.Choice(["auto", "patch", "minor", "major"]),
    default="auto",
    help="By default what the changes ask for.",
)
@click.option(
    "--max-cost", type=click.FloatRange(0), metavar="USD", help="Refuse runs that could cost more; needs [prices]."
)
@click.option("--max-calls", type=click.IntRange(0), metavar="N", help="Refuse runs of more calls.")
@click.option("--allow-code", is_flag=True, help="Let command: providers run their program.")
@click.option("--commit", "make_commit", is_flag=True, help="Commit what was shipped, and nothing else.")
@click.option("--dry-run", is_flag=True, help="Say what would be released and run, and write nothing.")
@format_option
def command(
    selection: Selection,
    environment: str,
    message: str | None,
    bump: str,
    max_cost: float | None,
    max_calls: int | None,
    allow_code: bool,
    make_commit: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """From an edited draft to an environment: release what is ahead, evaluate what the gate lacks, promote.

    It goes through the environments that `after` names, and stops where one refuses. Run again, it replaces what this
    branch made.
    """
    project = find_project()
    names = chosen(project, selection)
    if not as_json:
        output.say_all(
            about(project.head, name, "draft") for name in names if project.head.catalog.draft(name) is not None
        )
    options = Options(
        max_cost=max_cost,
        max_calls=max_calls,
        allow_code=allow_code,
        tool=f"promptreg {__version__}",
        progress=output.Progress(),
        note=output.note,
        resume=True,
    )
    if allow_code:
        project.allow_code(means_of(project, options))
    if make_commit and not dry_run:
        check_committed(project, foundations(project, names, Shipment(environment)))
    steps = _Steps(project, names, dry_run=dry_run, quiet=as_json)
    named = frozenset(names).intersection(selection.names)
    shipment = ship(project, names, Wish(environment, bump, message, options, dry_run, named, steps))
    status = exit_status(shipment.outcomes)
    if not as_json:
        output.say_all(_left_behind(project, shipment))
    if as_json:
        output.say_json(shipment.data())
    if make_commit and not dry_run and status == 0:
        own = own_files(project, names, shipment)
        made = commit(project, own, foundations(project, names, shipment), _message(shipment))
        say_committed(made, as_json=as_json)
    elif not as_json and status == 0 and not dry_run and project.in_git:
        output.say("Next: git add -A && git commit, and open a pull request; promptreg check says what CI will.")
    return status


def _left_behind(project: Project, shipment: Shipment) -> list[str]:
    """What did not arrive, where an environment refused."""
    lines = []
    for outcome in shipment.outcomes:
        if outcome.refused:
            pin = project.head.catalog.pin(shipment.environment, outcome.name)
            now = f"still runs {pin.version}" if pin else "still runs none"
            lines.append(
                f"{outcome.name} {outcome.to} did not reach {shipment.environment}: {outcome.environment} refuses it. "
                f"{shipment.environment} {now}."
            )
    return lines


class _Steps:
    """Prints each step as it is done."""

    def __init__(self, project: Project, names: list[str], *, dry_run: bool, quiet: bool) -> None:
        self.project = project
        self.names = names
        self.dry_run = dry_run
        self.quiet = quiet
        self.results = 0
        self.outcomes = 0

    def __call__(self, step: str, shipment: Shipment) -> None:
        if self.quiet:
            return
        if step == "release":
            lines = release_lines(shipment.released, dry_run=self.dry_run)
            output.say_all(lines or [why_not_ahead(self.project.head, name) for name in self.names])
            output.say_all(f"{name} stands in what includes it; no environment pins it." for name in shipment.stayed)
        elif step == "plan":
            output.say_all(plan_lines(shipment.planned, usd_of_all(self.project.head, shipment.planned)))
            through = ", then ".join(shipment.road)
            output.say_all(f"would promote {spec} to {through}, as far as the gate lets it" for spec in shipment.going)
        elif step == "eval":
            output.say_all(stored_lines(shipment.results[self.results :], NOT_MODELS))
            self.results = len(shipment.results)
        else:
            alpha = self.project.head.config.gate.alpha
            output.say_all(outcome_lines(shipment.outcomes[self.outcomes :], alpha, output.paint))
            self.outcomes = len(shipment.outcomes)


def _message(shipment: Shipment) -> str:
    versions = ", ".join(dict.fromkeys(f"{outcome.name} {outcome.to}" for outcome in shipment.outcomes))
    return f"Ship {versions} to {shipment.environment}"
