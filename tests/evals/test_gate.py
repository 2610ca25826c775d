"""Every row of the tables of docs/gate.md: which two, can they be compared, the verdict; in each mode."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.evidence import Side, SuiteEvidence
from promptreg.evals.results import Failure, Result
from promptreg.evals.statistics import newcombe
from promptreg.evals.suite import MetricPolicy
from promptreg.evals.verdict import VERDICTS
from tests.support.evals import (
    DIGESTS,
    GRADE,
    GRADED,
    NEW,
    OLD,
    PASS_FAIL,
    case_id,
    compared,
    drop,
    evidence,
    judged,
    outcomes,
    result,
    setup_of,
)

MODES = ("lenient", "standard", "strict")
PASSING = outcomes(100)
OTHER_SCORER = "sha256:" + "b" * 64
Statuses = tuple[int, int, int]


def regressed() -> SuiteEvidence:
    return evidence(*outcomes(85, 8, 2, 5))


def not_comparable() -> SuiteEvidence:
    before, after = outcomes(100)
    return evidence(before, after[:90])


def missing() -> SuiteEvidence:
    return evidence(outcomes(100)[0], [], count=100)


def uncertain() -> SuiteEvidence:
    return evidence(*outcomes(90, 4, 1, 5))


def passing() -> SuiteEvidence:
    return evidence(*outcomes(100))


# Section 6: what each verdict does in each mode


@pytest.mark.parametrize(
    ("verdict", "suites", "reasons", "statuses"),
    [
        ("regressed", [regressed], ["correct: p ≤ 0.05; drop over 5 points, 6 net"], (0, 1, 1)),
        ("not-comparable", [not_comparable], ["correct: 1.2.0 has scores for 90 of 100 cases"], (0, 4, 4)),
        ("missing", [missing], ["1.2.0 has 100 cases and no result"], (0, 4, 4)),
        ("uncertain", [uncertain], ["correct: a drop over 5 points cannot be excluded"], (0, 0, 4)),
        ("ungated", [], ["there are no cases"], (0, 0, 4)),
        ("pass", [passing], [], (0, 0, 0)),
    ],
)
def test_what_each_verdict_does_in_each_mode(
    verdict: str, suites: list[Callable[[], SuiteEvidence]], reasons: list[str], statuses: Statuses
) -> None:
    for mode, status in zip(MODES, statuses, strict=True):
        found = judged(*[suite() for suite in suites], mode=mode)
        assert (found.verdict, list(found.reasons)) == (verdict, reasons), mode
        assert (found.blocks, found.exit_status) == (status != 0, status), mode


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"critical": {20}}, "correct: critical: c0020"),
        ({"policies": drop(min=0.99)}, "correct: 0.967 is below min 0.99"),
    ],
)
def test_a_critical_case_and_min_block_in_every_mode(changes: dict[str, Any], reason: str) -> None:
    before, after = [1.0] * 30, [1.0] * 20 + [0.0] + [1.0] * 9
    for mode in MODES:
        found = judged(evidence(before, after, **changes), mode=mode)
        assert (found.verdict, found.blocks, found.exit_status) == ("regressed", True, 1)
        assert reason in found.reasons


def test_a_lenient_environment_is_stopped_by_the_critical_case_of_one_metric_beside_the_drop_of_another() -> None:
    metrics = {"correct": PASS_FAIL, "safe": PASS_FAIL}
    before, after = outcomes(85, 8, 2, 5)
    scores = {"correct": before, "safe": [1.0] * 100}, {"correct": after, "safe": [0.0] + [1.0] * 99}
    soft = judged(evidence(*scores, metrics), mode="lenient")
    hard = judged(evidence(*scores, metrics, critical={0}), mode="lenient")
    assert (soft.verdict, soft.blocks) == ("regressed", False)
    assert (hard.verdict, hard.blocks, hard.exit_status) == ("regressed", True, 1)


def test_a_lenient_environment_is_not_stopped_by_the_critical_case_of_a_metric_that_does_not_block() -> None:
    metrics = {"correct": PASS_FAIL, "safe": PASS_FAIL}
    before, after = outcomes(85, 8, 2, 5)
    scores = {"correct": before, "safe": [1.0] * 100}, {"correct": after, "safe": [0.0] + [1.0] * 99}
    policies = {"safe": MetricPolicy(block=False, min=0.999)}
    found = judged(evidence(*scores, metrics, critical={0}, policies=policies), mode="lenient")
    assert (found.verdict, found.blocks, found.exit_status) == ("regressed", False, 0)


# Section 6: the boundaries of `regressed`

TOO_SMALL = "a drop of 0.4 points, too small to count; a drop up to 0.9 points cannot be excluded"


@pytest.mark.parametrize(
    ("counts", "changes", "verdict", "reasons"),
    [
        # a drop of at least max_drop/10 with Holm-adjusted p ≤ 0.05
        ((85, 8, 2, 5), {}, "regressed", ["p ≤ 0.05", "drop over 5 points, 6 net"]),
        ((90, 5, 0, 5), {}, "regressed", ["p ≤ 0.05"]),
        ((470, 15, 5, 10), {}, "regressed", ["p ≤ 0.05"]),
        ((990, 6, 0, 4), {}, "regressed", ["p ≤ 0.05"]),
        ((990, 4, 0, 6), {}, "pass", [TOO_SMALL]),
        ((992, 4, 0, 4), {"policies": drop(max_drop=0.03)}, "regressed", ["p ≤ 0.05"]),
        ((188, 8, 3, 1), {}, "uncertain", ["a drop over 5 points cannot be excluded"]),
        # a drop over max_drop with net losses of at least 2
        ((45, 3, 0, 2), {}, "regressed", ["drop over 5 points, 3 net"]),
        ((18, 2, 0, 0), {}, "regressed", ["drop over 5 points, 2 net"]),
        ((14, 4, 2, 0), {}, "regressed", ["drop over 5 points, 2 net"]),
        ((38, 2, 0, 0), {}, "uncertain", ["a drop over 5 points cannot be excluded"]),
        ((19, 1, 0, 0), {"policies": drop(max_drop=0.04)}, "uncertain", ["a drop over 4 points cannot be excluded"]),
        ((13, 4, 3, 0), {"policies": drop(max_drop=0.04)}, "uncertain", ["a drop over 4 points cannot be excluded"]),
        ((28, 2, 0, 0), {"policies": drop(max_drop=0.07)}, "uncertain", ["a drop over 7 points cannot be excluded"]),
        ((28, 2, 0, 0), {"policies": drop(max_drop=0.06)}, "regressed", ["drop over 6 points, 2 net"]),
    ],
)  # fmt: skip
def test_the_boundaries_of_regressed(
    counts: tuple[int, int, int, int], changes: dict[str, Any], verdict: str, reasons: list[str]
) -> None:
    found = compared(counts, **changes)
    assert (found.metrics["correct"].verdict, list(found.metrics["correct"].reasons)) == (verdict, reasons)
    assert found.verdict == verdict


def test_alpha_and_max_drop_come_from_the_policy_where_the_metric_does_not_say() -> None:
    suite = evidence(*outcomes(96, 3, 0, 1))
    assert judged(suite).metrics["correct"].p == 0.0625
    assert judged(suite, alpha=0.05).verdict == "uncertain"
    assert judged(suite, alpha=0.07).metrics["correct"].reasons == ("p ≤ 0.07",)
    assert judged(suite, max_drop=0.02).metrics["correct"].reasons == ("drop over 2 points, 3 net",)
    assert judged(suite, max_drop=0.08).verdict == "pass"
    assert judged(replace(suite, policies=drop(max_drop=0.02)), max_drop=0.5).verdict == "regressed"


def test_repeats_are_averaged_before_net_losses_are_counted() -> None:
    before: list[Any] = [[1, 1]] * 20
    fifteen_tenths = [[1, 0]] * 4 + [[1, 1]] * 15
    base = [*before[:19], [1, 0]]
    found = judged(evidence(base, [*fifteen_tenths, [1, 1]]))
    assert found.metrics["correct"].change == pytest.approx(-0.075)
    assert (found.verdict, found.metrics["correct"].reasons) == (
        "uncertain",
        ("a drop over 5 points cannot be excluded",),
    )
    found = judged(evidence(base, [[1, 0]] * 5 + [[1, 1]] * 15))
    assert found.metrics["correct"].reasons == ("drop over 5 points, 2 net",)


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        (1, 0, True),
        ([1, 1, 0], [1, 0], True),
        ([1, 1, 0], [0, 0, 1], True),
        ([1, 1, 0], [1, 1, 0, 1], False),
        ([1, 0], 0, False),
        (0, 0, False),
        (1, [1, 1, 0], False),
    ],
)
def test_a_critical_case_is_lost_from_above_a_half_to_a_half_or_below(before: Any, after: Any, lost: bool) -> None:
    found = judged(evidence([before] + [1] * 99, [after] + [1] * 99, critical={0}), mode="lenient")
    assert (found.verdict == "regressed") is lost
    assert found.blocks is lost
    assert ("critical: c0000" in found.metrics["correct"].reasons) is lost


def test_critical_counts_for_pass_fail_metrics_only() -> None:
    found = judged(evidence([1.0] * 100, [0.4] + [1.0] * 99, GRADED, critical={0}), mode="lenient")
    assert found.verdict in ("pass", "uncertain")
    assert not found.blocks


@pytest.mark.parametrize(
    ("least", "verdict"), [(0.8, "pass"), (0.8 + 1e-13, "pass"), (0.8 + 1e-11, "regressed"), (0.801, "regressed")]
)
def test_min_is_compared_to_1e_12_in_the_candidates_favour(least: float, verdict: str) -> None:
    scores = [0.7, 0.8, 0.9] * 10
    found = judged(evidence(scores, scores, GRADED, policies={"grade": MetricPolicy(min=least)}))
    assert found.verdict == verdict
    scores = [[0.1, 0.2, 0.3]] * 30
    found = judged(evidence(scores, scores, GRADED, policies={"grade": MetricPolicy(min=least / 4)}))
    assert found.verdict == verdict


def test_min_counts_although_the_baseline_is_below_it_too() -> None:
    found = compared((70, 0, 5, 25), policies=drop(min=0.80))
    assert (found.verdict, found.reasons) == ("regressed", ("correct: 0.750 is below min 0.8",))


def test_a_rounding_error_is_no_drop() -> None:
    # 0.1 + 0.2 + 0.3 averages to a hair more than 0.2
    before, after = [[0.1, 0.2, 0.3]] * 40, [[0.2, 0.2, 0.2]] * 40
    for old, new in ((before, after), (after, before)):
        metric = judged(evidence(old, new, GRADED)).metrics["grade"]
        assert (metric.verdict, metric.p) == ("pass", 1.0)


def test_a_rounding_error_in_one_metric_does_not_make_another_regress() -> None:
    metrics = {"correct": PASS_FAIL, "grade": GRADE}
    before, after = outcomes(95, 4, 0, 1)
    level, same = [[0.2, 0.2, 0.2]] * 100, [[0.1, 0.2, 0.3]] * 100
    for old, new in ((level, same), (same, level)):
        found = judged(evidence({"correct": before, "grade": old}, {"correct": after, "grade": new}, metrics))
        assert found.metrics["correct"].p == 0.03125
        assert found.metrics["correct"].p_holm == 0.0625
        assert found.metrics["correct"].verdict == "uncertain"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"policies": drop(max_drop=0.05)}, "pass"),  # a drop of max_drop/10, exactly
        ({"policies": drop(max_drop=0.0499999)}, "regressed"),
    ],
)
def test_a_drop_at_the_least_that_counts_is_decided_for_the_candidate(changes: dict[str, Any], verdict: str) -> None:
    assert compared((980, 5, 0, 15), **changes).verdict == verdict


# Section 6: uncertain


def test_uncertain_is_a_drop_whose_lower_bound_reaches_max_drop() -> None:
    counts = (90, 4, 1, 5)
    lower = newcombe(*counts)[0]
    assert compared(counts, policies=drop(max_drop=-lower)).verdict == "pass"
    assert compared(counts, policies=drop(max_drop=-lower + 1e-9)).verdict == "pass"
    assert compared(counts, policies=drop(max_drop=-lower - 1e-9)).verdict == "uncertain"


def test_without_a_drop_nothing_is_uncertain_however_wide_the_interval() -> None:
    found = compared((10, 3, 3, 4))
    assert found.metrics["correct"].lower is not None
    assert found.metrics["correct"].lower < -0.2
    assert found.verdict == "pass"


@pytest.mark.parametrize(
    ("cases", "least", "verdict", "reasons"),
    [
        (19, 20, "uncertain", ["correct: only 19 cases; 20 are needed to judge"]),
        (20, 20, "pass", []),
        (1, 20, "uncertain", ["correct: only 1 case; 20 are needed to judge"]),
        (20, 21, "uncertain", ["correct: only 20 cases; 21 are needed to judge"]),
    ],
)
def test_under_20_cases_the_gate_cannot_tell(cases: int, least: int, verdict: str, reasons: list[str]) -> None:
    found = judged(evidence(*outcomes(cases)), min_cases=least)
    assert (found.verdict, list(found.reasons)) == (verdict, reasons)


def test_a_pass_says_what_could_not_be_excluded() -> None:
    metric = compared((100, 0, 0, 0)).metrics["correct"]
    assert metric.reasons == ("no drop seen; a drop up to 2.6 points cannot be excluded",)
    metric = compared((290, 4, 3, 3)).metrics["correct"]
    assert metric.reasons == ("a drop of 0.3 points, within chance; a drop up to 2.1 points cannot be excluded",)


# Section 6: missing and ungated


def test_a_prompt_whose_suites_hold_no_cases_is_ungated() -> None:
    assert judged(evidence([], [], count=0)).verdict == "ungated"


@pytest.mark.parametrize(
    ("suite", "reasons"),
    [
        (evidence([], PASSING[1], count=100), ("1.1.0 has 100 cases and no result",)),
        (evidence([], [], count=1), ("1.1.0 has 1 case and no result", "1.2.0 has 1 case and no result")),
        (
            evidence(result(OLD, PASSING[0], columns={"case": ["0" * 16] * 100}), PASSING[1]),
            ("1.1.0 has no score for any of the 100 cases",),
        ),
    ],
)
def test_a_result_that_is_needed_and_not_there_is_missing(suite: SuiteEvidence, reasons: tuple[str, ...]) -> None:
    found = judged(suite)
    assert (found.verdict, found.reasons) == ("missing", reasons)


def test_a_metric_that_was_not_scored_is_missing_and_the_others_are_judged() -> None:
    metrics = {"correct": PASS_FAIL, "polite": replace(PASS_FAIL, digest=OTHER_SCORER)}
    before = result(OLD, PASSING[0])
    after = result(NEW, {"correct": PASSING[1], "polite": PASSING[1]}, metrics)
    found = judged(evidence(before, after, metrics))
    assert (found.verdict, found.reasons) == ("missing", ("polite: polite was not scored for 1.1.0",))
    assert found.metrics["correct"].verdict == "pass"


# Section 3: which two


@pytest.mark.parametrize("mode", MODES)
def test_the_same_prompt_passes_whatever_the_evidence_says(mode: str) -> None:
    for suites in ([], [missing()], [regressed()], [not_comparable()]):
        found = judged(*suites, mode=mode, same="same as 1.1.0: all 100 cases render the same")
        assert (found.verdict, found.blocks, found.exit_status) == ("pass", False, 0)
        assert found.reasons == ("same as 1.1.0: all 100 cases render the same",)


FIRST = "a first promotion, with nothing to compare"


@pytest.mark.parametrize(
    ("after", "changes", "verdict", "reasons", "statuses"),
    [
        ([1.0] * 100, {}, "pass", (FIRST,), (0, 0, 0)),
        ([0.0] * 100, {}, "pass", (FIRST,), (0, 0, 0)),
        ([1.0] * 3, {}, "pass", (FIRST,), (0, 0, 0)),
        ([1.0] * 80 + [0.0] * 20, {"policies": drop(min=0.8)}, "pass", (FIRST,), (0, 0, 0)),
        (
            [1.0] * 79 + [0.0] * 21,
            {"policies": drop(min=0.8)},
            "regressed",
            ("correct: 0.790 is below min 0.8",),
            (1, 1, 1),
        ),
        ([0.0] + [1.0] * 99, {"critical": {0}}, "regressed", ("correct: critical: c0000",), (1, 1, 1)),
        ([[1, 0]] + [1.0] * 99, {"critical": {0}}, "regressed", ("correct: critical: c0000",), (1, 1, 1)),
        ([[1, 1, 0]] + [1.0] * 99, {"critical": {0}}, "pass", (FIRST,), (0, 0, 0)),
        ([], {"count": 100}, "missing", ("1.2.0 has 100 cases and no result",), (0, 4, 4)),
        (
            result(NEW, [[1, 1]] * 100, failed={index: ["provider"] for index in range(5)}),
            {},
            "not-comparable",
            (
                (
                    "5 of 200 calls failed for 1.2.0 (promptreg eval support/answer@1.2.0 --repeat 1 --allow-code "
                    "makes up for them, once the provider answers)"
                ),
            ),
            (0, 4, 4),
        ),
        (
            [1.0] * 97,
            {"count": 100},
            "not-comparable",
            ("correct: 1.2.0 has scores for 97 of 100 cases",),
            (0, 4, 4),
        ),
    ],
)  # fmt: skip
def test_at_a_first_promotion_only_min_error_limits_and_critical_count(
    after: Any, changes: dict[str, Any], verdict: str, reasons: tuple[str, ...], statuses: Statuses
) -> None:
    for mode, status in zip(MODES, statuses, strict=True):
        found = judged(evidence(None, after, **changes), mode=mode)
        assert (found.verdict, found.reasons, found.exit_status) == (verdict, reasons, status), mode
        assert found.baseline is None


def test_at_a_first_promotion_too_the_cases_that_the_change_rewrites_are_dropped() -> None:
    after = result(NEW, [1.0] * 100, columns={"case": ["f" * 16] * 3 + [None] * 97})
    dropped = frozenset(map(case_id, range(3)))
    found = judged(evidence(None, after, dropped=dropped, critical={0}))
    assert found.verdict in ("pass", "uncertain"), found.reasons


# Section 3 and 4: setups


@pytest.mark.parametrize("other", [{"provider": "echo"}, {"model": "model-2"}, {"parameters": {"temperature": 1}}])
def test_results_of_another_setup_are_listed_and_never_used(other: dict[str, Any]) -> None:
    foreign = result(NEW, [0.0] * 100, setup=setup_of(**other))
    found = judged(evidence(PASSING[0], [result(NEW, PASSING[1]), foreign]))
    assert found.verdict == "pass"
    assert found.notes == ("1 result was made with another setup of 1.2.0 and not used",)
    assert (found.candidate.runs, found.metrics["correct"].candidate) == (1, 1.0)


@pytest.mark.parametrize("mode", MODES)
def test_where_there_are_only_results_of_another_setup_evidence_is_missing(mode: str) -> None:
    foreign = [result(NEW, PASSING[1], setup=setup_of(provider="echo"), seed=seed) for seed in (1, 2)]
    found = judged(evidence(PASSING[0], foreign), mode=mode)
    assert (found.verdict, found.reasons) == ("missing", ("1.2.0 has 100 cases and no result",))
    assert found.notes == ("2 results were made with another setup of 1.2.0 and not used",)
    assert found.blocks is (mode != "lenient")


METRICS = {"correct": PASS_FAIL, "polite": PASS_FAIL}


def polite_was_scored_by_another_judge() -> SuiteEvidence:
    other = {"correct": PASS_FAIL, "polite": replace(PASS_FAIL, digest=OTHER_SCORER)}
    old = result(OLD, {"correct": PASSING[0], "polite": PASSING[0]}, other)
    return evidence(old, {"correct": PASSING[1], "polite": PASSING[1]}, METRICS)


def test_where_only_a_scorer_differs_its_metric_alone_cannot_be_compared() -> None:
    found = judged(polite_was_scored_by_another_judge())
    assert found.verdict == "not-comparable"
    assert found.metrics["correct"].verdict == "pass"
    assert found.metrics["polite"].verdict == "not-comparable"
    assert found.reasons[0].startswith("polite: polite was scored differently for 1.1.0: its scorer has changed since")


def test_where_a_scorer_differs_the_message_offers_a_command_that_there_is() -> None:
    said = " ".join(judged(polite_was_scored_by_another_judge()).reasons)
    assert "promptreg eval --rescore support/answer@1.1.0 scores it again" in said


def test_where_the_only_scorer_differs_there_is_evidence_that_cannot_be_compared() -> None:
    old = result(OLD, PASSING[0], {"correct": replace(PASS_FAIL, digest=OTHER_SCORER)})
    found = judged(evidence(old, PASSING[1]))
    assert found.verdict == "not-comparable"
    assert "its scorer has changed since" in found.reasons[0]


LOST = range(40)


def test_failures_of_a_scorer_that_the_suite_no_longer_has_do_not_count() -> None:
    two = {"correct": PASS_FAIL, "gone": PASS_FAIL}
    broken = result(NEW, {"correct": PASSING[1], "gone": PASSING[1]}, two, failed={at: ["gone"] for at in LOST})
    found = judged(evidence(PASSING[0], broken))
    assert (found.verdict, found.errors) == ("pass", 0)


def test_failures_of_another_scorer_are_not_held_against_the_one_that_the_suite_declares() -> None:
    other = {"correct": replace(PASS_FAIL, digest=OTHER_SCORER)}
    broken = result(NEW, PASSING[1], other, failed={index: ["correct"] for index in range(40)})
    found = judged(evidence(PASSING[0], [result(NEW, PASSING[1]), broken]))
    assert (found.verdict, found.reasons) == ("pass", ())


# Section 4: can they be compared?


@pytest.mark.parametrize("side", [OLD, NEW])
@pytest.mark.parametrize("mode", MODES)
def test_a_result_whose_digest_is_not_its_versions_makes_the_two_not_comparable(side: str, mode: str) -> None:
    wrong = result(side, PASSING[0], digest="sha256:" + "9" * 64)
    sides = {version: [result(version, PASSING[0])] for version in (OLD, NEW)}
    sides[side].append(wrong)
    found = judged(evidence(sides[OLD], sides[NEW]), mode=mode)
    assert found.verdict == "not-comparable"
    reason = f"{wrong.file_name()} is a result of another text than {side} (promptreg check --fix sets it aside)"
    assert found.reasons == (reason,)
    assert found.exit_status == (0 if mode == "lenient" else 4)


def test_a_file_that_is_no_result_makes_the_two_not_comparable_and_is_named() -> None:
    problem = "prompts/a/evals/results/1.2.0/x.json: the totals do not add up to the cases."
    candidate = Side(NEW, DIGESTS[NEW], (result(NEW, PASSING[1]),), (problem,))
    found = judged(evidence(PASSING[0], candidate))
    assert (found.verdict, found.reasons) == ("not-comparable", (problem,))


@pytest.mark.parametrize("side", [OLD, NEW])
def test_scores_outside_of_the_range_that_the_suite_declares_are_not_comparable(side: str) -> None:
    wide = {"grade": replace(GRADE, high=10)}
    sides: dict[str, Any] = {OLD: [0.5] * 30, NEW: [0.5] * 30}
    sides[side] = result(side, [5.0] * 30, wide)
    assert judged(evidence(sides[OLD], sides[NEW], GRADED)).verdict == "not-comparable"


def test_a_pass_fail_metric_that_the_result_calls_a_score_is_not_comparable() -> None:
    half = result(NEW, [1.0] * 29 + [0.5], {"correct": replace(PASS_FAIL, kind="score")})
    found = judged(evidence([1.0] * 30, half))
    assert (found.verdict, found.reasons) == (
        "not-comparable",
        ("correct: 1.2.0 has a score of 0.5, which should be 0 or 1",),
    )


@pytest.mark.parametrize(
    ("cases", "absent", "comparable"),
    [
        (2, 1, True),
        (49, 1, True),
        (49, 2, False),
        (50, 1, True),
        (50, 2, False),
        (99, 1, True),
        (99, 2, False),
        (100, 2, True),
        (100, 3, False),
        (150, 3, True),
        (150, 4, False),
    ],
)
def test_the_candidate_must_have_scored_98_percent_and_all_but_one_under_50(
    cases: int, absent: int, comparable: bool
) -> None:
    found = judged(evidence([1.0] * cases, [1.0] * (cases - absent), count=cases), mode="lenient")
    metric = found.metrics["correct"]
    assert (metric.verdict != "not-comparable") is comparable
    assert found.missing == absent
    if not comparable:
        assert metric.reasons == (f"1.2.0 has scores for {cases - absent} of {cases} cases",)


def test_the_candidate_must_have_scored_every_critical_case() -> None:
    for critical, reason in (
        ({99}, "1.2.0 has no score for the critical case c0099"),
        ({98, 99, 1}, "1.2.0 has no score for the critical cases c0098, c0099"),
    ):
        found = judged(evidence([1.0] * 100, [1.0] * 98, critical=critical))
        assert (found.verdict, found.reasons) == ("not-comparable", (f"correct: {reason}",))


def test_cases_without_a_score_are_listed_where_they_are_allowed_too() -> None:
    found = judged(evidence([1.0] * 100, [1.0] * 98, count=100))
    assert (found.verdict, found.missing) == ("pass", 2)
    assert found.notes == ("1.2.0 has no score for c0098, c0099",)


def test_a_p_that_is_told_alone_has_its_effect_and_its_cases_beside_it() -> None:
    assert compared((90, 5, 0, 5)).reasons == ("correct: p ≤ 0.05 (0.95 → 0.9, 100 cases)",)


def test_a_case_that_the_baseline_has_not_scored_is_not_gated_and_listed() -> None:
    found = judged(evidence([1.0] * 30, [1.0] * 30 + [0.0] * 2, critical={30, 31}))
    assert (found.verdict, found.cases, found.metrics["correct"].n) == ("pass", 30, 30)
    assert len(found.notes) == 1
    assert "c0030" in found.notes[0]
    assert "c0031" in found.notes[0]


def test_a_case_with_other_inputs_than_the_baseline_scored_is_another_case() -> None:
    changed = result(OLD, [1.0] * 30, columns={"case": ["f" * 16] * 2 + [None] * 28})
    found = judged(evidence(changed, [0.0] * 2 + [1.0] * 28))
    assert (found.verdict, found.cases, found.metrics["correct"].n) == ("pass", 28, 28)


def test_cases_that_the_suite_no_longer_has_are_ignored() -> None:
    found = judged(evidence([1.0] * 100, [1.0] * 50 + [0.0] * 50, count=50, critical={70}))
    assert (found.verdict, found.metrics["correct"].n) == ("pass", 50)


@pytest.mark.parametrize(
    ("dropped", "verdict", "statuses"),
    [(1, "uncertain", (0, 0, 4)), (20, "uncertain", (0, 0, 4)), (21, "not-comparable", (0, 4, 4))],
)
def test_cases_that_this_change_removes_or_rewrites_are_dropped_and_listed(
    dropped: int, verdict: str, statuses: Statuses
) -> None:
    ids = frozenset(map(case_id, range(dropped)))
    after = result(NEW, [0.0] * 100, columns={"case": ["f" * 16] * dropped + [None] * (100 - dropped)})
    after = result(NEW, [0.0] * dropped + [1.0] * (100 - dropped), columns={"case": [c.case for c in after.cases]})
    for mode, status in zip(MODES, statuses, strict=True):
        found = judged(evidence([1.0] * 100, after, dropped=ids, critical={0}), mode=mode)
        assert (found.verdict, found.exit_status) == (verdict, status)
        assert "c0000" in found.reasons[0]
        if verdict == "uncertain":
            assert (found.cases, found.metrics["correct"].verdict) == (100 - dropped, "pass")
    assert found.reasons[0].startswith("this change removes or rewrites ")


def test_dropped_cases_do_not_hide_a_regression_in_the_rest() -> None:
    before, after = outcomes(85, 8, 2, 5)
    found = judged(evidence(before, after, dropped=frozenset({case_id(0)})))
    assert (found.verdict, found.cases) == ("regressed", 99)


def test_a_dropped_case_that_the_baseline_never_scored_counts_for_nothing() -> None:
    found = judged(evidence([1.0] * 100, [1.0] * 130, dropped=frozenset(map(case_id, range(100, 130)))))
    assert found.verdict == "pass"


@pytest.mark.parametrize("side", [OLD, NEW])
@pytest.mark.parametrize(
    ("cases", "repeats", "failures", "comparable"),
    [
        (49, 1, 1, True),
        (49, 1, 2, False),
        (24, 2, 2, False),
        (50, 2, 2, True),
        (50, 2, 3, False),
        (100, 2, 4, True),
        (100, 2, 5, False),
    ],
)
def test_provider_errors_of_over_2_percent_or_two_under_50_are_not_comparable(
    side: str, cases: int, repeats: int, failures: int, comparable: bool
) -> None:
    sides: dict[str, Any] = {version: [[1] * repeats] * cases for version in (OLD, NEW)}
    sides[side] = result(side, sides[side], failed={index: ["provider"] for index in range(failures)})
    found = judged(evidence(sides[OLD], sides[NEW]))
    reason = f"{failures} of {cases * repeats} calls failed for {side} (promptreg eval "
    assert (found.verdict == "not-comparable") is not comparable
    assert any(each.startswith(reason) for each in found.reasons) is not comparable
    assert found.errors == failures


@pytest.mark.parametrize("side", [OLD, NEW])
def test_judge_errors_have_a_limit_of_their_own(side: str) -> None:
    def scores(judge_errors: int) -> Any:
        failed = {index: ["provider"] for index in range(4)}
        failed |= {index: ["correct"] for index in range(4, 4 + judge_errors)}
        return result(side, [[1, 1]] * 100, failed=failed)

    both: list[Any] = [[1, 1]] * 100
    for count, reason in ((4, None), (5, f"5 of 200 judgements of correct failed for {side} (promptreg eval ")):
        failing = scores(count)
        found = judged(evidence(failing, both) if side == OLD else evidence(both, failing))
        assert [each.startswith(reason or "") for each in found.reasons] == [True] * bool(reason)
        assert found.verdict == ("not-comparable" if reason else "pass")


@pytest.mark.parametrize(
    ("cases", "repeats", "failures", "share", "more"),
    [
        (30, 2, 30, 0.02, 48),
        (49, 1, 2, 0.02, 2),
        (24, 2, 2, 0.02, 3),
        (50, 2, 3, 0.02, 1),
        (100, 2, 5, 0.02, 1),
        (10, 1, 2, 0.5, 4),
        (100, 1, 7, 0.02, 3),
        (100, 1, 50, 0.001, 499),
    ],
)
def test_the_repeats_that_failures_ask_for_are_the_least_that_do(
    cases: int, repeats: int, failures: int, share: float, more: int
) -> None:
    """However few they are, so many runs in which nothing fails make the two comparable, and one less does not."""
    half = min(failures, cases)
    bad = result(NEW, [[1] * repeats] * cases, failed={index: ["provider"] for index in range(half)})
    first = judged(evidence([1.0] * cases, bad), max_errors=share)
    assert f"support/answer@1.2.0 --repeat {more} --allow-code makes up for them" in first.reasons[0]
    for wanted, verdict in ((more, True), (more - 1, False)):
        good = result(NEW, [[1] * wanted] * cases) if wanted else None
        found = judged(evidence([1.0] * cases, [bad, *filter(None, [good])]), max_errors=share)
        assert (found.verdict != "not-comparable") is verdict


@pytest.mark.parametrize("share", [0.0, 0.000001])
def test_where_no_run_makes_up_for_failures_that_is_said(share: float) -> None:
    bad = result(NEW, [1] * 100, failed={0: ["provider"]})
    (reason,) = judged(evidence([1.0] * 100, bad), max_errors=share).reasons
    assert reason == (
        "1 of 100 calls failed for 1.2.0 (no single run makes up for them: max_errors in [gate] allows too few)"
    )


def test_failures_of_answers_from_a_cache_and_of_metrics_that_do_not_block_do_not_count() -> None:
    cached = result(
        NEW,
        [[1, 1]] * 100,
        failed={index: ["provider"] for index in range(50)},
        columns={"cached": [[True, False]] * 100},
    )
    assert judged(evidence([[1, 1]] * 100, cached)).verdict == "pass"
    metrics = {"correct": PASS_FAIL, "polite": PASS_FAIL}
    scores: dict[str, Any] = {"correct": [[1, 1]] * 100, "polite": [[1, 1]] * 100}
    after = result(NEW, scores, metrics, failed={index: ["polite"] for index in range(50)})
    found = judged(evidence(scores, after, metrics, policies={"polite": MetricPolicy(block=False)}))
    assert found.verdict == "pass"


@pytest.mark.parametrize("mode", MODES)
def test_other_models_are_noted_and_not_comparable_where_the_mode_is_strict(mode: str) -> None:
    found = judged(evidence(PASSING[0], result(NEW, PASSING[1], models=["model-2", "model-1"])), mode=mode)
    said = "the models that answered differ: model-1 and model-1, model-2"
    if mode == "strict":
        assert (found.verdict, found.reasons, found.exit_status) == ("not-comparable", (said,), 4)
    else:
        assert (found.verdict, found.notes, found.exit_status) == ("pass", (said,), 0)


def test_the_models_of_all_pooled_runs_count_in_any_order() -> None:
    old = result(OLD, PASSING[0], models=["model-2", "model-1"])
    new = [result(NEW, PASSING[1], models=[model]) for model in ("model-1", "model-2")]
    assert judged(evidence(old, new), mode="strict").verdict == "pass"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("provider", ["nearest-example", "echo", "replay", "replay:answers.jsonl"])
def test_a_provider_that_is_no_model_is_said_and_not_comparable_where_the_mode_is_strict(
    mode: str, provider: str
) -> None:
    setup = setup_of(provider=provider)
    sides = [result(version, PASSING[0], setup=setup) for version in (OLD, NEW)]
    found = judged(evidence(*sides, setup=setup), mode=mode)
    assert found.not_a_model == provider.partition(":")[0]
    if mode == "strict":
        reasons = (f"{provider} is no language model, and the mode is strict",)
        assert (found.verdict, found.reasons, found.exit_status) == ("not-comparable", reasons, 4)
    else:
        assert (found.verdict, found.exit_status) == ("pass", 0)


def test_a_first_promotion_on_a_provider_that_is_no_model_is_not_comparable_where_the_mode_is_strict() -> None:
    setup = setup_of(provider="nearest-example")
    suite = evidence(None, result(NEW, PASSING[0], setup=setup), setup=setup)
    for mode, verdict, status in (("lenient", "pass", 0), ("standard", "pass", 0), ("strict", "not-comparable", 4)):
        found = judged(suite, mode=mode)
        assert (found.verdict, found.exit_status, found.not_a_model) == (verdict, status, "nearest-example")


def test_a_model_is_not_said_to_be_none() -> None:
    assert judged(passing(), mode="strict").not_a_model is None


@pytest.mark.parametrize(
    ("started", "noted", "strict"),
    [
        ("2026-10-21T10:00:00+00:00", False, "pass"),  # 30 days before the candidate's
        ("2026-10-21T09:59:00+00:00", True, "pass"),
        ("2026-08-22T10:00:00+00:00", True, "pass"),  # 90 days
        ("2026-08-22T09:59:00+00:00", True, "not-comparable"),
        ("2026-10-21T19:00:00+09:00", False, "pass"),  # the same moment as the first
        ("2027-06-01T00:00:00+00:00", False, "pass"),
    ],
)
def test_a_baseline_older_by_30_days_is_noted_and_by_90_not_comparable_where_the_mode_is_strict(
    started: str, noted: bool, strict: str
) -> None:
    old = result(OLD, PASSING[0], started_at=started)
    for mode in ("lenient", "standard"):
        found = judged(evidence(old, PASSING[1]), mode=mode)
        assert found.verdict == "pass"
        assert any("days older; models may have changed" in note for note in found.notes) is noted
    found = judged(evidence(old, PASSING[1]), mode="strict")
    assert found.verdict == strict
    if strict == "not-comparable":
        assert found.reasons == ("the last run of 1.1.0 is 90 days older",)


def test_the_last_of_several_runs_says_how_old_a_side_is() -> None:
    old = [
        result(OLD, PASSING[0], started_at=day) for day in ("2026-01-01T00:00:00+00:00", "2026-11-19T00:00:00+00:00")
    ]
    assert judged(evidence(old, PASSING[1]), mode="strict").notes == ()


# Several metrics and suites


def named(name: str, suite: SuiteEvidence) -> SuiteEvidence:
    return replace(suite, suite=name)


BY_VERDICT = {
    "regressed": regressed,
    "not-comparable": not_comparable,
    "missing": missing,
    "uncertain": uncertain,
    "pass": passing,
}


@pytest.mark.parametrize("one", BY_VERDICT)
@pytest.mark.parametrize("other", BY_VERDICT)
def test_the_worst_of_two_suites_is_the_verdict(one: str, other: str) -> None:
    found = judged(BY_VERDICT[one](), named("tone", BY_VERDICT[other]()), alpha=0.1)
    assert found.verdict == min(one, other, key=VERDICTS.index)
    assert found.cases >= 100


def test_metrics_of_further_suites_carry_the_suites_name() -> None:
    found = judged(passing(), named("tone", regressed()))
    assert list(found.metrics) == ["correct", "tone.correct"]
    assert found.reasons == ("tone.correct: drop over 5 points, 6 net",)


def test_two_suites_whose_metrics_come_to_one_name_are_both_judged() -> None:
    dotted = evidence(*outcomes(85, 8, 2, 5), {"tone.correct": PASS_FAIL})
    assert judged(dotted, named("tone", evidence(*outcomes(100)))).verdict == "regressed"


def test_holms_correction_runs_over_the_metrics_of_all_suites() -> None:
    suite = evidence(*outcomes(85, 8, 2, 5))
    p = judged(suite).metrics["correct"].p
    assert p == pytest.approx(0.03271484375, abs=1e-12)
    found = judged(suite, named("tone", evidence(*outcomes(100))), named("safety", evidence(*outcomes(290, 4, 3, 3))))
    assert [metric.p_holm for metric in found.metrics.values()] == pytest.approx([3 * p, 1, 0.7265625], abs=1e-12)
    assert found.metrics["correct"].reasons == ("drop over 5 points, 6 net",)


@pytest.mark.parametrize("why", ["does not block", "has 4 pairs", "cannot be compared"])
def test_a_metric_that_cannot_block_or_has_no_p_takes_no_part_in_holms_correction(why: str) -> None:
    second = {
        "does not block": evidence(*outcomes(100), policies=drop(block=False)),
        "has 4 pairs": evidence(*outcomes(4)),
        "cannot be compared": not_comparable(),
    }[why]
    found = judged(regressed(), named("tone", second))
    assert found.metrics["correct"].p_holm == found.metrics["correct"].p
    assert found.metrics["tone.correct"].p_holm is None


@pytest.mark.parametrize("mode", MODES)
def test_a_metric_that_does_not_block_is_judged_and_does_not_count(mode: str) -> None:
    for suite in (regressed(), uncertain(), not_comparable()):
        verdict = judged(suite).verdict
        cases = {id_: replace(case, critical=id_ == "c0085") for id_, case in suite.cases.items()}
        found = judged(replace(suite, cases=cases, policies=drop(block=False, min=0.99)), mode=mode)
        assert (found.verdict, found.blocks) == ("pass", False), verdict
        assert found.metrics["correct"].verdict != "pass"
        assert not found.metrics["correct"].blocking


# Nothing hangs on order, and nothing on a hostile file


def in_two_orders(seed: int) -> tuple[SuiteEvidence, SuiteEvidence]:
    """The same evidence twice, its results, their cases and the suite's cases in another order."""
    random = Random(seed)
    metrics = {"grade": GRADE, "polite": replace(GRADE, digest=OTHER_SCORER)}
    count = random.randint(5, 12)

    def run(version: str, day: int) -> Result:
        scores = {name: [random.choice((0, 0.1, 0.3, 0.7, 1)) for _ in range(count)] for name in metrics}
        return result(version, scores, metrics, started_at=f"2026-11-{day:02}", models=[f"model-{day % 2}"])

    def shuffled(items: Iterable[Any]) -> list[Any]:
        return random.sample(found := list(items), len(found))

    def reordered(runs: list[Result]) -> list[Result]:
        return [run.model_copy(update={"cases": shuffled(run.cases)}) for run in shuffled(runs)]

    old, new = ([run(version, day) for day in range(1, 4)] for version in (OLD, NEW))
    clusters = {0: "a", 1: "a", 2: "b"} if random.random() < 0.5 else {}
    one = evidence(old, new, metrics, clusters=clusters, critical={1})
    other = evidence(reordered(old), reordered(new), metrics, clusters=clusters, critical={1})
    return one, replace(other, cases=dict(shuffled(other.cases.items())))


@given(st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_the_order_of_results_and_cases_does_not_matter(seed: int) -> None:
    one, other = map(judged, in_two_orders(seed))
    assert one == other


def test_a_result_that_names_a_repeat_far_beyond_its_own_takes_no_time() -> None:
    forged = result(NEW, PASSING[1])
    failure = Failure(repeat=300_000, source="provider", reason="")
    cases = [forged.cases[0].model_copy(update={"errors": [failure]}), *forged.cases[1:]]
    pooled = judged(evidence(PASSING[0], forged.model_copy(update={"cases": cases})))
    assert pooled.candidate.repeats == 1


@pytest.mark.parametrize("huge", [1e300, 1e-300])
def test_measurements_of_an_absurd_size_do_not_end_the_gate_with_a_crash(huge: float) -> None:
    old = result(OLD, [1.0] * 30, columns={"latency_ms": [[1.0]] * 30})
    new = result(NEW, [1.0] * 30, columns={"latency_ms": [[huge], *[[1.0]] * 29]})
    found = judged(evidence(old, new, policies={"latency": MetricPolicy(max_rise=0.2)}))
    assert found.metrics["correct"].verdict == "pass"
    two = judged(evidence(old, new, count=2))
    assert two.metrics["correct"].n == 2
    for bound in (two.metrics["latency"].lower, two.metrics["latency"].upper):
        assert bound is None or math.isfinite(bound)


def test_the_digest_of_the_scorer_is_what_a_metric_is_compared_by() -> None:
    renamed = result(OLD, {"correct": PASSING[0]}, {"correct": replace(PASS_FAIL, digest=OTHER_SCORER)})
    found = judged(evidence([renamed, result(OLD, PASSING[0])], PASSING[1]))
    assert found.verdict == "pass"
    assert found.metrics["correct"].n == 100


def test_cases_that_were_asked_more_often_than_others_are_told() -> None:
    again = result(NEW, [[1.0] * 3] * 2, ids=[case_id(0), case_id(1)])
    verdict = judged(evidence([1.0] * 30, [result(NEW, [1.0] * 30), again]))
    assert f"of {NEW} a case has from 1 to 4 runs" in verdict.notes


def test_a_judge_that_is_no_model_is_told_and_refused_where_the_mode_is_strict() -> None:
    metrics = {"polite": replace(PASS_FAIL, no_model="echo")}
    reason = "polite is judged by echo, which is no language model"
    verdict = judged(evidence([1.0] * 30, [1.0] * 30, metrics))
    assert (verdict.verdict, verdict.notes) == ("pass", (reason,))
    verdict = judged(evidence([1.0] * 30, [1.0] * 30, metrics), mode="strict")
    assert (verdict.verdict, verdict.reasons) == ("not-comparable", (f"{reason}, and the mode is strict",))
