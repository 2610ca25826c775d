"""Scorers that look at the answer's text."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import field_validator

from promptreg.evals.cases import Case
from promptreg.evals.scorer import ScorerError, TextScorer, filled

EMPTY = "an empty text is contained in every answer. Say what is expected."


class Exact(TextScorer):
    """The answer equals the expected text; white space at both ends does not count."""

    type: Literal["exact"]
    expected: str | None = None
    ignore_case: bool = False

    def check(self, case: Case) -> None:
        """The case must have the expected text."""
        filled(self.expected, case)

    def score(self, answer: str, case: Case) -> float:
        """1 where it is equal."""
        return float(_folded(answer, self.ignore_case) == _folded(filled(self.expected, case), self.ignore_case))


class Contains(TextScorer):
    """The answer contains the expected text, or all of several."""

    main_option: ClassVar[tuple[str, ...]] = ("expected",)

    type: Literal["contains"]
    expected: str | list[str] | None = None
    ignore_case: bool = False

    def check_options(self) -> None:
        """ScorerError where nothing is asked for."""
        given = [self.expected] if isinstance(self.expected, str) else self.expected
        if given is not None and not _asks(given):
            raise ScorerError(EMPTY)

    def _wanted(self, case: Case) -> list[str]:
        texts = self._texts(case)
        if not _asks(texts):
            raise ScorerError(f"case {case.id}: {EMPTY}")
        return texts

    def _texts(self, case: Case) -> list[str]:
        if isinstance(self.expected, list):
            return [filled(template, case) for template in self.expected]
        if self.expected is None and isinstance(case.expected, list):
            return [filled(None, case.model_copy(update={"expected": text})) for text in case.expected]
        return [filled(self.expected, case)]

    def check(self, case: Case) -> None:
        """The case must have the expected texts."""
        self._wanted(case)

    def score(self, answer: str, case: Case) -> float:
        """1 where all are contained."""
        text = _folded(answer, self.ignore_case)
        return float(all(_folded(wanted, self.ignore_case) in text for wanted in self._wanted(case)))


class Regex(TextScorer):
    """A regular expression (Python's syntax) is found in the answer; `full` asks for the whole answer to match."""

    type: Literal["regex"]
    pattern: str
    full: bool = False
    ignore_case: bool = False

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as problem:
            raise ValueError(f"this is not a regular expression: {problem}.") from None
        return pattern

    def score(self, answer: str, case: Case) -> float:
        """1 where it is found."""
        expression = re.compile(self.pattern, re.IGNORECASE if self.ignore_case else 0)
        text = answer.strip()
        return float(bool(expression.fullmatch(text) if self.full else expression.search(text)))


def _asks(texts: list[str]) -> bool:
    return bool(texts) and all(text.strip() for text in texts)


def _folded(text: str, ignore_case: bool) -> str:
    stripped = text.strip()
    return stripped.casefold() if ignore_case else stripped
