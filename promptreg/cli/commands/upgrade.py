"""`promptreg upgrade`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, selection_options
from promptreg.core.errors import SpecError
from promptreg.core.names import parse_spec
from promptreg.drafts import upgrades, write_drafts
from promptreg.selection import Selection, selected


@click.command("upgrade")
@click.argument("partial", metavar="PARTIAL[@VERSION]")
@selection_options
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@format_option
def command(partial: str, selection: Selection, dry_run: bool, as_json: bool) -> None:
    """Write a newer exact version of a partial into the drafts that include it (all of them unless some are named)."""
    project = find_project()
    name, selector = parse_spec(partial)
    if selector is not None and selector.kind not in ("version", "latest"):
        raise SpecError(f"{partial}: a draft includes an exact version, as in {name}@1.2.0.")
    version = selector.value if selector is not None and selector.kind == "version" else None
    found = upgrades(project, name, version, None if selection.is_empty else selected(project, selection))
    if not dry_run:
        write_drafts(project, {upgrade.name: upgrade.text for upgrade in found})
    if as_json:
        output.say_json({"upgraded": [{"name": each.name, "from": each.old, "to": each.new} for each in found]})
        return
    word = "would write" if dry_run else "wrote"
    output.say_all(f"{word} {each.new} into {each.name}@draft (it had {each.old})" for each in found)
    if not found:
        output.say(f"No draft includes {name} in another version.")
