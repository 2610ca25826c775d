"""Cases: their file, their digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.core.errors import FileError
from promptreg.evals.cases import Case, canonical_json, read_case_lines, strict_json

PATH = "prompts/a/evals/cases.jsonl"


def test_a_line_has_the_keys_of_the_contract() -> None:
    line = (
        '{"id": "返品-1", "inputs": {"question": "返品できますか？", "n": 3}, "expected": {"queue": "returns"},'
        ' "tags": ["critical", "日本語"], "cluster": "doc-7"}'
    )
    [(case, _)] = read_case_lines(line + "\n", PATH)
    assert case == Case(
        id="返品-1",
        inputs={"question": "返品できますか？", "n": 3},
        expected={"queue": "returns"},
        tags=["critical", "日本語"],
        cluster="doc-7",
    )


def test_only_the_id_is_needed_and_blank_lines_are_skipped() -> None:
    assert read_case_lines('\n{"id": "a"}\n   \n{"id": "b"}', PATH) == [(Case(id="a"), 2), (Case(id="b"), 4)]
    assert read_case_lines("", PATH) == []


def test_a_line_separator_inside_of_a_text_does_not_end_the_line() -> None:
    [(case, _)] = read_case_lines('{"id": "a", "inputs": {"q": "x\u2028y\u0085z"}}\n', PATH)
    assert case.inputs["q"] == "x\u2028y\u0085z"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"id": "a"', "1:11: this line is not JSON: expecting ',' delimiter."),
        ('{"id": "a",}', "1:12: this line is not JSON: expecting property name enclosed in double quotes."),
        ('{"id": "a"}\n{"id": "b"} x', "2:13: this line is not JSON: extra data."),
        ("id: a", "1:1: this line is not JSON: expecting value."),
        ('["a"]', "1: this must be a mapping."),
        ("{}", "1: id is missing."),
        ('{"id": 7}', "1: id must be text."),
        ('{"id": ""}', "1: an id must be text that can be printed."),
        ('{"id": " "}', "1: an id must be text that can be printed."),
        ('{"id": "a\\nb"}', "1: an id must be text that can be printed."),
        ('{"id": "a", "inputs": ["x"]}', "1: inputs must be a mapping."),
        ('{"id": "a", "tags": "critical"}', "1: tags must be a list."),
        ('{"id": "a", "cluster": 4}', "1: cluster must be text."),
        (
            '{"id": "a", "input": {}}',
            "1: there is no key input here. It can be cluster, expected, id, inputs, tags. Did you mean inputs?",
        ),
        ('{"id": "a", "inputs": {"x": NaN}}', "1: NaN is no number that can be compared."),
        ('{"id": "a", "inputs": {"x": -Infinity}}', "1: -Infinity is no number that can be compared."),
        ('{"id": "a", "inputs": {"x": 1, "x": 2}}', "1: the key x stands here twice."),
        ('{"id": "a"}\n\n{"id": "b"}\n{"id": "a"}', "4: the id a stands here a second time."),
        (
            '{"id": "a"}\n<<<<<<< HEAD\n{"id": "b"}\n=======\n{"id": "c"}\n>>>>>>> other\n',
            "2: merge conflict markers stand here. Settle the conflict, then try again.",
        ),
    ],
)
def test_a_wrong_line_is_named_with_its_place(lines: str, message: str) -> None:
    with pytest.raises(FileError) as caught:
        read_case_lines(lines, PATH)
    assert str(caught.value) == f"{PATH}:{message}"


def digests(lines: str) -> list[str]:
    return [case.digest for case, _ in read_case_lines(lines, PATH)]


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "a", "inputs": {"x": 1e999}}',  # an infinity in disguise
        '{"id": "a", "expected": -1e999}',
        '{"id": "a", "inputs": {"x": "\\ud800"}}',  # half of a surrogate pair is no text
        '{"id": "a", "expected": ["\\udfff"]}',
        '{"id": "a", "tags": ["\\ud800"]}',
        '{"id": "a", "inputs": {"x": ' + "[" * 200_000 + "]" * 200_000 + "}}",
        '{"id": "a", "inputs": {"x": ' + "9" * 5000 + "}}",
    ],
)
def test_what_cannot_be_stored_or_compared_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(FileError) as caught:
        digests('{"id": "z"}\n' + line)
    assert (caught.value.path, caught.value.line) == (PATH, 2)


def test_the_digest_is_16_digits_over_id_inputs_and_expectation() -> None:
    case = Case(id="c1", inputs={"b": "返品", "a": [1, 2.5, None, True]}, expected={"queue": "returns"})
    text = '{"expected":{"queue":"returns"},"id":"c1","inputs":{"a":[1,2.5,null,true],"b":"返品"}}'
    assert case.digest == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert Case(id="c1").digest == "7c1ef975a7db1e4f"  # in files for ever


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"tags": ["critical"]}, True),
        ({"cluster": "doc"}, True),
        ({"inputs": {"b": 2, "a": 1}}, True),
        ({"id": "c2"}, False),
        ({"inputs": {"a": 1, "b": 3}}, False),
        ({"inputs": {"a": 1}}, False),
        ({"inputs": {"a": True, "b": 2}}, False),
        ({"inputs": {"a": "1", "b": 2}}, False),
        ({"expected": None}, False),
        ({"expected": " x"}, False),
    ],
)
def test_a_case_with_another_input_or_expectation_is_another_case(changes: dict[str, Any], same: bool) -> None:
    base = {"id": "c1", "inputs": {"a": 1, "b": 2}, "expected": "x"}
    assert (Case(**base).digest == Case(**(base | changes)).digest) is same


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable()), json_values)
@settings(max_examples=100, deadline=None)
def test_a_case_survives_its_file(id_: str, value: Any) -> None:
    case = Case(id=id_, inputs={"x": value}, expected=value)
    [(found, _)] = read_case_lines(json.dumps(case.model_dump()), PATH)
    assert found == case
    assert found.digest == case.digest


@given(json_values)
@settings(max_examples=100, deadline=None)
def test_canonical_json_is_json_in_one_spelling(value: Any) -> None:
    text = canonical_json(value)
    assert strict_json(text) == value
    assert canonical_json(strict_json(text)) == text


def test_canonical_json_has_no_word_for_what_is_no_number() -> None:
    for value in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            canonical_json({"x": value})
