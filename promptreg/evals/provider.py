"""What answers a rendered prompt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from promptreg.core.errors import PromptregError


class ProviderError(PromptregError):
    """One call failed: no evidence, neither a pass nor a zero."""


class ProviderUnusable(PromptregError):
    """A provider cannot be used at all as asked; nothing was called."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call: messages, the model that is asked for (or None), generation settings, tools and output schema."""

    messages: list[dict[str, Any]]
    model: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    tools: list[dict[str, Any]] = field(default_factory=list)
    output: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer: its text, the id of the model that gave it, tokens and cost (USD) where they are known."""

    text: str
    model: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None


class Provider(Protocol):
    """Something that answers requests.

    `is_model` is whether it is a language model; `runs_code` whether it runs a program that the suite names, which
    needs --allow-code; `costs` whether calls may cost money.
    """

    is_model: ClassVar[bool]
    runs_code: ClassVar[bool]
    costs: ClassVar[bool]
    summary: ClassVar[str]

    def __init__(self, argument: str) -> None:
        """`argument` is what stands behind the colon of `KIND:ARGUMENT`; ProviderUnusable where it cannot."""

    def complete(self, request: Request) -> Completion:
        """Answer. ProviderError where this call failed, ProviderUnusable where every call would."""


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
