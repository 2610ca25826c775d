"""edit-distance and length: characters as people see them, in any script."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.scorer import Scale
from promptreg.evals.scorers.edit_distance import EditDistance
from promptreg.evals.scorers.graphemes import graphemes
from promptreg.evals.scorers.length import Length
from tests.evals.scorers.desk import SUITE, case, judged, outcome, refusal, scorer, trouble, without_library
from tests.support.place import Place


def distance(**options: Any) -> EditDistance:
    return EditDistance.model_validate({"type": "edit-distance", **options})


def length(**options: Any) -> Length:
    return Length.model_validate({"type": "length", **options})


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("", 0),
        ("返品", 2),
        ("が", 1),
        ("か\u3099", 1),  # as macOS writes file names
        ("ハ\u309aン", 2),
        ("葛\U000e0100城", 2),  # a variant of the first sign
        ("e\u0301", 1),
        ("👍🏽", 1),
        ("👨‍👩‍👧", 1),
        ("🇯🇵🇩🇪", 2),
        ("กำ", 2),
        ("a\r\nb", 3),
        ("ﾊﾟ", 2),
    ],
)
def test_characters_are_counted_as_they_are_seen(text: str, characters: int):
    assert len(graphemes(text)) == characters


@settings(deadline=None)
@given(st.text())
def test_no_character_is_lost(text: str):
    assert "".join(graphemes("".join(graphemes(text)))) == "".join(graphemes(text))


# edit-distance


@pytest.mark.parametrize(
    ("answer", "expected", "options", "likeness"),
    [
        ("billing", "billing", {}, 1),
        (" billing\n", "billing", {}, 1),
        ("kitten", "sitting", {}, 1 - 3 / 7),
        ("", "abc", {}, 0),
        ("返品は30日以内です", "返品は14日以内です", {}, 0.8),
        ("か\u3099", "が", {}, 1),
        ("👨‍👩‍👧", "👨‍👩‍👦", {}, 0),  # one character replaced, and no half of one
        ("ＡＢＣ１２３", "ABC123", {}, 0),
        ("ＡＢＣ１２３", "ABC123", {"normalize": "NFKC"}, 1),
        ("ﾍﾝﾋﾟﾝ", "ヘンピン", {"normalize": "NFKC"}, 1),
        ("Billing", "billing", {}, 1 - 1 / 7),
        ("Billing", "billing", {"ignore_case": True}, 1),
        ("abcd", ["xxxx", "abcx"], {}, 0.75),
        ("abcd", "?", {"expected": "{expected}bc"}, 0.5),
        ("abcd", "x", {"expected": ["zzzz", "abcd"]}, 1),
    ],
)
def test_the_likeness_of_two_texts(answer: str, expected: Any, options: dict[str, Any], likeness: float):
    assert judged(distance(**options), answer, case(expected)).score == pytest.approx(likeness, abs=1e-12)
    assert distance(**options).scale() == Scale("score", 0, 1, "up")


@pytest.mark.parametrize(
    ("answer", "judgement"),
    [
        ("abcdefghij", (1, None)),
        ("abcdefgxxx", (1, None)),
        ("abcdefxxxx", (0, "alike by 0.600, 0.7 at least")),
    ],
)
def test_with_min_it_passes_or_fails(answer: str, judgement: tuple[float, str | None]):
    judge = distance(min=0.7)
    assert judge.scale().kind == "pass-fail"
    assert judged(judge, answer, case("abcdefghij")) == judgement
    assert judge.score(answer, case("abcdefghij")) == judgement[0]


@settings(deadline=None)
@given(st.text(), st.text(min_size=1).filter(str.strip))
def test_a_likeness_lies_between_0_and_1_and_is_the_same_either_way_round(one: str, other: str):
    judge = distance(normalize="NFKC")
    found = judge._likeness(one, case(other))
    assert 0 <= found <= 1
    if one.strip():
        assert found == judge._likeness(other, case(one))
        assert judge._likeness(one, case(one)) == 1


def test_without_rapidfuzz_the_message_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    message = "The edit-distance scorer needs rapidfuzz: pip install 'git-promptreg[edit-distance]'"
    assert without_library(monkeypatch, "rapidfuzz.distance", distance()) == message


# length


@pytest.mark.parametrize(
    ("answer", "options", "comment"),
    [
        ("返品は30日以内です。", {"characters": {"max": 11}}, None),
        ("返品は30日以内です。", {"characters": {"max": 10}}, "11 characters, 10 at most"),
        ("  abc\n", {"characters": {"min": 3, "max": 3}}, None),
        ("👨‍👩‍👧", {"characters": {"max": 1}}, None),
        ("", {"characters": {"min": 1}}, "0 characters, 1 at least"),
        ("one two  three", {"words": {"max": 3}}, None),
        ("one two", {"words": {"min": 3}}, "2 words, 3 at least"),
        ("GPT-4 and 返品 work", {"words": {"max": 4}}, None),
        ("", {"words": {"max": 3}, "lines": {"max": 0}}, None),
        ("a\nb\r\nc", {"lines": {"max": 3}}, None),
        ("a\n\nb", {"lines": {"max": 2}}, "3 lines, 2 at most"),
        ("a b\nc", {"words": {"max": 2}, "lines": {"max": 1}}, "3 words, 2 at most; 2 lines, 1 at most"),
    ],
)
def test_a_length_is_held_against_bounds(answer: str, options: dict[str, Any], comment: str | None):
    assert judged(length(**options), answer) == (float(comment is None), comment)
    assert length(**options).score(answer, case()) == float(comment is None)


@pytest.mark.parametrize("answer", ["返品は30日以内です。", "ส่งคืนได้ภายในสามสิบวัน", "API を返品する方法"])
def test_words_of_a_script_without_spaces_are_no_evidence(answer: str):
    message = "the answer is written without spaces between words, so they cannot be counted. Bound its characters."
    assert trouble(length(words={"max": 5}), answer) == message


@settings(deadline=None)
@given(st.text(), st.integers(0, 5))
def test_no_text_is_a_traceback(answer: str, most: int):
    bounds = {"max": most}
    outcome(length(characters=bounds, words=bounds, lines=bounds), answer)
    outcome(distance(min=0.5), answer, case(answer))


@pytest.mark.parametrize(
    ("options", "cases", "message"),
    [
        ({"type": "edit-distance", "min": 0}, None, "2:39: min: input should be greater than 0."),
        ({"type": "edit-distance", "min": 1.5}, None, "2:39: min: input should be less than or equal to 1."),
        ({"type": "edit-distance", "normalize": "nfkc"}, None, "2:45: normalize must be 'NFC' or 'NFKC', not 'nfkc'."),
        ({"type": "edit-distance", "expected": []}, None, "2:44: m: the expected text is empty. Say what is expected."),
        ({"type": "edit-distance"}, [{"id": "c1"}], "3:9: m: case c1: expected is missing."),
        (
            {"type": "edit-distance"},
            [{"id": "c1", "expected": [" "]}],
            "3:9: m: case c1: the expected text is empty. Say what is expected.",
        ),
        (
            {"type": "length"},
            None,
            "2:6: m: say what is counted: characters, words or lines, as in  characters: {max: 200}.",
        ),
        ({"type": "length", "words": {}}, None, "2:34: words: say min, max or both."),
        ({"type": "length", "words": {"min": 3, "max": 2}}, None, "2:34: words: min 3 is above max 2."),
        ({"type": "length", "words": {"max": -1}}, None, "2:42: max: input should be greater than or equal to 0."),
        ({"type": "length", "words": {"max": 1.5}}, None, "2:42: max must be a whole number."),
        (
            {"type": "length", "max": 5},
            None,
            "2:25: there is no key max here. It can be characters, lines, type, words.",
        ),
    ],
)
def test_what_cannot_judge_is_said_when_the_suite_is_read(
    folder: Place, options: dict[str, Any], cases: Any, message: str
):
    assert refusal(folder, options, cases) == f"{SUITE}:{message}"


def test_a_suite_that_fits_is_read(folder: Place):
    judge = scorer(folder, {"type": "length", "characters": {"max": 3}}, [{"id": "c1"}])
    assert judged(judge, "abcd").comment == "4 characters, 3 at most"
