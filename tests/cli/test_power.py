"""`promptreg power`: what is said from repeats, from two versions, and where nothing tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from promptreg.core.catalog import Catalog
from promptreg.core.loader import Loader
from promptreg.core.source import Folder
from promptreg.evals.behaviour import behaviour
from promptreg.evals.results import CaseResult, Origin, Result, ScorerFacts, results_of, totals
from promptreg.evals.suite import fingerprint, read_suite
from tests.support.place import Place
from tests.support.shipping import RIGHT, WRONG, begun, cases, prepared, said

NAME = "support/answer"
SUITE = "provider: echo\nscorers:\n  correct: {type: exact}\n"
#: Scores by metric: a list of repeats for each case.
Rows = Mapping[str, Sequence[Sequence[float]]]
AT_BEST = "At best: all that a change loses is among the cases that differ by chance anyway; else losses come on top."


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two versions of a prompt, a suite of 100 cases, and no result."""
    return prepared(tmp_path_factory, tmp_path, _released)


def _released(place: Place) -> None:
    begun(place)
    place.draft(NAME, WRONG)
    place.ok("release", NAME, "-m", "First")
    place.draft(NAME, RIGHT)
    place.ok("release", NAME, "-m", "Second")
    place.suite(NAME, cases(100), SUITE)


def store(place: Place, version: str, rows: Rows, minute: int = 0) -> None:
    """Write a result as a run would have: scores for each case of the suite, in its order."""
    root = place.path / "prompts"
    source = Folder(str(root))
    suite, prompt = read_suite(source, NAME), Loader(Catalog(source)).version(NAME, version)
    setup = suite.setup()
    found = [
        CaseResult(id=case.id, case=case.digest, scores={metric: list(values[at]) for metric, values in rows.items()})
        for at, case in enumerate(suite.cases)
    ]
    result = Result(
        format=1, prompt=NAME, version=version, digest=prompt.digest, suite="suite", tool="promptreg test",
        fingerprint=fingerprint(behaviour(prompt), setup), setup=setup, models=[],
        repeats=max(len(each) for values in rows.values() for each in values),
        started_at=f"2026-11-20T10:{minute:02}:00+00:00", duration_s=1.0, origin=Origin(kind="local"),
        scorers={
            metric: ScorerFacts(
                kind=scorer.scale().kind, range=(scorer.scale().low, scorer.scale().high),
                direction=scorer.scale().direction, digest=setup.scorers[metric],
            )
            for metric, scorer in suite.scorers.items()
        },
        totals=totals(found, rows), cases=found,
    )  # fmt: skip
    folder = root / results_of(NAME, version)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / result.file_name()).write_bytes(result.text().encode())


def right(*, wrong: int, of: int = 100) -> list[list[float]]:
    """One run of each case, the first ones wrong."""
    return [[float(at >= wrong)] for at in range(of)]


def lines(place: Place, *arguments: str) -> list[str]:
    return place.ok("power", NAME, *arguments).out.splitlines()


def test_without_a_result_it_gives_a_range_and_says_what_to_run(place: Place):
    assert lines(place) == [
        (
            "suite, correct: how many cases differ by chance is not known yet. To notice 5 points it needs about 122 "
            "cases if 5 % of them differ, 493 if 20 % do; it has 100."
        ),
        "",
        "suite  metric   differing  cases  notices     cases for the drop  runs of each",
        "suite  correct  if 5 %     100    –           122 for 5 points    –",
        "suite  correct  if 10 %    100    7.8 points  246 for 5 points    –",
        "suite  correct  if 20 %    100    11 points   493 for 5 points    –",
        "",
        (
            "suite, correct: it has 100 cases and no result that counts. To know: promptreg eval support/answer"
            "@VERSION --repeat 3"
        ),
    ]


def test_one_run_of_one_version_says_nothing_of_chance(place: Place):
    store(place, "1.0.1", {"correct": right(wrong=3)})
    assert lines(place)[-1] == (
        "suite, correct: one run of each case says nothing of chance. To know: promptreg eval support/answer@VERSION "
        "--repeat 3"
    )


def test_two_versions_tell_by_the_share_of_cases_that_differ(place: Place):
    store(place, "1.0.0", {"correct": right(wrong=0)})
    store(place, "1.0.1", {"correct": right(wrong=10)})
    assert lines(place) == [
        (
            "suite, correct: would notice a drop of about 7.8 points 80 % of the time; to notice 5 points it needs "
            "about 246 cases."
        ),
        "",
        "suite  metric   differing  cases  notices     cases for the drop  runs of each",
        "suite  correct  10 %       100    7.8 points  246 for 5 points    –",
        "",
        "suite, correct: from 1.0.0 and 1.0.1, 100 compared.",
    ]
    assert lines(place, "--drop", "0.1")[0] == (
        "suite, correct: would notice a drop of about 7.8 points 80 % of the time; to notice 10 points, the 100 cases "
        "that it has suffice."
    )


def test_repeats_of_one_version_tell_by_how_often_two_runs_differ(place: Place):
    """Of 100 cases 10 differ between two stored runs; a loss adds to those, or at best is among them."""
    store(place, "1.0.0", {"correct": right(wrong=40)})
    store(place, "1.0.1", {"correct": right(wrong=0)})
    store(place, "1.0.1", {"correct": right(wrong=10)}, minute=1)
    assert lines(place, "--drop", "0.05") == [
        (
            "suite, correct: would notice a drop of about 11.4 points 80 % of the time; to notice 5 points it needs "
            "about 369 cases, since no number of runs of its 100 cases does it."
        ),
        "",
        "suite  metric   differing      cases  notices      cases for the drop  runs of each",
        "suite  correct  10 %           100    11.4 points  369 for 5 points    none",
        "suite  correct  10 %, at best  100    7.8 points   246 for 5 points    –",
        "",
        "suite, correct: from 100 cases run several times with 1.0.1.",
        AT_BEST,
    ]
    assert lines(place, "--drop", "0.09")[0].endswith(
        "; to notice 9 points it needs about 143 cases, or 3 runs of each of its 100 cases."
    )


def test_what_is_said_of_several_metrics_alike_is_said_once(place: Place):
    place.suite(
        NAME,
        cases(100),
        SUITE + "  near: {type: exact, ignore_case: true}\n  short: {type: length, characters: {max: 9}}\n",
    )
    said = lines(place)
    assert said[0].startswith(
        "suite: correct, near, short: how many cases differ by chance is not known yet. To notice"
    )
    assert said[1:3] == ["", "suite  metric   differing  cases  notices     cases for the drop  runs of each"]
    assert len(said) == 14
    assert said[-1] == (
        "suite: correct, near, short: it has 100 cases and no result that counts. To know: promptreg eval "
        "support/answer@VERSION --repeat 3"
    )
    ten, five = right(wrong=10), right(wrong=5)
    store(place, "1.0.0", {metric: right(wrong=0) for metric in ("correct", "near", "short")})
    store(place, "1.0.1", {"correct": ten, "near": five, "short": ten})
    said = lines(place)
    assert said[0].startswith("suite: correct, short: would notice a drop of about 7.8 points 80 % of the time; ")
    assert said[1].startswith("suite, near: not even the loss of all of its 100 cases would be noticed; ")
    assert said[2] == ""
    assert said[-1] == "suite: correct, near, short: from 1.0.0 and 1.0.1, 100 compared."
    store(place, "1.0.1", {"correct": ten, "near": five, "short": ten}, minute=1)
    assert lines(place).count(AT_BEST) == 1


def test_json_holds_the_same_figures(place: Place):
    store(place, "1.0.1", {"correct": [[1.0, 1.0, 0.0] if at < 15 else [1.0, 1.0, 1.0] for at in range(100)]})
    ran = place.ok("power", NAME, "--json", "--drop", "0.05").json
    assert ran == {
        "schema": 1,
        "name": NAME,
        "metrics": [
            {
                "suite": "suite",
                "metric": "correct",
                "kind": "pass-fail",
                "cases": 100,
                "drop": 0.05,
                "source": "100 cases run several times with 1.0.1",
                "spread": None,
                "needs": [
                    {"differing": 0.1, "detectable": ran["metrics"][0]["needs"][0]["detectable"], "cases": 369},
                    {"differing": 0.1, "detectable": ran["metrics"][0]["needs"][1]["detectable"], "cases": 246},
                ],
                "repeats": 3,
                "runs": None,
            }
        ],
    }
    detectable = [need["detectable"] for need in ran["metrics"][0]["needs"]]
    assert detectable == [pytest.approx(0.1138, abs=5e-5), pytest.approx(0.0778, abs=5e-5)]


def test_clusters_count_as_one_case_and_are_compared_by_their_means(place: Place):
    grouped = [case | {"cluster": f"talk-{at // 4}"} for at, case in enumerate(cases(100))]
    place.suite(NAME, grouped, SUITE)
    assert lines(place) == [
        "suite, correct: what it would notice cannot be said yet.",
        (
            "suite, correct: it has 25 cases and no result that counts. To know: promptreg eval support/answer"
            "@VERSION --repeat 3"
        ),
    ]
    store(place, "1.0.0", {"correct": right(wrong=0)})
    store(place, "1.0.1", {"correct": right(wrong=10)})
    found = place.ok("power", NAME, "--json").json["metrics"][0]
    assert (found["cases"], found["needs"][0]["differing"]) == (25, None)
    # two clusters lost whole, one by half, 22 not at all
    assert found["spread"] == pytest.approx(0.2887, abs=1e-4)
    assert found["needs"][0]["cases"] == 207


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["support/nothing"], "There is no prompt support/nothing"),
        ([NAME, "--suite", "suit"], "support/answer has no suite suit. Did you mean suite?"),
        ([NAME, "--drop", "0"], "0.0 is not in the range 0<x<=1"),
    ],
)
def test_what_cannot_be_asked(place: Place, arguments: list[str], message: str):
    ran = place.run("power", *arguments)
    assert ran.status == 2
    assert message in said(ran)


def test_without_a_suite_it_says_how_to_begin(place: Place):
    place.draft("support/other", RIGHT)
    ran = place.run("power", "support/other")
    assert (ran.status, said(ran)) == (
        2,
        "support/other has no suite, so that nothing is tested. promptreg new support/other --cases writes one.",
    )
