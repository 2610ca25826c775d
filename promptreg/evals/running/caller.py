"""Making calls: a chosen number at a time, paced, tried again where that may help, counted and paid for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

from promptreg.core.errors import PromptregError
from promptreg.evals.cost import FREE, Price, usd_text
from promptreg.evals.provider import CallRefused, Completion, Means, Provider, ProviderError, ProviderUnusable, Request
from promptreg.evals.running.pace import Pace

#: How often a call is tried; and how often where the server only says that it has too many, which passes.
TRIES, CROWDED_TRIES = 6, 10
#: A server that answered none of so many tries, with this many of one call among them, is given up.
_DEAD_TRIES, _DEAD_ATTEMPTS = 12, 3
#: The longest that a call waits between tries: each wait is twice the one before.
_LONGEST_WAIT = 30.0
#: A server may ask for more patience than that, up to this.
_MOST_PATIENCE = 120.0
#: Numbers above this are no numbers of tokens, and no cost: no result could be read that holds them.
_LARGEST = 10**15


class BudgetReached(PromptregError):
    """The next call could cost more than was allowed; what was done before is kept."""


class Shelf(Protocol):
    """Answers of earlier runs by content (`running.cache`)."""

    def find(self, provider: str, request: Request, repeat: int) -> tuple[Completion, str] | None:
        """An answer, and when the run began that asked for it; None where there is none."""

    def keep(self, provider: str, request: Request, repeat: int, answer: Completion) -> None:
        """Store an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call: a completion, how long it took, and the run whose answer it is where it was cached."""

    completion: Completion
    latency_ms: float
    cached: str | None = None


@dataclass(slots=True)
class Account:
    """What was called and spent so far; `lost` is what calls may have cost of which nobody knows what they did cost.

    That is those that brought no answer (a server may have worked for one that came too late), and answers whose tokens
    were not counted. It is only known where a budget is to be held to.
    """

    calls: int = 0
    answered: int = 0
    tries_again: int = 0
    spent: float = 0.0
    lost: float = 0.0


@dataclass(slots=True)
class Caller:
    """All calls of a run go through here: the prompt's, and those of judges.

    `prices` are by model; `max_cost` (USD) is never passed. Providers are open as long as the run. `rate` is how many
    calls are begun in a minute at most. Tries are alike for every call, whatever it was about: what an answer says is
    never a reason to ask again. `on_answer` gets every answer, from the cache too.
    """

    providers: Mapping[str, Provider]
    means: Means
    timer: Callable[[], float]
    prices: Mapping[str, Price] = field(default_factory=dict)
    max_cost: float | None = None
    rate: float | None = None
    cache: Shelf | None = None
    first_wait: float = 0.5
    on_answer: Callable[[Request, int, Completion], None] | None = None
    account: Account = field(default_factory=Account)
    _pace: Pace = field(init=False)
    _on_way: int = 0
    _reserved: float = 0.0
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Nothing is on its way yet."""
        self._pace = Pace(self.timer, self.means.concurrency, self.rate)

    async def ask(self, provider: str, request: Request, repeat: int) -> Answer:
        """Make a call. ProviderError where no answer came, BudgetReached where it could cost too much.

        An answer from the cache costs nothing.
        """
        found = self.cache.find(provider, request, repeat) if self.cache else None
        if found:
            answer = Answer(replace(found[0], cost_usd=None), 0.0, cached=found[1])
        else:
            answer = await self._tried(provider, request, repeat)
            if self.cache:
                self.cache.keep(provider, request, repeat, answer.completion)
        if self.on_answer:
            self.on_answer(request, repeat, answer.completion)
        return answer

    def price(self, provider: str, model: str | None) -> Price | None:
        """What calls cost; None where nobody says so."""
        if not self.providers[provider].costs:
            return FREE
        return self.prices.get(model or "")

    async def _tried(self, provider: str, request: Request, repeat: int) -> Answer:
        wait = self.first_wait
        for attempt in count(1):
            try:
                return await self._paid(provider, request, repeat, wait)
            except CallRefused as problem:
                if self._is_dead(attempt, problem):
                    reason = problem.message.rstrip(".")
                    raise ProviderUnusable(f"{reason}. Not one of {self.account.calls} tries was answered.") from None
                if attempt >= (CROWDED_TRIES if problem.crowded else TRIES):
                    raise ProviderError(f"{problem.message.rstrip('.')} (tried {attempt} times).") from None
                pause = _pause(problem, wait)
            self.account.tries_again += 1
            wait = min(2 * wait, _LONGEST_WAIT)
            await asyncio.sleep(pause)
        raise AssertionError

    def _is_dead(self, attempt: int, problem: CallRefused) -> bool:
        """Whether nothing has ever been answered, though it was tried often enough."""
        tried = attempt >= _DEAD_ATTEMPTS and self.account.calls >= _DEAD_TRIES
        return tried and not (self.account.answered or problem.crowded)

    async def _paid(self, provider: str, request: Request, repeat: int, wait: float) -> Answer:
        """One try, with the money for it set aside."""
        bound = await self._reserve(provider, request)
        lost = 0.0
        try:
            began = await self._pace.begin()
            lost = bound
            try:
                answer = await self._call(provider, request, repeat)
            except CallRefused as problem:
                if problem.crowded:
                    lost = 0.0
                    self._pace.crowded(began, _pause(problem, wait))
                raise
            finally:
                self._pace.end()
            self._pace.answered()
            self.account.answered += 1
            if answer.completion.cost_usd is not None:
                lost = 0.0
                self.account.spent += answer.completion.cost_usd
            return answer
        finally:
            self.account.lost += lost
            self._on_way -= 1
            # sums of floats that come and go do not end at nothing by themselves
            self._reserved = self._reserved - bound if self._on_way else 0.0
            self._settled.set()

    async def _reserve(self, provider: str, request: Request) -> float:
        """What a call may cost, set aside; waits for calls on their way where only they stand against it."""
        bound = 0.0
        if self.max_cost is not None:
            price = self.price(provider, request.model)
            most = price.most(request) if price else None
            if most is None:
                raise BudgetReached(f"nothing bounds what a call of {provider} for {request.model} can cost.")
            bound = most
            while self.account.spent + self.account.lost + self._reserved + bound > self.max_cost:
                if not self._on_way:
                    what = f"the next call for {request.prompt} could cost {usd_text(bound)}"
                    raise BudgetReached(f"{what}, more than --max-cost {self.max_cost:g} leaves.")
                self._settled.clear()
                await self._settled.wait()
        self._on_way += 1
        self._reserved += bound
        return bound

    async def _call(self, provider: str, request: Request, repeat: int) -> Answer:
        self.account.calls += 1
        began = self.timer()
        try:
            async with asyncio.timeout(self.means.timeout_s):
                completion = await self.providers[provider].complete(request, repeat)
        except TimeoutError:
            raise CallRefused(f"no answer within {self.means.timeout_s:g} s.") from None
        latency = round((self.timer() - began) * 1000, 3)
        return Answer(_countable(provider, self._priced(provider, request, completion)), latency)

    def _priced(self, provider: str, request: Request, completion: Completion) -> Completion:
        """A completion with its cost, as the provider says or as its tokens and the price do."""
        if completion.cost_usd is not None:
            return completion
        price = self.price(provider, request.model) or self.price(provider, completion.model)
        return replace(completion, cost_usd=price.of(completion) or None) if price else completion


def _pause(problem: CallRefused, wait: float) -> float:
    """Seconds until a call is tried again: as long as the server asks, and no shorter than its turn."""
    return max(wait, min(problem.after or 0.0, _MOST_PATIENCE))


def _countable(provider: str, completion: Completion) -> Completion:
    """A completion; ProviderError where what it counts cannot be stored."""
    for name in ("tokens_in", "tokens_out", "tokens_cached", "cost_usd"):
        value = getattr(completion, name)
        if value is not None and not 0 <= value <= _LARGEST:
            raise ProviderError(f"{provider} answered with {name} {value:.6g}, which it cannot be.")
    return completion
