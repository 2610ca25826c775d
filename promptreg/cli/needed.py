"""`promptreg eval --needed`: the evidence that the gate would miss, and with --confirm more of what looks regressed."""

from __future__ import annotations

from typing import Any

from promptreg.cli import output
from promptreg.cli.evaluating import Cost, Wanted, run_facts, say_plan, stored_runs, write_junit
from promptreg.evals.all_providers import NOT_MODELS
from promptreg.evals.cost import usd_text
from promptreg.evals.gate import judge, judge_each
from promptreg.evaluation.budget import check_budget, usd_of_all
from promptreg.evaluation.confirming import (
    Confirmation,
    check_confirmation,
    confirmed,
    confirming,
    flagged,
    verdicts_of,
    what_is_left,
)
from promptreg.evaluation.plans import Options, PlannedRun, needed
from promptreg.evaluation.storing import Stored
from promptreg.judging import Move, Rules, question
from promptreg.project import Project
from promptreg.promotion.promote import movable, target
from promptreg.promotion.rules import baseline_pin
from promptreg.report.evidence import confirmed_lines, move_tests, to_confirm_lines
from promptreg.report.moves import plan_lines, stored_lines


class Needed:
    """What the gate would miss for some moves, made and told step by step: a plan and its cost before each run."""

    def __init__(self, project: Project, moves: list[Move], options: Options, *, as_json: bool, dry_run: bool) -> None:
        self.project = project
        self.moves = moves
        self.options = options
        self.as_json = as_json
        self.dry_run = dry_run
        self.planned: list[PlannedRun] = []
        self.made: list[Stored] = []
        self.costs: list[Cost] = []
        self.confirmations: list[Confirmation] | None = None

    def run(self, wanted: Wanted) -> None:
        """All of it."""
        view = self.project.head
        missing = needed(view, self.moves, self.options)
        check_budget(view, missing, self.options)
        self.costs = [usd_of_all(view, missing)]
        self._say_plan(plan_lines(missing, self.costs[0]))
        self._carry_out(missing, self.options)
        if wanted.confirm:
            self._confirm(wanted.confirm)
        if wanted.junit:
            rules = Rules(view, view)
            asked = {move: question(move, rules) for move in self.moves}
            found = {move: (judge(each), judge_each(each)) for move, each in asked.items()}
            write_junit(self.project, wanted.junit, move_tests(found))
        if self.as_json:
            output.say_json(self._data())

    def _say(self, lines: list[str]) -> None:
        if not self.as_json:
            output.say_all(lines)

    def _say_plan(self, lines: list[str]) -> None:
        say_plan(lines, as_json=self.as_json, dry_run=self.dry_run)

    def _carry_out(self, planned: list[PlannedRun], options: Options) -> None:
        self.planned += planned
        if not self.dry_run:
            made = stored_runs(self.project, planned, options)
            self.made += made
            self._say(stored_lines(made, NOT_MODELS))

    def _confirm(self, times: int) -> None:
        """Run again what looks regressed by the evidence that is there now."""
        view, alpha = self.project.head, self.project.head.config.gate.alpha
        self.confirmations = []
        if self.dry_run and self.planned:
            self._say(["what --confirm runs again is known once these are run"])
            return
        verdicts = verdicts_of(view, self.moves)
        looks_so = flagged(self.project, verdicts, self.options, times)
        planned = confirming(self.project, looks_so, self.options, times)
        self.costs.append(usd_of_all(view, planned))
        left = what_is_left(self.options, self.planned, self.made)
        self._say_plan(to_confirm_lines(verdicts, looks_so, planned, self.costs[-1], alpha))
        if not looks_so:
            return
        if left.max_cost is not None:
            self._say_plan([f"of --max-cost {self.options.max_cost:g} USD, {usd_text(left.max_cost)} are left"])
        check_confirmation(view, planned, self.options, left)
        self._carry_out(planned, left)
        if self.dry_run:
            self.confirmations = [Confirmation(move, verdict) for move, verdict in looks_so.items()]
            return
        self.confirmations = confirmed(view, looks_so)
        self._say(confirmed_lines(self.confirmations, list(verdicts_of(view, self.moves).values()), alpha))

    def _data(self) -> dict[str, Any]:
        facts = run_facts(self.planned, self.made, self.costs)
        if self.confirmations is not None:
            facts["confirmed"] = [each.data() for each in self.confirmations]
        return facts


def moves_of(project: Project, specs: tuple[str, ...], environment: str | None) -> list[Move]:
    """The moves that specs mean, or all that are possible, into an environment, or into each."""
    view = project.head
    environments = [environment] if environment else list(view.catalog.settings.environments)
    moves = []
    for where in environments:
        view.catalog.check_environment(where)
        for spec in specs or _ahead(project, where):
            name, version = target(view, spec, where)
            pin = baseline_pin(project, where, name)
            if pin is None or pin.version != version:
                moves.append(Move(name, where, version, pin.version if pin else None))
    return list(dict.fromkeys(moves))


def _ahead(project: Project, environment: str) -> list[str]:
    """The prompts of which an environment could run a newer version."""
    view = project.head
    names = movable(view, environment)
    return [name for name in names if view.catalog.pin(environment, name) or view.suites(name)]
