"""The files of a registry as a commit has them."""

from __future__ import annotations

from collections.abc import Iterable

from promptreg.core.source import prompt_names
from promptreg.git.repo import Repository


class RevisionSource:
    """A source (core.source) that reads a commit. `prefix` is the registry's folder in the repository (`prompts/`)."""

    def __init__(self, repository: Repository, commit: str, prefix: str) -> None:
        self.repository = repository
        self.commit = commit
        self.prefix = prefix
        found, links = repository.tree_and_links(commit, prefix.rstrip("/"))
        self.ids = {path[len(prefix) :]: blob for path, blob in found.items() if path.startswith(prefix)}
        #: Where links and submodules stand, which are read as if nothing stood there.
        self.links = frozenset(path[len(prefix) :] for path in links if path.startswith(prefix))
        self._contents: dict[str, bytes] = {}

    def shown(self, path: str) -> str:
        """How messages name a file."""
        return f"{self.commit[:12]}:{self.prefix}{path}"

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where the commit has no such file."""
        blob = self.ids.get(path)
        if blob is None:
            return None
        if blob not in self._contents:
            self.fetch([path])
        return self._contents[blob]

    def fetch(self, paths: Iterable[str]) -> None:
        """Read many files at once, which costs one process instead of one for each."""
        wanted = {self.ids[path] for path in paths if path in self.ids} - self._contents.keys()
        self._contents.update(self.repository.blobs(wanted))

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        return path in self.ids

    def names(self) -> list[str]:
        """The names of all prompts, sorted."""
        return prompt_names(self.ids)

    def files(self, folder: str) -> list[str]:
        """The names of the files that stand directly in a folder, sorted."""
        start = f"{folder}/"
        return sorted(
            path[len(start) :] for path in self.ids if path.startswith(start) and "/" not in path[len(start) :]
        )
