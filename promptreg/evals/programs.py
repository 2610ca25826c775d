"""Programs that providers and scorers run, each in a session of its own."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process


async def ended(program: Process) -> None:
    """End a program and what it started, and wait until its pipes are closed."""
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(program.pid, signal.SIGKILL)
        else:
            program.kill()
    await program.communicate()
