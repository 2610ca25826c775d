"""The tests (`is …`) of template profile 1. The first line of each docstring is its line in docs/templates.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Undefined, pass_context

from promptreg.core.context import CONTAINERS, RenderContext, present
from promptreg.core.errors import TemplateError
from promptreg.core.operators import arithmetic, compare

TESTS: dict[str, Callable[..., Any]] = {}


def _test(name: str, summary: str, condition: Callable[..., bool]) -> None:
    condition.__name__ = name
    condition.__qualname__ = f"test.{name}"
    condition.__doc__ = summary
    TESTS[name] = pass_context(condition)


def _whole(value: Any) -> int:
    if type(value) is not int:
        present(value)
        raise TemplateError("this test takes whole numbers.")
    return value


def _divisible(context: RenderContext, value: Any, by: Any) -> bool:
    return bool(arithmetic(context, "%", _whole(value), _whole(by)) == 0)


_ITERABLE = CONTAINERS | {str}
_NUMBERS = frozenset({int, float, bool})

_test("defined", "It is there.", lambda context, value: not isinstance(value, Undefined))
_test("undefined", "It is not there.", lambda context, value: isinstance(value, Undefined))
_test("none", "It is null.", lambda context, value: value is None)
_test("boolean", "It is true or false.", lambda context, value: value is True or value is False)
_test("true", "It is true.", lambda context, value: value is True)
_test("false", "It is false.", lambda context, value: value is False)
_test("integer", "It is a whole number.", lambda context, value: type(value) is int)
_test("float", "It is a decimal number.", lambda context, value: type(value) is float)
_test("number", "It is a number.", lambda context, value: type(value) in _NUMBERS)
_test("string", "It is text.", lambda context, value: isinstance(value, str))
_test("mapping", "It is a mapping.", lambda context, value: type(value) is dict)
_test("sequence", "It is a list, a mapping or text.", lambda context, value: type(value) in _ITERABLE)
_test("iterable", "It can be looped over.", lambda context, value: type(value) in _ITERABLE)
_test("odd", "The number is odd.", lambda context, value: _whole(value) % 2 == 1)
_test("even", "The number is even.", lambda context, value: _whole(value) % 2 == 0)
_test("divisibleby", "The number is divisible by another.", _divisible)
_test("lower", "The text is all lower case.", lambda context, value: context.text(value).islower())
_test("upper", "The text is all upper case.", lambda context, value: context.text(value).isupper())

_COMPARISONS = {
    "eq": ("eq", "equalto", "=="),
    "ne": ("ne", "!="),
    "lt": ("lt", "lessthan", "<"),
    "lteq": ("le", "<="),
    "gt": ("gt", "greaterthan", ">"),
    "gteq": ("ge", ">="),
    "in": ("in",),
}
_SUMMARIES = {
    "eq": "It equals another value.",
    "ne": "It differs from another value.",
    "lt": "It is smaller than another value.",
    "lteq": "It is not greater than another value.",
    "gt": "It is greater than another value.",
    "gteq": "It is not smaller than another value.",
    "in": "It is an element of a list, a key of a mapping or part of a text.",
}


def _comparison(sign: str) -> Callable[..., Any]:
    def test(context: RenderContext, value: Any, other: Any) -> bool:
        return compare(context, value, sign, other)

    test.__qualname__ = f"test.{sign}"
    test.__doc__ = _SUMMARIES[sign]
    return pass_context(test)


for _sign, _names in _COMPARISONS.items():
    TESTS.update(dict.fromkeys(_names, _comparison(_sign)))
