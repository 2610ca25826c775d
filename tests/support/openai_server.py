"""A server on the loopback that speaks OpenAI's chat completions: it answers, streams, fails, stalls and talks garbage.

Source of the protocol: https://platform.openai.com/docs/api-reference/chat. `python -m tests.support.openai_server
--delay-ms 20` starts one by itself and prints its port.

By default the answer is the last user message. A word in it asks for trouble: `!429`, `!stall`, … (the table TROUBLE);
`!429*2` means twice for this very request, after which it is answered. A `script` answers something else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

KEY = "sk-test-key-of-nobody"
_WORD = re.compile(r"!([a-z0-9_]+)(?:\*(\d+))?")


@dataclass(frozen=True)
class Asked:
    """One request as it came: its path, headers (names in lower case), and its body, read as JSON."""

    path: str
    headers: dict[str, str]
    body: Any

    @property
    def text(self) -> str:
        """The text of the last user message."""
        users = [message for message in self.body.get("messages", []) if message.get("role") == "user"]
        content = users[-1]["content"] if users else ""
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@dataclass(frozen=True)
class Reply:
    """What the server does: answers with a text or tool calls, or with a status and a body, or not at all.

    `end` is `stall` (never answers), `close` (ends the connection instead) or `midway` (ends it amid the body).
    """

    text: str | None = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    refusal: str | None = None
    finish: str | None = None
    cached: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    end: str = ""


def failure(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    """An error in OpenAI's shape."""
    kind = {401: "invalid_request_error", 429: "requests"}.get(
        status, "server_error" if status >= 500 else "invalid_request_error"
    )
    body = json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()
    return Reply(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


TROUBLE: dict[str, Reply] = {
    "400": failure(400, "Invalid value: 'temperature' must be at most 2."),
    "401": failure(401, f"Incorrect API key provided: {KEY}. You can find your API key at …", "invalid_api_key"),
    "403": failure(403, "Project `x` does not have access to this.", "unsupported_country"),
    "404": failure(404, "The model `gpt-9` does not exist or you do not have access to it.", "model_not_found"),
    "408": failure(408, "Request timed out."),
    "409": failure(409, "The resource is locked."),
    "422": failure(422, "Unprocessable entity."),
    "429": failure(429, "Rate limit reached for requests.", "rate_limit_exceeded", retry_after="2"),
    "quota": failure(429, "You exceeded your current quota, please check your plan.", "insufficient_quota"),
    "500": failure(500, "The server had an error while processing your request."),
    "503": failure(503, "The engine is currently overloaded.", retry_after="7"),
    "html": Reply(status=502, body=b"<html><h1>502 Bad Gateway</h1></html>"),
    "stall": Reply(end="stall"),
    "close": Reply(end="close"),
    "midway": Reply(text="half", end="midway"),
    "garbage": Reply(body=b"this is not JSON {"),
    "other": Reply(body=b'{"hello": "world"}'),
    "array": Reply(body=b"[1, 2]"),
    "nothing": Reply(body=b""),
    "nochoices": Reply(body=b'{"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}'),
    "nulls": Reply(body=b'{"id": null, "object": null, "choices": [{"message": null}], "usage": null}'),
    "surrogate": Reply(body=b'{"model": "m", "choices": [{"message": {"role": "assistant", "content": "a\\ud800b"}}]}'),
    "empty": Reply(text=None),
    "refusal": Reply(text=None, refusal="I cannot help with that."),
    "slow": Reply(delay=0.3),
    "length": Reply(finish="length"),
    "cached": Reply(cached=3),
}


def echo(asked: Asked) -> Reply:
    """The last user message; in JSON where a schema is asked for, as a call where a tool must be called."""
    must_call = asked.body.get("tool_choice") == "required" or "!tool" in asked.text
    if asked.body.get("tools") and must_call:
        tool = asked.body["tools"][0]["function"]
        arguments = json.dumps(example(tool.get("parameters", {}), asked.text), ensure_ascii=False)
        return Reply(text=None, tool_calls=((tool["name"], arguments),))
    wanted = asked.body.get("response_format", {})
    if wanted.get("type") == "json_schema":
        return Reply(json.dumps(example(wanted["json_schema"]["schema"], asked.text), ensure_ascii=False))
    return Reply(asked.text)


def example(schema: dict[str, Any], text: str) -> Any:
    """A value that a schema admits, with a text wherever text may stand."""
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "string")
    if kind == "object":
        return {name: example(inner, text) for name, inner in schema.get("properties", {}).items()}
    return {"string": text, "number": 0.5, "integer": 1, "boolean": True, "array": []}.get(kind)


class OpenAIServer:
    """The server, in a thread of its own as long as the `with` lasts.

    `requests` is all that was asked; `most_at_once` how many were answered at the same time, `connections` how many
    connections were made and `most_connections` how many stood open together.
    """

    def __init__(self, script: Callable[[Asked], Reply | str] = echo, *, delay: float = 0.0, key: str | None = None):
        self.script = script
        self.delay = delay
        self.key = key
        self.port = 0
        self.requests: list[Asked] = []
        self.at_once = self.most_at_once = self.connections = self.open = self.most_connections = 0
        self._troubled: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def environ(self) -> dict[str, str]:
        """What a program needs to find it."""
        return {"OPENAI_BASE_URL": self.base_url, "OPENAI_API_KEY": self.key or KEY}

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._began.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self.serve(0, self._began.set))

    async def serve(self, port: int, ready: Callable[[], object]) -> None:
        """Serve until the end is said; `ready` is called once the port is known."""
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", port, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        ready()
        await self._end.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_connections = max(self.most_connections, self.open)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(head[0].split(" ")[1], headers, json.loads(body or b"{}"))
        self.requests.append(asked)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            reply = self._reply(asked)
            await asyncio.sleep(self.delay + reply.delay)
            return await _replied(asked, reply, writer)
        finally:
            self.at_once -= 1

    def _reply(self, asked: Asked) -> Reply:
        if asked.path.partition("?")[0] != "/v1/chat/completions":
            return failure(404, f"Unknown request URL: POST {asked.path}.", "unknown_url")
        if self.key is not None and asked.headers.get("authorization") != f"Bearer {self.key}":
            return failure(401, f"Incorrect API key provided: {asked.headers.get('authorization')}.", "invalid_api_key")
        found = _WORD.search(asked.text)
        if found and found[1] in TROUBLE:
            key = hashlib.sha256(json.dumps(asked.body, sort_keys=True).encode()).hexdigest()
            self._troubled[key] += 1
            if found[2] is None or self._troubled[key] <= int(found[2]):
                trouble = TROUBLE[found[1]]
                return replace(trouble, text=asked.text) if trouble.text == "" else trouble
        reply = self.script(asked)
        return reply if isinstance(reply, Reply) else Reply(reply)


async def _replied(asked: Asked, reply: Reply, writer: asyncio.StreamWriter) -> bool:
    if reply.end == "stall":
        await asyncio.Event().wait()
    if reply.end == "close":
        return False
    if asked.body.get("stream") and reply.body is None:
        await _streamed(asked, reply, writer)
        return True
    body = reply.body if reply.body is not None else json.dumps(completion(asked, reply)).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **reply.headers}
    writer.write(_head(reply.status, headers) + (body[: len(body) // 2] if reply.end else body))
    await writer.drain()
    return not reply.end


async def _streamed(asked: Asked, reply: Reply, writer: asyncio.StreamWriter) -> None:
    writer.write(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
    async for event in _events(asked, reply):
        line = f"data: {event}\n\n".encode()
        writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _events(asked: Asked, reply: Reply) -> AsyncIterator[str]:
    whole = completion(asked, reply)
    facts = {key: whole[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    for delta, finish in _deltas(whole["choices"][0]):
        yield json.dumps({**facts, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        await asyncio.sleep(0)
    if asked.body.get("stream_options", {}).get("include_usage"):
        yield json.dumps({**facts, "choices": [], "usage": whole["usage"]})
    yield "[DONE]"


def _deltas(choice: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None]]:
    yield {"role": "assistant", "content": ""}, None
    for piece in re.findall(r"\S+\s*|\s+", choice["message"]["content"] or ""):
        yield {"content": piece}, None
    for index, call in enumerate(choice["message"].get("tool_calls", [])):
        yield {"tool_calls": [{"index": index, **call}]}, None
    yield {}, choice["finish_reason"]


def completion(asked: Asked, reply: Reply) -> dict[str, Any]:
    """A whole answer, in OpenAI's shape; a token is four bytes here."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": reply.refusal, "annotations": []}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for at, (name, arguments) in enumerate(reply.tool_calls)
        ]
    tokens_in = tokens(json.dumps(asked.body.get("messages"), ensure_ascii=False))
    tokens_out = tokens("".join([reply.text or "", *(arguments for _, arguments in reply.tool_calls)]))
    finish = reply.finish or ("tool_calls" if reply.tool_calls else "stop")
    return {
        "id": "chatcmpl-" + hashlib.sha256(json.dumps(asked.body, sort_keys=True).encode()).hexdigest()[:24],
        "object": "chat.completion",
        "created": 1_763_000_000,
        "model": f"{asked.body.get('model')}-2026-01-01",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
            "prompt_tokens_details": {"cached_tokens": reply.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_loopback",
    }


def tokens(text: str) -> int:
    """How many tokens a text counts as."""
    return len(text.encode("utf-8", "replace")) // 4 + 1


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def main() -> None:
    """Serve until the program is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    server = OpenAIServer(delay=given.delay_ms / 1000)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve(given.port, lambda: os.write(1, f"{server.port}\n".encode())))


if __name__ == "__main__":
    main()
