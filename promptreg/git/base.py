"""Which commit a change is compared with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptreg.git.repo import GitError, Repository

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Base:
    """The base revision: its commit `id`, and `how` it was found, for people."""

    __slots__ = ("how", "id")

    def __init__(self, id: str, how: str) -> None:  # noqa: A002 - a commit's id
        self.id = id
        self.how = how


def named_base(repository: Repository, revision: str, how: str | None = None) -> Base:
    """The base that somebody names: itself where it is a parent or an ancestor of HEAD, else the merge base.

    While a merge is not finished, HEAD is what it would become. `how` says for people where the revision comes from.
    GitError where a shallow clone hides which it is; nothing is guessed.
    """
    wanted = repository.commit_id(revision)
    head = repository.head()
    if head is None:
        raise GitError("there is no commit yet, so nothing to compare with.")
    if wanted in repository.parents(head) or repository.is_ancestor(wanted, head):
        return Base(wanted, how or revision)
    merging = repository.merging()
    if wanted in merging:
        return Base(wanted, how or revision)
    shown = how or revision
    common = repository.merge_base(wanted, head, *merging)
    if common is None:
        if repository.is_shallow():
            raise GitError(
                f"this clone is shallow and does not show where {shown} and HEAD parted. Fetch more: "
                "git fetch --deepen=200 (or --unshallow)"
            )
        raise GitError(f"{shown} and HEAD have no commit in common.")
    return Base(common, f"where HEAD left {shown}")


def automatic_base(repository: Repository, environ: Mapping[str, str]) -> Base | None:
    """What CI gives, else where HEAD left the remote's default branch; None where there is neither."""
    head = repository.head()
    if head is None:
        return None
    found = _github(repository, environ, head) or _gitlab(repository, environ)
    if found:
        return found
    default = repository.default_branch()
    if default is None and repository.is_shallow():
        raise GitError(
            "this clone is shallow and does not have the default branch, so what to compare with is hidden. Fetch it: "
            "git fetch --deepen=200 origin main:refs/remotes/origin/main"
        )
    return named_base(repository, default) if default else None


def standing_base(repository: Repository, environ: Mapping[str, str]) -> Base | None:
    """What is settled already: the automatic base, else a local main branch, else HEAD; None before a first commit."""
    found = automatic_base(repository, environ)
    if found:
        return found
    head = repository.head()
    if head is None:
        return None
    branch = repository.branch()
    for main in ("main", "master"):
        if branch not in (main, None):
            try:
                return named_base(repository, f"refs/heads/{main}")
            except GitError:
                continue
    return Base(head, "HEAD")


def _github(repository: Repository, environ: Mapping[str, str], head: str) -> Base | None:
    event = environ.get("GITHUB_EVENT_NAME", "")
    if event.startswith("pull_request"):
        parents = repository.parents(head)
        if len(parents) > 1 and environ.get("GITHUB_SHA") == head:
            return _given(repository, parents[0], "first parent of the pull request's merge commit")
        target = environ.get("GITHUB_BASE_REF")
        return named_base(repository, f"origin/{target}") if target else None
    if event == "merge_group":
        return _given(repository, _named_in(environ, "merge_group", "base_sha"), "base of the merge group")
    if event == "push":
        before = _named_in(environ, "before")
        return _given(repository, before, "what was there before the push") if before.strip("0") else None
    return None


def _named_in(environ: Mapping[str, str], *keys: str) -> str:
    """What GitHub's event file says under some keys."""
    value: Any = _event(environ)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise GitError(f"GITHUB_EVENT_PATH does not say {'.'.join(keys)}. Name the base: --base origin/main")
    return value


def _event(environ: Mapping[str, str]) -> Any:
    path = environ.get("GITHUB_EVENT_PATH", "")
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise GitError(f"GITHUB_EVENT_PATH cannot be read: {problem}.") from None


def _gitlab(repository: Repository, environ: Mapping[str, str]) -> Base | None:
    target = environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA")  # set only where the merged result is checked out
    if target:
        return _given(repository, target, "target branch of the merge request")
    base = environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA")
    return _given(repository, base, "base of the merge request") if base else None


def _given(repository: Repository, commit: str, how: str) -> Base:
    """The base for a commit that CI names by its id."""
    what = how if how.startswith("what") else f"the {how}"
    if not _ID.fullmatch(commit):
        raise GitError(f"{what} is {commit[:60]!r}, which is no commit's id. Name the base: --base origin/main")
    if not repository.has(commit):
        raise GitError(
            f"{what} is {commit[:12]}, which this clone does not have. Fetch it: git fetch "
            f"{'--depth=1 ' if repository.is_shallow() else ''}origin {commit}"
        )
    return named_base(repository, commit, how)
