"""Texts as people count them: in characters that are seen, and in words where spaces part them."""

from __future__ import annotations

import re
import unicodedata

#: Scripts without spaces between words: Thai and Lao, Myanmar, Khmer, kana, Han, and full-width forms.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff00-\uffef\U0001aff0-\U0001b16f\U00020000-\U000323af"
)
_UNSPACED = re.compile(f"[{UNSPACED}]")
_JOINER = "\u200d"


def graphemes(text: str) -> list[str]:
    """A text's characters as they are seen: composed, marks, joined emoji and skin tones with what they belong to."""
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    if composed.isascii():
        return list(composed)
    found: list[str] = []
    for character in composed:
        if found and (_extends(found[-1], character) or _is_half_a_flag(found[-1], character)):
            found[-1] += character
        else:
            found.append(character)
    return found


def unspaced(text: str) -> bool:
    """Whether a text holds letters of a script that puts no spaces between words."""
    known = unicodedata.normalize("NFKC", text)  # full-width Latin is Latin
    return any(character.isalpha() for character in _UNSPACED.findall(known))


def mostly_unspaced(text: str) -> bool:
    """Whether most letters of a text are of such a script, so that its words cannot be counted at spaces."""
    letters = [character for character in unicodedata.normalize("NFKC", text) if character.isalpha()]
    return 2 * sum(_UNSPACED.match(letter) is not None for letter in letters) > len(letters)


def _extends(before: str, character: str) -> bool:
    return not before.isspace() and (
        character == _JOINER
        or before[-1] == _JOINER
        or unicodedata.category(character) in ("Mn", "Mc", "Me")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _is_half_a_flag(before: str, character: str) -> bool:
    return len(before) == 1 and all("\U0001f1e6" <= letter <= "\U0001f1ff" for letter in (before, character))
