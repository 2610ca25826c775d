"""How things stand: what environments run, what waits, and which evidence there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from promptreg.core.errors import PromptregError
from promptreg.core.pins import Pin
from promptreg.core.prompt import Prompt
from promptreg.evals.evidence import Pool
from promptreg.evals.suite import Suite
from promptreg.git.repo import GitError
from promptreg.history import Event, history
from promptreg.judging import gated, side
from promptreg.listing import all_pins
from promptreg.project import Project, View


@dataclass(frozen=True, slots=True)
class Proof:
    """What is stored about a version on one suite: the runs that count, and how many of its cases they scored."""

    suite: str
    runs: int
    scored: int
    cases: int

    @property
    def is_whole(self) -> bool:
        """Whether every case has a score."""
        return self.runs > 0 and self.scored == self.cases


@dataclass(frozen=True, slots=True)
class Running:
    """One pin of an environment: since when and by whom (empty where git cannot say), its evidence, waiver, owners.

    `evidence` has an entry for each suite with cases; `problem` says why the version, or its evidence, cannot be read.
    """

    name: str
    pin: Pin
    since: str
    by: str
    evidence: tuple[Proof, ...]
    owners: tuple[str, ...]
    problem: str | None = None


def running(project: Project, environment: str) -> list[Running]:
    """What an environment runs."""
    view = project.head
    pins = view.catalog.pins(environment)
    events = _last_moves(project, environment)
    rows = []
    for name, pin in sorted(pins.items()):
        event = events.get(name)
        since, by = (event.at, event.by) if event else ("", "")
        try:
            owners = tuple(view.loader.version(name, pin.version).file.owners)
            rows.append(Running(name, pin, since, by, evidence(view, name, pin.version), owners))
        except PromptregError as problem:
            rows.append(Running(name, pin, since, by, (), (), problem.message))
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


def evidence(view: View, name: str, version: str) -> tuple[Proof, ...]:
    """What is stored about a version, for each suite that has cases."""
    suites = [suite for suite in view.suites(name) if suite.cases]
    if not suites:
        return ()
    prompt = view.loader.version(name, version)
    return tuple(_proof(view, prompt, suite) for suite in suites)


def _proof(view: View, prompt: Prompt, suite: Suite) -> Proof:
    pool = Pool(side(view, prompt, suite), suite.setup())
    cases, measured = gated(suite, [pool.side]), suite.automatic().scorers
    answered = pool.answered(cases)
    scored = sum(
        id_ in answered and all(pool.score(id_, case.digest, metric) is not None for metric in measured)
        for id_, case in cases.items()
    )
    return Proof(suite.name, len(pool.runs), scored, len(cases))


@dataclass(frozen=True, slots=True)
class Status:
    """What one prompt waits for: a draft ahead, environments behind its newest version, evidence that is missing.

    `draft_version` is the version that the draft equals. `behind` maps environments to what they pin, None for nothing,
    where any environment pins the prompt at all; `yanked` to a version that was withdrawn and why. `evidence` is that
    of the newest version.
    """

    name: str
    latest: str | None
    ahead: bool
    draft_version: str | None = None
    behind: dict[str, str | None] = field(default_factory=dict)
    yanked: dict[str, tuple[str, str]] = field(default_factory=dict)
    evidence: tuple[Proof, ...] = ()
    problem: str | None = None

    @property
    def lacks_evidence(self) -> bool:
        """Whether a case has no score."""
        return not all(proof.is_whole for proof in self.evidence)

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.ahead or self.behind or self.yanked or self.lacks_evidence or self.problem)


def status(view: View, names: Sequence[str]) -> list[Status]:
    """What prompts wait for."""
    pins = all_pins(view)
    return [_status(view, name, pins) for name in names]


def _status(view: View, name: str, pins: dict[str, dict[str, Pin]]) -> Status:
    try:
        sums = view.catalog.sums(name)
        latest = sums.latest()
        ahead = view.is_ahead(name)
        same = view.draft_version(name)
        proofs = evidence(view, name, latest) if latest else ()
    except PromptregError as problem:
        return Status(name, None, ahead=False, problem=str(problem))
    behind: dict[str, str | None] = {}
    yanked: dict[str, tuple[str, str]] = {}
    pinned = any(name in found for found in pins.values())
    for environment, found in pins.items():
        pin = found.get(name)
        if latest and pinned and (pin is None or pin.version != latest):
            behind[environment] = pin.version if pin else None
        if pin and (release := sums.releases.get(pin.version)) and release.yanked is not None:
            yanked[environment] = (pin.version, release.yanked)
    return Status(name, latest, ahead, same, behind, yanked, proofs)
