"""What a server's refusals mean for a run: try again, give this call up, or give up altogether. No key is ever told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.evals.json_text import shown
from promptreg.evals.provider import CallRefused, ProviderError, ProviderUnusable

#: Statuses that every further call would get too: no right, no money, no such model or address.
_FOR_GOOD = frozenset({401, 402, 403, 404, 405, 410})
#: Statuses that may pass by themselves, beside all from 500.
_PASSING = frozenset({408, 409, 425, 429})
_CROWDED = frozenset({429, 503, 529})
#: What a 429 says that is about money, and not about how much is asked at once.
_NO_MONEY = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_LOOKS_SECRET = re.compile(r"\b(Bearer\s+|sk-)[\w.*-]{6,}|(?<=://)[^/\s@]+(?=@)")
_MOST = 300


def of_status(who: str, status: int, said: str, code: Any = None, after: float | None = None) -> PromptregError:
    """The error for an HTTP status, what the server said with it, its own code, and how long it asks to wait."""
    message = f"{who} answered {status}: {said}" if said else f"{who} answered {status}."
    if status in _FOR_GOOD or code in _NO_MONEY:
        return ProviderUnusable(message)
    if status in _PASSING or status >= 500:
        return CallRefused(message, after=after, crowded=status in _CROWDED)
    return ProviderError(message)


def patience(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, by its Retry-After; None where it does not say.

    A date counts from the server's own clock, as its Date tells it.
    """
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    try:
        until, now = (parsedate_to_datetime(headers.get(name, "")) for name in ("retry-after", "date"))
        return max((until - now).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


def brief(text: str, environ: Mapping[str, str]) -> str:
    """A server's words on one line, shortened, without anything that is secret in the environment or looks like it."""
    text = shown(" ".join(without_secrets(text, environ).split()))
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """A text without anything that is secret in the environment, by the variable's name, or looks like it."""
    for name, value in sorted(environ.items(), key=lambda item: -len(item[1])):
        if len(value) >= 6 and _SECRET.search(name):
            text = text.replace(value, f"[{name}]")
    return _LOOKS_SECRET.sub("[…]", text)
