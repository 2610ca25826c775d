"""Cases as a table (docs/evals.md): a heading names where its column belongs, `expected.queue` or `question`."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any

from promptreg.core.errors import FileError, near
from promptreg.core.text import looks_like
from promptreg.evals.case_text import CaseText
from promptreg.evals.cases import CRITICAL, Case
from promptreg.evals.json_text import strict_json
from promptreg.validation import Location, validated

JSON = ":json"
_OWN = ("id", "expected", "tags", "cluster")
_DELIMITERS = (",", ";", "\t")
_WORDS = {"true": True, "yes": True, "1": True, "x": True, "false": False, "no": False, "0": False}
_LONGEST_CELL = (1 << 31) - 1
#: The first line by which spreadsheets are told what stands between cells.
_SEPARATOR = re.compile(r"\"?sep=([^\w\s\"]|\t)\"?[^\S\t]*", re.IGNORECASE)
#: How much alike a heading is to what it was meant to be: a letter less, more, or changed.
_ALIKE = 0.85
_SHOWN = 30


class NotUtf8(FileError):
    """A table in another encoding, which is wrong as a whole and not in one place."""

    def __str__(self) -> str:
        return f"{self.path}{self.message.removeprefix('this')}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, where its cells belong in a case, and whether they are JSON."""

    heading: str
    path: tuple[str, ...]
    is_json: bool

    def value(self, cell: str) -> Any:
        """What a cell says; ValueError where it says nothing that can be here."""
        if self.is_json:
            return strict_json(cell)
        if self.path == (CRITICAL,):
            if cell.strip().lower() not in _WORDS:
                raise ValueError("critical is true or false")
            return _WORDS[cell.strip().lower()]
        if self.path == ("tags",):
            return re.findall(r"[^\s;]+", cell)
        return cell


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is written: its columns (None where a heading is empty), and what stands between cells."""

    columns: tuple[Column | None, ...]
    delimiter: str


def csv_cases(text: CaseText) -> Iterator[tuple[Case, int]]:
    """The cases of a table, each with the number of its first line; FileError with path, line and column."""
    table: Table | None = None
    delimiter = _delimiter(text)
    for cells, line in _rows(text, delimiter):
        if not any(cells):
            continue
        if table is None:
            table = _heading(cells, delimiter, text.shown, line)
        else:
            yield case_of(table, cells, text.shown, line), line


def table_of(text: CaseText) -> Table | None:
    """How a table is written; None where there is not even a heading."""
    delimiter = _delimiter(text)
    found = next(((cells, line) for cells, line in _rows(text, delimiter) if any(cells)), None)
    return found and _heading(found[0], delimiter, text.shown, found[1])


def _rows(text: CaseText, delimiter: str) -> Iterator[tuple[list[str], int]]:
    """All rows, each with the number of its first line."""
    csv.field_size_limit(_LONGEST_CELL)
    before = 1 if _separator(text) else 0
    lines = (f"{line}\n" for line, number in _lines(text) if number > before)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = before + reader.line_num + 1
        try:
            yield next(reader), line
        except StopIteration:
            return
        except csv.Error as problem:
            message = f"this is not CSV: {problem}. A cell that holds a comma, a line break or a quote stands in quotes"
            raise FileError(f"{message}, and a quote inside of it is doubled.", path=text.shown, line=line) from None


def _lines(text: CaseText) -> Iterator[tuple[str, int]]:
    try:
        yield from text.lines()
    except FileError as problem:
        if not problem.message.startswith("this is not UTF-8"):
            raise
        found = looks_like(text.beginning())
        guess = f" (it looks like {found})" if found else ""
        message = f'this is not UTF-8{guess}. In Excel: save as "CSV UTF-8".'
        error = NotUtf8 if found else FileError
        raise error(message, path=text.shown, line=problem.line, column=problem.column) from None


def _separator(text: CaseText) -> str | None:
    """What the first line says to stand between cells; None where it says nothing of the kind."""
    found = _SEPARATOR.fullmatch(next((line for line, _ in _lines(text)), ""))
    return found and found[1]


def _delimiter(text: CaseText) -> str:
    """What stands between cells: a comma, or what spreadsheets write where a comma is the decimal sign."""
    said = _separator(text)
    if said:
        return said
    first = next((line for line, _ in _lines(text)), "")
    for delimiter in _DELIMITERS:
        names = next(csv.reader([first], delimiter=delimiter), [])
        if any(_folded(name).removesuffix(JSON) == "id" for name in names):
            return delimiter
    return ","


def _heading(names: Sequence[str], delimiter: str, path: str, line: int) -> Table:
    """How a table is written that begins with some headings.

    FileError where it has none for ids, one twice, or one that is nearly another.
    """
    columns = tuple(column_of(name) if name.strip() else None for name in names)
    paths = [column.path for column in columns if column]
    for column in filter(None, columns):
        if paths.count(column.path) > 1:
            raise FileError(f"the column {column.heading} stands here twice.", path=path, line=line)
    if ("id",) not in paths:
        there = ", ".join(name.strip() for name in names)
        message = f"the first row names the columns, and none of them is id. There are {there}."
        hint = near("id", map(_folded, names))
        raise FileError(message + hint, path=path, line=line)
    for column in filter(None, columns):
        meant = meant_by(column.heading)
        if meant is not None:
            raise FileError(f"there is no column {column.heading}. {meant}", path=path, line=line)
    return Table(columns, delimiter)


def meant_by(heading: str) -> str | None:
    """What a heading was nearly, in a sentence; None where it is what it says."""
    before, colon, kind = unicodedata.normalize("NFKC", heading).strip().rpartition(":")
    if colon and not heading.strip().endswith(JSON) and near(kind.lower(), [JSON[1:]]):
        return f"Did you mean {before}{JSON}?"
    name = heading.strip().removesuffix(JSON)
    first, dot, rest = name.partition(".")
    known = [*_OWN, CRITICAL] if not dot else ["expected", "inputs"]
    if first in (*known, "inputs"):
        return None
    folded = _folded(first)
    hint = near(folded, [folded] if folded in known else known, _ALIKE)
    if not hint:
        return None
    return f"{hint.strip().removesuffix('?')}{dot}{rest}? An input of that name is headed inputs.{name}."


def _folded(name: str) -> str:
    """A heading without what keyboards make of it: capitals, full-width letters."""
    return unicodedata.normalize("NFKC", name).strip().lower()


def column_of(heading: str) -> Column:
    """The column of a heading."""
    name = heading.strip()
    is_json = name.endswith(JSON)
    path = tuple(name.removesuffix(JSON).split("."))
    if path[0] not in ("expected", "inputs") and path not in (*((own,) for own in _OWN), (CRITICAL,)):
        path = ("inputs", *path)
    return Column(name, path, is_json)


def case_of(table: Table, cells: Sequence[str], path: str, line: int) -> Case:
    """The case that a row says; FileError, with its place, where it says none."""
    if len(cells) != len(table.columns):
        message = f"this row has {len(cells)} cells, and the first row names {len(table.columns)}."
        raise FileError(message, path=path, line=line)
    data: dict[str, Any] = {}
    headings: dict[str, str] = {}
    for number, (column, cell) in enumerate(zip(table.columns, cells, strict=True), start=1):
        if not cell:
            continue
        if column is None:
            raise FileError(f"the cell in column {number} has no heading.", path=path, line=line)
        try:
            _put(data, column.path, column.value(cell))
        except (ValueError, RecursionError) as problem:
            message = f"column {column.heading}: {_said(problem, cell)}."
            raise FileError(message, path=path, line=line) from None
        headings[column.path[0]] = column.heading
    if data.pop(CRITICAL, False) and CRITICAL not in (tags := data.get("tags", [])) and isinstance(tags, list):
        data["tags"] = [*tags, CRITICAL]

    def misfit(message: str, location: Location, _: bool) -> FileError:
        column = headings.get(str(location[0])) if location else None
        return FileError(f"column {column}: {message}" if column else message, path=path, line=line)

    return validated(Case, data, misfit)


def _said(problem: Exception, cell: str) -> str:
    """What is wrong with a cell; of JSON, in fewer words than its parser's, and how a text is written there."""
    if not isinstance(problem, JSONDecodeError):
        return str(problem)
    said = f"this is not JSON: {problem.msg[:1].lower()}{problem.msg[1:]}"
    if cell.lstrip()[:1] in ("{", "[", '"'):
        return said
    text = f'"{cell}"' if len(cell) <= _SHOWN and cell.isprintable() else "a text"
    return f"{said}; write {text} in double quotes, or take {JSON} out of the heading"


def _put(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Put a value at a path of keys; ValueError where another column has put something else there."""
    here: Any = data
    for key in path[:-1]:
        here = here.setdefault(key, {})
        if not isinstance(here, dict):
            raise ValueError(f"another column says all of {key}")  # noqa: TRY004 - the value is a text, and may be
    if path[-1] in here:
        raise ValueError(f"another column says a part of {path[-1]}")
    here[path[-1]] = value
