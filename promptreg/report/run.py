"""Answers as lines: one, or two side by side."""

from __future__ import annotations

import re
from itertools import zip_longest

from promptreg.asking import Answer
from promptreg.diff.words import words
from promptreg.evals.cost import usd_text
from promptreg.evals.json_text import canonical_json
from promptreg.report.diff import word_lines
from promptreg.report.table import Paint, columns, padded, plain, width

#: From this many columns on, two answers stand beside each other.
WIDE = 100
_GAP = " │ "
#: What moves a terminal's cursor, changes its colours, or turns text around.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def answer_lines(answer: Answer, paint: Paint = plain) -> list[str]:
    """One answer: its text, then what it was and what it took."""
    return [*_text(answer), "", *(paint("dim", line) for line in _facts(answer))]


def versus_lines(titles: tuple[str, str], answers: tuple[Answer, Answer], room: int, paint: Paint = plain) -> list[str]:
    """Two answers: beside each other where there is room for that, else below each other; then where they differ."""
    one, other = answers
    texts = [_text(answer) for answer in answers]
    if room >= WIDE:
        lines = _beside([[*_titles(titles[0]), *texts[0]], [*_titles(titles[1]), *texts[1]]], room)
    else:
        lines = [
            line
            for title, text in zip(titles, texts, strict=True)
            for line in (paint("strong", f"── {title} ──"), *text, "")
        ][:-1]
    pieces = words("\n".join(texts[1]), "\n".join(texts[0]))  # from the other one to the one that is looked at
    if any(sign != "=" for sign, _ in pieces):
        lines += ["", paint("strong", "Words"), *word_lines(pieces, paint)]
    else:
        lines += ["", "The answers are the same, word for word."]
    rows = [["", one.question.prompt.version, other.question.prompt.version]]
    rows += [[name, *values] for name, *values in zip(_NAMES, *map(_values, answers), strict=True) if any(values)]
    return [*lines, "", *(paint("dim", line) for line in columns(rows))]


def _titles(title: str) -> list[str]:
    return [title, "─" * width(title)]


def _text(answer: Answer) -> list[str]:
    """The text of an answer as lines, and the tools that it calls beside it."""
    completion = answer.completion
    calls = canonical_json(completion.tool_calls) if completion.tool_calls else ""
    lines = [_printable(line) for line in completion.text.rstrip("\n").splitlines()] or ["(an empty answer)"]
    return lines if not calls or completion.text == calls else [*lines, f"tool calls: {calls}"]


def _printable(line: str) -> str:
    """A line that can do nothing to a terminal but be read there."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line.expandtabs(4))


_NAMES = ("provider", "model", "tokens", "cost", "finish", "time")


def _values(answer: Answer) -> list[str]:
    completion = answer.completion
    return [
        answer.question.provider,
        completion.model if completion.model != answer.question.provider else "",
        _tokens(answer),
        "" if completion.cost_usd is None else usd_text(completion.cost_usd),
        completion.finish or "",
        f"{answer.seconds:.2f} s",
    ]


def _tokens(answer: Answer) -> str:
    completion = answer.completion
    if completion.tokens_in is None and completion.tokens_out is None:
        return ""
    cached = f" ({completion.tokens_cached} of them cached)" if completion.tokens_cached else ""
    return f"{_count(completion.tokens_in)} in{cached}, {_count(completion.tokens_out)} out"


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _facts(answer: Answer) -> list[str]:
    return columns([[name, value] for name, value in zip(_NAMES, _values(answer), strict=True) if value])


def _beside(texts: list[list[str]], room: int) -> list[str]:
    """Two texts in two columns, each line broken to fit."""
    each = (room - width(_GAP)) // 2
    left, right = ([part for line in text for part in broken(line, each)] for text in texts)
    return [f"{padded(one, each)}{_GAP}{other}".rstrip() for one, other in zip_longest(left, right, fillvalue="")]


def broken(line: str, room: int) -> list[str]:
    """A line in parts of a width at most: at the last space that fits, else anywhere, as scripts without spaces do."""
    parts: list[str] = []
    while width(line) > room:
        end, used = 0, 0
        for character in line:
            used += width(character)
            if used > room:
                break
            end += 1
        space = line.rfind(" ", 1, end + 1)
        cut = space if space > 0 else max(end, 1)
        parts.append(line[:cut].rstrip())
        line = line[cut:].lstrip()
    return [*parts, line] if line or not parts else parts
