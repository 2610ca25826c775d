"""promptreg.core.registry and loader: finding, resolving, overrides, rollouts, snapshots, refresh, threads."""

from __future__ import annotations

import copy
import itertools
import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import promptreg
from promptreg import (
    EnvironmentNotFound,
    FileError,
    IntegrityError,
    PromptNotFound,
    PromptregError,
    Registry,
    RegistryNotFound,
    SpecError,
    TemplateError,
    VersionNotFound,
)
from promptreg.core.registry import replace_default
from tests.support.place import Place
from tests.support.shelf import NAME, QUIET, Shelf, answer, keeps, sha, until

REFUSED = "the registry changed and cannot be taken over; the last good state answers: "


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """support/answer 1.0.0 in production, in `prompts/` of the working directory."""
    monkeypatch.chdir(tmp_path)
    return answer(tmp_path / "prompts")


@pytest.fixture
def rich(shelf: Shelf) -> Shelf:
    """Several versions, two of them pinned; one pre-release, one yanked; a released prompt without a pin, a draft."""
    shelf.release(f"{NAME}@1.1.0", "Two: {{ question }}\n")
    shelf.release(f"{NAME}@1.2.0-rc.1", "Next: {{ question }}\n")
    shelf.release(f"{NAME}@2.0.0", "Bad: {{ question }}\n")
    shelf.yank(f"{NAME}@2.0.0", "Leaks the ticket number")
    shelf.pin(f"{NAME}@1.1.0", "staging")
    shelf.release("billing/refund@1.0.0", "Refund.\n")
    shelf.draft("billing/dun", "Pay.\n")
    return shelf


@pytest.fixture
def fresh_default() -> Iterator[None]:
    """promptreg.load opens its registry anew."""
    before = replace_default(None)
    yield
    replace_default(before)


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "promptreg"]


# Finding the registry


@pytest.mark.parametrize(
    ("registries", "working_directory", "found"),
    [
        (["prompts"], ".", "prompts"),
        (["prompts"], "src/app", "prompts"),
        (["prompts"], "prompts/support", "prompts"),
        (["."], "src", "."),
        ([".", "prompts"], "src", "."),
        (["prompts", "src"], "src/app", "src"),
        (["prompts", "src/prompts"], "src/app", "src/prompts"),
        (["src/prompts"], "src/app", "src/prompts"),
    ],
)
def test_the_nearest_registry_from_the_working_directory_upwards_is_found(
    repo: Place, monkeypatch: pytest.MonkeyPatch, registries: list[str], working_directory: str, found: str
) -> None:
    for root in registries:
        Shelf(repo.path / root, "draft").draft("here", f"{root}\n")
    (repo.path / working_directory).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(repo.path / working_directory)
    assert Registry.open().load("here").render().text == found


def test_outside_of_git_every_folder_above_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(tmp_path / "prompts")
    (tmp_path / "a/b/c").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b/c")
    assert Registry.open().names() == [NAME]


@pytest.mark.parametrize("inside", ["project", "tree"])
def test_nothing_above_the_git_root_is_found(folder: Place, monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    answer(folder.path / "prompts")
    project = Place(folder.path / "project")
    project.write("src/app.py", "")
    project.init().commit()
    project.git("worktree", "add", "-q", "../tree")  # there .git is a file
    here = folder.path / inside / "src"
    monkeypatch.chdir(here)
    with pytest.raises(RegistryNotFound) as caught:
        Registry.open()
    assert str(caught.value) == (
        f"No promptreg.toml in {here} or above, nor in a prompts/ there. Set PROMPTREG_ROOT, or start in the "
        "repository. To begin: promptreg init"
    )


@pytest.mark.parametrize("root", ["elsewhere", "elsewhere/prompts"])
def test_promptreg_root_names_the_registry_or_the_folder_around_it(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    Shelf(tmp_path / "elsewhere/prompts").draft("other", "Other.\n")
    monkeypatch.setenv("PROMPTREG_ROOT", str(tmp_path / root))
    assert Registry.open().names() == ["other"]
    assert Registry.open(tmp_path / "prompts").names() == [NAME]


def test_a_promptreg_root_without_a_registry_is_named_as_the_reason(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTREG_ROOT", str(tmp_path / "gone"))
    with pytest.raises(RegistryNotFound) as caught:
        Registry.open()
    message = str(caught.value)
    assert message.startswith(f"PROMPTREG_ROOT: no promptreg.toml in {tmp_path / 'gone'}, nor in a prompts/ there.")
    assert "PROMPTREG_ROOT" in message


def test_a_registry_opened_by_a_relative_path_stays_the_same_when_the_process_changes_folder(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = answer(tmp_path / "elsewhere/prompts")
    other.release(f"{NAME}@9.0.0", "Somebody else's\n")
    other.pin(f"{NAME}@9.0.0")
    registry = Registry.open("prompts", refresh=0)
    registry.load(NAME)
    time.sleep(QUIET)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert keeps(lambda: registry.load(NAME), 0.05) == {"1.0.0"}
    monkeypatch.chdir("/")
    shelf.release(f"{NAME}@1.1.0", "Two: {{ question }}\n")
    shelf.pin(f"{NAME}@1.1.0")
    assert until(lambda: registry.load(NAME), "1.1.0").version == "1.1.0"
    assert warnings_of(caplog) == []


def test_a_registry_can_be_opened_by_its_path_from_a_folder_that_is_gone(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert Registry.open(shelf.root).load(NAME).version == "1.0.0"


@pytest.mark.usefixtures("fresh_default")
def test_load_uses_the_registry_found_at_its_first_use_and_reads_the_environment_then(
    rich: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTREG_ENV", "staging")
    assert promptreg.load(NAME).version == "1.1.0"
    monkeypatch.setenv("PROMPTREG_ENV", "draft")
    monkeypatch.setenv("PROMPTREG_ROOT", str(tmp_path / "gone"))
    monkeypatch.setenv("PROMPTREG_OVERRIDE", f"{NAME}=1.0.0")
    monkeypatch.chdir("/")
    assert promptreg.load(NAME).version == "1.1.0"
    assert promptreg.load(NAME, environment="production").version == "1.0.0"


# What a spec means


@pytest.mark.parametrize(
    ("spec", "version", "source", "environment"),
    [
        (NAME, "1.0.0", "environment", "production"),
        (f"{NAME}@production", "1.0.0", "environment", "production"),
        (f"{NAME}@staging", "1.1.0", "environment", "staging"),
        (f"{NAME}@1.1.0", "1.1.0", "version", None),
        (f"{NAME}@2.0.0", "2.0.0", "version", None),  # yanked: an exact version still answers
        (f"{NAME}@1", "1.1.0", "range", None),
        (f"{NAME}@>=1 <3", "1.1.0", "range", None),
        (f"{NAME}@>=1.2.0-rc.0", "1.2.0-rc.1", "range", None),
        (f"{NAME}@latest", "1.1.0", "latest", None),
        (f"{NAME}@draft", "draft", "draft", None),
    ],
)
def test_a_selector_decides_the_version_and_the_prompt_says_how(
    rich: Shelf, spec: str, version: str, source: str, environment: str | None
) -> None:
    prompt = rich.open().load(spec)
    assert (prompt.version, prompt.source, prompt.environment) == (version, source, environment)
    text = (rich.root / NAME / ("prompt.md" if version == "draft" else f"versions/{version}.txt")).read_text()
    assert prompt.digest == sha(text)
    assert prompt.render(question="x?").text == text.rstrip("\n").replace("{{ question }}", "x?")


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (
            "support/anser",
            PromptNotFound,
            "There is no prompt support/anser under prompts. Did you mean support/answer?",
        ),
        (
            f"{NAME}@1.0.9",
            VersionNotFound,
            "support/answer has no 1.0.9. It has 1.0.0, 1.1.0, 1.2.0-rc.1, 2.0.0 (yanked).",
        ),
        (f"{NAME}@^7", VersionNotFound, "support/answer has no ^7. It has 1.0.0, 1.1.0, 1.2.0-rc.1, 2.0.0 (yanked)."),
        (
            f"{NAME}@stagin",
            EnvironmentNotFound,
            "There is no environment stagin. There are staging, production. Did you mean staging?",
        ),
        (
            "billing/refund",
            VersionNotFound,
            (
                "billing/refund has no version in production. It has 1.0.0. Promote one: promptreg promote "
                "billing/refund@1.0.0 --to production"
            ),
        ),
        (
            "billing/dun",
            VersionNotFound,
            (
                "billing/dun has no version in production. It has a draft. Ship it: promptreg ship billing/dun --to "
                "production — or run with PROMPTREG_ENV=draft."
            ),
        ),
        (
            "billing/dun@latest",
            VersionNotFound,
            "billing/dun has no latest: it was never released. promptreg release billing/dun does it.",
        ),
        (
            "billing/refund@draft",
            VersionNotFound,
            "billing/refund has no draft. promptreg draft billing/refund@1.0.0 makes one from a version.",
        ),
        (f"{NAME}@git:main", SpecError, "support/answer@git:main: revisions work on the command line only."),
        (
            "問い合わせ/回答",
            SpecError,
            (
                "問い合わせ/回答: names are lower-case a–z, 0–9 and . _ - / (they become folders and telemetry "
                "values). Put the Japanese title into description:."
            ),
        ),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    rich: Shelf, spec: str, error: type[PromptregError], message: str
) -> None:
    with pytest.raises(error) as caught:
        rich.open().load(spec)
    assert str(caught.value) == message


def test_a_prompt_that_is_not_there_and_resembles_none_is_answered_with_the_names_there_are(rich: Shelf) -> None:
    with pytest.raises(PromptNotFound) as caught:
        rich.open().load("onboarding")
    for name in ("billing/dun", "billing/refund", NAME):
        assert name in str(caught.value)


def test_a_registry_without_prompts_points_at_the_image(tmp_path: Path) -> None:
    Shelf(tmp_path / "app/prompts")
    with pytest.raises(PromptNotFound) as caught:
        Registry.open(tmp_path / "app").load(NAME)
    message = str(caught.value)
    assert message.startswith(f"No prompt support/answer under {tmp_path}/app/prompts: ")
    assert ".dockerignore" in message
    assert message.endswith("Found there: 0 prompts.")


@pytest.mark.parametrize("selector", ["1.0.0", "staging", "latest", "draft"])
def test_a_selector_together_with_an_environment_is_an_error(rich: Shelf, selector: str) -> None:
    with pytest.raises(SpecError) as caught:
        rich.open().load(f"{NAME}@{selector}", environment="staging")
    assert str(caught.value) == (
        f"support/answer@{selector} names a selector, and environment='staging' another. Leave one out."
    )


@pytest.mark.parametrize("environment", ["1.0.0", "^1", "git:main", "Staging", ""])
def test_what_is_no_environment_cannot_be_given_as_one(rich: Shelf, environment: str) -> None:
    with pytest.raises(SpecError):
        rich.open().load(NAME, environment=environment)


@pytest.mark.parametrize(
    ("variable", "default", "version", "source"),
    [
        (None, "production", "1.0.0", "environment"),
        ("", "production", "1.0.0", "environment"),
        (None, "staging", "1.1.0", "environment"),
        (None, "draft", "draft", "draft"),
        (None, "latest", "1.1.0", "latest"),
        ("staging", "production", "1.1.0", "environment"),
        ("draft", "production", "draft", "draft"),
        ("latest", "draft", "1.1.0", "latest"),
    ],
)
def test_without_a_selector_promptreg_env_answers_and_then_the_default_environment(
    rich: Shelf, monkeypatch: pytest.MonkeyPatch, variable: str | None, default: str, version: str, source: str
) -> None:
    rich.settings(default)
    if variable is not None:
        monkeypatch.setenv("PROMPTREG_ENV", variable)
    registry = rich.open()
    assert registry.default_environment == (variable or default)
    prompt = registry.load(NAME)
    assert (prompt.version, prompt.source) == (version, source)
    assert registry.load(NAME, environment="staging").version == "1.1.0"


@pytest.mark.parametrize("value", ["prodction", "^1", "1.0.0", "Staging", "git:main"])
def test_a_promptreg_env_that_is_no_environment_is_refused_at_open_and_named(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PROMPTREG_ENV", value)
    with pytest.raises(PromptregError) as caught:
        shelf.open()
    assert "PROMPTREG_ENV" in str(caught.value)
    assert value in str(caught.value)


def test_a_released_file_that_was_edited_is_refused(shelf: Shelf) -> None:
    said = shelf.digests[f"{NAME}@1.0.0"]
    shelf.write(f"{NAME}/versions/1.0.0.txt", "Edited: {{ question }}\n")
    found = sha("Edited: {{ question }}\n")
    for spec in (NAME, f"{NAME}@1.0.0", f"{NAME}@latest"):
        with pytest.raises(IntegrityError) as caught:
            shelf.open().load(spec)
        assert str(caught.value) == (
            f"prompts/support/answer/versions/1.0.0.txt: support/answer 1.0.0 is not what was released (sha256 "
            f"{said[7:11]}… → {found[7:11]}…). A formatter (prettier, mdformat, end-of-file-fixer) often does this. "
            "promptreg check --fix restores it from the base branch; exclude versions/ from the formatter."
        )


def test_a_version_whose_partial_was_edited_is_refused(shelf: Shelf) -> None:
    shelf.release("shared/tone@1.0.0", "Be kind.\n")
    shelf.release(f"{NAME}@1.1.0", '{% include "shared/tone@1.0.0" %}{{ question }}\n', "shared/tone@1.0.0")
    assert shelf.open().load(f"{NAME}@1.1.0").render(question="x").text == "Be kind.\nx"
    shelf.write("shared/tone/versions/1.0.0.txt", "Be rude.\n")
    with pytest.raises(IntegrityError, match=r"prompts/shared/tone/versions/1\.0\.0\.txt: shared/tone 1\.0\.0 is not"):
        shelf.open().load(f"{NAME}@1.1.0")


def test_a_pin_whose_digest_is_not_the_versions_is_refused(shelf: Shelf) -> None:
    path = "environments/production.yaml"
    said, other = shelf.digests[f"{NAME}@1.0.0"], sha("other")
    shelf.write(path, shelf.pins_text().replace(said, other))
    with pytest.raises(IntegrityError) as caught:
        shelf.open().load(NAME)
    assert str(caught.value) == (
        f"prompts/{path}:1: production pins support/answer 1.0.0 as {other[:15]}…, and that version is {said[:15]}…. "
        "promptreg check --fix mends a pin that an amended release left behind."
    )


def test_a_released_text_that_includes_more_than_its_line_says_is_refused(shelf: Shelf) -> None:
    shelf.release("shared/tone@1.0.0", "Be kind.\n")
    shelf.release(f"{NAME}@1.1.0", '{% include "shared/tone@1.0.0" %}\n')
    with pytest.raises(IntegrityError) as caught:
        shelf.open().load(f"{NAME}@1.1.0").render()
    assert str(caught.value) == (
        "prompts/support/answer/versions/1.1.0.txt:1: includes shared/tone@1.0.0, which its line in versions.sum does "
        "not name."
    )


@pytest.mark.parametrize("path", ["environments/production.yaml", f"{NAME}/versions/1.0.0.txt", f"{NAME}/versions"])
def test_a_link_that_leads_out_of_the_registry_is_refused(shelf: Shelf, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    (shelf.root / path).rename(outside)
    (shelf.root / path).symlink_to(outside)
    with pytest.raises(IntegrityError, match="this is a link that leads out of the registry"):
        shelf.open().load(NAME)


def test_a_link_inside_of_the_registry_is_followed(shelf: Shelf) -> None:
    (shelf.root / NAME).rename(shelf.root / "moved")
    (shelf.root / NAME).symlink_to(shelf.root / "moved")
    assert shelf.open().load(NAME).version == "1.0.0"


# Drafts and what they include


def test_a_draft_includes_the_newest_release_of_a_partial_or_its_draft(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "draft")
    one = shelf.release("shared/tone@1.0.0", "Be kind.\n")
    shelf.draft("shared/tone", "Be curious.\n")
    newest = 'Now: {% include "shared/tone" %}\n'
    draft = 'Now: {% include "shared/tone@draft" %}\n'
    exact = 'Now: {% include "shared/tone@1.0.0" %}\n'
    for name, text in (("newest", newest), ("draft", draft), ("exact", exact)):
        shelf.draft(name, text)
    registry = shelf.open()
    assert registry.load("newest").render().text == "Now: Be kind.\n"
    assert registry.load("newest").digest == sha(newest, {"shared/tone@1.0.0": one})
    assert registry.load("exact").includes == registry.load("newest").includes == ("shared/tone@1.0.0",)
    assert registry.load("draft").render().text == "Now: Be curious.\n"
    assert registry.load("draft").digest == sha(draft, {"shared/tone@draft": sha("Be curious.\n")})


@pytest.mark.parametrize(
    ("include", "problem"),
    [
        ("shared/tone@^1", 'include "shared/tone@^1": an include names an exact version, @draft, or nothing, which is'),
        ("shared/tone@production", 'include "shared/tone@production": an include names an exact version, @draft'),
        ("shared/tone@9.0.0", 'include "shared/tone@9.0.0": shared/tone has no 9.0.0. It has 1.0.0.'),
        ("shared/tome@1.0.0", 'include "shared/tome@1.0.0": There is no prompt shared/tome under'),
        ("a@draft", "includes go round: a → a."),
    ],
)
def test_a_draft_can_only_include_what_is_there_and_does_not_float(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, include: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shelf = Shelf(tmp_path / "prompts", "draft")
    shelf.release("shared/tone@1.0.0", "Be kind.\n")
    shelf.draft("a", f'First.\n{{% include "{include}" %}}\n')
    with pytest.raises(TemplateError) as caught:
        shelf.open().load("a")
    assert str(caught.value).startswith(f"prompts/a/prompt.md:2: {problem}")


def test_the_text_of_a_draft_is_the_one_that_its_digest_says_though_its_partial_changes_meanwhile(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path, "draft")
    text = '{% include "shared/tone@draft" %}'
    shelf.draft("a", text + "\n")
    shelf.draft("shared/tone", "Be kind.\n")
    prompt = shelf.open().load("a")
    shelf.draft("shared/tone", "Be rude.\n")
    said = {sha(text + "\n", {"shared/tone@draft": sha(f"{words}\n")}): words for words in ("Be kind.", "Be rude.")}
    assert prompt.render().text.strip() == said[prompt.digest]


# Overrides


@pytest.mark.parametrize(
    ("spec", "version", "source"),
    [
        (NAME, "1.0.0", "override"),
        (f"{NAME}@staging", "1.0.0", "override"),
        (f"{NAME}@latest", "1.0.0", "override"),
        (f"{NAME}@^1", "1.0.0", "override"),
        (f"{NAME}@draft", "1.0.0", "override"),
        (f"{NAME}@1.1.0", "1.1.0", "version"),
        ("billing/refund@latest", "1.0.0", "latest"),
    ],
)
def test_an_override_answers_for_all_but_exact_versions_and_is_shown(
    rich: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    spec: str,
    version: str,
    source: str,
) -> None:
    rich.pin(f"{NAME}@1.1.0", rollout=("1.2.0-rc.1", 99))
    monkeypatch.setenv("PROMPTREG_OVERRIDE", f" {NAME}=1.0.0, ")
    registry = rich.open()
    for key in (None, "a", "b", "c"):
        prompt = registry.load(spec, key=key)
        assert (prompt.version, prompt.source) == (version, source)
    assert prompt.attributes()["promptreg.source"] == source
    assert registry.snapshot("staging").load(NAME).source == "override"
    assert warnings_of(caplog) == ["PROMPTREG_OVERRIDE is set: support/answer is served as 1.0.0"]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (
            f"{NAME}=1.0.9",
            VersionNotFound,
            "PROMPTREG_OVERRIDE: support/answer has no 1.0.9. It has 1.0.0, 1.1.0, 1.2.0-rc.1, 2.0.0 (yanked).",
        ),
        (
            f"{NAME}=1.0.0,support/anser=1.0.0",
            PromptNotFound,
            "PROMPTREG_OVERRIDE: There is no prompt support/anser under prompts. Did you mean support/answer?",
        ),
        (NAME, SpecError, "PROMPTREG_OVERRIDE: 'support/answer' is not NAME=VERSION."),
        (
            f"{NAME}=1.0.0,{NAME}=1.1.0",
            SpecError,
            "PROMPTREG_OVERRIDE names support/answer twice: 1.0.0 and 1.1.0.",
        ),
        (
            f"{NAME}=^1",
            VersionNotFound,
            "PROMPTREG_OVERRIDE: support/answer has no ^1. It has 1.0.0, 1.1.0, 1.2.0-rc.1, 2.0.0 (yanked).",
        ),
        (
            "Support=1.0.0",
            SpecError,
            "PROMPTREG_OVERRIDE: Support: names are lower-case. Did you mean support?",
        ),
    ],
)
def test_an_override_that_cannot_be_is_refused_at_open(
    rich: Shelf, monkeypatch: pytest.MonkeyPatch, text: str, error: type[PromptregError], message: str
) -> None:
    monkeypatch.setenv("PROMPTREG_OVERRIDE", text)
    with pytest.raises(error) as caught:
        rich.open()
    assert str(caught.value) == message


def test_an_override_whose_file_is_damaged_is_refused_at_open(rich: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    rich.write(f"{NAME}/versions/1.1.0.txt", "Edited\n")
    monkeypatch.setenv("PROMPTREG_OVERRIDE", f"{NAME}=1.1.0")
    with pytest.raises(IntegrityError, match=r"PROMPTREG_OVERRIDE: prompts/support/answer/versions/1\.1\.0\.txt: "):
        rich.open()


def test_an_override_stays_when_pins_are_taken_over(
    rich: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rich.pin("billing/refund@1.0.0")
    monkeypatch.setenv("PROMPTREG_OVERRIDE", f"{NAME}=1.0.0")
    registry = rich.open()
    registry.load(NAME)
    registry.load("billing/refund")
    rich.release("billing/refund@1.1.0", "Refund now.\n")
    rich.pin("billing/refund@1.1.0")
    rich.pin(f"{NAME}@1.1.0")
    assert until(lambda: registry.load("billing/refund"), "1.1.0").version == "1.1.0"
    assert (registry.load(NAME).version, registry.load(NAME).source) == ("1.0.0", "override")
    assert len(warnings_of(caplog)) == 1


# Rollouts

KEYS = [f"user-{number}" for number in range(4000)]


def rolled(shelf: Shelf, percent: int) -> set[str]:
    """The keys that get the candidate when production rolls 1.1.0 out."""
    shelf.pin(f"{NAME}@1.0.0", rollout=("1.1.0", percent))
    registry = shelf.open(refresh=60)
    return {key for key in KEYS if registry.load(NAME, key=key).version == "1.1.0"}


def test_a_rollout_reaches_its_share_and_raising_it_moves_nobody_back(rich: Shelf) -> None:
    before: set[str] = set()
    for percent in (1, 10, 11, 50, 99):
        share = rolled(rich, percent)
        sigma = (percent / 100 * (1 - percent / 100) * len(KEYS)) ** 0.5
        assert abs(len(share) - percent / 100 * len(KEYS)) < 4 * sigma
        assert before < share
        before = share
    assert rolled(rich, 10) == rolled(rich, 10)


def test_who_is_in_a_rollout_stays_the_same_in_later_releases_of_promptreg(rich: Shelf) -> None:
    assert sorted(rolled(rich, 10) & set(KEYS[:60])) == [
        "user-0", "user-11", "user-28", "user-39", "user-40", "user-41", "user-49", "user-53",
    ]  # fmt: skip


def test_without_a_key_the_stable_version_answers_and_a_key_changes_nothing_elsewhere(rich: Shelf) -> None:
    rich.pin(f"{NAME}@1.0.0", rollout=("1.1.0", 99))
    registry = rich.open()
    key = next(key for key in KEYS if registry.load(NAME, key=key).version == "1.1.0")
    candidate = registry.load(NAME, key=key)
    assert (candidate.source, candidate.environment, candidate.digest) == (
        "environment",
        "production",
        rich.digests[f"{NAME}@1.1.0"],
    )
    assert registry.load(NAME).version == "1.0.0"
    assert registry.load(f"{NAME}@production", key=key).version == "1.1.0"
    assert registry.load(NAME, environment="production", key=key).version == "1.1.0"
    assert registry.snapshot().load(NAME, key=key).version == "1.1.0"
    assert registry.load(f"{NAME}@1.0.0", key=key).version == "1.0.0"
    assert registry.load(f"{NAME}@draft", key=key).version == "draft"


@pytest.mark.parametrize("key", ["", "ユーザー", "a\nb", "\udcff", "x" * 100_000])
def test_any_text_can_be_a_key(rich: Shelf, key: str) -> None:
    rich.pin(f"{NAME}@1.0.0", rollout=("1.1.0", 50))
    registry = rich.open()
    assert len({registry.load(NAME, key=key).version for _ in range(3)}) == 1


def test_a_rollout_begins_and_ends_while_the_registry_is_open(rich: Shelf) -> None:
    registry = rich.open()
    registry.load(NAME)
    key = "user-11"
    assert registry.load(NAME, key=key).version == "1.0.0"
    rich.pin(f"{NAME}@1.0.0", rollout=("1.1.0", 10))
    assert until(lambda: registry.load(NAME, key=key), "1.1.0").version == "1.1.0"
    assert registry.load(NAME).version == "1.0.0"
    rich.pin(f"{NAME}@1.0.0")
    assert until(lambda: registry.load(NAME, key=key), "1.0.0").version == "1.0.0"


# Yanked versions


def test_a_standing_pin_of_a_yanked_version_warns_once(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    shelf.yank(f"{NAME}@1.0.0", "Leaks the ticket number")
    registry = shelf.open()
    registry.load(f"{NAME}@1.0.0")
    assert warnings_of(caplog) == []
    for _ in range(3):
        assert registry.load(NAME).version == "1.0.0"
        registry.load(NAME, environment="production")
    assert warnings_of(caplog) == [
        "production runs support/answer@1.0.0, which was yanked: Leaks the ticket number",
    ]


def test_a_rollout_of_a_yanked_version_warns(rich: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    rich.pin(f"{NAME}@1.0.0", rollout=("2.0.0", 99))
    registry = rich.open()
    assert any(registry.load(NAME, key=key).version == "2.0.0" for key in KEYS[:20])
    assert any("support/answer@2.0.0, which was yanked" in message for message in warnings_of(caplog))


def test_a_version_that_is_yanked_while_the_registry_is_open_warns(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    registry = shelf.open()
    registry.load(NAME)
    shelf.yank(f"{NAME}@1.0.0", "Leaks the ticket number")
    shelf.release("billing/refund@1.0.0", "Refund.\n")
    shelf.pin("billing/refund@1.0.0")
    time.sleep(QUIET)
    for _ in range(3):
        assert registry.load(NAME).version == "1.0.0"
    assert warnings_of(caplog) == ["production runs support/answer@1.0.0, which was yanked: Leaks the ticket number"]


# Snapshots


@pytest.mark.parametrize("loaded", ["prompt already loaded", "nothing loaded yet"])
def test_a_snapshot_stays_what_it_was(rich: Shelf, loaded: str) -> None:
    registry = rich.open()
    if loaded == "prompt already loaded":
        registry.load(NAME)
    snapshot = registry.snapshot("production")
    rich.pin(f"{NAME}@1.1.0")
    assert until(lambda: registry.load(NAME), "1.1.0").version == "1.1.0"
    assert snapshot.load(NAME).version == "1.0.0"
    assert snapshot.load(NAME, environment="production").version == "1.0.0"
    assert [prompt.version for prompt in snapshot.preload()] == ["1.0.0"]


def test_a_snapshot_of_an_environment_loads_from_it_without_a_selector(rich: Shelf) -> None:
    registry = rich.open()
    for environment, version in (("staging", "1.1.0"), ("draft", "draft"), ("latest", "1.1.0"), (None, "1.0.0")):
        assert registry.snapshot(environment).load(NAME).version == version
    assert registry.snapshot("staging").snapshot().load(NAME).version == "1.1.0"


@pytest.mark.parametrize(
    ("environment", "error", "message"),
    [
        (
            "stagin",
            EnvironmentNotFound,
            "There is no environment stagin. There are staging, production. Did you mean staging?",
        ),
        ("^1", SpecError, "environment is '^1'; it can be an environment, draft or latest."),
    ],
)
def test_a_snapshot_of_what_is_no_environment_is_refused(
    rich: Shelf, environment: str, error: type[PromptregError], message: str
) -> None:
    with pytest.raises(error) as caught:
        rich.open().snapshot(environment)
    assert str(caught.value) == message


def test_an_application_that_only_loads_from_snapshots_gets_new_pins_too(rich: Shelf) -> None:
    registry = rich.open()
    assert registry.snapshot("production").load(NAME).version == "1.0.0"
    rich.pin(f"{NAME}@1.1.0")
    assert until(lambda: registry.snapshot("production").load(NAME), "1.1.0", 1).version == "1.1.0"


# Preloading


def test_preloading_leaves_nothing_to_read_or_to_fail_later(rich: Shelf) -> None:
    rich.release("shared/tone@1.0.0", "Be kind.\n")
    rich.release("billing/refund@1.1.0", '{% include "shared/tone@1.0.0" %}{{ sum }}\n', "shared/tone@1.0.0")
    rich.pin("billing/refund@1.1.0")
    registry = rich.open(refresh=60)
    prompts = registry.preload()
    assert [(prompt.spec, prompt.is_compiled) for prompt in prompts] == [
        ("billing/refund@1.1.0", True),
        ("support/answer@1.0.0", True),
    ]
    shutil.rmtree(rich.root)
    assert registry.load("billing/refund").render(sum="3 €").text == "Be kind.\n3 €"
    assert registry.load(NAME, environment="production").render(question="x").text == "One: x"


@pytest.mark.parametrize("spec", [NAME, f"{NAME}@production"])
def test_what_was_preloaded_is_not_compiled_again_by_the_first_request(rich: Shelf, spec: str) -> None:
    registry = rich.open()
    registry.preload()
    assert registry.load(spec).is_compiled


def test_preloading_compiles_the_version_that_is_being_rolled_out(rich: Shelf) -> None:
    rich.pin(f"{NAME}@1.0.0", rollout=("1.1.0", 99))
    registry = rich.open()
    registry.preload("production")
    found = {registry.load(NAME, environment="production", key=key) for key in KEYS[:20]}
    assert {(prompt.version, prompt.is_compiled) for prompt in found} >= {("1.1.0", True)}


@pytest.mark.parametrize("environment", ["draft", "latest"])
def test_preloading_works_where_drafts_or_the_newest_versions_are_served(
    rich: Shelf, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setenv("PROMPTREG_ENV", environment)
    registry = rich.open()
    registry.preload()
    assert registry.load(NAME).source == environment


def test_preloading_raises_one_error_that_lists_all(rich: Shelf) -> None:
    rich.release("b@1.0.0", "Whole\n")
    rich.release("c@1.0.0", "{{ 1 + }}\n")
    rich.release("d@1.0.0", "Fine\n")
    rich.release("d@1.1.0", "Candidate\n")
    for name in ("a", "b", "c"):
        rich.digests.setdefault(f"{name}@1.0.0", sha("never released"))
        rich.pin(f"{name}@1.0.0")
    rich.pin("d@1.0.0", rollout=("1.1.0", 10))
    (rich.root / "b/versions/1.0.0.txt").unlink()
    (rich.root / "d/versions/1.1.0.txt").unlink()
    with pytest.raises(PromptregError) as caught:
        rich.open().preload()
    first, *rest = str(caught.value).split("\n")
    assert first == "4 of production cannot be loaded:"
    assert rest[0].startswith(
        "prompts/environments/production.yaml:1: production pins a 1.0.0, which was never released"
    )
    assert rest[1].startswith("prompts/b/versions/1.0.0.txt: b 1.0.0 was released, and its file is gone.")
    assert rest[2].startswith("prompts/c/versions/1.0.0.txt:1:")
    assert rest[3].startswith("prompts/d/versions/1.1.0.txt: d 1.1.0 was released, and its file is gone.")
    assert len(rest) == 4


def test_preloading_an_environment_that_is_not_there_is_refused(rich: Shelf) -> None:
    with pytest.raises(EnvironmentNotFound, match="There is no environment stagin"):
        rich.open().preload("stagin")


# What there is


def test_a_registry_lists_names_versions_and_environments(rich: Shelf) -> None:
    registry = rich.open()
    assert registry.names() == ["billing/dun", "billing/refund", "support/answer"]
    assert registry.versions(NAME) == ["1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0"]
    assert registry.versions("billing/dun") == []
    assert registry.environments() == ("staging", "production")
    with pytest.raises(PromptNotFound, match=r"There is no prompt support/anser under prompts\. Did you mean"):
        registry.versions("support/anser")


def test_what_is_listed_follows_the_files_like_what_is_loaded(rich: Shelf) -> None:
    registry = rich.open()
    assert "3.0.0" not in registry.versions(NAME)
    rich.release(f"{NAME}@3.0.0", "Three: {{ question }}\n")
    rich.write("promptreg.toml", 'schema = 1\ndefault_environment = "draft"\n[environments.canary]\n')
    time.sleep(QUIET)
    assert registry.versions(NAME)[-1] == "3.0.0"
    assert registry.environments() == ("canary",)


# Refresh


def moved(shelf: Shelf) -> None:
    """Release and pin 1.1.0."""
    shelf.release(f"{NAME}@1.1.0", "Two: {{ question }}\n")
    shelf.pin(f"{NAME}@1.1.0")


def test_a_new_pin_is_taken_over_once_its_file_has_been_still(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    registry = shelf.open()
    assert registry.load(NAME).version == "1.0.0"
    shelf.release(f"{NAME}@1.1.0", "Two: {{ question }}\n")
    for _ in range(5):  # rewritten again and again, so never still
        shelf.pin(f"{NAME}@1.1.0")
        written = time.time_ns()
        os.utime(shelf.root / "environments/production.yaml", ns=(written, written))
        time.sleep(0.04)
        found = registry.load(NAME).version
        if time.time_ns() - written > 90_000_000:  # this machine was held up; nothing can be said
            break
        assert found == "1.0.0"
    prompt = until(lambda: registry.load(NAME), "1.1.0")
    assert (prompt.version, prompt.render(question="x").text) == ("1.1.0", "Two: x")
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_file_with_the_date_of_another_clock_is_taken_over(shelf: Shelf, hours: int) -> None:
    registry = shelf.open()
    registry.load(NAME)
    moved(shelf)
    then = time.time() + hours * 3600
    os.utime(shelf.root / "environments/production.yaml", (then, then))
    assert until(lambda: registry.load(NAME), "1.1.0").version == "1.1.0"


def test_within_refresh_seconds_nothing_is_looked_at(shelf: Shelf) -> None:
    registry = shelf.open(refresh=60)
    registry.load(NAME)
    moved(shelf)
    assert keeps(lambda: registry.load(NAME), QUIET) == {"1.0.0"}


def test_an_unchanged_prompt_is_the_same_object_after_others_moved(shelf: Shelf) -> None:
    shelf.release("billing/refund@1.0.0", "Refund.\n")
    shelf.pin("billing/refund@1.0.0")
    registry = shelf.open()
    before = registry.load("billing/refund")
    registry.load(NAME)
    moved(shelf)
    assert until(lambda: registry.load(NAME), "1.1.0").version == "1.1.0"
    assert registry.load("billing/refund") is before


def test_a_new_default_environment_is_taken_over(rich: Shelf) -> None:
    registry = rich.open()
    assert registry.load(NAME).version == "1.0.0"
    rich.settings("staging")
    found = until(lambda: registry.load(NAME), "1.1.0")
    assert (found.version, found.environment) == ("1.1.0", "staging")


@pytest.mark.parametrize("selector", ["latest", "^1", ">=1"])
@pytest.mark.parametrize("loaded_before", [None, NAME, f"{NAME}@1.0.0"])
def test_latest_and_ranges_follow_what_is_released(shelf: Shelf, selector: str, loaded_before: str | None) -> None:
    registry = shelf.open()
    if loaded_before:
        registry.load(loaded_before)
    else:
        assert registry.load(f"{NAME}@{selector}").version == "1.0.0"
    shelf.release(f"{NAME}@1.1.0", "Two: {{ question }}\n")
    assert until(lambda: registry.load(f"{NAME}@{selector}"), "1.1.0", 0.5).version == "1.1.0"


def test_a_version_released_while_the_registry_is_open_can_be_loaded(shelf: Shelf) -> None:
    registry = shelf.open()
    registry.load(NAME)
    shelf.release(f"{NAME}@1.1.0", "Two: {{ question }}\n")
    time.sleep(QUIET)
    assert registry.load(f"{NAME}@1.1.0").version == "1.1.0"


def awaited(load: Callable[[], str], wanted: str, patience: float = 0.6) -> str:
    """What is loaded, waited for."""
    end = time.monotonic() + patience
    while (found := load()) != wanted and time.monotonic() < end:
        time.sleep(0.01)
    return found


def test_a_draft_follows_its_file(shelf: Shelf) -> None:
    shelf.settings("draft")
    registry = shelf.open()
    assert registry.load(NAME).render(question="x").text == "Draft: x"
    shelf.draft(NAME, "Better: {{ question }}\n")
    assert awaited(lambda: registry.load(NAME).render(question="x").text, "Better: x") == "Better: x"


@pytest.mark.parametrize("change", ["draft of a partial", "release of a partial", "draft of a partial's partial"])
def test_a_draft_follows_the_partials_it_includes(tmp_path: Path, change: str) -> None:
    shelf = Shelf(tmp_path, "draft")
    shelf.draft("shared/inner", "old")
    shelf.draft("shared/tone", '{% include "shared/inner@draft" %}old')
    shelf.release("shared/tone@1.0.0", "old\n")
    selector = "" if change == "release of a partial" else "@draft"
    shelf.draft("a", f'{{% include "shared/tone{selector}" %}}\n')
    registry = shelf.open()
    assert "new" not in registry.load("a").render().text
    if change == "draft of a partial":
        shelf.draft("shared/tone", "new\n")
    elif change == "release of a partial":
        shelf.release("shared/tone@1.1.0", "new\n")
    else:
        shelf.draft("shared/inner", "new\n")
    assert "new" in awaited(lambda: registry.load("a").render().text, "new\n", 0.4)


def torn(text: str) -> str:
    return text[: len(text) // 2]


def conflicted(text: str) -> str:
    return f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n"


DAMAGES: dict[str, Callable[[str], str | None]] = {
    "missing": lambda text: None,
    "empty": lambda text: "",
    "torn": torn,
    "conflicted": conflicted,
}
FILES = ("promptreg.toml", "environments/production.yaml", f"{NAME}/versions.sum", f"{NAME}/versions/1.1.0.txt")


def damage(shelf: Shelf, path: str, how: str) -> Callable[[], None]:
    """Damage a file as a checkout does in passing; returns what makes it whole."""
    whole = (shelf.root / path).read_text(encoding="utf-8")
    left = DAMAGES[how](whole)
    if left is None:
        (shelf.root / path).unlink()
    else:
        shelf.write(path, left)

    def mend() -> None:
        shelf.write(path, whole)

    return mend


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("path", FILES)
def test_while_a_file_is_not_whole_the_last_good_state_answers_with_one_warning(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, path: str, how: str
) -> None:
    registry = shelf.open()
    assert registry.load(NAME).version == "1.0.0"
    moved(shelf)
    mend = damage(shelf, path, how)
    time.sleep(QUIET)
    assert {registry.load(NAME).version for _ in range(3)} == {"1.0.0"}
    assert [message[: len(REFUSED)] for message in warnings_of(caplog)] == [REFUSED]
    mend()
    assert until(lambda: registry.load(NAME), "1.1.0").version == "1.1.0"
    assert len(warnings_of(caplog)) == 1


def test_one_checkout_that_goes_through_several_broken_states_is_one_warning(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    registry = shelf.open()
    registry.load(NAME)
    moved(shelf)
    for path, how in zip(FILES[1:], ("missing", "empty", "torn"), strict=True):
        mend = damage(shelf, path, how)
        time.sleep(QUIET)
        assert registry.load(NAME).version == "1.0.0"
        mend()
    assert len(warnings_of(caplog)) == 1


def test_a_state_that_breaks_again_later_is_warned_about_again(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    moved(shelf)
    registry = shelf.open()
    registry.load(NAME)
    for times, version in ((1, "1.0.0"), (2, "1.1.0")):
        mend = damage(shelf, "environments/production.yaml", "empty")
        time.sleep(QUIET)
        registry.load(NAME)
        registry.load(NAME)
        assert len(warnings_of(caplog)) == times
        mend()
        shelf.pin(f"{NAME}@{version}")
        assert until(lambda: registry.load(NAME), version).version == version


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("path", FILES[1:])
def test_a_first_load_that_met_a_file_in_pieces_succeeds_when_the_file_is_whole(
    shelf: Shelf, path: str, how: str
) -> None:
    moved(shelf)
    registry = shelf.open()
    mend = damage(shelf, path, how)
    with pytest.raises(PromptregError):
        registry.load(NAME)
    mend()
    time.sleep(QUIET)
    assert registry.load(NAME).version == "1.1.0"


def test_a_state_in_which_a_loaded_prompt_is_gone_is_not_taken_over(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.release("billing/refund@1.0.0", "Refund.\n")
    shelf.pin("billing/refund@1.0.0")
    registry = shelf.open()
    registry.load(NAME)
    registry.load("billing/refund")
    del shelf.pins["production"]["billing/refund"]
    moved(shelf)
    assert keeps(lambda: registry.load(NAME)) == {"1.0.0"}
    assert warnings_of(caplog) == [
        (
            f"{REFUSED}billing/refund has no version in production. It has 1.0.0. Promote one: promptreg promote "
            "billing/refund@1.0.0 --to production"
        )
    ]


@pytest.fixture
def synced(tmp_path: Path) -> tuple[Path, Path, Path]:
    """As git-sync does it: `current`, a link to `one`; and `two`, where 1.1.0 is in production."""
    one, two, link = tmp_path / "one", tmp_path / "two", tmp_path / "current"
    answer(one)
    moved(answer(two))
    link.symlink_to("one")
    time.sleep(QUIET)
    return link, one, two


def swap(link: Path, target: str) -> None:
    fresh = link.with_name("fresh")
    fresh.symlink_to(target)
    fresh.replace(link)


def test_a_root_that_is_swapped_as_a_link_is_taken_over(
    synced: tuple[Path, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    link, one, _ = synced
    registry = Registry.open(link, refresh=0)
    snapshot = registry.snapshot("production")
    assert registry.load(NAME).version == snapshot.load(NAME).version == "1.0.0"
    swap(link, "two")
    shutil.rmtree(one)
    assert registry.load(NAME).version == "1.1.0"
    assert registry.versions(NAME) == ["1.0.0", "1.1.0"]
    assert snapshot.load(NAME).version == "1.0.0"
    assert warnings_of(caplog) == []


def test_a_root_whose_link_leads_nowhere_for_a_moment_keeps_the_last_good_state(
    synced: tuple[Path, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    link, _, _ = synced
    registry = Registry.open(link, refresh=0)
    registry.load(NAME)
    link.unlink()
    assert {registry.load(NAME).version for _ in range(3)} == {"1.0.0"}
    link.symlink_to("nowhere")
    assert {registry.load(NAME).version for _ in range(3)} == {"1.0.0"}
    assert len(warnings_of(caplog)) == 1
    swap(link, "two")
    assert registry.load(NAME).version == "1.1.0"


def test_names_follow_a_root_that_was_swapped(synced: tuple[Path, Path, Path]) -> None:
    link, one, two = synced
    Shelf(two).draft("only/here", "New.\n")
    registry = Registry.open(link, refresh=0)
    assert registry.names() == [NAME]
    swap(link, "two")
    shutil.rmtree(one)
    time.sleep(QUIET)
    assert registry.names() == ["only/here", NAME]


def test_a_git_checkout_of_another_commit_is_taken_over(repo: Place) -> None:
    shelf = answer(repo.path / "prompts")
    one = repo.commit("1.0.0")
    moved(shelf)
    two = repo.commit("1.1.0")
    registry = shelf.open()
    for commit, version in ((one, "1.0.0"), (two, "1.1.0"), (one, "1.0.0")):
        repo.git("checkout", "-q", commit)
        assert until(lambda: registry.load(NAME), version).version == version


# Threads


class Rewriter:
    """Rewrites a registry between two states as a clumsy tool does: in place, piece by piece, files gone meanwhile."""

    def __init__(self, shelf: Shelf, states: list[dict[str, bytes]]) -> None:
        self.root = shelf.root
        self.states = states

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for turn in itertools.cycle((1, 0)):
            self.put(self.states[turn], self.states[1 - turn])
            time.sleep(QUIET + 0.04)
            if time.monotonic() > end:
                return

    def put(self, files: dict[str, bytes], before: dict[str, bytes]) -> None:
        for path in before.keys() - files.keys():
            (self.root / path).unlink()
        for path, data in files.items():
            if before.get(path) == data:
                continue
            (self.root / path).unlink(missing_ok=True)
            time.sleep(0.001)
            with (self.root / path).open("wb", buffering=0) as file:
                for start in range(0, len(data), max(len(data) // 3, 1)):
                    file.write(data[start : start + max(len(data) // 3, 1)])
                    time.sleep(0.001)


def test_threads_load_and_render_whole_versions_while_everything_is_rewritten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "promptreg")
    shelf = answer(tmp_path / "prompts")
    shelf.release("shared/tone@1.0.0", "Kind.\n")
    shelf.draft(NAME, "Zero: {{ question }}\n")
    first = Place(shelf.root).files()
    shelf.release("shared/tone@1.1.0", "Curious.\n")
    shelf.release(f"{NAME}@1.1.0", '{% include "shared/tone@1.1.0" %}Two: {{ question }}\n', "shared/tone@1.1.0")
    shelf.pin(f"{NAME}@1.1.0")
    shelf.draft(NAME, "Draft: {{ question }}\n")
    second = Place(shelf.root).files()
    valid = {
        ("1.0.0", shelf.digests[f"{NAME}@1.0.0"], "One: x"),
        ("1.1.0", shelf.digests[f"{NAME}@1.1.0"], "Curious.\nTwo: x"),
        ("draft", sha("Zero: {{ question }}\n"), "Zero: x"),
        ("draft", sha("Draft: {{ question }}\n"), "Draft: x"),
    }
    rewriter = Rewriter(shelf, [first, second])
    rewriter.put(first, second)
    registry = shelf.open(refresh=0.01)
    specs = [NAME, f"{NAME}@production", f"{NAME}@latest", f"{NAME}@^1", f"{NAME}@draft"]
    for spec in specs:
        registry.load(spec)
    seen: set[tuple[str, str, str]] = set()
    problems: list[BaseException] = []
    done = threading.Event()

    def work(number: int) -> None:
        mine = itertools.cycle(specs[number % len(specs) :] + specs[: number % len(specs)])
        try:
            while not done.is_set():
                prompt = registry.load(next(mine), key=f"user-{number}")
                seen.add((prompt.version, prompt.digest, prompt.render(question="x").text))
                time.sleep(0.0005)
        except BaseException as problem:  # noqa: BLE001 - a thread's failure is the test's
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    rewriter.run(1.6)
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert seen == valid


def test_all_loads_of_one_moment_see_one_state(tmp_path: Path) -> None:
    """Two prompts move together; a reader never sees the one moved and the other not within one snapshot."""
    shelf = Shelf(tmp_path)
    for version in ("1.0.0", "2.0.0"):
        for name in ("a", "b"):
            shelf.release(f"{name}@{version}", f"{name} {version}\n")
    for name in ("a", "b"):
        shelf.pin(f"{name}@1.0.0")
    registry = shelf.open()
    registry.load("a")
    for name in ("a", "b"):
        shelf.pin(f"{name}@2.0.0")
    assert (registry.load("a").version, registry.load("b").version) == ("1.0.0", "1.0.0")
    seen = set()
    end = time.monotonic() + 5
    while ("2.0.0", "2.0.0") not in seen and time.monotonic() < end:
        snapshot = registry.snapshot()
        seen.add((snapshot.load("a").version, snapshot.load("b").version))
        registry.load("a")
        time.sleep(0.01)
    assert seen == {("1.0.0", "1.0.0"), ("2.0.0", "2.0.0")}


# Reading never writes

OPERATIONS: dict[str, Callable[[Registry], object]] = {
    "load": lambda registry: registry.load(NAME).render(question="x").messages,
    "draft": lambda registry: registry.load(f"{NAME}@draft").render(question="x"),
    "latest": lambda registry: registry.load(f"{NAME}@latest").inputs,
    "range": lambda registry: registry.load(f"{NAME}@^1").attributes(),
    "key": lambda registry: registry.load(NAME, key="a").render(question="x").for_openai(),
    "skew": lambda registry: registry.load(NAME).render(question="x", passages=["y"]),
    "missing": lambda registry: registry.load("not/there"),
    "broken": lambda registry: registry.load("broken"),
    "names": Registry.names,
    "versions": lambda registry: registry.versions(NAME),
    "environments": Registry.environments,
    "snapshot": lambda registry: registry.snapshot("staging").load(NAME),
    "preload": Registry.preload,
}


def tree(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder with its mode, time of change, and bytes."""
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in [root, *sorted(root.rglob("*"))]
    }


@pytest.mark.parametrize("mode", ["writable", "read-only"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(OPERATIONS)), max_size=6))
def test_a_registry_never_writes(tmp_path: Path, mode: str, operations: list[str]) -> None:
    root = tmp_path / "prompts"
    if not root.exists():
        shelf = answer(root)
        shelf.release(f"{NAME}@1.1.0", "---\ninputs: {question: string, passages: array}\n---\n{{ question }}\n")
        shelf.pin(f"{NAME}@1.0.0", "staging", rollout=("1.1.0", 50))
        shelf.release("broken@1.0.0", "{{ 1 + }}\n")
        shelf.pin("broken@1.0.0")
        if mode == "read-only":
            for path in [root, *root.rglob("*")]:
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    before = tree(root)
    registry = Registry.open(root, refresh=0)
    for operation in operations:
        try:
            OPERATIONS[operation](registry)
        except PromptregError:
            continue
    assert tree(root) == before


def test_errors_of_files_are_file_errors_with_their_place(shelf: Shelf) -> None:
    shelf.write("environments/production.yaml", f"{NAME}:\n  version: 1.0.0\n  diegst: x\n")
    with pytest.raises(FileError) as caught:
        shelf.open().load(NAME)
    assert (caught.value.path, caught.value.line) == ("prompts/environments/production.yaml", 3)
    assert str(caught.value) == "prompts/environments/production.yaml:3: 'diegst: x' cannot stand in an entry."


# What was read too early, or from a folder that is gone


def test_a_partial_released_after_its_line_was_read_does_not_make_a_new_prompt_fail(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.release("tone@1.0.0", "Kind.\n")
    shelf.release("a@1.0.0", '{% include "tone@1.0.0" %}\n', "tone@1.0.0")
    shelf.pin("a@1.0.0")
    time.sleep(QUIET)
    registry = shelf.open(refresh=60)
    registry.load("a")
    shelf.release("tone@1.1.0", "Curious.\n")
    shelf.release("c@1.0.0", '{% include "tone@1.1.0" %}\n', "tone@1.1.0")
    time.sleep(QUIET)
    assert registry.load("c@1.0.0").render().text == "Curious.\n"


def test_a_prompt_that_is_first_asked_for_after_the_root_was_swapped_is_found(synced: tuple[Path, Path, Path]) -> None:
    link, one, two = synced
    shelf = Shelf(two)
    shelf.release("late@1.0.0", "Late.\n")
    time.sleep(QUIET)
    registry = Registry.open(link, refresh=60)
    registry.load(NAME)
    swap(link, "two")
    shutil.rmtree(one)
    assert registry.load("late@1.0.0").render().text == "Late."


def test_raised_limits_reach_prompts_that_were_loaded_before(shelf: Shelf) -> None:
    path = shelf.root / "promptreg.toml"
    path.write_text(f"{path.read_text()}[limits]\noutput = 10\n")
    time.sleep(QUIET)
    registry = shelf.open(refresh=0)
    with pytest.raises(promptreg.LimitError):
        registry.load(NAME).render(question="x" * 50)
    path.write_text(path.read_text().replace("output = 10", "output = 1000"))
    time.sleep(QUIET)
    assert registry.load(NAME).render(question="x" * 50).text.endswith("x" * 50)


@pytest.mark.parametrize("spec", [None, 5, b"a", ["a"]])
def test_a_spec_that_is_no_text_is_told(shelf: Shelf, spec: Any) -> None:
    with pytest.raises(SpecError, match="a spec is a text, such as"):
        shelf.open().load(spec)


def test_an_environment_that_is_no_text_is_told(shelf: Shelf) -> None:
    environment: Any = 5
    with pytest.raises(SpecError, match="environment is a text, such as production, not int"):
        shelf.open().load(NAME, environment=environment)


def test_a_copy_of_a_prompt_is_the_prompt_and_what_a_client_gets_is_a_copy(shelf: Shelf) -> None:
    prompt = shelf.open().load(NAME)
    rendered = prompt.render(question="x")
    assert copy.deepcopy(prompt) is prompt
    before = copy.deepcopy(rendered.messages)
    rendered.for_openai()["messages"][0]["content"] = "changed"
    assert rendered.messages == before


def test_where_a_file_keeps_its_time_and_its_length_a_change_is_seen_all_the_same(shelf: Shelf) -> None:
    shelf.release(f"{NAME}@1.1.0", "Two: {{ question }}\n")
    path = shelf.root / "environments" / "production.yaml"
    time.sleep(QUIET)
    registry = shelf.open(refresh=0)
    assert registry.load(NAME).version == "1.0.0"
    found = path.stat()
    shelf.pin(f"{NAME}@1.1.0")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert path.stat().st_mtime_ns == found.st_mtime_ns
    assert until(lambda: registry.load(NAME), "1.1.0").version == "1.1.0"
