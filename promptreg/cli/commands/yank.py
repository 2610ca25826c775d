"""`promptreg yank`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, message_of
from promptreg.core.errors import SpecError
from promptreg.core.names import parse_spec
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
    where = [
        env
        for env in project.head.catalog.settings.environments
        if (pin := project.head.catalog.pin(env, name)) and pin.version == selector.value
    ]
    if as_json:
        output.say_json({"name": name, "version": selector.value, "reason": reason, "environments": where})
        return
    output.say(f"yanked {name} {selector.value}: {reason}")
    output.say_all(f"{env} still runs it. promptreg rollback {name} --in {env}" for env in where)
