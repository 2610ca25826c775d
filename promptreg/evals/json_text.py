"""JSON as results and cases hold it: one spelling to digest, one line to store, and nothing read two ways."""

from __future__ import annotations

import json
import re
from typing import Any
from unicodedata import category

#: What would end a line, turn it around, or be refused where the file is read again.
_ESCAPED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_CONTROL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# made once: json.dumps and json.loads make one for each call that asks for anything but their defaults
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
NO_TEXT = "half of a surrogate pair (\\ud800 to \\udfff) is no text."


def canonical_json(value: Any) -> str:
    """JSON in one spelling: sorted keys, no spaces, other scripts as they are. ValueError for NaN and infinities."""
    return _CANONICAL.encode(value)


def line_json(value: Any) -> str:
    """JSON on one line, whoever reads it: other scripts as they are, control and direction characters escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def shown(text: str) -> str:
    """A text out of a file, for a line on a terminal: what controls one is escaped."""
    if text.isprintable():
        return text
    return "".join(f"\\u{ord(each):04x}" if category(each) in _CONTROL else each for each in text)


def strict_json(text: str) -> Any:
    """Parse JSON; ValueError for NaN, infinities, and keys that stand twice."""
    if text.startswith("\ufeff"):
        raise json.JSONDecodeError("Unexpected UTF-8 BOM (decode using utf-8-sig)", text, 0)
    return _STRICT.decode(text)


def holds_half_pairs(text: str, value: Any) -> bool:
    """Whether a JSON text, read as `value`, holds an escape that is no character."""
    if not _HALF_PAIR.search(text):
        return False
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise ValueError(f"the key {twice} stands here twice")
    return found


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number that can be compared")


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refused)
