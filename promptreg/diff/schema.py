"""What changed between two output schemas, and whether a reader of the old answers can break.

A reader breaks where answers may hold what they could not hold before, or may lack what they had to hold. Changes of
the JSON Schema keywords that this table does not know count as breaking.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from promptreg.diff.values import canonical, same

#: (kind, path, old, new, bump) as diff.contract makes a Change of it.
Facts = tuple[str, str, Any, Any, str]

_HARMLESS = frozenset({"title", "description", "examples", "$comment", "$schema", "$id", "default"})
_MAJOR, _PATCH = "major", "patch"


def schema_changes(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[Facts]:
    """The changes between two JSON Schemas; None is no schema."""
    if same(old, new):
        return []
    if old is None:
        return [("output-added", "output", None, new, _PATCH)]
    if new is None:
        return [("output-dropped", "output", old, None, _MAJOR)]
    return list(_schema(old, new, "output"))


def _schema(old: Any, new: Any, path: str) -> Iterator[Facts]:
    if same(old, new):
        return
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield "output-changed", path, old, new, _MAJOR
        return
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if same(before, after) and (key in old) == (key in new):
            continue
        if key == "properties":
            yield from _properties(before or {}, after or {}, path)
        elif key == "items" and key in old and key in new:
            yield from _schema(before, after, f"{path}.items")
        elif key == "required":
            yield from _required(before or [], after or [], path)
        elif key in ("type", "enum"):
            yield _set(key, before, after, path)
        elif key in _HARMLESS:
            yield "output-description", f"{path}.{key}", before, after, _PATCH
        else:
            yield "output-changed", f"{path}.{key}", before, after, _MAJOR


def _properties(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Facts]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield "output-property-removed", f"{path}.{name}", old[name], None, _MAJOR
        elif name not in old:
            yield "output-property-added", f"{path}.{name}", None, new[name], _PATCH
        else:
            yield from _schema(old[name], new[name], f"{path}.{name}")


def _required(old: list[str], new: list[str], path: str) -> Iterator[Facts]:
    for name in old:
        if name not in new:
            yield "output-no-longer-required", f"{path}.{name}", True, False, _MAJOR
    for name in new:
        if name not in old:
            yield "output-required", f"{path}.{name}", False, True, _PATCH


def _set(key: str, old: Any, new: Any, path: str) -> Facts:
    """A `type` or `enum`: more values than before are breaking, fewer are not; absent means anything."""
    before = old if isinstance(old, list) else [old]
    after = new if isinstance(new, list) else [new]
    allowed = set(map(canonical, before)) | ({'"integer"'} if "number" in before and key == "type" else set())
    wider = new is None or (old is not None and not set(map(canonical, after)) <= allowed)
    kind = f"output-{key}-{'widened' if wider else 'narrowed'}"
    return kind, path, old, new, _MAJOR if wider else _PATCH
