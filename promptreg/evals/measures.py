"""One metric of one suite: pairs and figures (docs/gate.md, per metric)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from promptreg.evals.evidence import GatedCase, Metric, Pool
from promptreg.evals.statistics import (
    TOLERANCE,
    Test,
    detectable_mean,
    detectable_share,
    mid_p,
    newcombe,
    paired_t,
    variance,
)
from promptreg.evals.suite import MetricPolicy
from promptreg.evals.verdict import MetricVerdict

_LEAST_PAIRS = 5


class Pair(NamedTuple):
    """A case that both sides have a value for, and the spread within it (variance / repeats, both sides)."""

    id: str
    cluster: str | None
    baseline: float
    candidate: float
    noise: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """A metric's figures before Holm's correction.

    `mean` is the mean d and `net` Σd over the units, both signed so that more is better and, of a score, in shares of
    its range; `hard` is what blocks in every mode.
    """

    verdict: MetricVerdict
    policy: MetricPolicy
    test: Test
    mean: float
    net: float
    limit: float = 0.0
    hard: tuple[str, ...] = field(default=())


def pairs(
    cases: Mapping[str, GatedCase],
    before: Mapping[str, float],
    after: Mapping[str, float],
    noise: Callable[[str], float | None] = lambda _: None,
) -> list[Pair]:
    """The cases that both sides have a value for, by id."""
    both = [id_ for id_ in sorted(before) if id_ in after]
    return [Pair(id_, cases[id_].cluster, before[id_], after[id_], noise(id_)) for id_ in both]


def noise_of(metric: str, cases: Mapping[str, GatedCase], sides: tuple[Pool, Pool]) -> Callable[[str], float | None]:
    """How much a case's difference owes to repeats: Σ variance / repeats over both sides; None without repeats."""
    pooled = [pool.those(cases) for pool in sides]

    def noise(id_: str) -> float | None:
        total = 0.0
        for those in pooled:
            scores = those[id_].scores[metric]
            if len(scores) < 2:
                return None
            total += variance(scores) / len(scores)
        return total

    return noise


def _groups(clusters: Iterable[tuple[str, str | None]]) -> list[list[str]]:
    """Ids by independent unit, in order: each case for itself, or with the others of its cluster."""
    found: dict[tuple[bool, str], list[str]] = {}
    for id_, cluster in clusters:
        found.setdefault((False, id_) if cluster is None else (True, cluster), []).append(id_)
    return [ids for _, ids in sorted(found.items())]


def cluster_means(values: Mapping[str, float], cases: Mapping[str, GatedCase]) -> float:
    """The mean over the independent units of some cases' values."""
    if all(cases[id_].cluster is None for id_ in values):
        return _mean(list(values.values()))
    groups = _groups((id_, cases[id_].cluster) for id_ in values)
    return _mean([_mean([values[id_] for id_ in ids]) for ids in groups])


def _units(found: list[Pair]) -> list[tuple[float, float]]:
    """Baseline and candidate of each independent unit, in order."""
    if all(pair.cluster is None for pair in found):
        return [(pair.baseline, pair.candidate) for pair in found]
    by_id = {pair.id: pair for pair in found}
    groups = [[by_id[id_] for id_ in ids] for ids in _groups((pair.id, pair.cluster) for pair in found)]
    return [(_mean([pair.baseline for pair in group]), _mean([pair.candidate for pair in group])) for group in groups]


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def differences(metric: Metric, found: list[Pair]) -> tuple[list[tuple[float, float]], tuple[float, ...], bool]:
    """The values of each independent unit, more being better; their differences in shares of the range.

    And whether all values are passes or failures, none in between.
    """
    units = [(metric.goodness(before), metric.goodness(after)) for before, after in _units(found)]
    better = tuple(_level((after - before) / metric.span) for before, after in units)
    return units, better, metric.kind == "pass-fail" and {value for unit in units for value in unit} <= {0, 1}


def scored(metric: Metric, policy: MetricPolicy, found: list[Pair], limit: float, hard: Iterable[str] = ()) -> Figures:
    """The figures of a scorer's metric. `limit` is the largest drop that is allowed, in shares of the range."""
    units, better, binary = differences(metric, found)
    test, detectable = _binary(units) if binary else (paired_t(better), detectable_mean(better))
    mean = _mean(list(better)) if better else 0.0
    lower, upper = _in_range(metric, test)
    lost, won = _crossed(metric, found)
    verdict = MetricVerdict(
        kind=metric.kind,
        n=len(found),
        verdict="pass",
        blocking=policy.block,
        units=len(units),
        baseline=_shown(metric, [before for before, _ in units]),
        candidate=_shown(metric, [after for _, after in units]),
        change=_turned(metric, mean) if units else None,
        lower=lower,
        upper=upper,
        p=test.p if len(units) >= _LEAST_PAIRS else None,
        lost=lost,
        won=won,
        span=metric.span,
        detectable=_possible(detectable, metric),
        detectable_doubled=None if binary else _possible(_doubled(found, better), metric),
    )
    return Figures(verdict, policy, test, mean, math.fsum(better), limit, tuple(hard))


def _level(value: float) -> float:
    """A difference, or 0 where it is a rounding error."""
    return 0.0 if abs(value) <= TOLERANCE else value


def _turned(metric: Metric, share: float) -> float:
    """A share of the range, more being better, as a difference of scores."""
    return (share if metric.direction == "up" else -share) * metric.span + 0.0


def _shown(metric: Metric, good: list[float]) -> float | None:
    return metric.goodness(_mean(good)) if good else None


def _in_range(metric: Metric, test: Test) -> tuple[float | None, float | None]:
    """The bounds of the change as differences of scores, the lower one first."""
    if test.lower is None or test.upper is None:
        return None, None
    one, other = _turned(metric, test.lower), _turned(metric, test.upper)
    return min(one, other), max(one, other)


def _possible(detectable: float | None, metric: Metric) -> float | None:
    """A drop that the suite would notice, as a difference of scores; None where none is large enough."""
    return detectable * metric.span if detectable is not None and detectable <= 1 else None


def _binary(units: list[tuple[float, float]]) -> tuple[Test, float | None]:
    n = len(units)
    if n == 0:
        return Test(None, None, None), None
    both = sum(1 for before, after in units if before and after)
    lost = sum(1 for before, after in units if before and not after)
    won = sum(1 for before, after in units if after and not before)
    lower, upper = newcombe(both, lost, won, n - both - lost - won)
    return Test(mid_p(lost, won), lower, upper), detectable_share((lost + won) / n, n)


def _crossed(metric: Metric, found: list[Pair]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cases that went from mostly passing to mostly failing, and those that went the other way."""
    if metric.kind != "pass-fail":
        return (), ()
    sides = [(pair.id, metric.goodness(pair.baseline), metric.goodness(pair.candidate)) for pair in found]
    lost = tuple(id_ for id_, before, after in sides if before > 0.5 >= after)
    return lost, tuple(id_ for id_, before, after in sides if after > 0.5 >= before)


def _doubled(found: list[Pair], better: tuple[float, ...]) -> float | None:
    """What the suite would notice with twice the repeats: half of the noise within cases goes.

    None where that is not known: without repeats, with clusters, or where repeats never disagree.
    """
    noises = [pair.noise for pair in found if pair.noise is not None]
    now = detectable_mean(better)
    if now is None or not len(noises) == len(found) == len(better) or math.fsum(noises) <= TOLERANCE:
        return None
    whole = variance(better)
    left = max(whole - _mean(noises) / 2, 0.0)
    return now * math.sqrt(left / whole)


def measured(policy: MetricPolicy | None, found: list[Pair]) -> Figures:
    """The figures of latency, cost or tokens: log ratios, of which less is better; told as a ratio."""
    logs = [
        Pair(id_, cluster, math.log(before), math.log(after))
        for id_, cluster, before, after, _ in found
        if before > 0 and after > 0
    ]
    units = _units(logs)
    better = tuple(_level(before - after) for before, after in units)
    mean = _mean(list(better)) if better else 0.0
    test = paired_t(better)
    verdict = MetricVerdict(
        kind="ratio",
        n=len(logs),
        verdict="pass",
        blocking=policy is not None and policy.max_rise is not None and policy.block,
        units=len(units),
        baseline=_exp(_mean([before for before, _ in units])) if units else None,
        candidate=_exp(_mean([after for _, after in units])) if units else None,
        change=_exp(-mean) if units else None,
        lower=_exp(-test.upper) if test.upper is not None else None,
        upper=_exp(-test.lower) if test.lower is not None else None,
        p=test.p if len(units) >= _LEAST_PAIRS else None,
    )
    return Figures(verdict, policy or MetricPolicy(), test, mean, math.fsum(better))


def _exp(value: float) -> float | None:
    """The exponential; None where that is no number that can be told."""
    try:
        return math.exp(value)
    except OverflowError:
        return None
