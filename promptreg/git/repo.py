"""A git repository: the few questions that promptreg asks of it, and the one commit that it makes.

GitPython runs the processes. It is handed constant options; revisions are resolved to hexadecimal ids first, and paths
stand behind `--`. No configuration of the repository can make a reading call run a program.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.git.commits import LOG_OPTIONS, Commit, read_commits

_QUIET = ("--no-pager", "--no-optional-locks")
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "protocol.ext.allow=never",
    "log.showSignature=false",
)
#: Reading fetches nothing: what a partial clone left out would come through programs that its configuration names.
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}
_MAX_REVISION = 200
_PLAIN = re.compile(r"[A-Za-z0-9_][\w./+-]*")
_FILES = (b"100644", b"100755")


class GitError(PromptregError):
    """git is missing, refuses, or has no answer."""


def _git_class() -> Any:
    try:
        from git.cmd import Git
    except ImportError:
        raise GitError("git is not installed, or not on PATH. This command reads the repository's history.") from None
    return Git


def git_version() -> str:
    """`git version 2.43.0`; GitError where git is missing."""
    return str(_git_class()().execute(["git", "--version"]))


def find_root(start: str) -> str | None:
    """The folder of the git repository or worktree around a folder; None where there is none."""
    here = os.path.realpath(start)
    while not os.path.exists(os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above
    return here


class Repository:
    """A git repository with a working tree."""

    def __init__(self, root: str) -> None:
        """Open the repository whose working tree is `root`; GitError where git is missing or refuses it."""
        self.root = root
        self._git = _git_class()(root)
        self._guards: tuple[str, ...] | None = None
        self._text(["rev-parse", "--git-dir"])

    # Running git

    def _argv(self, arguments: Sequence[str]) -> list[str]:
        options = [word for setting in (*_SAFE, *self._filters_off()) for word in ("-c", setting)]
        return ["git", *_QUIET, *options, *arguments]

    def _filters_off(self) -> tuple[str, ...]:
        """Settings that take the programs away from content filters, which git would run to compare files."""
        if self._guards is None:
            argv = [
                "git",
                *_QUIET,
                "config",
                "--name-only",
                "-z",
                "--get-regexp",
                r"^filter\..*\.(clean|smudge|process)$",
            ]
            _, found, _ = self._execute(argv)
            names = [name.decode("utf-8", "replace") for name in found.split(b"\0") if name]
            filters = {name.rpartition(".")[0] for name in names}
            self._guards = tuple(f"{name}=" for name in names) + tuple(f"{name}.required=false" for name in filters)
        return self._guards

    def _execute(self, argv: list[str], stdin: bytes | None = None) -> tuple[int, bytes, str]:
        options: dict[str, Any] = {
            "with_extended_output": True,
            "with_exceptions": False,
            "stdout_as_string": False,
            "strip_newline_in_stdout": False,
            "env": _ENVIRONMENT,
        }
        if stdin is None:
            status, out, error = self._git.execute(argv, **options)
        else:
            with tempfile.TemporaryFile() as file:
                file.write(stdin)
                file.seek(0)
                status, out, error = self._git.execute(argv, istream=file, **options)
        return status, out, error if isinstance(error, str) else error.decode("utf-8", "replace")

    def _bytes(self, arguments: Sequence[str], stdin: bytes | None = None) -> bytes:
        status, out, error = self._execute(self._argv(arguments), stdin)
        if status != 0:
            raise GitError(_said(error, arguments))
        return out

    def _text(self, arguments: Sequence[str]) -> str:
        return self._bytes(arguments).decode("utf-8", "surrogateescape").strip()

    def _maybe(self, arguments: Sequence[str]) -> str | None:
        status, out, _ = self._execute(self._argv(arguments))
        return out.decode("utf-8", "surrogateescape").strip() if status == 0 else None

    # Revisions

    def commit_id(self, revision: str) -> str:
        """The id of the commit that a revision names; GitError where it names none."""
        problem = _revision_problem(revision)
        found = (
            None
            if problem
            else self._maybe(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"])
        )
        if not found:
            raise GitError(problem or f"git knows no revision {revision}.{self._fetch_hint(revision)}")
        return found

    def _fetch_hint(self, revision: str) -> str:
        # git fetches branches, tags and ids; main~1 is none of them
        what = f"--depth=1 origin {revision.removeprefix('origin/')}" if _PLAIN.fullmatch(revision) else "--unshallow"
        return f" This clone is shallow. Fetch it: git fetch {what}" if self.is_shallow() else ""

    def head(self) -> str | None:
        """The id of HEAD; None before the first commit."""
        return self._maybe(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) or None

    def parents(self, commit: str) -> list[str]:
        """The parents that a commit's object names, whether or not a shallow clone has them."""
        lines = self._text(["cat-file", "commit", commit]).split("\n\n", 1)[0].split("\n")
        return [line.removeprefix("parent ") for line in lines if line.startswith("parent ")]

    def has(self, commit: str) -> bool:
        """Whether a commit's object is here."""
        return self._maybe(["cat-file", "-e", f"{commit}^{{commit}}"]) is not None

    def is_ancestor(self, ancestor: str, commit: str) -> bool:
        """Whether one commit is the other or an ancestor of it."""
        return self._maybe(["merge-base", "--is-ancestor", ancestor, commit]) is not None

    def merge_base(self, one: str, *others: str) -> str | None:
        """The commit where a history parts from others (from their merge, where they are several).

        None where they have none in common, or a shallow clone hides it.
        """
        return self._maybe(["merge-base", one, *others]) or None

    def merging(self) -> list[str]:
        """The ids of the commits that a merge which is not finished yet brings in."""
        found = self._maybe(["rev-parse", "--verify", "--quiet", "MERGE_HEAD^{commit}"])
        return [found] if found else []

    def shallow_commits(self) -> frozenset[str]:
        """The ids of the commits at which a shallow clone begins; none in a whole one."""
        path = self._maybe(["rev-parse", "--git-path", "shallow"])
        try:
            with open(os.path.join(self.root, path or "shallow"), encoding="ascii") as file:
                return frozenset(file.read().split())
        except OSError:
            return frozenset()

    def hides_past(self) -> bool:
        """Whether this clone does not have all that files said before: it is shallow, or leaves files out."""
        partial = self._maybe(["config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$"])
        return bool(partial) or self.is_shallow()

    def is_shallow(self) -> bool:
        """Whether history is cut off."""
        return self._maybe(["rev-parse", "--is-shallow-repository"]) == "true"

    def branch(self) -> str | None:
        """The branch that is checked out; None where HEAD is detached."""
        return self._maybe(["symbolic-ref", "--quiet", "--short", "HEAD"]) or None

    def default_branch(self) -> str | None:
        """The default branch of the remote as a revision here (`origin/main`); None where there is no remote."""
        remotes = (self._maybe(["remote"]) or "").split()
        if not remotes:
            return None
        remote = "origin" if "origin" in remotes else remotes[0]
        head = self._maybe(["symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD"])
        candidates = [head] if head else [f"{remote}/main", f"{remote}/master"]
        return next(
            (name for name in candidates if self._maybe(["rev-parse", "--verify", "--quiet", f"refs/remotes/{name}"])),
            None,
        )

    def commit_at(self, moment: str) -> str | None:
        """The last commit of the first-parent line of HEAD before a date (ISO, or as git reads dates)."""
        return self._maybe(["rev-list", "-1", "--first-parent", f"--before={moment}", "HEAD"]) or None

    # Files

    def tree(self, commit: str, folder: str) -> dict[str, str]:
        """The files below a folder in a commit: path relative to the repository → blob id. Links are left out."""
        return self.tree_and_links(commit, folder)[0]

    def tree_and_links(self, commit: str, folder: str) -> tuple[dict[str, str], list[str]]:
        """The files below a folder in a commit, as `tree` has them, and the paths of links and submodules there."""
        out = self._bytes(["ls-tree", "-r", "-z", "--full-tree", commit, "--", folder or "."])
        files: dict[str, str] = {}
        links: list[str] = []
        for entry in out.split(b"\0"):
            facts, _, path = entry.partition(b"\t")
            words = facts.split(b" ")
            if len(words) != 3:
                continue
            if words[0] in _FILES and words[1] == b"blob":
                files[path.decode("utf-8", "surrogateescape")] = words[2].decode()
            else:
                links.append(path.decode("utf-8", "surrogateescape"))
        return files, links

    def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs, read in one process."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        out = self._bytes(["cat-file", "--batch"], "".join(f"{blob}\n" for blob in wanted).encode())
        contents: dict[str, bytes] = {}
        at = 0
        while at < len(out):
            line_end = out.index(b"\n", at)
            words = out[at:line_end].split(b" ")
            if len(words) != 3 or words[1] != b"blob":
                raise GitError(
                    f"git cannot read {out[at:line_end].decode('utf-8', 'replace')}. Where a clone leaves files out, "
                    "git fetch --refetch --no-filter brings them."
                )
            size = int(words[2])
            contents[words[0].decode()] = out[line_end + 1 : line_end + 1 + size]
            at = line_end + 2 + size
        return contents

    def changed(self, commit: str, folder: str) -> list[str]:
        """The paths below a folder whose working-tree file differs from a commit's, untracked ones too."""
        options = ["--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"]
        tracked = _paths(self._bytes(["diff", *options, commit, "--", _literal(folder)]))
        new = _paths(self._bytes(["ls-files", "--others", "--exclude-standard", "-z", "--", _literal(folder)]))
        return sorted((tracked | new) - self._put_back(commit, folder, tracked & new))

    def _put_back(self, commit: str, folder: str, paths: set[str]) -> set[str]:
        """Those of some files which git holds for removed, and new, that are what the commit has."""
        if not paths:
            return set()
        ids = self.tree(commit, folder)
        data = self.blobs(ids[path] for path in paths if path in ids)
        return {path for path in paths if path in ids and data[ids[path]] == self._file(path)}

    def _file(self, path: str) -> bytes | None:
        try:
            with open(os.path.join(self.root, path), "rb") as file:
                return file.read()
        except OSError:
            return None

    def history(self, revision: str, paths: Sequence[str], *, first_parent: bool = False) -> Iterator[Commit]:
        """The commits that changed some paths (git's wildcards work), newest first, with the ids before and after."""
        argv = ["log", *LOG_OPTIONS]
        argv += ["-m", "--first-parent"] if first_parent else ["-c"]
        out = self._bytes([*argv, "--end-of-options", revision, "--", *[f":(top,glob){path}" for path in paths]])
        return read_commits(out.decode("utf-8", "replace"))

    def committed(self, folder: str) -> set[str]:
        """The paths below a folder that a commit of any branch or tag has, or had."""
        options = ["--format=", "--name-only", "-z", "-m", "--root", "--no-renames", "--no-ext-diff", "--no-textconv"]
        revisions = ["--all", *(["HEAD"] if self.head() else [])]
        return _paths(self._bytes(["log", *options, *revisions, "--", _literal(folder)]))

    def attributes(self, paths: Iterable[str], names: Sequence[str]) -> dict[str, dict[str, str]]:
        """What .gitattributes files give some paths: path → attribute → `set`, `unset`, `unspecified` or a value."""
        listed = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        out = self._bytes(["check-attr", "--stdin", "-z", *names], listed).decode("utf-8", "surrogateescape")
        words = iter(out.split("\0"))
        found: dict[str, dict[str, str]] = {}
        for path, name, value in zip(words, words, words, strict=False):
            found.setdefault(path, {})[name] = value
        return found

    def user(self) -> str:
        """`Name <mail>` of whoever would be the author of a commit; empty where git knows nobody."""
        found = self._maybe(["var", "GIT_AUTHOR_IDENT"])
        return f"{found.rpartition('>')[0]}>" if found else ""

    def has_tag(self, name: str) -> bool:
        """Whether a tag exists."""
        return self._maybe(["rev-parse", "--verify", "--quiet", f"refs/tags/{name}"]) is not None

    def tag(self, name: str, commit: str, message: str) -> None:
        """Write an annotated tag; GitError where it exists."""
        self._bytes(["tag", "--annotate", f"--message={message}", "--end-of-options", name, commit])

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit some paths and nothing else, with the user's own configuration and hooks; the id of the commit."""
        named = [_literal(path) for path in paths]
        present = [_literal(path) for path in paths if os.path.lexists(os.path.join(self.root, path))]
        commit = ["commit", "--quiet", f"--message={message}", "--only", "--", *named]
        for argv in (["add", "--", *present], commit):
            status, out, error = self._execute(["git", "--no-pager", *argv])
            if status != 0:
                raise GitError(_said(error or out.decode("utf-8", "replace"), argv))
        return self._text(["rev-parse", "HEAD"])


def _paths(listed: bytes) -> set[str]:
    return {path.decode("utf-8", "surrogateescape") for path in listed.split(b"\0") if path}


def _literal(path: str) -> str:
    """A path as git's pathspec, without wildcards."""
    return f":(top,literal){path}" if path else ":(top)"


def _revision_problem(revision: str) -> str | None:
    bad = any(character.isspace() or character == ":" or ord(character) < 32 for character in revision)
    if not revision or bad or revision.startswith("-") or len(revision) > _MAX_REVISION or ".." in revision:
        return f"{revision!r} is not the name of one revision. Write a branch, a tag or a commit id."
    return None


def _said(error: str, arguments: Sequence[str]) -> str:
    if "lazy fetching disabled" in error or "promisor remote" in error:
        return "this clone leaves files out that are needed here. git fetch --refetch --no-filter brings them."
    words = " ".join(error.split()).removeprefix("fatal: ").removeprefix("error: ")
    return f"git {arguments[0]}: {words or 'failed without a word'}"
