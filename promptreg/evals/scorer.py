"""What judges an answer."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from promptreg.core.errors import PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.cases import Case
from promptreg.evals.json_text import canonical_json
from promptreg.evals.provider import Completion, Means, Request
from promptreg.validation import Location, Strict

#: What failures that are no scorer's are named for, so that no scorer may be.
PROVIDER = "provider"

Kind = Literal["pass-fail", "score"]
Direction = Literal["up", "down"]


class ScorerError(PromptregError):
    """A scorer cannot judge an answer: no evidence, neither a pass nor a zero."""


class Scale(NamedTuple):
    """What scores are: pass-fail (1 or 0) or a score from `low` to `high`; `direction` says which way is better."""

    kind: Kind = "pass-fail"
    low: float = 0
    high: float = 1
    direction: Direction = "up"


class Judgement(NamedTuple):
    """One score, and what the scorer has to say about it."""

    score: float
    comment: str | None = None


class Place(Protocol):
    """Where a suite stands, for scorers that need more than their options.

    `folder` is the suite's folder in the registry, `NAME/evals`.
    """

    folder: str

    def prompt(self, spec: str) -> Prompt:
        """A released prompt, `NAME@VERSION` with an exact version, verified; PromptregError where there is none."""

    def read(self, path: str) -> bytes | None:
        """A file of the registry; None where there is none."""

    def scorer(self, options: Any, at: Location) -> Scorer:
        """A scorer inside a scorer, from its options, which stand at `at` below the outer one's."""


class Bench(Protocol):
    """What a scorer works with while it judges."""

    means: Means

    async def ask(self, provider: str, request: Request, repeat: int) -> Completion:
        """Ask a provider by its name: paced, retried, counted and paid for as all calls of the run are.

        ScorerError where no answer comes.
        """


class Scorer(Strict):
    """One scorer with its options, as a suite declares it.

    `revision` counts the changes of what its code computes, so that results of different code are never compared;
    `runs_code` is whether it runs code that the suite names, which needs --allow-code; `by_people` whether people
    judge, so that no run does.
    """

    revision: ClassVar[int] = 1
    runs_code: ClassVar[bool] = False
    by_people: ClassVar[bool] = False
    #: Where the option stands that `check_options` looks at.
    main_option: ClassVar[tuple[str, ...]] = ()

    type: str

    def scale(self) -> Scale:
        """What its scores are."""
        return Scale()

    def bind(self, place: Place) -> None:
        """Look up what the options name, when the suite is read; ScorerError where it is not there."""

    def parts(self) -> list[Scorer]:
        """The scorers that this one is made of."""
        return []

    def facts(self) -> dict[str, Any]:
        """What its scores depend on beside its options: the digest of a prompt or of code, a model."""
        return {}

    def digest(self) -> str:
        """`sha256:…` over the options, the facts and the revision of the code."""
        said: dict[str, Any] = {"options": self.model_dump(mode="json"), "revision": self.revision}
        facts = self.facts()
        if facts:
            said["facts"] = facts
        return f"sha256:{hashlib.sha256(canonical_json(said).encode()).hexdigest()}"

    def providers(self) -> list[str]:
        """The providers that it asks, one entry for each call it makes for one answer."""
        return [provider for part in self.parts() for provider in part.providers()]

    def needs_code(self) -> bool:
        """Whether it, or a part of it, runs code that the suite names."""
        return self.runs_code or any(part.needs_code() for part in self.parts())

    async def prepare(self, means: Means) -> None:
        """Load what it works with (code, a model), once, before the first call of a run; PromptregError where it fails.

        Judging does it too where nobody did.
        """

    @abstractmethod
    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """Judge an answer; ScorerError where that cannot be done: no evidence, neither a pass nor a zero."""

    def check_options(self) -> None:
        """ScorerError where the options cannot judge anything; called when the suite is read, after `bind`."""

    def check(self, case: Case) -> None:
        """ScorerError where a case lacks what this scorer needs; called before the first call of a provider."""


class TextScorer(Scorer):
    """A scorer that needs no more than an answer's text, and has no more to say than a number."""

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """Judge the text."""
        return Judgement(self.score(answer.text, case))

    @abstractmethod
    def score(self, answer: str, case: Case) -> float:
        """Judge a text; ScorerError where that cannot be done."""


_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_NOTHING: Mapping[str, str] = {}


def filled(template: str | None, case: Case, given: Mapping[str, str] = _NOTHING) -> str:
    """The text that is expected: `{name}` stands for a key of the case's `expected`, else for an input.

    Without a template it is `expected` itself. Names in `given` stand for the texts there, before all else. ScorerError
    where the case has no such text.
    """
    if template is None:
        return _text(case.expected, "expected", case)

    def field(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        if found[1] in given:
            return given[found[1]]
        if found[1] == "expected":
            return _text(case.expected, "expected", case)
        if isinstance(case.expected, dict) and found[1] in case.expected:
            return _text(case.expected[found[1]], found[1], case)
        if found[1] in case.inputs:
            return _text(case.inputs[found[1]], found[1], case)
        raise ScorerError(f"case {case.id} has no {found[1]}, neither under expected nor among its inputs.")

    return _FIELD.sub(field, template)


def _text(value: Any, name: str, case: Case) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return canonical_json(value)
    raise ScorerError(f"case {case.id}: {name} is {'missing' if value is None else 'no text'}.")
