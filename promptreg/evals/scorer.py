"""What judges an answer."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from typing import Any, ClassVar, Literal

from promptreg.core.errors import PromptregError
from promptreg.evals.cases import Case
from promptreg.evals.json_text import canonical_json
from promptreg.validation import Strict

#: What failures that are no scorer's are named for, so that no scorer may be.
PROVIDER = "provider"

Kind = Literal["pass-fail", "score"]
Direction = Literal["up", "down"]


class ScorerError(PromptregError):
    """A scorer cannot judge an answer: no evidence, neither a pass nor a zero."""


class Scorer(Strict):
    """One scorer with its options, as a suite declares it.

    A pass-fail scorer gives 1 or 0; a score lies in `range`. `direction` says which way is better. `revision` counts
    the changes of what its code computes, so that results of different code are never compared.
    """

    kind: ClassVar[Kind] = "pass-fail"
    range: ClassVar[tuple[float, float]] = (0, 1)
    direction: ClassVar[Direction] = "up"
    revision: ClassVar[int] = 1
    #: Where the option stands that `check_options` looks at.
    main_option: ClassVar[tuple[str, ...]] = ()

    type: str

    def digest(self) -> str:
        """`sha256:…` over the options and the revision of the code."""
        facts = canonical_json({"options": self.model_dump(mode="json"), "revision": self.revision})
        return f"sha256:{hashlib.sha256(facts.encode()).hexdigest()}"

    @abstractmethod
    def score(self, answer: str, case: Case) -> float:
        """Judge an answer; ScorerError where that cannot be done."""

    def check_options(self) -> None:
        """ScorerError where the options cannot judge anything; called when the suite is read."""

    def check(self, case: Case) -> None:
        """ScorerError where a case lacks what this scorer needs; called before the first call of a provider."""


_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def filled(template: str | None, case: Case) -> str:
    """The text that is expected: `{name}` stands for a key of the case's `expected`, else for an input.

    Without a template it is `expected` itself. ScorerError where the case has no such text.
    """
    if template is None:
        return _text(case.expected, "expected", case)

    def field(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
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
