"""Cases that code makes, as far as stored results name them: the gate runs no code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from promptreg.evals.cases import CRITICAL
from promptreg.evals.evidence import GatedCase, Pool, Side
from promptreg.evals.results import Result, moment
from promptreg.evals.suite import Suite


def named_cases(suite: Suite, sides: Sequence[Side]) -> dict[str, GatedCase]:
    """The cases that results of some sides name, by id; the last side says it first, and there the oldest result.

    A case is critical where any result of that side says so: what comes later takes nothing back.
    """
    found: dict[str, GatedCase] = {}
    for side in reversed(sides):
        before = frozenset(found)
        for _, run in _runs(suite, side):
            for case in run.cases:
                critical = CRITICAL in case.tags
                one = found.setdefault(case.id, GatedCase(case.case, critical, case.cluster))
                if critical and not one.critical and case.id not in before:
                    found[case.id] = replace(one, critical=True)
    return found


def made_otherwise(suite: Suite, sides: Sequence[Side]) -> Iterator[str]:
    """A sentence where the same code made one case in two ways: a new run would replace what an old one showed.

    What a module imports or reads is no part of its digest.
    """
    if suite.code is None:
        return
    known: dict[str, tuple[str, str]] = {}
    for name, run in (each for side in reversed(sides) for each in _runs(suite, side)):
        for case in run.cases:
            digest, first = known.setdefault(case.id, (case.case, name))
            if digest != case.case:
                told = f"made another case {case.id} for {name} than for {first}, and must give the same every time"
                mend = "where they are meant to change, change its module and evaluate both versions anew"
                yield f"python:{suite.code.reference} {told}; {mend}"
                return


def _runs(suite: Suite, side: Side) -> list[tuple[str, Result]]:
    """The runs of a side that count, with the names of their files, oldest first."""
    names = dict(zip(map(id, side.results), side.names, strict=False))
    runs = [(names.get(id(run)) or run.file_name(), run) for run in Pool(side, suite.setup()).runs]
    return sorted(runs, key=lambda item: (moment(item[1].started_at), item[0]))
