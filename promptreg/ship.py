"""Shipping: from an edited draft to an environment, through those that `after` names, in one go.

Each step is one that people take by hand, it stops where one stops, and run again it replaces what this branch made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.core.pins import environment_path
from promptreg.core.source import DRAFT
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.evaluation.carry_out import carry_out, ready
from promptreg.evaluation.plans import Options, PlannedRun, needed
from promptreg.evaluation.storing import Stored
from promptreg.judging import Move
from promptreg.project import Project, View
from promptreg.promotion.promote import Wish as Promotion
from promptreg.promotion.promote import promote
from promptreg.promotion.rules import Outcome, baseline_pin, evidence_files, stands_on
from promptreg.release import Planned, plan, preview, release
from promptreg.release import Wish as Release


@dataclass(slots=True)
class Shipment:
    """What was done, step by step; `stopped` where an environment refused.

    `going` are the versions (NAME@VERSION) that go through the environments of the `road`; `stayed` are partials that
    were released with what includes them, and not pinned by themselves.
    """

    environment: str
    road: list[str] = field(default_factory=list)
    going: list[str] = field(default_factory=list)
    stayed: list[str] = field(default_factory=list)
    released: list[Planned] = field(default_factory=list)
    planned: list[PlannedRun] = field(default_factory=list)
    results: list[Stored] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        """Whether a rule or the gate refused."""
        return any(outcome.refused for outcome in self.outcomes)

    @property
    def moved(self) -> list[Outcome]:
        """The pins that were written: where an environment refuses one prompt, it takes none."""
        stopped_at = {outcome.environment for outcome in self.outcomes if outcome.refused}
        return [each for each in self.outcomes if not each.unchanged and each.environment not in stopped_at]

    def data(self) -> dict[str, Any]:
        """The shape of `ship --json`."""
        return {
            "released": [made.data() for made in self.released],
            "results": [stored.data() for stored in self.results],
            "planned": [run.data() for run in self.planned],
            "calls": sum(run.calls for run in self.planned),
            "cost_usd": sum(stored.header.totals.cost_usd for stored in self.results),
            "moved": [outcome.data() for outcome in self.moved],
            "refused": [outcome.data() for outcome in self.outcomes if outcome.refused],
        }


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ship where, and how: bump and message of releases, options of runs, and whether only to say it."""

    environment: str
    bump: str = "auto"
    message: str | None = None
    options: Options = field(default_factory=Options)
    dry_run: bool = False
    #: The prompts that were asked for by name: they are pinned even where they are partials.
    named: frozenset[str] = frozenset()
    #: Called after each step with its name, for progress.
    on_step: Callable[[str, Shipment], None] = lambda step, shipment: None


def ship(project: Project, names: Sequence[str], wish: Wish) -> Shipment:
    """Release what is ahead, evaluate what the gate lacks, promote. Raises what a step raises.

    What can be known to stand against a later step is found before the first one writes.
    """
    shipment = Shipment(wish.environment)
    project.head.catalog.check_environment(wish.environment)
    road = shipment.road = project.head.config.road(wish.environment)
    request = _request(project, names, wish)
    planned = plan(project, names, request)
    view = preview(project, planned)
    going = _going(view, names, road, wish.named)
    shipment.stayed = [name for name in names if name not in going]
    specs = shipment.going = [f"{name}@{_latest(view, name)}" for name in going]
    moves = {environment: _moves(project, view, going, environment) for environment in road}
    whole_road = needed(view, [move for environment in road for move in moves[environment]], wish.options)
    ready(project, whole_road, wish.options)
    shipment.released = planned if wish.dry_run else release(project, names, request)
    wish.on_step("release", shipment)
    if wish.dry_run:
        shipment.planned = whole_road
        wish.on_step("plan", shipment)
        return shipment
    for environment in road:
        runs = needed(project.head, moves[environment], wish.options)
        shipment.planned.extend(runs)
        shipment.results.extend(carry_out(project, runs, wish.options))
        wish.on_step("eval", shipment)
        shipment.outcomes.extend(promote(project, specs, Promotion(environment)))
        wish.on_step("promote", shipment)
        if shipment.stopped:
            break
    return shipment


def _request(project: Project, names: Sequence[str], wish: Wish) -> Release:
    """How to release drafts that are ahead: anew where base has the newest version, else in its place."""
    latest = {name: project.head.catalog.sums(name).latest() for name in names}
    ours = frozenset(name for name, version in latest.items() if version and version not in project.settled(name))
    return Release(bump=wish.bump, message=wish.message, amend=ours)


def _going(view: View, names: Sequence[str], road: Sequence[str], named: frozenset[str]) -> list[str]:
    """The prompts that are to be pinned: not the partials that only came along and that no environment pins."""
    unsure = {
        name
        for name in names
        if name not in named and not any(view.catalog.pin(environment, name) for environment in road)
    }
    if not unsure:
        return list(names)
    sums = [view.catalog.sums(other) for other in view.catalog.names()]
    included = {
        include.partition("@")[0] for each in sums for made in each.releases.values() for include in made.includes
    }
    return [name for name in names if name not in unsure or name not in included]


def _moves(project: Project, view: View, names: Sequence[str], environment: str) -> list[Move]:
    """What has to move in an environment, from what it runs."""
    moves = []
    for name in names:
        baseline = baseline_pin(project, environment, name)
        before, version = baseline.version if baseline else None, _latest(view, name)
        if version != before:
            moves.append(Move(name, environment, version, before))
    return moves


def _latest(view: View, name: str) -> str:
    latest = view.catalog.sums(name).latest()
    if latest is None:
        raise PromptregError(f"{name} has no version that could be promoted, and no draft to release.")
    return latest


def own_files(project: Project, names: Sequence[str], shipment: Shipment) -> set[str]:
    """The files that a shipment is made of, those that it took away too, relative to the registry."""
    view = project.head
    own = {f"{name}/{file}" for name in names for file in (DRAFT, SUMS_FILE)}
    own |= {path for made in shipment.released for path in made.files}
    for outcome in shipment.outcomes:
        own |= {environment_path(outcome.environment), view.catalog.version_path(outcome.name, outcome.to)}
        for version in (outcome.to, outcome.before):
            own |= {path for path in evidence_files(view, outcome.name, version) if "/results/" in path}
    return own


def foundations(project: Project, names: Sequence[str], shipment: Shipment) -> set[str]:
    """The files that a shipment stands on and did not make: policy, suites, partials."""
    view = project.head
    found = {"promptreg.toml"} | {path for name in names for path in evidence_files(view, name, None)}
    return found | {path for each in shipment.outcomes for path in stands_on(view, each.name, each.to)}
