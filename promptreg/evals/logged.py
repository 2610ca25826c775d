"""Cases out of the log of an application: JSON Lines, one call a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from promptreg.core.errors import FileError, PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.case_files import json_line
from promptreg.evals.case_text import CaseText
from promptreg.evals.cases import CRITICAL
from promptreg.evals.provider import ProviderUnusable, last_user_text

_ANSWERS = ("output", "response")
_TAKEN = ("id", "expected", "tags", "cluster")
_SHAPES = 'Each line is {"inputs": {…}}, with "expected", "id" and "tags" where there are any'


def logged_cases(text: CaseText, prompt: Prompt, *, expect_response: bool) -> Iterator[tuple[dict[str, Any], int]]:
    """The data of a case for each call in a log, with the number of its line; FileError where a line is none.

    What was answered is what is expected only where `expect_response` says that it was right. A line that holds
    messages in place of inputs is taken where the prompt makes these very messages of an input.
    """
    for line, number in text.lines():
        if not line.strip():
            continue
        call = json_line(line, text.shown, number)

        def problem(message: str, number: int = number) -> FileError:
            return FileError(message, path=text.shown, line=number)

        if not isinstance(call, Mapping):
            raise problem(f"this is no call. {_SHAPES}.")
        found = {key: call[key] for key in _TAKEN if call.get(key) is not None}
        if isinstance(found.get("id"), int):
            found["id"] = str(found["id"])
        try:
            found["inputs"] = _inputs(call, prompt)
            if expect_response and "expected" not in found:
                found["expected"] = _answer(call)
        except PromptregError as trouble:
            raise problem(trouble.message) from None
        yield found, number


def _inputs(call: Mapping[str, Any], prompt: Prompt) -> Any:
    if "inputs" in call:
        return call["inputs"]
    if "messages" not in call:
        raise PromptregError(f"there are no inputs here. {_SHAPES}.")
    texts = [name for name, declared in prompt.declared.items() if declared.type in ("string", "any")]
    if len(prompt.declared) != 1 or len(texts) != 1:
        takes = ", ".join(prompt.declared) or "none"
        raise PromptregError(
            f"there are messages here and no inputs, and inputs can be read off messages only of a prompt with a "
            f"single one, a text. {prompt.name} takes {takes}. Log the inputs."
        )
    return {texts[0]: _unrendered(call["messages"], prompt, texts[0])}


def _unrendered(messages: Any, prompt: Prompt, name: str) -> str:
    """The last user message, where the prompt says the same when that is its input."""
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        raise PromptregError("messages must be a list of mappings.")
    try:
        asked = last_user_text([dict(message) for message in messages])
        said = last_user_text(prompt.render(**{name: asked}).messages)
    except ProviderUnusable:
        raise PromptregError("there is no user message here to read an input off.") from None
    if said != asked:
        raise PromptregError(
            f"{prompt.spec} puts other words around {name}, so it cannot be read off the last user message. Log the "
            "inputs."
        )
    return asked


def _answer(call: Mapping[str, Any]) -> Any:
    """What was answered: a text, or what OpenAI's interface returns."""
    found = next((call[key] for key in _ANSWERS if call.get(key) is not None), None)
    if isinstance(found, Mapping) and "choices" in found:
        try:
            found = found["choices"][0]["message"]["content"]
        except (LookupError, TypeError):
            found = None
    if found is None:
        raise PromptregError("there is no answer here to expect: neither output nor response.")
    return found


def with_tags(data: dict[str, Any], tags: tuple[str, ...], *, critical: bool) -> dict[str, Any]:
    """The data of a case with some more tags."""
    given = data.get("tags")
    if given is not None and not isinstance(given, list):
        return data
    wanted = dict.fromkeys([*(given or ()), *tags, *([CRITICAL] if critical else ())])
    return data | ({"tags": list(wanted)} if wanted else {})
