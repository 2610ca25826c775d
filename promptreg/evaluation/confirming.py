"""Running again what the gate calls regressed: of many unchanged prompts some look so by chance, once.

Both sides of a pair are run, on all cases of all suites, and what comes is pooled with what there was. A pair that
passed is never run again: else a version would be tried until it looks worse, or better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptreg.evals.verdict import Verdict
from promptreg.evaluation.budget import BudgetTooSmall, check_budget
from promptreg.evaluation.keeping import plan_of, unfinished
from promptreg.evaluation.plans import Options, PlannedRun, whole
from promptreg.evaluation.storing import Stored
from promptreg.judging import Move, Rules, judged, version_of
from promptreg.project import Project, View


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A move that was to be confirmed, and its verdicts before and after; None after where nothing was run."""

    move: Move
    before: Verdict
    after: Verdict | None = None

    def data(self) -> dict[str, Any]:
        """An entry of `confirmed` in `eval --json`."""
        return {
            "name": self.move.name,
            "environment": self.move.environment,
            "from": self.move.before,
            "to": self.move.to,
            "before": self.before.data(),
            "after": self.after and self.after.data(),
        }


def verdicts_of(view: View, moves: Iterable[Move]) -> dict[Move, Verdict]:
    """The gate's verdict on each of some moves, from what is stored now."""
    rules = Rules(view, view)
    return {move: judged(move, rules) for move in moves}


def flagged(project: Project, verdicts: dict[Move, Verdict], options: Options, times: int) -> dict[Move, Verdict]:
    """The moves to confirm: those that regressed, whatever the reason.

    With `resume` also those whose confirmation is unfinished: of one side of them a run may be stored already.
    """

    def wanted(move: Move, verdict: Verdict) -> bool:
        if verdict.verdict == "regressed" or not options.resume:
            return verdict.verdict == "regressed"
        return any(unfinished(project, plan_of(plan)) for plan in _runs(project.head, move, options, times))

    return {move: verdict for move, verdict in verdicts.items() if wanted(move, verdict)}


def confirming(project: Project, moves: Iterable[Move], options: Options, times: int) -> list[PlannedRun]:
    """The runs that confirm some moves: `times` as many as one run makes, of both versions, all cases of all suites.

    A version that several moves share is run once.
    """
    planned: dict[tuple[str, str], PlannedRun] = {}
    for move in moves:
        for plan in _runs(project.head, move, options, times):
            planned.setdefault((plan.prompt.spec, plan.suite.name), plan)
    return list(planned.values())


def _runs(view: View, move: Move, options: Options, times: int) -> list[PlannedRun]:
    everything = replace(options, suite=None, provider=None, cases=(), max_cases=None)
    prompts = [version_of(view, move.name, version) for version in (move.to, move.before) if version]
    why = f"confirms {move.to}{f' against {move.before}' if move.before else ''}"
    return [replace(plan, repeats=plan.repeats * times, why=why) for plan in whole(view, prompts, everything)]


def what_is_left(options: Options, planned: Sequence[PlannedRun], made: Sequence[Stored]) -> Options:
    """How to confirm: with what the runs that were made leave of --max-calls and --max-cost, both sides or none."""
    calls = sum(plan.calls for plan in planned)
    judging = sum(stored.header.judging.cost_usd for stored in made if stored.header.judging)
    spent = sum(stored.header.totals.cost_usd for stored in made) + judging
    return replace(
        options,
        together=True,
        max_calls=None if options.max_calls is None else options.max_calls - calls,
        max_cost=None if options.max_cost is None else max(options.max_cost - spent, 0.0),
    )


def check_confirmation(view: View, planned: Sequence[PlannedRun], options: Options, left: Options) -> None:
    """BudgetTooSmall where what is left does not allow a confirmation; what was run before it is stored."""
    calls = sum(plan.calls for plan in planned)
    if left.max_calls is not None and options.max_calls is not None and calls > left.max_calls:
        raise BudgetTooSmall(
            f"to confirm takes {calls} calls more, and --max-calls {options.max_calls} leaves {left.max_calls}. "
            "Nothing was called for it; what was run before is stored."
        )
    check_budget(view, planned, left)


def confirmed(view: View, before: dict[Move, Verdict]) -> list[Confirmation]:
    """The moves that were run again with their verdicts before and after, the latter from what is stored now."""
    after = verdicts_of(view, before)
    return [Confirmation(move, verdict, after[move]) for move, verdict in before.items()]
