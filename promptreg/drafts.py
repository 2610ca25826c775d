"""Writing drafts: an old version again, or a newer version of a partial in those that include it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptreg.core.errors import PromptregError, VersionNotFound
from promptreg.core.source import DRAFT
from promptreg.core.tokens import tokens
from promptreg.files import writing
from promptreg.project import Project, View
from promptreg.selection import draft_file, includes_of


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A draft whose text includes another version of a partial now: the spec it had, the new one, and the new text."""

    name: str
    old: str
    new: str
    text: str


def upgrades(project: Project, partial: str, version: str | None, names: Sequence[str] | None) -> list[Upgrade]:
    """Write an exact version of a partial (None: the newest) into the drafts that include it (None: all of them).

    Nothing is written to files. Raises what reading a draft raises, and VersionNotFound for a named draft that does not
    include the partial.
    """
    view = project.head
    missing = view.catalog.missing(partial)
    if missing:
        raise missing
    wanted = version or view.catalog.sums(partial).latest()
    if wanted is None or wanted not in view.catalog.sums(partial).releases:
        raise view.catalog.no_version(partial, wanted or "version")
    new = f"{partial}@{wanted}"
    found = []
    for name in names if names is not None else _mentioning(view, partial):
        included = [spec for spec in includes_of(view, name) if spec.partition("@")[0] == partial]
        if not included and names is not None:
            raise VersionNotFound(f"{name} does not include {partial}.")
        old = [spec for spec in included if spec != new]
        if old:
            found.append(Upgrade(name, old[0], new, _rewritten(view, name, partial, new)))
    return found


def _mentioning(view: View, partial: str) -> list[str]:
    """The prompts in whose drafts a partial's name stands, whether or not they can be read."""
    drafts = ((name, view.source.read(f"{name}/{DRAFT}")) for name in view.catalog.names())
    return [name for name, data in drafts if data is not None and partial.encode() in data]


def _rewritten(view: View, name: str, partial: str, new: str) -> str:
    """A draft's text with another spec in its includes of a partial; raw blocks and comments stay as they are."""
    text = view.catalog.draft(name) or ""
    file = draft_file(view, name)
    body, place = file.body, 0
    pieces = [text[: len(text) - len(body)]]
    words: list[str] = []
    for kind, begin, end in tokens(view.loader.environment, body):
        value = body[begin:end]
        words = [] if kind == "block_begin" else [*words, value] if kind in ("name", "string") else words
        is_spec = kind == "string" and len(words) == 2 and words[0] == "include"
        if is_spec and value[1:-1].partition("@")[0] == partial:
            pieces += [body[place:begin], value[0], new, value[-1]]
            place = end
    return "".join([*pieces, body[place:]])


def write_drafts(project: Project, texts: dict[str, str]) -> None:
    """Write drafts: name → text."""
    with writing(project.folder) as writer:
        writer.write_all({f"{name}/{DRAFT}": text.encode() for name, text in texts.items()})
    project.reread()


def lost_by(view: View, name: str) -> bool:
    """Whether a draft says something that is in no version, so that overwriting it would lose it."""
    try:
        text = view.catalog.draft(name)
    except PromptregError:
        return True
    return text is not None and all(
        view.catalog.released(name, known)[0] != text for known in view.catalog.sums(name).versions()
    )
