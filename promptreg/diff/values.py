"""Differences between plain data, where `true` is not 1."""

from __future__ import annotations

import json
from typing import Any


def same(old: Any, new: Any) -> bool:
    """Whether two values are one in JSON: `true` is not 1, and 1 is not 1.0 written otherwise."""
    return old is new or canonical(old) == canonical(new)


def canonical(value: Any) -> str:
    """A value as JSON, its keys in order."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def leaves(old: Any, new: Any, path: str) -> list[tuple[str, Any, Any]]:
    """The values that differ between two trees of plain data: (path, old, new), None for what is not there."""
    if same(old, new):
        return []
    from deepdiff import DeepDiff
    from deepdiff.helper import notpresent

    tree = DeepDiff(old, new, view="tree", ignore_order=False, threshold_to_diff_deeper=0)
    found = []
    for differences in tree.values():
        for difference in differences:
            steps = difference.path(output_format="list")
            before, after = (None if side is notpresent else side for side in (difference.t1, difference.t2))
            found.append((".".join([path, *map(str, steps)]), before, after))
    return sorted(found, key=lambda change: change[0])
