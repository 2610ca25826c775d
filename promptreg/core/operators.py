"""Operators of a template, bounded before they compute."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from jinja2 import Undefined

from promptreg.core.context import CONTAINERS, ELEMENT, RenderContext, described, present
from promptreg.core.errors import LimitError, TemplateError

MAX_INTEGER_BITS = 4096
TOO_MANY_BITS = f"a number of more than {MAX_INTEGER_BITS} bits would come out here."
_LARGEST = 2**MAX_INTEGER_BITS
#: Numbers below it are computed with at once; the others take a while, in characters copied.
_WORD = 2**64
_LONG = 1024
#: Below this length Python looks for a text in another the simple way, which compares again and again.
_SIMPLE = 30_000
_NUMBERS = frozenset({int, float, bool})
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}


def arithmetic(context: RenderContext, sign: str, left: Any, right: Any) -> Any:
    """`left sign right` for + - * / // %."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        if not (-_WORD < left < _WORD and -_WORD < right < _WORD):
            context.charge(_LONG)
        return bounded_number(_ARITHMETIC[sign](bounded_number(left), bounded_number(right)))
    present(left)
    present(right)
    if sign == "+" and type(left) is type(right):
        if type(left) is str:
            context.fits(len(left) + len(right))
            return context.kept(left + right)
        if type(left) is list or type(left) is tuple:
            context.listed(len(left) + len(right))
            return left + right
    if sign == "*":
        return _repeated(context, left, right)
    if sign == "%" and type(left) is str:
        return printf(context, left, right)
    hint = " To join texts, write ~ between them." if sign == "+" else ""
    raise TemplateError(f"{sign} does not work between {described(left)} and {described(right)}.{hint}")


def bounded_number(number: Any) -> Any:
    """A number; LimitError where it is an integer of too many bits."""
    if type(number) is int and not -_LARGEST < number < _LARGEST:
        raise LimitError(TOO_MANY_BITS)
    return number


def _repeated(context: RenderContext, left: Any, right: Any) -> Any:
    if type(left) in (int, bool):
        left, right = right, left
    if type(right) not in (int, bool) or type(left) not in (str, list, tuple):
        raise TemplateError(f"* does not work between {described(left)} and {described(right)}.")
    size = len(left) * max(right, 0)
    if type(left) is str:
        context.fits(size)
        return context.kept(left * right)
    context.listed(size)
    return left * right


def compare(context: RenderContext, left: Any, sign: str, right: Any) -> bool:
    """`left sign right` for the comparisons and `in`, `notin`; walking large operands is charged."""
    if sign in ("in", "notin"):
        return _contained(context, left, right) == (sign == "in")
    if type(left) in CONTAINERS and type(right) in CONTAINERS:
        context.charge(min(context.measure(left), context.measure(right)) // ELEMENT)
    elif type(left) is str and type(right) is str:
        context.charge(min(len(left), len(right)) // 32)
    return bool(_COMPARISONS[sign](left, right))


def _contained(context: RenderContext, left: Any, right: Any) -> bool:
    if type(right) is str:
        if not isinstance(left, str):
            present(left)
            raise TemplateError(f"in a string only a string can be looked for, not {described(left)}.")
        search(context, right, left)
        return left in right
    if type(right) not in CONTAINERS:
        present(right)
        raise TemplateError(f"nothing can be looked for in {described(right)}.")
    if isinstance(left, Undefined):
        return False
    if type(right) is dict:
        return _is_key(context, left, right)
    seek(context, right, left)
    return left in right


def _is_key(context: RenderContext, key: Any, mapping: dict[Any, Any]) -> bool:
    try:
        return context.key(key, len(mapping)) in mapping
    except TypeError:  # what cannot be hashed is no key
        return False


def seek(context: RenderContext, values: Any, item: Any) -> None:
    """Charge comparing an item with each of the values."""
    context.charge(len(values) * 2 + 1)
    if type(item) is str:
        context.charge(len(values) * (len(item) // 32))
    elif type(item) in CONTAINERS:
        context.measure(item)
        context.charge(context.measure(values) // ELEMENT)


def search(context: RenderContext, text: str, part: str, *, backwards: bool = False) -> None:
    """Charge looking for a part in a text."""
    size = len(text)
    context.charge(size // 4 + 1)
    if backwards or size < _SIMPLE:
        context.charge(max(0, min(len(part), size - len(part))) * size // 8)


def printf(context: RenderContext, template: str, values: Any) -> str:
    """`template % values`, bounded before it is made."""
    from promptreg.core.printf import formatted

    return formatted(context, template, values)
