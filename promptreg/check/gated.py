"""Check 4: a pin that moves passes the gate against what stood there, or carries a waiver that tells the truth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from promptreg import judging
from promptreg.check.change import Change
from promptreg.core.errors import PromptregError
from promptreg.core.pins import Pin, environment_path
from promptreg.evals.verdict import Verdict
from promptreg.judging import Rules, judged
from promptreg.lint.finding import NOTE, WARNING, Finding


@dataclass(frozen=True, slots=True)
class Move:
    """A version that a pin of an environment of head brings in, itself or by its rollout.

    `judge` is the environment of base whose policy counts (None: head's own), `before` what ran there (None: nothing).
    """

    change: Change
    environment: str
    judge: str | None
    pin: Pin
    before: Pin | None
    version: str

    @property
    def is_rollout(self) -> bool:
        """Whether only a share of the keys moves."""
        return self.version != self.pin.version

    def verdict(self) -> Verdict:
        """What the gate says, by base's rules."""
        change = self.change
        policy = change.rules.policy(self.judge) if self.judge else change.head.policy(self.environment)
        before = self.before.version if self.before else None
        move = judging.Move(self.pin.name, self.environment, self.version, before)
        return judged(move, Rules(change.rules, change.head), policy)

    def error(self, rule: str, message: str, fix: str) -> None:
        """Add an error about the pin."""
        path = environment_path(self.environment)
        self.change.error(rule, message, prompt=self.pin.name, path=path, line=self.pin.line, fix=fix)

    def say(self, rule: str, message: str, severity: str = WARNING) -> None:
        """Add what is no error about the pin."""
        shown = self.change.head.source.shown(environment_path(self.environment))
        self.change.say(Finding(rule, severity, message, self.pin.name, shown, self.pin.line))


def check_gate(move: Move) -> None:
    """Ask the gate about a move, and look at the waiver where the pin has one for it."""
    pin, before = move.pin, move.before
    verdict = move.verdict()
    if is_hidden(move):
        move.say(
            "shallow",
            f"this clone hides what {move.environment} ran of {pin.name} before, so this is judged as a first "
            "promotion. git fetch --unshallow shows it (in CI: fetch-depth: 0).",
        )
    move.change.verdicts[pin.name, move.environment, move.version] = verdict
    waiver = None
    if pin.waiver is not None and not move.is_rollout:
        if before is not None and pin.waiver == before.waiver:
            message = f"the waiver of {pin.name} is an old one and not for this change."
            move.error("waiver", message, "promptreg promote")
        else:
            waiver = pin.waiver
            check_waiver(move, waiver, verdict)
    words = f"{pin.name} {move.version} for {move.environment}: {'; '.join(verdict.reasons)}."
    if verdict.blocks and waiver is None:
        move.error("gate", f"{verdict.verdict}: {words}", _evidence(move, verdict))
    elif verdict.verdict != "pass":
        move.say(f"gate-{verdict.verdict}", words)


def is_hidden(move: Move) -> bool:
    """Whether a prompt that base has comes into an environment that may have run it before, which a clone hides."""
    sums = move.change.base_sums(move.pin.name)
    return move.before is None and bool(sums and sums.releases) and move.change.project.repository.hides_past()


def _evidence(move: Move, verdict: Verdict) -> str:
    """The command that makes, or shows, what a verdict stands on."""
    spec = f"{move.pin.name}@{move.version}"
    people = re.search(r"promptreg case label [^;)]+", "; ".join(verdict.reasons))
    if _has_gaps(move) or (verdict.verdict == "missing" and not people):
        return f"promptreg eval --needed --to {move.environment} {spec}"
    if verdict.verdict == "missing" and people:
        return people[0]
    if move.before is None:
        return f"promptreg results show {spec} --failing"
    return f"promptreg compare {move.pin.name}@{move.before.version} {spec}"


def _has_gaps(move: Move) -> bool:
    """Whether evidence is wanting that a run could bring, as where base got other cases or scorers meanwhile."""
    before = move.before.version if move.before else None
    try:
        wanted = judging.Move(move.pin.name, move.environment, move.version, before)
        return bool(judging.gaps(move.change.head, [wanted]))
    except PromptregError:  # told where the suite itself is read
        return False


def check_waiver(move: Move, waiver: dict[str, Any], verdict: Verdict) -> None:
    """Hold a waiver to what it says of the pin and of the verdict; one that holds is shown to reviewers."""
    name, version, environment = move.pin.name, move.version, move.environment
    wrong = _untrue(move, waiver, verdict)
    if wrong:
        fix = f"promptreg promote {name}@{version} --to {environment} --force -m …"
        move.error("waiver", f"the waiver of {name} does not hold: {'; '.join(wrong)}.", fix)
    elif verdict.blocks:
        who = f"by {waiver['by']}: {waiver['reason']}"
        move.say("waived", f"{name} {version} goes to {environment} against the gate ({verdict.verdict}), {who}")
    else:
        who = f"by {waiver['by']}: {waiver['reason']}"
        move.say("rollback", f"{environment} is rolled back to {name} {version} {who}", NOTE)


def _untrue(move: Move, waiver: dict[str, Any], verdict: Verdict) -> list[str]:
    """What a waiver says that is not so."""
    standing = move.before.version if move.before else None
    figures = judging.figures(verdict)
    wrong = []
    if waiver["version"] != move.pin.version:
        wrong.append(f"it names {waiver['version']}, and the pin is {move.pin.version}")
    if is_hidden(move) and waiver["from"] is not None:
        return wrong
    if waiver["from"] != standing:
        wrong.append(f"it says from {waiver['from'] or 'nothing'}, and base pins {standing or 'nothing'}")
    if waiver["verdict"] != verdict.verdict:
        wrong.append(f"it states {waiver['verdict']}, and the verdict is {verdict.verdict}")
    elif waiver["figures"] != figures:
        wrong.append(f"it states {waiver['figures']!r}, and the figures are {figures!r}")
    if not wrong and _was_used(move, waiver):
        wrong.append(f"{move.environment} had the same one before; a promotion has one of its own")
    return wrong


def _was_used(move: Move, waiver: dict[str, Any]) -> bool:
    """Whether base's history has this very waiver in this environment: it was for that promotion, not for this one."""
    base = move.change.base
    if base is None:
        return False
    earlier = move.change.project.pins_before(base.id, move.judge or move.environment, move.pin.name)
    return any(pin.waiver == waiver for pin in earlier)
