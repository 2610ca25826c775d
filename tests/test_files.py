from __future__ import annotations

import itertools
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.core.errors import IntegrityError
from promptreg.core.source import Folder
from promptreg.files import WriteError, Writer, writing
from tests.support.place import Place
from tests.support.shipping import (
    RIGHT,
    cases,
    environment_text,
    in_production,
    mode,
    pinned,
    prepared,
    said,
    small_disk,
    started,
    versions,
)


@pytest.fixture
def shipped(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, in_production)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with writing(Folder(str(tmp_path), "prompts/")) as found:
        yield found


def left_over(path: Path) -> list[Path]:
    return list(path.rglob("*.tmp"))


@settings(max_examples=25, deadline=None)
@given(data=st.binary(max_size=200))
def test_bytes_stand_in_the_file_as_they_were_given(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    path = tmp_path_factory.mktemp("registry")
    with writing(Folder(str(path))) as found:
        found.write("a/b.txt", data)
    assert (path / "a/b.txt").read_bytes() == data


def test_text_is_written_as_utf_8_with_its_own_line_ends(writer: Writer, tmp_path: Path):
    writer.write("a.txt", "回答\r\nß\n")
    assert (tmp_path / "a.txt").read_bytes() == "回答\r\nß\n".encode()


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o755])
def test_a_file_that_is_written_again_keeps_its_mode(writer: Writer, tmp_path: Path, bits: int):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "a.txt").chmod(bits)
    writer.write("a.txt", "new")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == bits


@pytest.mark.parametrize(("mask", "bits"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(writer: Writer, tmp_path: Path, mask: int, bits: int):
    before = os.umask(mask)
    try:
        writer.write("a.txt", "new")
        assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == bits
        assert os.umask(mask) == mask
    finally:
        os.umask(before)


def test_removing_a_file_takes_the_folders_away_that_it_leaves_empty(writer: Writer, tmp_path: Path):
    writer.write("support/answer/prompt.md", "a")
    writer.write("support/answer/versions/1.0.0.txt", "a")
    writer.write_all({"support/answer/versions/1.0.0.txt": None})
    assert not (tmp_path / "support/answer/versions").exists()
    assert (tmp_path / "support/answer/prompt.md").exists()
    writer.write_all({"support/answer/prompt.md": None})
    assert not (tmp_path / "support").exists()
    assert tmp_path.exists()


def test_removing_what_is_not_there_is_no_error(writer: Writer, tmp_path: Path):
    writer.write_all({"support/answer/prompt.md": None})
    assert [path.name for path in tmp_path.iterdir()] == [".promptreg"]


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(writer: Writer, tmp_path: Path):
    writer.write("a.txt", "old")
    with small_disk(100), pytest.raises(WriteError) as caught:
        writer.write("a.txt", "x" * 5000)
    assert str(caught.value) == "prompts/a.txt: cannot be written: File too large."
    assert (tmp_path / "a.txt").read_text() == "old"
    assert left_over(tmp_path) == []


def test_a_file_in_a_folders_place_is_told(writer: Writer, tmp_path: Path):
    (tmp_path / "support").write_text("a file")
    with pytest.raises(WriteError, match=r"^prompts/support/answer/prompt\.md: cannot be written: (File exists|Not a)"):
        writer.write("support/answer/prompt.md", "a")


def test_a_folder_in_a_files_place_is_told_and_nothing_is_left_over(writer: Writer, tmp_path: Path):
    (tmp_path / "prompt.md").mkdir()
    with pytest.raises(WriteError, match=r"^prompts/prompt\.md: cannot be (written|removed): Is a directory\.$"):
        writer.write("prompt.md", "a")
    assert left_over(tmp_path) == []


def test_a_file_in_a_folder_that_may_not_be_written_stays_as_it_is(writer: Writer, tmp_path: Path):
    writer.write("environments/production.yaml", "old")
    with mode(tmp_path / "environments", 0o555):
        with pytest.raises(WriteError) as wrote:
            writer.write("environments/production.yaml", "new")
        with pytest.raises(WriteError) as removed:
            writer.write_all({"environments/production.yaml": None})
    assert str(wrote.value) == "prompts/environments/production.yaml: cannot be written: Permission denied."
    assert str(removed.value) == "prompts/environments/production.yaml: cannot be removed: Permission denied."
    assert (tmp_path / "environments/production.yaml").read_text() == "old"
    assert left_over(tmp_path) == []


def test_a_link_that_leads_out_of_the_registry_is_not_written_through(tmp_path: Path):
    outside = tmp_path / "outside.yaml"
    outside.write_text("mine")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/production.yaml").symlink_to(outside)
    with writing(Folder(str(tmp_path / "prompts"))) as found, pytest.raises(IntegrityError) as caught:
        found.write("production.yaml", "theirs")
    assert str(caught.value) == "production.yaml: this is a link that leads out of the registry."
    assert outside.read_text() == "mine"


def test_the_local_folder_keeps_itself_out_of_git(registry: Place):
    assert registry.read("prompts/.promptreg/.gitignore") == "*\n"
    assert registry.git("status", "--porcelain", "--untracked-files=all") == ""
    assert ".promptreg" not in registry.git("ls-files")


def test_trouble_inside_the_block_is_told_as_what_it_is(tmp_path: Path):
    with pytest.raises(FileNotFoundError), writing(Folder(str(tmp_path))):
        raise FileNotFoundError(2, "No such file or directory", "suite.yaml")


# Commands


def test_a_registry_that_may_not_be_written_is_told_and_stays_as_it_is(registry: Place):
    registry.draft("support/answer")
    before = registry.files()
    with mode(registry.path / "prompts/support/answer", 0o555):
        ran = registry.run("release", "support/answer")
    assert ran.status == 2
    assert said(ran) == "prompts/support/answer/versions/1.0.0.txt: cannot be written: Permission denied."
    assert registry.files() == before


def test_a_fresh_clone_that_may_not_be_written_is_told(registry: Place):
    registry.draft("support/answer")
    (registry.path / "prompts/.promptreg/lock").unlink(missing_ok=True)
    (registry.path / "prompts/.promptreg/.gitignore").unlink()
    (registry.path / "prompts/.promptreg").rmdir()
    before = registry.files()
    with mode(registry.path / "prompts", 0o555):
        ran = registry.run("release", "support/answer")
    assert (ran.status, said(ran)) == (2, "prompts/.promptreg: cannot be written: Permission denied.")
    assert registry.files() == before


def test_a_folder_that_may_not_be_read_is_named_and_not_the_lock(shipped: Place):
    shipped.suite("support/answer", cases(3))
    shipped.draft("support/answer", RIGHT)
    shipped.ok("release", "support/answer")
    shipped.ok("eval", "support/answer@1.0.1")
    with mode(shipped.path / "prompts/support/answer/evals/results/1.0.1", 0o000):
        ran = shipped.run("promote", "support/answer", "--to", "production")
    assert ran.status == 2
    assert said(ran).startswith("prompts/support/answer/evals/results/1.0.1")
    assert said(ran).endswith(": cannot be read: Permission denied.")


def test_a_release_whose_sum_line_could_not_be_written_did_not_happen_and_can_be_done_again(shipped: Place):
    """The line in versions.sum is the commit point: a version file without a line is no version."""
    shipped.draft("support/answer", RIGHT)
    with small_disk(90):
        ran = shipped.run("release", "support/answer", "-m", "Too long for what is left of this disk")
    assert (ran.status, said(ran)) == (2, "prompts/support/answer/versions.sum: cannot be written: File too large.")
    assert versions(shipped, "support/answer") == ["1.0.0"]
    shipped.ok("release", "support/answer")
    assert versions(shipped, "support/answer") == ["1.0.0", "1.0.1"]
    assert left_over(shipped.path) == []


def test_a_temporary_file_that_a_kill_left_behind_disturbs_nothing(shipped: Place):
    whole = environment_text(shipped)
    shipped.write("prompts/environments/.production.yaml.k1ll3d.tmp", whole[: len(whole) // 2])
    shipped.write("prompts/support/answer/.prompt.md.k1ll3d.tmp", "half a draf")
    shipped.write("prompts/support/answer/versions/.1.0.1.txt.k1ll3d.tmp", "half a versio")
    assert shipped.ok("list", "--json").json["prompts"][0]["versions"] == ["1.0.0"]
    events = shipped.ok("history", "--json").json["events"]
    assert sorted((event["event"], event["commit"] is None) for event in events) == [
        ("promoted", False),
        ("released", False),
    ]
    assert shipped.ok("check").status == 0


# Several processes

_HOLD = """
import sys, time
from promptreg.core.source import Folder
from promptreg.files import writing
with writing(Folder("prompts")) as writer:
    writer.write("half.txt", "written before the kill")
    print("held", flush=True)
    time.sleep(60)
"""
_MANY = """
import sys
from promptreg.cli import main
worker = sys.argv[1]
for number in range(10):
    name = f"w{worker}/p{number}"
    for command in (["release", name, "-m", f"{worker}-{number}"], ["promote", name, "--to", "production"]):
        status = main.run(command)
        if status:
            sys.exit(f"{command}: {status}")
"""

_ENDLESS = """
from pathlib import Path
from promptreg.cli import main
for number in range(int(__import__("sys").argv[1]), 10**6):
    Path("prompts/support/answer/prompt.md").write_text(f"{number} {{{{ question }}}}\\n")
    status = main.run(["ship", "support/answer", "--to", "production", "--json"])
    assert status == 0, status
"""


def test_a_process_that_was_killed_at_any_moment_leaves_a_registry_that_loads_and_goes_on(folder: Place):
    """Without git every ship makes a version; wherever the kill falls, what production pins is there and whole."""
    folder.registry()
    folder.draft("support/answer")
    folder.ok("ship", "support/answer", "--to", "production")
    for turn, outputs in enumerate((3, 5, 8)):
        with started(folder, _ENDLESS, str(turn * 1000)) as process:
            assert process.stdout is not None
            ends = (line for line in process.stdout if line.startswith("}"))
            assert len(list(itertools.islice(ends, outputs))) == outputs
            process.send_signal(signal.SIGKILL)
            process.communicate()
        (prompt,) = folder.ok("list", "--json").json["prompts"]
        assert prompt["environments"]["production"] in prompt["versions"]
        folder.ok("render", "support/answer@production", "-i", "question=x")
        folder.draft("support/answer", f"After the kill {turn}: {{{{ question }}}}\n")
        folder.ok("ship", "support/answer", "--to", "production")
        assert folder.ok("check").status == 0


def test_a_process_that_was_killed_while_it_held_the_lock_does_not_block_the_next(shipped: Place):
    process = started(shipped, _HOLD)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    shipped.draft("support/answer", RIGHT)
    shipped.ok("release", "support/answer")
    shipped.ok("promote", "support/answer", "--to", "production")
    assert pinned(shipped, "support/answer") == "1.0.1"


def test_four_processes_that_release_and_promote_at_once_lose_nothing(registry: Place):
    names = [f"w{worker}/p{number}" for worker in range(4) for number in range(10)]
    for name in names:
        registry.draft(name, f"{name}: {{{{ question }}}}\n")
    processes = [started(registry, _MANY, str(worker)) for worker in range(4)]
    for process in processes:
        _, problem = process.communicate(timeout=300)
        assert (process.returncode, problem) == (0, "")
    prompts = registry.ok("list", "--json").json["prompts"]
    assert [(row["name"], row["versions"], row["environments"]) for row in prompts] == [
        (name, ["1.0.0"], {"production": "1.0.0"}) for name in names
    ]
    text = environment_text(registry)
    assert text.startswith("# What production runs.")
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert entries == [f"{name}:" for name in names]
    assert registry.ok("check").status == 0
    assert left_over(registry.path) == []


@pytest.mark.parametrize("path", [".promptreg", ".promptreg/lock", ".promptreg/.gitignore"])
def test_nothing_is_written_through_a_link_in_the_folder_of_this_machine(tmp_path: Path, path: str):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lock").write_text("mine")
    link = tmp_path / "prompts" / path
    link.parent.mkdir(parents=True)
    link.symlink_to(outside if path == ".promptreg" else outside / "lock")
    with pytest.raises(WriteError) as caught, writing(Folder(str(tmp_path / "prompts"), "prompts/")):
        pass
    assert str(caught.value) == f"prompts/{path}: this is a link, and nothing is written through one. Remove it."
    assert [(found.name, found.read_text()) for found in outside.iterdir()] == [("lock", "mine")]
