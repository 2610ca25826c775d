"""An A/A check: a version against itself, run by run. How often cases flip, and how often the gate would cry wolf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations
from typing import Any

from promptreg.core.prompt import Prompt
from promptreg.evals.evidence import (
    OTHER_SETUP,
    OTHER_TEXT,
    GatedCase,
    Pool,
    Question,
    Side,
    SuiteEvidence,
    metrics_of,
    why_unused,
)
from promptreg.evals.gate import judge
from promptreg.evals.policy import Policy
from promptreg.evals.results import CaseResult, Result, moment
from promptreg.evals.statistics import TOLERANCE
from promptreg.evals.suite import MAIN, Suite
from promptreg.evals.verdict import VERDICTS, Verdict
from promptreg.evaluation.drift import whatever_age
from promptreg.evaluation.plans import Options, PlannedRun
from promptreg.judging import gated, side
from promptreg.project import View

#: So many runs are compared, the newest: 20 make 380 comparisons.
MOST_RUNS = 20
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Flips:
    """How often a metric's score of a case differs between two runs.

    `share` is of the cases of a pair of runs, over all pairs; `cases` have a score, of which `ever` differ at all.
    """

    cases: int
    ever: int
    share: float

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {"cases": self.cases, "ever": self.ever, "share": round(self.share, 12)}


@dataclass(frozen=True, slots=True)
class SameTwice:
    """What came of comparing a version's runs with one another, each with each, both ways.

    `runs` are those compared, of the `stored` ones (and fresh ones) there are; `verdicts` counts what the gate called
    the comparisons, `blocked` those that would have stopped a promotion. `flips` are by metric.
    """

    prompt: Prompt
    mode: str
    alpha: float
    runs: int
    there: int
    verdicts: dict[str, int] = field(default_factory=dict)
    blocked: int = 0
    flips: dict[str, Flips] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def comparisons(self) -> int:
        """How many there were."""
        return self.runs * (self.runs - 1)

    def data(self) -> dict[str, Any]:
        """An entry of `aa` in `eval --json`."""
        return {
            "name": self.prompt.name,
            "version": self.prompt.version,
            "mode": self.mode,
            "runs": self.runs,
            "comparisons": self.comparisons,
            "verdicts": self.verdicts,
            "blocked": self.blocked,
            "flips": {metric: flips.data() for metric, flips in self.flips.items()},
        }


@dataclass(slots=True)
class _Attempts:
    """The single answers of a version on a suite, case by case, oldest first: which run, and which repeat of it."""

    suite: Suite
    provider: str
    side: Side
    runs: list[tuple[str, Result]]
    cases: dict[str, GatedCase]
    found: dict[Key, list[tuple[int, int]]] = field(default_factory=dict)

    def count(self, id_: str, digest: str) -> int:
        """How many answers of a case there are, those that failed too."""
        return len(self.found.get((id_, digest), ()))

    def least(self) -> int:
        """How many runs of all cases there are."""
        return min((self.count(id_, case.digest) for id_, case in self.cases.items()), default=0)


def attempts(view: View, plan: PlannedRun, fresh: Iterable[Result] = ()) -> _Attempts:
    """All answers of a version on a suite: the stored ones that count, and those of fresh runs."""
    suite = plan.suite.automatic()
    stored = side(view, plan.prompt, plan.suite)
    more = [result for result in fresh if result.suite == suite.name and result.version == plan.prompt.version]
    more = [result for result in more if result.prompt == plan.prompt.name]
    names = (*stored.names, *(f"fresh {number}" for number, _ in enumerate(more)))
    both = replace(stored, results=(*stored.results, *more), names=names)
    setup = suite.setup(plan.provider)
    counting = [
        (name, result)
        for name, result in zip(both.names, both.results, strict=True)
        if result.answers_of is None and why_unused(result, both.digest, setup) not in (OTHER_TEXT, OTHER_SETUP)
    ]
    runs = sorted(counting, key=lambda item: (moment(item[1].started_at), item[0]))
    found = _Attempts(suite, plan.provider, both, runs, gated(suite, [both]))
    for number, (_, run) in enumerate(runs):
        for case in run.cases:
            found.found.setdefault((case.id, case.case), []).extend((number, repeat) for repeat in _asked(case, run))
    return found


def _asked(case: CaseResult, run: Result) -> Iterator[int]:
    """The repeats of a case that were asked for in a run: not those that came from the cache."""
    lists: list[Sequence[object]] = [*case.scores.values(), case.latency_ms, case.tokens_in, case.cost_usd]
    told = [len(values) for values in lists]
    told += [failure.repeat + 1 for failure in case.errors]
    cached = {index for index, again in enumerate(case.cached) if again}
    return (repeat for repeat in range(min(max(told, default=0), run.repeats)) if repeat not in cached)


def plan_same_twice(view: View, planned: Iterable[PlannedRun], options: Options) -> list[PlannedRun]:
    """The runs that an A/A check still needs: so many that every case has two answers; with `repeats`, so many more."""
    wanted = []
    for plan in planned:
        if options.repeats is not None:
            wanted.append(replace(plan, repeats=options.repeats, why=f"{options.repeats} more for --aa"))
            continue
        found = attempts(view, plan)
        lacking = [(case, found.count(case.id, case.digest)) for case in plan.cases]
        few = tuple(case for case, count in lacking if count < 2)
        if few:
            repeats = 2 - min(count for _, count in lacking)
            cases = plan.cases if len(few) == len(plan.cases) else few
            wanted.append(replace(plan, cases=cases, repeats=repeats, why="two runs are needed to compare"))
    return wanted


def same_twice(
    view: View, planned: Sequence[PlannedRun], fresh: Sequence[Result], environment: str | None
) -> list[SameTwice]:
    """What the gate says of versions against themselves; `planned` are all suites of each, run anew or not."""
    policy = whatever_age(view.policy(environment))
    prompts = {plan.prompt.spec: plan.prompt for plan in planned}
    return [
        _same_twice(prompt, [attempts(view, plan, fresh) for plan in planned if plan.prompt.spec == spec], policy)
        for spec, prompt in prompts.items()
    ]


def _same_twice(prompt: Prompt, suites: Sequence[_Attempts], policy: Policy) -> SameTwice:
    there = min((suite.least() for suite in suites), default=0)
    runs = min(there, MOST_RUNS)
    single = [[_single(suite, runs, number) for suite in suites] for number in range(runs)]
    verdicts = [_compared(prompt, suites, one, other, policy) for one, other in permutations(single, 2)]
    counts = Counter(verdict.verdict for verdict in verdicts)
    return SameTwice(
        prompt=prompt,
        mode=policy.mode,
        alpha=policy.alpha,
        runs=runs,
        there=there,
        verdicts={
            name: counts[name] for name in VERDICTS if counts[name] or name in ("regressed", "uncertain", "pass")
        },
        blocked=sum(verdict.blocks for verdict in verdicts),
        flips=_flips(suites, single),
        reasons=_why_not(verdicts),
    )


def _why_not(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """Why comparisons were uncertain or could not be made."""
    doubtful = [verdict for verdict in verdicts if verdict.verdict not in ("pass", "regressed")]
    return tuple(dict.fromkeys(reason for verdict in doubtful for reason in verdict.reasons))


def _single(suite: _Attempts, runs: int, number: int) -> Side:
    """One run of all cases: of each case the answer of that number among its newest."""
    chosen: dict[tuple[int, int], set[Key]] = {}
    for id_, case in suite.cases.items():
        key = (id_, case.digest)
        chosen.setdefault(suite.found[key][-runs:][number], set()).add(key)
    parts: dict[str, Result] = {}
    for (run, repeat), keys in sorted(chosen.items()):
        name, result = suite.runs[run]
        parts[f"{name} {repeat}"] = _sliced(result, repeat, keys)
        for other, later in zip(suite.side.names, suite.side.results, strict=True):
            if later.answers_of == name:
                sliced = _sliced(later, repeat, keys)
                parts[f"{other} {repeat}"] = sliced.model_copy(update={"answers_of": f"{name} {repeat}"})
    return Side(suite.side.version, suite.side.digest, tuple(parts.values()), (), tuple(parts))


def _sliced(result: Result, repeat: int, keys: set[Key]) -> Result:
    """What a result says of one repeat of some cases."""
    cases = [_repeat_of(case, repeat) for case in result.cases if (case.id, case.case) in keys]
    return result.model_copy(update={"repeats": 1, "cases": cases})


def _repeat_of(case: CaseResult, repeat: int) -> CaseResult:
    lists = ("latency_ms", "tokens_in", "tokens_out", "cost_usd", "tokens_cached", "finish")
    one: dict[str, Any] = {name: getattr(case, name)[repeat : repeat + 1] for name in lists}
    one["scores"] = {metric: scores[repeat : repeat + 1] for metric, scores in case.scores.items()}
    failed = [failure for failure in case.errors if failure.repeat == repeat]
    one["errors"] = [failure.model_copy(update={"repeat": 0}) for failure in failed]
    return case.model_copy(update=one | {"cached": []})


def _compared(
    prompt: Prompt, suites: Sequence[_Attempts], before: Sequence[Side], after: Sequence[Side], policy: Policy
) -> Verdict:
    who = (prompt.version, prompt.digest)
    found = zip(suites, before, after, strict=True)
    return judge(Question(policy, who, who, tuple(_evidence(*each) for each in found)))


def _evidence(suite: _Attempts, before: Side, after: Side) -> SuiteEvidence:
    return SuiteEvidence(
        suite=suite.suite.name,
        setup=suite.suite.setup(suite.provider),
        metrics=metrics_of(suite.suite),
        policies=suite.suite.gate,
        cases=suite.cases,
        candidate=after,
        baseline=before,
        from_code=suite.suite.code is not None,
    )


def _flips(suites: Sequence[_Attempts], single: Sequence[Sequence[Side]]) -> dict[str, Flips]:
    found = {}
    for at, suite in enumerate(suites):
        pools = [Pool(sides[at], suite.suite.setup(suite.provider)) for sides in single]
        for metric in suite.suite.scorers:
            name = metric if suite.suite.name == MAIN else f"{suite.suite.name}.{metric}"
            found[name] = _flips_of([pool.scores(suite.cases, metric) for pool in pools])
    return found


def _flips_of(runs: Sequence[Mapping[str, float]]) -> Flips:
    compared, differing, ever = 0, 0, set[str]()
    for one, other in combinations(runs, 2):
        both = one.keys() & other.keys()
        differ = {id_ for id_ in both if abs(one[id_] - other[id_]) > TOLERANCE}
        compared, differing = compared + len(both), differing + len(differ)
        ever |= differ
    return Flips(len({id_ for run in runs for id_ in run}), len(ever), differing / compared if compared else 0.0)
