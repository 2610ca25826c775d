"""What there is, by the files' names and lines alone: prompts, versions, environments, and who stands on whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.core.names import check_name
from promptreg.core.pins import Pin
from promptreg.core.source import DRAFT
from promptreg.project import View
from promptreg.selection import readable_includes


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt in a list: whether it has a draft, its newest version, all of them, and what environments pin."""

    name: str
    draft: bool
    latest: str | None
    versions: tuple[str, ...]
    environments: dict[str, str]

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "draft": self.draft,
            "latest": self.latest,
            "versions": list(self.versions),
            "environments": self.environments,
        }


def in_order(view: View) -> list[str]:
    """The environments in the order of promotion, what stands in `after` first; else as promptreg.toml has them.

    Read without the rest of the configuration, whose checks a list has no need of.
    """
    tables = view.catalog.settings.table.get("environments", {})
    order: list[str] = []
    for name in view.catalog.settings.environments:
        road = [name]
        while (after := tables[road[0]].get("after")) in view.catalog.settings.environments and after not in road:
            road.insert(0, after)
        order.extend(step for step in road if step not in order)
    return order


def all_pins(view: View) -> dict[str, dict[str, Pin]]:
    """What each environment pins, by name."""
    return {environment: view.catalog.pins(environment) for environment in view.catalog.settings.environments}


def pinned_in(view: View, name: str, version: str) -> list[str]:
    """The environments that pin a version."""
    pins = ((environment, view.catalog.pin(environment, name)) for environment in view.catalog.settings.environments)
    return [environment for environment, pin in pins if pin is not None and pin.version == version]


def listing(view: View) -> list[Row]:
    """All prompts. Drafts are not read, and no template is parsed."""
    pins = all_pins(view)
    rows = []
    for name in view.catalog.names():
        sums = view.catalog.sums(name)
        pinned = {environment: found[name].version for environment, found in pins.items() if name in found}
        rows.append(Row(name, view.source.has(f"{name}/{DRAFT}"), sums.latest(), tuple(sums.versions()), pinned))
    return rows


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who includes a prompt: a draft or a version, what it includes, through whom, and where it runs."""

    name: str
    version: str
    includes: str
    environments: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "version": self.version,
            "includes": self.includes,
            "environments": list(self.environments),
        }


def impact(view: View, name: str) -> list[User]:
    """Who includes a prompt, directly or through others, in drafts and versions, and which environments run them."""
    check_name(name)
    missing = view.catalog.missing(name)
    if missing:
        raise missing
    drafts = {user: readable_includes(view, user) for user in view.catalog.names()}
    found: list[User] = []
    queue = [name]
    for partial in queue:
        for user, includes in drafts.items():
            if user == partial:
                continue
            users = [*_draft(user, partial, includes), *_versions(view, user, partial)]
            if users and user not in queue:
                queue.append(user)
            found.extend(users)
    return sorted(found, key=lambda user: (user.name, user.version))


def _draft(user: str, partial: str, includes: list[str]) -> list[User]:
    specs = [spec for spec in includes if spec.partition("@")[0] == partial]
    return [User(user, "draft", specs[0], ())] if specs else []


def _versions(view: View, user: str, partial: str) -> list[User]:
    users = []
    for version, release in view.catalog.sums(user).releases.items():
        specs = [include for include in release.includes if include.partition("@")[0] == partial]
        if specs:
            users.append(User(user, version, specs[0], tuple(pinned_in(view, user, version))))
    return users


def about(view: View, name: str, version: str) -> str:
    """The exact thing that an output is about: `support/answer@draft, ahead of 1.1.0`."""
    if version != "draft":
        where = pinned_in(view, name, version)
        return f"{name}@{version}" + (f", in {', '.join(where)}" if where else "")
    latest = view.catalog.sums(name).latest()
    if latest is None:
        return f"{name}@draft, never released"
    try:
        same = view.draft_version(name)
    except PromptregError:
        same = None
    return f"{name}@draft, the same as {same}" if same else f"{name}@draft, ahead of {latest}"
