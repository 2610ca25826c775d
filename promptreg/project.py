"""An opened registry in its git repository.

What only some commands need (pydantic's models, suites) is imported when it is asked for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from promptreg.core.catalog import Catalog
from promptreg.core.errors import PromptregError, RegistryNotFound
from promptreg.core.limits import Limits
from promptreg.core.names import DRAFT, Selector, parse_spec
from promptreg.core.pins import Pin, environment_path, find_pin
from promptreg.core.source import SETTINGS, Folder, Source, find_registry, folder, registry_in
from promptreg.core.versions import newest
from promptreg.git.base import Base, standing_base
from promptreg.git.past import Past
from promptreg.git.repo import GitError, Repository, find_root
from promptreg.git.source import RevisionSource

if TYPE_CHECKING:
    from promptreg.config import Config, EnvironmentPolicy
    from promptreg.core.loader import Loader
    from promptreg.core.prompt import Prompt
    from promptreg.evals.policy import Policy
    from promptreg.evals.provider import Means
    from promptreg.evals.suite import Suite


class View:
    """A registry in one state: the working tree's, or a commit's."""

    def __init__(self, source: Source, limits: Limits | None = None) -> None:
        """Read promptreg.toml; PromptregError where there is none. `limits` hold in place of its own."""
        self.source = source
        self.catalog = Catalog(source)
        if limits is not None:
            self.catalog.settings.limits = limits
        self._loader: Loader | None = None
        self._config: Config | None = None
        self._suites: dict[str, list[Suite]] = {}
        self._means: Means | None = None

    @property
    def loader(self) -> Loader:
        """Makes prompts of this state."""
        if self._loader is None:
            from promptreg.core.loader import Loader

            self._loader = Loader(self.catalog)
        return self._loader

    @property
    def config(self) -> Config:
        """All of promptreg.toml."""
        if self._config is None:
            from promptreg.config import read_config

            self._config = read_config(self.catalog.settings)
        return self._config

    def environment(self, name: str) -> EnvironmentPolicy:
        """An environment's policy; EnvironmentNotFound where there is no such environment."""
        self.catalog.check_environment(name)
        return self.config.environments[name]

    def policy(self, environment: str | None) -> Policy:
        """The gate's policy for an environment, or the standard one for none."""
        from promptreg.evals.policy import Policy

        mode = self.environment(environment).mode if environment else "standard"
        return Policy(mode=mode, **self.config.gate.model_dump())

    def suites(self, name: str) -> list[Suite]:
        """The suites of a prompt. Their code has run where it may; FileError where it fails."""
        from promptreg.evals.suite import read_suites

        if name not in self._suites:
            found = read_suites(self.source, name)
            means = self._means
            self._suites[name] = found if means is None else [suite.with_code(means) for suite in found]
        return self._suites[name]

    def allow_code(self, means: Means) -> None:
        """From now on the code that makes the cases of suites may run: once for each suite."""
        self._means = means
        self._suites = {}

    def prompt(self, name: str, selector: Selector) -> Prompt:
        """A prompt as a selector means it."""
        return self.loader.prompt(name, self.catalog.resolve(name, selector))

    def is_ahead(self, name: str) -> bool:
        """Whether a prompt's draft says what its newest version does not, and what no version says that was yanked."""
        if self.catalog.draft(name) is None:
            return False
        sums = self.catalog.sums(name)
        same = self.draft_version(name)
        return same is None or (same != sums.latest() and sums.releases[same].yanked is None)

    def draft_version(self, name: str) -> str | None:
        """The newest version that a prompt's draft equals, a yanked one only where it equals no other.

        None where it equals none, or there is no draft.
        """
        text = self.catalog.draft(name)
        if text is None:
            return None
        sums = self.catalog.sums(name)
        found = self.loader.from_text(name, text).digest
        equal = [version for version, release in sums.releases.items() if release.digest == found]
        return newest([version for version in equal if sums.releases[version].yanked is None]) or newest(equal)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the door hands in: the working directory, the environment variables, a clock (UTC) and a timer (s)."""

    directory: str
    environ: Mapping[str, str]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    timer: Callable[[], float] = time.perf_counter


class Project:
    """A registry's folder, the state of its working tree (`head`), and the git repository around it, if any."""

    def __init__(self, root: str, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.folder: Folder = folder(root, surroundings.directory)
        self.git_root = find_root(self.folder.root)
        self._head: View | None = None
        self._limits: Limits | None = None
        self._means: Means | None = None
        self._repository: Repository | None = None
        self._views: dict[str, View | None] = {}
        self._base: tuple[Base | None, bool] | None = None
        self._pasts: dict[str, Past] = {}

    @classmethod
    def find(cls, surroundings: Surroundings) -> Project:
        """The registry that `$PROMPTREG_ROOT` names, else the one found from the working directory upwards."""
        wanted = surroundings.environ.get("PROMPTREG_ROOT")
        here = surroundings.directory
        root = registry_in(os.path.join(here, wanted)) if wanted else find_registry(here)
        if root is None:
            where = wanted or f"{here} or above"
            raise RegistryNotFound(
                f"No {SETTINGS} in {where}, nor in a prompts/ there. Set PROMPTREG_ROOT, or start in the "
                "repository. To begin: promptreg init"
            )
        return cls(root, surroundings)

    @property
    def head(self) -> View:
        """The working tree's state, as it was first read."""
        if self._head is None:
            self._head = self.view(self.folder)
        return self._head

    def view(self, source: Source) -> View:
        """A state that the working tree has or may come to have, read as `head` is."""
        view = View(source, self._limits)
        if self._means is not None:
            view.allow_code(self._means)
        return view

    def allow_code(self, means: Means) -> None:
        """From now on the code that makes the cases of suites may run, in `head` and in what may become of it."""
        self._means = means
        self._head = None

    def limit(self, limits: Limits) -> None:
        """Read the working tree within some limits from now on, whatever its promptreg.toml says."""
        self._limits = limits
        self._head = None

    def reread(self) -> View:
        """The working tree's state, read again after something was written."""
        self._head = None
        return self.head

    @property
    def repository(self) -> Repository:
        """The git repository; GitError where there is none."""
        if self._repository is None:
            if self.git_root is None:
                raise GitError(f"{self.folder.root} is not inside a git repository. git init makes one.")
            self._repository = Repository(self.git_root)
        return self._repository

    @property
    def in_git(self) -> bool:
        """Whether there is a git repository around the registry."""
        return self.git_root is not None

    @property
    def prefix(self) -> str:
        """The registry's folder in the git repository, `prompts/`; empty where it is the whole of it."""
        if self.git_root is None:
            return ""
        relative = os.path.relpath(self.folder.root, self.git_root).replace(os.sep, "/")
        return "" if relative == "." else f"{relative}/"

    @property
    def folder_in_git(self) -> str:
        """The registry's folder as git takes it: `prompts`; empty where it is the whole repository."""
        return self.prefix.rstrip("/")

    def at(self, commit: str) -> View | None:
        """The registry as a commit has it; None where the commit has none."""
        if commit not in self._views:
            source = RevisionSource(self.repository, commit, self.prefix)
            self._views[commit] = View(source) if SETTINGS in source.ids else None
        return self._views[commit]

    def base(self) -> Base | None:
        """What is settled already, to tell this branch's work from it; None where git cannot say, or has no commit."""
        return self._settled_base()[0]

    def _settled_base(self) -> tuple[Base | None, bool]:
        """The base, and whether git could say."""
        if self._base is None:
            try:
                found = standing_base(self.repository, self.surroundings.environ) if self.in_git else None
                self._base = found, self.in_git
            except GitError:
                self._base = None, False
        return self._base

    def changed_since(self, commit: str) -> list[str]:
        """The files of the registry that differ from a commit, untracked ones too, relative to the registry."""
        prefix = self.prefix
        changed = self.repository.changed(commit, self.folder_in_git)
        return [path[len(prefix) :].rstrip("/") for path in changed if path.startswith(prefix)]

    def past(self, commit: str) -> Past:
        """What files said on the way to a commit."""
        if commit not in self._pasts:
            self._pasts[commit] = Past(self.repository, commit)
        return self._pasts[commit]

    def pins_before(self, commit: str, environment: str, name: str) -> Iterator[Pin]:
        """What an environment pinned of a prompt before a commit, newest first; none where a clone is shallow."""
        path = environment_path(environment)
        for _, _, text in self.past(commit).texts([self.prefix + path]):
            try:
                pin = find_pin(text, name, path)
            except PromptregError:
                continue
            if pin is not None:
                yield pin

    def last_pin(self, commit: str, environment: str, name: str) -> Pin | None:
        """What an environment ran last, before a commit that pins nothing of a prompt, where head still has it.

        What comes after it is no first promotion: else taking a prompt out and in again would be a way past the gate.
        """
        pin = next(self.pins_before(commit, environment, name), None)
        release = self.head.catalog.sums(name).releases.get(pin.version) if pin else None
        return Pin(name, pin.version, pin.digest) if pin and release and release.digest == pin.digest else None

    def settled(self, name: str) -> frozenset[str]:
        """The versions of a prompt that are not this branch's to replace: base's; all of them where git cannot say."""
        base, known = self._settled_base()
        if not known:
            return frozenset(self.head.catalog.sums(name).versions())
        view = self.at(base.id) if base else None
        return frozenset(view.catalog.sums(name).versions()) if view else frozenset()

    def prompt(self, spec: str) -> Prompt:
        """What a spec means on the command line: without a selector the draft; `git:REV` the draft at a revision."""
        name, selector = parse_spec(spec)
        if selector is None:
            selector = DRAFT
        if selector.kind != "git":
            return self.head.prompt(name, selector)
        commit = self.repository.commit_id(selector.value)
        view = self.at(commit)
        if view is None:
            raise PromptregError(f"{selector.value} holds no registry at {self.prefix or '.'}.")
        return view.prompt(name, DRAFT)

    def today(self) -> str:
        """The date of the clock, ISO."""
        return self.surroundings.now().date().isoformat()

    def user(self) -> str:
        """Who works here: git's user, else the login name."""
        if self.in_git:
            try:
                found = self.repository.user()
            except GitError:
                found = ""
            if found:
                return found
        return self.surroundings.environ.get("USER") or self.surroundings.environ.get("USERNAME") or "unknown"
