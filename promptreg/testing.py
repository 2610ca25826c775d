"""Registries for the tests of applications: from a mapping, without files.

from promptreg.testing import registry, use

def test_answer():
    with use(registry({"support/answer": "Answer: {{ question }}"})):
        assert answer("Hi") == …
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from promptreg.core.catalog import Catalog, read_spec
from promptreg.core.loader import Loader
from promptreg.core.names import parse_spec
from promptreg.core.prompt import Prompt
from promptreg.core.registry import Registry, replace_default
from promptreg.core.source import Files
from promptreg.core.syntax import Include

_SETTINGS = 'schema = 1\ndefault_environment = "draft"\n'


def registry(prompts: Mapping[str, str]) -> Registry:
    """A registry in memory: names to the texts of their prompt files.

    `load("support/answer")` serves the text that is given here, in whatever environment the code asks for it.
    """
    files = {f"{name}/prompt.md": text.encode() for name, text in prompts.items()}
    return _Drafts(Files({"promptreg.toml": _SETTINGS.encode()} | files))


class _DraftLoader(Loader):
    """Includes the draft of a partial, whatever version is included."""

    def include_spec(self, include: Include, path: str, above: tuple[str, ...] = ()) -> str:
        """`NAME@draft`; TemplateError where the mapping has no such prompt."""
        name, _ = parse_spec(include.spec)
        return super().include_spec(Include(f"{name}@draft", include.line, include.outside), path, above)


class _Drafts(Registry):
    """Serves the draft of a prompt, whatever is asked for."""

    def load(self, spec: str, *, environment: str | None = None, key: str | None = None) -> Prompt:
        """The draft; SpecError for what no registry takes."""
        name, _ = read_spec(spec, environment, "draft")
        return super().load(name, key=key)

    def snapshot(self, environment: str | None = None) -> Registry:
        """This registry, which does not change."""
        return self

    def preload(self, environment: str | None = None) -> list[Prompt]:
        """All prompts, compiled."""
        return super().preload()

    def _loader(self, catalog: Catalog) -> Loader:
        return _DraftLoader(catalog, self._warned)


@contextmanager
def use(registry: Registry) -> Iterator[Registry]:
    """Let `promptreg.load` use a registry, in all threads, until the block ends."""
    before = replace_default(registry)
    try:
        yield registry
    finally:
        replace_default(before)
