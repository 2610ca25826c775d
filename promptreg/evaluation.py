"""Making evidence: which runs are wanted, and storing what comes of them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from promptreg.core.errors import PromptregError, near
from promptreg.core.prompt import Prompt
from promptreg.evals.all_providers import allowing, listed, open_provider, provider_kind
from promptreg.evals.cases import Case, fitted_inputs
from promptreg.evals.cost import most
from promptreg.evals.provider import Provider, ProviderUnusable
from promptreg.evals.results import OUTPUTS, Origin, Result, outputs_text, results_of
from promptreg.evals.runner import Run, requests, run
from promptreg.evals.scorer import PROVIDER
from promptreg.evals.suite import MAIN, Suite
from promptreg.files import writing
from promptreg.judging import Move, asked_model, gaps, price_of
from promptreg.project import Project, View


class BudgetTooSmall(PromptregError):
    """A plan costs more calls, or more money, than was allowed; nothing was called."""


class NothingScored(PromptregError):
    """Not one case of a run got a score; it was not stored."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: another provider than the suite's, repeats, concurrency, and what it may cost."""

    provider: str | None = None
    suite: str | None = None
    repeats: int | None = None
    concurrency: int = 4
    max_calls: int | None = None
    max_cost: float | None = None
    allow_code: bool = False
    tool: str = "promptreg"
    progress: Callable[[str, int, int], None] = lambda what, done, total: None


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run that is wanted: a prompt, a suite, some of its cases, by a provider; and why."""

    prompt: Prompt
    suite: Suite
    cases: tuple[Case, ...]
    provider: str
    repeats: int
    why: str

    @property
    def calls(self) -> int:
        """How many calls it takes."""
        return len(self.cases) * self.repeats

    def data(self) -> dict[str, Any]:
        """The shape of `planned` in `eval --json`."""
        return {
            "name": self.prompt.name,
            "version": self.prompt.version,
            "suite": self.suite.name,
            "provider": self.provider,
            "cases": len(self.cases),
            "calls": self.calls,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Stored:
    """One run that was made and stored, and where; `dropped` are inputs of cases that the prompt does not declare."""

    result: Result
    path: str
    dropped: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """The shape of `results` in `eval --json`."""
        return {
            "name": self.result.prompt,
            "version": self.result.version,
            "suite": self.result.suite,
            "path": self.path,
            "totals": self.result.totals.model_dump(mode="json"),
        }


def whole(view: View, prompts: Iterable[Prompt], options: Options) -> list[PlannedRun]:
    """Runs of all cases of all suites (or of one) of some prompts."""
    planned = []
    for prompt in prompts:
        suites = _suites(view, prompt.name, options)
        asking = [suite for suite in suites if suite.cases]
        if not asking:
            empty = ", ".join(suite.cases_path for suite in suites)
            raise PromptregError(f"{prompt.name} has no cases, so there is nothing to ask. They belong into {empty}.")
        for suite in asking:
            provider = _provider(suite, options.provider)
            planned.append(
                PlannedRun(prompt, suite, suite.cases, provider, options.repeats or suite.repeats, "asked for")
            )
    return planned


def _suites(view: View, name: str, options: Options) -> list[Suite]:
    suites = view.suites(name)
    if not suites:
        path = view.source.shown(f"{name}/evals/suite.yaml")
        raise PromptregError(f"{name} has no suite. promptreg new {name} --cases writes one: {path}")
    chosen = [suite for suite in suites if options.suite in (None, suite.name)]
    if not chosen:
        known = [suite.name for suite in suites]
        hint = near(options.suite or "", known)
        raise PromptregError(f"{name} has no suite {options.suite}. It has: {', '.join(known)}.{hint}")
    return chosen


def _provider(suite: Suite, chosen: str | None) -> str:
    """The provider that was chosen, else the suite's own; ProviderUnusable where there is none."""
    provider = chosen or suite.provider
    if provider is None:
        raise ProviderUnusable(
            f"No provider chosen for {suite.path}. Write provider: into it, or choose one with --provider. There are\n"
            f"{listed()}\nnearest-example needs nothing and is not a language model."
        )
    provider_kind(provider)
    return provider


def needed(view: View, moves: Iterable[Move], options: Options) -> list[PlannedRun]:
    """Exactly the runs that the gate would miss for some moves, both sides."""
    moves = list(moves)
    if options.suite is not None:
        for move in moves:
            _suites(view, move.name, options)
    return [
        PlannedRun(
            gap.prompt,
            gap.suite,
            gap.cases,
            _provider(gap.suite, None),
            options.repeats or gap.suite.repeats,
            gap.why,
        )
        for gap in gaps(view, moves, options.suite)
    ]


def check_budget(view: View, planned: Sequence[PlannedRun], options: Options) -> None:
    """BudgetTooSmall where a plan goes over --max-calls or could go over --max-cost."""
    calls = sum(plan.calls for plan in planned)
    if options.max_calls is not None and calls > options.max_calls:
        raise BudgetTooSmall(
            f"this takes {calls} calls, and --max-calls allows {options.max_calls}. Nothing was called."
        )
    if options.max_cost is None:
        return
    total = math.fsum(_most(view, plan, calls) for plan in planned)
    if total > options.max_cost:
        raise BudgetTooSmall(
            f"this could cost {total:.2g} USD, and --max-cost allows {options.max_cost:g}. Nothing was called."
        )


def _most(view: View, plan: PlannedRun, calls: int) -> float:
    """USD that a run costs at most; BudgetTooSmall where that cannot be told."""
    price = price_of(view, plan.prompt, plan.suite, plan.provider)
    if price is None:
        raise BudgetTooSmall(_unpriced(plan, calls))
    if not (price.input or price.output):
        return 0
    found = most(requests(plan.prompt, plan.suite, plan.cases), price.input, price.output)
    if found is None:
        raise BudgetTooSmall(
            f"--max-cost needs to know how long an answer of {plan.prompt.spec} can be (and that no image goes with "
            f"it). Set max_tokens under parameters: in {plan.suite.path}, or use --max-calls {calls}."
        )
    return plan.repeats * found


def _unpriced(plan: PlannedRun, calls: int) -> str:
    """What to do about a run that has no price."""
    model = asked_model(plan.prompt, plan.suite)
    if model is None:
        why = f"which belongs to a model, and {plan.provider} is asked for none"
        return f"--max-cost needs a price, {why}. Use --max-calls {calls}."
    add = f'Add [prices."{model}"] to promptreg.toml'
    return f"--max-cost needs a price for {model}. {add}, or use --max-calls {calls}."


def check_fit(planned: Iterable[PlannedRun]) -> None:
    """FileError where a case does not fit its prompt; before the first call."""
    for plan in planned:
        requests(plan.prompt, plan.suite, plan.cases)


def ready(view: View, planned: Sequence[PlannedRun], options: Options) -> dict[str, Provider]:
    """The providers of a plan by name; raises what stands against running it, before the first call."""
    check_budget(view, planned, options)
    providers = {
        name: open_provider(name, allow_code=options.allow_code) for name in {plan.provider for plan in planned}
    }
    check_fit(planned)
    return providers


def carry_out(project: Project, planned: Sequence[PlannedRun], options: Options) -> list[Stored]:
    """Run a plan and store what comes of it; of a run without cases nothing comes.

    NothingScored, and an end of the plan, for a run of which nothing was scored; the runs before it are stored.
    """
    planned = [plan for plan in planned if plan.cases]
    providers = ready(project.head, planned, options)
    return [_made(project, plan, providers[plan.provider], options) for plan in planned]


def _made(project: Project, plan: PlannedRun, provider: Provider, options: Options) -> Stored:
    what = f"{plan.prompt.spec} {plan.suite.name}"
    result, outputs = run(
        Run(
            prompt=plan.prompt,
            suite=plan.suite,
            cases=plan.cases,
            provider=provider,
            provider_name=plan.provider,
            repeats=plan.repeats,
            concurrency=options.concurrency,
            tool=options.tool,
            origin=_origin(project),
            progress=lambda done, total: options.progress(what, done, total),
            now=project.surroundings.now,
            timer=project.surroundings.timer,
        )
    )
    if not any(total.n for total in result.totals.metrics.values()):
        raise NothingScored(_nothing_scored(plan, result))
    dropped = {name for case in plan.cases for name in fitted_inputs(plan.prompt, case)[1]}
    return Stored(result, _store(project, result, outputs), tuple(sorted(dropped)))


def _nothing_scored(plan: PlannedRun, result: Result) -> str:
    """What failed, why first, and the command that runs it again."""
    failures = [failure for case in result.cases for failure in case.errors]
    failed = sum(failure.source == PROVIDER for failure in failures)
    if failed == plan.calls:
        what = f"all {failed} calls failed" if failed > 1 else "its only call failed"
    else:
        what = (
            f"not one of {plan.calls} answers could be scored" if plan.calls > 1 else "its answer could not be scored"
        )
    reason = failures[0].reason.rstrip(".") if failures else "no scorer said why"
    suite = "" if plan.suite.name == MAIN else f" --suite {plan.suite.name}"
    other = "" if plan.provider == plan.suite.provider else f" --provider {shlex.quote(plan.provider)}"
    again = f"promptreg eval {plan.prompt.spec}{suite}{other}{allowing(plan.provider)}"
    then = "Once the provider answers" if failed else f"Once {'they' if plan.calls > 1 else 'it'} can be"
    return f"{plan.prompt.spec} {plan.suite.name}: {what}, so nothing was stored: {reason}. {then}: {again}"


def _origin(project: Project) -> Origin:
    environ = project.surroundings.environ
    if not environ.get("CI"):
        return Origin(kind="local")
    server, repository, run_id = (environ.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    url = (
        f"{server}/{repository}/actions/runs/{run_id}"
        if server and repository and run_id
        else environ.get("CI_JOB_URL")
    )
    return Origin(kind="ci", url=url)


def _store(project: Project, result: Result, outputs: dict[str, list[str | None]]) -> str:
    """Write a result; the outputs first, so that a result is never without those it was stored with."""
    path = f"{results_of(result.prompt, result.version)}/{result.file_name()}"
    with writing(project.folder) as writer:
        if outputs:
            writer.write(path.removesuffix(".json") + OUTPUTS, outputs_text(outputs))
        writer.write(path, result.text())
    return project.folder.shown(path)
