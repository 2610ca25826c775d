"""What a call can cost at most, told before it is made."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from promptreg.evals.provider import Request

#: Where providers read how long an answer may be, and how many answers are wanted.
LENGTHS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
ANSWERS = ("n", "best_of", "candidate_count")
#: Tokens that a message takes beside its text.
_OVERHEAD = 16
_MOST = 10**9


def most(requests: Iterable[Request], price_in: float, price_out: float) -> float | None:
    """USD that some calls cost at most, by prices for a million tokens; None where one of them is not bounded."""
    each = [_most(request, price_in, price_out) for request in requests]
    return None if None in each else math.fsum(filter(None, each))


def _most(request: Request, price_in: float, price_out: float) -> float | None:
    """USD that one call costs at most.

    None where nothing bounds it: no parameter says how long an answer may be, or an image goes with it. A token is at
    least one byte of UTF-8, as byte pair encodings make them; Japanese text comes close to that.
    """
    lengths = [request.parameters[name] for name in LENGTHS if name in request.parameters]
    answers = [request.parameters[name] for name in ANSWERS if name in request.parameters]
    if not lengths or not all(map(_is_count, [*lengths, *answers])) or _has_images(request):
        return None
    asked = json.dumps([request.messages, request.tools, request.output, request.parameters], ensure_ascii=False)
    tokens_in = len(asked.encode("utf-8", "replace")) + _OVERHEAD * len(request.messages)
    tokens_out: int = max(lengths) * max(answers, default=1)
    return (tokens_in * price_in + tokens_out * price_out) / 1_000_000


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST


def _has_images(request: Request) -> bool:
    return any(
        isinstance(part, dict) and part.get("type") != "text"
        for message in request.messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
    )
