from __future__ import annotations

import pytest

from promptreg.core.source import Folder
from promptreg.git.repo import Repository
from promptreg.git.source import RevisionSource
from tests.support.place import Place

FILES = {
    "promptreg.toml": b"schema = 1\n",
    "support/answer/prompt.md": b"one\n",
    "support/answer/versions.sum": b"",
    "support/answer/versions/1.0.0.txt": "回答\r\n".encode(),
    "support/answer/evals/cases.jsonl": b"{}\n",
    "support/draft-only/prompt.md": b"two\n",
    "versioned/versions.sum": b"\n",
    "Not A Name/prompt.md": b"three\n",
    "environments/production.yaml": b"# none\n",
    "empty/readme.txt": b"no prompt\n",
}


@pytest.fixture(params=["prompts/", "", "deep/er/"])
def source(request: pytest.FixtureRequest, repo: Place) -> RevisionSource:
    """The files committed below a prefix, and beside it files that are none of the registry's."""
    prefix: str = request.param
    for path, data in FILES.items():
        repo.write(prefix + path, data)
    if prefix:
        repo.write("prompt.md", "outside")
        repo.write(prefix.rstrip("/") + "x/a/prompt.md", "beside")
    commit = repo.commit()
    for path in FILES:
        (repo.path / (prefix + path)).write_bytes(b"edited since")
    return RevisionSource(Repository(str(repo.path)), commit, prefix)


def test_files_are_read_as_the_commit_has_them(source: RevisionSource):
    assert {path: source.read(path) for path in FILES} == FILES
    assert all(source.has(path) for path in FILES)


def test_what_the_commit_does_not_have_is_not_there(source: RevisionSource):
    for path in ("nothing.md", "support", "support/answer", "../prompt.md", ""):
        assert source.read(path) is None
        assert not source.has(path)


def test_names_and_files_are_those_that_a_folder_with_the_same_files_has(source: RevisionSource, tmp_path):
    for path, data in FILES.items():
        Place(tmp_path / "same").write(path, data)
    folder = Folder(str(tmp_path / "same"))
    assert source.names() == folder.names() == ["support/answer", "support/draft-only", "versioned"]
    for path in ("support", "support/answer", "support/answer/versions", "environments", "nothing"):
        assert source.files(path) == folder.files(path), path


def test_many_files_are_fetched_at_once_and_those_that_are_not_there_are_left_out(source: RevisionSource):
    source.fetch([*FILES, "nothing.md"])
    assert source.read("promptreg.toml") == FILES["promptreg.toml"]
    assert source.read("nothing.md") is None


def test_messages_name_the_commit_and_the_path_in_the_repository(source: RevisionSource):
    assert source.shown("support/answer/prompt.md") == (f"{source.commit[:12]}:{source.prefix}support/answer/prompt.md")


def test_a_link_in_a_commit_is_no_file(repo: Place):
    repo.write("prompts/promptreg.toml", "schema = 1\n")
    (repo.path / "prompts/a").mkdir()
    (repo.path / "prompts/a/prompt.md").symlink_to("/etc/passwd")
    source = RevisionSource(Repository(str(repo.path)), repo.commit(), "prompts/")
    assert source.read("a/prompt.md") is None
    assert source.names() == []
