"""`promptreg draft`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project
from promptreg.core.errors import PromptregError, SpecError
from promptreg.core.names import parse_spec
from promptreg.core.source import DRAFT
from promptreg.drafts import lost_by, write_drafts


@click.command("draft")
@click.argument("spec", metavar="NAME@VERSION")
@click.option("--force", is_flag=True, help="Even where the draft has changes that are in no version.")
def command(spec: str, force: bool) -> None:
    """Make an old version the draft again."""
    project = find_project()
    name, selector = parse_spec(spec)
    if selector is None or selector.kind in ("draft", "git"):
        raise SpecError(f"{spec}: name a version, as in {name}@1.0.0.")
    view = project.head
    version = view.catalog.resolve(name, selector).version
    text, _ = view.catalog.released(name, version)
    if not force and lost_by(view, name):
        shown = project.folder.shown(f"{name}/{DRAFT}")
        raise PromptregError(
            f"{shown} has changes that are in no version, and would be lost. --force takes {version} all the same."
        )
    write_drafts(project, {name: text})
    output.say(f"{name}@draft is {version} now: {project.folder.shown(f'{name}/{DRAFT}')}")
