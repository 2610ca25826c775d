"""What takes too long for `make test`: a kill at each step of each writer, and many writers and readers at once."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from promptreg.core.registry import Registry
from tests.support.place import Place
from tests.support.shipping import RIGHT, begun, cases, environment_text, pinned, prepared, started, versions

pytestmark = pytest.mark.slow

#: Runs a command and dies, as from a power cut, before the given one of its writes, renames and removals.
_DYING = """
import os, signal, sys
from promptreg.cli import main
last, root, command = int(sys.argv[1]), os.path.join(os.getcwd(), "prompts"), sys.argv[2:]
seen = 0
def count(event, arguments):
    global seen
    if event == "open":
        path, _, flags = arguments
        if not isinstance(path, str) or not path.startswith(root) or not flags & (os.O_WRONLY | os.O_RDWR):
            return
    elif event not in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod"):
        return
    seen += 1
    if seen == last:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
status = main.run(command)
print(f"steps {seen}", flush=True)
sys.exit(status)
"""
_MANY = """
import sys
from promptreg.cli import main
worker, rounds = sys.argv[1], int(sys.argv[2])
for number in range(rounds):
    with open(f"prompts/w{worker}/prompt.md", "w") as file:
        file.write(f"{worker} {number}\\n")
    for command in (["release", f"w{worker}", "-m", f"{number}", "--bump", "patch"],
                    ["promote", f"w{worker}", "--to", "production"]):
        status = main.run(command)
        if status:
            sys.exit(f"{command}: {status}")
"""


def one_version(place: Place) -> None:
    """support/answer 1.0.0 in production with evidence, committed; another draft that is evaluated."""
    begun(place)
    place.draft("support/answer", RIGHT)
    place.suite("support/answer", cases(20))
    place.ok("ship", "support/answer", "--to", "production", "-m", "First")
    place.commit("Ship")
    place.draft("support/answer", "{{ question }} \n")
    place.ok("eval", "support/answer")


def shipped_on_a_branch(place: Place) -> None:
    """As `one_version`; a branch has shipped 1.0.1 and changed the draft again."""
    one_version(place)
    place.git("checkout", "-q", "-b", "topic")
    place.ok("ship", "support/answer", "--to", "production")
    place.commit("Ship on a branch")
    place.draft("support/answer", "{{ question }}  \n")


def released(place: Place) -> None:
    """As `one_version`, with 1.0.1 released and evaluated."""
    one_version(place)
    place.ok("release", "support/answer")


def conflicted(place: Place) -> None:
    """As `one_version`; a frozen file was edited."""
    one_version(place)
    place.write("prompts/support/answer/versions/1.0.0.txt", "An edit\n")


WRITERS = {
    "ship": (one_version, ["ship", "support/answer", "--to", "production"]),
    "ship again": (shipped_on_a_branch, ["ship", "support/answer", "--to", "production"]),
    "release": (one_version, ["release", "support/answer"]),
    "promote": (released, ["promote", "support/answer", "--to", "production"]),
    "eval": (released, ["eval", "support/answer@1.0.1"]),
    "yank": (released, ["yank", "support/answer@1.0.1", "-m", "Leaks"]),
    "check --fix": (conflicted, ["check", "--fix"]),
}


#: A frozen file that was edited is refused until it is mended; a version of this branch that is being replaced, which
#: is one text and one sum line under the old name, is refused between the two.
_REFUSED_MEANWHILE = ("check --fix", "ship again")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_kill_before_any_step_of_a_writer_leaves_what_loads_and_what_the_same_command_completes(
    writer: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    build, command = WRITERS[writer]
    whole = prepared(tmp_path_factory, tmp_path / "whole", build)
    whole.ok(*command)
    steps = 0
    while True:
        steps += 1
        place = prepared(tmp_path_factory, tmp_path / str(steps), build)
        before = pinned(place, "support/answer")
        process = started(place, _DYING, str(steps), *command)
        out, error = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, (out, error)
        if writer not in _REFUSED_MEANWHILE:
            place.ok("render", "support/answer@production", "-i", "question=x")
        assert pinned(place, "support/answer") in (before, pinned(whole, "support/answer"))
        again = place.run(*command)
        if writer == "ship again" and "of another text" in again.out:
            place.ok("check", "--fix")
            again = place.run(*command)
        assert again.status == 0 or "already" in again.err, (steps, again)
        assert pinned(place, "support/answer") == pinned(whole, "support/answer"), steps
        assert versions(place, "support/answer") == versions(whole, "support/answer"), steps
        checked = place.run("check")
        assert checked.status == 0, (steps, checked.out, checked.err)
    assert steps > 2, out


def test_eight_processes_that_release_and_promote_at_once_lose_nothing_while_readers_read(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    workers, rounds = 8, 12
    place = prepared(tmp_path_factory, tmp_path, begun)
    for worker in range(workers):
        place.draft(f"w{worker}", "begin\n")
        place.ok("ship", f"w{worker}", "--to", "production")
    registry = Registry.open(str(place.path / "prompts"), refresh=0.01)
    wrong: list[object] = []
    done = threading.Event()

    def read(worker: int) -> None:
        seen = [-1]
        while not done.is_set():
            prompt = registry.load(f"w{worker}")
            text = prompt.render().text
            number = -1 if text == "begin" else int(text.removeprefix(f"{worker} "))
            if number < seen[-1] or prompt.version != f"1.0.{number + 1}":
                wrong.append((worker, prompt.version, text, seen[-1]))
            seen.append(number)
            time.sleep(0.005)

    readers = [threading.Thread(target=read, args=(worker,)) for worker in range(workers)]
    processes = [started(place, _MANY, str(worker), str(rounds)) for worker in range(workers)]
    for reader in readers:
        reader.start()
    for process in processes:
        _, problem = process.communicate(timeout=500)
        assert (process.returncode, problem) == (0, "")
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    for worker in range(workers):
        assert versions(place, f"w{worker}") == [f"1.0.{number}" for number in range(rounds + 1)]
        assert pinned(place, f"w{worker}") == f"1.0.{rounds}"
    assert environment_text(place).startswith("# What production runs.")
    assert place.ok("check").status == 0
