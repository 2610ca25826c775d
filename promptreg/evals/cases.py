"""Cases: one input each, with what is expected of the answer."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import pairwise
from typing import Any, ClassVar

from pydantic import Field

from promptreg.core.errors import FileError, PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.json_text import NO_TEXT, canonical_json
from promptreg.validation import Strict

CRITICAL = "critical"
_64_BITS = (1 << 64) - 1


class Case(Strict):
    """One case. `cluster` groups cases that are not independent (a conversation, a document)."""

    id: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    expected: Any = None
    tags: list[str] = Field(default_factory=list)
    cluster: str | None = None

    @property
    def digest(self) -> str:
        """16 hexadecimal digits over id, inputs and expectation: another of these is another case."""
        facts = canonical_json({"id": self.id, "inputs": self.inputs, "expected": self.expected})
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def data(self) -> dict[str, Any]:
        """The case as it stands in a file: what is empty is left out."""
        facts = {
            "id": self.id, "inputs": self.inputs or None, "expected": self.expected, "tags": self.tags or None,
            "cluster": self.cluster,
        }  # fmt: skip
        return {name: value for name, value in facts.items() if value is not None}


def fitted_inputs(prompt: Prompt, case: Case) -> tuple[dict[str, Any], list[str]]:
    """Those of a case's inputs that a prompt declares, and the names of the rest."""
    declared = prompt.declared
    return (
        {name: value for name, value in case.inputs.items() if name in declared},
        [name for name in case.inputs if name not in declared],
    )


class Cases(Collection[Case]):
    """The cases of a suite in their order. They can be gone through again and again, and need not be in memory.

    `known` is whether they can be gone through at all: what code makes is not there before it may run.
    """

    known: ClassVar[bool] = True

    @abstractmethod
    def __iter__(self) -> Iterator[Case]: ...

    @abstractmethod
    def __len__(self) -> int: ...

    def __contains__(self, case: object) -> bool:
        return any(each == case for each in self)

    def line_of(self, id_: str) -> int | None:
        """The line on which a case stands in its file, looked for only when it is asked for; None where on none."""
        return None

    def digest(self) -> str:
        """`sha256:…` over all cases in their order."""
        return digest_of(self)


def digest_of(cases: Iterable[Case]) -> str:
    """`sha256:…` over some cases in their order, tags and clusters too."""
    sha = hashlib.sha256()
    for case in cases:
        sha.update(f"{case.digest} {canonical_json([case.tags, case.cluster])}\n".encode())
    return f"sha256:{sha.hexdigest()}"


class CaseList(Cases):
    """Cases in memory; `line_of` finds the line of the n-th."""

    def __init__(self, cases: Iterable[Case], line_of: Callable[[int], int | None] = lambda _: None) -> None:
        self._cases = tuple(cases)
        self._line_of = line_of

    def __iter__(self) -> Iterator[Case]:
        return iter(self._cases)

    def __len__(self) -> int:
        return len(self._cases)

    def line_of(self, id_: str) -> int | None:
        """The line on which a case stands."""
        return next((self._line_of(index) for index, case in enumerate(self._cases) if case.id == id_), None)


#: Raises PromptregError for a case that cannot be judged.
Judge = Callable[[Case], None]
#: Makes an error about the case at a place (a line, an index): its message; and whether it is about the case as such.
Problem = Callable[[str, int, bool], FileError]


def check_cases(numbered: Callable[[], Iterable[tuple[Case, int]]], problem: Problem, judge: Judge) -> int:
    """Go through cases once, and say how many there are; `numbered` gives them, each with its place.

    `problem` makes the error for an id that is empty or stands twice, for what cannot be stored, and for what `judge`
    refuses. No case and no id is kept: ids are told apart by 64 bits, and looked at again where these are not enough.
    """
    seen = array("Q")
    for case, at in numbered():
        if not case.id.strip() or not case.id.isprintable():
            raise problem("an id must be text that can be printed.", at, True)
        wrong = _unstorable(case)
        if wrong:
            raise problem(f"case {case.id}: {wrong}", at, True)
        try:
            judge(case)
        except PromptregError as refusal:
            raise problem(refusal.message, at, False) from None
        seen.append(hash(case.id) & _64_BITS)
    twice = {bits for bits, following in pairwise(sorted(seen)) if bits == following}
    if twice:
        _check_ids(numbered, problem, twice)
    return len(seen)


def _check_ids(numbered: Callable[[], Iterable[tuple[Case, int]]], problem: Problem, bits: set[int]) -> None:
    known: set[str] = set()
    for case, at in numbered():
        if hash(case.id) & _64_BITS in bits:
            if case.id in known:
                raise problem(f"the id {case.id} stands here a second time.", at, True)
            known.add(case.id)


def _unstorable(case: Case) -> str | None:
    """Why a case can neither be digested nor written into a file; None where it can."""
    try:
        if _is_text(case):
            return None
        canonical_json([case.inputs, case.expected, case.tags, case.cluster]).encode()
    except UnicodeEncodeError:
        return NO_TEXT
    except ValueError:
        return "a number is too large to be compared."
    except RecursionError:
        return "lists and mappings stand too deep inside one another."
    return None


def _is_text(case: Case) -> bool:
    """Whether a case holds nothing but texts, as most do; UnicodeEncodeError where one of them is none."""
    texts = [*case.inputs, *case.inputs.values(), *case.tags, case.cluster or "", case.expected or ""]
    if not all(type(text) is str for text in texts):
        return False
    "".join(texts).encode()
    return True
