"""Where the inputs of a judge's prompt come from: the answer, the case, or what the suite says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from promptreg.core.errors import near
from promptreg.core.inputs import Input
from promptreg.core.plain import NotPlain
from promptreg.core.prompt import Prompt
from promptreg.evals.cases import Case
from promptreg.evals.json_text import canonical_json
from promptreg.evals.scorer import ScorerError, filled

#: Inputs of these names are the answer, or what the case expects, unless the suite says otherwise.
ANSWER = ("answer", "output", "response")
EXPECTATION = ("expected", "reference")
#: What the answers are called that a pairwise judge compares.
PAIR = ("a", "b")
_WHOLE = re.compile(r"\{([^{}]+)\}")
_ABSENT = object()


class JudgeInputs:
    """How the inputs of a judge's prompt are filled.

    `given` is what the suite says of some of them: a text with `{name}`s in it, or a value. `pairwise` is whether two
    answers are shown, `{a}` and `{b}`, rather than one, `{answer}`.
    """

    def __init__(self, prompt: Prompt, given: Mapping[str, Any], *, pairwise: bool) -> None:
        """ScorerError where an input is unknown, cannot take what it is given, or no input takes an answer."""
        self._spec = prompt.spec
        self._declared = prompt.declared
        self._given = dict(given)
        self.answers = PAIR if pairwise else ("answer",)
        for name in self._declared if pairwise else ():
            if name in PAIR:
                self._given.setdefault(name, f"{{{name}}}")
        for name in self._declared if not pairwise else ():
            if name in ANSWER:
                self._given.setdefault(name, "{answer}")
        self._check(given)

    def _check(self, given: Mapping[str, Any]) -> None:
        takes = f"It takes {', '.join(self._declared)}." if self._declared else "It takes no inputs."
        for name, value in given.items():
            if name not in self._declared:
                raise ScorerError(f"{self._spec} has no input {name}. {takes}{near(name, self._declared)}")
            if not isinstance(value, str):
                self._fitted(name, value, f"inputs of {self._spec}")
        for answer in self.answers:
            shown = [name for name in self._declared if answer in self._names(name)]
            if not shown:
                what = "the answer" if len(self.answers) == 1 else f"the answer {answer}"
                raise ScorerError(
                    f"{self._spec} is never shown {what}. {takes} Say which of them it is: "
                    f'inputs: {{NAME: "{{{answer}}}"}}'
                )
            for name in shown:
                if self._declared[name].type not in ("string", "any"):
                    raise ScorerError(
                        f"an answer is text, and the input {name} of {self._spec} is {self._declared[name].type}."
                    )

    def _names(self, name: str) -> set[str]:
        """The `{name}`s in what an input is filled with."""
        template = self._given.get(name)
        return set(_WHOLE.findall(template.replace("{{", ""))) if isinstance(template, str) else set()

    def check(self, case: Case) -> None:
        """ScorerError where a case lacks something, or has what does not fit."""
        self._values(case, dict.fromkeys(self.answers, ""), judging=False)

    def values(self, case: Case, answers: Mapping[str, str]) -> dict[str, Any]:
        """The inputs for one call, by name. `answers` are the texts of the answers."""
        return self._values(case, answers, judging=True)

    def _values(self, case: Case, answers: Mapping[str, str], *, judging: bool) -> dict[str, Any]:
        found = {}
        for name, declared in self._declared.items():
            value = self._value(name, declared, case, answers)
            if value is _ABSENT and declared.required:
                raise ScorerError(
                    f"case {case.id} has no {name}, which {self._spec} asks for. Say what it is: "
                    f'inputs: {{{name}: "{{…}}"}}'
                )
            if value is not _ABSENT and (judging or not self._names(name) & set(self.answers)):
                found[name] = self._fitted(name, value, f"case {case.id}")
        return found

    def _value(self, name: str, declared: Input, case: Case, answers: Mapping[str, str]) -> Any:
        if name in self._given:
            template = self._given[name]
            if not isinstance(template, str):
                return template
            whole = _WHOLE.fullmatch(template)
            if whole and declared.type != "string":
                value = answers.get(whole[1], _found(whole[1], case))
                if value is not _ABSENT:
                    return value
            return filled(template, case, answers)
        value = _expectation(name, case) if name in EXPECTATION else case.inputs.get(name, _ABSENT)
        if declared.type == "string" and isinstance(value, (bool, int, float)):
            return canonical_json(value)
        return value

    def _fitted(self, name: str, value: Any, of: str) -> Any:
        try:
            return self._declared[name].value(value)
        except NotPlain as problem:
            raise ScorerError(f"{of}: {name}{problem.path} {problem.message}, says {self._spec}.") from None


def _found(name: str, case: Case) -> Any:
    """A value of a case as `filled` finds it, of any kind."""
    if name == "expected":
        return case.expected
    if isinstance(case.expected, dict) and name in case.expected:
        return case.expected[name]
    return case.inputs.get(name, _ABSENT)


def _expectation(name: str, case: Case) -> Any:
    """What a case expects: the key of that name where it expects several things."""
    if isinstance(case.expected, dict):
        return case.expected.get(name, _ABSENT)
    return _ABSENT if case.expected is None else case.expected
