"""The stored runs of a prompt: which of them count, and what they say of each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.evals.cases import Case
from promptreg.evals.evidence import OTHER_TEXT, unused_metrics, why_unused
from promptreg.evals.results import OUTPUTS, CaseResult, Result, read_outputs, results_of
from promptreg.judging import stored, version_of
from promptreg.project import View


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One stored run and its file.

    `unused` is why the gate does not use it, None where it does; `without` are the metrics that it uses nothing of all
    the same, since their scorer is another one now. `of_this_text` is whether it is one of what its version says.
    """

    result: Result
    path: str
    unused: str | None = None
    without: tuple[str, ...] = ()
    of_this_text: bool = True

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
            "path": self.path,
        }


@dataclass(frozen=True, slots=True)
class CaseRun:
    """What one run says of a case; `case` as the suite has it now, None where it has none of that id."""

    run: StoredRun
    scored: CaseResult
    case: Case | None
    outputs: tuple[str | None, ...]

    @property
    def failing(self) -> bool:
        """Whether a score is not the full mark."""
        return any(score != 1 for scores in self.scored.scores.values() for score in scores)

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
        for result in sorted(found, key=lambda each: each.started_at):
            path = view.source.shown(f"{results_of(name, version)}/{result.file_name()}")
            own, setup = result.digest == digest, setups.get(result.suite)
            if setup is None:
                runs.append(StoredRun(result, path, "no such suite" if own else OTHER_TEXT, (), own))
            else:
                without = tuple(unused_metrics(result, setup))
                runs.append(StoredRun(result, path, why_unused(result, digest, setup), without, own))
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
    """What some runs say of their cases, run by run."""
    known = {suite.name: {case.id: case for case in suite.cases} for suite in view.suites(name)}
    return [
        CaseRun(run, scored, known.get(run.result.suite, {}).get(scored.id), tuple(outputs.get(scored.id, ())))
        for run in runs
        for outputs in [_outputs(view, run)]
        for scored in run.result.cases
    ]


def _outputs(view: View, run: StoredRun) -> dict[str, list[str | None]]:
    folder = results_of(run.result.prompt, run.result.version)
    path = f"{folder}/{run.result.file_name().removesuffix('.json')}{OUTPUTS}"
    return read_outputs(view.source.read(path) or b"", view.source.shown(path))
