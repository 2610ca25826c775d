"""Running a suite: each case through a provider, each answer through the scorers, all of it into the journal."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from promptreg.core.prompt import Prompt
from promptreg.evals.behaviour import behaviour
from promptreg.evals.cases import Case, digest_of
from promptreg.evals.json_text import canonical_json
from promptreg.evals.provider import Completion, Means, ProviderError, Request
from promptreg.evals.results import Failure, Judging
from promptreg.evals.running.caller import Answer, Caller
from promptreg.evals.running.journal import ANSWERED, DONE, Entry, Journal
from promptreg.evals.running.requests import request_for
from promptreg.evals.scorer import PROVIDER, ScorerError
from promptreg.evals.suite import Suite, fingerprint


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: a suite's cases through a prompt, by a provider. `provider` is as the suite would name it."""

    prompt: Prompt
    suite: Suite
    cases: Collection[Case]
    provider: str
    repeats: int = 1

    @property
    def size(self) -> int:
        """How many answers are wanted."""
        return len(self.cases) * self.repeats

    def fingerprint(self) -> str:
        """`sha256:…` of the prompt's behaviour and the setup."""
        return fingerprint(behaviour(self.prompt), self.suite.setup(self.provider))

    def key(self) -> str:
        """16 hexadecimal digits over all that the result depends on: only a run of the same key can be gone on with."""
        facts = [self.prompt.spec, self.prompt.digest, self.suite.name, self.fingerprint(), self.repeats]
        return hashlib.sha256(canonical_json([*facts, digest_of(self.cases)]).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Progress:
    """How far a run is: answers done, wanted, made in this process, and what it has cost so far."""

    what: str
    done: int
    total: int
    made: int = 0
    seconds: float = 0.0
    spent: float = 0.0
    tries_again: int = 0


@dataclass(slots=True)
class JudgeBench:
    """What scorers work with (`scorer.Bench`): their calls go where all calls go, and are counted apart.

    `made_for` are the prompt and the suite whose answers are judged: among its recordings theirs belong.
    """

    caller: Caller
    means: Means
    used: Judging = field(default_factory=lambda: Judging(calls=0))
    made_for: tuple[str, str] | None = None

    async def ask(self, provider: str, request: Request, repeat: int) -> Completion:
        """Ask a provider; ScorerError where no answer comes."""
        if self.made_for:
            request = replace(request, prompt=self.made_for[0], suite=self.made_for[1])
        try:
            found = await self.caller.ask(provider, request, repeat)
        except ProviderError as problem:
            raise ScorerError(problem.message) from None
        answer = found.completion
        if found.cached:
            return answer
        self.used = Judging(
            calls=self.used.calls + 1,
            tokens_in=self.used.tokens_in + (answer.tokens_in or 0),
            tokens_out=self.used.tokens_out + (answer.tokens_out or 0),
            cost_usd=self.used.cost_usd + (answer.cost_usd or 0),
        )
        return answer


Job = tuple[int, int, Case, Request]


@dataclass(slots=True)
class Run:
    """One run on its way."""

    plan: Plan
    caller: Caller
    journal: Journal
    progress: Callable[[Progress], None] = lambda progress: None
    began: float = 0.0
    state: Progress = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        what = f"{self.plan.prompt.spec} {self.plan.suite.name}"
        self.began = self.caller.timer()
        self.state = Progress(what, self.journal.done(), self.plan.size)

    async def carry_out(self) -> None:
        """Make all calls that are missing, as many at a time as the means say.

        Workers take jobs from one iterator, so that no more cases are in memory than are asked about. FileError where a
        case does not fit the prompt, BudgetReached where the money is spent, ProviderUnusable where every call would
        fail: calls on their way are then given up, and what was done stands in the journal.
        """
        jobs = self._jobs()
        workers = min(self.caller.means.concurrency, max(1, self.plan.size))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(jobs))
        except BaseExceptionGroup as problems:
            problem: BaseException = problems
            while isinstance(problem, BaseExceptionGroup):
                problem = problem.exceptions[0]
            raise problem from None

    def _jobs(self) -> Iterator[Job]:
        for index, case in enumerate(self.plan.cases):
            wanted = [n for n in range(self.plan.repeats) if self.journal.state(index, n) != DONE]
            if wanted:
                request = request_for(self.plan.prompt, self.plan.suite, case)
                yield from ((index, repeat, case, request) for repeat in wanted)

    async def _work(self, jobs: Iterator[Job]) -> None:
        for index, repeat, case, request in jobs:
            if self.journal.state(index, repeat) == ANSWERED:
                entry = self.journal.entry(index, repeat)
            else:
                entry = await self._answered(index, repeat, case, request)
            entry = await self._judged(entry, case)
            self.journal.keep(entry)
            self._tell()
            # a provider that never waits must let an interrupt through
            await asyncio.sleep(0)

    async def _answered(self, index: int, repeat: int, case: Case, request: Request) -> Entry:
        facts: dict[str, Any] = {"at": (index, repeat), "id": case.id, "case": case.digest}
        facts |= {"tags": case.tags, "cluster": case.cluster}
        try:
            answer = await self.caller.ask(self.plan.provider, request, repeat)
        except ProviderError as problem:
            reason = Failure(repeat=repeat, source=PROVIDER, reason=_text(problem.message))
            return Entry(**facts, errors=[reason], t=self._seconds())
        entry = Entry(**facts, answer=_kept(answer), ms=answer.latency_ms, cached=answer.cached, t=self._seconds())
        if any(scorer.providers() or scorer.needs_code() for scorer in self.plan.suite.scorers.values()):
            self.journal.keep(entry)
        return entry

    async def _judged(self, entry: Entry, case: Case) -> Entry:
        made_for = (self.plan.prompt.name, self.plan.suite.name)
        completion, bench = entry.completion, JudgeBench(self.caller, self.caller.means, made_for=made_for)
        scores: dict[str, float] = {}
        comments: dict[str, str] = {}
        errors = list(entry.errors)
        for metric, scorer in self.plan.suite.scorers.items() if completion else ():
            try:
                judgement = await scorer.judge(completion, case, bench, entry.at[1])  # type: ignore[arg-type]
                scores[metric] = judgement.score
                if judgement.comment:
                    comments[metric] = _text(judgement.comment)
            except ScorerError as problem:
                errors.append(Failure(repeat=entry.at[1], source=metric, reason=_text(problem.message)))
        news = {"scores": scores, "comments": comments, "errors": errors, "judged": True, "t": self._seconds()}
        return entry.model_copy(update=news | {"judging": bench.used if bench.used.calls else None})

    def _seconds(self) -> float:
        return round(self.caller.timer() - self.began, 3)

    def _tell(self) -> None:
        state, account = self.state, self.caller.account
        state.done, state.made, state.seconds = state.done + 1, state.made + 1, self._seconds()
        state.spent, state.tries_again = account.spent, account.tries_again
        self.progress(state)


def _kept(answer: Answer) -> dict[str, Any]:
    """The fields of a completion that are known."""
    found = {each.name: getattr(answer.completion, each.name) for each in fields(Completion)}
    return {name: value for name, value in found.items() if value not in (None, [])}


def _text(said: str) -> str:
    """What somebody's code said, without halves of surrogate pairs, which no file can hold."""
    return said.encode("utf-8", "replace").decode()
