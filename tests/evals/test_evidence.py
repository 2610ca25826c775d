"""Pooling: the stored runs of one version that count, taken together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from promptreg.evals.evidence import Metric, Pool, Side, metrics_of
from promptreg.evals.results import Result
from promptreg.evals.suite import read_suite
from tests.support.evals import CASE, CORRECT, DIGESTS, GRADE, NEW, PASS_FAIL, result, setup_of
from tests.support.place import Place

OTHER = "sha256:" + "b" * 64


def pool(*runs: Result, metrics: dict[str, Metric] = CORRECT, **setup: Any) -> Pool:
    return Pool(Side(NEW, DIGESTS[NEW], runs), setup_of(metrics, **setup))


def test_all_runs_are_pooled_as_repeats_and_nobody_picks_the_best() -> None:
    found = pool(result(NEW, [1, 0, 1]), result(NEW, [[0, 0], [0, 1], [1, 1]]))
    assert [found.score(f"c000{index}", CASE, "correct") for index in range(3)] == [
        pytest.approx(1 / 3), pytest.approx(1 / 3), 1.0,
    ]  # fmt: skip
    assert (len(found.runs), found.repeats(), found.unused) == (2, 3, 0)


@pytest.mark.parametrize(
    "setup",
    [
        {"provider": "echo"},
        {"provider": None},
        {"model": "model-2"},
        {"parameters": {"temperature": 0.5}},
        {"parameters": {"stop": None}},
    ],
)
def test_runs_of_another_provider_model_or_parameters_are_not_used(setup: dict[str, Any]) -> None:
    found = pool(result(NEW, [1, 1]), result(NEW, [0, 0], setup=setup_of(**setup)))
    assert (len(found.runs), found.unused, found.score("c0000", CASE, "correct")) == (1, 1, 1.0)


def test_the_order_of_parameters_is_no_other_setup() -> None:
    run = result(NEW, [1], setup=setup_of(parameters={"top_p": 1, "seed": {"b": 1, "a": 2}}))
    assert len(pool(run, parameters={"seed": {"a": 2, "b": 1}, "top_p": 1}).runs) == 1


def test_a_metric_takes_part_where_its_scorer_is_the_declared_one() -> None:
    both = {"correct": PASS_FAIL, "grade": GRADE}
    old = result(NEW, {"correct": [0, 0], "grade": [0.4, 0.4]}, {**both, "correct": replace(PASS_FAIL, digest=OTHER)})
    new = result(NEW, {"correct": [1, 1], "grade": [0.8, 0.8]}, both)
    found = pool(old, new, metrics=both)
    assert found.score("c0000", CASE, "correct") == 1.0
    assert found.score("c0000", CASE, "grade") == pytest.approx(0.6)
    assert found.metrics == {"correct", "grade"}
    assert pool(old, metrics=both).metrics == {"grade"}
    assert pool(old, metrics=both).named == {"correct", "grade"}


def test_a_case_with_another_digest_is_another_case() -> None:
    edited = result(NEW, [0, 0], columns={"case": ["f" * 16, None]})
    found = pool(result(NEW, [1, 1]), edited)
    assert found.score("c0000", CASE, "correct") == 1.0
    assert found.score("c0000", "f" * 16, "correct") == 0.0
    assert found.score("c0001", CASE, "correct") == 0.5
    assert found.score("c0002", CASE, "correct") is None


def test_null_is_left_out_of_the_mean_and_counted_as_a_failure() -> None:
    found = pool(result(NEW, [[1, 1], [1, 1]], failed={0: ["provider"], 1: ["correct"]}))
    assert found.score("c0000", CASE, "correct") == 1.0
    assert [case.failures for case in found.cases.values()] == [{"provider": 1}, {"correct": 1}]
    assert [case.attempts for case in found.cases.values()] == [2, 2]


def test_a_case_that_failed_in_all_repeats_has_no_score() -> None:
    found = pool(result(NEW, [1, 1], failed={0: ["provider"]}))
    assert found.score("c0000", CASE, "correct") is None


def test_answers_from_a_cache_are_never_a_new_repeat() -> None:
    run = result(
        NEW,
        [[0, 1], [0, 0]],
        columns={
            "cached": [[True, False], [True, True]],
            "latency_ms": [[1, 900], [1, 1]],
            "cost_usd": [[9, 0.5], [9, 9]],
            "tokens_in": [[9, 3], [9, 9]],
            "tokens_out": [[9, 4], [9, 9]],
        },
    )
    found = pool(run)
    case = found.cases["c0000", CASE]
    assert (case.attempts, case.scores, case.latency) == (1, {"correct": [1]}, [900])
    assert (case.measured("cost"), case.measured("tokens")) == (0.5, 7)
    assert found.score("c0001", CASE, "correct") is None
    assert found.repeats() == 1


def test_measurements_are_means_over_all_repeats_of_all_runs() -> None:
    columns = {
        "latency_ms": [[100, None]],
        "tokens_in": [[10, 20]],
        "tokens_out": [[1, None]],
        "cost_usd": [[0.1, 0.2]],
    }
    found = pool(result(NEW, [[1, 1]], columns=columns), result(NEW, [1], columns={"latency_ms": [[400]]}))
    case = found.cases["c0000", CASE]
    assert case.measured("latency") == 250
    assert case.measured("tokens") == pytest.approx((11 + 20) / 2)
    assert case.measured("cost") == pytest.approx(0.15)


def test_a_side_knows_the_models_that_answered_and_when_it_was_last_run() -> None:
    found = pool(
        result(NEW, [1], models=["b", "a"], started_at="2026-11-20T23:30:00+09:00"),
        result(NEW, [1], models=["a"], started_at="2026-11-20T15:00:00+00:00"),
        result(NEW, [1], models=["c"], started_at="2027-01-01", setup=setup_of(provider="echo")),
    )
    assert found.models == ["a", "b"]
    assert found.last_run() == datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_without_runs_there_is_nothing() -> None:
    found = pool()
    assert (found.runs, found.models, found.last_run(), found.repeats(), found.cases) == ([], [], None, 0, {})


def test_what_the_scorers_of_a_suite_measure(folder: Place) -> None:
    folder.registry()
    folder.suite("a", [], "scorers:\n  correct: {type: exact}\n  short: {type: regex, pattern: '^.{0,9}$'}\n")
    suite = read_suite(folder.project().folder, "a")
    found = metrics_of(suite)
    assert list(found) == ["correct", "short"]
    assert found["correct"] == Metric("pass-fail", 0, 1, "up", suite.scorers["correct"].digest())
    assert found["correct"].digest != found["short"].digest
