"""A prompt that was resolved, and what it renders to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from promptreg.core.errors import InputError, PromptregError, near
from promptreg.core.inputs import Input
from promptreg.core.messages import assemble
from promptreg.core.plain import NotPlain
from promptreg.core.prompt_file import PromptFile
from promptreg.core.template import Template

_Data = TypeVar("_Data")
_EXACT = {"string": str, "integer": int, "boolean": bool}


def _own(value: _Data) -> _Data:
    """A copy that the caller may change."""
    import copy

    return copy.deepcopy(value)


class Maker(Protocol):
    """What a prompt asks of the registry that resolved it."""

    def template(self, prompt: Prompt) -> Template:
        """Its compiled template."""

    def inferred_inputs(self, prompt: Prompt) -> dict[str, Input]:
        """The inputs of a prompt without front matter."""

    def version_with_input(self, name: str, wanted: str) -> str | None:
        """The lowest version of a prompt that declares an input, None where no version does."""

    def digest_of(self, spec: str) -> str:
        """The digest of an included `NAME@VERSION`."""

    def warn_once(self, message: str) -> None:
        """Log a warning that was not logged before."""


class Prompt:
    """One version (or the draft) of a prompt. Frozen; what its attributes return can be changed without harm.

    `version` is `1.2.0` or `draft`; `environment` the environment it was resolved through, or None; `source` how it
    was chosen: environment, version, range, latest, draft or override.
    """

    __slots__ = (
        "_compiled", "_file", "_inputs", "_maker", "_plan", "digest", "environment", "includes", "name", "source",
        "version",
    )  # fmt: skip

    name: str
    version: str
    digest: str
    environment: str | None
    source: str
    includes: tuple[str, ...]
    _compiled: Template | None
    _file: PromptFile
    _inputs: Mapping[str, Input] | None
    _maker: Maker
    _plan: list[tuple[str, type | None, Input]] | None

    def __init__(
        self,
        maker: Maker,
        file: PromptFile,
        identity: tuple[str, str, str],
        includes: tuple[str, ...],
        origin: tuple[str, str | None],
    ) -> None:
        fix = object.__setattr__
        fix(self, "_maker", maker)
        fix(self, "_file", file)
        for field, value in zip(("name", "version", "digest"), identity, strict=True):
            fix(self, field, value)
        fix(self, "includes", includes)
        fix(self, "source", origin[0])
        fix(self, "environment", origin[1])
        fix(self, "_compiled", None)
        fix(self, "_inputs", file.inputs)
        fix(self, "_plan", None)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a prompt cannot be changed: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a prompt cannot be changed: {name}")

    def __copy__(self) -> Prompt:
        return self

    def __deepcopy__(self, memo: object) -> Prompt:
        return self

    def asks(self, maker: Maker) -> None:
        """Ask another state of the registry from now on. What the prompt says stays."""
        object.__setattr__(self, "_maker", maker)

    def __repr__(self) -> str:
        return f"<Prompt {self.spec} {self.digest[:15]}…>"

    @property
    def spec(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.name}@{self.version}"

    @property
    def file(self) -> PromptFile:
        """The prompt file that was read."""
        return self._file

    @property
    def include_digests(self) -> tuple[str, ...]:
        """`NAME@VERSION DIGEST` of each include, sorted: what its digest counts in beside its own text."""
        return tuple(f"{spec} {self._maker.digest_of(spec)}" for spec in sorted(self.includes))

    @property
    def description(self) -> str:
        """The `description` of front matter."""
        return self._file.description

    @property
    def provider(self) -> str | None:
        """The `provider` of front matter."""
        return self._file.provider

    @property
    def model(self) -> str | None:
        """The `model` of front matter."""
        return self._file.model

    @property
    def parameters(self) -> dict[str, Any]:
        """The generation settings of front matter."""
        return _own(self._file.parameters)

    @property
    def output(self) -> dict[str, Any] | None:
        """The JSON Schema of the answer, or None."""
        return _own(self._file.output)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools that the model may call: `{"name", "description", "parameters"}`."""
        return _own(self._file.tools)

    @property
    def metadata(self) -> dict[str, Any]:
        """The `metadata` of front matter."""
        return _own(self._file.metadata)

    @property
    def inputs(self) -> dict[str, Input]:
        """The inputs by name. Where there is no front matter: the names that the template uses, of type any."""
        return _own(dict(self.declared))

    @property
    def declared(self) -> Mapping[str, Input]:
        """The inputs themselves, to look at and not to change."""
        if self._inputs is None:
            object.__setattr__(self, "_inputs", self._maker.inferred_inputs(self))
        return self._inputs or {}

    @property
    def is_compiled(self) -> bool:
        """Whether the template has been compiled yet."""
        return self._compiled is not None

    @property
    def chat(self) -> bool:
        """Whether it makes messages rather than one text."""
        return self.compile().chat

    def compile(self) -> Template:
        """The compiled template; compiled on first use. TemplateError or LimitError where it cannot be."""
        if self._compiled is None:
            plan = [(name, _quick(declared), declared) for name, declared in self.declared.items()]
            object.__setattr__(self, "_plan", plan)
            object.__setattr__(self, "_compiled", self._maker.template(self))
        assert self._compiled is not None
        return self._compiled

    def render(self, /, **inputs: Any) -> Rendered:
        """Fill in the inputs.

        Raises InputError, which lists all inputs that are missing, unexpected or invalid, and TemplateError or
        LimitError with path and line for what fails inside the template. An input that only another version of the
        prompt declares is dropped, and logged once.
        """
        compiled = self._compiled or self.compile()
        values: dict[str, Any] = {}
        try:
            for name, kind, declared in self._plan:  # type: ignore[union-attr]
                value = inputs[name]
                values[name] = value if type(value) is kind else declared.value(value)
        except (KeyError, NotPlain):
            values = self._fitted(inputs)
        else:
            if len(inputs) != len(values):
                values = self._fitted(inputs)
        pieces = compiled.pieces(values)
        if compiled.chat:
            return Rendered(self, None, assemble(pieces))
        return Rendered(self, "".join(pieces), None)

    def _fitted(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All inputs with their defaults, or InputError."""
        declared = self.declared
        values: dict[str, Any] = {}
        missing: list[str] = []
        invalid: dict[str, str] = {}
        for name, input_ in declared.items():
            if name in given:
                try:
                    values[name] = input_.value(given[name])
                except NotPlain as problem:
                    invalid[name] = f"{name}{problem.path} {problem.message}"
            elif input_.required:
                missing.append(name)
            else:
                values[name] = input_.default
        unexpected = [name for name in given if name not in declared and not self._skewed(name)]
        if missing or unexpected or invalid:
            raise self._refusal(missing, unexpected, invalid)
        return values

    def _skewed(self, name: str) -> bool:
        """Whether another version declares an input, so that code and prompt are merely of different age."""
        version = self._maker.version_with_input(self.name, name)
        if version is not None:
            self._maker.warn_once(f"{self.spec} ignores input {name!r}, known since {version}")
        return version is not None

    def _refusal(self, missing: list[str], unexpected: list[str], invalid: dict[str, str]) -> InputError:
        parts = []
        if missing:
            parts.append(f"missing input {', '.join(missing)}")
        if unexpected:
            parts.append(f"unexpected input {', '.join(name[:100] for name in unexpected[:20])}")
        parts.extend(invalid.values())
        takes = f" Takes: {', '.join(self.declared)}." if self.declared else " It takes no inputs."
        hint = near(unexpected[0][:100], self.declared) if len(unexpected) == 1 else ""
        return InputError(
            f"{self.spec}: {'; '.join(parts)}.{takes}{hint}", missing=missing, unexpected=unexpected, invalid=invalid
        )

    def attributes(self) -> dict[str, str]:
        """What telemetry should say of this prompt: attribute names and values. No inputs, no text."""
        from promptreg.core.telemetry import attributes

        return attributes(self)


def _quick(declared: Input) -> type | None:
    """The type whose values fit as they are, None where a closer look is needed."""
    return _EXACT.get(declared.type) if declared.enum is None else None


class Rendered:
    """What a prompt rendered to: `messages`, for text prompts also `text`, and the `prompt` itself."""

    __slots__ = ("_messages", "_text", "prompt")

    def __init__(self, prompt: Prompt, text: str | None, messages: list[dict[str, Any]] | None) -> None:
        self.prompt = prompt
        self._text = text
        self._messages = messages

    def __repr__(self) -> str:
        return f"<Rendered {self.prompt.spec}>"

    @property
    def text(self) -> str:
        """The text of a text prompt; PromptregError for a chat prompt, which has messages."""
        if self._text is None:
            raise PromptregError(f"{self.prompt.spec} is a chat prompt: use .messages.")
        return self._text

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages: `[{"role": …, "content": …}]`. A text prompt is one user message."""
        if self._messages is None:
            self._messages = [{"role": "user", "content": self._text}]
        return self._messages

    def attributes(self) -> dict[str, str]:
        """What telemetry should say: see `Prompt.attributes`."""
        return self.prompt.attributes()

    def for_openai(self) -> dict[str, Any]:
        """Keyword arguments for `client.chat.completions.create(**…)`: a plain dict, no SDK is imported."""
        from promptreg.core.clients import for_openai

        return for_openai(self.prompt, self.messages)
