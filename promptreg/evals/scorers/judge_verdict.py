"""What a judge answers: one JSON object with a reason and a score, or a winner. Anything else is no evidence."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from promptreg.evals.json_text import NO_TEXT, canonical_json, holds_half_pairs, shown, strict_json
from promptreg.evals.provider import Completion
from promptreg.evals.scorer import ScorerError

REASON = "reason"
_LONGEST = 160
#: A model that was not held to JSON often puts it between these, which changes nothing about what it says.
_FENCED = re.compile(r"```(?:json|JSON)?[ \t]*\r?\n(.*?)\s*```", re.DOTALL)


class Bounds(NamedTuple):
    """What an output schema says of scores: the lowest and the highest, and whether there are these two alone.

    None is what it leaves open.
    """

    low: float | None = None
    high: float | None = None
    two: bool = False


def bounds(schema: Mapping[str, Any] | None) -> Bounds:
    """The bounds of `score` in an output schema; ScorerError where no score can be a number there."""
    score = _property(schema, "score")
    if "enum" in score:
        numbers = [value for value in _list(score["enum"]) if _is_number(value) or isinstance(value, bool)]
        if not numbers or len(numbers) != len(_list(score["enum"])):
            raise ScorerError(f"score is one of {_listed(_list(score['enum']))}, which are no numbers.")
        return Bounds(float(min(numbers)), float(max(numbers)), set(numbers) == {0, 1})
    kinds = _kinds(score)
    if kinds == ["boolean"]:
        return Bounds(0, 1, two=True)
    if kinds and not {"number", "integer"} & set(kinds):
        raise ScorerError(f"score is {_nouns(kinds)}, not a number.")
    low, high = (_limit(score, keys) for keys in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")))
    return Bounds(low, high, kinds == ["integer"] and (low, high) == (0, 1))


def unsaid(schema: Mapping[str, Any] | None, keys: tuple[str, ...]) -> list[str]:
    """Which keys of a verdict an output schema has no place for."""
    properties = (schema or {}).get("properties")
    if not isinstance(properties, dict) or not properties:
        return []
    return [key for key in keys if key not in properties]


def read_verdict(answer: Completion, key: str, schema: Mapping[str, Any] | None) -> tuple[Any, str]:
    """What a verdict says under `key`, and its reason.

    ScorerError, with what came, where it is not one JSON object that has both and fits the schema (of which required
    keys, types, enum, const, minimum, maximum and additionalProperties are looked at).
    """
    text = answer.text.strip()
    found = _FENCED.fullmatch(text)
    try:
        data = strict_json(found[1] if found else text)
    except ValueError as problem:
        raise refused(answer, _unread(answer, problem)) from None
    except RecursionError:
        raise refused(answer, "lists and mappings stand too deep inside one another") from None
    if not isinstance(data, dict):
        raise refused(answer, f"a JSON object was asked for, not {_shown(data)}")
    if holds_half_pairs(text, data):
        raise refused(answer, NO_TEXT.rstrip("."))
    wrong = next(_wrong(data, key, schema), None)
    if wrong:
        raise refused(answer, wrong)
    return data[key], data[REASON]


def refused(answer: Completion, why: str) -> ScorerError:
    """The error for a verdict that is none, with what came."""
    came = " ".join(answer.text.split())
    told = f"It said: {_cut(shown(came))}" if came else "It said nothing."
    return ScorerError(f"the judge gave no verdict: {why}. {told}")


def _unread(answer: Completion, problem: ValueError) -> str:
    if not answer.text.strip():
        return "its answer is empty" + ("" if answer.finish in (None, "stop") else f" (it ended for {answer.finish})")
    if answer.finish == "length":
        return "its answer was cut off; raise max_tokens in the judge's prompt"
    message = str(problem)
    # json's own words are about places in a text that nobody has
    return "its answer is not JSON" if ": line " in message or "digits" in message else _cut(shown(message))


def _wrong(data: dict[str, Any], key: str, schema: Mapping[str, Any] | None) -> Iterator[str]:
    for name in (key, REASON):
        if name not in data:
            yield f"{name} is missing"
    if not isinstance(data[REASON], str):
        yield f"{REASON} must be text, not {_shown(data[REASON])}"
    yield from _misfits(data, schema or {}, "")


def _misfits(value: Any, schema: Any, at: str) -> Iterator[str]:
    """What in a value does not fit a schema, as far as that can be told without a library."""
    if not isinstance(schema, dict):
        return
    name = at or "the verdict"
    kinds = _kinds(schema)
    if kinds and not any(_TYPES[kind][1](value) for kind in kinds):
        yield f"{name} must be {_nouns(kinds)}, not {_shown(value)}"
    allowed = _list(schema["enum"]) if "enum" in schema else [schema["const"]] if "const" in schema else None
    if allowed is not None and not any(_same(value, each) for each in allowed):
        one_of = "one of " if len(allowed) > 1 else ""
        yield f"{name} must be {one_of}{_listed(allowed)}, not {_shown(value)}"
    if _is_number(value):
        yield from _beyond(value, schema, name)
    if isinstance(value, dict):
        yield from _misfits_inside(value, schema, at)


def _misfits_inside(value: dict[str, Any], schema: dict[str, Any], at: str) -> Iterator[str]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    inside = f"{at}." if at else ""
    for key in _list(schema.get("required")):
        if key not in value:
            yield f"{inside}{key} is missing"
    for key, inner in value.items():
        if key in properties:
            yield from _misfits(inner, properties[key], f"{inside}{key}")
        elif schema.get("additionalProperties") is False and "patternProperties" not in schema:
            yield f"{_cut(shown(inside + key))} was not asked for"


def _beyond(value: float, schema: dict[str, Any], name: str) -> Iterator[str]:
    rules: tuple[tuple[str, str, Callable[[float], bool]], ...] = (
        ("minimum", "at least", lambda limit: value >= limit),
        ("exclusiveMinimum", "above", lambda limit: value > limit),
        ("maximum", "at most", lambda limit: value <= limit),
        ("exclusiveMaximum", "below", lambda limit: value < limit),
    )
    for key, words, holds in rules:
        limit = schema.get(key)
        if limit is not None and _is_number(limit) and not holds(limit):
            yield f"{name} must be {words} {_shown(limit)}, not {_shown(value)}"


def _property(schema: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    properties = (schema or {}).get("properties")
    found = properties.get(name) if isinstance(properties, dict) else None
    return found if isinstance(found, dict) else {}


def _limit(schema: dict[str, Any], keys: tuple[str, str]) -> float | None:
    numbers = (schema.get(key) for key in keys)
    return next((float(number) for number in numbers if number is not None and _is_number(number)), None)


def _kinds(schema: dict[str, Any]) -> list[str]:
    found = schema.get("type", [])
    kinds = [found] if isinstance(found, str) else _list(found)
    return kinds if all(kind in _TYPES for kind in kinds) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    # the comparison leaves out NaN, infinities, and whole numbers that no float can be
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "string": ("text", lambda value: isinstance(value, str)),
    "number": ("a number", _is_number),
    "integer": ("a whole number", lambda value: _is_number(value) and value == int(value)),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "array": ("a list", lambda value: isinstance(value, list)),
    "object": ("a mapping", lambda value: isinstance(value, dict)),
    "null": ("null", lambda value: value is None),
}


def _same(value: Any, allowed: Any) -> bool:
    return bool(value == allowed) and isinstance(value, bool) == isinstance(allowed, bool)


def _nouns(kinds: list[str]) -> str:
    return " or ".join(_TYPES[kind][0] for kind in kinds)


def _listed(values: list[Any]) -> str:
    return ", ".join(_cut(shown(value)) if isinstance(value, str) else _shown(value) for value in values)


def _shown(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    if isinstance(value, str):
        return f'the text "{_cut(shown(value), 40)}"'
    if isinstance(value, bool) or value is None:
        return canonical_json(value)
    return (
        canonical_json(value if value != round(value) else int(value)) if abs(value) < 1e15 else "a very large number"
    )


def _cut(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
