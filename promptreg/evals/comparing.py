"""Can two versions be compared on a suite? (docs/gate.md, the section of that name)"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from promptreg.core.errors import counted
from promptreg.evals.all_providers import NOT_MODELS, allowing
from promptreg.evals.evidence import GatedCase, Pool, SuiteEvidence
from promptreg.evals.json_text import shown
from promptreg.evals.measures import cluster_means
from promptreg.evals.people import judged_cases, labelling, unjudged
from promptreg.evals.policy import Policy
from promptreg.evals.scorer import PROVIDER
from promptreg.evals.statistics import TOLERANCE
from promptreg.evals.suite import MAIN, MetricPolicy
from promptreg.evals.verdict import MetricVerdict

_FEW = 50
_LISTED = 10
#: As many repeats as one `promptreg eval` makes.
_MOST = 1000


@dataclass(slots=True)
class Examined:
    """One suite while it is judged.

    `gated` are the cases that count; `doubts` are verdicts with their reasons, on the suite as a whole.
    """

    evidence: SuiteEvidence
    candidate: Pool
    baseline: Pool | None
    gated: Mapping[str, GatedCase] = field(default_factory=dict)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    verdicts: dict[str, MetricVerdict] = field(default_factory=dict)
    unscored: set[str] = field(default_factory=set)

    @property
    def pools(self) -> list[Pool]:
        """Those of both sides, the baseline first where there is one."""
        return [pool for pool in (self.baseline, self.candidate) if pool is not None]

    @property
    def comparable(self) -> bool:
        """Whether the two can be compared, as far as the suite as a whole is concerned."""
        return not any(verdict in ("missing", "not-comparable") for verdict, _ in self.doubts)

    def policy(self, metric: str) -> MetricPolicy:
        """What the gate asks of a metric. What people judge can block only where the suite's `gate` names it."""
        facts = self.evidence.metrics.get(metric)
        return self.evidence.policies.get(metric) or MetricPolicy(block=facts is None or not facts.by_people)

    def label(self, metric: str) -> str:
        """A metric's name among those of all suites: the first word is the suite's, the main one's is left out."""
        return metric if self.evidence.suite == MAIN and "." not in metric else f"{self.evidence.suite}.{metric}"


def examined(evidence: SuiteEvidence, policy: Policy) -> Examined:
    """One suite with all that can be said before its metrics are looked at."""
    candidate = Pool(evidence.candidate, evidence.setup)
    baseline = Pool(evidence.baseline, evidence.setup) if evidence.baseline else None
    suite = Examined(evidence, candidate, baseline)
    for pool in suite.pools:
        _whole(suite, pool)
    _gate_cases(suite, policy)
    if not suite.comparable:
        return suite
    if baseline is not None:
        _compare_models(suite, baseline, policy)
        _compare_ages(suite, baseline, policy)
    blocking = [metric for metric in evidence.metrics if suite.policy(metric).block]
    for pool in suite.pools:
        judged = _without(evidence.cases, evidence.dropped)
        found = failures(pool, judged, blocking, policy)
        suite.doubts.extend(("not-comparable", f"{each.sentence} ({_made_up(suite, pool, each)})") for each in found)
        _tell_uneven(suite, pool)
    if (
        evidence.metrics
        and all(metric.by_people for metric in evidence.metrics.values())
        and evidence.policies.keys().isdisjoint(evidence.metrics)
    ):
        reason = f"people judge {evidence.suite}, and its gate: names none of {listed(evidence.metrics)}"
        suite.doubts.append(("ungated", reason))
    _doubt_models(suite, policy)
    return suite


def _doubt_models(suite: Examined, policy: Policy) -> None:
    """What answers or judges and is no language model."""
    provider = suite.evidence.setup.provider or ""
    strict = policy.mode == "strict"
    if provider.partition(":")[0] in NOT_MODELS and strict:
        suite.doubts.append(("not-comparable", f"{provider} is no language model, and the mode is strict"))
    for metric, facts in suite.evidence.metrics.items():
        if facts.no_model:
            reason = f"{metric} is judged by {facts.no_model}, which is no language model"
            if strict:
                suite.doubts.append(("not-comparable", f"{reason}, and the mode is strict"))
            else:
                suite.notes.append(reason)


def _tell_uneven(suite: Examined, pool: Pool) -> None:
    """That some cases were asked more often than others."""
    found = (pool.cases.get((id_, case.digest)) for id_, case in suite.gated.items())
    runs = {case.attempts for case in found if case}
    if len(runs) > 1:
        suite.notes.append(f"of {pool.side.version} a case has from {min(runs)} to {max(runs)} runs")


def _whole(suite: Examined, pool: Pool) -> None:
    side = pool.side
    suite.doubts.extend(("not-comparable", problem) for problem in side.problems)
    for result in side.results:
        if result.digest != side.digest:
            reason = f"{shown(result.file_name())} is a result of another text than {side.version}"
            suite.doubts.append(("not-comparable", f"{reason} (promptreg check --fix sets it aside)"))
    if pool.unused:
        runs = "result was" if pool.unused == 1 else "results were"
        suite.notes.append(f"{pool.unused} {runs} made with another setup of {side.version} and not used")
    for name, about in pool.lost:
        suite.notes.append(
            f"{shown(name)} scores answers of {shown(about)}, which is not stored: it counts for nothing"
        )
    if not pool.runs:
        cases = "cases" if suite.evidence.from_code else counted(len(suite.evidence.cases), "case")
        suite.doubts.append(("missing", f"{side.version} has {cases} and no result"))


def _gate_cases(suite: Examined, policy: Policy) -> None:
    """The cases of the suite that the baseline scored; those that this change removes or rewrites are dropped."""
    cases, baseline = suite.evidence.cases, suite.baseline
    scored = cases
    metrics = [name for name, metric in suite.evidence.metrics.items() if not metric.by_people]
    metrics = metrics or list(suite.evidence.metrics)
    if baseline is not None and not baseline.metrics.isdisjoint(metrics):
        new = cases.keys() - set().union(*(baseline.scores(cases, metric) for metric in metrics))
        version = baseline.side.version
        if len(new) == len(cases):
            # without any, the candidate is still held to `min`
            suite.doubts.append(("missing", f"{version} has no score for any of the {len(cases)} cases"))
        elif new:
            scored = _without(cases, new)
            suite.notes.append(
                f"not gated, since {version} has no score for it: {counted(len(new), 'case')}, {listed(new)}"
            )
    suite.gated = _without(scored, suite.evidence.dropped)
    _say_dropped(suite, scored, policy)


def _without(cases: Mapping[str, GatedCase], ids: AbstractSet[str]) -> Mapping[str, GatedCase]:
    """Some cases without some ids; where that is all of them the same mapping, which a pool looks up but once."""
    return {id_: case for id_, case in cases.items() if id_ not in ids} if ids else cases


def _say_dropped(suite: Examined, scored: Mapping[str, GatedCase], policy: Policy) -> None:
    dropped = scored.keys() - suite.gated.keys()
    if len(dropped) > len(scored) * policy.max_removed + TOLERANCE:
        reason = f"this change removes or rewrites {len(dropped)} of {len(scored)} cases ({listed(dropped)})"
        suite.doubts.append(("not-comparable", reason))
    elif dropped:
        suite.doubts.append(("uncertain", f"this change removes or rewrites {listed(dropped)}"))


def listed(ids: Iterable[str]) -> str:
    """The first ids of some, in order."""
    found = sorted(ids)
    return ", ".join(found[:_LISTED]) + (" …" if len(found) > _LISTED else "")


def _compare_models(suite: Examined, baseline: Pool, policy: Policy) -> None:
    before, after = baseline.models, suite.candidate.models
    if before == after:
        return
    told = [shown(", ".join(models)) or "none" for models in (before, after)]
    reason = f"the models that answered differ: {' and '.join(told)}"
    if policy.mode == "strict":
        suite.doubts.append(("not-comparable", reason))
    else:
        suite.notes.append(reason)


def _compare_ages(suite: Examined, baseline: Pool, policy: Policy) -> None:
    before, after = baseline.last_run(), suite.candidate.last_run()
    if before is None or after is None:
        return
    age = (after - before).total_seconds() / 86400
    if policy.mode == "strict" and age > policy.stale_days_strict:
        suite.doubts.append(("not-comparable", f"the last run of {baseline.side.version} is {age:.0f} days older"))
    elif age > policy.stale_days:
        suite.notes.append(f"the last run of {baseline.side.version} is {age:.0f} days older; models may have changed")


@dataclass(frozen=True, slots=True)
class Failures:
    """Too many calls, or judgements of a metric, failed for a side.

    `repeats` of all cases of which none fails make up for them; None where no number does.
    """

    sentence: str
    repeats: int | None


def failures(pool: Pool, cases: Mapping[str, GatedCase], metrics: Collection[str], policy: Policy) -> list[Failures]:
    """What failed too often for a side: calls, or judgements of one of some metrics."""
    pooled = pool.those(cases).values()
    said = []
    for source in (PROVIDER, *sorted(metrics)):
        failed = sum(case.failures.get(source, 0) for case in pooled)
        attempts = sum(case.attempts if source == PROVIDER else case.judged.get(source, 0) for case in pooled)
        if _too_many(failed, attempts, policy.max_errors):
            who = "calls" if source == PROVIDER else f"judgements of {source}"
            sentence = f"{failed} of {attempts} {who} failed for {pool.side.version}"
            said.append(Failures(sentence, _enough(failed, attempts, len(cases), policy.max_errors)))
    return said


def _too_many(failed: int, attempts: int, share: float) -> bool:
    return failed > 1 if attempts < _FEW else failed > attempts * share + TOLERANCE


def _enough(failed: int, attempts: int, cases: int, share: float) -> int | None:
    """The least number of repeats of all cases that bring the share of failures under the limit; None above _MOST."""
    wanted = max(_FEW, math.ceil(failed / share - TOLERANCE)) if share else math.inf
    repeats = (wanted - attempts) / cases
    return max(1, math.ceil(repeats)) if repeats <= _MOST else None


def _made_up(suite: Examined, pool: Pool, found: Failures) -> str:
    """What makes up for failures."""
    if pool.side.fresh:
        return "run it again, once the provider answers"
    if found.repeats is None:
        return "no single run makes up for them: max_errors in [gate] allows too few"
    run, name = pool.runs[0], suite.evidence.suite
    which = "" if name == MAIN else f" --suite {name}"
    options = f"{which} --repeat {found.repeats}{allowing(suite.evidence.setup.provider or '')}"
    return f"promptreg eval {run.prompt}@{run.version}{options} makes up for them, once the provider answers"


# One metric


def seen_by(suite: Examined, metric: str) -> Examined | None:
    """A suite with the cases that count for a metric; None where the metric is left out, which is noted."""
    if not suite.evidence.metrics[metric].by_people:
        return suite
    cases = judged_cases(suite.pools, suite.gated, metric, named=metric in suite.evidence.policies)
    if cases:
        return replace(suite, gated=cases)
    if suite.comparable:
        why = unjudged(suite.pools, suite.gated, metric, suite.evidence.suite) or "no case was judged on both sides"
        suite.notes.append(f"{metric} is left out: {why}")
    return None


def metric_doubt(suite: Examined, metric: str, policy: Policy) -> tuple[str, str] | None:
    """The verdict, with its reason, on a metric that cannot be compared; None where it can be."""
    by_people = suite.evidence.metrics[metric].by_people
    nobody = unjudged(suite.pools, suite.gated, metric, suite.evidence.suite) if by_people else None
    if nobody:
        return "missing", nobody
    for pool in suite.pools:
        if metric not in pool.metrics:
            return _unmeasured(metric, pool)
        reason = _unfit(suite, metric, pool)
        if reason:
            return "not-comparable", reason
    reason = _uncovered(suite, metric, policy)
    if reason and by_people:
        return "missing", f"{reason} ({labelling(suite.candidate, suite.evidence.suite)})"
    return ("not-comparable", reason) if reason else None


def _unmeasured(metric: str, pool: Pool) -> tuple[str, str]:
    version = pool.side.version
    if metric in pool.named:
        reason = f"{metric} was scored differently for {version}: its scorer has changed since"
        again = f"promptreg eval --rescore {pool.runs[0].prompt}@{version}" if pool.runs else "promptreg eval"
        return "not-comparable", f"{reason}, and {again} scores it again"
    return "missing", f"{metric} was not scored for {version}"


def _unfit(suite: Examined, metric: str, pool: Pool) -> str | None:
    facts = suite.evidence.metrics[metric]
    wrong = facts.unfit(score for case in pool.cases.values() for score in case.given(metric))
    if wrong is None:
        return None
    right = "0 or 1" if facts.kind == "pass-fail" else f"from {facts.low:g} to {facts.high:g}"
    return f"{pool.side.version} has a score of {wrong:g}, which should be {right}"


def _uncovered(suite: Examined, metric: str, policy: Policy) -> str | None:
    """Why the candidate has scored too few of the gated cases; None where they suffice. Notes those it has not."""
    absent = sorted(suite.gated.keys() - suite.candidate.scores(suite.gated, metric).keys())
    suite.unscored.update(absent)
    version, n = suite.candidate.side.version, len(suite.gated)
    if absent:
        suite.notes.append(f"{version} has no score for {listed(absent)}")
    critical = [id_ for id_ in absent if suite.gated[id_].critical]
    if critical:
        return f"{version} has no score for the critical case{'s' if len(critical) > 1 else ''} {', '.join(critical)}"
    few = len(absent) <= spared(n, policy)
    return None if few else f"{version} has scores for {n - len(absent)} of {n} cases"


def spared(cases: int, policy: Policy) -> int:
    """How many of some cases the gate can do without."""
    return 1 if cases < _FEW else math.floor(cases * (1 - policy.min_coverage) + 1e-9)


def hard_losses(suite: Examined, metric: str, policy: Policy) -> list[str]:
    """Why a metric blocks in every mode: critical cases that were lost, and a mean below `min`.

    Said of what the candidate was scored on, whether or not the rest can be compared: other doubts excuse neither.
    """
    candidate, facts = suite.candidate, suite.evidence.metrics[metric]
    after = candidate.scores(suite.gated, metric)
    reasons = []
    lost = _critical_lost(suite, metric, after) if facts.kind == "pass-fail" else []
    if lost:
        reasons.append(f"critical: {', '.join(lost)}")
    least = suite.policy(metric).min
    if after and least is not None and not (_unfit(suite, metric, candidate) or _uncovered(suite, metric, policy)):
        mean = cluster_means(after, suite.gated)
        if facts.direction == "up" and mean < least - TOLERANCE:
            reasons.append(f"{mean:.3f} is below min {least:g}")
        if facts.direction == "down" and mean > least + TOLERANCE:
            reasons.append(f"{mean:.3f} is above min {least:g}, and less is better")
    return reasons


def _critical_lost(suite: Examined, metric: str, after: Mapping[str, float]) -> list[str]:
    facts = suite.evidence.metrics[metric]
    critical = [id_ for id_ in sorted(after) if suite.gated[id_].critical]
    failing = [id_ for id_ in critical if facts.goodness(after[id_]) <= 0.5]
    if suite.baseline is None:
        return failing
    before = suite.baseline.scores({id_: suite.gated[id_] for id_ in failing}, metric)
    return [id_ for id_ in failing if id_ in before and facts.goodness(before[id_]) > 0.5]
