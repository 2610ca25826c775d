"""Every other API, through litellm."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar

from promptreg.core.errors import PromptregError
from promptreg.evals.provider import Completion, Means, ProviderUnusable, Request
from promptreg.evals.providers import chat_completions as chat
from promptreg.evals.providers.openai import trouble

INSTALL = "The provider litellm needs litellm: pip install 'git-promptreg[litellm]'"
#: Parameters of litellm that would answer in place of the model that is asked, or ask another one.
_STAND_INS = frozenset(
    "mock_response mock_tool_calls fallbacks context_window_fallback_dict model_list custom_llm_provider".split()
)
#: Names of its own classes that it puts before what an API said.
_WRAPPED = re.compile(r"\b(?:litellm\.)?\w+(?:Error: |Exception - )")


class LiteLLM:
    """`litellm`: the API that stands before the slash of a model, as in `model: anthropic/claude-sonnet-4-5`.

    Keys are those that litellm documents for each API (ANTHROPIC_API_KEY, …), from the environment. Parameters that an
    API does not take are refused, not left out. What a call costs is litellm's account, where it knows the model.

    litellm reads LITELLM_LOCAL_MODEL_COST_MAP and LITELLM_MODE when it is imported: the command line sets them
    (cli/options.py), so that it neither fetches prices nor reads a `.env` file.
    """

    is_model: ClassVar[bool] = True
    runs_code: ClassVar[bool] = False
    costs: ClassVar[bool] = True
    summary: ClassVar[str] = "any other API: model: anthropic/…, and its key in the environment"

    def __init__(self, argument: str, means: Means) -> None:
        """Takes no argument. ProviderUnusable without the library."""
        if argument:
            raise ProviderUnusable(
                f"litellm:{argument}: litellm takes nothing behind a colon. The model stands in the prompt or the "
                f"suite, as in  model: {argument}"
            )
        self.environ = means.environ
        self.library = _library()
        self.always = {"num_retries": 0, "max_retries": 0, **_without_mcp()}
        self.ways: dict[str, dict[str, Any]] = {}

    async def complete(self, request: Request, repeat: int) -> Completion:
        """The first choice of the answer, and what it cost."""
        import openai

        for name in request.parameters:
            if name in _STAND_INS:
                raise ProviderUnusable(f"parameters: {name} would have something else answer than the model.")
        call = chat.arguments("litellm", request)
        try:
            way = self._way(call["model"])
            if call.get("stream"):
                call.setdefault("stream_options", {"include_usage": True})
            answer = await self.library.acompletion(**call, **way, **self.always)
            data = await chat.collected(answer) if call.get("stream") else answer.model_dump()
        except openai.OpenAIError as problem:
            raise self._trouble(problem) from None
        found = chat.completion("litellm", data, request)
        return replace(found, cost_usd=self._cost(answer))

    async def close(self) -> None:
        """Close its connections."""
        await self.library.close_litellm_async_clients()

    def _way(self, model: str) -> dict[str, Any]:
        """Key and address for a model's API; ProviderUnusable where litellm knows no such API."""
        import openai

        if model not in self.ways:
            try:
                api = self.library.get_llm_provider(model=model)[1].upper()
            except openai.BadRequestError:
                raise ProviderUnusable(
                    f"litellm does not know which API {model} belongs to. Write it before the model, as in  "
                    f"model: openai/{model}"
                ) from None
            address = self.environ.get(f"{api}_BASE_URL") or self.environ.get(f"{api}_API_BASE")
            found = {"api_key": self.environ.get(f"{api}_API_KEY"), "api_base": address}
            self.ways[model] = {name: value.strip() for name, value in found.items() if value}
        return self.ways[model]

    def _cost(self, answer: Any) -> float | None:
        """USD by `litellm.completion_cost`, which ran already; None where it has no price, and [prices] may."""
        cost = getattr(answer, "_hidden_params", {}).get("response_cost")
        return float(cost) if cost else None

    def _trouble(self, problem: Any) -> PromptregError:
        if not getattr(problem, "body", None):
            # older releases leave the server's own account, which tells money from haste, in the error that they wrap
            problem.body = getattr(problem.__context__, "body", None)
        found = trouble("litellm", problem, self.environ)
        found.message = _WRAPPED.sub("", found.message)
        return found


def _library() -> Any:
    """litellm, set to keep to itself: no words on the terminal, no telemetry, nothing left out without a word."""
    try:
        import litellm
    except ModuleNotFoundError:
        raise ProviderUnusable(INSTALL) from None
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.drop_params = False
    return litellm


def _without_mcp() -> dict[str, Any]:
    """Keep litellm from running tools of MCP servers by itself, for which it would also need one more library."""
    from importlib.util import find_spec

    return {"_skip_mcp_handler": True} if find_spec("litellm.responses.mcp.chat_completions_handler") else {}
