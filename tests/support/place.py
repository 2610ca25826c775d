"""A git repository with a registry in a temporary folder, and the command line run in it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptreg.cli import main
from promptreg.core.text import digest
from promptreg.project import Project, Surroundings

TEXT = "Answer {{ question }} shortly.\n"
CHAT = """\
---
inputs:
  question: string
---
{% message role="system" %}
Answer shortly.
{% endmessage %}

{% message role="user" %}
{{ question }}
{% endmessage %}
"""
SUITE = """\
provider: echo
scorers:
  correct: {type: exact}
"""


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Place:
    """A folder; `prompts/` in it is a registry once `registry()` was called."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # Files

    def write(self, path: str, text: str | bytes) -> Path:
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def read(self, path: str) -> str:
        return (self.path / path).read_text(encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Every file outside of .git, by its path."""
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and ".git/" not in f"{path.relative_to(self.path)}/" and path.name != "lock"
        }

    # git

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def init(self) -> Place:
        self.git("init", "-q", "-b", "main")
        return self

    def commit(self, message: str = "A commit") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    # promptreg

    def run(self, *arguments: str, environ: dict[str, str] | None = None) -> Ran:
        """Run `promptreg ARGUMENTS` in this folder, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with self.inside(environ), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main.run(list(arguments))
        return Ran(status, out.getvalue(), err.getvalue())

    def ok(self, *arguments: str, status: int = 0) -> Ran:
        """Run a command that must end with a status."""
        ran = self.run(*arguments)
        assert ran.status == status, f"promptreg {' '.join(arguments)} → {ran.status}\n{ran.out}\n{ran.err}"
        return ran

    @contextlib.contextmanager
    def inside(self, environ: dict[str, str] | None = None) -> Iterator[None]:
        before, old = os.getcwd(), dict(os.environ)
        os.chdir(self.path)
        os.environ.update(environ or {})
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(old)

    def registry(self) -> Place:
        self.ok("init")
        return self

    def project(self) -> Project:
        return Project.find(Surroundings(str(self.path), {}))

    def draft(self, name: str, text: str = TEXT) -> None:
        self.write(f"prompts/{name}/prompt.md", text)

    def suite(self, name: str, cases: list[dict[str, Any]], suite: str = SUITE) -> None:
        self.write(f"prompts/{name}/evals/suite.yaml", suite)
        lines = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
        self.write(f"prompts/{name}/evals/cases.jsonl", lines)


def released(files: dict[str, str], name: str, version: str, text: str, includes: dict[str, str] | None = None) -> str:
    """Put a release into a mapping of files; returns its digest. `includes` maps NAME@VERSION to digests."""
    found = digest(text, includes or {})
    files[f"{name}/versions/{version}.txt"] = text
    line = " ".join([version, found, "2026-11-20", *sorted(includes or {})])
    files[f"{name}/versions.sum"] = files.get(f"{name}/versions.sum", "") + line + " # Test\n"
    return found
