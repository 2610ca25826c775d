"""Scorers made of others: all of them, any of them, or their weighted mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field, PrivateAttr

from promptreg.evals.cases import Case
from promptreg.evals.provider import Completion, Means
from promptreg.evals.scorer import Bench, Judgement, Place, Scale, Scorer, ScorerError
from promptreg.validation import Strict

_DEEPEST = 8
_TOLERANCE = 1e-12
Options = dict[str, Any]


class Seen(NamedTuple):
    """What a part said: a score from 0 to 1, more is better, or (None) that it could not judge."""

    score: float | None
    comment: str


class _Combined(Scorer):
    """A scorer made of others. What parts say is put on 0 to 1 by their range and direction."""

    main_option: ClassVar[tuple[str, ...]] = ("of",)

    _parts: list[Scorer] = PrivateAttr(default_factory=list)

    def parts(self) -> list[Scorer]:
        """The scorers that it is made of."""
        return self._parts

    def facts(self) -> dict[str, Any]:
        """The digests of the parts."""
        return {"parts": [part.digest() for part in self._parts]}

    async def prepare(self, means: Means) -> None:
        """Prepare the parts."""
        for part in self._parts:
            await part.prepare(means)

    def check_options(self) -> None:
        """ScorerError where combinations stand too deep inside one another."""
        if self.levels() > _DEEPEST:
            raise ScorerError(f"scorers stand more than {_DEEPEST} deep inside one another.")

    def levels(self) -> int:
        """How many combinations stand inside one another here."""
        return 1 + max((part.levels() for part in self._parts if isinstance(part, _Combined)), default=0)

    def check(self, case: Case) -> None:
        """The case must have what the parts need."""
        for index, part in enumerate(self._parts):
            try:
                part.check(case)
            except ScorerError as problem:
                raise ScorerError(f"{self._named(index)}: {problem.message}") from None

    def _make(self, place: Place, options: Sequence[Any], *below: str) -> None:
        self._parts = [place.scorer(each, ("of", index, *below)) for index, each in enumerate(options)]

    def _named(self, index: int) -> str:
        return f"part {index + 1} ({self._parts[index].type})"

    async def _seen(
        self, answer: Completion, case: Case, bench: Bench, repeat: int, enough: Callable[[list[Seen]], bool]
    ) -> list[Seen]:
        """What the parts say, one after the other, until that is enough."""
        seen: list[Seen] = []
        for index, part in enumerate(self._parts):
            try:
                judgement = await part.judge(answer, case, bench, repeat)
                seen.append(Seen(_unit(judgement.score, part.scale()), self._said(index, judgement)))
            except ScorerError as problem:
                seen.append(Seen(None, f"{self._named(index)}: {problem.message}"))
            if enough(seen):
                break
        return seen

    def _said(self, index: int, judgement: Judgement) -> str:
        if self._parts[index].scale().kind == "score":
            word = f"scores {judgement.score:.3g}"
        else:
            word = "passes" if _unit(judgement.score, self._parts[index].scale()) == 1 else "fails"
        return f"{self._named(index)} {word}" + (f": {judgement.comment}" if judgement.comment else "")


class _Extreme(_Combined):
    """The least or the greatest of the parts: the one that is decisive, 0 or 1, ends the search."""

    decisive: ClassVar[float]

    of: Annotated[list[Options], Field(min_length=1, exclude=True)]

    def bind(self, place: Place) -> None:
        """Make the parts."""
        self._make(place, self.of)

    def scale(self) -> Scale:
        """Pass-fail where all parts are; else a score from 0 to 1."""
        return Scale("pass-fail" if all(part.scale().kind == "pass-fail" for part in self._parts) else "score")

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """The parts are asked in their order until one decides.

        ScorerError where a part cannot judge, and none of the others decides.
        """
        seen = await self._seen(answer, case, bench, repeat, lambda found: found[-1].score == self.decisive)
        if seen[-1].score != self.decisive:
            _raise_failed(seen)
        known = [each for each in seen if each.score is not None]
        scores = [each.score for each in known if each.score is not None]
        if self.decisive == 1:
            return Judgement(max(scores), None if max(scores) == 1 else _told(known))
        told = [each.comment for each in known if each.score == min(scores)]
        return Judgement(min(scores), None if min(scores) == 1 else told[0])


class All(_Extreme):
    """All of several: passes where each part passes. Of parts that are scores it is the least."""

    decisive: ClassVar[float] = 0.0

    type: Literal["all"]


class Any_(_Extreme):  # noqa: N801 - typing has the other name
    """Any of several: passes where one part passes. Of parts that are scores it is the greatest."""

    decisive: ClassVar[float] = 1.0

    type: Literal["any"]


class Part(Strict):
    """A part of a weighted mean."""

    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1
    scorer: Options


class Weighted(_Combined):
    """The weighted mean of several: a score from 0 to 1, or with `pass` pass-fail: so much at least."""

    type: Literal["weighted"]
    of: Annotated[list[Part], Field(min_length=1, exclude=True)]
    least: Annotated[float, Field(gt=0, le=1)] | None = Field(default=None, alias="pass")

    def bind(self, place: Place) -> None:
        """Make the parts."""
        self._make(place, [part.scorer for part in self.of], "scorer")

    def facts(self) -> dict[str, Any]:
        """The digests of the parts, and their weights."""
        return super().facts() | {"weights": [part.weight for part in self.of]}

    def scale(self) -> Scale:
        """A score from 0 to 1, or pass-fail with `pass`."""
        return Scale("score" if self.least is None else "pass-fail")

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """The mean, or whether it is enough.

        With `pass` the parts are asked in their order until what is left cannot change the answer. ScorerError where a
        part cannot judge, and the others do not decide.
        """
        seen = await self._seen(answer, case, bench, repeat, lambda found: self._decided(found) is not None)
        decided = self._decided(seen)
        if decided is None:
            _raise_failed(seen)
            return Judgement(self._bounds(seen)[0], _told(seen))
        return Judgement(float(decided), None if decided else f"{self._value(seen)}: {_told(seen)}")

    def _value(self, seen: list[Seen]) -> str:
        """What the mean is that is not enough, or could be at most, and what is."""
        low, high = self._bounds(seen)
        short = f"{high:.3g}"
        value = short if float(short) < (self.least or 0) else repr(high)
        return f"{'' if high - low < _TOLERANCE else 'at most '}{value}, {self.least:g} at least"

    def _decided(self, seen: list[Seen]) -> bool | None:
        """Whether it passes, where what is not known cannot change that."""
        if self.least is None:
            return None
        low, high = self._bounds(seen)
        if low >= self.least - _TOLERANCE:
            return True
        return False if high < self.least - _TOLERANCE else None

    def _bounds(self, seen: list[Seen]) -> tuple[float, float]:
        """Between what the mean lies, with what the parts said so far."""
        whole = sum(part.weight for part in self.of)
        known = [(part.weight, each.score) for part, each in zip(self.of, seen, strict=False) if each.score is not None]
        low = sum(weight * score for weight, score in known) / whole
        unknown = 1 - sum(weight for weight, _ in known) / whole
        return min(low, 1.0), min(low + unknown, 1.0)


def _unit(score: float, scale: Scale) -> float:
    share = (score - scale.low) / (scale.high - scale.low)
    return min(max(share if scale.direction == "up" else 1 - share, 0.0), 1.0)


def _told(seen: list[Seen]) -> str:
    return "; ".join(each.comment for each in seen)


def _raise_failed(seen: list[Seen]) -> None:
    for each in seen:
        if each.score is None:
            raise ScorerError(each.comment)
