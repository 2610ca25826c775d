"""Which number a change may have (check 5, docs/files.md)."""

from __future__ import annotations

from collections.abc import Sequence

from promptreg.core.versions import is_prerelease, precedence
from promptreg.diff.contract import BUMPS, MAJOR, MINOR, PATCH, Change, bump_of
from promptreg.diff.sentences import sentence


def highest(versions: Sequence[str]) -> str | None:
    """The greatest of some versions; None of none."""
    return max(versions, key=precedence, default=None)


def greatest_lower(version: str, versions: Sequence[str]) -> str | None:
    """The greatest of some versions below another one."""
    return highest([known for known in versions if precedence(known) < precedence(version)])


def newest_of_each(versions: Sequence[str]) -> list[str]:
    """The greatest of some versions and, where that is a pre-release, the greatest final one: what people run."""
    found = (highest(versions), highest([known for known in versions if not is_prerelease(known)]))
    return list(dict.fromkeys(filter(None, found)))


def compared_with(version: str, versions: Sequence[str]) -> list[str]:
    """The versions that a new one must fit: the newest below it, of pre-releases and of final ones."""
    return newest_of_each([known for known in versions if precedence(known) < precedence(version)])


def bumped(version: str, bump: str) -> str:
    """The version that follows by a bump. Below 1.0.0 a major change asks for the next minor."""
    major, minor, patch, final, _ = precedence(version)
    if not final:
        return f"{major}.{minor}.{patch}"
    if bump == MAJOR and major > 0:
        return f"{major + 1}.0.0"
    if bump == MAJOR or (bump == MINOR and major > 0):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def bump_problem(version: str, below: str, changes: list[Change]) -> str | None:
    """Why a version's number does not allow its changes; None where it does."""
    needed = bump_of(changes)
    if needed is None or allows(below, version, needed):
        return None
    why = "; ".join(sentence(change) for change in changes if change.bump == needed)
    right = bumped(below, needed)
    return f"{version} after {below} is no {needed} bump, and this change is {needed}: {why}. It should be {right}."


def allows(below: str, version: str, needed: str) -> bool:
    """Whether a step between two versions is as far as a bump, or free: below 1.0.0, and after a pre-release."""
    old, new = precedence(below), precedence(version)
    if old[0] == 0 or is_prerelease(below) or old[:3] == new[:3]:
        return True
    return BUMPS.index(actual_bump(below, version)) >= BUMPS.index(needed)


def actual_bump(below: str, version: str) -> str:
    """How far a version's number goes from another's."""
    old, new = precedence(below), precedence(version)
    return MAJOR if new[0] > old[0] else MINOR if new[1] > old[1] else PATCH
