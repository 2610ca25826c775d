from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import FileError, PromptFileError
from promptreg.core.text import decode
from promptreg.core.yaml_reader import read_yaml
from tests.support.reading import often, rarely, said, value_or_words


def _data(text: str) -> Any:
    return read_yaml(text, "f.yaml").data


def _refused(text: str) -> str:
    return said(FileError, read_yaml, text, "f.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("# a comment only\n", None),
        ("0", 0),
        ("-0", 0),
        ("12", 12),
        ("-3", -3),
        ("1.50", 1.5),
        ("1e5", 100000.0),
        ("-1.5E-3", -0.0015),
    ],
)
def test_the_four_words_and_json_numbers_are_values(text: str, value: Any) -> None:
    found = _data(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "text",
    [
        *["yes", "no", "on", "off", "y", "n", "True", "TRUE", "False", "Null", "NULL", "None"],
        *["2026-11-20", "2026-11-20T10:00:00Z", "1:30", "12:30:45", "010", "0o10", "0x1f", "0b1", "1_000", "+1", ".5"],
        *["1.", "1e", "--1", "1 2", "12abc", "１２", "Infinity", "-Infinity", "<<", "=", "it's", "a#b", "a:b"],
    ],
)
def test_every_other_plain_scalar_is_text(text: str) -> None:
    assert _data(text) == text
    assert _data(f"key: {text}\n") == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 'true'", {"a": "true"}),
        ('a: "12"', {"a": "12"}),
        ("a: ''", {"a": ""}),
        ("a: 'it''s'", {"a": "it's"}),
        (r'a: "\u30c6\t"', {"a": "テ\t"}),
        ("a:\n", {"a": None}),
        ("a: b # c", {"a": "b"}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("a: >-\n  one\n  two\n", {"a": "one two"}),
        ("a: |\n  12\n", {"a": "12\n"}),
        ("a: one\n  two\n", {"a": "one two"}),
        ("- a\n- - b\n  - {c: 1}\n", ["a", ["b", {"c": 1}]]),
        ("{a: [1, true], b: {}}", {"a": [1, True], "b": {}}),
        ("'1': a\n'true': b\n", {"1": "a", "true": "b"}),
        ("<<: {a: 1}\n", {"<<": {"a": 1}}),
        ("返品: 三十日\n", {"返品": "三十日"}),
        ("---\na: 1\n...\n", {"a": 1}),
    ],
)
def test_quotes_blocks_lists_and_mappings_are_read_as_yaml_has_them(text: str, value: Any) -> None:
    assert _data(text) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key a stands here a second time."),
        ("- x: 1\n  'x': 2\n", "f.yaml:2:3: the key x stands here a second time."),
        ("a: {b: 1, b: 1}\n", "f.yaml:1:11: the key b stands here a second time."),
        ("a: &here 1\n", "f.yaml:1:4: YAML anchors (&here) are not read here. Write the value out."),
        ("&k a: 1\n", "f.yaml:1:1: YAML anchors (&k) are not read here. Write the value out."),
        ("a: 1\nb: *here\n", "f.yaml:2:4: YAML aliases (*here) are not read here. Write the value out."),
        ("a: !secret x\n", "f.yaml:1:4: YAML tags (!secret) are not read here. Remove it."),
        ("a: !!python/name:os.system x\n",
         "f.yaml:1:4: YAML tags (tag:yaml.org,2002:python/name:os.system) are not read here. Remove it."),
        ("a:\n  - !!str 1\n", "f.yaml:2:5: YAML tags (tag:yaml.org,2002:str) are not read here. Remove it."),
        ("a: .nan\n", "f.yaml:1:4: .nan is no number that can be compared. Put it in quotes if it is text."),
        ("a: .NaN\n", "f.yaml:1:4: .NaN is no number that can be compared. Put it in quotes if it is text."),
        ("a: [.inf]\n", "f.yaml:1:5: .inf is no number that can be compared. Put it in quotes if it is text."),
        ("a: -.INF\n", "f.yaml:1:4: -.INF is no number that can be compared. Put it in quotes if it is text."),
        ("a: 1e999\n", "f.yaml:1:4: 1e999 is too large for a number."),
        (f"a: {'9' * 5000}\n", "f.yaml:1:4: this number has too many digits."),
        ("1: a\n", "f.yaml:1:1: a key must be text: put 1 in quotes."),
        ("true: a\n", "f.yaml:1:1: a key must be text: put true in quotes."),
        ("a:\n  ~: b\n", "f.yaml:2:3: a key must be text: put ~ in quotes."),
        ("?\n: b\n", "f.yaml:1:2: a key must be text: put it in quotes."),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be text, not a list."),
        ("a: {{ question }}\n", "f.yaml:1:5: {{ opens two mappings in YAML. Put the value in quotes."),
        ("%YAML 1.2\n---\na: 1\n", "f.yaml:1:1: YAML directives (%) are not used here. Remove the line."),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second YAML document begins here; a file holds one."),
        ("a:\n\t- b\n", "f.yaml:2:1: a tab stands here; YAML indents with spaces."),
        ("a: @b\n",
         ("f.yaml:1:4: this is not YAML: found character that cannot start any token. A value that begins with such a "
         "character needs quotes.")),
        ("a: 'b\n", "f.yaml:2:1: this is not YAML: found unexpected end of stream (while scanning a quoted scalar)."),
        ("a: [1, 2\nb: 3\n",
         "f.yaml:2:2: this is not YAML: did not find expected ',' or ']' (while parsing a flow sequence)."),
        (f"a: {'[' * 70}{']' * 70}\n",
         "f.yaml:1:68: lists and mappings stand more than 64 deep inside one another here."),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> topic\n",
         "f.yaml:2: merge conflict markers stand here. Settle the conflict, then try again."),
    ],
)  # fmt: skip
def test_what_is_not_read_is_an_error_with_path_line_and_column(text: str, sentence: str) -> None:
    assert _refused(text) == sentence


def test_a_colon_in_a_value_is_told_at_the_value_with_the_line_to_write() -> None:
    sentence = said(FileError, read_yaml, "description: 返品: 30日以内\n", "prompt.md", first_line=2)
    assert sentence == ('prompt.md:2:14: this value holds ": ". Put it in quotes: description: "返品: 30日以内".')


@pytest.mark.parametrize("value", ["返品: 30日以内", "a: b: c", 'say "now": loud', "C:\\new: yes"])
def test_the_line_that_the_colon_error_proposes_can_be_read(value: str) -> None:
    _, _, proposed = _refused(f"description: {value}\n").partition("Put it in quotes: ")
    assert _data(proposed.removesuffix(".")) == {"description": value}


@pytest.mark.parametrize("character", ["\x80", "\x9f", "\uffff", "\ufffe"])
def test_a_character_that_yaml_does_not_know_is_told_with_its_place(character: str) -> None:
    assert _refused(f"a: 1\nb: x{character}\n").startswith("f.yaml:2:5: ")


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_only_a_line_feed_ends_a_line(separator: str) -> None:
    """The character itself may be refused, but an error further down stands on the line that an editor shows."""
    problem = value_or_words(read_yaml, f'a: "one{separator}two"\nb: *c\n', "f.yaml")
    assert (problem.line, problem.column) in {(1, 8), (2, 4)}


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_value_keeps_every_character_or_is_refused_at_its_line(quote: str, separator: str) -> None:
    found = value_or_words(_data, f"a: {quote}one{separator}two{quote}\n")
    assert found == {"a": f"one{separator}two"} or (isinstance(found, FileError) and found.line == 1)


def test_the_error_is_of_the_kind_that_the_caller_names_and_counts_from_its_first_line() -> None:
    text = "a: 1\na: 2\n"
    sentence = said(PromptFileError, read_yaml, text, "p.md", first_line=2, error=PromptFileError)
    assert sentence == "p.md:3:1: the key a stands here a second time."


@pytest.mark.parametrize(
    ("at", "key", "place"),
    [
        ((), False, (2, 1)),
        (("inputs",), True, (3, 1)),
        (("inputs",), False, (4, 3)),
        (("inputs", "tone"), True, (5, 3)),
        (("inputs", "tone"), False, (5, 9)),
        (("inputs", "tone", "enum", 1), False, (5, 20)),
        (("tags", 1), False, (8, 5)),
        (("inputs", "nobody"), False, (4, 3)),
        (("inputs", "tone", "enum", 7), False, (5, 16)),
        (("nobody", "here"), False, (2, 1)),
    ],
)
def test_every_value_and_key_has_a_place(at: tuple[str | int, ...], key: bool, place: tuple[int, int]) -> None:
    text = "a: 1\ninputs:\n  name: string\n  tone: {enum: [a, b]}\ntags:\n  - x\n  - y\n"
    assert read_yaml(text, "f.yaml", first_line=2).where(at, key=key) == place


def test_a_problem_carries_the_place_of_what_it_is_about() -> None:
    read = read_yaml("a:\n  b: 1\n", "f.yaml", error=PromptFileError)
    assert str(read.problem("is wrong.", ("a", "b"))) == "f.yaml:2:6: is wrong."
    assert str(read.problem("is wrong.", ("a", "b"), key=True)) == "f.yaml:2:3: is wrong."
    assert type(read.problem("is wrong.")) is PromptFileError


_YAMLISH = st.lists(
    st.sampled_from([*"ab:-{}[],&*!|>%@`'\"#?\n\t ~=0.", "- ", ": ", "\n  ", "a: ", "---\n", "1e9", "<<"])
)


@given(st.binary(max_size=60))
@often
def test_any_bytes_are_a_value_or_a_worded_error(data: bytes) -> None:
    value_or_words(lambda: read_yaml(decode(data, "f.yaml"), "f.yaml").data)


@given(st.one_of(st.text(max_size=60), _YAMLISH.map("".join)))
@often
def test_any_text_is_a_value_or_an_error_at_a_line_of_it(text: str) -> None:
    found = value_or_words(read_yaml, text, "f.yaml")
    if isinstance(found, FileError):
        assert found.path == "f.yaml"
        assert found.line is None or found.line <= len(text.splitlines()) + 1


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cn", "Zl", "Zp"), exclude_characters="\ufeff"))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(_TEXT, inside, max_size=3),
    max_leaves=8,
)


@given(_JSON)
@rarely
def test_json_reads_as_what_it_says(data: Any) -> None:
    assert _data(json.dumps(data, ensure_ascii=False)) == data
    assert _data(json.dumps(data, ensure_ascii=False, indent=1)) == data
