"""The provider openai: the official SDK against a server on the loopback that speaks the real protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from promptreg.evals.all_providers import open_provider
from promptreg.evals.provider import CallRefused, Completion, Means, ProviderError, ProviderUnusable, Request
from tests.support.asking import answer, assistant, means, user
from tests.support.openai_server import KEY, Asked, OpenAIServer, Reply, tokens

SYSTEM = {"role": "system", "content": "短く答えてください。"}
MODEL = "gpt-4.1-mini"
SERVED = "gpt-4.1-mini-2026-01-01"
TOOL = {
    "name": "look_up",
    "description": "Look an order up.",
    "parameters": {"type": "object", "properties": {"order": {"type": "string"}}},
}
CLOSED = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as started:
        yield started


def ask(server: OpenAIServer, *messages: dict[str, Any], **request: Any) -> Completion:
    return answer("openai", *messages, given=means(server.environ), **{"model": MODEL, **request})


def refused(kind: type[Exception], server: OpenAIServer, text: str, **request: Any) -> Any:
    with pytest.raises(kind) as caught:
        ask(server, user(text), **request)
    assert type(caught.value) is kind
    return caught.value


# What is sent


def test_messages_parameters_and_key_reach_the_server_and_the_answer_says_what_it_took(server: OpenAIServer) -> None:
    messages = [SYSTEM, user("最初"), assistant("はい"), user("返品できますか？")]
    found = ask(server, *messages, parameters={"temperature": 0, "max_completion_tokens": 50})
    sent = server.requests[0]
    assert sent.body == {"messages": messages, "model": MODEL, "temperature": 0, "max_completion_tokens": 50}
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert found == Completion(
        "返品できますか？",
        SERVED,
        tokens_in=tokens(json.dumps(messages, ensure_ascii=False)),
        tokens_out=tokens("返品できますか？"),
        tokens_cached=0,
        finish="stop",
    )


def test_images_go_through(server: OpenAIServer) -> None:
    parts = [
        {"type": "text", "text": "これは？"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ]
    assert ask(server, user(parts)).text == "これは？"
    assert server.requests[0].body["messages"] == [{"role": "user", "content": parts}]


def test_an_output_schema_is_asked_for_as_structured_output(server: OpenAIServer) -> None:
    found = ask(server, user("返品？"), output=CLOSED, prompt="support/answer")
    wanted = {"name": "support_answer", "schema": CLOSED, "strict": True}
    assert server.requests[0].body["response_format"] == {"type": "json_schema", "json_schema": wanted}
    assert json.loads(found.text) == {"answer": "返品？"}


def test_tools_go_through_and_an_answer_that_only_calls_them_is_told_as_json(server: OpenAIServer) -> None:
    found = ask(server, user("注文 !tool"), tools=[TOOL])
    assert server.requests[0].body["tools"] == [{"type": "function", "function": TOOL}]
    assert found.tool_calls == [{"name": "look_up", "arguments": {"order": "注文 !tool"}}]
    assert found.text == '[{"arguments":{"order":"注文 !tool"},"name":"look_up"}]'
    assert found.finish == "tool_calls"


def test_words_beside_a_tool_call_are_the_text() -> None:
    with OpenAIServer(lambda asked: Reply("One moment.", tool_calls=(("look_up", "{bad json"),))) as server:
        found = ask(server, user("x"), tools=[TOOL])
    assert (found.text, found.tool_calls) == ("One moment.", [{"name": "look_up", "arguments": "{bad json"}])


def test_a_parameter_that_only_other_servers_know_is_sent_as_it_is(server: OpenAIServer) -> None:
    ask(server, user("x"), parameters={"top_k": 3, "extra_body": {"guided_regex": "a+"}, "seed": 1})
    body = server.requests[0].body
    assert (body["top_k"], body["guided_regex"], body["seed"]) == (3, "a+", 1)
    assert "extra_body" not in body


@pytest.mark.parametrize("name", ["extra_headers", "base_url", "api_key", "timeout", "extra_query"])
def test_a_parameter_that_could_send_the_key_elsewhere_is_refused_before_any_call(
    server: OpenAIServer, name: str
) -> None:
    problem = refused(ProviderUnusable, server, "x", parameters={name: {"a": "b"}})
    assert str(problem) == (
        f"parameters: {name} is no generation setting. Endpoints, keys and headers come from the environment."
    )
    assert server.requests == []


def test_a_prompt_that_asks_for_a_stream_gets_the_same_answer(server: OpenAIServer) -> None:
    question = user("一つ 二つ 三つ")
    whole, streamed = ask(server, question), ask(server, question, parameters={"stream": True})
    assert server.requests[1].body["stream"] is True
    assert streamed == whole
    call = ask(server, user("!tool"), tools=[TOOL], parameters={"stream": True})
    assert call.tool_calls == [{"name": "look_up", "arguments": {"order": "!tool"}}]


# Keys and addresses come from the means alone


def test_organization_and_project_go_with_the_key_only_where_the_means_say_so(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, f"{name.lower()}-of-the-process")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    ask(server, user("x"))
    assert "of-the-process" not in json.dumps(server.requests[0].headers)
    given = means(server.environ | {"OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj_2"})
    answer("openai", user("x"), given=given, model=MODEL)
    headers = server.requests[1].headers
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj_2")


@pytest.mark.parametrize(
    ("provider", "environ", "message"),
    [
        (
            "openai",
            {},
            (
                "--provider openai needs OPENAI_API_KEY (not set). nearest-example needs nothing and is not a language "
                "model."
            ),
        ),
        (
            "openai",
            {"OPENAI_API_KEY": " "},
            (
                "--provider openai needs OPENAI_API_KEY (not set). nearest-example needs nothing and is not a language "
                "model."
            ),
        ),
        ("openai", {"OPENAI_API_KEY": "sk-鍵"}, "OPENAI_API_KEY holds a character that no key has."),
        ("openai", {"OPENAI_API_KEY": "sk-a\nb"}, "OPENAI_API_KEY holds a character that no key has."),
        (
            "openai",
            {"OPENAI_API_KEY": "sk-a", "OPENAI_BASE_URL": "localhost:8000"},
            "OPENAI_BASE_URL is no address of a server, as in http://127.0.0.1:8000/v1",
        ),
        (
            "openai",
            {"OPENAI_API_KEY": "sk-a", "OPENAI_BASE_URL": "http://x:port/"},
            "OPENAI_BASE_URL is no address of a server, as in http://127.0.0.1:8000/v1",
        ),
        (
            "openai:gpt-4.1",
            {"OPENAI_API_KEY": "sk-a"},
            (
                "openai:gpt-4.1: openai takes nothing behind a colon. The model stands in the prompt or the suite, as "
                "in  model: gpt-4.1"
            ),
        ),
    ],
)
def test_what_cannot_be_opened_says_what_to_set(provider: str, environ: dict[str, str], message: str) -> None:
    with pytest.raises(ProviderUnusable) as caught:
        open_provider(provider, means(environ), allow_code=False)
    assert str(caught.value) == message


def test_a_key_may_end_with_a_line_break_as_files_do(server: OpenAIServer) -> None:
    given = means(server.environ | {"OPENAI_API_KEY": f"{KEY}\n"})
    assert answer("openai", user("x"), given=given, model=MODEL).text == "x"


def test_without_a_model_it_says_where_to_write_one(server: OpenAIServer) -> None:
    problem = refused(ProviderUnusable, server, "x", model=None, prompt="support/answer")
    assert str(problem) == (
        "openai needs the name of a model. Write it into the prompt's front matter of support/answer, or into the "
        "suite, as in  model: gpt-4.1-mini"
    )


# What comes back


@pytest.mark.parametrize(
    ("word", "kind", "message", "after", "crowded"),
    [
        ("429", CallRefused, "openai answered 429: Rate limit reached for requests.", 2.0, True),
        ("503", CallRefused, "openai answered 503: The engine is currently overloaded.", 7.0, True),
        ("500", CallRefused, "openai answered 500: The server had an error while processing your request.", None, 0),
        ("408", CallRefused, "openai answered 408: Request timed out.", None, False),
        ("409", CallRefused, "openai answered 409: The resource is locked.", None, False),
        ("html", CallRefused, "openai answered 502: <html><h1>502 Bad Gateway</h1></html>", None, False),
        (
            "quota",
            ProviderUnusable,
            "openai answered 429: You exceeded your current quota, please check your plan.",
            0,
            0,
        ),
        (
            "401",
            ProviderUnusable,
            "openai answered 401: Incorrect API key provided: [OPENAI_API_KEY]. You can find your API key at …",
            0,
            0,
        ),
        ("403", ProviderUnusable, "openai answered 403: Project `x` does not have access to this.", 0, 0),
        (
            "404",
            ProviderUnusable,
            "openai answered 404: The model `gpt-9` does not exist or you do not have access to it.",
            0,
            0,
        ),
        ("400", ProviderError, "openai answered 400: Invalid value: 'temperature' must be at most 2.", 0, 0),
        ("422", ProviderError, "openai answered 422: Unprocessable entity.", 0, 0),
        ("garbage", ProviderError, "openai did not answer with a chat completion, but with: this is not JSON {", 0, 0),
        ("nothing", ProviderError, "openai did not answer with a chat completion, but with: nothing", 0, 0),
        ("other", ProviderError, 'openai did not answer with a chat completion, but with: {"hello": "world"}', 0, 0),
        ("array", ProviderError, "openai did not answer with a chat completion, but with: [1, 2]", 0, 0),
        (
            "nulls",
            ProviderError,
            ("openai did not answer with a chat completion, but with: "
            '{"id": null, "object": null, "choices": [{"message": null}], "usage": null}'),
            0,
            0,
        ),
        (
            "surrogate",
            ProviderError,
            "openai answered with what cannot be stored: half of a surrogate pair (\\ud800 to \\udfff) is no text.",
            0,
            0,
        ),
    ],
)  # fmt: skip
def test_trouble_is_told_as_what_it_means_for_a_run(
    server: OpenAIServer, word: str, kind: type[Exception], message: str, after: float | None, crowded: bool
) -> None:
    problem = refused(kind, server, f"!{word}")
    assert str(problem) == message
    if isinstance(problem, CallRefused):
        assert (problem.after, problem.crowded) == (after, crowded)
    assert len(server.requests) == 1, "the provider never tries again by itself"


def test_a_server_that_ends_the_connection_may_be_asked_again(server: OpenAIServer) -> None:
    for word in ("close", "midway"):
        problem = refused(CallRefused, server, f"!{word}")
        assert str(problem).startswith(f"openai: no connection to 127.0.0.1:{server.port}: ")


def test_a_server_that_is_not_there_is_named_without_the_password_in_its_address() -> None:
    given = means({"OPENAI_API_KEY": "sk-abcdef", "OPENAI_BASE_URL": "http://me:hunter22@127.0.0.1:9/v1"})
    with pytest.raises(CallRefused) as caught:
        answer("openai", user("x"), given=given, model=MODEL)
    assert str(caught.value) == "openai: no connection to 127.0.0.1:9: All connection attempts failed"


def test_an_error_that_comes_with_the_status_200_is_an_error_all_the_same() -> None:
    body = json.dumps({"error": {"message": "Upstream is busy.", "code": 503}}).encode()
    with OpenAIServer(lambda asked: Reply(body=body)) as server:
        problem = refused(CallRefused, server, "x")
    assert (str(problem), problem.crowded) == ("openai answered 503: Upstream is busy.", True)


def test_servers_tell_their_errors_in_other_words_too() -> None:
    for body, said in [(b'{"detail": "Not so."}', "Not so."), (b'{"a": 1}', '{"a": 1}'), (b"plain", "plain")]:
        with OpenAIServer(lambda asked, body=body: Reply(status=400, body=body)) as server:
            assert str(refused(ProviderError, server, "x")) == f"openai answered 400: {said}"


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:00 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], after: float | None) -> None:
    body = b'{"error": {"message": "Slow down."}}'
    with OpenAIServer(lambda asked: Reply(status=429, body=body, headers=headers)) as server:
        problem = refused(CallRefused, server, "x")
    assert problem.after == after


def test_a_key_that_a_server_repeats_is_in_no_message() -> None:
    key = "0123456789abcdef"

    def repeat(asked: Asked) -> Reply:
        said = {"error": {"message": f"No: {asked.headers['authorization']} ({key}) " + "long " * 200}}
        return Reply(status=400, body=json.dumps(said).encode())

    with OpenAIServer(repeat) as server, pytest.raises(ProviderError) as caught:
        answer("openai", user("x"), given=means(server.environ | {"OPENAI_API_KEY": key}), model=MODEL)
    assert str(caught.value).startswith("openai answered 400: No: Bearer [OPENAI_API_KEY] ([OPENAI_API_KEY]) long long")
    assert len(str(caught.value)) < 330
    assert caught.value.__cause__ is None
    assert key not in repr(vars(caught.value))


@pytest.mark.parametrize(
    ("word", "text", "finish", "cached"),
    [
        ("refusal", "I cannot help with that.", "stop", 0),
        ("empty", "", "stop", 0),
        ("length", "!length", "length", 0),
        ("cached", "!cached", "stop", 3),
    ],
)
def test_answers_out_of_the_ordinary(server: OpenAIServer, word: str, text: str, finish: str, cached: int) -> None:
    found = ask(server, user(f"!{word}"))
    assert (found.text, found.finish, found.tokens_cached) == (text, finish, cached)


def test_what_a_server_leaves_out_is_unknown() -> None:
    body = '{"choices": [{"message": {"content": [{"type": "text", "text": "はい"}]}}]}'.encode()
    with OpenAIServer(lambda asked: Reply(body=body)) as server:
        assert ask(server, user("x")) == Completion("はい", MODEL)


def test_half_of_a_surrogate_pair_is_no_question(server: OpenAIServer) -> None:
    refused(ProviderError, server, "a\ud800b")


def test_a_stream_that_breaks_or_is_no_json_is_a_failed_call(server: OpenAIServer) -> None:
    streaming = {"parameters": {"stream": True}}
    refused(CallRefused, server, "!429", **streaming)
    refused(CallRefused, server, "!close", **streaming)
    events = b"data: {no json}\n\n"
    with OpenAIServer(lambda asked: Reply(body=events, headers={"content-type": "text/event-stream"})) as odd:
        refused(ProviderError, odd, "x", **streaming)


# Many at once


async def _many(server: OpenAIServer, number: int, given: Means) -> list[str]:
    provider = open_provider("openai", given, allow_code=False)
    try:
        questions = [Request([user(f"問い {n}")], MODEL) for n in range(number)]
        return [found.text for found in await asyncio.gather(*(provider.complete(each, 0) for each in questions))]
    finally:
        await provider.close()


def test_calls_share_connections_as_many_as_calls_may_be_made_at_once() -> None:
    with OpenAIServer(delay=0.005) as server:
        found = asyncio.run(_many(server, 160, means(server.environ, concurrency=32)))
    assert found == [f"問い {n}" for n in range(160)]
    assert 1 < server.most_at_once <= 32
    assert server.connections <= 32


async def _given_up(server: OpenAIServer) -> str:
    given = means(server.environ, concurrency=1)
    provider = open_provider("openai", given, allow_code=False)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await provider.complete(Request([user("!stall")], MODEL), 0)
        return (await provider.complete(Request([user("次")], MODEL), 0)).text
    finally:
        await provider.close()


def test_a_call_that_is_given_up_leaves_its_connection_to_the_next(server: OpenAIServer) -> None:
    assert asyncio.run(_given_up(server)) == "次"


def test_a_server_that_wants_another_key_says_so_without_telling_it() -> None:
    with OpenAIServer(key="sk-the-right-one") as server:
        given = means(server.environ | {"OPENAI_API_KEY": "sk-the-wrong-one"})
        with pytest.raises(ProviderUnusable) as caught:
            answer("openai", user("x"), given=given, model=MODEL)
    assert "wrong" not in str(caught.value)
