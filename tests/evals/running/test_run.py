"""Running a suite: answers become a result, whatever order they come in and whatever fails."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from promptreg.core.errors import FileError
from promptreg.evals.behaviour import behaviour
from promptreg.evals.cases import Case, fitted_inputs
from promptreg.evals.provider import Completion, ProviderError, ProviderUnusable
from promptreg.evals.reading import read_result
from promptreg.evals.results import Failure
from promptreg.evals.running.run import Progress
from promptreg.evals.suite import fingerprint
from tests.support.place import Place
from tests.support.running import Model, Wanted, run, saying

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


@pytest.fixture
def place(folder: Place) -> Place:
    """A registry with a prompt that has a suite."""
    folder.registry()
    folder.draft("a", PROMPT)
    folder.suite("a", CASES, SUITE)
    return folder


def test_a_run_becomes_a_result(place: Place) -> None:
    asked = Wanted(place, Model(saying), repeats=2)
    wanted = asked.plan()
    found, outputs = asked.run()
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
    [row] = run(place, Model(saying), cases=(case,))[0].cases
    assert (row.tags, row.cluster) == (["critical"], "doc-7")


def test_answers_stand_with_their_cases_whatever_order_they_come_in(place: Place) -> None:
    async def slow(text: str) -> Completion:
        await asyncio.sleep({"q0": 0.03, "q1": 0.02, "q2": 0.01}.get(text, 0))
        return saying(text)

    model = Model(slow)
    seen: list[tuple[int, int]] = []

    def progress(state: Progress) -> None:
        seen.append((state.done, state.total))

    found, outputs = run(place, model, repeats=3, concurrency=12, progress=progress)
    assert outputs == {f"c{index}": [f"q{index}"] * 3 for index in range(4)}
    assert len(model.requests) == 12
    assert seen == [(done, 12) for done in range(1, 13)]
    assert all(len(case.latency_ms) == 3 for case in found.cases)


def test_no_more_calls_run_at_a_time_than_was_asked_for(place: Place) -> None:
    now, most = 0, 0

    async def counting(text: str) -> Completion:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return saying(text)

    run(place, Model(counting), repeats=3, concurrency=2)
    assert most == 2


def test_the_model_is_asked_with_the_prompts_settings_and_those_of_the_suite(place: Place) -> None:
    model = Model(saying)
    run(place, model, cases=(Case(id="c1", inputs={"question": "x"}),))
    [request] = model.requests
    assert request.messages == [{"role": "user", "content": "x"}]
    assert (request.model, request.parameters) == ("gpt-4.1-mini", {"temperature": 0.2, "max_tokens": 100})
    assert request.output == {"type": "object"}
    assert [tool["name"] for tool in request.tools] == ["look"]
    place.suite("a", CASES, SUITE + "model: gpt-4.1\nparameters: {temperature: 0, seed: 7}\n")
    model = Model(saying)
    run(place, model)
    assert model.requests[0].model == "gpt-4.1"
    assert model.requests[0].parameters == {"temperature": 0, "max_tokens": 100, "seed": 7}


def test_inputs_that_a_version_does_not_declare_are_left_out_and_noted(place: Place) -> None:
    case = Case(id="c1", inputs={"question": "x", "locale": "ja", "tone": "friendly", "passages": []})
    prompt = place.project().prompt("a")
    assert fitted_inputs(prompt, case) == ({"question": "x", "tone": "friendly"}, ["locale", "passages"])
    model = Model(saying)
    run(place, model, cases=(case,))
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"locale": "ja"}, "missing input question."),
        ({"question": 7}, "question must be a string"),
        ({"question": "x", "tone": "rude"}, "tone must be"),
    ],
)
def test_a_case_that_does_not_fit_is_an_error_of_the_suite(place: Place, inputs: dict[str, Any], problem: str) -> None:
    model = Model(saying)
    with pytest.raises(FileError) as caught:
        run(place, model, cases=(Case(id="c1", inputs={"question": "x"}), Case(id="c2", inputs=inputs)))
    assert caught.value.path == "prompts/a/evals/cases.jsonl"
    assert caught.value.message.startswith("case c2 cannot be rendered with a@draft: ")
    assert problem in caught.value.message


def test_a_call_that_fails_is_null_with_a_reason_never_a_zero(place: Place) -> None:
    calls: dict[str, int] = {}

    def failing(text: str) -> Completion:
        calls[text] = calls.get(text, 0) + 1
        if text.startswith("q1") and calls[text] == 1:
            raise ProviderError("HTTP 529: overloaded")
        return saying(text)

    found, outputs = run(place, Model(failing), repeats=2, concurrency=1)
    row = found.cases[1]
    assert row.scores == {"correct": [None, 1], "polite": [None, 0]}
    assert row.errors == [Failure(repeat=0, source="provider", reason="HTTP 529: overloaded")]
    assert [value is None for value in row.latency_ms] == [True, False]
    assert found.totals.errors == 1
    assert found.totals.metrics["correct"].n == 4
    assert outputs["c1"] == [None, "q1"]
    assert read_result(found.text().encode(), found.file_name()) == found


def test_a_judgement_that_fails_is_null_with_a_reason_for_its_metric_alone(place: Place) -> None:
    found, _ = run(place, Model(saying), cases=(Case(id="c1", inputs={"question": "please"}),))
    [row] = found.cases
    assert row.scores == {"correct": [None], "polite": [1]}
    assert row.errors == [Failure(repeat=0, source="correct", reason="case c1: expected is missing.")]


def test_a_run_in_which_every_call_fails_is_a_result_without_scores(place: Place) -> None:
    def failing(text: str) -> Completion:
        raise ProviderError("no")

    found, _ = run(place, Model(failing))
    assert (found.models, found.totals.errors) == ([], 4)
    assert found.totals.metrics["correct"].n == 0
    assert found.totals.metrics["correct"].mean is None
    assert read_result(found.text().encode(), found.file_name()) == found


def test_a_provider_that_cannot_be_used_ends_the_run(place: Place) -> None:
    async def unusable(text: str) -> Completion:
        await asyncio.sleep(0.001)
        raise ProviderUnusable("no key")

    model = Model(unusable)
    with pytest.raises(ProviderUnusable, match="no key"):
        run(place, model, repeats=500, concurrency=2)
    assert len(model.requests) <= 2


def test_tokens_cost_and_latency_come_for_free(place: Place) -> None:
    def priced(text: str) -> Completion:
        return Completion(text, "model-1", 100, 20, 0.25)

    found, _ = run(place, Model(priced), repeats=2)
    row = found.cases[0]
    assert (row.tokens_in, row.tokens_out, row.cost_usd) == ([100, 100], [20, 20], [0.25, 0.25])
    assert all(isinstance(value, float) and value >= 0 for value in row.latency_ms)
    totals = found.totals
    assert (totals.tokens_in, totals.tokens_out, totals.cost_usd) == (800, 160, 2.0)


def test_what_a_provider_does_not_know_is_left_out(place: Place) -> None:
    found, _ = run(place, Model(saying))
    assert (found.cases[0].tokens_in, found.cases[0].cost_usd) == ([], [])
    assert "tokens_in" not in found.text().partition('"cases"')[2]


@pytest.mark.parametrize(
    ("stored", "ids"), [("all", ["c0", "c1", "c2", "c3"]), ("failing", ["c2", "c3"]), ("none", [])]
)
def test_outputs_are_stored_as_the_suite_says(place: Place, stored: str, ids: list[str]) -> None:
    place.suite("a", CASES, f"provider: echo\nstore_outputs: {stored}\nscorers:\n  correct: {{type: exact}}\n")
    assert list(run(place, Model(saying))[1]) == ids
