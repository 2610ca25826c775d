"""Ways around `promptreg check`, each tried in a real git repository, and what check says of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from promptreg.core.pins import without_pin
from promptreg.core.text import digest
from tests.support.place import Place
from tests.support.worlds import (
    ANSWER,
    ROUTE,
    TOML,
    digest_of,
    edit,
    pin_by_hand,
    release_by_hand,
    rules,
    settled,
    told,
    waiver,
    with_cases,
)

CONFIG = "prompts/promptreg.toml"
STAGING = "prompts/environments/staging.yaml"
PRODUCTION = "prompts/environments/production.yaml"
SUITE = "prompts/support/route/evals/suite.yaml"
CASES = "prompts/support/route/evals/cases.jsonl"
OLD = "prompts/old/unused"
AT_ONCE = "It holds as soon as this change is merged."
REGRESSED = "correct: p ≤ 0.05; drop over 5 points, 8 net; said: p ≤ 0.05; drop over 5 points, 8 net"
LINK = "a link stands here. What it leads to can change without this file, and no change of that would be checked."
HERE = "put the files themselves here"
IN_BASE = "base has a link or a submodule here, so what this change makes of it is compared with nothing."
ALONE = "put files in its place, in a change that does nothing else and is merged past this check"


@pytest.fixture
def place(tmp_path, tmp_path_factory) -> Place:
    return settled(tmp_path, tmp_path_factory)


def checked(place: Place, *severities: str) -> list[str]:
    """The findings against HEAD that are of some severities (none: all)."""
    found = told(place.run("check", "--base", "HEAD", "--json"))
    return [line for line in found if not severities or line.partition(" ")[0] in severities]


def errors(place: Place) -> list[str]:
    """The errors against HEAD; where there are any the status is 1, else 0."""
    ran = place.run("check", "--base", "HEAD", "--json")
    found = [line for line in told(ran) if line.startswith("error ")]
    assert ran.status == int(bool(found)), ran.err
    return found


def route(place: Place, version: str, environment: str = "staging", **facts) -> None:
    pin_by_hand(place, environment, "support/route", version, **facts)


def exact(place: Place, version: str) -> tuple[str, str]:
    return version, digest_of(place, "support/route", version)


def regressed(path: str, line: int, environment: str, version: str = "1.1.0") -> str:
    return (
        f"error [gate] {path}:{line} regressed: support/route {version} for {environment}: {REGRESSED}. | promptreg "
        f"compare support/route@1.0.0 support/route@{version}"
    )


def linked(place: Place, path: str, target: str = "real") -> None:
    """Move a file or folder aside, and put a link in its place."""
    there = place.path / path
    there.rename(there.with_name(f"{there.name}.{target}"))
    there.symlink_to(f"{there.name}.{target}")


def rewritten(place: Place, folder: str = OLD) -> None:
    """Give version 1.0.0 another text, and its line the digest of that."""
    sums = place.read(f"{folder}/versions.sum")
    place.write(f"{folder}/versions/1.0.0.txt", "Evil.\n")
    place.write(f"{folder}/versions.sum", re.sub(r"sha256:\w+", digest("Evil.\n", {}), sums, count=1))


# Another registry


def test_a_registry_put_above_bases_is_refused(place):
    place.write("promptreg.toml", 'schema = 1\ndefault_environment = "draft"\n')
    rewritten(place)
    assert errors(place) == [
        (
            "error [registry-moved] promptreg.toml base has its registry in prompts, and this one is at the "
            "repository's root, so nothing of it is compared with base. | keep it in prompts; to move it, merge a "
            "change that does nothing else past this check"
        )
    ]


def test_a_registry_that_moved_is_refused(place):
    place.git("mv", "prompts", "llm")
    ran = place.run("-C", "llm", "check", "--base", "HEAD", "--json")
    assert "registry-moved" in rules(ran, "error")
    assert ran.status == 1


def test_another_team_may_begin_a_registry_of_its_own(place):
    place.write("team/prompts/promptreg.toml", TOML)
    ran = place.ok("-C", "team", "check", "--base", "HEAD", "--json")
    assert rules(ran) == ["first-registry"]


# Links and submodules


@pytest.mark.parametrize("path", [PRODUCTION, CONFIG, SUITE, CASES, f"{OLD}/versions/1.0.0.txt", OLD])
def test_a_link_in_the_registry_is_refused_and_so_is_what_is_made_of_it_later(place, path):
    linked(place, path)
    assert [line for line in errors(place) if "[link]" in line] == [f"error [link] {path} {LINK} | {HERE}"]
    place.commit("Merged past the check")
    edit(place, "prompts/support/answer/prompt.md", "in one line", "in two lines")
    assert [line for line in errors(place) if "[link]" in line] == [f"error [link] {path} {IN_BASE} | {ALONE}"]


def test_a_link_is_one_finding(place):
    linked(place, f"{OLD}/versions/1.0.0.txt")
    assert errors(place) == [f"error [link] {OLD}/versions/1.0.0.txt {LINK} | {HERE}"]


def test_links_are_found_without_a_base_too(place):
    linked(place, PRODUCTION)
    assert f"error [link] {PRODUCTION} {LINK} | {HERE}" in told(place.run("check", "--json"))


def test_a_submodule_in_the_registry_is_refused(place, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Place(other).init().write("prompt.md", "Hi\n")
    Place(other).commit("A prompt")
    place.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "prompts/new/sub")
    assert errors(place) == [
        (
            "error [link] prompts/new/sub another repository stands here (a submodule). What it holds is not in a "
            "commit of this one. | put its files here, or keep it outside of the registry"
        )
    ]


def test_a_folder_in_a_files_place_is_no_submodule(place):
    place.write("prompts/notes", "Notes.\n")
    place.commit("Notes")
    (place.path / "prompts/notes").unlink()
    place.draft("notes", "Notes.\n")
    assert checked(place) == []


# Versions


def test_a_line_that_comes_after_its_file_has_its_version_read(place):
    bad = "---\ninputs: {a: string}\n---\n{{ nope }}\n"
    place.draft("new/one", "Fine.\n")
    place.write("prompts/new/one/versions/1.0.0.txt", bad)
    assert [line.partition("] ")[0] for line in checked(place)] == ["warning [unlisted-version"]
    place.commit("A leftover")
    place.write("prompts/new/one/versions.sum", f"1.0.0 {digest(bad, {})} 2026-11-21 # First\n")
    assert errors(place) == [
        (
            "error [undeclared] prompts/new/one/versions/1.0.0.txt:4:4 nope is not an input. Inputs are a. | declare "
            "it under inputs:  nope: string"
        )
    ]


def test_a_number_that_had_another_text_before_does_not_come_again(place):
    shutil.rmtree(place.path / OLD)
    gone = place.commit("Gone")
    place.draft("old/unused", "Another text.\n")
    place.ok("release", "old/unused")
    assert errors(place) == [
        (
            f"error [version-reused] {OLD}/versions.sum old/unused 1.0.0 had another text before (until {gone[:9]}). A "
            "number is used once. | take the line and its file out, then: promptreg release old/unused --version 1.0.1"
        )
    ]


def test_a_number_that_comes_back_with_its_own_text_passes(place):
    place.git("rm", "-rq", OLD)
    place.commit("Gone")
    place.git("checkout", "-q", "HEAD~1", "--", OLD)
    assert errors(place) == []


def test_a_mode_is_no_change_of_a_frozen_file(place):
    (place.path / OLD / "versions/1.0.0.txt").chmod(0o755)
    assert checked(place) == []


# Environments


def renamed(place: Place, old: str, new: str) -> None:
    place.write(CONFIG, place.read(CONFIG).replace(old, new))
    place.git("mv", f"prompts/environments/{old}.yaml", f"prompts/environments/{new}.yaml")


def test_a_renamed_environment_is_judged_by_the_one_it_was(place):
    renamed(place, "production", "prod")
    edit(place, CONFIG, 'mode = "standard"\nafter = "staging"\n', 'mode = "lenient"\n')
    route(place, "1.1.0", "prod")
    path = "prompts/environments/prod.yaml"
    assert checked(place) == [
        regressed(path, 6, "prod"),
        (
            f"error [pin-order] {path}:6 support/route 1.1.0 must be in staging before it goes to prod. | promptreg "
            "promote support/route@1.1.0 --to staging"
        ),
        f"warning [policy-loosened] {CONFIG} the environment production is removed. {AT_ONCE}",
        f"warning [policy-loosened] {CONFIG} default_environment: production → prod. {AT_ONCE}",
    ]


def test_an_environment_that_is_only_renamed_passes(place):
    renamed(place, "staging", "stage")
    renamed(place, "production", "prod")
    assert errors(place) == []
    route(place, "1.2.0", "stage")
    route(place, "1.2.0", "prod")
    assert errors(place) == [], "the order holds with what staging is now"


def test_a_new_default_environment_is_judged_by_bases_default(place):
    edit(place, CONFIG, 'default_environment = "production"', 'default_environment = "live"')
    place.write(CONFIG, place.read(CONFIG) + '\n[environments.live]\nmode = "lenient"\n')
    place.write("prompts/environments/live.yaml", place.read(PRODUCTION))
    assert errors(place) == []
    route(place, "1.1.0", "live")
    assert [line.partition(" | ")[0] for line in errors(place)] == [
        regressed("prompts/environments/live.yaml", 6, "live").partition(" | ")[0],
        (
            "error [pin-order] prompts/environments/live.yaml:6 support/route 1.1.0 must be in staging before it goes "
            "to live."
        ),
    ]


DEFAULTS: dict[str, tuple[str, Callable[[Place], object], str]] = {
    "draft": (
        "draft",
        lambda place: edit(place, "prompts/support/answer/prompt.md", "in one line", "in two lines"),
        "support/answer/prompt.md",
    ),
    "latest": (
        "latest",
        lambda place: release_by_hand(place, "old/unused", "1.1.0", "Now needed.\n"),
        "old/unused/versions.sum",
    ),
    "another environment": ("staging", lambda place: route(place, "1.2.0"), "environments/staging.yaml"),
}


@pytest.mark.parametrize(("default", "change", "path"), DEFAULTS.values(), ids=DEFAULTS.keys())
def test_another_default_is_a_change_of_its_own(place, default, change, path):
    edit(place, CONFIG, 'default_environment = "production"', f'default_environment = "{default}"')
    what = f"[policy-loosened] {CONFIG} default_environment: production → {default}. {AT_ONCE}"
    assert checked(place) == [f"warning {what}"]
    change(place)
    assert errors(place) == [
        (
            f"error {what} What this change does to {path} would then run past the gate of production. | change the "
            "default in a change of its own"
        )
    ]


# Pins


def test_a_prompt_taken_out_and_in_again_is_judged_by_what_ran_last(place):
    place.ok("unpin", "support/route", "--in", "staging")
    place.commit("Out")
    route(place, "1.1.0")
    assert errors(place) == [regressed(STAGING, 5, "staging")]
    place.git("checkout", "-q", "--", STAGING)
    place.ok("promote", "support/route@1.1.0", "--to", "staging", status=1)
    place.ok("promote", "support/route@1.1.0", "--to", "staging", "--force", "-m", "The customer waits")
    assert errors(place) == [], "promote writes the waiver that check asks for"


def test_in_a_shallow_clone_nothing_is_said_of_what_ran_before(place, tmp_path):
    place.ok("unpin", "support/route", "--in", "staging")
    place.commit("Out")
    clone = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{place.path}", str(clone)], check=True)
    route(Place(clone), "1.1.0")
    assert errors(Place(clone)) == []


def test_a_rollout_is_judged_against_base_and_not_against_the_pin_beside_it(place):
    route(place, "1.2.0", previous=exact(place, "1.1.0"))
    place.commit("Back to 1.1.0 needs no gate")
    release_by_hand(place, "support/route", "1.1.1", ROUTE.replace("letter", "b") + "{# b #}\n")
    place.ok("eval", "support/route@1.1.1")
    route(place, "1.1.0", rollout=(*exact(place, "1.1.1"), 99.0))
    ran = place.run("check", "--base", "HEAD", "--json")
    assert rules(ran, "error") == ["gate"]
    (verdict,) = ran.json["verdicts"]
    assert (verdict["baseline"]["version"], verdict["candidate"]["version"]) == ("1.2.0", "1.1.1")


def test_a_pin_and_its_rollout_have_a_verdict_each(place):
    route(place, "1.2.0", rollout=(*exact(place, "1.1.0"), 10.0))
    verdicts = place.run("check", "--base", "HEAD", "--json").json["verdicts"]
    assert [(each["candidate"]["version"], each["verdict"]) for each in verdicts] == [
        ("1.1.0", "regressed"),
        ("1.2.0", "pass"),
    ]


# Waivers

FORCE = "promptreg promote support/route@1.1.0 --to staging --force -m …"


def forced(place: Place) -> dict:
    """1.1.0 is forced into staging, and committed; its waiver."""
    place.ok("promote", "support/route@1.1.0", "--to", "staging", "--force", "-m", "The customer waits")
    pin = place.project().head.catalog.pin("staging", "support/route")
    assert pin is not None
    assert pin.waiver is not None
    place.commit("Forced")
    return pin.waiver


def test_a_waiver_is_not_taken_off_a_standing_pin(place):
    forced(place)
    place.write(STAGING, re.sub(r"  waiver:.*\n", "", place.read(STAGING)))
    assert errors(place) == [
        (
            f"error [waiver] {STAGING}:5 staging still runs support/route 1.1.0, and its waiver was taken out. | put "
            "it back; promptreg promote support/route --to staging removes it with the version"
        )
    ]


def test_a_waiver_is_not_changed_on_a_standing_pin(place):
    forced(place)
    edit(place, STAGING, "The customer waits", "All is well")
    assert errors(place) == [
        (
            f"error [waiver] {STAGING}:5 the waiver of support/route was changed without a promotion. | put back what "
            "it said"
        )
    ]


def test_the_figures_of_a_waiver_are_those_of_the_verdict(place):
    route(place, "1.1.0", waiver=waiver("1.1.0", "1.0.0", "regressed") | {"figures": "correct 0.950 → 0.990"})
    assert errors(place) == [
        (
            f"error [waiver] {STAGING}:5 the waiver of support/route does not hold: it states 'correct 0.950 → "
            f"0.990', and the figures are 'correct 0.950 → 0.750 over 40 cases, p 0.00391'. | {FORCE}"
        )
    ]


def test_a_waiver_is_used_once(place):
    used = forced(place)
    place.ok("rollback", "support/route", "--in", "staging")
    place.commit("Back")
    route(place, "1.1.0", waiver=used)
    assert errors(place) == [
        (
            f"error [waiver] {STAGING}:5 the waiver of support/route does not hold: staging had the same one before; a "
            f"promotion has one of its own. | {FORCE}"
        )
    ]


def test_an_old_waiver_does_not_go_along_on_the_way_back(place):
    used = forced(place)
    route(place, "1.0.0", waiver=used)
    assert errors(place) == [
        f"error [waiver] {STAGING}:5 the waiver of support/route is an old one and not for this change. | take it out"
    ]


def test_a_waiver_does_not_speak_for_a_rollout(place):
    route(place, "1.0.0", rollout=(*exact(place, "1.1.0"), 10.0), waiver=waiver("1.1.0", "1.0.0", "regressed"))
    assert [line.partition("] ")[0] for line in errors(place)] == ["error [gate", "error [waiver"]


def test_a_waiver_that_nothing_asked_for_is_no_promotion_against_the_gate(place):
    place.ok("promote", "support/route@1.2.0", "--to", "staging")
    place.commit("1.2.0")
    place.ok("promote", "support/route@1.1.0", "--to", "staging", "--force", "-m", "The customer waits")
    place.commit("1.1.0")
    place.ok("rollback", "support/route@1.0.0", "--in", "staging", "-m", "Back to the first")
    (line,) = checked(place)
    assert re.sub(r" by .*: ", " by …: ", line) == (
        f"note [rollback] {STAGING}:5 staging is rolled back to support/route 1.0.0 by …: Back to the first"
    )


# Files that git changes, and names


def test_an_attribute_that_changes_frozen_files_is_refused(place):
    place.write("prompts/old/.gitattributes", "*.txt ident\n")
    assert errors(place) == [
        (
            "error [attributes] prompts/old/.gitattributes git would change released files as it checks them out: "
            "ident holds for old/unused/versions/1.0.0.txt. | end it with  **/versions/** -text  **/versions.sum "
            "-text  **/evals/results/** -text  as promptreg init does"
        )
    ]


@pytest.mark.parametrize("line", ["* text=auto", "* filter=lfs", "*.sum working-tree-encoding=UTF-16", "* text"])
def test_attributes_that_win_over_those_of_init_are_refused(place, line):
    place.write("prompts/.gitattributes", place.read("prompts/.gitattributes") + f"{line}\n")
    assert rules(place.run("check", "--base", "HEAD", "--json"), "error") == ["attributes"]


def test_attributes_that_protect_nothing_are_warned_of_and_others_are_not(place):
    place.write("prompts/.gitattributes", place.read("prompts/.gitattributes") + "*.md linguist-generated\n")
    assert checked(place) == []
    place.git("rm", "-q", "-f", "prompts/.gitattributes")
    assert [line.partition(" | ")[0] for line in checked(place)] == [
        (
            "warning [attributes] prompts/.gitattributes git may change line ends of released files: NAME/versions.sum "
            "has no -text."
        )
    ]


NAMES = {
    "prompts/support/answer/Versions/1.0.0.txt": (
        "Versions is versions on some machines and not on others. Write versions."
    ),
    "prompts/Environments/production.yaml": (
        "Environments is environments on some machines and not on others. Write environments."
    ),
    "prompts/support/answer/Prompt.md": "Prompt.md is prompt.md on some machines and not on others. Write prompt.md.",
    "prompts/Promptreg.toml": (
        "Promptreg.toml is promptreg.toml on some machines and not on others. Write promptreg.toml."
    ),
    "prompts/Support/Answer/prompt.md": "Support/Answer: names are lower-case. Did you mean support/answer?",
    "prompts/問い合わせ/prompt.md": (
        "問い合わせ: names are lower-case a–z, 0–9 and . _ - / (they become folders and telemetry values). Put the "
        "Japanese title into description:."
    ),
}


@pytest.mark.parametrize(("path", "message"), NAMES.items())
def test_what_is_read_under_no_name_or_on_some_machines_only_is_refused(place, path, message):
    place.write(path, "x\n")
    assert errors(place) == [f"error [name] {path} {message}"]


def test_files_that_differ_in_case_alone_are_refused(place):
    place.write("prompts/support/route/evals/Cases.jsonl", "")
    assert errors(place) == [
        (
            "error [name] prompts/support/route/evals/Cases.jsonl support/route/evals/Cases.jsonl and "
            "support/route/evals/cases.jsonl are one place on machines that do not tell cases apart. Keep one."
        )
    ]


def test_folders_that_are_no_prompts_are_told_without_a_base_and_by_lint_too(place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "prompt.md").write_text("Hi\n")
    place.write("prompts/Support/Answer/prompt.md", "Hi\n")
    (place.path / "prompts/linked").symlink_to(outside)
    place.commit("Nobody looks")
    name = "prompts/Support/Answer/prompt.md Support/Answer: names are lower-case. Did you mean support/answer?"
    linted = told(place.run("lint", "--all", "--json"))
    assert linted[:2] == [
        f"error [name] {name}",
        "error [name] prompts/linked this is a link that leads out of the registry.",
    ]
    assert told(place.run("check", "--json")) == [
        f"error [name] {name}",
        f"error [link] prompts/linked {LINK} | {HERE}",
    ]


def test_a_registry_at_the_root_leaves_foreign_files_alone(tmp_path):
    place = Place(tmp_path).init()
    place.ok("init", ".")
    place.write("greet/prompt.md", "Hi {{ a }}\n")
    place.commit("First")
    for path in ("app/evals/config.yaml", "app/evals/results/1/run.json", "migrations/versions/0001_init.py", "App/x"):
        place.write(path, "{}\n")
    (place.path / "app/current").symlink_to("evals")
    assert checked(place) == []
    place.write("greet/versions/1.0.0.txt", "Hi\n")
    (place.path / "environments/more.yaml").symlink_to("production.yaml")
    assert [line.partition("] ")[0] for line in checked(place)] == ["error [link", "warning [unlisted-version"]


# Suites


def test_a_case_that_cannot_run_is_told_with_its_line(place):
    with_cases(place, lambda rows: [*rows, {"id": "new", "inputs": {"a": "yes", "b": "yes"}, "expected": "yes"}])
    assert errors(place) == [f"error [suite] {CASES}:41 case new lacks c, d, which support/route@draft needs."]


def test_a_case_must_fit_what_environments_pin_too(place):
    place.draft("support/route", "{{ a }}\n")
    with_cases(place, lambda rows: [*rows, {"id": "new", "inputs": {"a": "yes"}, "expected": "yes"}])
    assert errors(place) == [f"error [suite] {CASES}:41 case new lacks b, c, d, which support/route@1.0.0 needs."]


# What is said of drafts


def test_a_change_of_drafts_alone_says_that_it_reaches_nobody(place):
    place.write("prompts/support/answer/prompt.md", ANSWER)
    ran = place.ok("check", "--base", "HEAD")
    assert ran.out.split("\n")[-3] == (
        "This change edits drafts only. Nothing reaches staging or production until they are shipped."
    )
    assert place.ok("check", "--base", "HEAD", "--json").json["drafts_only"] is True


def test_other_changes_do_not_say_so(place):
    assert place.ok("check", "--base", "HEAD", "--json").json["drafts_only"] is False
    place.write("prompts/support/answer/prompt.md", ANSWER)
    place.write(STAGING, without_pin(place.read(STAGING), "support/route"))
    assert place.ok("check", "--base", "HEAD", "--json").json["drafts_only"] is False


def test_where_drafts_run_it_is_not_said(place):
    edit(place, CONFIG, 'default_environment = "production"', 'default_environment = "draft"')
    place.commit("Drafts run")
    place.write("prompts/support/answer/prompt.md", ANSWER)
    assert place.ok("check", "--base", "HEAD", "--json").json["drafts_only"] is False
