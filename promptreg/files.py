"""Writing into a registry: every file whole or not at all, one writer at a time.

All that promptreg writes goes through here, so this is the one place to look at for what a crash can leave behind.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from promptreg.core.errors import PromptregError
from promptreg.core.source import Folder

#: The folder for what belongs to one machine: the lock, results of drafts. It keeps itself out of git.
LOCAL = ".promptreg"
_PATIENCE = 60.0


class WriteError(PromptregError):
    """A file cannot be written, or somebody else has held the registry's lock for too long."""


class Writer:
    """Writes files of one registry. Made by `writing`, which holds the registry's lock."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

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
                        staged[path] = _stage(self._target(path), data)
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


def _stage(target: Path, data: bytes) -> Path:
    """Write and sync a temporary file beside a target, with the mode that the target will have."""
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
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
            _stage(local / ".gitignore", b"*\n").replace(local / ".gitignore")
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
