"""What answers a rendered prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from promptreg.core.errors import PromptregError
from promptreg.evals.json_text import canonical_json


class ProviderError(PromptregError):
    """One call failed: no evidence, neither a pass nor a zero."""


class CallRefused(ProviderError):
    """One call failed in a way that may pass by itself: too many at once, a fault of the server, a time-out.

    `after` is how many seconds the server asks to wait, where it says so; `crowded` whether it has too many calls, so
    that all others had better wait as well.
    """

    def __init__(self, message: str, *, after: float | None = None, crowded: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.crowded = crowded


class ProviderUnusable(PromptregError):
    """A provider cannot be used at all as asked; every call would fail."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call: messages, the model that is asked for (or None), generation settings, tools and output schema.

    `prompt` and `suite` say what it is made for, and are no part of what is asked.
    """

    messages: list[dict[str, Any]]
    model: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    tools: list[dict[str, Any]] = field(default_factory=list)
    output: dict[str, Any] | None = None
    prompt: str = ""
    suite: str = ""

    def facts(self) -> dict[str, Any]:
        """What is asked, as plain data."""
        return {
            "messages": self.messages,
            "model": self.model,
            "parameters": self.parameters,
            "tools": self.tools,
            "output": self.output,
        }

    def digest(self) -> str:
        """`sha256:…` over what is asked: equal for equal calls."""
        return f"sha256:{hashlib.sha256(canonical_json(self.facts()).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer: its text, the id of the model that gave it, tokens and cost (USD) where they are known.

    `tokens_cached` are those of `tokens_in` that the provider had in its own cache; `finish` is why the answer ended
    (`stop`, `length`, `tool_calls`, …); `tool_calls` are `{"name", "arguments"}`, the arguments as data. An answer that
    is nothing but tool calls has them as its text, as JSON.
    """

    text: str
    model: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None
    tokens_cached: int | None = None
    finish: str | None = None
    tool_calls: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Means:
    """What the door hands to providers and scorers.

    `environ` are the environment variables (keys stand nowhere else); `directory` is where programs run and modules
    are found; `read` reads a file of the registry (None where there is none); `timeout_s` bounds one call.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    directory: str = "."
    read: Callable[[str], bytes | None] = lambda path: None
    concurrency: int = 4
    timeout_s: float = 120.0


class Provider(Protocol):
    """Something that answers requests. One is opened for a run and asked many times at once, in one event loop.

    `is_model` is whether it is a language model; `runs_code` whether it runs a program that the suite names, which
    needs --allow-code; `costs` whether calls may cost money.
    """

    is_model: ClassVar[bool]
    runs_code: ClassVar[bool]
    costs: ClassVar[bool]
    summary: ClassVar[str]

    def __init__(self, argument: str, means: Means) -> None:
        """`argument` is what stands behind the colon of `KIND:ARGUMENT`; ProviderUnusable where it cannot."""

    async def complete(self, request: Request, repeat: int) -> Completion:
        """Answer; `repeat` (from 0) tells one answer to the same request from another.

        CallRefused where trying again may help, ProviderError where this call failed, ProviderUnusable where every
        call would. It does not try again by itself: the run does, alike for every call.
        """

    async def close(self) -> None:
        """Give back what it holds: connections, threads."""


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, its images left out."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or [] if isinstance(part, dict))


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """The text of the last user message; ProviderUnusable where there is none."""
    for message in reversed(messages):
        if message.get("role") == "user":
            return text_of(message)
    raise ProviderUnusable("the rendered messages hold no user message to answer.")
