"""Which prompts a command is about, and who stands on whom."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from promptreg.core.errors import PromptNotFound, PromptregError, SpecError
from promptreg.core.names import check_name
from promptreg.core.source import DRAFT
from promptreg.git.base import automatic_base, named_base, standing_base
from promptreg.git.repo import GitError
from promptreg.project import Project, View

if TYPE_CHECKING:
    from promptreg.core.prompt_file import PromptFile


@dataclass(frozen=True, slots=True)
class Selection:
    """Names and patterns (`support/*`), or all, or what differs from a base, or what includes a partial."""

    names: tuple[str, ...] = ()
    all: bool = False
    changed: bool = False
    base: str | None = None
    uses: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return not (self.names or self.all or self.changed or self.uses)


def selected(project: Project, selection: Selection) -> list[str]:
    """The names that a selection means, sorted; PromptNotFound for a name or pattern that means none."""
    view = project.head
    found: set[str] = set()
    for name in selection.names:
        found.update(_matching(view, name))
    if selection.all:
        found.update(view.catalog.names())
    if selection.changed:
        found.update(changed_names(project, selection.base))
    if selection.uses:
        found.update(_users(view, selection.uses))
    return sorted(found)


def _users(view: View, partial: str) -> list[str]:
    check_name(partial)
    missing = view.catalog.missing(partial)
    if missing:
        raise missing
    found = drafts_including(view, partial)
    if not found:
        raise PromptNotFound(f"No draft includes {partial}.")
    return found


def _matching(view: View, name: str) -> list[str]:
    if any(character in name for character in "*?["):
        found = [known for known in view.catalog.names() if fnmatchcase(known, name)]
        if not found:
            raise PromptNotFound(f"No prompt matches {name}.")
        return found
    prompt, at, _ = name.partition("@")
    if at:
        raise SpecError(f"{name}: this is about prompts, not versions. Name the prompt: {prompt}")
    check_name(name)
    missing = view.catalog.missing(name)
    if missing:
        raise missing
    return [name]


def changed_names(project: Project, base: str | None) -> list[str]:
    """The prompts any of whose files differ from a base revision."""
    repository = project.repository
    if base is None:
        found = standing_base(repository, project.surroundings.environ)
    elif base == "auto":
        found = automatic_base(repository, project.surroundings.environ)
    else:
        found = named_base(repository, base)
    if found is None:
        raise GitError("there is no base revision to tell what changed. Name one: --base REV")
    paths = project.changed_since(found.id)
    before = project.at(found.id)
    here = set(project.head.catalog.names())
    return [name for name in names_of(paths, *filter(None, (project.head, before))) if name in here]


def names_of(paths: Iterable[str], *views: View) -> list[str]:
    """The prompts that some files of a registry belong to: the longest known name that a path begins with."""
    known = {name for view in views for name in view.catalog.names()}
    return sorted({name for path in paths if (name := owner_of(path, known))})


def owner_of(path: str, known: Container[str]) -> str | None:
    """The prompt that a file of the registry belongs to: the longest known name that its path begins with."""
    name = path.rpartition("/")[0]
    while name:
        if name in known:
            return name
        name = name.rpartition("/")[0]
    return None


def draft_file(view: View, name: str) -> PromptFile:
    """A prompt's draft, read and not compiled; raises what reading it raises."""
    from promptreg.core.prompt_file import PromptFile

    text = view.catalog.draft(name)
    return PromptFile(text or "", view.catalog.draft_path(name), view.catalog.settings.limits)


def includes_of(view: View, name: str) -> list[str]:
    """The specs that a prompt's draft includes; none where it has no draft. Raises what reading it raises."""
    data = view.source.read(f"{name}/{DRAFT}")
    if data is None or b"include" not in data:
        return []
    from promptreg.core.template import Parsed

    parsed = Parsed(draft_file(view, name), view.loader.environment, partial=False)
    return [include.spec for include in parsed.syntax.includes]


def readable_includes(view: View, name: str) -> list[str]:
    """The specs that a prompt's draft includes; none where it cannot be read."""
    try:
        return includes_of(view, name)
    except PromptregError:
        return []


def drafts_including(view: View, partial: str) -> list[str]:
    """The prompts whose drafts include a partial."""
    check_name(partial)
    return [
        name
        for name in view.catalog.names()
        if any(spec.partition("@")[0] == partial for spec in readable_includes(view, name))
    ]


def dependencies_first(view: View, names: Sequence[str]) -> list[str]:
    """The names ordered so that each stands behind those that its draft includes; PromptregError for a circle."""
    wanted = set(names)
    done: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise PromptregError(f"includes go round: {' → '.join((*above, name))}.")
        if name in done:
            return
        for spec in readable_includes(view, name):
            included = spec.partition("@")[0]
            if included in wanted:
                visit(included, (*above, name))
        done.append(name)

    for name in sorted(wanted):
        visit(name, ())
    return done
