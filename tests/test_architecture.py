"""The laws of the house (ARCHITECTURE.md), each with a planted breach that shows that its test can fail."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "promptreg"
_LINTER = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def _lint(root: Path) -> tuple[int, str]:
    environ = {**os.environ, "PYTHONPATH": str(root)}
    argv = [sys.executable, "-c", _LINTER, "--config", str(root / "pyproject.toml"), "--no-cache"]
    done = subprocess.run(argv, cwd=root, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(PACKAGE, root / "promptreg", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_imports_keep_to_the_floors():
    status, words = _lint(ROOT)

    assert status == 0, words


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("core/names.py", "import promptreg.project", "Floors"),
        ("evals/gate.py", "import promptreg.git.repo", "Floors"),
        ("diff/words.py", "import promptreg.lint.finding", "Floors"),
        ("check/pins.py", "import promptreg.report.gate", "Floors"),
        ("core/loader.py", "import pydantic", "The ground floor is light"),
        ("testing.py", "import click", "The ground floor is light"),
        ("core/errors.py", "import promptreg.core.names", "No circles inside the rooms"),
        ("evals/cases.py", "if False:\n    import promptreg.evals.gate", "No circles inside the rooms"),
    ],
)
def test_a_planted_import_breaks_its_law(copy: Path, file: str, line: str, broken: str):
    planted = copy / "promptreg" / file
    before = planted.read_text(encoding="utf-8")
    planted.write_text(f"{before}\n{line}\n", encoding="utf-8")
    try:
        status, words = _lint(copy)
    finally:
        planted.write_text(before, encoding="utf-8")

    assert status != 0
    assert any(line.startswith(broken) and "BROKEN" in line for line in words.splitlines()), words


# Laws that import-linter cannot hold. Each is a function from a syntax tree to the lines that break it.

Law = Callable[[ast.AST], Iterator[int]]


def _imports(*packages: str) -> Law:
    def law(tree: ast.AST) -> Iterator[int]:
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] in packages for name in names):
                yield node.lineno

    return law


def _reads(*names: str) -> Law:
    def law(tree: ast.AST) -> Iterator[int]:
        for node in ast.walk(tree):
            if isinstance(node, (ast.Attribute, ast.Name)) and ast.unparse(node) in names:
                yield node.lineno

    return law


def _calls(*names: str) -> Law:
    def law(tree: ast.AST) -> Iterator[int]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
                yield node.lineno

    return law


def _either(*laws: Law) -> Law:
    def law(tree: ast.AST) -> Iterator[int]:
        for each in laws:
            yield from each(tree)

    return law


def _swallows(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _raises_again(node):
            yield node.lineno


def _catches_all(node: ast.ExceptHandler) -> bool:
    return node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")


def _raises_again(node: ast.ExceptHandler) -> bool:
    return any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))


def _foreign_errors(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        bases = [ast.unparse(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
        if any(base.endswith(("Error", "Exception")) for base in bases) and all(map(_foreign, bases)):
            assert isinstance(node, ast.ClassDef)
            yield node.lineno


def _foreign(base: str) -> bool:
    return base != "PromptregError" and (not base.endswith("Error") or base in _BUILT_IN)


def _clocks(tree: ast.AST) -> Iterator[int]:
    """Calls of a clock; one that was handed in (`Surroundings`) may be asked."""
    names = ("now", "time", "time_ns", "monotonic", "perf_counter", "utcnow")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            owner, _, name = ast.unparse(node.func).rpartition(".")
            if name in names and not owner.endswith("surroundings"):
                yield node.lineno


_BUILT_IN = {"ValueError", "TypeError", "RuntimeError", "KeyError", "OSError", "LookupError", "AttributeError"}
_DOOR = ("cli/",)
LAWS: dict[str, tuple[Law, tuple[str, ...], str]] = {
    "GitPython lives in git/repo.py alone": (_imports("git", "gitdb"), ("git/repo.py",), "import git"),
    "click lives in cli/ alone": (_imports("click"), _DOOR, "import click"),
    "only the door writes to the terminal": (
        _calls("print", "echo", "secho"),
        ("cli/output.py", "cli/main.py", "cli/start.py"),
        "print('x')",
    ),
    "environment variables and the working directory are read at the doors": (
        _reads("os.environ", "os.getenv", "os.getcwd", "os.getcwdb", "os.curdir_"),
        (*_DOOR, "pytest_plugin.py", "core/registry.py"),
        "import os\nos.environ['X']",
    ),
    "clocks are read at the doors": (
        _either(
            _clocks,
            _reads("date.today", "datetime.today", "datetime.date.today"),
        ),
        (*_DOOR, "core/registry.py", "project.py"),
        "import time\ntime.time()",
    ),
    "there is no randomness": (_imports("random", "secrets", "uuid"), (), "import random"),
    "only files.py writes": (
        _calls("write_text", "write_bytes", "mkdir", "makedirs", "unlink", "rmdir", "rename", "mkstemp", "touch"),
        ("files.py",),
        "import pathlib\npathlib.Path('x').write_text('y')",
    ),
    "nothing swallows an exception but the boundary": (
        _swallows,
        ("cli/main.py",),
        "try:\n    pass\nexcept Exception:\n    pass",
    ),
    "every exception descends from PromptregError": (
        _foreign_errors,
        ("core/errors.py",),
        "class X(ValueError):\n    pass",
    ),
}


def _breaches(law: Law, allowed: tuple[str, ...], package: Path) -> list[str]:
    found = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith(allowed) if allowed else True:
            found.extend(f"{name}:{line}" for line in law(ast.parse(path.read_text(encoding="utf-8"))))
    return found


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_kept(name: str):
    law, allowed, _ = LAWS[name]

    assert _breaches(law, allowed, PACKAGE) == []


@pytest.mark.parametrize("name", LAWS)
def test_a_law_sees_a_planted_breach(name: str, tmp_path: Path):
    law, allowed, breach = LAWS[name]
    (tmp_path / "somewhere.py").write_text(breach, encoding="utf-8")

    assert _breaches(law, allowed, tmp_path) != []


def test_files_stay_small_enough_to_hold_in_the_head():
    sizes = {
        str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }

    assert {name: size for name, size in sizes.items() if size > 450} == {}


def test_the_face_is_what_is_listed_and_each_name_of_it_says_what_it_is():
    import promptreg

    for name in promptreg.__all__:
        value = getattr(promptreg, name)
        assert isinstance(value, str) or value.__doc__, name
    assert sorted(promptreg.__all__) == dir(promptreg)
