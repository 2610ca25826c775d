"""What inputs a prompt declares, and whether given values fit."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from promptreg.core.limits import shown
from promptreg.core.plain import NotPlain, plain
from promptreg.core.yaml_reader import Path, YamlText

TYPES = ("string", "integer", "number", "boolean", "array", "object", "any", "messages")
ROLES = ("system", "developer", "user", "assistant", "tool")
#: Names that mean something else inside a template, so that no input can have them.
RESERVED = frozenset(
    ("loop range namespace self true false none True False None and or not in is if else elif for").split()
)
_KEYS = ("type", "enum", "items", "properties", "default", "required", "description", "untrusted")
_SCALARS = (str, int, float, bool, type(None))


class Input:
    """One declared input.

    `type` is one of TYPES; `enum` the values allowed, or None; `items` and `properties` are the inputs inside an array
    or object; `default` counts where `has_default`; an input that is neither required nor given is its default, else
    null.
    """

    __slots__ = (
        "default",
        "description",
        "enum",
        "has_default",
        "items",
        "name",
        "properties",
        "required",
        "type",
        "untrusted",
    )

    def __init__(
        self,
        name: str,
        type: str = "any",  # noqa: A002 - the key's name in front matter
        *,
        required: bool = True,
    ) -> None:
        self.name = name
        self.type = type
        self.enum: tuple[Any, ...] | None = None
        self.items: Input | None = None
        self.properties: dict[str, Input] = {}
        self.default: Any = None
        self.has_default = False
        self.required = required
        self.description = ""
        self.untrusted = False

    def data(self) -> dict[str, Any]:
        """The declaration as plain data, spelt out in full but for what was not said."""
        data: dict[str, Any] = {"type": self.type, "required": self.required}
        if self.enum is not None:
            data["enum"] = list(self.enum)
        if self.items is not None:
            data["items"] = self.items.data()
        if self.properties:
            data["properties"] = {name: item.data() for name, item in self.properties.items()}
        if self.has_default:
            data["default"] = self.default
        if self.description:
            data["description"] = self.description
        if self.untrusted:
            data["untrusted"] = True
        return data

    def shape(self) -> dict[str, Any]:
        """The part of `data()` that a value must fit: type, enum, items, properties."""
        return {key: value for key, value in self.data().items() if key in ("type", "enum", "items", "properties")}

    def value(self, given: Any) -> Any:
        """The given value as plain data, or NotPlain with what is wrong and where inside the value."""
        return self.fit(plain(given))

    def fit(self, value: Any) -> Any:
        """Plain data that fits this declaration, with the defaults of what is absent inside it; else NotPlain."""
        if value is None and not self.required and self.default is None:
            return value
        _FITS[self.type](value)
        if self.enum is not None and not any(value == allowed and _same_kind(value, allowed) for allowed in self.enum):
            raise NotPlain(f"must be one of {', '.join(map(_text, self.enum))}, not {_shown(value)}")
        if self.items is not None:
            value = _fitted_items(self.items, value)
        return _fitted_properties(self.properties, value) if self.properties else value


def _same_kind(value: Any, allowed: Any) -> bool:
    return isinstance(value, bool) == isinstance(allowed, bool)


def _fitted_items(declared: Input, value: list[Any]) -> list[Any]:
    fitted = [_inside(declared, item, f"[{index}]") for index, item in enumerate(value)]
    return value if all(map(operator.is_, fitted, value)) else fitted


def _fitted_properties(properties: Mapping[str, Input], value: dict[str, Any]) -> dict[str, Any]:
    fitted = value
    for name, declared in properties.items():
        if name in value:
            inner = _inside(declared, value[name], f".{name}")
            if inner is value[name]:
                continue
        elif declared.required:
            raise NotPlain("is missing", f".{name}")
        else:
            inner = declared.default
        fitted = dict(value) if fitted is value else fitted
        fitted[name] = inner
    return fitted


def _inside(declared: Input, value: Any, path: str) -> Any:
    try:
        return declared.fit(value)
    except NotPlain as problem:
        raise NotPlain(problem.message, path + problem.path) from None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:40] + "…")
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    if isinstance(value, int) and abs(value) > 10**40:
        return "a very large number"
    return _text(value)


def _text(value: Any) -> str:
    """A scalar as files write it."""
    return value if isinstance(value, str) else shown(value)


def _kind(noun: str, *kinds: type) -> Callable[[Any], None]:
    def fit(value: Any) -> None:
        if type(value) not in kinds:
            raise NotPlain(f"must be {noun}, not {_shown(value)}")

    return fit


def _messages(value: Any) -> None:
    if type(value) is not list:
        raise NotPlain(f"must be a list of messages, not {_shown(value)}")
    for index, message in enumerate(value):
        if type(message) is not dict:
            raise NotPlain('must be a mapping like {"role": "user", "content": "…"}', f"[{index}]")
        role = message.get("role")
        if role not in ROLES:
            raise NotPlain(f"must be one of {', '.join(ROLES)}, not {_shown(role)}", f"[{index}].role")
        content = message.get("content")
        if content is None and not message.get("tool_calls"):
            raise NotPlain("is missing", f"[{index}].content")
        if content is not None and type(content) not in (str, list):
            raise NotPlain("must be a string or a list of parts", f"[{index}].content")


_FITS: dict[str, Callable[[Any], None]] = {
    "string": _kind("a string", str),
    "integer": _kind("a whole number", int),
    "number": _kind("a number", int, float),
    "boolean": _kind("true or false", bool),
    "array": _kind("a list", list),
    "object": _kind("a mapping", dict),
    "any": lambda value: None,
    "messages": _messages,
}


def read_inputs(front: YamlText, at: Path = ("inputs",)) -> dict[str, Input]:
    """The `inputs:` of front matter that has them; front.error with the place for what is wrong."""
    declared = front.data["inputs"]
    if declared is None:
        return {}
    if not isinstance(declared, Mapping):
        raise front.problem("inputs: is a mapping from names to types, as in  question: string.", at)
    return {name: _read_named(front, name, declaration, (*at, name)) for name, declaration in declared.items()}


def _read_named(front: YamlText, name: str, declaration: Any, at: Path) -> Input:
    if not name.isidentifier():
        hint = f" Write {name.replace('-', '_')}." if name.replace("-", "_").isidentifier() else ""
        raise front.problem(f"{name or repr(name)} cannot be used as a name in a template.{hint}", at, key=True)
    if name in RESERVED:
        raise front.problem(f"{name} means something else in a template. Choose another name.", at, key=True)
    if not name.isascii():
        import unicodedata

        if unicodedata.normalize("NFKC", name) != name:
            raise front.problem(
                f"Python reads the name {name} as {unicodedata.normalize('NFKC', name)}. Write it that way.",
                at,
                key=True,
            )
    return _read(front, name, declaration, at)


def _read(front: YamlText, name: str, declaration: Any, at: Path) -> Input:
    if isinstance(declaration, str):
        return Input(name, _type(front, declaration, at))
    if not isinstance(declaration, dict) or not declaration:
        raise front.problem(f"{name} needs a type: {', '.join(TYPES)}; or a mapping with type: or enum:.", at)
    for key in declaration:
        if key not in _KEYS:
            raise front.problem(f"{name} has no key {key}. It takes {', '.join(_KEYS)}.", (*at, key), key=True)
    return _Reader(front, declaration, at).read(name)


def _type(front: YamlText, text: Any, at: Path) -> str:
    if text in TYPES:
        return str(text)
    guess = {"str": "string", "text": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array",
             "dict": "object", "null": "any"}.get(text if isinstance(text, str) else "")  # fmt: skip
    hint = f" Did you mean {guess}?" if guess else ""
    raise front.problem(f"{text} is not a type. Types are {', '.join(TYPES)}.{hint}", at)


class _Reader:
    """Reads the long form of one declaration."""

    def __init__(self, front: YamlText, declaration: dict[str, Any], at: Path) -> None:
        self.front = front
        self.given = declaration
        self.at = at

    def read(self, name: str) -> Input:
        result = Input(name, self._type_or_enum())
        result.enum = self._enum(result.type)
        result.items = self._items(result)
        result.properties = self._properties(result)
        result.description = self._of("description", str, "text", "")
        result.untrusted = self._of("untrusted", bool, "true or false", False)
        result.has_default = "default" in self.given
        result.default = self.given.get("default")
        result.required = self._of("required", bool, "true or false", not result.has_default)
        if result.has_default:
            self._check_default(result)
        return result

    def _problem(self, key: str, message: str) -> Exception:
        return self.front.problem(message, (*self.at, key))

    def _of(self, key: str, kind: type, noun: str, otherwise: Any) -> Any:
        value = self.given.get(key, otherwise)
        if not isinstance(value, kind):
            raise self._problem(key, f"{key} must be {noun}.")
        return value

    def _type_or_enum(self) -> str:
        if "type" in self.given:
            return _type(self.front, self.given["type"], (*self.at, "type"))
        if "enum" in self.given:
            values = self.given["enum"]
            return "string" if isinstance(values, list) and all(type(value) is str for value in values) else "any"
        for key, kind in (("items", "array"), ("properties", "object")):
            if key in self.given:
                return kind
        return "any"

    def _enum(self, kind: str) -> tuple[Any, ...] | None:
        if "enum" not in self.given:
            return None
        values = self.given["enum"]
        if not isinstance(values, list) or not values or not all(isinstance(value, _SCALARS) for value in values):
            raise self._problem("enum", "enum must be a list of one or more strings, numbers, true, false or null.")
        for value in values:
            try:
                _FITS[kind](value)
            except NotPlain as problem:
                raise self._problem("enum", f"a value of enum {problem.message}, since the type is {kind}.") from None
        return tuple(values)

    def _items(self, result: Input) -> Input | None:
        if "items" not in self.given:
            return None
        if result.type != "array":
            raise self._problem("items", f"items belongs to an array, and this is {result.type}.")
        return _read(self.front, "items", self.given["items"], (*self.at, "items"))

    def _properties(self, result: Input) -> dict[str, Input]:
        properties = self.given.get("properties", {})
        if not isinstance(properties, dict):
            raise self._problem("properties", "properties must be a mapping from names to types.")
        if properties and result.type != "object":
            raise self._problem("properties", f"properties belong to an object, and this is {result.type}.")
        at = (*self.at, "properties")
        return {name: _read(self.front, name, inner, (*at, name)) for name, inner in properties.items()}

    def _check_default(self, result: Input) -> None:
        if result.required and "required" in self.given:
            raise self._problem("required", "an input with a default is not required. Leave one of the two out.")
        try:
            result.fit(result.default)
        except NotPlain as problem:
            raise self._problem("default", f"default{problem.path} {problem.message}.") from None
