"""A registry that is open: resolves specs, and takes over new pins while the process runs.

All loads come from one State, which is what the files said at one moment. At most every `refresh` seconds a load looks
whether the files that it stands on have changed; a new State is taken only when they have been still for a moment and
everything that was loaded so far resolves and verifies in it. Until then the last good one answers.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping

from promptreg.core.catalog import Catalog
from promptreg.core.errors import PromptregError, SpecError
from promptreg.core.loader import Loader
from promptreg.core.names import Selector, check_name, parse_selector, parse_spec
from promptreg.core.pins import environment_path, share_of
from promptreg.core.prompt import Prompt
from promptreg.core.source import (
    DRAFT,
    Folder,
    Source,
    find_registry,
    folder,
    no_registry,
    registry_in,
    signature,
)
from promptreg.core.state import Key, State

STILL = 0.1
_NEVER = float("inf")


class Registry:
    """An open registry; safe from many threads. Made by `Registry.open` or `promptreg.testing.registry`."""

    def __init__(
        self,
        source: Source,
        *,
        root: str | None = None,
        refresh: float = _NEVER,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Open a registry over a source.

        `root` is the path, which may be a link, that is looked at every `refresh` seconds; `environ` is where
        PROMPTREG_ENV and PROMPTREG_OVERRIDE are read from. Nothing is written.
        """
        environ = environ or {}
        self._root = root
        self._refresh = refresh
        self._wanted = environ.get("PROMPTREG_ENV") or None
        self._override_text = environ.get("PROMPTREG_OVERRIDE") or ""
        self._lock = threading.Lock()
        self._warned: set[str] = set()
        self._troubled = False
        self._state = self._new_state(source)
        self._look_at = time.monotonic() + refresh

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, refresh: float = 1.0) -> Registry:
        """Open the registry in a folder: the one that holds promptreg.toml, or its parent with a `prompts/` in it.

        Without a path: `$PROMPTREG_ROOT`, else the first found from the working directory up to the git root.
        `refresh` is how many seconds may pass until changed pins are looked for.
        """
        variable = os.environ.get("PROMPTREG_ROOT") if path is None else None
        wanted = variable if path is None else os.fspath(path)
        here = _working_directory()
        root = registry_in(wanted) if wanted else find_registry(here)
        if root is None:
            raise no_registry(wanted, here, variable)
        return cls(folder(root, here), root=os.path.abspath(root), refresh=refresh, environ=os.environ)

    # Loading

    def load(self, spec: str, *, environment: str | None = None, key: str | None = None) -> Prompt:
        """The prompt that `NAME[@SELECTOR]` means.

        Without a selector: what `environment` pins, else `$PROMPTREG_ENV`, else the registry's default environment.
        `key` (a user, a session) gets the version of a rollout where it belongs to its share, always the same one.
        Raises SpecError, PromptNotFound, VersionNotFound, EnvironmentNotFound, IntegrityError or a FileError.
        """
        if time.monotonic() >= self._look_at:
            self._look()
        state = self._state
        try:
            prompt = state.prompts.get((spec, environment))
        except TypeError:  # of what cannot be a key, the error below says what it should be
            prompt = None
        if prompt is None:
            state, prompt = self._load_new((spec, environment))
        if key is not None and (spec, environment) in state.rollouts:
            candidate, percent = state.rollouts[spec, environment]
            if share_of(prompt.name, candidate.version, key) < percent:
                return candidate
        return prompt

    def _load_new(self, key: Key) -> tuple[State, Prompt]:
        """Load a spec that was not asked for yet; a prompt whose versions have changed since they were read, anew."""
        self._look_if_stale(parse_spec(key[0])[0])
        state = self._state
        try:
            return state, state.load(key)
        except PromptregError:
            fresh = self._renewed(state)
            if fresh is state:
                raise
            return fresh, fresh.load(key)

    def _renewed(self, state: State) -> State:
        """The newest state, where a file that a state has read is another one now, or the root leads elsewhere.

        Asked where a load failed only: what was read too early, or from a folder that is gone, must not fail for long.
        """
        source = state.loader.catalog.source
        if self._look_at is _NEVER or self._root is None or not isinstance(source, Folder):
            return state
        seen = list(state.loader.catalog.seen.items())
        if os.path.realpath(self._root) != source.root or any(signature(source, path) != was for path, was in seen):
            with self._lock:
                if self._state is state:
                    self._take_over()
        return self._state

    def _look_if_stale(self, name: str) -> None:
        if self._look_at is not _NEVER and self._state.is_stale(name):
            with self._lock:
                self._take_over()

    def names(self) -> list[str]:
        """The names of all prompts, sorted."""
        return self._current.names()

    def versions(self, name: str) -> list[str]:
        """The versions of a prompt in the order of their release, yanked ones too."""
        check_name(name)
        self._look_if_stale(name)
        catalog = self._current
        missing = catalog.missing(name)
        if missing:
            raise missing
        return catalog.sums(name).versions()

    def environments(self) -> tuple[str, ...]:
        """The names of the environments, in the order of promptreg.toml."""
        return self._current.settings.environments

    @property
    def default_environment(self) -> str:
        """What a spec without a selector means: an environment, `draft` or `latest`."""
        return self._state.default

    def snapshot(self, environment: str | None = None) -> Registry:
        """The registry as it is now: every load from it comes from one state, whatever changes underneath."""
        catalog = self._current
        if environment is not None:
            self._check_default(catalog, environment, "environment")
        for known in catalog.settings.environments:
            catalog.pins_text(known)
            self._state.watch(environment_path(known))
        frozen = object.__new__(type(self))
        frozen.__dict__.update(self.__dict__)
        frozen._look_at = _NEVER
        before = self._state
        frozen._state = State(before.loader, environment or before.default, before.overrides)
        frozen._state.made = before.made
        return frozen

    def preload(self, environment: str | None = None) -> list[Prompt]:
        """Load and compile all that an environment pins, so that nothing is left to fail later.

        Returns the prompts. Raises PromptregError with one line for each that cannot be loaded.
        """
        environment = self._state.default if environment is None else environment
        prompts: list[Prompt] = []
        problems: list[str] = []
        for name in self._in(environment):
            try:
                prompt = self.load(name, environment=environment)
                prompt.compile()
                rollout = self._state.rollouts.get((name, environment))
                if rollout is not None:
                    rollout[0].compile()
                prompts.append(prompt)
            except PromptregError as problem:
                problems.append(str(problem))
        if problems:
            raise PromptregError(f"{len(problems)} of {environment} cannot be loaded:\n" + "\n".join(problems))
        return prompts

    def _in(self, environment: str) -> list[str]:
        catalog = self._current
        if environment == "draft":
            return [name for name in catalog.names() if catalog.source.has(f"{name}/{DRAFT}")]
        if environment == "latest":
            return [name for name in catalog.names() if catalog.sums(name).latest() is not None]
        return list(catalog.pins(environment))

    @property
    def _current(self) -> Catalog:
        """The catalog, after a look for changes where it is time for one."""
        if time.monotonic() >= self._look_at:
            self._look()
        return self._catalog

    @property
    def _catalog(self) -> Catalog:
        return self._state.loader.catalog

    # New states

    def _new_state(self, source: Source) -> State:
        catalog = Catalog(source)
        default = self._wanted or catalog.settings.default_environment
        self._check_default(catalog, default, "PROMPTREG_ENV")
        return State(self._loader(catalog), default, self._overrides(catalog))

    def _loader(self, catalog: Catalog) -> Loader:
        return Loader(catalog, self._warned)

    def _check_default(self, catalog: Catalog, default: str, where: str) -> None:
        try:
            selector = parse_selector(default)
            if selector.kind == "environment":
                catalog.check_environment(default)
        except PromptregError as problem:
            raise type(problem)(str(problem) if where == "environment" else f"{where}: {problem}") from None
        if selector.kind not in ("environment", "draft", "latest"):
            raise SpecError(f"{where} is {default!r}; it can be an environment, draft or latest.")

    def _overrides(self, catalog: Catalog) -> dict[str, str]:
        overrides: dict[str, str] = {}
        for entry in filter(None, (part.strip() for part in self._override_text.split(","))):
            name, equals, version = entry.partition("=")
            try:
                if not equals:
                    hint = f" Write {entry.replace('@', '=')}." if "@" in entry else ""
                    raise SpecError(f"{entry!r} is not NAME=VERSION.{hint}")
                catalog.resolve(check_name(name), Selector("version", version))
                catalog.released(name, version)
            except PromptregError as problem:
                raise type(problem)(f"PROMPTREG_OVERRIDE: {problem}") from None
            if overrides.setdefault(name, version) != version:
                raise SpecError(f"PROMPTREG_OVERRIDE names {name} twice: {overrides[name]} and {version}.")
            Loader(catalog, self._warned).warn_once(f"PROMPTREG_OVERRIDE is set: {name} is served as {version}")
        return overrides

    def _look(self) -> None:
        """Take over what changed; one thread does it, the others go on with what there is."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._look_at = time.monotonic() + self._refresh
            if self._changed():
                self._take_over()
            else:
                self._troubled = False
        finally:
            self._lock.release()

    def _changed(self) -> bool:
        source = self._catalog.source
        if self._root is None or not isinstance(source, Folder):
            return False
        if os.path.realpath(self._root) != source.root:
            return True
        watched = list(self._state.watched.items())
        return any(signature(source, path) != before for path, before in watched)

    def _take_over(self) -> None:
        source = self._catalog.source
        assert isinstance(source, Folder)
        assert self._root is not None
        before = self._state
        fresh = Folder(self._root, source.prefix)
        if not _still(fresh, list(before.watched)):
            self._look_at = min(self._look_at, time.monotonic() + STILL)
            return
        try:
            state = self._new_state(fresh)
            for key in list(before.prompts):
                state.load(key, before)
        except PromptregError as problem:
            self._say_trouble(problem)
            return
        if _still(fresh, state.watched) and all(signature(fresh, path) == seen for path, seen in state.watched.items()):
            self._state = state
            self._troubled = False
        else:
            self._look_at = min(self._look_at, time.monotonic() + STILL)

    def _say_trouble(self, problem: PromptregError) -> None:
        """Once for each time that the registry cannot be taken over, until it can again."""
        if not self._troubled:
            import logging

            self._troubled = True
            message = "the registry changed and cannot be taken over; the last good state answers: %s"
            logging.getLogger("promptreg").warning(message, problem)


def _still(source: Folder, paths: Iterable[str]) -> bool:
    """Whether none of some files was written in the last moment."""
    now = time.time_ns()
    for path in paths:
        found = signature(source, path)
        if found is not None and 0 <= now - found[0] < STILL * 1e9:
            return False
    return True


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return os.sep


# The default registry, which promptreg.load uses.

_default: Registry | None = None
_default_lock = threading.Lock()


def default_registry() -> Registry:
    """The registry of `promptreg.load`: opened on first use, or what `promptreg.testing.use` put in its place."""
    global _default  # noqa: PLW0603 - one registry for promptreg.load, as the face promises
    if _default is None:
        with _default_lock:
            if _default is None:
                _default = Registry.open()
    return _default


def replace_default(registry: Registry | None) -> Registry | None:
    """Put a registry in place of the default one, None to open it anew; returns the one before."""
    global _default
    with _default_lock:
        before, _default = _default, registry
    return before


def load(spec: str, *, environment: str | None = None, key: str | None = None) -> Prompt:
    """The prompt that `NAME[@SELECTOR]` means in the default registry: see `Registry.load`."""
    return (_default or default_registry()).load(spec, environment=environment, key=key)
