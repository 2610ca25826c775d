"""ROUGE, as rouge-score computes it, over words or characters."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, ClassVar, Literal

from promptreg.core.errors import PromptregError
from promptreg.evals.cases import Case
from promptreg.evals.provider import Means
from promptreg.evals.scorer import Scale, TextScorer
from promptreg.evals.scorers.graphemes import UNSPACED
from promptreg.evals.scorers.references import Expected, check_expected, references

INSTALL = "The rouge scorer needs rouge-score: pip install 'git-promptreg[metrics]'"
_TOKEN = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}_])\w)+")
_PUNCTUATION = re.compile(r"[\W_]")


class Rouge(TextScorer):
    """ROUGE: what the answer and `expected` share, from 0 to 1; of several expected texts the best counts.

    `variant` is rouge1, rouge2 (pairs) or rougeL (the longest common subsequence), `measure` f, precision or recall.
    Tokens are words and numbers in small letters, and single characters of scripts without spaces; no stemming.
    """

    main_option: ClassVar[tuple[str, ...]] = ("expected",)

    type: Literal["rouge"]
    expected: Expected = None
    variant: Literal["rouge1", "rouge2", "rougeL"] = "rougeL"
    measure: Literal["f", "precision", "recall"] = "f"

    def scale(self) -> Scale:
        """A score from 0 to 1."""
        return Scale("score")

    def check_options(self) -> None:
        """Something must be expected. The library is not looked for: reading a suite needs none."""
        check_expected(self.expected)

    async def prepare(self, means: Means) -> None:
        """The library must be there."""
        _scorer(self.variant)

    def check(self, case: Case) -> None:
        """The case must have the expected texts."""
        references(self.expected, case)

    def score(self, answer: str, case: Case) -> float:
        """The measure of the variant."""
        known = _scorer(self.variant).score_multi(references(self.expected, case), answer)[self.variant]
        return float(known.fmeasure if self.measure == "f" else getattr(known, self.measure))


class Tokens:
    """The tokenizer that rouge-score is given."""

    def tokenize(self, text: str) -> list[str]:
        """Words and numbers in small letters; single characters of scripts without spaces; no punctuation."""
        known = unicodedata.normalize("NFKC", text).lower()
        return [token for token in _TOKEN.findall(known) if not _PUNCTUATION.fullmatch(token)]


@cache
def _scorer(variant: str) -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise PromptregError(INSTALL) from None
    return RougeScorer([variant], tokenizer=Tokens())
