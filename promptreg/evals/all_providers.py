"""The table of providers: a new one is a file and a line here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from promptreg.core.errors import near
from promptreg.evals.provider import Means, Provider, ProviderUnusable
from promptreg.evals.providers.command import Command
from promptreg.evals.providers.echo import Echo
from promptreg.evals.providers.litellm import LiteLLM
from promptreg.evals.providers.nearest_example import NearestExample
from promptreg.evals.providers.openai import OpenAI
from promptreg.evals.providers.python import Python
from promptreg.evals.providers.replay import Replay
from promptreg.evals.python_code import Code, CodeError

PROVIDERS: dict[str, type[Provider]] = {
    "nearest-example": NearestExample,
    "echo": Echo,
    "replay": Replay,
    "openai": OpenAI,
    "litellm": LiteLLM,
    "command": Command,
    "python": Python,
}
#: Providers that are no model: their scores say nothing about a language model.
NOT_MODELS = frozenset(name for name, kind in PROVIDERS.items() if not kind.is_model)


def provider_kind(name: str) -> str:
    """The provider of `KIND` or `KIND:ARGUMENT`; ProviderUnusable where there is none of that name."""
    kind = name.partition(":")[0]
    if kind not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise ProviderUnusable(f"There is no provider {kind}. There are {known}.{near(kind, PROVIDERS)}")
    return kind


def is_model(name: str) -> bool:
    """Whether a provider is a language model, so that how long it takes says something."""
    return PROVIDERS[provider_kind(name)].is_model


def costs(name: str) -> bool:
    """Whether calls of a provider may cost money."""
    return PROVIDERS[provider_kind(name)].costs


def allowing(name: str) -> str:
    """What a command needs behind it to run a provider: ` --allow-code`, or nothing."""
    kind = PROVIDERS.get(name.partition(":")[0])
    return " --allow-code" if kind is not None and kind.runs_code else ""


def open_provider(name: str, means: Means, *, allow_code: bool) -> Provider:
    """A provider by its name; ProviderUnusable where it runs code and that was not allowed."""
    kind = PROVIDERS[provider_kind(name)]
    if kind.runs_code and not allow_code:
        raise ProviderUnusable(f"{name} runs a program that this repository names. If you trust it: --allow-code")
    return kind(name.partition(":")[2], means)


def code_digest(name: str | None, read: Callable[[str], bytes | None]) -> str | None:
    """`sha256:…` over the code of a provider, as far as it stands in the registry; None where none does.

    That is the module of `python:`, and the files that the words of `command:` name, wherever the program is started.
    """
    kind, _, argument = (name or "").partition(":")
    if kind == "python":
        try:
            return Code.find(argument, ".", read).digest
        except CodeError:
            return None
    if kind != "command":
        return None
    found = [data for word in argument.split() if (data := _named(word.strip("'\""), read)) is not None]
    return f"sha256:{hashlib.sha256(b''.join(_framed(data) for data in found)).hexdigest()}" if found else None


def _named(word: str, read: Callable[[str], bytes | None]) -> bytes | None:
    """The file of the registry that a word of a command line names, from the project's folder or from its own."""
    parts = [part for part in word.split("/") if part != "."]
    if not parts or "" in parts or ".." in parts:
        return None
    paths = ("/".join(parts[at:]) for at in range(len(parts)))
    return next((data for path in paths if (data := read(path)) is not None), None)


def _framed(data: bytes) -> bytes:
    return b"%d\n%b" % (len(data), data)


def listed() -> str:
    """The providers with a line each, for somebody who has to choose."""
    return "\n".join(f"  {name:<16} {kind.summary}" for name, kind in PROVIDERS.items())
