"""Did the model change under a version? A fresh run, not stored, is compared with the stored ones of its setup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptreg.core.prompt import Prompt
from promptreg.evals.evidence import Pool, Question, Side, SuiteEvidence, metrics_of
from promptreg.evals.gate import judge, judge_each
from promptreg.evals.policy import Policy
from promptreg.evals.results import Result
from promptreg.evals.running.assembly import Assembly
from promptreg.evals.verdict import Verdict
from promptreg.evaluation.carry_out import run_all
from promptreg.evaluation.plans import Options, PlannedRun
from promptreg.judging import gated, side
from promptreg.project import Project, View

#: A baseline's age is no doubt where the question is whether something changed since.
_ANY_AGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Unstored:
    """One run that was made and is not stored; `reason` is why the first failure failed."""

    plan: PlannedRun
    result: Result
    cases: int
    reason: str | None = None

    @property
    def header(self) -> Result:
        """As what is stored calls it."""
        return self.result

    def data(self) -> dict[str, Any]:
        """The shape of `results` in `eval --json`; there is no path."""
        return {
            "name": self.result.prompt,
            "version": self.result.version,
            "suite": self.result.suite,
            "path": None,
            "totals": self.result.totals.model_dump(mode="json"),
        }


def run_unstored(
    project: Project, planned: Sequence[PlannedRun], options: Options, *, whole: bool = True
) -> list[Unstored]:
    """Run a plan and store nothing; `whole` is whether the cases of the results are wanted too."""

    def found(plan: PlannedRun, made: Assembly) -> Unstored:
        return Unstored(plan, made.result() if whole else made.header, made.seen.cases, made.seen.reason)

    return run_all(project, planned, options, found)


@dataclass(frozen=True, slots=True)
class Drift:
    """How a fresh run of a version stands against its stored ones: the verdict of all suites, and of each.

    `then` and `now` are the models that answered; `runs` is how many stored runs count, `lacking` the suites that have
    none, which were not run; `seconds` is how long the fresh runs of a suite took.
    """

    prompt: Prompt
    verdict: Verdict
    each: dict[str, Verdict]
    then: tuple[str, ...]
    now: tuple[str, ...]
    runs: int
    lacking: tuple[str, ...]
    seconds: dict[str, float]

    def data(self) -> dict[str, Any]:
        """An entry of `drift` in `eval --json`: what `compare` prints, with the models."""
        found = self.verdict.data()
        sides = {name: found[name] | {"version": self.prompt.version} for name in ("baseline", "candidate")}
        facts = {"name": self.prompt.name, "version": self.prompt.version}
        return {**facts, "models": {"then": list(self.then), "now": list(self.now)}, **found, **sides}


def comparable(view: View, planned: Iterable[PlannedRun]) -> list[PlannedRun]:
    """Those runs of a plan that have something stored to be compared with; the others would be made for nothing."""
    return [plan for plan in planned if _pool(plan, side(view, plan.prompt, plan.suite)).runs]


def _pool(plan: PlannedRun, stored: Side) -> Pool:
    return Pool(stored, plan.suite.automatic().setup(plan.provider))


def drifted(
    view: View, planned: Sequence[PlannedRun], made: Iterable[Unstored], environment: str | None
) -> list[Drift]:
    """What the gate says of fresh runs against stored ones, in the mode of an environment (None: standard).

    `planned` are all that were wanted, those for which nothing is stored too.
    """
    fresh = {(each.result.prompt, each.result.version, each.result.suite): each.result for each in made}
    policy = whatever_age(view.policy(environment))
    specs = dict.fromkeys(plan.prompt.spec for plan in planned)
    return [_drift(view, [plan for plan in planned if plan.prompt.spec == spec], fresh, policy) for spec in specs]


def whatever_age(policy: Policy) -> Policy:
    """A policy for comparing runs of one version: that one is older than the other is no doubt."""
    return policy.model_copy(update={"stale_days": _ANY_AGE, "stale_days_strict": _ANY_AGE})


def _drift(
    view: View, planned: Sequence[PlannedRun], fresh: Mapping[tuple[str, str, str], Result], policy: Policy
) -> Drift:
    prompt = planned[0].prompt
    results = {plan.suite.name: fresh.get((prompt.name, prompt.version, plan.suite.name)) for plan in planned}
    sides = [replace(side(view, prompt, plan.suite), version=f"{prompt.version} then") for plan in planned]
    both = zip(planned, sides, strict=True)
    suites = tuple(_evidence(plan, stored, results[plan.suite.name]) for plan, stored in both)
    asked = Question(
        policy, (f"{prompt.version} now", prompt.digest), (f"{prompt.version} then", prompt.digest), suites
    )
    pools = {plan.suite.name: _pool(plan, stored) for plan, stored in zip(planned, sides, strict=True)}
    return Drift(
        prompt=prompt,
        verdict=judge(asked),
        each=judge_each(asked),
        then=_models(pool.models for pool in pools.values()),
        now=_models(result.models for result in results.values() if result),
        runs=sum(len(pool.runs) for pool in pools.values()),
        lacking=tuple(name for name, pool in pools.items() if not pool.runs),
        seconds={name: result.duration_s for name, result in results.items() if result},
    )


def _models(found: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({model for models in found for model in models}))


def _evidence(plan: PlannedRun, stored: Side, fresh: Result | None) -> SuiteEvidence:
    """A suite's part of the question: the stored runs of a version are the baseline, its fresh run the candidate.

    Only what runs can score takes part, and of the cases only those that were asked.
    """
    suite = plan.suite.automatic()
    new = Side(f"{plan.prompt.version} now", plan.prompt.digest, (fresh,) if fresh else (), fresh=True)
    asked = {case.id for case in plan.cases}
    return SuiteEvidence(
        suite=suite.name,
        setup=suite.setup(plan.provider),
        metrics=metrics_of(suite),
        policies=suite.gate,
        cases={id_: case for id_, case in gated(suite, [new, stored]).items() if id_ in asked},
        candidate=new,
        baseline=stored,
        from_code=suite.code is not None,
    )
