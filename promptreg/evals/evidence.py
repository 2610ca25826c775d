"""What the gate is asked, as data; and the stored runs of one version, pooled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from promptreg.evals.all_providers import NOT_MODELS
from promptreg.evals.anew import by_original, judged, rows_of
from promptreg.evals.policy import Policy
from promptreg.evals.pooled import PooledCase, pooled
from promptreg.evals.results import Result, moment
from promptreg.evals.scorer import PROVIDER, Scorer
from promptreg.evals.suite import MetricPolicy, Setup, Suite


@dataclass(frozen=True, slots=True)
class GatedCase:
    """A case as the suite has it: the digest that a result must name, whether it is critical, its cluster."""

    digest: str
    critical: bool = False
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What a scorer measures: pass-fail or score, its range and which way is better; `digest` is the scorer's.

    `by_people` is whether people judge, and no run does; `no_model` is the provider of its judge, where that is none.
    """

    kind: str
    low: float
    high: float
    direction: str
    digest: str
    by_people: bool = False
    no_model: str | None = None

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
    """One of the two versions: its stored results for a suite, and what was wrong with files that are no results.

    `names` are the results' file names; without them they are worked out where they are needed. `fresh` is whether
    they are of a run that is not stored.
    """

    version: str
    digest: str
    results: tuple[Result, ...] = ()
    problems: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class SuiteEvidence:
    """One suite's part of a question.

    `cases` are those of the suite that judges; `dropped` those of its ids that this very change removes or rewrites.
    `from_code` is whether code makes them, so that they are only those that results name.
    """

    suite: str
    setup: Setup
    metrics: Mapping[str, Metric]
    policies: Mapping[str, MetricPolicy]
    cases: Mapping[str, GatedCase]
    candidate: Side
    baseline: Side | None
    dropped: frozenset[str] = frozenset()
    from_code: bool = False


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
        name: Metric(*scorer.scale(), scorer.digest(), scorer.by_people, _no_model(scorer))
        for name, scorer in suite.scorers.items()
    }


def _no_model(scorer: Scorer) -> str | None:
    return next((name for name in scorer.providers() if name.partition(":")[0] in NOT_MODELS), None)


OTHER_TEXT, OTHER_SETUP, OTHER_SCORER = "another text", "another setup", "another scorer"
NO_ANSWERS = "its answers are not stored"


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

    Results about stored answers (`Result.answers_of`) add scores of metrics to those answers, and nothing else. Those
    whose run is not there are `lost`, each with the name of that run, and count for nothing.
    """

    def __init__(self, side: Side, setup: Setup) -> None:
        self.side = side
        found = [(result, why_unused(result, side.digest, setup)) for result in side.results]
        # a run of which no scorer is the declared one is of the engine all the same: its metrics are named
        of_engine = [result for result, why in found if why in (None, OTHER_SCORER)]
        self.runs = [result for result in of_engine if result.answers_of is None]
        self.unused = sum(why == OTHER_SETUP for _, why in found)
        self.models = sorted({model for run in self.runs for model in run.models})
        declared = [_declared(run, setup) for run in self.runs]
        self.metrics = {metric for metrics in declared for metric in metrics}
        self.named = {metric for run in self.runs for metric in run.scorers}
        self.lost: list[tuple[str, str]] = []
        self.cases: dict[tuple[str, str], PooledCase] = {}
        self._asked: Mapping[str, GatedCase] | None = None
        self._those: dict[str, PooledCase] = {}
        self._scores: dict[str, dict[str, float]] = {}
        for run, metrics in zip(self.runs, declared, strict=True):
            for case in run.cases:
                key, one = (case.id, case.case), pooled(case, run, metrics)
                known = self.cases.setdefault(key, one)
                if known is not one:
                    known.add(one)
        if len(of_engine) > len(self.runs):
            self._add_later(of_engine, setup)

    def _add_later(self, results: Sequence[Result], setup: Setup) -> None:
        """Add what was said of stored answers later; what the declared scorer said in the run is not said again."""
        known = dict(zip(map(id, self.side.results), self.side.names, strict=False))
        names = {known.get(id(result)) or result.file_name(): result for result in results}
        later, self.lost = by_original(names)
        for name, about in later.items():
            run = names[name]
            self.named |= {metric for result in about for metric in result.scorers}
            for metric in sorted(setup.scorers.keys() - _declared(run, setup)):
                rows = rows_of(result for result in about if metric in _declared(result, setup))
                if rows:
                    self.metrics.add(metric)
                for case in run.cases:
                    key = case.id, case.case
                    if key in rows:
                        self.cases[key].judge(metric, judged(case, run, rows[key], metric))

    def score(self, id_: str, digest: str, metric: str) -> float | None:
        """A case's mean score; None where there is no evidence."""
        case = self.cases.get((id_, digest))
        return case.score(metric) if case else None

    def those(self, cases: Mapping[str, GatedCase]) -> Mapping[str, PooledCase]:
        """Those of some cases that are here, by id. They are kept until others are asked for, and their means too."""
        if cases is not self._asked:
            found = ((id_, self.cases.get((id_, case.digest))) for id_, case in cases.items())
            self._those = {id_: case for id_, case in found if case is not None}
            self._asked, self._scores = cases, {}
        return self._those

    def scores(self, cases: Mapping[str, GatedCase], metric: str) -> Mapping[str, float]:
        """The mean scores of those of some cases that have one, by id."""
        those = self.those(cases)
        if metric not in self._scores:
            self._scores[metric] = _known((id_, case.score(metric)) for id_, case in those.items())
        return self._scores[metric]

    def measured(self, cases: Mapping[str, GatedCase], metric: str) -> Mapping[str, float]:
        """The means of `latency`, `cost` or `tokens` of those of some cases that have it, by id."""
        return _known((id_, case.measured(metric)) for id_, case in self.those(cases).items())

    def answered(self, cases: Mapping[str, GatedCase]) -> set[str]:
        """The ids of those of some cases that have an answer."""
        those = self.those(cases).items()
        return {id_ for id_, case in those if case.attempts > case.failures.get(PROVIDER, 0)}

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


def _known(values: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    return {id_: value for id_, value in values if value is not None}
