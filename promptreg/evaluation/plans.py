"""Which runs are wanted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from promptreg.core.errors import PromptregError, near
from promptreg.core.prompt import Prompt
from promptreg.evals.all_providers import listed, provider_kind
from promptreg.evals.cases import Case
from promptreg.evals.provider import ProviderUnusable
from promptreg.evals.running.run import Progress
from promptreg.evals.suite import Suite
from promptreg.judging import Move, gaps
from promptreg.project import View


@dataclass(frozen=True, slots=True)
class Options:
    """How to run, and what it may cost.

    `provider` is another than the suite's; `cases` are the ids of the only cases wanted, `max_cases` how many of each
    suite; `rate` is in calls a minute, `timeout` in seconds; `resume` goes on with an unfinished run; `cache` takes
    answers of earlier runs; `record` keeps answers for `replay`. With `together` no run is stored before all are done.
    """

    provider: str | None = None
    suite: str | None = None
    repeats: int | None = None
    concurrency: int = 4
    max_calls: int | None = None
    max_cost: float | None = None
    max_cases: int | None = None
    cases: tuple[str, ...] = ()
    allow_code: bool = False
    rate: float | None = None
    timeout: float = 120.0
    resume: bool = False
    cache: bool = False
    record: bool = False
    together: bool = False
    tool: str = "promptreg"
    progress: Callable[[Progress], None] = lambda progress: None
    note: Callable[[str], None] = lambda message: None


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run that is wanted: a prompt, a suite, some of its cases, by a provider; and why."""

    prompt: Prompt
    suite: Suite
    cases: Collection[Case]
    provider: str
    repeats: int
    why: str

    @property
    def judgements(self) -> int:
        """How many calls of judges it takes."""
        return self.answers * sum(len(scorer.providers()) for scorer in self.suite.scorers.values())

    @property
    def answers(self) -> int:
        """How many answers are wanted."""
        return len(self.cases) * self.repeats

    @property
    def calls(self) -> int:
        """How many calls it takes, those of judges counted in."""
        return self.answers + self.judgements

    def data(self) -> dict[str, Any]:
        """The shape of `planned` in `eval --json`."""
        return plan_data(self)


class Planned(Protocol):
    """What is told of something that is to be run or scored."""

    @property
    def prompt(self) -> Prompt:
        """What is judged."""

    @property
    def suite(self) -> Suite:
        """What judges it."""

    @property
    def cases(self) -> Collection[Case]:
        """On which cases."""

    @property
    def provider(self) -> str:
        """Who answers."""

    @property
    def calls(self) -> int:
        """How many calls it takes."""

    @property
    def why(self) -> str:
        """Why it is wanted."""


def plan_data(plan: Planned) -> dict[str, Any]:
    """The shape of `planned` in `eval --json`."""
    return {
        "name": plan.prompt.name,
        "version": plan.prompt.version,
        "suite": plan.suite.name,
        "provider": plan.provider,
        "cases": len(plan.cases),
        "calls": plan.calls,
        "why": plan.why,
    }


def whole(view: View, prompts: Iterable[Prompt], options: Options) -> list[PlannedRun]:
    """Runs of all cases of all suites (or of what the options choose) of some prompts."""
    planned: list[PlannedRun] = []
    for prompt in prompts:
        suites = suites_of(view, prompt.name, options.suite)
        asking = [suite for suite in suites if suite.cases]
        if not asking:
            empty = ", ".join(suite.cases_path for suite in suites)
            raise PromptregError(f"{prompt.name} has no cases, so there is nothing to ask. They belong into {empty}.")
        planned.extend(
            PlannedRun(
                prompt, suite, cases, _provider(prompt, suite, options.provider), options.repeats or suite.repeats, why
            )
            for suite in asking
            for cases, why in [_chosen(suite, options)]
            if cases or not options.cases
        )
        if not any(plan.prompt is prompt for plan in planned):
            raise _no_case(prompt.name, asking, options.cases)
    return planned


def _chosen(suite: Suite, options: Options) -> tuple[Collection[Case], str]:
    """The cases of a suite that the options choose, and why these."""
    if options.cases:
        return tuple(case for case in suite.cases if case.id in options.cases), "asked for"
    if options.max_cases is not None and options.max_cases < len(suite.cases):
        return tuple(islice(suite.cases, options.max_cases)), f"the first {options.max_cases} of {len(suite.cases)}"
    return suite.cases, "asked for"


def _no_case(name: str, suites: list[Suite], wanted: tuple[str, ...]) -> PromptregError:
    known = [case.id for suite in suites for case in suite.cases]
    return PromptregError(f"{name} has no case {', '.join(wanted)}.{near(wanted[0], known)}")


def suites_of(view: View, name: str, wanted: str | None) -> list[Suite]:
    """The suites of a prompt, or the one of a name; PromptregError where there is none."""
    suites = view.suites(name)
    if not suites:
        path = view.source.shown(f"{name}/evals/suite.yaml")
        raise PromptregError(f"{name} has no suite. promptreg new {name} --cases writes one: {path}")
    chosen = [suite for suite in suites if wanted in (None, suite.name)]
    if not chosen:
        known = [suite.name for suite in suites]
        raise PromptregError(f"{name} has no suite {wanted}. It has: {', '.join(known)}.{near(wanted or '', known)}")
    return chosen


def _provider(prompt: Prompt, suite: Suite, chosen: str | None) -> str:
    """The provider that was chosen, else the suite's own; ProviderUnusable where there is none."""
    provider = chosen or suite.provider
    if provider is None:
        named = f" ({prompt.name} itself names {prompt.provider})" if prompt.provider else ""
        raise ProviderUnusable(
            f"No provider chosen for {suite.path}{named}. Write provider: into it, or choose one with --provider. "
            f"There are\n{listed()}\nnearest-example needs nothing and is not a language model."
        )
    provider_kind(provider)
    return provider


def needed(view: View, moves: Iterable[Move], options: Options) -> list[PlannedRun]:
    """Exactly the runs that the gate would miss for some moves, both sides."""
    moves = list(moves)
    if options.suite is not None:
        for move in moves:
            suites_of(view, move.name, options.suite)
    return [
        PlannedRun(
            gap.prompt,
            gap.suite,
            gap.cases,
            _provider(gap.prompt, gap.suite, None),
            options.repeats or gap.suite.repeats,
            gap.why,
        )
        for gap in gaps(view, moves, options.suite)
    ]
