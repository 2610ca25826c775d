"""The error family.

    PromptregError
    ├── SpecError             NAME@SELECTOR that cannot be read
    ├── RegistryNotFound      no promptreg.toml where one was looked for
    ├── PromptNotFound        no prompt of that name
    ├── EnvironmentNotFound   no environment of that name
    ├── VersionNotFound       the prompt is there; what the selector asks for is not
    ├── FileError             a file does not say what it should: path, line, column
    │   ├── PromptFileError   … the front matter or layout of a prompt file
    │   └── TemplateError     … the template: syntax, profile, or what happened while rendering
    ├── InputError            render() got missing, unexpected or invalid inputs
    ├── IntegrityError        a released file is not what was released
    ├── LimitError            a limit of [limits] was reached
    └── Refused               the request is right, and a rule says no (commands end with 1 instead of 2)

Rooms above add a few of their own beside the code that raises them; every one descends from PromptregError.
A message says what is wrong, where, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class PromptregError(Exception):
    """Root of all errors that promptreg raises on purpose.

    `message` is the sentence without its place; `path`, `line` and `column` (both from 1) are the place, None where
    there is none. `str(error)` is the place and the sentence.
    """

    def __init__(
        self, message: str, *, path: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.column = column

    def __str__(self) -> str:
        where = place(self.path, self.line, self.column)
        return f"{where}: {self.message}" if where else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[PromptregError], args: tuple[Any, ...], state: dict[str, Any]) -> PromptregError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


def place(path: str | None, line: int | None = None, column: int | None = None) -> str:
    """`path:line:column`, as far as it is known."""
    parts = [path] if path else []
    if line is not None:
        parts.append(str(line) if path else f"line {line}")
        if column is not None:
            parts.append(str(column))
    return ":".join(parts)


class SpecError(PromptregError):
    """A name, selector or spec that cannot be read."""


class RegistryNotFound(PromptregError):
    """No promptreg.toml where one was looked for."""


class PromptNotFound(PromptregError):
    """The registry holds no prompt of that name."""


class EnvironmentNotFound(PromptregError):
    """promptreg.toml names no such environment."""


class VersionNotFound(PromptregError):
    """The prompt exists, but not in the version, range or environment that was asked for."""


class FileError(PromptregError):
    """A file does not say what it should."""


class PromptFileError(FileError):
    """The front matter or the layout of a prompt file."""


class TemplateError(FileError):
    """A template: its syntax, something its profile does not allow, or a failure while rendering."""


class IntegrityError(PromptregError):
    """A released file, its line in versions.sum or a pin do not agree."""


class LimitError(PromptregError):
    """A limit of `[limits]` in promptreg.toml was reached."""


class Refused(PromptregError):
    """The request is right, and a rule says no."""


class InputError(PromptregError):
    """The inputs given to `render()` do not fit what the prompt declares.

    `missing` and `unexpected` are names; `invalid` maps a name to what is wrong with its value.
    """

    def __init__(
        self,
        message: str,
        *,
        missing: Iterable[str] = (),
        unexpected: Iterable[str] = (),
        invalid: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.unexpected = tuple(unexpected)
        self.invalid = dict(invalid or {})


def near(word: str, known: Iterable[str], alike: float = 0.6) -> str:
    """` Did you mean X?` for the nearest known word that is so much alike, 1 being the same; else an empty string."""
    import difflib

    found = difflib.get_close_matches(word, list(known), n=1, cutoff=alike)
    return f" Did you mean {found[0]}?" if found else ""


def counted(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


for _public in (
    PromptregError, SpecError, RegistryNotFound, PromptNotFound, EnvironmentNotFound, VersionNotFound, FileError,
    PromptFileError, TemplateError, InputError, IntegrityError, LimitError,
):  # fmt: skip
    # Tracebacks show the address that code imports them from.
    _public.__module__ = "promptreg"
