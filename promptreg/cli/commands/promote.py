"""`promptreg promote`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, message_of, to_option
from promptreg.committing import check_committed, commit
from promptreg.core.pins import environment_path
from promptreg.project import Project
from promptreg.promotion.promote import Wish, movable, promote
from promptreg.promotion.rules import Outcome, stands_on
from promptreg.report.moves import outcome_lines


@click.command("promote")
@click.argument("specs", metavar="[SPEC]…", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Every prompt that has a version to move to.")
@to_option
@click.option("--force", is_flag=True, help="Against the gate, with a waiver that stays in the pin; needs -m.")
@click.option("-m", "--message", metavar="TEXT", help="Why the gate is overridden.")
@click.option("--commit", "make_commit", is_flag=True, help="Commit the environment file, and nothing else.")
@click.option("--dry-run", is_flag=True, help="Ask the gate, and move nothing.")
@format_option
def command(
    specs: tuple[str, ...],
    all_: bool,
    environment: str,
    force: bool,
    message: str | None,
    make_commit: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Move an environment to another version, through the gate. All of them move, or none.

    Without a selector: the version that the environment before it (`after`) pins, else the newest.
    """
    if all_ == bool(specs):
        raise click.UsageError("Name what to promote, or --all.")
    check_no_pattern(specs, "or --all")
    reason = message_of(message, "--force") if force else message
    project = find_project()
    check_repository(project, wanted=make_commit)

    def before_writing(outcomes: Sequence[Outcome]) -> None:
        if make_commit:
            check_committed(project, _foundations(project, outcomes))

    names = movable(project.head, environment) if all_ else list(specs)
    outcomes = promote(project, names, Wish(environment, force, reason, dry_run, before_writing))
    report(project, outcomes, as_json=as_json, dry_run=dry_run)
    status = exit_status(outcomes)
    if make_commit and not dry_run and status == 0:
        commit_moves(project, outcomes, environment, as_json=as_json)
    return status


def check_no_pattern(specs: Sequence[str], instead: str) -> None:
    """UsageError where a pattern stands in the place of a name."""
    for spec in specs:
        if any(character in spec for character in "*?["):
            raise click.UsageError(f"{spec} is a pattern, and this takes names, {instead}.")


def report(project: Project, outcomes: list[Outcome], *, as_json: bool, dry_run: bool = False) -> None:
    """Print what came of wishes to move pins."""
    if as_json:
        refused = any(outcome.refused for outcome in outcomes)
        moved = [] if refused or dry_run else [outcome.data() for outcome in outcomes if not outcome.unchanged]
        possible = [outcome.data() for outcome in outcomes if not outcome.refused and not outcome.unchanged]
        facts = {"moved": moved, "refused": [outcome.data() for outcome in outcomes if outcome.refused]}
        output.say_json(facts | ({"would_move": possible} if dry_run else {}))
    else:
        alpha = project.head.config.gate.alpha
        output.say_all(outcome_lines(outcomes, alpha, output.paint, dry_run=dry_run))


def exit_status(outcomes: list[Outcome]) -> int:
    """1 where a rule or a regression refuses, 4 where only the gate cannot tell, else 0."""
    statuses = [
        outcome.verdict.exit_status
        if outcome.verdict and all(reason.rule == "gate" for reason in outcome.reasons)
        else 1
        for outcome in outcomes
        if outcome.refused
    ]
    return 1 if 1 in statuses else max(statuses, default=0)


def check_repository(project: Project, *, wanted: bool) -> None:
    """GitError, before anything moves, where a commit is wanted and there is no repository."""
    if wanted:
        check_committed(project, ())


def _foundations(project: Project, outcomes: Sequence[Outcome]) -> set[str]:
    """The files that moves of pins stand on: versions, partials, and the evidence of both sides."""
    versions = {(each.name, version) for each in outcomes for version in (each.to, each.before) if version}
    known = {(name, version) for name, version in versions if version in project.head.catalog.sums(name).releases}
    return {"promptreg.toml"} | {path for name, version in known for path in stands_on(project.head, name, version)}


def commit_moves(project: Project, outcomes: list[Outcome], environment: str, *, as_json: bool) -> None:
    """Commit what a promotion or rollback wrote, now or when its commit failed."""
    word = {"promote": "Promote", "rollback": "Roll back", "unpin": "Unpin"}[outcomes[0].kind]
    told = [each for each in outcomes if not each.unchanged] or outcomes
    what = ", ".join(f"{each.name} {each.to}".strip() for each in told[:3]) + (" …" if len(told) > 3 else "")
    place = f"to {environment}" if outcomes[0].kind == "promote" else f"in {environment}"
    own = [environment_path(environment)]
    made = commit(project, own, _foundations(project, outcomes), f"{word} {what} {place}")
    say_committed(made, as_json=as_json)


def say_committed(commit_id: str | None, *, as_json: bool) -> None:
    """Say what was committed."""
    if not as_json:
        output.say(f"committed {commit_id[:9]}" if commit_id else "nothing to commit")
