"""The text of a file of cases, line by line: held in memory while it is small, else read again each time."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from typing import IO

from promptreg.core.errors import FileError
from promptreg.core.source import Folder, Overlay, Source
from promptreg.core.text import CONFLICT, decode, marked_line

#: Files up to this many bytes are kept.
SMALL = 1 << 20
_BLOCK = 1 << 16


class CaseText:
    """The bytes of a file, by pieces. `shown` is how messages name it.

    A file that is held open must stay as it is until all is read: a run over two texts would be evidence of neither.
    """

    def __init__(self, shown: str, data: bytes | None = None, file: IO[bytes] | None = None) -> None:
        self.shown = shown
        self._data = data or b""
        self._file = file
        self._lock = threading.Lock()
        self._was = _state(file)
        if file is not None:
            weakref.finalize(self, file.close)

    @property
    def is_small(self) -> bool:
        """Whether it does no harm to keep all of it."""
        return self._file is None and len(self._data) <= SMALL

    def lines(self) -> Iterator[tuple[str, int]]:
        """All lines, each with its number; FileError with its place for what is no text."""
        before = 0
        for block in self._blocks():
            try:
                text = decode(block, self.shown)
            except FileError as problem:
                line = before + (problem.line or 1)
                raise FileError(problem.message, path=self.shown, line=line, column=problem.column) from None
            conflict = marked_line(text)
            if conflict is not None:
                raise FileError(CONFLICT, path=self.shown, line=before + conflict)
            lines = text.removesuffix("\n").split("\n")
            yield from ((line, before + at) for at, line in enumerate(lines, start=1))
            before += len(lines)

    def beginning(self) -> bytes:
        """The first whole lines."""
        return next(self._blocks(), b"")

    def _blocks(self) -> Iterator[bytes]:
        """Whole lines in pieces, each with its last line break."""
        if self.is_small:
            yield self._data
            return
        at, begun = 0, list[bytes]()
        while block := self._read(at):
            at += len(block)
            whole, line_break, rest = block.rpartition(b"\n")
            if line_break:
                yield b"".join([*begun, whole, line_break])
                begun = []
            begun.append(rest)
        if any(begun):
            yield b"".join(begun)

    def _read(self, at: int) -> bytes:
        if self._file is None:
            return self._data[at : at + _BLOCK]
        with self._lock:
            if _state(self._file) != self._was:
                raise FileError("this file was changed while its cases were read. Start again.", path=self.shown)
            self._file.seek(at)
            return self._file.read(_BLOCK)


def _state(file: IO[bytes] | None) -> tuple[int, int] | None:
    if file is None:
        return None
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def case_text(source: Source, path: str) -> CaseText | None:
    """A file of a registry; None where there is none. FileError where it cannot be read."""
    shown = source.shown(path)
    while isinstance(source, Overlay) and path not in source.top:
        source = source.below
    if not isinstance(source, Folder):
        data = source.read(path)
        return None if data is None else CaseText(shown, data)
    file = source.open(path)
    if file is None:
        return None
    if os.fstat(file.fileno()).st_size > SMALL:
        return CaseText(shown, file=file)
    with file:
        return CaseText(shown, file.read())
