"""What a plan may cost, told and held to before the first call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from promptreg.core.errors import PromptregError
from promptreg.evals.all_providers import costs
from promptreg.evals.cost import most
from promptreg.evals.running.requests import requests
from promptreg.evaluation.plans import Options, PlannedRun
from promptreg.judging import asked_model, price_of, side
from promptreg.project import View


class BudgetTooSmall(PromptregError):
    """A plan costs more calls than were allowed, or nobody knows what it costs; nothing was called."""


def check_budget(view: View, planned: Sequence[PlannedRun], options: Options) -> None:
    """BudgetTooSmall where a plan goes over --max-calls, or where --max-cost could not be held to."""
    calls = sum(plan.calls for plan in planned)
    if options.max_calls is not None and calls > options.max_calls:
        raise BudgetTooSmall(
            f"this takes {calls} calls, and --max-calls allows {options.max_calls}. Nothing was called."
        )
    if options.max_cost is not None:
        for plan in planned:
            _check_bounded(view, plan, calls)


def _check_bounded(view: View, plan: PlannedRun, calls: int) -> None:
    price = price_of(view, plan.prompt, plan.suite, plan.provider)
    if price is None:
        raise BudgetTooSmall(_unpriced(plan, calls))
    if most(requests(plan.prompt, plan.suite, plan.cases), price) is None:
        raise BudgetTooSmall(
            f"--max-cost needs to know how long an answer of {plan.prompt.spec} can be (and that no image goes with "
            f"it). Set max_tokens under parameters: in {plan.suite.path}, or use --max-calls {calls}."
        )
    for provider, model in _judges(plan):
        if costs(provider) and (model or "") not in view.config.prices:
            raise BudgetTooSmall(
                f'--max-cost needs a price for the judge\'s {model or "model"}. Add [prices."{model}"] to '
                f"promptreg.toml, or use --max-calls {calls}."
            )


def _judges(plan: PlannedRun) -> Iterator[tuple[str, str | None]]:
    """The providers and models that a plan's judges ask."""
    waiting = list(plan.suite.scorers.values())
    while waiting:
        scorer = waiting.pop()
        waiting.extend(scorer.parts())
        if not scorer.parts():
            yield from ((provider, scorer.facts().get("model")) for provider in scorer.providers())


def _unpriced(plan: PlannedRun, calls: int) -> str:
    """What to do about a run that has no price."""
    model = asked_model(plan.prompt, plan.suite)
    if model is None:
        why = f"which belongs to a model, and {plan.provider} is asked for none"
        return f"--max-cost needs a price, {why}. Use --max-calls {calls}."
    add = f'Add [prices."{model}"] to promptreg.toml'
    return f"--max-cost needs a price for {model}. {add}, or use --max-calls {calls}."


def usd(view: View, plan: PlannedRun) -> tuple[str, float] | None:
    """What a plan's calls to its prompt's model cost: ("about", USD), or ("at most", USD); None where nobody knows.

    About, where stored runs of the same setup say what an answer cost; at most, where only prices and limits do.
    """
    if not costs(plan.provider):
        return "about", 0.0
    stored = side(view, plan.prompt, plan.suite).results
    engine = plan.suite.setup(plan.provider).engine()
    alike = [run for run in stored if run.setup.engine() == engine]
    paid = [cost for run in alike for case in run.cases for cost in case.cost_usd if cost]
    if paid:
        return "about", math.fsum(paid) / len(paid) * plan.answers
    price = price_of(view, plan.prompt, plan.suite, plan.provider)
    found = most(requests(plan.prompt, plan.suite, plan.cases), price) if price else None
    return ("at most", found * plan.repeats) if found is not None else None


def usd_of_all(view: View, planned: Iterable[PlannedRun]) -> tuple[str, float] | None:
    """What all of a plan costs, as `usd` says it of one run; None where that is not known of one."""
    each = [usd(view, plan) for plan in planned]
    if None in each:
        return None
    known = [found for found in each if found is not None]
    word = "at most" if any(word == "at most" for word, _ in known) else "about"
    return word, math.fsum(amount for _, amount in known)
