"""Promoting: asking the gate, then moving pins, all or none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from promptreg.core.errors import PromptregError, VersionNotFound, counted
from promptreg.core.names import parse_spec
from promptreg.core.pins import Pin, environment_path, with_pin
from promptreg.evals.cost import usd_text
from promptreg.evals.verdict import Verdict
from promptreg.files import writing
from promptreg.judging import Move, Rules, gaps, judged
from promptreg.project import Project, View
from promptreg.promotion.rules import (
    Outcome,
    Reason,
    as_checked,
    baseline_pin,
    released,
    rule_reasons,
    standing_pin,
    waiver_for,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """How pins are to be moved: to which environment; with `force`, against the gate, and then for which `reason`."""

    environment: str
    force: bool = False
    reason: str | None = None
    dry_run: bool = False
    #: Called with what would move before anything is written; what it raises stops it.
    before_writing: Callable[[Sequence[Outcome]], None] = lambda outcomes: None


def target(view: View, spec: str, environment: str) -> tuple[str, str]:
    """The name and version that a spec wants promoted: its selector's, else what `after` pins, else the newest."""
    name, selector = parse_spec(spec)
    policy = view.environment(environment)
    if selector is not None:
        return name, released(view, spec, name, selector, f"promptreg ship {name} --to {environment}")
    if policy.after is not None:
        pin = view.catalog.pin(policy.after, name)
        if pin is not None:
            return name, pin.version
    latest = view.catalog.sums(name).latest()
    if latest is None:
        raise view.catalog.missing(name) or VersionNotFound(
            f"{name} was never released. Release and promote it in one: promptreg ship {name} --to {environment}"
        )
    return name, latest


def movable(view: View, environment: str) -> list[str]:
    """The prompts that have a version to move to: one that `after` pins, or where there is no `after`, any."""
    after = view.environment(environment).after
    if after is not None:
        return sorted(view.catalog.pins(after))
    return [name for name in view.catalog.names() if view.catalog.sums(name).latest()]


def promote(project: Project, specs: Sequence[str], wish: Wish) -> list[Outcome]:
    """Move pins, all or none: where one is refused, nothing is written. Returns what came of each."""
    environment = wish.environment
    if wish.dry_run:
        return _promoted_all(project, specs, wish)
    with writing(project.folder) as writer:
        project.reread()
        outcomes = _promoted_all(project, specs, wish)
        if not any(outcome.refused for outcome in outcomes):
            wish.before_writing(outcomes)
            old = new = project.head.catalog.pins_text(environment)
            for outcome in outcomes:
                if not outcome.unchanged:
                    new = with_pin(new, _pin(project, outcome))
            if new != old:
                writer.write(environment_path(environment), new)
    project.reread()
    return outcomes


def _promoted_all(project: Project, specs: Sequence[str], wish: Wish) -> list[Outcome]:
    view = project.head
    view.catalog.pins(wish.environment)
    wanted: dict[str, str] = {}
    for spec in specs:
        name, version = target(view, spec, wish.environment)
        if wanted.setdefault(name, version) != version:
            raise PromptregError(f"{name} is named twice, as {wanted[name]} and {version}. Name one of them.")
    return [_promoted(project, name, version, wish) for name, version in wanted.items()]


def _promoted(project: Project, name: str, version: str, wish: Wish) -> Outcome:
    view, environment = project.head, wish.environment
    pin = view.catalog.pin(environment, name)
    digest = view.catalog.sums(name).releases[version].digest
    baseline = baseline_pin(project, environment, name)
    if pin is not None and (pin.version, pin.digest) == (version, digest) and not _waives_anew(pin, baseline):
        return Outcome(name, environment, version, version, unchanged=True)
    before = baseline.version if baseline else None
    reasons = rule_reasons(view, name, version, environment)
    if before == version:
        return Outcome(name, environment, version, pin.version if pin else None, reasons=tuple(reasons))
    move = Move(name, environment, version, before)
    verdict = judged(move, Rules(view, view))
    waiver = None
    if verdict.blocks and wish.force and wish.reason:
        checked = as_checked(project, move)
        waived = verdict if checked == move else judged(checked, Rules(view, view))
        waiver = waiver_for(project, checked, waived, wish.reason) if waived.blocks else None
    elif verdict.blocks:
        reasons.append(_gate_reason(view, move, verdict))
    return Outcome(name, environment, version, before, verdict, tuple(reasons), waiver)


def _waives_anew(pin: Pin, baseline: Pin | None) -> bool:
    """Whether an entry holds a waiver of this branch, which other evidence may have made untrue, or needless."""
    return pin.waiver is not None and (baseline is None or baseline.version != pin.version)


def _gate_reason(view: View, move: Move, verdict: Verdict) -> Reason:
    spec = f"{move.name}@{move.to}"
    words = "; ".join(verdict.reasons)
    if verdict.verdict == "missing":
        fix = f"promptreg eval --needed --to {move.environment} {spec}"
        if all(suite.cases.known for suite in view.suites(move.name)):
            missing = gaps(view, [move])
            if not missing:  # people have to say it, and the words name the command
                return Reason("gate", f"{verdict.verdict}: {words}")
            calls, usd = sum(gap.calls for gap in missing), math.fsum(gap.usd(view) or 0 for gap in missing)
            words += f"; {counted(calls, 'call')} would make it"
            words += f", for at most {usd_text(usd)}" if usd else ""
        else:
            fix += " --allow-code"
    elif verdict.verdict == "ungated":
        fix = f"promptreg new {move.name} --cases"
    elif verdict.verdict == "regressed":
        fix = f"promptreg results show {spec} --failing"
    else:
        fix = "" if "(promptreg " in words else f"promptreg eval {spec}"
    return Reason("gate", f"{verdict.verdict}: {words}", fix or None)


def _pin(project: Project, outcome: Outcome) -> Pin:
    """The new entry. Its `previous` is what the environment really ran."""
    standing = standing_pin(project, outcome.environment, outcome.name)
    if standing is not None and standing.version == outcome.to:
        return standing
    previous = (standing.version, standing.digest) if standing else None
    digest = project.head.catalog.sums(outcome.name).releases[outcome.to].digest
    return Pin(outcome.name, outcome.to, digest, previous=previous, waiver=outcome.waiver)
