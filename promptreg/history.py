"""Who released and promoted what, when: read from git, and from what is not committed yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.core.pins import FOLDER, Pin, environment_path, read_pins
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.sums import Release, read_sums
from promptreg.git.commits import Commit, pattern
from promptreg.project import Project

_NOTHING = "0" * 40


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `event` is released, yanked, promoted, rolled-back, waived or unpinned.

    `commit` is None, and `at` and `by` empty, for what stands in the working tree only, and for what happened before
    the first commit of a shallow clone (`earlier`).
    """

    event: str
    name: str
    version: str
    environment: str | None = None
    before: str | None = None
    message: str = ""
    at: str = ""
    by: str = ""
    commit: str | None = None
    earlier: bool = False

    def key(self) -> tuple[str, str, str, str | None]:
        """What happened, wherever it came from."""
        return self.event, self.name, self.version, self.environment

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "at": self.at or None,
            "by": self.by or None,
            "commit": self.commit,
            "event": self.event,
            "name": self.name,
            "version": self.version,
            "environment": self.environment,
            "from": self.before,
            "message": self.message,
            "earlier": self.earlier,
        }


def history(
    project: Project, names: frozenset[str] | None = None, environment: str | None = None, since: str | None = None
) -> list[Event]:
    """The events of some prompts (None: all), in one environment (None: everywhere), newest first.

    `since` is an ISO date or time. GitError where there is no repository.
    """
    earliest = moment(since) if since is not None else None
    events = [*_uncommitted(project), *_committed(project)]
    return [
        event
        for event in events
        if (names is None or event.name in names)
        and (environment is None or event.environment == environment)
        and (earliest is None or not event.at or moment(event.at) >= earliest)
    ]


def _committed(project: Project) -> Iterator[Event]:
    repository = project.repository
    head = repository.head()
    if head is None:
        return
    prefix = pattern(project.prefix)
    commits = list(repository.history(head, [f"{prefix}**/{SUMS_FILE}", f"{prefix}{FOLDER}/*.yaml"]))
    ids = {blob for commit in commits for _, olds, new in commit.changes for blob in (*olds, new)} - {_NOTHING}
    texts = {blob: data.decode("utf-8", "replace") for blob, data in repository.blobs(ids).items()}
    texts[_NOTHING] = ""
    shallow = repository.shallow_commits()
    told: list[list[Event]] = []
    readable: dict[str, str] = {}
    for commit in reversed(commits):
        found: list[Event] = []
        for path, olds, new in commit.changes:
            registry_path = path.removeprefix(project.prefix)
            if not _is_readable(registry_path, texts[new]):
                readable.setdefault(path, texts[olds[0]])
                continue
            before = [readable.pop(path)] if path in readable else [texts[old] for old in olds]
            found.extend(_new_in(registry_path, before, texts[new]))
        told.append(list(_dated(_newest_first(found), commit, shallow)))
    for events in reversed(told):
        yield from events


def _is_readable(path: str, text: str) -> bool:
    try:
        list(_events(path, "", text))
    except PromptregError:
        return False
    return True


def _new_in(path: str, before: list[str], after: str) -> list[Event]:
    """What a file's change means that none of the states before it says already."""
    told = [list(_events(path, old if _is_readable(path, old) else "", after)) for old in before]
    return [event for event in told[0] if all(event.key() in {other.key() for other in rest} for rest in told[1:])]


def _newest_first(events: list[Event]) -> list[Event]:
    """Events of one moment: a version is released before it is pinned."""
    newest = list(reversed(events))
    return sorted(newest, key=lambda event: event.environment is None)


def _dated(events: Iterable[Event], commit: Commit, shallow: frozenset[str]) -> Iterator[Event]:
    """Events with the commit that brought them; the first one of a shallow clone only shows what was there before."""
    for event in events:
        if commit.id in shallow:
            yield replace(event, earlier=True)
        else:
            yield replace(event, at=commit.at, by=commit.by, commit=commit.id)


def _uncommitted(project: Project) -> list[Event]:
    repository = project.repository
    head = repository.head()
    if head is None:
        paths = [f"{FOLDER}/{file}" for file in project.folder.files(FOLDER)]
        paths += [f"{name}/{SUMS_FILE}" for name in project.head.catalog.names()]
        committed = None
    else:
        paths = project.changed_since(head)
        committed = project.at(head)
    events: list[Event] = []
    for path in paths:
        old = committed.source.read(path) if committed else None
        new = (project.folder.read(path) or b"").decode("utf-8", "replace")
        if _is_readable(path, new):
            events.extend(_new_in(path, [(old or b"").decode("utf-8", "replace")], new))
    return _newest_first(events)


def _events(path: str, old: str, new: str) -> Iterator[Event]:
    """What a file's change means; PromptregError for a state that cannot be read."""
    environment = path.removeprefix(f"{FOLDER}/").removesuffix(".yaml")
    if path == environment_path(environment) and not environment.startswith("."):
        yield from _pin_events(environment, read_pins(old, path), read_pins(new, path))
    elif path.endswith(f"/{SUMS_FILE}"):
        name = path.removesuffix(f"/{SUMS_FILE}")
        yield from _release_events(name, read_sums(old, path).releases, read_sums(new, path).releases)


def _release_events(name: str, old: Mapping[str, Release], new: Mapping[str, Release]) -> Iterator[Event]:
    for version, release in new.items():
        before = old.get(version)
        if before is None or before.digest != release.digest:
            yield Event("released", name, version, message=release.message)
        if release.yanked is not None and (before is None or before.yanked is None):
            yield Event("yanked", name, version, message=release.yanked)


def _pin_events(environment: str, old: Mapping[str, Pin], new: Mapping[str, Pin]) -> Iterator[Event]:
    for name, pin in new.items():
        before = old.get(name)
        if before is None or before.version != pin.version:
            yield _moved(environment, pin, before)
    for name, pin in old.items():
        if name not in new:
            yield Event("unpinned", name, pin.version, environment, pin.version)


def _moved(environment: str, pin: Pin, before: Pin | None) -> Event:
    event, message = "promoted", ""
    if before and before.previous and before.previous[0] == pin.version:
        event = "rolled-back"
    if pin.waiver:
        event = "waived"
        message = f"{pin.waiver['verdict']} ({pin.waiver['figures']}), {pin.waiver['by']}: {pin.waiver['reason']}"
    return Event(event, pin.name, pin.version, environment, before.version if before else None, message)


def pins_at(project: Project, environment: str, when: str) -> tuple[str, dict[str, Pin]]:
    """What an environment pinned at a revision, or at a date on the first-parent line: the commit, and the pins.

    A date without a time means its end.
    """
    repository = project.repository
    commit = repository.commit_at(moment(when, end=True).isoformat()) if _is_date(when) else repository.commit_id(when)
    if commit is None:
        raise PromptregError(f"there is no commit before {when}.")
    view = project.at(commit)
    if view is None:
        raise PromptregError(f"{commit[:12]} holds no registry at {project.prefix or '.'}.")
    return commit, view.catalog.pins(environment)


def moment(text: str, *, end: bool = False) -> datetime:
    """An ISO date or time, of this machine's time zone where it names none; a date means its start, or its `end`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise PromptregError(f"{text!r} is no date. Write 2026-11-20, or 2026-11-20T14:30.") from None
    if end and len(text) == len("2026-11-20"):
        found = found.replace(hour=23, minute=59, second=59)
    return found.astimezone()


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d([T ][\d:.]+)?", text))
    return "-" in text
