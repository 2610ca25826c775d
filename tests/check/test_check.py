"""Every rule of `promptreg check`, each with a planted breach in a real git repository (design 8, gate 3 to 6)."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from promptreg.check.policy import looser_min
from promptreg.core.pins import without_pin
from tests.support.place import Place
from tests.support.worlds import (
    ANSWER,
    ROUTE,
    TOML,
    digest_of,
    edit,
    markers,
    pin_by_hand,
    release_by_hand,
    result_of,
    rules,
    settled,
    settled_words,
    told,
    waiver,
    with_cases,
    without_line,
)

ANSWER_DRAFT = "prompts/support/answer/prompt.md"
FIRST = "prompts/support/answer/versions/1.0.0.txt"
SECOND = "prompts/support/answer/versions/1.1.0.txt"
SUMS = "prompts/support/answer/versions.sum"
ROUTE_SUMS = "prompts/support/route/versions.sum"
CONFIG = "prompts/promptreg.toml"
SUITE = "prompts/support/route/evals/suite.yaml"
CASES = "prompts/support/route/evals/cases.jsonl"
RESULTS = "prompts/support/route/evals/results"
STAGING = "prompts/environments/staging.yaml"
PRODUCTION = "prompts/environments/production.yaml"

FIX = "promptreg check --fix"
REGRESSED = "correct: p ≤ 0.05; drop over 5 points, 8 net; said: p ≤ 0.05; drop over 5 points, 8 net"
LATER = "It holds from the next change on; this one is judged by base's rules."
AT_ONCE = "It holds as soon as this change is merged."
NO_DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def place(tmp_path, tmp_path_factory) -> Place:
    return settled(tmp_path, tmp_path_factory)


def remove(place: Place, path: str) -> None:
    (place.path / path).unlink()


def append(place: Place, path: str, text: str) -> None:
    place.write(path, place.read(path) + text)


def route(place: Place, version: str, environment: str = "staging", **facts) -> None:
    pin_by_hand(place, environment, "support/route", version, **facts)


def exact(place: Place, name: str, version: str) -> tuple[str, str]:
    return version, digest_of(place, name, version)


def checked(place: Place, base: str = "HEAD") -> list[str]:
    return told(place.run("check", "--base", base, "--json"))


def fails(place: Place, *lines: str) -> None:
    ran = place.run("check", "--base", "HEAD", "--json")
    assert told(ran) == list(lines)
    assert ran.status == 1


def passes(place: Place, *lines: str) -> None:
    ran = place.run("check", "--base", "HEAD", "--json")
    assert told(ran) == list(lines)
    assert ran.status == 0


# Nothing to say


def test_a_registry_that_equals_base_has_no_finding(place):
    ran = place.ok("check", "--base", "HEAD")
    head = place.git("rev-parse", "HEAD")
    assert ran.out == f"Checked 4 prompts against {head[:9]} (HEAD): no findings.\n"
    assert place.ok("check", "--base", "HEAD", "--json").json["checked"] == 4


def test_what_the_commands_write_passes(place):
    place.write(ANSWER_DRAFT, ANSWER.replace("shortly", "in one word"))
    place.ok("ship", "support/answer", "--to", "production", "-m", "Shorter still")
    place.ok("eval", "support/route@1.3.0")
    place.ok("promote", "support/route@1.2.0", "--to", "staging")
    place.ok("yank", "support/answer@1.0.0", "-m", "Too long")
    assert rules(place.ok("check", "--base", "HEAD", "--json"), "error") == []


# 1 Files


def test_each_malformed_file_that_differs_is_named_with_its_place(place):
    place.draft("new/draft", "{% if x %}\n")
    append(place, SUMS, "garbage\n")
    append(place, STAGING, "garbage\n")
    append(place, CASES, "{\n")
    place.write("prompts/environments/nowhere.yaml", "# nobody\n")
    assert [line.partition(" | ")[0] for line in checked(place)] == [
        (
            "error [file] prompts/environments/staging.yaml:8 'garbage' is not the name of a prompt and a colon. An "
            "environment file holds entries of promptreg's own and comments, nothing else."
        ),
        (
            "error [template] prompts/new/draft/prompt.md:1:1 unexpected end of template. Jinja was looking for the "
            "following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'."
        ),
        (
            "error [file] prompts/support/answer/versions.sum:3 this is not a line of versions.sum "
            "(VERSION sha256:… DATE [INCLUDES] # MESSAGE)."
        ),
        (
            "error [suite] prompts/support/route/evals/cases.jsonl:41:2 this line is not JSON: expecting property name "
            "enclosed in double quotes."
        ),
        (
            "warning [environment] prompts/environments/nowhere.yaml promptreg.toml names no environment nowhere, so "
            "nothing reads this file."
        ),
    ]


def test_an_undeclared_input_of_a_draft_is_an_error(place):
    edit(place, ANSWER_DRAFT, "{{ question }}", "{{ qestion }}")
    fails(
        place,
        f"error [undeclared] {ANSWER_DRAFT}:6:11 qestion is not an input. Inputs are question. Did you mean question? "
        "| declare it under inputs:  qestion: string",
    )


def test_what_lint_only_warns_of_does_not_fail_the_check(place):
    edit(place, ANSWER_DRAFT, "{{ question }}", "{{ question }} {name}")
    passes(place)


def test_a_draft_that_includes_a_changed_draft_is_read_again(place):
    place.draft("includer", '{% include "shared/tone@draft" %}\n')
    place.commit()
    place.draft("shared/tone", "{{ oops\n")
    assert {line.partition(" [")[0] + line.partition("]")[2].partition(":")[0] for line in checked(place)} == {
        "error prompts/shared/tone/prompt.md"
    }


MALFORMED = {
    "draft": ("prompts/bad/prompt.md", "{{ x\n"),
    "front matter": ("prompts/bad/prompt.md", "---\nmodel: a: b\n---\nHi\n"),
    "includes": ("prompts/bad/prompt.md", '{% include "nobody@1.0.0" %}\n'),
    "sums": ("prompts/bad/versions.sum", "garbage\n"),
    "version": ("prompts/old/unused/versions/1.0.0.txt", "Edited long ago.\n"),
    "suite": ("prompts/support/route/evals/suite.yaml", "scorers: 7\n"),
    "result": ("prompts/support/route/evals/results/1.1.0/x.json", "{\n"),
}


@pytest.mark.parametrize(("path", "text"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_neighbour_that_did_not_change_is_not_read(place, path, text):
    place.write(path, text)
    place.commit("Somebody else's")
    edit(place, ANSWER_DRAFT, "in one line", "in two lines")
    place.ok("release", "support/answer")
    passes(place)


def test_without_a_base_every_file_is_read(place):
    place.write("prompts/bad/prompt.md", "{{ x\n")
    place.commit("Bad")
    ran = place.run("check", "--json")
    assert (rules(ran), ran.json["base"], ran.status) == (["template"], None, 1)


def test_every_finding_is_told_none_hides_another(place):
    remove(place, FIRST)
    edit(place, ANSWER_DRAFT, "{{ question }}", "{{ qestion }}")
    route(place, "1.1.0", "production")
    place.write(result_of(place, "1.2.0"), "{}\n")
    found = rules(place.run("check", "--base", "HEAD", "--json"), "error")
    assert {"frozen-deleted", "undeclared", "gate", "pin-order", "result-changed"} <= set(found)


def test_a_link_out_of_the_registry_is_a_finding_and_hides_no_other(place):
    (place.path / "outside.md").write_text("Secret.\n")
    remove(place, "prompts/old/unused/prompt.md")
    (place.path / "prompts/old/unused/prompt.md").symlink_to(place.path / "outside.md")
    remove(place, FIRST)
    ran = place.run("check", "--base", "HEAD", "--json")
    assert ran.status == 1, ran.err
    assert [line.partition(" | ")[0] for line in told(ran)] == [
        (
            "error [link] prompts/old/unused/prompt.md a link stands here. What it leads to can change without this "
            "file, and no change of that would be checked."
        ),
        (
            f"error [frozen-deleted] {FIRST} this change deletes support/answer 1.0.0, which base has. Released "
            "versions stay."
        ),
    ]


# Conflict markers


def in_the_middle(place: Place, path: str) -> int:
    """Put markers into a file; the line on which they begin."""
    lines = place.read(path).splitlines(keepends=True)
    at = len(lines) // 2
    place.write(path, "".join([*lines[:at], markers(lines[at], lines[at]), *lines[at + 1 :]]))
    return at + 1


MARKED = {
    "draft": ANSWER_DRAFT,
    "sums": SUMS,
    "environment": STAGING,
    "suite": SUITE,
    "cases": CASES,
    "version": SECOND,
    "result": RESULTS,
}


@pytest.mark.parametrize("path", MARKED.values(), ids=MARKED.keys())
def test_conflict_markers_are_found_in_every_kind_of_file(place, path):
    path = result_of(place, "1.1.0") if path == RESULTS else path
    line = in_the_middle(place, path)
    expected = settled_words(f" {path}:{line} merge conflict markers stand here")
    found = checked(place)
    assert [entry for entry in found if expected in entry and entry.startswith("error [")], found


def test_conflict_markers_in_promptreg_toml_stop_the_check(place):
    line = in_the_middle(place, CONFIG)
    ran = place.run("check", "--base", "HEAD")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"promptreg: {CONFIG}:{line}: merge conflict markers stand here. Settle the conflict, then try again.\n"
    )


@pytest.mark.parametrize("path", [SUMS, STAGING])
def test_conflict_markers_in_files_that_promptreg_writes_name_the_command_that_mends_them(place, path):
    in_the_middle(place, path)
    found = [line for line in checked(place) if "merge conflict markers" in line]
    assert found
    assert all("promptreg check --fix" in line for line in found)


# 2 Frozen files

FROZEN = {
    "a frozen file edited": (
        lambda place: edit(place, FIRST, "shortly", "quickly"),
        [
            (
                f"error [frozen-changed] {FIRST} versions/1.0.0.txt was changed; released versions never change. An "
                f"edit belongs into prompt.md. | {FIX} moves it there, or undoes a formatter's work"
            ),
        ],
    ),
    "a frozen file deleted": (
        lambda place: remove(place, FIRST),
        [
            (
                f"error [frozen-deleted] {FIRST} this change deletes support/answer 1.0.0, which base has. Released "
                f"versions stay. | {FIX} keeps it and leaves the pins as they are"
            )
        ],
    ),
    "the message of a line changed": (
        lambda place: edit(place, SUMS, "# First", "# Another"),
        [
            (
                f"error [sum-rewritten] {SUMS} the line of 1.0.0 was changed or removed; versions.sum only ever grows. "
                f"| {FIX}"
            )
        ],
    ),
    "a line removed": (
        lambda place: without_line(place, SUMS, "1.0.0"),
        [
            (
                f"error [sum-rewritten] {SUMS} the line of 1.0.0 was changed or removed; versions.sum only ever grows. "
                f"| {FIX}"
            )
        ],
    ),
    "lines in another order": (
        lambda place: place.write(SUMS, "".join(place.read(SUMS).splitlines(keepends=True)[::-1])),
        [
            (
                f"error [sum-rewritten] {SUMS} the line of 1.1.0 was changed or removed; versions.sum only ever grows. "
                f"| {FIX}"
            )
        ],
    ),
    "a yank taken back": (
        lambda place: without_line(place, ROUTE_SUMS, "1.4.0 yanked"),
        [
            (
                f"error [sum-rewritten] {ROUTE_SUMS} the line of 1.4.0 was changed or removed; versions.sum only ever "
                f"grows. | {FIX}"
            )
        ],
    ),
    "a result edited": (
        lambda place: edit(place, result_of(place, "1.1.0"), '"n": 40', '"n": 41'),
        [
            (
                f"error [result] {RESULTS}/1.1.0/suite-….json the file was changed after the run: its name says …, its "
                "content is …."
            ),
            (
                f"error [result-changed] {RESULTS}/1.1.0/suite-….json a stored result was changed. Results are what a "
                f"run found; run it again for new ones. | {FIX}"
            ),
        ],
    ),
    "a result deleted": (
        lambda place: remove(place, result_of(place, "1.1.0")),
        [
            (
                f"error [result-deleted] {RESULTS}/1.1.0/suite-….json this change deletes a stored result, which is "
                f"evidence. | {FIX}"
            )
        ],
    ),
    "outputs edited": (
        lambda place: append(place, result_of(place, "1.1.0", ".outputs.jsonl"), "{}\n"),
        [
            (
                f"error [result-changed] {RESULTS}/1.1.0/suite-….outputs.jsonl a stored result was changed. Results "
                f"are what a run found; run it again for new ones. | {FIX}"
            )
        ],
    ),
    "a result of another version added": (
        lambda place: place.write(
            result_of(place, "1.1.0").replace("1.1.0", "1.2.0"), place.read(result_of(place, "1.1.0"))
        ),
        [f"error [result] {RESULTS}/1.2.0/suite-….json this is a result of support/route@1.1.0."],
    ),
}


@pytest.mark.parametrize(("breach", "expected"), FROZEN.values(), ids=FROZEN.keys())
def test_what_is_released_or_stored_does_not_change(place, breach, expected):
    breach(place)
    fails(place, *expected)


def test_a_result_of_another_text_is_an_error(place):
    place.draft("support/route", ROUTE.replace("letter", "c") + "{# new #}\n")
    place.ok("eval", "support/route")
    place.draft("support/route", ROUTE.replace("letter", "c") + "{# newer #}\n")
    place.ok("release", "support/route", "--version", "1.5.0")
    folder = place.path / "prompts/.promptreg/results/support/route"
    (drafts,) = [path for path in folder.iterdir() if path.name.endswith(".json")]
    data = json.loads(drafts.read_text())
    assert data["version"] == "draft"
    place.write("prompts/support/route/evals/results/1.5.0/" + drafts.name, drafts.read_bytes())
    fails(place, f"error [result] {RESULTS}/1.5.0/suite-….json this is a result of support/route@draft.")


def test_deleting_outputs_is_no_finding(place):
    remove(place, result_of(place, "1.1.0", ".outputs.jsonl"))
    passes(place)


def test_a_sums_file_that_is_gone_is_refused(place):
    remove(place, ROUTE_SUMS)
    assert (
        f"error [sum-rewritten] {ROUTE_SUMS} support/route/versions.sum was removed; it only ever grows. | {FIX}"
        in checked(place)
    )


def test_a_version_without_a_line_is_a_leftover_and_only_warned_of(place):
    place.write("prompts/support/answer/versions/1.2.0.txt", "Left over.\n")
    passes(
        place,
        "warning [unlisted-version] prompts/support/answer/versions/1.2.0.txt 1.2.0.txt has no line in "
        "versions.sum, so it is no version: a leftover. | remove it, or release again",
    )


@pytest.mark.parametrize(
    ("name", "version"),
    [("support/answer", "1.2.0"), ("support/answer", "0.9.0"), ("new/one", "1.0.0")],
    ids=["highest", "lowest", "first"],
)
def test_a_line_whose_version_is_not_there_is_an_error(place, name, version):
    path = f"prompts/{name}/versions.sum"
    before = place.read(path) if name == "support/answer" else ""
    place.write(path, f"{before}{version} {NO_DIGEST} 2026-11-21 # By hand\n")
    (line,) = checked(place)
    assert line.startswith("error [")
    assert f"{name} {version} was released, and its file is gone." in line


@pytest.mark.parametrize("version", ["1.2.0", "0.9.0"])
def test_a_line_with_another_digest_than_its_file_is_an_error(place, version):
    append(place, SUMS, f"{version} {NO_DIGEST} 2026-11-21 # By hand\n")
    place.write(f"prompts/support/answer/versions/{version}.txt", "Hi {{ question }}\n")
    assert any(
        f"support/answer {version} is not what was released" in line and line.startswith("error")
        for line in checked(place)
    )


def test_a_line_must_name_what_its_version_includes(place):
    release_by_hand(place, "support/answer", "1.1.1", ANSWER.replace("shortly", "now"))
    fails(
        place,
        "error [digest] prompts/support/answer/versions/1.1.1.txt:5 includes shared/tone@1.0.0, which its line in "
        "versions.sum does not name.",
    )


def test_a_line_must_not_name_what_its_version_does_not_include(place):
    tone = {"shared/tone@1.0.0": digest_of(place, "shared/tone", "1.0.0")}
    text = "---\ninputs: {question: string}\n---\nSay {{ question }}\n"
    release_by_hand(place, "support/answer", "1.1.1", text, tone)
    fails(
        place,
        "error [digest] prompts/support/answer/versions/1.1.1.txt its line in versions.sum names shared/tone@1.0.0, "
        "which it does not include.",
    )


def test_a_version_written_by_hand_is_read_like_a_draft(place):
    release_by_hand(place, "old/unused", "2.0.0", "---\ninputs: {}\n---\nHi {{ name }}\n")
    fails(
        place,
        "error [undeclared] prompts/old/unused/versions/2.0.0.txt:4:7 name is not an input. The front matter declares "
        "no inputs. | declare it under inputs:  name: string",
    )


# A prompt's folder


def test_a_prompt_that_nothing_needs_may_go_as_a_whole(place):
    place.git("rm", "-rq", "prompts/old/unused")
    passes(place)


def test_a_prompt_that_is_pinned_does_not_go(place):
    place.git("rm", "-rq", "prompts/support/route")
    (line,) = [line for line in checked(place) if "[prompt-removed]" in line]
    assert line == (
        "error [prompt-removed] prompts/support/route support/route is removed, and production pins it in base; "
        f"production pins it in head; staging pins it in base; staging pins it in head. | {FIX}"
    )


def test_a_prompt_that_base_pins_does_not_go_even_where_head_unpins_it(place):
    place.git("rm", "-rq", "prompts/support/route")
    for path in (STAGING, PRODUCTION):
        place.write(path, without_pin(place.read(path), "support/route"))
    fails(
        place,
        "error [prompt-removed] prompts/support/route support/route is removed, and production pins it in base; "
        f"staging pins it in base. | {FIX}",
        f"warning [unpinned] {PRODUCTION} support/route is taken out of production, where it was 1.0.0.",
        f"warning [unpinned] {STAGING} support/route is taken out of staging, where it was 1.0.0.",
        f"warning [policy-loosened] {SUITE} the suite suite is removed. {LATER}",
    )


def test_a_prompt_that_a_version_includes_does_not_go(place):
    place.git("rm", "-rq", "prompts/shared/tone")
    (line,) = [line for line in checked(place) if "[prompt-removed]" in line]
    assert line == (
        "error [prompt-removed] prompts/shared/tone shared/tone is removed, and support/answer includes it in base; "
        f"support/answer includes it in head. | {FIX}"
    )


def test_a_prompt_goes_as_a_whole_or_not_at_all(place):
    place.git("rm", "-rq", "prompts/old/unused/prompt.md", "prompts/old/unused/versions.sum")
    ran = place.run("check", "--base", "HEAD", "--json")
    assert ran.status == 1, "versions/1.0.0.txt is still there, and no line speaks of it"


# 3 Pins

PINS = {
    "a version that does not exist": (
        lambda place: edit(place, STAGING, "version: 1.0.0", "version: 7.0.0"),
        [
            (
                f"error [pin-version] {STAGING}:5 staging pins support/route 7.0.0, which does not exist. It has "
                "1.0.0, 1.1.0, 1.2.0, 1.3.0, 1.4.0."
            )
        ],
    ),
    "a digest that is not the version's": (
        lambda place: route(place, "1.2.0", digest=NO_DIGEST),
        [
            (
                f"error [pin-digest] {STAGING}:5 staging pins support/route 1.2.0 with a digest that is not that "
                "version's. | promptreg check --fix where a release was amended; else promptreg promote"
            )
        ],
    ),
    "a yanked version": (
        lambda place: route(place, "1.4.0"),
        [f"error [pin-yanked] {STAGING}:5 support/route 1.4.0 was yanked on DATE: Leaks"],
    ),
    "against the order": (
        lambda place: route(place, "1.2.0", "production"),
        [
            (
                f"error [pin-order] {PRODUCTION}:6 support/route 1.2.0 must be in staging before it goes to "
                "production. | promptreg promote support/route@1.2.0 --to staging"
            )
        ],
    ),
    "a way back that base never ran": (
        lambda place: route(place, "1.2.0", previous=exact(place, "support/route", "1.1.0")),
        [
            (
                f"error [pin-previous] {STAGING}:5 previous of support/route is 1.1.0, which base's staging does not "
                "say. | promptreg promote writes it"
            )
        ],
    ),
    "a way back with another digest": (
        lambda place: route(place, "1.2.0", previous=("1.0.0", NO_DIGEST)),
        [
            (
                f"error [pin-previous] {STAGING}:5 previous of support/route is 1.0.0, which base's staging does not "
                "say. | promptreg promote writes it"
            )
        ],
    ),
    "a way back added to a standing pin": (
        lambda place: route(place, "1.0.0", previous=exact(place, "support/route", "1.1.0")),
        [
            (
                f"error [pin-previous] {STAGING}:5 previous of support/route is 1.1.0, which base's staging does not "
                "say. | promptreg promote writes it"
            )
        ],
    ),
    "a way back at the first pin": (
        lambda place: pin_by_hand(
            place, "staging", "old/unused", "1.0.0", previous=exact(place, "old/unused", "1.0.0")
        ),
        [
            (
                f"error [pin-previous] {STAGING}:1 previous of old/unused is 1.0.0, which base's staging does not say. "
                "| promptreg promote writes it"
            ),
            f"warning [gate-ungated] {STAGING}:1 old/unused 1.0.0 for staging: there are no cases.",
        ],
    ),
    "a rollout of a version that does not exist": (
        lambda place: route(place, "1.0.0", rollout=("7.0.0", NO_DIGEST, 10)),
        [
            (
                f"error [pin-version] {STAGING}:5 staging pins support/route 7.0.0, which does not exist. It has "
                "1.0.0, 1.1.0, 1.2.0, 1.3.0, 1.4.0."
            )
        ],
    ),
}


@pytest.mark.parametrize(("breach", "expected"), PINS.values(), ids=PINS.keys())
def test_a_pin_that_differs_names_what_may_stand_there(place, breach, expected):
    breach(place)
    ran = place.run("check", "--base", "HEAD", "--json")
    assert [re.sub(r"on \d{4}-\d\d-\d\d:", "on DATE:", line) for line in told(ran)] == expected
    assert ran.status == 1


def test_a_pin_moved_in_the_environment_before_it_too_keeps_the_order(place):
    route(place, "1.2.0")
    route(place, "1.2.0", "production")
    passes(place)


def test_a_promotion_to_what_staging_ran_in_base_keeps_the_order(place):
    place.ok("promote", "support/route@1.2.0", "--to", "staging")
    place.commit("Staging")
    route(place, "1.0.0", previous=exact(place, "support/route", "1.2.0"))
    route(place, "1.2.0", "production")
    assert rules(place.run("check", "--base", "HEAD", "--json"), "error") == []


def test_going_back_to_what_base_names_as_previous_needs_no_gate(place):
    pin_by_hand(place, "production", "support/answer", "1.0.0")
    passes(place, f"note [rollback] {PRODUCTION}:2 production goes back from support/answer 1.1.0 to 1.0.0.")


def test_going_back_further_than_previous_is_a_promotion_like_any_other(place):
    place.ok("promote", "support/route@1.2.0", "--to", "staging")
    place.commit("Staging")
    route(place, "1.1.0", previous=exact(place, "support/route", "1.2.0"))
    assert rules(place.run("check", "--base", "HEAD", "--json"), "error") == ["gate"]


def test_going_back_to_a_yanked_version_is_refused(place):
    place.ok("yank", "support/answer@1.0.0", "-m", "Leaks")
    place.commit("Yank")
    pin_by_hand(place, "production", "support/answer", "1.0.0")
    assert rules(place.run("check", "--base", "HEAD", "--json"), "error") == ["pin-yanked"]


def test_a_standing_pin_of_a_version_that_this_change_yanks_is_only_warned_of(place):
    place.ok("yank", "support/answer@1.1.0", "-m", "Leaks")
    passes(
        place,
        f"warning [pin-yanked] {PRODUCTION}:2 production runs support/answer 1.1.0, which was yanked: Leaks",
        f"warning [pin-yanked] {STAGING}:1 staging runs support/answer 1.1.0, which was yanked: Leaks",
    )


def test_taking_a_prompt_out_of_an_environment_is_warned_of(place):
    place.write(STAGING, without_pin(place.read(STAGING), "support/route"))
    passes(place, f"warning [unpinned] {STAGING} support/route is taken out of staging, where it was 1.0.0.")


def test_without_a_base_pins_must_be_real(place):
    route(place, "1.2.0", digest=NO_DIGEST)
    edit(place, PRODUCTION, "version: 1.1.0", "version: 7.0.0")
    ran = place.run("check", "--json")
    assert (rules(ran, "error"), ran.status) == (["pin-digest", "pin-version"], 1)


# 4 The gate


def test_a_version_that_regressed_is_refused(place):
    route(place, "1.1.0")
    ran = place.run("check", "--base", "HEAD", "--json")
    assert told(ran) == [
        (
            f"error [gate] {STAGING}:5 regressed: support/route 1.1.0 for staging: {REGRESSED}. | promptreg compare "
            "support/route@1.0.0 support/route@1.1.0"
        )
    ]
    (verdict,) = ran.json["verdicts"]
    assert (verdict["name"], verdict["environment"], verdict["verdict"]) == ("support/route", "staging", "regressed")
    assert (verdict["metrics"]["correct"]["lost"], ran.status) == ([f"c{number}" for number in range(30, 38)], 1)


def test_a_reader_sees_the_table_of_the_gate_before_the_findings(place):
    route(place, "1.1.0")
    lines = place.run("check", "--base", "HEAD").out.split("\n")
    assert lines[0] == (
        "BLOCKED  support/route 1.1.0 → staging (1.0.0 there now)       mode standard, alpha 0.05, scored by echo (not "
        "a language model)"
    )
    assert lines[1] == "No: 8 of 40 cases that 1.0.0 answers right fail with 1.1.0; 0 others now pass."


def test_a_version_that_was_never_evaluated_is_refused(place):
    route(place, "1.3.0")
    fails(
        place,
        f"error [gate] {STAGING}:5 missing: support/route 1.3.0 for staging: 1.3.0 has 40 cases and no result. | "
        "promptreg eval --needed --to staging support/route@1.3.0",
    )


def test_evidence_that_is_there_and_good_is_enough(place):
    route(place, "1.2.0", previous=exact(place, "support/route", "1.0.0"))
    passes(place)


def test_a_share_of_the_keys_passes_the_gate_like_a_whole_pin(place):
    route(place, "1.0.0", rollout=(*exact(place, "support/route", "1.1.0"), 10))
    assert rules(place.run("check", "--base", "HEAD", "--json"), "error") == ["gate"]


def test_a_first_pin_must_reach_min_and_its_critical_cases(place):
    place.suite("new/one", [{"id": "a", "inputs": {"a": "no"}, "expected": "yes", "tags": ["critical"]}])
    edit(place, "prompts/new/one/evals/suite.yaml", "{type: exact}", "{type: exact}\ngate: {correct: {min: 0.9}}")
    place.draft("new/one", "{{ a }}\n")
    place.ok("release", "new/one")
    place.ok("eval", "new/one@1.0.0")
    pin_by_hand(place, "staging", "new/one", "1.0.0")
    assert [line for line in checked(place) if line.startswith("error")] == [
        (
            f"error [gate] {STAGING}:1 regressed: new/one 1.0.0 for staging: correct: critical: a; 0.000 is below min "
            "0.9. | promptreg results show new/one@1.0.0 --failing"
        )
    ]


def test_a_first_suite_is_read_from_head_and_said(place):
    place.suite("support/answer", [{"id": "a", "inputs": {"question": "x"}, "expected": "y"}])
    edit(place, ANSWER_DRAFT, "in one line", "in two lines")
    place.ok("release", "support/answer")
    pin_by_hand(place, "staging", "support/answer", "1.1.1")
    found = checked(place)
    assert found[0].startswith(f"error [gate] {STAGING}:1 missing: support/answer 1.1.1 for staging: ")
    assert found[1] == (
        "note [first-suite] prompts/support/answer/evals/suite.yaml support/answer has its first suite; it is read "
        "from this change."
    )


WAIVED = f"warning [gate-regressed] {STAGING}:5 support/route 1.1.0 for staging: {REGRESSED}."
FORCE = "promptreg promote support/route@1.1.0 --to staging --force -m …"


def test_a_waiver_that_tells_the_truth_lets_a_version_pass_and_is_shown(place):
    route(place, "1.1.0", waiver=waiver("1.1.0", "1.0.0", "regressed"))
    passes(
        place,
        WAIVED,
        f"warning [waived] {STAGING}:5 support/route 1.1.0 goes to staging against the gate (regressed), by Aki: The "
        "customer waits",
    )


WRONG_WAIVERS = {
    "for another version": (
        waiver("1.2.0", "1.0.0", "regressed"),
        "it names 1.2.0, and the pin is 1.1.0",
    ),
    "from another version": (
        waiver("1.1.0", "1.3.0", "regressed"),
        "it says from 1.3.0, and base pins 1.0.0",
    ),
    "with another verdict": (
        waiver("1.1.0", "1.0.0", "uncertain"),
        "it states uncertain, and the verdict is regressed",
    ),
    "wrong in everything": (
        waiver("1.2.0", None, "missing"),
        (
            "it names 1.2.0, and the pin is 1.1.0; it says from nothing, and base pins 1.0.0; it states missing, and "
            "the verdict is regressed"
        ),
    ),
}


@pytest.mark.parametrize(("written", "wrong"), WRONG_WAIVERS.values(), ids=WRONG_WAIVERS.keys())
def test_a_waiver_that_does_not_fit_is_refused_with_all_that_is_wrong(place, written, wrong):
    route(place, "1.1.0", waiver=written)
    fails(
        place,
        f"error [waiver] {STAGING}:5 the waiver of support/route does not hold: {wrong}. | {FORCE}",
        WAIVED,
    )


def test_a_waiver_for_a_version_that_passes_is_made_up(place):
    route(place, "1.2.0", waiver=waiver("1.2.0", "1.0.0", "regressed"))
    fails(
        place,
        f"error [waiver] {STAGING}:5 the waiver of support/route does not hold: it states regressed, and the verdict "
        "is pass. | promptreg promote support/route@1.2.0 --to staging --force -m …",
    )


def test_a_waiver_without_a_promotion_is_refused(place):
    route(place, "1.0.0", waiver=waiver("1.0.0", None, "regressed"))
    fails(
        place,
        f"error [waiver] {STAGING}:5 a waiver for support/route was written without a promotion. | take it out",
    )


def test_an_old_waiver_does_not_carry_the_next_version(place):
    route(place, "1.1.0", waiver=waiver("1.1.0", "1.0.0", "regressed"))
    place.commit("Waived")
    route(place, "1.3.0", waiver=waiver("1.1.0", "1.0.0", "regressed"))
    assert rules(place.run("check", "--base", "HEAD", "--json"), "error") == ["gate", "waiver"]


def test_a_waiver_made_up_for_a_way_back_is_refused(place):
    pin_by_hand(place, "production", "support/answer", "1.0.0", waiver=waiver("9.0.0", "8.0.0", "regressed"))
    assert rules(place.run("check", "--base", "HEAD", "--json"), "error") == ["waiver"]


def test_a_forced_promotion_passes_as_it_was_written(place):
    place.ok("promote", "support/route@1.1.0", "--to", "staging", "--force", "-m", "The customer waits")
    assert rules(place.ok("check", "--base", "HEAD", "--json")) == ["gate-regressed", "waived"]


# Head is judged by base's rules


def test_min_of_a_metric_of_which_less_is_better_is_looser_where_it_is_higher():
    assert [*looser_min("length", 10.0, 20.0, less_is_better=True)] == ["min of length: 10 → 20"]
    assert [*looser_min("length", 10.0, 5.0, less_is_better=True)] == []
    assert [*looser_min("correct", 0.5, 0.4, less_is_better=False)] == ["min of correct: 0.5 → 0.4"]


def gate_key(key: str, value: float):
    return lambda place: append(place, CONFIG, f"\n[gate]\n{key} = {value}\n")


def replaced(path: str, old: str, new: str):
    return lambda place: edit(place, path, old, new)


def untagged(place: Place) -> None:
    with_cases(place, lambda rows: [row | {"tags": []} for row in rows])


def without_said(place: Place) -> None:
    edit(place, SUITE, "  said: {type: contains}\n", "")
    edit(place, SUITE, "  said: {max_drop: 0.05}\n", "")


GATE_LINE = "correct: {max_drop: 0.05, min: 0.5}"
LOOSENED = {
    "mode": (
        replaced(CONFIG, '[environments.staging]\nmode = "standard"', '[environments.staging]\nmode = "lenient"'),
        CONFIG,
        "mode of staging: standard → lenient",
    ),
    "alpha": (gate_key("alpha", 0.001), CONFIG, "[gate] alpha 0.05 → 0.001"),
    "after": (replaced(CONFIG, 'after = "staging"\n', ""), CONFIG, "after of production: staging → nothing"),
    "limits": (
        lambda place: append(place, CONFIG, "\n[limits]\noutput = 100000000\n"),
        CONFIG,
        "[limits] output 16,777,216 → 100,000,000",
    ),
    "max_drop of a metric": (
        replaced(SUITE, GATE_LINE, "correct: {max_drop: 0.9, min: 0.5}"),
        SUITE,
        "max_drop of correct: 0.05 → 0.9",
    ),
    "min of a metric": (
        replaced(SUITE, GATE_LINE, "correct: {max_drop: 0.05, min: 0.1}"),
        SUITE,
        "min of correct: 0.5 → 0.1",
    ),
    "no min any more": (
        replaced(SUITE, GATE_LINE, "correct: {max_drop: 0.05}"),
        SUITE,
        "min of correct: 0.5 → nothing",
    ),
    "block: false": (
        replaced(SUITE, GATE_LINE, "correct: {max_drop: 0.05, min: 0.5, block: false}"),
        SUITE,
        "correct no longer blocks",
    ),
    "another provider": (
        replaced(SUITE, "provider: echo", "provider: nearest-example"),
        SUITE,
        "the setup (provider, model or parameters) is another",
    ),
    "another model": (
        replaced(SUITE, "provider: echo", "provider: echo\nmodel: gpt-9"),
        SUITE,
        "the setup (provider, model or parameters) is another",
    ),
    "another scorer": (
        replaced(SUITE, "correct: {type: exact}", "correct: {type: exact, ignore_case: true}"),
        SUITE,
        "the scorer of correct is another",
    ),
    "no longer critical": (untagged, SUITE, "2 cases no longer critical: c00, c01"),
}


@pytest.mark.parametrize(("loosen", "path", "what"), LOOSENED.values(), ids=LOOSENED.keys())
def test_a_policy_loosened_in_the_same_change_is_listed_and_does_not_help_it(place, loosen, path, what):
    loosen(place)
    route(place, "1.1.0")
    found = checked(place)
    assert found[0].startswith(f"error [gate] {STAGING}:5 regressed: support/route 1.1.0 for staging: {REGRESSED}.")
    assert found[1:] == [f"warning [policy-loosened] {path} {what}. {LATER}"]


def test_every_number_of_the_gate_that_becomes_looser_is_listed(place):
    append(
        place,
        CONFIG,
        "\n[gate]\nalpha = 0.001\nmax_drop = 0.9\nmin_cases = 1\nmin_coverage = 0.1\nmax_errors = 0.9\n"
        "max_removed = 0.9\nstale_days = 900\nstale_days_strict = 901\n",
    )
    assert [line.partition(" [gate] ")[2].partition(". It holds")[0] for line in checked(place)] == [
        "alpha 0.05 → 0.001",
        "max_drop 0.05 → 0.9",
        "min_cases 20 → 1",
        "min_coverage 0.98 → 0.1",
        "max_errors 0.02 → 0.9",
        "max_removed 0.2 → 0.9",
        "stale_days 30 → 900",
        "stale_days_strict 90 → 901",
    ]


def test_a_metric_removed_in_the_same_change_is_listed_and_still_counts(place):
    without_said(place)
    route(place, "1.1.0")
    found = checked(place)
    assert found[0].startswith(f"error [gate] {STAGING}:5 regressed: support/route 1.1.0 for staging: {REGRESSED}.")
    assert f"warning [policy-loosened] {SUITE} the metric said is removed. {LATER}" in found


def test_an_environment_removed_in_the_same_change_is_listed_and_still_comes_first(place):
    without = TOML.replace('after = "staging"\n', "").replace('[environments.staging]\nmode = "standard"\n', "")
    place.write(CONFIG, without)
    route(place, "1.2.0", "production")
    assert sorted(line.partition(" | ")[0] for line in checked(place)) == [
        f"error [pin-order] {PRODUCTION}:6 support/route 1.2.0 must be in staging before it goes to production.",
        f"warning [policy-loosened] {CONFIG} after of production: staging → nothing. {LATER}",
        f"warning [policy-loosened] {CONFIG} the environment staging is removed. {AT_ONCE}",
    ]


def test_a_limit_raised_in_the_same_change_does_not_help_it(place):
    append(place, CONFIG, "\n[limits]\nsource = 1000\n")
    place.commit("A limit")
    edit(place, CONFIG, "source = 1000", "source = 100000")
    place.draft("new/long", "Long. " * 300 + "\n")
    assert rules(place.run("check", "--base", "HEAD", "--json")) == ["limit", "policy-loosened"]


def test_a_limit_taken_away_is_listed(place):
    append(place, CONFIG, "\n[limits]\noutput = 1000\n")
    place.commit("A limit")
    edit(place, CONFIG, "output = 1000\n", "")
    (line,) = checked(place)
    assert line.startswith(f"warning [policy-loosened] {CONFIG} [limits] output 1,000 → ")


TIGHTENED = {
    "mode": replaced(CONFIG, '[environments.staging]\nmode = "standard"', '[environments.staging]\nmode = "strict"'),
    "alpha": gate_key("alpha", 0.1),
    "max_drop": gate_key("max_drop", 0.01),
    "min_cases": gate_key("min_cases", 30),
    "limits": lambda place: append(place, CONFIG, "\n[limits]\noutput = 1000\n"),
    "max_drop of a metric": replaced(SUITE, GATE_LINE, "correct: {max_drop: 0.01, min: 0.5}"),
    "max_drop that equals the default left out": replaced(SUITE, GATE_LINE, "correct: {min: 0.5}"),
    "min of a metric": replaced(SUITE, GATE_LINE, "correct: {max_drop: 0.05, min: 0.9}"),
    "a case more": lambda place: with_cases(place, lambda rows: [*rows, rows[0] | {"id": "new"}]),
    "a critical case more": lambda place: with_cases(
        place, lambda rows: [row | {"tags": ["critical"]} for row in rows]
    ),
    "a metric more": replaced(SUITE, "gate:", "  also: {type: exact}\ngate:"),
    "a stricter metric that had the default": replaced(
        SUITE, "  said: {max_drop: 0.05}\n", "  said: {max_drop: 0.05}\n  latency: {max_rise: 0.2}\n"
    ),
}


@pytest.mark.parametrize("tighten", TIGHTENED.values(), ids=TIGHTENED.keys())
def test_a_policy_that_becomes_stricter_is_not_called_looser(place, tighten):
    tighten(place)
    passes(place)


def test_a_threshold_tighter_than_the_default_is_not_called_looser(place):
    edit(place, SUITE, "  said: {max_drop: 0.05}\n", "")
    place.commit("The default")
    edit(place, SUITE, GATE_LINE, f"{GATE_LINE}\n  said: {{max_drop: 0.01}}")
    passes(place)


def test_a_looser_policy_holds_from_the_next_change_on(place):
    edit(place, CONFIG, '[environments.staging]\nmode = "standard"', '[environments.staging]\nmode = "lenient"')
    place.commit("Looser, reviewed")
    route(place, "1.1.0")
    assert rules(place.ok("check", "--base", "HEAD", "--json")) == ["gate-regressed"]


def test_a_few_cases_removed_in_the_same_change_leave_the_verdict_uncertain(place):
    with_cases(place, lambda rows: [row for row in rows if row["id"] not in ("c30", "c31")])
    route(place, "1.2.0")
    passes(
        place,
        f"warning [gate-uncertain] {STAGING}:5 support/route 1.2.0 for staging: this change removes or rewrites c30, "
        "c31.",
        f"warning [policy-loosened] {SUITE} 2 cases removed: c30, c31. {LATER}",
    )


def test_cases_rewritten_in_the_same_change_count_like_removed_ones(place):
    with_cases(place, lambda rows: [row | ({"expected": "no"} if row["id"] == "c30" else {}) for row in rows])
    route(place, "1.2.0")
    passes(
        place,
        f"warning [gate-uncertain] {STAGING}:5 support/route 1.2.0 for staging: this change removes or rewrites c30.",
        f"warning [policy-loosened] {SUITE} 1 case rewritten: c30. {LATER}",
    )


def test_more_than_a_fifth_of_the_cases_removed_cannot_be_compared(place):
    with_cases(place, lambda rows: rows[:31])
    route(place, "1.2.0")
    found = checked(place)
    assert found[0].partition(" | ")[0] == (
        f"error [gate] {STAGING}:5 not-comparable: support/route 1.2.0 for staging: this change removes or rewrites 9 "
        "of 40 cases (c31, c32, c33, c34, c35, c36, c37, c38, c39)."
    )
    assert found[1] == (
        f"warning [policy-loosened] {SUITE} 9 cases removed: c31, c32, c33, c34, c35, c36, c37, c38 …. {LATER}"
    )


def test_a_suite_deleted_in_the_same_change_judges_it_all_the_same(place):
    remove(place, SUITE)
    remove(place, CASES)
    route(place, "1.2.0")
    found = checked(place)
    assert found[0].startswith(
        f"error [gate] {STAGING}:5 not-comparable: support/route 1.2.0 for staging: this change removes or rewrites 40 "
        "of 40 cases"
    )
    assert found[1:] == [f"warning [policy-loosened] {SUITE} the suite suite is removed. {LATER}"]


def test_a_case_added_in_the_same_change_is_not_gated(place):
    with_cases(place, lambda rows: [*rows, rows[0] | {"id": "new"}])
    route(place, "1.2.0")
    passes(place)


# 5 Bumps


def test_a_bump_that_is_too_small_is_refused_with_the_right_one(place):
    release_by_hand(place, "support/answer", "1.1.1", "---\ninputs: {other: string}\n---\nOnly {{ other }}.\n")
    fails(
        place,
        f"error [bump] {SUMS} support/answer: 1.1.1 after 1.1.0 is no major bump, and this change is major: input "
        "question removed; new required input other. It should be 2.0.0.",
    )


@pytest.mark.parametrize(
    ("version", "front", "needed"),
    [
        ("1.1.1", "model: gpt-9\ninputs: {question: string}", "minor"),
        ("1.2.0", "inputs: {question: integer}", "major"),
        ("1.2.0", "inputs: {question: string, tone: string}", "major"),
        ("1.1.1", "inputs: {question: string, tone: {default: x}}", "minor"),
        ("1.0.1", "inputs: {question: string, tone: {default: x}}", "minor"),
    ],
)
def test_a_bump_is_compared_with_the_greatest_lower_version(place, version, front, needed):
    release_by_hand(place, "support/answer", version, f"---\n{front}\n---\n{{{{ question }}}}\n")
    (line,) = [line for line in checked(place) if line.startswith("error")]
    assert f"is no {needed} bump, and this change is {needed}: " in line


@pytest.mark.parametrize(
    ("name", "version", "text"),
    [
        ("support/answer", "2.0.0", "Now {{ other }}.\n"),
        ("support/answer", "1.1.1", "---\ninputs: {question: string}\n---\nNow {{ question }}.\n"),
        ("new/one", "3.0.0", "First {{ x }}.\n"),
        ("new/one", "0.1.0", "First {{ x }}.\n"),
    ],
)
def test_a_bump_that_its_changes_allow_passes(place, name, version, text):
    release_by_hand(place, name, version, text)
    passes(place)


def test_below_one_every_bump_is_free(place):
    release_by_hand(place, "new/one", "0.1.0", "First {{ x }}.\n")
    place.commit("0.1.0")
    release_by_hand(place, "new/one", "0.1.1", "Second {{ y }}.\n")
    passes(place)


# The base


def based(place: Place, *arguments: str, environ: dict[str, str] | None = None) -> tuple[str | None, str | None]:
    """The commit and how it was found."""
    ran = place.run("check", "--json", *arguments, environ=environ)
    assert ran.status in (0, 1), ran.err
    base = ran.json["base"]
    return (base["commit"], base["how"]) if base else (None, None)


@pytest.fixture
def branched(place) -> tuple[Place, dict[str, str]]:
    """On the branch feature, one commit ahead of where main was; main has moved on."""
    commits = {"start": place.git("rev-parse", "HEAD")}
    place.git("checkout", "-q", "-b", "feature")
    place.write(ANSWER_DRAFT, ANSWER.replace("shortly", "at once"))
    commits["feature"] = place.commit("Feature")
    place.git("checkout", "-q", "main")
    place.draft("old/unused", "Main moved on.\n")
    commits["main"] = place.commit("Main moved on")
    place.git("checkout", "-q", "feature")
    return place, commits


def cloned(place: Place, name: str, *options: str) -> Place:
    """A clone of a repository whose HEAD is on main."""
    place.git("checkout", "-q", "main")
    target = place.path.parent / name
    subprocess.run(["git", "clone", "-q", *options, f"file://{place.path}", str(target)], check=True)
    return Place(target)


def test_a_base_branch_that_is_ahead_means_where_the_two_parted(branched):
    place, commits = branched
    assert based(place, "--base", "main") == (commits["start"], "where HEAD left main")


def test_a_parent_or_an_ancestor_is_the_base_itself(branched):
    place, commits = branched
    assert based(place, "--base", "HEAD~1") == (commits["start"], "HEAD~1")
    assert based(place, "--base", commits["start"]) == (commits["start"], commits["start"])
    place.git("merge", "-q", "--no-ff", "-m", "Merge", "main")
    assert based(place, "--base", "main") == (commits["main"], "main")


def test_what_the_base_has_and_the_branch_does_not_is_no_change_of_the_branch(branched):
    place, _ = branched
    remove(place, FIRST)
    assert rules(place.run("check", "--base", "main", "--json")) == ["frozen-deleted"]
    place.git("checkout", "-q", "--", FIRST)
    assert rules(place.run("check", "--base", "main", "--json")) == []


def test_auto_takes_where_head_left_the_remotes_default_branch(branched):
    place, commits = branched
    clone = cloned(place, "clone")
    clone.git("checkout", "-q", "feature")
    assert based(clone) == (commits["start"], "where HEAD left origin/main")
    clone.git("remote", "rename", "origin", "upstream")
    assert based(clone, "--base", "auto") == (commits["start"], "where HEAD left upstream/main")


def test_on_github_the_base_is_the_first_parent_of_the_merge_commit(branched):
    place, commits = branched
    place.git("checkout", "-q", "--detach", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge feature into main", "feature")
    environ = {
        "CI": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_BASE_REF": "main",
        "GITHUB_SHA": place.git("rev-parse", "HEAD"),
    }
    assert based(place, environ=environ) == (commits["main"], "first parent of the pull request's merge commit")


def test_on_github_a_merge_commit_of_the_branch_itself_is_not_githubs(branched):
    """`ref: head.sha` checks out the branch; its own merge of main has the branch as its first parent."""
    place, commits = branched
    place.git("merge", "-q", "--no-ff", "-m", "Merge main into feature", "main")
    place.git("update-ref", "refs/remotes/origin/main", commits["main"])
    environ = {
        "CI": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_BASE_REF": "main",
        "GITHUB_SHA": "1" * 40,
    }
    assert based(place, environ=environ)[0] == commits["main"]


def test_on_github_a_branch_that_is_checked_out_is_compared_with_its_target(branched):
    place, commits = branched
    place.git("update-ref", "refs/remotes/origin/main", commits["main"])
    environ = {"CI": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main", "GITHUB_SHA": "1" * 40}
    assert based(place, environ=environ) == (commits["start"], "where HEAD left origin/main")


EVENTS = {
    "merge_group": ("merge_group", lambda c: {"merge_group": {"base_sha": c["start"]}}, "base of the merge group"),
    "push": ("push", lambda c: {"before": c["start"]}, "what was there before the push"),
}


@pytest.mark.parametrize(("name", "event", "how"), EVENTS.values(), ids=EVENTS.keys())
def test_on_github_the_event_file_names_the_base(branched, tmp_path, name, event, how):
    place, commits = branched
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event(commits)))
    environ = {"CI": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path)}
    assert based(place, environ=environ) == (commits["start"], how)


def test_on_github_a_forced_push_is_compared_with_where_the_two_histories_part(branched, tmp_path):
    place, commits = branched
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"before": commits["main"]}))
    environ = {"CI": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(path)}
    assert based(place, environ=environ)[0] == commits["start"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("merge_group", None),
        ("merge_group", "{"),
        ("merge_group", "{}"),
        ("merge_group", '{"merge_group": []}'),
        ("push", "[]"),
        ("push", '{"before": null}'),
        ("push", '{"before": "--output=x"}'),
        ("push", '{"before": "1111111111111111111111111111111111111111"}'),
    ],
)
def test_an_event_file_that_says_nothing_of_use_is_one_sentence(branched, tmp_path, name, content):
    place, _ = branched
    path = tmp_path / "event.json"
    if content is not None:
        path.write_text(content)
    ran = place.run("check", environ={"CI": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path)})
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("promptreg: ")
    assert ran.err.count("\n") == 1
    assert "None" not in ran.err
    assert "origin --" not in ran.err, "a command to paste never holds an option from outside"


def test_on_gitlab_a_merged_result_is_compared_with_the_target_branch(branched):
    place, commits = branched
    place.git("checkout", "-q", "--detach", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merged result", "feature")
    environ = {
        "CI": "true",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": commits["start"],
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": commits["main"],
    }
    assert based(place, environ=environ) == (commits["main"], "target branch of the merge request")
    environ["CI_MERGE_REQUEST_TARGET_BRANCH_SHA"] = ""
    assert based(place, environ=environ)[1] == "base of the merge request"


def test_on_gitlab_the_base_is_that_of_the_merge_request(branched):
    place, commits = branched
    environ = {"CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": commits["start"]}
    assert based(place, environ=environ) == (commits["start"], "base of the merge request")


def test_what_ci_names_is_resolved_to_the_id_of_a_commit(branched):
    place, commits = branched
    ran = place.run("check", "--json", environ={"CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "feature~1"})
    assert ran.status == 2 or ran.json["base"]["commit"] == commits["start"]


def test_no_base_is_said_in_the_last_line(place):
    ran = place.ok("check")
    assert ran.out.split("\n")[-2:] == [
        "gate not checked: no base revision. Frozen versions were not checked either. (--base origin/main)",
        "",
    ]
    assert ran.out.split("\n")[-3] == "Checked 4 prompts: no findings."


def test_no_base_in_ci_is_a_failure(place):
    ran = place.run("check", environ={"CI": "true"})
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "promptreg: gate not checked: no base revision. In CI check must know what it compares with: give it --base "
        "origin/main, and enough history (actions/checkout with fetch-depth: 2).\n"
    )


def test_a_base_that_git_does_not_know_is_a_failure(place):
    ran = place.run("check", "--base", "nope")
    assert (ran.status, ran.err) == (2, "promptreg: git knows no revision nope.\n")


def test_the_first_registry_is_judged_by_its_own_rules_and_said(folder):
    folder.init()
    folder.commit("Nothing yet")
    folder.registry()
    folder.draft("a", "Hi\n")
    folder.ok("ship", "a", "--to", "production")
    note = "note [first-registry]  base (HEAD) holds no registry here, so this change is judged by its own rules."
    assert note in checked(folder)
    assert rules(folder.ok("check", "--base", "HEAD", "--json"), "error") == []


def test_the_first_registry_does_not_pin_what_its_own_gate_refuses(folder):
    folder.init()
    folder.commit("Nothing yet")
    folder.registry()
    folder.suite("a", [{"id": "one", "inputs": {"x": "no"}, "expected": "yes", "tags": ["critical"]}])
    folder.draft("a", "{{ x }}\n")
    folder.ok("release", "a")
    folder.ok("eval", "a@1.0.0")
    folder.ok("promote", "a", "--to", "production", status=1)
    pin_by_hand(folder, "production", "a", "1.0.0")
    assert rules(folder.run("check", "--base", "HEAD", "--json"), "error") == ["gate"]


# Shallow clones


def test_a_shallow_clone_that_hides_the_base_is_refused_with_the_command_that_fetches_it(branched):
    place, commits = branched
    shallow = cloned(place, "shallow", "--depth=1", "-b", "feature")
    hidden = {
        "origin/main": "git fetch --depth=1 origin main",
        commits["start"]: f"git fetch --depth=1 origin {commits['start']}",
    }
    for base, fetch in hidden.items():
        ran = shallow.run("check", "--base", base)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err == f"promptreg: git knows no revision {base}. This clone is shallow. Fetch it: {fetch}\n"


def test_in_a_shallow_clone_only_what_git_can_fetch_by_name_is_fetched_by_name(branched):
    place, _ = branched
    shallow = cloned(place, "shallow", "--depth=1", "-b", "feature")
    ran = shallow.run("check", "--base", "feature~1")
    assert ran.err == (
        "promptreg: git knows no revision feature~1. This clone is shallow. Fetch it: git fetch --unshallow\n"
    )


def test_a_shallow_clone_that_hides_where_the_branches_part_is_refused(branched):
    place, _ = branched
    shallow = cloned(place, "shallow", "--depth=1", "-b", "feature")
    shallow.git("fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    for arguments in (["--base", "origin/main"], []):
        ran = shallow.run("check", *arguments)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err == (
            "promptreg: this clone is shallow and does not show where origin/main and HEAD parted. Fetch more: git "
            "fetch --deepen=200 (or --unshallow)\n"
        )


def test_a_shallow_clone_of_a_branch_alone_does_not_go_without_a_base_in_silence(branched):
    place, _ = branched
    shallow = cloned(place, "shallow", "--depth=1", "-b", "feature")
    ran = shallow.run("check")
    assert ran.status == 2
    assert "git fetch" in ran.err


def test_a_parent_is_a_base_in_a_clone_of_depth_one_once_it_is_fetched(branched):
    place, commits = branched
    shallow = cloned(place, "shallow", "--depth=1", "-b", "feature")
    shallow.git("fetch", "-q", "--depth=1", "origin", commits["start"])
    assert based(shallow, "--base", commits["start"]) == (commits["start"], commits["start"])


def test_github_with_depth_one_says_which_parent_to_fetch(branched):
    place, commits = branched
    place.git("checkout", "-q", "--detach", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge feature into main", "feature")
    place.git("branch", "-f", "merged")
    shallow = cloned(place, "shallow", "--depth=1", "-b", "merged")
    environ = {"CI": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": shallow.git("rev-parse", "HEAD")}
    ran = shallow.run("check", environ=environ)
    fetch = f"git fetch --depth=1 origin {commits['main']}"
    assert (ran.status, ran.err.endswith(f"Fetch it: {fetch}\n")) == (2, True)
    shallow.git(*fetch.split()[1:], "-q")
    assert based(shallow, environ=environ)[0] == commits["main"]


# Repairs


@pytest.mark.parametrize("path", [SUMS, STAGING])
def test_a_change_that_repairs_what_is_broken_in_base_is_not_refused_for_it(place, path):
    good = place.read(path)
    line = in_the_middle(place, path)
    place.commit("Merged with its conflict markers")
    place.write(path, good)
    ran = place.run("check", "--base", "HEAD", "--json")
    said = f"warning [base-unreadable] {path}:{line} base cannot be read here, so this change is not compared with it."
    assert (said in told(ran), rules(ran, "error"), ran.status) == (True, [], 0)
