"""Names what a template missed: by its path in the inputs where it has one, else as the template writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.utils import missing

from promptreg.core.context import Absent, described, short

_WALKED = 5000
_STEPS = 20
_COMPUTED = object()
_SCALARS = (str, int, float, bool, type(None))
_HINT = "Test it with  is defined, or give it a default."

Methods = Mapping[type, Mapping[str, Callable[..., Any]]]
#: A name and the keys behind it, _COMPUTED where a key is computed; and the line that they stand on.
Chain = tuple[str, list[Any], int]


class Source:
    """Where something absent was used: the template as jinja2 parsed it, the line in it, and the inputs."""

    def __init__(self, tree: nodes.Template | None, line: int, values: Mapping[str, Any]) -> None:
        self.tree = tree
        self.line = line
        self.values = values

    def path(self, owner: Any, steps: tuple[Any, ...]) -> str | None:
        """The path to a value that lacks `steps`; None where it has none."""
        if type(owner) in (dict, list):
            return _path_to(owner, self.values)
        written = None
        for name, keys, line in sorted(self._chains(), key=lambda chain: abs(chain[2] - self.line)):
            if len(keys) < len(steps) or any(map(_differ, keys[len(keys) - len(steps) :], steps)):
                continue
            before = keys[: len(keys) - len(steps)]
            path = name + "".join(map(_step, before))
            if name in self.values and _at(self.values[name], before) is owner:
                return path
            unknown = name not in self.values or _COMPUTED in before
            if written is None and unknown and line == self.line and type(owner) in _SCALARS:
                written = path
        return written

    def _chains(self) -> Iterator[Chain]:
        for node in self.tree.find_all((nodes.Getattr, nodes.Getitem)) if self.tree else ():
            keys: list[Any] = []
            inner: nodes.Node = node
            while isinstance(inner, (nodes.Getattr, nodes.Getitem)):
                keys.insert(0, _key(inner))
                inner = inner.node
            if isinstance(inner, nodes.Name):
                yield inner.name, keys, node.lineno


def _key(node: nodes.Getattr | nodes.Getitem) -> Any:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) else _COMPUTED


def _differ(key: Any, step: Any) -> bool:
    return type(key) is not type(step) or bool(key != step)


def _at(value: Any, keys: list[Any]) -> Any:
    for key in keys:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return missing
    return value


def sentence(absent: Absent, source: Source, methods: Methods) -> str:
    """What is absent, and what to do."""
    inner = next((step for step in absent.steps if isinstance(step, Absent)), None)
    if inner is not None:
        return sentence(inner, source, methods)
    first = absent.steps[0]
    if absent.owner is missing:
        return f"{absent.hint.rstrip('.')}." if absent.hint else f"{first} is not set here. {_HINT}"
    if not isinstance(first, _SCALARS):
        return f"{described(first)} cannot be a key."
    path = source.path(absent.owner, absent.steps)
    shown = f"{path or 'the value'}{''.join(map(_step, absent.steps[:_STEPS]))}"
    if path and len(absent.steps) == 1 and first in methods.get(type(absent.owner), {}):
        return f"{shown} is a method. Call it: {shown}()."
    if not isinstance(absent.owner, (dict, list, tuple)):
        return f"{shown} is absent: {described(absent.owner)} has no {_bare(first)}."
    return f"{shown} is absent. {_HINT}"


def _step(step: Any) -> str:
    if step is _COMPUTED:
        return "[…]"
    return f".{step}" if _is_short_name(step) else f"[{short(step)}]"


def _bare(step: Any) -> str:
    return str(step) if _is_short_name(step) else short(step)


def _is_short_name(step: Any) -> bool:
    return isinstance(step, str) and step.isidentifier() and len(step) <= 100


def _path_to(owner: Any, values: Mapping[str, Any]) -> str | None:
    """Where in the inputs a list or mapping stands, looked for among the first few thousand values."""
    queue: list[tuple[str, Any]] = list(values.items())
    for path, value in queue:
        if value is owner:
            return path
        if len(queue) > _WALKED:
            break
        if type(value) is dict:
            queue.extend((path + _step(key), item) for key, item in value.items())
        elif type(value) is list:
            queue.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
    return None
