"""all, any and weighted: scorers made of others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptreg.evals.scorer import Scale
from tests.evals.scorers.desk import SUITE, case, judged, outcome, refusal, scorer, trouble
from tests.support.place import Place

EXACT = {"type": "exact"}
SHORT = {"type": "length", "characters": {"max": 5}}
WORDS = {"type": "length", "words": {"max": 2}}  # cannot judge Japanese
LIKE = {"type": "edit-distance"}
PASS, FAIL = {"type": "regex", "pattern": ""}, {"type": "regex", "pattern": "(?!)"}


def grade(place: Place, returned: str, **options: Any) -> dict[str, Any]:
    name = f"m{abs(hash(returned))}"
    place.write(f"prompts/a/evals/{name}.py", f"def f(answer):\n    {returned}")
    return {"type": "python", "function": f"{name}:f", **options}


@pytest.mark.parametrize(
    ("options", "answer", "judgement"),
    [
        ({"type": "all", "of": [EXACT, SHORT]}, "yes", (1, None)),
        ({"type": "all", "of": [EXACT, SHORT]}, "no", (0, "part 1 (exact) fails")),
        ({"type": "all", "of": [PASS, SHORT, FAIL]}, "yes, but", (0, "part 2 (length) fails: 8 characters, 5 at most")),
        ({"type": "any", "of": [EXACT, SHORT]}, "maybe", (1, None)),
        (
            {"type": "any", "of": [EXACT, SHORT]},
            "perhaps",
            (0, "part 1 (exact) fails; part 2 (length) fails: 7 characters, 5 at most"),
        ),
        ({"type": "all", "of": [LIKE, SHORT]}, "yeah", (0.5, "part 1 (edit-distance) scores 0.5")),
        ({"type": "any", "of": [LIKE, FAIL]}, "yeah", (0.5, "part 1 (edit-distance) scores 0.5; part 2 (regex) fails")),
        ({"type": "all", "of": [{"type": "any", "of": [FAIL, EXACT]}, PASS]}, "yes", (1, None)),
        (
            {"type": "weighted", "of": [{"weight": 3, "scorer": EXACT}, {"scorer": LIKE}]},
            "yeah",
            (0.125, "part 1 (exact) fails; part 2 (edit-distance) scores 0.5"),
        ),
        ({"type": "weighted", "of": [{"weight": 3, "scorer": PASS}, {"scorer": FAIL}], "pass": 0.75}, "", (1, None)),
        (
            {"type": "weighted", "of": [{"weight": 3, "scorer": PASS}, {"scorer": FAIL}], "pass": 0.8},
            "",
            (0, "0.75, 0.8 at least: part 1 (regex) passes; part 2 (regex) fails"),
        ),
        # what is left could not help any more
        (
            {"type": "weighted", "of": [{"scorer": FAIL}, {"scorer": PASS}, {"scorer": PASS}], "pass": 0.7},
            "",
            (0, "at most 0.667, 0.7 at least: part 1 (regex) fails"),
        ),
        # 0.9996, which must not be told as 1
        (
            {"type": "weighted", "of": [{"weight": 2499, "scorer": PASS}, {"scorer": FAIL}], "pass": 1},
            "",
            (0, "0.9996, 1 at least: part 1 (regex) passes; part 2 (regex) fails"),
        ),
        # a part that cannot judge, and others that decide
        ({"type": "all", "of": [WORDS, FAIL]}, "返品", (0, "part 2 (regex) fails")),
        ({"type": "any", "of": [WORDS, PASS]}, "返品", (1, None)),
        (
            {"type": "weighted", "of": [{"scorer": WORDS}, {"weight": 2, "scorer": PASS}], "pass": 0.6},
            "返品",
            (1, None),
        ),
    ],
)
def test_parts_make_one_judgement(folder: Place, options: dict[str, Any], answer: str, judgement: Any):
    assert judged(scorer(folder, options), answer, case("yes")) == judgement


NO_WORDS = "the answer is written without spaces between words, so they cannot be counted. Bound its characters."


@pytest.mark.parametrize(
    "options",
    [
        {"type": "all", "of": [WORDS, PASS]},
        {"type": "any", "of": [WORDS, FAIL]},
        {"type": "all", "of": [WORDS, LIKE]},
        {"type": "weighted", "of": [{"scorer": WORDS}, {"scorer": PASS}]},
        {"type": "weighted", "of": [{"scorer": WORDS}, {"scorer": PASS}], "pass": 0.6},
    ],
)
def test_a_part_that_cannot_judge_is_no_evidence_where_the_others_do_not_decide(folder: Place, options: dict[str, Any]):
    assert trouble(scorer(folder, options), "返品", case("返金")) == f"part 1 (length): {NO_WORDS}"


def test_parts_are_asked_in_their_order_and_no_further_than_needed(folder: Place):
    never = grade(folder, "raise AssertionError('asked')")
    for kind, first in (("all", FAIL), ("any", PASS)):
        judged(scorer(folder, {"type": kind, "of": [first, never]}), "x")
    for least, first in ((0.5, PASS), (0.6, FAIL)):
        options = {"type": "weighted", "pass": least, "of": [{"scorer": first}, {"scorer": never}]}
        assert judged(scorer(folder, options), "x").score == float(first is PASS)


def test_scores_are_put_on_0_to_1_by_range_and_direction(folder: Place):
    four = grade(folder, "return 4", kind="score", range=[0, 5])
    worse = grade(folder, "return 4 ", kind="score", range=[0, 5], direction="down")
    bad = grade(folder, "return True", direction="down")
    for part, score in ((four, 0.8), (worse, 0.2)):
        for kind in ("all", "any"):
            judge = scorer(folder, {"type": kind, "of": [part]})
            assert judge.scale() == Scale("score", 0, 1, "up")
            assert judged(judge, "x").score == pytest.approx(score, abs=1e-12)
    judge = scorer(folder, {"type": "all", "of": [bad]})
    assert judge.scale() == Scale("pass-fail", 0, 1, "up")
    assert judged(judge, "x") == (0, "part 1 (python) fails")
    mean = scorer(folder, {"type": "weighted", "of": [{"scorer": four}, {"scorer": bad}]})
    assert judged(mean, "x").score == pytest.approx(0.4, abs=1e-12)


def test_the_digest_counts_the_digests_of_the_parts_and_the_weights(folder: Place):
    def digest(options: dict[str, Any]) -> str:
        return scorer(folder, options).digest()

    folder.write("prompts/a/evals/checks.py", "def f(answer): return True")
    code = {"type": "all", "of": [EXACT, {"type": "python", "function": "checks:f"}]}
    before = digest(code)
    assert digest({"type": "all", "of": [{"type": "exact", "ignore_case": False}, code["of"][1]]}) == before
    folder.write("prompts/a/evals/checks.py", "def f(answer): return False")
    assert digest(code) != before
    one = {"type": "weighted", "of": [{"weight": 1, "scorer": EXACT}, {"scorer": SHORT}]}
    two = {"type": "weighted", "of": [{"weight": 2, "scorer": EXACT}, {"scorer": SHORT}]}
    assert (
        len({digest(one), digest(two), digest(one | {"pass": 0.5}), digest({"type": "any", "of": [EXACT, SHORT]})}) == 4
    )


def test_what_parts_need_the_whole_needs(folder: Place):
    inner = {"type": "any", "of": [{"type": "weighted", "of": [{"scorer": {"type": "command", "command": "true"}}]}]}
    judge = scorer(folder, {"type": "all", "of": [EXACT, inner]})
    assert judge.needs_code()
    assert judge.providers() == []
    assert [part.type for part in judge.parts()] == ["exact", "any"]
    assert not scorer(folder, {"type": "all", "of": [EXACT]}).needs_code()


def nested(levels: int) -> dict[str, Any]:
    options: dict[str, Any] = EXACT
    for _ in range(levels):
        options = {"type": "all", "of": [options]}
    return options


@pytest.mark.parametrize(
    ("options", "cases", "place", "ends"),
    [
        ({"type": "all"}, None, "2:6", "of is missing."),
        ({"type": "all", "of": []}, None, "2:28", "of: list should have at least 1 item after validation, not 0."),
        ({"type": "all", "of": ["exact"]}, None, "2:29", "0 must be a mapping."),
        ({"type": "all", "of": [{"type": "exakt"}]}, None, "2:38", "Did you mean exact?"),
        ({"type": "all", "of": [EXACT, {"type": "regex"}]}, None, "2:48", "pattern is missing."),
        (
            {"type": "any", "of": [{"type": "length"}]},
            None,
            "2:29",
            "m: say what is counted: characters, words or lines, as in  characters: {max: 200}.",
        ),
        (
            {"type": "weighted", "of": [{"weight": 0, "scorer": EXACT}]},
            None,
            "2:45",
            "weight: input should be greater than 0.",
        ),
        ({"type": "weighted", "of": [EXACT]}, None, "2:34", "scorer is missing."),
        (
            {"type": "weighted", "of": [{"scorer": EXACT}], "pass": 2},
            None,
            "2:74",
            "pass: input should be less than or equal to 1.",
        ),
        (
            {"type": "all", "of": [PASS, EXACT]},
            [{"id": "c1"}],
            "3:9",
            "m: part 2 (exact): case c1: expected is missing.",
        ),
        (nested(9), None, "2:28", "m: scorers stand more than 8 deep inside one another."),
    ],
)
def test_what_is_wrong_with_a_part_is_said_when_the_suite_is_read(
    folder: Place, options: dict[str, Any], cases: Any, place: str, ends: str
):
    said = refusal(folder, options, cases)
    assert said.startswith(f"{SUITE}:{place}: "), said
    assert said.endswith(ends), said


def test_eight_levels_are_not_too_many(folder: Place):
    assert judged(scorer(folder, nested(8)), "yes", case("yes")).score == 1


_FORMULAS = st.recursive(
    st.booleans(),
    lambda inner: st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)


def options_of(formula: Any) -> dict[str, Any]:
    if isinstance(formula, bool):
        return PASS if formula else FAIL
    return {"type": formula[0], "of": [options_of(each) for each in formula[1]]}


def levels_of(formula: Any) -> int:
    return 0 if isinstance(formula, bool) else 1 + max(map(levels_of, formula[1]))


def truth_of(formula: Any) -> bool:
    if isinstance(formula, bool):
        return formula
    return (all if formula[0] == "all" else any)(truth_of(each) for each in formula[1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(_FORMULAS.filter(lambda formula: levels_of(formula) <= 8))
def test_combinations_are_boolean_algebra(folder: Place, formula: Any):
    judge = scorer(folder, options_of(formula))
    assert judge.scale().kind == "pass-fail"
    assert judged(judge, "x").score == float(truth_of(formula))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0.01, 1e6), st.booleans()), min_size=1, max_size=5), st.floats(0.01, 1))
def test_a_weighted_mean_lies_between_0_and_1_and_passes_where_it_is_enough(
    folder: Place, parts: list[tuple[float, bool]], least: float
):
    of = [{"weight": weight, "scorer": PASS if passes else FAIL} for weight, passes in parts]
    mean = judged(scorer(folder, {"type": "weighted", "of": of}), "x").score
    passed = sum(weight for weight, passes in parts if passes) / sum(weight for weight, _ in parts)
    assert mean == pytest.approx(passed, abs=1e-9)
    assert 0 <= mean <= 1
    if abs(mean - least) > 1e-9:
        assert judged(scorer(folder, {"type": "weighted", "of": of, "pass": least}), "x").score == float(mean >= least)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.text())
def test_no_text_is_a_traceback(folder: Place, answer: str):
    parts = [WORDS, LIKE, {"type": "json-equal"}, EXACT]
    options = {"type": "weighted", "of": [{"scorer": part} for part in parts], "pass": 0.5}
    assert json.dumps(outcome(scorer(folder, options), answer, case("yes")))
