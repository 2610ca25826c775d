"""The Jinja environment of template profile 1: what code that a template was compiled to may reach at run time.

Values are plain data (core.plain); attributes, items, calls and operators go through this class, and every operation
that makes or walks something large is charged to the budgets of its rendering (core.context).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext
from jinja2.runtime import LoopContext, Macro
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace

from promptreg.core.context import CONTAINERS, Absent, AbsentUsed, Group, RenderContext, described, present
from promptreg.core.errors import TemplateError
from promptreg.core.limits import Limits
from promptreg.core.operators import arithmetic
from promptreg.core.rewrite import STEP

LOOP_ATTRIBUTES = frozenset(
    ("index index0 revindex revindex0 first last length depth depth0 previtem nextitem").split()
)

Table = Mapping[str, Callable[..., Any]]


@pass_context
def _finalized(_: RenderContext, value: Any) -> Any:
    """Stands where jinja2 asks for a finalizer, which keeps it from computing outputs while it compiles."""
    return value


class _Generator(CodeGenerator):
    """Writes code that charges what it prints and joins to the budgets of its rendering."""

    def write_commons(self) -> None:
        """Begin a template's function."""
        super().write_commons()
        self.writeline("concat = context.joined")
        self.writeline("shown = context.shown")
        self.writeline("text = context.text")
        self.writeline("step = context.step")

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802 - jinja2's name
        """A filter, and among those that core.rewrite puts in the step of a loop, which is taken without a detour."""
        if node.name != STEP:
            super().visit_Filter(node, frame)
            return
        weight = node.args[0]
        assert isinstance(weight, nodes.Const)
        self.write(f"step({weight.value:d})")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("shown(" if frame.buffer is None else "text(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")


class Sandbox(SandboxedEnvironment):
    """jinja2's sandbox, narrowed to the filters, tests and functions it is given."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self, limits: Limits, filters: Table, tests: Table, functions: Table, extension: Any) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
            optimized=False,
            undefined=Absent,
            finalize=_finalized,
            cache_size=0,
            extensions=[extension],
        )
        self.filters = dict(filters)
        self.tests = dict(tests)
        self.globals = {}
        self.functions = functions
        self.limits = limits
        self.eval_ctx = EvalContext(self)

    def context(self, values: dict[str, Any], partials: Mapping[str, Any]) -> RenderContext:
        """A new rendering with its full budgets."""
        return RenderContext(self, self.eval_ctx, self.limits, self.functions, values, partials)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: a mapping's key, or one of the few attributes that the profile knows."""
        kind = type(obj)
        if kind is dict:
            if attribute in obj:
                return obj[attribute]
        elif kind is LoopContext:
            if attribute in LOOP_ATTRIBUTES:
                return getattr(obj, attribute)
        elif kind is Namespace:
            try:
                return getattr(obj, attribute)
            except AttributeError:
                pass
        elif kind is Absent:
            return obj.then(attribute)
        elif kind is Group and attribute in ("grouper", "list"):
            return getattr(obj, attribute)
        return Absent(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`: an element of a list, string or mapping, never an attribute."""
        kind = type(obj)
        if kind is Group and argument in ("grouper", "list"):
            return getattr(obj, argument)
        if kind in CONTAINERS or kind is str:
            try:
                return obj[argument]
            except (LookupError, TypeError, AbsentUsed):
                return Absent(obj=obj, name=argument)
        if kind is Absent:
            return obj.then(argument)
        return Absent(obj=obj, name=argument)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A call in a template: of a macro, a function of the profile, or `loop(…)`."""
        kwargs.pop("_loop_vars", None)
        kwargs.pop("_block_vars", None)
        if isinstance(obj, (Macro, LoopContext)):
            return obj(*args, **kwargs)
        function = self.functions.get(getattr(obj, "__name__", ""))
        if function is not None and function is obj:
            return function(context, *args, **kwargs)
        present(obj)
        raise TemplateError(f"{described(obj)} cannot be called.")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An arithmetic operator, bounded."""
        return arithmetic(context, operator, left, right)
