"""`promptreg diff`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.core.errors import VersionNotFound
from promptreg.core.names import DRAFT, Selector, parse_spec
from promptreg.core.prompt import Prompt
from promptreg.diff.bumps import greatest_lower
from promptreg.diff.contract import Change, bump_of, compare
from promptreg.diff.words import Pieces, words
from promptreg.project import Project, View
from promptreg.report.diff import change_data, diff_lines


@dataclass(frozen=True, slots=True)
class _Pair:
    old: Prompt
    new: Prompt
    old_name: str
    new_name: str

    def changes(self) -> list[Change]:
        return compare(self.old, self.new)

    def words(self) -> Pieces:
        return words(self.old.file.body, self.new.file.body)

    def data(self) -> dict[str, Any]:
        changes = self.changes()
        pieces = [list(piece) for piece in self.words()] if any(change.kind == "text" for change in changes) else []
        return {
            "from": self.old_name,
            "to": self.new_name,
            "bump": bump_of(changes),
            "changes": [change_data(change) for change in changes],
            "text": [{"path": "body", "words": pieces}] if pieces else [],
        }


@click.command("diff")
@click.argument("specs", metavar="[SPEC [SPEC]]", nargs=-1)
@format_option
def command(specs: tuple[str, ...], as_json: bool) -> None:
    """What changed: contract, settings, includes, words.

    Two specs: from the first to the second. One: against what the default environment runs, else the version before.
    None: every draft that is ahead.
    """
    if len(specs) > 2:
        raise click.UsageError("diff takes two specs at most.")
    project = find_project()
    pairs = _pairs(project, specs)
    if as_json:
        output.say_json(pairs[0].data() if specs else {"diffs": [pair.data() for pair in pairs]})
        return
    for pair in pairs:
        title = f"{pair.old_name} → {pair.new_name}"
        output.say_all(diff_lines(title, pair.changes(), pair.words(), output.paint))
    if not pairs:
        output.say("No draft is ahead of its newest version.")


def _pairs(project: Project, specs: tuple[str, ...]) -> list[_Pair]:
    view = project.head
    if len(specs) == 2:
        old, new = project.prompt(specs[0]), project.prompt(specs[1])
        return [_Pair(old, new, _named(specs[0], old), _named(specs[1], new))]
    if specs:
        new = project.prompt(specs[0])
        return [_against(view, new, _named(specs[0], new))]
    ahead = [name for name in view.catalog.names() if view.catalog.sums(name).latest() and view.is_ahead(name)]
    return [_against(view, view.prompt(name, DRAFT), f"{name}@draft") for name in ahead]


def _named(spec: str, prompt: Prompt) -> str:
    return spec if "@git:" in spec else prompt.spec


def _against(view: View, new: Prompt, new_name: str) -> _Pair:
    """The pair of a prompt and what runs now, else the version before it."""
    name = new.name
    default = view.catalog.settings.default_environment
    if default in view.catalog.settings.environments:
        pin = view.catalog.pin(default, name)
        if pin is not None and pin.version != new.version:
            old = view.prompt(name, Selector("environment", default))
            return _Pair(old, new, f"{old.spec} ({default})", new_name)
    versions = view.catalog.sums(name).versions()
    before = view.catalog.sums(name).latest() if new.version == "draft" else greatest_lower(new.version, versions)
    if before is None:
        parse_spec(name)
        raise VersionNotFound(f"{new_name} is the first: there is nothing before it to compare with.")
    old = view.loader.version(name, before)
    return _Pair(old, new, old.spec, new_name)
