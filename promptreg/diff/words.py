"""Differences between two texts, word by word; character by character where no space parts words."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

Pieces = list[tuple[str, str]]

# Scripts without spaces between words: Thai and Lao, Myanmar, Khmer, kana, Han, and full-width forms.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
)
_TOKEN = re.compile(
    rf"\{{\{{.*?\}}\}}|\{{%.*?%\}}|\{{#.*?#\}}|\n|[^\S\n]+|(?:(?![{_UNSPACED}])\w)+|.",
    re.DOTALL,
)
_JOINER = "\u200d"
_MANY_LINES = 4000
#: Texts that share less than this are told whole: word by word they would be confetti.
_RELATED = 0.3


def tokens(text: str) -> list[str]:
    """A text in pieces: template tags whole, words, runs of spaces, single graphemes of everything else."""
    found: list[str] = []
    for token in _TOKEN.findall(text):
        if found and (_extends(found[-1], token) or _is_half_a_flag(found[-1], token)):
            found[-1] += token
        else:
            found.append(token)
    return found


def _extends(before: str, token: str) -> bool:
    """Whether a character belongs to the grapheme before it: a mark, a joiner, or what a joiner joins."""
    first = token[0]
    return (
        before != "\n"
        and not before.isspace()
        and (
            first == _JOINER
            or before[-1] == _JOINER
            or unicodedata.category(first) in ("Mn", "Mc", "Me")
            or "\U0001f3fb" <= first <= "\U0001f3ff"
        )
    )


def _is_half_a_flag(before: str, token: str) -> bool:
    """Whether two letters of the flag alphabet are one flag, and not the end of one and the begin of another."""
    return len(before) == 1 and all("\U0001f1e6" <= letter <= "\U0001f1ff" for letter in (before, token[0]))


def words(old: str, new: str) -> Pieces:
    """`("=" | "-" | "+", text)` pieces: those with = and - put together are the old text exactly, = and + the new."""
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces: Pieces = []
    quick = len(old_lines) + len(new_lines) > _MANY_LINES
    for tag, a, b, c, d in SequenceMatcher(None, old_lines, new_lines, autojunk=quick).get_opcodes():
        before, after = "".join(old_lines[a:b]), "".join(new_lines[c:d])
        if tag == "equal":
            _add(pieces, "=", before)
        else:
            _inside(pieces, tokens(before), tokens(after))
    return pieces


def _inside(pieces: Pieces, old: list[str], new: list[str]) -> None:
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) + len(new) > _MANY_LINES)
    if _kept(old, matcher) < _RELATED * max(len("".join(old)), len("".join(new))):
        _add(pieces, "-", "".join(old))
        _add(pieces, "+", "".join(new))
        return
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            _add(pieces, "=", "".join(old[a:b]))
        else:
            _add(pieces, "-", "".join(old[a:b]))
            _add(pieces, "+", "".join(new[c:d]))


def _kept(old: list[str], matcher: SequenceMatcher[str]) -> int:
    """How many characters two token lists share, spaces left out."""
    return sum(len("".join(old[a : a + n]).strip()) for a, _, n in matcher.get_matching_blocks())


def _add(pieces: Pieces, sign: str, text: str) -> None:
    if not text:
        return
    if pieces and pieces[-1][0] == sign:
        pieces[-1] = sign, pieces[-1][1] + text
    else:
        pieces.append((sign, text))
