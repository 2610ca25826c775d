"""Writing into a registry: every file whole or not at all, one writer at a time.

All that promptreg writes goes through here, so this is the one place to look at for what a crash can leave behind.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from promptreg.core.errors import PromptregError
from promptreg.core.source import Folder

#: The folder for what belongs to one machine: the lock, results of drafts. It keeps itself out of git.
LOCAL = ".promptreg"
_PATIENCE = 60.0
_BLOCK = 1 << 20
_LINE = 1 << 13


class WriteError(PromptregError):
    """A file cannot be written, or somebody else has held the registry's lock for too long."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that is written and synced, and not yet in its place; `digest` is its SHA-256 in hexadecimal digits."""

    temporary: Path
    digest: str


class Writer:
    """Writes files of one registry. Made by `writing`, which holds the registry's lock."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._staged: set[Path] = set()

    def write(self, path: str, data: str | bytes) -> None:
        """Put a whole file in place: written beside it, synced, renamed. The mode of a file that was there stays."""
        self.write_all({path: data.encode() if isinstance(data, str) else data})

    def write_all(self, files: Mapping[str, bytes | None]) -> None:
        """Put several files in place, in their order; those that are None are removed when all others are there.

        Every one is written beside its place before the first is renamed, so that what cannot be written stops it all.
        """
        staged: dict[str, Path] = {}
        try:
            for path, data in files.items():
                if data is not None:
                    with self._telling(path, "written"):
                        staged[path] = _stage(self._target(path), [data])
            for path, temporary in list(staged.items()):
                with self._telling(path, "written"):
                    temporary.replace(self._target(path))
                    _sync_folder(temporary.parent)
                del staged[path]
        finally:
            for temporary in staged.values():
                self._remove(temporary)
        for path, data in files.items():
            if data is None:
                with self._telling(path, "removed"):
                    self._remove(self._target(path))

    def stage(self, folder: str, parts: Iterable[str]) -> Staged:
        """Write a file, part by part, that gets its name and place later: its name may depend on its digest."""
        digest = hashlib.sha256()

        def measured() -> Iterator[bytes]:
            for part in parts:
                data = part.encode()
                digest.update(data)
                yield data

        target = self._target(f"{folder}/new")
        with self._telling(folder, "written"):
            # what a kill left: whoever has the lock is the only one who stages
            for left in set(target.parent.glob(".new.*.tmp")) - self._staged:
                left.unlink()
            temporary = _stage(target, measured())
            self._staged.add(temporary)
        return Staged(temporary, digest.hexdigest())

    def place(self, staged: Mapping[str, Staged]) -> None:
        """Put staged files in place, in their order."""
        for path, file in staged.items():
            with self._telling(path, "written"):
                file.temporary.replace(self._target(path))
                _sync_folder(file.temporary.parent)

    def drop(self, staged: Iterable[Staged]) -> None:
        """Remove staged files that were not put in place."""
        for file in staged:
            self._remove(file.temporary)

    def _target(self, path: str) -> Path:
        return Path(self._folder.path(path))

    @contextmanager
    def _telling(self, path: str, word: str) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise WriteError(f"cannot be {word}: {problem.strerror}.", path=self._folder.shown(path)) from None

    def _remove(self, target: Path) -> None:
        target.unlink(missing_ok=True)
        for folder in target.parents:
            if folder == Path(self._folder.root) or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


class Log:
    """A file of lines on this machine that only grows, for what must outlive a kill: each line is there once written.

    It is held by one process at a time, and by nobody once that is dead. Made by `log`.
    """

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle
        self._end = self._whole()

    def _whole(self) -> int:
        """Cut off a last line that a kill left unfinished; where the file ends then."""
        size = os.fstat(self._handle).st_size
        end = size
        while end:
            start = max(0, end - _BLOCK)
            at = os.pread(self._handle, end - start, start).rfind(b"\n")
            if at >= 0:
                end = start + at + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._handle, end)
        return end

    def append(self, line: str) -> int:
        """Write a line (without a line break); returns where it stands. WriteError where the disk takes no more."""
        data = f"{line}\n".encode()
        at = self._end
        try:
            while data:
                data = data[os.write(self._handle, data) :]
        except OSError as problem:
            os.ftruncate(self._handle, at)
            raise WriteError(f"cannot be written: {problem.strerror}.", path=str(self.path)) from None
        self._end = os.lseek(self._handle, 0, os.SEEK_END)
        return at

    def lines(self) -> Iterator[tuple[int, str]]:
        """All lines, each with where it stands."""
        at = 0
        with self.path.open("rb") as file:
            for line in file:
                yield at, line.decode()
                at += len(line)

    def line_at(self, at: int) -> str:
        """The line that stands somewhere."""
        found, more = b"", os.pread(self._handle, _LINE, at)
        while b"\n" not in more:
            if not more:
                raise WriteError("somebody else has cut this file while it was in use.", path=str(self.path))
            found += more
            more = os.pread(self._handle, _BLOCK, at + len(found))
        return (found + more.partition(b"\n")[0]).decode()

    def close(self, *, done: bool) -> None:
        """Let go of it; what is `done` is removed."""
        try:
            if done:
                self.path.unlink(missing_ok=True)
            else:
                os.fsync(self._handle)
        finally:
            os.close(self._handle)


def log(folder: Folder, path: str) -> Log | None:
    """The log at a path below LOCAL, made where it is not there; None where another process holds it."""
    import fcntl

    target = Path(folder.path(f"{LOCAL}/{path}"))
    with writing(folder):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(str(target), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise WriteError(f"cannot be written: {problem.strerror}.", path=folder.shown(f"{LOCAL}/{path}")) from None
        try:
            # the file is its own lock, so that a kill leaves no other one
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(target)):
                return Log(target, handle)
        except (BlockingIOError, FileNotFoundError):  # held, or just now finished by whom it was held
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    return None


def _stage(target: Path, data: Iterable[bytes]) -> Path:
    """Write and sync a temporary file beside a target, with the mode that the target will have."""
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_new(path: str, data: bytes) -> None:
    """Write a file that somebody asked for by its path, in the registry or outside; WriteError where one is there."""
    if os.path.lexists(path):
        raise WriteError("this file is there already. Remove it, or choose another name.", path=path)
    write_over(path, data)


def write_over(path: str, data: bytes) -> None:
    """The same, in the place of a file that may be there; its caller knows that this is one to be replaced."""
    try:
        _stage(Path(path), [data]).replace(path)
    except OSError as problem:
        raise WriteError(f"cannot be written: {problem.strerror}.", path=path) from None


@contextmanager
def writing(folder: Folder) -> Iterator[Writer]:
    """The right to write into a registry, held until the block ends; waits for another writer for a minute.

    The operating system gives the lock back when a process dies, so that no stale one is left.
    """
    import filelock

    local = Path(folder.root) / LOCAL
    for path in (LOCAL, f"{LOCAL}/.gitignore", f"{LOCAL}/lock"):
        if (Path(folder.root) / path).is_symlink():
            raise WriteError("this is a link, and nothing is written through one. Remove it.", path=folder.shown(path))
    try:
        local.mkdir(parents=True, exist_ok=True)
        if not (local / ".gitignore").exists():
            _stage(local / ".gitignore", [b"*\n"]).replace(local / ".gitignore")
        lock = filelock.FileLock(local / "lock", timeout=_PATIENCE)
        lock.acquire()
    except filelock.Timeout:
        raise WriteError(
            f"another promptreg has been writing into this registry for {_PATIENCE:.0f} seconds. Try again when it is "
            "done.",
            path=folder.shown(LOCAL + "/lock"),
        ) from None
    except OSError as problem:
        raise WriteError(f"cannot be written: {problem.strerror}.", path=folder.shown(LOCAL)) from None
    try:
        yield Writer(folder)
    finally:
        lock.release()
