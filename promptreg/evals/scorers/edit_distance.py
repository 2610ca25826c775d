"""A scorer that counts the edits between the answer and the expected text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from promptreg.core.errors import PromptregError
from promptreg.evals.cases import Case
from promptreg.evals.provider import Completion, Means
from promptreg.evals.scorer import Bench, Judgement, Scale, Scorer
from promptreg.evals.scorers.graphemes import graphemes
from promptreg.evals.scorers.references import Expected, check_expected, references

INSTALL = "The edit-distance scorer needs rapidfuzz: pip install 'git-promptreg[edit-distance]'"
_TOLERANCE = 1e-12


class EditDistance(Scorer):
    """How alike the answer and the expected text are: 1 - insertions, deletions and replacements / the longer length.

    Of several expected texts the nearest counts. With `min` it is pass-fail: alike at least so much. What is edited are
    characters as they are seen; `normalize` puts other spellings of a character into one first: NFKC full-width and
    half-width ones too, NFC only what looks the same.
    """

    main_option: ClassVar[tuple[str, ...]] = ("expected",)

    type: Literal["edit-distance"]
    expected: Expected = None
    min: Annotated[float, Field(gt=0, le=1)] | None = None
    normalize: Literal["NFC", "NFKC"] = "NFC"
    ignore_case: bool = False

    def scale(self) -> Scale:
        """A score from 0 to 1, or pass-fail with `min`."""
        return Scale("score" if self.min is None else "pass-fail")

    def check_options(self) -> None:
        """Something must be expected. The library is not looked for: reading a suite needs none."""
        check_expected(self.expected)

    async def prepare(self, means: Means) -> None:
        """The library must be there."""
        _library()

    def check(self, case: Case) -> None:
        """The case must have the expected text."""
        references(self.expected, case)

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """The likeness, or whether it is enough; the comment says it where it is not."""
        likeness = self._likeness(answer.text, case)
        score = self._score(likeness)
        short = self.min is not None and not score
        return Judgement(score, f"alike by {likeness:.3f}, {self.min:g} at least" if short else None)

    def score(self, answer: str, case: Case) -> float:
        """The likeness, or whether it is enough."""
        return self._score(self._likeness(answer, case))

    def _score(self, likeness: float) -> float:
        return likeness if self.min is None else float(likeness >= self.min - _TOLERANCE)

    def _likeness(self, answer: str, case: Case) -> float:
        similarity = _library()
        given = self._characters(answer)
        return max(similarity(given, self._characters(expected)) for expected in references(self.expected, case))

    def _characters(self, text: str) -> list[str]:
        known = unicodedata.normalize(self.normalize, text).strip()
        return graphemes(known.casefold() if self.ignore_case else known)


def _library() -> Callable[..., float]:
    try:
        from rapidfuzz.distance import Levenshtein
    except ImportError:
        raise PromptregError(INSTALL) from None
    return Levenshtein.normalized_similarity
