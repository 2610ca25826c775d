"""Filters for texts and numbers. The first line of each docstring is its line in docs/templates.md.

Where jinja2's own filter is safe on plain data once its size is bounded, it does the work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from jinja2 import filters as stock

from promptreg.core.context import CONTAINERS, ELEMENT, OBJECT, SLOT, RenderContext, in_pieces, present
from promptreg.core.errors import TemplateError
from promptreg.core.filter_table import (
    LINE_ENDS,
    MAX_LENGTH,
    WHITE_SPACE,
    Filter,
    bounded,
    cased,
    listed_in,
    made,
    number,
    occurrences,
)
from promptreg.core.operators import bounded_number, printf, search

_WORD = r"\w+"
_RUN = r"\S+|[^\S\n]+"
_WORD_ENDS = "-({[<" + WHITE_SPACE
_SIZED = CONTAINERS | {str}
#: What it takes to begin writing JSON, and to begin wrapping.
_ENCODER = 512
_WRAPPER = 4096
#: How many characters are copied in the time that handling one takes.
_COPIED = 64
#: A text of which nobody needs to know how many lines it has.
_SHORT = 100_000

TEXT_FILTERS: dict[str, Filter] = {}
_filter = listed_in(TEXT_FILTERS)


# Text


@_filter
def capitalize(context: RenderContext, value: Any) -> str:
    """First character upper case, the rest lower case."""
    return cased(context, context.text(value), str.capitalize)


@_filter
def lower(context: RenderContext, value: Any) -> str:
    """All lower case."""
    return cased(context, context.text(value), str.lower)


@_filter
def upper(context: RenderContext, value: Any) -> str:
    """All upper case."""
    return cased(context, context.text(value), str.upper)


@_filter
def title(context: RenderContext, value: Any) -> str:
    """Each word begins upper case."""
    text = context.text(value)
    context.charge(occurrences(context, text, _WORD_ENDS) * 2 * OBJECT)
    return cased(context, text, stock.do_title)


@_filter
def trim(context: RenderContext, value: Any, chars: str | None = None) -> str:
    """Without white space (or the given characters) at both ends."""
    if chars is not None and type(present(chars)) is not str:
        raise TemplateError("chars must be a text.")
    return stripped(context, context.text(value), chars)


def stripped(context: RenderContext, text: str, chars: str | None, strip: Callable[..., str] = str.strip) -> str:
    """A text without white space or the characters at its ends, charged as if each had to be looked up."""
    context.charge(len(text) * (1 + len(chars or "") // ELEMENT))
    return context.kept(strip(text, chars))


@_filter
def string(context: RenderContext, value: Any) -> str:
    """The value as text."""
    return context.text(value)


@_filter
def center(context: RenderContext, value: Any, width: int = 80) -> str:
    """Centred in a field of the given width."""
    return made(context, context.text(value).center(bounded(width, "width")))


@_filter
def indent(context: RenderContext, s: Any, width: Any = 4, first: bool = False, blank: bool = False) -> str:
    """Each line but the first indented, by a number of spaces or a text."""
    text = context.text(s)
    size = len(width) if isinstance(width, str) else bounded(width, "width")
    lines = occurrences(context, text, LINE_ENDS) + 2
    context.fits(len(text) + max(size, 0) * lines)
    context.charge(lines * OBJECT)
    return context.kept(stock.do_indent(text, width, first, blank))


@_filter
def replace(context: RenderContext, value: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Occurrences of a text replaced by another, all or the first `count`."""
    most = -1 if count is None else count
    return replaced(context, context.text(value), context.text(old), context.text(new), most)


def replaced(context: RenderContext, text: str, old: str, new: str, count: int = -1) -> str:
    """`text.replace(old, new, count)`, checked before it is made."""
    if type(present(count)) is not int:
        raise TemplateError("count must be a whole number.")
    search(context, text, old)
    times = text.count(old)
    times = times if count < 0 else min(times, count)
    context.fits(len(text) + times * max(0, len(new) - len(old)))
    return context.kept(text.replace(old, new, count))


@_filter
def truncate(
    context: RenderContext,
    s: Any,
    length: int = 255,
    killwords: bool = False,
    end: str = "...",
    leeway: int | None = None,
) -> str:
    """Cut to a length, at a word's end unless `killwords`, with `end` behind it; up to `leeway` (5) more is left."""
    text = context.text(s)
    end = context.text(end)
    if bounded(length, "length", MAX_LENGTH) < len(end):
        raise TemplateError(f"length is {length} here, and the end alone has {len(end)} characters.")
    if leeway is not None and bounded(leeway, "leeway", MAX_LENGTH) < 0:
        raise TemplateError("leeway cannot be below 0.")
    return made(context, stock.do_truncate(context.environment, text, length, killwords, end, leeway))


@_filter
def wordcount(context: RenderContext, s: Any) -> int:
    """How many words."""
    text = context.text(s)
    context.charge(len(text) * SLOT)
    return sum(1 for _ in re.finditer(_WORD, text))


@_filter
def wordwrap(
    context: RenderContext,
    s: Any,
    width: int = 79,
    break_long_words: bool = True,
    wrapstring: str | None = None,
    break_on_hyphens: bool = True,
) -> str:
    """Lines broken at a width."""
    text = context.text(s)
    separator = "\n" if wrapstring is None else context.text(wrapstring)
    width = bounded(width, "width")
    context.charge(_WRAPPER + len(text) * 2 * ELEMENT)  # a word may be as short as a character
    longest = max((found.end() - found.start() for found in re.finditer(_RUN, text)), default=0)
    context.charge(longest * longest // (max(width, 1) * _COPIED))  # breaking a long word copies what is left of it
    lines = len(text) if len(separator) * len(text) <= _SHORT else _most_lines(context, text, width)
    context.fits(len(text) + lines * len(separator))
    return context.kept(
        stock.do_wordwrap(context.environment, text, width, break_long_words, separator, break_on_hyphens)
    )


def _most_lines(context: RenderContext, text: str, width: int) -> int:
    """At most how many lines a text is wrapped to: two that follow one another have more characters than fit in one."""
    return occurrences(context, text, LINE_ENDS) + 2 * len(text) // max(width, 1) + 2


@_filter
def format_(context: RenderContext, value: Any, /, *args: Any, **kwargs: Any) -> str:
    """printf-style: `"%s, %.2f" | format(name, price)`."""
    if args and kwargs:
        raise TemplateError("format takes values in order or by name, not both.")
    return printf(context, context.text(value), kwargs or args)


@_filter
def tojson(
    context: RenderContext,
    value: Any,
    indent: int | None = None,
    *,
    ensure_ascii: bool = False,
    separators: Any = None,
    sort_keys: bool = True,
) -> str:
    """JSON with sorted keys, without HTML escapes, other scripts kept as they are."""
    present(value)
    context.charge(_ENCODER)
    if indent is not None:
        bounded(indent, "indent", 16)
    if type(value) is range:
        value = list(context.items(value))
    if separators is not None:
        separators = _separators(context, separators)
    size = context.measure(value, _escaped if ensure_ascii else _quoted) if type(value) in _SIZED else 0
    context.fits(size)
    encoder = json.JSONEncoder(
        indent=indent, ensure_ascii=ensure_ascii, separators=separators, sort_keys=bool(sort_keys), allow_nan=False
    )
    try:
        text = encoder.encode(value) if indent is None and separators is None else _in_steps(context, encoder, value)
    except (TypeError, ValueError) as problem:
        from promptreg.core.complaints import in_words

        raise TemplateError(f"this cannot be written as JSON: {in_words(problem)}.") from None
    return made(context, text)


def _quoted(text: str) -> int:
    return in_pieces(text, json.encoder.encode_basestring)


def _escaped(text: str) -> int:
    return in_pieces(text, json.encoder.encode_basestring_ascii)


def _in_steps(context: RenderContext, encoder: json.JSONEncoder, value: Any) -> str:
    """JSON whose size is known only while it is made, since it is indented or has separators of its own."""
    parts: list[str] = []
    room = context.limits.output
    for part in encoder.iterencode(value):
        context.charge(len(part) + OBJECT // 2)
        room -= len(part)
        if room < 0:
            break
        parts.append(part)
    context.fits(context.limits.output - room)
    return "".join(parts)


def _separators(context: RenderContext, separators: Any) -> tuple[str, str]:
    if type(present(separators)) not in (list, tuple) or len(separators) != 2:
        raise TemplateError("separators are two texts, as in separators=(',', ':').")
    return context.text(separators[0]), context.text(separators[1])


# Numbers


@_filter
def abs_(context: RenderContext, x: Any) -> Any:
    """The absolute value."""
    return abs(number(x))


@_filter
def float_(context: RenderContext, value: Any, default: Any = 0.0) -> Any:
    """As a decimal number, or the default (0.0)."""
    if type(present(value)) is str:
        context.charge(len(value) * 4)
    return stock.do_float(value, default)


@_filter
def int_(context: RenderContext, value: Any, default: Any = 0, base: Any = 10) -> Any:
    """As a whole number, or the default (0)."""
    if type(present(value)) is str:
        context.charge(len(value) * 4 + OBJECT)
    return bounded_number(stock.do_int(value, default, base))


@_filter
def round_(context: RenderContext, value: Any, precision: Any = 0, method: str = "common") -> Any:
    """Rounded to a precision; method `common`, `ceil` or `floor`."""
    if type(present(precision)) is not int or not -30 <= precision <= 30:
        raise TemplateError("precision must be a whole number from -30 to 30.")
    if method not in ("common", "ceil", "floor"):
        raise TemplateError("method must be common, ceil or floor.")
    return stock.do_round(number(value), precision, method)  # type: ignore[arg-type]
