"""Cases that code makes: unknown until it may run, then made once and kept, so that every pass sees the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from promptreg.core.errors import FileError
from promptreg.core.plain import NotPlain, plain
from promptreg.evals.case_files import FileCases, json_lines
from promptreg.evals.case_text import SMALL, CaseText
from promptreg.evals.cases import Case, Cases, Judge
from promptreg.evals.json_text import NO_TEXT, line_json
from promptreg.evals.provider import Means
from promptreg.evals.python_code import Code, CodeError
from promptreg.validation import Location, validated

#: A function that gives more cases than this is taken for one that never ends.
_MOST = 1_000_000
#: Makes an error: its message; and the path and line of the code that it is about, None where it is about the suite.
Problem = Callable[[str, str | None, int | None], FileError]


class CodeCases(Cases):
    """Cases that code makes. What asks for them before `made` was called gets an error that says --allow-code."""

    known: ClassVar[bool] = False

    def __init__(self, code: Code, judge: Judge, problem: Problem) -> None:
        self._code = code
        self._judge = judge
        self._problem = problem

    def __iter__(self) -> Iterator[Case]:
        raise self._locked()

    def __len__(self) -> int:
        raise self._locked()

    def __bool__(self) -> bool:
        return True

    def _locked(self) -> FileError:
        reference = f"python:{self._code.reference}"
        message = f"{reference} makes the cases: code that this repository names. If you trust it: --allow-code"
        return self._problem(message, None, None)

    def made(self, means: Means) -> Cases:
        """The cases, made by running the code once; FileError where it fails, or for what is wrong with a case."""
        try:
            function = self._code.function(means)
        except CodeError as trouble:
            raise self._problem(trouble.message, trouble.path, trouble.line) from None

        def refused(message: str, number: int, _: bool) -> FileError:
            return self._refused(message, number)

        return _Made(self._spooled(function), json_lines, self._judge, refused)

    def _spooled(self, function: Callable[[], Any]) -> CaseText:
        """What the code gave, one case a line, in a file that has no name and goes when the cases do."""
        name = f"python:{self._code.reference}"
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - `CaseText` closes it
        try:
            for number, item in enumerate(self._items(function), start=1):
                spool.write(f"{line_json(self._case(item, number))}\n".encode())
            spool.flush()
            if spool.tell() > SMALL:
                return CaseText(name, file=spool)
            spool.seek(0)
            text = CaseText(name, spool.read())
        except BaseException:
            spool.close()
            raise
        spool.close()
        return text

    def _items(self, function: Callable[[], Any]) -> Iterator[Any]:
        try:
            found = function()
            if isinstance(found, (str, bytes, Mapping)) or not isinstance(found, Iterable):
                raise self._wrong(f"gives {type(found).__name__}, not cases one after the other")
            for number, item in enumerate(found):
                if number == _MOST:
                    raise self._wrong(f"gives more than {_MOST:,} cases")
                yield item
        except (Exception, SystemExit) as problem:
            if isinstance(problem, FileError):
                raise
            trouble = self._code.trouble(problem)
            raise self._problem(trouble.message, trouble.path, trouble.line) from problem

    def _wrong(self, what: str) -> FileError:
        return self._problem(f"python:{self._code.reference} {what}.", None, None)

    def _refused(self, message: str, number: int) -> FileError:
        return self._problem(f"python:{self._code.reference}, case {number}: {message}", None, None)

    def _case(self, item: Any, number: int) -> dict[str, Any]:
        """What the code gave, as the data of a case."""

        def problem(message: str, _: Location, __: bool) -> FileError:
            return self._refused(message, number)

        try:
            found = validated(Case, plain(item), problem)
            line_json(found.data()).encode()
        except NotPlain as trouble:
            raise self._refused(f"it{trouble.path} {trouble.message}.", number) from None
        except ValueError as trouble:
            is_text = isinstance(trouble, UnicodeEncodeError)
            raise self._refused(NO_TEXT if is_text else "a number is too large to be compared.", number) from None
        return found.data()


class _Made(FileCases):
    """Cases that were made; they stand on no line of any file that somebody could look at."""

    def line_of(self, id_: str) -> int | None:
        """None."""
        return None
