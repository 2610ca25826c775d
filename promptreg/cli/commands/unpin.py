"""`promptreg unpin`."""

from __future__ import annotations

import click

from promptreg.cli.commands.promote import check_no_pattern, check_repository, commit_moves, report
from promptreg.cli.options import find_project, format_option, in_option
from promptreg.core.names import check_name
from promptreg.promotion.rollback import unpin


@click.command("unpin")
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@in_option()
@click.option("--commit", "make_commit", is_flag=True, help="Commit the environment file, and nothing else.")
@format_option
def command(names: tuple[str, ...], environment: str, make_commit: bool, as_json: bool) -> None:
    """Take prompts out of an environment. Code that asks it for them will not find them."""
    check_no_pattern(names, "one by one")
    for name in names:
        check_name(name)
    project = find_project()
    check_repository(project, wanted=make_commit)
    outcomes = unpin(project, names, environment)
    report(project, outcomes, as_json=as_json)
    if make_commit:
        commit_moves(project, outcomes, environment, as_json=as_json)
