"""OpenAI's API, and every server that speaks it, through the official SDK."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from promptreg.core.errors import PromptregError
from promptreg.evals.provider import CallRefused, Completion, Means, ProviderError, ProviderUnusable, Request
from promptreg.evals.providers import chat_completions as chat
from promptreg.evals.providers.refusals import brief, of_status, patience

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAIError

INSTALL = "The provider openai needs the official SDK: pip install 'git-promptreg[openai]'"
KEY, ADDRESS = "OPENAI_API_KEY", "OPENAI_BASE_URL"
_OPENAI = "https://api.openai.com/v1"
_OWN = frozenset({"self", "extra_headers", "extra_query", "extra_body", "timeout"})


class OpenAI:
    """`openai`: chat completions of OpenAI, or of the server that OPENAI_BASE_URL names.

    OPENAI_API_KEY is the key; OPENAI_ORG_ID and OPENAI_PROJECT_ID go with it where they are set. Parameters that the
    SDK does not know are sent as they are, so that other servers get theirs.
    """

    is_model: ClassVar[bool] = True
    runs_code: ClassVar[bool] = False
    costs: ClassVar[bool] = True
    summary: ClassVar[str] = "OpenAI's API, or the server in OPENAI_BASE_URL; needs OPENAI_API_KEY"

    def __init__(self, argument: str, means: Means) -> None:
        """Takes no argument. ProviderUnusable without a key, or without the SDK."""
        if argument:
            raise ProviderUnusable(
                f"openai:{argument}: openai takes nothing behind a colon. The model stands in the prompt or the suite, "
                f"as in  model: {argument}"
            )
        self.environ = means.environ
        key, address = environ_key(means.environ), environ_address(means.environ)
        self.address = urlsplit(address).netloc.rpartition("@")[2]
        self.client = _client(key, address, means)
        create = inspect.signature(self.client.chat.completions.create)
        self.known = create.parameters.keys() - _OWN

    async def complete(self, request: Request, repeat: int) -> Completion:
        """The first choice of the answer."""
        import openai

        call = self._call(chat.arguments("openai", request))
        try:
            data = await (self._streamed(call) if call.get("stream") else self._whole(call))
        except openai.OpenAIError as problem:
            raise trouble("openai", problem, self.environ, self.address) from None
        except _http(openai).HTTPError as problem:
            said = brief(str(problem), self.environ)
            raise CallRefused(f"openai: the connection to {self.address} broke: {said}") from None
        except UnicodeEncodeError:
            raise ProviderError("what is asked holds half of a surrogate pair, which is no text.") from None
        if isinstance(data, dict) and isinstance(data.get("error"), dict) and not data.get("choices"):
            raise told("openai", 200, data["error"], self.environ)
        return chat.completion("openai", data, request)

    async def close(self) -> None:
        """Close its connections."""
        await self.client.close()

    def _call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments of the SDK's `create`.

        Messages go into the body beside what it knows: it would walk through each of them by its types, which for a
        prompt with a hundred examples takes longer than the server does.
        """
        call = {name: value for name, value in arguments.items() if name in self.known}
        extra = {name: value for name, value in arguments.items() if name not in self.known and name != "extra_body"}
        extra |= arguments.get("extra_body") or {}
        return call | {"messages": [], "extra_body": {**extra, "messages": arguments["messages"]}}

    async def _whole(self, call: dict[str, Any]) -> Any:
        answer = await self.client.chat.completions.with_raw_response.create(**call)
        text = answer.http_response.content.decode("utf-8", "replace")
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise chat.no_answer("openai", brief(text, self.environ)) from None

    async def _streamed(self, call: dict[str, Any]) -> Any:
        """A streamed answer, put together again; for prompts whose parameters say `stream`."""
        call = {"stream_options": {"include_usage": True}, **call}
        try:
            async with await self.client.chat.completions.create(**call) as stream:
                return await chat.collected(stream)
        except ValueError as problem:  # what the SDK lets through of an event that is no JSON
            raise chat.no_answer("openai", f"an event that is no JSON ({problem})") from None


def environ_key(environ: Mapping[str, str]) -> str:
    """The key; ProviderUnusable where there is none, or what stands there cannot be one."""
    key = environ.get(KEY, "").strip()
    if not key:
        raise ProviderUnusable(
            f"--provider openai needs {KEY} (not set). nearest-example needs nothing and is not a language model."
        )
    if not key.isascii() or not key.isprintable():
        raise ProviderUnusable(f"{KEY} holds a character that no key has.")
    return key


def environ_address(environ: Mapping[str, str]) -> str:
    """Where the API is; ProviderUnusable for what is no address."""
    address = environ.get(ADDRESS, "").strip() or _OPENAI
    try:
        parts = urlsplit(address)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not address.isprintable():
        raise ProviderUnusable(f"{ADDRESS} is no address of a server, as in http://127.0.0.1:8000/v1")
    return address


def _client(key: str, address: str, means: Means) -> AsyncOpenAI:
    try:
        import openai
    except ModuleNotFoundError:
        raise ProviderUnusable(INSTALL) from None
    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(
        max_connections=means.concurrency, max_keepalive_connections=means.concurrency
    )
    client = openai.AsyncOpenAI(
        api_key=key,
        base_url=address,
        max_retries=0,
        timeout=None,
        http_client=openai.DefaultAsyncHttpxClient(limits=limits, timeout=None),
    )
    # Set afterwards: what is None in the constructor it would take from the process's environment.
    client.organization = means.environ.get("OPENAI_ORG_ID")
    client.project = means.environ.get("OPENAI_PROJECT_ID")
    return client


def _http(openai: Any) -> Any:
    """The library below the SDK, whose errors come through while an answer is streamed: httpx, or httpx2 from 3.0."""
    return importlib.import_module(type(openai.DEFAULT_CONNECTION_LIMITS).__module__.partition(".")[0])


def trouble(who: str, problem: OpenAIError, environ: Mapping[str, str], address: str = "") -> PromptregError:
    """What an exception of the SDK means; litellm's are of the same family."""
    import openai

    if isinstance(problem, openai.APITimeoutError):
        return CallRefused(f"{who}: no answer in time.")
    if isinstance(problem, openai.APIConnectionError):
        why = brief(str(problem.__cause__ or problem), environ)
        return CallRefused(f"{who}: no connection{f' to {address}' if address else ''}: {why}")
    if isinstance(problem, openai.APIStatusError):
        said = problem.response.text if problem.message.startswith("Error code:") else problem.message
        body = problem.body if isinstance(problem.body, dict) else {"message": said, "code": problem.code}
        headers = getattr(problem, "litellm_response_headers", None) or problem.response.headers
        return told(who, problem.status_code, body, environ, patience(headers))
    return ProviderError(f"{who}: {brief(str(problem), environ)}")


def told(
    who: str, status: int, error: Mapping[str, Any], environ: Mapping[str, str], after: float | None = None
) -> PromptregError:
    """What a server's own account of an error means; some send it with the status 200, and the real one as its code."""
    code = error.get("code") or error.get("type")
    if status == 200 and isinstance(code, int) and 400 <= code < 600:
        status = code
    said = error.get("message") or error.get("detail") or json.dumps(dict(error))
    return of_status(who, status, brief(str(said), environ), code, after)
