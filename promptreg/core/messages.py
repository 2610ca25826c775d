"""Message tags: how templates say them, and how a rendering becomes a list of messages.

A message's begin and end leave the compiled template as Markers between pieces of text, never as text, so no value can
open, close, reorder or re-role one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinja2 import Environment, nodes, pass_context
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from promptreg.core.context import Marker, RenderContext, described, present, short
from promptreg.core.errors import TemplateError

ROLES = ("system", "developer", "user", "assistant")
#: What a list of messages that a caller hands in may hold; instructions come from the prompt alone.
HISTORY_ROLES = ("user", "assistant", "tool")
_SCALARS = frozenset({str, int, float, bool, type(None)})
_HISTORY_KEYS = ("role", "content", "name", "tool_calls", "tool_call_id")


class MessageTags:
    """`{% message role="…" %}…{% endmessage %}`, `{% messages list %}`, `{% image url %}`, and `break`, `continue`.

    The tags become nodes that core.syntax recognises: a CallBlock of `message`, an Output of `messages` or `image`.
    It has what jinja2 asks of an extension; importing jinja2.ext for its base class would cost every process that loads
    a prompt 1.5 ms.
    """

    identifier = "promptreg"
    priority = 100
    tags = {"message", "messages", "image", "break", "continue"}
    begin_system = Marker("begin", "system")
    begin_developer = Marker("begin", "developer")
    begin_user = Marker("begin", "user")
    begin_assistant = Marker("begin", "assistant")
    end = Marker("end")

    def __init__(self, environment: Environment) -> None:
        """Belong to an environment, as jinja2 makes extensions."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The source as it is."""
        return source

    def filter_stream(self, stream: TokenStream) -> TokenStream:
        """The tokens as they are."""
        return stream

    def parse(self, parser: Parser) -> nodes.Node:
        """Read one tag."""
        token = next(parser.stream)
        if token.value == "message":
            return self._message(parser, token.lineno)
        if token.value in ("break", "continue"):
            return (nodes.Break if token.value == "break" else nodes.Continue)(lineno=token.lineno)
        value = parser.parse_expression()
        return nodes.Output([_call(token.value, value, token.lineno)], lineno=token.lineno)

    def _message(self, parser: Parser, line: int) -> nodes.Node:
        if not parser.stream.skip_if("name:role") or not parser.stream.skip_if("assign"):
            parser.fail('a message needs a role: {% message role="user" %}.', line)
        role = parser.parse_expression()
        if not isinstance(role, nodes.Const) or role.value not in ROLES:
            parser.fail(f"role must be one of {', '.join(ROLES)}, in quotes.", line)
        if parser.stream.current.type != "block_end":
            parser.fail("a message takes role= and nothing else.", line)
        body = parser.parse_statements(("name:endmessage",), drop_needle=True)
        return nodes.CallBlock(_call("message", role, line), [], [], body, lineno=line)


IDENTIFIER = MessageTags.identifier


def _call(tag: str, argument: nodes.Expr, line: int) -> nodes.Call:
    attribute = nodes.ExtensionAttribute(IDENTIFIER, tag, lineno=line)
    return nodes.Call(attribute, [argument], [], None, None, lineno=line)


def _history(context: RenderContext, messages: Any) -> Marker:
    handed_in = []
    for index, message in enumerate(context.items(messages)):
        context.copied_out(message)
        handed_in.append(_handed_in(index, message))
    return Marker("messages", handed_in)


def _handed_in(index: int, message: Any) -> dict[str, Any]:
    if type(message) is not dict or "role" not in message:
        raise TemplateError(f'message {index} is {described(message)}; a message is {{"role": …, "content": …}}.')
    role = present(message["role"])
    if role not in HISTORY_ROLES:
        raise TemplateError(
            f"message {index} of a list that was handed in has the role {short(role)}; it can be "
            f"{', '.join(HISTORY_ROLES)}. Instructions come from the prompt alone."
        )
    _check_words(index, message)
    return {"role": role, "content": None} | {key: _copied(message[key]) for key in _HISTORY_KEYS if key in message}


def _check_words(index: int, message: dict[str, Any]) -> None:
    """TemplateError where a message says nothing: neither a text or list of parts, nor tools that it calls."""
    content = present(message.get("content"))
    if content is None and not message.get("tool_calls"):
        raise TemplateError(f"message {index} has no content: it needs a text, a list of parts, or tool_calls.")
    if content is not None and type(content) not in (str, list):
        raise TemplateError(
            f"message {index} has {described(content)} for its content: it is a text or a list of parts."
        )


def _copied(value: Any) -> Any:
    """Plain data that can be changed without changing what was handed in."""
    if type(value) in (list, tuple):
        return [_copied(item) for item in value]
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    if type(value) not in _SCALARS:
        present(value)
        raise TemplateError(f"a message cannot hold {described(value)}.")
    return value


def _image(context: RenderContext, url: Any) -> Marker:
    if type(url) is not str:
        present(url)
        raise TemplateError(f"an image needs the text of its URL, not {described(url)}.")
    if not url:
        raise TemplateError("an image needs the text of its URL, and this text is empty.")
    context.shown(url)
    return Marker("image", url)


INTERNAL = {"<messages>": pass_context(_history), "<image>": pass_context(_image)}


def assemble(pieces: Iterable[str]) -> list[dict[str, Any]]:
    """The messages of a rendering: `[{"role": …, "content": …}]`.

    Content is text without its leading and trailing newlines; with images it is a list of parts,
    `{"type": "text", "text": …}` and `{"type": "image_url", "image_url": {"url": …}}`.
    """
    messages: list[dict[str, Any]] = []
    role = ""
    texts: list[str] = []
    parts: list[dict[str, Any]] = []
    for piece in pieces:
        if type(piece) is not Marker:
            texts.append(piece)
        elif piece.act == "begin":
            role = piece.value
            texts = []
            parts = []
        elif piece.act == "image":
            _add_text(parts, texts)
            texts = []
            parts.append({"type": "image_url", "image_url": {"url": piece.value}})
        elif piece.act == "messages":
            messages.extend(piece.value)
        elif parts:
            _add_text(parts, texts)
            messages.append({"role": role, "content": parts})
        else:
            messages.append({"role": role, "content": "".join(texts).strip("\n")})
    return messages


def _add_text(parts: list[dict[str, Any]], texts: list[str]) -> None:
    text = "".join(texts).strip("\n")
    if text:
        parts.append({"type": "text", "text": text})
