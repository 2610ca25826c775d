"""`promptreg rollback`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.commands.promote import check_repository, commit_moves, exit_status, report
from promptreg.cli.options import find_project, format_option, in_option, message_of
from promptreg.core.errors import PromptregError
from promptreg.core.names import parse_spec
from promptreg.promotion.rollback import last_moved, roll_back, roll_back_to


@click.command("rollback")
@click.argument("spec", metavar="[NAME | NAME@VERSION]", required=False)
@in_option()
@click.option("-m", "--message", metavar="TEXT", help="Why; needed for NAME@VERSION.")
@click.option("--commit", "make_commit", is_flag=True, help="Commit the environment file, and nothing else.")
@format_option
def command(spec: str | None, environment: str, message: str | None, make_commit: bool, as_json: bool) -> int:
    """Move an environment back: to what it ran before (no gate asks), or to any version, with a reason.

    Without a name: whatever its last change moved.
    """
    project = find_project()
    project.head.catalog.check_environment(environment)
    check_repository(project, wanted=make_commit)
    if spec is None:
        names = last_moved(project, environment)
        if not names:
            raise PromptregError(f"the last change of {environment} moved no prompt. Name one.")
        if not as_json:
            output.say(f"The last change of {environment} moved {', '.join(names)}.")
        outcomes = roll_back(project, names, environment)
    else:
        name, selector = parse_spec(spec)
        if selector is None:
            outcomes = roll_back(project, [name], environment)
        else:
            outcomes = [roll_back_to(project, spec, environment, message_of(message, "rollback to a named version"))]
    report(project, outcomes, as_json=as_json)
    status = exit_status(outcomes)
    if make_commit and status == 0:
        commit_moves(project, outcomes, environment, as_json=as_json)
    return status
