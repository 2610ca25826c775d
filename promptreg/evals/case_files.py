"""Files of cases: JSON Lines, YAML and CSV, by the ending of their name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from promptreg.core.errors import FileError
from promptreg.core.source import Source
from promptreg.core.text import decode, wide_signs
from promptreg.core.yaml_reader import YamlText, read_yaml
from promptreg.evals.case_text import CaseText, case_text
from promptreg.evals.cases import Case, CaseList, Cases, Judge, Problem, check_cases
from promptreg.evals.csv_cases import csv_cases, table_of
from promptreg.evals.json_text import strict_json
from promptreg.validation import Location, validated

Numbered = Iterator[tuple[Case, int]]


class FileCases(Cases):
    """Cases in a file, in which each stands on a line of its own or more; those of a small file are kept."""

    def __init__(
        self, text: CaseText, reader: Callable[[CaseText], Numbered], judge: Judge, problem: Problem | None = None
    ) -> None:
        """FileError, with its place, for the first thing that is wrong with a case; `problem` makes another."""
        self._text = text
        self._reader = reader
        self._kept: list[tuple[Case, int]] | None = list(reader(text)) if text.is_small else None

        def on_its_line(message: str, line: int, _: bool) -> FileError:
            return FileError(message, path=text.shown, line=line)

        self._number = check_cases(self._numbered, problem or on_its_line, judge)

    def _numbered(self) -> Iterable[tuple[Case, int]]:
        return self._reader(self._text) if self._kept is None else self._kept

    def __iter__(self) -> Iterator[Case]:
        return (case for case, _ in self._numbered())

    def __len__(self) -> int:
        return self._number

    def line_of(self, id_: str) -> int | None:
        """The line on which a case begins."""
        return next((line for case, line in self._numbered() if case.id == id_), None)


def json_lines(text: CaseText) -> Numbered:
    """JSON Lines, one case a line, each with the number of its line; FileError with path, line and column."""
    for line, number in text.lines():
        if line.strip():
            yield _case(line, number, text.shown), number


def _case(line: str, number: int, path: str) -> Case:
    def problem(message: str, _: Location, __: bool) -> FileError:
        return FileError(message, path=path, line=number)

    return validated(Case, json_line(line, path, number), problem)


def json_line(line: str, path: str, number: int) -> Any:
    """One line of JSON as data; FileError with its place."""
    try:
        return strict_json(line)
    except json.JSONDecodeError as problem:
        message = f"this line is not JSON: {problem.msg[:1].lower()}{problem.msg[1:]}."
        message = wide_signs(line, strict_json) or message
        raise FileError(message, path=path, line=number, column=problem.colno) from None
    except (ValueError, RecursionError) as problem:
        raise FileError(f"{problem}.", path=path, line=number) from None


def listed_cases(text: YamlText, at: Location, judge: Judge) -> Cases:
    """The list of cases that stands at a place of a YAML text; FileError with path, line and column."""
    data = text.data
    for part in at:
        data = data[part]
    if data is not None and not isinstance(data, list):
        raise text.problem("cases are a list, as in  - {id: refund, inputs: {…}, expected: …}.", at)

    def made(index: int, item: Any) -> Case:
        def problem(message: str, location: Location, is_key: bool) -> FileError:
            return text.problem(message, (*at, index, *location), key=is_key)

        return validated(Case, item, problem)

    def refused(message: str, index: int, of_case: bool) -> FileError:
        return text.problem(message, (*at, index, "id") if of_case else (*at, index))

    cases = [made(index, item) for index, item in enumerate(data or ())]
    check_cases(lambda: ((case, index) for index, case in enumerate(cases)), refused, judge)
    return CaseList(cases, lambda index: text.where((*at, index))[0])


def _yaml_cases(text: CaseText, source: bytes, judge: Judge) -> Cases:
    return listed_cases(read_yaml(decode(source, text.shown), text.shown), (), judge)


#: What a file of cases can be called, and what reads it line by line; None for what is read as a whole.
READERS: dict[str, Callable[[CaseText], Numbered] | None] = {".jsonl": json_lines, ".csv": csv_cases, ".yaml": None}


def ending(name: str) -> str | None:
    """The ending of the name of a file of cases; None for another file."""
    return next((each for each in READERS if name.endswith(each) and name != each), None)


def file_cases(source: Source, path: str, judge: Judge) -> Cases | None:
    """The cases in a file of a registry, whose ending is one of READERS; None where there is no file.

    FileError, with its place, for the first thing that is wrong with a case.
    """
    text = case_text(source, path)
    if text is None:
        return None
    reader = READERS[ending(path) or ""]
    if reader is None:
        return _yaml_cases(text, source.read(path) or b"", judge)
    return FileCases(text, reader, judge)


def loose_cases(data: bytes, path: str) -> Numbered:
    """The cases in a file outside of any suite, by its ending, each with its line; FileError with its place."""
    reader = READERS[ending(path) or ""]
    if reader is not None:
        if reader is csv_cases and table_of(CaseText(path, data)) is None:
            message = "this table is empty. Its first row must hold the headings, as in  id,question,expected."
            raise FileError(message, path=path)
        yield from reader(CaseText(path, data))
        return
    cases = _yaml_cases(CaseText(path), data, lambda _: None)
    yield from ((case, cases.line_of(case.id) or 1) for case in cases)
