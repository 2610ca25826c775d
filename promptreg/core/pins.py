"""Environment files: which version of each prompt an environment runs (docs/files.md).

    support/answer:
      version: 1.1.0
      digest: sha256:…
      previous: 1.0.0 sha256:…

A flat block mapping and nothing else, so that one entry can be found by its line without reading the rest.
"""

from __future__ import annotations

from typing import Any

from promptreg.core.errors import FileError
from promptreg.core.names import is_name
from promptreg.core.sums import is_digest
from promptreg.core.text import OWN_CONFLICT, marked_line
from promptreg.core.versions import is_version

FOLDER = "environments"
WAIVER_KEYS = ("version", "from", "verdict", "figures", "by", "date", "reason")
_KEYS = ("version", "digest", "previous", "rollout", "waiver")


class Pin:
    """An environment's entry for one prompt.

    `previous` is (version, digest) of what was pinned before, or None; `rollout` is (version, digest, percent) of a
    version that a share of keys gets, or None; `waiver` the record of a promotion against the gate, or None.
    `line` is where the entry stands.
    """

    __slots__ = ("digest", "line", "name", "previous", "rollout", "version", "waiver")

    def __init__(
        self,
        name: str,
        version: str,
        digest: str,
        *,
        previous: tuple[str, str] | None = None,
        rollout: tuple[str, str, float] | None = None,
        waiver: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.digest = digest
        self.previous = previous
        self.rollout = rollout
        self.waiver = waiver
        self.line = 0

    def facts(self) -> tuple[Any, ...]:
        """All that the entry says, to compare two of them."""
        waiver = tuple(sorted(self.waiver.items())) if self.waiver else None
        return self.version, self.digest, self.previous, self.rollout, waiver

    def text(self) -> str:
        """The entry as it is written, with its line ends."""
        lines = [f"{self.name}:", f"  version: {self.version}", f"  digest: {self.digest}"]
        if self.previous:
            lines.append(f"  previous: {' '.join(self.previous)}")
        if self.rollout:
            version, digest, percent = self.rollout
            lines.append(f"  rollout: {version} {digest} {_share(percent)}%")
        if self.waiver:
            import json

            lines.append(f"  waiver: {json.dumps(self.waiver, ensure_ascii=False).translate(_ESCAPED)}")
        return "\n".join(lines) + "\n"


#: Characters that YAML does not take as they are, or takes for a line's end.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)}


def _share(percent: float) -> str:
    from decimal import Decimal

    text = f"{Decimal(repr(percent)):f}"
    return text.removesuffix(".0")


def environment_path(environment: str) -> str:
    """Where an environment's file stands in the registry."""
    return f"{FOLDER}/{environment}.yaml"


def find_pin(text: str, name: str, path: str) -> Pin | None:
    """One entry, found by its line; None where there is none. FileError for what is wrong with it, or doubled."""
    start = _find(text, name, 0)
    if start < 0:
        return None
    line = text.count("\n", 0, start) + 1
    if _find(text, name, start + 1) >= 0:
        raise FileError(f"{name} stands here a second time further down.", path=path, line=line)
    return _read_entry(text[start : _end(text, start)].split("\n"), line, path)


def _find(text: str, name: str, start: int) -> int:
    entry = f"{name}:\n"
    if start == 0 and text.startswith(entry):
        return 0
    found = text.find(f"\n{entry}", max(start - 1, 0))
    return found + 1 if found >= 0 else -1


def read_pins(text: str, path: str) -> dict[str, Pin]:
    """All entries of an environment file; FileError with path and line for anything else that stands in it."""
    conflict = marked_line(text)
    if conflict is not None:
        raise FileError(OWN_CONFLICT, path=path, line=conflict)
    lines = text.split("\n")
    pins: dict[str, Pin] = {}
    number, last = 0, ""
    while number < len(lines):
        if not lines[number].strip() or lines[number].startswith("#"):
            number += 1
            continue
        end = number + 1
        while end < len(lines) and lines[end].startswith(" "):
            end += 1
        pin = _read_entry(lines[number:end], number + 1, path)
        if pin.name in pins:
            raise FileError(f"{pin.name} stands here a second time.", path=path, line=pin.line)
        if pin.name < last:
            raise FileError(f"{pin.name} stands behind {last}; names stand sorted.", path=path, line=pin.line)
        last = pin.name
        pins[pin.name] = pin
        number = end
    return pins


def _read_entry(lines: list[str], number: int, path: str) -> Pin:
    name = lines[0].removesuffix(":")
    if name == lines[0] or not is_name(name):
        raise FileError(
            f"{lines[0].strip()[:60]!r} is not the name of a prompt and a colon. An environment file holds entries of "
            "promptreg's own and comments, nothing else.",
            path=path,
            line=number,
        )
    fields: dict[str, str] = {}
    for offset, line in enumerate(lines[1:], start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = line[2:].partition(": ")
        if not line.startswith("  ") or not colon or key not in _KEYS or key in fields:
            raise FileError(f"{line.strip()[:60]!r} cannot stand in an entry.", path=path, line=number + offset)
        fields[key] = value.strip()
    try:
        pin = _pin(name, fields)
    except ValueError as problem:
        raise FileError(f"{name}: {problem}.", path=path, line=number) from None
    pin.line = number
    return pin


def _pin(name: str, fields: dict[str, str]) -> Pin:
    if "version" not in fields or "digest" not in fields:
        raise ValueError("an entry needs version and digest")
    version, digest = _exact(f"{fields['version']} {fields['digest']}")
    previous = _exact(fields["previous"]) if "previous" in fields else None
    rollout = _rollout(fields["rollout"]) if "rollout" in fields else None
    waiver = _waiver(fields["waiver"]) if "waiver" in fields else None
    return Pin(name, version, digest, previous=previous, rollout=rollout, waiver=waiver)


def _exact(text: str) -> tuple[str, str]:
    version, _, digest = text.partition(" ")
    if not is_version(version):
        raise ValueError(f"{version!r} is not a version")
    if not is_digest(digest):
        raise ValueError(f"{digest!r} is not a digest (sha256: and 64 hexadecimal digits)")
    return version, digest


def _rollout(text: str) -> tuple[str, str, float]:
    exact, _, percent = text.rpartition(" ")
    version, digest = _exact(exact)
    try:
        share = float(percent.removesuffix("%"))
    except ValueError:
        share = -1.0
    if not percent.endswith("%") or not 0 < share < 100:
        raise ValueError(f"{percent!r} is not a share like 10%")
    return version, digest, share


def _waiver(text: str) -> dict[str, Any]:
    from promptreg.core.yaml_reader import read_yaml

    try:
        data = read_yaml(text, "waiver").data
    except FileError as problem:
        raise ValueError(problem.message.rstrip(".")) from None
    if not isinstance(data, dict) or set(data) != set(WAIVER_KEYS):
        raise ValueError(f"a waiver is a mapping of {', '.join(WAIVER_KEYS)}")
    return data


def with_pin(text: str, pin: Pin) -> str:
    """The text of an environment file with an entry put in or replaced; every other line stays as it is.

    A new entry goes before the first name that sorts after it. Comments inside a replaced entry stay with it.
    """
    start, end = _span(text, pin.name)
    if start is None:
        at = _place(text, pin.name)
        before = text[:at]
        if before and not before.endswith("\n"):
            before += "\n"
        return before + pin.text() + text[at:]
    comments = "".join(f"{line}\n" for line in text[start:end].split("\n") if line.lstrip().startswith("#"))
    name_line, _, fields = pin.text().partition("\n")
    return f"{text[:start]}{name_line}\n{comments}{fields}{text[end:]}"


def without_pin(text: str, name: str) -> str:
    """The text of an environment file without the entry of a prompt."""
    start, end = _span(text, name)
    return text if start is None else text[:start] + text[end:]


def _span(text: str, name: str) -> tuple[int | None, int]:
    start = _find(text, name, 0)
    return (None, 0) if start < 0 else (start, _end(text, start))


def _end(text: str, start: int) -> int:
    """Where the entry that begins at `start` ends."""
    end = start
    while True:
        line_end = text.find("\n", end)
        if line_end < 0:
            return len(text)
        end = line_end + 1
        if text[end : end + 1] != " ":
            return end


def _place(text: str, name: str) -> int:
    """Where a new entry goes: before the next name and the comment directly above it."""
    at = above = 0
    for line in text.split("\n"):
        key = line.removesuffix(":")
        if key != line and key > name and is_name(key):
            return above or at
        at += len(line) + 1
        if not line.startswith("#"):
            above = at
    return len(text)


def share_of(name: str, salt: str, key: str) -> float:
    """Where a key falls between 0 and 100 for a rollout; the same for the same name, salt and key, everywhere."""
    import hashlib

    number = int.from_bytes(
        hashlib.sha256(f"{name}\n{salt}\n{key}".encode("utf-8", "surrogatepass")).digest()[:8], "big"
    )
    return number / 2**64 * 100
