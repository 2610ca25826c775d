"""Pooling: the stored runs of one version that count, taken together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from promptreg.evals.evidence import GatedCase, Metric, Pool, Side, metrics_of
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


# Scores that stored answers got later

GOOD = Metric("pass-fail", 0, 1, "up", OTHER, by_people=True)
LATER = {"grade": GRADE}
WITH_GRADE = {**CORRECT, **LATER}


def later(run: Result, scores: Any, metrics: dict[str, Metric] = LATER, **changes: Any) -> Result:
    """Scores of the answers of a run, given a day after it."""
    about = {"answers_of": run.file_name(), "started_at": "2026-11-21T10:00:00+00:00", "repeats": run.repeats}
    found = result(NEW, scores, metrics, **({**about, **changes}))
    return found.model_copy(update={"models": run.models})


def test_later_scores_are_about_the_same_answers_and_no_new_repeat() -> None:
    columns = {"latency_ms": [[100, 300], [100, 100]], "tokens_in": [[9, 9], [9, 9]], "cost_usd": [[1, 1], [1, 1]]}
    run = result(NEW, [[1, 0], [1, 1]], columns=columns)
    alone = pool(run, metrics=WITH_GRADE)
    found = pool(run, later(run, [[0.2, 0.6], [0.4, 0.4]]), metrics=WITH_GRADE)
    assert (found.metrics, len(found.runs), found.repeats(), found.failed()) == ({"correct", "grade"}, 1, 2, 0)
    assert found.score("c0000", CASE, "grade") == pytest.approx(0.4)
    assert found.last_run() == alone.last_run()
    for case, before in zip(found.cases.values(), alone.cases.values(), strict=True):
        assert (case.attempts, case.latency, case.cost, case.tokens) == (
            before.attempts, before.latency, before.cost, before.tokens,
        )  # fmt: skip
        assert (case.scores["correct"], case.judged) == (before.scores["correct"], {"correct": 2, "grade": 2})


def test_pooling_leaves_the_runs_as_they_were() -> None:
    columns = {"latency_ms": [[100]], "tokens_in": [[9]], "tokens_out": [[1]], "cost_usd": [[1]]}
    run, again = result(NEW, [[1]], columns=columns), result(NEW, [[0]], columns=columns, started_at="2026-11-22")
    runs = [run, later(run, [[0.2]]), later(run, [[0.4]], started_at="2026-11-23"), again]
    texts = [each.text() for each in runs]
    for results in (runs, runs[::-1]):
        case = pool(*results, metrics=WITH_GRADE).cases["c0000", CASE]
        assert (case.attempts, case.measured("latency"), case.score("correct")) == (2, 100, 0.5)
        assert [each.text() for each in runs] == texts


def test_what_a_run_scored_itself_counts_and_is_not_scored_again() -> None:
    run = result(NEW, [1, 0])
    found = pool(run, later(run, [0, 1], CORRECT))
    assert [found.score(f"c000{index}", CASE, "correct") for index in range(2)] == [1, 0]
    assert found.cases["c0000", CASE].scores == {"correct": [1]}


def test_a_metric_of_another_scorer_in_the_run_is_scored_by_the_declared_one_later() -> None:
    run = result(NEW, [0, 0], {"correct": replace(PASS_FAIL, digest=OTHER)})
    found = pool(run, later(run, [1, 1], CORRECT))
    assert (found.score("c0000", CASE, "correct"), found.repeats()) == (1, 1)


def test_scoring_the_same_answers_twice_is_averaged_in_any_order() -> None:
    run = result(NEW, [[1, 1]])
    one, two = later(run, [[0.2, 0.4]]), later(run, [[0.6, 0.4]], started_at="2026-11-22")
    for results in ((run, one, two), (two, one, run), (one, run, two)):
        case = pool(*results, metrics=WITH_GRADE).cases["c0000", CASE]
        assert case.scores["grade"] == [pytest.approx(0.4), pytest.approx(0.4)]
        assert sorted(case.given("grade")) == [0.2, 0.4, 0.4, 0.6]


def test_of_one_person_the_newest_word_counts_and_of_several_the_mean() -> None:
    run = result(NEW, [[1, 1, 1]])
    words = [
        later(run, [[0, 0, None]], {"good": GOOD}, judged_by="Hana"),
        later(run, [[1]], {"good": GOOD}, judged_by="Hana", started_at="2026-11-22T10:00:00+09:00"),
        later(run, [[0, None, None]], {"good": GOOD}, judged_by="Ken"),
    ]
    for results in (words, words[::-1]):
        case = pool(run, *results, metrics={**CORRECT, "good": GOOD}).cases["c0000", CASE]
        assert case.scores["good"] == [0.5, 0]
        assert sorted(case.given("good")) == [0, 0, 1]
        assert (case.judged["good"], case.failures) == (2, {})


def test_only_a_scorer_fails_and_a_person_does_not() -> None:
    run = result(NEW, [[1, 1], [1, 1]])
    found = pool(run, later(run, [[1, 1], [1, 1]], failed={0: ["grade"]}), metrics=WITH_GRADE)
    assert [(case.judged["grade"], case.failures) for case in found.cases.values()] == [(2, {"grade": 1}), (2, {})]
    assert found.failed() == 1


@pytest.mark.parametrize(
    ("run", "scores"),
    [
        (result(NEW, [[1, 1]], failed={0: ["provider"]}), [None, 1]),
        (result(NEW, [[1, 1]], columns={"cached": [[True, False]]}), [None, 1]),
        (result(NEW, [[1]], repeats=2), [1, None]),
    ],
)
def test_only_answers_that_were_asked_for_and_came_are_scored(run: Result, scores: list[float | None]) -> None:
    about = later(run, [[0.25, 0.75]])
    found = pool(run, about, metrics=WITH_GRADE)
    wanted = [value for value, there in zip([0.25, 0.75], scores, strict=True) if there is not None]
    assert found.cases["c0000", CASE].scores["grade"] == wanted


@pytest.mark.parametrize(
    "change",
    [
        {"answers_of": "suite-ffffffff-00000000.json"},
        {"ids": ["c0009"]},
        {"columns": {"case": ["f" * 16]}},
        {"setup": setup_of(LATER, provider="echo")},
        {"digest": DIGESTS["1.1.0"]},
    ],
)
def test_scores_of_answers_that_nobody_has_count_for_nothing(change: dict[str, Any]) -> None:
    run = result(NEW, [1])
    found = pool(run, later(run, [0.9], **change), metrics=WITH_GRADE)
    assert [(key, case.scores) for key, case in found.cases.items()] == [(("c0000", CASE), {"correct": [1]})]
    assert found.repeats() == 1


def test_without_their_run_later_scores_are_no_evidence_and_named() -> None:
    run = result(NEW, [1])
    about = later(run, [0.9])
    second = later(about, [0.9], started_at="2026-11-23")
    found = pool(about, second, metrics=WITH_GRADE)
    assert (found.runs, found.cases, found.metrics) == ([], {}, set())
    assert found.lost == sorted([(about.file_name(), run.file_name()), (second.file_name(), about.file_name())])


def test_a_run_that_no_scorer_judged_holds_answers_for_people() -> None:
    run = result(NEW, {}, {}, ids=["c0000"], repeats=2)
    found = pool(run, later(run, [[1, 0]], {"good": GOOD}, judged_by="Hana"), metrics={"good": GOOD})
    assert (found.repeats(), found.score("c0000", CASE, "good")) == (2, 0.5)
    assert found.answered({"c0000": GatedCase(CASE), "c0001": GatedCase(CASE)}) == {"c0000"}


def test_names_that_are_known_need_not_be_worked_out() -> None:
    run = result(NEW, [1])
    about = later(run, [0.5], answers_of="a.json")
    side = Side(NEW, DIGESTS[NEW], (run, about), (), ("a.json", "b.json"))
    assert Pool(side, setup_of(WITH_GRADE)).score("c0000", CASE, "grade") == 0.5
