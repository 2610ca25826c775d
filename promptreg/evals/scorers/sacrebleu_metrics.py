"""BLEU and chrF, as sacrebleu computes them for one answer."""

from __future__ import annotations

from abc import abstractmethod
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from promptreg.core.errors import PromptregError
from promptreg.evals.cases import Case
from promptreg.evals.provider import Means
from promptreg.evals.scorer import Scale, TextScorer
from promptreg.evals.scorers.graphemes import unspaced
from promptreg.evals.scorers.references import Expected, check_expected, references

INSTALL = "The {} scorer needs sacrebleu: pip install 'git-promptreg[metrics]'"
INSTALL_MECAB = "The tokenizer ja-mecab needs MeCab: pip install 'git-promptreg[ja-mecab]'"
Tokenizer = Literal["auto", "13a", "intl", "char", "ja-mecab", "none"]


class _Sacrebleu(TextScorer):
    """A metric of sacrebleu, from 0 to 1 (its points / 100), against `expected`, which may be several texts."""

    main_option: ClassVar[tuple[str, ...]] = ("expected",)

    expected: Expected = None

    def scale(self) -> Scale:
        """A score from 0 to 1."""
        return Scale("score")

    def check_options(self) -> None:
        """Something must be expected. The library is not looked for: reading a suite needs none."""
        check_expected(self.expected)

    async def prepare(self, means: Means) -> None:
        """The library must be there."""
        self._metric("")

    def check(self, case: Case) -> None:
        """The case must have the expected texts."""
        references(self.expected, case)

    def score(self, answer: str, case: Case) -> float:
        """The metric's points for this answer / 100."""
        expected = references(self.expected, case)
        points = self._metric("".join(expected)).sentence_score(_line(answer), [_line(text) for text in expected]).score
        return min(max(float(points) / 100, 0.0), 1.0)

    @abstractmethod
    def _metric(self, expected: str) -> Any:
        """The metric for what is expected; PromptregError where a library is missing."""


class Bleu(_Sacrebleu):
    """BLEU of the answer alone, with effective order and exponential smoothing.

    `tokenize` is one of sacrebleu's; `auto` takes `char` where the expected text is in a script without spaces between
    words, else `13a`, so that both sides of a comparison are cut alike.
    """

    type: Literal["bleu"]
    tokenize: Tokenizer = "auto"
    lowercase: bool = False

    def facts(self) -> dict[str, Any]:
        """The signature that sacrebleu gives, without its version: reading a suite needs no sacrebleu."""
        cut = "13a or char" if self.tokenize == "auto" else self.tokenize
        return {"signature": f"case:{'lc' if self.lowercase else 'mixed'}|eff:yes|tok:{cut}|smooth:exp"}

    def _metric(self, expected: str) -> Any:
        cut = self.tokenize
        if cut == "auto":
            cut = "char" if unspaced(expected) else "13a"
        return _bleu(cut, self.lowercase)


class Chrf(_Sacrebleu):
    """ChrF of the answer alone: n-grams of up to six characters, without spaces; it needs no tokenizer.

    `word_order: 2` makes it chrF++, for languages that put spaces between words.
    """

    type: Literal["chrf"]
    word_order: Annotated[int, Field(ge=0, le=4)] = 0
    lowercase: bool = False

    def facts(self) -> dict[str, Any]:
        """The signature that sacrebleu gives, without its version."""
        case = "lc" if self.lowercase else "mixed"
        return {"signature": f"case:{case}|eff:yes|nc:6|nw:{self.word_order}|space:no"}

    def _metric(self, expected: str) -> Any:
        return _chrf(self.word_order, self.lowercase)


@cache
def _bleu(tokenize: str, lowercase: bool) -> Any:
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise PromptregError(INSTALL.format("bleu")) from None
    try:
        return BLEU(effective_order=True, tokenize=tokenize, lowercase=lowercase)
    except RuntimeError:  # what it says of MeCab
        raise PromptregError(INSTALL_MECAB) from None


@cache
def _chrf(word_order: int, lowercase: bool) -> Any:
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        raise PromptregError(INSTALL.format("chrf")) from None
    return CHRF(word_order=word_order, lowercase=lowercase)


def _line(text: str) -> str:
    """A text as one segment, which for sacrebleu has no line ends."""
    return " ".join(text.split())
