"""What a registry said at one moment, and the prompts that were loaded from it."""

from __future__ import annotations

from collections.abc import Mapping

from promptreg.core.catalog import Choice, read_spec
from promptreg.core.limits import LIMITS
from promptreg.core.loader import Loader
from promptreg.core.names import Selector
from promptreg.core.pins import environment_path
from promptreg.core.prompt import Prompt
from promptreg.core.source import SETTINGS, Signature, signature
from promptreg.core.sums import FILE as SUMS_FILE

Key = tuple[str, str | None]
Identity = tuple[str, str, str, str | None]


class State:
    """What the registry said at one moment, and the prompts loaded from it.

    `prompts` are those that were asked for, by what was asked; `made` all of them, by what they are. `watched` are the
    files that they stand on and that can change, as they were just before they were read.
    """

    def __init__(self, loader: Loader, default: str, overrides: Mapping[str, str]) -> None:
        self.loader = loader
        self.default = default
        self.overrides = overrides
        self.prompts: dict[Key, Prompt] = {}
        self.rollouts: dict[Key, tuple[Prompt, float]] = {}
        self.made: dict[Identity, Prompt] = {}
        self.watched: dict[str, Signature] = {}
        self.watch(SETTINGS)

    def load(self, key: Key, before: State | None = None) -> Prompt:
        """Resolve and verify one spec; the prompt of another state is taken over where it is the same one."""
        name, choice, selector = self._choose(key)
        prompt = self._make(name, choice, before)
        if choice.version == "draft":
            for path in self.loader.stands_on(prompt):
                self.watch(path)
        if choice.source == "environment":
            self._read_rollout(key, name, selector.value, before)
        self.prompts[key] = prompt
        return prompt

    @property
    def limits(self) -> tuple[int, ...]:
        """What [limits] says."""
        limits = self.loader.catalog.settings.limits
        return tuple(getattr(limits, name) for name in LIMITS)

    def is_stale(self, name: str) -> bool:
        """Whether a prompt's versions were read and have changed since."""
        path = f"{name}/{SUMS_FILE}"
        seen = self.loader.catalog.seen
        return path in seen and signature(self.loader.catalog.source, path) != seen[path]

    def _choose(self, key: Key) -> tuple[str, Choice, Selector]:
        spec, environment = key
        name, selector = read_spec(spec, environment, self.default)
        if selector.kind == "environment":
            self.watch(environment_path(selector.value))
        elif selector.kind in ("latest", "range"):
            self.watch(f"{name}/{SUMS_FILE}")
        if name in self.overrides and selector.kind != "version":
            return name, Choice(self.overrides[name], "override"), selector
        return name, self.loader.catalog.resolve(name, selector), selector

    def _make(self, name: str, choice: Choice, before: State | None) -> Prompt:
        identity = name, choice.version, choice.source, choice.environment
        if identity in self.made:
            return self.made[identity]
        if choice.source == "environment":
            self._warn_if_yanked(name, choice)
        old = before.made.get(identity) if before and before.limits == self.limits else None
        if old is not None and choice.version != "draft":
            release = self.loader.catalog.sums(name).releases[choice.version]
            if release.digest == old.digest:
                old.asks(self.loader)
                self.made[identity] = old
                return old
        prompt = self.loader.prompt(name, choice)
        if old is not None and old.is_compiled:
            prompt.compile()
        self.made[identity] = prompt
        return prompt

    def _warn_if_yanked(self, name: str, choice: Choice) -> None:
        reason = self.loader.catalog.sums(name).releases[choice.version].yanked
        if reason is not None:
            spec = f"{name}@{choice.version}"
            self.loader.warn_once(f"{choice.environment} runs {spec}, which was yanked: {reason}")

    def _read_rollout(self, key: Key, name: str, environment: str, before: State | None) -> None:
        pin = self.loader.catalog.pin(environment, name)
        if pin is not None and pin.rollout is not None:
            version, digest, percent = pin.rollout
            self.loader.catalog.check_pin(environment, pin, version, digest)
            choice = Choice(version, "environment", environment, digest)
            self.rollouts[key] = self._make(name, choice, before), percent

    def watch(self, path: str) -> None:
        """Look at a file, as it was just before it was read, when it is asked whether something has changed."""
        if path not in self.watched:
            catalog = self.loader.catalog
            self.watched[path] = catalog.seen[path] if path in catalog.seen else signature(catalog.source, path)
