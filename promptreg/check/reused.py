"""A number is used once: a version that base's history had with another text does not come again."""

from __future__ import annotations

from collections.abc import Iterator

from promptreg.check.change import Change
from promptreg.core.errors import PromptregError
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.sums import Release
from promptreg.diff.bumps import bumped, highest

#: How many files git is asked about at once: a command line has an end.
_AT_ONCE = 200


def check_reused(change: Change) -> None:
    """Compare the lines that are new in head with what versions.sum said on base's way. Nothing in a shallow clone."""
    if change.before is None or change.base is None:
        return
    new = {name: releases for name in change.names() if (releases := _new(change, name))}
    for name, version, digest, commit in _earlier(change, list(new)):
        if version in new[name] and new[name][version].digest != digest:
            del new[name][version]
            number = bumped(highest([version, *change.head.catalog.sums(name).versions()]) or version, "patch")
            message = f"{name} {version} had another text before (until {commit[:9]}). A number is used once."
            fix = f"take the line and its file out, then: promptreg release {name} --version {number}"
            change.error("version-reused", message, prompt=name, path=f"{name}/{SUMS_FILE}", fix=fix)


def _new(change: Change, name: str) -> dict[str, Release]:
    """The releases of a prompt that base does not have."""
    before = change.base_sums(name)
    try:
        now = change.head.catalog.sums(name).releases
    except PromptregError:  # told where the file itself is read
        return {}
    return {version: release for version, release in now.items() if before and version not in before.releases}


def _earlier(change: Change, names: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Each line that stood in a versions.sum before: prompt, version, digest, and the commit that changed the file."""
    assert change.base is not None
    past, prefix = change.project.past(change.base.id), change.project.prefix
    for start in range(0, len(names), _AT_ONCE):
        for path, commit, text in past.texts([f"{prefix}{name}/{SUMS_FILE}" for name in names[start:][:_AT_ONCE]]):
            for line in text.split("\n"):
                words = line.split(" ", 2)
                if len(words) == 3 and words[1] != "yanked":
                    yield path[len(prefix) :].removesuffix(f"/{SUMS_FILE}"), words[0], words[1], commit
