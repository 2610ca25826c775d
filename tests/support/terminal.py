"""A command in a real terminal, which somebody sits at."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.place import Place

#: Longer than anything takes; nothing waits for it unless it hangs.
_PATIENCE = 30.0
_UNSEEN = 3.0
_STYLES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A process in a pseudo-terminal: what it shows, and keys to press."""

    def __init__(self, process: subprocess.Popen[bytes], handle: int) -> None:
        self.process = process
        self._handle = handle
        self.shown = ""
        self._read = 0

    def until(self, words: str) -> str:
        """Wait until some words are shown that were not waited for before; what was shown up to them."""
        while words not in self.shown[self._read :]:
            if not self._more():
                raise AssertionError(f"{words!r} was not shown:\n{self.shown}")
        at = self.shown.index(words, self._read) + len(words)
        found, self._read = self.shown[self._read : at], at
        return found

    def interrupt(self) -> None:
        """Press ^C until something is shown for it: Python misses one that comes just before it begins to read."""
        for _ in range(int(_PATIENCE / _UNSEEN)):
            before = len(self.shown)
            self.press("\x03")
            while self._more(_UNSEEN):
                if self.shown[before:].replace("^C", "").strip():
                    return

    def press(self, keys: str) -> None:
        """Press some keys."""
        os.write(self._handle, keys.encode())

    def ended(self) -> int:
        """Wait for the end; the exit status."""
        while self._more():
            pass
        return self.process.wait(_PATIENCE)

    def _more(self, patience: float = _PATIENCE) -> bool:
        if not select.select([self._handle], [], [], patience)[0]:
            return False
        try:
            data = os.read(self._handle, 65536)
        except OSError:  # how Linux tells that nobody is left at the other side
            return False
        self.shown += _STYLES.sub("", data.decode(errors="replace")).replace("\r\n", "\n")
        return bool(data)


@contextmanager
def terminal(place: Place, *arguments: str) -> Iterator[Terminal]:
    """`promptreg ARGUMENTS` in a terminal."""
    ours, theirs = pty.openpty()
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-m", "promptreg", *arguments],
        cwd=place.path,
        env={**os.environ, "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8", "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_takes_the_terminal,  # noqa: PLW1509 - the tests have one thread
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _takes_the_terminal() -> None:
    """Make standard input the terminal that ^C comes from."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
