"""`promptreg eval --no-store` (`--against-stored`) and `--aa`: runs that no move waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from promptreg.cli import output
from promptreg.cli.evaluating import (
    Cost,
    Wanted,
    interruptible,
    run_facts,
    say_plan,
    say_unused,
    stored_runs,
    write_junit,
)
from promptreg.core.prompt import Prompt
from promptreg.evals.all_providers import NOT_MODELS
from promptreg.evaluation.budget import check_budget, usd_of_all
from promptreg.evaluation.drift import Unstored, comparable, drifted, run_unstored
from promptreg.evaluation.plans import Options, PlannedRun, whole
from promptreg.evaluation.same_twice import plan_same_twice, same_twice
from promptreg.evaluation.storing import Stored
from promptreg.project import Project
from promptreg.report.evidence import drift_lines, drift_tests, same_twice_lines, unstored_lines
from promptreg.report.moves import plan_lines, stored_lines


def _scored(made: Unstored) -> bool:
    return any(total.n for total in made.header.totals.metrics.values())


class Apart:
    """Runs of some versions that are not stored, or that are compared with one another."""

    def __init__(self, project: Project, wanted: Wanted, options: Options, *, as_json: bool, dry_run: bool) -> None:
        self.project = project
        self.wanted = wanted
        self.options = options
        self.as_json = as_json
        self.dry_run = dry_run
        self.cost: Cost = None

    def run(self, specs: Sequence[str], environment: str | None) -> int:
        """Run them; the exit status."""
        wanted = self.wanted
        if len(specs) == 1 and specs[0].startswith("@") and environment is None:
            environment = specs[0][1:]
        if environment is not None:
            self.project.head.catalog.check_environment(environment)
        plan = whole(self.project.head, self._prompts(specs, environment), self.options)
        if wanted.same_twice:
            return self._same_twice(plan, environment)
        return self._drift(plan, environment) if wanted.against_stored else self._unstored(plan)

    def _prompts(self, specs: Sequence[str], environment: str | None) -> list[Prompt]:
        """What specs mean; of an environment what it pins, all that has a suite where nothing is named."""
        found: list[str] = []
        for spec in specs or [f"@{environment}"]:
            if spec.startswith("@") and (self.wanted.against_stored or self.wanted.same_twice):
                found += self._pinned(spec[1:])
            else:
                found.append(spec if "@" in spec or environment is None else f"{spec}@{environment}")
        prompts = [self.project.prompt(spec) for spec in found]
        return list({prompt.spec: prompt for prompt in prompts}.values())

    def _pinned(self, environment: str) -> list[str]:
        view = self.project.head
        view.catalog.check_environment(environment)
        pins = view.catalog.pins(environment)
        found = [
            f"{name}@{pins[name].version}" for name in sorted(pins) if any(suite.cases for suite in view.suites(name))
        ]
        if not found:
            raise click.UsageError(f"{environment} pins no prompt that has cases.")
        return found

    def _say(self, lines: Sequence[str]) -> None:
        if not self.as_json:
            output.say_all(lines)

    def _begin(self, planned: list[PlannedRun], *, told: bool) -> None:
        view = self.project.head
        check_budget(view, planned, self.options)
        self.cost = usd_of_all(view, planned)
        if planned and (told or self.dry_run):
            say_plan(plan_lines(planned, self.cost), as_json=self.as_json, dry_run=self.dry_run)

    def _run(self, planned: list[PlannedRun], *, cases: bool) -> list[Unstored]:
        if self.dry_run:
            return []
        made = interruptible(lambda: run_unstored(self.project, planned, self.options, whole=cases))
        self._say(unstored_lines(made, NOT_MODELS))
        return made

    def _end(self, planned: list[PlannedRun], made: Sequence[Unstored | Stored], **more: Any) -> None:
        if self.as_json:
            output.say_json(run_facts(planned, made, [self.cost]) | more)

    def _unstored(self, planned: list[PlannedRun]) -> int:
        self._begin(planned, told=False)
        made = self._run(planned, cases=False)
        self._end(planned, made)
        return 2 if any(not _scored(each) for each in made) else 0

    def _drift(self, plan: list[PlannedRun], environment: str | None) -> int:
        view = self.project.head
        planned = comparable(view, plan)
        self._begin(planned, told=True)
        made = self._run(planned, cases=True)
        found = [] if self.dry_run else drifted(view, plan, made, environment)
        for drift in found:
            self._say(["", *drift_lines(drift, output.paint)])
        self._end(planned, made, drift=[drift.data() for drift in found])
        if self.wanted.junit:
            write_junit(self.project, self.wanted.junit, drift_tests(found))
        statuses = [drift.verdict.exit_status for drift in found]
        return 1 if 1 in statuses else max(statuses, default=0)

    def _same_twice(self, plan: list[PlannedRun], environment: str | None) -> int:
        view = self.project.head
        planned = plan_same_twice(view, plan, self.options)
        self._begin(planned, told=True)
        if self.dry_run:
            if not planned:
                self._say(["nothing to run: two stored runs of all cases are there to compare"])
            self._end(planned, [], aa=[])
            return 0
        if self.wanted.no_store:
            fresh = self._run(planned, cases=True)
            self._tell(plan, planned, fresh, environment)
        else:
            made = stored_runs(self.project, planned, self.options)
            self._say(stored_lines(made, NOT_MODELS))
            say_unused(planned)
            self._tell(plan, planned, made, environment)
        return 0

    def _tell(
        self,
        plan: list[PlannedRun],
        planned: list[PlannedRun],
        made: Sequence[Unstored | Stored],
        environment: str | None,
    ) -> None:
        fresh = [each.result for each in made if isinstance(each, Unstored)]
        found = same_twice(self.project.head, plan, fresh, environment)
        for each in found:
            self._say([*([""] if made else []), *same_twice_lines(each)])
        self._end(planned, made, aa=[each.data() for each in found])
