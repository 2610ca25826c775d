"""How the newest text of a prompt stands against what an environment runs, by stored evidence, told suite by suite."""

from __future__ import annotations

from dataclasses import dataclass, field

from promptreg.core.errors import PromptregError
from promptreg.evals.gate import judge, judge_each
from promptreg.evals.suite import FOLDER, MAIN, Suite, read_suite, suite_names
from promptreg.evals.verdict import Verdict
from promptreg.judging import Move, Rules, figures, gaps, question
from promptreg.project import Project
from promptreg.promotion.rules import baseline_pin


@dataclass(frozen=True, slots=True)
class Standing:
    """What the gate says of a move, as far as one suite is concerned.

    `verdict` is None where nothing is to be judged, and `remark` says why; it also says who waived a verdict. `blocks`
    is whether the environment would refuse the move for this suite; `commands` make evidence that is missing.
    """

    move: Move
    verdict: Verdict | None = None
    remark: str = ""
    blocks: bool = False
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Readable(Rules):
    """The rules of a registry in which only some of a prompt's suites can be read."""

    readable: tuple[Suite, ...] = ()

    def suites(self, name: str) -> list[Suite]:
        return list(self.readable)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A prompt's move, its verdicts (of all suites, and of each that has cases), and why a suite cannot be read."""

    move: Move
    whole: Verdict | None = None
    each: dict[str, Verdict] = field(default_factory=dict)
    broken: dict[str, PromptregError] = field(default_factory=dict)


class Standings:
    """The prompts of a registry against an environment; None is no environment, which runs nothing.

    EnvironmentNotFound where there is no such environment.
    """

    def __init__(self, project: Project, environment: str | None) -> None:
        self.project = project
        self.environment = environment
        self.policy = project.head.policy(environment)
        self._judged: dict[str, _Judged] = {}

    def suites(self) -> list[tuple[str, str | None]]:
        """The suites of all prompts, each with its prompt; None for a prompt that the environment runs without one."""
        view, found = self.project.head, list[tuple[str, str | None]]()
        pinned = view.catalog.pins(self.environment) if self.environment else {}
        for name in view.catalog.names():
            names = suite_names(view.source, name)
            found.extend((name, suite) for suite in names)
            if name in pinned and not names:
                found.append((name, None))
        return found

    def path(self, name: str, suite: str | None) -> str:
        """The file of a suite."""
        return f"{self.project.folder.root}/{name}/{FOLDER}/{suite}.yaml" if suite else self.project.folder.root

    def of(self, name: str, suite: str | None) -> Standing:
        """How a prompt stands as far as a suite is concerned; PromptregError where its files cannot be read."""
        if name not in self._judged:
            self._judged[name] = self._judge(name)
        found = self._judged[name]
        if suite in found.broken:
            raise found.broken[suite]
        whole, move = found.whole, found.move
        if whole is None:
            return Standing(move, remark=f"{name} {move.to} runs in {self.environment} already.")
        verdict = found.each.get(suite or "")
        if verdict is None and found.each:
            return Standing(move, remark=f"The suite {suite} has no cases; {', '.join(found.each)} judged.")
        verdict = verdict or whole
        waiver = self._waived(move, whole) if whole.blocks else ""
        blocks = whole.blocks and verdict.blocks and not waiver
        commands = self._commands(found, suite) if blocks and verdict.verdict == "missing" else ()
        return Standing(move, verdict, waiver, blocks, commands)

    def _judge(self, name: str) -> _Judged:
        move = self._move(name)
        broken: dict[str, PromptregError] = {}
        suites = []
        for suite in suite_names(self.project.head.source, name):
            try:
                suites.append(read_suite(self.project.head.source, name, suite))
            except PromptregError as problem:
                broken[suite] = problem
        if move.to == move.before:
            return _Judged(move, broken=broken)
        asked = question(move, _Readable(self.project.head, self.project.head, tuple(suites)), self.policy)
        return _Judged(move, judge(asked), judge_each(asked), broken)

    def _move(self, name: str) -> Move:
        """From what the environment runs to the draft where it is ahead of all versions, else to the newest version."""
        view = self.project.head
        to = "draft" if view.is_ahead(name) else view.catalog.sums(name).latest()
        if to is None:
            raise PromptregError(f"{name} has neither a draft nor a version that could be judged.")
        pin = baseline_pin(self.project, self.environment, name) if self.environment else None
        return Move(name, self.environment, to, pin.version if pin else None)

    def _waived(self, move: Move, whole: Verdict) -> str:
        """Who put this version into the environment against this very verdict; empty where nobody did."""
        pin = self.project.head.catalog.pin(self.environment, move.name) if self.environment else None
        if pin is None or pin.waiver is None or pin.version != move.to:
            return ""
        facts = {"version": move.to, "from": move.before, "verdict": whole.verdict, "figures": figures(whole)}
        if any(pin.waiver.get(key) != value for key, value in facts.items()):
            return ""
        return f"WAIVED by {pin.waiver['by']} on {pin.waiver['date']}: {pin.waiver['reason']}"

    def _commands(self, found: _Judged, suite: str | None) -> tuple[str, ...]:
        if found.broken:
            return ()
        missing = gaps(self.project.head, [found.move], suite)
        return tuple(
            f"promptreg eval {gap.prompt.spec}" + ("" if gap.suite.name == MAIN else f" --suite {gap.suite.name}")
            for gap in missing
        )
