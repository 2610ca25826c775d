"""A verdict as a reviewer reads it (docs/gate.md)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from promptreg.core.errors import counted
from promptreg.evals.cost import usd_text
from promptreg.evals.verdict import MetricVerdict, Verdict
from promptreg.report.table import Paint, columns, plain

_LISTED = 8


def verdict_lines(name: str, verdict: Verdict, environment: str | None = None, paint: Paint = plain) -> list[str]:
    """All lines of a verdict."""
    lines = [_heading(name, verdict, environment, paint), _sentence(verdict)]
    if verdict.metrics:
        lines.extend(_table(verdict))
        lines.append(_counts(verdict))
    lines.extend(f"Note: {note}." for note in verdict.notes)
    power = _power(verdict)
    if power:
        lines.append(power)
    changes = _changes(verdict)
    if changes:
        lines.append(changes)
    return lines


def _heading(name: str, verdict: Verdict, environment: str | None, paint: Paint) -> str:
    word = "BLOCKED" if verdict.blocks else verdict.verdict.upper()
    style = "bad" if verdict.blocks else "good" if verdict.verdict == "pass" else "warn"
    there = f"{verdict.baseline.version} there now" if verdict.baseline else "nothing there yet"
    rules = f"       mode {verdict.mode}, alpha {verdict.alpha:g}"
    if verdict.not_a_model:
        rules += f", scored by {verdict.not_a_model} (not a language model)"
    if environment is None:
        move = f"{verdict.baseline.version if verdict.baseline else '–'} → {verdict.candidate.version}"
        return f"{paint(style, word)}  {name} {move}{rules}"
    return f"{paint(style, word)}  {name} {verdict.candidate.version} → {environment} ({there}){rules}"


def _sentence(verdict: Verdict) -> str:
    main = verdict.main
    candidate = verdict.candidate.version
    if verdict.verdict == "regressed" and main and main.kind == "pass-fail" and main.lost and verdict.baseline:
        won = f"{counted(len(main.won), 'other')} now pass{'es' if len(main.won) == 1 else ''}"
        lost = f"{len(main.lost)} of {main.n} cases that {verdict.baseline.version} answers right"
        fail = f"fail{'s' if len(main.lost) == 1 else ''} with {candidate}"
        # a critical case, or a mean below min, is why it blocks however few the others are
        why = f" ({'; '.join(main.reasons)})" if main.hard else ""
        return f"No: {lost} {fail}; {won}{why}."
    words = "; ".join(verdict.reasons)
    starts = {
        "regressed": "No",
        "not-comparable": "Cannot be compared",
        "missing": "Not evaluated",
        "uncertain": "The evidence does not tell",
        "ungated": "Nothing was tested",
        "pass": "Yes",
    }
    if verdict.verdict == "pass" and not words and main:
        words = "; ".join(main.reasons)
    return f"{starts[verdict.verdict]}: {words.rstrip('.')}." if words else f"{starts[verdict.verdict]}."


def _table(verdict: Verdict) -> list[str]:
    if verdict.baseline is None:
        rows = [
            [name, _value(name, metric, metric.candidate), _said(metric)] for name, metric in verdict.metrics.items()
        ]
        return columns([["metric", verdict.candidate.version, "verdict"], *rows])
    before = verdict.baseline.version
    head = [
        "metric",
        before,
        verdict.candidate.version,
        "change",
        "one-sided 95 % bounds",
        "lost/won",
        "p (Holm)",
        "verdict",
    ]
    return columns([head, *(_row(name, metric) for name, metric in verdict.metrics.items())])


def _row(name: str, metric: MetricVerdict) -> list[str]:
    pass_fail = metric.kind == "pass-fail" and metric.change is not None
    p = "–" if metric.p_holm is None else "<0.001" if metric.p_holm < 0.0005 else f"{metric.p_holm:.3f}"
    return [
        name,
        _value(name, metric, metric.baseline),
        _value(name, metric, metric.candidate),
        _change(metric),
        _bounds(metric),
        f"{len(metric.lost)} / {len(metric.won)}" if pass_fail else "–",
        p,
        _said(metric),
    ]


def _said(metric: MetricVerdict) -> str:
    words = "; ".join(metric.reasons)
    plain_pass = metric.verdict == "pass" and metric.kind != "ratio"
    verdict = metric.verdict if plain_pass or not words else f"{metric.verdict}: {words}"
    return verdict if metric.blocking or metric.verdict == "pass" else f"{verdict} (does not block)"


def _value(name: str, metric: MetricVerdict, value: float | None) -> str:
    if value is None:
        return "–"
    base = name.rpartition(".")[2]
    if metric.kind != "ratio":
        return f"{value:.3f}"
    if base == "latency":
        return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.3g} ms"
    return usd_text(value) if base == "cost" else f"{value:.4g}"


def _change(metric: MetricVerdict) -> str:
    if metric.change is None:
        return "–"
    if metric.kind == "ratio":
        return f"×{metric.change:.2f}"
    if metric.span != 1:
        return f"{signed(metric.change, 3)}"
    return f"{signed(metric.change * 100, 1)} pt"


def _bounds(metric: MetricVerdict) -> str:
    if metric.lower is None or metric.upper is None:
        return "–"
    if metric.kind == "ratio":
        return f"[×{metric.lower:.2f}, ×{metric.upper:.2f}]"
    scale, digits = (1, 3) if metric.span != 1 else (100, 1)
    return f"[{signed(metric.lower * scale, digits)}, {signed(metric.upper * scale, digits)}]"


def signed(value: float, digits: int) -> str:
    """A number with its sign, a real minus; no sign for zero."""
    rounded = round(value, digits) + 0.0
    if rounded == 0:
        return f"{0:.{digits}f}"
    return f"{'−' if rounded < 0 else '+'}{abs(rounded):.{digits}f}"


def _counts(verdict: Verdict) -> str:
    sides = [side for side in (verdict.baseline, verdict.candidate) if side]
    if len({side.repeats for side in sides}) == 1:
        runs = f" × {counted(sides[0].repeats, 'run')}, "
    else:
        each = [f"{side.version} {counted(side.repeats, 'run')}" for side in sides]
        runs = f"; {', '.join(each)}; "
    absent = f"{verdict.missing} missing, {counted(verdict.errors, 'error')}"
    return f"{counted(verdict.cases, 'case')}{runs}same cases, same setup; {absent}"


def _power(verdict: Verdict) -> str:
    main = verdict.main
    if main is None or main.kind == "ratio" or main.change is None:
        return ""
    if main.detectable is None:
        return f"{_untold(main)}: what this suite would notice cannot be said."
    more = ""
    if main.detectable_doubled is not None:
        more = f" Twice the repeats would bring that to about {_points(main.detectable_doubled, main)}."
    return f"This suite would notice a drop of about {_points(main.detectable, main)} (80 % of the time).{more}"


def _untold(metric: MetricVerdict) -> str:
    """Why nothing can be said of what a suite would notice."""
    differing = len(metric.lost) + len(metric.won)
    if 0 < differing < metric.n:
        return f"Only {differing} of {metric.n} cases differ{'s' if differing == 1 else ''} between the two"
    if metric.change:
        return "The differences have no spread, or too much of it"
    return "No case differs between the two"


def _points(value: float, metric: MetricVerdict) -> str:
    if metric.span != 1:
        return f"{value:.3g}"
    number = f"{math.floor(value * 1000 + 0.5) / 10:.1f}"
    return f"{number} points"


def _changes(verdict: Verdict) -> str:
    parts = []
    for name, metric in verdict.metrics.items():
        label = "" if len([m for m in verdict.metrics.values() if m.lost or m.won]) == 1 else f" {name}"
        for title, ids in (("Newly failing", metric.lost), ("newly passing", metric.won)):
            if ids:
                parts.append(f"{title}{label} ({len(ids)}): {_ids(ids)}")
    text = "    ".join(parts)
    return text[:1].upper() + text[1:]


def _ids(ids: Sequence[str]) -> str:
    return " ".join(ids[:_LISTED]) + (" …" if len(ids) > _LISTED else "")


def many_line(verdicts: Sequence[Verdict], alpha: float) -> str | None:
    """The first line where several pins move: how many of each verdict, and how many chance alone would flag."""
    if len(verdicts) < 2:
        return None
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[verdict.verdict] = counts.get(verdict.verdict, 0) + 1
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    n = len(verdicts)
    chance = round(n * alpha)
    about = f"; of {n} unchanged prompts about {chance} would look regressed by chance" if chance else ""
    return f"{n} moved: {told}{about}"
