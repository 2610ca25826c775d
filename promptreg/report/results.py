"""Stored results as lines."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from promptreg.core.errors import counted
from promptreg.files import LOCAL
from promptreg.redaction import Redaction
from promptreg.report.diff import word_lines
from promptreg.report.table import Paint, columns, plain, shortened
from promptreg.runs import Before, CaseRun, Difference, Remark, StoredRun


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
    counts = f"in part: another scorer of {', '.join(run.without)}" if run.without else "yes"
    if run.result.answers_of is None:
        return counts
    return f"{counts}, for the answers of {run.result.answers_of}{_by(run)}"


def _by(run: StoredRun) -> str:
    return f" by {run.result.judged_by}" if run.result.judged_by else ""


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
    lines.append(f"scores    {_metrics(case.scored.scores)}")
    lines.extend(_comment_lines(case.comments))
    lines.extend(f"error     {error}" for error in case.errors)
    for remark in case.later:
        lines.extend(_remark_lines(remark))
    lines.extend(f"output    {text}" for text in case.outputs)
    return lines if case.outputs else [*lines, "no outputs are stored"]


def _comment_lines(comments: Mapping[str, Sequence[str | None]]) -> list[str]:
    """What scorers said, which repeat of several it is about."""
    return [
        f"comment   {metric}{f' {at}' if len(texts) > 1 else ''}: {text}"
        for metric, texts in comments.items()
        for at, text in enumerate(texts, start=1)
        if text is not None
    ]


def _remark_lines(remark: Remark) -> list[str]:
    """Scores that the answers got later: what, when, by whom."""
    what = _metrics({remark.metric: remark.scores})
    return [
        f"later     {what}  {started(remark.run)}{_by(remark.run)}",
        *_comment_lines({remark.metric: remark.comments}),
        *(f"error     {error}" for error in remark.errors),
    ]


def before_lines(found: Before, case_id: str, name: str) -> list[str]:
    """What another version's runs say of the same case."""
    head = f"before: {name}@{found.version}, {found.why}"
    if not found.cases:
        return [f"{head}, has no stored result of case {case_id}"]
    return [head, *(line for case in found.cases for line in case_lines(case))]


def difference_lines(found: Sequence[Difference], paint: Paint = plain) -> list[str]:
    """How outputs changed, word by word."""
    lines = []
    for each in found:
        of = f" ({each.suite})" if len(found) > 1 else ""
        same = all(sign == "=" for sign, _ in each.words)
        changed = [f"output, from before to after{of}:", *word_lines(each.words, paint)]
        lines += [f"same output{of}"] if same else changed
    return lines


def redaction_lines(found: Redaction, spec: str, *, in_git: bool, dry_run: bool) -> list[str]:
    """What was taken away, or would be; where else the same answers may stand; and how git forgets."""
    if not (found.files or found.local):
        return [f"{spec} has no stored outputs", *_elsewhere(found)]
    removed, took = ("would remove", "would take") if dry_run else ("removed", "took")
    lines = [
        f"{removed} {file.path} ({counted(file.cases, 'case')})"
        if file.whole
        else f"{took} {counted(file.cases, 'case')} out of {file.path}"
        for file in found.files
    ]
    lines.extend(f"{removed} {path}" for path in found.local)
    if found.files:
        lines.append("Scores stay and count as before; these answers can be neither scored anew nor labelled.")
    lines += _elsewhere(found)
    committed = [file.path for file in found.files if not _is_local(file.path)]
    return [*lines, *_history_lines(committed)] if in_git and committed else lines


def _history_lines(paths: Sequence[str]) -> list[str]:
    """How git forgets files that were committed."""
    return [
        "What was committed still stands in git's history. To take it out there too (agree on it first, since it",
        "rewrites history: push with force, and let everybody clone anew):",
        f"    git filter-repo --invert-paths {' '.join(f'--path {shlex.quote(path)}' for path in paths)}",
    ]


def _is_local(path: str) -> bool:
    """Whether a file belongs to this machine and was never in git."""
    return f"/{LOCAL}/" in f"/{path}"


def _elsewhere(found: Redaction) -> list[str]:
    """Where the same answers may stand and stay."""
    local = [path for path in found.elsewhere if _is_local(path)]
    others = [path for path in found.elsewhere if path not in local]
    lines = [f"Left, and may hold the same answers: {', '.join(local)}. --all removes them."] if local else []
    if others:
        lines.append(f"Left, and may hold the same answers: {', '.join(others)}. The provider replay reads them.")
    return lines


def _expected(case: CaseRun) -> str:
    expected = case.case.expected if case.case else None
    if isinstance(expected, dict):
        return ", ".join(str(value) for value in expected.values())
    return "–" if expected is None else str(expected)


def _answers(case: CaseRun) -> str:
    texts = [*dict.fromkeys(" ".join(text.split()) for text in case.outputs if text is not None), *case.errors]
    return " | ".join(texts) or "–"


def _scores(case: CaseRun) -> str:
    later: dict[str, list[float | None]] = {}
    for remark in case.later:
        later.setdefault(remark.metric, []).extend(remark.scores)
    return _metrics(case.scored.scores | later)


def _metrics(found: Mapping[str, Sequence[float | None]]) -> str:
    return ", ".join(
        f"{metric} {' '.join('–' if score is None else f'{score:g}' for score in scores)}"
        for metric, scores in found.items()
    )
