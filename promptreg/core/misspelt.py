"""Syntax errors of templates: where they are, and what to write. Jinja2 knows the line of one, and no column."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError

from promptreg.core.errors import TemplateError

_LONGEST = 500
_OPENS = re.compile(r"\{[{%#]")
_RAW = re.compile(r"(?s)\{%[-+]?\s*raw\s*[-+]?%\}.*?(?:\{%[-+]?\s*endraw\b|\Z)")
_INSIDE = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|%\}|[{}()\[\]]""", re.DOTALL)
_JSON = re.compile(r"""\{\{[-+]?\s*(?:"[^"\n]*"|'[^'\n]*')\s*:""")
_SINGLE_BRACES = (
    '{{ opens an expression here. JSON needs single braces: {"answer": …}. (f-strings double them, Jinja does not.)'
)
_NO_SYNTAX = "If this is no template syntax, put {% raw %} … {% endraw %} around it."


class _Construct:
    """A tag, an expression or a comment: its text, its first and last line, and the column that it begins in."""

    def __init__(self, body: str, start: int, end: int) -> None:
        self.text = body[start:end]
        self.first = body.count("\n", 0, start) + 1
        self.last = self.first + self.text.count("\n")
        self.column = start - body.rfind("\n", 0, start)


def syntax_error(
    problem: TemplateSyntaxError, body: str, environment: Environment, path: str, offset: int
) -> TemplateError:
    """The error that says what jinja2 found in a template, `offset` lines of the file above it.

    The column is that of the construct which holds the mistake; None where that is not sure.
    """
    message = str(problem.message)
    near = [found for found in _constructs(body, problem.lineno) if found.first <= problem.lineno <= found.last]
    culprit = _culprit(near, message, environment)
    if culprit is not None and _JSON.match(culprit.text):
        return TemplateError(_SINGLE_BRACES, path=path, line=culprit.first + offset, column=culprit.column)
    column = culprit.column if culprit is not None and culprit.first == problem.lineno else None
    return TemplateError(_sentence(message), path=path, line=problem.lineno + offset, column=column)


def _sentence(message: str) -> str:
    told = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
    sentence = f"{told[:1].lower()}{told[1:].rstrip('.')}."
    hint = "unexpected '<'" in message or "unexpected char" in message or "unknown tag" in message
    return f"{sentence} {_NO_SYNTAX}" if hint else sentence


def _constructs(body: str, last_line: int) -> Iterator[_Construct]:
    """What opens with {{, {% or {# up to a line."""
    end_of_line = -1
    for _ in range(last_line):
        end_of_line = body.find("\n", end_of_line + 1)
        if end_of_line < 0:
            end_of_line = len(body)
            break
    at = 0
    while opened := _OPENS.search(body, at, end_of_line):
        raw = _RAW.match(body, opened.start())
        end = raw.end() if raw else _end(body, opened.start())
        yield _Construct(body, opened.start(), end)
        at = max(end, opened.start() + 2)


def _end(body: str, start: int) -> int:
    """Where a construct ends, as jinja2 finds it: not in a string, not inside brackets."""
    closing = {"{{": "}}", "{%": "%}", "{#": "#}"}[body[start : start + 2]]
    depth = 0
    for token in _INSIDE.finditer(body, start + 2) if closing != "#}" else ():
        if depth <= 0 and body.startswith(closing, token.start()):
            return token.start() + 2
        depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1, "%}": -1}.get(token[0], 0)
    found = body.find(closing, start + 2)
    return found + 2 if found >= 0 else len(body)


def _culprit(near: list[_Construct], message: str, environment: Environment) -> _Construct | None:
    tag = re.search(r"(unknown tag|closed is) '(\w+)'", message)
    if tag:
        named = [found for found in near if re.match(rf"\{{%[-+]?\s*{tag[2]}\b", found.text)]
        return named[0 if tag[1] == "unknown tag" else -1] if named else None
    if "comment tag" in message:
        return next((found for found in near if found.text.startswith("{#") and not found.text.endswith("#}")), None)
    alone = [found for found in near if _alike(_complaint(found.text, environment), message)]
    if alone:
        return alone[0]
    return near[0] if len(near) == 1 else None


def _complaint(text: str, environment: Environment) -> str:
    """What jinja2 says of a construct by itself."""
    try:
        environment.parse(text)
    except TemplateSyntaxError as problem:
        return str(problem.message)
    except (RecursionError, ValueError):
        return ""
    return ""


def _alike(one: str, other: str) -> bool:
    return re.sub(r"\d+", "", one) == re.sub(r"\d+", "", other)


def unreadable_number(body: str, environment: Environment, path: str, offset: int) -> TemplateError:
    """The error for a number of more digits than Python reads."""
    for line, kind, text in environment.lexer.tokeniter(body, None):
        if kind == "integer" and len(text) > 640:
            told = f"a number of {len(text):,} digits is too long to be read."
            return TemplateError(told, path=path, line=line + offset)
    return TemplateError("a number is too long to be read.", path=path)
