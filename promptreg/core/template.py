"""A template of profile 1: parsed and checked, compiled with its partials, rendered.

PromptFile ──parse──▶ Parsed ──compile──▶ Template ──pieces──▶ text or messages
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes, pass_context

from promptreg.core import conditions, filters, functions, messages
from promptreg.core.context import AbsentUsed, Marker, RenderContext, over
from promptreg.core.errors import LimitError, PromptregError, TemplateError
from promptreg.core.limits import Limits
from promptreg.core.messages import assemble
from promptreg.core.prompt_file import PromptFile
from promptreg.core.rewrite import Rewrite, weight_of
from promptreg.core.sandbox import Sandbox
from promptreg.core.syntax import Syntax, check

_CHUNK = 4096
#: What it takes to begin rendering a partial, in nodes of a template.
_BEGUN = 128
#: What a partial may print, since its text is measured where it is included.
_ENDLESS = 2**62
_TOO_DEEP = "this template nests too deep to be compiled."


def sandbox(limits: Limits) -> Sandbox:
    """The environment in which all templates of a registry are compiled."""
    internal = filters.INTERNAL | messages.INTERNAL | {"<method>": functions.CALL_METHOD, "<include>": _included}
    return Sandbox(limits, filters.FILTERS | internal, conditions.TESTS, functions.FUNCTIONS, messages.MessageTags)


class Parsed:
    """A prompt file's template, parsed and checked against the profile; nothing of it has been compiled.

    `partial` is whether it will be included: an included text keeps its final newline, a prompt's own is dropped.
    """

    __slots__ = ("_words", "file", "partial", "syntax", "tree")

    def __init__(self, file: PromptFile, environment: Sandbox, *, partial: bool) -> None:
        self.file = file
        self.partial = partial
        self._words: dict[str, list[tuple[int, int]]] | None = None
        body = file.body if partial else file.body[:-1]
        offset = file.body_line - 1
        try:
            self.tree: nodes.Template = environment.parse(body, None, file.path)
        except jinja2.TemplateSyntaxError as problem:
            from promptreg.core.misspelt import syntax_error

            raise syntax_error(problem, body, environment, file.path, offset) from None
        except (RecursionError, MemoryError):
            raise LimitError("expressions stand too deep inside one another.", path=file.path) from None
        except ValueError:
            from promptreg.core.misspelt import unreadable_number

            raise unreadable_number(body, environment, file.path, offset) from None
        self.syntax: Syntax = check(self.tree, file.path, environment.limits, offset)

    def names(self) -> dict[str, tuple[int, int | None]]:
        """The names that the template takes from outside, with the line and column of their first use."""
        from jinja2.meta import TrackingCodeGenerator

        lines: dict[str, int] = {}
        for node in self.tree.find_all(nodes.Name):
            lines.setdefault(node.name, node.lineno)
        try:
            assert self.tree.environment is not None
            tracker = TrackingCodeGenerator(self.tree.environment)
            tracker.optimizer = None  # it would compute constants, without bounds
            tracker.visit(self.tree)
            outside = tracker.undeclared_identifiers - functions.FUNCTIONS.keys()
        except jinja2.TemplateSyntaxError as problem:
            raise _cannot_be_compiled(problem, self.file) from None
        except (RecursionError, MemoryError):
            raise LimitError(_TOO_DEEP, path=self.file.path) from None
        return {name: self.place(lines.get(name, 1), name) for name in sorted(outside, key=lambda name: lines[name])}

    def place(self, line: int, word: str) -> tuple[int, int | None]:
        """Line of the file and column of a name or quoted text of the template, looked for from a line of it on.

        The line and no column where it is not found.
        """
        if self._words is None:
            self._words = _words(self.tree.environment, self.file.body)
        for number, column in self._words.get(word, ()):
            if number >= line:
                return number + self.file.body_line - 1, column
        return line + self.file.body_line - 1, None


def _words(environment: Any, body: str) -> dict[str, list[tuple[int, int]]]:
    """The names and quoted texts inside a template's braces, each with the lines and columns where it stands."""
    from promptreg.core.tokens import tokens

    found: dict[str, list[tuple[int, int]]] = {}
    line, seen = 1, 0
    for kind, begin, end in tokens(environment, body):
        if kind in ("name", "string"):
            quote = kind == "string"
            line += body.count("\n", seen, begin)
            seen = begin
            column = begin + quote - body.rfind("\n", 0, begin)
            found.setdefault(body[begin + quote : end - quote], []).append((line, column))
    return found


def _cannot_be_compiled(problem: jinja2.TemplateSyntaxError, file: PromptFile) -> TemplateError:
    message = str(problem.message).rstrip(".")
    return TemplateError(f"{message}.", path=file.path, line=problem.lineno + file.body_line - 1)


class _Code(jinja2.Template):
    """Compiled code that knows its template, and where in its file that begins."""

    path: str
    offset: int
    body: str


class Template:
    """A compiled template. `chat` is whether it makes messages; otherwise it makes text."""

    __slots__ = ("chat", "environment", "partials", "path", "root", "weight")

    def __init__(self, parsed: Parsed, environment: Sandbox, partials: Mapping[str, tuple[str, Template]]) -> None:
        """Compile. `partials` maps each include as written to its full spec and its template; the tree is used up."""
        self.path = parsed.file.path
        self.environment = environment
        self.partials = dict(partials.values())
        self.chat = _is_chat(parsed, {written: template for written, (_, template) in partials.items()})
        specs = {written: spec for written, (spec, _) in partials.items()}
        try:
            tree = Rewrite(specs).visit(parsed.tree)
            self.weight = weight_of(tree)
            code = environment.compile(tree, None, self.path)
        except jinja2.TemplateSyntaxError as problem:
            raise _cannot_be_compiled(problem, parsed.file) from None
        except (SyntaxError, RecursionError, MemoryError):
            raise LimitError(_TOO_DEEP, path=self.path) from None
        compiled = _Code.from_code(environment, code, {})
        assert isinstance(compiled, _Code)
        compiled.path = self.path
        compiled.offset = parsed.file.body_line - 1
        compiled.body = parsed.file.body
        self.root = compiled.root_render_func

    def pieces(self, values: dict[str, Any]) -> list[str]:
        """Render: texts and Markers in their order. TemplateError or LimitError with path and line."""
        context = self.environment.context(values, self.partials)
        try:
            generator: Any = self.root(context)  # type: ignore[arg-type]
            pieces = _collected(generator, context)
            if pieces is None:
                generator.throw(LimitError(over("output", context.limits.output)))  # so that it has a place
            return pieces or []
        except (
            PromptregError, jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError,
            AttributeError, RecursionError, MemoryError,
        ) as problem:  # fmt: skip
            _explain(problem, context)


def _is_chat(parsed: Parsed, partials: Mapping[str, Template]) -> bool:
    """Whether the template makes messages; TemplateError where text stands outside of them, or messages inside."""
    path = parsed.file.path
    outside = [include for include in parsed.syntax.includes if include.outside]
    chat = parsed.syntax.has_messages or any(partials[include.spec].chat for include in outside)
    for include in parsed.syntax.includes:
        brings_messages = partials[include.spec].chat
        if brings_messages and not include.outside:
            raise TemplateError(
                f"{include.spec} consists of messages and cannot be included in here.", path=path, line=include.line
            )
        if chat and include.outside and not brings_messages:
            raise TemplateError(
                f"{include.spec} is text outside {{% message %}}: a chat prompt has its words inside messages.",
                path=path,
                line=include.line,
            )
    if chat and parsed.syntax.outside_line is not None:
        raise TemplateError(
            "text outside {% message %}: a chat prompt has its words inside messages.",
            path=path,
            line=parsed.syntax.outside_line,
        )
    return chat


def _collected(generator: Generator[str, None, None], context: RenderContext) -> list[str] | None:
    """What a template yields; None where that is more than the output may hold."""
    found = list(islice(generator, _CHUNK))
    size = sum(map(len, found))
    chunk = found
    while True:
        if size > context.limits.output:
            return None
        if len(chunk) < _CHUNK:
            return found
        chunk = list(islice(generator, _CHUNK))
        size += sum(map(len, chunk))
        # Where nothing is structure the pieces become one: many empty ones take memory too.
        found += chunk if Marker in set(map(type, chunk)) else ["".join(chunk)]


@pass_context
def _included(context: RenderContext, spec: str) -> str:
    partial: Template = context.partials[spec]
    inner = partial.environment.context(context.values, partial.partials)
    inner.steps = context.steps
    inner.work = context.work
    inner.room = _ENDLESS
    inner.step(partial.weight + _BEGUN)
    pieces = _collected(partial.root(inner), inner)  # type: ignore[arg-type]
    if pieces is None:
        raise LimitError(over("output", context.limits.output))
    context.steps = inner.steps
    context.work = inner.work
    if partial.chat:
        context.takes(sum(map(len, pieces)))
        return Marker("messages", assemble(pieces))
    return context.joined(pieces)


def _explain(problem: Exception, context: RenderContext) -> NoReturn:
    code, python_line = _where(problem.__traceback__)
    line = code.get_corresponding_lineno(python_line) if code else 0
    place: dict[str, Any] = {"path": code.path, "line": line + code.offset} if code else {}
    if isinstance(problem, AbsentUsed):
        from promptreg.core import absence

        tree = context.environment.parse(code.body) if code else None
        source = absence.Source(tree, line, context.values)
        raise TemplateError(absence.sentence(problem.absent, source, functions.METHODS), **place) from None
    if isinstance(problem, PromptregError):
        if problem.path is None:
            problem.path, problem.line = place.get("path"), place.get("line")
        raise problem.with_traceback(None) from None
    if isinstance(problem, RecursionError):
        raise LimitError("the template calls itself too often.", **place) from None
    if isinstance(problem, MemoryError):
        raise LimitError("there was no memory left.", **place) from None
    from promptreg.core.complaints import in_words

    raise TemplateError(f"{in_words(problem, _CALLED)}.", **place) from None


#: What a template can call, by its kind.
_CALLED = {
    "filter": filters.FILTERS,
    "test": conditions.TESTS,
    "function": functions.FUNCTIONS,
    "method": {name: method for methods in functions.METHODS.values() for name, method in methods.items()},
}


def _where(traceback: TracebackType | None) -> tuple[_Code | None, int]:
    """The innermost code of a template that an exception came through, and the line of that code."""
    found: tuple[_Code | None, int] = None, 0
    while traceback is not None:
        code = traceback.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(code, _Code):
            found = code, traceback.tb_lineno
        traceback = traceback.tb_next
    return found
