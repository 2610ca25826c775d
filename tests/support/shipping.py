"""What the tests of releases, promotions and ships share: prompts that pass or fail, suites, a staged road, trouble."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from promptreg.core.names import parse_spec
from promptreg.core.pins import environment_path
from tests.support.place import Place, Ran

#: The provider echo answers with the question, which is what every case expects: all cases pass.
RIGHT = "{{ question }}\n"
#: Another text that passes too: the white space around an answer does not count.
ALSO_RIGHT = "{{ question }} \n"
#: Echoed with words around it, so that all cases fail.
WRONG = "No: {{ question }}\n"
#: The environment staging comes before production.
STAGED = """\
schema = 1
default_environment = "production"

[environments.staging]

[environments.production]
after = "staging"
"""
#: Answers with the question, and writes a line into a file that git ignores for each call.
LOGGING = """\
import json, sys
request = json.load(sys.stdin)
open("prompts/.promptreg/calls", "a").write("call\\n")
sys.stdout.write(request["messages"][-1]["content"])
"""
LOGGED_SUITE = "provider: command:{python} answer.py\nscorers:\n  correct: {{type: exact}}\n"


def cases(number: int, **more: Any) -> list[dict[str, Any]]:
    """Cases c1, c2, … that expect their question as the answer."""
    return [{"id": f"c{n}", "inputs": {"question": f"q{n}"}, "expected": f"q{n}", **more} for n in range(1, number + 1)]


def logged_suite(place: Place, name: str, found: list[dict[str, Any]]) -> None:
    """A suite whose provider is a program that counts its calls."""
    place.write("answer.py", LOGGING)
    place.suite(name, found, LOGGED_SUITE.format(python=sys.executable))


def calls(place: Place) -> int:
    """How often the program of `logged_suite` was called."""
    path = place.path / "prompts/.promptreg/calls"
    return len(path.read_text().splitlines()) if path.exists() else 0


def pinned(place: Place, spec: str, environment: str = "production") -> str | None:
    """The version that an environment pins of a prompt, read anew."""
    pin = place.project().head.catalog.pin(environment, parse_spec(spec)[0])
    return pin.version if pin else None


def environment_text(place: Place, environment: str = "production") -> str:
    """An environment's file."""
    return place.read(f"prompts/{environment_path(environment)}")


def versions(place: Place, name: str) -> list[str]:
    """The versions of a prompt, read anew."""
    return place.project().head.catalog.sums(name).versions()


def as_hana(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git's configuration name the user, and no variable."""
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    place.git("config", "user.name", "Hana")
    place.git("config", "user.email", "hana@example.com")


def said(ran: Ran) -> str:
    """The error on stderr without the name of the command."""
    return ran.err.removeprefix("promptreg: ").rstrip("\n")


# Places made once and copied, since most tests begin with the same one

_made: dict[Callable[[Place], None], Path] = {}


def prepared(factory: pytest.TempPathFactory, to: Path, build: Callable[[Place], None]) -> Place:
    """A place as `build` makes it: built at the first call, copied at the others."""
    if build not in _made or not _made[build].exists():
        path = factory.mktemp("made") / "place"
        path.mkdir()
        build(Place(path))
        _made[build] = path
    shutil.copytree(_made[build], to, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sample"))
    return Place(to)


def begun(place: Place) -> None:
    """A git repository with a registry, committed."""
    place.init()
    place.registry()
    place.commit("Begin")


def in_production(place: Place) -> None:
    """support/answer 1.0.0 in production, committed; no cases."""
    begun(place)
    place.draft("support/answer")
    place.ok("ship", "support/answer", "--to", "production", "-m", "First")
    place.commit("Ship")


# Trouble


@contextlib.contextmanager
def obeying_permissions() -> Iterator[None]:
    """Let the modes of files count, as they do for everybody but root."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    before = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    less = (ctypes.c_uint32 * 6)(*before)
    less[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, taken from what is effective
    assert libc.capset(header, less) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


@contextlib.contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    """A file or folder with another mode, which counts."""
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        with obeying_permissions():
            yield
    finally:
        path.chmod(before)


@contextlib.contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file can be made longer than some bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)


def started(place: Place, code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another Python process in the place, which imports this checkout's promptreg."""
    root = str(Path(__file__).resolve().parents[2])
    environ = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=place.path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
