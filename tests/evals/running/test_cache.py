"""Answers of earlier runs: found by content, counted and named in the result, and never new evidence."""

from __future__ import annotations

import json
import re

import pytest

from promptreg.evals.provider import Completion, Request
from promptreg.evals.running.cache import Cache, CacheError
from tests.support.openai_server import OpenAIServer
from tests.support.place import Place
from tests.support.shipping import cases

SUITE = "provider: openai\nscorers:\n  correct: {type: exact}\n"
EVAL = ("eval", "a", "--cache")


@pytest.fixture
def place(folder: Place) -> Place:
    folder.registry()
    folder.draft("a", "---\nmodel: m\ninputs: {question: string}\n---\n{{ question }}\n")
    folder.suite("a", cases(3), SUITE)
    return folder


def results(place: Place) -> list[dict[str, object]]:
    found = [data for path, data in place.files().items() if "/results/" in path and path.endswith(".json")]
    return sorted(map(json.loads, found), key=lambda result: result["started_at"])


def test_hits_are_marked_and_counted_and_their_runs_are_named(place: Place) -> None:
    with OpenAIServer() as server:
        assert place.run(*EVAL, environ=server.environ).status == 0
        place.suite("a", cases(5), SUITE)
        assert place.run(*EVAL, environ=server.environ).status == 0
        assert len(server.requests) == 5
    first, second = results(place)
    assert "cache" not in first
    assert (second["cache"]["hits"], second["cache"]["misses"]) == (3, 2)
    [named] = second["cache"]["runs"]
    assert abs(float(named[17:23]) - float(first["started_at"][17:23])) < 60
    assert [row.get("cached") for row in second["cases"]] == [[True]] * 3 + [None] * 2
    assert ["latency_ms" in row for row in second["cases"]] == [False] * 3 + [True] * 2


def test_a_run_whose_answers_all_come_from_the_cache_stores_nothing(place: Place) -> None:
    with OpenAIServer() as server:
        assert place.run(*EVAL, environ=server.environ).status == 0
        ran = place.run(*EVAL, environ=server.environ)
        assert (ran.status, len(server.requests), len(results(place))) == (2, 3, 1)
        assert "all 3 answers came from the cache, so nothing was asked and nothing stored." in ran.err
    assert list((place.path / "prompts/.promptreg/runs").iterdir()) == []


def test_a_cache_that_is_none_is_told_in_a_sentence(place: Place) -> None:
    place.write("prompts/.promptreg/cache.sqlite", b"this is no database, but long enough to look like one" * 50)
    with OpenAIServer() as server:
        ran = place.run(*EVAL, environ=server.environ)
    assert ran.status == 2
    assert re.search(r"cache\.sqlite: the cache cannot be used: .*\. It holds nothing but copies: remove it\.", ran.err)


def test_cached_answers_are_recorded_too(place: Place) -> None:
    with OpenAIServer() as server:
        place.run(*EVAL, environ=server.environ)
        place.run(*EVAL, "--record", environ=server.environ)
    assert len(place.read("prompts/a/evals/recordings/suite.jsonl").splitlines()) == 3
    place.ok("eval", "a", "--provider", "replay")


def test_an_answer_is_found_by_all_that_is_asked_and_the_repeat(tmp_path) -> None:
    path, asked = str(tmp_path / "c.sqlite"), Request([{"role": "user", "content": "x"}], "m", {"temperature": 0})
    answer = Completion("x\0é", "m-1", 1, 2, 0.5, 1, "stop", [{"name": "f", "arguments": {"a": [1]}}])
    cache = Cache(path, "then")
    cache.keep("openai", asked, 0, answer)
    cache.close()
    cache = Cache(path, "now")
    assert cache.find("openai", asked, 0) == (answer, "then")
    others = [
        ("litellm", asked, 0),
        ("openai", asked, 1),
        ("openai", Request(asked.messages, "n", asked.parameters), 0),
        ("openai", Request(asked.messages, "m", {"temperature": 1}), 0),
        ("openai", Request(asked.messages, "m", asked.parameters, output={}), 0),
    ]
    assert [cache.find(*other) for other in others] == [None] * 5
    cache._connection.execute("UPDATE answers SET answer = '{\"unknown\": 1}'")
    assert cache.find("openai", asked, 0) is None
    cache.close()
    with pytest.raises(CacheError):
        cache.find("openai", asked, 0)


def test_thirty_two_at_a_time_through_refusals_faults_and_garbage_are_told_apart(place: Place) -> None:
    """Through the real SDK: what passes is asked again, what is no answer is no evidence, and the others are right."""
    words = {0: " !500*2", 1: " !html*1", 2: " !close*1", 3: " !midway*1", 4: " !garbage", 5: " !surrogate", 6: " !400"}
    texts = [f"q{n}{words.get(n % 32, '')}" for n in range(96)]
    found = [{"id": f"c{n}", "inputs": {"question": text}, "expected": text} for n, text in enumerate(texts)]
    place.suite("a", found, SUITE)
    with OpenAIServer(delay=0.01) as server:
        ran = place.run("eval", "a", "--concurrency", "32", environ=server.environ)
        assert (ran.status, server.most_at_once <= 32, server.most_connections <= 32) == (0, True, True)
    [result] = results(place)
    failed = [row["id"] for row in result["cases"] if "errors" in row]
    assert failed == [f"c{n}" for n in range(96) if n % 32 in (4, 5, 6)]
    assert result["totals"]["metrics"]["correct"] == {"n": 87, "mean": 1}
    assert len(server.requests) == 96 + 3 * (2 + 1 + 1 + 1)
