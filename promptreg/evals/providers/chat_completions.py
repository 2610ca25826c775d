"""OpenAI's chat completions, which most APIs speak: what is sent, and what comes back, as plain data.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Any

from promptreg.core.clients import for_openai
from promptreg.core.prompt_file import is_transport
from promptreg.evals.json_text import NO_TEXT, canonical_json, shown, strict_json
from promptreg.evals.provider import Completion, ProviderError, ProviderUnusable, Request, text_of

_BRIEF = 200


@dataclass(slots=True)
class _Asked:
    """A request as `for_openai` takes a prompt."""

    name: str
    model: str | None
    parameters: dict[str, Any]
    output: dict[str, Any] | None
    tools: list[dict[str, Any]]


def arguments(provider: str, request: Request) -> dict[str, Any]:
    """Arguments of chat completions. ProviderUnusable where no model is asked for, or a parameter is none."""
    if request.model is None:
        where = f" of {request.prompt}" if request.prompt else ""
        raise ProviderUnusable(
            f"{provider} needs the name of a model. Write it into the prompt's front matter{where}, or into the "
            "suite, as in  model: gpt-4.1-mini"
        )
    for name in request.parameters:
        if is_transport(name):
            raise ProviderUnusable(
                f"parameters: {name} is no generation setting. Endpoints, keys and headers come from the environment."
            )
    name = request.prompt or "answer"
    return for_openai(_Asked(name, request.model, request.parameters, request.output, request.tools), request.messages)


def completion(provider: str, data: Any, request: Request) -> Completion:
    """The answer in what came, its first choice; ProviderError that says what came where there is none."""
    choices = data.get("choices") if isinstance(data, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise no_answer(provider, json.dumps(data))
    calls = [_tool_call(call) for call in message.get("tool_calls") or [] if isinstance(call, dict)]
    refusal = message.get("refusal") or _mapping(message.get("provider_specific_fields")).get("refusal")
    text = text_of(message) or _text(refusal) or (canonical_json(calls) if calls else "")
    usage = _mapping(data.get("usage"))
    answer = Completion(
        text=text,
        model=_text(data.get("model")) or request.model or provider,
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
        tokens_cached=_count(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens")),
        finish=_text(_mapping(choice).get("finish_reason")) or None,
        tool_calls=calls,
    )
    return checked(provider, answer)


def checked(provider: str, answer: Completion) -> Completion:
    """An answer that can be stored; ProviderError where it cannot."""
    try:
        canonical_json([answer.text, answer.model, answer.finish, answer.tool_calls]).encode()
    except UnicodeEncodeError:
        raise ProviderError(f"{provider} answered with what cannot be stored: {NO_TEXT}") from None
    except (TypeError, ValueError, RecursionError) as problem:
        raise ProviderError(f"{provider} answered with a tool call that is no JSON: {problem}") from None
    return answer


def no_answer(provider: str, came: str) -> ProviderError:
    """The error for something that is no answer."""
    brief = came if len(came) <= _BRIEF else f"{came[:_BRIEF]}…"
    return ProviderError(f"{provider} did not answer with a chat completion, but with: {shown(brief) or 'nothing'}")


async def collected(stream: AsyncIterable[Any]) -> dict[str, Any]:
    """A streamed answer put together again, in the shape of one that comes whole."""
    whole: dict[str, Any] = {}
    async for chunk in stream:
        _add(whole, chunk.model_dump())
    return whole


def _add(whole: dict[str, Any], chunk: dict[str, Any]) -> None:
    whole |= {key: chunk[key] for key in ("model", "usage", "error") if chunk.get(key)}
    for choice in chunk.get("choices") or []:
        if choice.get("index", 0) == 0:
            first = whole.setdefault("choices", [{"message": {}, "finish_reason": None}])[0]
            first["finish_reason"] = choice.get("finish_reason") or first["finish_reason"]
            _add_delta(first["message"], choice.get("delta") or {})


def _add_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("content", "refusal"):
        if delta.get(key):
            message[key] = message.get(key, "") + delta[key]
    for piece in delta.get("tool_calls") or []:
        calls = message.setdefault("tool_calls", [])
        while len(calls) <= piece["index"]:
            calls.append({"function": {"name": "", "arguments": ""}})
        for key, value in (piece.get("function") or {}).items():
            calls[piece["index"]]["function"][key] += value or ""


def _tool_call(call: dict[str, Any]) -> dict[str, Any]:
    function = _mapping(call.get("function"))
    custom = _mapping(call.get("custom"))
    name = _text(function.get("name")) or _text(custom.get("name"))
    return {"name": name, "arguments": _data(function.get("arguments")) if function else custom.get("input")}


def _data(arguments: Any) -> Any:
    """The arguments of a call as data; as the text that they are where the model wrote no JSON."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return strict_json(arguments or "{}")
    except (ValueError, RecursionError):
        return arguments


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
