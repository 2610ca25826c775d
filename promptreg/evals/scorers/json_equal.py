"""A scorer that compares the answer's JSON with what is expected."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from promptreg.evals.cases import Case
from promptreg.evals.json_text import canonical_json, shown, strict_json
from promptreg.evals.provider import Completion
from promptreg.evals.scorer import Bench, Judgement, Scorer, ScorerError, filled
from promptreg.evals.scorers.json_difference import Comparison, depth

_DEEPEST = 100
_DEEP = f"lists and mappings stand more than {_DEEPEST} deep inside one another."
_FENCED = re.compile(r"^```(?:json)?[ \t]*\r?\n(.*?)^```[ \t]*\r?$", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_FIELD = re.compile(r"\{([^{}]+)\}")


class JsonEqual(Scorer):
    """The answer is JSON equal to `expected`, else to the case's `expected`, as data: 1 and 1.0 are equal, true is not.

    `ignore_order` compares lists without their order, `tolerance` lets numbers be so far apart, `ignore` leaves keys
    out (`id` wherever it stands, `items.*.price` from the top), `subset` lets the answer have further keys, `extract`
    takes the JSON out of the one fenced block of an answer that is more than JSON.
    """

    main_option: ClassVar[tuple[str, ...]] = ("expected",)

    type: Literal["json-equal"]
    expected: Any = None
    ignore_order: bool = False
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    ignore: list[str] = []
    subset: bool = False
    extract: bool = False

    def check_options(self) -> None:
        """ScorerError where a key to ignore is none, or the expected data is too deep."""
        for path in self.ignore:
            if not all(path.removeprefix(".").split(".")):
                raise ScorerError(f"ignore: {path!r} is neither a key nor a path such as items.*.price.")
        if depth(self.expected) > _DEEPEST:
            raise ScorerError(_DEEP)

    def check(self, case: Case) -> None:
        """The case must say what is expected."""
        self._wanted(case)

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """Whether they are equal; the comment says what differs first."""
        difference = self._difference(answer.text, case)
        return Judgement(float(difference is None), difference)

    def score(self, answer: str, case: Case) -> float:
        """1 where they are equal; ScorerError where the case does not say what is expected."""
        return float(self._difference(answer, case) is None)

    def _wanted(self, case: Case) -> Any:
        wanted = case.expected if self.expected is None else _filled(self.expected, case)
        if wanted is None:
            raise ScorerError(f"case {case.id}: expected is missing.")
        if depth(wanted) > _DEEPEST:
            raise ScorerError(f"case {case.id}: {_DEEP}")
        return self._without_ignored(wanted)

    def _difference(self, answer: str, case: Case) -> str | None:
        wanted = self._wanted(case)
        try:
            found = strict_json(_extracted(answer) if self.extract else answer)
            canonical_json(found)  # ValueError for 1e999, which Python reads as infinity
        except RecursionError:
            return "nested too deep"
        except ValueError as problem:
            return shown(f"no JSON: {problem}")
        if depth(found) > _DEEPEST:
            return "nested too deep"
        comparison = Comparison(Fraction(repr(self.tolerance)), self.ignore_order, self.subset)
        difference = comparison.difference(self._without_ignored(found), wanted)
        return None if difference is None else shown(str(difference))

    def _without_ignored(self, value: Any) -> Any:
        for path in self.ignore:
            anywhere = "." not in path
            value = _without(value, path.removeprefix(".").split("."), anywhere=anywhere)
        return value


def _without(value: Any, path: list[str], *, anywhere: bool) -> Any:
    """A value without the key at a path; a copy where something is left out."""
    if isinstance(value, list):
        if anywhere:
            return [_without(inner, path, anywhere=True) for inner in value]
        first, rest = path[0], path[1:]
        return [
            _without(inner, rest, anywhere=False) if rest and first in ("*", str(index)) else inner
            for index, inner in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    if anywhere:
        return {key: _without(inner, path, anywhere=True) for key, inner in value.items() if key != path[0]}
    first, rest = path[0], path[1:]
    return {
        key: _without(inner, rest, anywhere=False) if first in ("*", key) else inner
        for key, inner in value.items()
        if rest or first not in ("*", key)
    }


def _extracted(answer: str) -> str:
    """The JSON in an answer: all of it, or what stands in its one fenced block."""
    blocks = _FENCED.findall(answer)
    return blocks[0] if len(blocks) == 1 else answer


def _filled(expected: Any, case: Case) -> Any:
    """The expected data; a text that is nothing but a placeholder stands for the value, whatever that is."""
    if isinstance(expected, dict):
        return {key: _filled(value, case) for key, value in expected.items()}
    if isinstance(expected, list):
        return [_filled(value, case) for value in expected]
    if not isinstance(expected, str):
        return expected
    field = _FIELD.fullmatch(expected)
    if field is None:
        return filled(expected, case)
    name = field[1]
    for values in ({"expected": case.expected}, case.expected, case.inputs):
        if isinstance(values, dict) and values.get(name) is not None:
            return values[name]
    return filled(expected, case)
