"""Stored results as lines."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from promptreg.core.errors import counted
from promptreg.evals.json_text import line_json
from promptreg.files import LOCAL
from promptreg.redaction import Redaction
from promptreg.report.diff import word_lines
from promptreg.report.table import Paint, columns, figure, labelled, plain, shortened, times
from promptreg.runs import Before, CaseRun, Difference, Remark, StoredRun

#: How many files a command is written out for.
_ON_A_LINE = 3


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
            shortened(_answers([case]), 40),
            " ".join(case.scored.tags),
        ]
        for case in cases
    ]
    return columns([["case", *(["run"] if several else []), "scores", "expected", "answer", "tags"], *rows])


def failing_table(cases: Sequence[CaseRun]) -> list[str]:
    """Of several runs: a line for each case that fails, with how many of its answers do."""
    by_case: dict[tuple[str, str], list[CaseRun]] = {}
    for case in cases:
        by_case.setdefault((case.run.result.suite, case.scored.id), []).append(case)
    several = len({suite for suite, _ in by_case}) > 1
    rows = [
        [
            id_,
            *([suite] if several else []),
            f"{sum(case.failed for case in found)} of {sum(case.answers for case in found)}",
            shortened(_expected(found[-1]), 30),
            shortened(_answers([case for case in found if case.failing]), 40),
            " ".join(found[-1].scored.tags),
        ]
        for (suite, id_), found in by_case.items()
        if any(case.failing for case in found)
    ]
    return columns([["case", *(["suite"] if several else []), "failed", "expected", "answer", "tags"], *rows])


def all_case_lines(cases: Sequence[CaseRun]) -> list[str]:
    """All that some runs say of a case, a blank line between them."""
    return [line for at, case in enumerate(cases) for line in (*([""] if at else []), *case_lines(case))]


def case_lines(case: CaseRun) -> list[str]:
    """All that one run says of a case; equal outputs are told once, with how often."""
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
    for error, number in Counter(case.errors).items():
        lines.extend(labelled(times("error", number), error))
    for remark in case.later:
        lines.extend(_remark_lines(remark))
    for text, number in Counter(case.outputs).items():
        lines.extend(labelled(times("output", number), "–" if text is None else text))
    return lines if case.outputs else [*lines, "no outputs are stored"]


def _comment_lines(comments: Mapping[str, Sequence[str | None]]) -> list[str]:
    """What scorers said, which repeat of several it is about."""
    return [
        line
        for metric, texts in comments.items()
        for at, text in enumerate(texts, start=1)
        if text is not None
        for line in labelled("comment", text, head=f"{metric}{f' {at}' if len(texts) > 1 else ''}: ")
    ]


def _remark_lines(remark: Remark) -> list[str]:
    """Scores that the answers got later: what, when, by whom."""
    what = _metrics({remark.metric: remark.scores})
    return [
        f"later     {what}  {started(remark.run)}{_by(remark.run)}",
        *_comment_lines({remark.metric: remark.comments}),
        *(line for error in remark.errors for line in labelled("error", error)),
    ]


def before_lines(found: Before, case_id: str, name: str) -> list[str]:
    """What another version's runs say of the same case."""
    head = f"before: {name}@{found.version}, {found.why}"
    if not found.cases:
        return [f"{head}, has no stored result of case {case_id}"]
    return [head, *all_case_lines(found.cases)]


def difference_lines(found: Sequence[Difference], paint: Paint = plain) -> list[str]:
    """How outputs changed, word by word."""
    lines = []
    for each in found:
        of = f" ({each.suite})" if len(found) > 1 else ""
        same = all(sign == "=" for sign, _ in each.words)
        changed = [f"output, from before to after{of}:", *word_lines(each.words, paint)]
        lines += [f"same output{of}"] if same else changed
    return lines


def redaction_lines(found: Redaction, spec: str, committed: Sequence[str], *, dry_run: bool) -> list[str]:
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
    return [*lines, *_history_lines(committed)] if committed else lines


def _history_lines(paths: Sequence[str]) -> list[str]:
    """How git forgets files that were committed."""
    lines = [
        "What was committed still stands in git's history. To take it out there too (agree on it first, since it",
        "rewrites history: push with force, and let everybody clone anew):",
    ]
    if len(paths) <= _ON_A_LINE:
        named = " ".join(f"--path {shlex.quote(path)}" for path in paths)
        return [*lines, f"    git filter-repo --invert-paths {named}"]
    # not indented: filter-repo would take the spaces for a part of the path
    return [
        *lines,
        "    git filter-repo --invert-paths --paths-from-file FILE",
        "where FILE holds these lines:",
        *paths,
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
    if expected is None:
        return "–"
    return " ".join(expected.split()) if isinstance(expected, str) else line_json(expected)


def _answers(cases: Sequence[CaseRun]) -> str:
    texts = [" ".join(text.split()) for case in cases for text in case.outputs if text is not None]
    errors = [error for case in cases for error in case.errors]
    return " | ".join(dict.fromkeys([*texts, *errors])) or "–"


def _scores(case: CaseRun) -> str:
    later: dict[str, list[float | None]] = {}
    for remark in case.later:
        later.setdefault(remark.metric, []).extend(remark.scores)
    return _metrics(case.scored.scores | later)


def _metrics(found: Mapping[str, Sequence[float | None]]) -> str:
    return ", ".join(
        f"{metric} {' '.join('–' if score is None else figure(score) for score in scores)}"
        for metric, scores in found.items()
    )
