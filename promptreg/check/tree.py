"""What may stand in a registry at all: files under names that promptreg reads, each spelt in one way."""

from __future__ import annotations

from collections.abc import Iterable

from promptreg.check.change import Change
from promptreg.core.pins import FOLDER
from promptreg.core.source import DRAFT, SETTINGS, name_problem
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.git.source import RevisionSource

_LINK = "a link stands here. What it leads to can change without this file, and no change of that would be checked."
_REPOSITORY = "another repository stands here (a submodule). What it holds is not in a commit of this one."
THERE_IN_BASE = "base has a link or a submodule here, so what this change makes of it is compared with nothing."
ALONE = "put files in its place, in a change that does nothing else and is merged past this check"
_MOVE = "put its files here, or keep it outside of the registry"
_PROPER = {name: name for name in ("versions", "evals", "results", FOLDER, DRAFT, SUMS_FILE, SETTINGS)}


def check_tree(change: Change) -> None:
    """Refuse links, submodules, and names that are read on no machine, or not on each."""
    _links(change)
    _names(change)


# Links


def _links(change: Change) -> None:
    folder = change.project.folder
    found = change.paths if change.base else folder.links()
    for path in found:
        if change.is_ours(path) and folder.has_no_file_at(path) and not _is_plain_folder(change, path):
            change.links.add(path)
            message, fix = (_LINK, "put the files themselves here") if folder.is_link(path) else (_REPOSITORY, _MOVE)
            change.error("link", message, prompt=change.prompt_of(path), path=path, fix=fix)
    source = change.before.source if change.before else None
    for path in sorted(source.links) if isinstance(source, RevisionSource) else ():
        if path not in change.links and change.is_ours(path):
            change.error("link", THERE_IN_BASE, prompt=change.prompt_of(path), path=path, fix=ALONE)


def _is_plain_folder(change: Change, path: str) -> bool:
    """Whether a folder stands where base has a file."""
    return not change.project.folder.is_link(path) and any(other.startswith(f"{path}/") for other in change.paths)


# Names


def _names(change: Change) -> None:
    source = change.before.source if change.before else None
    old = source.ids if isinstance(source, RevisionSource) else {}
    added = [path for path in change.paths if path not in old and change.head.source.has(path) and change.is_ours(path)]
    told: dict[str, str] = {}
    for path in added:
        problem = _misspelt(path) or _stray(change, path)
        if problem:
            told.setdefault(problem, path)
    strays = change.project.folder.strays() if change.base is None else []
    for path, problem in strays:
        if path not in change.links:
            told.setdefault(problem, path)
    for problem, path in told.items():
        change.error("name", problem, path=path)
    fine = [path for path in added if not (_misspelt(path) or _stray(change, path))]
    _twins(fine, [*old, *change.paths], change)


def _misspelt(path: str) -> str | None:
    """What is wrong with a file under a name of promptreg's own that has another case."""
    for part in path.split("/"):
        proper = _PROPER.get(part.casefold())
        if proper is not None and part != proper:
            return f"{part} is {proper} on some machines and not on others. Write {proper}."
    return None


def _stray(change: Change, path: str) -> str | None:
    """Why a draft or versions.sum belongs to no prompt."""
    name, _, file = path.rpartition("/")
    if not name or file not in (DRAFT, SUMS_FILE) or change.prompt_of(path) == name:
        return None
    inside = change.prompt_of(path)
    return None if inside is not None and inside != name else name_problem(name)


def _twins(added: list[str], others: Iterable[str], change: Change) -> None:
    """Find added files whose place differs from another file's, or folder's, in case alone."""
    if not added:
        return
    has = change.head.source.has
    spelt: dict[str, str] = {}
    folders: set[str] = set()
    wanted = {place.casefold() for path in added for place in _places(path)}
    for path in others:
        above = path.rpartition("/")[0]
        places = [path] if above in folders else _places(path)
        folders.add(above)
        for place in places:
            key = place.casefold()
            if key in wanted and spelt.setdefault(key, place) != place and has(path):
                twin = spelt[key]
                message = f"{place} and {twin} are one place on machines that do not tell cases apart. Keep one."
                change.error("name", message, path=path)
                break


def _places(path: str) -> list[str]:
    """A file's path and those of the folders that it stands in."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
