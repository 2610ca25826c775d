"""The filters of template profile 1, and those that the compiler puts in place of a template's own operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context

from promptreg.core.context import CONTAINERS, RenderContext, described, present
from promptreg.core.errors import TemplateError
from promptreg.core.filter_table import Filter
from promptreg.core.list_filters import LIST_FILTERS
from promptreg.core.operators import compare
from promptreg.core.text_filters import TEXT_FILTERS

FILTERS: dict[str, Filter] = TEXT_FILTERS | LIST_FILTERS
FILTERS |= {"count": FILTERS["length"], "d": FILTERS["default"]}

# No template can name these.


def _concat(context: RenderContext, parts: Any) -> str:
    return context.joined([context.text(part) for part in parts])


def _key(context: RenderContext, value: Any) -> Any:
    return context.key(value)


def _by(sign: str) -> Callable[[Any, Any], bool]:
    return lambda left, right: compare(left.context, left.value, sign, right.value)


class _Operand:
    """One operand of a chain of comparisons, which Python evaluates once and only where it comes to it."""

    __slots__ = ("context", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, context: RenderContext, value: Any) -> None:
        self.context = context
        self.value = value

    __eq__ = _by("eq")
    __ne__ = _by("ne")
    __lt__ = _by("lt")
    __le__ = _by("lteq")
    __gt__ = _by("gt")
    __ge__ = _by("gteq")

    def __contains__(self, item: Any) -> bool:
        return compare(self.context, item.value, "in", self.value)


def _slice_of(context: RenderContext, value: Any, start: Any, stop: Any, step: Any) -> Any:
    if type(value) is dict or (type(value) not in CONTAINERS and type(value) is not str):
        present(value)
        raise TemplateError("only texts and lists can be sliced.")
    for bound in (start, stop, step):
        if bound is not None and type(present(bound)) is not int:
            raise TemplateError(f"a slice takes whole numbers, not {described(bound)}.")
    if step == 0:
        raise TemplateError("the step of a slice cannot be 0.")
    size = len(range(len(value))[start:stop:step])
    if type(value) is str:
        context.fits(size)
        return context.kept(value[start:stop:step])
    context.listed(0 if type(value) is range else size)
    return value[start:stop:step]


def _compare(context: RenderContext, left: Any, sign: str, right: Any) -> bool:
    return compare(context, left, sign, right)


INTERNAL: dict[str, Filter] = {
    "<concat>": pass_context(_concat),
    "<key>": pass_context(_key),
    "<operand>": pass_context(_Operand),
    "<slice>": pass_context(_slice_of),
    "<compare>": pass_context(_compare),
}
