"""Running a suite: in memory with a provider of the test's own, and as `promptreg eval` in real registries."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest

from promptreg.core.errors import FileError
from promptreg.evals.behaviour import behaviour
from promptreg.evals.cases import Case, fitted_inputs
from promptreg.evals.evidence import Pool
from promptreg.evals.provider import Completion, Provider, ProviderError, ProviderUnusable, Request, last_user_text
from promptreg.evals.results import Failure, Result, read_result, totals
from promptreg.evals.runner import Run, run
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


class Model:
    """A provider for these tests: answers by a function, and remembers what it was asked."""

    is_model: ClassVar[bool] = True
    runs_code: ClassVar[bool] = False
    costs: ClassVar[bool] = True
    summary: ClassVar[str] = "for tests"

    def __init__(self, answer: Callable[[str], Completion]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._lock = threading.Lock()

    def complete(self, request: Request) -> Completion:
        with self._lock:
            self.requests.append(request)
        return self.answer(last_user_text(request.messages))


def saying(text: str) -> Completion:
    return Completion(text, "model-1")


@pytest.fixture
def place(folder: Place) -> Place:
    """A registry with a prompt that has a suite."""
    folder.registry()
    folder.draft("a", PROMPT)
    folder.suite("a", CASES, SUITE)
    return folder


def plan(place: Place, provider: Provider, **changes: Any) -> Run:
    project = place.project()
    prompt, suite = project.prompt("a"), read_suite(project.folder, "a")
    facts = {"cases": suite.cases, "provider": provider, "provider_name": "openai", "tool": "promptreg 0.1.0"}
    return Run(prompt, suite, **(facts | changes))


def test_a_run_becomes_a_result(place: Place) -> None:
    wanted = plan(place, Model(saying), repeats=2)
    found, outputs = run(wanted)
    assert (found.prompt, found.version, found.digest) == ("a", "draft", wanted.prompt.digest)
    assert (found.suite, found.tool, found.repeats, found.models) == ("suite", "promptreg 0.1.0", 2, ["model-1"])
    assert found.setup == wanted.suite.setup("openai")
    assert found.fingerprint == fingerprint(behaviour(wanted.prompt), found.setup)
    assert {name: facts.digest for name, facts in found.scorers.items()} == found.setup.scorers
    assert datetime.fromisoformat(found.started_at).utcoffset() is not None
    assert [(case.id, case.case) for case in found.cases] == [(case.id, case.digest) for case in wanted.cases]
    assert [case.scores["correct"] for case in found.cases] == [[1, 1], [1, 1], [0, 0], [0, 0]]
    assert [case.scores["polite"] for case in found.cases] == [[0, 0]] * 4
    assert found.totals.metrics["correct"].mean == 0.5
    assert outputs == {f"c{index}": [f"q{index}"] * 2 for index in range(4)}
    assert read_result(found.text().encode(), found.file_name()) == found


def test_tags_and_cluster_of_a_case_stand_in_the_result(place: Place) -> None:
    case = Case(id="c1", inputs={"question": "x"}, expected="x", tags=["critical"], cluster="doc-7")
    [row] = run(plan(place, Model(saying), cases=(case,)))[0].cases
    assert (row.tags, row.cluster) == (["critical"], "doc-7")


def test_answers_stand_with_their_cases_whatever_order_they_come_in(place: Place) -> None:
    def slow(text: str) -> Completion:
        time.sleep({"q0": 0.03, "q1": 0.02, "q2": 0.01}.get(text, 0))
        return saying(text)

    model = Model(slow)
    seen: list[tuple[int, int]] = []
    wanted = plan(place, model, repeats=3, concurrency=12, progress=lambda done, total: seen.append((done, total)))
    found, outputs = run(wanted)
    assert outputs == {f"c{index}": [f"q{index}"] * 3 for index in range(4)}
    assert len(model.requests) == 12
    assert seen == [(done, 12) for done in range(1, 13)]
    assert all(len(case.latency_ms) == 3 for case in found.cases)


def test_no_more_calls_run_at_a_time_than_was_asked_for(place: Place) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def counting(text: str) -> Completion:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1
        return saying(text)

    run(plan(place, Model(counting), repeats=3, concurrency=2))
    assert most <= 2


def test_the_model_is_asked_with_the_prompts_settings_and_those_of_the_suite(place: Place) -> None:
    model = Model(saying)
    run(plan(place, model, cases=(Case(id="c1", inputs={"question": "x"}),)))
    [request] = model.requests
    assert request.messages == [{"role": "user", "content": "x"}]
    assert (request.model, request.parameters) == ("gpt-4.1-mini", {"temperature": 0.2, "max_tokens": 100})
    assert request.output == {"type": "object"}
    assert [tool["name"] for tool in request.tools] == ["look"]
    place.suite("a", CASES, SUITE + "model: gpt-4.1\nparameters: {temperature: 0, seed: 7}\n")
    model = Model(saying)
    run(plan(place, model))
    assert model.requests[0].model == "gpt-4.1"
    assert model.requests[0].parameters == {"temperature": 0, "max_tokens": 100, "seed": 7}


def test_inputs_that_a_version_does_not_declare_are_left_out_and_noted(place: Place) -> None:
    case = Case(id="c1", inputs={"question": "x", "locale": "ja", "tone": "friendly", "passages": []})
    prompt = place.project().prompt("a")
    assert fitted_inputs(prompt, case) == ({"question": "x", "tone": "friendly"}, ["locale", "passages"])
    model = Model(saying)
    run(plan(place, model, cases=(case,)))
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"locale": "ja"}, "missing input question."),
        ({"question": 7}, "question must be a string"),
        ({"question": "x", "tone": "rude"}, "tone must be"),
    ],
)
def test_a_case_that_does_not_fit_is_an_error_of_the_suite_before_the_first_call(
    place: Place, inputs: dict[str, Any], problem: str
) -> None:
    model = Model(saying)
    with pytest.raises(FileError) as caught:
        run(plan(place, model, cases=(Case(id="c1", inputs={"question": "x"}), Case(id="c2", inputs=inputs))))
    assert caught.value.path == "prompts/a/evals/cases.jsonl"
    assert caught.value.message.startswith("case c2 cannot be rendered with a@draft: ")
    assert problem in caught.value.message
    assert model.requests == []


def test_a_call_that_fails_is_null_with_a_reason_never_a_zero(place: Place) -> None:
    calls: dict[str, int] = {}

    def failing(text: str) -> Completion:
        calls[text] = calls.get(text, 0) + 1
        if text.startswith("q1") and calls[text] == 1:
            raise ProviderError("HTTP 529: overloaded")
        return saying(text)

    found, outputs = run(plan(place, Model(failing), repeats=2, concurrency=1))
    row = found.cases[1]
    assert row.scores == {"correct": [None, 1], "polite": [None, 0]}
    assert row.errors == [Failure(repeat=0, source="provider", reason="HTTP 529: overloaded")]
    assert [value is None for value in row.latency_ms] == [True, False]
    assert found.totals.errors == 1
    assert found.totals.metrics["correct"].n == 4
    assert outputs["c1"] == [None, "q1"]
    assert read_result(found.text().encode(), found.file_name()) == found


def test_a_judgement_that_fails_is_null_with_a_reason_for_its_metric_alone(place: Place) -> None:
    found, _ = run(plan(place, Model(saying), cases=(Case(id="c1", inputs={"question": "please"}),)))
    [row] = found.cases
    assert row.scores == {"correct": [None], "polite": [1]}
    assert row.errors == [Failure(repeat=0, source="correct", reason="case c1: expected is missing.")]


def test_a_run_in_which_every_call_fails_is_a_result_without_scores(place: Place) -> None:
    def failing(text: str) -> Completion:
        raise ProviderError("no")

    found, _ = run(plan(place, Model(failing)))
    assert (found.models, found.totals.errors) == ([], 4)
    assert found.totals.metrics["correct"].n == 0
    assert found.totals.metrics["correct"].mean is None
    assert read_result(found.text().encode(), found.file_name()) == found


def test_a_provider_that_cannot_be_used_ends_the_run(place: Place) -> None:
    def unusable(text: str) -> Completion:
        time.sleep(0.005)
        raise ProviderUnusable("no key")

    model = Model(unusable)
    with pytest.raises(ProviderUnusable, match="no key"):
        run(plan(place, model, repeats=500, concurrency=2))
    assert len(model.requests) < 2000


def test_tokens_cost_and_latency_come_for_free(place: Place) -> None:
    def priced(text: str) -> Completion:
        return Completion(text, "model-1", 100, 20, 0.25)

    found, _ = run(plan(place, Model(priced), repeats=2))
    row = found.cases[0]
    assert (row.tokens_in, row.tokens_out, row.cost_usd) == ([100, 100], [20, 20], [0.25, 0.25])
    assert all(isinstance(value, float) and value >= 0 for value in row.latency_ms)
    totals = found.totals
    assert (totals.tokens_in, totals.tokens_out, totals.cost_usd) == (800, 160, 2.0)


def test_what_a_provider_does_not_know_is_left_out(place: Place) -> None:
    found, _ = run(plan(place, Model(saying)))
    assert (found.cases[0].tokens_in, found.cases[0].cost_usd) == ([], [])
    assert "tokens_in" not in found.text().partition('"cases"')[2]


@pytest.mark.parametrize(
    ("stored", "ids"), [("all", ["c0", "c1", "c2", "c3"]), ("failing", ["c2", "c3"]), ("none", [])]
)
def test_outputs_are_stored_as_the_suite_says(place: Place, stored: str, ids: list[str]) -> None:
    place.suite("a", CASES, f"provider: echo\nstore_outputs: {stored}\nscorers:\n  correct: {{type: exact}}\n")
    assert list(run(plan(place, Model(saying)))[1]) == ids


# promptreg eval


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
