"""How things stand: what environments run, what waits, and which evidence there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from promptreg.core.errors import PromptregError, counted
from promptreg.core.pins import Pin
from promptreg.evals.evidence import Pool
from promptreg.git.repo import GitError
from promptreg.history import Event, history
from promptreg.judging import side
from promptreg.project import Project, View


@dataclass(frozen=True, slots=True)
class Running:
    """One pin of an environment: since when and by whom (empty where git cannot say), its evidence, waiver, owners."""

    name: str
    pin: Pin
    since: str
    by: str
    evidence: str
    owners: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "version": self.pin.version,
            "digest": self.pin.digest,
            "since": self.since or None,
            "by": self.by or None,
            "evidence": self.evidence,
            "waiver": self.pin.waiver,
            "owners": list(self.owners),
        }


def running(project: Project, environment: str) -> list[Running]:
    """What an environment runs."""
    view = project.head
    pins = view.catalog.pins(environment)
    events = _last_moves(project, environment)
    rows = []
    for name, pin in sorted(pins.items()):
        event = events.get(name)
        try:
            owners = tuple(view.loader.version(name, pin.version).file.owners)
            proof = evidence(view, name, pin.version)
        except PromptregError as problem:
            owners, proof = (), f"cannot be read: {problem.message}"
        rows.append(Running(name, pin, event.at if event else "", event.by if event else "", proof, owners))
    return rows


def _last_moves(project: Project, environment: str) -> dict[str, Event]:
    if not project.in_git:
        return {}
    try:
        events = history(project, environment=environment)
    except GitError:
        return {}
    found: dict[str, Event] = {}
    for event in events:
        found.setdefault(event.name, event)
    return found


def evidence(view: View, name: str, version: str) -> str:
    """What is stored about a version, in words: `no cases`, `not evaluated`, `2 runs`, or how much is missing."""
    suites = [suite for suite in view.suites(name) if suite.cases]
    if not suites:
        return "no cases"
    prompt = view.loader.version(name, version)
    words = []
    for suite in suites:
        pool = Pool(side(view, prompt, suite), suite.setup())
        scored = sum(
            all(pool.score(case.id, case.digest, metric) is not None for metric in suite.scorers)
            for case in suite.cases
        )
        if not pool.runs:
            words.append("not evaluated")
        elif scored < len(suite.cases):
            words.append(f"{scored} of {len(suite.cases)} cases scored")
        else:
            words.append(counted(len(pool.runs), "run"))
    return ", ".join(dict.fromkeys(words))


@dataclass(frozen=True, slots=True)
class Status:
    """What one prompt waits for: a draft ahead, environments behind its newest version, evidence that is missing.

    `draft_version` is the version that the draft equals. `behind` maps environments to what they pin, None for nothing,
    where any environment pins the prompt at all.
    """

    name: str
    latest: str | None
    ahead: bool
    draft_version: str | None = None
    behind: dict[str, str | None] = field(default_factory=dict)
    yanked: dict[str, str] = field(default_factory=dict)
    evidence: str | None = None
    problem: str | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.ahead or self.behind or self.yanked or self.evidence or self.problem)

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "latest": self.latest,
            "ahead": self.ahead,
            "draft_version": self.draft_version,
            "behind": self.behind,
            "yanked": self.yanked,
            "evidence": self.evidence,
            "problem": self.problem,
        }


def status(view: View, names: Sequence[str]) -> list[Status]:
    """What prompts wait for."""
    pins = {environment: view.catalog.pins(environment) for environment in view.catalog.settings.environments}
    return [_status(view, name, pins) for name in names]


def _status(view: View, name: str, pins: dict[str, dict[str, Pin]]) -> Status:
    try:
        sums = view.catalog.sums(name)
        latest = sums.latest()
        ahead = view.is_ahead(name)
        same = view.draft_version(name)
        proof = evidence(view, name, latest) if latest else None
    except PromptregError as problem:
        return Status(name, None, ahead=False, problem=str(problem))
    behind: dict[str, str | None] = {}
    yanked: dict[str, str] = {}
    pinned = any(name in found for found in pins.values())
    for environment, found in pins.items():
        pin = found.get(name)
        if latest and pinned and (pin is None or pin.version != latest):
            behind[environment] = pin.version if pin else None
        if pin and (release := sums.releases.get(pin.version)) and release.yanked is not None:
            yanked[environment] = f"{pin.version}: {release.yanked}"
    missing = proof if proof and not proof.endswith(("run", "runs")) and proof != "no cases" else None
    return Status(name, latest, ahead, same, behind, yanked, missing)
