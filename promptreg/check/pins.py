"""Check 3: a pin that differs names a real version, may stand there, and keeps the order."""

from __future__ import annotations

from promptreg.check.change import Change
from promptreg.check.environments import judges, pins_of
from promptreg.check.gated import Move, check_gate, check_waiver
from promptreg.core.errors import PromptregError
from promptreg.core.pins import Pin, environment_path
from promptreg.lint.finding import NOTE, WARNING, Finding


def check_pins(change: Change) -> None:
    """Look at the environments whose files differ, and at standing pins of versions that were yanked."""
    judged_by = judges(change)
    for environment in change.head.catalog.settings.environments:
        try:
            now = change.head.catalog.pins(environment)
        except PromptregError as problem:
            change.problem(problem)
            continue
        _Environment(change, environment, judged_by, now).check()


class _Environment:
    """One environment of head; `judge` is the one of base that judges it, None where none does."""

    def __init__(self, change: Change, name: str, judged_by: dict[str, str], now: dict[str, Pin]) -> None:
        self.change = change
        self.name = name
        self.judge = judged_by.get(name)
        self.judged_by = judged_by
        self.path = environment_path(name)
        self.now = now
        self.is_known = True
        self.before = self._base_pins()

    def _base_pins(self) -> dict[str, Pin]:
        """What base pins; nothing where its file cannot be read, which is said."""
        try:
            return pins_of(self.change.before, self.judge or self.name)
        except PromptregError as problem:
            self.change.unreadable(problem)
            self.is_known = False
            return {}

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
                else:
                    self.change.problem(problem, name, "pin")
        for name in sorted(self.before.keys() - self.now.keys()):
            shown = self.change.head.source.shown(self.path)
            message = f"{name} is taken out of {self.judge or self.name}, where it was {self.before[name].version}."
            self.change.say(Finding("unpinned", WARNING, message, name, shown))

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
        elif pin.waiver != before.waiver:
            self._waiver_alone(pin, before)
        if pin.rollout and (before is None or before.rollout != pin.rollout):
            version, digest, _ = pin.rollout
            if self._is_real(pin, version, digest):
                # what runs now is what base pins: a share of the keys leaves that, whatever the rest goes to
                self._moved(pin, before or pin, version, rollout=True)

    def _waiver_alone(self, pin: Pin, before: Pin) -> None:
        """A waiver is the record of a promotion: it comes with one, and stays until the next."""
        message, fix = f"a waiver for {pin.name} was written without a promotion.", "take it out"
        if pin.waiver is None:
            message = f"{self.name} still runs {pin.name} {pin.version}, and its waiver was taken out."
            fix = f"put it back; promptreg promote {pin.name} --to {self.name} removes it with the version"
        elif before.waiver is not None:
            message, fix = f"the waiver of {pin.name} was changed without a promotion.", "put back what it said"
        self._error("waiver", message, pin, fix)

    def _previous(self, pin: Pin, before: Pin | None) -> None:
        """`previous` is the way back that needs no gate, so it can only be what stood there."""
        allowed: list[tuple[str, str] | None] = [None]
        if before is not None:
            allowed.append((before.version, before.digest))
            if before.version == pin.version:
                allowed.append(before.previous)
        if pin.previous not in allowed:
            message = (
                f"previous of {pin.name} is {pin.previous and pin.previous[0]}, which base's "
                f"{self.judge or self.name} does not say."
            )
            self._error("pin-previous", message, pin, "promptreg promote writes it")

    def _moved(self, pin: Pin, before: Pin | None, version: str, *, rollout: bool = False) -> None:
        release = self.change.head.catalog.sums(pin.name).releases[version]
        if release.yanked is not None:
            self._error("pin-yanked", f"{pin.name} {version} was yanked on {release.yanked_on}: {release.yanked}", pin)
        if before is None and self.change.base is not None:
            before = self.change.project.last_pin(self.change.base.id, self.judge or self.name, pin.name)
        move = Move(self.change, self.name, self.judge, pin, before, version)
        if before and before.previous and before.previous[0] == version and not rollout:
            self._warn("rollback", f"{self.name} goes back from {pin.name} {before.version} to {version}.", pin, NOTE)
            if pin.waiver and pin.waiver != before.waiver:
                check_waiver(move, pin.waiver, move.verdict())
            elif pin.waiver:
                self._error("waiver", f"the waiver of {pin.name} is an old one and not for this change.", pin, _REMOVE)
            return
        self._order(pin, version)
        check_gate(move)

    def _order(self, pin: Pin, version: str) -> None:
        config = self.change.rules.config.environments
        after = config[self.judge].after if self.judge else self.change.head.config.environments[self.name].after
        if after is None:
            return
        heirs = {name for name, judge in self.judged_by.items() if judge == after} | {after}
        found = [pins_of(self.change.before, after), *(pins_of(self.change.head, name) for name in sorted(heirs))]
        if any(pin.name in pins and pins[pin.name].version == version for pins in found):
            return
        message = f"{pin.name} {version} must be in {after} before it goes to {self.name}."
        self._error("pin-order", message, pin, f"promptreg promote {pin.name}@{version} --to {after}")


_REMOVE = "take it out"
