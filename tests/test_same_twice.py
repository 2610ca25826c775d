"""`eval --aa`: a version against itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptreg.evaluation import same_twice
from promptreg.evaluation.plans import Options
from promptreg.rescoring import plan_rescoring, rescore
from tests.support.flipping import NAME, NEW, NUMBER, OLD, SUITE, Loopback, Model, every, first, ids, two_versions
from tests.support.openai_server import OpenAIServer
from tests.support.shipping import cases, prepared, said

AA = ("eval", "--aa", f"{NAME}@{OLD}")


@pytest.fixture
def loopback(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    place, model = prepared(tmp_path_factory, tmp_path, two_versions), Model()
    with OpenAIServer(model) as server:
        yield Loopback(place, server, model)


def aa(loopback: Loopback, *arguments: str) -> dict:
    (row,) = loopback.ok(*arguments, "--json").json["aa"]
    return row


def test_without_stored_runs_two_are_made_and_stored(loopback: Loopback):
    lines = loopback.ok(*AA).out.splitlines()
    assert lines[:2] == [
        f"{NAME}@{OLD}  suite  openai  30 cases × 2  60 calls  two runs are needed to compare",
        "60 calls in all, at a cost that nobody stated ([prices] in promptreg.toml)",
    ]
    assert lines[lines.index("") + 1 :] == [
        f"{NAME}@{OLD}, an A/A check: 2 runs, each with each, both ways       mode standard, alpha 0.05",
        (
            "Of 2 comparisons of 1.0.0 with itself the gate would have called 0 regressed, 0 uncertain, 2 pass; it "
            "would have blocked 0."
        ),
        "correct: none of 30 cases differs between two runs; up to 10 % of such cases still may.",
    ]
    assert (loopback.calls, len(loopback.stored(OLD))) == (60, 1)


def test_stored_runs_are_split_and_nobody_is_asked(loopback: Loopback):
    # three runs: in the first q1 … q4 are wrong, in the others nothing is
    loopback.answers(Model(old=first(*ids(4))))
    loopback.ok("eval", f"{NAME}@{OLD}")
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2")
    lines = loopback.ok(*AA).out.splitlines()
    assert lines == [
        f"{NAME}@{OLD}, an A/A check: 3 runs, each with each, both ways       mode standard, alpha 0.05",
        (
            "Of 6 comparisons of 1.0.0 with itself the gate would have called 2 regressed, 0 uncertain, 4 pass; it "
            "would have blocked 2."
        ),
        # 4 of 30 cases differ in two of three pairs
        "correct: 8.9 % of the cases differ between two runs; 4 of 30 cases ever do.",
    ]
    assert loopback.calls == 90
    row = aa(loopback, *AA)
    assert (row["runs"], row["comparisons"], row["blocked"]) == (3, 6, 2)
    assert row["verdicts"] == {"regressed": 2, "uncertain": 0, "pass": 4}
    assert row["flips"] == {"correct": {"cases": 30, "ever": 4, "share": pytest.approx(8 / 90)}}


def test_the_verdicts_are_those_of_the_gate_on_the_same_scores(loopback: Loopback):
    loopback.answers(Model(old=first(*ids(4))))
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2", "--concurrency", "1")
    row = aa(loopback, *AA)
    # a version that fails these four against one that fails none
    loopback.answers(Model(new=every(*ids(4))))
    for path in loopback.stored():
        (loopback.place.path / path).unlink()
    loopback.ok("eval", f"{NAME}@{OLD}", f"{NAME}@{NEW}")
    worse = loopback.run("compare", f"{NAME}@{OLD}", f"{NAME}@{NEW}", "--json").json["verdict"]
    better = loopback.run("compare", f"{NAME}@{NEW}", f"{NAME}@{OLD}", "--json").json["verdict"]
    assert (worse, better) == ("regressed", "pass")
    assert row["verdicts"] == {"regressed": 1, "uncertain": 0, "pass": 1}


def test_where_one_run_is_stored_one_more_is_made(loopback: Loopback):
    loopback.ok("eval", f"{NAME}@{OLD}")
    loopback.ok(*AA)
    assert (loopback.model.runs(OLD), len(loopback.stored(OLD))) == ({2}, 2)


def test_of_new_cases_alone_answers_are_lacking(loopback: Loopback):
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "3")
    loopback.place.suite(NAME, cases(NUMBER + 1), SUITE)
    data = loopback.ok(*AA, "--json").json
    assert [(row["cases"], row["calls"]) for row in data["planned"]] == [(1, 2)]
    assert (data["aa"][0]["runs"], data["aa"][0]["flips"]["correct"]["cases"]) == (2, NUMBER + 1)


def test_repeat_makes_so_many_more(loopback: Loopback):
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2")
    row = aa(loopback, *AA, "--repeat", "3")
    assert (row["runs"], row["comparisons"], loopback.model.runs(OLD)) == (5, 20, {5})


def test_only_the_newest_runs_are_compared(loopback: Loopback):
    loopback.place.suite(NAME, cases(2), SUITE)
    loopback.answers(Model(old=first("q1")))
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", str(same_twice.MOST_RUNS + 1), "--concurrency", "1")
    ran = loopback.ok(*AA)
    assert ran.out.splitlines()[0].startswith(f"{NAME}@{OLD}, an A/A check: the newest 20 of 21 runs, ")
    # the one that was wrong is the oldest
    assert "none of 2 cases differs" in ran.out


def test_fresh_runs_need_not_be_stored(loopback: Loopback):
    loopback.answers(Model(old=first("q1")))
    row = aa(loopback, *AA, "--no-store")
    assert (row["runs"], row["flips"]["correct"]["ever"], loopback.stored()) == (2, 1, [])


@pytest.mark.parametrize(
    "arguments", [["--in", "production"], ["--to", "production"], ["@production"], [NAME, "--in", "production"]]
)
def test_the_pinned_version_is_named_in_each_way(loopback: Loopback, arguments: list[str]):
    row = aa(loopback, "eval", "--aa", *arguments)
    assert (row["name"], row["version"]) == (NAME, OLD)


def test_the_mode_of_the_environment_says_what_would_block(loopback: Loopback):
    loopback.place.suite(NAME, cases(10), SUITE)
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2")
    toml = "prompts/promptreg.toml"
    loopback.place.write(toml, loopback.place.read(toml).replace('mode = "standard"', 'mode = "strict"'))
    row = aa(loopback, "eval", "--aa", "--in", "production")
    assert (row["mode"], row["verdicts"]["uncertain"], row["blocked"]) == ("strict", 2, 2)
    assert aa(loopback, *AA)["blocked"] == 0
    assert "Why it was not sure: correct: only 10 cases" in loopback.ok(*AA).out


def test_all_suites_are_judged_together(loopback: Loopback):
    loopback.place.write(
        f"prompts/{NAME}/evals/tone.yaml", SUITE.replace("correct", "said").replace("exact", "contains")
    )
    row = aa(loopback, *AA)
    assert (row["comparisons"], list(row["flips"]), loopback.calls) == (2, ["correct", "tone.said"], 120)


def test_answers_from_a_cache_and_calls_that_failed(loopback: Loopback):
    loopback.ok("eval", f"{NAME}@{OLD}", "--cache")
    loopback.ok("eval", f"{NAME}@{OLD}", "--cache", "--repeat", "2")
    # one of the two repeats came from the cache, and is no run
    row = aa(loopback, *AA)
    assert (row["runs"], loopback.calls) == (2, 60)


def test_results_of_another_setup_are_no_runs_of_it(loopback: Loopback):
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2")
    loopback.place.suite(NAME, cases(NUMBER), SUITE + "parameters: {temperature: 1}\n")
    assert [row["calls"] for row in loopback.ok(*AA, "--dry-run", "--json").json["planned"]] == [60]


def test_a_dry_run_says_what_is_needed(loopback: Loopback):
    assert loopback.ok(*AA, "--dry-run").out.splitlines()[0].endswith("60 calls  two runs are needed to compare")
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2")
    assert loopback.ok(*AA, "--dry-run").out == "nothing to run: two stored runs of all cases are there to compare\n"


def test_a_plan_goes_by_the_budget(loopback: Loopback):
    ran = loopback.run(*AA, "--max-calls", "59")
    assert (ran.status, said(ran), loopback.calls) == (
        2, "this takes 60 calls, and --max-calls allows 59. Nothing was called.", 0,
    )  # fmt: skip


def test_the_same_runs_in_any_files_give_the_same_answer(loopback: Loopback):
    loopback.answers(Model(old=lambda run: {f"q{run}", f"q{run + 1}"}))
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "4", "--concurrency", "1")
    together = aa(loopback, *AA)
    for path in loopback.stored():
        (loopback.place.path / path).unlink()
    loopback.answers(Model(old=lambda run: {f"q{run}", f"q{run + 1}"}))
    for _ in range(4):
        loopback.ok("eval", f"{NAME}@{OLD}")
    assert json.dumps(aa(loopback, *AA)) == json.dumps(together)


def test_scores_that_stored_answers_got_later_belong_to_their_runs(loopback: Loopback):
    loopback.answers(Model(old=first(*ids(4))))
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2", "--concurrency", "1")
    # "no" is said to four questions in the first run
    loopback.place.suite(NAME, cases(NUMBER), SUITE + "  refused: {type: contains, expected: 'no'}\n")
    project = loopback.place.project()
    options = Options(tool="promptreg 0.0.0")
    rescore(project, plan_rescoring(project.head, [project.prompt(f"{NAME}@{OLD}")], options), options)
    row = aa(loopback, *AA)
    assert (row["runs"], loopback.calls) == (2, 60)
    assert {metric: flips["ever"] for metric, flips in row["flips"].items()} == {"correct": 4, "refused": 4}
    assert {metric: flips["cases"] for metric, flips in row["flips"].items()} == {"correct": 30, "refused": 30}
    assert "not-comparable" not in row["verdicts"]


def test_a_metric_that_was_scored_otherwise_cannot_be_compared_and_it_is_said_why(loopback: Loopback):
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2")
    loopback.place.suite(NAME, cases(NUMBER), SUITE.replace("{type: exact}", "{type: exact, ignore_case: true}"))
    ran = loopback.ok(*AA)
    assert "0 regressed, 2 not-comparable, 0 uncertain, 0 pass" in ran.out
    assert "Why it was not sure: correct: correct was scored differently for 1.0.0" in ran.out
    assert "correct: nothing was scored." in ran.out.splitlines()


def test_runs_that_miss_a_case_are_made_up_from_those_that_have_it(loopback: Loopback):
    loopback.place.suite(NAME, cases(NUMBER - 5), SUITE)
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "2")
    loopback.place.suite(NAME, cases(NUMBER), SUITE)
    loopback.ok("eval", f"{NAME}@{OLD}", "--repeat", "3")
    row = aa(loopback, *AA)
    assert (row["runs"], row["flips"]["correct"]["cases"]) == (3, NUMBER)
    assert row["verdicts"] == {"regressed": 0, "uncertain": 0, "pass": 6}
