"""How much the suites of a prompt can notice, and what they would need, from the evidence that is stored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptreg.core.errors import PromptregError, counted, near
from promptreg.evals.evidence import GatedCase, Metric, Pool, metrics_of
from promptreg.evals.measures import differences, pairs
from promptreg.evals.power import (
    cases_for_loss,
    cases_for_mean,
    cases_for_share,
    detectable_loss,
    detectable_spread,
    lost_for_good,
    repeats_for,
)
from promptreg.evals.statistics import detectable_share, mean_of, variance
from promptreg.evals.suite import Suite
from promptreg.judging import gated, side, version_of
from promptreg.project import View

#: What is assumed where nothing tells how many cases differ.
GUESSES = (0.05, 0.10, 0.20)


@dataclass(frozen=True, slots=True)
class Need:
    """What a suite notices now, and how many cases notice the drop that was asked for.

    All for one run of each case. `differing` is the share of cases that differ (None for a score); `detectable` is
    None where no drop is large enough.
    """

    differing: float | None
    detectable: float | None
    cases: int

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {"differing": _rounded(self.differing), "detectable": _rounded(self.detectable), "cases": self.cases}


@dataclass(frozen=True, slots=True)
class Power:
    """One metric of one suite.

    `units` are its independent cases; `source` says where the share or the spread is from, None where nothing tells
    (then `needs` are guesses). The first of `needs` is what to plan with; a second one is the best case, in which all
    that a change loses is among the cases that differ by chance. `runs` of each case would notice the drop, None where
    no number does; `repeats` are stored, and with fewer than two nothing is said of runs. `spread` is that of a score;
    `results` how many versions have results that tell nothing yet.
    """

    suite: str
    metric: str
    kind: str
    span: float
    units: int
    drop: float
    source: str | None = None
    needs: tuple[Need, ...] = ()
    repeats: int = 0
    runs: int | None = None
    spread: float | None = None
    results: int = 0

    def data(self) -> dict[str, Any]:
        """An entry of `metrics` in `power --json`; drops are shares of the range."""
        return {
            "suite": self.suite,
            "metric": self.metric,
            "kind": self.kind,
            "cases": self.units,
            "drop": self.drop,
            "source": self.source,
            "spread": _rounded(self.spread),
            "needs": [need.data() for need in self.needs],
            "repeats": self.repeats,
            "runs": self.runs,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 12)


def power_of(view: View, name: str, drop: float | None = None, suite: str | None = None) -> list[Power]:
    """What each scorer of a prompt's suites (or of one of them) can tell; `drop` is a share, else the gate's own.

    PromptregError where there is no suite to speak of.
    """
    missing = view.catalog.missing(name)
    if missing:
        raise missing
    suites = view.suites(name)
    if suite is not None and suite not in [each.name for each in suites]:
        raise PromptregError(f"{name} has no suite {suite}.{near(suite, [each.name for each in suites])}")
    if not suites:
        raise PromptregError(
            f"{name} has no suite, so that nothing is tested. promptreg new {name} --cases writes one."
        )
    return [found for each in suites if suite in (None, each.name) for found in _suite(view, name, each, drop)]


def _suite(view: View, name: str, suite: Suite, drop: float | None) -> Iterator[Power]:
    sums = view.catalog.sums(name)
    versions = [*(["draft"] if view.is_ahead(name) else []), *reversed(sums.versions())]
    sides = [side(view, version_of(view, name, version), suite) for version in versions]
    cases = gated(suite, sides)
    pools = [pool for pool in (Pool(each, suite.setup()) for each in sides) if pool.runs]
    units = len({(case.cluster is None, case.cluster or id_) for id_, case in cases.items()})
    for metric, facts in metrics_of(suite).items():
        policy = suite.gate.get(metric)
        own = policy.max_drop if policy and policy.max_drop is not None else view.policy(None).max_drop
        blank = Power(suite.name, metric, facts.kind, facts.span, units, own if drop is None else drop)
        yield _Evidence(blank, facts, cases, tuple(pool for pool in pools if metric in pool.metrics)).power()


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What is stored about one metric; `pools` are those of the versions that have it, the newest first."""

    blank: Power
    metric: Metric
    cases: Mapping[str, GatedCase]
    pools: Sequence[Pool]

    def power(self) -> Power:
        """What can be said: from repeats, else from two versions, else from guesses."""
        repeated = next((pool for pool in self.pools if self._noises(pool)), None)
        if self.metric.kind == "pass-fail" and repeated is not None and not self._clustered:
            return self._from_repeats(repeated)
        found = self._from_versions(self.pools[1], self.pools[0]) if len(self.pools) > 1 else None
        return found or self._guessed()

    @property
    def _clustered(self) -> bool:
        return any(case.cluster is not None for case in self.cases.values())

    def _noises(self, pool: Pool) -> list[float]:
        """The variance between the runs of each case that has several, in shares of the range."""
        keys = [key for id_, case in self.cases.items() if (key := (id_, case.digest)) in pool.cases]
        found = (pool.cases[key].scores.get(self.blank.metric, []) for key in keys)
        return [variance(scores) / self.metric.span**2 for scores in found if len(scores) > 1]

    def _from_repeats(self, pool: Pool) -> Power:
        """Pass-fail: two runs of a case differ with a chance of twice the variance between its runs."""
        noises, drop, n = self._noises(pool), self.blank.drop, self.blank.units
        flips = 2 * (mean_of(noises) or 0.0)
        return replace(
            self.blank,
            source=f"{counted(len(noises), 'case')} run several times with {pool.side.version}",
            needs=(
                Need(flips, detectable_loss(flips, n), cases_for_loss(flips, drop)),
                Need(flips, detectable_share(flips, n), cases_for_share(flips, drop)),
            ),
            repeats=pool.repeats(),
            runs=repeats_for(flips, lost_for_good(drop), n, drop),
        )

    def _from_versions(self, before: Pool, after: Pool) -> Power | None:
        """The share of cases that differ between two versions, or the spread of their differences."""
        old, new = (pool.scores(self.cases, self.blank.metric) for pool in (before, after))
        _, better, binary = differences(self.metric, pairs(self.cases, old, new))
        spread = math.sqrt(variance(better)) if len(better) > 1 else 0.0
        if spread == 0 and not (binary and len(better) > 1):
            return None
        drop, n = self.blank.drop, self.blank.units
        found = replace(self.blank, source=f"{before.side.version} and {after.side.version}, {len(better)} compared")
        if binary:
            share = sum(map(bool, better)) / len(better)
            return replace(found, needs=(Need(share, detectable_share(share, n), cases_for_share(share, drop)),))
        need = Need(None, detectable_spread(spread, n), cases_for_mean(spread, drop))
        return self._with_runs(replace(found, needs=(need,), spread=spread), before, after)

    def _with_runs(self, found: Power, before: Pool, after: Pool) -> Power:
        """With what more runs of each case would bring, where repeats are stored on both sides."""
        noises = [self._noises(pool) for pool in (before, after)]
        if self._clustered or not all(noises) or found.spread is None:
            return found
        within = [mean_of(each) or 0.0 for each in noises]
        counts = [pool.repeats() for pool in (before, after)]
        now = math.fsum(noise / count for noise, count in zip(within, counts, strict=True))
        runs = repeats_for(math.fsum(within), max(found.spread**2 - now, 0.0), found.units, found.drop)
        return replace(found, repeats=min(counts), runs=runs)

    def _guessed(self) -> Power:
        """What would be noticed if one in twenty, ten or five cases differed; nothing of the kind for scores."""
        drop, n = self.blank.drop, self.blank.units
        if self.metric.kind != "pass-fail" or self._clustered:
            return replace(self.blank, results=len(self.pools))
        needs = [Need(share, detectable_share(share, n), cases_for_share(share, drop)) for share in GUESSES]
        return replace(self.blank, needs=tuple(needs), results=len(self.pools))
