"""A first suite for a prompt: it runs at once, and its one case waits for words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.core.inputs import Input
from promptreg.core.prompt import Prompt
from promptreg.evals.providers.nearest_example import examples_in

_SUITE = """\
# Cases and scorers that judge this prompt.
# {why}
# Neither echo nor nearest-example is a language model. provider: openai asks one, litellm and command:PROGRAM others;
# nearest-example needs no key.
provider: {provider}
scorers:
  correct: {{type: exact}}
gate:
  correct: {{max_drop: 0.05}}
cases: cases.jsonl
"""
_ECHO = "echo says the last user message back, so that the first case fails until something else answers."
_NEAREST = "nearest-example answers like the nearest of the prompt's examples."
_QUESTION = "What somebody might ask."
_ANSWER = "What the answer should be."


def first_suite(prompt: Prompt) -> tuple[str, str]:
    """The texts of suite.yaml and cases.jsonl.

    The provider is nearest-example where the prompt holds examples, and then the case expects what the first of them
    answers; else it is echo.
    """
    inputs = {name: _sample(declared) for name, declared in prompt.declared.items() if declared.required}
    examples = _examples(prompt, inputs)
    expected = examples[0][1].strip() if examples else _ANSWER
    case = json.dumps({"id": "first", "inputs": inputs, "expected": expected}, ensure_ascii=False)
    provider, why = ("nearest-example", _NEAREST) if examples else ("echo", _ECHO)
    return _SUITE.format(provider=provider, why=why), f"{case}\n"


def _examples(prompt: Prompt, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The examples of a prompt; none where it cannot be rendered with inputs that nobody wrote for it."""
    try:
        return examples_in(prompt.render(**inputs).messages)
    except PromptregError:
        return []


def _sample(declared: Input) -> Any:
    """A value that fits a declaration."""
    if declared.enum:
        return declared.enum[0]
    if declared.type == "array":
        return [] if declared.items is None else [_sample(declared.items)]
    if declared.type == "object":
        return {name: _sample(inner) for name, inner in declared.properties.items() if inner.required}
    samples = {"integer": 1, "number": 1, "boolean": True, "messages": [{"role": "user", "content": _QUESTION}]}
    return samples.get(declared.type, _QUESTION)
