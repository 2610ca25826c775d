"""Looking at the cases of a prompt, and adding to them: every one is tried before the file is written."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from promptreg.core.errors import FileError, PromptregError, near
from promptreg.core.names import DRAFT
from promptreg.core.prompt import Prompt
from promptreg.core.source import Overlay
from promptreg.evals.case_writing import extended
from promptreg.evals.cases import Case, check_cases
from promptreg.evals.json_text import canonical_json
from promptreg.evals.scorers.graphemes import graphemes
from promptreg.evals.suite import MAIN, Suite, judge_of, read_suite
from promptreg.files import writing
from promptreg.project import Project, View
from promptreg.validation import Location, validated

#: Which of the cases that are there already are passed over.
Skip = Literal["nothing", "inputs", "equal"]
_WORDS = 5
_LATIN = "\u024f"
#: How long an id is made that nobody chose: where words are words, and in other scripts.
_LONGEST, _LONGEST_UNSPACED = 40, 24


@dataclass(frozen=True, slots=True)
class Found:
    """The data of a case that may be added, without an id or with one; where it was found, if in a file."""

    data: dict[str, Any]
    path: str | None = None
    line: int | None = None

    def problem(self, message: str) -> FileError:
        """An error about it."""
        return FileError(message, path=self.path, line=self.line)


@dataclass(frozen=True, slots=True)
class Added:
    """What was added to a suite, and to which file; `skipped` were there already."""

    suite: str
    path: str
    cases: list[Case]
    skipped: int = 0

    def data(self) -> dict[str, Any]:
        """The shape of `case add --json`."""
        return {
            "suite": self.suite,
            "path": self.path,
            "added": [case_data(case) for case in self.cases],
            "skipped": self.skipped,
        }


def case_data(case: Case) -> dict[str, Any]:
    """A case in `case add --json` and `case list --json`; `case` is its digest."""
    return {"id": case.id, "case": case.digest} | case.model_dump()


def suites_of(view: View, name: str, wanted: str | None) -> list[Suite]:
    """The suites of a prompt, or the one of a name; PromptregError where there is none."""
    missing = view.catalog.missing(name)
    if missing:
        raise missing
    suites = view.suites(name)
    if not suites:
        raise PromptregError(f"{name} has no suite. promptreg new {name} --cases writes one.")
    chosen = [suite for suite in suites if wanted in (None, suite.name)]
    if not chosen:
        known = [suite.name for suite in suites]
        raise PromptregError(f"{name} has no suite {wanted}. It has: {', '.join(known)}.{near(wanted or '', known)}")
    return chosen


def the_suite(view: View, name: str, wanted: str | None) -> Suite:
    """The suite that is meant: the one of a name, the only one, or the main one; PromptregError where none is."""
    suites = suites_of(view, name, wanted)
    if len(suites) > 1 and suites[0].name != MAIN:
        raise PromptregError(f"{name} has the suites {', '.join(suite.name for suite in suites)}. --suite chooses one.")
    return suites[0]


def known_cases(name: str, suite: Suite) -> Iterator[Case]:
    """The cases of a suite; PromptregError where code makes them."""
    if not suite.cases.known:
        code = suite.code.reference if suite.code else ""
        raise PromptregError(f"python:{code} makes the cases of {name}, and runs in promptreg eval --allow-code only.")
    return iter(suite.cases)


@dataclass(slots=True)
class _There:
    """What a suite holds already, or will: ids with their digests, the inputs, and which case was found where."""

    ids: dict[str, str] = field(default_factory=dict)
    inputs: set[str] = field(default_factory=set)
    new: dict[str, Found] = field(default_factory=dict)

    def take(self, case: Case, found: Found | None = None) -> None:
        self.ids[case.id] = case.digest
        self.inputs.add(_short(case.inputs))
        if found is not None:
            self.new[case.id] = found


def add(project: Project, name: str, wanted: str | None, found: Iterable[Found], *, skip: Skip = "nothing") -> Added:
    """Add cases to the file of a suite, all or none.

    Those that are there already are skipped: cases whose `inputs` another one has, or that are `equal` to one. Refused
    is a case with an id that another one has, one that a scorer cannot judge, and one that the draft cannot be rendered
    with.
    """
    view = project.head
    suite = the_suite(view, name, wanted)
    path = _file_of(name, suite)
    data = view.source.read(path) or b""
    there = _There()
    for case in suite.cases:
        there.take(case)
    draft = view.prompt(name, DRAFT)
    new: list[Case] = []
    skipped = 0
    for each in found:
        case = _case(each, there, draft)
        if (skip == "inputs" and _short(case.inputs) in there.inputs) or (
            skip == "equal" and there.ids.get(case.id) == case.digest
        ):
            skipped += 1
            continue
        _try(each, case, suite, there, draft)
        there.take(case, each)
        new.append(case)
    if new:
        _write(project, name, suite, (path, data), new)
    return Added(suite.name, suite.cases_path, new, skipped)


def _short(inputs: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(inputs).encode()).hexdigest()[:16]


def _file_of(name: str, suite: Suite) -> str:
    """The file in which a suite's cases stand; PromptregError where they stand in none of their own."""
    if suite.code is not None:
        raise PromptregError(
            f"python:{suite.code.reference} makes the cases of {suite.path}. Add yours to what it gives."
        )
    if suite.cases_file is None:
        option = "" if suite.name == MAIN else f" --suite {suite.name}"
        file = f"{suite.path.removesuffix(f'{suite.name}.yaml')}cases.jsonl"
        raise PromptregError(
            f"{suite.path} holds its cases itself. Move them into a file: promptreg case export {name} {file}{option}, "
            "then write  cases: cases.jsonl  in place of the list."
        )
    return suite.cases_file


def _case(found: Found, there: _There, draft: Prompt) -> Case:
    """What was found as a case, with an id; FileError for what is wrong with it."""

    def problem(message: str, _: Location, __: bool) -> FileError:
        return found.problem(message)

    case = validated(Case, {"id": "-"} | found.data, problem)
    _check(case.model_copy(update={"id": "-"}), found, lambda _: None)
    return case if "id" in found.data else case.model_copy(update={"id": _new_id(case, there, draft)})


def _check(case: Case, found: Found, judge: Callable[[Case], None]) -> None:
    def problem(message: str, _: int, __: bool) -> FileError:
        return found.problem(message)

    check_cases(lambda: [(case, 0)], problem, judge)


def _try(found: Found, case: Case, suite: Suite, there: _There, draft: Prompt) -> None:
    """FileError where a case cannot be added."""
    if case.id in there.new:
        first = there.new[case.id].line
        raise found.problem(f"the id {case.id} stands here a second time; line {first} has it too. Choose another id.")
    if case.id in there.ids:
        raise found.problem(f"{suite.cases_path} has a case {case.id} already. Choose another id.")
    _check(case, found, judge_of(suite.scorers))
    try:
        _ = draft.render(**case.inputs).messages
    except PromptregError as problem:
        raise found.problem(f"case {case.id} cannot be rendered: {problem}") from None


def _new_id(case: Case, there: _There, draft: Prompt) -> str:
    """An id from the first words of the first text among the inputs, in any script; without any, from their digest."""
    texts = [case.inputs[name] for name in draft.declared if isinstance(case.inputs.get(name), str)]
    base = _worded(texts[0][:200]) if texts else ""
    base = base or f"case-{_short(case.inputs)[:8]}"
    numbered = (f"{base}-{number}" for number in range(2, len(there.ids) + 3))
    return next(id_ for id_ in (base, *numbered) if id_ not in there.ids)


def _worded(text: str) -> str:
    """The first words of a text joined by -, whole characters of them; empty where it has no letter or digit."""
    characters = ["".join(filter(_is_of_a_word, each)) or "-" for each in graphemes(text.lower())]
    is_latin = not any(each.isalpha() and each > _LATIN for each in text)
    words = "".join(characters).split("-")
    kept = "-".join([word for word in words if word][:_WORDS])
    return "".join(graphemes(kept)[: _LONGEST if is_latin else _LONGEST_UNSPACED]).strip("-")


def _is_of_a_word(character: str) -> bool:
    """Whether it is a letter or digit, or a mark on one."""
    return unicodedata.category(character)[0] in "LMN"


def _write(project: Project, name: str, suite: Suite, before: tuple[str, bytes], new: list[Case]) -> None:
    """Write the file, once it was read again with what it will say: then it says just that."""
    path, data = before
    after = extended(data, suite.cases_path, new)
    try:
        will_be = read_suite(Overlay(project.folder, {path: after}), name, suite.name)
    except FileError as problem:
        message = f"with a case more at its end this file could not be read: {problem.message} Add it by hand."
        raise FileError(message, path=suite.cases_path) from None
    last = islice(will_be.cases, len(will_be.cases) - len(new), None)
    if [case.digest for case in last] != [case.digest for case in new]:
        raise FileError("a case would not come back from this file as it is. Add it by hand.", path=suite.cases_path)
    with writing(project.folder) as writer:
        if project.folder.read(path) != data:
            raise FileError("somebody else has written this file meanwhile. Try again.", path=suite.cases_path)
        writer.write(path, after)
    project.reread()


def summary(suite: Suite) -> dict[str, Any]:
    """An entry of `suites` in `case list --json`: how many cases it has, null where code makes them."""
    return {
        "suite": suite.name,
        "path": suite.cases_path,
        "cases": len(suite.cases) if suite.cases.known else None,
        "code": suite.code and f"python:{suite.code.reference}",
    }
