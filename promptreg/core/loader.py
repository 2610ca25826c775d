"""From verified files to prompts that render."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from promptreg.core.catalog import Catalog, Choice
from promptreg.core.errors import IntegrityError, LimitError, PromptregError, TemplateError
from promptreg.core.inputs import Input
from promptreg.core.names import parse_spec
from promptreg.core.prompt import Prompt
from promptreg.core.prompt_file import PromptFile
from promptreg.core.sandbox import Sandbox
from promptreg.core.source import DRAFT
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.syntax import Include
from promptreg.core.template import Parsed, Template, sandbox
from promptreg.core.text import digest
from promptreg.core.versions import precedence

_WARNING = threading.Lock()


class Loader:
    """Makes prompts from what a catalog says; each version and each partial is read and compiled once."""

    def __init__(self, catalog: Catalog, warned: set[str] | None = None) -> None:
        self.catalog = catalog
        self._sandbox: Sandbox | None = None
        self._prompts: dict[tuple[str, str], Prompt] = {}
        self._partials: dict[str, Template] = {}
        self._files: dict[str, PromptFile] = {}
        self._warned = set() if warned is None else warned
        #: By prompt and input, the version that declares it: what skew between code and prompt found out.
        self._known: dict[tuple[str, str], str] = {}

    @property
    def environment(self) -> Sandbox:
        """The Jinja environment of this registry."""
        if self._sandbox is None:
            self._sandbox = sandbox(self.catalog.settings.limits)
        return self._sandbox

    def prompt(self, name: str, choice: Choice) -> Prompt:
        """A chosen version, verified; or the draft."""
        if choice.version == "draft":
            return self._draft(name, choice)
        text, found = self.catalog.released(name, choice.version)
        includes = self.catalog.sums(name).releases[choice.version].includes
        path = self.catalog.source.shown(self.catalog.version_path(name, choice.version))
        file = PromptFile(text, path, self.catalog.settings.limits)
        return Prompt(self, file, (name, choice.version, found), includes, (choice.source, choice.environment))

    def version(self, name: str, version: str) -> Prompt:
        """A version by its number, remembered."""
        if (name, version) not in self._prompts:
            self._prompts[name, version] = self.prompt(name, Choice(version, "version"))
        return self._prompts[name, version]

    def _draft(self, name: str, choice: Choice) -> Prompt:
        text = self.catalog.draft(name)
        if text is None:
            raise self.catalog.no_version(name, "draft")
        return self.from_text(name, text, choice)

    def from_text(self, name: str, text: str, choice: Choice | None = None, path: str | None = None) -> Prompt:
        """A prompt from canonical text that is no version, as a draft is read."""
        choice = choice or Choice("draft", "draft")
        file = PromptFile(text, path or self.catalog.draft_path(name), self.catalog.settings.limits)
        includes = {spec: self.digest_of(spec, (name,)) for spec in self.draft_includes(file, (name,))}
        identity = (name, choice.version, digest(text, includes))
        return Prompt(self, file, identity, tuple(sorted(includes)), (choice.source, choice.environment))

    # Includes

    def draft_includes(self, file: PromptFile, above: tuple[str, ...]) -> list[str]:
        """The full specs of what a draft includes, floating ones resolved."""
        parsed = Parsed(file, self.environment, partial=False)
        return sorted({self.include_spec(include, file.path, above) for include in parsed.syntax.includes})

    def include_spec(self, include: Include, path: str, above: tuple[str, ...] = ()) -> str:
        """`NAME@VERSION` or `NAME@draft` for an include of a draft; TemplateError for what an include cannot say."""
        name = include.spec.partition("@")[0]
        if name in above:
            raise TemplateError(f"includes go round: {' → '.join((*above, name))}.", path=path, line=include.line)
        if len(above) > self.catalog.settings.limits.include_depth:
            raise LimitError("partials stand too deep (include_depth under [limits]).", path=path, line=include.line)
        try:
            selector = parse_spec(include.spec)[1]
            if selector is None:
                latest = self.catalog.sums(name).latest()
                if latest is None:
                    raise self.catalog.no_version(name, "version")
                return f"{name}@{latest}"
            if selector.kind not in ("version", "draft"):
                raise PromptregError("an include names an exact version, @draft, or nothing, which is the newest one")
            self.catalog.resolve(name, selector)
        except PromptregError as problem:
            message = f'include "{include.spec}": {problem.message.rstrip(".")}.'
            raise TemplateError(message, path=path, line=include.line) from None
        return f"{name}@{selector.value}"

    def digest_of(self, spec: str, above: tuple[str, ...] = ()) -> str:
        """The digest of `NAME@VERSION` or `NAME@draft`."""
        name, _, version = spec.partition("@")
        if version != "draft":
            return self.catalog.released(name, version)[1]
        file = self.partial_file(spec)
        inner = {inside: self.digest_of(inside, (*above, name)) for inside in self.draft_includes(file, (*above, name))}
        return digest(file.text, inner)

    def partial_file(self, spec: str) -> PromptFile:
        """The prompt file of `NAME@VERSION` or `NAME@draft`; read once, so that a text and its digest are one."""
        if spec not in self._files:
            self._files[spec] = self._read_partial(spec)
        return self._files[spec]

    def _read_partial(self, spec: str) -> PromptFile:
        name, _, version = spec.partition("@")
        limits = self.catalog.settings.limits
        if version == "draft":
            text = self.catalog.draft(name)
            if text is None:
                raise self.catalog.no_version(name, "draft")
            return PromptFile(text, self.catalog.draft_path(name), limits)
        path = self.catalog.source.shown(self.catalog.version_path(name, version))
        return PromptFile(self.catalog.released(name, version)[0], path, limits)

    # What a prompt asks of its maker

    def template(self, prompt: Prompt) -> Template:
        """The compiled template of a prompt."""
        parsed = Parsed(prompt.file, self.environment, partial=False)
        return self._compiled(parsed, frozenset(prompt.includes), prompt.version == "draft", (prompt.name,))

    def _compiled(self, parsed: Parsed, known: frozenset[str], draft: bool, above: tuple[str, ...]) -> Template:
        partials: dict[str, tuple[str, Template]] = {}
        for include in parsed.syntax.includes:
            spec = self.include_spec(include, parsed.file.path, above) if draft else include.spec
            if spec not in known:
                raise IntegrityError(
                    f"includes {spec}, which its line in versions.sum does not name.",
                    path=parsed.file.path,
                    line=include.line,
                )
            partials[include.spec] = spec, self._partial(spec, above)
        return Template(parsed, self.environment, partials)

    def _partial(self, spec: str, above: tuple[str, ...]) -> Template:
        if spec not in self._partials:
            name, _, version = spec.partition("@")
            file = self.partial_file(spec)
            if version == "draft":
                known = frozenset(self.draft_includes(file, (*above, name)))
            else:
                known = frozenset(self.catalog.sums(name).releases[version].includes)
            parsed = Parsed(file, self.environment, partial=True)
            self._partials[spec] = self._compiled(parsed, known, version == "draft", (*above, name))
        return self._partials[spec]

    def files(self, prompt: Prompt) -> Iterator[PromptFile]:
        """The prompt's file and those of all that it includes, each once."""
        yield prompt.file
        seen: set[str] = set()
        queue = list(prompt.includes)
        for spec in queue:
            if spec in seen:
                continue
            seen.add(spec)
            name, _, version = spec.partition("@")
            file = self.partial_file(spec)
            yield file
            if version == "draft":
                queue.extend(self.draft_includes(file, (prompt.name, name)))
            else:
                queue.extend(self.catalog.sums(name).releases[version].includes)

    def stands_on(self, prompt: Prompt) -> list[str]:
        """The files of the registry that a draft and its floating includes were read from."""
        paths = [f"{prompt.name}/{DRAFT}"]
        queue = list(prompt.includes)
        for spec in queue:
            name, _, version = spec.partition("@")
            paths.append(f"{name}/{DRAFT}" if version == "draft" else f"{name}/{SUMS_FILE}")
            if version == "draft":
                queue.extend(set(self.draft_includes(self.partial_file(spec), (prompt.name, name))) - set(queue))
        return paths

    def inferred_inputs(self, prompt: Prompt) -> dict[str, Input]:
        """The names that a prompt and its partials use, as inputs of type any."""
        names: dict[str, Input] = {}
        for file in self.files(prompt):
            for name in Parsed(file, self.environment, partial=False).names():
                names.setdefault(name, Input(name))
        return names

    def version_with_input(self, name: str, wanted: str) -> str | None:
        """The lowest version of a prompt, as its files are now, that declares an input; None where no version does."""
        if (name, wanted) not in self._known:
            found = self._version_with_input(name, wanted)
            if found is None:
                return None
            self._known[name, wanted] = found
        return self._known[name, wanted]

    def _version_with_input(self, name: str, wanted: str) -> str | None:
        try:
            now = Loader(Catalog(self.catalog.source), self._warned)
            versions = sorted(now.catalog.sums(name).versions(), key=precedence)
        except PromptregError:
            return None
        for version in versions:
            try:
                if wanted in now.version(name, version).declared:
                    return version
            except PromptregError as problem:
                self.warn_once(f"{name}@{version} cannot be read: {problem}")
        return None

    def warn_once(self, message: str) -> None:
        """Log a warning that was not logged before."""
        with _WARNING:
            if message in self._warned:
                return
            self._warned.add(message)
        import logging

        logging.getLogger("promptreg").warning(message)
