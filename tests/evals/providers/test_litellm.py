"""The provider litellm: the real library against a server on the loopback, in a process of its own.

It is imported in another process because it keeps threads, clients and warnings of its own for as long as one lasts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from promptreg.evals.all_providers import open_provider
from promptreg.evals.provider import ProviderUnusable
from tests.support.asking import means, user
from tests.support.openai_server import KEY, OpenAIServer, tokens

ROOT = Path(__file__).parents[3]
MODEL = "openai/gpt-4.1-mini"
TOOL = {"name": "look_up", "description": "", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
#: Asks all questions that stand on its input, at once, and prints what came of each.
PROGRAM = """
import asyncio, json, sys
from promptreg.cli.options import surroundings
from promptreg.core.errors import PromptregError
from promptreg.evals.all_providers import open_provider
from promptreg.evals.provider import Means, Request

given = json.load(sys.stdin)
reached = set()

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments
        reached.add(str(address[0] if isinstance(address, tuple) else address))

sys.addaudithook(watch)
surroundings()  # the door, which keeps litellm quiet
provider = open_provider("litellm", Means(environ=given["environ"], concurrency=32), allow_code=False)

async def one(request):
    try:
        async with asyncio.timeout(60):  # as a run does: a provider does not time out by itself
            found = await provider.complete(Request(**request), 0)
        return {slot: getattr(found, slot) for slot in found.__slots__}
    except PromptregError as problem:
        return {"kind": type(problem).__name__, "said": str(problem), **vars(problem)}

async def all_of_them():
    found = await asyncio.gather(*map(one, given["requests"]))
    await provider.close()
    return found

found = asyncio.run(all_of_them())
print(json.dumps({"found": found, "reached": sorted(reached)}))
"""


def ask(server: OpenAIServer, *requests: dict[str, Any], environ: dict[str, str] | None = None) -> dict[str, Any]:
    """What came of all requests, each asked once and all together."""
    given = {
        "environ": server.environ | (environ or {}),
        "requests": [{"model": MODEL, **request} for request in requests],
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LITELLM", "OPENAI"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=kept,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *noise, last = done.stdout.splitlines()
    assert noise == [], "litellm says nothing on the terminal"
    found: dict[str, Any] = json.loads(last)
    return found


TROUBLE = {
    "429": ("CallRefused", "litellm answered 429: Rate limit reached for requests."),
    "503": ("CallRefused", "litellm answered 503: The engine is currently overloaded."),
    "500": ("CallRefused", "litellm answered 500: The server had an error while processing your request."),
    "408": ("CallRefused", "litellm: no answer in time."),
    "close": ("CallRefused", "litellm answered 500: Connection error."),
    "401": (
        "ProviderUnusable",
        "litellm answered 401: Incorrect API key provided: [OPENAI_API_KEY]. You can find your API key at …",
    ),
    "404": (
        "ProviderUnusable",
        "litellm answered 404: The model `gpt-9` does not exist or you do not have access to it.",
    ),
    "400": ("ProviderError", "litellm answered 400: Invalid value: 'temperature' must be at most 2."),
    "surrogate": (
        "ProviderError",
        "litellm answered with what cannot be stored: half of a surrogate pair (\\ud800 to \\udfff) is no text.",
    ),
}


def test_every_call_goes_through_litellm_and_says_what_came_of_it() -> None:
    with OpenAIServer() as server:
        plain = {"messages": [user("返品できますか？")], "parameters": {"temperature": 0, "top_k": 3}}
        tooled = {"messages": [user("!tool")], "tools": [TOOL]}
        shaped = {"messages": [user("形")], "output": CLOSED}
        streamed = {"messages": [user("一つ 二つ")], "parameters": {"stream": True}}
        unknown = {"messages": [user("x")], "model": "openai/nobody-knows-it"}
        odd = [{"messages": [user(f"!{word}")]} for word in ("cached", "length")]
        ran = ask(server, plain, tooled, shaped, streamed, unknown, *odd)
        requests = server.requests
    answer, call, json_answer, stream, unpriced, cached, length = ran["found"]

    assert answer["text"] == "返品できますか？"
    assert answer["model"] == "gpt-4.1-mini-2026-01-01"
    assert (answer["tokens_out"], answer["finish"]) == (tokens("返品できますか？"), "stop")
    # by litellm's own price map: 0.4 and 1.6 USD for a million tokens
    assert answer["cost_usd"] == pytest.approx((0.4 * answer["tokens_in"] + 1.6 * answer["tokens_out"]) / 1e6)
    assert unpriced["text"] == "x"
    assert unpriced["cost_usd"] is None
    assert call["tool_calls"] == [{"name": "look_up", "arguments": {"q": "!tool"}}]
    assert json.loads(json_answer["text"]) == {"a": "形"}
    assert (stream["text"], stream["finish"]) == ("一つ 二つ", "stop")
    assert stream["tokens_out"] == tokens("一つ 二つ")
    assert (cached["tokens_cached"], length["finish"]) == (3, "length")

    assert all(sent.headers["authorization"] == f"Bearer {KEY}" for sent in requests)
    sent = next(each.body for each in requests if each.text == "返品できますか？")
    assert (sent["model"], sent["temperature"], sent["top_k"]) == ("gpt-4.1-mini", 0, 3)
    assert ran["reached"] == ["127.0.0.1"], "no prices are fetched, and nobody is told of the calls"


def test_trouble_is_told_as_what_it_means_for_a_run() -> None:
    with OpenAIServer() as server:
        ran = ask(server, *({"messages": [user(f"!{word}")]} for word in TROUBLE))
        assert len(server.requests) == len(TROUBLE), "nothing is tried again by litellm"
    for (word, (kind, message)), found in zip(TROUBLE.items(), ran["found"], strict=True):
        assert (word, found["kind"], found["said"]) == (word, kind, message)
    assert [found.get("after") for found in ran["found"][:3]] == [2.0, 7.0, None]


def test_neither_money_nor_rights_come_by_asking_again() -> None:
    with OpenAIServer() as server:
        found = ask(server, {"messages": [user("!quota")]}, {"messages": [user("!403")]})["found"]
    assert [(each["kind"], each["said"]) for each in found] == [
        ("ProviderUnusable", "litellm answered 429: You exceeded your current quota, please check your plan."),
        ("ProviderUnusable", "litellm answered 403: Project `x` does not have access to this."),
    ]


def test_what_litellm_cannot_do_is_said_before_a_call() -> None:
    with OpenAIServer() as server:
        ran = ask(
            server,
            {"messages": [user("x")], "model": "no-such-thing"},
            {"messages": [user("x")], "model": None},
            {"messages": [user("x")], "parameters": {"mock_response": "always right"}},
            {"messages": [user("x")], "parameters": {"api_base": "http://evil.example"}},
        )
        assert server.requests == []
    assert [found["kind"] for found in ran["found"]] == ["ProviderUnusable"] * 4
    assert [found["said"] for found in ran["found"]] == [
        (
            "litellm does not know which API no-such-thing belongs to. Write it before the model, as in  "
            "model: openai/no-such-thing"
        ),
        (
            "litellm needs the name of a model. Write it into the prompt's front matter, or into the suite, as in  "
            "model: gpt-4.1-mini"
        ),
        "parameters: mock_response would have something else answer than the model.",
        "parameters: api_base is no generation setting. Endpoints, keys and headers come from the environment.",
    ]


def test_as_many_connections_as_calls_are_made() -> None:
    with OpenAIServer(delay=0.05) as server:
        ran = ask(server, *({"messages": [user(f"問い {n}")]} for n in range(32)))
        assert server.connections <= 32
        assert server.most_at_once > 1
    assert [found["text"] for found in ran["found"]] == [f"問い {n}" for n in range(32)]


def test_a_model_does_not_stand_behind_a_colon() -> None:
    with pytest.raises(ProviderUnusable) as caught:
        open_provider("litellm:openai/gpt-4.1", means(), allow_code=False)
    assert str(caught.value) == (
        "litellm:openai/gpt-4.1: litellm takes nothing behind a colon. The model stands in the prompt or the suite, "
        "as in  model: openai/gpt-4.1"
    )
