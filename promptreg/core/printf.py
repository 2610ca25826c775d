"""printf-style formatting, its size known before it is done; read once from left to right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from promptreg.core.context import RenderContext, in_pieces, present, represented, short
from promptreg.core.errors import TemplateError

#: A conversion behind its % and key. Zeros before a width or precision say nothing of its size.
_CONVERSION = re.compile(r"(?s)[#0\- +]*+(\*|\d*+)(?:\.0*+(\*|\d*+))?+[hlL]?+(.)")
_PARENTHESES = re.compile(r"[()]")
_FLOATS = frozenset("eEfFgG")
#: Beginning, and reading one conversion, in characters copied.
_BEGUN = 256
_READ = 160
#: The digits of the largest decimal number, with its sign and point.
_DIGITS = 330


def formatted(context: RenderContext, template: str, values: Any) -> str:
    """`template % values`, checked before it is made; null and absent values are refused."""
    given = _Values(values)
    context.charge(len(template) + _BEGUN)
    size = len(template)
    for key, width, kind in _conversions(context, template):
        size += width + _size(context, given.next(key), kind)
        if size > context.limits.output:
            break
    context.fits(size)
    try:
        return context.kept(str(template % values))
    except (TypeError, ValueError, KeyError, OverflowError) as problem:
        from promptreg.core.complaints import in_words

        raise TemplateError(f"{short(template)} and the values do not fit: {in_words(problem)}.") from None


class _Values:
    """The values, handed out as conversions ask for them."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.position = 0
        for value in values if type(values) is tuple else [values]:
            _has_text(value)

    def next(self, key: str | None) -> Any:
        """The value of the next conversion, an empty text where there is none: then formatting fails."""
        if key is not None:
            return _has_text(self.values.get(key, "")) if type(self.values) is dict else ""
        if type(self.values) is not tuple:
            return self.values
        self.position += 1
        return self.values[self.position - 1] if self.position <= len(self.values) else ""


def _has_text(value: Any) -> Any:
    if present(value) is None:
        raise TemplateError("a null value has no text. Give it a default.")
    return value


def _conversions(context: RenderContext, template: str) -> Iterator[tuple[str | None, int, str]]:
    """Each conversion's key, the larger of its width and precision, and its letter."""
    at = template.find("%")
    while at >= 0:
        context.charge(_READ)
        key, start = _key(context, template, at + 1)
        found = _CONVERSION.match(template, start)
        if found is None:
            raise TemplateError(f"{short(template)} ends inside a % conversion.")
        width, precision, kind = found.groups()
        if "*" in (width, precision):
            raise TemplateError("a * width cannot be used. Write the number.")
        if kind != "%" or found.end() > at + 2:
            yield key, max(_number(width), _number(precision)), kind
        at = template.find("%", found.end())


def _key(context: RenderContext, template: str, start: int) -> tuple[str | None, int]:
    """The key in parentheses that stands there, which may hold parentheses itself, and the place behind it."""
    if not template.startswith("(", start):
        return None, start
    depth = 0
    for found in _PARENTHESES.finditer(template, start):
        context.charge(1)
        depth += 1 if found[0] == "(" else -1
        if depth == 0:
            return template[start + 1 : found.start()], found.end()
    raise TemplateError(f"{short(template)} has a ( after a % that is not closed.")


def _number(digits: str | None) -> int:
    significant = (digits or "").lstrip("0")
    return 10**12 if len(significant) > 12 else int(significant or 0)


def _size(context: RenderContext, value: Any, kind: str) -> int:
    """At most how many characters a value takes."""
    if type(value) is str:
        if kind == "s":
            return len(value)
        context.charge(len(value))
        return in_pieces(value, ascii) + len(value) if kind == "a" else represented(value)
    if kind in _FLOATS or type(value) is float:
        return _DIGITS
    size = context.measure(value, None if type(value) in (int, float, bool) else represented)
    return size * 10 if kind == "a" else size * 2
