"""Answers that runs stored, and what is said of them later: by scorers that came after them, or by people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from promptreg.core.prompt import Prompt
from promptreg.evals.anew import answered, by_original
from promptreg.evals.behaviour import behaviour
from promptreg.evals.cases import Case
from promptreg.evals.provider import Completion
from promptreg.evals.results import (
    OUTPUTS,
    CaseResult,
    Judging,
    Outputs,
    Result,
    is_failing,
    output_line,
    read_rows,
    results_of,
    totals,
)
from promptreg.evals.running.assembly import facts_of
from promptreg.evals.suite import Suite, fingerprint
from promptreg.evaluation.storing import Stored, origin_of
from promptreg.files import writing
from promptreg.judging import stored
from promptreg.project import Project, View

Value = TypeVar("Value")
#: The comments on the answers of a case: by metric, one for each repeat.
Comments = Mapping[str, list[str | None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a run: its case as the suite has it, the row of the run, the repeat.

    `text` is None where it is not stored; `unjudged` is why it cannot be judged as a whole.
    """

    case: Case
    row: CaseResult
    repeat: int
    text: str | None
    unjudged: str | None

    def completion(self, run: Result) -> Completion:
        """The answer as its run got it, as far as that is stored."""
        row, at = self.row, self.repeat
        return Completion(
            text=self.text or "",
            model=run.models[0] if len(run.models) == 1 else "",
            tokens_in=_at(row.tokens_in, at),
            tokens_out=_at(row.tokens_out, at),
            finish=_at(row.finish, at),
        )


def _at(values: Sequence[Value | None], index: int) -> Value | None:
    return values[index] if index < len(values) else None


@dataclass(frozen=True, slots=True)
class AnsweredRun:
    """A stored run whose answers may be judged: its file's name, what its file of outputs says by case id (nothing
    where there is none), and what was said of its answers later, oldest first.
    """

    prompt: Prompt
    suite: Suite
    name: str
    run: Result
    outputs: dict[str, Outputs]
    later: tuple[Result, ...] = ()

    def answers(self) -> Iterator[Answer]:
        """The answers to the cases that the suite still has, stored or not."""
        rows = {(row.id, row.case): row for row in self.run.cases}
        for case in self.suite.cases:
            row = rows.get((case.id, case.digest))
            found = self.outputs.get(case.id, Outputs([]))
            if row is None:
                continue
            for repeat in answered(row, self.run):
                yield Answer(case, row, repeat, _at(found.texts, repeat), found.why_unjudged(repeat))


def answered_runs(view: View, prompt: Prompt, suite: Suite) -> list[AnsweredRun]:
    """The stored runs of what a prompt says, of a suite's provider, model and parameters, oldest first."""
    found, _ = stored(view.source, prompt.name, prompt.version)
    later, _ = by_original(found)
    engine = suite.setup().engine()
    return [
        AnsweredRun(prompt, suite, name, run, _outputs(view, prompt, name), tuple(later.get(name, ())))
        for name, run in sorted(found.items(), key=lambda item: (item[1].started_at, item[0]))
        if run.answers_of is None and (run.suite, run.digest, run.setup.engine()) == (suite.name, prompt.digest, engine)
    ]


def _outputs(view: View, prompt: Prompt, name: str) -> dict[str, Outputs]:
    path = f"{results_of(prompt.name, prompt.version)}/{name.removesuffix('.json')}{OUTPUTS}"
    return read_rows(view.source.read(path) or b"", view.source.shown(path))


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of the answers of a run: rows with scores, comments by case id, and how that came about."""

    metrics: tuple[str, ...]
    rows: list[CaseResult]
    comments: dict[str, Comments]
    started_at: str
    duration_s: float
    tool: str
    judging: Judging | None = None
    judged_by: str | None = None


def keep(project: Project, about: AnsweredRun, said: Said) -> Stored:
    """Store what is said of a run's answers: a result that names the run, with the comments beside it."""
    run = about.run
    scorers = {metric: about.suite.scorers[metric] for metric in said.metrics}
    facts = facts_of(scorers)
    setup = run.setup.model_copy(update={"scorers": {metric: found.digest for metric, found in facts.items()}})
    result = Result(
        format=1,
        prompt=run.prompt,
        version=run.version,
        digest=run.digest,
        suite=run.suite,
        tool=said.tool,
        fingerprint=fingerprint(behaviour(about.prompt), setup),
        setup=setup,
        models=run.models,
        repeats=run.repeats,
        started_at=said.started_at,
        duration_s=round(said.duration_s, 3),
        origin=origin_of(project),
        judging=said.judging,
        answers_of=about.name,
        judged_by=said.judged_by,
        scorers=facts,
        totals=totals(said.rows, facts),
        cases=said.rows,
    )
    name = result.file_name()
    folder = results_of(run.prompt, run.version)
    comments = "".join(output_line(id_, [], found) for id_, found in said.comments.items() if found)
    files = {f"{folder}/{name.removesuffix('.json')}{OUTPUTS}": comments.encode()} if comments else {}
    with writing(project.folder) as writer:
        writer.write_all({**files, f"{folder}/{name}": result.text().encode()})
    reason = next((failure.reason for row in said.rows for failure in row.errors), None)
    failing = any(is_failing(row, facts) for row in said.rows)
    header = result.model_copy(update={"cases": []})
    return Stored(header, project.folder.shown(f"{folder}/{name}"), len(said.rows), failing, reason)


@dataclass(slots=True)
class Rows:
    """Collects what is said of the answers of a run, answer by answer."""

    scores: dict[str, dict[str, list[float | None]]] = field(default_factory=dict)
    comments: dict[str, dict[str, list[str | None]]] = field(default_factory=dict)
    rows: dict[str, CaseResult] = field(default_factory=dict)

    def add(self, answer: Answer, metric: str, score: float | None, comment: str | None = None) -> CaseResult:
        """Note a score (None: there is none) and a comment; returns the row, for errors."""
        row = self.rows.get(answer.case.id)
        if row is None:
            old = answer.row
            row = self.rows[old.id] = CaseResult(id=old.id, case=old.case, tags=old.tags, cluster=old.cluster)
        _put(row.scores.setdefault(metric, []), answer.repeat, score)
        if comment is not None:
            _put(self.comments.setdefault(answer.case.id, {}).setdefault(metric, []), answer.repeat, comment)
        return row


def _put(values: list[Value | None], index: int, value: Value) -> None:
    values.extend([None] * (index + 1 - len(values)))
    values[index] = value
