"""Asking a provider once, with one version of a prompt or with two side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from promptreg.core.errors import PromptregError, near
from promptreg.core.prompt import Prompt
from promptreg.evals.all_providers import costs, listed, open_provider, provider_kind
from promptreg.evals.cases import Case, fitted_inputs
from promptreg.evals.provider import CallRefused, Completion, Means, Provider, ProviderUnusable, Request
from promptreg.evals.suite import MAIN, Suite
from promptreg.project import Project, View


@dataclass(frozen=True, slots=True)
class Question:
    """One call that is to be made: a prompt, the provider's name, and what is asked."""

    prompt: Prompt
    provider: str
    request: Request


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question, with its cost as far as it is known, and how many seconds it took."""

    question: Question
    completion: Completion
    seconds: float

    def data(self) -> dict[str, Any]:
        """An entry of `answers` in `run --json`."""
        prompt, answer = self.question.prompt, self.completion
        return {
            "name": prompt.name,
            "version": prompt.version,
            "digest": prompt.digest,
            "provider": self.question.provider,
            "model": answer.model,
            "text": answer.text,
            "tool_calls": answer.tool_calls,
            "finish": answer.finish,
            "tokens_in": answer.tokens_in,
            "tokens_cached": answer.tokens_cached,
            "tokens_out": answer.tokens_out,
            "cost_usd": answer.cost_usd,
            "seconds": self.seconds,
        }


def found_case(view: View, name: str, case_id: str) -> tuple[Suite, Case]:
    """A case of a prompt's suites, and the suite; PromptregError where there is none of that id."""
    cases = {case.id: (suite, case) for suite in reversed(view.suites(name)) for case in suite.cases}
    if case_id not in cases:
        raise PromptregError(f"{name} has no case {case_id}.{near(case_id, cases)}")
    return cases[case_id]


def question(
    view: View, prompt: Prompt, inputs: Mapping[str, Any], *, case_id: str | None = None, provider: str | None = None
) -> Question:
    """What to ask with some inputs, on top of those of a case.

    With a case it is what an evaluation asks: its suite's model and parameters go before the prompt's. Without one the
    main suite gives only what the prompt leaves open: provider and model.
    """
    suites = view.suites(prompt.name)
    main = next((suite for suite in suites if suite.name == MAIN), None)
    suite, case = found_case(view, prompt.name, case_id) if case_id else (main, None)
    given = fitted_inputs(prompt, case)[0] if case else {}
    messages = prompt.render(**given | dict(inputs)).messages
    request = Request(
        messages, prompt.model, prompt.parameters, prompt.tools, prompt.output, prompt.name, suite.name if suite else ""
    )
    if suite and case:
        request = replace(request, model=suite.model or prompt.model, parameters=prompt.parameters | suite.parameters)
    elif suite:
        request = replace(request, model=prompt.model or suite.model)
    chosen = provider or prompt.provider or (suite.provider if suite else None)
    if chosen is None:
        raise ProviderUnusable(_choose(prompt))
    provider_kind(chosen)
    return Question(prompt, chosen, request)


def _choose(prompt: Prompt) -> str:
    return (
        f"No provider chosen for {prompt.spec}. Write provider: into its front matter, or choose one with --provider. "
        f"There are\n{listed()}\nnearest-example needs nothing and is not a language model."
    )


def ask(project: Project, questions: Sequence[Question], *, allow_code: bool = False) -> list[Answer]:
    """Ask all questions at the same time, each once.

    ProviderUnusable where a provider cannot be used, ProviderError where no answer came.
    """
    around = project.surroundings
    means = Means(around.environ, around.directory, project.folder.read, concurrency=len(questions))
    names = dict.fromkeys(each.provider for each in questions)
    providers = {name: open_provider(name, means, allow_code=allow_code) for name in names}
    return asyncio.run(_ask(project, questions, providers, means))


async def _ask(
    project: Project, questions: Sequence[Question], providers: Mapping[str, Provider], means: Means
) -> list[Answer]:
    async with AsyncExitStack() as held:
        for provider in providers.values():
            held.push_async_callback(provider.close)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_one(project, each, providers[each.provider], means)) for each in questions]
        except BaseExceptionGroup as problems:
            raise problems.exceptions[0] from None
        return [task.result() for task in tasks]


async def _one(project: Project, asked: Question, provider: Provider, means: Means) -> Answer:
    began = project.surroundings.timer()
    try:
        async with asyncio.timeout(means.timeout_s):
            answer = await provider.complete(asked.request, 0)
    except TimeoutError:
        raise CallRefused(f"{asked.provider}: no answer within {means.timeout_s:g} s.") from None
    seconds = round(project.surroundings.timer() - began, 3)
    return Answer(asked, _priced(project.head, asked, answer), seconds)


def _priced(view: View, asked: Question, answer: Completion) -> Completion:
    """An answer with what it cost: as the provider says, else by [prices]."""
    prices = view.config.prices
    price = prices.get(asked.request.model or "") or prices.get(answer.model)
    if answer.cost_usd is not None or price is None or not costs(asked.provider):
        return answer
    return replace(answer, cost_usd=price.of(answer))
