"""Differences as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptreg.diff.contract import Change, bump_of
from promptreg.diff.sentences import sentence
from promptreg.diff.words import Pieces
from promptreg.report.table import Paint, plain

_GROUPS = (
    ("Inputs and output", ("input", "output", "tool", "messages")),
    ("Model and parameters", ("provider", "model", "parameters")),
    ("Includes", ("include",)),
    ("Labels", ("metadata",)),
)


def diff_lines(title: str, changes: Sequence[Change], words: Pieces, paint: Paint = plain) -> list[str]:
    """What changed: contract first, then settings, includes, labels, then the words."""
    if not changes:
        return [title, "No difference."]
    lines = [f"{title}: {_bump(changes)}"]
    for heading, kinds in _GROUPS:
        found = [change for change in changes if change.kind.startswith(kinds)]
        if found:
            lines += ["", paint("strong", heading)]
            lines.extend(f"  {sentence(change)}{_flag(change, paint)}" for change in found)
    if any(sign != "=" for sign, _ in words):
        lines += ["", paint("strong", "Words"), *word_lines(words, paint)]
    return lines


def _bump(changes: Sequence[Change]) -> str:
    breaking = sum(change.breaking for change in changes)
    bump = bump_of(list(changes))
    return f"{bump}, {breaking} breaking" if breaking else f"{bump}"


def _flag(change: Change, paint: Paint) -> str:
    return "  " + paint("bad", "breaking") if change.breaking else ""


def word_lines(words: Pieces, paint: Paint = plain) -> list[str]:
    """The changed lines with one line around them: [-gone-] and {+new+}."""
    marked = "".join(_marked(sign, text, paint) for sign, text in words)
    lines = marked.split("\n")
    changed = [at for at, (line, touched) in enumerate(zip(lines, _touched(words), strict=True)) if touched]
    shown = sorted({near for at in changed for near in (at - 1, at, at + 1) if 0 <= near < len(lines)})
    out: list[str] = []
    for position, at in enumerate(shown):
        if position and at != shown[position - 1] + 1:
            out.append(paint("dim", "  …"))
        out.append(f"  {lines[at]}".rstrip())
    return out


def _marked(sign: str, text: str, paint: Paint) -> str:
    if sign == "=":
        return text
    opened, closed, style = ("[-", "-]", "del") if sign == "-" else ("{+", "+}", "add")
    pieces = [paint(style, f"{opened}{line}{closed}") if line else line for line in text.split("\n")]
    if text.endswith("\n") and not text.strip("\n"):
        pieces[0] = paint(style, f"{opened}↵{closed}")
    return "\n".join(pieces)


def _touched(words: Pieces) -> list[bool]:
    """For each line of the marked text: whether something in it changed."""
    touched = [False]
    for sign, text in words:
        parts = text.split("\n")
        touched[-1] = touched[-1] or (sign != "=" and bool(parts[0] or len(parts) > 1))
        touched.extend(sign != "=" and bool(part) for part in parts[1:])
    return touched


def change_data(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    return {
        "kind": change.kind,
        "path": change.path,
        "old": change.old,
        "new": change.new,
        "breaking": change.breaking,
        "bump": change.bump,
    }
