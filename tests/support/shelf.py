"""A registry's files, written by hand as the contract describes them, and the means to wait for a registry."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from promptreg.core.prompt import Prompt
from promptreg.core.registry import Registry

NAME = "support/answer"
#: Seconds after which a file has been still for long enough to be believed.
QUIET = 0.12


def sha(text: str, includes: dict[str, str] | None = None) -> str:
    """The digest of a version (design.md 3.1)."""
    said = "".join(f"{spec} {digest}\n" for spec, digest in sorted((includes or {}).items()))
    return "sha256:" + hashlib.sha256(f"promptreg 1\n{text}\n{said}".encode()).hexdigest()


class Shelf:
    """A registry in a folder; environments `production` and `staging`."""

    def __init__(self, root: Path, default: str = "production") -> None:
        self.root = root
        self.digests: dict[str, str] = {}
        self.pins: dict[str, dict[str, str]] = {}
        self.settings(default)

    # Writing

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        return target

    def settings(self, default: str) -> None:
        self.write(
            "promptreg.toml",
            f'schema = 1\ndefault_environment = "{default}"\n[environments.staging]\n[environments.production]\n',
        )

    def draft(self, name: str, text: str) -> None:
        self.write(f"{name}/prompt.md", text)

    def release(self, spec: str, text: str, *includes: str) -> str:
        """Release `NAME@VERSION`; returns its digest."""
        assert text.endswith("\n"), "canonical texts end with a newline"
        name, _, version = spec.partition("@")
        digest = sha(text, {include: self.digests[include] for include in includes})
        self.digests[spec] = digest
        self.write(f"{name}/versions/{version}.txt", text)
        self._append(f"{name}/versions.sum", " ".join([version, digest, "2026-11-20", *includes]) + "\n")
        return digest

    def yank(self, spec: str, reason: str) -> None:
        name, _, version = spec.partition("@")
        self._append(f"{name}/versions.sum", f"{version} yanked 2026-12-01 # {reason}\n")

    def pin(self, spec: str, environment: str = "production", rollout: tuple[str, int] | None = None) -> None:
        """Pin `NAME@VERSION`; `rollout` is a version and its percentage."""
        name, _, version = spec.partition("@")
        entry = f"{name}:\n  version: {version}\n  digest: {self.digests[spec]}\n"
        if rollout is not None:
            candidate, percent = rollout
            entry += f"  rollout: {candidate} {self.digests[f'{name}@{candidate}']} {percent}%\n"
        self.pins.setdefault(environment, {})[name] = entry
        self.write(f"environments/{environment}.yaml", self.pins_text(environment))

    def pins_text(self, environment: str = "production") -> str:
        return "".join(entry for _, entry in sorted(self.pins[environment].items()))

    def _append(self, path: str, line: str) -> None:
        target = self.root / path
        self.write(path, (target.read_text(encoding="utf-8") if target.exists() else "") + line)

    # Reading

    def open(self, refresh: float = 0.0) -> Registry:
        """The registry, opened; looks for changes at every load."""
        return Registry.open(self.root, refresh=refresh)


def answer(root: Path, default: str = "production") -> Shelf:
    """A shelf in which support/answer 1.0.0 is in production."""
    shelf = Shelf(root, default)
    shelf.draft(NAME, "Draft: {{ question }}\n")
    shelf.release(f"{NAME}@1.0.0", "One: {{ question }}\n")
    shelf.pin(f"{NAME}@1.0.0")
    return shelf


def until(load: Callable[[], Prompt], version: str, patience: float = 5.0) -> Prompt:
    """Load again and again until a version answers, or patience ends; what answered last."""
    end = time.monotonic() + patience
    while True:
        prompt = load()
        if prompt.version == version or time.monotonic() > end:
            return prompt
        time.sleep(0.01)


def keeps(load: Callable[[], Prompt], seconds: float = QUIET) -> set[str]:
    """The versions that answer for a while, loaded again and again."""
    end = time.monotonic() + seconds
    seen = {load().version}
    while time.monotonic() < end:
        time.sleep(0.01)
        seen.add(load().version)
    return seen
