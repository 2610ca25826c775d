"""Rewrites a checked template, so that loops, joins, slices, comparisons, method calls and includes keep to budgets.

They become calls of functions that no template can name (core.filters.INTERNAL and its like): jinja2 compiles filters
into plain calls, which costs a template almost nothing.
"""

from __future__ import annotations

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from promptreg.core.messages import IDENTIFIER
from promptreg.core.syntax import tag_of

#: The filter that stands for a step of a loop or a call.
STEP = "<step>"
#: What running a node takes, in time and memory, where it is more than that of a name.
_WEIGHTS: dict[type[nodes.Node], int] = {
    nodes.List: 16,
    nodes.Tuple: 16,
    nodes.Dict: 64,
    nodes.Pair: 32,
    nodes.Call: 40,
    nodes.Scope: 96,
    nodes.Filter: 6,
    nodes.Test: 4,
    nodes.Getattr: 4,
    nodes.Getitem: 4,
    nodes.Compare: 4,
    nodes.For: 16,
    nodes.AssignBlock: 16,
    nodes.FilterBlock: 16,
    nodes.With: 8,
    nodes.TemplateData: 2,
} | dict.fromkeys((nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod), 6)
#: … and printing one.
_PRINTED = 4
#: A literal as short as this costs next to nothing to compare and to hash.
_SHORT = 18


class Rewrite(NodeTransformer):
    """Turns a checked tree into one whose operations keep to the budgets. Works in place."""

    def __init__(self, specs: dict[str, str]) -> None:
        self.specs = specs

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """Charge each step: of the test where there is one, since it may pass nothing."""
        self.generic_visit(node)
        if node.test is not None:
            node.test = nodes.And(_step(node), node.test, lineno=node.lineno)
        else:
            node.body.insert(0, nodes.ExprStmt(_step(node), lineno=node.lineno))
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        """Charge each call."""
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_step(node), lineno=node.lineno))
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        """A message becomes its markers around its body; another call block is charged like a macro."""
        self.generic_visit(node)
        if tag_of(node.call) != "message":
            node.body.insert(0, nodes.ExprStmt(_step(node), lineno=node.lineno))
            return node
        role = node.call.args[0].value  # type: ignore[attr-defined]
        begin = nodes.Output([nodes.ExtensionAttribute(IDENTIFIER, f"begin_{role}")], lineno=node.lineno)
        end = nodes.Output([nodes.ExtensionAttribute(IDENTIFIER, "end")], lineno=node.lineno)
        return nodes.Scope([begin, *node.body, end], lineno=node.lineno)

    def visit_With(self, node: nodes.With) -> list[nodes.Node]:
        """Mark the line, which jinja2 forgets for what a `with` sets."""
        self.generic_visit(node)
        return [_line_mark(node), node]

    def visit_Assign(self, node: nodes.Assign) -> list[nodes.Node]:
        """Mark the line, which jinja2 forgets for the check that `{% set a.b = … %}` begins with."""
        self.generic_visit(node)
        return [_line_mark(node), node] if node.find(nodes.NSRef) else [node]

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """`a ~ b`."""
        self.generic_visit(node)
        return _internal("<concat>", nodes.List(node.nodes, lineno=node.lineno), [], node.lineno)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        """`a[1:2]`, and `a[b]`, whose key is measured before it is hashed."""
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            node.arg = _key(node.arg)
            return node
        bounds = [bound or nodes.Const(None) for bound in (node.arg.start, node.arg.stop, node.arg.step)]
        return _internal("<slice>", node.node, bounds, node.lineno)

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:
        """`{a: b}`, whose key is measured before it is hashed."""
        self.generic_visit(node)
        node.key = _key(node.key)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """Method calls and the message tags."""
        self.generic_visit(node)
        tag = tag_of(node)
        if tag in ("messages", "image"):
            return _internal(f"<{tag}>", node.args[0], [], node.lineno)
        if not isinstance(node.node, nodes.Getattr):
            return node
        name = nodes.Const(node.node.attr, lineno=node.lineno)
        call = _internal("<method>", node.node.node, [name, *node.args], node.lineno)
        call.kwargs = node.kwargs  # type: ignore[assignment]  # jinja2 annotates a filter's as Pair, and makes Keyword
        return call

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        """A comparison is charged, but for an equality with a short literal; of a chain each operand is wrapped."""
        self.generic_visit(node)
        first = node.ops[0]
        if len(node.ops) > 1:
            for operand in node.ops:
                operand.expr = _internal("<operand>", operand.expr, [], node.lineno)
            node.expr = _internal("<operand>", node.expr, [], node.lineno)
            return node
        if first.op in ("eq", "ne") and (_is_short(node.expr) or _is_short(first.expr)):
            return node
        return _internal("<compare>", node.expr, [nodes.Const(first.op), first.expr], node.lineno)

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        """An include is rendered by itself, with the inputs and nothing of what surrounds it."""
        spec = self.specs[node.template.value]  # type: ignore[attr-defined]
        name = nodes.Const(spec, lineno=node.lineno)
        return nodes.Output([_internal("<include>", name, [], node.lineno)], lineno=node.lineno)


def _line_mark(node: nodes.Node) -> nodes.Node:
    return nodes.ExprStmt(nodes.Const(None), lineno=node.lineno)


def _is_short(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and len(str(node.value)) < _SHORT


def _key(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Const) and _is_short(node):
        return node
    return _internal("<key>", node, [], node.lineno)


def _internal(name: str, node: nodes.Expr | None, args: list[nodes.Expr], line: int) -> nodes.Filter:
    return nodes.Filter(node, name, args, [], None, None, lineno=line)


def weight_of(tree: nodes.Node) -> int:
    """What it takes to run a rewritten tree once, in nodes; what makes objects weighs more."""
    return _weight(tree) + sum(map(_weight, tree.find_all(nodes.Node)))


def _weight(node: nodes.Node) -> int:
    return len(node.nodes) * _PRINTED if isinstance(node, nodes.Output) else _WEIGHTS.get(type(node), 1)


def _step(node: nodes.For | nodes.Macro | nodes.CallBlock) -> nodes.Filter:
    weight = sum(map(weight_of, node.body))
    if isinstance(node, nodes.For):
        weight += weight_of(node.target) + (weight_of(node.test) if node.test else 0)
    return _internal(STEP, nodes.Const(None), [nodes.Const(weight)], node.lineno)
