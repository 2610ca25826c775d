"""`versions.sum`: one line a version, append-only; the line is the commit point of a release (docs/files.md).

1.0.0 sha256:… 2026-11-20 shared/tone@1.0.0 # First
1.0.0 yanked 2026-12-01 # Leaks the ticket number
"""

from __future__ import annotations

from functools import lru_cache

from promptreg.core.errors import FileError, SpecError
from promptreg.core.names import parse_spec
from promptreg.core.text import OWN_CONFLICT, marked_line
from promptreg.core.versions import is_version, newest

FILE = "versions.sum"
_DIGEST_LENGTH = len("sha256:") + 64
_HEX = frozenset("0123456789abcdef")


class Release:
    """One version: its digest, the date of its release (ISO), the exact includes and the message.

    `yanked` is None, or the reason why it was withdrawn.
    """

    __slots__ = ("date", "digest", "includes", "message", "version", "yanked", "yanked_on")

    def __init__(self, version: str, digest: str, date: str, includes: tuple[str, ...] = (), message: str = "") -> None:
        self.version = version
        self.digest = digest
        self.date = date
        self.includes = includes
        self.message = message
        self.yanked: str | None = None
        self.yanked_on: str | None = None

    def line(self) -> str:
        """The line of versions.sum, with its line end."""
        return " ".join((self.version, self.digest, self.date, *self.includes)) + _comment(self.message)


def yank_line(version: str, date: str, reason: str) -> str:
    """The line that withdraws a version, with its line end."""
    return f"{version} yanked {date}{_comment(reason)}"


def one_line(text: str) -> str:
    """A text that people typed as one line of UTF-8: blanks and control characters become single blanks."""
    printable = text.encode("utf-8", "replace").decode().translate(_BLANKS)
    return " ".join(printable.split())


_BLANKS = dict.fromkeys([*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFFFE, 0xFFFF], " ")


def _comment(message: str) -> str:
    words = one_line(message)
    return f" # {words}\n" if words else "\n"


def is_digest(text: str) -> bool:
    """Whether a text is `sha256:` and 64 hexadecimal digits."""
    return len(text) == _DIGEST_LENGTH and text.startswith("sha256:") and _HEX.issuperset(text[7:])


class Sums:
    """All versions of one prompt, in the order of their lines."""

    __slots__ = ("path", "releases")

    def __init__(self, path: str) -> None:
        self.path = path
        self.releases: dict[str, Release] = {}

    def versions(self) -> list[str]:
        """All versions, yanked ones too, in the order of their release."""
        return list(self.releases)

    def standing(self) -> list[str]:
        """The versions that are not yanked."""
        return [version for version, release in self.releases.items() if release.yanked is None]

    def latest(self) -> str | None:
        """The newest version that is not yanked."""
        return newest(self.standing())


def read_sums(text: str, path: str) -> Sums:
    """Read versions.sum; FileError with path and line for a line that cannot be one."""
    conflict = marked_line(text)
    if conflict is not None:
        raise FileError(OWN_CONFLICT, path=path, line=conflict)
    sums = Sums(path)
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            problem = _read_line(sums, line)
            if problem:
                raise FileError(problem, path=path, line=number)
    return sums


_NO_LINE = "this is not a line of versions.sum (VERSION sha256:… DATE [INCLUDES] # MESSAGE)."


def _read_line(sums: Sums, line: str) -> str | None:
    facts, _, message = line.partition(" # ")
    words = facts.removesuffix(" #").split(" ")
    if len(words) < 3 or not is_version(words[0]):
        return _NO_LINE
    version, what, date, *includes = words
    if not _is_date(date):
        return f"{date} is not a date like 2026-11-20."
    if what == "yanked":
        return _read_yank(sums, version, date, includes, message)
    if not is_digest(what):
        return f"{what} is not a digest (sha256: and 64 hexadecimal digits)."
    if version in sums.releases:
        return f"{version} stands here a second time."
    for include in includes:
        if not _is_exact(include):
            return f"{include} is not an exact include (NAME@VERSION)."
    sums.releases[version] = Release(version, what, date, tuple(includes), message)
    return None


def _read_yank(sums: Sums, version: str, date: str, extra: list[str], reason: str) -> str | None:
    if extra:
        return _NO_LINE
    known = sums.releases.get(version)
    if known is None:
        return f"{version} is yanked here and was not released above."
    known.yanked, known.yanked_on = reason, date
    return None


def _is_exact(include: str) -> bool:
    try:
        _, selector = parse_spec(include)
    except SpecError:
        return False
    return selector is not None and selector.kind == "version"


@lru_cache(maxsize=1024)
def _is_date(text: str) -> bool:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
