from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.shipping import (
    ALSO_RIGHT,
    RIGHT,
    STAGED,
    WRONG,
    as_hana,
    begun,
    cases,
    environment_text,
    in_production,
    pinned,
    prepared,
    said,
)

NAME = "support/answer"
SUMS = f"prompts/{NAME}/versions.sum"
PRODUCTION = "prompts/environments/production.yaml"


@pytest.fixture
def two(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """1.0.0 in production; 1.0.1 released; all committed. No cases."""
    return prepared(tmp_path_factory, tmp_path, _two)


def _two(place: Place) -> None:
    in_production(place)
    place.draft(NAME, RIGHT)
    place.ok("release", NAME, "-m", "Second")
    place.commit()


@pytest.fixture
def staged(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Staging before production; 1.0.0 and 1.0.1 released, none promoted."""
    return prepared(tmp_path_factory, tmp_path, _staged)


def _staged(place: Place) -> None:
    begun(place)
    place.write("prompts/promptreg.toml", STAGED)
    place.draft(NAME)
    place.ok("release", NAME)
    place.draft(NAME, RIGHT)
    place.ok("release", NAME)
    place.commit()


@pytest.fixture
def gated(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """With 20 cases: 1.0.0 in production passes them all, and so does 1.0.1; 1.0.2 fails them. Nothing evaluated."""
    return prepared(tmp_path_factory, tmp_path, _gated)


def _gated(place: Place) -> None:
    begun(place)
    place.suite(NAME, cases(20))
    for text in (RIGHT, ALSO_RIGHT, WRONG):
        place.draft(NAME, text)
        place.ok("release", NAME)
    place.ok("promote", f"{NAME}@1.0.0", "--to", "production", "--force", "-m", "To begin with")
    place.commit()


def pin(place: Place, environment: str = "production") -> dict[str, object]:
    """What the environment's entry says of the prompt, its digest left out."""
    found = place.project().head.catalog.pin(environment, NAME)
    assert found is not None
    return {
        "version": found.version,
        "previous": found.previous[0] if found.previous else None,
        "waiver": found.waiver["reason"] if found.waiver else None,
    }


def commits(place: Place) -> list[str]:
    return place.git("log", "--format=%s").split("\n")


# Which version


def test_a_promotion_writes_the_pin_the_digest_and_what_was_there_before(two: Place):
    moved = two.ok("promote", f"{NAME}@1.0.1", "--to", "production", "--json").json
    assert moved == {
        "schema": 1,
        "moved": [{"name": NAME, "environment": "production", "from": "1.0.0", "to": "1.0.1", "verdict": "ungated"}],
        "refused": [],
    }
    first, second = (line.split(" ")[1] for line in two.read(SUMS).splitlines())
    assert environment_text(two).endswith(f"{NAME}:\n  version: 1.0.1\n  digest: {second}\n  previous: 1.0.0 {first}\n")
    assert two.ok("check").status == 0


@pytest.mark.parametrize(
    ("selector", "version"), [("", "1.0.1"), ("@latest", "1.0.1"), ("@^1.0", "1.0.1"), ("@1.0.0", "1.0.0")]
)
def test_what_a_selector_means_for_a_promotion(staged: Place, selector: str, version: str):
    staged.ok("promote", NAME + selector, "--to", "staging")
    assert pinned(staged, NAME, "staging") == version


def test_without_a_selector_what_the_environment_before_it_pins_is_taken(staged: Place):
    staged.ok("promote", f"{NAME}@1.0.0", "--to", "staging")
    staged.ok("promote", NAME, "--to", "production")
    assert pinned(staged, NAME) == "1.0.0"


def test_another_environment_can_be_the_selector(staged: Place):
    staged.ok("promote", f"{NAME}@1.0.0", "--to", "staging")
    staged.ok("promote", f"{NAME}@staging", "--to", "production")
    assert pinned(staged, NAME) == "1.0.0"


def test_what_runs_there_already_is_said_and_nothing_is_written(two: Place):
    before = two.files()
    ran = two.ok("promote", f"{NAME}@1.0.0", "--to", "production")
    assert ran.out == "production runs support/answer 1.0.0 already.\n"
    assert two.ok("promote", f"{NAME}@1.0.0", "--to", "production", "--json").json["moved"] == []
    assert two.files() == before


def test_all_takes_every_prompt_that_has_a_version(two: Place):
    two.draft("support/refund")
    two.ok("release", "support/refund")
    two.draft("support/never-released")
    moved = two.ok("promote", "--all", "--to", "production", "--json").json["moved"]
    assert [(row["name"], row["from"], row["to"]) for row in moved] == [
        (NAME, "1.0.0", "1.0.1"),
        ("support/refund", None, "1.0.0"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["support/anser"], "There is no prompt support/anser under prompts. Did you mean support/answer?"),
        ([f"{NAME}@3.0.0"], "support/answer has no 3.0.0. It has 1.0.0, 1.0.1."),
        (
            [f"{NAME}@draft"],
            (
                "support/answer@draft: only a released version can be promoted. promptreg ship support/answer --to "
                "production"
            ),
        ),
        (
            [f"{NAME}@git:HEAD"],
            (
                "support/answer@git:HEAD: only a released version can be promoted. promptreg ship support/answer --to "
                "production"
            ),
        ),
        (
            ["support/draft"],
            (
                "support/draft was never released. Release and promote it in one: promptreg ship support/draft --to "
                "production"
            ),
        ),
        ([NAME, "--force"], "--force needs a reason: -m TEXT"),
        ([NAME, "--force", "-m", " "], "--force needs a reason: -m TEXT"),
        ([], "Name what to promote, or --all. promptreg promote --help shows how."),
        ([NAME, "--all"], "Name what to promote, or --all. promptreg promote --help shows how."),
    ],
)
def test_a_promotion_that_cannot_be(two: Place, arguments: list[str], message: str):
    two.draft("support/draft")
    before = two.files()
    ran = two.run("promote", *arguments, "--to", "production")
    assert (ran.status, said(ran)) == (2, message)
    assert two.files() == before


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            ["promote", NAME, "--to", "prodution"],
            "There is no environment prodution. There is production. Did you mean production?",
        ),
        (
            ["promote", NAME, "--in", "production"],
            (
                "--in looks into an environment, --to moves into one. Did you mean: promptreg promote support/answer "
                "--to "
                "production?"
            ),
        ),
        (
            ["rollback", NAME, "--to", "production"],
            "--to takes no environment here. Did you mean: promptreg rollback support/answer --in production?",
        ),
        (
            ["ship", NAME, "--in", "production"],
            (
                "--in looks into an environment, --to moves into one. Did you mean: promptreg ship support/answer --to "
                "production?"
            ),
        ),
    ],
)
def test_an_environment_in_the_wrong_place_is_told(two: Place, command: list[str], message: str):
    ran = two.run(*command)
    assert ran.status == 2
    assert said(ran).removesuffix(f" promptreg {command[0]} --help shows how.") == message


# Rules


def test_the_order_of_environments_is_kept(staged: Place):
    ran = staged.run("promote", f"{NAME}@1.0.1", "--to", "production", "--json")
    assert ran.status == 1
    (refused,) = ran.json["refused"]
    assert refused["reasons"] == [
        {
            "rule": "pin-order",
            "message": "support/answer 1.0.1 must be in staging first; staging pins no version of it.",
            "fix": "promptreg promote support/answer@1.0.1 --to staging",
        }
    ]
    staged.ok("promote", f"{NAME}@1.0.0", "--to", "staging")
    (refused,) = staged.run("promote", f"{NAME}@1.0.1", "--to", "production", "--json").json["refused"]
    assert refused["reasons"][0]["message"] == ("support/answer 1.0.1 must be in staging first; staging pins 1.0.0.")
    assert pinned(staged, NAME) is None


def test_the_fix_of_a_refused_order_mends_it(staged: Place):
    (refused,) = staged.run("promote", f"{NAME}@1.0.1", "--to", "production", "--json").json["refused"]
    staged.ok(*refused["reasons"][0]["fix"].split()[1:])
    staged.ok("promote", f"{NAME}@1.0.1", "--to", "production")
    assert staged.ok("check").status == 0


def test_a_yanked_version_is_refused_with_why_and_what_else(two: Place):
    two.ok("yank", f"{NAME}@1.0.1", "-m", "Leaks the ticket number")
    ran = two.run("promote", f"{NAME}@1.0.1", "--to", "production")
    day = two.project().today()
    assert ran.status == 1
    assert (
        f"refused support/answer 1.0.1 for production: support/answer 1.0.1 was yanked on {day}: Leaks the ticket "
        "number.\n"
    ) in ran.out
    assert "promptreg promote" not in ran.out  # production runs the newest that stands
    assert pinned(two, NAME) == "1.0.0"
    two.ok("unpin", NAME, "--in", "production")
    ran = two.run("promote", f"{NAME}@1.0.1", "--to", "production")
    assert "number.\n    promptreg promote support/answer@1.0.0 --to production\n" in ran.out


@pytest.mark.parametrize("rule", ["yank", "order"])
def test_force_overrides_the_gate_and_no_other_rule(staged: Place, rule: str):
    if rule == "yank":
        staged.ok("promote", f"{NAME}@1.0.1", "--to", "staging")
        staged.ok("yank", f"{NAME}@1.0.1", "-m", "Bad")
    before = staged.files()
    staged.ok("promote", f"{NAME}@1.0.1", "--to", "production", "--force", "-m", "Now", status=1)
    assert staged.files() == before


def test_all_reasons_are_said_at_once(staged: Place):
    staged.suite(NAME, cases(3))
    staged.ok("yank", f"{NAME}@1.0.1", "-m", "Bad")
    ran = staged.run("promote", f"{NAME}@1.0.1", "--to", "production", "--json")
    assert ran.status == 1
    (refused,) = ran.json["refused"]
    assert [reason["rule"] for reason in refused["reasons"]] == ["pin-yanked", "pin-order", "gate"]
    assert refused["gate"]["verdict"] == "missing"


def test_a_version_whose_file_was_edited_is_not_promoted(two: Place):
    two.write(f"prompts/{NAME}/versions/1.0.1.txt", "Edited\n")
    ran = two.run("promote", NAME, "--to", "production")
    assert ran.status == 2
    assert said(ran).startswith(
        "prompts/support/answer/versions/1.0.1.txt: support/answer 1.0.1 is not what was released"
    )
    assert pinned(two, NAME) == "1.0.0"


# The gate


def test_without_evidence_the_gate_refuses_and_its_fix_mends_it(gated: Place):
    """1.0.2 is the newest; the promotion is of 1.0.1, and so must be the evidence."""
    ran = gated.run("promote", f"{NAME}@1.0.1", "--to", "production", "--json")
    assert ran.status == 4
    (refused,) = ran.json["refused"]
    (reason,) = refused["reasons"]
    assert (refused["gate"]["verdict"], reason["rule"]) == ("missing", "gate")
    assert "1.0.1 has 20 cases and no result" in reason["message"]
    gated.ok(*reason["fix"].split()[1:])
    moved = gated.ok("promote", f"{NAME}@1.0.1", "--to", "production", "--json").json["moved"]
    assert moved[0]["verdict"] == "pass"
    assert gated.ok("check").status == 0


def test_without_evidence_the_gate_says_how_many_calls_are_missing(gated: Place):
    ran = gated.run("promote", f"{NAME}@1.0.1", "--to", "production")
    assert "40 calls" in ran.out


def test_a_regression_is_refused_with_its_figures_first(gated: Place):
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.2")
    before = gated.files()
    ran = gated.run("promote", NAME, "--to", "production")
    assert ran.status == 1
    assert ran.out.splitlines()[1] == (
        "No: 20 of 20 cases that 1.0.0 answers right fail with 1.0.2; 0 others now pass."
    )
    assert gated.files() == before
    (refused,) = gated.run("promote", NAME, "--to", "production", "--json").json["refused"]
    gate = refused["gate"]
    assert (gate["verdict"], gate["mode"], gate["blocks"], len(gate["metrics"]["correct"]["lost"])) == (
        "regressed",
        "standard",
        True,
        20,
    )


def test_force_writes_a_waiver_that_check_accepts_and_the_next_promotion_takes_away(
    gated: Place, monkeypatch: pytest.MonkeyPatch
):
    as_hana(gated, monkeypatch)
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", f"{NAME}@1.0.2")
    moved = gated.ok("promote", NAME, "--to", "production", "--force", "-m", "The provider\nis down", "--json").json
    (waiver,) = (row["waiver"] for row in moved["moved"])
    figures = waiver.pop("figures")
    assert waiver == {
        "version": "1.0.2",
        "from": "1.0.0",
        "verdict": "regressed",
        "by": "Hana <hana@example.com>",
        "date": gated.project().today(),
        "reason": "The provider is down",
    }
    assert figures.startswith("correct 1.000 → 0.000 over 20 cases")
    assert gated.ok("check", "--base", "HEAD").status == 0
    gated.commit()
    gated.ok("promote", f"{NAME}@1.0.1", "--to", "production")
    assert pin(gated) == {"version": "1.0.1", "previous": "1.0.2", "waiver": None}
    assert "waiver" not in environment_text(gated)


def test_force_where_nothing_blocks_writes_no_waiver(two: Place):
    two.ok("promote", NAME, "--to", "production", "--force", "-m", "Just in case")
    assert pin(two)["waiver"] is None


def test_a_waiver_names_what_base_pins_even_after_another_promotion_in_the_same_branch(gated: Place):
    """check holds it against base's pin; the file between the two is nobody's."""
    gated.ok("promote", f"{NAME}@1.0.1", "--to", "production", "--force", "-m", "First thought")
    gated.ok("promote", f"{NAME}@1.0.2", "--to", "production", "--force", "-m", "Second thought")
    assert gated.ok("check", "--base", "HEAD").status == 0


def test_an_amended_release_does_not_slip_past_the_gate(gated: Place):
    """1.0.3 was promoted and then amended to a text that fails: it is no first promotion."""
    gated.draft(NAME, RIGHT + "\n{# another #}\n")
    gated.ok("release", NAME)
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.3")
    gated.ok("promote", f"{NAME}@1.0.3", "--to", "production")
    gated.draft(NAME, WRONG + "\n")
    gated.ok("release", NAME, "--amend")
    gated.ok("eval", f"{NAME}@1.0.3")
    ran = gated.run("promote", f"{NAME}@1.0.3", "--to", "production", "--json")
    assert ran.status == 1
    assert ran.json["refused"][0]["gate"]["verdict"] == "regressed"


@pytest.mark.parametrize(
    ("mode", "status", "verdict"), [("lenient", 0, "missing"), ("standard", 4, "missing"), ("strict", 4, "missing")]
)
def test_the_environments_mode_says_whether_missing_evidence_blocks(gated: Place, mode: str, status: int, verdict: str):
    gated.write(
        "prompts/promptreg.toml",
        f'schema = 1\ndefault_environment = "production"\n[environments.production]\nmode = "{mode}"\n',
    )
    ran = gated.run("promote", f"{NAME}@1.0.1", "--to", "production", "--json")
    rows = ran.json["moved"] or [{"verdict": row["gate"]["verdict"]} for row in ran.json["refused"]]
    assert (ran.status, rows[0]["verdict"]) == (status, verdict)


def test_a_version_that_differs_in_its_description_only_needs_no_evidence(gated: Place):
    gated.draft(NAME, "---\ndescription: Another.\ninputs: {question: any}\n---\n" + RIGHT)
    gated.ok("release", NAME, "--version", "1.0.3")
    moved = gated.ok("promote", f"{NAME}@1.0.3", "--to", "production", "--json").json["moved"]
    assert moved[0]["verdict"] == "pass"


# Several at once


def test_one_that_is_refused_holds_all_of_them_back(gated: Place):
    gated.draft("support/refund")
    gated.ok("release", "support/refund")
    before = gated.files()
    ran = gated.run("promote", f"{NAME}@1.0.1", "support/refund", "--to", "production", "--json")
    assert ran.status == 4
    assert ran.json["moved"] == []
    assert [row["name"] for row in ran.json["refused"]] == [NAME]
    assert gated.files() == before
    text = gated.run("promote", f"{NAME}@1.0.1", "support/refund", "--to", "production").out
    assert text.splitlines()[-1] == "Nothing was moved: 1 other could be."


def test_one_that_is_wrong_holds_all_of_them_back(two: Place):
    before = two.files()
    two.ok("promote", NAME, "support/anser", "--to", "production", status=2)
    assert two.files() == before


def test_two_versions_of_one_prompt_at_once_are_a_mistake(two: Place):
    before = two.files()
    ran = two.run("promote", f"{NAME}@1.0.0", f"{NAME}@1.0.1", "--to", "production")
    assert ran.status == 2
    assert NAME in said(ran)
    assert two.files() == before


# The file


def test_comments_and_everything_else_in_the_file_stay_where_they_are(two: Place):
    two.draft("support/zeta", "Zeta\n")
    two.ok("release", "support/zeta")
    two.ok("promote", "support/zeta", "--to", "production")
    digests = {line.split(" ")[0]: line.split(" ")[1] for line in two.read(SUMS).splitlines()}
    zeta = two.read("prompts/support/zeta/versions.sum").split(" ")[1]
    text = (
        "# Owned by the release team.\n\n"
        f"# Ask Hana before moving this.\n{NAME}:\n  # inside\n  version: 1.0.0\n  digest: {digests['1.0.0']}\n\n"
        f"# The end of the alphabet.\nsupport/zeta:\n  version: 1.0.0\n  digest: {zeta}\n# Last line.\n"
    )
    two.write(PRODUCTION, text)
    two.ok("promote", NAME, "--to", "production")
    assert environment_text(two) == text.replace(
        f"  version: 1.0.0\n  digest: {digests['1.0.0']}\n",
        f"  version: 1.0.1\n  digest: {digests['1.0.1']}\n  previous: 1.0.0 {digests['1.0.0']}\n",
    )
    two.ok("unpin", NAME, "--in", "production")
    left = environment_text(two)
    assert "# Owned by the release team.\n" in left
    assert left.endswith(
        f"# The end of the alphabet.\nsupport/zeta:\n  version: 1.0.0\n  digest: {zeta}\n# Last line.\n"
    )


def test_a_new_entry_does_not_come_between_another_and_its_comment(two: Place):
    text = environment_text(two).replace(f"{NAME}:", f"\n# Ask Hana before moving this.\n{NAME}:")
    two.write(PRODUCTION, text)
    two.draft("billing/refund")
    two.ok("release", "billing/refund")
    two.ok("promote", "billing/refund", "--to", "production")
    assert f"# Ask Hana before moving this.\n{NAME}:\n" in environment_text(two)
    assert list(two.project().head.catalog.pins("production")) == ["billing/refund", NAME]


def test_a_file_that_is_not_there_yet_is_made(staged: Place):
    assert not (staged.path / "prompts/environments/staging.yaml").exists()
    staged.ok("promote", NAME, "--to", "staging")
    assert pinned(staged, NAME, "staging") == "1.0.1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n",
            (
                "prompts/environments/production.yaml:1: merge conflict markers "
                "stand here. Settle prompt.md by hand, then: promptreg check --fix && promptreg ship --changed --to ENV"
            ),
        ),
        ("support/answer: {version: 1.0.0}\n", None),
        ("other: 1\n", None),
    ],
)
def test_a_file_that_cannot_be_read_is_not_written(two: Place, text: str, message: str | None):
    two.write(PRODUCTION, text)
    ran = two.run("promote", NAME, "--to", "production")
    assert (ran.status, said(ran)) == (2, message or said(ran))
    assert said(ran).startswith("prompts/environments/production.yaml:1: ")
    assert environment_text(two) == text


def test_previous_is_what_the_environment_really_ran(two: Place):
    """Between two promotions of one branch nothing ran: the way back leads to what base has."""
    two.ok("promote", NAME, "--to", "production")
    two.draft(NAME, "Third {{ question }}\n")
    two.ok("release", NAME)
    two.ok("promote", NAME, "--to", "production")
    assert pin(two) == {"version": "1.0.2", "previous": "1.0.0", "waiver": None}
    assert two.ok("check", "--base", "HEAD").status == 0


# Dry run


@pytest.mark.parametrize("spec", [f"{NAME}@1.0.1", NAME])
def test_a_dry_run_asks_the_gate_and_writes_nothing(gated: Place, spec: str):
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", f"{NAME}@1.0.2")
    before = gated.files()
    ran = gated.run("promote", spec, "--to", "production", "--dry-run", "--json")
    refused = spec == NAME
    assert (ran.status, ran.json["moved"], len(ran.json["refused"])) == (int(refused), [], int(refused))
    assert gated.files() == before


def test_a_dry_run_says_what_would_move(two: Place):
    ran = two.ok("promote", NAME, "--to", "production", "--dry-run")
    assert ran.out.splitlines()[-1] == "would move production: support/answer 1.0.0 → 1.0.1"


# Commit


def test_commit_commits_the_environment_file_and_nothing_else(two: Place):
    two.write("staged.txt", "mine")
    two.git("add", "staged.txt")
    two.draft(NAME, "Unfinished {{ question }}\n")
    ran = two.ok("promote", NAME, "--to", "production", "--commit")
    assert commits(two)[0] == "Promote support/answer 1.0.1 to production"
    assert two.git("show", "--name-only", "--format=", "HEAD") == PRODUCTION
    assert two.git("status", "--porcelain").split("\n") == [f"M prompts/{NAME}/prompt.md", "A  staged.txt"]
    assert ran.out.splitlines()[-1] == f"committed {two.git('rev-parse', 'HEAD')[:9]}"


def test_commit_uses_the_users_configuration_and_hooks(two: Place):
    two.git("config", "user.name", "Hana")
    hook = two.path / ".git/hooks/commit-msg"
    hook.write_text('#!/bin/sh\necho "Reviewed-by: a hook" >> "$1"\n')
    hook.chmod(0o755)
    two.ok("promote", NAME, "--to", "production", "--commit")
    assert "Reviewed-by: a hook" in two.git("log", "-1", "--format=%B")


def test_a_hook_that_refuses_is_told_and_the_commit_can_be_made_when_it_is_content(two: Place):
    hook = two.path / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho 'no commits on Fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    ran = two.run("promote", NAME, "--to", "production", "--commit")
    assert ran.status == 2
    assert said(ran).startswith("git commit: no commits on Fridays")
    hook.unlink()
    two.ok("promote", NAME, "--to", "production", "--commit")
    assert commits(two)[0] == "Promote support/answer 1.0.1 to production"
    assert two.git("status", "--porcelain") == ""


def test_commit_is_refused_before_anything_moves_where_the_version_is_not_committed(two: Place):
    two.draft(NAME, "Third {{ question }}\n")
    two.ok("release", NAME)
    before = two.files()
    ran = two.run("promote", NAME, "--to", "production", "--commit")
    assert said(ran) == (
        "not committed: this stands on files that are not committed. git add prompts/support/answer/versions.sum "
        "prompts/support/answer/versions/1.0.2.txt and commit them first."
    )
    assert commits(two)[0] == "A commit"
    assert two.files() == before


def test_what_commit_asked_for_can_be_done_and_then_it_commits(two: Place):
    two.draft(NAME, "Third {{ question }}\n")
    two.ok("release", NAME)
    assert two.run("promote", NAME, "--to", "production", "--commit").status != 0
    two.git("add", SUMS, f"prompts/{NAME}/versions/1.0.2.txt")
    two.git("commit", "-q", "-m", "The version")
    two.ok("promote", NAME, "--to", "production", "--commit")
    assert commits(two)[0] == "Promote support/answer 1.0.2 to production"


def test_commit_counts_the_partials_that_a_version_stands_on(two: Place):
    two.draft("shared/tone", "Be kind.\n")
    two.draft(NAME, '{{ question }}{% include "shared/tone@1.0.0" %}\n')
    two.ok("release", "--all", "--json")
    two.git("add", f"prompts/{NAME}")
    two.git("commit", "-q", "-m", "Without the partial")
    ran = two.run("promote", NAME, "--to", "production", "--commit")
    assert ran.status != 0
    assert "git add prompts/shared/tone/versions.sum prompts/shared/tone/versions/1.0.0.txt" in said(ran)


def test_commit_counts_the_evidence_that_a_promotion_stands_on(gated: Place):
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1")
    head = gated.git("rev-parse", "HEAD")
    ran = gated.run("promote", f"{NAME}@1.0.1", "--to", "production", "--commit")
    assert ran.status != 0
    assert said(ran).startswith("not committed: this stands on files that are not committed. git add prompts/support/")
    assert "/evals/results/1.0.0/" in said(ran)
    assert "/evals/results/1.0.1/" in said(ran)
    assert gated.git("rev-parse", "HEAD") == head


def test_a_refused_promotion_commits_nothing(gated: Place):
    head = gated.git("rev-parse", "HEAD")
    gated.ok("promote", f"{NAME}@1.0.1", "--to", "production", "--commit", status=4)
    assert gated.git("rev-parse", "HEAD") == head


def test_commit_outside_of_git_is_told_before_anything_moves(folder: Place):
    folder.registry()
    folder.draft(NAME)
    folder.ok("release", NAME)
    before = folder.files()
    ran = folder.run("promote", NAME, "--to", "production", "--commit")
    assert ran.status == 2
    assert said(ran).endswith("is not inside a git repository. git init makes one.")
    assert folder.files() == before


def test_json_with_commit_is_one_document(two: Place):
    ran = two.ok("promote", NAME, "--to", "production", "--commit", "--json")
    assert json.loads(ran.out)["moved"][0]["to"] == "1.0.1"


def test_a_waiver_that_other_evidence_made_untrue_is_written_anew_by_the_same_command(gated: Place):
    force = ["promote", f"{NAME}@1.0.2", "--to", "production", "--force", "-m", "Hurry"]
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.2")
    gated.ok(*force)
    assert gated.ok("check", "--base", "HEAD").status == 0
    path = "prompts/environments/production.yaml"
    gated.write(path, gated.read(path).replace('"verdict": "regressed"', '"verdict": "missing"'))
    gated.ok("check", "--base", "HEAD", status=1)
    gated.ok(*force)
    assert gated.ok("check", "--base", "HEAD").status == 0


def test_the_waiver_of_an_earlier_promotion_is_not_written_a_second_time(gated: Place):
    force = ["promote", f"{NAME}@1.0.2", "--to", "production", "--force", "-m"]
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.2")
    gated.ok(*force, "Hurry")
    gated.commit()
    gated.ok("rollback", NAME, "--in", "production")
    gated.commit()
    ran = gated.run(*force, "Hurry")
    assert (ran.status, said(ran)) == (
        1,
        (
            "production had the same waiver of support/answer before, for another promotion. Say in other words why it "
            "is needed again: -m TEXT"
        ),
    )
    gated.ok(*force, "Hurry again")
    assert gated.ok("check", "--base", "HEAD").status == 0


# Rollback


def test_rollback_goes_to_previous_and_asks_no_gate(gated: Place):
    gated.ok("promote", f"{NAME}@1.0.2", "--to", "production", "--force", "-m", "Hurry")
    gated.commit()
    ran = gated.ok("rollback", NAME, "--in", "production", "--json")
    assert ran.json == {
        "schema": 1,
        "moved": [{"name": NAME, "environment": "production", "from": "1.0.2", "to": "1.0.0", "verdict": None}],
        "refused": [],
    }
    assert pin(gated)["waiver"] is None
    assert gated.ok("check", "--base", "HEAD").status == 0


def test_rollback_text_says_what_moved(two: Place):
    two.ok("promote", NAME, "--to", "production")
    assert two.ok("rollback", NAME, "--in", "production").out == (
        "rolled back production: support/answer 1.0.1 → 1.0.0\n"
    )


def test_without_an_earlier_version_rollback_says_how_to_name_one(two: Place):
    ran = two.run("rollback", NAME, "--in", "production")
    assert (ran.status, said(ran)) == (
        2,
        (
            "production has no earlier version of support/answer. To take it out: promptreg unpin support/answer --in "
            "production"
        ),
    )


def test_rollback_to_a_version_needs_a_reason_and_writes_it_as_a_waiver(gated: Place):
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.2")
    before = gated.files()
    ran = gated.run("rollback", f"{NAME}@1.0.2", "--in", "production")
    assert (ran.status, said(ran)) == (2, "rollback to a named version needs a reason: -m TEXT")
    assert gated.files() == before
    gated.ok("rollback", f"{NAME}@1.0.2", "--in", "production", "-m", "The provider is down")
    assert (pin(gated)["version"], pin(gated)["waiver"]) == ("1.0.2", "The provider is down")
    assert gated.ok("check", "--base", "HEAD").status == 0


def test_rollback_to_a_version_after_an_unfinished_promotion_passes_check(gated: Place):
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", f"{NAME}@1.0.2")
    gated.ok("promote", f"{NAME}@1.0.1", "--to", "production")
    gated.ok("rollback", f"{NAME}@1.0.2", "--in", "production", "-m", "Known to hold")
    assert gated.ok("check", "--base", "HEAD").status == 0


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (f"{NAME}@3.0.0", "support/answer has no 3.0.0. It has 1.0.0, 1.0.1."),
        ("support/anser", "There is no prompt support/anser under prompts. Did you mean support/answer?"),
        ("support/loose", "production pins no version of support/loose."),
        ("support/loose@1.0.0", "production pins no version of support/loose."),
        (f"{NAME}@draft", None),
        (f"{NAME}@git:HEAD", None),
    ],
)
def test_a_rollback_that_cannot_be(two: Place, spec: str, message: str | None):
    two.draft("support/loose")
    two.ok("release", "support/loose")
    before = two.files()
    ran = two.run("rollback", spec, "--in", "production", "-m", "Reason")
    assert (ran.status, said(ran)) == (2, message or said(ran))
    assert two.files() == before
    if message is None:
        assert said(ran).startswith(f"{spec}: ")
        assert "version" in said(ran)


def test_rollback_to_a_yanked_version_is_refused(two: Place):
    two.ok("promote", NAME, "--to", "production")
    two.commit()
    two.ok("yank", f"{NAME}@1.0.0", "-m", "Bad")
    for arguments in ([NAME], [f"{NAME}@1.0.0", "-m", "Reason"]):
        ran = two.run("rollback", *arguments, "--in", "production", "--json")
        assert ran.status == 1
        assert [reason["rule"] for reason in ran.json["refused"][0]["reasons"]] == ["pin-yanked"]
    assert pinned(two, NAME) == "1.0.1"


def test_a_previous_that_was_never_released_is_not_rolled_back_to(two: Place):
    two.ok("promote", NAME, "--to", "production")
    two.write(PRODUCTION, environment_text(two).replace("previous: 1.0.0", "previous: 0.9.0"))
    before = environment_text(two)
    ran = two.run("rollback", NAME, "--in", "production")
    assert ran.status == 2
    assert "0.9.0, which was never released" in said(ran)
    assert environment_text(two) == before


def test_without_a_name_what_the_last_commit_moved_goes_back(two: Place):
    two.draft("support/refund")
    two.ok("ship", "support/refund", "--to", "production")
    two.commit("Refund")
    two.ok("promote", NAME, "--to", "production")
    two.commit("Answer")
    ran = two.ok("rollback", "--in", "production")
    assert ran.out.splitlines() == [
        "The last change of production moved support/answer.",
        "rolled back production: support/answer 1.0.1 → 1.0.0",
    ]
    assert pinned(two, "support/refund") == "1.0.0"


def test_without_a_name_what_is_not_committed_goes_back_first(two: Place):
    two.draft("support/refund", RIGHT)
    two.ok("ship", "support/refund", "--to", "production")
    two.commit("Refund")
    two.draft("support/refund", WRONG)
    two.ok("ship", "support/refund", "--to", "production")
    two.commit("Refund again")
    two.ok("promote", NAME, "--to", "production")
    two.ok("rollback", "--in", "production")
    assert (pinned(two, NAME), pinned(two, "support/refund")) == ("1.0.0", "1.0.1")


def test_without_a_name_only_what_the_last_merged_change_moved_goes_back(two: Place, monkeypatch: pytest.MonkeyPatch):
    """Two pull requests, each from the same state of main: the second one merged is the last change of production."""
    two.draft("support/refund", RIGHT)
    two.ok("ship", "support/refund", "--to", "production")
    two.draft("support/refund", WRONG)
    two.commit()
    two.ok("release", "support/refund")
    two.commit("Start")
    for number, name in enumerate([NAME, "support/refund"], start=1):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2026-12-0{number}T00:00:00Z")
        two.git("checkout", "-q", "-b", f"branch{number}", "main")
        two.ok("promote", name, "--to", "production")
        two.commit(f"Promote {name}")
        two.git("checkout", "-q", "main")
    for number in (1, 2):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2026-12-1{number}T00:00:00Z")
        two.git("merge", "-q", "--no-ff", "-m", f"Merge {number}", f"branch{number}")
    ran = two.ok("rollback", "--in", "production")
    assert ran.out.splitlines()[0] == "The last change of production moved support/refund."
    assert (pinned(two, NAME), pinned(two, "support/refund")) == ("1.0.1", "1.0.0")


def test_without_a_name_and_without_a_change_rollback_says_so(two: Place):
    two.write(PRODUCTION, "# Only words.\n" + environment_text(two))
    two.commit("A comment")
    ran = two.run("rollback", "--in", "production")
    assert (ran.status, said(ran)) == (2, "the last change of production moved no prompt. Name one.")


def test_rollback_of_several_is_all_or_nothing(two: Place):
    """The last change moved two prompts, and one of them has no way back."""
    two.draft("support/refund")
    two.ok("release", "support/refund")
    two.ok("promote", NAME, "support/refund", "--to", "production")
    two.commit("Both")
    before = two.files()
    ran = two.run("rollback", "--in", "production")
    assert ran.status == 2
    assert said(ran) == (
        "production has no earlier version of support/refund. To take it out: promptreg unpin support/refund --in "
        "production\nThe others alone: promptreg rollback support/answer --in production"
    )
    assert two.files() == before


def test_rollback_of_what_this_branch_promoted_brings_bases_entry_back_with_its_waiver(gated: Place):
    gated.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", f"{NAME}@1.0.2")
    gated.ok("promote", f"{NAME}@1.0.2", "--to", "production", "--force", "-m", "Hurry")
    gated.commit()
    before = environment_text(gated)
    gated.ok("promote", f"{NAME}@1.0.1", "--to", "production")
    gated.ok("rollback", NAME, "--in", "production")
    assert environment_text(gated) == before


def test_rollback_to_the_previous_version_by_name_needs_no_waiver(two: Place):
    two.ok("promote", NAME, "--to", "production")
    two.commit()
    ran = two.ok("rollback", f"{NAME}@1.0.0", "--in", "production", "-m", "戻す")
    assert ran.out == "rolled back production: support/answer 1.0.1 → 1.0.0\n"
    assert (pinned(two, NAME), pin(two)["waiver"]) == ("1.0.0", None)


def test_naming_a_prompt_twice_is_naming_it_once(two: Place):
    assert len(two.ok("unpin", NAME, NAME, "--in", "production", "--json").json["moved"]) == 1


def test_rollback_with_commit(two: Place):
    two.ok("promote", NAME, "--to", "production", "--commit")
    two.ok("rollback", NAME, "--in", "production", "--commit")
    assert commits(two)[0] == "Roll back support/answer 1.0.0 in production"
    assert two.git("status", "--porcelain") == ""


# Unpin


def test_unpin_takes_a_prompt_out_and_leaves_the_rest(two: Place):
    two.draft("support/refund")
    two.ok("ship", "support/refund", "--to", "production")
    assert two.ok("unpin", NAME, "--in", "production").out == (
        "production no longer runs support/answer (it was 1.0.0).\n"
    )
    assert (pinned(two, NAME), pinned(two, "support/refund")) == (None, "1.0.0")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("support/refund", "production pins no version of support/refund."),
        ("support/anser", "There is no prompt support/anser under prompts. Did you mean support/answer?"),
    ],
)
def test_unpin_of_several_is_all_or_nothing(two: Place, name: str, message: str):
    two.draft("support/refund")
    before = two.files()
    ran = two.run("unpin", NAME, name, "--in", "production")
    assert (ran.status, said(ran)) == (2, message)
    assert two.files() == before


def test_unpin_with_commit(two: Place):
    two.ok("unpin", NAME, "--in", "production", "--commit")
    assert commits(two)[0] == "Unpin support/answer in production"


# Without git


def test_without_git_promotions_work_and_the_file_itself_says_what_ran_before(folder: Place):
    folder.registry()
    folder.draft(NAME)
    folder.ok("ship", NAME, "--to", "production")
    folder.draft(NAME, RIGHT)
    folder.ok("release", NAME)
    folder.ok("promote", NAME, "--to", "production")
    assert pin(folder)["previous"] == "1.0.0"
    folder.ok("rollback", NAME, "--in", "production")
    assert pinned(folder, NAME) == "1.0.0"
    ran = folder.run("rollback", "--in", "production")
    assert ran.status == 2
    assert "is not inside a git repository" in said(ran)
    assert Path(folder.path / ".git").exists() is False
