"""`results list` and `results show`: which runs count, which are shown, and which run a line is of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.shipping import RIGHT, WRONG, begun, cases, prepared, said

NAME = "support/answer"
TWO = "provider: echo\nscorers:\n  correct: {type: exact}\n  said: {type: contains}\n"


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A draft that passes its three cases, with one run."""
    return prepared(tmp_path_factory, tmp_path, _evaluated)


def _evaluated(place: Place) -> None:
    begun(place)
    place.draft(NAME, RIGHT)
    place.suite(NAME, cases(3), TWO)
    place.ok("eval", NAME)


def lines(place: Place, *arguments: str) -> list[str]:
    """What a command prints, the padding of columns, times and the names of files taken out."""
    out = place.ok("results", *arguments).out
    out = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "NOW", out)
    out = re.sub(r"prompts/\S+\.json", "FILE", out)
    return [re.sub(r" {2,}", "  ", line) for line in out.splitlines()]


def counting(place: Place) -> list[str]:
    """The column `counts` of `results list`."""
    head, *rows = lines(place, "list", NAME)
    assert head == "version  suite  started  provider  cases  errors  scores  counts  file"
    return [row.split("  ")[7] for row in rows]


def test_results_of_an_earlier_text_of_the_draft_are_counted_and_not_shown(place: Place):
    place.draft(NAME, WRONG)
    ran = place.run("results", "show", NAME)
    assert (ran.status, said(ran)) == (
        2,
        (
            "support/answer@draft has no stored result of the text that it has now (1 run of an earlier text is left "
            "out). promptreg eval support/answer makes one."
        ),
    )
    place.ok("eval", NAME)
    place.draft(NAME, RIGHT + RIGHT)
    place.ok("eval", NAME)
    assert lines(place, "show", NAME) == [
        "support/answer@draft, 1 run, 3 cases",
        "case  scores  expected  answer  tags",
        "c1  correct 0, said 1  q1  q1 q1",
        "c2  correct 0, said 1  q2  q2 q2",
        "c3  correct 0, said 1  q3  q3 q3",
        "2 runs of earlier texts are left out.",
    ]
    assert counting(place) == ["no: another text", "no: another text", "yes"]
    rows = place.ok("results", "list", NAME, "--json").json["results"]
    assert [(row["counts"], row["unused"]) for row in rows] == [
        (False, "another text"), (False, "another text"), (True, None),
    ]  # fmt: skip


def test_a_draft_that_is_no_prompt_any_more_has_no_results_of_its_text(place: Place):
    place.draft(NAME, "{% if %}\n")
    assert counting(place) == ["no: another text"]


def test_several_runs_of_a_case_are_told_apart_and_cases_counted_once(place: Place):
    place.ok("eval", NAME, "--repeat", "2")
    shown = lines(place, "show", NAME)
    assert shown[:2] == ["support/answer@draft, 2 runs, 3 cases", "case  run  scores  expected  answer  tags"]
    assert len(shown) == 8
    assert shown[2] == "c1  NOW  correct 1, said 1  q1  q1"
    files = [row["path"] for row in place.ok("results", "list", NAME, "--json").json["results"]]
    out = place.ok("results", "show", NAME, "--case", "c2").out
    assert re.findall(r"run {7}\d{4}-\d\d-\d\d \d\d:\d\d {2}(\S+)", out) == files
    assert lines(place, "show", NAME, "--case", "c2")[:6] == [
        "support/answer@draft  suite  case c2",
        "run  NOW  FILE",
        'inputs  {"question": "q2"}',
        'expected  "q2"',
        "scores  correct 1, said 1",
        "output  q2",
    ]


def test_the_runs_of_a_case_are_told_in_json_too(place: Place):
    (run,) = place.ok("results", "list", NAME, "--json").json["results"]
    for case in place.ok("results", "show", NAME, "--json").json["cases"]:
        assert (case["path"], case["started_at"]) == (run["path"], run["started_at"])


@pytest.mark.parametrize(
    ("suite", "counts"),
    [
        (TWO, "yes"),
        (TWO.replace("echo", "nearest-example"), "no: another setup"),
        (TWO + "parameters: {temperature: 1}\n", "no: another setup"),
        (TWO.replace("exact", "exact, ignore_case: true").replace("contains", "exact"), "no: another scorer"),
        (TWO.replace("contains", "exact"), "in part: another scorer of said"),
        (TWO.replace("said", "other"), "in part: another scorer of said"),
    ],
)
def test_a_run_counts_as_the_gate_counts_it(place: Place, suite: str, counts: str):
    place.suite(NAME, cases(3), suite)
    assert counting(place) == [counts]


def test_a_run_of_a_suite_that_is_gone_does_not_count(place: Place):
    folder = place.path / f"prompts/{NAME}/evals"
    (folder / "suite.yaml").rename(folder / "other.yaml")
    assert counting(place) == ["no: no such suite"]
