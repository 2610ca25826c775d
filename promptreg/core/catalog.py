"""What the files of one state of a registry say: which versions there are, what is pinned, what a selector means.

A Catalog reads a Source and remembers what it has read; it does not look whether files change under it. Loading
verifies a version against its line in versions.sum, and that against the pin; the templates are not parsed for it.
"""

from __future__ import annotations

from promptreg.core.errors import (
    EnvironmentNotFound,
    IntegrityError,
    LimitError,
    PromptNotFound,
    RegistryNotFound,
    SpecError,
    VersionNotFound,
    near,
)
from promptreg.core.names import Selector, parse_selector, parse_spec
from promptreg.core.pins import Pin, environment_path, find_pin, read_pins
from promptreg.core.settings import Settings, read_settings
from promptreg.core.source import DRAFT, SETTINGS, VERSIONS, Signature, Source, signature
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.sums import Sums, read_sums
from promptreg.core.text import canonical, decode, digest
from promptreg.core.versions import matching, precedence

_TOLD = 8
FORMATTERS = (
    "A formatter (prettier, mdformat, end-of-file-fixer) often does this. promptreg check --fix restores it from the "
    "base branch; exclude versions/ from the formatter."
)


class Choice:
    """What a selector came to: `version` (or `draft`), the pinned `digest` where an environment chose it, the kind of
    `source`, and the `environment`.
    """

    __slots__ = ("digest", "environment", "source", "version")

    def __init__(self, version: str, source: str, environment: str | None = None, digest: str | None = None) -> None:
        self.version = version
        self.source = source
        self.environment = environment
        self.digest = digest


class Catalog:
    """The facts of one state of a registry."""

    def __init__(self, source: Source) -> None:
        self.source = source
        #: Files that can change, as they were just before they were read.
        self.seen: dict[str, Signature] = {}
        data = self._read(SETTINGS)
        if data is None:
            raise RegistryNotFound(f"there is no {SETTINGS} here, so this is no registry.", path=source.shown(""))
        self.settings: Settings = read_settings(data, source.shown(SETTINGS))
        self._sums: dict[str, Sums] = {}
        self._pins: dict[str, str] = {}
        self._verified: dict[str, tuple[str, str, int]] = {}

    def _read(self, path: str) -> bytes | None:
        self.seen.setdefault(path, signature(self.source, path))
        return self.source.read(path)

    # What there is

    def names(self) -> list[str]:
        """The names of all prompts, sorted."""
        return self.source.names()

    def sums(self, name: str) -> Sums:
        """The versions of a prompt; none where there is no versions.sum."""
        if name not in self._sums:
            path = f"{name}/{SUMS_FILE}"
            shown = self.source.shown(path)
            self._sums[name] = read_sums(decode(self._read(path) or b"", shown), shown)
        return self._sums[name]

    def draft_path(self, name: str) -> str:
        """How messages name a prompt's draft."""
        return self.source.shown(f"{name}/{DRAFT}")

    def draft(self, name: str) -> str | None:
        """The canonical text of a prompt's draft; None where it has none."""
        data = self._read(f"{name}/{DRAFT}")
        return None if data is None else canonical(data, self.draft_path(name))

    def pins_text(self, environment: str) -> str:
        """The text of an environment's file; empty where there is none."""
        if environment not in self._pins:
            path = environment_path(environment)
            self._pins[environment] = decode(self._read(path) or b"", self.source.shown(path))
        return self._pins[environment]

    def pin(self, environment: str, name: str) -> Pin | None:
        """What an environment pins of a prompt, found without reading its other entries."""
        self.check_environment(environment)
        return find_pin(self.pins_text(environment), name, self.source.shown(environment_path(environment)))

    def pins(self, environment: str) -> dict[str, Pin]:
        """All that an environment pins."""
        self.check_environment(environment)
        return read_pins(self.pins_text(environment), self.source.shown(environment_path(environment)))

    def check_environment(self, environment: str) -> None:
        """EnvironmentNotFound where promptreg.toml does not name it."""
        known = self.settings.environments
        if environment not in known:
            there = (
                f"There {'is' if len(known) == 1 else 'are'} {', '.join(known)}."
                if known
                else "promptreg.toml names none."
            )
            hint = near(environment, (*known, "latest", "draft"))
            raise EnvironmentNotFound(f"There is no environment {environment}. {there}{hint}")

    # What a version is

    def version_path(self, name: str, version: str) -> str:
        """Where a released version stands, relative to the registry."""
        return f"{name}/{VERSIONS}/{version}.txt"

    def released(self, name: str, version: str, above: tuple[str, ...] = ()) -> tuple[str, str]:
        """The canonical text and the digest of a version, verified against versions.sum with all that it includes."""
        spec = f"{name}@{version}"
        if spec in above:
            raise IntegrityError(f"includes go round: {' → '.join((*above, spec))}.")
        if spec not in self._verified:
            self._verified[spec] = self._verify(name, version, (*above, spec))
        text, found, height = self._verified[spec]
        if len(above) + height > self.settings.limits.include_depth:
            outermost = (*above, spec)[0].partition("@")
            path = self.source.shown(self.version_path(outermost[0], outermost[2]))
            raise LimitError("partials stand too deep (include_depth under [limits]).", path=path)
        return text, found

    def _verify(self, name: str, version: str, above: tuple[str, ...]) -> tuple[str, str, int]:
        release = self.sums(name).releases.get(version)
        if release is None:
            raise self.no_version(name, version)
        path = self.version_path(name, version)
        shown = self.source.shown(path)
        data = self.source.read(path)
        if data is None:
            raise IntegrityError(
                f"{name} {version} was released, and its file is gone. promptreg check --fix restores it from the base "
                "branch. If this is an image, see that .dockerignore keeps *.txt.",
                path=shown,
            )
        text = canonical(data, shown)
        includes: dict[str, str] = {}
        for include in release.includes:
            included, _, included_version = include.partition("@")
            try:
                includes[include] = self.released(included, included_version, above)[1]
            except (PromptNotFound, VersionNotFound) as problem:
                raise IntegrityError(f"{name} {version} includes {include}. {problem.message}", path=shown) from None
        found = digest(text, includes)
        if found != release.digest:
            raise IntegrityError(
                f"{name} {version} is not what was released (sha256 {release.digest[7:11]}… → {found[7:11]}…). "
                + FORMATTERS,
                path=shown,
            )
        return text, found, 1 + max((self._verified[include][2] for include in release.includes), default=-1)

    # What a selector means

    def resolve(self, name: str, selector: Selector) -> Choice:
        """The version that a selector asks for; VersionNotFound, PromptNotFound or EnvironmentNotFound otherwise."""
        if selector.kind == "environment":
            return self._pinned(name, selector.value)
        if selector.kind == "draft":
            if self.source.read(f"{name}/{DRAFT}") is None:
                raise self._no_draft(name)
            return Choice("draft", "draft")
        if selector.kind == "git":
            raise SpecError(f"{name}@git:{selector.value}: revisions work on the command line only.")
        sums = self.sums(name)
        if selector.kind == "version":
            if selector.value not in sums.releases:
                raise self.no_version(name, selector.value)
            return Choice(selector.value, "version")
        latest = selector.kind == "latest"
        found = sums.latest() if latest else self._newest_in(sums, selector.value)
        if found is None:
            raise self.no_version(name, selector.value)
        return Choice(found, selector.kind)

    @staticmethod
    def _newest_in(sums: Sums, wanted: str) -> str | None:
        """The newest version that a range admits, as npm ranks them: a pre-release too where the range names one."""
        return max(matching(wanted, sums.standing()), key=precedence, default=None)

    def _pinned(self, name: str, environment: str) -> Choice:
        pin = self.pin(environment, name)
        if pin is None:
            raise self._not_pinned(name, environment)
        self.check_pin(environment, pin, pin.version, pin.digest)
        return Choice(pin.version, "environment", environment, pin.digest)

    def check_pin(self, environment: str, pin: Pin, version: str, pinned: str) -> None:
        """IntegrityError where a digest in a pin is not that of the version it stands behind."""
        name = pin.name
        release = self.sums(name).releases.get(version)
        path = self.source.shown(environment_path(environment))
        if release is None:
            raise IntegrityError(
                f"{environment} pins {name} {version}, which was never released. It has {self._has(name)}.",
                path=path,
                line=pin.line,
            )
        if release.digest != pinned:
            raise IntegrityError(
                f"{environment} pins {name} {version} as {pinned[:15]}…, and that version is {release.digest[:15]}…. "
                "promptreg check --fix mends a pin that an amended release left behind.",
                path=path,
                line=pin.line,
            )

    # What to say when there is nothing

    def _has(self, name: str) -> str:
        releases = self.sums(name).releases
        told = [version + (" (yanked)" if release.yanked is not None else "") for version, release in releases.items()]
        older = f" and {len(told) - _TOLD} older" if len(told) > _TOLD else ""
        return ", ".join(told[-_TOLD:]) + older if told else "no versions"

    def missing(self, name: str) -> PromptNotFound | None:
        """The error for a prompt that is not there at all, None where it is."""
        if self.sums(name).releases or self.source.read(f"{name}/{DRAFT}") is not None:
            return None
        known = [known for known in self.names() if known != name]
        root = self.source.shown("").rstrip("/")
        under = f" under {root}" if root else ""
        if not known:
            return PromptNotFound(
                f"No prompt {name}{under}: there is {SETTINGS} and no prompt. If this is an image, see "
                "whether .dockerignore excludes *.md or *.txt. Found there: 0 prompts."
            )
        hint = near(name, known)
        there = (
            ""
            if hint
            else f" There {_are(len(known))}: {', '.join(known[:_TOLD])}{' …' if len(known) > _TOLD else ''}."
        )
        return PromptNotFound(f"There is no prompt {name}{under}.{hint}{there}")

    def no_version(self, name: str, wanted: str) -> VersionNotFound | PromptNotFound:
        """The error for a version, range or `latest` that a prompt does not have."""
        missing = self.missing(name)
        if missing:
            return missing
        if not self.sums(name).releases:
            return VersionNotFound(f"{name} has no {wanted}: it was never released. promptreg release {name} does it.")
        return VersionNotFound(f"{name} has no {wanted}. It has {self._has(name)}.")

    def _no_draft(self, name: str) -> VersionNotFound | PromptNotFound:
        missing = self.missing(name)
        if missing:
            return missing
        version = self.sums(name).latest() or self.sums(name).versions()[-1]
        return VersionNotFound(f"{name} has no draft. promptreg draft {name}@{version} makes one from a version.")

    def _not_pinned(self, name: str, environment: str) -> VersionNotFound | PromptNotFound:
        missing = self.missing(name)
        if missing:
            return missing
        latest = self.sums(name).latest()
        if latest is None and self.sums(name).releases:
            return VersionNotFound(
                f"{name} has no version in {environment}. It has {self._has(name)}. Release another."
            )
        if latest is not None:
            return VersionNotFound(
                f"{name} has no version in {environment}. It has {self._has(name)}. Promote one: "
                f"promptreg promote {name}@{latest} --to {environment}"
            )
        return VersionNotFound(
            f"{name} has no version in {environment}. It has a draft. Ship it: promptreg ship {name} --to "
            f"{environment} — or run with PROMPTREG_ENV=draft."
        )


def _are(count: int) -> str:
    return "is 1 prompt" if count == 1 else f"are {count} prompts"


def read_spec(spec: str, environment: str | None, default: str) -> tuple[str, Selector]:
    """A spec with what `environment`, else `default`, means where it names no selector.

    Either is an environment, `draft` or `latest`. Raises SpecError where both the spec and `environment` choose.
    """
    name, selector = parse_spec(spec)
    if selector is not None:
        if environment is not None:
            raise SpecError(f"{spec} names a selector, and environment={environment!r} another. Leave one out.")
        return name, selector
    if not isinstance(environment or "", str):
        raise SpecError(f"environment is a text, such as production, not {type(environment).__name__}.")
    if environment == "":
        raise SpecError("environment is empty. Leave it out for the default, or name one.")
    chosen = parse_selector(environment or default)
    if chosen.kind not in ("environment", "draft", "latest"):
        raise SpecError(f"environment is {environment!r}; it can be an environment, draft or latest.")
    return name, chosen
