"""One case over all runs of a version that count."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import zip_longest
from typing import cast

from promptreg.evals.anew import Judged
from promptreg.evals.results import CaseResult, Result
from promptreg.evals.scorer import PROVIDER
from promptreg.evals.statistics import mean_of


@dataclass(slots=True)
class PooledCase:
    """A case over all runs: scores of each metric, measurements, and failures by their source.

    `attempts` are the answers that were asked for, `judged` those of them that the declared scorer of a metric got.
    Of an answer that was scored several times `scores` has the mean; `single` then has the scores as they were given.
    Lists may be those of the run itself, and are never added to.
    """

    scores: dict[str, Sequence[float]]
    latency: Sequence[float]
    cost: Sequence[float]
    tokens: Sequence[float]
    attempts: int
    judged: dict[str, int]
    failures: dict[str, int]
    single: dict[str, Sequence[float]]

    def judge(self, metric: str, found: Judged) -> None:
        """Count in what was said of the answers later."""
        scores = self.scores.get(metric, [])
        self.single[metric] = [*self.single.get(metric, scores), *found.given]
        self.scores[metric] = [*scores, *found.scores]
        self.judged[metric] = self.judged.get(metric, 0) + found.answers
        if found.failed:
            self.failures[metric] = self.failures.get(metric, 0) + found.failed

    def given(self, metric: str) -> Sequence[float]:
        """The scores of a metric as they were given."""
        return self.single.get(metric) or self.scores.get(metric, [])

    def add(self, other: PooledCase) -> None:
        """Count the same case of another run in."""
        self.attempts += other.attempts
        self.latency = [*self.latency, *other.latency]
        self.cost = [*self.cost, *other.cost]
        self.tokens = [*self.tokens, *other.tokens]
        for metric, scores in other.scores.items():
            self.scores[metric] = [*self.scores.get(metric, []), *scores]
        for mine, others in ((self.judged, other.judged), (self.failures, other.failures)):
            for name, count in others.items():
                mine[name] = mine.get(name, 0) + count

    def score(self, metric: str) -> float | None:
        """The mean score; None where there is none."""
        return _average(self.scores.get(metric, ()))

    def measured(self, metric: str) -> float | None:
        """The mean of `latency`, `cost` or `tokens`; None where there is none."""
        return _average(getattr(self, metric))


_NONE: frozenset[int] = frozenset()


def pooled(case: CaseResult, run: Result, metrics: Collection[str]) -> PooledCase:
    """What one run says of a case, of the metrics that count."""
    told: tuple[Sequence[object], ...] = (
        case.latency_ms,
        case.tokens_in,
        case.tokens_out,
        case.cost_usd,
        *case.scores.values(),
    )
    # a run that no scorer judged says nothing of an answer but that it was asked for
    attempts = max(map(len, told)) if run.scorers else run.repeats
    errors = [failure for failure in case.errors if failure.repeat < run.repeats] if case.errors else ()
    for failure in errors:
        attempts = max(attempts, failure.repeat + 1)
    cached = {index for index, again in enumerate(case.cached[:attempts]) if again} if case.cached else _NONE
    fresh = attempts - len(cached)
    failures: dict[str, int] = {}
    for failure in errors:
        if failure.repeat not in cached and failure.source in (PROVIDER, *metrics):
            failures[failure.source] = failures.get(failure.source, 0) + 1
    return PooledCase(
        {metric: _fresh(case.scores.get(metric, []), cached) for metric in metrics},
        _fresh(case.latency_ms, cached),
        _fresh(case.cost_usd, cached),
        _fresh(_summed(case.tokens_in, case.tokens_out), cached),
        fresh,
        dict.fromkeys(metrics, fresh),
        failures,
        {},
    )


def _average(values: Sequence[float]) -> float | None:
    """The mean of values of which none is null: with a single run, the one there is."""
    return values[0] if len(values) == 1 else mean_of(values)


def _fresh(values: Sequence[float | None], cached: AbstractSet[int]) -> Sequence[float]:
    """The values that are there and that no cache gave."""
    if cached:
        values = [value for index, value in enumerate(values) if index not in cached]
    if None in values:
        values = [value for value in values if value is not None]
    return cast("Sequence[float]", values)


def _summed(inward: list[int | None], outward: list[int | None]) -> list[float | None]:
    pairs = zip_longest(inward, outward)
    return [None if one is None and other is None else float((one or 0) + (other or 0)) for one, other in pairs]
