"""What CI makes of evidence, as lines: confirmations, drift, versions against themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from promptreg.core.errors import counted
from promptreg.evals.verdict import Verdict
from promptreg.evaluation.confirming import Confirmation
from promptreg.evaluation.drift import Drift, Unstored
from promptreg.evaluation.plans import PlannedRun
from promptreg.evaluation.same_twice import Flips, SameTwice
from promptreg.judging import Move, figures
from promptreg.report.gate import many_line, verdict_lines
from promptreg.report.junit import SuiteTest
from promptreg.report.moves import found_lines, plan_lines
from promptreg.report.table import Paint, columns, plain


def unstored_lines(made: Sequence[Unstored], not_models: frozenset[str]) -> list[str]:
    """What runs found that are not stored."""
    lines = []
    for each in made:
        lines += [*found_lines(each.result, each.cases, each.reason, not_models), "  not stored"]
    return lines


# Confirming


def to_confirm_lines(
    verdicts: Mapping[Move, Verdict],
    flagged: Mapping[Move, Verdict],
    planned: Sequence[PlannedRun],
    usd: tuple[str, float] | None,
    alpha: float,
) -> list[str]:
    """Before the runs that confirm: how many moves there are and what looks regressed; then the plan and its cost."""
    first = many_line(list(verdicts.values()), alpha)
    lines = [first] if first else []
    if not flagged:
        return [*lines, "nothing to confirm: no move looks regressed"]
    return [*lines, f"to confirm: {counted(len(flagged), 'move')}, both versions, all cases", *plan_lines(planned, usd)]


def confirmed_lines(found: Sequence[Confirmation], after: Sequence[Verdict], alpha: float) -> list[str]:
    """What the gate said before and says now; `after` are the verdicts on all moves."""
    first = many_line(after, alpha)
    lines = [first] if first else []
    for each in found:
        move = each.move
        there = f" ({move.before} there now)" if move.before else ""
        lines.append(f"{move.name} {move.to} → {move.environment}{there}")
        sides = (("before", each.before), ("after", each.after))
        rows = [[word, told.verdict, figures(told), _runs(told)] for word, told in sides if told]
        lines += columns(rows, indent=2)
    return lines


def _runs(verdict: Verdict) -> str:
    sides = [f"{side.version} × {side.repeats}" for side in (verdict.baseline, verdict.candidate) if side]
    return ", ".join(sides)


# Drift


def drift_lines(found: Drift, paint: Paint = plain) -> list[str]:
    """How a fresh run stands against the stored ones."""
    return [_heading(found, found.verdict, paint), *_models(found), *_told(found, found.verdict, paint)]


def _heading(found: Drift, verdict: Verdict, paint: Paint) -> str:
    style = "bad" if verdict.blocks else "good" if verdict.verdict == "pass" else "warn"
    against = f"a fresh run against {counted(found.runs, 'stored run')}" if found.runs else "nothing stored"
    rules = f"mode {verdict.mode}, alpha {verdict.alpha:g}"
    if verdict.not_a_model:
        rules += f", scored by {verdict.not_a_model} (not a language model)"
    return f"{paint(style, verdict.verdict.upper())}  {found.prompt.spec}, {against}       {rules}"


def _models(found: Drift) -> list[str]:
    if not found.now:
        return []
    then, now = ", ".join(found.then) or "none", ", ".join(found.now)
    return [f"The same answered then and now: {now}." if then == now else f"Answered then: {then}. Now: {now}."]


def _told(found: Drift, verdict: Verdict, paint: Paint) -> list[str]:
    lines = verdict_lines(found.prompt.name, verdict, None, paint)[1:]
    if found.lacking:
        lines.append(f"Not run, since nothing is stored: {', '.join(found.lacking)}. To store a run:")
        lines.append(f"    promptreg eval {found.prompt.spec}")
    return lines


def drift_tests(found: Sequence[Drift]) -> list[SuiteTest]:
    """Drift as JUnit's tests."""
    tests = []
    for drift in found:
        facts = {
            "version": drift.prompt.version,
            "models:then": ", ".join(drift.then),
            "models:now": ", ".join(drift.now),
        }
        for suite, verdict in (drift.each or {"no-suite": drift.verdict}).items():
            lines = [_heading(drift, verdict, plain), *_told(drift, verdict, plain), *_models(drift)]
            tests.append(SuiteTest(drift.prompt.name, suite, verdict, lines, facts, drift.seconds.get(suite, 0.0)))
    return tests


def move_tests(found: Mapping[Move, tuple[Verdict, Mapping[str, Verdict]]]) -> list[SuiteTest]:
    """The verdicts on moves, of all suites and of each, as JUnit's tests."""
    tests = []
    for move, (whole, each) in found.items():
        known = {"candidate": move.to, "baseline": move.before, "environment": move.environment}
        facts = {name: value for name, value in known.items() if value is not None}
        for suite, verdict in (each or {"no-suite": whole}).items():
            lines = verdict_lines(move.name, verdict, move.environment)
            tests.append(SuiteTest(move.name, f"{suite} → {move.environment}", verdict, lines, facts))
    return tests


# A version against itself


def same_twice_lines(found: SameTwice) -> list[str]:
    """How often the gate would have cried wolf, and how often cases flip."""
    spec, version = found.prompt.spec, found.prompt.version
    if found.runs < 2:
        return [f"{spec}: there are no two runs of all cases to compare."]
    times = ", ".join(f"{count} {name}" for name, count in found.verdicts.items())
    of = f"Of {found.comparisons} comparisons of {version} with itself"
    newest = f"the newest {found.runs} of {found.there} runs" if found.there > found.runs else f"{found.runs} runs"
    lines = [
        f"{spec}, an A/A check: {newest}, each with each, both ways       mode {found.mode}, alpha {found.alpha:g}",
        f"{of} the gate would have called {times}; it would have blocked {found.blocked}.",
        *(_flip_line(metric, flips) for metric, flips in found.flips.items()),
    ]
    lines.extend(f"Why it was not sure: {reason}." for reason in found.reasons[:3])
    return lines


def _flip_line(metric: str, flips: Flips) -> str:
    if not flips.cases:
        return f"{metric}: nothing was scored."
    cases = counted(flips.cases, "case")
    if not flips.ever:
        # what the share could be with all cases alike, 19 times of 20
        most = 1 - 0.05 ** (1 / flips.cases)
        return f"{metric}: none of {cases} differs between two runs; up to {most * 100:.0f} % of such cases still may."
    share = f"{flips.share * 100:.1f}".removesuffix(".0")
    return f"{metric}: {share} % of the cases differ between two runs; {flips.ever} of {cases} ever do."
