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
    """A line on stderr."""
    click.echo(text, err=True)


def say_json(data: dict[str, Any]) -> None:
    """One JSON document with `"schema": 1` at its top; where stdout is not UTF-8, its other characters are escaped."""
    readable = (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
    say(json.dumps({"schema": 1, **data}, ensure_ascii=not readable, indent=2))


class Progress:
    """What takes long, on stderr: a line that counts, on a terminal only."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` steps of something."""
        now = time.monotonic()
        if not self._shown or (now - self._last < 0.1 and done < total):
            return
        self._last = now
        end = "\r" if done < total else "\r\x1b[K"
        click.echo(f"\r{what}  {done}/{total}" + end, err=True, nl=False)
