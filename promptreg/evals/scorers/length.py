"""A scorer that holds the answer's length against bounds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from promptreg.evals.cases import Case
from promptreg.evals.provider import Completion
from promptreg.evals.scorer import Bench, Judgement, Scorer, ScorerError
from promptreg.evals.scorers.graphemes import graphemes, mostly_unspaced
from promptreg.validation import Strict

NO_SPACES = "the answer is written without spaces between words, so they cannot be counted. Bound its characters."


class Bounds(Strict):
    """The least and the most of something."""

    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Bounds:
        if self.min is None and self.max is None:
            raise ValueError("say min, max or both.")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}.")
        return self

    def breach(self, number: int, of: str) -> str | None:
        """What to say of a number outside; None inside."""
        if self.min is not None and number < self.min:
            return f"{number} {of}, {self.min} at least"
        if self.max is not None and number > self.max:
            return f"{number} {of}, {self.max} at most"
        return None


class Length(Scorer):
    """The answer has so many `characters`, `words` or `lines`, each with `min`, `max` or both.

    Characters are counted as they are seen: が is one however it is encoded, and so is an emoji. Words are what spaces
    part; an answer in a script without spaces has none that could be counted, which is an error and no zero. White
    space at both ends does not count.
    """

    main_option: ClassVar[tuple[str, ...]] = ()

    type: Literal["length"]
    characters: Bounds | None = None
    words: Bounds | None = None
    lines: Bounds | None = None

    def check_options(self) -> None:
        """ScorerError where nothing is bounded."""
        if self.characters is None and self.words is None and self.lines is None:
            raise ScorerError("say what is counted: characters, words or lines, as in  characters: {max: 200}.")

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """Whether all bounds are kept; the comment says which are not."""
        breaches = self._breaches(answer.text)
        return Judgement(float(not breaches), "; ".join(breaches) or None)

    def score(self, answer: str, case: Case) -> float:
        """1 where all bounds are kept; ScorerError for words of a script without spaces."""
        return float(not self._breaches(answer))

    def _breaches(self, answer: str) -> list[str]:
        text = answer.strip()
        found: list[str | None] = []
        if self.characters is not None:
            found.append(self.characters.breach(len(graphemes(text)), "characters"))
        if self.words is not None:
            if mostly_unspaced(text):
                raise ScorerError(NO_SPACES)
            found.append(self.words.breach(len(text.split()), "words"))
        if self.lines is not None:
            found.append(self.lines.breach(len(text.splitlines()), "lines"))
        return [breach for breach in found if breach is not None]
