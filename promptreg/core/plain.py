"""Plain data: the only values that a template ever sees.

Strings, numbers, booleans, null, lists and mappings with string keys, of exactly these types. Sequences, mappings,
dataclasses, pydantic models and subclasses of the scalars are converted; everything else is refused, so that no method
of the caller's objects can run in a template and no template can change them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.core.limits import LIMITS

_ATOMS = frozenset({str, int, bool, type(None)})
_EXACT = _ATOMS | {float, list, dict}
_INFINITE = frozenset({float("inf"), float("-inf")})
_DEPTH = LIMITS["data_depth"][0]
#: How many values one input may hold. A value that stands in several places counts as often as it stands there: so
#: lists that share one another, circles, and sequences without an end are refused soon.
_MOST = 4_000_000
_NAME = 60


class NotPlain(PromptregError):
    """A value that is not plain data: `path` leads to it from the outermost value (`.name`, `[0]`)."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path=path)
        self.path: str = path


def plain(value: Any) -> Any:
    """The value as plain data: itself where it is plain all through, else a converted copy.

    Raises NotPlain for what cannot be converted, is not a finite number, stands too deep, or holds too much.
    """
    try:
        return value if type(value) in _ATOMS else _plain(value, _DEPTH, [_MOST])
    except Exception as problem:
        if type(problem) is NotPlain:
            raise
        # walking a value runs what it brings along: keys that compare, a dictionary that another thread changes
        raise NotPlain(_unreadable("it", problem)) from None


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    """`left` holds one number: how many values there may be yet."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is float:
        if value != value or value in _INFINITE:  # noqa: PLR0124 - NaN differs from itself; math costs an import
            raise NotPlain(f"{value} is not a finite number")
        return value
    if depth == 0:
        raise NotPlain(f"lists and mappings stand more than {_DEPTH} deep inside one another")
    if kind is dict:
        return _mapping(value, depth, left)
    if kind is list:
        return _sequence(value, depth, left)
    return _converted(value, depth, left)


def _mapping(value: dict[Any, Any], depth: int, left: list[int]) -> dict[str, Any]:
    _count(len(value), left)
    changed: dict[str, Any] | None = None
    for key, item in value.items():
        if type(key) is not str:
            return _mapping(_text_keys(value), depth, left)
        if type(item) in _ATOMS:
            continue
        try:
            converted = _plain(item, depth - 1, left)
        except NotPlain as problem:
            raise NotPlain(problem.message, f".{_cut(key)}{problem.path}") from None
        if converted is not item:
            changed = changed if changed is not None else dict(value)
            changed[key] = converted
    return value if changed is None else changed


def _count(number: int, left: list[int]) -> None:
    left[0] -= number + 1
    if left[0] < 0:
        raise NotPlain(f"holds more than {_MOST:,} values, each counted as often as it stands there")


def _text_keys(value: dict[Any, Any]) -> dict[str, Any]:
    for key in value:
        if not issubclass(type(key), str):
            raise NotPlain(f"a mapping's keys must be strings, not {_cut(type(key).__name__)}")
    return {str.__str__(key): item for key, item in value.items()}


def _sequence(value: list[Any], depth: int, left: list[int]) -> list[Any]:
    _count(len(value), left)
    changed: list[Any] | None = None
    for index, item in enumerate(value):
        if type(item) in _ATOMS:
            continue
        try:
            converted = _plain(item, depth - 1, left)
        except NotPlain as problem:
            raise NotPlain(problem.message, f"[{index}]{problem.path}") from None
        if converted is not item:
            changed = changed if changed is not None else list(value)
            changed[index] = converted
    return value if changed is None else changed


def _converted(value: Any, depth: int, left: list[int]) -> Any:
    """What another class's value is as plain data; whatever its methods raise is a NotPlain."""
    kind = type(value)
    try:
        read = _read(value, kind, left[0])
    except Exception as problem:
        if type(problem) is NotPlain:
            raise
        raise NotPlain(_unreadable(_article(kind), problem)) from None
    if type(read) not in _EXACT:
        raise NotPlain(f"{_article(kind)} gives {_article(type(read))} in place of plain data")
    return _plain(read, depth, left)


def _read(value: Any, kind: type, most: int) -> Any:
    """One step towards plain data. It asks the value's class, since what a value says of itself may be false."""
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int.__int__(value)
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, Mapping):
        _count(len(value), [most])
        return {key: value[key] for key in islice(value, most + 1)}
    if issubclass(kind, Sequence) and not issubclass(kind, (bytes, bytearray, memoryview)):
        _count(len(value), [most])
        return list(islice(value, most + 1))
    if issubclass(kind, type):
        raise NotPlain(f"the class {_cut(value.__name__)} is not plain data; give an instance")
    if hasattr(kind, "__dataclass_fields__"):
        return _fields(value)
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_dump"):
        return _dumped(value)
    raise NotPlain(f"{_article(kind)} is not plain data (strings, numbers, booleans, null, lists, mappings)")


def _fields(value: Any) -> dict[str, Any]:
    from dataclasses import fields

    try:
        return {field.name: getattr(value, field.name) for field in fields(value)}
    except AttributeError as problem:
        raise NotPlain(f"{_article(type(value))} lacks one of its fields: {_cut(str(problem), 200)}") from None


def _dumped(value: Any) -> Any:
    try:
        return value.model_dump(mode="json")
    except (ValueError, TypeError) as problem:
        raise NotPlain(f"{_article(type(value))} cannot be converted: {_cut(str(problem), 200)}") from None


def _article(kind: type) -> str:
    noun = _cut(kind.__name__)
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _unreadable(what: str, problem: Exception) -> str:
    return f"{what} cannot be read: its methods raise {_cut(type(problem).__name__)}"


def _cut(text: str, most: int = _NAME) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
