from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptreg.project import Project, Surroundings
from promptreg.release import Wish, release
from tests.support.place import Place
from tests.support.shipping import (
    RIGHT,
    WRONG,
    begun,
    cases,
    environment_text,
    in_production,
    pinned,
    prepared,
    said,
    small_disk,
    versions,
)

NAME = "support/answer"
SUMS = f"prompts/{NAME}/versions.sum"

#: All that check 5 speaks of, in one prompt.
BEFORE = """\
---
description: Answers.
provider: openai
model: gpt-4.1-mini
parameters: {temperature: 0.2}
inputs:
  question: string
  tone: {enum: [formal, friendly], default: friendly}
  extra: {type: object, properties: {page: integer}, required: false}
output:
  type: object
  properties:
    answer: {type: string, enum: [a, b]}
    score: {type: number}
  required: [answer]
tools:
  - {name: search, description: Searches., parameters: {type: object}}
owners: [aki]
---
{{ question }} {{ tone }} {{ extra | tojson }}
"""


@pytest.fixture
def registry(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, begun)


@pytest.fixture
def shipped(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, in_production)


@pytest.fixture
def plain(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A registry that is in no git repository, where every version counts as settled; the draft is BEFORE, released."""
    return prepared(tmp_path_factory, tmp_path, _plain)


def _plain(place: Place) -> None:
    place.registry()
    place.draft(NAME, BEFORE)
    place.ok("release", NAME)


def ahead(place: Place, text: str, version: str = "1.0.0") -> Place:
    """A draft ahead of a version."""
    if version != "1.0.0":
        for path in ("versions.sum", "versions/1.0.0.txt"):
            (place.path / f"prompts/{NAME}/{path}").unlink()
        place.ok("release", NAME, "--version", version)
    place.draft(NAME, text)
    return place


def one(place: Place, *options: str) -> dict[str, object]:
    """Release the prompt; what came of it."""
    (made,) = place.ok("release", NAME, *options, "--json").json["released"]
    return made


# What a release is


def test_the_first_release_is_1_0_0_the_drafts_canonical_bytes_and_one_line(registry: Place):
    registry.write(f"prompts/{NAME}/prompt.md", "\ufeffAnswer {{ question }}.\r\n\r\n\r\n".encode())
    surroundings = Surroundings(str(registry.path), {}, lambda: datetime(2026, 11, 20, tzinfo=UTC))
    (made,) = release(Project.find(surroundings), [NAME], Wish(message="First"))
    assert registry.read(f"prompts/{NAME}/versions/1.0.0.txt") == "Answer {{ question }}.\n"
    assert registry.read(SUMS) == f"1.0.0 {made.digest} 2026-11-20 # First\n"


def test_the_first_release_as_json_and_as_text(registry: Place):
    registry.draft(NAME)
    dry = registry.ok("release", NAME, "--dry-run", "--json").json
    digest = dry["released"][0]["digest"]
    assert dry["schema"] == 1
    assert dry["released"] == [
        {
            "name": NAME,
            "version": "1.0.0",
            "digest": digest,
            "bump": None,
            "reasons": ["first version"],
            "replaces": None,
        }
    ]
    assert registry.ok("release", NAME).out.split("\n") == [
        "support/answer@draft, never released",
        f"released support/answer 1.0.0  (first version)  {digest[:19]}…",
        "",
    ]


def test_a_dry_run_says_it_and_writes_nothing(registry: Place):
    registry.draft(NAME)
    before = registry.files()
    assert "would release support/answer 1.0.0" in registry.ok("release", NAME, "--dry-run").out
    assert registry.files() == before


def test_lines_are_appended_and_the_ones_before_stay_byte_for_byte(registry: Place):
    registry.draft(NAME)
    registry.ok("release", NAME, "-m", "First")
    first = registry.read(SUMS)
    registry.draft(NAME, RIGHT)
    registry.ok("release", NAME, "-m", "Second")
    assert registry.read(SUMS).startswith(first)
    assert registry.read(SUMS).count("\n") == 2


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("Cite each passage", "Cite each passage"),
        ("two\nlines\n1.0.0 yanked 2026-01-01 # no", "two lines 1.0.0 yanked 2026-01-01 # no"),
        ("# a hash", "# a hash"),
        ("日本語の説明", "日本語の説明"),
        ("a\u2028b\x85c", "a b c"),
    ],
)
def test_no_message_can_make_a_second_line(registry: Place, message: str, written: str):
    registry.draft(NAME)
    registry.ok("release", NAME, "-m", message)
    found = registry.project().head.catalog.sums(NAME).releases
    assert {version: release.message for version, release in found.items()} == {"1.0.0": written}


def test_without_a_message_the_changes_are_the_message(plain: Place):
    ahead(plain, BEFORE.replace("temperature: 0.2", "temperature: 0.7"))
    plain.ok("release", NAME)
    assert plain.project().head.catalog.sums(NAME).releases["1.1.0"].message == "parameters.temperature 0.2 → 0.7"


# Which bump: each row of check 5

_ROWS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "input removed": ("major", [("  question: string\n", ""), ("{{ question }} ", "")]),
    "input retyped": ("major", [("question: string", "question: integer")]),
    "input newly required": ("major", [("required: false}", "required: true}")]),
    "new required input": ("major", [("  tone:", "  more: string\n  tone:"), ("{{ tone", "{{ more }}{{ tone")]),
    "enum value taken away": ("major", [("enum: [formal, friendly]", "enum: [friendly]")]),
    "output property removed": ("major", [("    score: {type: number}\n", "")]),
    "output property no longer required": ("major", [("  required: [answer]\n", "")]),
    "output type widened": ("major", [("score: {type: number}", "score: {type: [number, string]}")]),
    "output enum widened": ("major", [("enum: [a, b]", "enum: [a, b, c]")]),
    "output enum lifted": ("major", [(", enum: [a, b]", "")]),
    "unknown output change": ("major", [("score: {type: number}", "score: {type: number, minimum: 0}")]),
    "tool added": ("major", [("owners", "  - {name: look, description: x, parameters: {type: object}}\nowners")]),
    "tool changed": ("major", [("Searches.", "Searches well.")]),
    "chat for text": (
        "major",
        [("---\n{{", '---\n{% message role="user" %}{{'), ("tojson }}", "tojson }}{% endmessage %}")],
    ),
    "new optional input": (
        "minor",
        [("  tone:", "  more: {type: string, default: x}\n  tone:"), ("{{ tone", "{{ more }}{{ tone")],
    ),
    "provider": ("minor", [("provider: openai", "provider: anthropic")]),
    "model": ("minor", [("model: gpt-4.1-mini", "model: gpt-4.1")]),
    "parameters": ("minor", [("temperature: 0.2", "temperature: 0.7")]),
    "parameter added": ("minor", [("temperature: 0.2", "temperature: 0.2, max_tokens: 9")]),
    "input no longer required": ("patch", [("question: string", "question: {type: string, required: false}")]),
    "enum value added": ("patch", [("enum: [formal, friendly]", "enum: [formal, friendly, terse]")]),
    "output property added": ("patch", [("    score:", "    more: {type: string}\n    score:")]),
    "output newly required": ("patch", [("required: [answer]", "required: [answer, score]")]),
    "output type narrowed": ("patch", [("score: {type: number}", "score: {type: integer}")]),
    "output enum narrowed": ("patch", [("enum: [a, b]", "enum: [a]")]),
    "text": ("patch", [("{{ question }} {{", "Please: {{ question }} {{")]),
    "description": ("patch", [("Answers.", "Answers well.")]),
    "owners": ("patch", [("owners: [aki]", "owners: [aki, hana]")]),
}
_AFTER = {"major": "2.0.0", "minor": "1.1.0", "patch": "1.0.1"}


@pytest.mark.parametrize(("bump", "edits"), _ROWS.values(), ids=_ROWS.keys())
def test_the_automatic_bump_is_what_the_change_asks_for(plain: Place, bump: str, edits: list[tuple[str, str]]):
    text = BEFORE
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    made = one(ahead(plain, text))
    assert (made["bump"], made["version"]) == (bump, _AFTER[bump])


def test_output_dropped_and_tools_dropped_are_major(plain: Place):
    start = BEFORE.index("output:")
    made = one(ahead(plain, BEFORE[:start] + BEFORE[BEFORE.index("owners") :]))
    assert made["bump"] == "major"
    assert made["reasons"] == [
        "the output schema was dropped (major)",
        "tool search removed (major)",
    ]


def test_the_largest_of_several_bumps_counts_and_all_reasons_are_said(plain: Place):
    text = BEFORE.replace("  question: string\n", "").replace("{{ question }} ", "").replace("0.2", "0.7")
    assert one(ahead(plain, text))["reasons"] == [
        "input question removed (major)",
        "parameters.temperature 0.2 → 0.7 (minor)",
        "text changed (patch)",
    ]


# Which version


@pytest.mark.parametrize(
    ("before", "options", "version"),
    [
        ("1.0.0", ["--bump", "minor"], "1.1.0"),
        ("1.0.0", ["--bump", "major"], "2.0.0"),
        ("1.0.0", ["--version", "1.0.7"], "1.0.7"),
        ("1.0.0", ["--version", "3.0.0-rc.1"], "3.0.0-rc.1"),
        ("1.9.9", [], "1.9.10"),
        ("0.3.0", [], "0.3.1"),
        ("0.3.0", ["--version", "1.0.0"], "1.0.0"),
        ("1.0.0-rc.1", [], "1.0.0"),
    ],
)
def test_the_version_that_a_changed_text_gets(plain: Place, before: str, options: list[str], version: str):
    ahead(plain, BEFORE.replace("Answers.", "Answers well."), before)
    assert one(plain, *options)["version"] == version


def test_below_1_0_0_a_change_that_breaks_asks_for_the_next_minor(plain: Place):
    ahead(plain, BEFORE.replace("question: string", "question: integer"), "0.3.1")
    assert one(plain)["version"] == "0.4.0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--bump", "patch"],
            (
                "support/answer: 1.0.1 after 1.0.0 is no major bump, and this change is major: input question: "
                "string → "
                "integer. It should be 2.0.0."
            ),
        ),
        (
            ["--bump", "minor"],
            (
                "support/answer: 1.1.0 after 1.0.0 is no major bump, and this change is major: input question: "
                "string → "
                "integer. It should be 2.0.0."
            ),
        ),
        (
            ["--version", "1.7.0"],
            (
                "support/answer: 1.7.0 after 1.0.0 is no major bump, and this change is major: input question: "
                "string → "
                "integer. It should be 2.0.0."
            ),
        ),
    ],
)
def test_a_bump_that_is_too_small_is_refused(plain: Place, options: list[str], message: str):
    ahead(plain, BEFORE.replace("question: string", "question: integer"))
    before = plain.files()
    ran = plain.run("release", NAME, *options)
    assert (ran.status, said(ran)) == (1, message)
    assert plain.files() == before


def test_a_pre_release_between_does_not_let_a_breaking_change_through(plain: Place):
    """1.1.0 takes the place of 1.0.0 for whoever asked for ^1.0: the release candidate on the way changes nothing."""
    ahead(plain, BEFORE.replace("Answers.", "Answers well."))
    plain.ok("release", NAME, "--version", "1.1.0-rc.1")
    plain.draft(NAME, BEFORE.replace("question: string", "question: integer"))
    ran = plain.run("release", NAME, "--version", "1.1.0")
    assert ran.status == 1
    assert "this change is major: input question: string → integer. It should be 2.0.0." in said(ran)


def test_an_older_line_can_be_continued_against_its_own_newest_version(plain: Place):
    ahead(plain, BEFORE.replace("question: string", "question: integer"))
    plain.ok("release", NAME)
    plain.draft(NAME, BEFORE.replace("Answers.", "Answers well."))
    made = one(plain, "--version", "1.0.1")
    assert (made["version"], made["bump"]) == ("1.0.1", "patch")
    assert plain.project().head.catalog.sums(NAME).latest() == "2.0.0"


@pytest.mark.parametrize("version", ["1.2", "v1.2.0", "1.02.0", "latest", "1.0.0+build", "../1.0.0"])
def test_a_version_that_is_none_is_told(registry: Place, version: str):
    registry.draft(NAME)
    ran = registry.run("release", NAME, "--version", version)
    assert (ran.status, said(ran)) == (2, f"{version!r} is not a version. Versions look like 1.2.0 or 1.2.0-rc.1.")


def test_a_version_that_base_has_is_told_with_what_to_do(plain: Place):
    ahead(plain, RIGHT)
    ran = plain.run("release", NAME, "--version", "1.0.0")
    assert (ran.status, said(ran)) == (
        2,
        "support/answer 1.0.0 exists, and released versions never change. --bump patch makes 1.0.1.",
    )


def test_a_version_that_base_does_not_have_yet_can_be_amended_and_the_error_says_so(registry: Place):
    registry.draft(NAME)
    registry.ok("release", NAME)
    registry.draft(NAME, RIGHT)
    ran = registry.run("release", NAME, "--version", "1.0.0")
    assert (ran.status, said(ran)) == (
        2,
        "support/answer 1.0.0 exists but is not on the base branch yet: --amend replaces it, --bump patch makes 1.0.1.",
    )


def test_one_version_for_several_prompts_is_a_mistake(registry: Place):
    registry.draft("a")
    registry.draft("b")
    ran = registry.run("release", "a", "b", "--version", "1.0.0")
    assert (ran.status, said(ran)) == (2, "--version is for one prompt. promptreg release --help shows how.")


# Nothing to release


def test_an_unchanged_draft_says_so_and_names_drafts_that_did_change(registry: Place):
    registry.draft(NAME)
    registry.draft("support/refund")
    registry.ok("release", "--all")
    registry.draft("support/refund", RIGHT)
    ran = registry.run("release", NAME)
    assert (ran.status, said(ran)) == (
        1,
        "support/answer: the draft equals 1.0.0. Nothing to release. (Changed drafts: support/refund.)",
    )


def test_a_prompt_without_a_draft_says_how_to_get_one(shipped: Place):
    (shipped.path / f"prompts/{NAME}/prompt.md").unlink()
    ran = shipped.run("release", NAME)
    assert (ran.status, said(ran)) == (
        1,
        "support/answer has no draft. promptreg draft support/answer@1.0.0 makes one.",
    )


def test_of_several_only_those_that_changed_are_released(registry: Place):
    registry.draft("a")
    registry.draft("b")
    registry.ok("release", "a")
    made = registry.ok("release", "--all", "--json").json["released"]
    assert [(entry["name"], entry["version"]) for entry in made] == [("b", "1.0.0")]


# What is refused


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        (
            '{{ question }}\n{% include "shared/tone" %}\n',
            2,
            (
                'prompts/support/answer/prompt.md:2:13: include "shared/tone" needs a version before a release. '
                "Newest: 1.0.0. Fix: promptreg upgrade shared/tone support/answer"
            ),
        ),
        (
            '{% include "shared/tone@draft" %}\n',
            2,
            (
                'prompts/support/answer/prompt.md:1:13: include "shared/tone@draft" needs a version before a release. '
                "Newest: 1.0.0. Fix: promptreg upgrade shared/tone support/answer"
            ),
        ),
        (
            "---\ninputs: {question: string}\n---\n{{ question }} {{ qestion }}\n",
            2,
            (
                "prompts/support/answer/prompt.md:4:19: qestion is not an input. Inputs are question. Did you mean "
                "question? Fix: declare it under inputs:  qestion: string"
            ),
        ),
        (
            '{% include "shared/tone@2.0.0" %}\n',
            2,
            (
                'prompts/support/answer/prompt.md:1: include "shared/tone@2.0.0": '
                "shared/tone has no 2.0.0. It has 1.0.0."
            ),
        ),
        ("---\nmodle: x\n---\nText\n", 2, None),
        ("{% import 'os' as os %}\n", 2, None),
        ("{{ question \n", 2, None),
        ("", 2, "prompts/support/answer/prompt.md: the file is empty."),
        (
            "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n",
            2,
            (
                "prompts/support/answer/prompt.md:1: merge conflict markers "
                "stand here. Settle the conflict, then try again."
            ),
        ),
    ],
)
def test_a_draft_that_cannot_be_a_version_is_refused(registry: Place, text: str, status: int, message: str | None):
    registry.draft("shared/tone", "Be kind.\n")
    registry.ok("release", "shared/tone")
    registry.draft(NAME, text)
    before = registry.files()
    ran = registry.run("release", NAME)
    assert (ran.status, said(ran)) == (status, message or said(ran))
    assert said(ran).startswith("prompts/support/answer/prompt.md")
    assert registry.files() == before


def test_all_that_is_wrong_with_several_drafts_is_said_at_once(registry: Place):
    registry.draft("a", "---\ninputs: {x: string}\n---\n{{ x }} {{ y }} {{ z }}\n")
    registry.draft("b", "---\ninputs: {x: string}\n---\n{{ x }} {{ w }}\n")
    registry.draft("c", "{{ broken\n")
    ran = registry.run("release", "--all", "--json")
    assert ran.status == 2
    for place in ("prompts/a/prompt.md:4:12", "prompts/a/prompt.md:4:20", "prompts/b/prompt.md:4:12", "prompts/c/"):
        assert place in ran.err, place


# Several at once


def test_one_that_is_refused_keeps_all_of_them_drafts(registry: Place):
    registry.draft("a")
    registry.draft("b", "---\ninputs: {x: string}\n---\n{{ x }} {{ y }}\n")
    before = registry.files()
    registry.ok("release", "--all", status=2)
    assert registry.files() == before


def test_a_write_that_fails_keeps_all_of_them_drafts(registry: Place):
    registry.draft("a", "short\n")
    registry.draft("b", "long " * 200 + "\n")
    before = registry.files()
    with small_disk(500):
        ran = registry.run("release", "--all")
    assert ran.status == 2
    assert versions(registry, "a") == []
    assert {path: data for path, data in registry.files().items() if path in before} == before


@pytest.mark.parametrize("names", list(itertools.permutations(["shared/tone", "support/answer", "support/zeta"])))
def test_partials_are_released_first_so_that_all_go_in_one_transaction(registry: Place, names: tuple[str, ...]):
    registry.draft("shared/tone", "Be kind.\n")
    registry.draft("support/answer", '{% include "shared/tone@1.0.0" %}{% include "support/zeta@1.0.0" %}\n')
    registry.draft("support/zeta", '{% include "shared/tone@1.0.0" %}\n')
    made = registry.ok("release", *names, "--json").json["released"]
    assert [entry["name"] for entry in made] == ["shared/tone", "support/zeta", "support/answer"]
    assert registry.project().head.catalog.sums("support/answer").releases["1.0.0"].includes == (
        "shared/tone@1.0.0",
        "support/zeta@1.0.0",
    )


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_draft_may_include_the_version_that_its_partial_gets_in_the_same_release(registry: Place, options: list[str]):
    registry.draft("shared/tone", "Be kind.\n")
    registry.draft(NAME, '{% include "shared/tone@1.0.0" %}\n')
    registry.ok("release", "--all")
    registry.draft("shared/tone", "Be very kind.\n")
    registry.draft(NAME, '{% include "shared/tone@1.0.1" %}\n')
    registry.ok("release", "shared/tone", NAME, *options)
    assert (versions(registry, "shared/tone"), versions(registry, NAME)) == (["1.0.0", "1.0.1"], ["1.0.0", "1.0.1"])


def test_a_version_keeps_the_partial_that_it_was_released_with(registry: Place):
    registry.draft("shared/tone", "Be kind.\n")
    registry.draft(NAME, '{% include "shared/tone@1.0.0" %}\n')
    registry.ok("release", "--all")
    registry.draft("shared/tone", "Be rude.\n")
    registry.ok("release", "shared/tone")
    assert registry.ok("render", f"{NAME}@1.0.0", "--json").json["text"].strip() == "Be kind."


# Amend


def test_amend_replaces_a_version_that_base_does_not_have(shipped: Place):
    shipped.draft(NAME, WRONG)
    shipped.ok("release", NAME, "-m", "A first try")
    shipped.draft(NAME, RIGHT)
    made = one(shipped, "--amend", "-m", "Better")
    assert (made["version"], made["replaces"]) == ("1.0.1", "1.0.1")
    assert shipped.read(f"prompts/{NAME}/versions/1.0.1.txt") == RIGHT
    assert [line.split(" # ")[1] for line in shipped.read(SUMS).splitlines()] == ["First", "Better"]
    assert shipped.ok("check").status == 0


def test_amend_takes_the_number_that_the_change_asks_for_and_leaves_nothing_of_the_old_one(shipped: Place):
    shipped.suite(NAME, cases(2))
    shipped.draft(NAME, RIGHT)
    shipped.ok("release", NAME)
    shipped.ok("eval", f"{NAME}@1.0.1")
    shipped.draft(NAME, "---\nmodel: gpt-4.1\ninputs: {question: any}\n---\n{{ question }}\n")
    made = one(shipped, "--amend")
    assert (made["version"], made["replaces"]) == ("1.1.0", "1.0.1")
    assert versions(shipped, NAME) == ["1.0.0", "1.1.0"]
    left = [path for path in shipped.files() if "1.0.1" in path]
    assert left == []


def test_amend_drops_the_results_of_the_text_that_it_replaces(shipped: Place):
    shipped.suite(NAME, cases(2))
    shipped.draft(NAME, WRONG)
    shipped.ok("release", NAME)
    shipped.ok("eval", f"{NAME}@1.0.1")
    shipped.draft(NAME, RIGHT)
    shipped.ok("release", NAME, "--amend")
    assert [path for path in shipped.files() if "/results/" in path] == []
    assert shipped.ok("results", "list", NAME, "--json").json["results"] == []


def test_amend_of_a_first_version_makes_a_first_version(registry: Place):
    registry.draft(NAME, WRONG)
    registry.ok("release", NAME)
    registry.draft(NAME, BEFORE)
    made = one(registry, "--amend")
    assert (made["version"], made["bump"], made["reasons"]) == ("1.0.0", None, ["first version"])


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (
            "on base",
            (
                "support/answer 1.0.0 is on the base branch, and released versions never change. Without --amend the "
                "draft "
                "becomes a new version."
            ),
        ),
        ("never released", "support/answer has no version that --amend could replace."),
        (
            "included",
            (
                "support/answer 1.0.0 is included by support/outer@1.0.0 and cannot be replaced alone. Replace them "
                "together (promptreg release --amend support/answer support/outer), or make a new version: promptreg "
                "release support/answer"
            ),
        ),
    ],
)
def test_amend_is_refused(registry: Place, prepare: str, message: str):
    registry.draft(NAME)
    if prepare != "never released":
        registry.ok("release", NAME)
    if prepare == "on base":
        registry.commit()
    if prepare == "included":
        registry.draft("support/outer", f'{{% include "{NAME}@1.0.0" %}}\n')
        registry.ok("release", "support/outer")
    registry.draft(NAME, RIGHT)
    before = registry.files()
    ran = registry.run("release", NAME, "--amend")
    assert (ran.status, said(ran)) == (1, message)
    assert registry.files() == before


def test_amend_on_a_branch_replaces_what_the_branch_committed_but_not_what_main_has(shipped: Place):
    shipped.git("checkout", "-q", "-b", "feature")
    shipped.draft(NAME, WRONG)
    shipped.ok("release", NAME)
    shipped.commit()
    shipped.draft(NAME, RIGHT)
    shipped.ok("release", NAME, "--amend")
    assert versions(shipped, NAME) == ["1.0.0", "1.0.1"]
    assert shipped.read(f"prompts/{NAME}/versions/1.0.1.txt") == RIGHT


def test_a_pin_of_the_amended_version_is_mended_by_promoting_it_again(shipped: Place):
    shipped.draft(NAME, WRONG)
    shipped.ok("ship", NAME, "--to", "production")
    shipped.draft(NAME, RIGHT)
    made = one(shipped, "--amend")
    assert shipped.run("check").status == 1
    assert shipped.ok("promote", NAME, "--to", "production", "--json").json["moved"][0]["to"] == "1.0.1"
    assert str(made["digest"]) in environment_text(shipped)
    assert shipped.ok("check").status == 0


def test_an_amend_that_cannot_be_written_leaves_the_version_as_it_was(shipped: Place):
    """Production pins it, uncommitted: code that loads it must not find it gone."""
    shipped.draft(NAME, RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    before = shipped.files()
    shipped.draft(NAME, "long " * 200 + "{{ question }}\n")
    with small_disk(600):
        shipped.ok("release", NAME, "--amend", "-m", "Longer", status=2)
    shipped.draft(NAME, RIGHT)
    assert shipped.files() == before


def test_an_amend_that_was_killed_half_way_can_be_shipped_again(shipped: Place):
    """The line goes first: what is left is a leftover, which the next release replaces with all that belongs to it."""
    shipped.suite(NAME, cases(2))
    shipped.commit()
    shipped.draft(NAME, WRONG)
    shipped.ok("release", NAME)
    shipped.ok("eval", f"{NAME}@1.0.1")
    lines = shipped.read(SUMS).splitlines(keepends=True)
    shipped.write(SUMS, "".join(lines[:-1]))
    shipped.draft(NAME, RIGHT)
    shipped.ok("ship", NAME, "--to", "production")
    assert pinned(shipped, NAME) == "1.0.1"
    assert shipped.ok("check").status == 0


# The draft's results


def test_results_of_the_draft_become_those_of_the_version_that_says_the_same(registry: Place):
    registry.suite(NAME, cases(3))
    registry.draft(NAME, WRONG)
    registry.ok("eval", NAME)
    registry.draft(NAME, RIGHT)
    registry.ok("eval", NAME)
    assert not [path for path in registry.git("ls-files", "-o", "--exclude-standard").split() if "/results/" in path]
    ran = registry.ok("release", NAME)
    assert "  took over 1 result of the draft\n" in ran.out
    found = [row for row in registry.ok("results", "list", NAME, "--json").json["results"] if row["version"] == "1.0.0"]
    assert [row["totals"]["metrics"]["correct"]["mean"] for row in found] == [1.0]
    taken = [path.partition("/results/")[2] for path in registry.files() if f"{NAME}/evals/results/" in path]
    assert [path.endswith(".outputs.jsonl") for path in sorted(taken)] == [False, True]
    assert max(taken) == min(taken).removesuffix(".json") + ".outputs.jsonl"
    assert registry.ok("eval", "--needed", "--to", "production", "--json").json["planned"] == []


def test_a_file_among_the_drafts_results_that_is_none_is_named(registry: Place):
    registry.draft(NAME)
    registry.write(f"prompts/.promptreg/results/{NAME}/suite-00000000-00000000.json", "{}")
    ran = registry.run("release", NAME)
    assert ran.status == 2
    assert said(ran).startswith(f"prompts/.promptreg/results/{NAME}/suite-00000000-00000000.json: ")


# Tags


def test_tags_are_written_for_committed_versions_and_point_at_a_commit_that_holds_them(shipped: Place):
    made = shipped.ok("release", NAME, "--tag", "--json").json
    assert made["tags"] == ["promptreg/support/answer/v1.0.0"]
    tag = "promptreg/support/answer/v1.0.0"
    assert shipped.git("for-each-ref", "--format=%(objecttype) %(contents:subject)", f"refs/tags/{tag}") == "tag First"
    assert shipped.git("cat-file", "-e", f"{tag}:prompts/{NAME}/versions/1.0.0.txt") == ""
    assert shipped.ok("release", NAME, "--tag", "--json").json["tags"] == []


def test_a_version_that_is_not_committed_gets_no_tag_and_that_is_said(shipped: Place):
    shipped.draft(NAME, RIGHT)
    ran = shipped.ok("release", NAME, "--tag")
    assert shipped.git("tag") == "promptreg/support/answer/v1.0.0"
    assert ran.err == (
        "support/answer 1.0.1 is not committed yet. Commit it, then: promptreg release support/answer --tag\n"
    )


def test_without_tag_no_tag_is_written_and_a_dry_run_writes_none(shipped: Place):
    shipped.draft(NAME, RIGHT)
    shipped.ok("release", NAME, "--tag", "--dry-run")
    shipped.ok("release", NAME)
    assert shipped.git("tag") == ""


# Yank


def test_a_yank_is_a_line_and_the_version_stays(shipped: Place):
    before = shipped.read(SUMS)
    ran = shipped.ok("yank", f"{NAME}@1.0.0", "-m", "Leaks the ticket\nnumber")
    day = shipped.project().today()
    assert shipped.read(SUMS) == f"{before}1.0.0 yanked {day} # Leaks the ticket number\n"
    assert ran.out.splitlines()[-1] == (
        "production still runs it. promptreg ship support/answer --to production, or promptreg unpin support/answer "
        "--in production"
    )
    assert shipped.ok("render", f"{NAME}@1.0.0", "-i", "question=x").status == 0
    assert shipped.ok("check").status == 0


def test_after_a_yank_latest_is_the_newest_that_stands_and_the_next_number_is_new(shipped: Place):
    shipped.draft(NAME, RIGHT)
    shipped.ok("release", NAME)
    shipped.ok("yank", f"{NAME}@1.0.1", "-m", "Bad")
    assert shipped.project().head.catalog.sums(NAME).latest() == "1.0.0"
    shipped.draft(NAME, "Third {{ question }}\n")
    assert one(shipped)["version"] == "1.0.2"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([f"{NAME}@1.0.0"], 2, "yank needs a reason: -m TEXT"),
        ([f"{NAME}@1.0.0", "-m", "  "], 2, "yank needs a reason: -m TEXT"),
        ([NAME, "-m", "x"], 2, "support/answer: name one version, as in support/answer@1.2.0."),
        ([f"{NAME}@^1", "-m", "x"], 2, "support/answer@^1: name one version, as in support/answer@1.2.0."),
        ([f"{NAME}@2.0.0", "-m", "x"], 2, "support/answer has no 2.0.0. It has 1.0.0."),
        (
            ["support/anser@1.0.0", "-m", "x"],
            2,
            "There is no prompt support/anser under prompts. Did you mean support/answer?",
        ),
    ],
)
def test_a_yank_that_cannot_be(shipped: Place, arguments: list[str], status: int, message: str):
    before = shipped.files()
    ran = shipped.run("yank", *arguments)
    assert (ran.status, said(ran)) == (status, message)
    assert shipped.files() == before


def test_a_second_yank_of_the_same_version_is_refused(shipped: Place):
    shipped.ok("yank", f"{NAME}@1.0.0", "-m", "Bad")
    before = shipped.read(SUMS)
    day = shipped.project().today()
    ran = shipped.run("yank", f"{NAME}@1.0.0", "-m", "Again")
    assert (ran.status, said(ran)) == (1, f"support/answer 1.0.0 was yanked on {day} already: Bad")
    assert shipped.read(SUMS) == before


# Upgrade


@pytest.fixture
def toned(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """shared/tone 1.0.0 and 1.0.1."""
    return prepared(tmp_path_factory, tmp_path, _toned)


def _toned(place: Place) -> None:
    begun(place)
    for text in ("Be kind.\n", "Be very kind.\n"):
        place.draft("shared/tone", text)
        place.ok("release", "shared/tone")


@pytest.mark.parametrize(
    ("text", "upgraded"),
    [
        ('{% include "shared/tone" %}\n', '{% include "shared/tone@1.0.1" %}\n'),
        ("a\n{%- include 'shared/tone@1.0.0' -%}\n", "a\n{%- include 'shared/tone@1.0.1' -%}\n"),
        ('{%include "shared/tone@draft"%}\n', '{%include "shared/tone@1.0.1"%}\n'),
        ('{%include"shared/tone@1.0.0"%}\n', '{%include"shared/tone@1.0.1"%}\n'),
        (
            '{% include "shared/tone" %}{% include "shared/tone-x@1.0.0" %}\n',
            '{% include "shared/tone@1.0.1" %}{% include "shared/tone-x@1.0.0" %}\n',
        ),
        (
            '{% raw %}{% include "shared/tone@1.0.0" %}{% endraw %}{% include "shared/tone@1.0.0" %}\n',
            '{% raw %}{% include "shared/tone@1.0.0" %}{% endraw %}{% include "shared/tone@1.0.1" %}\n',
        ),
    ],
    ids=["floating", "single quotes", "draft", "no spaces", "a longer name", "raw"],
)
def test_upgrade_writes_the_newest_exact_version_into_drafts(toned: Place, text: str, upgraded: str):
    toned.draft("shared/tone-x", "x\n")
    toned.ok("release", "shared/tone-x")
    toned.draft(NAME, text)
    (row,) = toned.ok("upgrade", "shared/tone", "--json").json["upgraded"]
    assert (row["name"], row["to"]) == (NAME, "shared/tone@1.0.1")
    assert toned.read(f"prompts/{NAME}/prompt.md") == upgraded


def test_upgrade_goes_through_all_drafts_or_the_selected_ones_and_says_what_they_had(toned: Place):
    toned.draft("a", '{% include "shared/tone@1.0.0" %}\n')
    toned.draft("b", '{% include "shared/tone" %}\n')
    toned.draft("c", "none\n")
    before = toned.files()
    assert toned.ok("upgrade", "shared/tone", "--dry-run").out.splitlines() == [
        "would write shared/tone@1.0.1 into a@draft (it had shared/tone@1.0.0)",
        "would write shared/tone@1.0.1 into b@draft (it had shared/tone)",
    ]
    assert toned.files() == before
    toned.ok("upgrade", "shared/tone", "a")
    assert toned.read("prompts/b/prompt.md") == '{% include "shared/tone" %}\n'
    toned.ok("upgrade", "shared/tone@1.0.0", "b")
    assert toned.read("prompts/b/prompt.md") == '{% include "shared/tone@1.0.0" %}\n'
    toned.ok("upgrade", "shared/tone")
    assert toned.ok("upgrade", "shared/tone").out == "No draft includes shared/tone in another version.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shared/tome"], "There is no prompt shared/tome under prompts. Did you mean shared/tone?"),
        (["shared/tone@2.0.0"], "shared/tone has no 2.0.0. It has 1.0.0, 1.0.1."),
        (["shared/tone@^1"], "shared/tone@^1: a draft includes an exact version, as in shared/tone@1.2.0."),
        (["shared/tone", "c"], "c does not include shared/tone."),
    ],
)
def test_an_upgrade_that_cannot_be(toned: Place, arguments: list[str], message: str):
    toned.draft("c", "none\n")
    ran = toned.run("upgrade", *arguments)
    assert (ran.status, said(ran)) == (2, message)


def test_upgrade_does_not_pass_over_a_draft_that_it_cannot_read(toned: Place):
    toned.draft("a", '{% include "shared/tone@1.0.0" %}{{ broken\n')
    ran = toned.run("upgrade", "shared/tone")
    assert "prompts/a/prompt.md:1" in ran.out + ran.err


# Draft


def test_an_old_version_becomes_the_draft_again(shipped: Place):
    shipped.draft(NAME, RIGHT)
    shipped.ok("release", NAME)
    ran = shipped.ok("draft", f"{NAME}@1.0.0")
    assert ran.out == "support/answer@draft is 1.0.0 now: prompts/support/answer/prompt.md\n"
    assert shipped.read(f"prompts/{NAME}/prompt.md") == shipped.read(f"prompts/{NAME}/versions/1.0.0.txt")


def test_a_draft_that_was_removed_comes_back_from_what_an_environment_runs(shipped: Place):
    (shipped.path / f"prompts/{NAME}/prompt.md").unlink()
    shipped.ok("draft", f"{NAME}@production")
    assert shipped.read(f"prompts/{NAME}/prompt.md") == shipped.read(f"prompts/{NAME}/versions/1.0.0.txt")


def test_changes_that_are_in_no_version_are_not_lost_without_force(shipped: Place):
    shipped.draft(NAME, RIGHT)
    ran = shipped.run("draft", f"{NAME}@1.0.0")
    assert (ran.status, said(ran)) == (
        2,
        (
            "prompts/support/answer/prompt.md has changes that are in no version, and would be lost. --force "
            "takes 1.0.0 "
            "all the same."
        ),
    )
    assert shipped.read(f"prompts/{NAME}/prompt.md") == RIGHT
    shipped.ok("draft", f"{NAME}@1.0.0", "--force")
    assert shipped.read(f"prompts/{NAME}/prompt.md") != RIGHT


@pytest.mark.parametrize("spec", [NAME, f"{NAME}@draft", f"{NAME}@git:HEAD"])
def test_draft_needs_a_version(shipped: Place, spec: str):
    ran = shipped.run("draft", spec)
    assert (ran.status, said(ran)) == (2, f"{spec}: name a version, as in support/answer@1.0.0.")
