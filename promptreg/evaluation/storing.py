"""Storing what a run found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from promptreg.evals.results import OUTPUTS, Origin, Result, results_of
from promptreg.evals.running.assembly import Assembly
from promptreg.files import Staged, writing
from promptreg.project import Project


@dataclass(frozen=True, slots=True)
class Stored:
    """One run that was made and stored, and where.

    `header` is its result without the cases, of which there are `cases`; `failing` is whether a score is not the full
    mark, `reason` why the first failure failed; `dropped` are inputs of cases that the prompt does not declare,
    `cut` how many answers ended for their length.
    """

    header: Result
    path: str
    cases: int
    failing: bool
    reason: str | None = None
    dropped: tuple[str, ...] = ()
    cut: int = 0

    def data(self) -> dict[str, Any]:
        """The shape of `results` in `eval --json`."""
        return {
            "name": self.header.prompt,
            "version": self.header.version,
            "suite": self.header.suite,
            "path": self.path,
            "totals": self.header.totals.model_dump(mode="json"),
        }


def store(project: Project, assembly: Assembly, dropped: tuple[str, ...] = ()) -> Stored:
    """Write a result; the outputs first, so that a result is never without those it was stored with."""
    header, seen = assembly.header, assembly.seen
    folder = results_of(header.prompt, header.version)
    with writing(project.folder) as writer:
        staged: list[Staged] = []
        try:
            staged.append(writer.stage(folder, assembly.result_parts()))
            name = f"{folder}/{header.suite}-{header.fingerprint[7:15]}-{staged[0].digest[:8]}"
            outputs = _some(assembly.output_parts())
            if outputs is not None:
                staged.append(writer.stage(folder, outputs))
                writer.place({f"{name}{OUTPUTS}": staged.pop()})
            writer.place({f"{name}.json": staged.pop()})
        finally:
            writer.drop(staged)
    path = project.folder.shown(f"{name}.json")
    return Stored(header, path, seen.cases, seen.failing, seen.reason, dropped, seen.cut)


def _some(parts: Iterator[str]) -> Iterator[str] | None:
    """The parts, or None where there are none."""
    for first in parts:
        return chain([first], parts)
    return None


def origin_of(project: Project) -> Origin:
    """Where a run is made: on somebody's machine, or in CI."""
    environ = project.surroundings.environ
    if not environ.get("CI"):
        return Origin(kind="local")
    server, repository, run_id = (environ.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    url = (
        f"{server}/{repository}/actions/runs/{run_id}"
        if server and repository and run_id
        else environ.get("CI_JOB_URL")
    )
    return Origin(kind="ci", url=url)
