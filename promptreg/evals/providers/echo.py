"""Answers with the last user message."""

from __future__ import annotations

from typing import ClassVar

from promptreg.evals.provider import Completion, Request, last_user_text


class Echo:
    """`echo`: says the last user message back, to try out a suite or a prompt's layout. Not a language model."""

    is_model: ClassVar[bool] = False
    runs_code: ClassVar[bool] = False
    costs: ClassVar[bool] = False
    summary: ClassVar[str] = "says the last user message back; no key, not a language model"

    def __init__(self, argument: str = "") -> None:
        """Takes no argument."""

    def complete(self, request: Request) -> Completion:
        """The last user message."""
        return Completion(last_user_text(request.messages), "echo")
