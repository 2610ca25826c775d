"""What files said before, on the way to a commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptreg.git.commits import pattern
from promptreg.git.repo import Repository


class Past:
    """The first parents of a commit: what its branch was, one merge or commit after the other."""

    def __init__(self, repository: Repository, commit: str) -> None:
        self.repository = repository
        self.commit = commit
        self._texts: dict[tuple[str, ...], list[tuple[str, str, str]]] = {}

    def texts(self, paths: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Each earlier text of some files, newest first: the path, the id of the commit that ended it, the text.

        Paths are relative to the repository. None where a clone hides what was before.
        """
        key = tuple(paths)
        if key not in self._texts:
            self._texts[key] = [] if self.repository.hides_past() else self._read(paths)
        yield from self._texts[key]

    def _read(self, paths: Sequence[str]) -> list[tuple[str, str, str]]:
        found = [
            (path, commit.id, olds[0])
            for commit in self.repository.history(self.commit, [pattern(path) for path in paths], first_parent=True)
            for path, olds, _ in commit.changes
            if olds[0].strip("0")
        ]
        data = self.repository.blobs(blob for _, _, blob in found)
        return [(path, commit, data[blob].decode("utf-8", "replace")) for path, commit, blob in found]
