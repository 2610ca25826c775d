"""Limits that a template, its source and its values stay within; defaults that a million-token prompt fits in."""

from __future__ import annotations

from collections.abc import Mapping

from promptreg.core.errors import FileError

#: name → (default, what it bounds). `[limits]` in promptreg.toml takes the same names.
LIMITS: dict[str, tuple[int, str]] = {
    "output": (16 * 1024 * 1024, "characters of one rendered prompt"),
    "loop_steps": (1_000_000, "steps of all loops and macro calls of one rendering"),
    "work": (128 * 1024 * 1024, "characters and elements that operators and filters handle in one rendering"),
    "source": (256 * 1024, "characters of a prompt file"),
    "nesting": (32, "blocks inside blocks (if, for, macro …)"),
    "expression": (100, "operations inside operations of one expression"),
    "include_depth": (8, "partials inside partials"),
    "data_depth": (64, "lists and mappings inside one another, in a value or in front matter"),
}


def shown(value: object) -> str:
    """A value as files write it: `true`, not `True`."""
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    return repr(value)


class Limits:
    """One number for each name of `LIMITS`."""

    __slots__ = tuple(LIMITS)

    output: int
    loop_steps: int
    work: int
    source: int
    nesting: int
    expression: int
    include_depth: int
    data_depth: int

    def __init__(self, **limits: int) -> None:
        for name, (default, _) in LIMITS.items():
            setattr(self, name, limits.get(name, default))

    @classmethod
    def read(cls, table: Mapping[str, object], path: str) -> Limits:
        """The `[limits]` table of promptreg.toml; FileError for a name or number that cannot be one."""
        numbers: dict[str, int] = {}
        for name, value in table.items():
            if name not in LIMITS:
                raise FileError(f"[limits] has no {name}. It takes {', '.join(LIMITS)}.", path=path)
            if type(value) is not int or value < 1:
                raise FileError(f"[limits] {name} must be a whole number above 0, not {shown(value)}.", path=path)
            numbers[name] = value
        return cls(**numbers)
