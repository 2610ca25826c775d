"""Cases written as a table that a spreadsheet opens, and single rows of one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from promptreg.core.errors import FileError
from promptreg.evals.case_text import CaseText
from promptreg.evals.cases import CRITICAL, Case
from promptreg.evals.csv_cases import JSON, Column, Table, column_of, csv_cases, meant_by
from promptreg.evals.json_text import line_json

BOM = b"\xef\xbb\xbf"
#: What a spreadsheet takes for a formula, or changes because it looks like a number, a date or a truth value. Numbers
#: in a text are safe; such cells are written as JSON, where a text stands in quotes.
_CHANGED = re.compile(r"[=+\-@\t＝＋－＠]|[\d.,:/\s+%eE-]*\Z|(?:true|false)\Z", re.IGNORECASE)
#: What would not be there when the table is read again.
_LOST = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufeff]|^(?:<<<<<<<|>>>>>>>|[|]{7})", re.MULTILINE)
_FORMULA = re.compile(r"[=+\-@\t＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[\d.,]+%?\Z")
_AS_JSON = "Name the column {0}:json, and write its cells as JSON"
#: A key that can be a part of a heading.
_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*\Z")


def csv_text(cases: Iterable[Case]) -> bytes:
    """Cases as a table that Excel opens, UTF-8 with a byte order mark; read again they are equal."""
    rows = [_facts(case) for case in cases]
    table = Table(tuple(_columns(rows)), ",")
    lines = [_row(table, [column.heading for column in table.columns if column])]
    lines += [_row(table, _cells(table, row)) for row in rows]
    return BOM + "".join(f"{line}\r\n" for line in lines).encode()


def row_text(table: Table, case: Case) -> str:
    """A case as a row of a table that is there, without the end of the line.

    ValueError where the table has no column for a part of it, or only one that cannot hold it.
    """
    facts = _facts(case)
    if any(column and column.path == (CRITICAL,) for column in table.columns):
        facts["critical"] = "true" if CRITICAL in case.tags else None
        facts["tags"] = [tag for tag in case.tags if tag != CRITICAL] or None
    cells = _cells(table, facts)
    row = _row(table, cells)
    found = _again(table, row)
    if found is None or _identity(found) != _identity(case):
        raise ValueError(_lacking(table, facts))
    for column, cell in zip(table.columns, cells, strict=True):
        if column and not column.is_json and _FORMULA.match(cell) and not _NUMBER.match(cell):
            raise ValueError(f"a spreadsheet would run {cell[:20]!r}. {_AS_JSON.format(column.heading)}")
    return row


def _row(table: Table, cells: Sequence[str]) -> str:
    text = io.StringIO()
    # a cell is put in quotes where it holds a character of the line's end
    csv.writer(text, delimiter=table.delimiter, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")


def _identity(case: Case) -> tuple[str, set[str], str | None]:
    return case.digest, set(case.tags), case.cluster


def _again(table: Table, row: str) -> Case | None:
    """The case that a row says when the table is read again; None where it says none."""
    headings = _row(table, [column.heading if column else "" for column in table.columns])
    try:
        return next((case for case, _ in csv_cases(CaseText("", f"{headings}\n{row}\n".encode()))), None)
    except FileError:
        return None


def _lacking(table: Table, facts: Mapping[str, Any]) -> str:
    """What keeps a case out of a table: a column that is not there, or one that cannot hold its part."""
    missing = [
        column.heading.removeprefix("inputs.")
        for column in _columns([facts])
        if column.path[0] != CRITICAL
        and not any(own and column.path[: len(own.path)] == own.path for own in table.columns)
        and not any(own and own.path[: len(column.path)] == column.path for own in table.columns)
    ]
    if missing:
        return f"it has no column {' and no column '.join(missing)}. Add it to the first row, and a comma to the others"
    texts = [column.heading for column in table.columns if column and not column.is_json and column.path != ("id",)]
    return f"a value would not come back from its column as it is. {_AS_JSON.format(' or '.join(texts))}"


def _cells(table: Table, facts: Mapping[str, Any]) -> list[str]:
    """The cells of a case in the columns of a table."""
    return [_cell(column, facts) if column else "" for column in table.columns]


def _cell(column: Column, facts: Mapping[str, Any]) -> str:
    value: Any = facts
    for key in column.path:
        if not isinstance(value, Mapping) or key not in value:
            return ""
        value = value[key]
    if len(column.path) == 1 and value is None:
        return ""
    if column.is_json:
        return line_json(value)
    if column.path == ("tags",):
        return " ".join(value)
    return value if isinstance(value, str) else line_json(value)


def _facts(case: Case) -> dict[str, Any]:
    return dict.fromkeys(("inputs", "expected", "tags", "cluster")) | case.data()


def _columns(rows: Sequence[Mapping[str, Any]]) -> Iterator[Column]:
    """The columns that hold some cases as text where that comes back as it was, else as JSON."""
    yield _made(("id",), [row["id"] for row in rows])
    yield from _columns_of("inputs", [row["inputs"] for row in rows])
    yield from _columns_of("expected", [row["expected"] for row in rows])
    tags = [row["tags"] for row in rows if row["tags"] is not None]
    if tags:
        plain = all(tag and not re.search(r"[\s;]", tag) for found in tags for tag in found)
        yield (
            Column("tags", ("tags",), is_json=False)
            if plain and all(_is_safe(" ".join(found)) for found in tags)
            else Column(f"tags{JSON}", ("tags",), is_json=True)
        )
    clusters = [row["cluster"] for row in rows if row["cluster"] is not None]
    if clusters:
        yield _made(("cluster",), clusters)


def _columns_of(part: str, values: Sequence[Any]) -> Iterator[Column]:
    """A column for each key where all values are mappings, else one for the whole."""
    given = [value for value in values if value is not None]
    keys = dict.fromkeys(key for value in given if isinstance(value, dict) for key in value)
    if all(isinstance(value, dict) and value for value in given) and all(_PLAIN_KEY.match(key) for key in keys):
        for key in keys:
            yield _made((part, key), [value[key] for value in given if key in value])
    elif given:
        yield _made((part,), given)


def _made(path: tuple[str, ...], values: Sequence[Any]) -> Column:
    is_json = not all(isinstance(value, str) and _is_safe(value) for value in values)
    name = ".".join(path)
    short = name.removeprefix("inputs.")
    heading = short if column_of(short).path == path and meant_by(short) is None else name
    return Column(heading + JSON if is_json else heading, path, is_json)


def _is_safe(text: str) -> bool:
    """Whether a text comes back as it was, also from a spreadsheet, which runs none of it."""
    return bool(text) and not _CHANGED.match(text) and not _LOST.search(text)
