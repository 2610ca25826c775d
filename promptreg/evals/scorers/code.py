"""What scorers have in common that are code of the registry: their scale, and what they may return."""

from __future__ import annotations

import math
import numbers
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from promptreg.evals.json_text import shown
from promptreg.evals.scorer import Direction, Judgement, Kind, Scale, Scorer, ScorerError

_LONGEST = 80
_MOST_COMMENT = 2000


class CodeScorer(Scorer):
    """A scorer that runs code of the registry, which says what its scores are.

    `kind`, `range` and `direction` are those of its scores; `key` picks one of several; `revision` is a number to raise
    where the code changed and is not in the registry, so that its bytes cannot tell.
    """

    runs_code: ClassVar[bool] = True

    kind: Kind = "pass-fail"
    range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    direction: Direction = "up"
    key: str | None = None
    counted: Annotated[int, Field(ge=1, alias="revision")] = 1

    @field_validator("range")
    @classmethod
    def _ascends(cls, found: list[float] | None) -> list[float] | None:
        if found is not None and not (all(map(math.isfinite, found)) and found[0] < found[1]):
            raise ValueError("it goes from a lower to a higher number, as in  range: [0, 5].")
        return found

    def scale(self) -> Scale:
        """As declared."""
        if self.kind == "pass-fail":
            return Scale(direction=self.direction)
        low, high = self.range or (0, 1)
        return Scale(self.kind, low, high, self.direction)

    def check_options(self) -> None:
        """ScorerError for a range of what passes or fails."""
        if self.kind == "pass-fail" and self.range is not None:
            raise ScorerError("a range is one of scores: add  kind: score.")

    def judgement(self, found: Any, name: str) -> Judgement:
        """What code returned, as a judgement; ScorerError for what is none. `name` is the code's, for messages."""
        said = self._picked(found, name)
        if not isinstance(said, dict):
            return Judgement(self._number(said, name))
        if "score" not in said:
            raise ScorerError(f"{name} returned a mapping without score.")
        comment = said.get("comment")
        if not (comment is None or isinstance(comment, str)):
            raise ScorerError(f"{name} returned the comment {_brief(comment)}, which is no text.")
        score = self._number(said["score"], name)
        lines = (shown(line) for line in (comment or "").split("\n"))
        return Judgement(score, "\n".join(lines)[:_MOST_COMMENT] or None)

    def _picked(self, found: Any, name: str) -> Any:
        if not isinstance(found, list):
            said = [found]
        elif len(found) > 1 and self.key is None:
            raise ScorerError(f"{name} returned {len(found)} scores. The option key says which counts.")
        else:
            said = found
        if self.key is not None:
            said = [one for one in said if isinstance(one, dict) and one.get("key") == self.key]
        if len(said) != 1:
            of = f" of the key {self.key}" if self.key is not None else ""
            raise ScorerError(f"{name} returned {len(said) or 'no'} score{'s' if said else ''}{of}.")
        return said[0]

    def _number(self, score: Any, name: str) -> float:
        if score is None:
            raise ScorerError(f"{name} did not judge this answer: it returned nothing.")
        if getattr(score, "ndim", None) == 0:  # a number of numpy or torch
            score = score.item()
        if isinstance(score, bool):
            if self.kind == "score":
                raise ScorerError(f"{name} returned {str(score).lower()}, and  kind: score  asks for a number.")
            return float(score)
        if not isinstance(score, numbers.Real):
            raise ScorerError(f"{name} returned {_brief(score)}, which is no score.")
        _, low, high, _ = self.scale()
        number: Any = score
        if not low <= number <= high:  # which NaN is not either
            raise ScorerError(f"{name} returned {_told(score)}, outside of {low:g} to {high:g}.{self._hint()}")
        if self.kind == "pass-fail" and score not in (0, 1):
            raise ScorerError(f"{name} returned {_told(score)}.{self._hint()}")
        return float(score)

    def _hint(self) -> str:
        return "" if self.kind == "score" else " Where it is no pass or fail, declare  kind: score  and its range."


def _brief(value: Any) -> str:
    """A value for a sentence; of a foreign one its type, since its text may be anything."""
    kind = type(value).__name__
    return f"{kind} {shown(value)!r:.{_LONGEST}}" if isinstance(value, str) else kind


def _told(score: Any) -> str:
    try:
        return f"{float(score):g}"
    except OverflowError:
        return "a number too large"
