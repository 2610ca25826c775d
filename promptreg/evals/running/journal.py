"""What is kept of a run while it runs: one line for each answer, so that a kill loses only the calls on their way.

The first line says when the run began; a line `{"session": true}` stands before what each further process added. A line
about an answer that was not judged yet is followed by one that has its scores too. This file is private to one version
of promptreg and one machine; what lives for ever is the result that is made of it.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from typing import Any, Protocol

from promptreg.core.errors import PromptregError
from promptreg.evals.provider import Completion
from promptreg.evals.results import Failure, Judging
from promptreg.validation import Strict

#: What is known of one repeat of a case.
NOTHING, ANSWERED, DONE = 0, 1, 2


class JournalError(PromptregError):
    """The journal of an unfinished run is damaged, or was written by another version of promptreg."""


class Lines(Protocol):
    """Where the journal's lines are (`files.Log`)."""

    def append(self, line: str) -> int:
        """Write a line; returns where it stands."""

    def lines(self) -> Iterator[tuple[int, str]]:
        """All lines, each with where it stands."""

    def line_at(self, at: int) -> str:
        """The line that stands somewhere."""


class Entry(Strict):
    """What came of one repeat of a case: `at` are the index of the case and the repeat.

    `answer` are the fields of a Completion, None where no answer came; `judged` is whether the scorers were done with
    it; `t` are seconds since this process began; `cached` is when the run began whose answer it is.
    """

    at: tuple[int, int]
    id: str
    case: str
    tags: list[str] = []
    cluster: str | None = None
    answer: dict[str, Any] | None = None
    ms: float = 0
    cached: str | None = None
    judged: bool = False
    scores: dict[str, float] = {}
    comments: dict[str, str] = {}
    errors: list[Failure] = []
    judging: Judging | None = None
    t: float = 0

    @property
    def completion(self) -> Completion | None:
        """The answer."""
        return Completion(**self.answer) if self.answer else None

    @classmethod
    def read(cls, line: str) -> Entry:
        """An entry from its line; ValueError for what is none."""
        found = json.loads(line)
        return cls.model_validate(found | {"at": tuple(found["at"])})

    def line(self) -> str:
        """The line, without what is empty."""
        kept = {key: value for key, value in self.model_dump().items() if value not in (None, [], {}, False)}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


class Journal:
    """A run's journal: what is done, and where each line stands. Two small numbers for each answer are in memory."""

    def __init__(self, lines: Lines, cases: int, repeats: int, started_at: str) -> None:
        """Begin one, or go on with what `lines` hold. JournalError where that is no journal."""
        self._lines = lines
        self._repeats = repeats
        self._where = array("q", bytes(8 * cases * repeats))
        self._state = bytearray(cases * repeats)
        self.started_at = started_at
        self.seconds = 0.0
        self._read()

    def _read(self) -> None:
        number, last = 0, 0.0
        try:
            for number, (at, line) in enumerate(self._lines.lines(), start=1):
                if number == 1:
                    self.started_at = json.loads(line)["started_at"]
                elif line.startswith('{"session"'):
                    self.seconds, last = self.seconds + last, 0.0
                else:
                    entry = Entry.read(line)
                    last = max(last, entry.t)
                    self._note(entry, at)
        except (ValueError, LookupError, TypeError):
            raise JournalError(f"line {number} of this unfinished run cannot be read. Remove the file.") from None
        self.seconds += last
        self._lines.append('{"session":true}' if number else json.dumps({"started_at": self.started_at}))
        self._past = self.seconds

    def _note(self, entry: Entry, at: int) -> None:
        index = entry.at[0] * self._repeats + entry.at[1]
        self._where[index] = at
        self._state[index] = DONE if entry.judged else ANSWERED

    def state(self, case: int, repeat: int) -> int:
        """NOTHING, ANSWERED (and not judged) or DONE."""
        return self._state[case * self._repeats + repeat]

    def done(self) -> int:
        """How many repeats of cases are done."""
        return self._state.count(DONE)

    def is_empty(self) -> bool:
        """Whether nothing is known of any case."""
        return not any(self._state)

    def entry(self, case: int, repeat: int) -> Entry:
        """What is known of one repeat of a case, of which something is."""
        return Entry.read(self._lines.line_at(self._where[case * self._repeats + repeat]))

    def keep(self, entry: Entry) -> None:
        """Write down what came of one repeat of a case."""
        self._note(entry, self._lines.append(entry.line()))
        self.seconds = max(self.seconds, self._past + entry.t)

    def rows(self) -> Iterator[list[Entry]]:
        """The entries of each case that is done in all its repeats, in the order of the cases."""
        for case in range(len(self._state) // self._repeats):
            if self._state[case * self._repeats : (case + 1) * self._repeats].count(DONE) == self._repeats:
                yield [self.entry(case, repeat) for repeat in range(self._repeats)]
