"""Aligned columns, for scripts of any width."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

Paint = Callable[[str, str], str]


_LABEL = 8


def plain(style: str, text: str) -> str:  # noqa: ARG001 - a painter that paints nothing
    """A painter that leaves text as it is."""
    return text


def width(text: str) -> int:
    """How many columns a text takes in a terminal: two for full-width characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def padded(text: str, to: int) -> str:
    """A text with spaces behind it up to a width."""
    return text + " " * max(to - width(text), 0)


def columns(rows: Sequence[Sequence[str]], *, gap: int = 2, indent: int = 0) -> list[str]:
    """Rows as lines whose columns align; the last column is not padded. Rows hold unstyled text."""
    if not rows:
        return []
    count = max(map(len, rows))
    widths = [max((width(row[at]) for row in rows if at < len(row)), default=0) for at in range(count)]
    lines = []
    for row in rows:
        cells = [padded(cell, widths[at]) for at, cell in enumerate(row)]
        lines.append((" " * indent + (" " * gap).join(cells)).rstrip())
    return lines


def labelled(label: str, text: str, head: str = "") -> list[str]:
    """A text behind a label (and a head of its own); its further lines stand below the first."""
    head = f"{padded(label, _LABEL)}  {head}"
    first, *others = text.rstrip("\n").split("\n")
    return [(head + first).rstrip(), *((" " * width(head) + line).rstrip() for line in others)]


def figure(score: float) -> str:
    """A score with three decimals at most."""
    text = f"{score:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def times(label: str, number: int) -> str:
    """A label, and how often what stands behind it was given: `answer × 5`."""
    return label if number == 1 else f"{label} × {number}"


def shortened(text: str, to: int) -> str:
    """A text cut to a width, with an ellipsis."""
    if width(text) <= to:
        return text
    cut = ""
    for character in text:
        if width(cut + character) > to - 1:
            break
        cut += character
    return cut + "…"
