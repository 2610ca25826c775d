"""Functions and methods of template profile 1. The first line of each docstring is its line in docs/templates.md."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, NoReturn

from jinja2 import pass_context
from jinja2.runtime import LoopContext
from jinja2.utils import Namespace

from promptreg.core.context import ELEMENT, OBJECT, RenderContext, described, over, present, short
from promptreg.core.errors import LimitError, TemplateError
from promptreg.core.filter_table import LINE_ENDS, WHITE_SPACE, cased, occurrences
from promptreg.core.list_filters import pairs
from promptreg.core.operators import search, seek
from promptreg.core.text_filters import replaced

#: How many characters an error of a template's own has.
_LONGEST = 1000


_FARTHEST = 2**63


def range(context: RenderContext, *bounds: int) -> builtins.range:  # noqa: A001 - the function's name
    """Whole numbers: `range(stop)`, `range(start, stop)`, `range(start, stop, step)`."""
    if not 1 <= len(bounds) <= 3 or any(type(bound) is not int for bound in map(present, bounds)):
        raise TemplateError("range takes one to three whole numbers.")
    if bounds[2:] == (0,):
        raise TemplateError("the step of a range cannot be 0.")
    if not all(-_FARTHEST < bound < _FARTHEST for bound in bounds):
        raise LimitError("a range goes to numbers of 63 bits at most.")
    numbers = builtins.range(*bounds)
    if numbers[context.limits.loop_steps :]:
        raise LimitError(over("loop_steps", context.limits.loop_steps))
    return numbers


def namespace(context: RenderContext, /, *args: dict[str, Any], **kwargs: Any) -> Namespace:
    """For names that a loop sets and that hold after it, as in `{% set ns = … %}`, `{% set ns.found = true %}`."""
    for mapping in map(present, args):
        if type(mapping) is not dict:
            raise TemplateError(f"namespace takes names, as in namespace(found=false), not {described(mapping)}.")
    return Namespace(*args, **kwargs)


def raise_exception(context: RenderContext, message: str = "the template refused these inputs") -> NoReturn:
    """End rendering with an error of the template's own."""
    told = context.text(message)
    raise TemplateError(told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "range": range,
    "namespace": namespace,
    "raise_exception": raise_exception,
}


# Methods, by the type that has them.


def _text_of(context: RenderContext, value: str, values: Any) -> str:
    return context.joined([context.text(item) for item in context.items(values)], value)


def _replace(context: RenderContext, value: str, old: str, new: str, count: int = -1) -> str:
    return replaced(context, value, context.text(old), context.text(new), count)


# What calling a text's method costs, beside reading and copying the text: called with its arguments before it is.


def _read(context: RenderContext, value: str, *args: Any) -> None:
    """Nothing more."""


def _found(context: RenderContext, value: str, part: Any, *args: Any) -> None:
    if type(part) is str:
        search(context, value, part)


def _found_backwards(context: RenderContext, value: str, part: Any, *args: Any) -> None:
    if type(part) is str:
        search(context, value, part, backwards=True)


def _any_of(context: RenderContext, value: str, parts: Any, *args: Any) -> None:
    if type(parts) is tuple:
        context.charge(len(parts) * (4 + len(value) // 32))


def _ends(context: RenderContext, value: str, chars: Any = None) -> None:
    context.charge(len(value) * (len(chars) // 16) if type(chars) is str else 0)


def _pieces(context: RenderContext, value: str, sep: Any = None, maxsplit: Any = -1) -> None:
    if type(sep) is str and sep:
        search(context, value, sep, backwards=True)
    count = value.count(sep) if type(sep) is str and sep else occurrences(context, value, WHITE_SPACE)
    most = maxsplit if type(maxsplit) is int and maxsplit >= 0 else count
    context.charge((min(count, most) + 1) * OBJECT)


def _lines(context: RenderContext, value: str, keepends: Any = False) -> None:
    context.charge((occurrences(context, value, LINE_ENDS) + 1) * OBJECT)


_CHARGES: dict[str, Callable[..., None] | None] = {
    **dict.fromkeys("capitalize casefold lower swapcase title upper".split()),
    **dict.fromkeys("count find index partition".split(), _found),
    **dict.fromkeys("rfind rindex rpartition".split(), _found_backwards),
    **dict.fromkeys("startswith endswith".split(), _any_of),
    **dict.fromkeys("strip lstrip rstrip".split(), _ends),
    **dict.fromkeys("split rsplit".split(), _pieces),
    "splitlines": _lines,
}


def _bounded(name: str, example: str) -> Callable[..., Any]:
    method = getattr(str, name)
    charge: Callable[..., None] | None = _CHARGES.get(name, _read)

    def call(context: RenderContext, value: str, /, *args: Any, **kwargs: Any) -> Any:
        given = {key: present(item) for key, item in kwargs.items()} if kwargs else kwargs
        try:
            if charge is None:
                return cased(context, value, lambda text: method(text, *args, **given))
            context.charge((len(value) if value.isascii() else 2 * len(value)) + 1)
            charge(context, value, *map(present, args), **given)
            return method(value, *args, **given)
        except (TypeError, OverflowError):
            raise TemplateError(f"{name} cannot be called with this. Write it like {name}{example}.") from None

    return call


#: Methods of Python's strings that need no bounds, by how a call of one looks.
_CALLS = {
    "()": "capitalize casefold isalnum isalpha isascii isdecimal isdigit islower isnumeric isspace istitle isupper "
    "lower splitlines swapcase title upper",
    '("a")': "count endswith find index partition removeprefix removesuffix rfind rindex rpartition startswith",
    '() or strip("-")': "strip",
    '() or lstrip("-")': "lstrip",
    '() or rstrip("-")': "rstrip",
    '(",") or split(",", 1)': "split",
    '(",") or rsplit(",", 1)': "rsplit",
}
TEXT_METHODS: dict[str, Callable[..., Any]] = {
    name: _bounded(name, example) for example, names in _CALLS.items() for name in names.split()
} | {"join": _text_of, "replace": _replace}


def _get(context: RenderContext, value: dict[str, Any], key: Any, default: Any = None) -> Any:
    return value.get(context.key(present(key), len(value)), default)


MAPPING_METHODS: dict[str, Callable[..., Any]] = {
    "get": _get,
    "items": pairs,
    "keys": lambda context, value: list(context.items(value)),
    "values": lambda context, value: list(context.items(value).values()),
}


def _searched(context: RenderContext, value: Any, item: Any) -> Any:
    seek(context, value, item)
    return value


def _index(context: RenderContext, value: Any, item: Any) -> int:
    try:
        return int(_searched(context, value, present(item)).index(item))
    except ValueError:
        raise TemplateError(f"{short(item)} is not in this list.") from None


def _changed(context: RenderContext, loop: Any, *values: Any) -> bool:
    context.charge(context.measure(values) // ELEMENT)
    return bool(loop.changed(*values))


LIST_METHODS: dict[str, Callable[..., Any]] = {
    "count": lambda context, value, item: _searched(context, value, item).count(item),
    "index": _index,
}
LOOP_METHODS: dict[str, Callable[..., Any]] = {
    "cycle": lambda context, value, *args: value.cycle(*args),
    "changed": _changed,
}
METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    str: TEXT_METHODS,
    dict: MAPPING_METHODS,
    list: LIST_METHODS,
    tuple: LIST_METHODS,
    LoopContext: LOOP_METHODS,
}
for _methods in METHODS.values():
    for _name, _method in _methods.items():
        _method.__qualname__ = f"method.{_name}"
for _name, _method in FUNCTIONS.items():
    _method.__qualname__ = f"function.{_name}"
METHOD_NAMES = frozenset(name for methods in METHODS.values() for name in methods)


def _call_method(context: RenderContext, value: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
    if type(value) is dict and name in value:
        raise TemplateError(f"{name} is a key of this mapping and cannot be called. Write {name} without ().")
    method = METHODS.get(type(value), {}).get(name)
    if method is None:
        present(value)
        raise TemplateError(f"{described(value)} has no method {name}.")
    return method(context, value, *args, **kwargs)


CALL_METHOD = pass_context(_call_method)
