"""Console sessions in Markdown: run, and put beside what the page says.

A block of ```console holds lines that begin with `$ ` (commands) and what they print. All blocks of a page run one
after another in one folder and one shell environment; `<!-- session: new -->` above a block begins an empty git
repository. A line `# → N` behind a command's output says that it ends with status N. A block of ```python below
`<!-- file: NAME -->` is written to that file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", *(f"docs/{name}.md" for name in ("python", "files", "gate", "running", "check")))

_BLOCK = re.compile(
    r"(?P<note><!-- (?:session: (?P<session>\w+)|file: (?P<file>\S+)) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```\n",
    re.DOTALL,
)
#: What differs from run to run: dates, times, commit ids, durations, digests of result files.
_VARIABLE = (
    (re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?"), "2026-11-20"),
    (re.compile(r"\b[0-9a-f]{9}\b"), "0a1b2c3d4"),
    (re.compile(r"\b\d+\.\d s\b"), "0.1 s"),
    (re.compile(r"-[0-9a-f]{8}\.json"), "-01234567.json"),
)
_IDENTITY = {
    "GIT_AUTHOR_NAME": "Aki",
    "GIT_AUTHOR_EMAIL": "aki@example.com",
    "GIT_COMMITTER_NAME": "Aki",
    "GIT_COMMITTER_EMAIL": "aki@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


@dataclass(frozen=True)
class Step:
    """One command of a session and what it printed, stderr included, with its exit status."""

    command: str
    output: str
    status: int


class Shell:
    """A folder in which commands run one after another; `cd` and variables do not carry over."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home
        self.count = 0
        self.begin()

    def begin(self) -> None:
        """An empty git repository, under a name of its own."""
        self.count += 1
        self.folder = self.home / f"shop{self.count}"
        self.folder.mkdir()
        self.run("git init -q -b main")

    def run(self, command: str) -> Step:
        """Run one command in bash."""
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("PROMPTREG_", "GIT", "CI"))
        }
        environ |= _IDENTITY | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Step(command, done.stdout, done.returncode)


def commands(block: str) -> Iterator[str]:
    """The commands of a block; a line that ends with a backslash goes on."""
    lines = iter(block.split("\n"))
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            yield command


def rewritten(page: str) -> str:
    """A page whose sessions were run: every block says what its commands print."""
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell(Path(folder))

        def run(found: re.Match[str]) -> str:
            if found["session"] == "new":
                shell.begin()
            if found["file"]:
                target = shell.folder / found["file"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(found["text"], encoding="utf-8")
            if found["kind"] != "console" or not found["text"].startswith("$ "):
                return found[0]
            return f"{found['note'] or ''}```console\n{_shown(shell, found['text'])}```\n"

        return _BLOCK.sub(run, page)


def _shown(shell: Shell, block: str) -> str:
    shown = []
    for command in commands(block):
        step = shell.run(command)
        shown.append(f"$ {command}\n{steady(step.output)}")
        if step.status:
            shown.append(f"# → {step.status}\n")
    return "".join(shown)


def steady(output: str) -> str:
    """An output with everything that differs from run to run made the same."""
    for pattern, instead in _VARIABLE:
        output = pattern.sub(instead, output)
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines())


def main() -> None:
    """Write all pages anew."""
    for name in PAGES:
        path = ROOT / name
        path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"ran {name}")


if __name__ == "__main__":
    main()
