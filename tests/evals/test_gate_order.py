"""The same evidence gets the same verdict, byte for byte: nothing hangs on order, time stamps or hash seeds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.evidence import Metric, Side, SuiteEvidence
from promptreg.evals.results import CaseResult, Failure, Result
from promptreg.evals.suite import MetricPolicy
from promptreg.evals.verdict import Verdict
from promptreg.report.gate import verdict_lines
from tests.support.evals import DIGESTS, GRADE, NEW, OLD, PASS_FAIL, case_id, evidence, judged, result, setup_of
from tests.support.place import Place

LATE = replace(GRADE, digest="sha256:" + "c" * 64)
GOOD = Metric("pass-fail", 0, 1, "up", "sha256:" + "d" * 64, by_people=True)
METRICS = {"correct": PASS_FAIL, "grade": GRADE, "late": LATE, "good": GOOD}
ASKED = {"good": MetricPolicy(), "latency": MetricPolicy(max_rise=0.2)}
#: Their sums differ in the last digits when they are added in another order.
UNEVEN = (0.0, 0.1, 0.2, 0.3, 0.7, 1 / 3, 1.0)


class World:
    """Runs with failures, answers from a cache and repeats; and what scorers and people said of them later."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.count = self.random.randint(5, 30)
        self.trouble = self.random.choice((0, 0.03))
        self.sides = {version: self._side(version) for version in (OLD, NEW)}

    def _side(self, version: str) -> dict[str, Result]:
        runs = [self._run(version, day) for day in range(1, self.random.randint(2, 4))]
        later = [
            self._later(run, day, who)
            for run in runs
            for day, who in ((11, None), (12, None), (13, "Hana"), (13, "Ken"))
        ]
        return {each.file_name(): each for each in (*runs, *later)}

    def _run(self, version: str, day: int) -> Result:
        repeats = self.random.randint(1, 3)
        made = result(version, [[1.0] * repeats] * self.count, {"correct": PASS_FAIL, "grade": GRADE})
        cases = [self._case(case, repeats) for case in made.cases]
        return made.model_copy(
            update={"cases": cases, "started_at": f"2026-11-{day:02}", "models": [f"model-{day % 2}"]}
        )

    def _case(self, case: CaseResult, repeats: int) -> CaseResult:
        failed = {at for at in range(repeats) if self.random.random() < self.trouble}
        given: dict[str, Any] = {
            "scores": {
                "correct": [None if at in failed else float(self.random.random() < 0.7) for at in range(repeats)],
                "grade": [None if at in failed else self.random.choice(UNEVEN) for at in range(repeats)],
            },
            "latency_ms": [None if at in failed else self.random.choice((10.1, 20.7, 333.3)) for at in range(repeats)],
            "errors": [Failure(repeat=at, source="provider", reason="no") for at in sorted(failed)],
            "cached": [self.random.random() < 2 * self.trouble for _ in range(repeats)],
        }
        return case.model_copy(update=given)

    def _later(self, run: Result, day: int, who: str | None) -> Result:
        name, metric = ("late", LATE) if who is None else ("good", GOOD)
        about = {
            "answers_of": run.file_name(),
            "judged_by": who,
            "started_at": f"2026-11-{day}T0{self.random.randint(0, 9)}:00",
        }
        values = UNEVEN if who is None else (0.0, 1.0)
        scores = [
            [None if score is None else self.random.choice(values) for score in case.scores["correct"]]
            for case in run.cases
        ]
        return result(run.version, scores, {name: metric}, repeats=run.repeats, **about)

    def evidence(self, sides: dict[str, dict[str, Result]], order: list[str]) -> SuiteEvidence:
        both = {
            version: Side(version, DIGESTS[version], tuple(found.values()), names=tuple(found))
            for version, found in sides.items()
        }
        clusters = {0: "a", 1: "a", 2: "b"}
        made = evidence(
            both[OLD], both[NEW], METRICS, count=self.count, clusters=clusters, critical={1}, policies=ASKED
        )
        return replace(made, setup=setup_of(METRICS), cases={id_: made.cases[id_] for id_ in order})

    def shuffled(self) -> dict[str, dict[str, Result]]:
        """The same with its files, their cases and the repeats of each in another order: those of a run and of what was
        said of it alike."""
        found = {}
        for version, results in self.sides.items():
            repeats = {name: self.random.sample(range(run.repeats), run.repeats) for name, run in results.items()}
            names = self.random.sample(list(results), len(results))
            found[version] = {
                name: reordered(results[name], repeats[results[name].answers_of or name], self.random) for name in names
            }
        return found


def reordered(run: Result, repeats: list[int], random: Random) -> Result:
    def put(values: list[Any]) -> list[Any]:
        return [values[at] for at in repeats] if values else values

    def case(row: CaseResult) -> CaseResult:
        errors = [error.model_copy(update={"repeat": repeats.index(error.repeat)}) for error in row.errors]
        scores = {metric: put(values) for metric, values in row.scores.items()}
        update = {"scores": scores, "errors": errors, "latency_ms": put(row.latency_ms), "cached": put(row.cached)}
        return row.model_copy(update=update)

    return run.model_copy(update={"cases": [case(row) for row in random.sample(run.cases, len(run.cases))]})


def told(verdict: Verdict) -> str:
    """All that anybody reads of a verdict."""
    return "\n".join([*verdict_lines("support/answer", verdict), json.dumps(verdict.data()), repr(verdict)])


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_no_order_of_files_cases_or_repeats_changes_a_byte(seed: int) -> None:
    world = World(seed)
    order = [case_id(at) for at in range(world.count)]
    one = told(judged(world.evidence(world.sides, order)))
    other = told(judged(world.evidence(world.shuffled(), world.random.sample(order, world.count))))
    assert one == other


# Real files, real processes

SUITE = """\
provider: echo
repeats: 2
scorers:
  correct: {type: exact}
  near: {type: edit-distance}
  good: {type: label}
gate: {good: {}}
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two versions with two runs each, a scorer that came later, and labels of two people."""
    place = Place(tmp_path_factory.mktemp("order") / "one")
    place.path.mkdir()
    place.init().registry()
    rows = [
        {"id": f"c{at}", "inputs": {"question": f"q{at}"}, "expected": f"{'q' if at % 3 else 'r' * at}{at}"}
        for at in range(24)
    ]
    place.draft("a", "{{ question }}")
    place.suite("a", rows, SUITE)
    place.ok("release", "a", "-m", "First")
    place.draft("a", "{% if question == 'q7' %}No{% endif %}{{ question }}")
    place.ok("release", "a", "-m", "Second")
    for _ in range(2):
        place.ok("eval", "a@1.0.0", "a@1.0.1")
    place.suite("a", rows, SUITE.replace("gate:", "  long: {type: length, characters: {max: 3}}\ngate:"))
    place.ok("eval", "a@1.0.0", "a@1.0.1", "--rescore")
    for who in ("Hana", "Ken"):
        place.git("config", "user.name", who)
        for at in range(0, 24, 5):
            for version in ("1.0.0", "1.0.1"):
                place.ok("case", "label", f"a@{version}", "--case", f"c{at}", "--good" if at % 2 else "--bad")
    return place


def said(folder: Path, seed: str) -> list[bytes]:
    """What `compare` prints in a process of its own, as text and as JSON."""
    environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    printed = []
    for more in ((), ("--json",)):
        command = [sys.executable, "-m", "promptreg", "compare", "a@1.0.0", "a@1.0.1", *more]
        ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False)
        assert ran.returncode in (0, 1, 4), ran.stderr
        printed.append(ran.stdout)
    return printed


def copied(place: Place, target: Path) -> Path:
    """The repository, its files written in the opposite order and long ago."""
    for path in sorted((path for path in place.path.rglob("*") if path.is_file()), reverse=True):
        there = target / path.relative_to(place.path)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)
        os.utime(there, (1_000_000_000 + len(there.name), 1_000_000_000 + len(there.name)))
    return target


def test_a_copy_with_other_time_stamps_and_another_hash_seed_says_the_same(repository: Place, tmp_path: Path) -> None:
    there = copied(repository, tmp_path / "two")
    first = said(repository.path, "0")
    assert [said(repository.path, "1"), said(there, "2"), said(there, "random")] == [first] * 3
    assert b"good" in first[0]
    assert b"long" in first[0]
