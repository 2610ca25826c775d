"""Committing what a command wrote, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from promptreg.git.repo import GitError
from promptreg.project import Project


def check_committed(project: Project, stands_on: Iterable[str], own: Iterable[str] = ()) -> None:
    """GitError where something that a commit would stand on is neither committed nor among its own files.

    Paths are relative to the registry; GitError too where there is no repository.
    """
    loose = set(stands_on) - set(own)
    if project.repository.head() is not None:
        loose &= _changed(project)
    if loose:
        listed = " ".join(project.prefix + path for path in sorted(loose)[:5])
        raise GitError(
            f"not committed: this stands on files that are not committed. git add {listed} and commit them first."
        )


def commit(project: Project, own: Iterable[str], stands_on: Iterable[str], message: str) -> str | None:
    """Commit those of its own files that differ from HEAD, with the user's own git configuration and hooks.

    Returns the commit's id, or None where nothing differs. Paths are relative to the registry. GitError as
    `check_committed` raises it, and where git or a hook refuses.
    """
    mine = set(own)
    check_committed(project, stands_on, mine)
    repository = project.repository
    if repository.head() is None:
        mine = {path for path in mine if project.folder.has(path)}
    else:
        mine &= _changed(project)
    return repository.commit(sorted(project.prefix + path for path in mine), message) if mine else None


def _changed(project: Project) -> set[str]:
    """What differs from HEAD, relative to the registry."""
    head = project.repository.head()
    assert head is not None
    return set(project.changed_since(head))
