"""Filters for lists and mappings. The first line of each docstring is its line in docs/templates.md.

What jinja2 makes a generator is a list here: plain data, which can be looked at twice.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby as runs
from typing import Any

from jinja2 import Undefined
from jinja2 import filters as stock
from jinja2.filters import make_attrgetter, make_multi_attrgetter

from promptreg.core.context import CONTAINERS, ELEMENT, OBJECT, Absent, Group, RenderContext, described, present
from promptreg.core.errors import TemplateError
from promptreg.core.filter_table import Filter, bounded, cased, listed_in, made, number
from promptreg.core.operators import arithmetic

LIST_FILTERS: dict[str, Filter] = {}
_filter = listed_in(LIST_FILTERS)


def _list(context: RenderContext, value: Any) -> list[Any]:
    return list(context.items(value))


@_filter
def batch(context: RenderContext, value: Any, linecount: Any, fill_with: Any = None) -> list[Any]:
    """Split into lists of a length, the last one filled up if asked."""
    items = _list(context, value)
    if bounded(linecount, "the length of a batch") < 1:
        raise TemplateError("the length of a batch must be above 0.")
    context.listed(linecount if fill_with is not None else 0)
    context.charge((len(items) // linecount + 1) * OBJECT)
    return list(stock.do_batch(items, linecount, fill_with))


@_filter
def slice_(context: RenderContext, value: Any, slices: Any, fill_with: Any = None) -> list[Any]:
    """Split into a number of lists."""
    items = _list(context, value)
    if bounded(slices, "the number of slices") < 1:
        raise TemplateError("the number of slices must be above 0.")
    context.charge(slices * OBJECT)
    return list(stock.sync_do_slice(items, slices, fill_with))


@_filter
def dictsort(
    context: RenderContext, value: Any, case_sensitive: bool = False, by: str = "key", reverse: bool = False
) -> list[Any]:
    """A mapping's (key, value) pairs, sorted by key or by value."""
    if by not in ("key", "value"):
        raise TemplateError("by must be key or value.")
    found = pairs(context, _mapping(value))
    keys = _keys(context, lambda pair: pair[by == "value"], found, case_sensitive)
    return _in_order(found, keys, reverse)


@_filter
def items(context: RenderContext, value: Any) -> list[Any]:
    """A mapping's (key, value) pairs."""
    return pairs(context, _mapping(value))


def pairs(context: RenderContext, value: dict[Any, Any]) -> list[Any]:
    """A mapping's items as a list, charged."""
    context.charge(len(value) * OBJECT)
    return list(value.items())


def _mapping(value: Any) -> Any:
    if type(value) is not dict:
        present(value)
        raise TemplateError("this filter takes a mapping.")
    return value


@_filter
def default(context: RenderContext, value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Another value where there is none, or with `true`, where the value is false."""
    return default_value if isinstance(value, Undefined) or (boolean and not value) else value


@_filter
def first(context: RenderContext, value: Any) -> Any:
    """The first element."""
    for item in _walkable(context, value):
        return item
    return Absent("the list is empty, so it has no first element")


def _walkable(context: RenderContext, value: Any) -> Any:
    return value if type(value) in CONTAINERS or type(value) is str else context.items(value)


@_filter
def last(context: RenderContext, value: Any) -> Any:
    """The last element."""
    for item in reversed(_walkable(context, value)):
        return item
    return Absent("the list is empty, so it has no last element")


@_filter
def length(context: RenderContext, value: Any) -> Any:
    """How many elements or characters."""
    if type(value) not in CONTAINERS and type(value) is not str:
        present(value)
        raise TemplateError("only texts, lists and mappings have a length.")
    return len(value)


@_filter
def list_(context: RenderContext, value: Any) -> list[Any]:
    """As a list: of characters for a text, of keys for a mapping."""
    return list(context.items(value))


@_filter
def reverse(context: RenderContext, value: Any) -> Any:
    """From the last to the first."""
    if type(value) is str:
        return made(context, value[::-1])
    return list(reversed(context.items(value)))


@_filter
def join(context: RenderContext, value: Any, d: Any = "", attribute: Any = None) -> str:
    """Elements, or an attribute of each, as one text with a separator."""
    found = context.items(value)
    if attribute is not None:
        found = map(_getter(context, _path(attribute), found), found)
    return context.joined([context.text(item) for item in found], context.text(d))


def _getter(
    context: RenderContext, attribute: Any, found: Any, make: Any = make_attrgetter, **options: Any
) -> Callable[[Any], Any]:
    """What gets an attribute of each of the values that were found, charged for all of them."""
    if type(attribute) is str:
        steps = attribute.count(".") + attribute.count(",")
        context.charge(len(attribute) + steps * len(found) * 4 * ELEMENT)
    getter: Callable[[Any], Any] = make(context.environment, attribute, **options)
    return getter


def _path(attribute: Any) -> Any:
    """What names an attribute: a text or a whole number, else TemplateError."""
    if type(present(attribute)) not in (str, int):
        raise TemplateError(f"an attribute is named by a text, not by {described(attribute)}.")
    return attribute


def _path_or_none(attribute: Any) -> Any:
    return None if attribute is None else _path(attribute)


def _keys(context: RenderContext, getter: Callable[[Any], Any], found: list[Any], case_sensitive: Any) -> list[Any]:
    """What the values are sorted by, charged with what sorting by it takes."""
    keys = []
    size = 0
    for item in found:
        key = _key(context, getter(item), case_sensitive)
        size += _size(context, key) if len(found) > 1 else 0
        keys.append(key)
    context.charge((size // ELEMENT + len(found)) * len(found).bit_length() + len(found) * OBJECT // 2)
    return keys


def _key(context: RenderContext, value: Any, case_sensitive: Any) -> Any:
    if type(value) is _Several:
        return _Several([_key(context, part, case_sensitive) for part in value])
    return cased(context, value, str.lower) if type(value) is str and not case_sensitive else value


def _size(context: RenderContext, key: Any) -> int:
    """How much there may be to compare."""
    if type(key) is _Several:
        return sum([_size(context, part) for part in key])
    if type(key) is str:
        return len(key)
    return context.measure(key) if type(key) in CONTAINERS else 1


class _Several(list[Any]):
    """Several attributes of one value, by which it is sorted."""

    __slots__ = ()


def _several(environment: Any, attribute: Any) -> Callable[[Any], Any]:
    getter = make_multi_attrgetter(environment, attribute)
    return lambda item: _Several(getter(item))


def _in_order(found: list[Any], keys: list[Any], reverse: Any = False) -> list[Any]:
    order = sorted(range(len(found)), key=keys.__getitem__, reverse=bool(reverse))
    return [found[index] for index in order]


@_filter
def sort(
    context: RenderContext, value: Any, reverse: bool = False, case_sensitive: bool = False, attribute: Any = None
) -> list[Any]:
    """Sorted, by attributes if asked (`attribute="city,name"`)."""
    found = _list(context, value)
    getter = _getter(context, _path_or_none(attribute), found, _several)
    return _in_order(found, _keys(context, getter, found, case_sensitive), reverse)


@_filter
def unique(context: RenderContext, value: Any, case_sensitive: bool = False, attribute: Any = None) -> list[Any]:
    """Without what came before already."""
    found = _list(context, value)
    keys = _keys(context, _getter(context, _path_or_none(attribute), found), found, case_sensitive)
    seen: dict[Any, Any] = {}
    for key, item in zip(keys, found, strict=True):
        seen.setdefault(context.key(key, len(seen)), item)
    return list(seen.values())


@_filter
def min_(context: RenderContext, value: Any, case_sensitive: bool = False, attribute: Any = None) -> Any:
    """The smallest element."""
    found = _list(context, value)
    if not found:
        return Absent("the list is empty, so it has no smallest element")
    keys = _keys(context, _getter(context, _path_or_none(attribute), found), found, case_sensitive)
    return found[min(range(len(found)), key=keys.__getitem__)]


@_filter
def max_(context: RenderContext, value: Any, case_sensitive: bool = False, attribute: Any = None) -> Any:
    """The largest element."""
    found = _list(context, value)
    if not found:
        return Absent("the list is empty, so it has no largest element")
    keys = _keys(context, _getter(context, _path_or_none(attribute), found), found, case_sensitive)
    return found[max(range(len(found)), key=keys.__getitem__)]


@_filter
def sum_(context: RenderContext, iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
    """The sum of numbers, or of an attribute of each element."""
    total = number(start)
    found = context.items(iterable)
    context.charge(len(found) * ELEMENT)
    getter = _getter(context, _path(attribute), found) if attribute is not None else present
    for item in found:
        total = arithmetic(context, "+", total, number(getter(item)))
    return total


@_filter
def groupby(
    context: RenderContext, value: Any, attribute: Any, default: Any = None, case_sensitive: bool = False
) -> list[Group]:
    """Groups by an attribute, each with `grouper` and `list`, sorted by the attribute."""
    found = _list(context, value)
    getter = _getter(context, _path(attribute), found, default=default, postprocess=present)
    keys = _keys(context, getter, found, case_sensitive)
    context.charge(len(found) * OBJECT)
    order = sorted(range(len(found)), key=keys.__getitem__)
    groups = [list(members) for _, members in runs(order, keys.__getitem__)]
    return [Group((getter(found[members[0]]), [found[index] for index in members])) for members in groups]


@_filter
def map_(context: RenderContext, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """A filter applied to each element, or an attribute of each: `map("upper")`, `map(attribute="name")`."""
    found = context.items(value)
    if not args and "attribute" in kwargs:
        attribute, default = kwargs.pop("attribute"), kwargs.pop("default", None)
        if kwargs:
            raise TemplateError("map(attribute=…) takes default= and nothing else.")
        return [*map(_getter(context, _path(attribute), found, default=default), found)]
    if not args:
        raise TemplateError('map needs the name of a filter, or attribute="…".')
    context.charge(len(found) * OBJECT)
    apply = context.environment.filters[args[0]]
    return [apply(context, item, *args[1:], **kwargs) for item in found]


def _choose(name: str, keep: bool, by_attribute: bool, summary: str) -> None:
    def choose(context: RenderContext, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if by_attribute and not args:
            raise TemplateError(f"{name} needs the name of an attribute.")
        values = context.items(value)
        subject = _getter(context, _path(args[0]), values) if by_attribute else lambda item: item
        rest = args[1:] if by_attribute else args
        test = context.environment.tests[rest[0]] if rest else None
        chosen = []
        for item in values:
            found = subject(item)
            if bool(test(context, found, *rest[1:], **kwargs) if test else found) == keep:
                chosen.append(item)
        return chosen

    choose.__name__ = name
    choose.__doc__ = summary
    _filter(choose)


_choose("select", True, False, "The elements that pass a test (that are true, without one).")
_choose("reject", False, False, "The elements that fail a test.")
_choose("selectattr", True, True, "The elements an attribute of which passes a test.")
_choose("rejectattr", False, True, "The elements an attribute of which fails a test.")
