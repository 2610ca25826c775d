"""Slow or foreign functions in threads that nothing waits for at the end, so that ^C never hangs on one."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any


async def in_thread(function: Callable[[], Any]) -> Any:
    """What a function returns, or raises, called in a thread of its own. Given up, the thread is left to itself."""
    import asyncio

    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

    def settle(outcome: tuple[Any, BaseException | None]) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        outcome = _outcome(function)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
    result, problem = await done
    if problem is not None:
        raise problem
    return result


def _outcome(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """What a function returned, or what it raised, for the one who waits."""
    try:
        return function(), None
    except (Exception, SystemExit, KeyboardInterrupt) as problem:  # noqa: BLE001 - raised again by the one who waits
        return None, problem
