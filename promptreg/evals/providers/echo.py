"""Answers with the last user message."""

from __future__ import annotations

from typing import ClassVar

from promptreg.evals.provider import Completion, Means, Request, last_user_text


class Echo:
    """`echo`: says the last user message back, to try out a suite or a prompt's layout. Not a language model."""

    is_model: ClassVar[bool] = False
    runs_code: ClassVar[bool] = False
    costs: ClassVar[bool] = False
    summary: ClassVar[str] = "says the last user message back; no key, not a language model"

    def __init__(self, argument: str, means: Means) -> None:
        """Takes no argument."""

    async def complete(self, request: Request, repeat: int) -> Completion:
        """The last user message."""
        return Completion(last_user_text(request.messages), "echo")

    async def close(self) -> None:
        """It holds nothing."""
