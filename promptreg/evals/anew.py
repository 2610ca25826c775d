"""Scores that stored answers got later, from scorers declared since or from people: about which answers, and how many.

Such a result names the run whose answers it is about (`answers_of`). It adds scores of metrics to these answers, and
nothing else: they were asked for once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field

from promptreg.evals.results import CaseResult, Result, moment
from promptreg.evals.scorer import PROVIDER


def answered(case: CaseResult, run: Result) -> list[int]:
    """The repeats of a case that were asked for in a run and answered."""
    measures: tuple[Sized, ...] = (case.latency_ms, case.tokens_in, case.tokens_out, case.cost_usd)
    # a run that no scorer judged says nothing of an answer but that it was asked for
    told = max(map(len, (*case.scores.values(), *measures))) if run.scorers else run.repeats
    if not case.errors and not case.cached:
        return list(range(min(told, run.repeats)))
    failed = {failure.repeat for failure in case.errors if failure.source == PROVIDER}
    told = max([told, *(failure.repeat + 1 for failure in case.errors)])
    again = {index for index, cached in enumerate(case.cached) if cached}
    return [repeat for repeat in range(min(told, run.repeats)) if repeat not in failed and repeat not in again]


@dataclass(slots=True)
class Judged:
    """What one metric's later scores say of a case: a score for each answer that has one, the mean of all it got.

    `given` are these singly; `answers` is how many answers were judged, of which `failed` got no score.
    """

    scores: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    answers: int = 0
    failed: int = 0


def judged(case: CaseResult, run: Result, later: Sequence[tuple[Result, CaseResult]], metric: str) -> Judged:
    """The later scores of a metric for a case of a run; `later` are results about it with their rows, oldest first.

    Of one person the newest score of an answer counts, since people correct themselves; all others are averaged, so
    that nobody picks the best, and scoring the same answers twice is no second repeat.
    """
    found = Judged()
    for repeat in answered(case, run):
        scores: dict[object, float] = {}
        for index, (result, row) in enumerate(later):
            values = row.scores.get(metric, ())
            score = values[repeat] if repeat < len(values) else None
            if score is not None:
                scores[index if result.judged_by is None else result.judged_by] = score
        given = list(scores.values())
        if given:
            found.given += given
            found.scores.append(given[0] if len(given) == 1 else math.fsum(given) / len(given))
        failed = not given and any(_failed(result, row, metric, repeat) for result, row in later)
        found.answers += bool(given) or failed
        found.failed += failed
    return found


def _failed(result: Result, row: CaseResult, metric: str, repeat: int) -> bool:
    """Whether a scorer could not judge an answer; a person who did not has not failed."""
    failures = row.errors if result.judged_by is None else ()
    return any(failure.source == metric and failure.repeat == repeat for failure in failures)


def by_original(results: Mapping[str, Result]) -> tuple[dict[str, list[Result]], list[tuple[str, str]]]:
    """The later ones of some results (by file name) by the name of the run that they are about, oldest first.

    And those whose run is not there, each with the name of that run. A run is one whose answers were asked for: scores
    of scores count for nothing.
    """
    runs = {name for name, result in results.items() if result.answers_of is None}
    found: dict[str, list[Result]] = {}
    lost = []
    for name, result in sorted(results.items(), key=lambda item: (moment(item[1].started_at), item[0])):
        if result.answers_of in runs:
            found.setdefault(result.answers_of, []).append(result)
        elif result.answers_of is not None:
            lost.append((name, result.answers_of))
    return found, sorted(lost)


def rows_of(later: Iterable[Result]) -> dict[tuple[str, str], list[tuple[Result, CaseResult]]]:
    """The rows of later results by id and digest of the case, in the order of the results."""
    found: dict[tuple[str, str], list[tuple[Result, CaseResult]]] = {}
    for result in later:
        for row in result.cases:
            found.setdefault((row.id, row.case), []).append((result, row))
    return found


def contradictions(results: Mapping[str, Result]) -> Iterator[str]:
    """A sentence for each later result, by the path of its file, that contradicts the run which it is about."""
    paths = {path.rpartition("/")[2]: path for path in results}
    for path, later in results.items():
        run = results.get(paths.get(later.answers_of or "", ""))
        if run is None or run.answers_of is not None:
            continue
        what = f"{path} is about the answers of {later.answers_of}"
        if (run.suite, run.digest, run.setup.engine()) != (later.suite, later.digest, later.setup.engine()):
            yield f"{what}, which is of another text or setup"
            continue
        unknown = _without_answer(later, run)
        if unknown is not None:
            yield f"{what}, which has no such answer for case {unknown}"
        for metric, digest in sorted(later.setup.scorers.items()):
            if run.setup.scorers.get(metric) == digest:
                yield f"{what}, which {metric} scored then already, by the same scorer"


def _without_answer(later: Result, run: Result) -> str | None:
    """The first case of which a later result scores what the run did not answer."""
    known = {(case.id, case.case): case for case in run.cases}
    for row in later.cases:
        case = known.get((row.id, row.case))
        there = answered(case, run) if case else []
        for scores in row.scores.values():
            if any(score is not None and repeat not in there for repeat, score in enumerate(scores)):
                return row.id
    return None
