"""Stored results as lines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from promptreg.report.table import columns, shortened
from promptreg.runs import CaseRun, StoredRun


def run_lines(runs: Sequence[StoredRun]) -> list[str]:
    """A table of runs."""
    head = ["version", "suite", "started", "provider", "cases", "errors", "scores", "counts", "file"]
    return columns([head, *(_run(run) for run in runs)])


def _run(run: StoredRun) -> list[str]:
    result = run.result
    scores = ", ".join(
        f"{name} {total.mean:.3f}" if total.mean is not None else f"{name} –"
        for name, total in result.totals.metrics.items()
    )
    return [
        result.version,
        result.suite,
        started(run),
        result.setup.provider or "–",
        f"{len(result.cases)} × {result.repeats}",
        str(result.totals.errors),
        scores,
        _counts(run),
        run.path,
    ]


def started(run: StoredRun) -> str:
    """When a run began, to the minute."""
    return run.result.started_at[:16].replace("T", " ")


def _counts(run: StoredRun) -> str:
    if run.unused is not None:
        return f"no: {run.unused}"
    return f"in part: another scorer of {', '.join(run.without)}" if run.without else "yes"


def left_out(runs: Sequence[StoredRun]) -> str:
    """A line on the runs that are not of what their version says now; empty where there are none."""
    if not runs:
        return ""
    earlier = runs[0].result.version == "draft"
    if len(runs) == 1:
        return f"1 run of {'an earlier' if earlier else 'another'} text is left out"
    return f"{len(runs)} runs of {'earlier' if earlier else 'other'} texts are left out"


def case_table(cases: Sequence[CaseRun]) -> list[str]:
    """A line for each case of each run; with several runs it says which."""
    several = len({case.run.path for case in cases}) > 1
    rows = [
        [
            case.scored.id,
            *([started(case.run)] if several else []),
            _scores(case),
            shortened(_expected(case), 30),
            shortened(_answers(case), 40),
            " ".join(case.scored.tags),
        ]
        for case in cases
    ]
    return columns([["case", *(["run"] if several else []), "scores", "expected", "answer", "tags"], *rows])


def case_lines(case: CaseRun) -> list[str]:
    """All that one run says of a case."""
    result = case.run.result
    lines = [
        f"{result.prompt}@{result.version}  {result.suite}  case {case.scored.id}",
        f"run       {started(case.run)}  {case.run.path}",
    ]
    if case.case is not None:
        lines.append(f"inputs    {json.dumps(case.case.inputs, ensure_ascii=False)}")
        lines.append(f"expected  {json.dumps(case.case.expected, ensure_ascii=False)}")
    lines.append(f"scores    {_scores(case)}")
    lines.extend(f"error     {error}" for error in case.errors)
    lines.extend(f"output    {text}" for text in case.outputs)
    return lines if case.outputs else [*lines, "no outputs are stored"]


def _expected(case: CaseRun) -> str:
    expected = case.case.expected if case.case else None
    if isinstance(expected, dict):
        return ", ".join(str(value) for value in expected.values())
    return "–" if expected is None else str(expected)


def _answers(case: CaseRun) -> str:
    texts = [*dict.fromkeys(" ".join(text.split()) for text in case.outputs if text is not None), *case.errors]
    return " | ".join(texts) or "–"


def _scores(case: CaseRun) -> str:
    return ", ".join(
        f"{metric} {' '.join('–' if score is None else f'{score:g}' for score in scores)}"
        for metric, scores in case.scored.scores.items()
    )
