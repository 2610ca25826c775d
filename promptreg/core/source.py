"""Where the files of a registry are read from."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Protocol

from promptreg.core.errors import IntegrityError, PromptregError, RegistryNotFound, SpecError
from promptreg.core.names import MAX_NAME, check_name, is_name, is_segment

DRAFT = "prompt.md"
VERSIONS = "versions"
SETTINGS = "promptreg.toml"
#: The files either of which makes a folder a prompt.
_MARKS = (DRAFT, "versions.sum")
#: Folders of a prompt that hold no prompts.
_OWN = (VERSIONS, "evals")


LEADS_OUT = "this is a link that leads out of the registry."


class Source(Protocol):
    """The files of one registry, by paths relative to its root, joined by `/`."""

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no file."""

    def has(self, path: str) -> bool:
        """Whether there is a file."""

    def names(self) -> list[str]:
        """The names of all prompts, sorted: folders that hold a draft or versions.sum."""

    def files(self, folder: str) -> list[str]:
        """The names of the files that stand directly in a folder, sorted; none where there is no folder."""

    def shown(self, path: str) -> str:
        """How messages name a file."""


class Folder:
    """A registry in a folder. `root` is a real path; `prefix` goes before paths in messages (`prompts/`).

    Links inside the folder may lead anywhere inside it; a file that a link brings in from outside is refused.
    """

    def __init__(self, root: str, prefix: str = "") -> None:
        self.root = os.path.realpath(root)
        self.prefix = prefix
        #: Folders that were found to be no links and below the root, as they were then (device, inode).
        self._real: dict[str, tuple[int, int]] = {}

    def shown(self, path: str) -> str:
        """How messages name a file."""
        return self.prefix + path

    def path(self, path: str) -> str:
        """The path in the file system; IntegrityError where a link leads out of the registry."""
        full = os.path.join(self.root, path)
        folder = os.path.dirname(full)
        if folder in self._real and self._real[folder] == _identity(folder) and not os.path.islink(full):
            return full
        if not self._inside(os.path.realpath(full)):
            raise IntegrityError(LEADS_OUT, path=self.shown(path))
        return full

    def _inside(self, real: str) -> bool:
        return real == self.root or real.startswith(self.root.rstrip(os.sep) + os.sep)

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no file."""
        file = self.open(path)
        if file is None:
            return None
        try:
            with file:
                return file.read()
        except OSError as problem:
            raise PromptregError(f"cannot be read: {problem.strerror}.", path=self.shown(path)) from None

    def open(self, path: str) -> BinaryIO | None:
        """A file, opened to be read piece by piece; None where there is no file."""
        try:
            file = open(self.path(path), "rb", opener=_without_waiting)  # noqa: SIM115 - its reader closes it
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            raise PromptregError(f"cannot be read: {problem.strerror}.", path=self.shown(path)) from None
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise PromptregError("this is not a regular file.", path=self.shown(path))
        return file

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        return os.path.isfile(os.path.join(self.root, path))

    def has_no_file_at(self, path: str) -> bool:
        """Whether something stands at a path that is no regular file: a link, a folder (a submodule)."""
        try:
            return not stat.S_ISREG(os.lstat(os.path.join(self.root, path)).st_mode)
        except OSError:
            return False

    def is_link(self, path: str) -> bool:
        """Whether a link stands at a path, wherever it leads."""
        return os.path.islink(os.path.join(self.root, path))

    def links(self) -> list[str]:
        """All links in the registry, sorted; what stands behind them, and in folders like .git, is left out."""
        found: list[str] = []
        for folder, below, files in os.walk(self.root):
            inside = os.path.relpath(folder, self.root).replace(os.sep, "/")
            prefix = "" if inside == os.curdir else f"{inside}/"
            below[:] = [name for name in below if not name.startswith(".")]
            found.extend(prefix + name for name in (*below, *files) if self.is_link(prefix + name))
        return sorted(found)

    def strays(self) -> list[tuple[str, str]]:
        """Files that would make their folder a prompt if its name could be one: each path, and what is wrong with it.

        `names` leaves these folders out, and those that a link brings in from outside, which are told too.
        """
        found: list[tuple[str, str]] = []
        self._stray_below("", found)
        return sorted(found)

    def _stray_below(self, prefix: str, found: list[tuple[str, str]]) -> None:
        try:
            entries = list(os.scandir(os.path.join(self.root, prefix)))
        except OSError:
            return
        marks = [entry.name for entry in entries if entry.name in _MARKS]
        problem = name_problem(prefix[:-1]) if prefix and marks else None
        if problem:
            found.append((prefix + min(marks), problem))
        for entry in entries:
            if entry.name.startswith(".") or (marks and entry.name in _OWN) or not _is_folder(entry):
                continue
            if not entry.is_symlink():
                self._stray_below(f"{prefix}{entry.name}/", found)
            elif not self._inside(os.path.realpath(entry.path)) and self._has_mark(entry.path):
                found.append((prefix + entry.name, LEADS_OUT))

    def _has_mark(self, folder: str) -> bool:
        return any(os.path.isfile(os.path.join(folder, mark)) for mark in _MARKS)

    def names(self) -> list[str]:
        """The names of all prompts, sorted."""
        found: list[str] = []
        self._walk("", found, {self.root}, linked=False)
        return sorted(found)

    def _walk(self, prefix: str, found: list[str], targets: set[str], *, linked: bool) -> None:
        path = os.path.join(self.root, prefix).rstrip(os.sep)
        try:
            entries = list(os.scandir(path))
        except OSError:
            return
        if not linked and (identity := _identity(path)):
            self._real[path] = identity
        is_prompt = False
        for entry in entries:
            if entry.name in _MARKS:
                is_prompt = True
            elif is_segment(entry.name) and _is_folder(entry):
                self._descend(prefix + entry.name, entry, found, targets, linked=linked)
        if is_prompt and 0 < len(prefix) <= MAX_NAME + 1:
            found.append(prefix[:-1])

    def _descend(
        self, name: str, entry: os.DirEntry[str], found: list[str], targets: set[str], *, linked: bool
    ) -> None:
        if entry.is_symlink():
            real = os.path.realpath(entry.path)
            if real in targets or not self._inside(real):
                return
            targets.add(real)
            linked = True
        self._walk(name + "/", found, targets, linked=linked)

    def files(self, folder: str) -> list[str]:
        """The names of the files that stand directly in a folder, sorted."""
        try:
            return sorted(entry.name for entry in os.scandir(self.path(folder)) if _is_file(entry))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as problem:
            raise PromptregError(f"cannot be read: {problem.strerror}.", path=self.shown(folder)) from None


Signature = tuple[int, int, int, int] | None


def signature(source: Source, path: str) -> Signature:
    """What changes when a file in a folder does; None where there is no file, or no folder."""
    if not isinstance(source, Folder):
        return None
    try:
        found = os.stat(os.path.join(source.root, path))
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _without_waiting(path: str, flags: int) -> int:
    """Open so that a pipe that somebody put in a file's place does not hold the reader."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Files:
    """A registry in memory: paths to bytes."""

    def __init__(self, files: Mapping[str, bytes], prefix: str = "") -> None:
        self._files = dict(files)
        self.prefix = prefix

    def shown(self, path: str) -> str:
        """How messages name a file."""
        return self.prefix + path

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no file."""
        return self._files.get(path)

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        return path in self._files

    def names(self) -> list[str]:
        """The names of all prompts, sorted."""
        return prompt_names(self._files)

    def files(self, folder: str) -> list[str]:
        """The names of the files that stand directly in a folder, sorted."""
        start = f"{folder}/"
        return sorted(
            path[len(start) :] for path in self._files if path.startswith(start) and "/" not in path[len(start) :]
        )


class Overlay:
    """A source with some files put on top, or taken away (None): what a registry will be once they are written."""

    def __init__(self, below: Source, files: dict[str, bytes | None] | None = None) -> None:
        self.below = below
        self.top: dict[str, bytes | None] = {} if files is None else files

    def shown(self, path: str) -> str:
        """How messages name a file."""
        return self.below.shown(path)

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no file."""
        return self.top[path] if path in self.top else self.below.read(path)

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        return self.top[path] is not None if path in self.top else self.below.has(path)

    def names(self) -> list[str]:
        """The names of all prompts, sorted."""
        touched = set(prompt_names(self.top))
        known = touched | set(self.below.names())
        return sorted(
            name for name in known if name not in touched or any(self.has(f"{name}/{file}") for file in _MARKS)
        )

    def files(self, folder: str) -> list[str]:
        """The names of the files that stand directly in a folder, sorted."""
        found = set(self.below.files(folder))
        for path, data in self.top.items():
            above, _, name = path.rpartition("/")
            if above == folder:
                found.discard(name) if data is None else found.add(name)
        return sorted(found)


def name_problem(name: str) -> str | None:
    """Why a folder cannot be a prompt, in a sentence; None where it can."""
    try:
        check_name(name)
    except SpecError as problem:
        return problem.message
    return None


def prompt_names(paths: Iterable[str]) -> list[str]:
    """The names of the prompts whose draft or versions.sum is among some paths, sorted."""
    found = {path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] in _MARKS}
    return sorted(name for name in found if name and is_name(name))


def registry_in(path: str) -> str | None:
    """The folder of a registry: this one, or `prompts` in it; None where neither holds promptreg.toml."""
    for root in (path, os.path.join(path, "prompts")):
        if os.path.isfile(os.path.join(root, SETTINGS)):
            return root
    return None


def find_registry(start: str) -> str | None:
    """The first registry from a folder upwards, not above the root of its git repository."""
    here = os.path.abspath(start)
    while True:
        found = registry_in(here)
        if found or os.path.exists(os.path.join(here, ".git")) or os.path.dirname(here) == here:
            return found
        here = os.path.dirname(here)


def no_registry(wanted: str | None, start: str, variable: str | None) -> RegistryNotFound:
    """What to say where there is none: in what was `wanted`, which a variable may have named, or around `start`."""
    if variable:
        return RegistryNotFound(f"PROMPTREG_ROOT: no {SETTINGS} in {variable}, nor in a prompts/ there.")
    if wanted:
        return RegistryNotFound(f"No {SETTINGS} in {wanted}, nor in a prompts/ there.")
    return RegistryNotFound(
        f"No {SETTINGS} in {start} or above, nor in a prompts/ there. Set PROMPTREG_ROOT, or start in the "
        "repository. To begin: promptreg init"
    )


def folder(root: str, working_directory: str) -> Folder:
    """The source for a registry's folder; messages name its files as seen from the working directory."""
    try:
        relative = os.path.relpath(root, working_directory)
    except ValueError:  # on another drive
        relative = os.pardir
    prefix = root if relative.startswith(os.pardir) else relative
    return Folder(root, "" if prefix == os.curdir else prefix.rstrip(os.sep) + os.sep)
