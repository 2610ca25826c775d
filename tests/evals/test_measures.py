"""Figures per metric: docs/gate.md 5, against scipy."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from promptreg.evals.evidence import Metric
from promptreg.evals.statistics import detectable_mean, detectable_share, mid_p, newcombe
from promptreg.evals.suite import MetricPolicy
from promptreg.evals.verdict import MetricVerdict, Verdict
from tests.support.evals import CORRECT, GRADE, GRADED, NEW, OLD, PASS_FAIL, drop, evidence, judged, outcomes, result

EXACT = 1e-9
GRADES = (
    [0.82, 0.91, 0.76, 0.88, 0.95, 0.70, 0.84, 0.90, 0.79, 0.86],
    [0.80, 0.85, 0.77, 0.81, 0.93, 0.60, 0.85, 0.84, 0.75, 0.80],
)


def metric_of(before: Any, after: Any, metrics: dict[str, Metric] = CORRECT, **changes: Any) -> MetricVerdict:
    return judged(evidence(before, after, metrics, **changes)).metrics[next(iter(metrics))]


def reference_t(differences: list[float]) -> tuple[float, float, float]:
    """p of "the mean is below 0", and the two one-sided 95 % bounds."""
    mean, error, degrees = math.fsum(differences) / len(differences), stats.sem(differences), len(differences) - 1
    half = float(stats.t.ppf(0.95, degrees) * error)
    return float(stats.t.cdf(mean / error, degrees)), mean - half, mean + half


def test_a_pass_fail_metric_has_mid_p_newcombes_bounds_and_the_ids_of_lost_and_won_cases() -> None:
    found = metric_of(*outcomes(85, 8, 2, 5))
    assert (found.kind, found.n, found.units) == ("pass-fail", 100, 100)
    assert (found.baseline, found.candidate) == (0.93, 0.87)
    assert found.change == pytest.approx(-0.06, abs=EXACT)
    assert found.p == mid_p(8, 2)
    assert (found.lower, found.upper) == newcombe(85, 8, 2, 5)
    assert found.lost == tuple(f"c{index:04}" for index in range(85, 93))
    assert found.won == ("c0093", "c0094")
    assert found.detectable == detectable_share(0.1, 100)


def test_a_score_has_the_paired_t_and_no_lost_or_won_cases() -> None:
    found = metric_of(*GRADES, GRADED)
    p, lower, upper = reference_t([new - old for old, new in zip(*GRADES, strict=True)])
    assert (found.kind, found.n, found.lost, found.won) == ("score", 10, (), ())
    assert found.change == pytest.approx(-0.041, abs=EXACT)
    assert (found.p, found.lower, found.upper) == pytest.approx((p, lower, upper), abs=EXACT)
    assert found.p == pytest.approx(0.002749, abs=5e-7)


def test_repeats_are_averaged_within_the_case_and_are_no_cases() -> None:
    thrice = [[[score] * 3 for score in side] for side in GRADES]
    found = metric_of(*thrice, GRADED)
    once = metric_of(*GRADES, GRADED)
    assert (found.n, found.units) == (10, 10)
    assert (found.p, found.lower, found.upper) == pytest.approx((once.p, once.lower, once.upper), abs=EXACT)


def test_pass_fail_cases_whose_repeats_agree_keep_mid_p_however_many_repeats() -> None:
    before, after = outcomes(85, 8, 2, 5)
    found = metric_of([[score] * 3 for score in before], [[score] * 2 for score in after])
    assert found.p == mid_p(8, 2)
    assert (found.lower, found.upper) == newcombe(85, 8, 2, 5)


def test_one_case_whose_repeats_disagree_moves_a_pass_fail_metric_to_the_paired_t() -> None:
    before, after = outcomes(15, 5, 2, 8)
    mixed: list[Any] = [[1, 1, 0], *after[1:]]
    found = metric_of(before, mixed)
    differences = [2 / 3 - 1, *(new - old for old, new in zip(before[1:], after[1:], strict=True))]
    assert (found.p, found.lower, found.upper) == pytest.approx(reference_t(differences), abs=EXACT)
    assert found.lost == tuple(f"c{index:04}" for index in range(15, 20))


def test_lost_and_won_are_crossings_of_a_half() -> None:
    before: list[Any] = [[1, 1, 0], [1, 0], [1, 0], [0, 0, 1], 1]
    after: list[Any] = [[1, 0, 0], 0, [1, 1, 0], [1, 1, 0], [1, 0]]
    found = metric_of(before, after)
    assert (found.lost, found.won) == (("c0000", "c0004"), ("c0002", "c0003"))


def test_null_is_no_evidence_neither_a_pass_nor_a_zero() -> None:
    before: list[Any] = [1.0] * 60
    after = result(NEW, [[1, 1]] * 60, failed={0: ["provider"], 1: ["correct"]})
    found = metric_of(before, after)
    assert (found.n, found.candidate, found.change) == (60, 1.0, 0.0)
    before[5] = None
    found = metric_of(result(OLD, before, failed={5: ["provider"]}), [0.0] * 6 + [1.0] * 54)
    assert (found.n, found.candidate) == (59, pytest.approx(54 / 59))


# Clusters


def test_with_clusters_their_means_are_the_units_of_the_test() -> None:
    clusters = {0: "a", 1: "a", 2: "a", 3: "b", 4: "b"}  # the others stand for themselves
    found = metric_of(*GRADES, GRADED, clusters=clusters)
    d = [new - old for old, new in zip(*GRADES, strict=True)]
    units = [sum(d[:3]) / 3, sum(d[3:5]) / 2, *d[5:]]
    assert (found.n, found.units) == (10, 7)
    assert found.change == pytest.approx(math.fsum(units) / 7, abs=EXACT)
    assert (found.p, found.lower, found.upper) == pytest.approx(reference_t(units), abs=EXACT)


def test_a_cluster_and_a_case_of_the_same_name_are_two_units() -> None:
    assert metric_of(*GRADES, GRADED, clusters={0: "c0009", 1: "c0009"}).units == 9


def test_clusters_of_pass_fail_cases_that_agree_count_once() -> None:
    before, after = outcomes(80, 20)
    found = metric_of(before, after, clusters={index: str(index // 10) for index in range(100)})
    assert (found.units, found.p) == (10, mid_p(2, 0))
    assert len(found.lost) == 20


def test_the_change_is_candidate_minus_baseline_with_clusters_of_different_sizes_too() -> None:
    before, after = outcomes(80, 20)
    found = metric_of(before, after, clusters=dict.fromkeys(range(50, 100), "large"))
    assert found.baseline is not None
    assert found.candidate is not None
    assert found.change == pytest.approx(found.candidate - found.baseline, abs=EXACT)


# Few pairs


@pytest.mark.parametrize(("pairs", "has_p"), [(1, False), (2, False), (4, False), (5, True)])
def test_below_five_pairs_no_p_is_computed(pairs: int, has_p: bool) -> None:
    for before, after, metrics in ((*outcomes(0, pairs), CORRECT), (GRADES[0][:pairs], GRADES[1][:pairs], GRADED)):
        found = metric_of(before, after, metrics)
        assert (found.p is not None, found.p_holm is not None) == (has_p, has_p)
        assert found.n == pairs


def test_the_pairs_of_clusters_are_the_clusters() -> None:
    assert metric_of(*GRADES, GRADED, clusters={index: str(index % 4) for index in range(10)}).p is None


# Range and direction


def test_limits_of_a_score_are_shares_of_its_range() -> None:
    tenfold = {"grade": replace(GRADE, low=0, high=10)}
    twenty = [side * 2 for side in GRADES]
    large = [[score * 10 for score in side] for side in twenty]
    small = judged(evidence(*twenty, GRADED, policies={"grade": MetricPolicy(max_drop=0.04)}))
    found = judged(evidence(*large, tenfold, policies={"grade": MetricPolicy(max_drop=0.04)}))
    one, ten = small.metrics["grade"], found.metrics["grade"]
    assert (found.verdict, ten.reasons) == (small.verdict, one.reasons) == ("regressed", ("p ≤ 0.05",))
    assert ten.p == pytest.approx(one.p, abs=EXACT)
    assert ten.change == pytest.approx(-0.41, abs=EXACT)
    over = judged(evidence(*large, tenfold, policies={"grade": MetricPolicy(max_drop=0.005)})).metrics["grade"]
    assert over.reasons == ("p ≤ 0.05",)  # 0.82 net of the range: a drop over the limit, and under 2 net


def test_net_losses_of_a_score_are_counted_in_its_range() -> None:
    tenfold = {"grade": Metric("score", 0, 10, "up", GRADE.digest)}
    before, after = [8.0] * 40, [7.0] * 39 + [9.0]
    found = metric_of(before, after, tenfold)
    assert found.reasons == ("p ≤ 0.05", "drop over 5 points, 3.8 net")


def test_of_a_score_whose_direction_is_down_less_is_better() -> None:
    down = {"grade": replace(GRADE, direction="down")}
    up = metric_of(*GRADES, GRADED)
    worse = metric_of(GRADES[1], GRADES[0], down)  # rises by 0.041
    assert worse.change == pytest.approx(0.041, abs=EXACT)
    assert (worse.lower, worse.upper) == pytest.approx((-(up.upper or 0), -(up.lower or 0)), abs=EXACT)
    assert worse.p == pytest.approx(up.p, abs=EXACT)
    assert worse.verdict == up.verdict == "regressed"
    better = metric_of(*GRADES, down)
    assert better.p == pytest.approx(1 - (up.p or 0), abs=EXACT)
    assert better.verdict == "uncertain"  # fewer than 20 cases, and nothing else
    assert better.reasons == ("only 10 cases; 20 are needed to judge",)


def test_of_a_pass_fail_metric_whose_direction_is_down_a_1_is_the_failure() -> None:
    down = {"correct": replace(PASS_FAIL, direction="down")}
    after, before = outcomes(85, 8, 2, 5)  # 8 cases go from 0 to 1
    worse = metric_of(before, after, down)
    assert worse.change == pytest.approx(0.06, abs=EXACT)
    assert worse.p == mid_p(8, 2)
    lower, upper = newcombe(85, 8, 2, 5)
    assert (worse.lower, worse.upper) == pytest.approx((-upper, -lower), abs=EXACT)
    assert worse.verdict == "regressed"
    assert (len(worse.lost), len(worse.won)) == (8, 2)
    better = metric_of(after, before, down)
    assert better.verdict == "pass"
    assert better.p == mid_p(2, 8)


@pytest.mark.parametrize(("kind", "value"), [("pass-fail", 1.0), ("score", 0.3)])
def test_of_a_metric_whose_direction_is_down_min_is_the_worst_mean_too(kind: str, value: float) -> None:
    down = {"correct": Metric(kind, 0, 1, "down", GRADE.digest)}
    bad, good = [value] * 10 + [0.0] * 20, [0.0] * 30
    for before in (bad, good, None):
        found = judged(evidence(before, bad, down, policies=drop(min=value / 5, max_drop=1.0)), mode="lenient")
        assert (found.verdict, found.blocks) == ("regressed", True)
        assert "is above min" in " ".join(found.reasons)
        found = judged(evidence(before, good, down, policies=drop(min=value / 5, max_drop=1.0)), mode="lenient")
        assert found.verdict == "pass"
        found = judged(evidence(before, bad, down, policies=drop(min=value / 2, max_drop=1.0)), mode="lenient")
        assert not found.blocks


def test_of_a_metric_whose_direction_is_down_a_critical_case_is_lost_upwards() -> None:
    down = {"correct": replace(PASS_FAIL, direction="down")}
    clean, spoiled = [0.0] * 30, [1.0] + [0.0] * 29
    for before, after, blocks in ((clean, spoiled, True), (spoiled, clean, False), (None, spoiled, True)):
        found = judged(evidence(before, after, down, critical={0}), mode="lenient")
        assert found.blocks is blocks
        assert ("critical: c0000" in " ".join(found.reasons)) is blocks


def test_no_difference_has_a_sign() -> None:
    for direction in ("up", "down"):
        for metric in (PASS_FAIL, GRADE):
            found = metric_of([1.0] * 30, [1.0] * 30, {"a": replace(metric, direction=direction)})
            figures = (found.change, found.lower if metric is GRADE else 0.0, found.upper if metric is GRADE else 0.0)
            assert [math.copysign(1, value or 0.0) for value in figures] == [1, 1, 1]


@pytest.mark.parametrize("span", [1e-6, 1e6, 1e200])
def test_the_size_of_a_range_changes_no_verdict(span: float) -> None:
    wide = {"grade": Metric("score", 0, span, "up", GRADE.digest)}
    small = metric_of(*GRADES, GRADED)
    large = metric_of(*([score * span for score in side] for side in GRADES), wide)
    assert (large.verdict, large.reasons) == (small.verdict, small.reasons)
    assert large.p == pytest.approx(small.p, abs=EXACT)
    assert large.lower == pytest.approx((small.lower or 0) * span, rel=EXACT)


# Latency, cost, tokens


def measured(
    before: list[Any], after: list[Any], column: str = "latency_ms", policy: MetricPolicy | None = None
) -> tuple[Verdict, MetricVerdict]:
    sides = [
        result(
            version, [1.0] * len(values), columns={column: [value if value is None else [value] for value in values]}
        )
        for version, values in ((OLD, before), (NEW, after))
    ]
    name = {"latency_ms": "latency", "cost_usd": "cost", "tokens_in": "tokens", "tokens_out": "tokens"}[column]
    verdict = judged(evidence(*sides, policies={name: policy} if policy else {}))
    return verdict, verdict.metrics[name]


STEADY = [1000.0 + 37 * (index % 7) for index in range(30)]


@pytest.mark.parametrize("column", ["latency_ms", "cost_usd", "tokens_in", "tokens_out"])
def test_measurements_are_compared_as_log_ratios_and_told_as_a_ratio_of_geometric_means(column: str) -> None:
    before = [round(value) for value in STEADY]
    after = [round(value * (1.1 + 0.02 * (index % 5))) for index, value in enumerate(before)]
    logs = [math.log(new / old) for old, new in zip(before, after, strict=True)]
    _, lower, upper = reference_t(logs)
    _, found = measured(before, after, column)
    assert (found.kind, found.n) == ("ratio", 30)
    assert found.baseline == pytest.approx(float(stats.gmean(before)), rel=EXACT)
    assert found.candidate == pytest.approx(float(stats.gmean(after)), rel=EXACT)
    assert found.change == pytest.approx(math.exp(math.fsum(logs) / 30), abs=EXACT)
    assert (found.lower, found.upper) == pytest.approx((math.exp(lower), math.exp(upper)), abs=EXACT)
    assert found.p == pytest.approx(reference_t([-log for log in logs])[0], abs=EXACT)


def test_tokens_are_those_of_both_directions_averaged_over_repeats() -> None:
    columns = {"tokens_in": [[100, 200]] * 20, "tokens_out": [[50, None]] * 20}
    sides = [result(version, [[1, 1]] * 20, columns=columns) for version in (OLD, NEW)]
    assert judged(evidence(*sides)).metrics["tokens"].baseline == pytest.approx(175)


def test_log_ratios_leave_out_cases_where_a_side_is_0_or_absent() -> None:
    after = [0, None, *STEADY[2:]]
    before = [*STEADY[:28], 0, None]
    _, found = measured(before, after)
    assert (found.n, found.change) == (26, 1.0)


def test_measurements_that_no_suite_gates_are_told_and_do_not_block() -> None:
    verdict, found = measured(STEADY, [value * 10 for value in STEADY])
    assert (verdict.verdict, found.verdict, found.blocking, found.reasons) == ("pass", "pass", False, ("not gated",))
    assert found.change == pytest.approx(10)


def rising(share: float) -> list[float]:
    """A rise of a share of the geometric mean, with a little spread."""
    return [value * (1 + share) * math.exp(0.01 * (-1) ** index) for index, value in enumerate(STEADY)]


@pytest.mark.parametrize(
    ("after", "verdict", "reason"),
    [
        (rising(-0.3), "pass", "rise within 20 %"),
        (rising(0.16), "pass", "rise within 20 %"),
        (rising(0.2), "pass", "rise within 20 %"),
        (rising(0.2 + 1e-9), "regressed", "rise over 20 %, p ≤ 0.05"),
        ([STEADY[0] * 1e6, *STEADY[1:]], "uncertain", "rise over 20 %, which may be chance"),
        ([*rising(0.16)[:19], *[None] * 11], "uncertain", "only 19 cases have it on both sides"),
        ([*rising(0.16)[:20], *[None] * 10], "pass", "rise within 20 %"),
    ],
)
def test_a_rise_over_max_rise_that_is_no_chance_has_regressed(after: list[Any], verdict: str, reason: str) -> None:
    whole, found = measured(STEADY, after, policy=MetricPolicy(max_rise=0.2))
    assert (found.verdict, found.reasons) == (verdict, (reason,))
    assert whole.verdict == verdict


def test_a_certain_loss_is_not_called_chance_where_the_metric_does_not_block() -> None:
    whole, found = measured(STEADY, rising(9), policy=MetricPolicy(max_rise=0.2, block=False))
    assert whole.verdict == "pass"
    assert "chance" not in " ".join(found.reasons)
    found = metric_of(*outcomes(960, 30, 0, 10), policies=drop(block=False))
    assert found.p == mid_p(30, 0)
    assert "chance" not in " ".join(found.reasons)


def test_a_gated_measurement_that_neither_side_has_is_under_20_cases_and_no_pass() -> None:
    scores = [1.0] * 30
    found = judged(evidence(scores, scores, policies={"latency": MetricPolicy(max_rise=0.2)}))
    assert (found.metrics["latency"].verdict, found.verdict) == ("uncertain", "uncertain")


def test_a_measurement_that_can_block_takes_part_in_holms_correction() -> None:
    before, after = outcomes(85, 8, 2, 5)
    sides = [
        result(OLD, before, columns={"latency_ms": [[100.0]] * 100}),
        result(NEW, after, columns={"latency_ms": [[100.0 + index % 2] for index in range(100)]}),
    ]
    policy = MetricPolicy(max_rise=0.2)
    gated = judged(evidence(*sides, policies={"latency": policy}))
    told = judged(evidence(*sides, policies={"latency": policy.model_copy(update={"block": False})}))
    assert gated.metrics["correct"].p_holm == pytest.approx(mid_p(8, 2))
    assert gated.metrics["latency"].p_holm == pytest.approx(2 * (gated.metrics["latency"].p or 0))
    assert told.metrics["latency"].p_holm is None


# What the suite would notice


def test_what_more_repeats_would_bring_is_said_only_where_repeats_are_stored() -> None:
    assert metric_of(*GRADES, GRADED).detectable_doubled is None
    before = [[score - 0.05, score + 0.05] for score in GRADES[0]]
    after = [[score - 0.05, score + 0.05] for score in GRADES[1]]
    assert metric_of(before, GRADES[1], GRADED).detectable_doubled is None
    found = metric_of(before, after, GRADED)
    assert found.detectable == detectable_mean([new - old for old, new in zip(*GRADES, strict=True)])
    assert found.detectable_doubled is not None
    assert found.detectable is not None
    assert found.detectable_doubled < found.detectable


def test_more_repeats_bring_nothing_where_repeats_never_disagree() -> None:
    before, after = ([[score, score] for score in side] for side in outcomes(85, 8, 2, 5))
    found = metric_of(before, after)
    assert found.detectable_doubled is None or found.detectable_doubled == pytest.approx(found.detectable)
