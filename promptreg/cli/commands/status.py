"""`promptreg status`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, selection_options
from promptreg.overview import status
from promptreg.report.states import status_data, status_lines
from promptreg.selection import Selection, selected


@click.command("status")
@selection_options
@format_option
def command(selection: Selection, as_json: bool) -> None:
    """Drafts ahead of their releases, environments behind, evidence missing. All prompts unless some are named."""
    project = find_project()
    names = project.head.catalog.names() if selection.is_empty else selected(project, selection)
    rows = status(project.head, names)
    if as_json:
        output.say_json({"prompts": [status_data(row) for row in rows]})
    else:
        output.say_all(status_lines(rows))
