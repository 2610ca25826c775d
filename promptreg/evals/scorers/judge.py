"""A language model as judge: a prompt of the registry, whose answer is a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, field_validator

from promptreg.core.errors import PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.all_providers import provider_kind
from promptreg.evals.cases import Case
from promptreg.evals.provider import Completion, Request
from promptreg.evals.scorer import Bench, Judgement, Kind, Place, Scale, Scorer, ScorerError, filled
from promptreg.evals.scorers.judge_inputs import JudgeInputs
from promptreg.evals.scorers.judge_verdict import REASON, bounds, read_verdict, refused, unsaid

Number = Annotated[float, Field(allow_inf_nan=False)]

#: What a pairwise verdict is worth for the answer shown first, and for the one shown second.
_WORTH = {"a": (1.0, 0.0), "b": (0.0, 1.0), "tie": (0.5, 0.5)}
_OUTCOMES = {1.0: "wins", 0.5: "ties", 0.0: "loses"}


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a judge's options come to: its prompt, what it shows it, whom it asks, and its scale."""

    prompt: Prompt
    inputs: JudgeInputs
    provider: str
    model: str | None
    output: dict[str, Any] | None
    scale: Scale


class Judge(Scorer):
    """A prompt of the registry, at an exact version, judges the answer.

    It answers with `{"reason": …, "score": …}`. With `pairwise` it compares two answers, the version's and `against`,
    in both orders, and names the winner: `{"reason": …, "winner": "a" | "b" | "tie"}`. What is no such verdict is an
    error, no score.
    """

    main_option: ClassVar[tuple[str, ...]] = ("prompt",)

    type: Literal["judge"]
    prompt: str
    range: list[Number] | None = None
    kind: Kind | None = None
    inputs: dict[str, Any] = {}
    provider: str | None = None
    model: str | None = None
    pairwise: bool = False
    against: str | None = None

    _found: _Bound | None = PrivateAttr(default=None)

    @field_validator("range")
    @classmethod
    def _is_one(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and (len(value) != 2 or value[0] >= value[1]):
            raise ValueError("this is the lowest and the highest score, as in [1, 5].")
        return value

    def bind(self, place: Place) -> None:
        """Load the judge's prompt; ScorerError where the options do not fit it."""
        prompt = place.prompt(self.prompt)
        provider = self.provider or prompt.provider
        if provider is None:
            raise ScorerError(f"{prompt.spec} names no provider. Say which one judges, as in provider: openai")
        provider_kind(provider)
        output = prompt.output
        missing = unsaid(output, (REASON, self._key))
        if missing:
            raise ScorerError(f"the output of {prompt.spec} has no {' and no '.join(missing)}.")
        self._found = _Bound(
            prompt,
            JudgeInputs(prompt, self.inputs, pairwise=self.pairwise),
            provider,
            self.model or prompt.model,
            output,
            self._pairwise_scale() if self.pairwise else self._score_scale(prompt.spec, output),
        )

    @property
    def _bound(self) -> _Bound:
        if self._found is None:
            raise ScorerError(f"the judge {self.prompt} was not looked up in a registry.")
        return self._found

    @property
    def _key(self) -> str:
        return "winner" if self.pairwise else "score"

    def _pairwise_scale(self) -> Scale:
        if self.range not in (None, [0, 1]) or self.kind == "pass-fail":
            raise ScorerError("pairwise scores go from 0 (lost) to 1 (won). Leave out range and kind.")
        return Scale("score", 0, 1)

    def _score_scale(self, spec: str, output: dict[str, Any] | None) -> Scale:
        if self.against is not None:
            raise ScorerError("against goes with pairwise: true.")
        try:
            said = bounds(output)
        except ScorerError as problem:
            raise ScorerError(f"the output of {spec}: {problem.message}") from None
        low, high = self.range or (said.low, said.high)
        if low is None or high is None:
            raise ScorerError(f"the output of {spec} does not bound its score. Say how, as in range: [1, 5]")
        if (said.low, said.high) not in ((low, high), (None, high), (low, None), (None, None)):
            ends = " to ".join("any" if end is None else f"{end:g}" for end in (said.low, said.high))
            raise ScorerError(f"range is {low:g} to {high:g}, and scores of {spec} go from {ends}.")
        if low >= high:
            raise ScorerError(f"scores of {spec} can only be {low:g}.")
        kind: Kind = self.kind or ("pass-fail" if said.two else "score")
        if kind == "pass-fail" and (low, high) != (0, 1):
            raise ScorerError(f"pass-fail is 0 or 1, and scores of {spec} go from {low:g} to {high:g}.")
        return Scale(kind, low, high)

    def scale(self) -> Scale:
        """Scores as the judge gives them, from the lowest to the highest; for pairs from 0 to 1."""
        return self._bound.scale

    def facts(self) -> dict[str, Any]:
        """The prompt and its digest, the provider and the model."""
        bound = self._bound
        return {
            "prompt": bound.prompt.spec,
            "digest": bound.prompt.digest,
            "provider": bound.provider,
            "model": bound.model,
        }

    def providers(self) -> list[str]:
        """One call for an answer; two for a pair."""
        return [self._bound.provider] * (2 if self.pairwise else 1)

    def check(self, case: Case) -> None:
        """The case must have what the judge's prompt asks for."""
        if self.pairwise:
            filled(self.against, case)
        self._bound.inputs.check(case)

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """The judge's score with its reason; ScorerError where it gives none."""
        if self.pairwise:
            return await self._compared(answer.text, case, bench, repeat)
        said, found, reason = await self._asked({"answer": answer.text}, case, bench, repeat)
        return Judgement(self._score(said, found), reason)

    def _score(self, said: Completion, found: Any) -> float:
        scale = self._bound.scale
        words = "0 or 1" if scale.kind == "pass-fail" else f"a number from {scale.low:g} to {scale.high:g}"
        is_number = isinstance(found, (int, float)) and (scale.kind == "pass-fail" or not isinstance(found, bool))
        if not is_number or not scale.low <= found <= scale.high or (scale.kind == "pass-fail" and found not in (0, 1)):
            raise refused(said, f"score must be {words}")
        return float(found)

    async def _compared(self, mine: str, case: Case, bench: Bench, repeat: int) -> Judgement:
        other = filled(self.against, case)
        first = await self._winner({"a": mine, "b": other}, case, bench, repeat)
        second = await self._winner({"a": other, "b": mine}, case, bench, repeat)
        worth, reasons = (first[0][0], second[0][1]), (first[1], second[1])
        told = (
            f"shown first it {_OUTCOMES[worth[0]]}: {reasons[0]} / shown second it {_OUTCOMES[worth[1]]}: {reasons[1]}"
        )
        if worth[0] != worth[1]:
            told = f"the judge changed its mind with the order; {told}"
        return Judgement(sum(worth) / 2, told)

    async def _winner(
        self, answers: dict[str, str], case: Case, bench: Bench, repeat: int
    ) -> tuple[tuple[float, float], str]:
        """What each answer of a pair gets, and the reason."""
        said, winner, reason = await self._asked(answers, case, bench, repeat)
        if not isinstance(winner, str) or winner not in _WORTH:
            raise refused(said, "winner must be a, b or tie")
        return _WORTH[winner], reason

    async def _asked(
        self, answers: dict[str, str], case: Case, bench: Bench, repeat: int
    ) -> tuple[Completion, Any, str]:
        """What the judge said, what its verdict is, and its reason."""
        bound = self._bound
        try:
            messages = bound.prompt.render(**bound.inputs.values(case, answers)).messages
        except ScorerError:
            raise
        except PromptregError as problem:
            raise ScorerError(f"{bound.prompt.spec} cannot be rendered for case {case.id}: {problem}") from None
        request = Request(
            messages=messages,
            model=bound.model,
            parameters=bound.prompt.parameters,
            tools=bound.prompt.tools,
            output=bound.output,
            prompt=bound.prompt.name,
        )
        said = await bench.ask(bound.provider, request, repeat)
        return said, *read_verdict(said, self._key, bound.output)
