from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import IntegrityError, PromptregError
from promptreg.core.names import is_name
from promptreg.core.source import Files, Folder, Overlay, Source
from tests.support.place import Place
from tests.support.reading import rarely, said, value_or_words

_OUT = "this is a link that leads out of the registry."


@pytest.fixture
def source(folder: Place) -> Folder:
    """The folder `prompts` of an otherwise empty place; messages name its files with `prompts/`."""
    (folder.path / "prompts").mkdir()
    return Folder(str(folder.path / "prompts"), "prompts/")


def _write(source: Folder, path: str, text: str = "Text.\n") -> Path:
    target = Path(source.root, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return target


def _link(source: Folder, path: str, to: str | Path) -> None:
    target = Path(source.root, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(to)


# Reading


def test_a_file_is_read_by_its_path_in_the_registry(source: Folder) -> None:
    _write(source, "a/b/prompt.md", "Text.\n")
    assert source.read("a/b/prompt.md") == b"Text.\n"
    assert source.has("a/b/prompt.md")
    assert source.shown("a/b/prompt.md") == "prompts/a/b/prompt.md"


@pytest.mark.parametrize("path", ["nothing.md", "nowhere/prompt.md", "a/prompt.md/inside"])
def test_what_is_not_there_is_none(source: Folder, path: str) -> None:
    _write(source, "a/prompt.md")
    assert source.read(path) is None
    assert not source.has(path)


def test_the_files_of_a_folder_are_those_that_stand_directly_in_it(source: Folder) -> None:
    for path in ("a/z.txt", "a/b.txt", "a/inner/c.txt", "d.txt"):
        _write(source, path)
    assert source.files("a") == ["b.txt", "z.txt"]
    assert source.files("nowhere") == []
    assert source.files("d.txt") == []


def test_a_pipe_in_the_place_of_a_file_is_refused_and_holds_nobody(source: Folder) -> None:
    (Path(source.root) / "a").mkdir()
    os.mkfifo(Path(source.root) / "a/prompt.md")
    assert said(PromptregError, source.read, "a/prompt.md") == "prompts/a/prompt.md: this is not a regular file."


def test_a_folder_or_a_socket_in_the_place_of_a_file_is_told(source: Folder) -> None:
    (Path(source.root) / "a/prompt.md").mkdir(parents=True)
    assert said(PromptregError, source.read, "a/prompt.md") == "prompts/a/prompt.md: cannot be read: Is a directory."
    with socket.socket(socket.AF_UNIX) as end, tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as short:
        end.bind(f"{short}/s")
        (Path(source.root) / "b").mkdir()
        Path(short, "s").rename(Path(source.root, "b/prompt.md"))
    assert said(PromptregError, source.read, "b/prompt.md") == (
        "prompts/b/prompt.md: cannot be read: No such device or address."
    )


# Links


def test_links_inside_the_registry_may_lead_anywhere_in_it(source: Folder) -> None:
    _write(source, "a/prompt.md", "One.\n")
    _link(source, "b/prompt.md", "../a/prompt.md")
    _link(source, "c", "a")
    assert source.read("b/prompt.md") == source.read("c/prompt.md") == b"One.\n"
    assert source.names() == ["a", "b", "c"]


def test_the_root_may_be_reached_through_a_link(folder: Place) -> None:
    folder.write("real/a/prompt.md", "One.\n")
    (folder.path / "link").symlink_to("real")
    source = Folder(str(folder.path / "link"))
    assert source.root == str((folder.path / "real").resolve())
    assert source.read("a/prompt.md") == b"One.\n"
    assert source.names() == ["a"]


@pytest.mark.parametrize(
    ("at", "to", "path"),
    [
        ("a/prompt.md", "outside/prompt.md", "a/prompt.md"),
        ("a", "outside", "a/prompt.md"),
        ("a/b", "outside", "a/b/prompt.md"),
        ("a/prompt.md", "prompts-2/prompt.md", "a/prompt.md"),
        ("a/prompt.md", "outside/nothing.md", "a/prompt.md"),
    ],
)
def test_a_link_that_leaves_the_registry_is_refused(folder: Place, source: Folder, at: str, to: str, path: str) -> None:
    folder.write("outside/prompt.md", "Secret.\n")
    folder.write("prompts-2/prompt.md", "Secret.\n")
    _link(source, at, folder.path / to)
    assert said(IntegrityError, source.read, path) == f"prompts/{path}: {_OUT}"
    assert said(IntegrityError, source.path, path) == f"prompts/{path}: {_OUT}"


def test_a_link_to_a_link_that_leaves_the_registry_is_refused(folder: Place, source: Folder) -> None:
    folder.write("outside/prompt.md", "Secret.\n")
    _link(source, "b", folder.path / "outside")
    _link(source, "a/prompt.md", "../b/prompt.md")
    assert said(IntegrityError, source.read, "a/prompt.md") == f"prompts/a/prompt.md: {_OUT}"


def test_a_folder_of_links_that_leave_the_registry_is_refused(folder: Place, source: Folder) -> None:
    folder.write("outside/versions/1.0.0.txt", "Secret.\n")
    _link(source, "a", folder.path / "outside")
    assert said(IntegrityError, source.files, "a/versions") == f"prompts/a/versions: {_OUT}"
    assert source.names() == []


def test_a_folder_that_becomes_a_link_out_is_refused_from_then_on(folder: Place, source: Folder) -> None:
    _write(source, "a/prompt.md", "One.\n")
    folder.write("outside/prompt.md", "Secret.\n")
    assert (source.names(), source.read("a/prompt.md")) == (["a"], b"One.\n")
    (Path(source.root) / "a").rename(folder.path / "moved")
    _link(source, "a", folder.path / "outside")
    assert said(IntegrityError, source.read, "a/prompt.md") == f"prompts/a/prompt.md: {_OUT}"


def test_paths_stay_inside_the_registry(folder: Place, source: Folder) -> None:
    secret = folder.write("outside/secret.txt", "Secret.\n")
    for path in ("../outside/secret.txt", "a/../../outside/secret.txt", str(secret)):
        with pytest.raises(PromptregError):
            source.read(path)
    with pytest.raises(PromptregError):
        source.files(str(secret.parent))


def test_a_link_that_leads_to_itself_is_told_and_hides_nothing_else(source: Folder) -> None:
    _write(source, "a/prompt.md")
    _link(source, "a/versions/1.0.0.txt", "1.0.0.txt")
    _link(source, "loop", "loop")
    assert said(PromptregError, source.read, "loop/prompt.md") == (
        "prompts/loop/prompt.md: cannot be read: Too many levels of symbolic links."
    )
    assert source.names() == ["a"]
    assert isinstance(value_or_words(source.files, "a/versions"), (list, PromptregError))
    assert isinstance(value_or_words(source.files, "loop"), (list, PromptregError))


def test_a_link_to_a_folder_above_is_walked_once(source: Folder) -> None:
    _write(source, "a/prompt.md")
    _link(source, "a/up", "..")
    _link(source, "a/again", "../a")
    assert "a" in source.names()
    assert len(source.names()) <= 2


# Names


def test_a_prompt_is_a_folder_with_a_draft_or_sums(source: Folder) -> None:
    for path in (
        "support/answer/prompt.md",
        "support/answer/short/prompt.md",
        "support/old/versions.sum",
        "support/notes/readme.md",
        "prompt.md",
        "Upper/prompt.md",
        ".hidden/prompt.md",
        "問い合わせ/prompt.md",
        "environments/prompt.md",
        "support/answer/versions/prompt.md",
        "support/answer/evals/prompt.md",
        "nul/prompt.md",
    ):
        _write(source, path)
    assert source.names() == ["support/answer", "support/answer/short", "support/old"]


@pytest.mark.parametrize("name", ["support/prompt.md", "support/versions.sum", "promptreg.toml/a", "prompt.md"])
def test_every_name_that_may_be_given_is_listed(source: Folder, name: str) -> None:
    assert not is_name(name) or _listed(source, name)


def _listed(source: Folder, name: str) -> bool:
    _write(source, f"{name}/prompt.md")
    return source.names() == Files({f"{name}/prompt.md": b""}).names() == [name]


def test_an_empty_or_missing_folder_has_no_prompts(folder: Place, source: Folder) -> None:
    assert source.names() == []
    assert Folder(str(folder.path / "nowhere")).names() == []


_PATHS = st.lists(
    st.lists(st.sampled_from(["a", "b", "A", "versions", "evals", "c.d"]), max_size=3).flatmap(
        lambda folders: st.sampled_from(["prompt.md", "versions.sum", "1.0.0.txt"]).map(
            lambda file: "/".join([*folders, file])
        )
    ),
    max_size=6,
    unique=True,
)


@given(_PATHS, _PATHS)
@rarely
def test_a_folder_files_in_memory_and_an_overlay_agree(below: list[str], above: list[str]) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Folder(root)
        for path in below:
            _write(folder, path, path)
        memory = Files({path: path.encode() for path in below})
        overlay = Overlay(folder, dict.fromkeys(above, b"new"))
        both = Files({path: path.encode() for path in below} | dict.fromkeys(above, b"new"))
        for one, other in ((folder, memory), (overlay, both)):
            assert one.names() == other.names()
            for path in (*below, *above, "nothing"):
                assert (one.read(path), one.has(path)) == (other.read(path), other.has(path))
            for inside in ("a", "a/b", "versions", "nowhere"):
                assert one.files(inside) == other.files(inside)


@pytest.mark.parametrize("make", [Files, lambda files: Overlay(Files({}), dict(files))])
def test_a_source_in_memory_reads_what_it_was_given(make: type[Files]) -> None:
    source: Source = make({"a/prompt.md": b"One.\n", "a/versions/1.0.0.txt": b"", "a/versions.sum": b""})
    assert source.read("a/prompt.md") == b"One.\n"
    assert (source.read("b/prompt.md"), source.has("a/prompt.md"), source.has("a")) == (None, True, False)
    assert source.files("a") == ["prompt.md", "versions.sum"]
    assert source.names() == ["a"]


def test_what_an_overlay_takes_away_is_gone() -> None:
    below = Files({"a/prompt.md": b"", "a/versions.sum": b"", "b/prompt.md": b"", "c/prompt.md": b""}, "prompts/")
    overlay = Overlay(below, {"a/prompt.md": None, "b/prompt.md": None, "d/prompt.md": b""})
    assert (overlay.read("b/prompt.md"), overlay.has("b/prompt.md")) == (None, False)
    assert overlay.files("a") == ["versions.sum"]
    assert overlay.files("b") == []
    assert overlay.names() == ["a", "c", "d"]
    assert overlay.shown("a/prompt.md") == "prompts/a/prompt.md"
    assert below.has("b/prompt.md")
