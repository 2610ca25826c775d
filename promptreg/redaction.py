"""Taking stored outputs away: they may hold personal data. Results and their scores stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptreg.core.errors import PromptregError, near
from promptreg.core.text import decode
from promptreg.evals.results import OUTPUTS, read_rows, results_of
from promptreg.evals.suite import FOLDER
from promptreg.files import LOCAL, log, writing
from promptreg.git.repo import GitError
from promptreg.project import Project

#: What runs on their way and the cache keep on this machine, below LOCAL.
_RUNS = "runs"
_SAVED = "saved"
_CACHE = ("cache.sqlite", "cache.sqlite-wal", "cache.sqlite-shm")
_RECORDINGS = "recordings"


@dataclass(frozen=True, slots=True)
class Redacted:
    """One file of outputs: how many cases are taken out of it, and whether nothing of it is left."""

    path: str
    cases: int
    whole: bool


@dataclass(slots=True)
class Redaction:
    """What is taken away, or would be.

    `files` are the files of outputs; `local` what this machine keeps of answers and what goes as well; `elsewhere` is
    where the same answers may stand and stay. Both as messages name them.
    """

    name: str
    files: list[Redacted] = field(default_factory=list)
    local: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    left: dict[str, bytes | None] = field(default_factory=dict, repr=False)
    journals: list[str] = field(default_factory=list, repr=False)

    def data(self) -> dict[str, Any]:
        """The shape of `results redact --json`."""
        return {
            "name": self.name,
            "files": [{"path": file.path, "cases": file.cases, "whole": file.whole} for file in self.files],
            "local": self.local,
            "elsewhere": self.elsewhere,
        }


def plan_redaction(
    project: Project, name: str, versions: Sequence[str], cases: Collection[str] = (), *, everything: bool = False
) -> Redaction:
    """What there is to take away of some versions (or `draft`) of a prompt: all outputs, or those of some cases.

    `everything` takes journals of unfinished runs, the cache and what `check --fix` set aside as well.
    """
    found = Redaction(name)
    known: set[str] = set()
    folders = [results_of(name, version) for version in versions]
    paths = [f"{folder}/{file}" for folder in folders for file in project.folder.files(folder)]
    for path in paths:
        if path.endswith(OUTPUTS):
            known |= _file(project, found, path, cases)
    unknown = [case for case in cases if case not in known]
    if unknown:
        raise PromptregError(f"{name} has no stored output of case {unknown[0]}.{near(unknown[0], known)}")
    _local(project, found, everything=everything)
    folder = f"{name}/{FOLDER}/{_RECORDINGS}"
    found.elsewhere += [project.folder.shown(f"{folder}/{file}") for file in project.folder.files(folder)]
    return found


def _file(project: Project, found: Redaction, path: str, cases: Collection[str]) -> set[str]:
    """Add what is taken out of one file; returns the ids of the cases in it, where some are looked for."""
    shown, data = project.folder.shown(path), project.folder.read(path) or b""
    lines = [line for line in decode(data, shown).split("\n") if line.strip()]
    if not cases:
        found.left[path] = None
        found.files.append(Redacted(shown, len(lines), whole=True))
        return set()
    ids = [set(read_rows(line.encode(), shown)) for line in lines]
    kept = [line for line, of in zip(lines, ids, strict=True) if of.isdisjoint(cases)]
    if len(kept) < len(lines):
        found.left[path] = "".join(f"{line}\n" for line in kept).encode() if kept else None
        found.files.append(Redacted(shown, len(lines) - len(kept), whole=not kept))
    return set().union(*ids)


def _local(project: Project, found: Redaction, *, everything: bool) -> None:
    """What this machine keeps beside the results of drafts."""
    runs = [f"{_RUNS}/{file}" for file in project.folder.files(f"{LOCAL}/{_RUNS}") if file.endswith(".jsonl")]
    prefix = f"{found.name.replace('/', '__')}-"
    saved = [
        f"{LOCAL}/{_SAVED}/{file}"
        for file in project.folder.files(f"{LOCAL}/{_SAVED}")
        if file.startswith(prefix) and file.endswith(OUTPUTS)
    ]
    cache = [f"{LOCAL}/{file}" for file in _CACHE if project.folder.has(f"{LOCAL}/{file}")]
    shown = [project.folder.shown(path) for path in (*(f"{LOCAL}/{run}" for run in runs), *saved, *cache)]
    if everything:
        found.local = shown
        found.journals = runs
        found.left |= dict.fromkeys([*saved, *cache])
    else:
        found.elsewhere += shown


def committed(project: Project, found: Redaction) -> list[str]:
    """What is taken away and stands in git's history, or may where git cannot say: the files as git names them."""
    paths = {f"{project.prefix}{path}" for path in found.left if not path.startswith(f"{LOCAL}/")}
    if not (paths and project.in_git):
        return []
    try:
        known = project.repository.committed(f"{project.prefix}{found.name}/{FOLDER}")
    except GitError:
        known = paths
    return sorted(known & paths)


def redact(project: Project, found: Redaction) -> None:
    """Take it away. PromptregError where a run that is on its way holds its journal; the rest is gone then."""
    with writing(project.folder) as writer:
        writer.write_all(found.left)
    held = []
    for path in found.journals:
        journal = log(project.folder, path)
        if journal is None:
            held.append(project.folder.shown(f"{LOCAL}/{path}"))
        else:
            journal.close(done=True)
    if held:
        raise PromptregError(f"{', '.join(held)} belongs to a run that is on its way. All else was taken away.")
