"""The gate and what people judge: asked for, it counts like any other metric; else it informs, and never blocks."""

from __future__ import annotations

from typing import Any

import pytest

from promptreg.evals.comparing import Examined
from promptreg.evals.evidence import Metric, SuiteEvidence
from promptreg.evals.results import Result
from promptreg.evals.suite import MetricPolicy, read_suite
from promptreg.evals.verdict import Verdict
from tests.support.evals import CORRECT, NEW, OLD, case_id, evidence, judged, result
from tests.support.place import Place

GOOD = Metric("pass-fail", 0, 1, "up", "sha256:" + "e" * 64, by_people=True)
BOTH = {**CORRECT, "good": GOOD}
ASKED = {"good": MetricPolicy()}
PASSING = [1.0] * 40
NOBODY = (
    "nobody has judged good of 1.1.0 and 1.2.0 (promptreg case label support/answer@1.1.0; promptreg case label "
    "support/answer@1.2.0)"
)


def labels(run: Result, scores: list[float | None], who: str = "Hana", **changes: Any) -> Result:
    """What somebody said of the answers of a run, case by case from the first on."""
    given = {case_id(at): score for at, score in enumerate(scores) if score is not None}
    about: dict[str, Any] = {"answers_of": run.file_name(), "judged_by": who, "started_at": "2026-11-21T10:00:00+00:00"}
    return result(run.version, {"good": list(given.values())}, {"good": GOOD}, ids=list(given), **(about | changes))


def gate(before: list[float | None], after: list[float | None], *, asked: bool, **changes: Any) -> Verdict:
    """The verdict where all cases pass on both sides, and people said so much."""
    old, new = result(OLD, PASSING), result(NEW, PASSING)
    sides = [[old, labels(old, before)] if before else [old], [new, labels(new, after)] if after else [new]]
    return judged(evidence(*sides, BOTH, policies=ASKED if asked else {}, **changes))


def test_without_labels_nothing_is_missing_where_the_gate_does_not_ask_for_them() -> None:
    found = gate([], [], asked=False)
    assert (found.verdict, list(found.metrics), found.missing) == ("pass", ["correct"], 0)
    assert found.notes == (f"good is left out: {NOBODY}",)


def test_labels_of_one_side_alone_are_left_out() -> None:
    found = gate([1] * 40, [], asked=False)
    assert (found.verdict, list(found.metrics)) == ("pass", ["correct"])
    assert found.notes == (
        "good is left out: nobody has judged good of 1.2.0 (promptreg case label support/answer@1.2.0)",
    )
    apart = gate([1, None], [None, 1], asked=False)
    assert apart.notes == ("good is left out: no case was judged on both sides",)


def test_labels_that_the_gate_does_not_ask_for_are_told_and_never_block() -> None:
    found = gate([1] * 30, [0] * 30, asked=False, critical=(0,))
    assert (found.verdict, found.hard, found.missing) == ("pass", False, 0)
    assert (found.metrics["good"].verdict, found.metrics["good"].n, found.metrics["good"].blocking) == (
        "regressed", 30, False,
    )  # fmt: skip


def test_labels_that_the_gate_asks_for_count_like_any_other_metric() -> None:
    found = gate([1] * 40, [1] * 30 + [0] * 10, asked=True)
    assert (found.verdict, found.metrics["good"].lost) == ("regressed", tuple(case_id(at) for at in range(30, 40)))
    assert gate([1] * 40, [1] * 40, asked=True).verdict == "pass"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            [],
            [],
            f"good: {NOBODY}",
        ),
        ([1] * 40, [], "good: nobody has judged good of 1.2.0 (promptreg case label support/answer@1.2.0)"),
        ([], [1] * 40, "good: nobody has judged good of 1.1.0 (promptreg case label support/answer@1.1.0)"),
        (
            [1] * 40,
            [1] * 20,
            "good: 1.2.0 has scores for 20 of 40 cases (promptreg case label support/answer@1.2.0)",
        ),
    ],
)
def test_labels_that_the_gate_asks_for_and_nobody_gave_are_missing(
    before: list[float | None], after: list[float | None], reason: str
) -> None:
    found = gate(before, after, asked=True)
    assert (found.verdict, found.reasons, found.blocks) == ("missing", (reason,), True)


def test_people_need_not_judge_a_case_that_they_did_not_judge_of_the_baseline() -> None:
    found = gate([1] * 25, [1] * 25, asked=True)
    assert (found.verdict, found.metrics["good"].n, found.metrics["correct"].n) == ("pass", 25, 40)


def test_people_who_disagree_are_averaged_and_that_is_no_score_outside_of_the_range() -> None:
    old, new = result(OLD, PASSING), result(NEW, PASSING)
    sides = [[run, labels(run, [1] * 40), labels(run, [0] * 40, "Ken")] for run in (old, new)]
    found = judged(evidence(*sides, BOTH, policies=ASKED))
    assert (found.verdict, found.metrics["good"].baseline, found.metrics["good"].candidate) == ("pass", 0.5, 0.5)


@pytest.mark.parametrize(("asked", "left"), [(False, ["correct"]), (True, ["correct", "good"])])
def test_a_first_promotion_takes_labels_where_there_are_any(asked: bool, left: list[str]) -> None:
    new = result(NEW, PASSING)
    results = [new, labels(new, [1] * 40)] if asked else [new]
    found = judged(evidence(None, results, BOTH, policies=ASKED if asked else {}))
    assert (found.verdict, list(found.metrics)) == ("pass", left)


def test_a_suite_that_only_people_judge_and_the_gate_does_not_ask_for_is_not_tested() -> None:
    runs = [result(version, {}, {}, ids=[case_id(at) for at in range(40)]) for version in (OLD, NEW)]
    only = {"good": GOOD}
    found = judged(evidence([runs[0]], [runs[1]], only))
    assert (found.verdict, found.reasons) == ("ungated", ("people judge suite, and its gate: names none of good",))
    sides = [[run, labels(run, [1] * 40)] for run in runs]
    assert judged(evidence(*sides, only, policies=ASKED)).verdict == "pass"


def test_answers_that_are_lost_are_named_and_count_for_nothing() -> None:
    old, new = result(OLD, PASSING), result(NEW, PASSING)
    lost = labels(new, [0] * 40, answers_of="suite-ffffffff-00000000.json")
    found = judged(evidence([old], [new, lost], BOTH))
    assert found.verdict == "pass"
    assert found.notes[0] == (
        f"{lost.file_name()} scores answers of suite-ffffffff-00000000.json, which is not stored: it counts for nothing"
    )


def test_the_command_names_the_suite_where_it_is_not_the_main_one() -> None:
    runs = [result(version, PASSING, suite="tone") for version in (OLD, NEW)]
    found = judged(evidence([runs[0]], [runs[1]], BOTH, suite="tone", policies=ASKED))
    assert found.reasons == (f"tone.good: {NOBODY.replace('; ', ' --suite tone; ').replace(')', ' --suite tone)')}",)


# The scorer

SUITE = "scorers:\n  correct: {type: exact}\n  good: {type: label, question: Would you send this?}\n"


def suite_of(folder: Place, text: str) -> Any:
    folder.registry()
    folder.suite("a", [], text)
    return read_suite(folder.project().folder, "a")


def test_a_run_knows_nothing_of_what_people_judge(folder: Place) -> None:
    suite = suite_of(folder, SUITE)
    assert [(name, metric.by_people) for name, metric in suite.scorers.items()] == [("correct", False), ("good", True)]
    assert list(suite.automatic().setup().scorers) == ["correct"]
    assert suite.automatic().automatic() == suite.automatic()


def test_another_question_is_another_metric(folder: Place) -> None:
    first = suite_of(folder, SUITE).setup().scorers
    folder.suite("a", [], SUITE.replace("send", "read"))
    second = read_suite(folder.project().folder, "a").setup().scorers
    assert (first["correct"], first["good"] == second["good"]) == (second["correct"], False)


def test_what_examines_a_suite_lets_only_what_is_asked_for_block() -> None:
    found: SuiteEvidence = evidence(PASSING, PASSING, BOTH)
    suite = Examined(found, None, None)  # type: ignore[arg-type]
    assert (suite.policy("good").block, suite.policy("correct").block, suite.policy("latency").block) == (
        False, True, True,
    )  # fmt: skip
