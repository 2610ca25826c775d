"""Going back: to what an environment ran before, to any version, or out of it."""

from __future__ import annotations

from collections.abc import Sequence

from promptreg.core.errors import PromptregError, VersionNotFound
from promptreg.core.names import parse_spec
from promptreg.core.pins import Pin, environment_path, find_pin, with_pin, without_pin
from promptreg.diff.bumps import greatest_lower
from promptreg.evals.verdict import Verdict
from promptreg.files import writing
from promptreg.git.commits import pattern
from promptreg.judging import Move, Rules, judged
from promptreg.project import Project, View
from promptreg.promotion.rules import Outcome, as_checked, order, released, standing_pin, waiver_for, yanked


def roll_back(project: Project, names: Sequence[str], environment: str) -> list[Outcome]:
    """Return pins to their `previous`, which needs no gate; all or none."""
    with writing(project.folder) as writer:
        catalog = project.reread().catalog
        text = catalog.pins_text(environment)
        outcomes = []
        pins = [_pinned(project.head, name, environment) for name in dict.fromkeys(names)]
        for pin in pins:
            if pin.previous is None:
                others = [other.name for other in pins if other.previous is not None]
                raise _no_earlier(project.head, pin, environment, others)
            version, digest = pin.previous
            catalog.check_pin(environment, pin, version, digest)
            reasons = tuple(yanked(project.head, pin.name, version, environment))
            outcomes.append(Outcome(pin.name, environment, version, pin.version, reasons=reasons, kind="rollback"))
            text = with_pin(text, _earlier(project, environment, pin))
        if not any(outcome.refused for outcome in outcomes):
            writer.write(environment_path(environment), text)
    project.reread()
    return outcomes


def _earlier(project: Project, environment: str, pin: Pin) -> Pin:
    """The entry that a pin goes back to: base's own, with its waiver, where a promotion of this branch is undone."""
    standing = standing_pin(project, environment, pin.name)
    if standing is not None and (standing.version, standing.digest) == pin.previous:
        return standing
    assert pin.previous is not None
    return Pin(pin.name, *pin.previous)


def _no_earlier(view: View, pin: Pin, environment: str, others: Sequence[str]) -> PromptregError:
    lower = greatest_lower(pin.version, view.catalog.sums(pin.name).standing())
    hint = (
        f"Name one: promptreg rollback {pin.name}@{lower} --in {environment} -m …"
        if lower
        else f"To take it out: promptreg unpin {pin.name} --in {environment}"
    )
    rest = "".join(f"\nThe others alone: promptreg rollback {name} --in {environment}" for name in others)
    return PromptregError(f"{environment} has no earlier version of {pin.name}. {hint}{rest}")


def roll_back_to(project: Project, spec: str, environment: str, reason: str) -> Outcome:
    """Pin any version, with a waiver that says why."""
    name, selector = parse_spec(spec)
    assert selector is not None
    with writing(project.folder) as writer:
        view = project.reread()
        version = released(view, spec, name, selector, "Name one: 1.0.0.")
        pin = _pinned(view, name, environment)
        reasons = yanked(view, name, version, environment) + order(view, name, version, environment, "rollback")
        new, verdict = _chosen(project, Move(name, environment, version, pin.version), reason)
        outcome = Outcome(
            name=name,
            environment=environment,
            to=version,
            before=pin.version,
            verdict=verdict,
            reasons=tuple(reasons),
            waiver=new.waiver,
            kind="rollback",
            unchanged=version == pin.version,
        )
        if not outcome.refused and not outcome.unchanged:
            text = with_pin(view.catalog.pins_text(environment), new)
            writer.write(environment_path(environment), text)
    project.reread()
    return outcome


def _chosen(project: Project, move: Move, reason: str) -> tuple[Pin, Verdict | None]:
    """The entry of a version that was named, and how it is judged: base's own and its `previous` ask no gate."""
    assert move.environment is not None
    view = project.head
    digest = view.catalog.sums(move.name).releases[move.to].digest
    standing = standing_pin(project, move.environment, move.name)
    if standing is not None and standing.version == move.to:
        return standing, None
    if standing is not None and standing.previous == (move.to, digest):
        return Pin(move.name, move.to, digest), None
    checked = as_checked(project, move)
    verdict = judged(checked, Rules(view, view))
    return Pin(move.name, move.to, digest, waiver=waiver_for(project, checked, verdict, reason)), verdict


def unpin(project: Project, names: Sequence[str], environment: str) -> list[Outcome]:
    """Take prompts out of an environment."""
    with writing(project.folder) as writer:
        view = project.reread()
        text = view.catalog.pins_text(environment)
        outcomes = []
        for name in dict.fromkeys(names):
            pin = _pinned(view, name, environment)
            outcomes.append(Outcome(name, environment, "", pin.version, kind="unpin"))
            text = without_pin(text, name)
        writer.write(environment_path(environment), text)
    project.reread()
    return outcomes


def _pinned(view: View, name: str, environment: str) -> Pin:
    """An entry of an environment's file, all of which can be read."""
    pin = view.catalog.pins(environment).get(name)
    if pin is None:
        raise view.catalog.missing(name) or VersionNotFound(f"{environment} pins no version of {name}.")
    return pin


def last_moved(project: Project, environment: str) -> list[str]:
    """The prompts whose pins the newest change of an environment's file moved: uncommitted, else the last commit's."""
    path = project.prefix + environment_path(environment)
    repository = project.repository
    head = repository.head()
    now = project.head.catalog.pins(environment)
    states: list[str] = []
    if head is not None:
        for commit in repository.history(head, [pattern(path)], first_parent=True):
            states.extend(olds[0] for _, olds, _ in commit.changes)
            break
        committed = project.at(head)
        before = (
            committed.catalog.pins(environment)
            if committed and environment in committed.catalog.settings.environments
            else {}
        )
        moved = [name for name, pin in now.items() if name not in before or pin.version != before[name].version]
        if moved:
            return moved
    if not states or set(states[0]) == {"0"}:
        return []
    text = repository.blobs(states)[states[0]].decode("utf-8", "replace")
    return [
        name for name, pin in now.items() if (old := find_pin(text, name, path)) is None or old.version != pin.version
    ]
