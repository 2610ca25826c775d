"""Cases: one input each, with what is expected of the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from promptreg.core.errors import FileError
from promptreg.core.prompt import Prompt
from promptreg.core.text import CONFLICT, marked_line, wide_signs
from promptreg.evals.json_text import NO_TEXT, canonical_json, strict_json
from promptreg.validation import Location, Strict, validated

CRITICAL = "critical"


class Case(Strict):
    """One case. `cluster` groups cases that are not independent (a conversation, a document)."""

    id: str
    inputs: dict[str, Any] = {}
    expected: Any = None
    tags: list[str] = []
    cluster: str | None = None

    @property
    def digest(self) -> str:
        """16 hexadecimal digits over id, inputs and expectation: another of these is another case."""
        facts = canonical_json({"id": self.id, "inputs": self.inputs, "expected": self.expected})
        return hashlib.sha256(facts.encode()).hexdigest()[:16]


def fitted_inputs(prompt: Prompt, case: Case) -> tuple[dict[str, Any], list[str]]:
    """Those of a case's inputs that a prompt declares, and the names of the rest."""
    declared = prompt.declared
    return (
        {name: value for name, value in case.inputs.items() if name in declared},
        [name for name in case.inputs if name not in declared],
    )


def read_case_lines(text: str, path: str) -> list[tuple[Case, int]]:
    """Read JSON Lines, one case a line, each with its line number; FileError with path, line and column."""
    conflict = marked_line(text)
    if conflict is not None:
        raise FileError(CONFLICT, path=path, line=conflict)
    found = list(_lines(text, path))
    check_cases((case for case, _ in found), lambda message, index: FileError(message, path=path, line=found[index][1]))
    return found


def _lines(text: str, path: str) -> Iterator[tuple[Case, int]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            data = strict_json(line)
        except json.JSONDecodeError as problem:
            message = f"this line is not JSON: {problem.msg[:1].lower()}{problem.msg[1:]}."
            message = wide_signs(line, strict_json) or message
            raise FileError(message, path=path, line=number, column=problem.colno) from None
        except (ValueError, RecursionError) as problem:
            raise FileError(f"{problem}.", path=path, line=number) from None

        def problem_at(message: str, _: Location, __: bool, number: int = number) -> FileError:
            return FileError(message, path=path, line=number)

        yield validated(Case, data, problem_at), number


def check_cases(cases: Iterable[Case], problem: Callable[[str, int], FileError]) -> None:
    """Raise `problem(message, index)` for an id that is empty or stands twice, and for what cannot be stored."""
    seen: set[str] = set()
    for index, case in enumerate(cases):
        if not case.id.strip() or not case.id.isprintable():
            raise problem("an id must be text that can be printed.", index)
        if case.id in seen:
            raise problem(f"the id {case.id} stands here a second time.", index)
        seen.add(case.id)
        wrong = _unstorable(case)
        if wrong:
            raise problem(f"case {case.id}: {wrong}", index)


def _unstorable(case: Case) -> str | None:
    """Why a case can neither be digested nor written into a file; None where it can."""
    try:
        canonical_json([case.inputs, case.expected, case.tags, case.cluster]).encode()
    except UnicodeEncodeError:
        return NO_TEXT
    except ValueError:
        return "a number is too large to be compared."
    except RecursionError:
        return "lists and mappings stand too deep inside one another."
    return None
