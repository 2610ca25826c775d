"""Providers opened, asked and closed, in a loop that ends with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptreg.evals.all_providers import open_provider
from promptreg.evals.provider import Completion, Means, Request


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def means(environ: Mapping[str, str] | None = None, **given: Any) -> Means:
    """Means of a door that knows these variables alone."""
    return Means(environ=environ or {}, **given)


def folder_means(folder: Path, **given: Any) -> Means:
    """Means that read a folder, as a registry and as the working directory."""

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return Means(directory=str(folder), read=read, **given)


async def asked(provider: str, request: Request, given: Means, repeat: int = 0) -> Completion:
    """One answer of a provider that is opened for it."""
    opened = open_provider(provider, given, allow_code=True)
    try:
        return await opened.complete(request, repeat)
    finally:
        await opened.close()


def answer(provider: str, *messages: dict[str, Any], given: Means | None = None, **request: Any) -> Completion:
    """What a provider answers to some messages."""
    return asyncio.run(asked(provider, Request(list(messages), **request), given or Means()))
