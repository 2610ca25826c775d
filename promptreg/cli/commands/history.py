"""`promptreg history`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, in_option
from promptreg.core.names import check_name
from promptreg.history import history, pins_at
from promptreg.project import Project
from promptreg.report.states import history_lines
from promptreg.report.table import columns


@click.command("history")
@click.argument("name", required=False)
@in_option(required=False)
@click.option("--since", metavar="DATE", help="Nothing older than this (2026-11-01).")
@click.option("--at", "moment", metavar="REV|DATE", help="What the environment ran then; needs --in.")
@format_option
def command(name: str | None, environment: str | None, since: str | None, moment: str | None, as_json: bool) -> None:
    """Who released and promoted what, when: from git, and from what is not committed yet."""
    project = find_project()
    if environment is not None:
        project.head.catalog.check_environment(environment)
    if name is not None:
        check_name(name)
    if moment is not None:
        if environment is None:
            raise click.UsageError("--at needs an environment: --in ENV.")
        _at(project, name, environment, moment, as_json)
        return
    events = history(project, frozenset({name}) if name else None, environment, since)
    if name is not None and not events:
        missing = project.head.catalog.missing(name)
        if missing:
            raise missing
    if as_json:
        output.say_json({"events": [event.data() for event in events]})
    else:
        output.say_all(history_lines(events))


def _at(project: Project, name: str | None, environment: str, moment: str, as_json: bool) -> None:
    commit, pins = pins_at(project, environment, moment)
    found = {known: pin for known, pin in pins.items() if name in (None, known)}
    if as_json:
        versions = {known: {"version": pin.version, "digest": pin.digest} for known, pin in found.items()}
        output.say_json({"environment": environment, "commit": commit, "prompts": versions})
        return
    output.say(f"{environment} at {moment} ({commit[:9]})")
    output.say_all(columns([[known, pin.version] for known, pin in found.items()]) or ["It ran nothing."])
