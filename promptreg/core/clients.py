"""Rendered prompts as keyword arguments of LLM clients: plain dictionaries, no SDK is imported."""

from __future__ import annotations

import re
from typing import Any, Protocol


class Settings(Protocol):
    """What a prompt says beside its messages."""

    name: str

    @property
    def model(self) -> str | None:
        """The model that is asked for."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Generation settings."""

    @property
    def output(self) -> dict[str, Any] | None:
        """The JSON Schema of the answer."""

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools that the model may call."""


def for_openai(prompt: Settings, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Arguments of OpenAI's chat completions: model, messages, parameters, tools, response_format.

    Source: https://platform.openai.com/docs/api-reference/chat/create. What the prompt does not say is left out.
    """
    import copy

    call: dict[str, Any] = {"messages": copy.deepcopy(messages), **prompt.parameters}
    if prompt.model is not None:
        call["model"] = prompt.model
    if prompt.tools:
        call["tools"] = [{"type": "function", "function": tool} for tool in prompt.tools]
    if prompt.output is not None:
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", prompt.name)[-64:]
        schema = {"name": name, "schema": prompt.output, "strict": _is_strict(prompt.output)}
        call["response_format"] = {"type": "json_schema", "json_schema": schema}
    return call


def _is_strict(schema: dict[str, Any]) -> bool:
    """Whether OpenAI enforces a schema: its root is an object and every object in it is closed."""
    return schema.get("type") == "object" and "anyOf" not in schema and _is_closed(schema)


def _is_closed(schema: Any) -> bool:
    """Whether every object of a schema names all its properties as required and allows no others.

    OpenAI enforces a schema (`strict`) only then, and refuses `strict` otherwise, as it does with combining keywords
    other than anyOf.
    """
    if isinstance(schema, list):
        return all(_is_closed(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if any(key in schema for key in ("allOf", "oneOf", "not", "if")):
        return False
    properties = schema.get("properties")
    kind = schema.get("type")
    is_object = kind == "object" or isinstance(properties, dict) or (isinstance(kind, list) and "object" in kind)
    required = schema.get("required", [])
    all_required = isinstance(required, list) and sorted(map(str, required)) == sorted(properties or {})
    if is_object and not (schema.get("additionalProperties") is False and all_required):
        return False
    inner = [value for key, value in schema.items() if key not in _NO_SCHEMAS]
    return _is_closed(inner) and _is_closed(list((properties or {}).values()))


_NO_SCHEMAS = frozenset({"properties", "enum", "const", "default", "required"})
