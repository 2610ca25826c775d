from __future__ import annotations

import copy
import datetime as dt
import decimal
import enum
import json
from collections import OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.plain import NotPlain, plain
from tests.support.reading import often, said, value_or_words

_KINDS = "is not plain data (strings, numbers, booleans, null, lists, mappings)"


class _Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "LOUD"

    def upper(self) -> str:
        raise AssertionError


class _Colour(enum.StrEnum):
    RED = "red"


class _Level(enum.IntEnum):
    LOW = 1


class _Half(float):
    __slots__ = ()


@dataclass
class _Hit:
    title: str
    score: float = 0.5
    tags: tuple[str, ...] = ()


@dataclass
class _Counted:
    text: str
    known: ClassVar[int] = 3
    seed: InitVar[int] = 0


@dataclass
class _Seeded:
    text: str
    seed: InitVar[int]


@dataclass
class _Unset:
    text: str
    later: str = field(init=False)


class _Ticket(pydantic.BaseModel):
    number: int
    opened: dt.date
    hits: list[_Hit] = []


class _Holder(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    thing: Any


_Point = namedtuple("_Point", "x y")  # noqa: PYI024 - the untyped kind is what callers have

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=10,
)


def _exact(value: Any) -> bool:
    """Whether a value is made of the six exact types all through."""
    if type(value) is list:
        return all(map(_exact, value))
    if type(value) is dict:
        return all(type(key) is str and _exact(item) for key, item in value.items())
    return type(value) in (str, int, float, bool, type(None))


@given(_PLAIN)
@often
def test_plain_data_stays_as_it_is(value: Any) -> None:
    assert plain(value) is value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (_Loud("quiet"), "quiet"),
        (_Colour.RED, "red"),
        (_Level.LOW, 1),
        (_Half(0.5), 0.5),
        ((1, (2,)), [1, [2]]),
        (_Point(1, 2), [1, 2]),
        (deque([1]), [1]),
        (range(3), [0, 1, 2]),
        (UserList([1]), [1]),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (UserDict(a=(1,)), {"a": [1]}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({_Colour.RED: 1}, {"red": 1}),
        ({_Loud("a"): _Loud("b")}, {"a": "b"}),
        ([{"a": [(1,)]}], [{"a": [[1]]}]),
        (_Hit("A", tags=("x",)), {"title": "A", "score": 0.5, "tags": ["x"]}),
        ([_Hit("A")], [{"title": "A", "score": 0.5, "tags": []}]),
        (_Counted("a"), {"text": "a"}),
        (_Seeded("a", 1), {"text": "a"}),
        (
            _Ticket(number=1, opened=dt.date(2026, 11, 20), hits=[_Hit("A")]),
            {"number": 1, "opened": "2026-11-20", "hits": [{"title": "A", "score": 0.5, "tags": []}]},
        ),
        (pydantic.RootModel[list[int]]([1, 2]), [1, 2]),
    ],
)
def test_sequences_mappings_dataclasses_and_models_become_plain(given: Any, expected: Any) -> None:
    found = plain(given)
    assert found == expected
    assert _exact(found)
    assert json.loads(json.dumps(found)) == found


def test_converting_leaves_the_callers_objects_alone() -> None:
    given = {"hits": [_Hit("A"), (1, 2)], "names": ["x"]}
    before = copy.deepcopy(given)
    found = plain(given)
    assert found == {"hits": [{"title": "A", "score": 0.5, "tags": []}, [1, 2]], "names": ["x"]}
    assert given == before
    assert type(given["hits"][1]) is tuple


@pytest.mark.parametrize(
    ("given", "path", "sentence"),
    [
        (float("nan"), "", "nan is not a finite number"),
        ([1.0, float("inf")], "[1]", "inf is not a finite number"),
        (_Half("-inf"), "", "-inf is not a finite number"),
        ({1, 2}, "", f"a set {_KINDS}"),
        (b"bytes", "", f"a bytes {_KINDS}"),
        ({"a": [b""]}, ".a[0]", f"a bytes {_KINDS}"),
        ({"a": {"b": dt.date(2026, 11, 20)}}, ".a.b", f"a date {_KINDS}"),
        (decimal.Decimal(1), "", f"a Decimal {_KINDS}"),
        (1j, "", f"a complex {_KINDS}"),
        (object(), "", f"an object {_KINDS}"),
        ((index for index in "ab"), "", f"a generator {_KINDS}"),
        (print, "", f"a builtin_function_or_method {_KINDS}"),
        (_Hit, "", "the class _Hit is not plain data; give an instance"),
        (_Ticket, "", "the class _Ticket is not plain data; give an instance"),
        ({1: "a"}, "", "a mapping's keys must be strings, not int"),
        ([{"a": {None: 1}}], "[0].a", "a mapping's keys must be strings, not NoneType"),
        (_Hit("A", tags=({1},)), ".tags[0]", f"a set {_KINDS}"),
    ],
)
def test_everything_else_is_refused_with_where_it_stands(given: Any, path: str, sentence: str) -> None:
    with pytest.raises(NotPlain) as caught:
        plain(given)
    assert (caught.value.path, caught.value.message) == (path, sentence)


@pytest.mark.parametrize("given", [_Unset("a"), _Holder(thing=object()), {"a": _Holder(thing=object())}])
def test_an_object_that_cannot_be_converted_is_refused_in_words(given: Any) -> None:
    assert said(NotPlain, plain, given)


class _Raising(UserDict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise ZeroDivisionError


class _NotEvenHashable(type):
    def __hash__(cls) -> int:
        raise ZeroDivisionError


class _Odd(metaclass=_NotEvenHashable):
    pass


class _DumpsItself(pydantic.BaseModel):
    def model_dump(self, **options: Any) -> Any:
        return self


@pytest.mark.parametrize(
    ("given", "path", "sentence"),
    [
        (_Raising(a=1), "", "a _Raising cannot be read: its methods raise ZeroDivisionError"),
        ({"a": [_Raising(a=1)]}, ".a[0]", "a _Raising cannot be read: its methods raise ZeroDivisionError"),
        ([_Odd()], "", "it cannot be read: its methods raise ZeroDivisionError"),
        (_DumpsItself(), "", "a _DumpsItself gives a _DumpsItself in place of plain data"),
        ({"k" * 100: {1}}, f".{'k' * 60}…", f"a set {_KINDS}"),
        (type("T" * 100, (), {})(), "", f"a {'T' * 60}… {_KINDS}"),
    ],
)
def test_whatever_an_objects_methods_do_is_an_error_in_few_words(given: Any, path: str, sentence: str) -> None:
    with pytest.raises(NotPlain) as caught:
        plain(given)
    assert (caught.value.path, caught.value.message) == (path, sentence)


def test_values_count_as_often_as_they_stand_somewhere() -> None:
    row = [0] * 10_000
    assert plain([row] * 100) == [row] * 100
    for value in ([row] * 400, range(4_000_000)):
        with pytest.raises(NotPlain) as caught:
            plain(value)
        assert caught.value.message == "holds more than 4,000,000 values, each counted as often as it stands there"


def test_lists_and_mappings_stand_64_deep_at_most() -> None:
    deep: list[Any] = []
    for _ in range(63):
        deep = [deep]
    assert plain(deep) is deep
    with pytest.raises(NotPlain, match="lists and mappings stand more than 64 deep inside one another"):
        plain([deep])


def test_a_value_that_holds_itself_is_refused() -> None:
    given: dict[str, Any] = {}
    given["self"] = given
    with pytest.raises(NotPlain, match="lists and mappings stand more than 64 deep inside one another"):
        plain(given)


_ODD = st.sampled_from(
    [_Loud("a"), _Level.LOW, _Half(1), float("nan"), b"", (1,), {1}, {1: 2}, _Hit("A"), _Hit, _Counted("a"), range(2),
     object(), decimal.Decimal(1), UserDict(a=1), _Holder(thing=1)]
)  # fmt: skip


_ANY = st.recursive(
    _PLAIN | _ODD,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3) | st.tuples(inside),
    max_leaves=10,
)


@given(_ANY)
@often
def test_any_value_becomes_plain_or_is_refused(value: Any) -> None:
    found = value_or_words(plain, value)
    assert isinstance(found, NotPlain) or _exact(found)
