"""`promptreg eval` in real registries."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from promptreg.evals.behaviour import behaviour
from promptreg.evals.evidence import Pool
from promptreg.evals.reading import read_result
from promptreg.evals.results import Result, totals
from promptreg.evals.suite import fingerprint, read_suite
from promptreg.judging import side
from tests.support.place import Place

PROMPT = """\
---
model: gpt-4.1-mini
parameters: {temperature: 0.2, max_tokens: 100}
inputs: {question: string, tone: {enum: [formal, friendly], default: formal}}
output: {type: object}
tools: [{name: look, description: Looks it up., parameters: {type: object}}]
---
{{ question }}
"""
SUITE = "provider: echo\nscorers:\n  correct: {type: exact}\n  polite: {type: contains, expected: please}\n"
CASES = [{"id": f"c{index}", "inputs": {"question": f"q{index}"}, "expected": f"q{index % 2}"} for index in range(4)]


def stored_results(place: Place, pattern: str) -> list[Result]:
    return [read_result(path.read_bytes(), str(path)) for path in sorted(place.path.glob(pattern))]


RESULTS = "prompts/a/evals/results/1.0.0/*.json"


@pytest.fixture
def released(registry: Place) -> Place:
    """A registry in git whose prompt `a` has a version 1.0.0 and a suite, without results."""
    registry.draft("a", PROMPT)
    registry.suite("a", CASES, SUITE)
    registry.ok("release", "a", "-m", "First")
    return registry


def test_eval_stores_a_result_and_its_outputs_beside_it(released: Place) -> None:
    data = released.ok("eval", "a@1.0.0", "--json").json
    [found] = stored_results(released, RESULTS)
    path = f"prompts/a/evals/results/1.0.0/{found.file_name()}"
    assert data["results"] == [
        {
            "name": "a",
            "version": "1.0.0",
            "suite": "suite",
            "path": path,
            "totals": found.totals.model_dump(mode="json"),
        }
    ]
    assert (data["calls"], data["cost_usd"]) == (4, 0)
    assert released.read(path) == found.text()
    outputs = released.read(path.removesuffix(".json") + ".outputs.jsonl")
    assert [json.loads(line) for line in outputs.splitlines()] == [
        {"id": f"c{index}", "outputs": [f"q{index}"]} for index in range(4)
    ]
    assert found.origin.kind == "local"
    assert found.cases[0].latency_ms == []  # how long a provider takes that is no model says nothing


def test_each_run_is_a_file_of_its_own_and_they_are_pooled(released: Place) -> None:
    for _ in range(2):
        released.ok("eval", "a@1.0.0", "--repeat", "2")
    assert [found.repeats for found in stored_results(released, RESULTS)] == [2, 2]
    project = released.project()
    suite = read_suite(project.folder, "a")
    pool = Pool(side(project.head, project.prompt("a@1.0.0"), suite), suite.setup())
    assert (len(pool.runs), pool.repeats(), pool.unused) == (2, 4, 0)


def test_results_of_a_draft_stay_on_this_machine(released: Place) -> None:
    released.draft("a", PROMPT + "Please.\n")
    released.ok("eval", "a@draft")
    assert stored_results(released, RESULTS) == []
    [found] = stored_results(released, "prompts/.promptreg/results/a/*.json")
    assert found.version == "draft"
    assert ".promptreg" not in released.git("status", "--short", "--untracked-files=all")


def test_a_run_in_ci_says_where(released: Place) -> None:
    environ = {
        "CI": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/app",
        "GITHUB_RUN_ID": "214",
    }
    assert released.run("eval", "a@1.0.0", environ=environ).status == 0
    [found] = stored_results(released, RESULTS)
    assert (found.origin.kind, found.origin.url) == ("ci", "https://github.com/acme/app/actions/runs/214")


@pytest.mark.parametrize(
    "parameters", ["{temperature: 1.0}", "{temperature: 0.0, stop: null}", "{seed: 7, top_p: 0.5}"]
)
def test_the_gate_uses_the_results_of_the_setup_that_the_suite_declares(released: Place, parameters: str) -> None:
    released.suite("a", CASES, f"{SUITE}parameters: {parameters}\n")
    released.ok("eval", "a@1.0.0")
    planned = released.ok("eval", "a@1.0.0", "--needed", "--to", "production", "--dry-run", "--json").json["planned"]
    assert planned == []
    [found] = stored_results(released, RESULTS)
    project = released.project()
    prompt, suite = project.prompt("a@1.0.0"), read_suite(project.folder, "a")
    assert found.fingerprint == fingerprint(behaviour(prompt), suite.setup())
    assert found.fingerprint == fingerprint(behaviour(prompt), found.setup)


def test_a_copy_of_a_run_is_no_repeat(released: Place) -> None:
    released.ok("eval", "a@1.0.0")
    [found] = stored_results(released, RESULTS)
    elsewhere = datetime.fromisoformat(found.started_at).astimezone(timezone(timedelta(hours=9))).isoformat()
    fewer = {"cases": found.cases[:1], "totals": totals(found.cases[:1], found.scorers)}
    for changes in ({"fingerprint": "sha256:" + "f" * 64, "started_at": elsewhere}, fewer):
        copy = found.model_copy(update=changes)
        released.write(f"prompts/a/evals/results/1.0.0/{copy.file_name()}", copy.text())
    project = released.project()
    twice = side(project.head, project.prompt("a@1.0.0"), read_suite(project.folder, "a")).problems
    assert len(twice) == 3  # each pair of the three
    assert all("claim to be the same run, begun at" in problem for problem in twice)


def test_two_runs_of_different_cases_may_begin_at_one_moment(released: Place) -> None:
    released.ok("eval", "a@1.0.0")
    [found] = stored_results(released, RESULTS)
    other = found.model_copy(update={"cases": [found.cases[0].model_copy(update={"id": "c9"})]})
    other = other.model_copy(update={"totals": totals(other.cases, other.scorers)})
    released.write(f"prompts/a/evals/results/1.0.0/{other.file_name()}", other.text())
    project = released.project()
    assert side(project.head, project.prompt("a@1.0.0"), read_suite(project.folder, "a")).problems == ()


def test_a_run_in_which_nothing_was_asked_stores_no_result(released: Place) -> None:
    released.suite("a", [], SUITE)
    before = released.files()
    released.run("eval", "a@1.0.0")
    assert released.files() == before


def test_without_a_provider_eval_lists_them(released: Place) -> None:
    released.suite("a", CASES, SUITE.replace("provider: echo\n", ""))
    ran = released.ok("eval", "a@1.0.0", status=2)
    assert "No provider chosen for prompts/a/evals/suite.yaml." in ran.err
    assert "nearest-example needs nothing and is not a language model." in ran.err
    for name in ("nearest-example", "echo", "command"):
        assert f"\n  {name}" in ran.err
    assert stored_results(released, RESULTS) == []


def test_a_program_that_the_suite_names_does_not_run_without_allow_code(released: Place) -> None:
    released.suite("a", CASES, SUITE.replace("provider: echo", "provider: 'command:touch ran'"))
    ran = released.ok("eval", "a@1.0.0", status=2)
    assert "command:touch ran runs a program that this repository names. If you trust it: --allow-code" in ran.err
    assert not (released.path / "ran").exists()
    released.ok("eval", "a@1.0.0", "--allow-code")
    assert (released.path / "ran").exists()
    [found] = stored_results(released, RESULTS)
    assert found.models == ["command:touch ran"]
    assert len(found.cases[0].latency_ms) == 1


def test_a_case_that_does_not_fit_ends_eval_before_any_call(released: Place) -> None:
    cases = [*CASES, {"id": "c9", "inputs": {}, "expected": "x"}]
    released.suite("a", cases, SUITE.replace("provider: echo", "provider: 'command:touch ran'"))
    ran = released.ok("eval", "a@1.0.0", "--allow-code", status=2)
    assert "prompts/a/evals/cases.jsonl:5: case c9 cannot be rendered with a@1.0.0: missing input question." in ran.err
    assert not (released.path / "ran").exists()
    assert stored_results(released, RESULTS) == []


def test_a_case_in_the_suite_itself_that_does_not_fit_is_told_with_its_line(released: Place) -> None:
    inline = "cases:\n  - {id: c1, inputs: {question: q}, expected: q}\n  - {id: c2, inputs: {}, expected: q}\n"
    released.write("prompts/a/evals/suite.yaml", SUITE + inline)
    ran = released.ok("eval", "a@1.0.0", status=2)
    line = SUITE.count("\n") + 3
    assert f"prompts/a/evals/suite.yaml:{line}: case c2 cannot be rendered with a@1.0.0: missing input" in ran.err


def test_inputs_that_were_left_out_are_told(released: Place) -> None:
    released.suite("a", [replace_inputs(case, {"locale": "ja"}) for case in CASES], SUITE)
    ran = released.ok("eval", "a@1.0.0")
    assert "locale" in ran.out + ran.err


def replace_inputs(case: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return case | {"inputs": case["inputs"] | more}


@pytest.mark.parametrize("value", ['"\\ud800"', "1e999"])
def test_a_case_that_cannot_be_stored_is_an_error_of_the_file_and_no_bug(released: Place, value: str) -> None:
    line = f'{{"id": "c1", "inputs": {{"question": "x", "n": {value}}}, "expected": "x"}}\n'
    released.write("prompts/a/evals/cases.jsonl", line)
    ran = released.ok("eval", "a@1.0.0", status=2)
    assert "prompts/a/evals/cases.jsonl:1" in ran.err


def test_the_first_cases_alone_are_a_look_and_no_evidence(released: Place) -> None:
    ran = released.ok("eval", "a@1.0.0", "--max-cases", "2")
    assert "2 cases × 1" in ran.out
    assert ran.out.rstrip().endswith("not stored")
    assert stored_results(released, RESULTS) == []
    refused = released.ok("eval", "--needed", "--to", "production", "--max-cases", "2", status=2)
    assert "--max-cases is a look at some cases, which is no evidence: it goes with SPECs alone." in refused.err


@pytest.mark.parametrize("provider", ["python:answers:say", "command:python3 prompts/answers.py"])
def test_other_code_of_a_provider_is_another_setup(released: Place, provider: str) -> None:
    code = "def say(facts):\n    return {word!r}\n\n\nif __name__ == '__main__':\n    print({word!r})\n"
    released.suite("a", CASES, SUITE.replace("provider: echo", f"provider: '{provider}'"))
    released.write("prompts/answers.py", code.format(word="q0"))
    released.ok("eval", "a@1.0.0", "--allow-code")
    [found] = stored_results(released, RESULTS)
    assert (found.setup.code or "").startswith("sha256:")
    listed = released.ok("results", "list", "a", "--json").json["results"]
    assert [run["unused"] for run in listed] == [None]
    released.write("prompts/answers.py", code.format(word="q1"))
    listed = released.ok("results", "list", "a", "--json").json["results"]
    assert [run["unused"] for run in listed] == ["another setup"]


def test_a_scorers_program_that_is_not_there_is_told_before_answers_are_paid_for(released: Place) -> None:
    suite = SUITE.replace("provider: echo", "provider: 'command:touch ran'")
    released.suite("a", CASES, suite + "  graded: {type: command, command: pyhton grade.py}\n")
    ran = released.ok("eval", "a@1.0.0", "--allow-code", status=2)
    assert "command:pyhton cannot be run: there is no program pyhton." in ran.err
    assert not (released.path / "ran").exists()
