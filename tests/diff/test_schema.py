"""What changed between two output schemas, and whether a reader of the old answers can break (design 8.5)."""

from __future__ import annotations

import pytest

from promptreg.diff.schema import schema_changes

MAJOR, PATCH = "major", "patch"


def obj(required: list[str] | None = None, **properties: object) -> dict[str, object]:
    schema: dict[str, object] = {"type": "object", "properties": properties}
    return schema | ({"required": required} if required is not None else {})


S, N, I = {"type": "string"}, {"type": "number"}, {"type": "integer"}  # noqa: E741

CASES = [
    ("a schema where there was none", None, obj(), [("output-added", "output", PATCH)]),
    ("the schema is dropped", obj(), None, [("output-dropped", "output", MAJOR)]),
    ("nothing", obj(a=S), obj(a=S), []),
    ("a property removed", obj(a=S, b=S), obj(a=S), [("output-property-removed", "output.b", MAJOR)]),
    ("a property added", obj(a=S), obj(a=S, b=S), [("output-property-added", "output.b", PATCH)]),
    ("no longer required", obj(["a"], a=S), obj([], a=S), [("output-no-longer-required", "output.a", MAJOR)]),
    ("required dropped whole", obj(["a"], a=S), obj(a=S), [("output-no-longer-required", "output.a", MAJOR)]),
    ("now required", obj(a=S), obj(["a"], a=S), [("output-required", "output.a", PATCH)]),
    ("required in another order", obj(["a", "b"], a=S, b=S), obj(["b", "a"], a=S, b=S), []),
    ("a type widened", obj(a=S), obj(a={"type": ["string", "null"]}), [("output-type-widened", "output.a", MAJOR)]),
    ("a type narrowed", obj(a={"type": ["string", "null"]}), obj(a=S), [("output-type-narrowed", "output.a", PATCH)]),
    ("integer to number", obj(a=I), obj(a=N), [("output-type-widened", "output.a", MAJOR)]),
    ("number to integer", obj(a=N), obj(a=I), [("output-type-narrowed", "output.a", PATCH)]),
    ("another type", obj(a=S), obj(a=I), [("output-type-widened", "output.a", MAJOR)]),
    ("any type", obj(a=S), obj(a={}), [("output-type-widened", "output.a", MAJOR)]),
    ("a type where any was", obj(a={}), obj(a=S), [("output-type-narrowed", "output.a", PATCH)]),
    ("an enum widened", {"enum": ["x"]}, {"enum": ["x", "y"]}, [("output-enum-widened", "output", MAJOR)]),
    ("an enum narrowed", {"enum": ["x", "y"]}, {"enum": ["x"]}, [("output-enum-narrowed", "output", PATCH)]),
    ("an enum dropped", {"enum": ["x"]}, {}, [("output-enum-widened", "output", MAJOR)]),
    ("an enum added", {}, {"enum": ["x"]}, [("output-enum-narrowed", "output", PATCH)]),
    ("another spelling of a value", {"enum": ["1"]}, {"enum": [1]}, [("output-enum-widened", "output", MAJOR)]),
    ("true is not one", {"enum": [1]}, {"enum": [True]}, [("output-enum-widened", "output", MAJOR)]),
    (
        "an item's type",
        {"type": "array", "items": S},
        {"type": "array", "items": I},
        [("output-type-widened", "output.items", MAJOR)],
    ),
    (
        "items of any kind",
        {"type": "array", "items": S},
        {"type": "array"},
        [("output-changed", "output.items", MAJOR)],
    ),
    (
        "deep down",
        obj(a=obj(["b"], b=S)),
        obj(a=obj([], b=S)),
        [("output-no-longer-required", "output.a.b", MAJOR)],
    ),
    (
        "a description",
        obj(a=S),
        obj(a=S | {"description": "D"}),
        [("output-description", "output.a.description", PATCH)],
    ),
    (
        "a property named like a keyword",
        obj(title=S),
        obj(title=I),
        [("output-type-widened", "output.title", MAJOR)],
    ),
    (
        "a keyword that the table does not know",
        S,
        S | {"maxLength": 9},
        [("output-changed", "output.maxLength", MAJOR)],
    ),
    (
        "additionalProperties",
        obj() | {"additionalProperties": False},
        obj(),
        [("output-changed", "output.additionalProperties", MAJOR)],
    ),
    ("a choice", {"anyOf": [S]}, {"anyOf": [S, I]}, [("output-changed", "output.anyOf", MAJOR)]),
    ("a property that is only true or false", obj(a=True), obj(a=S), [("output-changed", "output.a", MAJOR)]),
    (
        "two things at once",
        obj(["a"], a=S),
        obj(["b"], a=S | {"enum": ["x"]}, b=S),
        [
            ("output-enum-narrowed", "output.a", PATCH),
            ("output-no-longer-required", "output.a", MAJOR),
            ("output-property-added", "output.b", PATCH),
            ("output-required", "output.b", PATCH),
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_change_breaks_where_answers_may_hold_more_or_lack_something(old, new, expected):
    found = schema_changes(old, new)
    assert sorted((kind, path, bump) for kind, path, _, _, bump in found) == expected


def test_a_change_names_the_old_and_the_new():
    (facts,) = schema_changes(obj(a=S), obj(a=N))
    assert facts == ("output-type-widened", "output.a", "string", "number", "major")
