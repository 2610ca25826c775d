"""Check 2: what base has under versions/ and evals/results/ is unchanged, and versions.sum only grew."""

from __future__ import annotations

import re

from promptreg.check.change import Change, prompt_of
from promptreg.core.catalog import FORMATTERS
from promptreg.core.errors import PromptregError
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.text import decode
from promptreg.evals.results import OUTPUTS
from promptreg.git.repo import pattern
from promptreg.project import View
from promptreg.selection import drafts_including

FIX = "promptreg check --fix"


def check_frozen(change: Change) -> None:
    """Compare the frozen files of the prompts that differ with those of base."""
    before = change.before
    if before is None:
        return
    gone = removed_prompts(change)
    for removed in gone:
        _removed(change, removed)
    for path in change.paths:
        name = prompt_of(path)
        old = before.source.read(path)
        if name is None or name in gone or old is None or change.base_sums(name) is None:
            continue
        rest = path[len(name) + 1 :]
        if rest == SUMS_FILE:
            _sums(change, name, path, old)
        elif rest.startswith("versions/"):
            _version(change, before, name, path)
        elif rest.startswith("evals/results/"):
            _result(change, name, path)


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
        for release in view.catalog.sums(other).releases.values():
            if any(include.partition("@")[0] == name for include in release.includes):
                found.add(other)
    return found


def _sums(change: Change, name: str, path: str, old: bytes) -> None:
    new = change.head.source.read(path)
    if new is None:
        change.error(
            "sum-rewritten", f"{name}/{SUMS_FILE} was removed; it only ever grows.", prompt=name, path=path, fix=FIX
        )
        return
    try:
        lines = decode(new, path).split("\n")
        remaining = iter(lines)
        lost = [line for line in decode(old, path).split("\n") if line.strip() and line not in remaining]
    except PromptregError:
        return
    if lost:
        version = lost[0].split(" ", 1)[0]
        message = f"the line of {version} was changed or removed; {SUMS_FILE} only ever grows."
        change.error("sum-rewritten", message, prompt=name, path=path, fix=FIX)


def _version(change: Change, before: View, name: str, path: str) -> None:
    version = path.rpartition("/")[2].removesuffix(".txt")
    if version not in before.catalog.sums(name).releases:
        return
    now, old = change.head.source.read(path), before.source.read(path)
    if now is None:
        reverted = _looks_reverted(change, name, version, path)
        message = f"this change deletes {name} {version}, which base has{reverted}. Released versions stay."
        change.error(
            "frozen-deleted", message, prompt=name, path=path, fix=f"{FIX} keeps it and leaves the pins as they are"
        )
    elif old is not None and now.split() == old.split():
        message = f"versions/{version}.txt is not what was released: white space differs. {FORMATTERS}"
        change.error("frozen-changed", message, prompt=name, path=path, fix=FIX)
    else:
        message = f"versions/{version}.txt was changed; released versions never change. An edit belongs into prompt.md."
        change.error(
            "frozen-changed", message, prompt=name, path=path, fix=f"{FIX} moves it there, or undoes a formatter's work"
        )


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


def _result(change: Change, name: str, path: str) -> None:
    now = change.head.source.read(path)
    if now is None:
        if not path.endswith(OUTPUTS):
            message = "this change deletes a stored result, which is evidence."
            change.error("result-deleted", message, prompt=name, path=path, fix=FIX)
    else:
        message = "a stored result was changed. Results are what a run found; run it again for new ones."
        change.error("result-changed", message, prompt=name, path=path, fix=FIX)
