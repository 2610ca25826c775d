"""Making evidence: which runs are wanted, and storing what comes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.all_providers import costs, listed, open_provider, provider_kind
from promptreg.evals.behaviour import behaviour
from promptreg.evals.cases import Case
from promptreg.evals.cost import most
from promptreg.evals.provider import ProviderUnusable
from promptreg.evals.results import OUTPUTS, Origin, Result, outputs_text, results_folder
from promptreg.evals.runner import Run, fitted_inputs, requests, run
from promptreg.evals.suite import Suite
from promptreg.files import LOCAL, writing
from promptreg.judging import Move, gaps
from promptreg.project import Project, View


class BudgetTooSmall(PromptregError):
    """A plan costs more calls, or more money, than was allowed; nothing was called."""


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
            provider = _provider(suite, options)
            planned.append(
                PlannedRun(prompt, suite, suite.cases, provider, options.repeats or suite.repeats, "asked for")
            )
    return planned


def _suites(view: View, name: str, options: Options) -> list[Suite]:
    suites = [suite for suite in view.suites(name) if options.suite in (None, suite.name)]
    if not suites:
        what = f"no suite {options.suite}" if options.suite and view.suites(name) else "no suite"
        path = view.source.shown(f"{name}/evals/suite.yaml")
        raise PromptregError(f"{name} has {what}. promptreg new {name} --cases writes one: {path}")
    return suites


def _provider(suite: Suite, options: Options) -> str:
    provider = options.provider or suite.provider
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
            _provider(gap.suite, replace(options, provider=None)),
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
    if not costs(plan.provider):
        return 0
    model = plan.suite.model or plan.prompt.model or plan.provider
    price = view.config.prices.get(model)
    if price is None:
        raise BudgetTooSmall(
            f'--max-cost needs a price for {model}. Add [prices."{model}"] to promptreg.toml, or use --max-calls '
            f"{calls}."
        )
    found = most(requests(plan.prompt, plan.suite, plan.cases), price.input, price.output)
    if found is None:
        raise BudgetTooSmall(
            f"--max-cost needs to know how long an answer of {plan.prompt.spec} can be (and that no image goes with "
            f"it). Set max_tokens under parameters: in {plan.suite.path}, or use --max-calls {calls}."
        )
    return plan.repeats * found


def check_fit(planned: Iterable[PlannedRun]) -> None:
    """FileError where a case does not fit its prompt; before the first call."""
    for plan in planned:
        requests(plan.prompt, plan.suite, plan.cases)


def carry_out(project: Project, planned: Sequence[PlannedRun], options: Options) -> list[Stored]:
    """Run a plan and store what comes of it; of a run without cases nothing comes."""
    planned = [plan for plan in planned if plan.cases]
    check_budget(project.head, planned, options)
    providers = {
        name: open_provider(name, allow_code=options.allow_code) for name in {plan.provider for plan in planned}
    }
    check_fit(planned)
    made: list[Stored] = []
    for plan in planned:
        what = f"{plan.prompt.spec} {plan.suite.name}"

        def progress(done: int, total: int, what: str = what) -> None:
            options.progress(what, done, total)

        result, outputs = run(
            Run(
                prompt=plan.prompt,
                behaviour=behaviour(plan.prompt),
                suite=plan.suite,
                cases=plan.cases,
                provider=providers[plan.provider],
                provider_name=plan.provider,
                repeats=plan.repeats,
                concurrency=options.concurrency,
                tool=options.tool,
                origin=_origin(project),
                progress=progress,
                now=project.surroundings.now,
                timer=project.surroundings.timer,
            )
        )
        dropped = {name for case in plan.cases for name in fitted_inputs(plan.prompt, case)[1]}
        made.append(Stored(result, _store(project, result, outputs), tuple(sorted(dropped))))
    return made


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
    folder = (
        f"{LOCAL}/results/{result.prompt}"
        if result.version == "draft"
        else results_folder(result.prompt, result.version)
    )
    path = f"{folder}/{result.file_name()}"
    with writing(project.folder) as writer:
        if outputs:
            writer.write(path.removesuffix(".json") + OUTPUTS, outputs_text(outputs))
        writer.write(path, result.text())
    return project.folder.shown(path)
