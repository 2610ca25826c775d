"""The stored runs of a prompt: which of them count, and what they say of each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.diff.bumps import greatest_lower
from promptreg.diff.words import Pieces, words
from promptreg.evals.anew import by_original
from promptreg.evals.cases import Case
from promptreg.evals.evidence import NO_ANSWERS, OTHER_TEXT, unused_metrics, why_unused
from promptreg.evals.results import OUTPUTS, CaseResult, Outputs, Result, is_failing, moment, read_rows, results_of
from promptreg.judging import stored, version_of
from promptreg.project import View


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One stored run, or scores that its answers got later, and its file.

    `unused` is why the gate does not use it, None where it does; `without` are the metrics that it uses nothing of all
    the same, since their scorer is another one now. `of_this_text` is whether it is one of what its version says.
    """

    result: Result
    path: str
    unused: str | None = None
    without: tuple[str, ...] = ()
    of_this_text: bool = True

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]

    def data(self) -> dict[str, Any]:
        """An entry of `results` in `results list --json`."""
        return {
            "version": self.result.version,
            "suite": self.result.suite,
            "started_at": self.result.started_at,
            "provider": self.result.setup.provider,
            "models": self.result.models,
            "cases": len(self.result.cases),
            "repeats": self.result.repeats,
            "totals": self.result.totals.model_dump(mode="json"),
            "counts": self.unused is None,
            "unused": self.unused,
            "answers_of": self.result.answers_of,
            "judged_by": self.result.judged_by,
            "path": self.path,
        }


@dataclass(frozen=True, slots=True)
class Remark:
    """What was said of a case's answers later: the scores of one metric, by repeat, and comments."""

    run: StoredRun
    metric: str
    scores: tuple[float | None, ...]
    comments: tuple[str | None, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def failing(self) -> bool:
        """Whether a score is not the full mark."""
        best = self.run.result.scorers[self.metric].full_mark
        return any(score not in (None, best) for score in self.scores)

    def data(self) -> dict[str, Any]:
        """An entry of `later` in `results show --json`."""
        return {
            "metric": self.metric,
            "scores": list(self.scores),
            "comments": list(self.comments),
            "errors": list(self.errors),
            "judged_by": self.run.result.judged_by,
            "started_at": self.run.result.started_at,
            "path": self.run.path,
        }


@dataclass(frozen=True, slots=True)
class CaseRun:
    """What one run says of a case; `case` as the suite has it now, None where it has none of that id.

    `comments` are by metric what the scorers said of each repeat; `later` is what was said of the answers afterwards.
    """

    run: StoredRun
    scored: CaseResult
    case: Case | None
    outputs: tuple[str | None, ...]
    comments: dict[str, list[str | None]]
    later: tuple[Remark, ...] = ()

    @property
    def failing(self) -> bool:
        """Whether a score is not the full mark."""
        own = is_failing(self.scored, self.run.result.scorers)
        return own or any(remark.failing for remark in self.later)

    @property
    def answers(self) -> int:
        """How many answers were asked for."""
        return max(map(len, self.scored.scores.values()), default=self.run.result.repeats)

    @property
    def failed(self) -> int:
        """How many of its answers have a score that is not the full mark, or that is absent."""
        facts = self.run.result.scorers
        wrong = {
            repeat
            for metric, scores in self.scored.scores.items()
            for repeat, score in enumerate(scores)
            if score != facts[metric].full_mark
        }
        for remark in self.later:
            best = remark.run.result.scorers[remark.metric].full_mark
            wrong |= {repeat for repeat, score in enumerate(remark.scores) if score not in (None, best)}
        return len(wrong)

    @property
    def errors(self) -> list[str]:
        """Why scores are absent."""
        return [failure.reason for failure in self.scored.errors]

    def data(self) -> dict[str, Any]:
        """An entry of `cases` in `results show --json`."""
        return {
            "id": self.scored.id,
            "version": self.run.result.version,
            "suite": self.run.result.suite,
            "tags": self.scored.tags,
            "expected": self.case.expected if self.case else None,
            "scores": self.scored.scores,
            "errors": self.errors,
            "outputs": list(self.outputs),
            "comments": self.comments,
            "later": [remark.data() for remark in self.later],
            "started_at": self.run.result.started_at,
            "path": self.run.path,
        }


def runs_of(view: View, name: str, versions: Sequence[str]) -> tuple[list[StoredRun], list[str]]:
    """The stored runs of some versions (or `draft`) of a prompt, oldest first, and what is wrong with other files."""
    setups = {suite.name: suite.setup() for suite in view.suites(name)}
    runs: list[StoredRun] = []
    problems: list[str] = []
    for version in versions:
        found, wrong = stored(view.source, name, version)
        problems.extend(wrong)
        digest = _digest(view, name, version) if found else None
        lost = {file for file, _ in by_original(found)[1]}
        for file, result in sorted(found.items(), key=lambda item: (moment(item[1].started_at), item[0])):
            path = view.source.shown(f"{results_of(name, version)}/{file}")
            own, setup = result.digest == digest, setups.get(result.suite)
            if setup is None:
                runs.append(StoredRun(result, path, "no such suite" if own else OTHER_TEXT, (), own))
            else:
                without = tuple(unused_metrics(result, setup))
                unused = why_unused(result, digest, setup) or (NO_ANSWERS if file in lost else None)
                runs.append(StoredRun(result, path, unused, without, own))
    return runs, problems


def _digest(view: View, name: str, version: str) -> str | None:
    """What a version says now; None for a draft that is gone or cannot be read, which no run is one of."""
    if version != "draft":
        return view.catalog.sums(name).releases[version].digest
    try:
        return version_of(view, name, version).digest
    except PromptregError:
        return None


def cases_of(view: View, name: str, runs: Sequence[StoredRun]) -> list[CaseRun]:
    """What some runs say of their cases, run by run, each with what was said of its answers later."""
    known = {suite.name: {case.id: case for case in suite.cases} for suite in view.suites(name) if suite.cases.known}
    later: dict[tuple[str, str], list[Remark]] = {}
    for run in runs:
        if run.result.answers_of is not None:
            _remark(view, run, later)
    found = []
    for run in runs:
        if run.result.answers_of is None:
            outputs, cases = outputs_of(view, run), known.get(run.result.suite, {})
            for scored in run.result.cases:
                row = outputs.get(scored.id, Outputs([]))
                remarks = tuple(later.get((run.name, scored.id), ()))
                case = cases.get(scored.id)
                found.append(CaseRun(run, scored, case, tuple(row.texts), row.comments, remarks))
    return found


def _remark(view: View, run: StoredRun, later: dict[tuple[str, str], list[Remark]]) -> None:
    outputs = outputs_of(view, run)
    for case in run.result.cases:
        comments = outputs.get(case.id, Outputs([])).comments
        for metric, scores in case.scores.items():
            errors = tuple(failure.reason for failure in case.errors if failure.source == metric)
            remark = Remark(run, metric, tuple(scores), tuple(comments.get(metric, ())), errors)
            later.setdefault((run.result.answers_of or "", case.id), []).append(remark)


def outputs_of(view: View, run: StoredRun) -> dict[str, Outputs]:
    """What the file of outputs beside a result says, by case id; nothing where there is none."""
    path = f"{results_of(run.result.prompt, run.result.version)}/{run.name.removesuffix('.json')}{OUTPUTS}"
    return read_rows(view.source.read(path) or b"", view.source.shown(path))


# Before and after


@dataclass(frozen=True, slots=True)
class Before:
    """The version that another is looked at beside, why this one, and what its runs say of a case."""

    version: str
    why: str
    cases: list[CaseRun]


def version_before(view: View, name: str, version: str) -> tuple[str, str] | None:
    """What a version (or `draft`) is looked at beside: what the default environment pins, else the version before it.

    And why this one; None where there is none.
    """
    default = view.catalog.settings.default_environment
    if default in view.catalog.settings.environments:
        pin = view.catalog.pin(default, name)
        if pin is not None and pin.version != version:
            return pin.version, f"which {default} runs"
    sums = view.catalog.sums(name)
    before = sums.latest() if version == "draft" else greatest_lower(version, sums.versions())
    return (before, "the version before") if before else None


def before(view: View, name: str, version: str, why: str, case_id: str) -> Before:
    """What the runs of a version say of a case; nothing where none is stored."""
    runs = [run for run in runs_of(view, name, [version])[0] if run.of_this_text]
    return Before(version, why, [case for case in cases_of(view, name, runs) if case.scored.id == case_id])


@dataclass(frozen=True, slots=True)
class Difference:
    """How an output of a suite's case changed, word by word: the first of each side's newest run that has one."""

    suite: str
    words: Pieces

    def data(self) -> dict[str, Any]:
        """An entry of `differences` in `results show --json`."""
        return {"suite": self.suite, "words": [list(piece) for piece in self.words]}


def differences(old: Sequence[CaseRun], new: Sequence[CaseRun]) -> list[Difference]:
    """The word differences between two sides' outputs of a case, for each suite that both have one of."""
    before_, after = _newest(old), _newest(new)
    return [Difference(suite, words(before_[suite], after[suite])) for suite in before_ if suite in after]


def _newest(cases: Sequence[CaseRun]) -> dict[str, str]:
    """The first output of the newest run that has one, by suite; runs stand oldest first."""
    found = {}
    for case in cases:
        text = next((text for text in case.outputs if text is not None), None)
        if text is not None:
            found[case.run.result.suite] = text
    return found
