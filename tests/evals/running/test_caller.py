"""Calls: tried again alike, left in peace where a server is crowded, paced, and paid for before they are made."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from promptreg.evals.provider import CallRefused, Completion, Means, ProviderError, ProviderUnusable, Request
from promptreg.evals.running.caller import CROWDED_TRIES, TRIES, Answer, BudgetReached, Caller
from promptreg.evals.running.pace import Pace
from tests.support.running import MODEL, Model, price, saying


def request(text: str = "q", **more: Any) -> Request:
    return Request([{"role": "user", "content": text}], "m", {"max_tokens": 100}, **more)


def caller(model: Model, concurrency: int = 8, **facts: Any) -> Caller:
    means = Means(concurrency=concurrency, timeout_s=facts.pop("timeout_s", 20.0))
    return Caller({MODEL: model}, means, facts.pop("timer", Ticking()), **{"first_wait": 0.0001, **facts})


@dataclass
class Ticking:
    """A timer of which each look takes a second: how long the machine takes does not matter."""

    now: float = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


async def all_of(calls: Caller, texts: list[str]) -> list[Answer | BaseException]:
    return await asyncio.gather(*(calls.ask(MODEL, request(text), 0) for text in texts), return_exceptions=True)


def failing(times: int, problem: Callable[[], Exception]) -> tuple[Model, Counter[str]]:
    """A model that fails so many times for each text before it answers."""
    seen: Counter[str] = Counter()

    def answer(text: str) -> Completion:
        seen[text] += 1
        if seen[text] <= times:
            raise problem()
        return saying(text)

    return Model(answer), seen


@pytest.mark.parametrize(
    ("problem", "tries"),
    [
        (lambda: CallRefused("HTTP 500."), TRIES),
        (lambda: CallRefused("HTTP 500.", after=0.0001), TRIES),
        (lambda: CallRefused("HTTP 429.", crowded=True), CROWDED_TRIES),
    ],
)
def test_what_may_pass_is_tried_again_a_number_of_times(problem: Callable[[], Exception], tries: int) -> None:
    model, seen = failing(tries - 1, problem)
    calls = caller(model)
    answer = asyncio.run(calls.ask(MODEL, request(), 0))
    assert (answer.completion.text, seen["q"], calls.account.calls) == ("q", tries, tries)
    assert calls.account.tries_again == tries - 1
    model, seen = failing(tries, problem)
    calls = caller(model)
    with pytest.raises(ProviderError, match=rf"HTTP \d+ \(tried {tries} times\)\."):
        asyncio.run(calls.ask(MODEL, request(), 0))
    assert seen["q"] == tries


@pytest.mark.parametrize("problem", [ProviderError("HTTP 400."), ProviderUnusable("HTTP 401."), ValueError("a bug")])
def test_what_cannot_pass_is_not_tried_again(problem: Exception) -> None:
    model, seen = failing(1, lambda: problem)
    with pytest.raises(type(problem)) as caught:
        asyncio.run(caller(model).ask(MODEL, request(), 0))
    assert (caught.value, seen["q"]) == (problem, 1)


def test_a_server_that_never_answers_is_given_up_before_every_call_was_tried_to_the_end() -> None:
    model, _ = failing(10**6, lambda: CallRefused("no connection."))
    calls = caller(model, concurrency=4)
    found = asyncio.run(all_of(calls, ["a", "b", "c", "d"]))
    given_up = [each for each in found if isinstance(each, ProviderUnusable)]
    assert re.fullmatch(r"no connection\. Not one of 1[2-6] tries was answered\.", given_up[0].message)
    assert calls.account.calls < 4 * TRIES
    # one that answers at all is asked for every call
    answering, seen = failing(4, lambda: CallRefused("no connection."))
    calls = caller(answering, concurrency=1)
    asyncio.run(calls.ask(MODEL, request("first"), 0))
    assert all(isinstance(each, Answer) for each in asyncio.run(all_of(calls, ["a", "b", "c", "d"])))
    assert set(seen.values()) == {5}


def test_what_an_answer_says_is_never_a_reason_to_ask_again() -> None:
    texts = ["", "I cannot help with that.", '{"error": "try again"}', "429 Too Many Requests"]
    model = Model(saying)
    found = asyncio.run(all_of(caller(model), texts))
    assert [each.completion.text for each in found if isinstance(each, Answer)] == texts
    assert len(model.requests) == len(texts)


def test_a_call_that_never_ends_is_given_up_and_tried_again() -> None:
    begun, given_up = 0, 0

    async def stalling(text: str) -> Completion:
        nonlocal begun, given_up
        begun += 1
        if begun < 3:
            try:
                await asyncio.Event().wait()
            finally:
                given_up += 1
        return saying(text)

    answer = asyncio.run(caller(Model(stalling), timeout_s=0.01).ask(MODEL, request(), 0))
    assert (answer.completion.text, begun, given_up) == ("q", 3, 2)


def test_a_server_that_bears_few_calls_at_a_time_answers_all_that_come_many_at_a_time() -> None:
    """32 at a time, of which it bears 3: it says so without a word about how long to wait."""
    now = most = 0

    async def small(text: str) -> Completion:
        nonlocal now, most
        if now == 3:
            raise CallRefused("HTTP 429.", crowded=True)
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.0005)
        now -= 1
        return saying(text)

    texts = [f"q{n}" for n in range(300)]
    calls = caller(Model(small), concurrency=32, timer=_loop_time, first_wait=0.002)
    found = asyncio.run(all_of(calls, texts))
    assert [each.completion.text if isinstance(each, Answer) else each for each in found] == texts
    assert most == 3


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def test_no_call_begins_while_a_server_asks_to_be_left_in_peace() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0], 4, None)

    async def first_then_others() -> None:
        began = await pace.begin()
        pace.crowded(began, 5.0)
        pace.end()
        waiting = asyncio.create_task(pace.begin())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
        now[0] = 5.0
        assert await pace.begin() == 5.0

    asyncio.run(first_then_others())


def test_refusals_of_calls_that_were_on_their_way_together_count_once() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0], 8, None)

    async def eight() -> int:
        began = [await pace.begin() for _ in range(8)]
        now[0] = 1.0
        for each in began:
            pace.crowded(each, 0.0)
            pace.end()
        free = 0
        while True:
            waiting = asyncio.create_task(pace.begin())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not waiting.done():
                waiting.cancel()
                return free
            free += 1

    assert asyncio.run(eight()) == 4


def test_calls_begin_no_faster_than_the_rate() -> None:
    begun: list[float] = []

    async def noting(text: str) -> Completion:
        begun.append(_loop_time())
        return saying(text)

    asyncio.run(all_of(caller(Model(noting), rate=60 / 0.002, timer=_loop_time), [f"q{n}" for n in range(20)]))
    # what is measured is when a call was begun, which is never too early; it may be late on a slow machine
    assert begun[-1] - begun[0] >= 18 * 0.002


# Money


def priced(calls_of: Callable[[str], Completion], **facts: Any) -> Caller:
    return caller(Model(calls_of), prices={"m": price(1000.0, 10_000.0)}, **facts)


def counted(text: str) -> Completion:
    return Completion(text, "m", tokens_in=10, tokens_out=50)


def bound() -> float:
    found = price(1000.0, 10_000.0).most(request())
    assert found is not None
    return found


@pytest.mark.parametrize("concurrency", [1, 7, 32])
def test_max_cost_is_never_passed_and_no_call_on_its_way_is_lost(concurrency: int) -> None:
    async def answer(text: str) -> Completion:
        await asyncio.sleep(0)
        return counted(text)

    calls = caller(Model(answer), concurrency, prices={"m": price(1000.0, 10_000.0)}, max_cost=10.3 * bound())
    found = asyncio.run(all_of(calls, [f"q{n % 9}" for n in range(100)]))
    answers = [each for each in found if isinstance(each, Answer)]
    assert {type(each) for each in found if not isinstance(each, Answer)} == {BudgetReached}
    assert calls.account.calls == len(answers) > 10
    spent = sum(answer.completion.cost_usd or 0 for answer in answers)
    assert calls.account.spent == pytest.approx(spent)
    assert 10.3 * bound() - bound() < spent <= 10.3 * bound()


def test_money_set_aside_is_free_again_however_floats_add_up() -> None:
    """0.1 + 0.2 - 0.1 - 0.2 is not 0: what waits for calls on their way must not wait for that."""

    async def lengthy(text: str) -> Completion:
        await asyncio.sleep(0.0001 * len(text))
        return counted(text)

    calls = caller(Model(lengthy), 5, prices={"m": price(1e5 / 3, 1e5 / 7)}, max_cost=30.0)
    texts = [f"{'x' * (n % 7)}{n}" for n in range(60)]
    found = asyncio.run(asyncio.wait_for(all_of(calls, texts), 20))
    assert any(isinstance(each, BudgetReached) for each in found)
    assert (calls._on_way, calls._reserved) == (0, 0.0)


@pytest.mark.parametrize(
    ("problem", "lost"),
    [
        (CallRefused("HTTP 500."), TRIES),  # a server may have worked for it
        (CallRefused("HTTP 429.", crowded=True), 0),
        (ProviderError("no chat completion"), 1),
    ],
)
def test_a_call_without_an_answer_counts_as_what_it_may_have_cost(problem: Exception, lost: int) -> None:
    model, _ = failing(1000, lambda: problem)
    ticking = Ticking()
    calls = caller(model, prices={"m": price(1000.0, 10_000.0)}, max_cost=100 * bound(), timer=ticking)
    with pytest.raises(ProviderError):
        asyncio.run(calls.ask(MODEL, request(), 0))
    assert calls.account.spent == 0
    assert calls.account.lost == pytest.approx(lost * bound())


def test_tries_again_stay_within_max_cost_too() -> None:
    model, seen = failing(1000, lambda: CallRefused("HTTP 500."))
    with pytest.raises(BudgetReached):
        asyncio.run(
            caller(model, prices={"m": price(1000.0, 10_000.0)}, max_cost=3.5 * bound()).ask(MODEL, request(), 0)
        )
    assert seen["q"] == 3


def test_a_call_that_nothing_bounds_is_not_made() -> None:
    calls = priced(counted, max_cost=1e9)
    with pytest.raises(BudgetReached, match="nothing bounds"):
        asyncio.run(calls.ask(MODEL, Request([{"role": "user", "content": "q"}], "m"), 0))
    assert calls.account.calls == 0


@pytest.mark.parametrize(
    "facts", [{"tokens_in": 10**16}, {"tokens_out": -1}, {"cost_usd": float("inf")}, {"cost_usd": float("nan")}]
)
def test_an_answer_that_counts_what_no_result_can_hold_is_no_evidence(facts: dict[str, Any]) -> None:
    calls = caller(Model(lambda text: Completion(text, "m", **facts)))
    with pytest.raises(ProviderError, match="which it cannot be"):
        asyncio.run(calls.ask(MODEL, request(), 0))
