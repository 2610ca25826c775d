"""Scorers: exact, contains, regex, json-schema, and the {placeholders} of expected texts."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from promptreg.core.errors import PromptregError
from promptreg.evals.all_scorers import SCORERS
from promptreg.evals.cases import Case
from promptreg.evals.scorer import Scale, Scorer, ScorerError, filled
from promptreg.validation import validated

CASE = Case(
    id="c1",
    inputs={"question": "返品できますか？", "n": 3, "ratio": 0.5, "flag": True, "name": "Aki", "list": [1]},
    expected={"queue": "billing", "name": "Émile", "year": 2026},
)


def scorer(kind: str, **options: Any) -> Scorer:
    return validated(SCORERS[kind], {"type": kind, **options}, lambda message, *_: PromptregError(message))


def score(kind: str, answer: str, of_case: Any = None, **options: Any) -> float:
    case = Case(id="c1", inputs={"q": "Hello"}, expected=of_case)
    judge = scorer(kind, **options)
    judge.check(case)
    return judge.score(answer, case)


@pytest.mark.parametrize(
    ("answer", "expected", "options", "passes"),
    [
        ("billing", "billing", {}, True),
        ("  billing\r\n", "billing", {}, True),
        ("billing", "\tbilling ", {}, True),
        ("Billing", "billing", {}, False),
        ("Billing", "billing", {"ignore_case": True}, True),
        ("STRASSE", "straße", {"ignore_case": True}, True),
        ("billing.", "billing", {}, False),
        ("返品は 30 日以内です。", "返品は 30 日以内です。", {}, True),
        ("　返品　", "返品", {}, True),  # an ideographic space is white space
        ("ﾍﾝﾋﾟﾝ", "ヘンピン", {}, False),
        ("a  b", "a b", {}, False),
        ("", "", {}, True),
        ("7", 7, {}, True),
        ("true", True, {}, True),
        ("0.5", 0.5, {}, True),
        ("Hello", "x", {"expected": "{q}"}, True),
        ("x, Hello", "x", {"expected": "{expected}, {q}"}, True),
    ],
)
def test_exact(answer: str, expected: Any, options: dict[str, Any], passes: bool) -> None:
    assert score("exact", answer, expected, **options) == float(passes)


@pytest.mark.parametrize(
    ("answer", "expected", "options", "passes"),
    [
        ("It goes to billing.", "billing", {}, True),
        ("It goes to Billing.", "billing", {}, False),
        ("It goes to Billing.", "billing", {"ignore_case": True}, True),
        ("返品は30日以内に承ります。", "30日以内", {}, True),
        ("返品は承ります。", "30日以内", {}, False),
        ("返品は30日以内に承ります。", ["返品", "30日"], {}, True),
        ("返品は承ります。", ["返品", "30日"], {}, False),
        ("a b", "x", {"expected": ["a", "b"]}, True),
        ("a", "x", {"expected": ["a", "b"]}, False),
        ("say Hello 42", {"n": 42}, {"expected": ["{q}", "{n}"]}, True),
    ],
)
def test_contains(answer: str, expected: Any, options: dict[str, Any], passes: bool) -> None:
    assert score("contains", answer, expected, **options) == float(passes)


@pytest.mark.parametrize(
    ("answer", "options", "passes"),
    [
        ("Order 4711 is on its way.", {"pattern": r"\b\d{4}\b"}, True),
        ("Order 471 is on its way.", {"pattern": r"\b\d{4}\b"}, False),
        ("4711", {"pattern": r"\d{4}", "full": True}, True),
        ("  4711\n", {"pattern": r"\d{4}", "full": True}, True),
        ("No. 4711", {"pattern": r"\d{4}", "full": True}, False),
        ("YES", {"pattern": "yes"}, False),
        ("YES", {"pattern": "yes", "ignore_case": True}, True),
        ("はい、承ります。", {"pattern": "^(はい|いいえ)"}, True),
        ("承ります。", {"pattern": "^(はい|いいえ)"}, False),
        ("a\nb", {"pattern": "a.b"}, False),
        ("a\nb", {"pattern": "(?s)a.b"}, True),
        ("{n}", {"pattern": r"\{n\}"}, True),
        ("", {"pattern": "^$"}, True),
    ],
)
def test_regex(answer: str, options: dict[str, Any], passes: bool) -> None:
    assert score("regex", answer, **options) == float(passes)


DRAFT_7 = "http://json-schema.org/draft-07/schema#"
ANSWER = {
    "type": "object",
    "properties": {"answer": {"type": "string", "minLength": 1}, "sources": {"items": {"$ref": "#/$defs/id"}}},
    "required": ["answer"],
    "additionalProperties": False,
    "$defs": {"id": {"type": "integer"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "schema", "passes"),
    [
        ('{"answer": "はい"}', ANSWER, True),
        (' \n{"answer": "x", "sources": [1, 2]}\n', ANSWER, True),
        ('{"answer": "x", "sources": ["1"]}', ANSWER, False),
        ('{"answer": ""}', ANSWER, False),
        ('{"sources": []}', ANSWER, False),
        ('{"answer": "x", "more": 1}', ANSWER, False),
        ('```json\n{"answer": "x"}\n```', ANSWER, False),
        ("", ANSWER, False),
        ('{"answer": "x"', ANSWER, False),
        ('{"answer": "x", "answer": "y"}', ANSWER, False),  # readers differ on what that says
        ("NaN", {"type": "number"}, False),
        ("[" * 200_000, True, False),
        ("null", True, True),
        ("null", False, False),
        ("3.0", {"type": "integer"}, True),
        ('"x"', {"$schema": DRAFT_7, "type": "string"}, True),
        # draft 7 took a list of items for a tuple
        ('[1, "a"]', {"$schema": DRAFT_7, "items": [{"type": "integer"}, {"type": "string"}]}, True),
        ('["a", 1]', {"$schema": DRAFT_7, "items": [{"type": "integer"}, {"type": "string"}]}, False),
        ('[1, "a"]', {"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False}, True),
    ],
)  # fmt: skip
def test_json_schema(answer: str, schema: Any, passes: bool) -> None:
    assert score("json-schema", answer, schema=schema) == float(passes)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/other.json"},  # documents are not fetched
        {"$ref": "#/$defs/nothing"},
        {"$ref": "#"},
        {"pattern": "a{99999999999999}"},
    ],
)
def test_a_schema_that_cannot_be_followed_is_no_evidence_and_no_crash(schema: dict[str, Any]) -> None:
    with pytest.raises(PromptregError):
        score("json-schema", '"x"', schema=schema)


def test_without_jsonschema_the_message_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(PromptregError) as caught:
        scorer("json-schema", schema={}).check(CASE)
    assert str(caught.value) == "The json-schema scorer needs jsonschema: pip install 'git-promptreg[json-schema]'"


# Placeholders


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{queue}", "billing"),
        ("→ {queue}!", "→ billing!"),
        ("{name}", "Émile"),  # expected goes before inputs
        ("{question}", "返品できますか？"),
        ("{n} {ratio} {flag} {year}", "3 0.5 true 2026"),
        ("{{queue}}", "{queue}"),
        ('{{"queue": "{queue}"}}', '{"queue": "billing"}'),
        ("no field", "no field"),
        ("", ""),
    ],
)
def test_a_placeholder_stands_for_a_key_of_expected_or_an_input(template: str, text: str) -> None:
    assert filled(template, CASE) == text


def test_a_value_is_not_filled_in_again() -> None:
    case = Case(id="c1", inputs={"a": "{b}", "b": "x"}, expected="{a}")
    assert filled("{a}", case) == "{b}"
    assert filled(None, case) == "{a}"


@pytest.mark.parametrize(
    ("template", "expected", "message"),
    [
        ("{quue}", {"queue": "x"}, "case c1 has no quue, neither under expected nor among its inputs."),
        ("{list}", None, "case c1: list is no text."),
        (None, None, "case c1: expected is missing."),
        (None, {"x": 1}, "case c1: expected is no text."),
        ("{expected}", {"queue": "x"}, "case c1: expected is no text."),
        ("{queue}", {"queue": None}, "case c1: queue is missing."),
    ],
)
def test_a_case_without_the_text_that_is_expected_is_no_evidence(
    template: str | None, expected: Any, message: str
) -> None:
    case = CASE.model_copy(update={"expected": expected})
    for kind in ("exact", "contains"):
        with pytest.raises(ScorerError) as caught:
            scorer(kind, expected=template).check(case)
        assert str(caught.value) == message
        with pytest.raises(ScorerError):
            scorer(kind, expected=template).score("x", case)


@pytest.mark.parametrize("kind", ["exact", "contains", "regex", "json-schema"])
def test_every_scorer_says_its_kind_its_range_and_which_direction_is_better(kind: str) -> None:
    options: dict[str, Any] = {"regex": {"pattern": "a"}, "json-schema": {"schema": {}}}.get(kind, {})
    found = scorer(kind, **options)
    assert found.scale() == Scale("pass-fail", 0, 1, "up")
    assert found.score("a", Case(id="c1", expected="a")) in (0.0, 1.0)


def test_a_contains_that_asks_for_nothing_is_no_pass() -> None:
    for expected in ([], ""):
        with pytest.raises(PromptregError):
            score("contains", "anything at all", expected)
