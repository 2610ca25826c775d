"""What a call can cost at most, told before it is made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.cost import FREE, Price, most
from promptreg.evals.provider import Completion, Request

HELLO = [{"role": "user", "content": "Hello"}]
IN, OUT = 0.5, 2.0  # USD per million tokens
PRICE = Price(input=IN, output=OUT)


def cost(messages: list[dict[str, Any]] | None = None, **request: Any) -> float | None:
    facts: dict[str, Any] = {"parameters": {"max_tokens": 100}} | request
    return most([Request(messages or HELLO, **facts)], PRICE)


def test_a_call_costs_its_text_in_and_its_longest_answer_out() -> None:
    found = cost()
    assert found is not None
    text = len("Hello") * IN / 1e6
    answer = 100 * OUT / 1e6
    assert text + answer < found < 2 * (text + answer)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_how_long_an_answer_may_be_is_read_under_each_of_its_names(name: str) -> None:
    one, ten = cost(parameters={name: 1000}), cost(parameters={name: 10_000})
    assert one is not None
    assert ten is not None
    assert ten - one == pytest.approx(9000 * OUT / 1e6, rel=1e-3)


def test_of_two_lengths_the_longer_one_counts() -> None:
    both = cost(parameters={"max_completion_tokens": 10, "max_tokens": 100_000})
    assert both is not None
    assert both > 100_000 * OUT / 1e6


@pytest.mark.parametrize("name", ["n", "best_of", "candidate_count"])
def test_several_answers_to_a_call_are_paid_for(name: str) -> None:
    one, five = cost(), cost(parameters={"max_tokens": 100, name: 5})
    assert one is not None
    assert five is not None
    assert five - one == pytest.approx(400 * OUT / 1e6, rel=0.1)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"temperature": 0.2},
        {"max_tokens": None},
        {"max_tokens": "100"},
        {"max_tokens": 100.0},
        {"max_tokens": True},
        {"max_tokens": 0},
        {"max_tokens": -5},
        {"max_tokens": 10**400},
        {"max_tokens": 100, "max_output_tokens": "many"},
        {"max_tokens": 100, "n": "5"},
        {"max_tokens": 100, "n": 2.5},
    ],
)
def test_what_bounds_nothing_costs_nobody_knows_what(parameters: dict[str, Any]) -> None:
    assert cost(parameters=parameters) is None


def test_an_image_costs_nobody_knows_what() -> None:
    text, image = {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "x"}}
    assert cost([{"role": "user", "content": [text]}]) is not None
    assert cost([{"role": "user", "content": [text, image]}]) is None


def test_tools_output_and_parameters_are_read_by_the_model_too() -> None:
    base = cost()
    large = {"type": "object", "description": "x" * 1000}
    for more in ({"tools": [large]}, {"output": large}, {"parameters": {"max_tokens": 100, "response_format": large}}):
        found = cost(**more)  # type: ignore[arg-type]
        assert found is not None
        assert base is not None
        assert found - base > 1000 * IN / 1e6


def test_calls_add_up_and_one_without_a_bound_leaves_the_sum_without_one() -> None:
    bounded, free = Request(HELLO, parameters={"max_tokens": 100}), Request(HELLO)
    assert most([bounded] * 3, PRICE) == pytest.approx(3 * (cost() or 0))
    assert most([bounded, free], PRICE) is None
    assert most([], PRICE) == 0
    assert most([bounded, free], FREE) == 0


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=200), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_the_text_that_goes_in_is_never_underestimated(texts: list[str]) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    found = cost(messages)
    assert found is not None
    # no tokenizer makes more tokens than there are bytes, and each message has its own few
    tokens = sum(len(text.encode()) + 8 for text in texts)
    assert found >= (tokens * IN + 100 * OUT) / 1e6
    assert found < ((len(json.dumps(messages)) * 4 + 1000) * IN + 100 * OUT) / 1e6


def test_half_of_a_surrogate_pair_in_a_message_ends_nothing() -> None:
    assert cost([{"role": "user", "content": "\ud800"}]) is not None


@pytest.mark.parametrize(
    ("price", "answer", "usd"),
    [
        (PRICE, {"tokens_in": 1000, "tokens_out": 10}, (1000 * IN + 10 * OUT) / 1e6),
        (PRICE, {"tokens_in": 1000, "tokens_out": 10, "tokens_cached": 400}, (1000 * IN + 10 * OUT) / 1e6),
        (
            Price(input=IN, output=OUT, cached=0.1),
            {"tokens_in": 1000, "tokens_out": 10, "tokens_cached": 400},
            (600 * IN + 400 * 0.1 + 10 * OUT) / 1e6,
        ),
        (Price(input=IN, output=OUT, cached=0), {"tokens_in": 5, "tokens_out": 0, "tokens_cached": 9}, 0),
        (PRICE, {"tokens_in": 1000}, None),
        (PRICE, {"tokens_out": 10}, None),
        (FREE, {}, 0),
    ],
)
def test_an_answer_costs_what_its_tokens_do(price: Price, answer: dict[str, Any], usd: float | None) -> None:
    assert price.of(Completion("x", "m", **answer)) == (usd if usd is None else pytest.approx(usd))
