"""A look at single cases: what is asked, what is answered, how it is judged. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptreg.evals.cases import Case
from promptreg.evals.running.assembly import Assembly
from promptreg.evals.running.journal import Entry
from promptreg.evals.running.requests import request_for
from promptreg.evaluation.carry_out import run_all
from promptreg.evaluation.plans import Options, PlannedRun
from promptreg.project import Project


@dataclass(frozen=True, slots=True)
class Look:
    """One case, the messages that are sent, and what came of each repeat."""

    plan: PlannedRun
    case: Case
    messages: list[dict[str, Any]]
    entries: tuple[Entry, ...]

    def data(self) -> dict[str, Any]:
        """An entry of `cases` in `eval --show --json`."""
        return {
            "name": self.plan.prompt.name,
            "version": self.plan.prompt.version,
            "suite": self.plan.suite.name,
            "provider": self.plan.provider,
            "id": self.case.id,
            "inputs": self.case.inputs,
            "expected": self.case.expected,
            "messages": self.messages,
            "answers": [
                {
                    "text": entry.answer["text"] if entry.answer else None,
                    "model": entry.answer["model"] if entry.answer else None,
                    "scores": entry.scores,
                    "comments": entry.comments,
                    "errors": [failure.reason for failure in entry.errors],
                }
                for entry in self.entries
            ],
        }


def looked_at(project: Project, planned: Sequence[PlannedRun], options: Options) -> list[Look]:
    """Run some cases, and show all that belongs to them."""

    def looks(plan: PlannedRun, found: Assembly) -> list[Look]:
        by_id = {entries[0].id: tuple(entries) for entries in found.journal.rows()}
        return [
            Look(plan, case, request_for(plan.prompt, plan.suite, case).messages, by_id[case.id])
            for case in plan.cases
            if case.id in by_id
        ]

    return [look for looks_of_plan in run_all(project, planned, options, looks) for look in looks_of_plan]
