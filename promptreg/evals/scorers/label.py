"""A scorer that is a person."""

from __future__ import annotations

from typing import ClassVar, Literal

from promptreg.evals.cases import Case
from promptreg.evals.scorer import ScorerError, TextScorer


class Label(TextScorer):
    """A person says good or bad of a stored answer (`promptreg case label`); `question` is what they are asked."""

    by_people: ClassVar[bool] = True

    type: Literal["label"]
    question: str | None = None

    def score(self, answer: str, case: Case) -> float:
        """ScorerError: no run can."""
        raise ScorerError("people judge this: promptreg case label")
