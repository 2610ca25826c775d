"""Canonical bytes and digests (docs/files.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from promptreg.core.errors import FileError, PromptFileError

#: Control characters other than tab, line feed and carriage return.
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])


def decode(data: bytes, path: str, error: type[FileError] = FileError) -> str:
    """UTF-8 bytes as text with LF line ends and without a byte order mark; an error with its place otherwise."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        before = data[: problem.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise error(
            f"this is not UTF-8 (byte 0x{data[problem.start]:02x}){_guess(data)}. Save the file as UTF-8.",
            path=path,
            line=line,
            column=column,
        ) from None
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(data.translate(None, _CONTROLS)) != len(data):
        raise _control(text, path, error)
    return text


def _guess(data: bytes) -> str:
    found = looks_like(data)
    return f"; it looks like {found}" if found else ""


def looks_like(data: bytes) -> str:
    """The encoding that bytes seem to be in which are not UTF-8; empty where that cannot be told."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    for encoding, label in (("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP")):
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        if any("\u3040" <= character <= "\u30ff" or "\u4e00" <= character <= "\u9fff" for character in text):
            return label
    return ""


def _control(text: str, path: str, error: type[FileError]) -> FileError:
    at = next(at for at, character in enumerate(text) if ord(character) < 128 and ord(character) in _CONTROLS)
    before = text[:at]
    return error(
        f"the control character U+{ord(text[at]):04X} cannot stand in this file. Remove it.",
        path=path,
        line=before.count("\n") + 1,
        column=len(before) - before.rfind("\n"),
    )


CONFLICT = "merge conflict markers stand here. Settle the conflict, then try again."
#: The same in files that promptreg writes, where it can settle them.
OWN_CONFLICT = (
    "merge conflict markers stand here. Settle prompt.md by hand, then: promptreg check --fix && promptreg ship "
    "--changed --to ENV"
)
#: The same in a version, which nobody edits.
_FROZEN_CONFLICT = (
    "merge conflict markers stand here, in a version, which is never edited. Take one side of it whole, and release "
    "the other again: git checkout --ours {path} && promptreg check --fix"
)
_MARKS = ("<<<<<<<", "|||||||", ">>>>>>>")
#: Signs as Japanese keyboards and word processors write them, and what files of data need.
_WIDE = str.maketrans("：＝，“”｛｝［］", ':=,""{}[]')
WIDE_SIGN = (
    "full-width or curly signs stand here. Write them half-width: {signs} (全角の記号です。半角にしてください。)"
)


def wide_signs(text: str, reads: Callable[[str], object]) -> str | None:
    """A sentence about signs that keep a text from being read, where `reads` takes it once they are half-width."""
    narrow = text.translate(_WIDE)
    if narrow == text:
        return None
    try:
        reads(narrow)
    except (ValueError, RecursionError):
        return None
    signs = dict.fromkeys(sign for sign in text if sign.translate(_WIDE) != sign)
    return WIDE_SIGN.format(signs=" ".join(f"{sign} → {sign.translate(_WIDE)}" for sign in signs))


def marked_line(text: str) -> int | None:
    """The line (from 1) of git's first conflict marker, in a file in which no other line begins like one."""
    if not any(mark in text for mark in _MARKS):
        return None
    lines = enumerate(text.split("\n"), start=1)
    return next((number for number, line in lines if line.startswith(_MARKS)), None)


def conflict_line(text: str) -> int | None:
    """The line (from 1) on which git's conflict markers begin, None where the text holds none."""
    if "<<<<<<< " not in text or ">>>>>>> " not in text:
        return None
    start = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("<<<<<<< "):
            start = number
        elif start and line.startswith(">>>>>>> "):
            return start
    return None


def canonical(data: bytes, path: str) -> str:
    """The canonical text of a prompt file: UTF-8, no byte order mark, LF, one final newline.

    Raises PromptFileError for what is not UTF-8, holds control characters, or is empty.
    """
    text = decode(data, path, PromptFileError).rstrip("\n") + "\n"
    if text == "\n":
        raise PromptFileError("the file is empty.", path=path)
    conflict = conflict_line(text)
    if conflict is not None:
        message = _FROZEN_CONFLICT.format(path=path) if "/versions/" in path else CONFLICT
        raise PromptFileError(message, path=path, line=conflict)
    return text


def digest(text: str, includes: Mapping[str, str]) -> str:
    """`sha256:…` over canonical text and the digests of what it includes (`NAME@VERSION` → digest)."""
    import hashlib

    sha = hashlib.sha256(b"promptreg 1\n")
    sha.update(text.encode())
    sha.update(b"\n")
    for include in sorted(includes):
        sha.update(f"{include} {includes[include]}\n".encode())
    return f"sha256:{sha.hexdigest()}"
