from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptreg.core.errors import (
    EnvironmentNotFound,
    PromptNotFound,
    PromptregError,
    RegistryNotFound,
    SpecError,
    VersionNotFound,
)
from promptreg.core.names import parse_selector
from promptreg.git.repo import GitError
from promptreg.project import Project, Surroundings
from tests.support.place import Place
from tests.support.shipping import RIGHT, STAGED, as_hana, in_production, prepared

TOML = 'schema = 1\ndefault_environment = "draft"\n'


def found(place: Place, below: str = "", environ: dict[str, str] | None = None) -> str:
    """The root of the registry found from a folder, relative to the place."""
    project = Project.find(Surroundings(str(place.path / below), environ or {}))
    return os.path.relpath(project.folder.root, place.path)


@pytest.fixture
def shipped(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, in_production)


# Finding it


@pytest.mark.parametrize("below", ["", "src/app", "prompts", "prompts/support/answer"])
def test_a_registry_is_found_from_every_folder_of_its_repository(repo: Place, below: str):
    repo.write("prompts/promptreg.toml", TOML)
    (repo.path / below).mkdir(parents=True, exist_ok=True)
    assert found(repo, below) == "prompts"


def test_a_folder_that_is_a_registry_itself_comes_before_prompts_in_it(folder: Place):
    folder.write("promptreg.toml", TOML)
    folder.write("prompts/promptreg.toml", TOML)
    assert found(folder) == "."


def test_nothing_is_looked_for_above_the_root_of_the_git_repository(folder: Place):
    folder.write("prompts/promptreg.toml", TOML)
    inner = Place(folder.path / "inner")
    inner.path.mkdir()
    inner.init()
    with pytest.raises(RegistryNotFound) as caught:
        Project.find(Surroundings(str(inner.path), {}))
    assert str(caught.value) == (
        f"No promptreg.toml in {inner.path} or above, nor in a prompts/ there. Set PROMPTREG_ROOT, or start in the "
        "repository. To begin: promptreg init"
    )


@pytest.mark.parametrize("root", ["elsewhere", "elsewhere/prompts"])
def test_promptreg_root_names_the_registry_or_the_folder_around_it(folder: Place, root: str):
    folder.write("prompts/promptreg.toml", TOML)
    folder.write("elsewhere/prompts/promptreg.toml", TOML)
    assert found(folder, environ={"PROMPTREG_ROOT": str(folder.path / root)}) == "elsewhere/prompts"


def test_a_relative_promptreg_root_starts_at_the_working_directory_that_the_door_handed_in(folder: Place):
    folder.write("elsewhere/promptreg.toml", TOML)
    assert found(folder, environ={"PROMPTREG_ROOT": "elsewhere"}) == "elsewhere"


def test_a_promptreg_root_without_a_registry_is_told_and_no_other_is_taken(folder: Place):
    folder.write("prompts/promptreg.toml", TOML)
    wrong = str(folder.path / "nowhere")
    with pytest.raises(RegistryNotFound, match=rf"^No promptreg\.toml in {wrong}, nor in a prompts/ there\."):
        Project.find(Surroundings(str(folder.path), {"PROMPTREG_ROOT": wrong}))


def test_files_are_named_as_seen_from_the_working_directory(repo: Place):
    repo.write("prompts/promptreg.toml", TOML)
    (repo.path / "src").mkdir()
    shown = [
        Project.find(Surroundings(str(repo.path / below), {})).folder.shown("a/prompt.md")
        for below in (".", "prompts", "src")
    ]
    assert shown == ["prompts/a/prompt.md", "a/prompt.md", f"{repo.path}/prompts/a/prompt.md"]


@pytest.mark.parametrize(("root", "prefix"), [("prompts", "prompts/"), ("a/b", "a/b/"), (".", "")])
def test_the_prefix_is_the_way_from_the_repository_to_the_registry(repo: Place, root: str, prefix: str):
    repo.write(f"{root}/promptreg.toml", TOML)
    repo.write(f"{root}/a/prompt.md", RIGHT)
    commit = repo.commit()
    project = Project(str(repo.path / root), Surroundings(str(repo.path), {}))
    view = project.at(commit)
    assert project.prefix == prefix
    assert view is not None
    assert view.catalog.names() == ["a"]


# Without git


def test_a_registry_outside_of_git_works_and_says_what_needs_git(folder: Place):
    folder.write("prompts/promptreg.toml", TOML)
    folder.draft("a")
    project = folder.project()
    assert (project.in_git, project.prefix, project.base()) == (False, "", None)
    assert project.head.catalog.names() == ["a"]
    with pytest.raises(GitError) as caught:
        _ = project.repository
    root = os.path.realpath(folder.path / "prompts")
    assert str(caught.value) == f"{root} is not inside a git repository. git init makes one."


def test_outside_of_git_every_version_counts_as_settled(folder: Place):
    folder.registry()
    folder.draft("a")
    folder.ok("release", "a")
    assert folder.project().settled("a") == {"1.0.0"}


# States


def test_a_commit_without_a_registry_has_no_view(repo: Place):
    before = repo.commit()
    repo.write("prompts/promptreg.toml", TOML)
    repo.commit()
    assert repo.project().at(before) is None


def test_head_is_read_again_when_asked(registry: Place):
    project = registry.project()
    assert project.head.catalog.names() == []
    registry.draft("a")
    assert project.reread().catalog.names() == ["a"]


def test_what_is_settled_is_what_the_base_has(shipped: Place):
    """On main without a remote what is committed; on a branch what main had when it began."""
    assert shipped.project().settled("support/answer") == {"1.0.0"}
    shipped.git("checkout", "-q", "-b", "feature")
    shipped.draft("support/answer", RIGHT)
    shipped.ok("release", "support/answer")
    shipped.commit()
    project = shipped.project()
    assert project.settled("support/answer") == {"1.0.0"}
    assert project.settled("support/unknown") == frozenset()
    base = project.base()
    view = project.at(base.id) if base else None
    assert view is not None
    assert view.catalog.sums("support/answer").versions() == ["1.0.0"]


def test_before_the_first_commit_nothing_is_settled(repo: Place):
    repo.registry()
    repo.draft("a")
    repo.ok("release", "a")
    assert repo.project().settled("a") == frozenset()


def test_where_the_base_cannot_be_found_everything_counts_as_settled(shipped: Place):
    """A clone that is too shallow must not make a released version replaceable."""
    there = shipped.path / "clone"
    shipped.git("checkout", "-q", "-b", "feature", "HEAD~1")
    shipped.commit("Elsewhere")
    shipped.git("clone", "-q", "--depth=1", "-b", "main", f"file://{shipped.path}", str(there))
    clone = Place(there)
    clone.git("fetch", "-q", "--depth=1", "origin", "feature:refs/remotes/origin/feature")
    clone.git("remote", "set-head", "origin", "feature")
    project = clone.project()
    assert project.base() is None
    assert project.settled("support/answer") == {"1.0.0"}


@pytest.mark.parametrize(
    ("environment", "mode"), [("production", "strict"), ("staging", "lenient"), (None, "standard")]
)
def test_the_policy_of_an_environment_has_its_mode_and_the_registrys_numbers(
    folder: Place, environment: str | None, mode: str
):
    folder.write(
        "prompts/promptreg.toml",
        f'{TOML}[environments.staging]\nmode = "lenient"\n[environments.production]\nmode = "strict"\n'
        "[gate]\nmin_cases = 7\n",
    )
    policy = folder.project().head.policy(environment)
    assert (policy.mode, policy.min_cases, policy.max_drop) == (mode, 7, 0.05)


def test_an_environment_that_is_not_named_is_told_with_a_near_match(folder: Place):
    folder.write("prompts/promptreg.toml", STAGED)
    with pytest.raises(EnvironmentNotFound) as caught:
        folder.project().head.policy("prodution")
    assert str(caught.value) == (
        "There is no environment prodution. There are staging, production. Did you mean production?"
    )


def test_a_draft_is_ahead_where_it_says_something_else_than_the_newest_version_that_stands(registry: Place):
    view = registry.project().head
    assert not view.is_ahead("a")
    registry.draft("a")
    assert registry.project().head.is_ahead("a")
    registry.ok("release", "a")
    assert not registry.project().head.is_ahead("a")
    registry.write("prompts/a/prompt.md", b"\xef\xbb\xbfAnswer {{ question }} shortly.\r\n\r\n")
    assert not registry.project().head.is_ahead("a")
    registry.draft("a", RIGHT)
    assert registry.project().head.is_ahead("a")


# Specs on the command line


def test_a_spec_without_a_selector_is_the_draft_and_with_a_revision_the_draft_then(shipped: Place):
    shipped.draft("support/answer", RIGHT)
    project = shipped.project()
    specs = ["support/answer", "support/answer@draft", "support/answer@production", "support/answer@git:HEAD"]
    found = [(prompt.version, prompt.file.body) for prompt in map(project.prompt, specs)]
    released = shipped.read("prompts/support/answer/versions/1.0.0.txt")
    assert found == [("draft", RIGHT), ("draft", RIGHT), ("1.0.0", released), ("draft", released)]


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("support/answer@git:nowhere", GitError, "git knows no revision nowhere."),
        ("support/answer@git:HEAD~1", PromptNotFound, None),
        ("support/answer@2.0.0", VersionNotFound, "support/answer has no 2.0.0. It has 1.0.0."),
        (
            "support/anwser",
            PromptNotFound,
            ("There is no prompt support/anwser under prompts. Did you mean support/answer?"),
        ),
        ("Support/Answer", SpecError, "Support/Answer: names are lower-case. Did you mean support/answer?"),
    ],
)
def test_a_spec_that_means_nothing_is_told(shipped: Place, spec: str, error: type[PromptregError], message: str | None):
    with pytest.raises(error) as caught:
        shipped.project().prompt(spec)
    assert message is None or str(caught.value) == message


def test_a_revision_without_a_registry_is_told(repo: Place):
    repo.commit()
    repo.registry()
    repo.commit()
    with pytest.raises(PromptregError) as caught:
        repo.project().prompt("a@git:HEAD~1")
    assert str(caught.value) == "HEAD~1 holds no registry at prompts/."


def test_a_revision_does_not_reach_the_loading_of_application_code(shipped: Place):
    with pytest.raises(SpecError, match="revisions work on the command line only"):
        shipped.project().head.prompt("support/answer", parse_selector("git:HEAD"))


# Who and when


def test_today_is_the_date_of_the_clock_that_was_handed_in(folder: Place):
    folder.write("prompts/promptreg.toml", TOML)
    surroundings = Surroundings(str(folder.path), {}, lambda: datetime(2030, 2, 3, 23, 59, tzinfo=UTC))
    assert Project.find(surroundings).today() == "2030-02-03"


@pytest.mark.parametrize(
    ("environ", "user"), [({"USER": "hana"}, "hana"), ({"USERNAME": "hana"}, "hana"), ({}, "unknown")]
)
def test_outside_of_git_the_user_is_the_login_name(folder: Place, environ: dict[str, str], user: str):
    folder.write("prompts/promptreg.toml", TOML)
    assert Project.find(Surroundings(str(folder.path), environ)).user() == user


def test_in_git_the_user_is_gits(registry: Place, monkeypatch: pytest.MonkeyPatch):
    as_hana(registry, monkeypatch)
    assert registry.project().user() == "Hana <hana@example.com>"


def test_a_project_reads_and_writes_nothing(shipped: Place):
    for path in ("lock", ".gitignore"):
        (shipped.path / "prompts/.promptreg" / path).unlink(missing_ok=True)
    Path(shipped.path / "prompts/.promptreg").rmdir()
    before = shipped.files()
    for command in (
        ["list"], ["status"], ["show", "support/answer"], ["history"], ["check"], ["diff", "support/answer"],
        ["promote", "support/answer", "--to", "production", "--dry-run"], ["release", "--all", "--dry-run"],
        ["ship", "--all", "--to", "production", "--dry-run"], ["eval", "--needed", "--dry-run"],
    ):  # fmt: skip
        shipped.ok(*command)
        assert shipped.files() == before, command
