"""The gate's answer as data: the shape of `compare --json`, and what blocks."""

from __future__ import annotations

import json

import pytest

from promptreg.evals.suite import MetricPolicy
from promptreg.evals.verdict import VERDICTS, MetricVerdict, SideFacts, Verdict
from tests.support.evals import DIGESTS, NEW, OLD, PASS_FAIL, evidence, judged, outcomes, result

SIDE = SideFacts(NEW, DIGESTS[NEW], 1, 1)


def test_compare_has_the_keys_of_the_contract() -> None:
    sides = [
        result(version, scores, columns={"latency_ms": [[100.0 + index] for index in range(100)]})
        for version, scores in zip((OLD, NEW), outcomes(85, 8, 2, 5), strict=True)
    ]
    data = judged(evidence(*sides)).data()
    assert list(data) == [
        "verdict", "mode", "blocks", "reasons", "notes", "baseline", "candidate", "metrics", "detectable",
    ]  # fmt: skip
    assert data["verdict"] == "regressed"
    assert data["mode"] == "standard"
    assert data["blocks"] is True
    assert data["baseline"] == {"version": "1.1.0", "digest": "sha256:" + "1" * 64, "runs": 1}
    assert data["candidate"] == {"version": "1.2.0", "digest": "sha256:" + "2" * 64, "runs": 1}
    assert list(data["metrics"]) == ["correct", "latency"]
    assert data["metrics"]["correct"] == {
        "kind": "pass-fail",
        "n": 100,
        "units": 100,
        "blocking": True,
        "baseline": 0.93,
        "candidate": 0.87,
        "change": -0.06,
        "lower": pytest.approx(-0.1194, abs=5e-5),
        "upper": pytest.approx(-0.0056, abs=5e-5),
        "p": 0.032714843750,
        "p_holm": 0.032714843750,
        "lost": [f"c{index:04}" for index in range(85, 93)],
        "won": ["c0093", "c0094"],
        "detectable": pytest.approx(0.0778, abs=5e-5),
        "verdict": "regressed",
        "reasons": ["p ≤ 0.05", "drop over 5 points, 6 net"],
    }
    assert data["detectable"] == data["metrics"]["correct"]["detectable"]
    assert data["metrics"]["latency"] == data["metrics"]["latency"] | {
        "kind": "ratio", "change": 1.0, "lost": [], "won": [], "verdict": "pass", "blocking": False,
    }  # fmt: skip


def test_figures_are_rounded_to_twelve_digits_and_zero_has_no_sign() -> None:
    metric = MetricVerdict("score", 3, "pass", baseline=0.1 + 0.2, candidate=1 / 3, change=-0.0, lower=-1e-15)
    data = Verdict("pass", "standard", SIDE, metrics={"grade": metric}).data()["metrics"]["grade"]
    assert json.dumps([data[key] for key in ("baseline", "candidate", "change", "lower", "p")]) == (
        "[0.3, 0.333333333333, 0.0, 0.0, null]"
    )


def test_a_first_promotion_and_a_prompt_without_cases_have_the_same_shape() -> None:
    first = judged(evidence(None, [1.0] * 30)).data()
    assert (first["baseline"], first["detectable"]) == (None, None)
    assert first["metrics"]["correct"]["candidate"] == 1.0
    assert first["metrics"]["correct"]["change"] is None
    untested = judged().data()
    assert (untested["verdict"], untested["metrics"], untested["detectable"]) == ("ungated", {}, None)
    assert untested["baseline"] == {"version": "1.1.0", "digest": "sha256:" + "1" * 64, "runs": 0}
    assert list(first) == list(untested)


def test_runs_and_repeats_of_all_suites_are_told() -> None:
    twice = [result(OLD, [[1, 1]] * 30, seed=seed) for seed in (1, 2)]
    found = judged(evidence(twice, [1.0] * 30))
    assert (found.data()["baseline"]["runs"], found.data()["candidate"]["runs"]) == (2, 1)
    assert found.baseline is not None
    assert (found.baseline.repeats, found.candidate.repeats) == (4, 1)


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("hard", [False, True])
def test_the_exit_status_is_1_for_a_regression_and_4_where_the_gate_cannot_tell(verdict: str, hard: bool) -> None:
    blocked = {
        "lenient": {"regressed"} if hard else set(),
        "standard": {"regressed", "not-comparable", "missing"},
        "strict": set(VERDICTS) - {"pass"},
    }
    for mode, stopped in blocked.items():
        found = Verdict(verdict, mode, SIDE, hard=hard and verdict == "regressed")
        assert found.blocks is (verdict in stopped)
        assert found.exit_status == (0 if verdict not in stopped else 1 if verdict == "regressed" else 4)


@pytest.mark.parametrize("mode", ["lenient", "standard", "strict"])
@pytest.mark.parametrize("verdict", VERDICTS)
def test_what_is_hard_blocks_in_every_mode(verdict: str, mode: str) -> None:
    assert Verdict(verdict, mode, SIDE, hard=True).blocks


def test_the_summary_speaks_of_the_worst_metric_that_can_block() -> None:
    metrics = {name: PASS_FAIL for name in ("a", "b", "c", "d")}  # noqa: C420  # all are measured alike
    good, bad = outcomes(85, 8, 2, 5)
    before = dict.fromkeys(metrics, good)
    after = {"a": good, "b": bad, "c": good, "d": [0.0] * 100}
    policies = {"d": MetricPolicy(block=False)}
    found = judged(evidence(before, after, metrics, policies=policies))
    assert found.metrics["d"].verdict == "regressed"
    assert found.main is found.metrics["b"]
    assert found.detectable == found.metrics["b"].detectable
