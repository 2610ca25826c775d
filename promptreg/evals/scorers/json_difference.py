"""The first difference between two pieces of JSON, in words."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any, NamedTuple

from promptreg.evals.json_text import canonical_json
from promptreg.evals.scorer import ScorerError

#: How many pairs of entries are compared at most where the order is ignored.
_MOST = 250_000
_LONGEST = 60
_MISSING = object()
Path = tuple[str | int, ...]


class Difference(NamedTuple):
    """Where two pieces of JSON differ first, and how."""

    at: Path
    how: str
    values: tuple[Any, ...] = ()

    def __str__(self) -> str:
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.at).removeprefix(".")
        words = self.how.format(*map(shown, self.values))
        return f"{where}: {words}" if where else words


@dataclass(slots=True)
class Comparison:
    """How two pieces of JSON are compared.

    Numbers are compared by value, `tolerance` apart at most; true and false are no numbers. With `ignore_order` lists
    are compared as bags: each entry has a partner of its own. With `subset` what is found may have further keys.
    """

    tolerance: Fraction = Fraction(0)
    ignore_order: bool = False
    subset: bool = False
    pairs: int = 0

    def difference(self, found: Any, expected: Any, at: Path = ()) -> Difference | None:
        """The first difference; None where they are equal. ScorerError where the search takes too long."""
        if isinstance(expected, dict) and isinstance(found, dict):
            return self._of_mappings(found, expected, at)
        if isinstance(expected, list) and isinstance(found, list):
            return self._of_lists(found, expected, at)
        if _kind(found) != _kind(expected) or not self._same(found, expected):
            return Difference(at, "{} instead of {}", (found, expected))
        return None

    def _of_mappings(self, found: dict[str, Any], expected: dict[str, Any], at: Path) -> Difference | None:
        for key, value in expected.items():
            if key not in found:
                return Difference((*at, key), "is missing")
            inner = self.difference(found[key], value, (*at, key))
            if inner is not None:
                return inner
        extra = () if self.subset else (key for key in found if key not in expected)
        return next((Difference((*at, key), "is not expected") for key in extra), None)

    def _of_lists(self, found: list[Any], expected: list[Any], at: Path) -> Difference | None:
        if self.ignore_order:
            lonely = self._without_partner(found, expected)
            if lonely is not _MISSING:
                return Difference(at, "no entry is {}", (lonely,))
        else:
            for index, (one, other) in enumerate(zip(found, expected, strict=False)):
                inner = self.difference(one, other, (*at, index))
                if inner is not None:
                    return inner
        if len(found) != len(expected):
            return Difference(at, "{} entries instead of {}", (len(found), len(expected)))
        return None

    def _same(self, found: Any, expected: Any) -> bool:
        if found == expected or not self.tolerance or _kind(expected) != "number":
            return bool(found == expected)
        if not (math.isfinite(_narrow(found)) and math.isfinite(_narrow(expected))):
            return False
        return abs(_exact(found) - _exact(expected)) <= self.tolerance

    def _without_partner(self, found: list[Any], expected: list[Any]) -> Any:
        """An expected entry for which none is left, however they are paired; _MISSING where each has one."""
        if self.tolerance or self.subset:
            return self._unpaired(found, expected)
        left = Counter(map(spelt, found))
        for value in expected:
            key = spelt(value)
            if not left[key]:
                return value
            left[key] -= 1
        return _MISSING

    def _unpaired(self, found: list[Any], expected: list[Any]) -> Any:
        """The same where partners need not be equal: a pairing is made, entry by entry, by moving partners on."""
        taken: dict[int, int] = {}
        partners = [self._partners(found, value) for value in expected]
        for index, value in enumerate(expected):
            if not _paired(index, partners, taken):
                return value
        return _MISSING

    def _partners(self, found: list[Any], value: Any) -> list[int]:
        self.pairs += len(found)
        if self.pairs > _MOST:
            raise ScorerError(
                "there are too many entries to find the pairs among them. Keep the order, or the numbers."
            )
        return [index for index, one in enumerate(found) if self.difference(one, value) is None]


def _paired(index: int, partners: list[list[int]], taken: dict[int, int]) -> bool:
    """Find an entry for the expected one at `index`: along the shortest chain of partners that can be moved on."""
    came: dict[int, int] = {}
    owner = {entry: wanted for wanted, entry in taken.items()}
    waiting = [index]
    for wanted in _growing(waiting):
        for entry in partners[wanted]:
            if entry in came:
                continue
            came[entry] = wanted
            if entry in owner:
                waiting.append(owner[entry])
                continue
            _move(entry, index, came, taken)
            return True
    return False


def _growing(waiting: list[int]) -> Iterator[int]:
    for at in count():
        if at >= len(waiting):
            return
        yield waiting[at]


def _move(entry: int, index: int, came: dict[int, int], taken: dict[int, int]) -> None:
    while True:
        wanted = came[entry]
        before = taken.get(wanted)
        taken[wanted] = entry
        if wanted == index or before is None:
            return
        entry = before


def spelt(value: Any) -> str:
    """JSON in one spelling for all that is equal where the order of lists is ignored."""
    if isinstance(value, dict):
        inside = ",".join(f"{canonical_json(key)}:{spelt(value[key])}" for key in sorted(value))
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{','.join(sorted(map(spelt, value)))}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return canonical_json(value)


def depth(value: Any) -> int:
    """How deep lists and mappings stand inside one another."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        here, level = waiting.pop()
        if isinstance(here, (dict, list)):
            deepest = max(deepest, level)
            waiting.extend((inner, level + 1) for inner in (here.values() if isinstance(here, dict) else here))
    return deepest


def shown(value: Any) -> str:
    """A value for a sentence, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "constant"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def _narrow(value: float) -> float:
    """A number that is finite where `value` is; whole ones of any size are."""
    return 0.0 if isinstance(value, int) else value


def _exact(value: float) -> Fraction:
    """A number as it is written: 0.3 is three tenths, so that 0.3 and 0.29 are 0.01 apart."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))
