"""From a run's journal to its result: what is written is a function of the journal and the plan alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptreg.evals.all_providers import is_model
from promptreg.evals.results import (
    CacheUse,
    CaseResult,
    Judging,
    Origin,
    Result,
    ScorerFacts,
    Sums,
    is_failing,
    output_line,
)
from promptreg.evals.running.journal import Entry, Journal
from promptreg.evals.running.run import Plan
from promptreg.evals.scorer import Scorer


@dataclass(slots=True)
class Seen:
    """What one pass over the rows finds out: for the header, and for whoever ran it.

    `failing` is whether a score is not the full mark; `reason` is the first failure's, `failed` how many calls gave no
    answer, `cut` how many answers ended for their length.
    """

    sums: Sums
    models: set[str] = field(default_factory=set)
    hits: int = 0
    misses: int = 0
    runs: set[str] = field(default_factory=set)
    judging: Judging = field(default_factory=lambda: Judging(calls=0))
    cases: int = 0
    failing: bool = False
    failed: int = 0
    cut: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Assembly:
    """A finished run: the header of its result (without cases), and its parts, which are read from the journal."""

    plan: Plan
    journal: Journal
    header: Result
    seen: Seen

    def rows(self) -> Iterator[CaseResult]:
        """The cases of the result."""
        timed = is_model(self.plan.provider)
        return (row_of(entries, self.plan.suite.scorers, timed=timed) for entries in self.journal.rows())

    def result(self) -> Result:
        """The whole result, for a run that is not stored."""
        return self.header.model_copy(update={"cases": list(self.rows())})

    def result_parts(self) -> Iterator[str]:
        """The result file, piece by piece."""
        return self.header.parts(self.rows())

    def output_parts(self) -> Iterator[str]:
        """The file of outputs, piece by piece; nothing where none are to be stored."""
        stored = self.plan.suite.store_outputs
        for entries in self.journal.rows() if stored != "none" else ():
            row = row_of(entries, self.plan.suite.scorers, timed=False)
            if stored == "all" or is_failing(row, self.header.scorers):
                texts = [entry.answer["text"] if entry.answer else None for entry in entries]
                yield output_line(row.id, texts, _comments(entries))


def assembled(plan: Plan, journal: Journal, *, tool: str, origin: Origin) -> Assembly:
    """The result of a run whose calls are all made."""
    scorers = plan.suite.scorers
    seen = _seen(journal.rows(), scorers, timed=is_model(plan.provider))
    setup = plan.suite.setup(plan.provider)
    header = Result(
        format=1,
        prompt=plan.prompt.name,
        version=plan.prompt.version,
        digest=plan.prompt.digest,
        suite=plan.suite.name,
        tool=tool,
        fingerprint=plan.fingerprint(),
        setup=setup,
        models=sorted(seen.models),
        repeats=plan.repeats,
        started_at=journal.started_at,
        duration_s=round(journal.seconds, 3),
        origin=origin,
        cache=CacheUse(hits=seen.hits, misses=seen.misses, runs=sorted(seen.runs)) if seen.hits else None,
        judging=seen.judging if seen.judging.calls else None,
        scorers=facts_of(scorers),
        totals=seen.sums.totals(),
        cases=[],
    )
    return Assembly(plan, journal, header, seen)


def facts_of(scorers: dict[str, Scorer]) -> dict[str, ScorerFacts]:
    """What a result says of its scorers."""
    facts = {}
    for name, scorer in scorers.items():
        scale = scorer.scale()
        facts[name] = ScorerFacts(
            kind=scale.kind,
            range=(scale.low, scale.high),
            direction=scale.direction,
            digest=scorer.digest(),
            model=scorer.facts().get("model"),
        )
    return facts


def _seen(rows: Iterable[list[Entry]], scorers: dict[str, Scorer], *, timed: bool) -> Seen:
    seen, facts = Seen(Sums(scorers)), facts_of(scorers)
    for entries in rows:
        row = row_of(entries, scorers, timed=timed)
        seen.sums.add(row)
        seen.cases += 1
        seen.failing = seen.failing or is_failing(row, facts)
        for entry in entries:
            _see(seen, entry)
    return seen


def _see(seen: Seen, entry: Entry) -> None:
    if entry.answer is None:
        seen.failed += 1
    else:
        seen.models.add(entry.answer["model"])
        seen.cut += entry.answer.get("finish") == "length"
    if entry.cached is None:
        seen.misses += 1
    else:
        seen.hits += 1
        seen.runs.add(entry.cached)
    if entry.errors and seen.reason is None:
        seen.reason = entry.errors[0].reason
    if entry.judging:
        used = seen.judging.model_dump()
        seen.judging = Judging(**{key: used[key] + value for key, value in entry.judging.model_dump().items()})


def row_of(entries: Sequence[Entry], scorers: dict[str, Scorer], *, timed: bool) -> CaseResult:
    """One case of a result; `timed` is whether latencies say something."""
    first, answers = entries[0], [entry.answer or {} for entry in entries]
    return CaseResult(
        id=first.id,
        case=first.case,
        tags=first.tags,
        cluster=first.cluster,
        scores={name: [entry.scores.get(name) for entry in entries] for name in scorers},
        latency_ms=_told(entry.ms if timed and entry.answer and not entry.cached else None for entry in entries),
        tokens_in=_told(answer.get("tokens_in") for answer in answers),
        tokens_out=_told(answer.get("tokens_out") for answer in answers),
        cost_usd=_told(answer.get("cost_usd") for answer in answers),
        tokens_cached=_told(answer.get("tokens_cached") or None for answer in answers),
        finish=_told(_unusual(answer.get("finish")) for answer in answers),
        errors=[failure for entry in entries for failure in entry.errors],
        cached=[entry.cached is not None for entry in entries] if any(entry.cached for entry in entries) else [],
    )


def _unusual(finish: str | None) -> str | None:
    return None if finish in (None, "stop") else finish


def _told(values: Iterable[Any]) -> list[Any]:
    """Values of which at least one is known; else nothing, so that an empty key can be left out."""
    found = list(values)
    return found if any(value is not None for value in found) else []


def _comments(entries: Sequence[Entry]) -> dict[str, list[str | None]]:
    metrics = dict.fromkeys(metric for entry in entries for metric in entry.comments)
    return {metric: [entry.comments.get(metric) for entry in entries] for metric in metrics}
