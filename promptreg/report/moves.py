"""Releases, runs and promotions as lines."""

from __future__ import annotations

from collections.abc import Sequence

from promptreg.core.errors import counted
from promptreg.evals.cost import usd_text
from promptreg.evals.results import MetricTotal, Result
from promptreg.evaluation.plans import PlannedRun
from promptreg.evaluation.storing import Stored
from promptreg.promotion.rules import Outcome
from promptreg.release import Planned
from promptreg.report.findings import finding_lines
from promptreg.report.gate import many_line, verdict_lines
from promptreg.report.table import Paint, columns, plain
from promptreg.rescoring import PlannedRescoring


def release_lines(planned: Sequence[Planned], *, dry_run: bool = False) -> list[str]:
    """What was released, and why its bump."""
    lines = []
    for made in planned:
        word = "would release" if dry_run else "released"
        bump = f"{made.bump} after {made.compared_with}" if made.compared_with else made.reasons[0]
        if made.compared_with and made.bump != made.asked:
            bump += f"; its changes ask for {made.asked}"
        replaced = f", in place of {made.replaces}" if made.replaces else ""
        lines.append(f"{word} {made.name} {made.version}  ({bump}{replaced})  {made.digest[:19]}…")
        if made.compared_with:
            lines.extend(f"  {reason}" for reason in made.reasons)
        if made.taken_over:
            lines.append(f"  took over {counted(made.taken_over, 'result')} of the draft")
        lines.extend(f"  {line.strip()}" for line in finding_lines(made.warnings))
    return lines


def plan_lines(planned: Sequence[PlannedRun], usd: tuple[str, float] | None = None) -> list[str]:
    """What would be run, and why; `usd` is what that costs, about or at most, None where nobody knows."""
    if not planned:
        return ["nothing to run: the gate has all that it needs"]
    rows = [
        [
            run.prompt.spec,
            run.suite.name,
            run.provider,
            f"{counted(len(run.cases), 'case')} × {run.repeats}",
            counted(run.calls, "call"),
            run.why,
        ]
        for run in planned
    ]
    calls = counted(sum(run.calls for run in planned), "call")
    judges = sum(run.judgements for run in planned)
    of_judges = f" ({judges} of judges, whose cost comes on top)" if judges else ""
    return [*columns(rows), f"{calls} in all{of_judges}{_cost(usd)}"]


def rescoring_lines(planned: Sequence[PlannedRescoring]) -> list[str]:
    """Which stored answers are scored anew, and what judges are asked for it."""
    if not planned:
        return ["nothing to score: the stored answers of these versions have scores by all scorers that are declared"]
    rows = [
        [
            plan.prompt.spec,
            plan.suite.name,
            counted(plan.answers, "stored answer"),
            ", ".join(plan.metrics),
            plan.about.name,
        ]
        for plan in planned
    ]
    calls = sum(plan.calls for plan in planned)
    asked = (
        f"{counted(calls, 'call')} of judges; the prompts' own models are not asked" if calls else "no model is asked"
    )
    return [*columns(rows), asked]


def _cost(usd: tuple[str, float] | None) -> str:
    if usd is None:
        return ", at a cost that nobody stated ([prices] in promptreg.toml)"
    return f", {usd[0]} {usd_text(usd[1])}" if usd[1] else ""


def stored_lines(stored: Sequence[Stored], not_models: frozenset[str]) -> list[str]:
    """What runs found, and where it is stored."""
    lines = []
    for made in stored:
        lines += [*found_lines(made.header, made.cases, made.reason, not_models)]
        if made.dropped:
            lines.append(f"  inputs of the cases that this version does not declare: {', '.join(made.dropped)}")
        if made.cut:
            lines.append(f"  {counted(made.cut, 'answer')} ended for length: max_tokens cut them")
        lines.append(f"  stored {made.path}")
        if made.failing:
            lines.append(f"  promptreg results show {made.header.prompt}@{made.header.version} --failing")
    return lines


def found_lines(header: Result, cases: int, reason: str | None, not_models: frozenset[str]) -> list[str]:
    """What a run found: what ran, then a line for each metric; `reason` is why the first failure failed."""
    provider = header.setup.provider or ""
    remark = " (not a language model)" if provider.partition(":")[0] in not_models else ""
    runs = f"{counted(cases, 'case')} × {header.repeats}"
    what = f"{header.prompt}@{header.version}  {header.suite}  {provider}{remark}"
    lines = [f"{what}  {runs}  {header.duration_s:.1f} s"]
    for metric, total in header.totals.metrics.items():
        lines.append(f"  {metric:<12} {_total(header, metric, total)}")
    spent = _spent(header)
    if spent:
        lines.append(f"  {spent}")
    if header.totals.errors:
        lines.append(f"  {counted(header.totals.errors, 'error')}, no evidence; the first: {reason}")
    return lines


def _spent(header: Result) -> str:
    """Models, tokens and cost, as far as they are known; and what came from the cache."""
    totals, parts = header.totals, []
    if totals.tokens_in or totals.tokens_out:
        parts.append(f"{totals.tokens_in:,} tokens in, {totals.tokens_out:,} out")
    if totals.cost_usd:
        parts.append(usd_text(totals.cost_usd))
    if header.judging:
        cost = f", {usd_text(header.judging.cost_usd)}" if header.judging.cost_usd else ""
        parts.append(f"{counted(header.judging.calls, 'call')} of judges{cost}")
    if header.cache:
        parts.append(f"{counted(header.cache.hits, 'answer')} from the cache, no new evidence")
    if parts and header.models:
        parts.insert(0, ", ".join(header.models[:3]))
    return " · ".join(parts)


def _total(result: Result, metric: str, total: MetricTotal) -> str:
    if total.mean is None:
        return "–      nothing scored"
    if result.scorers[metric].kind == "pass-fail" and result.repeats == 1:
        return f"{total.mean:.3f}  {round(total.mean * total.n)} of {total.n}"
    return f"{total.mean:.3f}  over {counted(total.n, 'case')}"


def outcome_lines(
    outcomes: Sequence[Outcome], alpha: float, paint: Paint = plain, *, dry_run: bool = False
) -> list[str]:
    """What came of wishes to move pins: verdicts, refusals with all their reasons, and a table of what moved."""
    lines: list[str] = []
    first = many_line([outcome.verdict for outcome in outcomes if outcome.verdict], alpha)
    if first:
        lines += [first, ""]
    for outcome in outcomes:
        if outcome.verdict is not None and not outcome.unchanged:
            lines += [*verdict_lines(outcome.name, outcome.verdict, outcome.environment, paint), ""]
        lines.extend(_refusal(outcome, paint))
    if any(outcome.refused for outcome in outcomes):
        others = [outcome for outcome in outcomes if not outcome.refused and not outcome.unchanged]
        if others:
            lines.append(f"Nothing was moved: {counted(len(others), 'other')} could be.")
        return lines
    lines.extend(_moved(outcome, paint, dry_run=dry_run) for outcome in outcomes)
    return lines


def _refusal(outcome: Outcome, paint: Paint) -> list[str]:
    lines = []
    what = f"{paint('bad', 'refused')} {outcome.name} {outcome.to} for {outcome.environment}"
    for reason in outcome.reasons:
        lines.append(f"{what}: {reason.message}" + ("" if reason.message.endswith((".", "?", "。")) else "."))
        if reason.fix:
            lines.append(f"    {reason.fix}")
    return lines


def _moved(outcome: Outcome, paint: Paint, *, dry_run: bool) -> str:
    if outcome.kind == "unpin":
        return f"{outcome.environment} no longer runs {outcome.name} (it was {outcome.before})."
    if outcome.unchanged:
        return f"{outcome.environment} runs {outcome.name} {outcome.to} already."
    word = "would move" if dry_run else "rolled back" if outcome.kind == "rollback" else "moved"
    line = f"{paint('good', word)} {outcome.environment}: {outcome.name} {outcome.before or '–'} → {outcome.to}"
    if outcome.waiver and outcome.verdict and not outcome.verdict.blocks:
        line += f"  ({outcome.waiver['verdict']}): {outcome.waiver['reason']}"
    elif outcome.waiver:
        line += f"  {paint('bad', 'WAIVED')} ({outcome.waiver['verdict']}): {outcome.waiver['reason']}"
    return line
