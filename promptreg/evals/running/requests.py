"""From a case to the call that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from promptreg.core.errors import PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.cases import Case, fitted_inputs
from promptreg.evals.provider import Request
from promptreg.evals.suite import Suite


def request_for(prompt: Prompt, suite: Suite, case: Case) -> Request:
    """The call for one case; FileError where the case does not fit the prompt."""
    inputs, _ = fitted_inputs(prompt, case)
    try:
        messages = prompt.render(**inputs).messages
    except PromptregError as problem:
        why = str(problem).removeprefix(f"{prompt.spec}: ")
        raise suite.problem(case, f"case {case.id} cannot be rendered with {prompt.spec}: {why}") from None
    return Request(
        messages=messages,
        model=suite.model or prompt.model,
        parameters=prompt.parameters | suite.parameters,
        tools=prompt.tools,
        output=prompt.output,
        prompt=prompt.name,
        suite=suite.name,
    )


def requests(prompt: Prompt, suite: Suite, cases: Iterable[Case]) -> Iterator[Request]:
    """The calls for some cases, one for each; FileError where a case does not fit the prompt."""
    return (request_for(prompt, suite, case) for case in cases)
