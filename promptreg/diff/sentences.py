"""Changes in words."""

from __future__ import annotations

import json
from typing import Any

from promptreg.diff.contract import Change

_FIXED = {
    "input-added": "new optional input {name}",
    "input-added-required": "new required input {name}",
    "input-removed": "input {name} removed",
    "input-retyped": "input {name}: {old} → {new}",
    "input-required": "input {name} is now required",
    "input-optional": "input {name} is no longer required",
    "input-enum-narrowed": "input {name} takes fewer values: {old} → {new}",
    "input-enum-widened": "input {name} takes more values: {old} → {new}",
    "input-default": "default of {name}: {old} → {new}",
    "input-description": "description of {name} changed",
    "output-added": "an output schema was added",
    "output-dropped": "the output schema was dropped",
    "output-property-added": "{path}: new",
    "output-property-removed": "{path}: removed",
    "output-no-longer-required": "{path}: no longer required",
    "output-required": "{path}: now required",
    "output-type-widened": "{path}: type {old} → {new}",
    "output-type-narrowed": "{path}: type {old} → {new}",
    "output-enum-widened": "{path}: values {old} → {new}",
    "output-enum-narrowed": "{path}: values {old} → {new}",
    "output-description": "{path} changed",
    "tool-added": "tool {name} added",
    "tool-removed": "tool {name} removed",
    "tool-changed": "tool {name} changed",
    "messages": "{old} prompt → {new} prompt",
    "include-added": "includes {name}@{new}",
    "include-removed": "no longer includes {name}",
    "include": "include {name} {old} → {new}",
    "text": "text changed",
    "comments": "comments or layout of the front matter changed",
}


def sentence(change: Change) -> str:
    """One change in a few words: `input tone removed`, `parameters.temperature 0.2 → 0.7`."""
    name = change.path.split(".", 1)[-1]
    template = _FIXED.get(change.kind, "{path} {old} → {new}")
    return template.format(name=name, path=change.path, old=shown(change.old), new=shown(change.new))


def shown(value: Any) -> str:
    """A value in a few characters; a dash for none."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def reasons(changes: list[Change]) -> list[str]:
    """Why a bump is what it is: each change with the bump that it asks for, the largest first."""
    return [f"{sentence(change)} ({change.bump})" for change in changes]


def summary(changes: list[Change]) -> str:
    """The first changes in a line, for the message of a release."""
    return "; ".join(sentence(change) for change in changes[:3]) or "Unchanged"
