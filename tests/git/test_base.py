from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from promptreg.git.base import Base, automatic_base, named_base, standing_base
from promptreg.git.repo import GitError, Repository
from tests.support.place import Place


@dataclass
class Parted:
    """main and feature, which parted at `start`; HEAD is feature."""

    place: Place
    start: str
    main: str
    feature: str

    @property
    def repository(self) -> Repository:
        return Repository(str(self.place.path))


@pytest.fixture
def parted(repo: Place) -> Parted:
    start = repo.commit("Start")
    main = repo.commit("Main goes on")
    repo.git("checkout", "-q", "-b", "feature", start)
    return Parted(repo, start, main, repo.commit("Feature"))


@pytest.fixture
def merged(parted: Parted) -> str:
    """GitHub's merge commit of the pull request, checked out: base first, the branch second."""
    parted.place.git("checkout", "-q", "--detach", "main")
    parted.place.git("merge", "-q", "--no-ff", "-m", "Merge feature into main", "feature")
    return parted.place.git("rev-parse", "HEAD")


def with_remote(place: Place) -> None:
    place.git("remote", "add", "origin", f"file://{place.path}")
    place.git("fetch", "-q", "origin")


def shallow(place: Place, depth: int) -> Place:
    there = place.path / "shallow"
    place.git("clone", "-q", f"--depth={depth}", f"file://{place.path}", str(there))
    return Place(there)


def event(place: Place, data: object) -> str:
    return str(place.write(".git/event.json", json.dumps(data)))


def found(base: Base | None) -> tuple[str, str] | None:
    return (base.id, base.how) if base else None


# A base that somebody names


def test_a_parent_and_an_ancestor_are_themselves_the_base(parted: Parted):
    base = named_base(parted.repository, "HEAD~1")
    assert found(base) == (parted.start, "HEAD~1")
    assert found(named_base(parted.repository, "HEAD")) == (parted.feature, "HEAD")


def test_of_a_branch_that_went_on_the_base_is_where_head_left_it(parted: Parted):
    assert found(named_base(parted.repository, "main")) == (parted.start, "where HEAD left main")


def test_the_first_parent_of_a_merge_commit_is_itself_the_base_even_in_a_clone_of_depth_one(
    parted: Parted, merged: str
):
    parted.place.git("branch", "pull", merged)
    there = parted.place.path / "one"
    parted.place.git("clone", "-q", "--depth=1", "-b", "pull", f"file://{parted.place.path}", str(there))
    Place(there).git("fetch", "-q", "--depth=1", "origin", parted.main)
    assert found(named_base(Repository(str(there)), parted.main)) == (parted.main, parted.main)


def test_nothing_is_guessed_where_a_shallow_clone_hides_where_head_left_the_base(parted: Parted):
    there = shallow(parted.place, 1)
    there.git("fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    with pytest.raises(GitError) as caught:
        named_base(Repository(str(there.path)), "origin/main")
    assert str(caught.value) == (
        "this clone is shallow and does not show where origin/main and HEAD parted. Fetch more: "
        "git fetch --deepen=200 (or --unshallow)"
    )


def test_histories_without_a_common_commit_are_told(parted: Parted):
    parted.place.git("checkout", "-q", "--orphan", "island")
    parted.place.commit("Island")
    with pytest.raises(GitError) as caught:
        named_base(parted.repository, "main")
    assert str(caught.value) == "main and HEAD have no commit in common."


def test_before_the_first_commit_there_is_nothing_to_compare_with(repo: Place):
    repository = Repository(str(repo.path))
    assert automatic_base(repository, {}) is None
    assert standing_base(repository, {}) is None
    with pytest.raises(GitError):
        named_base(repository, "main")


# What is found without being told


def test_without_ci_and_remote_there_is_no_automatic_base(parted: Parted):
    assert automatic_base(parted.repository, {}) is None


def test_with_a_remote_the_base_is_where_head_left_its_default_branch(parted: Parted):
    with_remote(parted.place)
    assert found(automatic_base(parted.repository, {})) == (parted.start, "where HEAD left origin/main")
    assert found(standing_base(parted.repository, {})) == (parted.start, "where HEAD left origin/main")


def test_commits_that_the_remote_does_not_have_yet_are_not_settled_on_main_either(parted: Parted):
    with_remote(parted.place)
    parted.place.git("checkout", "-q", "main")
    parted.place.commit("Not pushed")
    assert found(standing_base(parted.repository, {})) == (parted.main, "origin/main")


def test_without_a_remote_a_branch_is_compared_with_the_local_main(parted: Parted):
    assert found(standing_base(parted.repository, {})) == (parted.start, "where HEAD left refs/heads/main")


def test_without_a_remote_the_main_branch_itself_settles_what_is_committed(parted: Parted):
    parted.place.git("checkout", "-q", "main")
    assert found(standing_base(parted.repository, {})) == (parted.main, "HEAD")


# What CI gives


def test_github_pull_request_takes_the_first_parent_of_its_merge_commit(parted: Parted, merged: str):
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main", "GITHUB_SHA": merged}
    assert found(automatic_base(parted.repository, environ)) == (
        parted.main,
        "first parent of the pull request's merge commit",
    )


def test_github_pull_request_with_the_branch_checked_out_takes_where_it_left_its_target(parted: Parted):
    with_remote(parted.place)
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"}
    assert found(automatic_base(parted.repository, environ)) == (parted.start, "where HEAD left origin/main")


def test_a_merge_of_the_developers_own_is_not_taken_for_githubs(parted: Parted):
    """With `ref: head.sha` HEAD may be a merge of main into the branch: its first parent is the branch's own work."""
    with_remote(parted.place)
    parted.place.git("merge", "-q", "--no-ff", "-m", "Merge main into feature", "main")
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main", "GITHUB_SHA": "f" * 40}
    base = automatic_base(parted.repository, environ)
    assert base is not None
    assert base.id == parted.main


def test_github_merge_group_takes_the_base_of_the_group(parted: Parted):
    environ = {
        "GITHUB_EVENT_NAME": "merge_group",
        "GITHUB_EVENT_PATH": event(parted.place, {"merge_group": {"base_sha": parted.start}}),
    }
    assert found(automatic_base(parted.repository, environ)) == (parted.start, "base of the merge group")


def test_github_push_takes_what_was_there_before(parted: Parted):
    environ = {
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": event(parted.place, {"before": parted.start}),
    }
    assert found(automatic_base(parted.repository, environ)) == (parted.start, "what was there before the push")


def test_github_push_of_a_new_branch_takes_where_it_left_the_default_branch(parted: Parted):
    with_remote(parted.place)
    environ = {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": event(parted.place, {"before": "0" * 40})}
    assert found(automatic_base(parted.repository, environ)) == (parted.start, "where HEAD left origin/main")


def test_gitlab_takes_the_base_of_the_merge_request(parted: Parted):
    environ = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": parted.start}
    assert found(automatic_base(parted.repository, environ)) == (parted.start, "base of the merge request")


@pytest.mark.parametrize(
    ("environ", "data", "how"),
    [
        ({"GITHUB_EVENT_NAME": "push"}, {"before": "a" * 40}, "what was there before the push"),
        (
            {"GITHUB_EVENT_NAME": "merge_group"},
            {"merge_group": {"base_sha": "a" * 40}},
            "base of the merge group",
        ),
        ({"CI_MERGE_REQUEST_DIFF_BASE_SHA": "a" * 40}, {}, "base of the merge request"),
    ],
)
def test_a_base_that_the_clone_does_not_have_comes_with_the_command_that_fetches_it(
    parted: Parted, environ: dict[str, str], data: object, how: str
):
    with pytest.raises(GitError) as caught:
        automatic_base(parted.repository, environ | {"GITHUB_EVENT_PATH": event(parted.place, data)})
    commit = "a" * 40
    assert str(caught.value) == (
        f"{'' if how.startswith('what') else 'the '}{how} is aaaaaaaaaaaa, which this clone does not have. Fetch it: "
        f"git fetch origin {commit}"
    )


def test_github_pull_request_of_depth_one_comes_with_the_command_that_fetches_the_parent(parted: Parted, merged: str):
    parted.place.git("branch", "pull", merged)
    there = parted.place.path / "one"
    parted.place.git("clone", "-q", "--depth=1", "-b", "pull", f"file://{parted.place.path}", str(there))
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main", "GITHUB_SHA": merged}
    with pytest.raises(GitError, match=rf"Fetch it: git fetch --depth=1 origin {parted.main}$"):
        automatic_base(Repository(str(there)), environ)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("merge_group", None),
        ("merge_group", "not json"),
        ("merge_group", "[]"),
        ("merge_group", "{}"),
        ("merge_group", '{"merge_group": null}'),
        ("push", None),
        ("push", "not json"),
    ],
)
def test_an_event_of_github_that_cannot_be_read_is_told(parted: Parted, name: str, text: str | None):
    environ = {"GITHUB_EVENT_NAME": name}
    if text is not None:
        environ["GITHUB_EVENT_PATH"] = str(parted.place.write(".git/event.json", text))
    with pytest.raises(GitError, match="GITHUB_EVENT_PATH"):
        automatic_base(parted.repository, environ)
