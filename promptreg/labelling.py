"""What people say of stored answers: `case label`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptreg.core.errors import PromptregError, near
from promptreg.core.prompt import Prompt
from promptreg.evals.scorers.label import Label
from promptreg.evals.suite import Suite
from promptreg.evaluation.plans import suites_of
from promptreg.evaluation.storing import Stored
from promptreg.project import Project, View
from promptreg.stored_answers import Answer, AnsweredRun, Rows, Said, answered_runs, keep


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose labels, of what: one suite, metric or case, or all. `again` is whether what they labelled counts in too."""

    who: str
    suite: str | None = None
    metric: str | None = None
    case: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A stored answer that somebody is asked about: equal answers of a run to a case are asked about once.

    `others` is how many other people judged it. `cut` is whether only its beginning is stored.
    """

    about: AnsweredRun
    metric: str
    answers: tuple[Answer, ...]
    others: int
    cut: bool

    @property
    def text(self) -> str:
        """The answer."""
        return self.answers[0].text or ""

    @property
    def case_id(self) -> str:
        """Its case."""
        return self.answers[0].case.id

    @property
    def question(self) -> str | None:
        """What the suite asks people."""
        scorer = self.about.suite.scorers[self.metric]
        return scorer.question if isinstance(scorer, Label) else None


def asked(view: View, prompt: Prompt, wish: Wish) -> list[Asked]:
    """The stored answers of a prompt's text that somebody has not judged: first those that nobody has.

    PromptregError where there is nothing that people could judge: no such scorer, no run, no stored outputs, no such
    case.
    """
    found: list[Asked] = []
    runs = [
        (run, metric)
        for suite, metric in _metrics(view, prompt.name, wish)
        for run in answered_runs(view, prompt, suite)
    ]
    if not runs:
        raise PromptregError(
            f"{prompt.spec} has no stored run, so there are no answers to label. promptreg eval {prompt.spec} makes "
            "one."
        )
    answers = [(run, metric, answer) for run, metric in runs for answer in run.answers() if answer.text is not None]
    if not answers:
        raise PromptregError(
            f"{prompt.spec}: its outputs were taken away (promptreg results redact) or never stored, so there is "
            f"nothing to label. promptreg eval {prompt.spec} asks again, and store_outputs: all in the suite keeps "
            "them."
        )
    known = {answer.case.id for _, _, answer in answers}
    if wish.case is not None and wish.case not in known:
        raise PromptregError(f"{prompt.spec} has no stored answer of case {wish.case}.{near(wish.case, known)}")
    for run, metric in runs:
        found += [each for each in _of_run(run, metric, wish) if wish.case in (None, each.case_id)]
    return sorted(found, key=lambda each: each.others > 0)


def _metrics(view: View, name: str, wish: Wish) -> list[tuple[Suite, str]]:
    """The scorers that are people, each with its suite; PromptregError where there is none, or none as wished for."""
    suites = suites_of(view, name, wish.suite)
    found = [(suite, metric) for suite in suites for metric, scorer in suite.scorers.items() if scorer.by_people]
    if not found:
        raise PromptregError(
            f"{name} has no scorer for people. Under scorers: in {suites[0].path}, add a line like\n"
            "  good: {type: label}"
        )
    chosen = [(suite, metric) for suite, metric in found if wish.metric in (None, metric)]
    if not chosen:
        known = [metric for _, metric in found]
        raise PromptregError(
            f"{name} has no scorer {wish.metric} for people. It has: {', '.join(known)}."
            f"{near(wish.metric or '', known)}"
        )
    return chosen


def _of_run(about: AnsweredRun, metric: str, wish: Wish) -> Iterator[Asked]:
    """What somebody is asked about a run, case by case."""
    by_text: dict[tuple[str, str], list[Answer]] = {}
    for answer in about.answers():
        if answer.text is not None:
            by_text.setdefault((answer.case.id, answer.text), []).append(answer)
    judged = _judged(about, metric)
    for answers in by_text.values():
        people = [judged.get((answer.case.id, answer.repeat), set()) for answer in answers]
        if wish.again or not all(wish.who in each for each in people):
            cut = any(answer.unjudged for answer in answers)
            yield Asked(about, metric, tuple(answers), len(set().union(*people) - {wish.who}), cut)


def _judged(about: AnsweredRun, metric: str) -> dict[tuple[str, int], set[str]]:
    """Who judged which answer (id of the case, repeat) by what a suite asks now."""
    digest = about.suite.scorers[metric].digest()
    found: dict[tuple[str, int], set[str]] = {}
    for result in about.later:
        if result.judged_by is None or result.setup.scorers.get(metric) != digest:
            continue
        for row in result.cases:
            for repeat, score in enumerate(row.scores.get(metric, ())):
                if score is not None:
                    found.setdefault((row.id, repeat), set()).add(result.judged_by)
    return found


@dataclass(slots=True)
class Labels:
    """What somebody said, until it is stored: one result for each run that it is about."""

    who: str
    tool: str
    began: float
    started_at: str
    given: list[tuple[Asked, bool, str | None]] = field(default_factory=list)

    @classmethod
    def begin(cls, project: Project, tool: str) -> Labels:
        """Labels of whoever works here, from now on."""
        began = project.surroundings.now().isoformat(timespec="milliseconds")
        return cls(" ".join(project.user().split()), tool, project.surroundings.timer(), began)

    def add(self, about: Asked, comment: str | None, *, good: bool) -> None:
        """Note a label."""
        self.given.append((about, good, comment))

    def data(self) -> dict[str, Any]:
        """How many answers were called what."""
        counts = {True: 0, False: 0}
        for about, good, _ in self.given:
            counts[good] += len(about.answers)
        return {"good": counts[True], "bad": counts[False], "judged_by": self.who}

    def store(self, project: Project) -> list[Stored]:
        """Store them; nothing where there are none."""
        by_run: dict[str, list[tuple[Asked, bool, str | None]]] = {}
        for each in self.given:
            by_run.setdefault(each[0].about.name, []).append(each)
        made = [self._store(project, given) for given in by_run.values()]
        self.given.clear()
        return made

    def _store(self, project: Project, given: Sequence[tuple[Asked, bool, str | None]]) -> Stored:
        rows = Rows()
        for about, good, comment in given:
            for answer in about.answers:
                rows.add(answer, about.metric, float(good), comment)
        said = Said(
            metrics=tuple(dict.fromkeys(about.metric for about, _, _ in given)),
            rows=list(rows.rows.values()),
            comments=dict(rows.comments),
            started_at=self.started_at,
            duration_s=project.surroundings.timer() - self.began,
            tool=self.tool,
            judged_by=self.who,
        )
        return keep(project, given[0][0].about, said)
