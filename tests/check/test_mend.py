"""`promptreg check --fix`: mends what is mechanical, says so, loses nothing, and has nothing to do the second time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from promptreg.core.pins import read_pins
from promptreg.core.sums import read_sums
from tests.support.place import Place, Ran
from tests.support.worlds import (
    ANSWER,
    ROUTE,
    edit,
    markers,
    release_by_hand,
    result_of,
    rules,
    settled,
    settled_words,
    told,
    without_line,
)

DRAFT = "prompts/support/answer/prompt.md"
FIRST = "prompts/support/answer/versions/1.0.0.txt"
SECOND = "prompts/support/answer/versions/1.1.0.txt"
SUMS = "prompts/support/answer/versions.sum"
ROUTE_DRAFT = "prompts/support/route/prompt.md"
ROUTE_SUMS = "prompts/support/route/versions.sum"
STAGING = "prompts/environments/staging.yaml"
PRODUCTION = "prompts/environments/production.yaml"
SAVED = "prompts/.promptreg/saved/"
MARKS = ("<<<<<<<", ">>>>>>>")


@pytest.fixture
def place(tmp_path, tmp_path_factory) -> Place:
    return settled(tmp_path, tmp_path_factory)


def fixed(place: Place, *arguments: str) -> list[str]:
    """Run --fix; what it says it did. A second run must find nothing to do and change nothing."""
    ran = place.run("check", "--fix", *arguments)
    assert ran.status in (0, 1), ran.err
    before = place.files()
    again = place.run("check", "--fix", *arguments)
    assert [line for line in again.out.split("\n") if line.startswith("fixed ")] == []
    assert place.files() == before
    return [settled_words(line[6:]) for line in ran.out.split("\n") if line.startswith("fixed ")]


def clean(place: Place, base: str = "HEAD") -> Ran:
    """The check that CI makes, of what would be committed."""
    place.git("add", "-A")
    ran = place.run("check", "--base", base, "--json")
    assert rules(ran, "error") == [], told(ran)
    return ran


def versions(place: Place, name: str) -> list[str]:
    return read_sums(place.read(f"prompts/{name}/versions.sum"), "versions.sum").versions()


def pinned(place: Place, environment: str, name: str) -> str:
    return read_pins(place.read(f"prompts/environments/{environment}.yaml"), environment)[name].version


def saved(place: Place) -> Iterator[str]:
    """The texts that were kept aside."""
    for path in sorted(place.files()):
        if path.startswith(SAVED):
            yield place.read(path)


# Frozen files


def test_nothing_is_done_where_nothing_is_wrong(place):
    before = place.files()
    assert fixed(place) == []
    assert place.files() == before


def test_an_edit_of_a_frozen_file_moves_to_the_draft(place):
    good = place.read(SECOND)
    edit(place, SECOND, "in one line", "in one line, please")
    edited = place.read(SECOND)
    assert fixed(place) == [f"{SECOND}: put back; your edit is in {DRAFT}."]
    assert (place.read(SECOND), place.read(DRAFT)) == (good, edited)
    clean(place)


def test_an_edit_is_kept_aside_where_the_draft_has_changes_of_its_own(place):
    edit(place, DRAFT, "in one line", "in my own words")
    draft, good = place.read(DRAFT), place.read(SECOND)
    edit(place, SECOND, "in one line", "in one line, please")
    edited = place.read(SECOND)
    (line,) = fixed(place)
    assert line.startswith(f"{SECOND}: put back; your edit is in {SAVED}support__answer-1.1.0-")
    assert line.endswith(".md (prompt.md has changes of its own).")
    assert (place.read(SECOND), place.read(DRAFT), list(saved(place))) == (good, draft, [edited])
    assert place.git("status", "--short") == f"M {DRAFT}"


def test_edits_of_two_versions_are_both_kept(place):
    edit(place, FIRST, "shortly", "quickly")
    edit(place, SECOND, "in one line", "in one line, please")
    edits = {place.read(FIRST), place.read(SECOND)}
    assert len(fixed(place)) == 2
    assert edits <= {place.read(DRAFT), *saved(place)}
    clean(place)


def test_an_edit_that_is_no_text_is_kept_all_the_same(place):
    data = b"\xff\xfe\x00 not text"
    place.write(SECOND, data)
    fixed(place)
    kept = [content for path, content in place.files().items() if path.startswith(SAVED) or path == DRAFT]
    assert data in kept
    clean_second = place.git("diff", "--name-only", "HEAD", "--", SECOND)
    assert clean_second == ""


def test_an_edit_where_the_draft_was_deleted_becomes_the_draft(place):
    (place.path / DRAFT).unlink()
    edit(place, SECOND, "in one line", "in one line, please")
    edited = place.read(SECOND)
    assert fixed(place) == [f"{SECOND}: put back; your edit is in {DRAFT}."]
    assert place.read(DRAFT) == edited


@pytest.mark.parametrize(
    "formatted",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text + "\n\n",
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("---\n{%", "---\n\n{%"),
        lambda text: text.replace(" ", "  "),
    ],
    ids=["line ends", "lines at the end", "no last line end", "an empty line", "spaces"],
)
def test_a_formatters_change_is_undone_and_is_no_edit(place, formatted):
    good, draft = place.read(SECOND), place.read(DRAFT)
    place.write(SECOND, formatted(good))
    assert fixed(place) == [f"{SECOND}: put back (only white space differed; exclude versions/ from your formatter)."]
    assert (place.read(SECOND), place.read(DRAFT), list(saved(place))) == (good, draft, [])


@pytest.mark.parametrize("staged", [False, True], ids=["in the working tree", "staged"])
def test_deleted_versions_lines_and_results_come_back(place, staged):
    before = place.files()
    result, outputs = result_of(place, "1.1.0"), result_of(place, "1.1.0", ".outputs.jsonl")
    for path in (FIRST, SUMS, result):
        (place.path / path).unlink()
    if staged:
        place.git("add", "-A")
    assert sorted(fixed(place)) == [
        f"{SUMS}: put back the lines of base.",
        f"{FIRST}: put back; released versions stay.",
        f"{settled_words(result)}: put back; a stored result is evidence.",
    ]
    assert place.files() == before
    assert outputs in before


def test_deleted_outputs_stay_deleted(place):
    (place.path / result_of(place, "1.1.0", ".outputs.jsonl")).unlink()
    before = place.files()
    assert fixed(place) == []
    assert place.files() == before


def test_an_edited_result_is_put_back(place):
    result = result_of(place, "1.1.0")
    good = place.read(result)
    edit(place, result, '"n": 40', '"n": 41')
    assert fixed(place) == [f"{settled_words(result)}: put back; a stored result is evidence."]
    assert place.read(result) == good


def test_lines_that_were_changed_come_back_and_new_ones_stay(place):
    place.write(DRAFT, ANSWER.replace("shortly", "in two lines"))
    place.ok("release", "support/answer", "-m", "New")
    place.ok("yank", "support/answer@1.0.0", "-m", "Too long")
    good = place.read(SUMS)
    without_line(place, SUMS, "1.0.0 sha256")
    assert fixed(place) == [f"{SUMS}: put back the lines of base."]
    assert sorted(place.read(SUMS).splitlines()) == sorted(good.splitlines())
    clean(place)


def test_a_prompt_that_went_while_it_is_pinned_comes_back(place):
    before = place.files()
    place.git("rm", "-rq", "prompts/support/answer")
    assert rules(place.run("check", "--base", "HEAD", "--json"), "error").count("prompt-removed") == 1
    fixed(place)
    after = place.files()
    assert {path: after.get(path) for path in (SUMS, FIRST, SECOND)} == {
        path: before[path] for path in (SUMS, FIRST, SECOND)
    }
    clean(place)


def test_a_prompt_that_nothing_needs_may_stay_away(place):
    place.git("rm", "-rq", "prompts/old/unused")
    assert fixed(place) == []
    assert not (place.path / "prompts/old/unused").exists()


# A pull request that is reverted


def shipped_and_reverted(place: Place, path: str, text: str, name: str) -> None:
    """main ships a prompt; the branch revert takes that commit back, as GitHub's button does."""
    place.write(path, text)
    place.ok("ship", name, "--to", "production", "-m", "A mistake")
    place.commit("Ship a mistake (#214)")
    place.git("checkout", "-q", "-b", "revert")
    place.git("revert", "--no-edit", "HEAD")


def test_a_reverted_ship_says_what_it_looks_like(place):
    shipped_and_reverted(place, DRAFT, ANSWER.replace("shortly", "never"), "support/answer")
    ran = place.run("check", "--base", "main")
    assert ran.status == 1
    assert "revert" in ran.out.lower()
    assert "promptreg check --fix" in ran.out


@pytest.mark.parametrize("name", ["support/answer", "support/route"])
def test_a_reverted_ship_keeps_the_versions_and_leaves_the_pins_as_reverted(place, name):
    text = (
        ANSWER.replace("shortly", "never") if name == "support/answer" else ROUTE.replace("letter", "c") + "{# x #}\n"
    )
    before = {environment: pinned(place, environment, name) for environment in ("staging", "production")}
    shipped_and_reverted(place, f"prompts/{name}/prompt.md", text, name)
    shipped = place.git("show", f"main:prompts/{name}/versions.sum") + "\n"
    assert fixed(place, "--base", "main")
    assert place.read(f"prompts/{name}/versions.sum") == shipped
    assert {environment: pinned(place, environment, name) for environment in before} == before
    assert rules(clean(place, "main")).count("rollback") == 2


def test_a_reverted_first_ship_keeps_the_prompt(place):
    shipped_and_reverted(place, "prompts/new/one/prompt.md", "One.\n", "new/one")
    fixed(place, "--base", "main")
    assert versions(place, "new/one") == ["1.0.0"]
    assert place.read("prompts/new/one/versions/1.0.0.txt") == "One.\n"
    clean(place, "main")


# Merges


def git_fails(place: Place, *arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=place.path, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    assert "CONFLICT" in done.stdout


def two_ships(place: Place, path: str, name: str, ours: str, theirs: str) -> None:
    """main and the branch ours each ship another text of a prompt, under the same number."""
    place.git("checkout", "-q", "-b", "ours")
    place.write(path, ours)
    place.ok("ship", name, "--to", "production", "--bump", "minor", "-m", "Ours")
    place.commit("Ours")
    place.git("checkout", "-q", "main")
    place.write(path, theirs)
    place.ok("ship", name, "--to", "production", "--bump", "minor", "-m", "Theirs")
    place.commit("Theirs")
    place.git("checkout", "-q", "ours")


def two_answers(place: Place) -> None:
    two_ships(place, DRAFT, "support/answer", ANSWER.replace("shortly", "ours"), ANSWER.replace("shortly", "theirs"))


def no_markers(place: Place) -> None:
    marked = [
        path
        for path, data in place.files().items()
        if not path.startswith(SAVED) and any(mark.encode() in data for mark in MARKS)
    ]
    assert marked == []


@pytest.mark.parametrize("way", ["merge", "rebase"])
def test_two_releases_under_one_number_are_settled_as_the_message_says(place, way):
    """Settle prompt.md by hand, then: promptreg check --fix && promptreg ship --changed."""
    two_answers(place)
    git_fails(place, way, "main")
    place.write(DRAFT, ANSWER.replace("shortly", "ours and theirs"))
    fixed(place)
    no_markers(place)
    assert place.read("prompts/support/answer/versions/1.2.0.txt") == ANSWER.replace("shortly", "theirs")
    assert versions(place, "support/answer") == ["1.0.0", "1.1.0", "1.2.0"]
    assert pinned(place, "production", "support/answer") == "1.2.0"
    place.ok("ship", "--changed", "--to", "production", "-m", "Both")
    assert versions(place, "support/answer") == ["1.0.0", "1.1.0", "1.2.0", "1.2.1"]
    place.git("add", "-A")
    if way == "merge":
        place.git("commit", "-q", "-m", "Merge")
    else:
        place.git("-c", "core.editor=true", "rebase", "--continue")
    clean(place, "main")
    assert pinned(place, "production", "support/answer") == "1.2.1"


@pytest.mark.parametrize("way", ["merge", "rebase"])
def test_results_of_a_release_that_lost_its_number_do_not_stay_in_the_way(place, way):
    letter = ROUTE.replace("letter", "c")
    two_ships(place, ROUTE_DRAFT, "support/route", f"{letter}{{# ours #}}\n", f"{letter}{{# theirs #}}\n")
    git_fails(place, way, "main")
    place.write(ROUTE_DRAFT, f"{letter}{{# both #}}\n")
    fixed(place)
    no_markers(place)
    place.ok("ship", "--changed", "--to", "production", "-m", "Both")
    place.git("add", "-A")
    if way == "merge":
        place.git("commit", "-q", "-m", "Merge")
    else:
        place.git("-c", "core.editor=true", "rebase", "--continue")
    clean(place, "main")


def test_a_draft_that_was_settled_as_theirs_stays_what_it_is(place):
    two_answers(place)
    git_fails(place, "rebase", "main")
    theirs = ANSWER.replace("shortly", "theirs")
    place.write(DRAFT, theirs)
    fixed(place)
    assert place.read(DRAFT) == theirs
    no_markers(place)


def test_after_mending_the_findings_name_the_files_that_still_have_markers(place):
    two_answers(place)
    git_fails(place, "merge", "main")
    place.write(DRAFT, ANSWER.replace("shortly", "ours and theirs"))
    place.run("check", "--fix")
    ran = place.run("check", "--json")
    accused = {found["path"] for found in ran.json["findings"] if "markers" in found["message"]}
    assert accused == {path for path in accused if MARKS[0] in place.read(path)}


def test_entries_of_two_prompts_that_stand_side_by_side_are_settled(place):
    place.git("checkout", "-q", "-b", "ours")
    place.draft("support/zed", "Zed.\n")
    place.ok("ship", "support/zed", "--to", "staging", "-m", "Zed")
    place.commit("Ours")
    place.git("checkout", "-q", "main")
    place.draft("support/yak", "Yak.\n")
    place.ok("ship", "support/yak", "--to", "staging", "-m", "Yak")
    place.commit("Theirs")
    place.git("checkout", "-q", "ours")
    git_fails(place, "merge", "main")
    assert fixed(place) == [
        f"{STAGING}: took the settled branch's pins for support/zed. Ship again what this branch wanted."
    ]
    no_markers(place)
    assert pinned(place, "staging", "support/yak") == "1.0.0"
    assert pinned(place, "staging", "support/answer") == "1.1.0"
    place.ok("ship", "support/zed", "--to", "staging")
    place.git("add", "-A")
    place.git("commit", "-q", "-m", "Merge")
    clean(place, "main")
    assert pinned(place, "staging", "support/zed") == "1.0.0"


@pytest.mark.parametrize("style", ["merge", "zdiff3"])
def test_sums_keep_the_lines_of_both_sides_whatever_gits_conflict_style(place, style):
    place.git("config", "merge.conflictStyle", style)
    place.git("checkout", "-q", "-b", "ours")
    place.ok("yank", "support/answer@1.0.0", "-m", "Ours")
    place.commit("Ours")
    place.git("checkout", "-q", "main")
    release_by_hand(place, "support/answer", "1.2.0", ANSWER.replace("shortly", "theirs"), _tone(place))
    place.commit("Theirs")
    place.git("checkout", "-q", "ours")
    git_fails(place, "merge", "main")
    assert fixed(place) == [f"{SUMS}: kept the versions of both sides."]
    sums = read_sums(place.read(SUMS), SUMS)
    assert sums.versions() == ["1.0.0", "1.1.0", "1.2.0"]
    assert sums.releases["1.0.0"].yanked == "Ours"
    place.git("add", "-A")
    place.git("commit", "-q", "-m", "Merge")
    clean(place, "main")


def _tone(place: Place) -> dict[str, str]:
    line = place.read("prompts/shared/tone/versions.sum").split(" ")
    return {"shared/tone@1.0.0": line[1]}


def test_comments_in_an_environment_file_stay_when_its_conflict_is_settled(place):
    place.write(STAGING, "# Ask Aki first.\n" + place.read(STAGING))
    place.commit("A comment")
    two_answers(place)
    git_fails(place, "merge", "main")
    place.write(DRAFT, ANSWER.replace("shortly", "ours and theirs"))
    fixed(place)
    assert place.read(STAGING).startswith("# Ask Aki first.\n")


def test_markers_in_an_environment_file_need_a_branch_that_is_settled(place):
    place.git("branch", "-m", "main", "trunk")
    lines = place.read(STAGING).splitlines(keepends=True)
    place.write(STAGING, markers("".join(lines[:4]), "".join(lines[:4])) + "".join(lines[4:]))
    before = place.files()
    ran = place.run("check", "--fix")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"promptreg: {STAGING} has conflict markers. Which branch is settled? --base main\n"
    assert place.files() == before
    place.ok("check", "--fix", "--base", "trunk")
    no_markers(place)


# Pins after an amended release


def test_pins_follow_an_amended_release(place):
    place.git("checkout", "-q", "-b", "feature")
    place.write(DRAFT, ANSWER.replace("shortly", "in three words"))
    place.ok("ship", "support/answer", "--to", "production", "-m", "Shorter")
    place.commit("Ship")
    place.write(DRAFT, ANSWER.replace("shortly", "in four words"))
    place.ok("release", "support/answer", "--amend")
    version = versions(place, "support/answer")[-1]
    assert rules(place.run("check", "--base", "main", "--json"), "error") == ["pin-digest", "pin-digest"]
    assert fixed(place, "--base", "main") == [
        f"{STAGING}: support/answer {version} has its amended digest.",
        f"{PRODUCTION}: support/answer {version} has its amended digest.",
    ]
    clean(place, "main")
    place.ok("render", "support/answer@production", "-i", "question=x")


def test_a_waiver_does_not_follow_an_amended_release(place):
    place.git("checkout", "-q", "-b", "feature")
    place.write(ROUTE_DRAFT, ROUTE.replace("letter", "b") + "{# worse #}\n")
    place.ok("release", "support/route")
    place.ok("eval", "support/route@latest")
    place.ok("promote", "support/route", "--to", "staging", "--force", "-m", "The customer waits")
    place.write(ROUTE_DRAFT, ROUTE.replace("letter", "b") + "{# worse still #}\n")
    place.ok("release", "support/route", "--amend")
    fixed(place, "--base", "main")
    assert "waiver" not in place.read(STAGING)
    assert "gate" in rules(place.run("check", "--base", "main", "--json"), "error")


# One thing does not stop another


def test_a_message_that_speaks_of_yanked_is_no_withdrawal(place):
    good = place.read(SUMS)
    edit(place, SUMS, "# First", "# First, yanked once")
    assert fixed(place) == [f"{SUMS}: put back the lines of base."]
    assert place.read(SUMS) == good
    clean(place)


def test_a_mode_is_nothing_to_mend(place):
    (place.path / FIRST).chmod(0o755)
    assert fixed(place) == []
    assert (place.path / FIRST).stat().st_mode & 0o777 == 0o755


def test_a_versions_sum_that_is_no_text_comes_back_and_what_stood_there_is_kept(place):
    good = place.read(SUMS)
    place.write(SUMS, b"\xff\xfe")
    (line,) = fixed(place)
    assert line.startswith(
        f"{SUMS}: put back the lines of base; what stood there is in {SAVED}support__answer-versions-"
    )
    assert place.read(SUMS) == good
    assert [data for path, data in place.files().items() if path.startswith(SAVED)] == [b"\xff\xfe"]


@pytest.mark.parametrize("path", [PRODUCTION, "prompts/old/unused/versions/1.0.0.txt"])
def test_what_cannot_be_read_stops_nothing_else(place, path):
    """An environment that is no text, and a link that leads out of the registry."""
    if path == PRODUCTION:
        place.write(path, b"\xff\xfe<<<<<<< ")
    else:
        (place.path / path).unlink()
        (place.path / path).symlink_to("/etc/hostname")
    edit(place, FIRST, "shortly", "quickly")
    good = place.git("show", f"HEAD:{FIRST}") + "\n"
    (line,) = fixed(place)
    assert line.startswith(f"{FIRST}: put back; your edit is in ")
    assert place.read(FIRST) == good
    ran = place.run("check", "--base", "HEAD", "--json")
    assert [found["path"] for found in ran.json["findings"] if found["severity"] == "error"] == [path]


# What it cannot do


def test_a_pin_of_a_settled_version_is_not_mended_to_another_digest(place):
    edit(place, STAGING, "digest: sha256:", "digest: sha256:0000")
    edited = place.read(STAGING)
    ran = place.run("check", "--fix")
    assert ran.status == 1
    assert place.read(STAGING) == edited


def test_without_a_repository_it_says_what_it_needs(folder):
    folder.registry()
    before = folder.files()
    ran = folder.run("check", "--fix")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "promptreg: --fix restores from a base revision, and there is none. Name one: --base main\n"
    assert folder.files() == before


def test_what_was_fixed_is_in_the_json_too(place):
    (place.path / FIRST).unlink()
    assert place.ok("check", "--fix", "--json").json["fixed"] == [f"{FIRST}: put back; released versions stay."]
