"""Template profile 1: what a template may be made of, checked after parsing and before anything is compiled.

jinja2 computes constants while it compiles, so compiling is already hostile ground; a tree that passed here is made of
nodes, filters, tests, functions and methods of the profile only.
"""

from __future__ import annotations

from typing import Any

from jinja2 import nodes

from promptreg.core.conditions import TESTS
from promptreg.core.errors import LimitError, TemplateError, near
from promptreg.core.filters import FILTERS
from promptreg.core.functions import METHOD_NAMES
from promptreg.core.limits import Limits
from promptreg.core.names import is_name
from promptreg.core.operators import MAX_INTEGER_BITS, TOO_MANY_BITS

#: The node types of jinja2 that a template may hold, by what they are for.
NODES: dict[str, str] = {
    "Template Output TemplateData": "text and `{{ expressions }}`",
    "Const Name List Tuple Dict Pair": "literals (texts, numbers, `true`, `none`, lists, tuples, mappings) and names",
    "Getattr Getitem Slice": "`a.b`, `a[b]`, `a[1:2]`",
    "Add Sub Mul Div FloorDiv Mod Neg Pos Concat": "`+` `-` `*` `/` `//` `%` `~`",
    "And Or Not Compare Operand CondExpr": "`and`, `or`, `not`, comparisons, `in`, `x if y else z`",
    "Filter Test Call Keyword": "filters, tests and calls",
    "If": "`{% if %}` with `{% elif %}` and `{% else %}`",
    "For Break Continue": "`{% for %}` with `else`, `if` and `recursive`; `{% break %}`, `{% continue %}`",
    "Assign AssignBlock NSRef": "`{% set %}`, also on a namespace",
    "With": "`{% with %}`",
    "Macro CallBlock": "`{% macro %}` and `{% call %}`",
    "FilterBlock": "`{% filter %}`",
    "Include": "`{% include %}` of one literal name",
    "ExtensionAttribute": "`{% message %}`, `{% messages %}`, `{% image %}`",
}
_ALLOWED = frozenset(name for group in NODES for name in group.split())
#: How long a sentence is at most, where a template's own words stand in it.
_LONGEST = 1000
_REFUSED = {
    "Extends": "{% extends %}. Use {% include %}.",
    "Block": "{% block %}. Use {% include %} or a macro.",
    "Import": "{% import %}. Write the macro into this file, or use {% include %}.",
    "FromImport": "{% from %}. Write the macro into this file, or use {% include %}.",
    "Pow": "**.",
    "ScopedEvalContextModifier": "{% autoescape %}.",
}
#: How many nodes a template has at most: compiling takes some tenths of a millisecond for each.
_NODES = 10_000
#: How many loops stand inside one another at most: Python compiles no more.
_LOOPS = 20
#: The filters that take the name of a filter or test, and where among their arguments it stands.
_NAMED = {
    "map": ("filter", 0),
    "select": ("test", 0),
    "reject": ("test", 0),
    "selectattr": ("test", 1),
    "rejectattr": ("test", 1),
}


class Include:
    """One `{% include %}`: the spec as written, its line, and whether it stands outside every message."""

    __slots__ = ("line", "outside", "spec")

    def __init__(self, spec: str, line: int, outside: bool) -> None:
        self.spec = spec
        self.line = line
        self.outside = outside


class Syntax:
    """What a checked template holds: its includes, whether it has messages, and the first text outside of them."""

    def __init__(self) -> None:
        self.includes: list[Include] = []
        self.has_messages = False
        self.outside_line: int | None = None


class _Place:
    """Where the walk is: `message` inside one, `inner` where no message may stand, `loop` where break has one.

    `blocks` and `loops` are how many of them are open.
    """

    __slots__ = ("blocks", "inner", "loop", "loops", "message")

    def __init__(self) -> None:
        self.inner = self.message = self.loop = False
        self.blocks = self.loops = 0

    def deeper(self, *, inner: bool | None = None, message: bool | None = None, loop: bool | None = None) -> _Place:
        place = _Place()
        place.inner = self.inner if inner is None else inner
        place.message = self.message if message is None else message
        place.loop = self.loop if loop is None else loop
        place.blocks = self.blocks + 1
        place.loops = self.loops + (loop is True)
        return place


def check(tree: nodes.Template, path: str, limits: Limits, offset: int = 0) -> Syntax:
    """Check a parsed template against profile 1; TemplateError or LimitError with path and line.

    `offset` is how many lines of the file stand above the template.
    """
    return _Check(path, limits, offset).run(tree)


class _Check:
    def __init__(self, path: str, limits: Limits, offset: int) -> None:
        self.path = path
        self.limits = limits
        self.offset = offset
        self.found = Syntax()
        self.nodes = 0
        self.line = 1

    def run(self, tree: nodes.Template) -> Syntax:
        for node in tree.body:
            self._statement(node, _Place())
        return self.found

    def _fail(self, message: str, node: nodes.Node) -> TemplateError:
        told = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
        return TemplateError(told, path=self.path, line=(node.lineno or self.line) + self.offset)

    def _too_much(self, message: str, node: nodes.Node) -> LimitError:
        return LimitError(message, path=self.path, line=(node.lineno or self.line) + self.offset)

    def _known(self, node: nodes.Node) -> None:
        kind = type(node).__name__
        self.nodes += 1
        self.line = node.lineno or self.line  # jinja2 gives some nodes no line
        if self.nodes > _NODES:
            raise self._too_much(
                f"this goes over the {_NODES:,} tags, names and operations of one file. Move a part into a partial.",
                node,
            )
        if isinstance(node, nodes.Scope):
            node = node.body[0]
            kind = type(node).__name__
        if kind not in _ALLOWED:
            raise self._fail(f"templates have no {_REFUSED.get(kind, kind + '.')}", node)

    # Statements

    def _statement(self, node: nodes.Node, place: _Place) -> None:
        self._known(node)
        self._not_too_deep(node, place)
        if isinstance(node, nodes.Output):
            self._output(node, place)
        elif isinstance(node, nodes.For):
            self._for(node, place)
        elif isinstance(node, nodes.If):
            self._if(node, place)
        elif isinstance(node, (nodes.Break, nodes.Continue)):
            if not place.loop:
                raise self._fail(f"{type(node).__name__.lower()} stands outside of a loop.", node)
        elif isinstance(node, nodes.CallBlock):
            self._call_block(node, place)
        elif isinstance(node, nodes.Include):
            self._include(node, place)
        elif isinstance(node, nodes.With):
            self._expressions([*node.targets, *node.values])
            self._body(node.body, place.deeper())
        else:
            self._inner_block(node, place)

    def _not_too_deep(self, node: nodes.Node, place: _Place) -> None:
        if place.blocks > self.limits.nesting:
            raise self._too_much(f"blocks stand more than {self.limits.nesting} deep (nesting under [limits]).", node)
        if place.loops > _LOOPS:
            raise self._too_much(f"loops stand more than {_LOOPS} deep.", node)

    def _body(self, body: list[nodes.Node], place: _Place) -> None:
        for node in body:
            self._statement(node, place)

    def _inner_block(self, node: nodes.Node, place: _Place) -> None:
        inside = place.deeper(inner=True, loop=False)
        if isinstance(node, nodes.Assign):
            self._expressions([node.target, node.node])
        elif isinstance(node, nodes.AssignBlock):
            self._expressions([node.target, *([node.filter] if node.filter else [])])
            self._body(node.body, inside)
        elif isinstance(node, nodes.Macro):
            self._once([argument.name for argument in node.args], node)
            self._expressions([*node.args, *node.defaults])
            self._body(node.body, inside)
        elif isinstance(node, nodes.FilterBlock):
            self._text_stands_here(node, place)
            self._expressions([node.filter])
            self._body(node.body, inside)
        else:
            raise self._fail(f"{type(node).__name__} cannot stand here.", node)

    def _for(self, node: nodes.For, place: _Place) -> None:
        self._expressions([node.target, node.iter, *([node.test] if node.test else [])])
        inside = place.deeper(loop=True)
        if node.recursive:
            self._text_stands_here(node, place)
            inside = place.deeper(loop=True, inner=True)
        self._body(node.body, inside)
        self._body(node.else_, place.deeper())
        for name in node.find_all(nodes.Name):
            if name.name == "loop" and name.ctx == "store":
                raise self._fail("loop is the loop itself and cannot be set in one. Choose another name.", name)

    def _if(self, node: nodes.If, place: _Place) -> None:
        self._expressions([node.test])
        inside = place.deeper()
        self._body(node.body, inside)
        for branch in node.elif_:
            self._expressions([branch.test])
            self._body(branch.body, inside)
        self._body(node.else_, inside)

    def _call_block(self, node: nodes.CallBlock, place: _Place) -> None:
        if tag_of(node.call) == "message":
            if place.inner or place.message:
                raise self._fail("a message stands at the top level, in if, for or a partial, never in here.", node)
            self.found.has_messages = True
            self._body(node.body, place.deeper(message=True, loop=False))
            return
        self._text_stands_here(node, place)
        self._once([argument.name for argument in node.args], node)
        self._expressions([node.call, *node.args, *node.defaults])
        self._body(node.body, place.deeper(inner=True, loop=False))

    def _include(self, node: nodes.Include, place: _Place) -> None:
        spec = node.template.value if isinstance(node.template, nodes.Const) else None
        if not isinstance(spec, str):
            raise self._fail('an include names one partial, in quotes: {% include "shared/tone" %}.', node)
        if node.ignore_missing or not node.with_context:
            raise self._fail("an include takes the name and nothing else.", node)
        if not is_name(spec.partition("@")[0]):
            raise self._fail(f'"{spec}" is not the name of a prompt. Names look like shared/tone@1.0.0.', node)
        self.found.includes.append(Include(spec, node.lineno + self.offset, outside=not (place.message or place.inner)))

    def _output(self, node: nodes.Output, place: _Place) -> None:
        for child in node.nodes:
            tag = tag_of(child)
            if tag:
                self._message_output(tag, child, place)
            elif isinstance(child, nodes.TemplateData):
                if child.data.strip():
                    self._text_stands_here(child, place)
            else:
                if not _raises(child):
                    self._text_stands_here(child, place)
                self._expressions([child])

    def _message_output(self, tag: str, node: nodes.Node, place: _Place) -> None:
        assert isinstance(node, nodes.Call)
        if tag == "messages":
            if place.inner or place.message:
                raise self._fail("{% messages %} stands at the top level, in if, for or a partial.", node)
            self.found.has_messages = True
        elif place.inner or not place.message:
            raise self._fail("{% image %} stands inside a message.", node)
        self._expressions(node.args)

    def _text_stands_here(self, node: nodes.Node, place: _Place) -> None:
        if not (place.message or place.inner) and self.found.outside_line is None:
            data = node.data if isinstance(node, nodes.TemplateData) else ""
            blank_lines = data[: len(data) - len(data.lstrip())].count("\n")
            self.found.outside_line = node.lineno + blank_lines + self.offset

    # Expressions

    def _expressions(self, expressions: list[Any], depth: int = 0) -> None:
        for node in expressions:
            self._expression(node, depth)

    def _expression(self, node: nodes.Node, depth: int) -> None:
        self._known(node)
        if depth > self.limits.expression:
            most = self.limits.expression
            raise self._too_much(f"operations stand more than {most} deep (expression under [limits]).", node)
        if isinstance(node, nodes.Name) and node.name in ("self", "super"):
            raise self._fail(f"templates have no {node.name}.", node)
        if isinstance(node, (nodes.Getattr, nodes.NSRef)) and node.attr.startswith("_"):
            raise self._fail(f"{node.attr} begins with an underscore and cannot be reached.", node)
        if isinstance(node, nodes.Const):
            self._const(node)
        elif isinstance(node, nodes.Filter):
            self._filter(node)
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            raise self._fail(f"there is no test {node.name}.{near(node.name, TESTS)}", node)
        elif isinstance(node, nodes.Call):
            self._call(node)
        if isinstance(node, (nodes.Filter, nodes.Test, nodes.Call)):
            self._once([str(argument.key) for argument in node.kwargs], node)
        if getattr(node, "dyn_args", None) is not None or getattr(node, "dyn_kwargs", None) is not None:
            raise self._fail("arguments cannot be spread with * or **. Write them out.", node)
        self._expressions(list(node.iter_child_nodes()), depth + 1)

    def _const(self, node: nodes.Const) -> None:
        if node.value == float("inf"):
            raise self._fail("a number is too large here.", node)
        if type(node.value) is int and node.value.bit_length() > MAX_INTEGER_BITS:
            raise self._too_much(TOO_MANY_BITS, node)

    def _filter(self, node: nodes.Filter) -> None:
        if node.name not in FILTERS:
            raise self._fail(f"there is no filter {node.name}.{near(node.name, FILTERS)}", node)
        self._names_one(node.name, node.args, node)

    def _names_one(self, name: str, args: list[nodes.Expr], node: nodes.Filter) -> None:
        """Check what a filter is told to apply to each element, which may be told the same."""
        kind, position = _NAMED.get(name, ("", 0))
        if not kind or len(args) <= position:
            return
        named = args[position].value if isinstance(args[position], nodes.Const) else "…"  # type: ignore[attr-defined]
        if type(named) is not str or named not in (FILTERS if kind == "filter" else TESTS):
            raise self._fail(f"{name} needs the name of a {kind} in quotes; there is no {named}.", node)
        if kind == "filter":
            self._names_one(named, args[position + 1 :], node)

    def _once(self, names: list[str], node: nodes.Node) -> None:
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise self._fail(f"the argument {name} is there twice.", node)
            seen.add(name)

    def _call(self, node: nodes.Call) -> None:
        if isinstance(node.node, nodes.Name):
            return
        if not isinstance(node.node, nodes.Getattr):
            raise self._fail("only macros, functions and methods can be called.", node)
        if node.node.attr not in METHOD_NAMES:
            attr = node.node.attr
            raise self._fail(f"there is no method {attr}.{near(attr, METHOD_NAMES)}", node)


def tag_of(node: nodes.Node) -> str:
    """`message`, `messages` or `image` where the node is one of those tags, else an empty string."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.ExtensionAttribute):
        return node.node.name
    return ""


def _raises(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "raise_exception"
