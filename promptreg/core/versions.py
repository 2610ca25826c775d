"""Semantic versions (https://semver.org, 2.0.0, without build metadata) and npm ranges."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from promptreg.core.errors import SpecError

_DIGITS = frozenset("0123456789")
_LABEL = _DIGITS | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")

Precedence = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]


@lru_cache(maxsize=4096)
def precedence(version: str) -> Precedence:
    """The sort key of a version by SemVer's rules; SpecError where it is not one.

    >>> precedence("1.0.0-rc.1") < precedence("1.0.0")
    True
    """
    core, dash, label = version.partition("-")
    numbers = core.split(".")
    if len(numbers) != 3 or not all(_is_number(number) for number in numbers) or (dash and not label):
        raise SpecError(f"{version!r} is not a version. Versions look like 1.2.0 or 1.2.0-rc.1.")
    parts: list[tuple[bool, int, str]] = []
    for part in label.split(".") if dash else ():
        if _is_number(part):
            parts.append((False, int(part), ""))
        elif part and _LABEL.issuperset(part) and not _DIGITS.issuperset(part):
            parts.append((True, 0, part))
        else:
            raise SpecError(f"{version!r} is not a version: {part!r} cannot stand after the dash.")
    return int(numbers[0]), int(numbers[1]), int(numbers[2]), not dash, tuple(parts)


def _is_number(text: str) -> bool:
    return bool(text) and _DIGITS.issuperset(text) and (text == "0" or text[0] != "0") and len(text) <= 9


def is_version(text: str) -> bool:
    """Whether the text is a full version, `1.2.0` or `1.2.0-rc.1`."""
    try:
        precedence(text)
    except SpecError:
        return False
    return True


def is_prerelease(version: str) -> bool:
    """Whether a version is a pre-release (`1.2.0-rc.1`)."""
    return "-" in version


def check_range(text: str) -> None:
    """SpecError where npm would not read the text as a range."""
    import nodesemver

    try:
        nodesemver.make_range(text, loose=False)
        wrong = "**" in text or any(_number_after_x(word) for word in text.replace("||", " ").split())
    except ValueError:
        wrong = True
    if wrong:
        raise SpecError(
            f"{text!r} is not a range that npm reads. Ranges look like 1, 1.2, ^1.2, ~1.2.3, '>=1 <3' or '1.x || 2.x'."
        )


def _number_after_x(word: str) -> bool:
    """Whether a number follows an x, as in `1.x.3`, which npm refuses and node-semver reads as `1.x`."""
    parts = word.lstrip("^~<>=vV").split("-")[0].split(".")
    wild = [part in ("x", "X", "*") for part in parts]
    return any(before and not after for before, after in pairwise(wild))


def matching(text: str, versions: Iterable[str]) -> list[str]:
    """The versions that an npm range admits, in the order given; pre-releases only where the range names one."""
    import nodesemver

    check_range(text)
    if any(part.strip() in ("", "*", "x", "X") for part in text.split("||")):
        text = "*"  # as npm reads it: what admits everything names no pre-release
    wanted = nodesemver.make_range(text, loose=False)
    return [version for version in versions if wanted.test(version)]


def newest(versions: Iterable[str]) -> str | None:
    """The version of highest precedence; pre-releases only where there is nothing else; None of none."""
    ranked = sorted(versions, key=lambda version: (not is_prerelease(version), precedence(version)))
    return ranked[-1] if ranked else None
