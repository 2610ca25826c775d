"""What the gate is asked, as data; and the stored runs of one version, pooled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from promptreg.evals.policy import Policy
from promptreg.evals.results import CaseResult, Result
from promptreg.evals.scorer import PROVIDER
from promptreg.evals.statistics import mean_of
from promptreg.evals.suite import MetricPolicy, Setup, Suite


@dataclass(frozen=True, slots=True)
class GatedCase:
    """A case as the suite has it: the digest that a result must name, whether it is critical, its cluster."""

    digest: str
    critical: bool = False
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What a scorer measures: pass-fail or score, its range and which way is better; `digest` is the scorer's."""

    kind: str
    low: float
    high: float
    direction: str
    digest: str

    @property
    def span(self) -> float:
        """How wide the range is."""
        return self.high - self.low or 1.0

    def goodness(self, score: float) -> float:
        """The score turned so that more is better."""
        return score if self.direction == "up" else self.low + self.high - score

    def unfit(self, scores: Iterable[float]) -> float | None:
        """The first of some scores that this metric cannot have."""
        for score in scores:
            if not self.low <= score <= self.high or (self.kind == "pass-fail" and score not in (0, 1)):
                return score
        return None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two versions: its stored results for a suite, and what was wrong with files that are no results."""

    version: str
    digest: str
    results: tuple[Result, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteEvidence:
    """One suite's part of a question.

    `cases` are those of the suite that judges; `dropped` those of its ids that this very change removes or rewrites.
    """

    suite: str
    setup: Setup
    metrics: Mapping[str, Metric]
    policies: Mapping[str, MetricPolicy]
    cases: Mapping[str, GatedCase]
    candidate: Side
    baseline: Side | None
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Question:
    """All that the gate looks at: may this version take the place of that one?

    `same` says why the two are the same prompt, where they are. `baseline` is None at a first promotion.
    """

    policy: Policy
    candidate: tuple[str, str]
    baseline: tuple[str, str] | None
    suites: tuple[SuiteEvidence, ...] = ()
    same: str | None = None


def metrics_of(suite: Suite) -> dict[str, Metric]:
    """What the scorers of a suite measure."""
    return {
        name: Metric(scorer.kind, *scorer.range, scorer.direction, scorer.digest())
        for name, scorer in suite.scorers.items()
    }


@dataclass(slots=True)
class PooledCase:
    """A case over all runs: scores of each metric, measurements, and failures by their source.

    `attempts` are the answers that were asked for, `judged` those of them that the declared scorer of a metric got.
    """

    scores: dict[str, list[float]] = field(default_factory=dict)
    latency: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    tokens: list[float] = field(default_factory=list)
    attempts: int = 0
    judged: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def measured(self, metric: str) -> float | None:
        """The mean of `latency`, `cost` or `tokens`."""
        return mean_of(getattr(self, metric))


OTHER_TEXT, OTHER_SETUP, OTHER_SCORER = "another text", "another setup", "another scorer"


def why_unused(run: Result, digest: str | None, setup: Setup) -> str | None:
    """Why a stored run does not count for a text and a setup; None where any of its metrics does."""
    if run.digest != digest:
        return OTHER_TEXT
    if run.setup.engine() != setup.engine():
        return OTHER_SETUP
    return None if _declared(run, setup) else OTHER_SCORER


def unused_metrics(run: Result, setup: Setup) -> list[str]:
    """The metrics of a run whose scorer is not the declared one."""
    return sorted(run.setup.scorers.keys() - _declared(run, setup))


class Pool:
    """The runs of one version that count: same text, provider, model and parameters as the suite declares.

    All of them are pooled as repeats, so that nobody picks the best; a metric takes part where its scorer is the
    declared one. Keyed by id and case digest: an edited case is another case.
    """

    def __init__(self, side: Side, setup: Setup) -> None:
        self.side = side
        found = [(result, why_unused(result, side.digest, setup)) for result in side.results]
        # a run of which no scorer is the declared one is of the engine all the same: its metrics are named
        self.runs = [result for result, why in found if why in (None, OTHER_SCORER)]
        self.unused = sum(why == OTHER_SETUP for _, why in found)
        self.models = sorted({model for run in self.runs for model in run.models})
        declared = [_declared(run, setup) for run in self.runs]
        self.metrics = {metric for metrics in declared for metric in metrics}
        self.named = {metric for run in self.runs for metric in run.scorers}
        self.cases: dict[tuple[str, str], PooledCase] = {}
        self._means: dict[str, dict[tuple[str, str], float]] = {}
        for run, metrics in zip(self.runs, declared, strict=True):
            for case in run.cases:
                self._add(case, run.repeats, metrics)

    def _add(self, case: CaseResult, repeats: int, metrics: set[str]) -> None:
        pooled = self.cases.get((case.id, case.case))
        if pooled is None:
            pooled = self.cases[case.id, case.case] = PooledCase()
        errors = [failure for failure in case.errors if failure.repeat < repeats]
        measures: list[list[Any]] = [case.latency_ms, case.tokens_in, case.tokens_out, case.cost_usd]
        lengths = [len(values) for values in (*case.scores.values(), *measures)]
        attempts = max(*lengths, *(failure.repeat + 1 for failure in errors))
        cached = {index for index, again in enumerate(case.cached[:attempts]) if again}
        pooled.attempts += attempts - len(cached)
        for metric in metrics:
            pooled.judged[metric] = pooled.judged.get(metric, 0) + attempts - len(cached)
            pooled.scores.setdefault(metric, []).extend(_fresh(case.scores.get(metric, ()), cached))
        pooled.latency += _fresh(case.latency_ms, cached)
        pooled.cost += _fresh(case.cost_usd, cached)
        if case.tokens_in or case.tokens_out:
            pooled.tokens += _fresh(_summed(case.tokens_in, case.tokens_out), cached)
        for failure in errors:
            if failure.repeat not in cached and failure.source in (PROVIDER, *metrics):
                pooled.failures[failure.source] = pooled.failures.get(failure.source, 0) + 1

    def score(self, id_: str, digest: str, metric: str) -> float | None:
        """A case's mean score; None where there is no evidence."""
        return self._mean_scores(metric).get((id_, digest))

    def scores(self, cases: Mapping[str, GatedCase], metric: str) -> dict[str, float]:
        """The mean scores of those of some cases that have one, by id."""
        return _chosen(cases, self._mean_scores(metric))

    def _mean_scores(self, metric: str) -> dict[tuple[str, str], float]:
        if metric not in self._means:
            found = ((key, mean_of(case.scores.get(metric, ()))) for key, case in self.cases.items())
            self._means[metric] = _known(found)
        return self._means[metric]

    def measured(self, cases: Mapping[str, GatedCase], metric: str) -> dict[str, float]:
        """The means of `latency`, `cost` or `tokens` of those of some cases that have it, by id."""
        return _chosen(cases, _known((key, case.measured(metric)) for key, case in self.cases.items()))

    def failed(self) -> int:
        """How many calls and judgements that count have failed."""
        return sum(sum(case.failures.values()) for case in self.cases.values())

    def repeats(self) -> int:
        """The largest number of fresh repeats of a case."""
        return max((case.attempts for case in self.cases.values()), default=0)

    def last_run(self) -> datetime | None:
        """When the last run began."""
        return max((moment(run.started_at) for run in self.runs), default=None)


def _declared(run: Result, setup: Setup) -> set[str]:
    """The metrics of a run whose scorer is the declared one."""
    return {metric for metric, digest in run.setup.scorers.items() if setup.scorers.get(metric) == digest}


def _known(values: Iterable[tuple[tuple[str, str], float | None]]) -> dict[tuple[str, str], float]:
    return {key: value for key, value in values if value is not None}


def _chosen(cases: Mapping[str, GatedCase], values: Mapping[tuple[str, str], float]) -> dict[str, float]:
    return {id_: values[key] for id_, case in cases.items() if (key := (id_, case.digest)) in values}


def _fresh(values: Sequence[float | None], cached: set[int]) -> list[float]:
    if not cached:
        return [value for value in values if value is not None]
    return [value for index, value in enumerate(values) if value is not None and index not in cached]


def _summed(inward: list[int | None], outward: list[int | None]) -> list[float | None]:
    pairs = zip_longest(inward, outward)
    return [None if one is None and other is None else float((one or 0) + (other or 0)) for one, other in pairs]


def moment(text: str) -> datetime:
    """When a run began; without a time zone it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
