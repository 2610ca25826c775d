"""The one reader of prompt files: YAML front matter and a Jinja2 body (docs/files.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from promptreg.core.errors import LimitError, PromptFileError, near
from promptreg.core.inputs import Input, read_inputs
from promptreg.core.limits import Limits
from promptreg.core.yaml_reader import Path, YamlText, read_yaml

KEYS = (
    "description", "provider", "model", "parameters", "inputs", "output", "tools", "owners", "tags", "metadata",
    "profile",
)  # fmt: skip
PROFILE = 1
_OWN_KEYS = {
    "model": "model:",
    "messages": "{% message %}",
    "tools": "tools:",
    "functions": "tools:",
    "response_format": "output:",
}
_TRANSPORT = frozenset(
    (
        "api_base api_type api_version auth authentication azure_ad_token_provider azure_deployment "
        "base_url bearer credentials default_query extra_query host http_client max_retries organization "
        "port project proxies proxy region timeout token transport uri url"
    ).split()
)
_TRANSPORT_PARTS = (
    "header", "endpoint", "secret", "password", "authorization", "credential", "api_key", "apikey", "access_key",
    "private_key", "cookie", "hostname", "ssl",
)  # fmt: skip
_TRANSPORT_ENDS = ("_url", "_uri", "_host", "_token", "_proxy", "_timeout", "_retries")
#: Generation settings that look like one of these.
_NO_TRANSPORT = frozenset({"eos_token", "bos_token", "stop_token", "pad_token"})


class PromptFile:
    """What a prompt file says, not yet compiled.

    `text` is the canonical text, `path` how messages name the file, `body` the template with its final newline, which
    begins on line `body_line`. `inputs` is None where there is no front matter: then they are inferred.
    """

    __slots__ = (
        "body", "body_line", "description", "front", "inputs", "metadata", "model", "output", "owners", "parameters",
        "path", "provider", "tags", "text", "tools",
    )  # fmt: skip

    def __init__(self, text: str, path: str, limits: Limits) -> None:
        if len(text) > limits.source:
            raise LimitError(
                f"the file has {len(text):,} characters; source under [limits] allows {limits.source:,}.", path=path
            )
        self.text = text
        self.path = path
        front_text, self.body, self.body_line = _split(text, path)
        self.front = None if front_text is None else _read_front(front_text, path, limits)
        values = _Front(self.front).read() if self.front else {}
        self.description: str = values.get("description", "")
        self.provider: str | None = values.get("provider")
        self.model: str | None = values.get("model")
        self.parameters: dict[str, Any] = values.get("parameters", {})
        self.inputs: dict[str, Input] | None = values.get("inputs", {}) if self.front else None
        self.output: dict[str, Any] | None = values.get("output")
        self.tools: list[dict[str, Any]] = values.get("tools", [])
        self.owners: list[str] = values.get("owners", [])
        self.tags: list[str] = values.get("tags", [])
        self.metadata: dict[str, Any] = values.get("metadata", {})
        if not self.body.strip():
            raise self._empty()

    def _empty(self) -> PromptFileError:
        if self.front is None:
            return PromptFileError("the file is empty.", path=self.path)
        return PromptFileError("there is no text below the front matter.", path=self.path, line=self.body_line)


def _read_front(text: str, path: str, limits: Limits) -> YamlText:
    return read_yaml(text, path, first_line=2, error=PromptFileError, depth=limits.data_depth)


def _split(text: str, path: str) -> tuple[str | None, str, int]:
    if not text.startswith("---\n"):
        if text.partition("\n")[0].rstrip() == "---":
            raise PromptFileError("blanks stand behind the three dashes that open the front matter.", path=path, line=1)
        return None, text, 1
    end = text.find("\n---\n", 3)
    if end < 0:
        raise PromptFileError(
            "the front matter that begins here does not end. Close it with a line of three dashes: ---",
            path=path,
            line=1,
            column=1,
        )
    front = text[4 : end + 1]
    return front, text[end + 5 :], front.count("\n") + 3


def _snake(name: str) -> str:
    """A key in one spelling: `baseURL`, `base-url` and `base_url` are one."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


def is_transport(name: str) -> bool:
    """Whether a parameter names an endpoint, credentials, headers or transport, and so is no generation setting."""
    key = _snake(name)
    if key in _NO_TRANSPORT:
        return False
    return key in _TRANSPORT or key.endswith(_TRANSPORT_ENDS) or any(part in key for part in _TRANSPORT_PARTS)


def _mappings(value: Any, at: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The mappings in a value: itself, or those in a list."""
    if isinstance(value, dict):
        return [(at, value)]
    if not isinstance(value, list):
        return []
    return [found for index, item in enumerate(value) for found in _mappings(item, (*at, index))]


class _Front:
    """Reads and checks the keys of front matter."""

    def __init__(self, front: YamlText) -> None:
        self.front = front

    def read(self) -> dict[str, Any]:
        data = self.front.data
        if data is None:
            return {}
        if not isinstance(data, dict):
            raise self.front.problem("front matter is a mapping, as in  description: What this prompt is for.")
        for key in data:
            if key not in KEYS:
                raise self._unknown(key)
        return {key: getattr(self, f"_{key}")(key) for key in data}

    def _unknown(self, key: str) -> PromptFileError:
        aliases = {"name": "The name of a prompt is its folder.", "version": "Versions are made by promptreg release.",
                   "temperature": "Put it under parameters:.", "max_tokens": "Put it under parameters:.",
                   "variables": "Did you mean inputs?", "messages": "Write {% message %} in the body."}  # fmt: skip
        hint = " " + aliases[key] if key in aliases else near(key, KEYS)
        return self._problem(f"front matter has no key {key}. It takes {', '.join(KEYS)}.{hint}", (key,), key=True)

    def _problem(self, message: str, at: Path, *, key: bool = False) -> PromptFileError:
        problem = self.front.problem(message, at, key=key)
        assert isinstance(problem, PromptFileError)
        return problem

    def _text(self, key: str) -> str:
        value = self.front.data[key]
        if not isinstance(value, str):
            raise self._problem(f"{key} must be text.", (key,))
        return value

    _description = _provider = _model = _text

    def _texts(self, key: str) -> list[str]:
        value = self.front.data[key]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._problem(f"{key} must be a list of texts, as in  {key}: [one, two].", (key,))
        return value

    _owners = _tags = _texts

    def _mapping(self, key: str) -> dict[str, Any]:
        value = self.front.data[key]
        if not isinstance(value, dict):
            raise self._problem(f"{key} must be a mapping.", (key,))
        return value

    _metadata = _output = _mapping

    def _inputs(self, key: str) -> dict[str, Input]:
        return read_inputs(self.front)

    def _profile(self, key: str) -> int:
        if self.front.data[key] != PROFILE or isinstance(self.front.data[key], bool):
            raise self._problem(f"this promptreg knows template profile {PROFILE} only.", (key,))
        return PROFILE

    def _parameters(self, key: str) -> dict[str, Any]:
        parameters = self._mapping(key)
        self._refuse_transport(parameters, (key,))
        for name, place in _OWN_KEYS.items():
            if name in parameters:
                raise self._problem(f"{name} has a place of its own: {place}", (key, name), key=True)
        return parameters

    def _refuse_transport(self, parameters: Mapping[str, Any], at: Path) -> None:
        for name, value in parameters.items():
            if is_transport(name):
                raise self._problem(
                    f"{name} is no generation setting: endpoints, credentials, headers and transport belong to the "
                    "client in your code, not into the prompt.",
                    (*at, name),
                    key=True,
                )
            if _snake(name) == "properties":
                continue
            for place, inner in _mappings(value, (*at, name)):
                self._refuse_transport(inner, place)

    def _tools(self, key: str) -> list[dict[str, Any]]:
        tools = self.front.data[key]
        if not isinstance(tools, list):
            raise self._problem("tools must be a list of mappings with name, description and parameters.", (key,))
        for index, tool in enumerate(tools):
            self._check_tool(tool, (key, index))
        names = [tool["name"] for tool in tools]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise self._problem(f"the tool {name} stands here a second time.", (key, index, "name"))
        return tools

    def _check_tool(self, tool: Any, at: Path) -> None:
        if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
            raise self._problem("a tool is a mapping with name, description and parameters (a JSON Schema).", at)
        kinds = {"name": str, "description": str, "parameters": dict, "strict": bool}
        for name, value in tool.items():
            if name not in kinds:
                raise self._problem(f"a tool has no key {name}. It takes {', '.join(kinds)}.", (*at, name), key=True)
            if not isinstance(value, kinds[name]):
                noun = {str: "text", dict: "a mapping", bool: "true or false"}[kinds[name]]
                raise self._problem(f"{name} of a tool must be {noun}.", (*at, name))
