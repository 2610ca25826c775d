"""promptreg.toml, as far as loading needs it. The rest of the file is checked by promptreg.config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptreg.core.errors import FileError, SpecError, near
from promptreg.core.limits import Limits
from promptreg.core.names import check_environment_name
from promptreg.core.text import CONFLICT, decode, marked_line, wide_signs

SCHEMA = 1


class Settings:
    """`default_environment` (an environment, `draft` or `latest`), the names of the `environments` in their order,
    the `limits`, and the whole `table`.
    """

    __slots__ = ("default_environment", "environments", "limits", "path", "table", "text")

    def __init__(self, table: dict[str, Any], path: str, text: str) -> None:
        self.path = path
        self.table = table
        self.text = text
        if type(table.get("schema")) is not int or table["schema"] != SCHEMA:
            raise FileError(
                f"schema = {SCHEMA} is missing at the top."
                if "schema" not in table
                else f"schema is {table['schema']!r}; this promptreg reads {SCHEMA}. Is it older than the registry?",
                path=path,
            )
        environments = table.get("environments", {})
        if not isinstance(environments, dict) or not all(isinstance(item, dict) for item in environments.values()):
            raise FileError("environments are tables: [environments.production].", path=path)
        self.environments = tuple(environments)
        for name in self.environments:
            try:
                check_environment_name(name)
            except SpecError as problem:
                raise self.problem(problem.message, "environments", name) from None
        self.default_environment = self._default(table)
        self.limits = self._limits(table.get("limits", {}))

    def problem(self, message: str, *keys: str) -> FileError:
        """An error about a key of the file: the tables that it stands in, then its name."""
        return FileError(message, path=self.path, line=line_of(self.text, keys))

    def _limits(self, table: Any) -> Limits:
        if not isinstance(table, dict):
            raise self.problem("limits is a table: [limits].", "limits")
        for name, value in table.items():
            try:
                Limits.read({name: value}, self.path)
            except FileError as problem:
                raise self.problem(problem.message, "limits", name) from None
        return Limits.read(table, self.path)

    def _default(self, table: dict[str, Any]) -> str:
        default = table.get("default_environment")
        if default is None:
            raise FileError(
                f'default_environment is missing. Write default_environment = "{self._first()}".', path=self.path
            )
        if default not in (*self.environments, "draft", "latest"):
            known = ", ".join((*self.environments, "draft", "latest"))
            hint = near(str(default), (*self.environments, "draft", "latest"))
            message = f"default_environment is {default!r} and can be one of {known}.{hint}"
            raise self.problem(message, "default_environment")
        return str(default)

    def _first(self) -> str:
        return self.environments[0] if self.environments else "draft"


def read_settings(data: bytes, path: str) -> Settings:
    """Read promptreg.toml; FileError with path, line and column for what is wrong."""
    import tomllib

    text = decode(data, path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        conflict = marked_line(text)
        if conflict is not None:
            raise FileError(CONFLICT, path=path, line=conflict) from None
        message, _, where = str(problem).partition(" (at ")
        line, column = _where(where, text)
        sentence = wide_signs(text, tomllib.loads) or f"this is not TOML: {message[:1].lower()}{message[1:]}."
        raise FileError(sentence, path=path, line=line, column=column) from None
    except RecursionError:
        raise FileError("tables and lists stand too deep inside one another.", path=path) from None
    except ValueError:
        raise FileError("a number has too many digits.", path=path) from None
    return Settings(table, path, text)


def line_of(text: str, keys: Sequence[str]) -> int:
    """The line of a key in promptreg.toml: below its table's header where it has one, else where the table begins."""
    import re

    lines = text.split("\n")
    start = 0
    for depth in range(len(keys), 0, -1):
        header = re.compile(r"\[\s*" + r"\s*\.\s*".join(f'"?{re.escape(key)}"?' for key in keys[:depth]) + r"\s*[].]")
        found = next((number for number, line in enumerate(lines) if header.match(line.strip())), None)
        if found is not None:
            if depth == len(keys):
                return found + 1
            start = found
            break
    key = re.compile(rf'\s*"?{re.escape(keys[-1])}"?\s*=') if keys else re.compile("$^")
    return next((number for number in range(start, len(lines)) if key.match(lines[number])), start) + 1


def _where(words: str, text: str) -> tuple[int, int]:
    numbers = [int(word.strip(",)")) for word in words.split() if word.strip(",)").isdigit()]
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    lines = text.rstrip("\n").split("\n")
    return len(lines), len(lines[-1]) + 1
