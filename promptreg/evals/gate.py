"""The gate: one pure function from evidence to a verdict (docs/gate.md).

No files, no clock, no random numbers: the same question gets the same answer on every machine, whatever the order of
results and cases.
"""

from __future__ import annotations

from dataclasses import replace

from promptreg.evals.all_providers import NOT_MODELS
from promptreg.evals.comparing import Examined, examined, hard_losses, metric_doubt, seen_by
from promptreg.evals.evidence import Pool, Question
from promptreg.evals.measures import Figures, cluster_means, measured, noise_of, pairs, scored
from promptreg.evals.policy import Policy
from promptreg.evals.rulings import ruled
from promptreg.evals.statistics import holm
from promptreg.evals.suite import FREE_METRICS
from promptreg.evals.verdict import VERDICTS, MetricVerdict, SideFacts, Verdict


def judge(question: Question) -> Verdict:
    """May the candidate take the baseline's place?"""
    verdict, suites = _judged(question)
    return _summed(verdict, suites) if suites else verdict


def judge_each(question: Question) -> dict[str, Verdict]:
    """What `judge` says, told apart by suite: the worst of them is its verdict. A suite without cases has none."""
    verdict, suites = _judged(question)
    if question.same:
        return {suite.suite: verdict for suite in question.suites}
    return {suite.evidence.suite: _summed(verdict, [suite]) for suite in suites}


def _judged(question: Question) -> tuple[Verdict, list[Examined]]:
    """The verdict where no suite has a say, and the suites that have one, with a verdict on each metric."""
    baseline = SideFacts(*question.baseline) if question.baseline else None
    candidate = SideFacts(*question.candidate)
    verdict = Verdict("pass", question.policy.mode, candidate, baseline, question.policy.alpha)
    if question.same:
        return replace(verdict, reasons=(question.same,)), []
    suites = [examined(suite, question.policy) for suite in question.suites if suite.cases or suite.from_code]
    if not suites:
        return replace(verdict, verdict="ungated", reasons=("there are no cases",)), []
    _rule(suites, question.policy)
    return verdict, suites


def _rule(suites: list[Examined], policy: Policy) -> None:
    """Put a verdict on each metric into each suite. Holm's correction runs over those of all suites that can block."""
    figures: dict[tuple[int, str], Figures] = {}
    for number, suite in enumerate(suites):
        for metric in suite.evidence.metrics:
            seen = seen_by(suite, metric)
            if seen is None:
                continue
            found = _scorer_figures(seen, metric, policy)
            if isinstance(found, Figures):
                figures[number, metric] = found
            elif suite.comparable or found.hard:
                suite.verdicts[metric] = found
        if suite.comparable and suite.baseline is not None:
            free = {metric: _free_figures(suite, suite.baseline, metric) for metric in FREE_METRICS}
            figures |= {(number, metric): found for metric, found in free.items() if found is not None}
    blocking = {key: found.verdict.p for key, found in figures.items() if found.verdict.blocking}
    adjusted = holm({key: p for key, p in blocking.items() if p is not None})
    for key, found in figures.items():
        suites[key[0]].verdicts[key[1]] = ruled(found, adjusted.get(key), policy)


def _scorer_figures(suite: Examined, metric: str, policy: Policy) -> Figures | MetricVerdict:
    """A scorer's figures; or its verdict, where there is nothing to compare or no way to."""
    doubt = metric_doubt(suite, metric, policy)
    hard = hard_losses(suite, metric, policy)
    if doubt is not None or not suite.comparable:
        return _doubtful(suite, metric, doubt, hard)
    if suite.baseline is None:
        return _first(suite, metric, hard)
    before, after = (pool.scores(suite.gated, metric) for pool in (suite.baseline, suite.candidate))
    found = pairs(suite.gated, before, after, noise_of(metric, suite.gated, (suite.baseline, suite.candidate)))
    asked = suite.policy(metric)
    limit = policy.max_drop if asked.max_drop is None else asked.max_drop
    return scored(suite.evidence.metrics[metric], asked, found, limit, hard)


def _doubtful(suite: Examined, metric: str, doubt: tuple[str, str] | None, hard: list[str]) -> MetricVerdict:
    """A metric that cannot be compared: what blocks in every mode blocks all the same."""
    facts, values = suite.evidence.metrics[metric], suite.candidate.scores(suite.gated, metric)
    name, *reasons = doubt or ("not-comparable",)
    return MetricVerdict(
        facts.kind,
        len(values),
        "regressed" if hard else name,
        (*hard, *reasons),
        suite.policy(metric).block,
        candidate=cluster_means(values, suite.gated) if hard else None,
        hard=bool(hard),
        span=facts.span,
    )


def _first(suite: Examined, metric: str, hard: list[str]) -> MetricVerdict:
    """A first promotion: only `min` and critical cases count."""
    facts, values = suite.evidence.metrics[metric], suite.candidate.scores(suite.gated, metric)
    return MetricVerdict(
        facts.kind,
        len(values),
        "regressed" if hard else "pass",
        tuple(hard) or ("first promotion",),
        suite.policy(metric).block,
        units=len(values),
        candidate=cluster_means(values, suite.gated) if values else None,
        hard=bool(hard),
        span=facts.span,
    )


def _free_figures(suite: Examined, baseline: Pool, metric: str) -> Figures | None:
    policy = suite.evidence.policies.get(metric)
    found = pairs(suite.gated, baseline.measured(suite.gated, metric), suite.candidate.measured(suite.gated, metric))
    return measured(policy, found) if found or (policy is not None and policy.max_rise is not None) else None


def _summed(verdict: Verdict, suites: list[Examined]) -> Verdict:
    """The worst of all suites, with everything that was found."""
    judged = [
        (suite.label(name), suite.verdicts[name])
        for suite in suites
        for name in (*suite.evidence.metrics, *FREE_METRICS)
        if name in suite.verdicts
    ]
    counted = [(name, metric) for name, metric in judged if metric.blocking]
    doubts = [doubt for suite in suites for doubt in suite.doubts]
    names = ["pass", *(metric.verdict for _, metric in counted), *(name for name, _ in doubts)]
    found = min(names, key=VERDICTS.index)
    reasons = [reason for name, reason in doubts if name == found]
    if found != "pass":
        reasons.extend(f"{name}: {_told(metric)}" for name, metric in counted if metric.verdict == found)
    elif verdict.baseline is None:
        reasons.append("a first promotion, with nothing to compare")
    return replace(
        verdict,
        verdict=found,
        reasons=tuple(dict.fromkeys(reasons)),
        notes=tuple(dict.fromkeys(note for suite in suites for note in suite.notes)),
        metrics=dict(judged),
        not_a_model=_not_a_model(suites),
        candidate=_facts(verdict.candidate, [suite.candidate for suite in suites]),
        baseline=verdict.baseline and _facts(verdict.baseline, [suite.baseline for suite in suites if suite.baseline]),
        cases=sum(len(suite.gated) for suite in suites),
        missing=sum(len(suite.unscored) for suite in suites),
        errors=sum(pool.failed() for suite in suites for pool in suite.pools),
        hard=any(metric.hard for _, metric in counted),
    )


def _told(metric: MetricVerdict) -> str:
    """A metric's reasons; a p that stands alone gets its effect and the number of cases beside it."""
    words = "; ".join(metric.reasons)
    if len(metric.reasons) > 1 or "p ≤" not in words or metric.baseline is None or metric.candidate is None:
        return words
    return f"{words} ({metric.baseline:.4g} → {metric.candidate:.4g}, {metric.n} cases)"


def _not_a_model(suites: list[Examined]) -> str | None:
    names = {(suite.evidence.setup.provider or "").partition(":")[0] for suite in suites}
    return ", ".join(sorted(names & NOT_MODELS)) or None


def _facts(side: SideFacts, pools: list[Pool]) -> SideFacts:
    runs = sum(len(pool.runs) for pool in pools)
    return replace(side, runs=runs, repeats=max((pool.repeats() for pool in pools), default=0))
