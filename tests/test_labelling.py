"""`case label`: what people say of stored answers, at a terminal or in one command, and what is kept of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promptreg.evals.reading import read_result
from promptreg.evals.results import Result
from tests.support.place import Place
from tests.support.shipping import ALSO_RIGHT, RIGHT, WRONG, begun, cases, prepared, said
from tests.support.terminal import terminal

NAME = "support/answer"
FIRST = f"{NAME}@1.0.0"
SUITE = "provider: echo\nscorers:\n  correct: {type: exact}\n  good: {type: label, question: Would you send this?}\n"
AKI = "Aki <aki@example.com>"
KEYS = "g good · b bad · s skip · q quit: "


def _evaluated(place: Place) -> None:
    begun(place)
    place.draft(NAME, RIGHT)
    place.ok("release", NAME)
    place.suite(NAME, cases(3), SUITE)
    place.ok("eval", FIRST, "--repeat", "2")


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """1.0.0 with one run of three cases, twice each, of which people have to say whether they are good."""
    return prepared(tmp_path_factory, tmp_path, _evaluated)


def results(place: Place, version: str = "1.0.0") -> list[Result]:
    """What is stored of what people said, oldest first."""
    folder = place.path / (f"prompts/{NAME}/evals/results/{version}" if version != "draft" else
                           f"prompts/.promptreg/results/{NAME}")  # fmt: skip
    found = [read_result(path.read_bytes(), str(path)) for path in folder.glob("*.json")]
    return sorted((each for each in found if each.judged_by), key=lambda each: each.started_at)


def scores(found: Result) -> dict[str, list[float | None]]:
    return {case.id: case.scores["good"] for case in found.cases}


def comments(place: Place) -> dict[str, Any]:
    """The comments beside the results, by case."""
    rows = {}
    for path in sorted((place.path / f"prompts/{NAME}/evals/results/1.0.0").glob("*.outputs.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "comments" in row:
                rows[row["id"]] = row["comments"]
    return rows


# In one command


def test_a_label_is_stored_with_who_and_when_and_says_nothing_of_calls(place: Place):
    before = place.files()
    ran = place.ok("case", "label", FIRST, "--case", "c2", "--bad", "-m", "冷たい")
    (found,) = results(place)
    new = sorted(place.files().keys() - before.keys())
    assert ran.out == f"labelled 2 answers of {FIRST}: 0 good, 2 bad, by {AKI}\n  stored {new[0]}\n"
    assert (found.judged_by, scores(found), comments(place)) == (AKI, {"c2": [0, 0]}, {"c2": {"good": ["冷たい"] * 2}})
    assert (found.answers_of, found.setup.provider, found.models, found.repeats) == (
        next(Path(path).name for path in before if path.endswith(".json")), "echo", ["echo"], 2,
    )  # fmt: skip
    assert [(case.latency_ms, case.tokens_in, case.errors) for case in found.cases] == [([], [], [])]
    assert all(place.files()[path] == data for path, data in before.items())


def test_a_label_in_json(place: Place):
    found = place.ok("case", "label", FIRST, "--case", "c1", "--good", "--json").json
    assert found["labelled"] == {"good": 2, "bad": 0, "judged_by": AKI}
    (stored,) = found["results"]
    assert (stored["version"], stored["totals"]["metrics"]) == ("1.0.0", {"good": {"n": 1, "mean": 1.0}})


def test_somebody_may_think_again_and_the_newer_word_counts(place: Place):
    place.ok("case", "label", FIRST, "--case", "c1", "--bad")
    place.ok("case", "label", FIRST, "--case", "c1", "--good")
    assert [scores(found) for found in results(place)] == [{"c1": [0, 0]}, {"c1": [1, 1]}]
    place.draft(NAME, WRONG)
    place.ok("release", NAME)
    place.ok("eval", f"{NAME}@1.0.1")
    place.ok("case", "label", f"{NAME}@1.0.1", "--case", "c1", "--bad")
    metric = place.ok("compare", FIRST, f"{NAME}@1.0.1", "--json", status=1).json["metrics"]["good"]
    assert (metric["baseline"], metric["candidate"], metric["blocking"]) == (1, 0, False)


def test_a_label_of_a_draft_stays_here_and_goes_along_at_the_release(place: Place):
    place.draft(NAME, RIGHT + RIGHT)
    place.ok("eval", NAME)
    place.ok("case", "label", NAME, "--case", "c1", "--good", "-m", "well")
    (draft,) = results(place, "draft")
    assert "took over 2 results of the draft" in place.ok("release", NAME).out
    (released,) = results(place, "1.0.1")
    assert released.answers_of != draft.answers_of
    runs = place.ok("results", "list", f"{NAME}@1.0.1", "--json").json["results"]
    assert [run["counts"] for run in runs] == [True, True]
    assert "comment   good: well\n" in place.ok("results", "show", f"{NAME}@1.0.1", "--case", "c1").out
    place.commit("Release")
    assert place.ok("check", "--base", "HEAD").out.endswith("no findings.\n")


NO_SCORER = (
    "support/answer has no scorer for people. Under scorers: in prompts/support/answer/evals/suite.yaml, add a line "
    "like\n  good: {type: label}"
)
TWO_LABELS = SUITE + "  polite: {type: label}\n"


@pytest.mark.parametrize(
    ("suite", "arguments", "message"),
    [
        (SUITE, ["--good"], "--good and --bad say it of one case: --case ID."),
        (SUITE, ["-m", "why"], "-m and --json go with --good or --bad."),
        (SUITE, ["--json"], "-m and --json go with --good or --bad."),
        (SUITE, [], "this asks in a terminal. Without one: --case ID --good or --bad."),
        (SUITE, ["--case", "c9", "--good"], "support/answer@1.0.0 has no stored answer of case c9."),
        (
            "provider: echo\nscorers:\n  correct: {type: exact}\n",
            ["--case", "c1", "--good"],
            NO_SCORER,
        ),
        (
            SUITE,
            ["--case", "c1", "--good", "--metric", "goo"],
            "support/answer has no scorer goo for people. It has: good. Did you mean good?",
        ),
        (
            TWO_LABELS,
            ["--case", "c1", "--good"],
            "people judge several things here: --metric good, --metric polite.",
        ),
        (
            SUITE.replace("echo", "nearest-example"),
            ["--case", "c1", "--good"],
            f"{FIRST} has no stored run, so there are no answers to label. promptreg eval {FIRST} makes one.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_labelled_is_said(place: Place, suite: str, arguments: list[str], message: str):
    place.suite(NAME, cases(3), suite)
    before = place.files()
    ran = place.run("case", "label", FIRST, *arguments)
    assert (ran.status, said(ran).removesuffix(" promptreg case label --help shows how.")) == (2, message)
    assert place.files() == before


def test_without_stored_outputs_there_is_nothing_to_look_at(place: Place):
    place.ok("results", "redact", FIRST)
    ran = place.run("case", "label", FIRST, "--case", "c1", "--good")
    assert (ran.status, said(ran)) == (
        2,
        (
            f"{FIRST}: its outputs were taken away (promptreg results redact) or never stored, so there is nothing to "
            f"label. promptreg eval {FIRST} asks again, and store_outputs: all in the suite keeps them."
        ),
    )


def test_a_case_with_several_answers_is_not_labelled_in_one_word(place: Place):
    (path,) = (place.path / f"prompts/{NAME}/evals/results/1.0.0").glob("*.outputs.jsonl")
    path.write_text(path.read_text().replace('["q2", "q2"]', '["q2", "q two"]'))
    ran = place.run("case", "label", FIRST, "--case", "c2", "--good")
    assert said(ran) == "case c2 has 2 different answers. Without --good and --bad each is shown."
    place.ok("case", "label", FIRST, "--case", "c1", "--good")


# What else follows


def test_people_are_not_waited_for_by_anything_that_runs(place: Place):
    place.ok("ship", FIRST.partition("@")[0], "--to", "production")
    assert "nothing waits" in place.ok("status").out
    assert place.ok("eval", "--needed", "--to", "production", "--json").json["calls"] == 0
    assert [list(found.scorers) for found in _runs(place)] == [["correct"]]


def _runs(place: Place) -> list[Result]:
    folder = place.path / f"prompts/{NAME}/evals/results/1.0.0"
    found = [read_result(path.read_bytes(), str(path)) for path in folder.glob("*.json")]
    return [each for each in found if each.answers_of is None]


def test_a_label_that_the_gate_asks_for_is_missing_and_the_command_is_named(place: Place):
    place.ok("promote", FIRST, "--to", "production", "--force", "-m", "Begin")
    place.commit("In production")
    place.draft(NAME, ALSO_RIGHT)
    place.suite(NAME, cases(30), SUITE + "gate:\n  good: {}\n")
    place.ok("release", NAME, "--version", "1.1.0")
    place.ok("eval", FIRST, f"{NAME}@1.1.0")
    place.commit("Evidence")
    words = (
        "good: nobody has judged good of 1.0.0 and 1.1.0 (promptreg case label support/answer@1.0.0; promptreg case "
        "label support/answer@1.1.0)"
    )
    (refused,) = place.ok("promote", f"{NAME}@1.1.0", "--to", "production", "--json", status=4).json["refused"]
    assert refused["reasons"] == [{"rule": "gate", "message": f"missing: {words}", "fix": None}]


def test_a_suite_that_only_people_judge_stores_answers_for_them(place: Place):
    place.suite(NAME, cases(3), "provider: echo\nscorers:\n  good: {type: label}\ngate:\n  good: {}\n")
    place.ok("eval", FIRST)
    place.ok("case", "label", FIRST, "--case", "c1", "--good")
    # the answers of the run that another scorer judged are as good
    assert sorted(scores(found)["c1"] for found in results(place)) == [[1], [1, 1]]
    assert {found.answers_of for found in results(place)} == {found.file_name() for found in _runs(place)}


# At a terminal


def test_one_answer_after_the_other_is_shown_and_asked_about(place: Place):
    with terminal(place, "case", "label", FIRST) as at:
        assert at.until(KEYS) == (
            "support/answer@1.0.0  suite  case c1  1 of 3\n"
            'inputs    {"question": "q1"}\n'
            'expected  "q1"\n'
            "output    q1\n"
            "          (2 equal answers)\n"
            f"good: Would you send this?\n{KEYS}"
        )
        for wrong in ("x\n", "\n", "good\n"):
            at.press(wrong)
            at.until(KEYS)
        at.press("g\n")
        at.until("comment (Enter for none): ")
        at.press("ちょうどいい\n")
        at.until("case c2  2 of 3")
        at.until(KEYS)
        at.press("s\n")
        at.until(KEYS)
        at.press("ｂ\n")
        at.until("comment (Enter for none): ")
        at.press("\n")
        at.until(f"labelled 4 answers of {FIRST}: 2 good, 2 bad, by {AKI}\n")
        assert at.ended() == 0
    (found,) = results(place)
    assert scores(found) == {"c1": [1, 1], "c3": [0, 0]}
    assert comments(place) == {"c1": {"good": ["ちょうどいい"] * 2}}
    with terminal(place, "case", "label", FIRST) as at:
        at.until("case c2  1 of 1")
        at.until(KEYS)
        at.press("q\n")
        assert at.ended() == 0
    assert len(results(place)) == 1


def test_nothing_is_lost_when_somebody_quits(place: Place):
    with terminal(place, "case", "label", FIRST) as at:
        at.until(KEYS)
        at.press("B　no\n")
        at.until("case c2")
        at.until(KEYS)
        at.press("q\n")
        at.until("labelled 2 answers")
        assert at.ended() == 0
    assert [scores(found) for found in results(place)] == [{"c1": [0, 0]}]


@pytest.mark.parametrize("moment", ["key", "comment"])
def test_nothing_is_lost_at_an_interrupt(place: Place, moment: str):
    with terminal(place, "case", "label", FIRST) as at:
        at.until(KEYS)
        at.press("g\n")
        at.until("comment (Enter for none): ")
        if moment == "key":
            at.press("well\n")
            at.until(KEYS)
        at.interrupt()
        at.until("labelled 2 answers")
        at.until("interrupted")
        assert at.ended() == 130
    assert [scores(found) for found in results(place)] == [{"c1": [1, 1]}]
    assert comments(place) == ({"c1": {"good": ["well", "well"]}} if moment == "key" else {})


def test_when_all_is_judged_it_says_so(place: Place):
    for case in ("c1", "c2", "c3"):
        place.ok("case", "label", FIRST, "--case", case, "--good")
    with terminal(place, "case", "label", FIRST) as at:
        at.until(f"{AKI} has judged every stored answer of {FIRST}.")
        assert at.ended() == 0


def test_what_nobody_judged_comes_first_and_others_are_counted(place: Place, monkeypatch: pytest.MonkeyPatch):
    place.ok("case", "label", FIRST, "--case", "c1", "--good")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ken")
    with terminal(place, "case", "label", FIRST) as at:
        asked = [at.until(KEYS)]
        for _ in range(2):
            at.press("s\n")
            asked.append(at.until(KEYS))
        at.press("q\n")
        assert at.ended() == 0
    cases_ = [words.partition("  case ")[2].partition(" ")[0] for words in asked]
    assert cases_ == ["c2", "c3", "c1"]
    assert "(judged already, by 1 other)" in asked[2]
    assert "judged already" not in asked[0]


def test_what_an_answer_says_cannot_drive_the_terminal(place: Place):
    (path,) = (place.path / f"prompts/{NAME}/evals/results/1.0.0").glob("*.outputs.jsonl")
    path.write_text(path.read_text().replace('["q1", "q1"]', '["\\u001b[2Jgone\\nnext", "q1"]'))
    with terminal(place, "case", "label", FIRST, "--case", "c1") as at:
        shown = at.until(KEYS)
        at.press("q\n")
        assert at.ended() == 0
    assert "output    \\u001b[2Jgone\nnext\n" in shown


# Who may say what


def again(place: Place, result: Result, **changes: Any) -> str:
    """Store a result by hand, with some fields changed; returns its file."""
    made = result.model_copy(update=changes)
    path = f"prompts/{NAME}/evals/results/1.0.0/{made.file_name()}"
    place.write(path, made.text())
    return path


def refused(place: Place, path: str, message: str) -> None:
    """`check` and the gate refuse a result, and say why."""
    found = place.run("check", "--base", "HEAD", "--json").json["findings"]
    assert [(each["rule"], each["path"], each["message"]) for each in found if each["severity"] == "error"] == [
        ("result", path, f"this result {message}.")
    ]
    ran = place.run("promote", FIRST, "--to", "production")
    assert f"{Path(path).name} {message}" in ran.out + ran.err
    assert ran.status == 4


def test_what_people_judge_nobody_says_without_a_name(place: Place):
    place.ok("case", "label", FIRST, "--case", "c2", "--bad")
    place.commit("Labelled")
    path = again(place, results(place)[0], judged_by=None, started_at="2026-11-21T10:00:00.000+00:00")
    refused(place, path, "has scores of good, which people judge, and does not say who did")


def test_a_person_does_not_stand_in_for_a_scorer(place: Place):
    place.write(f"prompts/{NAME}/evals/suite.yaml", SUITE.replace("exact", "contains"))
    place.ok("eval", FIRST, "--rescore")
    (folder,) = (place.path / f"prompts/{NAME}/evals/results").iterdir()
    (found,) = (path for path in folder.glob("*.json") if '"answers_of"' in path.read_text())
    made = read_result(found.read_bytes(), str(found))
    found.unlink()
    place.commit("Another scorer")
    path = again(place, made, judged_by=AKI)
    refused(place, path, "has scores of correct by a person, and a scorer gives these")
