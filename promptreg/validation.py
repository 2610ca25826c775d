"""Pydantic models for files that people write: one sentence with its place for what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from promptreg.core.errors import PromptregError, near

_NOUNS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_LONGEST = 80
Model = TypeVar("Model", bound=BaseModel)
Location = tuple[str | int, ...]


class Strict(BaseModel):
    """A model that takes its own keys only, values as they are, and cannot be changed.

    Its checks are built when they are first needed: a command needs few of the models that it imports.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


def validated(model: type[Model], data: Any, problem: Callable[[str, Location, bool], PromptregError]) -> Model:
    """`data` as a model. `problem(message, location, is_key)` makes the error for the first thing that does not fit."""
    try:
        return model.model_validate(data)
    except ValidationError as errors:
        found = [_Misfit(error, data) for error in errors.errors(include_url=False)]
    alike = found[0].alternatives(found)
    if len(alike) > 1:
        location = alike[0].place
        raise problem(f"{_name(location)} must be {' or '.join(_nouns(alike))}.", location, False)
    first = alike[0]
    raise problem(_sentence(model, first.error, first.place), first.place, first.error["type"] == "extra_forbidden")


class _Misfit:
    """One of pydantic's errors; `place` is its location in the data, `fork` where pydantic tried several kinds."""

    def __init__(self, error: Any, data: Any) -> None:
        self.error = error
        self.fork: Location | None = None
        place: list[str | int] = []
        here = data
        for part in error["loc"]:
            if _has(here, part):
                here = here[part]
                place.append(part)
            elif self.fork is None and error["type"] != "missing":
                self.fork = tuple(place)
        if error["type"] == "missing":
            place.append(error["loc"][-1])
        self.place: Location = tuple(place)

    def alternatives(self, found: list[_Misfit]) -> list[_Misfit]:
        """This alone; or, of all that was wrong at a fork, what lies deepest: there the kind was right."""
        if self.fork is None:
            return [self]
        there = [other for other in found if other.place[: len(self.fork)] == self.fork]
        deepest = max(there, key=lambda other: len(other.place))
        if len(deepest.place) > len(self.fork):
            return [deepest]
        return there if all(other.error["type"] in _NOUNS for other in there) else [self]


def _has(here: Any, part: str | int) -> bool:
    return part in here if isinstance(here, dict) else isinstance(here, list) and part in range(len(here))


def _nouns(misfits: list[_Misfit]) -> list[str]:
    return list(dict.fromkeys(_NOUNS[misfit.error["type"]] for misfit in misfits))


def _name(location: Location) -> str:
    return str(location[-1]) if location else "this"


def _sentence(model: type[BaseModel], error: Any, location: Location) -> str:
    name = _name(location)
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        return f"there is no key {name} here. It can be {', '.join(known)}.{near(name, known)}"
    if kind == "missing":
        return f"{name} is missing."
    if kind == "value_error":
        return f"{name}: {context['error']}"
    if kind in ("literal_error", "enum"):
        return f"{name} must be {context['expected']}, not {_brief(error['input'])}."
    if kind in _NOUNS:
        return f"{name} must be {_NOUNS[kind]}."
    message = str(error["msg"])
    return f"{name}: {message[:1].lower()}{message[1:]}."


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that a model takes at a place, sorted; found by walking its JSON Schema."""
    schema = model.model_json_schema()
    here = _options(schema, schema)
    for part in location:
        here = [option for schemas in (_inside(each, part) for each in here) for option in _options(schemas, schema)]
    return sorted({key for option in here for key in option.get("properties", {})})


def _options(here: Any, schema: Any) -> list[dict[str, Any]]:
    """What a schema may stand for, its references and unions resolved."""
    if not isinstance(here, dict):
        return []
    if "$ref" in here:
        return _options(schema["$defs"][here["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in here:
        return [option for each in here["anyOf"] for option in _options(each, schema)]
    return [here]


def _inside(option: dict[str, Any], part: str | int) -> Any:
    if isinstance(part, int):
        return option.get("items")
    return option.get("properties", {}).get(part) or option.get("additionalProperties")
