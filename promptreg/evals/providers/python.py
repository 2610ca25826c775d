"""Answers with what a Python function returns."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, ClassVar

from promptreg.core.errors import PromptregError, near
from promptreg.evals.provider import Completion, Means, ProviderError, ProviderUnusable, Request
from promptreg.evals.providers.chat_completions import checked
from promptreg.evals.providers.refusals import brief
from promptreg.evals.python_code import Code, CodeError

_KEYS = tuple(field.name for field in fields(Completion))
_COUNTS = ("tokens_in", "tokens_out", "tokens_cached")


class Python:
    """`python:MODULE:FUNCTION`: calls a function, which may be `async`. Runs with --allow-code only.

    It gets one mapping, `{"messages", "model", "parameters", "tools", "output"}`, and returns the answer as a text, or
    as a mapping with `text` and what else it knows: `model tokens_in tokens_out tokens_cached cost_usd finish
    tool_calls`. What it raises is a failed call; it may raise promptreg's own errors, CallRefused to be asked again.
    """

    is_model: ClassVar[bool] = True
    runs_code: ClassVar[bool] = True
    costs: ClassVar[bool] = True
    summary: ClassVar[str] = "calls MODULE:FUNCTION with the request as a mapping (--allow-code)"

    def __init__(self, argument: str, means: Means) -> None:
        """Find the function. ProviderUnusable where there is none."""
        import asyncio

        self.name = f"python:{argument}"
        self.environ = means.environ
        try:
            self.function = Code.find(argument, ".", means.read).function(means)
        except CodeError as problem:
            raise ProviderUnusable(str(problem)) from None
        #: Held as long as a function runs, even where nobody waits for it any longer.
        self.slots = asyncio.Semaphore(max(means.concurrency, 1))

    async def complete(self, request: Request, repeat: int) -> Completion:
        """What the function returns."""
        facts = copy.deepcopy(request.facts())
        try:
            if inspect.iscoroutinefunction(self.function):
                found = await self.function(facts)
            else:
                found = await self._in_thread(facts)
                found = await found if inspect.isawaitable(found) else found
        except PromptregError:
            raise
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - somebody else's code may raise anything
            said = brief(str(problem), self.environ)
            raise ProviderError(f"{self.name} raised {type(problem).__name__}{f': {said}' if said else ''}") from None
        return self._completion(found)

    async def close(self) -> None:
        """It holds nothing: threads end with their functions, or with the process."""

    async def _in_thread(self, facts: dict[str, Any]) -> Any:
        """Call the function in a thread that nothing waits for at the end, so that ^C does not hang on it."""
        import asyncio

        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
        await self.slots.acquire()

        def settle(outcome: tuple[Any, BaseException | None]) -> None:
            self.slots.release()
            if not done.done():
                done.set_result(outcome)

        def work() -> None:
            outcome = _outcome(self.function, facts)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any longer
                loop.call_soon_threadsafe(settle, outcome)

        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        result, problem = await done
        if problem is not None:
            raise problem
        return result

    def _completion(self, found: Any) -> Completion:
        if isinstance(found, str):
            return checked(self.name, Completion(found, self.name))
        if not isinstance(found, Mapping):
            raise ProviderError(f"{self.name} returned {type(found).__name__}, not a text or a mapping with text.")
        for key in found:
            if key not in _KEYS:
                raise ProviderError(
                    f"{self.name} returned the key {key}. There are {', '.join(_KEYS)}.{near(str(key), _KEYS)}"
                )
        for key, value in found.items():
            if value is not None and not _fits(key, value):
                raise ProviderError(f"{self.name} returned {key}: {value!r:.80}, which it cannot be.")
        given = {key: value for key, value in found.items() if value is not None}
        if "text" not in given:
            raise ProviderError(f"{self.name} returned a mapping without text.")
        return checked(self.name, Completion(**{"model": self.name, **given}))


def _outcome(function: Callable[[Any], Any], facts: dict[str, Any]) -> tuple[Any, BaseException | None]:
    """What a function returned, or what it raised, for the one who waits for it."""
    try:
        return function(facts), None
    except (Exception, SystemExit, KeyboardInterrupt) as problem:  # noqa: BLE001 - raised again by who waits
        return None, problem


def _fits(key: str, value: Any) -> bool:
    if key in _COUNTS:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if key == "cost_usd":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")
    if key == "tool_calls":
        return isinstance(value, list) and all(
            isinstance(call, dict) and set(call) == {"name", "arguments"} for call in value
        )
    return isinstance(value, str)
