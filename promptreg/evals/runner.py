"""Running a suite: each case through a provider, each answer through the scorers, all of it into one result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.behaviour import behaviour
from promptreg.evals.cases import Case, fitted_inputs
from promptreg.evals.provider import Completion, Provider, ProviderError, Request
from promptreg.evals.results import (
    CaseResult,
    Failure,
    Origin,
    Result,
    ScorerFacts,
    totals,
)
from promptreg.evals.scorer import ScorerError
from promptreg.evals.suite import Suite, fingerprint


@dataclass(frozen=True, slots=True)
class Run:
    """What to run: a suite's cases through a prompt, by a provider.

    `provider_name` is as the suite would name it; `tool` says which promptreg ran it.
    """

    prompt: Prompt
    suite: Suite
    cases: tuple[Case, ...]
    provider: Provider
    provider_name: str
    repeats: int = 1
    concurrency: int = 4
    tool: str = "promptreg"
    origin: Origin = field(default_factory=lambda: Origin(kind="local"))
    progress: Callable[[int, int], None] = lambda done, total: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: Seconds from anywhere, for how long something takes.
    timer: Callable[[], float] = time.perf_counter


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call: a completion or the reason why there is none, and how long it took."""

    completion: Completion | None
    reason: str | None
    latency_ms: float


def request_for(prompt: Prompt, suite: Suite, case: Case) -> Request:
    """The call for one case; FileError where the case does not fit the prompt."""
    inputs, _ = fitted_inputs(prompt, case)
    try:
        messages = prompt.render(**inputs).messages
    except PromptregError as problem:
        why = str(problem).removeprefix(f"{prompt.spec}: ")
        raise suite.problem(case, f"case {case.id} cannot be rendered with {prompt.spec}: {why}") from None
    return Request(
        messages=messages,
        model=suite.model or prompt.model,
        parameters=prompt.parameters | suite.parameters,
        tools=prompt.tools,
        output=prompt.output,
    )


def requests(prompt: Prompt, suite: Suite, cases: Iterable[Case]) -> list[Request]:
    """The calls for some cases, one for each; FileError where a case does not fit the prompt."""
    return [request_for(prompt, suite, case) for case in cases]


def run(plan: Run) -> tuple[Result, dict[str, list[str | None]]]:
    """Run a plan. Returns the result and the outputs by case id.

    FileError where a case does not fit the prompt, found before the first call; ProviderUnusable where no call can
    work. A call that fails is no evidence: null, with its reason.
    """
    wanted = requests(plan.prompt, plan.suite, plan.cases)
    started, clock = plan.now(), plan.timer()
    answers = _answers(plan, wanted)
    duration = plan.timer() - clock
    rows = [_judged(plan, case, found) for case, found in zip(plan.cases, answers, strict=True)]
    models = {answer.completion.model for found in answers for answer in found if answer.completion}
    facts = {
        name: ScorerFacts(kind=scorer.kind, range=scorer.range, direction=scorer.direction, digest=scorer.digest())
        for name, scorer in plan.suite.scorers.items()
    }
    setup = plan.suite.setup(plan.provider_name)
    result = Result(
        format=1,
        prompt=plan.prompt.name,
        version=plan.prompt.version,
        digest=plan.prompt.digest,
        suite=plan.suite.name,
        tool=plan.tool,
        fingerprint=fingerprint(behaviour(plan.prompt), setup),
        setup=setup,
        models=sorted(models),
        repeats=plan.repeats,
        started_at=started.isoformat(timespec="milliseconds"),
        duration_s=round(duration, 3),
        origin=plan.origin,
        scorers=facts,
        totals=totals(rows, facts),
        cases=rows,
    )
    return result, _outputs(plan, rows, answers)


def _answers(plan: Run, wanted: list[Request]) -> list[list[Answer]]:
    jobs = [request for request in wanted for _ in range(plan.repeats)]
    done: SimpleQueue[Future[Answer]] = SimpleQueue()
    stop = Event()
    caller = Thread(target=_call, args=(plan, jobs, done, stop), daemon=True)
    caller.start()
    found: list[Answer] = []
    try:
        for _ in jobs:
            found.append(done.get().result())
            plan.progress(len(found), len(jobs))
    finally:
        stop.set()
    return [found[at : at + plan.repeats] for at in range(0, len(found), plan.repeats)]


def _call(plan: Run, jobs: list[Request], done: SimpleQueue[Future[Answer]], stop: Event) -> None:
    """Make all calls, and hand each on in its turn.

    It runs in a thread of its own, since an interrupt that reaches a pool in the middle of its work leaves locks taken
    for which its threads then wait for ever.
    """
    with ThreadPoolExecutor(max_workers=plan.concurrency) as threads:
        for call in [threads.submit(_ask, plan, request, stop) for request in jobs]:
            wait([call])
            done.put(call)


def _ask(plan: Run, request: Request, stop: Event) -> Answer:
    if stop.is_set():
        return Answer(None, "stopped", 0)
    clock = plan.timer()
    completion, reason = None, None
    try:
        completion = plan.provider.complete(request)
    except ProviderError as problem:
        reason = str(problem)
    return Answer(completion, reason, round((plan.timer() - clock) * 1000, 3))


def _judged(plan: Run, case: Case, answers: list[Answer]) -> CaseResult:
    scores: dict[str, list[float | None]] = {name: [] for name in plan.suite.scorers}
    errors: list[Failure] = []
    for repeat, answer in enumerate(answers):
        if answer.completion is None:
            errors.append(Failure(repeat=repeat, source="provider", reason=answer.reason or ""))
        for name, scorer in plan.suite.scorers.items():
            score = None
            if answer.completion is not None:
                try:
                    score = scorer.score(answer.completion.text, case)
                except ScorerError as problem:
                    errors.append(Failure(repeat=repeat, source=name, reason=str(problem)))
            scores[name].append(score)
    completions = [answer.completion for answer in answers]
    timed = plan.provider.is_model
    return CaseResult(
        id=case.id,
        case=case.digest,
        tags=case.tags,
        cluster=case.cluster,
        scores=scores,
        latency_ms=_told(answer.latency_ms if timed and answer.completion else None for answer in answers),
        tokens_in=_told(completion and completion.tokens_in for completion in completions),
        tokens_out=_told(completion and completion.tokens_out for completion in completions),
        cost_usd=_told(completion and completion.cost_usd for completion in completions),
        errors=errors,
    )


def _told(values: Iterable[Any]) -> list[Any]:
    """Values of which at least one is known; else nothing, so that an empty key can be left out."""
    found = list(values)
    return found if any(value is not None for value in found) else []


def _outputs(plan: Run, rows: list[CaseResult], answers: list[list[Answer]]) -> dict[str, list[str | None]]:
    if plan.suite.store_outputs == "none":
        return {}
    kept: dict[str, list[str | None]] = {}
    for row, found in zip(rows, answers, strict=True):
        failing = row.errors or any(score != 1 for scores in row.scores.values() for score in scores)
        if plan.suite.store_outputs == "all" or failing:
            kept[row.id] = [answer.completion.text if answer.completion else None for answer in found]
    return kept
