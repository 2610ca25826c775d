"""Adding cases to a file of cases: what stands there stays as it is, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Sequence

from promptreg.core.errors import FileError
from promptreg.core.text import decode
from promptreg.core.yaml_reader import read_yaml
from promptreg.evals.case_files import ending
from promptreg.evals.case_text import CaseText
from promptreg.evals.cases import Case
from promptreg.evals.csv_cases import table_of
from promptreg.evals.csv_writing import csv_text, row_text
from promptreg.evals.json_text import line_json

#: What new files of cases can be called.
NEW = (".csv", ".jsonl")


def extended(data: bytes, path: str, cases: Sequence[Case]) -> bytes:
    """The bytes of a file of cases with some more at its end, in its own way of writing.

    FileError where a case does not fit into it: a table without a column for a part of it, a list written in brackets.
    """
    kind = ending(path)
    if kind == ".csv":
        lines = _rows(data, path, cases)
        if lines is None:
            return csv_text(cases)
    elif kind == ".yaml":
        lines = _entries(data, path, cases)
    else:
        lines = [line_json(case.data()) for case in cases]
    end = b"\r\n" if b"\r\n" in data else b"\n"
    before = data if not data or data.endswith(b"\n") else data + end
    return before + b"".join(line.encode() + end for line in lines)


def new_text(path: str, cases: Sequence[Case]) -> bytes:
    """Cases as a new file, by the ending of its name, which is one of NEW."""
    return csv_text(cases) if ending(path) == ".csv" else extended(b"", path, cases)


def _rows(data: bytes, path: str, cases: Sequence[Case]) -> list[str] | None:
    """Cases as rows of the table that stands there; None where none does."""
    table = table_of(CaseText(path, data))
    if table is None:
        return None
    rows = []
    for case in cases:
        try:
            rows.append(row_text(table, case))
        except ValueError as problem:
            raise FileError(f"case {case.id} does not fit into this table: {problem}.", path=path) from None
    return rows


def _entries(data: bytes, path: str, cases: Sequence[Case]) -> list[str]:
    """Cases as lines of the list that stands there, indented as its first entry is."""
    text = read_yaml(decode(data, path), path)
    dash = "-"
    if text.data:
        line, column = text.where((0,))
        found = re.match(r"( *)- +", decode(data, path).split("\n")[line - 1])
        if found is None or len(found[0]) + 1 != column:
            raise FileError(
                "this list is not written one entry below the other, so nothing can be added to it. Write each entry "
                "behind a - on lines of its own.",
                path=path,
                line=line,
            )
        dash = f"{found[1]}-"
    inner = " " * (len(dash) + 1)
    return [
        f"{inner if number else f'{dash} '}{name}: {line_json(value)}"
        for case in cases
        for number, (name, value) in enumerate(case.data().items())
    ]
