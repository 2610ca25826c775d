"""Cases as a table (docs/evals.md): a heading names where its column belongs, `expected.queue` or `question`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    lines = (f"{line}\n" for line, _ in _lines(text))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
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
        name = text.shown.replace("\\", "/").rpartition("/")[2]
        raise FileError(
            f'{name} is not UTF-8{guess}. In Excel: save as "CSV UTF-8".',
            path=text.shown,
            line=problem.line,
            column=problem.column,
        ) from None


def _delimiter(text: CaseText) -> str:
    """What stands between cells: a comma, or what spreadsheets write where a comma is the decimal sign."""
    first = next((line for line, _ in _lines(text)), "")
    for delimiter in _DELIMITERS:
        if any(column_of(name).path == ("id",) for name in next(csv.reader([first], delimiter=delimiter), [])):
            return delimiter
    return ","


def _heading(names: Sequence[str], delimiter: str, path: str, line: int) -> Table:
    """How a table is written that begins with some headings; FileError where it has none for ids, or one twice."""
    columns = tuple(column_of(name) if name.strip() else None for name in names)
    paths = [column.path for column in columns if column]
    for column in filter(None, columns):
        if paths.count(column.path) > 1:
            raise FileError(f"the column {column.heading} stands here twice.", path=path, line=line)
    if ("id",) not in paths:
        there = ", ".join(name.strip() for name in names)
        message = f"the first row names the columns, and none of them is id. There are {there}."
        hint = near("id", [name.strip().lower() for name in names])
        raise FileError(message + hint, path=path, line=line)
    return Table(columns, delimiter)


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
            raise FileError(f"column {column.heading}: {_said(problem)}.", path=path, line=line) from None
        headings[column.path[0]] = column.heading
    if data.pop(CRITICAL, False) and CRITICAL not in (tags := data.get("tags", [])) and isinstance(tags, list):
        data["tags"] = [*tags, CRITICAL]

    def misfit(message: str, location: Location, _: bool) -> FileError:
        column = headings.get(str(location[0])) if location else None
        return FileError(f"column {column}: {message}" if column else message, path=path, line=line)

    return validated(Case, data, misfit)


def _said(problem: Exception) -> str:
    """What is wrong with a cell; of JSON, in fewer words than its parser's."""
    said = getattr(problem, "msg", str(problem))
    return f"this is not JSON: {said[:1].lower()}{said[1:]}" if hasattr(problem, "msg") else said


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
