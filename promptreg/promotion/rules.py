"""What every move of a pin has in common: its outcome, the rules that no evidence overrides, and what it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptreg.core.errors import PromptregError, Refused
from promptreg.core.names import Selector
from promptreg.core.pins import Pin
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.evals.results import results_of
from promptreg.evals.verdict import Verdict
from promptreg.judging import Move, figures
from promptreg.project import Project, View


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is refused: the rule, a sentence, and the command that mends it."""

    rule: str
    message: str
    fix: str | None = None

    def data(self) -> dict[str, str | None]:
        """As JSON."""
        return {"rule": self.rule, "message": self.message, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one wish to move a pin; `moved` where nothing refuses it (and it was no dry run, is written)."""

    name: str
    environment: str
    to: str
    before: str | None
    verdict: Verdict | None = None
    reasons: tuple[Reason, ...] = ()
    waiver: dict[str, Any] | None = None
    kind: str = "promote"
    #: The environment's file says so already.
    unchanged: bool = False

    @property
    def refused(self) -> bool:
        """Whether a rule or the gate stands against it."""
        return bool(self.reasons)

    def data(self) -> dict[str, Any]:
        """As JSON: an entry of `moved` or of `refused`."""
        facts: dict[str, Any] = {"name": self.name, "environment": self.environment}
        if self.refused:
            facts |= {"to": self.to, "reasons": [reason.data() for reason in self.reasons]}
            return facts | ({"gate": self.verdict.data()} if self.verdict else {})
        verdict = self.verdict.verdict if self.verdict else None
        facts |= {"from": self.before, "to": self.to or None, "verdict": verdict}
        return facts | ({"waiver": self.waiver} if self.waiver else {})


def released(view: View, spec: str, name: str, selector: Selector, instead: str) -> str:
    """The version that a selector means, where an environment could run it; `instead` says what to do otherwise."""
    if selector.kind in ("draft", "git"):
        raise PromptregError(f"{spec}: only a released version can be promoted. {instead}")
    return view.catalog.resolve(name, selector).version


def standing_pin(project: Project, environment: str, name: str) -> Pin | None:
    """What an environment really runs: base's pin, where git has a base.

    Nothing else ran, whatever its file says between two promotions of one branch.
    """
    base = project.base()
    if base is None:
        return project.head.catalog.pin(environment, name)
    view = project.at(base.id)
    if view is None or environment not in view.catalog.settings.environments:
        return None
    return view.catalog.pin(environment, name)


def _gated_pin(project: Project, environment: str, name: str) -> Pin | None:
    """What check judges a move against: base's pin, else what the environment ran last before it was taken out."""
    base = project.base()
    standing = standing_pin(project, environment, name)
    return standing or (project.last_pin(base.id, environment, name) if base else None)


def baseline_pin(project: Project, environment: str, name: str) -> Pin | None:
    """What a move is judged against: what the environment really runs, as check has it, else what its file pins.

    An entry of the file that an amended release left behind is none.
    """
    standing = _gated_pin(project, environment, name)
    if standing is not None:
        return standing
    pin = project.head.catalog.pin(environment, name)
    release = project.head.catalog.sums(name).releases.get(pin.version) if pin else None
    return pin if pin is not None and release is not None and release.digest == pin.digest else None


def rule_reasons(view: View, name: str, version: str, environment: str) -> list[Reason]:
    """What forbids a version in an environment, whatever the evidence says (check 3)."""
    view.catalog.released(name, version)
    return [*yanked(view, name, version, environment), *order(view, name, version, environment, "promote")]


def yanked(view: View, name: str, version: str, environment: str) -> list[Reason]:
    """Why a version that was withdrawn is refused; nothing where it was not."""
    view.catalog.released(name, version)
    release = view.catalog.sums(name).releases[version]
    if release.yanked is None:
        return []
    newest = view.catalog.sums(name).latest()
    pin = view.catalog.pin(environment, name)
    runs_it = pin is not None and pin.version == newest
    fix = f"promptreg promote {name}@{newest} --to {environment}" if newest and not runs_it else None
    return [Reason("pin-yanked", f"{name} {version} was yanked on {release.yanked_on}: {release.yanked}", fix)]


def order(view: View, name: str, version: str, environment: str, command: str) -> list[Reason]:
    """Why a version that the environment before does not pin is refused; `command` is promote or rollback."""
    after = view.environment(environment).after
    pin = view.catalog.pin(after, name) if after is not None else None
    if after is None or (pin is not None and pin.version == version):
        return []
    there = f"{after} pins {pin.version}" if pin else f"{after} pins no version of it"
    fix = f"promptreg promote {name}@{version} --to {after}"
    if command == "rollback" and pin is not None:
        fix = f"promptreg rollback {name}@{version} --in {after} -m …"
    return [Reason("pin-order", f"{name} {version} must be in {after} first; {there}.", fix)]


def as_checked(project: Project, move: Move) -> Move:
    """A move as check will judge it: from what the environment really runs."""
    assert move.environment is not None
    standing = _gated_pin(project, move.environment, move.name)
    return Move(move.name, move.environment, move.to, standing.version if standing else None)


def waiver_for(project: Project, checked: Move, verdict: Verdict, reason: str) -> dict[str, Any]:
    """The waiver of a move, as it stands in the pin (docs/gate.md), from how check will judge it.

    Refused where it would be the very one of an earlier promotion, which check takes for a copy.
    """
    waiver = {
        "version": checked.to,
        "from": checked.before,
        "verdict": verdict.verdict,
        "figures": figures(verdict),
        "by": project.user(),
        "date": project.today(),
        "reason": " ".join(reason.split()),
    }
    base = project.base()
    assert checked.environment is not None
    if base and any(pin.waiver == waiver for pin in project.pins_before(base.id, checked.environment, checked.name)):
        raise Refused(
            f"{checked.environment} had the same waiver of {checked.name} before, for another promotion. Say in other "
            "words why it is needed again: -m TEXT"
        )
    return waiver


def stands_on(view: View, name: str, version: str) -> list[str]:
    """The files of a version, of all that it includes, and of its evidence, relative to the registry."""
    found = [view.catalog.version_path(name, version), f"{name}/{SUMS_FILE}", *evidence_files(view, name, version)]
    for include in view.catalog.sums(name).releases[version].includes:
        found.extend(stands_on(view, *include.split("@")))
    return found


def evidence_files(view: View, name: str, version: str | None) -> list[str]:
    """The files of a prompt's suites and of a version's results, relative to the registry."""
    folders = [f"{name}/evals"] + ([results_of(name, version)] if version else [])
    return [f"{folder}/{file}" for folder in folders for file in view.source.files(folder)]
