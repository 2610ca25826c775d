from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.shipping import (
    ALSO_RIGHT,
    RIGHT,
    STAGED,
    WRONG,
    begun,
    calls,
    cases,
    in_production,
    logged_suite,
    pinned,
    prepared,
    said,
    versions,
)

NAME = "support/answer"
SUMS = f"prompts/{NAME}/versions.sum"


@pytest.fixture
def registry(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, begun)


@pytest.fixture
def shipped(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, in_production)


@pytest.fixture
def gated(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Staging before production, 20 cases; 1.0.0 passes them all and is in both; committed on main."""
    return prepared(tmp_path_factory, tmp_path, _gated)


def _gated(place: Place) -> None:
    begun(place)
    place.write("prompts/promptreg.toml", STAGED)
    place.suite(NAME, cases(20))
    place.draft(NAME, RIGHT)
    place.ok("ship", NAME, "--to", "production", "-m", "First")
    place.commit("Ship")


def branch(place: Place) -> Place:
    place.git("checkout", "-q", "-b", "feature")
    return place


def results(place: Place, version: str) -> list[str]:
    folder = place.path / f"prompts/{NAME}/evals/results/{version}"
    return sorted(path.name for path in folder.glob("*.json")) if folder.exists() else []


def pins(place: Place) -> tuple[str | None, str | None]:
    return pinned(place, NAME, "staging"), pinned(place, NAME)


# Edit to production


def test_one_command_releases_evaluates_and_promotes_through_every_environment_on_the_way(gated: Place):
    gated.draft(NAME, ALSO_RIGHT)
    ran = gated.ok("ship", NAME, "--to", "production", "-m", "Better", "--json")
    facts = ran.json
    assert [(row["name"], row["version"], row["bump"]) for row in facts["released"]] == [(NAME, "1.0.1", "patch")]
    assert [(row["version"], row["calls"]) for row in facts["planned"]] == [("1.0.1", 20)]
    assert [(row["environment"], row["from"], row["to"], row["verdict"]) for row in facts["moved"]] == [
        ("staging", "1.0.0", "1.0.1", "pass"),
        ("production", "1.0.0", "1.0.1", "pass"),
    ]
    assert (facts["schema"], facts["refused"], facts["cost_usd"]) == (1, [], 0)
    assert gated.ok("check", "--base", "HEAD").status == 0


def test_what_the_gate_lacks_is_run_once_for_all_environments(gated: Place):
    gated.draft(NAME, "{{ question }}{# other words, the same answer #} {{ '' }}\n")
    logged_suite(gated, NAME, cases(3))
    gated.commit("Another setup")
    gated.draft(NAME, "{{ question }}  {{ '' }}\n")
    facts = gated.run("ship", NAME, "--to", "production", "--allow-code", "--json").json
    assert [(row["version"], row["calls"]) for row in facts["planned"]] == [("1.0.1", 3), ("1.0.0", 3)]
    assert (facts["calls"], calls(gated)) == (6, 6)


def test_each_step_is_shown(gated: Place):
    gated.draft(NAME, "Well, {{ question }}\n")
    lines = gated.run("ship", NAME, "--to", "production", "-m", "Better").out.splitlines()
    assert lines[0] == "support/answer@draft, ahead of 1.0.0"
    assert lines[1].startswith("released support/answer 1.0.1  (patch after 1.0.0)")
    assert any(
        line.startswith("support/answer@1.0.1  suite  echo (not a language model)  20 cases × 1") for line in lines
    )
    assert any("BLOCKED  support/answer 1.0.1 → staging (1.0.0 there now)" in line for line in lines)


def test_it_stops_where_one_refuses_and_goes_no_further(gated: Place):
    gated.draft(NAME, WRONG)
    ran = gated.run("ship", NAME, "--to", "production", "--json")
    assert ran.status == 1
    assert ran.json["moved"] == []
    assert [(row["environment"], row["gate"]["verdict"]) for row in ran.json["refused"]] == [("staging", "regressed")]
    assert pins(gated) == ("1.0.0", "1.0.0")
    assert versions(gated, NAME) == ["1.0.0", "1.0.1"]


def test_where_only_the_last_environment_refuses_the_ones_before_have_moved(gated: Place):
    toml = STAGED.replace("[environments.staging]", '[environments.staging]\nmode = "lenient"')
    gated.write("prompts/promptreg.toml", toml)
    gated.draft(NAME, WRONG)
    ran = gated.run("ship", NAME, "--to", "production", "--json")
    assert ran.status == 1
    assert [(row["environment"], row["from"], row["to"]) for row in ran.json["moved"]] == [
        ("staging", "1.0.0", "1.0.1")
    ]
    assert [row["environment"] for row in ran.json["refused"]] == ["production"]
    assert pins(gated) == ("1.0.1", "1.0.0")


def test_what_did_not_move_is_not_listed_as_moved(gated: Place):
    """Staging has the version since long ago; production refuses it."""
    gated.write(
        "prompts/promptreg.toml", STAGED.replace("[environments.staging]", '[environments.staging]\nmode = "lenient"')
    )
    gated.draft(NAME, WRONG)
    gated.ok("ship", NAME, "--to", "staging")
    gated.commit("In staging")
    ran = gated.run("ship", NAME, "--to", "production", "--json")
    assert ran.status == 1
    assert ran.json["moved"] == []


def test_a_case_that_does_not_fit_stops_before_the_first_call(gated: Place):
    logged_suite(gated, NAME, [*cases(3), {"id": "odd", "inputs": {"other": 1}, "expected": "x"}])
    gated.draft(NAME, ALSO_RIGHT)
    ran = gated.run("ship", NAME, "--to", "staging", "--allow-code")
    assert ran.status == 2
    assert "odd" in said(ran)
    assert calls(gated) == 0
    assert pins(gated) == ("1.0.0", "1.0.0")


def test_a_dry_run_says_what_would_be_released_and_writes_nothing(gated: Place):
    gated.draft(NAME, ALSO_RIGHT)
    before = gated.files()
    ran = gated.ok("ship", NAME, "--to", "production", "--dry-run")
    assert "would release support/answer 1.0.1" in ran.out
    assert gated.files() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["support/anser"], "There is no prompt support/anser under prompts. Did you mean support/answer?"),
        (["nowhere/*"], "No prompt matches nowhere/*."),
    ],
)
def test_a_ship_that_cannot_be(shipped: Place, arguments: list[str], message: str):
    shipped.draft(NAME, RIGHT)
    before = shipped.files()
    ran = shipped.run("ship", *arguments, "--to", "production")
    assert (ran.status, said(ran)) == (2, message)
    assert shipped.files() == before


def test_an_environment_that_is_not_there_is_told_before_anything_is_released(shipped: Place):
    shipped.draft(NAME, RIGHT)
    before = shipped.files()
    ran = shipped.run("ship", NAME, "--to", "staging")
    assert (ran.status, said(ran)) == (2, "There is no environment staging. There is production.")
    assert shipped.files() == before


def test_what_was_yanked_is_not_shipped_again_under_another_number(shipped: Place):
    """Nobody touched the draft since: it still says what was withdrawn."""
    shipped.draft(NAME, RIGHT)
    shipped.ok("release", NAME)
    shipped.ok("yank", f"{NAME}@1.0.1", "-m", "Leaks the ticket number")
    shipped.commit()
    ran = shipped.run("ship", "--all", "--to", "production")
    assert versions(shipped, NAME) == ["1.0.0", "1.0.1"]
    assert pinned(shipped, NAME) == "1.0.0"
    assert "Leaks the ticket number" in ran.out + ran.err


def test_a_budget_is_for_the_whole_road(gated: Place):
    """Staging and production run different versions, so that each needs a baseline of its own."""
    logged_suite(gated, NAME, cases(3))
    gated.draft(NAME, ALSO_RIGHT)
    gated.ok("ship", NAME, "--to", "staging", "--allow-code")
    gated.commit("1.0.1 in staging")
    for path in (gated.path / f"prompts/{NAME}/evals/results").rglob("*.json*"):
        path.unlink()
    made = calls(gated)
    gated.draft(NAME, "{{ question }}\t\n")
    ran = gated.run("ship", NAME, "--to", "production", "--allow-code", "--max-calls", "6")
    assert ran.status == 2
    assert "--max-calls allows 6" in said(ran)
    assert calls(gated) - made <= 6


@pytest.mark.parametrize(
    ("file", "text", "arguments", "words"),
    [
        ("evals/suite.yaml", "provider: command:sh -c true\nscorers: {a: {type: exact}}\n", [], "--allow-code"),
        ("evals/suite.yaml", "provider: echo\nscorers: {a: {type: exakt}}\n", [], "exakt"),
        ("evals/cases.jsonl", '{"id": "c", "inputs": {}, "expected": "x"}\n', [], "question"),
        ("prompt.md", WRONG, ["--max-calls", "3"], "--max-calls allows 3"),
        ("prompt.md", "{{ question }} {% if %}\n", [], "prompt.md"),
    ],
)
def test_what_stands_against_a_later_step_is_found_before_the_first_one_writes(
    gated: Place, file: str, text: str, arguments: list[str], words: str
):
    gated.draft(NAME, WRONG)
    gated.write(f"prompts/{NAME}/{file}", text)
    before = gated.files()
    ran = gated.run("ship", NAME, "--to", "production", *arguments)
    assert (ran.status, gated.files()) == (2, before)
    assert words in said(ran)


# Several


def test_a_partial_and_what_includes_it_go_in_one_ship(shipped: Place):
    shipped.draft("shared/tone", "Be kind.\n")
    shipped.draft(NAME, '{{ question }}{% include "shared/tone@1.0.0" %}\n')
    shipped.ok("ship", "--changed", "--to", "production", "--json")
    assert (pinned(shipped, NAME), pinned(shipped, "shared/tone")) == ("1.0.1", None)
    assert shipped.ok("check").status == 0
    assert shipped.ok("rollback", "--in", "production").out.endswith("support/answer 1.0.1 → 1.0.0\n")


def test_a_partial_and_what_includes_it_can_be_shipped_again_after_an_edit(shipped: Place):
    """Run again after review, both are replaced: nobody has either of them yet."""
    branch(shipped)
    shipped.draft("shared/tone", "Be kind.\n")
    shipped.draft(NAME, '{{ question }}{% include "shared/tone@1.0.0" %}\n')
    shipped.ok("ship", "--changed", "--to", "production", "--json")
    shipped.commit("Ship")
    shipped.draft("shared/tone", "Be very kind.\n")
    shipped.ok("ship", "--changed", "--to", "production", "--json")
    assert (
        shipped.ok("render", f"{NAME}@production", "-i", "question=x", "--json")
        .json["text"]
        .endswith("Be very kind.\n")
    )
    assert shipped.ok("check").status == 0


def test_what_is_refused_for_one_leaves_the_others_unreleased_too(shipped: Place):
    """tone was made by this branch and answer was not: that they are released in two ways changes nothing."""
    branch(shipped)
    shipped.draft("shared/tone", "Be kind.\n")
    shipped.ok("release", "shared/tone")
    shipped.draft("shared/tone", "---\ninputs: {x: string}\n---\n{{ y }}\n")
    shipped.draft(NAME, RIGHT)
    before = shipped.files()
    shipped.ok("ship", NAME, "shared/tone", "--to", "production", "--json", status=2)
    assert shipped.files() == before


def test_a_partial_that_is_made_anew_comes_before_what_includes_it(shipped: Place):
    """tone is released anew in its own place, and answer for the first time since main: tone has to come first."""
    branch(shipped)
    shipped.draft("shared/tone", "Be kind.\n")
    shipped.ok("release", "shared/tone")
    shipped.draft("shared/tone", "Be very kind.\n")
    shipped.draft(NAME, '{{ question }}{% include "shared/tone@1.0.0" %}\n')
    shipped.ok("ship", NAME, "shared/tone", "--to", "production", "--json")
    assert shipped.ok("render", f"{NAME}@1.0.1", "-i", "question=x", "--json").json["text"].endswith("Be very kind.\n")


# Again


def test_again_after_an_edit_it_replaces_what_this_branch_made(gated: Place):
    branch(gated)
    gated.draft(NAME, WRONG)
    gated.ok("ship", NAME, "--to", "production", status=1)
    gated.commit("First try")
    gated.draft(NAME, ALSO_RIGHT)
    facts = gated.ok("ship", NAME, "--to", "production", "--json").json
    assert [(row["version"], row["replaces"]) for row in facts["released"]] == [("1.0.1", "1.0.1")]
    assert versions(gated, NAME) == ["1.0.0", "1.0.1"]
    assert pins(gated) == ("1.0.1", "1.0.1")
    assert gated.ok("check").status == 0


def test_again_with_another_bump_the_number_changes_and_the_old_one_is_gone(gated: Place):
    branch(gated)
    gated.draft(NAME, ALSO_RIGHT)
    gated.ok("ship", NAME, "--to", "production")
    gated.commit("First try")
    gated.draft(NAME, "---\nmodel: gpt-4.1\ninputs: {question: any}\n---\n" + ALSO_RIGHT)
    gated.ok("ship", NAME, "--to", "production")
    assert versions(gated, NAME) == ["1.0.0", "1.1.0"]
    assert pins(gated) == ("1.1.0", "1.1.0")
    assert results(gated, "1.0.1") == []
    catalog = gated.project().head.catalog
    assert [catalog.pin(where, NAME).previous[0] for where in ("staging", "production")] == ["1.0.0", "1.0.0"]
    assert gated.ok("check").status == 0


def test_again_with_nothing_to_do_nothing_changes(gated: Place):
    branch(gated)
    gated.draft(NAME, ALSO_RIGHT)
    gated.ok("ship", NAME, "--to", "production")
    before = gated.files()
    ran = gated.ok("ship", NAME, "--to", "production", "--json")
    assert ran.json["released"] == ran.json["results"] == ran.json["refused"] == []
    assert gated.files() == before
    assert "Nothing to release" in gated.ok("ship", NAME, "--to", "production").out


def test_again_on_main_after_a_commit_it_is_a_new_version(shipped: Place):
    shipped.draft(NAME, RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    shipped.commit()
    shipped.draft(NAME, ALSO_RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    assert versions(shipped, NAME) == ["1.0.0", "1.0.1", "1.0.2"]


def test_with_a_remote_what_it_does_not_have_is_replaced_even_on_main(shipped: Place):
    shipped.git("init", "-q", "--bare", str(shipped.path / ".git/remote"))
    shipped.git("remote", "add", "origin", f"file://{shipped.path}/.git/remote")
    shipped.git("push", "-q", "origin", "main")
    shipped.draft(NAME, RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    shipped.commit("Not pushed")
    shipped.draft(NAME, ALSO_RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    assert versions(shipped, NAME) == ["1.0.0", "1.0.1"]
    shipped.commit("Not pushed either")
    shipped.git("push", "-q", "origin", "main")
    shipped.draft(NAME, "Third {{ question }}\n")
    shipped.ok("ship", NAME, "--to", "production")
    assert versions(shipped, NAME) == ["1.0.0", "1.0.1", "1.0.2"]


def test_before_the_first_commit_everything_is_replaced(repo: Place):
    repo.registry()
    for text in (RIGHT, ALSO_RIGHT):
        repo.draft(NAME, text)
        repo.ok("ship", NAME, "--to", "production")
    assert versions(repo, NAME) == ["1.0.0"]


def test_without_git_every_ship_makes_a_version(folder: Place):
    folder.registry()
    for text in (RIGHT, ALSO_RIGHT):
        folder.draft(NAME, text)
        folder.ok("ship", NAME, "--to", "production")
    assert versions(folder, NAME) == ["1.0.0", "1.0.1"]
    assert pinned(folder, NAME) == "1.0.1"


def test_two_prompts_of_one_branch_can_be_shipped_one_after_the_other(shipped: Place):
    branch(shipped)
    shipped.draft(NAME, RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    shipped.commit()
    shipped.draft("support/refund")
    shipped.ok("ship", "--changed", "--to", "production")
    assert (pinned(shipped, NAME), pinned(shipped, "support/refund")) == ("1.0.1", "1.0.0")
    assert shipped.ok("check").status == 0


# With main going on


def test_on_a_branch_that_main_has_left_behind_main_does_not_count(shipped: Place):
    branch(shipped)
    shipped.draft(NAME, RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    shipped.commit("Ours")
    shipped.git("checkout", "-q", "main")
    shipped.draft("billing/refund")
    shipped.ok("ship", "billing/refund", "--to", "production")
    shipped.commit("Theirs")
    shipped.git("checkout", "-q", "feature")
    shipped.draft(NAME, ALSO_RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    assert versions(shipped, NAME) == ["1.0.0", "1.0.1"]
    shipped.commit("Ours again")
    shipped.git("rebase", "-q", "main")
    shipped.draft(NAME, "Third {{ question }}\n")
    shipped.ok("ship", "--changed", "--to", "production")
    assert versions(shipped, NAME) == ["1.0.0", "1.0.1"]
    assert pinned(shipped, "billing/refund") == "1.0.0"
    assert shipped.ok("check", "--base", "main").status == 0


@pytest.mark.parametrize("way", ["merge", "rebase"])
def test_after_a_conflict_check_fix_and_ship_bring_the_branch_on_top_of_main(shipped: Place, way: str):
    """Both released 1.0.1. What main has stays, and what the branch wants becomes the next version."""
    branch(shipped)
    shipped.draft(NAME, "Ours {{ question }}\n")
    shipped.ok("ship", NAME, "--to", "production", "-m", "Ours")
    shipped.commit("Ours")
    shipped.git("checkout", "-q", "main")
    shipped.draft(NAME, "Theirs {{ question }}\n")
    shipped.ok("ship", NAME, "--to", "production", "-m", "Theirs")
    theirs = shipped.read(SUMS)
    shipped.commit("Theirs")
    shipped.git("checkout", "-q", "feature")
    with pytest.raises(subprocess.CalledProcessError):
        shipped.git(way, "main")
    assert "<<<<<<< " in shipped.read(SUMS)
    ran = shipped.run("ship", NAME, "--to", "production")
    assert ran.status == 2
    assert "merge conflict markers" in said(ran)
    shipped.draft(NAME, "Ours and theirs {{ question }}\n")
    shipped.run("check", "--fix")
    shipped.ok("ship", "--changed", "--to", "production", "-m", "Both")
    assert shipped.read(SUMS).startswith(theirs)
    assert versions(shipped, NAME) == ["1.0.0", "1.0.1", "1.0.2"]
    assert shipped.read(f"prompts/{NAME}/versions/1.0.1.txt") == "Theirs {{ question }}\n"
    assert shipped.read(f"prompts/{NAME}/versions/1.0.2.txt") == "Ours and theirs {{ question }}\n"
    assert pinned(shipped, NAME) == "1.0.2"
    shipped.commit("On top of main")
    assert shipped.ok("check", "--base", "main").status == 0


# Commit


def test_commit_commits_what_was_shipped_and_nothing_else(gated: Place):
    branch(gated)
    gated.write("staged.txt", "mine")
    gated.git("add", "staged.txt")
    gated.draft("support/other", "Unfinished\n")
    gated.draft(NAME, "{{ question }}\t{{ '' }}\n")
    gated.ok("ship", NAME, "--to", "production", "--commit")
    assert gated.git("log", "-1", "--format=%s") == "Ship support/answer 1.0.1 to production"
    assert gated.git("status", "--porcelain").split("\n") == ["A  staged.txt", "?? prompts/support/other/"]
    assert gated.ok("check", "--base", "main").status == 0


def test_commit_again_after_an_edit_takes_away_what_it_replaced(gated: Place):
    """What is committed is what is there: no leftover of the version, and no result of the text, that were replaced."""
    branch(gated)
    logged_suite(gated, NAME, cases(2))
    gated.commit("Another setup")
    gated.draft(NAME, "{{ question }}\t{{ '' }}\n")
    gated.ok("ship", NAME, "--to", "staging", "--commit", "--allow-code")
    gated.draft(NAME, "---\nmodel: gpt-4.1\ninputs: {question: any}\n---\n{{ question }}\t{{ '' }}\n")
    gated.ok("ship", NAME, "--to", "staging", "--commit", "--allow-code")
    assert gated.git("status", "--porcelain") == ""
    files = gated.git("ls-files", f"prompts/{NAME}/versions", f"prompts/{NAME}/evals/results/1.0.1").split("\n")
    assert files == [f"prompts/{NAME}/versions/1.0.0.txt", f"prompts/{NAME}/versions/1.1.0.txt"]


def test_commit_again_with_nothing_to_do_is_no_error_and_no_commit(gated: Place):
    branch(gated)
    gated.draft(NAME, ALSO_RIGHT)
    gated.ok("ship", NAME, "--to", "production", "--commit")
    head = gated.git("rev-parse", "HEAD")
    gated.ok("ship", NAME, "--to", "production", "--commit")
    assert gated.git("rev-parse", "HEAD") == head


def test_commit_with_nothing_changed_at_all_is_no_error_and_no_commit(gated: Place):
    head = gated.git("rev-parse", "HEAD")
    gated.ok("ship", "--changed", "--to", "production", "--commit")
    assert gated.git("rev-parse", "HEAD") == head


def test_commit_is_refused_where_the_suite_that_judged_is_not_committed(gated: Place):
    branch(gated)
    gated.suite(NAME, cases(21))
    gated.draft(NAME, ALSO_RIGHT)
    ran = gated.run("ship", NAME, "--to", "production", "--commit")
    assert ran.status != 0
    assert said(ran) == (
        "not committed: this stands on files that are not committed. git add prompts/support/answer/evals/cases.jsonl "
        "and commit them first."
    )
    assert gated.git("log", "-1", "--format=%s") == "Ship"
    gated.git("add", f"prompts/{NAME}/evals/cases.jsonl")
    gated.git("commit", "-q", "-m", "The case")
    gated.ok("ship", NAME, "--to", "production", "--commit")
    assert gated.git("status", "--porcelain") == ""


def test_a_ship_that_was_refused_commits_nothing(gated: Place):
    head = gated.git("rev-parse", "HEAD")
    gated.draft(NAME, WRONG)
    gated.ok("ship", NAME, "--to", "production", "--commit", status=1)
    assert gated.git("rev-parse", "HEAD") == head


def test_a_provider_that_fails_half_way_stores_nothing_and_moves_nothing(gated: Place):
    """A call that fails is no evidence, and a run of which none came back is none at all: it is not stored."""
    gated.write("answer.py", "import sys\nsys.exit('the service is down')\n")
    gated.suite(NAME, cases(3), f"provider: command:{sys.executable} answer.py\nscorers:\n  correct: {{type: exact}}\n")
    gated.draft(NAME, ALSO_RIGHT + "{{ '' }}\n")
    before = [path for path in gated.files() if "/results/" in path]
    ran = gated.run("ship", NAME, "--to", "production", "--allow-code", "--json")
    assert ran.status == 2
    assert said(ran).startswith("support/answer@1.0.1 suite: all 3 calls failed, so nothing was stored: ")
    assert [path for path in gated.files() if "/results/" in path] == before
    assert pins(gated) == ("1.0.0", "1.0.0")
