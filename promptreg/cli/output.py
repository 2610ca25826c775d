"""The one room that writes to the terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import click

_STYLES: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "warn": {"fg": "yellow"},
    "strong": {"bold": True},
    "dim": {"dim": True},
    "add": {"fg": "green"},
    "del": {"fg": "red", "strikethrough": True},
}

#: Seconds between two lines of progress: on a terminal, and in a log.
_REDRAWN_S, _LOGGED_S = 0.1, 60.0
#: To the beginning of the line, and away with what stands there.
_CLEAR = "\r\x1b[K"


def paint(style: str, text: str) -> str:
    """A text in a style; click takes the colour out again where it does not go to a terminal."""
    return click.style(text, **_STYLES[style])


def say(text: str = "") -> None:
    """A line on stdout; where its reader has gone (`| head`), nowhere, and the command goes on to its answer."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_all(lines: Iterable[str]) -> None:
    """Lines on stdout."""
    text = "\n".join(lines)
    if text:
        say(text)


def note(text: str) -> None:
    """A line on stderr; on a terminal in the place of a line of progress."""
    click.echo(f"{_CLEAR}{text}" if sys.stderr.isatty() else text, err=True)


def say_json(data: dict[str, Any]) -> None:
    """One JSON document with `"schema": 1` at its top; where stdout is not UTF-8, its other characters are escaped."""
    readable = (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
    say(json.dumps({"schema": 1, **data}, ensure_ascii=not readable, indent=2))


class Progress:
    """What takes long, on stderr: on a terminal a line that counts; elsewhere (CI's log) one line a minute."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = time.monotonic()

    def __call__(self, progress: Any) -> None:
        """How far a run is (`evals.running.run.Progress`)."""
        now, over = time.monotonic(), progress.done >= progress.total
        if now - self._last < (_REDRAWN_S if self._live else _LOGGED_S) and not (self._live and over):
            return
        self._last = now
        line = progress_line(progress)
        if self._live:
            click.echo(f"{_CLEAR}{'' if over else line}", err=True, nl=False)
        else:
            click.echo(line, err=True)


def progress_line(progress: Any) -> str:
    """Answers done and wanted, rate, what it has cost, calls made again, time left."""
    from promptreg.evals.cost import usd_text

    parts = [f"{progress.what}  {progress.done:,}/{progress.total:,}"]
    rate = progress.made / progress.seconds if progress.seconds > 0 else 0.0
    if rate:
        parts.append(f"{rate:.1f} a second")
    if progress.spent:
        parts.append(usd_text(progress.spent))
    if progress.tries_again:
        parts.append(f"{progress.tries_again} tried again")
    if rate and progress.done < progress.total:
        parts.append(f"{_duration((progress.total - progress.done) / rate)} left")
    return "  ".join(parts)


def _duration(seconds: float) -> str:
    """Seconds as 45 s, 3 min or 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
