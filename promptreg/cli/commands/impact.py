"""`promptreg impact`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.listing import about, impact
from promptreg.report.listing import impact_lines


@click.command("impact")
@click.argument("name")
@format_option
def command(name: str, as_json: bool) -> None:
    """Who includes a prompt, directly or through others, and which environments run them."""
    project = find_project()
    users = impact(project.head, name)
    if as_json:
        output.say_json({"name": name, "users": [user.data() for user in users]})
        return
    latest = project.head.catalog.sums(name).latest()
    output.say(about(project.head, name, latest or "draft"))
    output.say_all(impact_lines(name, users))
