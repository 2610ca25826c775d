"""What .gitattributes files do to frozen files: git must hand them out byte for byte as they were committed."""

from __future__ import annotations

from collections.abc import Iterator

from promptreg.check.change import Change
from promptreg.core.errors import PromptregError
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.lint.finding import WARNING, Finding

_FILE = ".gitattributes"
_ASKED = ("text", "crlf", "eol", "ident", "working-tree-encoding", "filter")
_KEPT = ("unset", "unspecified")
#: A prompt that nobody has: what is said of all prompts is said of it.
_ANY = "x"
_FIX = f"end it with  **/versions/** -text  **/{SUMS_FILE} -text  **/evals/results/** -text  as promptreg init does"


def check_attributes(change: Change) -> None:
    """Look at the .gitattributes files that differ, and at what git would do to the frozen files below them."""
    found = [path for path in change.paths if path.rpartition("/")[2] == _FILE]
    if not found or not change.project.in_git:
        return
    prefix = change.project.prefix
    frozen = list(_frozen(change, [path.rpartition("/")[0] for path in found]))
    given = change.project.repository.attributes([prefix + path for path in frozen], _ASKED)
    for path in found:
        folder = path.removesuffix(_FILE)
        mine = {file: given[prefix + file] for file in frozen if file.startswith(folder)}
        _told(change, path, mine)


def _told(change: Change, path: str, given: dict[str, dict[str, str]]) -> None:
    for file, attributes in given.items():
        wrong = _changing(attributes)
        if wrong:
            message = f"git would change released files as it checks them out: {wrong} holds for {_named(file)}."
            change.error("attributes", message, path=path, fix=_FIX)
            return
    for file, attributes in given.items():
        if attributes["text"] != "unset":
            message = f"git may change line ends of released files: {_named(file)} has no -text."
            shown = change.head.source.shown(path)
            change.say(Finding("attributes", WARNING, message, None, shown, None, None, _FIX))
            return


def _named(file: str) -> str:
    return f"NAME/{file.partition(f'{_ANY}/')[2]}" if file.startswith(f"{_ANY}/") else file


def _changing(attributes: dict[str, str]) -> str | None:
    """The attribute that makes git change a file's bytes; None where none does."""
    names = ["text", "ident", "working-tree-encoding", "filter"]
    if attributes["text"] == "unspecified":
        names += ["crlf", "eol"]
    for name in names:
        value = attributes[name]
        if value not in _KEPT:
            return name if value == "set" else f"{name}={value}"
    return None


def _frozen(change: Change, folders: list[str]) -> Iterator[str]:
    """Frozen files below some folders, of the prompts that are there and of one that might come."""
    for name in [_ANY, *sorted(change.here)]:
        below = any(not folder or f"{name}/".startswith(f"{folder}/") for folder in folders)
        within = any(folder.startswith(f"{name}/") for folder in folders)
        if below or within:
            yield f"{name}/{SUMS_FILE}"
            versions = _versions(change, name) or ["1.0.0"]
            for version in versions:
                yield f"{name}/versions/{version}.txt"
                yield f"{name}/evals/results/{version}/suite.json"


def _versions(change: Change, name: str) -> list[str]:
    try:
        return change.head.catalog.sums(name).versions()
    except PromptregError:  # told where the file itself is read
        return []
