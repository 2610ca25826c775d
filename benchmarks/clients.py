"""What a run of cases costs with nothing around it: a loop over the official SDK, and one without it.

`python -m benchmarks.clients sdk|bare CASES CONCURRENCY OUTPUT`, where OPENAI_BASE_URL is the server and CASES a JSONL
file; writes one line a case.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SYSTEM = "Which queue does this ticket belong into? Answer with one word."
Ask = Callable[[str], Awaitable[str]]


def body(question: str) -> dict[str, Any]:
    """What each of them asks."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    return {"model": "stand-in", "temperature": 0, "messages": messages}


async def with_sdk(rows: Iterator[dict[str, Any]], concurrency: int, answered: Callable[[Any, str], None]) -> None:
    """A loop over AsyncOpenAI."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(max_retries=0) as client:

        async def ask(question: str) -> str:
            answer = await client.chat.completions.create(**body(question))
            return str(answer.choices[0].message.content)

        await asyncio.gather(*(_worker(rows, ask, answered) for _ in range(concurrency)))


async def _worker(rows: Iterator[dict[str, Any]], ask: Ask, answered: Callable[[Any, str], None]) -> None:
    for row in rows:
        answered(row, await ask(row["inputs"]["question"]))


async def without_sdk(rows: Iterator[dict[str, Any]], concurrency: int, answered: Callable[[Any, str], None]) -> None:
    """A loop over sockets, one for each worker."""

    async def worker() -> None:
        address = urlsplit(os.environ["OPENAI_BASE_URL"])
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = f"POST {address.path}/chat/completions HTTP/1.1\r\nhost: {address.netloc}\r\n"

        async def ask(question: str) -> str:
            data = json.dumps(body(question)).encode()
            writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
            headers = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(headers.partition("content-length:")[2].partition("\r\n")[0])
            answer = json.loads(await reader.readexactly(length))
            return str(answer["choices"][0]["message"]["content"])

        await _worker(rows, ask, answered)
        writer.close()

    await asyncio.gather(*(worker() for _ in range(concurrency)))


def main() -> None:
    """Ask everything once."""
    kind, cases, concurrency, output = sys.argv[1:]
    run = {"sdk": with_sdk, "bare": without_sdk}[kind]
    with Path(cases).open(encoding="utf-8") as lines, Path(output).open("w", encoding="utf-8") as out:

        def answered(row: Any, text: str) -> None:
            out.write(json.dumps({"id": row["id"], "correct": text.strip() == row["expected"]}) + "\n")

        asyncio.run(run((json.loads(line) for line in lines), int(concurrency), answered))


if __name__ == "__main__":
    main()
