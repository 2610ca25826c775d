"""What calls cost: at most, told before they are made; and what they did cost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from promptreg.evals.provider import Completion, Request
from promptreg.validation import Strict

#: Where providers read how long an answer may be, and how many answers are wanted.
LENGTHS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
ANSWERS = ("n", "best_of", "candidate_count")
#: Tokens that a message takes beside its text.
_OVERHEAD = 16
_MOST = 10**9


class Price(Strict):
    """USD per million tokens; `cached` is for those of the input that the provider had in its cache."""

    input: Annotated[float, Field(ge=0, strict=False)]
    output: Annotated[float, Field(ge=0, strict=False)]
    cached: Annotated[float, Field(ge=0, strict=False)] | None = None

    def most(self, request: Request) -> float | None:
        """USD that a call costs at most; None where nothing bounds it.

        That is so where no parameter says how long an answer may be, or an image goes with it. A token is at least one
        byte of UTF-8, as byte pair encodings make them; Japanese text comes close to that.
        """
        if not (self.input or self.output):
            return 0.0
        lengths = [request.parameters[name] for name in LENGTHS if name in request.parameters]
        answers = [request.parameters[name] for name in ANSWERS if name in request.parameters]
        if not lengths or not all(map(_is_count, [*lengths, *answers])) or _has_images(request):
            return None
        asked = json.dumps([request.messages, request.tools, request.output, request.parameters], ensure_ascii=False)
        tokens_in = len(asked.encode("utf-8", "replace")) + _OVERHEAD * len(request.messages)
        tokens_out: int = max(lengths) * max(answers, default=1)
        return (tokens_in * self.input + tokens_out * self.output) / 1_000_000

    def of(self, answer: Completion) -> float | None:
        """USD that a call did cost, by its tokens; None where the provider did not count them."""
        if not (self.input or self.output):
            return 0.0
        if answer.tokens_in is None or answer.tokens_out is None:
            return None
        cached = min(answer.tokens_cached or 0, answer.tokens_in)
        at = self.input if self.cached is None else self.cached
        return ((answer.tokens_in - cached) * self.input + cached * at + answer.tokens_out * self.output) / 1_000_000


def usd_text(usd: float) -> str:
    """An amount of USD with two figures that say something, and never as 1e-05."""
    return f"{Decimal(f'{usd:.2g}'):f} USD"


#: What calls of a provider cost that costs nothing.
FREE = Price(input=0, output=0)


def most(requests: Iterable[Request], price: Price) -> float | None:
    """USD that some calls cost at most; None where one of them is not bounded."""
    each = [price.most(request) for request in requests]
    return None if None in each else math.fsum(filter(None, each))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST


def _has_images(request: Request) -> bool:
    return any(
        isinstance(part, dict) and part.get("type") != "text"
        for message in request.messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
    )
