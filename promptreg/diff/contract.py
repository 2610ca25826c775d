"""What changed between two prompts, and the bump that it asks for (check 5, docs/files.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from promptreg.core.inputs import Input
from promptreg.core.prompt import Prompt
from promptreg.diff.schema import schema_changes
from promptreg.diff.values import canonical, leaves, same

MAJOR, MINOR, PATCH = "major", "minor", "patch"
BUMPS = (PATCH, MINOR, MAJOR)


class Change:
    """One thing that differs: its `kind`, where (`path`), the `old` and the `new`, and the `bump` it asks for."""

    __slots__ = ("bump", "kind", "new", "old", "path")

    def __init__(self, kind: str, path: str, old: Any, new: Any, bump: str) -> None:
        self.kind = kind
        self.path = path
        self.old = old
        self.new = new
        self.bump = bump

    @property
    def breaking(self) -> bool:
        """Whether code that fits the old prompt may fail with the new one."""
        return self.bump == MAJOR

    def __repr__(self) -> str:
        return f"Change({self.kind!r}, {self.path!r}, {self.old!r}, {self.new!r}, {self.bump!r})"


def bump_of(changes: list[Change]) -> str | None:
    """The largest bump that some changes ask for; None of none."""
    return max((change.bump for change in changes), key=BUMPS.index, default=None)


def compare(old: Prompt, new: Prompt) -> list[Change]:
    """All that differs between two prompts, most consequential first."""
    found = [
        *_inputs(old.declared, new.declared, "inputs"),
        *_settings(old, new),
        *(Change(*facts) for facts in schema_changes(old.output, new.output)),
        *_tools(old, new),
        *_kind(old, new),
        *_includes(old, new),
        *_text(old, new),
        *_labels(old, new),
    ]
    if not found and old.file.text != new.file.text:
        found.append(Change("comments", "front matter", None, None, PATCH))
    return sorted(found, key=lambda change: -BUMPS.index(change.bump))


def _inputs(old: Mapping[str, Input], new: Mapping[str, Input], path: str) -> Iterator[Change]:
    for name, before in old.items():
        if name not in new:
            yield Change("input-removed", f"{path}.{name}", before.data(), None, MAJOR)
        else:
            yield from _input(before, new[name], f"{path}.{name}")
    for name, after in new.items():
        if name not in old:
            kind = "input-added-required" if after.required else "input-added"
            yield Change(kind, f"{path}.{name}", None, after.data(), MAJOR if after.required else MINOR)


def _input(old: Input, new: Input, path: str) -> Iterator[Change]:
    if old.type != new.type:
        yield Change("input-retyped", path, old.type, new.type, MAJOR)
    if old.required != new.required:
        kind, bump = ("input-required", MAJOR) if new.required else ("input-optional", PATCH)
        yield Change(kind, path, old.required, new.required, bump)
    yield from _enum(old, new, path)
    if old.has_default != new.has_default or not same(old.default, new.default):
        yield Change("input-default", path, old.default, new.default, PATCH)
    if (old.description, old.untrusted) != (new.description, new.untrusted):
        yield Change("input-description", path, old.description, new.description, PATCH)
    if old.items is not None or new.items is not None:
        yield from _input(old.items or Input("items"), new.items or Input("items"), f"{path}.items")
    yield from _inputs(old.properties, new.properties, f"{path}.properties")


def _enum(old: Input, new: Input, path: str) -> Iterator[Change]:
    if same(old.enum, new.enum):
        return
    before, after = list(old.enum or ()), list(new.enum or ())
    left = set(map(canonical, after))
    narrower = new.enum is not None and (old.enum is None or any(canonical(value) not in left for value in before))
    kind = "input-enum-narrowed" if narrower else "input-enum-widened"
    yield Change(kind, path, before or None, after or None, MAJOR if narrower else PATCH)


def _settings(old: Prompt, new: Prompt) -> Iterator[Change]:
    for key in ("provider", "model"):
        before, after = getattr(old, key), getattr(new, key)
        if before != after:
            yield Change(key, key, before, after, MINOR)
    for path, before, after in leaves(old.parameters, new.parameters, "parameters"):
        yield Change("parameters", path, before, after, MINOR)


def _tools(old: Prompt, new: Prompt) -> Iterator[Change]:
    before = {tool["name"]: tool for tool in old.tools}
    after = {tool["name"]: tool for tool in new.tools}
    for name in [*before, *(name for name in after if name not in before)]:
        if not same(before.get(name), after.get(name)):
            kind = "tool-added" if name not in before else "tool-removed" if name not in after else "tool-changed"
            yield Change(kind, f"tools.{name}", before.get(name), after.get(name), MAJOR)


def _kind(old: Prompt, new: Prompt) -> Iterator[Change]:
    if old.chat != new.chat:
        words = {True: "chat", False: "text"}
        yield Change("messages", "body", words[old.chat], words[new.chat], MAJOR)


def _includes(old: Prompt, new: Prompt) -> Iterator[Change]:
    gone, added = (sorted(set(one.includes) - set(other.includes)) for one, other in ((old, new), (new, old)))
    for spec in gone:
        name, _, version = spec.partition("@")
        instead = next((other for other in added if other.partition("@")[0] == name), None)
        if instead is None:
            yield Change("include-removed", f"includes.{name}", version, None, PATCH)
        else:
            added.remove(instead)
            yield Change("include", f"includes.{name}", version, instead.partition("@")[2], PATCH)
    for spec in added:
        name, _, version = spec.partition("@")
        yield Change("include-added", f"includes.{name}", None, version, PATCH)


def _text(old: Prompt, new: Prompt) -> Iterator[Change]:
    if old.file.body != new.file.body:
        yield Change("text", "body", None, None, PATCH)


def _labels(old: Prompt, new: Prompt) -> Iterator[Change]:
    for key in ("description", "owners", "tags"):
        before, after = getattr(old.file, key), getattr(new.file, key)
        if before != after:
            yield Change("metadata", key, before or None, after or None, PATCH)
    for path, before, after in leaves(old.metadata, new.metadata, "metadata"):
        yield Change("metadata", path, before, after, PATCH)
