from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import PromptFileError
from promptreg.core.inputs import TYPES, Input, read_inputs
from promptreg.core.plain import NotPlain
from promptreg.core.text import decode
from promptreg.core.yaml_reader import read_yaml
from promptreg.testing import registry
from tests.support.reading import often, said, value_or_words


def _inputs(declared: str) -> dict[str, Input]:
    """The inputs of front matter whose second line is `inputs:` and what is given here."""
    return read_inputs(read_yaml(f"inputs:{declared}\n", "p.md", first_line=2, error=PromptFileError))


def _input(declared: str) -> Input:
    return _inputs(f" {{x: {declared}}}")["x"]


def _refusal(declared: Input, value: Any) -> str:
    with pytest.raises(NotPlain) as caught:
        declared.value(value)
    return f"x{caught.value.path} {caught.value.message}"


# What is declared


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        ("string", {"type": "string", "required": True}),
        ("{type: integer}", {"type": "integer", "required": True}),
        ("{description: Any value.}", {"type": "any", "required": True, "description": "Any value."}),
        ("{enum: [a, b]}", {"type": "string", "required": True, "enum": ["a", "b"]}),
        ("{enum: [1, a, true, null]}", {"type": "any", "required": True, "enum": [1, "a", True, None]}),
        ("{type: integer, enum: [1, 2]}", {"type": "integer", "required": True, "enum": [1, 2]}),
        ("{type: string, default: a}", {"type": "string", "required": False, "default": "a"}),
        ("{type: string, default: null}", {"type": "string", "required": False, "default": None}),
        ("{type: string, required: false}", {"type": "string", "required": False}),
        ("{type: string, required: false, default: a}", {"type": "string", "required": False, "default": "a"}),
        ("{type: string, untrusted: true}", {"type": "string", "required": True, "untrusted": True}),
        ("{type: messages, default: []}", {"type": "messages", "required": False, "default": []}),
        (
            "{items: string}",
            {"type": "array", "required": True, "items": {"type": "string", "required": True}},
        ),
        (
            "{properties: {name: string, age: {type: integer, required: false}}}",
            {
                "type": "object",
                "required": True,
                "properties": {
                    "name": {"type": "string", "required": True},
                    "age": {"type": "integer", "required": False},
                },
            },
        ),
        (
            "{type: array, items: {type: array, items: {enum: [a]}}}",
            {
                "type": "array",
                "required": True,
                "items": {
                    "type": "array",
                    "required": True,
                    "items": {"type": "string", "required": True, "enum": ["a"]},
                },
            },
        ),
    ],
)
def test_a_declaration_is_a_type_or_a_mapping(declared: str, data: dict[str, Any]) -> None:
    assert _input(declared).data() == data


@pytest.mark.parametrize("name", TYPES)
def test_every_type_can_be_written_short(name: str) -> None:
    assert _input(name).type == _input(f"{{type: {name}}}").type == name


def test_the_order_of_inputs_is_that_of_the_file() -> None:
    assert list(_inputs("\n  b: string\n  a: string\n  質問: string")) == ["b", "a", "質問"]
    assert _inputs("") == {}
    assert _inputs(" {}") == {}


_TYPES = "string, integer, number, boolean, array, object, any, messages"
_TAKES = "It takes type, enum, items, properties, default, required, description, untrusted."


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (" [a]", "p.md:2:9: inputs: is a mapping from names to types, as in  question: string."),
        (" question", "p.md:2:9: inputs: is a mapping from names to types, as in  question: string."),
        ("\n  question:", f"p.md:3:12: question needs a type: {_TYPES}; or a mapping with type: or enum:."),
        ("\n  question: {}", f"p.md:3:13: question needs a type: {_TYPES}; or a mapping with type: or enum:."),
        ("\n  question: [string]", f"p.md:3:13: question needs a type: {_TYPES}; or a mapping with type: or enum:."),
        ("\n  question: 1", f"p.md:3:13: question needs a type: {_TYPES}; or a mapping with type: or enum:."),
        ("\n  a: str", f"p.md:3:6: str is not a type. Types are {_TYPES}. Did you mean string?"),
        ("\n  a: {type: int}", f"p.md:3:13: int is not a type. Types are {_TYPES}. Did you mean integer?"),
        ("\n  a: list", f"p.md:3:6: list is not a type. Types are {_TYPES}. Did you mean array?"),
        ("\n  a: {type: [string, 'null']}", f"p.md:3:13: ['string', 'null'] is not a type. Types are {_TYPES}."),
        ("\n  a: {items: date}", f"p.md:3:14: date is not a type. Types are {_TYPES}."),
        ("\n  a: {properties: {b: date}}", f"p.md:3:23: date is not a type. Types are {_TYPES}."),
        ("\n  a: {type: string, max: 3}", f"p.md:3:21: a has no key max. {_TAKES}"),
        ("\n  a: {properties: {b: {typ: string}}}", f"p.md:3:24: b has no key typ. {_TAKES}"),
        ("\n  user-name: string", "p.md:3:3: user-name cannot be used as a name in a template. Write user_name."),
        ("\n  1st: string", "p.md:3:3: 1st cannot be used as a name in a template."),
        ("\n  a b: string", "p.md:3:3: a b cannot be used as a name in a template."),
        ("\n  '': string", "p.md:3:3: '' cannot be used as a name in a template."),
        ("\n  ﬁle: string", "p.md:3:3: Python reads the name ﬁle as file. Write it that way."),
        (
            "\n  a: {enum: []}",
            "p.md:3:13: enum must be a list of one or more strings, numbers, true, false or null.",
        ),
        (
            "\n  a: {enum: a}",
            "p.md:3:13: enum must be a list of one or more strings, numbers, true, false or null.",
        ),
        (
            "\n  a: {enum: [[a]]}",
            "p.md:3:13: enum must be a list of one or more strings, numbers, true, false or null.",
        ),
        ("\n  a: {type: string, items: string}", "p.md:3:28: items belongs to an array, and this is string."),
        ("\n  a: {items: }", f"p.md:3:14: items needs a type: {_TYPES}; or a mapping with type: or enum:."),
        ("\n  a: {type: object, properties: [b]}", "p.md:3:33: properties must be a mapping from names to types."),
        ("\n  a: {enum: [b], properties: {c: string}}",
         "p.md:3:30: properties belong to an object, and this is string."),
        ("\n  a: {type: string, description: [x]}", "p.md:3:34: description must be text."),
        ("\n  a: {type: string, untrusted: yes}", "p.md:3:32: untrusted must be true or false."),
        ("\n  a: {type: string, required: 1}", "p.md:3:31: required must be true or false."),
        (
            "\n  a: {type: string, required: true, default: b}",
            "p.md:3:31: an input with a default is not required. Leave one of the two out.",
        ),
        ("\n  a: {type: string, default: 3}", "p.md:3:30: default must be a string, not 3."),
        ("\n  a: {enum: [b, c], default: d}", "p.md:3:30: default must be one of b, c, not 'd'."),
        ("\n  a: {items: integer, default: [1, x]}", "p.md:3:32: default[1] must be a whole number, not 'x'."),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_told_with_its_line_and_column(declared: str, sentence: str) -> None:
    assert said(PromptFileError, _inputs, declared) == sentence


@pytest.mark.parametrize(
    "name", ["loop", "range", "namespace", "self", "'true'", "'false'", "none", "None", "not", "if"]
)
def test_a_name_that_means_something_in_a_template_is_reserved(name: str) -> None:
    assert said(PromptFileError, _inputs, f"\n  {name}: string") == (
        f"p.md:3:3: {name.strip(chr(39))} means something else in a template. Choose another name."
    )


@pytest.mark.parametrize(
    "name", "question _x caller varargs kwargs raise_exception message messages image block import class 質問".split()
)
def test_every_other_identifier_can_be_declared_and_used(name: str) -> None:
    text = f"---\ninputs: {{{name}: string}}\n---\n{{{{ {name} }}}}{{% if {name} %}}!{{% endif %}}\n"
    assert registry({"a": text}).load("a").render(**{name: "value"}).text == "value!"


# Which values fit


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("string", ""),
        ("integer", 3),
        ("integer", -(10**30)),
        ("number", 3),
        ("number", 0.5),
        ("boolean", False),
        ("array", []),
        ("array", [1, "a", None]),
        ("object", {}),
        ("any", None),
        ("any", {"a": [1]}),
        ("{enum: [1, a, true, null]}", None),
        ("{enum: [1, a]}", 1),
        ("{type: number, enum: [1, 2]}", 1.0),
        ("{type: string, required: false}", None),
        ("{type: string, default: null}", None),
        ("{items: {enum: [a, b]}}", ["a", "b", "a"]),
        ("{properties: {name: string, age: {type: integer, required: false}}}", {"name": "A", "age": None}),
        ("{properties: {name: string}}", {"name": "A", "more": 1}),
        ("messages", []),
        ("messages", [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [{}]}]),
        ("messages", [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]),
        ("messages", [{"role": "tool", "content": "3", "tool_call_id": "a"}]),
    ],
)
def test_a_value_that_fits_is_taken(declared: str, value: Any) -> None:
    before = copy.deepcopy(value)
    assert _input(declared).value(value) == before


@pytest.mark.parametrize(
    ("declared", "value", "sentence"),
    [
        ("string", 1, "x must be a string, not 1"),
        ("string", None, "x must be a string, not null"),
        ("string", True, "x must be a string, not true"),
        ("string", ["a"], "x must be a string, not a list"),
        ("string", {"a": 1}, "x must be a string, not a mapping"),
        ("string", b"a", "x a bytes is not plain data (strings, numbers, booleans, null, lists, mappings)"),
        ("integer", True, "x must be a whole number, not true"),
        ("integer", 1.0, "x must be a whole number, not 1.0"),
        ("integer", "1", "x must be a whole number, not '1'"),
        ("integer", "1" * 50, f"x must be a whole number, not '{'1' * 40}…'"),
        ("number", False, "x must be a number, not false"),
        ("number", float("nan"), "x nan is not a finite number"),
        ("boolean", 1, "x must be true or false, not 1"),
        ("boolean", "true", "x must be true or false, not 'true'"),
        ("array", "abc", "x must be a list, not 'abc'"),
        ("array", {"a": 1}, "x must be a list, not a mapping"),
        ("object", [], "x must be a mapping, not a list"),
        ("{enum: [a, b]}", "c", "x must be one of a, b, not 'c'"),
        ("{enum: [1, 2]}", True, "x must be one of 1, 2, not true"),
        ("{enum: [true, null]}", 1, "x must be one of true, null, not 1"),
        ("{type: string, default: a}", None, "x must be a string, not null"),
        ("{items: string}", ["a", 1], "x[1] must be a string, not 1"),
        ("{items: {items: integer}}", [[1], [2, "a"]], "x[1][1] must be a whole number, not 'a'"),
        ("{properties: {name: string}}", {}, "x.name is missing"),
        ("{properties: {name: string}}", {"name": 1}, "x.name must be a string, not 1"),
        ("{items: {properties: {id: integer}}}", [{"id": 1}, {"id": None}],
         "x[1].id must be a whole number, not null"),
        ("{items: {properties: {id: integer}}}", [{"id": 1}, 2], "x[1] must be a mapping, not 2"),
        ("messages", "Hi", "x must be a list of messages, not 'Hi'"),
        ("messages", ["Hi"], 'x[0] must be a mapping like {"role": "user", "content": "…"}'),
        ("messages", [{"content": "Hi"}],
         "x[0].role must be one of system, developer, user, assistant, tool, not null"),
        ("messages", [{"role": "robot", "content": "Hi"}],
         "x[0].role must be one of system, developer, user, assistant, tool, not 'robot'"),
        ("messages", [{"role": ["user"], "content": "Hi"}],
         "x[0].role must be one of system, developer, user, assistant, tool, not a list"),
        ("messages", [{"role": "user"}], "x[0].content is missing"),
        ("messages", [{"role": "user", "content": "a"}, {"role": "user", "content": 3}],
         "x[1].content must be a string or a list of parts"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_with_where_it_stands(declared: str, value: Any, sentence: str) -> None:
    assert _refusal(_input(declared), value) == sentence


def test_a_number_of_many_digits_is_refused_in_words() -> None:
    assert _refusal(_input("string"), 10**5000).startswith("x must be a string, not ")


@pytest.mark.parametrize(
    ("declared", "given", "text"),
    [
        ("{type: string, default: friendly}", {}, "friendly"),
        ("{type: string, required: false}", {}, "null"),
        ("{properties: {tone: {type: string, default: friendly}}}", {"x": {}}, "friendly"),
        ("{properties: {tone: {type: string, required: false}}}", {"x": {}}, "null"),
        ("{items: {properties: {tone: {enum: [a, b], default: b}}}}", {"x": [{}]}, "b"),
    ],
)
def test_an_absent_optional_value_is_its_default_or_null(declared: str, given: dict[str, Any], text: str) -> None:
    place = "x[0].tone" if "items" in declared else "x.tone" if "properties" in declared else "x"
    prompt = f"---\ninputs: {{x: {declared}}}\n---\n{{{{ 'null' if {place} is none else {place} }}}}\n"
    assert registry({"a": prompt}).load("a").render(**given).text == text


def test_changing_what_a_prompt_shows_of_its_inputs_does_no_harm() -> None:
    prompt = registry({"a": "---\ninputs: {x: {items: string, default: [a]}}\n---\n{{ x | join }}\n"}).load("a")
    prompt.inputs["x"].default.append("b")
    assert prompt.render().text == "a"


# Anything


_DECLARED = st.recursive(
    st.sampled_from([*TYPES, "str", 3, None, True, [], {}, "a"]),
    lambda inside: (
        st.lists(inside, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "enum", "items", "properties", "default", "required", "x"]), inside)
    ),
    max_leaves=8,
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=1),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "role", "content", "type"]), inside, max_size=3)
    ),
    max_leaves=6,
)


@given(_DECLARED, _VALUES)
@often
def test_any_declaration_and_any_value_fit_or_are_refused_in_words(declared: Any, value: Any) -> None:
    read = read_yaml("", "p.md", error=PromptFileError)
    read.data = {"inputs": {"x": declared}}
    found = value_or_words(read_inputs, read)
    if isinstance(found, dict):
        value_or_words(found["x"].value, value)


@given(st.text(alphabet="ab: {}[],-\n'type enum string default", max_size=40).map("inputs: ".__add__) | st.text())
@often
def test_any_text_gives_inputs_or_a_worded_error(text: str) -> None:
    def read() -> Any:
        front = read_yaml(decode(text.encode(), "p.md"), "p.md", error=PromptFileError)
        return read_inputs(front) if isinstance(front.data, dict) and "inputs" in front.data else None

    value_or_words(read)
