"""`promptreg list`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, in_option
from promptreg.listing import in_order, listing
from promptreg.report.listing import list_lines


@click.command("list")
@in_option(required=False)
@format_option
def command(environment: str | None, as_json: bool) -> None:
    """The prompts, their versions and what environments run; with --in, what one environment runs."""
    project = find_project()
    if environment is not None:
        from promptreg.overview import running
        from promptreg.report.states import running_data, running_lines

        rows = running(project, environment)
        if as_json:
            output.say_json({"environment": environment, "prompts": [running_data(row) for row in rows]})
        else:
            output.say_all(running_lines(environment, rows))
        return
    found = listing(project.head)
    if as_json:
        output.say_json({"prompts": [row.data() for row in found]})
    elif found:
        output.say_all(list_lines(found, in_order(project.head)))
    else:
        output.say("No prompts yet. promptreg new support/answer --chat makes one.")
