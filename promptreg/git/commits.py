"""What git's log says, as data."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: The options of `git log` whose output `read_commits` reads.
LOG_OPTIONS = (
    "--format=%H%x00%cI%x00%an <%ae>%x00%s%x00",
    "--raw",
    "--no-abbrev",
    "--no-renames",
    "-z",
    "--no-ext-diff",
    "--no-textconv",
)


class Commit:
    """One commit of a log: its id, the ISO time, the author, and the files it changed: path, old ids, new id.

    A merge has an old id for each parent, and only the files that are as no parent has them.
    """

    __slots__ = ("at", "by", "changes", "id", "subject")

    def __init__(self, id: str, at: str, by: str, subject: str) -> None:  # noqa: A002 - a commit's id
        self.id = id
        self.at = at
        self.by = by
        self.subject = subject
        self.changes: list[tuple[str, tuple[str, ...], str]] = []


def read_commits(output: str) -> Iterator[Commit]:
    """Read a log by position: no text of a commit holds a NUL, and no id begins with `:`."""
    words = iter(output.split("\0"))
    commit: Commit | None = None
    for word in words:
        start = word.lstrip("\n")
        if start.startswith(":") and commit is not None:
            ids = start.split(" ")
            ids = ids[len(ids) // 2 : -1]
            commit.changes.append((next(words), tuple(ids[:-1]), ids[-1]))
        elif start:
            if commit is not None:
                yield commit
            commit = Commit(start, next(words), next(words), next(words))
    if commit is not None:
        yield commit


def pattern(path: str) -> str:
    """A path as `Repository.history` takes it, none of its letters a wildcard."""
    return re.sub(r"[*?\[\]\\]", r"\\\g<0>", path)
