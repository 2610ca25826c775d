"""Runs of real suites in real registries, by providers that answer with a function of the test's own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from promptreg.evals.cost import Price
from promptreg.evals.provider import Completion, Means, Provider, Request, last_user_text
from promptreg.evals.results import Origin, Result
from promptreg.evals.running.assembly import assembled
from promptreg.evals.running.caller import Caller
from promptreg.evals.running.journal import Journal
from promptreg.evals.running.run import Plan, Progress, Run
from promptreg.evals.suite import read_suite
from promptreg.files import log
from tests.support.place import Place

MODEL = "openai"
STARTED = "2026-11-20T10:00:00.000+00:00"
_RUNS = count()


class Model:
    """A provider that answers by a function of the last user message, and remembers what it was asked."""

    is_model: ClassVar[bool] = True
    runs_code: ClassVar[bool] = False
    costs: ClassVar[bool] = True
    summary: ClassVar[str] = "for tests"

    def __init__(self, answer: Callable[[str], Completion | Awaitable[Completion]]) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    async def complete(self, request: Request, repeat: int) -> Completion:
        self.requests.append(request)
        answer = self.answer(last_user_text(request.messages))
        return answer if isinstance(answer, Completion) else await answer

    async def close(self) -> None:
        pass


def saying(text: str) -> Completion:
    return Completion(text, "model-1")


@dataclass
class Wanted:
    """A run of a prompt's suite, for one test."""

    place: Place
    provider: Provider
    name: str = "a"
    spec: str | None = None
    cases: Any = None
    repeats: int = 1
    concurrency: int = 4
    log: str = field(default_factory=lambda: f"runs/test-{next(_RUNS)}.jsonl")
    progress: Callable[[Progress], None] = lambda progress: None
    caller: Mapping[str, Any] = field(default_factory=dict)

    def plan(self) -> Plan:
        project = self.place.project()
        prompt, suite = project.prompt(self.spec or self.name), read_suite(project.folder, self.name)
        return Plan(prompt, suite, suite.cases if self.cases is None else self.cases, MODEL, self.repeats)

    def calling(self, **changes: Any) -> Caller:
        means = Means(concurrency=self.concurrency, timeout_s=changes.pop("timeout_s", 20.0))
        facts = {"first_wait": 0.001, **self.caller, **changes}
        return Caller({MODEL: self.provider}, means, time.perf_counter, **facts)

    def run(self) -> tuple[Result, dict[str, list[str | None]]]:
        """The result and the outputs by case id; the journal is removed."""
        plan = self.plan()
        lines = log(self.place.project().folder, self.log)
        assert lines is not None
        done = False
        try:
            journal = Journal(lines, len(plan.cases), plan.repeats, STARTED)
            asyncio.run(Run(plan, self.calling(), journal, self.progress).carry_out())
            found = assembled(plan, journal, tool="promptreg 0.1.0", origin=Origin(kind="local"))
            rows = [json.loads(line) for line in found.output_parts()]
            done = True
            return found.result(), {row["id"]: row["outputs"] for row in rows}
        finally:
            lines.close(done=done)


def run(place: Place, provider: Provider, **changes: Any) -> tuple[Result, dict[str, list[str | None]]]:
    """Run a prompt's suite in a registry; returns the result and the outputs by case id."""
    return Wanted(place, provider, **changes).run()


def price(input: float = 1.0, output: float = 2.0, **more: float) -> Price:  # noqa: A002
    return Price(input=input, output=output, **more)
