"""How filters are listed, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context

from promptreg.core.context import RenderContext, present
from promptreg.core.errors import LimitError, TemplateError

#: The largest width, indent or chunk that a filter takes.
MAX_WIDTH = 10_000
#: The largest length that a filter cuts to.
MAX_LENGTH = 2**31

Filter = Callable[..., Any]


def listed_in(table: dict[str, Filter]) -> Callable[[Filter], Filter]:
    """A decorator that lists a filter by its name, without the underscore that keeps it apart from a builtin."""

    def add(function: Filter) -> Filter:
        name = function.__name__.rstrip("_")
        function.__qualname__ = f"filter.{name}"
        table[name] = pass_context(function)
        return function

    return add


def bounded(value: Any, what: str, most: int = MAX_WIDTH) -> int:
    """A whole number that is not too large; TemplateError or LimitError that names what it is."""
    present(value)
    if type(value) is not int:
        raise TemplateError(f"{what} must be a whole number.")
    if value > most:
        raise LimitError(f"{what} is {value:,} here and can be {most:,} at most.")
    return value


def number(value: Any) -> Any:
    """A number; TemplateError for anything else."""
    if type(value) not in (int, float, bool):
        present(value)
        raise TemplateError("this filter takes numbers.")
    return value


def made(context: RenderContext, text: str) -> str:
    """A text that was made, checked and charged."""
    context.fits(len(text))
    return context.kept(text)


def cased(context: RenderContext, text: str, change: Callable[[str], str]) -> str:
    """A text as `change` makes it: lower case, upper case and their like, charged before and after.

    Beyond ASCII Python takes twelve bytes a character for it, and a text may become three times as long.
    """
    if text.isascii():
        context.fits(len(text))
        return change(text)
    context.charge(4 * len(text))
    return made(context, change(text))


#: What ends a line for Python, and what is white space for it.
LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
WHITE_SPACE = "\t\x1f \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
WHITE_SPACE += LINE_ENDS


def occurrences(context: RenderContext, text: str, characters: str) -> int:
    """How many of these characters a text has."""
    context.charge(len(text) + 8 * len(characters))
    return sum(map(text.count, characters))
