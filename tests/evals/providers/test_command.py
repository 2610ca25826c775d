"""The provider command where it gets hard: programs that are given up, that do not listen, that say very much."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import pytest

from promptreg.evals.provider import ProviderError, Request
from tests.support.asking import answer, asked, folder_means, user


def program(folder: Path, code: str) -> str:
    (folder / "answer.py").write_text(code, encoding="utf-8")
    return f"command:{shlex.quote(sys.executable)} -S answer.py"


#: Starts a program of its own, tells both their ids, and waits.
STUBBORN = """\
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
with open("ids.part", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename("ids.part", "ids")
time.sleep(600)
"""


def _runs(process: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def _given_up(provider: str, folder: Path) -> list[int]:
    call = asyncio.create_task(asked(provider, Request([user("x")]), folder_means(folder)))
    while not (folder / "ids").exists():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    return [int(word) for word in (folder / "ids").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
def test_a_call_that_is_given_up_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    own, child = asyncio.run(_given_up(program(tmp_path, STUBBORN), tmp_path))
    assert not _runs(own)
    deadline = 200
    while _runs(child) and deadline:  # it was told to end at once, and the kernel does that in its own time
        os.sched_yield()
        deadline -= 1
        asyncio.run(asyncio.sleep(0.01))
    assert not _runs(child)


def test_a_program_that_says_many_megabytes_is_heard_to_the_end(tmp_path: Path) -> None:
    code = (
        "import sys\nfor _ in range(20):\n    sys.stdout.write('答' * 400_000)\n    sys.stderr.write('n' * 400_000)\n"
    )
    found = answer(program(tmp_path, code), user("x"), given=folder_means(tmp_path, environ={"PYTHONUTF8": "1"}))
    assert found.text == "答" * 8_000_000


def test_a_program_that_ends_before_it_was_told_everything_has_answered_all_the_same(tmp_path: Path) -> None:
    code = "import os\nos.close(0)\nprint('yes')\n"
    given = folder_means(tmp_path)
    assert answer(program(tmp_path, code), user("返品" * 2_000_000), given=given).text == "yes\n"


def test_a_program_sees_the_environment_of_the_means_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_PROCESS", "1")
    code = "import os\nprint('OF_THE_PROCESS' in os.environ, os.environ.get('OF_THE_MEANS'), os.getcwd())\n"
    given = folder_means(tmp_path, environ={"OF_THE_MEANS": "2"})
    assert answer(program(tmp_path, code), user("x"), given=given).text == f"False 2 {os.path.realpath(tmp_path)}\n"


def test_half_of_a_surrogate_pair_is_no_question(tmp_path: Path) -> None:
    with pytest.raises(ProviderError) as caught:
        answer(program(tmp_path, "print('x')"), user("a\ud800"), given=folder_means(tmp_path))
    assert str(caught.value) == (
        "what is asked holds what cannot be sent: half of a surrogate pair (\\ud800 to \\udfff) is no text."
    )
