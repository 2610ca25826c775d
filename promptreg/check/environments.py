"""Which environment of base judges one of head: its own namesake, or the one whose place it takes."""

from __future__ import annotations

from promptreg.check.change import Change
from promptreg.core.errors import EnvironmentNotFound, PromptregError
from promptreg.core.pins import Pin
from promptreg.project import View


def pins_of(view: View | None, environment: str) -> dict[str, Pin]:
    """What an environment pins in a view; nothing where there is no view, or no such environment in it."""
    if view is None:
        return {}
    try:
        return view.catalog.pins(environment)
    except EnvironmentNotFound:
        return {}


def judges(change: Change) -> dict[str, str]:
    """The environments of head that base has, or that take the place of one, each with base's that judges it.

    A new default environment takes the place of base's, and other new ones that of an environment that is gone:
    else another name would be a way past the gate.
    """
    if change.before is None:
        return {}
    old, new = change.before.catalog.settings, change.head.catalog.settings
    found = {name: name for name in new.environments if name in old.environments}
    gone = [name for name in old.environments if name not in new.environments]
    for name in new.environments:
        if name in found:
            continue
        if name == new.default_environment and old.default_environment in old.environments:
            found[name] = old.default_environment
        elif gone:
            found[name] = _likest(change, name, gone)
    return found


def _likest(change: Change, name: str, gone: list[str]) -> str:
    """The environment of base, of those that are gone, that pins most of what a new one pins."""
    mine = _names(change.head, name)
    return max(gone, key=lambda other: len(mine & _names(change.before, other)))


def _names(view: View | None, environment: str) -> set[str]:
    try:
        return set(pins_of(view, environment))
    except PromptregError:  # told where the file itself is read
        return set()
