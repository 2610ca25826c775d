"""Prompts in memory, and the same prompts rendered by plain jinja2 as the yardstick."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.loaders import DictLoader
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptreg.core.prompt import Prompt, Rendered
from promptreg.testing import registry

PARTIALS = {
    "shared/tone": "Write warmly, and never mention {{ product }} twice.\n",
    "shared/rule": "{% if product %}\nRule: no {{ product | lower }} jokes.\n{% endif %}\n",
}


def load(body: str, partials: dict[str, str] | None = None, front: str | None = None) -> Prompt:
    """The prompt `t` with that body; `front` is its front matter, none where it is None."""
    text = body if front is None else f"---\n{front}\n---\n{body}"
    return registry({"t": text, **(partials or {})}).load("t")


def render(body: str, partials: dict[str, str] | None = None, /, **inputs: Any) -> Rendered:
    """Rendered with inputs of type any, declared in front matter of three lines, so the body begins on line 4."""
    declared = ", ".join(f"{name}: any" for name in inputs)
    return load(body, partials, f"inputs: {{{declared}}}").render(**inputs)


def text(body: str, partials: dict[str, str] | None = None, /, **inputs: Any) -> str:
    return render(body, partials, **inputs).text


class Case:
    """A prompt file of tests/core/templates: its inputs are the defaults in its front matter."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        front, self.body = {}, self.text
        if self.text.startswith("---\n"):
            head, self.body = self.text[4:].split("\n---\n", 1)
            front = yaml.safe_load(head)
        self.inputs = {name: declared["default"] for name, declared in front.get("inputs", {}).items()}


def cases() -> list[Path]:
    return sorted((Path(__file__).parent.parent / "core" / "templates").glob("*.txt"))


class Plain(ImmutableSandboxedEnvironment):
    """jinja2 with the settings that the profile promises, and the message tags in the simplest form that works."""

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", MessageTags],
            # jinja2 drops the last newline of an included file, the profile keeps it: hence one more here.
            loader=DictLoader({f"{name}@draft": f"{body}\n" for name, body in PARTIALS.items()}),
        )
        self.globals["raise_exception"] = _raise

    def output(self, case: Case) -> str | list[dict[str, Any]]:
        """The text, or the messages where there are message tags."""
        text = self.from_string(case.body).render(**case.inputs)
        return list(_messages(text)) if "\0" in text else text


def _raise(message: str) -> None:
    raise ValueError(message)


class MessageTags(Extension):
    """Messages as JSON between NUL characters: good enough where no value holds a NUL."""

    tags = {"message", "messages", "image"}

    def parse(self, parser: Parser) -> nodes.Node:
        tag = next(parser.stream)
        if tag.value == "message":
            parser.stream.expect("name:role")
            parser.stream.expect("assign")
            call = self.call_method("_message", [parser.parse_expression()])
            body = parser.parse_statements(("name:endmessage",), drop_needle=True)
            return nodes.CallBlock(call, [], [], body, lineno=tag.lineno)
        call = self.call_method(f"_{tag.value}", [parser.parse_expression()])
        return nodes.Output([call], lineno=tag.lineno)

    def _message(self, role: str, caller: Any) -> str:
        pieces = caller().split("\1")
        if len(pieces) == 1:
            return _told({"role": role, "content": pieces[0].strip("\n")})
        parts: list[dict[str, Any]] = []
        for index, piece in enumerate(pieces):
            if index % 2:
                parts.append({"type": "image_url", "image_url": {"url": piece}})
            elif piece.strip("\n"):
                parts.append({"type": "text", "text": piece.strip("\n")})
        return _told({"role": role, "content": parts})

    def _messages(self, messages: list[dict[str, Any]]) -> str:
        return "".join(map(_told, messages))

    def _image(self, url: str) -> str:
        return f"\1{url}\1"


def _told(message: dict[str, Any]) -> str:
    return f"\0{json.dumps(message)}\0"


def _messages(text: str) -> Iterable[dict[str, Any]]:
    pieces = text.split("\0")
    assert not "".join(pieces[::2]).strip(), "text outside of messages"
    return map(json.loads, pieces[1::2])
