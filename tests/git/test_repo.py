from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from promptreg.git.past import Past
from promptreg.git.repo import GitError, Repository, find_root
from tests.support.place import Place
from tests.support.shipping import as_hana


def opened(place: Place) -> Repository:
    return Repository(str(place.path))


def script(place: Place, path: str, text: str) -> str:
    """An executable outside of the working tree's files that matter; returns its absolute path."""
    target = place.write(path, f"#!/bin/sh\n{text}\n")
    target.chmod(0o755)
    return str(target)


def clone(place: Place, name: str, *options: str) -> Place:
    there = place.path / name
    place.git("clone", "-q", *options, f"file://{place.path}", str(there))
    return Place(there)


# Where it is


def test_the_root_is_found_from_a_folder_below(repo: Place):
    (repo.path / "a/b").mkdir(parents=True)
    assert find_root(str(repo.path / "a/b")) == os.path.realpath(repo.path)


def test_a_worktree_is_a_root_of_its_own(repo: Place):
    repo.write("a.txt", "a")
    repo.commit()
    repo.git("worktree", "add", "-q", str(repo.path / "tree"), "-b", "other")
    assert find_root(str(repo.path / "tree")) == os.path.realpath(repo.path / "tree")
    assert Repository(str(repo.path / "tree")).branch() == "other"


def test_a_folder_outside_of_every_repository_has_no_root(folder: Place):
    assert find_root(str(folder.path)) is None


def test_a_folder_that_only_looks_like_a_repository_is_refused(folder: Place):
    (folder.path / ".git").mkdir()
    with pytest.raises(GitError, match=r"^git rev-parse: not a git repository"):
        opened(folder)


# Revisions


def test_every_way_to_name_a_commit_gives_its_id(repo: Place):
    repo.write("a.txt", "a")
    first = repo.commit("First")
    repo.write("a.txt", "b")
    second = repo.commit("Second")
    repo.git("tag", "-a", "v1", "-m", "Annotated", first)
    names = {"HEAD": second, "main": second, "refs/heads/main": second, "HEAD~1": first, "v1": first}
    found = {name: opened(repo).commit_id(name) for name in [*names, second, second[:10], "HEAD^{commit}"]}
    assert found == names | {second: second, second[:10]: second, "HEAD^{commit}": second}


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("nowhere", "git knows no revision nowhere."),
        ("", "'' is not the name of one revision. Write a branch, a tag or a commit id."),
        ("--all", "'--all' is not the name of one revision. Write a branch, a tag or a commit id."),
        ("-n1", "'-n1' is not the name of one revision. Write a branch, a tag or a commit id."),
        ("HEAD..main", "'HEAD..main' is not the name of one revision. Write a branch, a tag or a commit id."),
        ("HEAD:a.txt", "'HEAD:a.txt' is not the name of one revision. Write a branch, a tag or a commit id."),
        ("two words", "'two words' is not the name of one revision. Write a branch, a tag or a commit id."),
        ("a\nb", "'a\\nb' is not the name of one revision. Write a branch, a tag or a commit id."),
        ("0" * 40, f"git knows no revision {'0' * 40}."),
    ],
)
def test_what_names_no_commit_is_told(repo: Place, revision: str, message: str):
    repo.write("a.txt", "a")
    repo.commit()
    with pytest.raises(GitError) as caught:
        opened(repo).commit_id(revision)
    assert str(caught.value) == message


def test_a_blob_is_no_commit(repo: Place):
    repo.write("a.txt", "a")
    repo.commit()
    with pytest.raises(GitError, match="git knows no revision"):
        opened(repo).commit_id(repo.git("rev-parse", "HEAD:a.txt"))


def test_before_the_first_commit_there_is_no_head(repo: Place):
    assert opened(repo).head() is None
    assert opened(repo).branch() == "main"


def test_a_detached_head_is_on_no_branch(repo: Place):
    first = repo.commit()
    repo.git("checkout", "-q", "--detach")
    assert (opened(repo).branch(), opened(repo).head()) == (None, first)


def test_where_two_histories_part(repo: Place):
    start = repo.commit("Start")
    repo.git("checkout", "-q", "-b", "feature")
    ours = repo.commit("Ours")
    repo.git("checkout", "-q", "main")
    theirs = repo.commit("Theirs")
    found = opened(repo)
    assert found.merge_base(ours, theirs) == start
    assert [found.is_ancestor(start, ours), found.is_ancestor(ours, ours), found.is_ancestor(theirs, ours)] == [
        True,
        True,
        False,
    ]
    repo.git("checkout", "-q", "--orphan", "island")
    assert found.merge_base(repo.commit("Island"), ours) is None


def test_a_shallow_clone_names_parents_that_it_does_not_have_and_says_how_to_fetch(repo: Place):
    first = repo.commit("First")
    second = repo.commit("Second")
    found = opened(clone(repo, "clone", "--depth=1"))
    assert found.is_shallow()
    assert found.parents(second) == [first]
    assert (found.has(second), found.has(first)) == (True, False)
    with pytest.raises(GitError) as caught:
        found.commit_id("origin/next")
    assert str(caught.value) == (
        "git knows no revision origin/next. This clone is shallow. Fetch it: git fetch --depth=1 origin next"
    )


@pytest.mark.parametrize(
    ("steps", "branch"),
    [
        ([], None),
        ([["remote", "add", "origin", "."]], None),
        ([["remote", "add", "origin", "."], ["fetch", "-q", "origin"]], "origin/main"),
        ([["remote", "add", "upstream", "."], ["fetch", "-q", "upstream"]], "upstream/main"),
        (
            [
                ["branch", "trunk"],
                ["remote", "add", "origin", "."],
                ["fetch", "-q", "origin"],
                ["remote", "set-head", "origin", "trunk"],
            ],
            "origin/trunk",
        ),
        (
            [["branch", "-m", "master"], ["remote", "add", "origin", "."], ["fetch", "-q", "origin"]],
            "origin/master",
        ),
    ],
    ids=["no remote", "never fetched", "main", "another name", "its own default", "master"],
)
def test_the_remotes_default_branch(repo: Place, steps: list[list[str]], branch: str | None):
    repo.commit()
    for step in steps:
        repo.git(*step)
    assert opened(repo).default_branch() == branch


def test_the_last_commit_before_a_moment_is_one_of_the_main_line(repo: Place, monkeypatch: pytest.MonkeyPatch):
    def commit(day: int, message: str) -> str:
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2026-01-{day:02}T12:00:00Z")
        return repo.commit(message)

    first = commit(1, "First")
    repo.git("checkout", "-q", "-b", "feature")
    commit(2, "On the branch, before it was merged")
    repo.git("checkout", "-q", "main")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-05T12:00:00Z")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge", "feature")
    merge = repo.git("rev-parse", "HEAD")
    found = opened(repo)
    moments = ["2025-12-31T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-06T00:00:00Z"]
    assert [found.commit_at(moment) for moment in moments] == [None, first, merge]


# Files


def test_a_tree_lists_the_files_of_a_folder_and_no_links(repo: Place):
    for path in ("prompts/a/prompt.md", "prompts/日本 語.txt", "prompts/two\nlines", "promptsx/b.txt", "c.txt"):
        repo.write(path, "x")
    (repo.path / "prompts/link").symlink_to("a/prompt.md")
    commit = repo.commit()
    blob = repo.git("rev-parse", "HEAD:c.txt")
    names = ["prompts/a/prompt.md", "prompts/two\nlines", "prompts/日本 語.txt"]
    assert opened(repo).tree(commit, "prompts") == dict.fromkeys(names, blob)
    assert set(opened(repo).tree(commit, "")) == {*names, "promptsx/b.txt", "c.txt"}


def test_links_and_submodules_stand_beside_the_tree(repo: Place):
    repo.write("prompts/a.txt", "x")
    (repo.path / "prompts/link").symlink_to("a.txt")
    commit = repo.commit()
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},prompts/sub")
    repo.git("commit", "-q", "-m", "A submodule")
    files, links = opened(repo).tree_and_links("HEAD", "prompts")
    assert (list(files), links) == (["prompts/a.txt"], ["prompts/link", "prompts/sub"])


def test_attributes_of_paths_that_need_not_exist(repo: Place):
    repo.write(".gitattributes", "*.txt -text\n*.md filter=lfs\n")
    assert opened(repo).attributes(["a.txt", "b/日本.md"], ["text", "filter"]) == {
        "a.txt": {"text": "unset", "filter": "unspecified"},
        "b/日本.md": {"text": "unspecified", "filter": "lfs"},
    }
    assert opened(repo).attributes([], ["text"]) == {}


def test_what_files_said_before_newest_first(repo: Place):
    commits = []
    for text in ("one", "two", "three"):
        repo.write("a [x].txt", text)
        repo.write("b.txt", "b" + text)
        commits.append(repo.commit())
    past = Past(opened(repo), commits[-1])
    assert list(past.texts(["a [x].txt"])) == [
        ("a [x].txt", commits[2], "two"),
        ("a [x].txt", commits[1], "one"),
    ]
    assert list(past.texts(["nothing.txt"])) == []


def test_what_any_branch_has_or_had_is_committed(repo: Place):
    assert opened(repo).committed("a") == set()
    repo.git("config", "log.showRoot", "false")
    repo.write("a/gone [x].txt", "1")
    repo.write("b/other.txt", "1")
    repo.commit()
    (repo.path / "a/gone [x].txt").unlink()
    repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.write("a/日本.txt", "1")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("a/new.txt", "1")
    assert opened(repo).committed("a") == {"a/gone [x].txt", "a/日本.txt"}


def test_blobs_come_back_byte_for_byte(repo: Place):
    contents = [b"", b"\n", b"a", b"a\nb", b"\r\n\x00\xff", b"blob 3\nabc"]
    for number, data in enumerate(contents):
        repo.write(f"{number}.bin", data)
    commit = repo.commit()
    found = opened(repo)
    ids = found.tree(commit, "")
    blobs = found.blobs(ids.values())
    assert [blobs[ids[f"{number}.bin"]] for number in range(len(contents))] == contents
    assert found.blobs([]) == {}


def test_a_blob_that_is_not_there_is_told(repo: Place):
    repo.commit()
    with pytest.raises(GitError, match=rf"^git cannot read {'1' * 40} missing\."):
        opened(repo).blobs(["1" * 40])


def test_what_differs_from_a_commit_counts_new_changed_and_removed_files_and_no_ignored_ones(repo: Place):
    for path in ("prompts/same", "prompts/changed", "prompts/removed", "prompts/moved", "elsewhere"):
        repo.write(path, f"{path}\n")
    repo.write("prompts/.gitignore", "ignored\n")
    commit = repo.commit()
    repo.write("prompts/changed", "other")
    repo.write("elsewhere", "other")
    repo.write("prompts/ignored", "x")
    repo.write("prompts/日本 語", "x")
    repo.write("prompts/staged", "x")
    repo.git("add", "prompts/staged")
    (repo.path / "prompts/removed").unlink()
    repo.git("mv", "prompts/moved", "prompts/moved-on")
    assert opened(repo).changed(commit, "prompts") == [
        "prompts/changed",
        "prompts/moved",
        "prompts/moved-on",
        "prompts/removed",
        "prompts/staged",
        "prompts/日本 語",
    ]
    assert "elsewhere" in opened(repo).changed(commit, "")


def test_a_folder_with_wildcards_in_its_name_is_that_folder_alone(repo: Place):
    repo.write("p[a]*/new", "x")
    repo.write("pa/new", "x")
    commit = repo.commit()
    repo.write("p[a]*/new", "y")
    repo.write("pa/new", "y")
    assert opened(repo).changed(commit, "p[a]*") == ["p[a]*/new"]


def test_history_tells_commits_with_the_ids_before_and_after_newest_first(repo: Place):
    repo.write("prompts/a/versions.sum", "one\n")
    first = repo.commit("First: it begins")
    repo.write("unrelated", "x")
    repo.commit("Unrelated")
    repo.write("prompts/a/versions.sum", "two\n")
    repo.write("prompts/b c/versions.sum", "one\n")
    third = repo.commit("Third\n\nwith a body")
    found = list(opened(repo).history("HEAD", ["prompts/**/versions.sum"]))
    one, two = (repo.git("rev-parse", f"{commit}:prompts/a/versions.sum") for commit in (first, third))
    nothing = "0" * 40
    assert [(commit.id, commit.by, commit.subject, commit.changes) for commit in found] == [
        (
            third,
            "Aki <aki@example.com>",
            "Third",
            [("prompts/a/versions.sum", (one,), two), ("prompts/b c/versions.sum", (nothing,), one)],
        ),
        (first, "Aki <aki@example.com>", "First: it begins", [("prompts/a/versions.sum", (nothing,), one)]),
    ]


@pytest.mark.parametrize("subject", [":100644 100644 a b M", "tab\there", "\x01control", "日本語", "a" * 5000])
def test_no_commit_message_confuses_history(repo: Place, subject: str):
    repo.write("a.txt", "a")
    first = repo.commit(subject)
    repo.write("a.txt", "b")
    second = repo.commit("Second")
    found = list(opened(repo).history("HEAD", ["a.txt"]))
    assert [(commit.id, len(commit.changes)) for commit in found] == [(second, 1), (first, 1)]


# Who, and writing


def test_the_user_is_whom_git_would_name_as_the_author(repo: Place, monkeypatch: pytest.MonkeyPatch):
    as_hana(repo, monkeypatch)
    assert opened(repo).user() == "Hana <hana@example.com>"


def test_an_author_in_the_environment_is_the_user_as_for_git_itself(repo: Place):
    assert opened(repo).user() == "Aki <aki@example.com>"


def test_a_tag_is_written_once(repo: Place):
    commit = repo.commit()
    found = opened(repo)
    found.tag("promptreg/support/answer/v1.0.0", commit, "First")
    assert found.has_tag("promptreg/support/answer/v1.0.0")
    assert repo.git("cat-file", "-t", "promptreg/support/answer/v1.0.0") == "tag"
    with pytest.raises(GitError, match=r"^git tag: tag 'promptreg/support/answer/v1\.0\.0' already exists$"):
        found.tag("promptreg/support/answer/v1.0.0", commit, "Again")


def test_a_commit_holds_the_named_paths_and_nothing_else(repo: Place):
    for path in ("own", "removed", "staged", "loose"):
        repo.write(path, "old\n")
    repo.commit()
    for path in ("own", "staged", "loose", "new"):
        repo.write(path, "new\n")
    repo.git("add", "staged")
    (repo.path / "removed").unlink()
    made = opened(repo).commit(["own", "new", "removed"], "Mine")
    assert made == repo.git("rev-parse", "HEAD")
    assert repo.git("show", "--name-status", "--format=%s", "HEAD").split("\n") == [
        "Mine",
        "",
        "A\tnew",
        "M\town",
        "D\tremoved",
    ]
    assert repo.git("status", "--porcelain").split("\n") == ["M loose", "M  staged"]


def test_a_commit_runs_the_users_hooks_and_one_that_refuses_is_told(repo: Place):
    repo.commit()
    script(repo, ".git/hooks/pre-commit", "echo 'the linter says no' >&2; exit 1")
    repo.write("own", "new\n")
    with pytest.raises(GitError) as caught:
        opened(repo).commit(["own"], "Mine")
    assert str(caught.value) == "git commit: the linter says no"
    assert repo.git("log", "--format=%s") == "A commit"
    assert repo.read("own") == "new\n"


# No configuration makes a reading call run a program


_PROGRAMS = {
    "fsmonitor": [["config", "core.fsmonitor", "{run}"]],
    "hooks": [["config", "core.hooksPath", "{hooks}"]],
    "clean": [["config", "filter.f.clean", "{run}"], ["config", "filter.f.required", "true"]],
    "process": [["config", "filter.f.process", "{run}"]],
    "external diff": [["config", "diff.external", "{run}"]],
    "diff driver": [["config", "diff.f.command", "{run}"]],
    "textconv": [["config", "diff.f.textconv", "{run}"]],
    "pager": [["config", "core.pager", "{run}"], ["config", "pager.log", "{run}"]],
    "signatures": [["config", "log.showSignature", "true"], ["config", "gpg.program", "{run}"]],
    "credentials": [["config", "credential.helper", "!{run}"], ["config", "core.askPass", "{run}"]],
    "alias": [["config", "alias.log", "!{run}"], ["config", "alias.diff", "!{run}"]],
    "lazy fetch": [
        ["config", "core.repositoryFormatVersion", "1"],
        ["config", "extensions.partialClone", "origin"],
        ["config", "remote.origin.url", "ssh://example.com/repository"],
        ["config", "remote.origin.promisor", "true"],
        ["config", "core.sshCommand", "{run}"],
    ],
}


@pytest.mark.parametrize("settings", _PROGRAMS.values(), ids=_PROGRAMS.keys())
def test_reading_runs_no_program_that_the_repository_names(
    repo: Place, settings: list[list[str]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("GIT_ALLOW_PROTOCOL")
    repo.write(".gitattributes", "*.md filter=f diff=f\n")
    repo.write("prompts/a/prompt.md", "one\n")
    first = repo.commit()
    repo.write("prompts/a/prompt.md", "two\n")
    repo.commit()
    repo.write("prompts/a/prompt.md", "three\n")
    ran = repo.path / ".git/ran"
    run = script(repo, ".git/run.sh", f"touch '{ran}'; exit 1")
    for hook in ("post-index-change", "reference-transaction", "pre-auto-gc"):
        script(repo, f".git/evil/{hook}", f"touch '{ran}'")
    for setting in settings:
        repo.git(*[word.replace("{run}", run).replace("{hooks}", str(repo.path / ".git/evil")) for word in setting])
    found = opened(repo)
    missing = "1" * 40
    assert found.changed(first, "prompts") == ["prompts/a/prompt.md"]
    assert len(list(found.history("HEAD", ["prompts/**"]))) == 2
    assert set(found.tree(first, "prompts")) == {"prompts/a/prompt.md"}
    assert not found.has(missing)
    with pytest.raises(GitError):
        found.blobs([missing])
    found.merge_base(first, "HEAD")
    found.default_branch()
    found.commit_at("2026-01-01")
    found.user()
    assert not ran.exists()


def test_the_attack_would_work_without_protection(repo: Place):
    """The table above proves something: plain git does run such a program."""
    repo.write(".gitattributes", "*.md filter=f\n")
    repo.write("a.md", "one\n")
    repo.commit()
    ran = repo.path / ".git/ran"
    repo.git("config", "filter.f.clean", script(repo, ".git/run.sh", f"touch '{ran}'; cat"))
    repo.write("a.md", "two\n")
    repo.git("diff", "HEAD")
    assert ran.exists()


def test_without_git_on_the_path_the_error_says_so(tmp_path: Path):
    """In a process of its own, since GitPython looks for git when it is imported."""
    code = "from promptreg.git.repo import Repository\ntry:\n Repository('.')\nexcept Exception as e: print(type(e), e)"
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [os.path.realpath("/proc/self/exe"), "-c", f"import sys; sys.path[:0] = {[root, *_site()]!r}\n{code}"],
        env={"PATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "<class 'promptreg.git.repo.GitError'> git is not installed, or not on PATH. "
        "This command reads the repository's history.\n"
    )


def _site() -> list[str]:
    import site

    return site.getsitepackages()
