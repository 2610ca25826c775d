"""Check 2: what base has under versions/ and evals/results/ is unchanged, and versions.sum only grew."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from promptreg.check.change import Change
from promptreg.core.catalog import FORMATTERS
from promptreg.core.errors import PromptregError
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.text import decode
from promptreg.evals.results import OUTPUTS
from promptreg.git.commits import pattern
from promptreg.git.source import RevisionSource
from promptreg.project import View
from promptreg.selection import drafts_including

FIX = "promptreg check --fix"


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """A file that base froze and that head has otherwise: of which prompt, and its bytes (`now` is None: gone)."""

    name: str
    path: str
    old: bytes
    now: bytes | None

    @property
    def rest(self) -> str:
        """Where it stands in the prompt's folder."""
        return self.path[len(self.name) + 1 :]


def frozen_files(change: Change, without: Container[str] = ()) -> Iterator[FrozenFile]:
    """What base has under versions/ and evals/results/, and its versions.sum, where head's bytes differ.

    Prompts in `without` are left out. What cannot be read is told, and hides nothing else.
    """
    before = change.before
    if before is None:
        return
    found = [(name, path) for path in change.paths if (name := change.prompt_of(path)) and name not in without]
    found = [(name, path) for name, path in found if path not in change.links and _is_frozen(path[len(name) + 1 :])]
    if isinstance(before.source, RevisionSource):
        before.source.fetch(path for _, path in found)
    for name, path in found:
        try:
            old, now = before.source.read(path), change.head.source.read(path)
        except PromptregError as problem:
            change.problem(problem, name)
            continue
        if old is not None and now != old and change.base_sums(name) is not None and not _is_redacted(path, old, now):
            yield FrozenFile(name, path, old, now)


def _is_frozen(rest: str) -> bool:
    return rest == SUMS_FILE or rest.startswith(("versions/", "evals/results/"))


def _is_redacted(path: str, old: bytes, now: bytes | None) -> bool:
    """Whether from a file of outputs nothing but lines, or all, was taken: outputs may hold personal data."""
    if not path.endswith(OUTPUTS) or now is None:
        return path.endswith(OUTPUTS)
    remaining = iter(old.splitlines(keepends=True))
    return all(line in remaining for line in now.splitlines(keepends=True))


def check_frozen(change: Change) -> None:
    """Compare the frozen files of the prompts that differ with those of base."""
    if change.before is None:
        return
    gone = removed_prompts(change)
    for removed in gone:
        _removed(change, removed)
    for file in frozen_files(change, gone):
        if file.rest == SUMS_FILE:
            _sums(change, file)
        elif file.rest.startswith("versions/"):
            _version(change, file)
        else:
            _result(change, file)


def removed_prompts(change: Change) -> list[str]:
    """The prompts that base has versions of and of which no file is left."""
    found = []
    for name, paths in change.base_files().items():
        sums = change.base_sums(name)
        if sums and sums.releases and not any(change.head.source.has(path) for path in paths):
            found.append(name)
    return found


def users_of_removed(change: Change, name: str) -> list[str]:
    """Why a prompt cannot be removed: who pins or includes it, in base or in head."""
    users = set()
    for when, view in (("base", change.before), ("head", change.head)):
        if view is None:
            continue
        for environment in view.catalog.settings.environments:
            try:
                if view.catalog.pin(environment, name) is not None:
                    users.add(f"{environment} pins it in {when}")
            except PromptregError:
                users.add(f"{environment} cannot be read in {when}")
        users.update(f"{other} includes it in {when}" for other in _including(view, name))
    return sorted(users)


def _removed(change: Change, name: str) -> None:
    users = users_of_removed(change, name)
    if users:
        message = f"{name} is removed, and {'; '.join(users[:5])}."
        change.error("prompt-removed", message, prompt=name, path=name, fix=FIX)


def _including(view: View, name: str) -> set[str]:
    found = {other for other in drafts_including(view, name) if other != name}
    for other in view.catalog.names():
        if any(include.partition("@")[0] == name for include in _included(view, other)):
            found.add(other)
    return found


def _included(view: View, name: str) -> list[str]:
    """What a prompt's versions include; nothing where its versions.sum cannot be read, which is told elsewhere."""
    try:
        releases = view.catalog.sums(name).releases.values()
    except PromptregError:
        return []
    return [include for release in releases for include in release.includes]


def _sums(change: Change, file: FrozenFile) -> None:
    name, path = file.name, file.path
    if file.now is None:
        message = f"{name}/{SUMS_FILE} was removed; it only ever grows."
        change.error("sum-rewritten", message, prompt=name, path=path, fix=FIX)
        return
    try:
        remaining = iter(decode(file.now, path).split("\n"))
        lost = [line for line in decode(file.old, path).split("\n") if line.strip() and line not in remaining]
    except PromptregError:
        return
    if lost:
        version = lost[0].split(" ", 1)[0]
        message = f"the line of {version} was changed or removed; {SUMS_FILE} only ever grows."
        change.error("sum-rewritten", message, prompt=name, path=path, fix=FIX)


def is_released(change: Change, file: FrozenFile) -> str | None:
    """The version that a file below versions/ is, where base released it."""
    version = file.path.rpartition("/")[2].removesuffix(".txt")
    sums = change.base_sums(file.name)
    return version if sums and version in sums.releases else None


def _version(change: Change, file: FrozenFile) -> None:
    version = is_released(change, file)
    if version is None:
        return
    rule, fix = "frozen-changed", FIX
    if file.now is None:
        rule, fix = "frozen-deleted", f"{FIX} keeps it and leaves the pins as they are"
        reverted = _looks_reverted(change, file.name, version, file.path)
        message = f"this change deletes {file.name} {version}, which base has{reverted}. Released versions stay."
    elif file.now.split() == file.old.split():
        message = f"versions/{version}.txt is not what was released: white space differs. {FORMATTERS}"
    else:
        fix = f"{FIX} moves it there, or undoes a formatter's work"
        message = f"versions/{version}.txt was changed; released versions never change. An edit belongs into prompt.md."
    change.error(rule, message, prompt=file.name, path=file.path, fix=fix)


def _looks_reverted(change: Change, name: str, version: str, path: str) -> str:
    """`: it looks like a revert of #214`, where the version's line went with it."""
    try:
        if change.base is None or version in change.head.catalog.sums(name).releases:
            return ""
    except PromptregError:
        return ""
    repository = change.project.repository
    found = None
    if not repository.is_shallow():
        log = repository.history(change.base.id, [pattern(change.project.prefix + path)])
        found = next(iter(log), None)
    if found is None:
        return ": it looks like a revert"
    number = re.search(r"#\d+", found.subject)
    return f": it looks like a revert of {number[0] if number else found.id[:9]}"


def _result(change: Change, file: FrozenFile) -> None:
    if file.now is not None:
        message = "a stored result was changed. Results are what a run found; run it again for new ones."
        change.error("result-changed", message, prompt=file.name, path=file.path, fix=FIX)
    else:
        message = "this change deletes a stored result, which is evidence."
        change.error("result-deleted", message, prompt=file.name, path=file.path, fix=FIX)
