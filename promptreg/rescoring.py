"""New scorers on stored answers, without asking for these again: `eval --rescore`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptreg.core.errors import PromptregError, counted, near
from promptreg.core.prompt import Prompt
from promptreg.evals.all_providers import costs, open_provider
from promptreg.evals.cases import Case
from promptreg.evals.cost import usd_text
from promptreg.evals.provider import ProviderUnusable
from promptreg.evals.results import Failure
from promptreg.evals.running.caller import BudgetReached, Caller
from promptreg.evals.running.run import JudgeBench, Progress
from promptreg.evals.scorer import ScorerError
from promptreg.evaluation.budget import BudgetTooSmall
from promptreg.evaluation.carry_out import means_of
from promptreg.evaluation.keeping import NothingScored
from promptreg.evaluation.plans import Options, plan_data, suites_of
from promptreg.evaluation.storing import Stored
from promptreg.project import Project, View
from promptreg.stored_answers import Answer, AnsweredRun, Rows, Said, answered_runs, keep


class NothingStored(PromptregError):
    """There are no stored answers to score."""


@dataclass(frozen=True, slots=True)
class PlannedRescoring:
    """The stored answers of one run, and the metrics of its suite that they have no scores of.

    It reads like `evaluation.plans.PlannedRun`, but for `calls`: nothing is asked again, and only judges are called.
    """

    about: AnsweredRun
    metrics: tuple[str, ...]
    cases: tuple[Case, ...]
    answers: int
    why: str

    @property
    def prompt(self) -> Prompt:
        """What was run."""
        return self.about.prompt

    @property
    def suite(self) -> Any:
        """The suite with the scorers that are wanted."""
        suite = self.about.suite
        return replace(suite, scorers={metric: suite.scorers[metric] for metric in self.metrics})

    @property
    def provider(self) -> str:
        """Who answered."""
        return self.about.run.setup.provider or ""

    @property
    def repeats(self) -> int:
        """How many answers a case has at most."""
        return self.about.run.repeats

    @property
    def calls(self) -> int:
        """How many calls of judges it takes."""
        return self.answers * sum(len(scorer.providers()) for scorer in self.suite.scorers.values())

    def data(self) -> dict[str, Any]:
        """The shape of `planned` in `eval --json`."""
        return plan_data(self)


def plan_rescoring(
    view: View, prompts: Iterable[Prompt], options: Options, metrics: Collection[str] = ()
) -> list[PlannedRescoring]:
    """The stored runs of some prompts that lack scores of what their suites declare now, or of some metrics of it.

    NothingStored where a prompt has no stored run, or no answers are stored of any run that lacks scores.
    """
    planned: list[PlannedRescoring] = []
    for prompt in prompts:
        suites = [suite.automatic() for suite in suites_of(view, prompt.name, options.suite)]
        known = {metric for suite in suites for metric in suite.scorers}
        for metric in metrics:
            if metric not in known:
                raise PromptregError(f"{prompt.name} has no scorer {metric}.{near(metric, known)}")
        runs = [run for suite in suites for run in answered_runs(view, prompt, suite)]
        if not runs:
            raise NothingStored(
                f"{prompt.spec} has no stored run of the setup that its suites declare, so there are no answers to "
                f"score. promptreg eval {prompt.spec} makes one."
            )
        planned += _planned(prompt, runs, metrics, options)
    return planned


def _planned(
    prompt: Prompt, runs: Sequence[AnsweredRun], metrics: Collection[str], options: Options
) -> list[PlannedRescoring]:
    """What some runs of a prompt lack; those of which no answers are stored are told of."""
    planned, without = [], []
    for run in runs:
        wanted = _lacking(run, metrics)
        if wanted:
            answers = [answer for answer in run.answers() if answer.text is not None]
            if not answers:
                without.append(run.name)
                continue
            cases = tuple({answer.case.id: answer.case for answer in answers}.values())
            why = f"stored answers without {', '.join(wanted)}"
            planned.append(PlannedRescoring(run, wanted, cases, len(answers), why))
    if without:
        message = f"No outputs are stored of {', '.join(without)}, so that nothing can be scored anew."
        again = f"promptreg eval {prompt.spec} asks again."
        if not planned:
            raise NothingStored(f"{prompt.spec}: {message} {again}")
        options.note(f"{message} {again}")
    return planned


def _lacking(about: AnsweredRun, metrics: Collection[str]) -> tuple[str, ...]:
    """The metrics of a suite that neither a run nor what was said of it later has, by the declared scorer."""
    declared = about.suite.setup().scorers
    had = {item for result in (about.run, *about.later) for item in result.setup.scorers.items()}
    lacking = (metric for metric, digest in declared.items() if (metric, digest) not in had)
    return tuple(metric for metric in lacking if not metrics or metric in metrics)


def rescore(project: Project, planned: Sequence[PlannedRescoring], options: Options) -> list[Stored]:
    """Score stored answers and store what comes of it, run by run: what was stored before an end stays.

    BudgetTooSmall or ProviderUnusable before the first call; NothingScored for a run of which nothing could be scored.
    """
    _check(project.head, planned, options)
    return asyncio.run(_rescored(project, planned, options))


def _check(view: View, planned: Sequence[PlannedRescoring], options: Options) -> None:
    calls = sum(plan.calls for plan in planned)
    if options.max_calls is not None and calls > options.max_calls:
        raise BudgetTooSmall(
            f"this takes {calls} calls of judges, and --max-calls allows {options.max_calls}. Nothing was called."
        )
    for plan in planned:
        for metric, scorer in plan.suite.scorers.items():
            if scorer.needs_code() and not options.allow_code:
                raise ProviderUnusable(
                    f"{metric} of {plan.suite.path} runs code that this repository names. If you trust it: --allow-code"
                )
            model = scorer.facts().get("model")
            if options.max_cost is not None and any(map(costs, scorer.providers())) and model not in view.config.prices:
                add = f'Add [prices."{model}"] to promptreg.toml, or use --max-calls {calls}.'
                raise BudgetTooSmall(f"--max-cost needs a price for the judge's {model or 'model'}. {add}")


async def _rescored(project: Project, planned: Sequence[PlannedRescoring], options: Options) -> list[Stored]:
    names = {name for plan in planned for scorer in plan.suite.scorers.values() for name in scorer.providers()}
    means = means_of(project, options)
    providers = {name: open_provider(name, means, allow_code=options.allow_code) for name in sorted(names)}
    timer = project.surroundings.timer
    prices = project.head.config.prices
    caller = Caller(providers, means, timer, prices=prices, max_cost=options.max_cost, rate=options.rate)
    try:
        for plan in planned:
            for scorer in plan.suite.scorers.values():
                await scorer.prepare(means)
        return [await _Rescoring(project, plan, caller, options).carry_out() for plan in planned]
    finally:
        for provider in providers.values():
            await provider.close()


class _Rescoring:
    """One run whose answers are scored."""

    def __init__(self, project: Project, plan: PlannedRescoring, caller: Caller, options: Options) -> None:
        self.project = project
        self.plan = plan
        self.options = options
        self.bench = JudgeBench(caller, caller.means, made_for=(plan.prompt.name, plan.suite.name))
        self.rows = Rows()
        self.began = caller.timer()
        what = f"{plan.prompt.spec} {plan.suite.name}, stored answers"
        self.state = Progress(what, 0, plan.answers * len(plan.metrics))

    async def carry_out(self) -> Stored:
        started_at = self.project.surroundings.now().isoformat(timespec="milliseconds")
        jobs = self._jobs()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, self.options.concurrency)):
                    group.create_task(self._work(jobs))
        except BaseExceptionGroup as problems:
            raise self._ended(problems.exceptions[0]) from None
        order = {case.id: at for at, case in enumerate(self.plan.cases)}
        rows = sorted(self.rows.rows.values(), key=lambda row: order[row.id])
        for row in rows:
            row.errors.sort(key=lambda failure: (failure.repeat, failure.source))
        if not any(score is not None for row in rows for scores in row.scores.values() for score in scores):
            raise NothingScored(self._nothing_scored([failure.reason for row in rows for failure in row.errors]))
        said = Said(
            metrics=self.plan.metrics,
            rows=rows,
            comments={id_: self.rows.comments[id_] for id_ in order if id_ in self.rows.comments},
            started_at=started_at,
            duration_s=self.bench.caller.timer() - self.began,
            tool=self.options.tool,
            judging=self.bench.used if self.bench.used.calls else None,
        )
        return keep(self.project, self.plan.about, said)

    def _ended(self, problem: BaseException) -> BaseException:
        """A problem that ended it, with what that means: scores of half the answers are not kept."""
        if not isinstance(problem, (BudgetReached, ProviderUnusable)):
            return problem
        done = (
            f"{self.state.done} of {self.state.total} scores were made ({usd_text(self.state.spent)}) and are not kept"
        )
        return type(problem)(f"{self.state.what}: {problem.message.rstrip('.')}. {done}.")

    def _nothing_scored(self, reasons: Sequence[str]) -> str:
        what = f"{self.plan.prompt.spec} {self.plan.suite.name}: not one of"
        stored = counted(self.plan.answers, "stored answer")
        return f"{what} {stored} could be scored, so nothing was stored: {reasons[0].rstrip('.')}."

    def _jobs(self) -> Iterator[tuple[Answer, str]]:
        for answer in self.plan.about.answers():
            if answer.text is not None:
                yield from ((answer, metric) for metric in self.plan.metrics)

    async def _work(self, jobs: Iterator[tuple[Answer, str]]) -> None:
        for answer, metric in jobs:
            scorer = self.plan.suite.scorers[metric]
            try:
                if answer.unjudged:
                    raise ScorerError(f"{answer.unjudged}.")
                completion = answer.completion(self.plan.about.run)
                found = await scorer.judge(completion, answer.case, self.bench, answer.repeat)
                self.rows.add(answer, metric, found.score, found.comment)
            except ScorerError as problem:
                row = self.rows.add(answer, metric, None)
                row.errors.append(Failure(repeat=answer.repeat, source=metric, reason=problem.message))
            self._tell()
            await asyncio.sleep(0)

    def _tell(self) -> None:
        state, caller = self.state, self.bench.caller
        state.done, state.made, state.seconds = state.done + 1, state.made + 1, caller.timer() - self.began
        state.spent, state.tries_again = caller.account.spent, caller.account.tries_again
        self.options.progress(state)
