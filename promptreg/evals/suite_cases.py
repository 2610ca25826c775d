"""What a suite says of its cases: a list, the name of a file beside it, or code that makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptreg.core.errors import FileError
from promptreg.core.source import Source
from promptreg.core.yaml_reader import YamlText
from promptreg.evals.case_files import READERS, ending, file_cases, listed_cases
from promptreg.evals.cases import Cases, Judge
from promptreg.evals.code_cases import CodeCases
from promptreg.evals.python_code import CODE, Code, CodeError

_AT = ("cases",)


def holds_cases(file: str) -> bool:
    """Whether a .yaml file beside suites is one of cases, by its name."""
    return file == "cases.yaml" or file.endswith(".cases.yaml")


@dataclass(frozen=True, slots=True)
class CasesPlace:
    """Where a suite stands: the registry, its folder there, and its own text."""

    source: Source
    folder: str
    text: YamlText

    def cases(self, said: str | list[Any], judge: Judge) -> tuple[Cases, str | None, Code | None]:
        """The cases, the file in the registry where they stand, and the code that makes them, as far as there is one.

        FileError, with its place, for what is wrong with a case, or with what the suite says.
        """
        if isinstance(said, list):
            return listed_cases(self.text, _AT, judge), None, None
        if said.startswith(CODE):
            code = self._code(said.removeprefix(CODE))
            return CodeCases(code, judge, self._problem), None, code
        path = self._path(said)
        found = file_cases(self.source, path, judge)
        if found is None:
            raise self.text.problem(f"there is no {self.source.shown(path)}.", _AT)
        return found, path, None

    def _path(self, file: str) -> str:
        if "/" in file or file.startswith(".") or ending(file) is None:
            raise self.text.problem(
                f"cases names a file beside the suite ({', '.join(READERS)}), as in  cases: cases.jsonl; or "
                "python:MODULE:FUNCTION.",
                _AT,
            )
        if file.endswith(".yaml") and not holds_cases(file):
            raise self.text.problem(
                "a .yaml file of cases is called cases.yaml, or its name ends in .cases.yaml: any other is a suite.",
                _AT,
            )
        return f"{self.folder}/{file}"

    def _code(self, reference: str) -> Code:
        try:
            return Code.find(reference, self.folder, self.source.read)
        except CodeError as problem:
            raise self.text.problem(problem.message, _AT) from None

    def _problem(self, message: str, path: str | None, line: int | None) -> FileError:
        """An error about code, or about the suite that names it."""
        if path is None:
            return self.text.problem(message, _AT)
        return FileError(message, path=self.source.shown(path), line=line)
