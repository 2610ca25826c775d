"""Running a plan, and keeping what came of it, whatever happens on the way."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TypeVar

from promptreg.evals.all_providers import allowing, open_provider
from promptreg.evals.cases import fitted_inputs
from promptreg.evals.cost import usd_text
from promptreg.evals.provider import Means, Provider, ProviderUnusable
from promptreg.evals.running.assembly import Assembly, assembled
from promptreg.evals.running.caller import Account, BudgetReached, Caller
from promptreg.evals.running.journal import Journal
from promptreg.evals.running.requests import requests
from promptreg.evals.running.run import Plan, Run
from promptreg.evals.suite import MAIN
from promptreg.evaluation.budget import check_budget
from promptreg.evaluation.keeping import NothingAsked, NothingScored, Recorder, cache_of, journal_of, plan_of
from promptreg.evaluation.plans import Options, PlannedRun
from promptreg.evaluation.storing import Stored, origin_of, store
from promptreg.project import Project

Found = TypeVar("Found")


def check_fit(planned: Iterable[PlannedRun]) -> None:
    """FileError where a case does not fit its prompt; before the first call."""
    for plan in planned:
        for _ in requests(plan.prompt, plan.suite, plan.cases):
            pass


def ready(project: Project, planned: Sequence[PlannedRun], options: Options) -> dict[str, Provider]:
    """The providers of a plan by name, those of its judges too; raises what stands against running it."""
    check_budget(project.head, planned, options)
    for plan in planned:
        for metric, scorer in plan.suite.scorers.items():
            if scorer.needs_code() and not options.allow_code:
                raise ProviderUnusable(
                    f"{metric} of {plan.suite.path} runs code that this repository names. If you trust it: --allow-code"
                )
    names = {plan.provider for plan in planned} | {
        name for plan in planned for scorer in plan.suite.scorers.values() for name in scorer.providers()
    }
    means = means_of(project, options)
    providers = {name: open_provider(name, means, allow_code=options.allow_code) for name in sorted(names)}
    check_fit(planned)
    return providers


def means_of(project: Project, options: Options) -> Means:
    """What the door hands in, for providers and scorers."""
    around = project.surroundings
    return Means(around.environ, around.directory, project.folder.read, options.concurrency, options.timeout)


def carry_out(project: Project, planned: Sequence[PlannedRun], options: Options) -> list[Stored]:
    """Run a plan and store what comes of it; of a run without cases nothing comes.

    NothingScored, and an end of the plan, for a run of which nothing was scored; the runs before it are stored.
    BudgetReached where the money was spent. What was answered before any end is kept for `resume`.
    """

    def kept(plan: PlannedRun, found: Assembly) -> Stored:
        _check_evidence(plan, found)
        return store(project, found, _dropped(plan))

    return run_all(project, planned, options, kept)


def run_all(
    project: Project,
    planned: Sequence[PlannedRun],
    options: Options,
    then: Callable[[PlannedRun, Assembly], Found],
) -> list[Found]:
    """Run a plan, and do something with each run that is finished: only after that is its journal gone.

    With `options.together` that is done once all runs are finished, so that an end amid them leaves none alone.
    """
    made: list[Found] = []
    wanted = [plan for plan in planned if plan.cases]
    # the loop runs while calls are made and not while files are written, so that ^C is heard at once then
    with asyncio.Runner() as runner, _calling(project, planned, options, runner) as caller:
        for group in [wanted] if options.together else [[plan] for plan in wanted]:
            with ExitStack() as journals:
                finished = []
                for plan in group:
                    run = plan_of(plan)
                    runner.run(_prepared(plan, caller))
                    journal = journals.enter_context(journal_of(project, run, options))
                    runner.run(_run(Run(run, caller, journal, options.progress), options))
                    if isinstance(caller.on_answer, Recorder):
                        caller.on_answer.take_over(run, journal)
                    finished.append((plan, run, journal))
                made += _each_done(project, finished, options, then)
    return made


def _each_done(
    project: Project,
    finished: Sequence[tuple[PlannedRun, Plan, Journal]],
    options: Options,
    then: Callable[[PlannedRun, Assembly], Found],
) -> list[Found]:
    """What is done with each finished run; one that is no evidence is told of after all others are dealt with."""
    made: list[Found] = []
    problems: list[NothingScored] = []
    for plan, run, journal in finished:
        try:
            made.append(then(plan, assembled(run, journal, tool=options.tool, origin=origin_of(project))))
        except NothingScored as problem:
            problems.append(problem)
    if problems:
        raise problems[0]
    return made


async def _prepared(plan: PlannedRun, caller: Caller) -> None:
    for scorer in plan.suite.scorers.values():
        await scorer.prepare(caller.means)


async def _run(run: Run, options: Options) -> None:
    if run.state.done:
        options.note(f"{run.state.what}: goes on, {run.state.done} of {run.state.total} answers are there.")
    try:
        await run.carry_out()
    except (BudgetReached, ProviderUnusable) as problem:
        if not run.state.done:
            raise
        kept = f"{run.state.done} of {run.state.total} answers are kept ({_spent(run.caller.account)})"
        again = "the same command" if options.resume else "the same command with --resume"
        raise type(problem)(f"{run.state.what}: {problem.message.rstrip('.')}. {kept}; {again} goes on.") from None


def _spent(account: Account) -> str:
    lost = f", and at most {usd_text(account.lost)} for calls of which nobody knows" if account.lost else ""
    return f"{usd_text(account.spent)} spent{lost}"


@contextmanager
def _calling(
    project: Project, planned: Sequence[PlannedRun], options: Options, runner: asyncio.Runner
) -> Iterator[Caller]:
    """What makes the calls of a plan; its providers and its cache are let go of in the end."""
    with ExitStack() as stack:
        for provider in (providers := ready(project, planned, options)).values():
            stack.callback(_closed, runner, provider)
        caller = Caller(
            providers,
            means_of(project, options),
            project.surroundings.timer,
            prices=project.head.config.prices,
            max_cost=options.max_cost,
            rate=options.rate,
        )
        if options.cache:
            caller.cache = stack.enter_context(closing(cache_of(project)))
        if options.record:
            caller.on_answer = recorder = Recorder()
            stack.callback(recorder.store, project)
        yield caller


def _closed(runner: asyncio.Runner, provider: Provider) -> None:
    runner.run(provider.close())


def _dropped(plan: PlannedRun) -> tuple[str, ...]:
    return tuple(sorted({name for case in plan.cases for name in fitted_inputs(plan.prompt, case)[1]}))


def _check_evidence(plan: PlannedRun, found: Assembly) -> None:
    """NothingAsked and NothingScored for a run that is no evidence."""
    if found.seen.hits and not found.seen.misses:
        raise NothingAsked(
            f"{plan.prompt.spec} {plan.suite.name}: all {found.seen.hits} answers came from the cache, so nothing was "
            "asked and nothing stored. Without --cache they are asked for again."
        )
    scored = any(total.n for total in found.header.totals.metrics.values())
    # answers that only people judge are worth storing
    if not (scored or (not found.header.scorers and found.header.models)):
        raise NothingScored(_nothing_scored(plan, found))


def _nothing_scored(plan: PlannedRun, assembly: Assembly) -> str:
    """What failed, why first, and the command that runs it again."""
    failed, calls = assembly.seen.failed, plan.answers
    if failed == calls:
        what = f"all {failed} calls failed" if failed > 1 else "its only call failed"
    else:
        what = f"not one of {calls} answers could be scored" if calls > 1 else "its answer could not be scored"
    reason = (assembly.seen.reason or "no scorer said why").rstrip(".")
    again = f"promptreg eval {plan.prompt.spec}{_options_of(plan)}"
    then = "Once the provider answers" if failed else f"Once {'they' if calls > 1 else 'it'} can be"
    return f"{plan.prompt.spec} {plan.suite.name}: {what}, so nothing was stored: {reason}. {then}: {again}"


def _options_of(plan: PlannedRun) -> str:
    """The options that make `promptreg eval` run this plan again."""
    suite = "" if plan.suite.name == MAIN else f" --suite {plan.suite.name}"
    other = "" if plan.provider == plan.suite.provider else f" --provider {shlex.quote(plan.provider)}"
    return f"{suite}{other}{allowing(plan.provider)}"
