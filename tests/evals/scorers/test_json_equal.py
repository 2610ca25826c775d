"""json-equal: JSON as data, compared with or without order, within a tolerance, in words."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from deepdiff import DeepDiff
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.scorer import ScorerError
from promptreg.evals.scorers.json_equal import JsonEqual
from tests.evals.scorers.desk import SUITE, case, judged, outcome, refusal, scorer
from tests.support.place import Place


def equal(**options: Any) -> JsonEqual:
    return JsonEqual.model_validate({"type": "json-equal", **options})


@pytest.mark.parametrize(
    ("answer", "expected", "options", "difference"),
    [
        ('{"queue": "billing"}', {"queue": "billing"}, {}, None),
        (' {"b": 1,\n "a": 2} ', {"a": 2, "b": 1}, {}, None),
        ("[1, 1.0, 1e0]", [1.0, 1, 1], {}, None),
        ("-0.0", 0, {}, None),
        ('"返品"', "返品", {}, None),
        ('{"queue": "billing"}', {"queue": "refund"}, {}, 'queue: "billing" instead of "refund"'),
        ("[true]", [1], {}, "[0]: true instead of 1"),
        ("[0]", [False], {}, "[0]: 0 instead of false"),
        ('["1"]', [1], {}, '[0]: "1" instead of 1'),
        ("[null]", [0], {}, "[0]: null instead of 0"),
        ("[]", {}, {}, "[] instead of {}"),
        ('{"a": {"b": [1, {"c": 2}]}}', {"a": {"b": [1, {"c": 3}]}}, {}, "a.b[1].c: 2 instead of 3"),
        ("{}", {"a": None}, {}, "a: is missing"),
        ('{"a": 1, "b": 2}', {"a": 1}, {}, "b: is not expected"),
        ("[1, 2]", [1, 2, 3], {}, "2 entries instead of 3"),
        ("[2, 1]", [1, 2], {}, "[0]: 2 instead of 1"),
        ('{"__a": 1}', {"__a": 2}, {}, "__a: 1 instead of 2"),
        ('{"n": 9007199254740993}', {"n": 9007199254740992}, {}, "n: 9007199254740993 instead of 9007199254740992"),
        ("nothing", {}, {}, "no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("", {}, {}, "no JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"a": 1, "a": 1}', {"a": 1}, {}, "no JSON: the key a stands here twice"),
        ("[NaN]", [0], {}, "no JSON: NaN is no number that can be compared"),
        ('{"a": "\\ud800"}', {"a": "x"}, {}, 'a: "\\ud800" instead of "x"'),
        ("[" * 150 + "]" * 150, [], {}, "nested too deep"),
        ("[" * 200_000, [], {}, "nested too deep"),
        # order
        ("[2, 1]", [1, 2], {"ignore_order": True}, None),
        ("[1, 1, 2]", [1, 2, 2], {"ignore_order": True}, "no entry is 2"),
        ("[1, 1, 2]", [1, 2], {"ignore_order": True}, "3 entries instead of 2"),
        ("[true, 1]", [1, True], {"ignore_order": True}, None),
        ("[1.0]", [True], {"ignore_order": True}, "no entry is true"),
        ('[{"t": [2, 1]}, {"t": [3]}]', [{"t": [3.0]}, {"t": [1, 2]}], {"ignore_order": True}, None),
        ('{"a": [{"i": 1}, {"i": 2}]}', {"a": [{"i": 2}, {"i": 3}]}, {"ignore_order": True}, 'a: no entry is {"i": 3}'),
        # tolerance
        ("0.29", 0.3, {"tolerance": 0.01}, None),
        ("0.2899", 0.3, {"tolerance": 0.01}, "0.2899 instead of 0.3"),
        ("true", 1, {"tolerance": 5}, "true instead of 1"),
        ("1" + "0" * 400, 1.5, {"tolerance": 5}, f"{'1' + '0' * 59}… instead of 1.5"),
        ("1" + "0" * 400, 10**400 + 1, {"tolerance": 1}, None),
        ("1e-320", 0, {"tolerance": 1e-300}, None),
        # both, where pairs must be found: 0 and 1, 1 and 2
        ("[1, 0]", [1, 2], {"tolerance": 1, "ignore_order": True}, None),
        ("[0, 0]", [1, 2], {"tolerance": 1, "ignore_order": True}, "no entry is 2"),
        (
            '[{"n": "b", "v": 2.01}, {"n": "a", "v": 1.0}]',
            [{"n": "a", "v": 1.01}, {"n": "b", "v": 2}],
            {"tolerance": 0.01, "ignore_order": True},
            None,
        ),
        # what is left out
        ('{"id": 7, "rows": [{"id": 8, "v": 1}]}', {"rows": [{"v": 1}]}, {"ignore": ["id"]}, None),
        ('{"id": 7, "row": {"id": 8}}', {"row": {"id": 8}}, {"ignore": [".id"]}, None),
        ('{"id": 7, "row": {"id": 8}}', {"row": {}}, {"ignore": [".id"]}, "row.id: is not expected"),
        ('{"rows": [{"v": 1}, {"v": 2}]}', {"rows": [{"v": 5}, {}]}, {"ignore": ["rows.*.v"]}, None),
        ('{"rows": [{"v": 1}, {"v": 2}]}', {"rows": [{"v": 5}, {"v": 2}]}, {"ignore": ["rows.0.v"]}, None),
        (
            '{"rows": [{"v": 1}, {"v": 2}]}',
            {"rows": [{"v": 1}, {"v": 5}]},
            {"ignore": ["rows.0.v"]},
            "rows[1].v: 2 instead of 5",
        ),
        ('{"v": 1}', {"v": 2}, {"ignore": ["v.w"]}, "v: 1 instead of 2"),
        # further keys
        ('{"a": 1, "b": {"c": 1, "d": 2}}', {"b": {"c": 1}}, {"subset": True}, None),
        ('{"b": {"d": 2}}', {"b": {"c": 1}}, {"subset": True}, "b.c: is missing"),
        ('[{"a": 1, "x": 1}, {"a": 2}]', [{"a": 2}, {"a": 1}], {"subset": True, "ignore_order": True}, None),
        ("[1, 2]", [1], {"subset": True}, "2 entries instead of 1"),
        # JSON in an answer
        ('Here:\n```json\n{"a": 1}\n```\nDone.', {"a": 1}, {"extract": True}, None),
        ('```\n{"a": 1}\n```', {"a": 1}, {"extract": True}, None),
        ('{"a": 1}', {"a": 1}, {"extract": True}, None),
        ('{"a": "```"}', {"a": "```"}, {"extract": True}, None),
        ('```json\n{"a": 1}\n```', {"a": 1}, {}, "no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("```\n1\n```\n```\n1\n```", 1, {"extract": True}, "no JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_the_first_difference_is_said(answer: str, expected: Any, options: dict[str, Any], difference: str | None):
    judgement = judged(equal(**options), answer, case(expected))
    assert judgement == (float(difference is None), difference)
    assert equal(**options).score(answer, case(expected)) == judgement.score


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ({"queue": "{queue}"}, {"queue": "billing"}),
        ({"n": "{n}"}, {"n": 3}),
        (["no. {n}", {"tags": "{tags}"}], ["no. 3", {"tags": ["x"]}]),
        ("{expected}", {"queue": "billing"}),
        ({"{queue}": "{{queue}}"}, {"{queue}": "{queue}"}),
    ],
)
def test_a_placeholder_alone_stands_for_the_value_as_it_is(template: Any, expected: Any):
    of = case({"queue": "billing"}, inputs={"n": 3, "tags": ["x"]})
    assert judged(equal(expected=template), json.dumps(expected), of).score == 1


def test_a_number_without_bounds_is_a_failed_answer_and_no_traceback():
    for answer in ("1e999", "[-1e999]", "9" * 5000):
        assert judged(equal(tolerance=1), answer, case(1)).score == 0


def test_lists_that_take_too_long_to_pair_are_no_evidence():
    numbers = list(range(501))
    found = outcome(equal(tolerance=0.5, ignore_order=True), json.dumps(numbers), case(numbers))
    assert found == "there are too many entries to find the pairs among them. Keep the order, or the numbers."


@pytest.mark.parametrize(
    ("options", "cases", "message"),
    [
        ({"tolerance": -1}, None, "2:42: tolerance: input should be greater than or equal to 0."),
        ({"tolerance": "1"}, None, "2:42: tolerance must be a number."),
        ({"ignore": "id"}, None, "2:39: ignore must be a list."),
        ({"ignore": ["a..b"]}, None, "2:6: m: ignore: 'a..b' is neither a key nor a path such as items.*.price."),
        ({}, [{"id": "c1"}], "3:9: m: case c1: expected is missing."),
        (
            {"expected": {"a": "{b}"}},
            [{"id": "c1"}],
            "3:9: m: case c1 has no b, neither under expected nor among its inputs.",
        ),
    ],
)
def test_what_cannot_be_compared_is_said_when_the_suite_is_read(
    folder: Place, options: dict[str, Any], cases: Any, message: str
):
    assert refusal(folder, {"type": "json-equal", **options}, cases) == f"{SUITE}:{message}"


def test_options_are_read_as_they_stand(folder: Place):
    options = {"type": "json-equal", "expected": {"a": [1]}, "ignore_order": True, "tolerance": 1, "ignore": ["x"]}
    judge = scorer(folder, options, [{"id": "c1"}])
    assert judged(judge, '{"x": 1, "a": [2]}').score == 1
    assert judge.digest() != scorer(folder, options | {"tolerance": 2}).digest()


# What must hold for any data

_NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, 1.5, 1e300, 10**30, 0.1])
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
    max_leaves=12,
)
_OPTIONS = st.fixed_dictionaries({"ignore_order": st.booleans(), "tolerance": st.sampled_from([0, 0.5, 1])})


@settings(deadline=None)
@given(_JSON.filter(lambda value: value is not None), _OPTIONS, st.booleans())
def test_data_equals_itself(value: Any, options: dict[str, Any], subset: bool):
    assert judged(equal(subset=subset, **options), json.dumps(value), case(value)) == (1, None)


@settings(deadline=None)
@given(_JSON, _JSON, _OPTIONS)
def test_two_pieces_are_equal_either_way_round(one: Any, other: Any, options: dict[str, Any]):
    there, back = (equal(expected=[value], **options) for value in (one, other))
    assert there.score(json.dumps([other]), case()) == back.score(json.dumps([one]), case())


_PLAIN = st.recursive(
    st.none() | st.integers(-3, 3) | st.sampled_from([0.5, 2.0]) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(_PLAIN, _PLAIN, st.booleans())
def test_where_deepdiff_can_tell_it_says_the_same(one: Any, other: Any, ignore_order: bool):
    there = {"ignore_order": ignore_order, "report_repetition": ignore_order, "ignore_numeric_type_changes": True}
    for value in (one, other):
        equals = not DeepDiff([value], [other], **there)
        judge = equal(expected=[other], ignore_order=ignore_order)
        assert judge.score(json.dumps([value]), case()) == float(equals)


@settings(deadline=None)
@given(st.lists(_NUMBERS, max_size=6), st.randoms(use_true_random=False))
def test_order_does_not_count_where_it_is_ignored(values: list[Any], shuffle: random.Random):
    mixed = shuffle.sample(values, len(values))
    assert judged(equal(ignore_order=True), json.dumps(mixed), case(values)).score == 1


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=6), st.lists(st.integers(0, 6), max_size=6), st.integers(1, 2))
def test_pairs_are_found_wherever_there_are_any(found: list[int], expected: list[int], tolerance: int):
    # numbers on a line can be paired exactly where they can be in order
    pairs = len(found) == len(expected) and all(
        abs(one - other) <= tolerance for one, other in zip(sorted(found), sorted(expected), strict=True)
    )
    judge = equal(ignore_order=True, tolerance=tolerance, expected=expected)
    assert judge.score(json.dumps(found), case()) == float(pairs)


@settings(deadline=None)
@given(st.text() | _JSON.map(json.dumps), _JSON, _OPTIONS)
def test_no_text_is_a_traceback(answer: str, expected: Any, options: dict[str, Any]):
    try:
        equal(extract=True, **options).score(answer, case(expected))
    except ScorerError:
        assert expected is None
