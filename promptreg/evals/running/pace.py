"""When the next call may begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Pace:
    """Lets calls begin one after the other: at most `rate` a minute, and at most `most` on their way at a time.

    A server that says that it has too many calls is left in peace for a while, and then gets half as many at a time;
    each answer lets their number grow again. So a run with too many calls at a time becomes slow, and loses none.
    """

    def __init__(self, timer: Callable[[], float], most: int, rate: float | None) -> None:
        self._timer = timer
        self._most = self._room = float(max(most, 1))
        self._gap = 60 / rate if rate else 0.0
        self._slot = self._quiet = self._narrowed = float("-inf")
        self._on_way = 0
        self._gate = asyncio.Lock()
        self._ended = asyncio.Event()

    async def begin(self) -> float:
        """Wait until the next call may begin; returns when that was. `end` must follow."""
        async with self._gate:
            while True:
                now = self._timer()
                ahead = max(self._slot, self._quiet) - now
                if ahead > 0:
                    await asyncio.sleep(ahead)
                elif self._on_way >= int(self._room):
                    self._ended.clear()
                    await self._ended.wait()
                else:
                    break
            self._slot = max(self._slot, now - self._gap) + self._gap
            self._on_way += 1
        return now

    def end(self) -> None:
        """A call that had begun is over."""
        self._on_way -= 1
        self._ended.set()

    def answered(self) -> None:
        """The server answered: it bears a little more."""
        self._room = min(self._most, self._room + 1 / self._room)

    def crowded(self, began: float, pause: float) -> None:
        """The server had too many calls for one that began then: let it be for some seconds, and ask less after that.

        Calls that were on their way together tell the same thing, which counts once.
        """
        now = self._timer()
        self._quiet = max(self._quiet, now + pause)
        if began >= self._narrowed:
            self._narrowed = now
            self._room = max(1.0, self._room / 2)
