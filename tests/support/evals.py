"""Evidence for the gate, built from scores; and suites and prompts in real folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptreg.evals.evidence import GatedCase, Metric, Question, Side, SuiteEvidence
from promptreg.evals.gate import judge
from promptreg.evals.policy import Policy
from promptreg.evals.results import CaseResult, Failure, Origin, Result, ScorerFacts, totals
from promptreg.evals.suite import MetricPolicy, Setup
from promptreg.evals.verdict import Verdict

OLD, NEW = "1.1.0", "1.2.0"
DIGESTS = {OLD: "sha256:" + "1" * 64, NEW: "sha256:" + "2" * 64}
SCORER = "sha256:" + "a" * 64
CASE = "0123456789abcdef"
MODEL = "command:model"
PASS_FAIL = Metric("pass-fail", 0, 1, "up", SCORER)
GRADE = Metric("score", 0, 1, "up", SCORER)
CORRECT = {"correct": PASS_FAIL}
GRADED = {"grade": GRADE}

Score = float | Sequence[float | None] | None
Scores = Mapping[str, Sequence[Score]]


def outcomes(both: int, lost: int = 0, won: int = 0, neither: int = 0) -> tuple[list[float], list[float]]:
    """Baseline and candidate scores with so many cases that both pass, that are lost, won, and that both fail."""
    before = [1.0] * both + [1.0] * lost + [0.0] * won + [0.0] * neither
    after = [1.0] * both + [0.0] * lost + [1.0] * won + [0.0] * neither
    return before, after


def case_id(index: int) -> str:
    return f"c{index:04}"


def setup_of(metrics: Mapping[str, Metric] = CORRECT, **changes: Any) -> Setup:
    digests = {name: metric.digest for name, metric in metrics.items()}
    return Setup(**({"provider": MODEL, "scorers": digests} | changes))


def result(
    version: str, scores: Scores | Sequence[Score], metrics: Mapping[str, Metric] = CORRECT, **changes: Any
) -> Result:
    """One stored run. Scores stand by metric, one entry (or a list of repeats) for each case.

    Among the changes, `columns` maps fields of cases (`latency_ms`, `case`, …) to a value for each case; `failed` maps
    a case's index to the sources that failed in its first repeat; `ids` names the cases; the rest are fields of Result.
    """
    if not isinstance(scores, Mapping):
        scores = {next(iter(metrics)): scores}
    columns = changes.pop("columns", {})
    failed = changes.pop("failed", {})
    count = max([len(values) for values in scores.values()], default=0)
    ids = changes.pop("ids", [case_id(index) for index in range(count)])
    cases = []
    for index, id_ in enumerate(ids):
        lists = {name: _repeats(values[index]) for name, values in scores.items()}
        errors = [Failure(repeat=0, source=source, reason="it failed") for source in failed.get(index, ())]
        for name, values in lists.items():
            if {"provider", name} & set(failed.get(index, ())):
                values[0] = None
        row = {name: values[index] for name, values in columns.items() if values[index] is not None}
        cases.append(CaseResult(**({"id": id_, "case": CASE, "scores": lists, "errors": errors} | row)))
    facts = {
        name: ScorerFacts(kind=m.kind, range=(m.low, m.high), direction=m.direction, digest=m.digest)  # type: ignore[arg-type]
        for name, m in metrics.items()
    }
    repeats = max([len(values) for case in cases for values in case.scores.values()], default=1)
    fields: dict[str, Any] = {
        "format": 1,
        "prompt": "support/answer",
        "version": version,
        "digest": DIGESTS[version],
        "suite": "suite",
        "tool": "promptreg 0.1.0",
        "fingerprint": "sha256:" + "f" * 64,
        "setup": setup_of(metrics),
        "models": ["model-1"],
        "repeats": max(repeats, 1),
        "started_at": "2026-11-20T10:00:00.000+00:00",
        "duration_s": 1.5,
        "origin": Origin(kind="local"),
        "scorers": facts,
        "totals": totals(cases, facts),
        "cases": cases,
    }
    return Result(**(fields | changes))


def _repeats(score: Score) -> list[float | None]:
    return list(score) if isinstance(score, Sequence) else [score]


def evidence(before: Any, after: Any, metrics: Mapping[str, Metric] = CORRECT, **changes: Any) -> SuiteEvidence:
    """One suite's evidence. A side is scores, a Result, a list of Results, a Side, or None for no baseline.

    Among the changes, `critical` and `clusters` say it of cases by index, `count` how many cases the suite has; the
    rest are fields of SuiteEvidence.
    """
    baseline, candidate = _side(OLD, before, metrics), _side(NEW, after, metrics)
    assert candidate is not None
    critical, clusters = changes.pop("critical", ()), changes.pop("clusters", {})
    runs = [*candidate.results, *(baseline.results if baseline else ())]
    count = changes.pop("count", max([len(run.cases) for run in runs], default=0))
    cases = {case_id(at): GatedCase(CASE, at in critical, clusters.get(at)) for at in range(count)}
    fields: dict[str, Any] = {
        "suite": "suite",
        "setup": setup_of(metrics),
        "metrics": dict(metrics),
        "policies": {},
        "cases": cases,
        "candidate": candidate,
        "baseline": baseline,
    }
    return SuiteEvidence(**(fields | changes))


def _side(version: str, given: Any, metrics: Mapping[str, Metric]) -> Side | None:
    if given is None or isinstance(given, Side):
        return given
    if isinstance(given, Result):
        return Side(version, DIGESTS[version], (given,))
    if isinstance(given, list) and (not given or isinstance(given[0], Result)):
        return Side(version, DIGESTS[version], tuple(given))
    return Side(version, DIGESTS[version], (result(version, given, metrics),))


def judged(*suites: SuiteEvidence, mode: str = "standard", same: str | None = None, **policy: Any) -> Verdict:
    """The gate's verdict on some suites."""
    first = any(suite.baseline is None for suite in suites)
    baseline = None if first else (OLD, DIGESTS[OLD])
    return judge(Question(Policy(mode=mode, **policy), (NEW, DIGESTS[NEW]), baseline, suites, same))


def compared(counts: tuple[int, int, int, int], mode: str = "standard", **changes: Any) -> Verdict:
    """The verdict on one pass-fail metric, from both pass / lost / won / both fail."""
    before, after = outcomes(*counts)
    return judged(evidence(before, after, **changes), mode=mode)


def drop(**policy: Any) -> dict[str, MetricPolicy]:
    """The policy of the metric `correct`."""
    return {"correct": MetricPolicy(**policy)}
