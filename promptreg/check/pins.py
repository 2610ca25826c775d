"""Checks 3 and 4: a pin that differs names a real version, keeps the order, and passes the gate against base's pin."""

from __future__ import annotations

from promptreg.check.change import Change
from promptreg.core.errors import EnvironmentNotFound, PromptregError
from promptreg.core.pins import Pin, environment_path
from promptreg.evals.verdict import Verdict
from promptreg.judging import Move, Rules, judged
from promptreg.lint.finding import NOTE, WARNING, Finding, finding_of
from promptreg.project import View


def check_pins(change: Change) -> None:
    """Look at the environments whose files differ, and at standing pins of versions that were yanked."""
    for environment in change.head.catalog.settings.environments:
        try:
            now = change.head.catalog.pins(environment)
        except PromptregError as problem:
            if (problem.path, problem.line) not in {(finding.path, finding.line) for finding in change.findings}:
                change.say(finding_of(problem))
            continue
        _Environment(change, environment, _base_pins(change, environment), now).check()


def _pins(view: View | None, environment: str) -> dict[str, Pin]:
    if view is None:
        return {}
    try:
        return view.catalog.pins(environment)
    except EnvironmentNotFound:
        return {}


def _base_pins(change: Change, environment: str) -> dict[str, Pin] | None:
    """What base pins; None where its file cannot be read, which is said."""
    try:
        return _pins(change.before, environment)
    except PromptregError as problem:
        change.unreadable(problem)
        return None


class _Environment:
    def __init__(self, change: Change, name: str, before: dict[str, Pin] | None, now: dict[str, Pin]) -> None:
        self.change = change
        self.name = name
        self.path = environment_path(name)
        self.before = before or {}
        self.is_known = before is not None
        self.now = now

    def check(self) -> None:
        changed_names = set(self.change.names())
        for name, pin in self.now.items():
            before = self.before.get(name)
            if self.change.before is not None and before is not None and before.facts() == pin.facts():
                if name in changed_names:
                    self._standing(pin)
                continue
            try:
                self._pin(pin, before)
            except PromptregError as problem:
                if problem.path is None:
                    self._error("pin", problem.message, pin)
                elif (problem.path, problem.line) not in {(each.path, each.line) for each in self.change.findings}:
                    self.change.say(finding_of(problem, name, "pin"))
        for name in self.before.keys() - self.now.keys():
            shown = self.change.head.source.shown(self.path)
            message = f"{name} is taken out of {self.name}, where it was {self.before[name].version}."
            self.change.say(Finding("unpinned", NOTE, message, name, shown))

    def _error(self, rule: str, message: str, pin: Pin, fix: str | None = None) -> None:
        self.change.error(rule, message, prompt=pin.name, path=self.path, line=pin.line, fix=fix)

    def _warn(self, rule: str, message: str, pin: Pin, severity: str = WARNING) -> None:
        shown = self.change.head.source.shown(self.path)
        self.change.say(Finding(rule, severity, message, pin.name, shown, pin.line))

    def _standing(self, pin: Pin) -> None:
        if not self._is_real(pin, pin.version, pin.digest):
            return
        release = self.change.head.catalog.sums(pin.name).releases[pin.version]
        if release.yanked is not None:
            message = f"{self.name} runs {pin.name} {pin.version}, which was yanked: {release.yanked}"
            self._warn("pin-yanked", message, pin)

    def _is_real(self, pin: Pin, version: str, digest: str) -> bool:
        catalog = self.change.head.catalog
        release = catalog.sums(pin.name).releases.get(version)
        if release is None:
            versions = ", ".join(catalog.sums(pin.name).versions()) or "no versions"
            self._error(
                "pin-version", f"{self.name} pins {pin.name} {version}, which does not exist. It has {versions}.", pin
            )
            return False
        if release.digest != digest:
            message = f"{self.name} pins {pin.name} {version} with a digest that is not that version's."
            self._error(
                "pin-digest", message, pin, "promptreg check --fix where a release was amended; else promptreg promote"
            )
            return False
        catalog.released(pin.name, version)
        return True

    def _pin(self, pin: Pin, before: Pin | None) -> None:
        if not self._is_real(pin, pin.version, pin.digest):
            return
        if self.change.base is None:
            self._standing(pin)
            return
        if self.is_known:
            self._previous(pin, before)
        if before is None or (before.version, before.digest) != (pin.version, pin.digest):
            self._moved(pin, before, pin.version)
        elif pin.waiver and pin.waiver != before.waiver:
            self._error("waiver", f"a waiver for {pin.name} was written without a promotion.", pin, "take it out")
        if pin.rollout and (before is None or before.rollout != pin.rollout):
            version, digest, _ = pin.rollout
            if self._is_real(pin, version, digest):
                self._moved(pin, before if before and before.version == pin.version else pin, version, rollout=True)

    def _previous(self, pin: Pin, before: Pin | None) -> None:
        """`previous` is the way back that needs no gate, so it can only be what stood there."""
        allowed: list[tuple[str, str] | None] = [None]
        if before is not None:
            allowed.append((before.version, before.digest))
            if before.version == pin.version:
                allowed.append(before.previous)
        if pin.previous not in allowed:
            message = (
                f"previous of {pin.name} is {pin.previous and pin.previous[0]}, which base's {self.name} does not say."
            )
            self._error("pin-previous", message, pin, "promptreg promote writes it")

    def _moved(self, pin: Pin, before: Pin | None, version: str, *, rollout: bool = False) -> None:
        release = self.change.head.catalog.sums(pin.name).releases[version]
        if release.yanked is not None:
            self._error("pin-yanked", f"{pin.name} {version} was yanked on {release.yanked_on}: {release.yanked}", pin)
        if before and before.previous and before.previous[0] == version and not rollout:
            self._warn("rollback", f"{self.name} goes back from {pin.name} {before.version} to {version}.", pin, NOTE)
            if pin.waiver and pin.waiver != before.waiver:
                self._waiver(pin, before, version, pin.waiver, self._verdict(pin, before, version))
            return
        self._order(pin, version)
        self._gate(pin, before, version)

    def _order(self, pin: Pin, version: str) -> None:
        rules = self.change.rules
        environment = rules.config.environments.get(self.name) or self.change.head.config.environments[self.name]
        if environment.after is None:
            return
        for view in filter(None, (self.change.before, self.change.head)):
            there = _pins(view, environment.after).get(pin.name)
            if there is not None and there.version == version:
                return
        message = f"{pin.name} {version} must be in {environment.after} before it goes to {self.name}."
        self._error("pin-order", message, pin, f"promptreg promote {pin.name}@{version} --to {environment.after}")

    def _verdict(self, pin: Pin, before: Pin | None, version: str) -> Verdict:
        change = self.change
        known = self.name in change.rules.catalog.settings.environments
        policy = change.rules.policy(self.name) if known else change.head.policy(self.name)
        move = Move(pin.name, self.name, version, before.version if before else None)
        return judged(move, Rules(change.rules, change.head), policy)

    def _gate(self, pin: Pin, before: Pin | None, version: str) -> None:
        verdict = self._verdict(pin, before, version)
        self.change.verdicts[pin.name, self.name] = verdict
        waiver = pin.waiver if pin.waiver and (before is None or pin.waiver != before.waiver) else None
        if waiver is not None:
            self._waiver(pin, before, version, waiver, verdict)
        elif pin.waiver is not None:
            self._error(
                "waiver", f"the waiver of {pin.name} is an old one and not for this change.", pin, "promptreg promote"
            )
        if verdict.blocks and waiver is None:
            words = "; ".join(verdict.reasons)
            spec = f"{pin.name}@{version}"
            if verdict.verdict == "missing":
                fix = f"promptreg eval --needed --to {self.name} {spec}"
            elif before is None:
                fix = f"promptreg results show {spec} --failing"
            else:
                fix = f"promptreg compare {pin.name}@{before.version} {spec}"
            self._error("gate", f"{verdict.verdict}: {pin.name} {version} for {self.name}: {words}.", pin, fix)
        elif verdict.verdict != "pass":
            words = "; ".join(verdict.reasons)
            self._warn(f"gate-{verdict.verdict}", f"{pin.name} {version} for {self.name}: {words}.", pin)

    def _waiver(self, pin: Pin, before: Pin | None, version: str, waiver: dict[str, object], verdict: Verdict) -> None:
        standing = before.version if before else None
        wrong = []
        if waiver["version"] != version:
            wrong.append(f"it names {waiver['version']}, and the pin is {version}")
        if waiver["from"] != standing:
            wrong.append(f"it says from {waiver['from']}, and base pins {standing}")
        if waiver["verdict"] != verdict.verdict:
            wrong.append(f"it states {waiver['verdict']}, and the verdict is {verdict.verdict}")
        if wrong:
            fix = f"promptreg promote {pin.name}@{version} --to {self.name} --force -m …"
            self._error("waiver", f"the waiver of {pin.name} does not hold: {'; '.join(wrong)}.", pin, fix)
        else:
            who = f"by {waiver['by']}: {waiver['reason']}"
            message = f"{pin.name} {version} goes to {self.name} against the gate ({verdict.verdict}), {who}"
            self._warn("waived", message, pin)
