"""`promptreg yank`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, message_of
from promptreg.core.errors import SpecError
from promptreg.core.names import parse_spec
from promptreg.listing import pinned_in
from promptreg.project import Project
from promptreg.release import yank


@click.command("yank")
@click.argument("spec", metavar="NAME@VERSION")
@click.option("-m", "--message", metavar="TEXT", help="Why; it stays in versions.sum.")
@format_option
def command(spec: str, message: str | None, as_json: bool) -> None:
    """Withdraw a version: promotion refuses it from now on, a standing pin warns. The version itself stays."""
    name, selector = parse_spec(spec)
    if selector is None or selector.kind != "version":
        raise SpecError(f"{spec}: name one version, as in {name}@1.2.0.")
    reason = message_of(message, "yank")
    project = find_project()
    yank(project, name, selector.value, reason)
    where = pinned_in(project.head, name, selector.value)
    if as_json:
        output.say_json({"name": name, "version": selector.value, "reason": reason, "environments": where})
        return
    output.say(f"yanked {name} {selector.value}: {reason}")
    output.say_all(f"{env} still runs it. {_way_out(project, name, env)}" for env in where)


def _way_out(project: Project, name: str, environment: str) -> str:
    pin = project.head.catalog.pin(environment, name)
    if pin is not None and pin.previous is not None:
        return f"promptreg rollback {name} --in {environment}"
    newest = project.head.catalog.sums(name).latest()
    if newest is not None:
        return f"promptreg promote {name}@{newest} --to {environment}"
    return f"promptreg ship {name} --to {environment}, or promptreg unpin {name} --in {environment}"
