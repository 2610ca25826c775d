"""Bad input: one clear sentence or short list on stderr, the right exit status, and nothing changed on disk."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from promptreg.evals.all_providers import PROVIDERS
from promptreg.evals.all_scorers import SCORERS
from tests.support.place import Place
from tests.support.worlds import (
    ANSWER,
    digest_of,
    edit,
    markers,
    pin_by_hand,
    result_of,
    settled,
    settled_words,
)

DRAFT = "prompts/support/answer/prompt.md"
SUMS = "prompts/support/answer/versions.sum"
FIRST = "prompts/support/answer/versions/1.0.0.txt"
CONFIG = "prompts/promptreg.toml"
SUITE = "prompts/support/route/evals/suite.yaml"
CASES = "prompts/support/route/evals/cases.jsonl"
STAGING = "prompts/environments/staging.yaml"
PRODUCTION = "prompts/environments/production.yaml"
KEYS = "description, provider, model, parameters, inputs, output, tools, owners, tags, metadata, profile"
SHAPE = (
    "a name is made of segments a–z, 0–9 and . _ - joined by /, each beginning with a letter or digit and not ending "
    "with a dot (support/answer)."
)
JAPANESE = (
    "names are lower-case a–z, 0–9 and . _ - / (they become folders and telemetry values). Put the Japanese title into "
    "description:."
)
FORMATTER = (
    "A formatter (prettier, mdformat, end-of-file-fixer) often does this. promptreg check --fix restores it from the "
    "base branch; exclude versions/ from the formatter."
)


@pytest.fixture
def place(tmp_path, tmp_path_factory) -> Place:
    return settled(tmp_path, tmp_path_factory)


def refused(place: Place, command: str | list[str], status: int = 2, *, environ: dict[str, str] | None = None) -> str:
    """What a command says on stderr that must end with a status and change nothing."""
    words = shlex.split(command) if isinstance(command, str) else command
    before = place.files()
    ran = place.run(*words, environ=environ)
    assert ran.status == status, f"{command} → {ran.status}\n{ran.out}\n{ran.err[-1500:]}"
    assert "Traceback" not in ran.err
    assert place.files() == before, "something was written"
    assert ran.err.startswith("promptreg: ")
    assert ran.err.endswith("\n")
    return settled_words(ran.err.removeprefix("promptreg: ").removesuffix("\n"))


# Prompts, versions, environments that are not there

UNKNOWN = "There is no prompt support/anser under prompts. Did you mean support/answer?"
EVERY_COMMAND_ON_A_PROMPT = [
    "show {}",
    "status {}",
    "render {}",
    "lint {}",
    "diff {}",
    "diff support/answer {}",
    "impact {}",
    "history {}",
    "release {}",
    "upgrade {}",
    "upgrade shared/tone {}",
    "eval {}",
    "compare {} support/answer",
    "results list {}",
    "results show {}",
    "ship {} --to production",
    "promote {} --to production",
    "rollback {} --in production",
    "unpin {} --in production",
]
EVERY_COMMAND_ON_A_VERSION = [
    "show {}",
    "render {} -i question=x",
    "diff {}",
    "diff {} support/answer",
    "yank {} -m Bad",
    "draft {}",
    "eval {}",
    "compare support/answer@1.0.0 {}",
    "results list {}",
    "results show {}",
    "promote {} --to production",
    "rollback {} --in production -m Bad",
]
EVERY_COMMAND_ON_AN_ENVIRONMENT = [
    "list --in {}",
    "history --in {}",
    "compare support/route@1.0.0 support/route@1.1.0 --in {}",
    "eval --needed --to {}",
    "ship support/answer --to {}",
    "promote support/answer --to {}",
    "rollback support/answer --in {}",
    "rollback support/answer@1.0.0 --in {} -m Bad",
    "unpin support/answer --in {}",
    "show support/answer@{}",
    "render support/answer@{} -i question=x",
]


@pytest.mark.parametrize("command", EVERY_COMMAND_ON_A_PROMPT)
def test_an_unknown_prompt_is_named_with_a_near_match(place, command):
    assert refused(place, command.format("support/anser")) == UNKNOWN


@pytest.mark.parametrize("command", EVERY_COMMAND_ON_A_VERSION)
def test_an_unknown_version_is_named_with_those_that_exist(place, command):
    assert refused(place, command.format("support/answer@9.0.0")) == (
        "support/answer has no 9.0.0. It has 1.0.0, 1.1.0."
    )


@pytest.mark.parametrize("command", EVERY_COMMAND_ON_AN_ENVIRONMENT)
def test_an_unknown_environment_is_named_with_a_near_match(place, command):
    assert refused(place, command.format("producton")) == (
        "There is no environment producton. There are staging, production. Did you mean production?"
    )


def test_a_prompt_that_nothing_resembles_is_answered_with_what_exists(place):
    assert refused(place, "show zzz") == (
        "There is no prompt zzz under prompts. There are 4 prompts: old/unused, shared/tone, support/answer, "
        "support/route."
    )


def test_from_inside_the_registry_its_folder_is_not_named_by_two_dots(place):
    inside = Place(place.path / "prompts")
    assert "under .." not in refused(inside, "show zzz")


def test_an_empty_registry_says_so(repo):
    repo.registry()
    assert refused(repo, "show support/answer") == (
        "No prompt support/answer under prompts: there is promptreg.toml and no prompt. If this is an image, see "
        "whether .dockerignore excludes *.md or *.txt. Found there: 0 prompts."
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("support/answer@^9", "support/answer has no ^9. It has 1.0.0, 1.1.0."),
        (
            "support/answer@",
            "The selector behind @ is empty. Name a version, a range, an environment, latest or draft.",
        ),
        ("support/answer@1.0.0+x", "'1.0.0+x': versions carry no build metadata. Leave out '+x'."),
        ("support/answer@01.0.0", "'01.0.0' is not a version. Versions look like 1.2.0 or 1.2.0-rc.1."),
        (
            "support/answer@1.x.y",
            "'1.x.y' is not a range that npm reads. Ranges look like 1, 1.2, ^1.2, ~1.2.3, '>=1 <3' or '1.x || 2.x'.",
        ),
        ("support/answer@git:nope", "git knows no revision nope."),
        (
            "support/answer@git:--output=x",
            "'--output=x' is not the name of one revision. Write a branch, a tag or a commit id.",
        ),
        ("support/answer@git:", "git: needs a revision, as in git:main."),
        ("old/unused@production", ("old/unused has no version in production. It has 1.0.0. Promote one: promptreg "
         "promote old/unused@1.0.0 --to production")),
    ],
)  # fmt: skip
def test_a_selector_that_means_nothing_is_explained(place, spec, message):
    assert refused(place, ["show", spec]) == message


# Names

BAD_NAMES = [
    ("../x", f"../x: {SHAPE}"),
    ("support/../x", f"support/../x: {SHAPE}"),
    ("/etc/passwd", f"/etc/passwd: {SHAPE}"),
    ("a//b", f"a//b: {SHAPE}"),
    ("a/", f"a/: {SHAPE}"),
    (".hidden", f".hidden: {SHAPE}"),
    ("Support/Answer", "Support/Answer: names are lower-case. Did you mean support/answer?"),
    ("問い合わせ/回答", f"問い合わせ/回答: {JAPANESE}"),
    ("a\\b", "a\\b: names are joined by /, not by a backslash."),
    ("a/versions", "a/versions: versions is a folder of promptreg's own and cannot stand in a name."),
    ("nul", "nul: nul is a device name on Windows and cannot stand in a name."),
    ("x" * 201, f"{'x' * 40}…: a name has at most 200 characters; this one has 201."),
]


@pytest.mark.parametrize("command", ["show", "new"])
@pytest.mark.parametrize(("name", "message"), BAD_NAMES, ids=[name[:20] for name, _ in BAD_NAMES])
def test_a_name_that_cannot_be_one_is_refused_with_the_rule(place, command, name, message):
    assert refused(place, [command, name]) == message


@pytest.mark.parametrize("command", EVERY_COMMAND_ON_A_PROMPT)
def test_no_command_leaves_the_registry_by_a_name(place, command):
    place.write("x/prompt.md", "Outside.\n")
    assert refused(place, command.format("../x")) == f"../x: {SHAPE}"


# Releases


def test_a_version_that_exists_on_main_is_not_made_again(place):
    edit(place, DRAFT, "in one line", "at once")
    assert refused(place, "release support/answer --version 1.1.0") == (
        "support/answer 1.1.0 exists, and released versions never change. --bump patch makes 1.1.1."
    )


def test_a_version_that_exists_and_is_not_on_main_can_be_amended(place):
    place.git("checkout", "-q", "-b", "feature")
    edit(place, DRAFT, "in one line", "at once")
    place.ok("release", "support/answer", "--version", "1.2.0")
    edit(place, DRAFT, "at once", "now")
    message = refused(place, "release support/answer --version 1.2.0")
    assert message == (
        "support/answer 1.2.0 exists but is not on the base branch yet: --amend replaces it, --bump patch makes 1.2.1."
    )


def test_a_draft_unchanged_since_its_release_is_not_released(place):
    edit(place, "prompts/old/unused/prompt.md", "Nobody", "Somebody")
    assert refused(place, "release support/answer", 1) == (
        "support/answer: the draft equals 1.1.0. Nothing to release. (Changed drafts: old/unused.)"
    )


def test_what_is_no_version_cannot_be_asked_for(place):
    edit(place, DRAFT, "in one line", "at once")
    assert refused(place, "release support/answer --version 1.2") == (
        "'1.2' is not a version. Versions look like 1.2.0 or 1.2.0-rc.1."
    )


def test_a_bump_that_is_too_small_is_refused_with_the_reason(place):
    place.draft("support/answer", "Hi {{ name }}\n")
    assert refused(place, "release support/answer --bump patch", 1) == (
        "support/answer: 1.1.1 after 1.1.0 is no major bump, and this change is major: input question removed; new "
        "required input name. It should be 2.0.0."
    )


def test_a_version_on_main_is_not_amended(place):
    edit(place, DRAFT, "in one line", "at once")
    assert refused(place, "release support/answer --amend", 1) == (
        "support/answer 1.1.0 is on the base branch, and released versions never change. Without --amend the draft "
        "becomes a new version."
    )


@pytest.mark.parametrize("command", ["release support/answer", "ship support/answer --to production"])
def test_an_undeclared_variable_is_not_released(place, command):
    edit(place, DRAFT, "{{ question }}", "{{ qestion }}")
    assert refused(place, command) == (
        f"{DRAFT}:6:11: qestion is not an input. Inputs are question. Did you mean question? Fix: declare it under "
        "inputs:  qestion: string"
    )


@pytest.mark.parametrize("command", ["release support/answer", "ship support/answer --to production"])
def test_a_floating_include_is_not_released(place, command):
    edit(place, DRAFT, "shared/tone@1.0.0", "shared/tone")
    assert refused(place, command) == (
        f'{DRAFT}:5:13: include "shared/tone" needs a version before a release. Newest: 1.0.0. Fix: promptreg upgrade '
        "shared/tone support/answer"
    )


def test_all_that_stands_against_several_releases_is_told_at_once(place):
    edit(place, DRAFT, "shared/tone@1.0.0", "shared/tone")
    place.draft("new/one", "---\ninputs: {}\n---\n{{ x }}{{ y }}\n")
    message = refused(place, "release --all")
    assert [line.split(": ")[0] for line in message.split("\n")] == [
        "prompts/new/one/prompt.md:4:4",
        "prompts/new/one/prompt.md:4:11",
        f"{DRAFT}:5:13",
    ]


@pytest.mark.parametrize("command", ["release {}", "show {}", "render {}", "ship {} --to production", "diff {}"])
@pytest.mark.parametrize("length", [1, 2])
def test_an_include_cycle_is_named_from_end_to_end(place, command, length):
    if length == 1:
        place.draft("a", '{% include "a@draft" %}\n')
    else:
        place.draft("a", '{% include "b@draft" %}\n')
        place.draft("b", '{% include "a@draft" %}\n')
    round_trip = "a → a" if length == 1 else "a → b → a"
    assert f"includes go round: {round_trip}." in refused(place, command.format("a"))


def test_a_yanked_version_is_not_yanked_again(place):
    message = refused(place, "yank support/route@1.4.0 -m Again", 1)
    assert message.startswith("support/route 1.4.0 was yanked on ")
    assert message.endswith(" already: Leaks")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("yank support/answer@1.0.0", "yank needs a reason: -m TEXT"),
        ("yank support/answer@1.0.0 -m ' '", "yank needs a reason: -m TEXT"),
        ("yank support/answer -m x", "support/answer: name one version, as in support/answer@1.2.0."),
        ("draft support/answer", "support/answer: name a version, as in support/answer@1.0.0."),
        ("promote support/route@1.1.0 --to staging --force", "--force needs a reason: -m TEXT"),
        ("rollback support/answer@1.0.0 --in production", "rollback to a named version needs a reason: -m TEXT"),
        (
            "promote support/answer@draft --to production",
            (
                "support/answer@draft: only a released version can be promoted. promptreg ship support/answer --to "
                "production"
            ),
        ),
        (
            "compare support/route@1.0.0 support/answer@1.0.0",
            "support/route and support/answer are two prompts; results are compared between versions of one.",
        ),
        ("upgrade shared/tone old/unused", "old/unused does not include shared/tone."),
        ("unpin old/unused --in production", "production pins no version of old/unused."),
        ("new support/answer", "support/answer has a draft already: prompts/support/answer/prompt.md"),
        ("new support/route --cases", f"support/route has a suite already: {SUITE}"),
    ],
)
def test_a_request_that_is_not_whole_says_what_is_missing(place, command, message):
    assert refused(place, command) == message


def test_a_draft_with_changes_of_its_own_is_not_overwritten(place):
    edit(place, DRAFT, "in one line", "in my own words")
    assert refused(place, "draft support/answer@1.0.0") == (
        f"{DRAFT} has changes that are in no version, and would be lost. --force takes 1.0.0 all the same."
    )


# Promotion


def reasons(place: Place, command: str, status: int) -> list[tuple[str, str, str | None]]:
    """(rule, message, fix) of what refuses a promotion, which must not move anything."""
    before = place.files()
    ran = place.run(*shlex.split(command), "--json")
    assert (ran.status, place.files() == before, ran.json["moved"]) == (status, True, []), ran.out
    return [
        (reason["rule"], reason["message"], reason["fix"])
        for refusal in ran.json["refused"]
        for reason in refusal["reasons"]
    ]


@pytest.mark.parametrize(
    "command", ["promote support/route@1.4.0 --to staging", "rollback support/route@1.4.0 --in staging -m x"]
)
def test_a_yanked_version_is_not_promoted(place, command):
    ((rule, message, fix),) = reasons(place, command, 1)
    assert rule == "pin-yanked"
    assert message.startswith("support/route 1.4.0 was yanked on ")
    assert message.endswith(": Leaks")
    assert fix == "promptreg promote support/route@1.3.0 --to staging"


def test_what_refuses_a_promotion_is_told_in_full(place):
    assert [rule for rule, _, _ in reasons(place, "promote support/route@1.1.0 --to production", 1)] == [
        "pin-order",
        "gate",
    ]


def test_one_that_is_refused_holds_back_all_that_were_named_with_it(place):
    found = reasons(place, "promote support/route@1.1.0 old/unused --to staging", 1)
    assert [rule for rule, _, _ in found] == ["gate"]


def test_one_prompt_cannot_be_promoted_to_two_versions_at_once(place):
    message = refused(place, "promote support/answer@1.0.0 support/answer@1.1.0 --to staging")
    assert "support/answer" in message


@pytest.mark.parametrize("make", ["no repository", "not committed"])
def test_a_promotion_that_cannot_be_committed_moves_nothing(place, make):
    if make == "no repository":
        shutil.rmtree(place.path / ".git")
    else:
        place.draft("new/one", "Hi\n")
        place.ok("release", "new/one")
    name = "support/route@1.2.0" if make == "no repository" else "new/one"
    refused(place, f"promote {name} --to staging --commit")


# Inputs

TYPED = (
    "---\ninputs:\n  i: integer\n  n: number\n  b: boolean\n  l: {type: array, items: integer}\n  o: object\n"
    "  e: {enum: [x, y]}\n---\n{{ i }}{{ n }}{{ b }}{{ l[0] }}{{ o.a }}{{ e }}\n"
)
GOOD = {"i": "1", "n": "1.5", "b": "true", "l": "[1]", "o": '{"a": 1}', "e": "x"}
TAKES = "Takes: i, n, b, l, o, e."


def given(**changes: str) -> list[str]:
    return ["render", "typed", *[word for key, value in (GOOD | changes).items() for word in ("-i", f"{key}={value}")]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"i": "x"}, f"typed@draft: i must be a whole number, not 'x'. {TAKES}"),
        ({"b": "yes"}, f"typed@draft: b must be true or false, not 'yes'. {TAKES}"),
        ({"i": "1.5"}, f"typed@draft: i must be a whole number, not 1.5. {TAKES}"),
        ({"l": '["a"]'}, f"typed@draft: l[0] must be a whole number, not 'a'. {TAKES}"),
        ({"e": "z"}, f"typed@draft: e must be one of x, y, not 'z'. {TAKES}"),
        ({"o": "[]"}, f"typed@draft: o must be a mapping, not a list. {TAKES}"),
    ],
)
def test_an_input_of_the_wrong_type_is_named_with_the_right_one(place, changes, message):
    place.draft("typed", TYPED)
    assert refused(place, given(**changes)) == message


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_a_number_without_a_value_is_no_number(place, value):
    place.draft("typed", TYPED)
    assert "finite" in refused(place, given(n=value))


def test_missing_unexpected_and_wrong_inputs_are_one_error(place):
    place.draft("typed", TYPED)
    command = ["render", "typed", "-i", "n=1", "-i", "b=true", "-i", "e=z", "-i", "o=[]", "-i", "extra=1", "-i", "x=1"]
    assert refused(place, command) == (
        "typed@draft: missing input i, l; unexpected input extra, x; o must be a mapping, not a list; e must be one "
        f"of x, y, not 'z'. {TAKES}"
    )


def test_what_is_no_json_does_not_hide_what_else_is_wrong(place):
    place.draft("typed", TYPED)
    message = refused(place, ["render", "typed", "-i", "i=x", "-i", "b=yes", "-i", "extra=1"])
    assert all(f" {word}" in message.replace(":", " ").replace(",", " ") for word in ("i", "b", "extra", "n"))


def test_deep_json_is_refused_and_no_bug(place):
    place.draft("typed", TYPED)
    refused(place, given(l="[" * 100_000))


def test_a_near_match_is_offered_for_an_unexpected_input(place):
    assert refused(place, "render support/answer -i qestion=x -i question=y") == (
        "support/answer@draft: unexpected input qestion. Takes: question. Did you mean question?"
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("render support/answer -i question=@nope.txt", "nope.txt: cannot be read: No such file or directory."),
        ("render support/answer --inputs nope.yaml", "nope.yaml: cannot be read: No such file or directory."),
        ("render support/answer --inputs prompts", "prompts: cannot be read: Is a directory."),
        ("render support/answer --inputs list.yaml", "list.yaml: inputs are a mapping from names to values."),
        (
            "render support/answer --inputs broken.yaml",
            "broken.yaml:2:1: this is not YAML: did not find expected node content (while parsing a flow node).",
        ),
        (
            "render support/answer --inputs sjis.yaml",
            "sjis.yaml:1:1: this is not UTF-8 (byte 0x93); it looks like Shift_JIS. Save the file as UTF-8.",
        ),
        ("render support/route --case c99", "support/route has no case c99. Did you mean c39?"),
        ("render support/answer --case x", "support/answer has no case x."),
        ("new a --from nope.md", "nope.md: cannot be read: No such file or directory."),
        ("new a --from sjis.yaml", ("sjis.yaml:1:1: this is not UTF-8 (byte 0x93); it looks like Shift_JIS. Save the "
         "file as UTF-8.")),
    ],
)  # fmt: skip
def test_a_file_with_inputs_that_cannot_be_used_is_named(place, command, message):
    place.write("list.yaml", "- 1\n")
    place.write("broken.yaml", "a: [\n")
    place.write("sjis.yaml", "日本語\n".encode("shift_jis"))
    assert refused(place, command) == message


# Malformed files

DRAFTS = {
    "a colon": ("---\nmodel: a: b\n---\nx\n", '2:8: this value holds ": ". Put it in quotes: model: "a: b".'),
    "no end": (
        "---\nmodel: a\nx\n",
        "1:1: the front matter that begins here does not end. Close it with a line of three dashes: ---",
    ),
    "an anchor": ("---\nmodel: &a x\n---\nx\n", "2:8: YAML anchors (&a) are not read here. Write the value out."),
    "a key twice": ("---\nmodel: a\nmodel: b\n---\nx\n", "3:1: the key model stands here a second time."),
    "an unknown key": (
        "---\nmodle: a\n---\nx\n",
        f"2:1: front matter has no key modle. It takes {KEYS}. Did you mean model?",
    ),
    "credentials": (
        "---\nparameters: {api_key: x}\n---\nx\n",
        ("2:14: api_key is no generation setting: endpoints, credentials, headers and transport belong to the client "
        "in your code, not into the prompt."),
    ),
    "nothing": ("", " the file is empty."),
    "no body": ("---\nmodel: a\n---\n", "4: there is no text below the front matter."),
    "not UTF-8": (
        "日本語\n".encode("shift_jis"),
        "1:1: this is not UTF-8 (byte 0x93); it looks like Shift_JIS. Save the file as UTF-8.",
    ),
    "a control character": ("a\x00b\n", "1:2: the control character U+0000 cannot stand in this file. Remove it."),
    "conflict markers": (markers("a\n", "b\n"), None),
}  # fmt: skip


@pytest.mark.parametrize("command", ["show", "release"])
@pytest.mark.parametrize(("text", "message"), DRAFTS.values(), ids=DRAFTS.keys())
def test_a_malformed_draft_is_named_with_its_place(place, command, text, message):
    place.write(DRAFT, text)
    message = message or "1: merge conflict markers stand here. Settle the conflict, then try again."
    assert refused(place, f"{command} support/answer") == f"{DRAFT}:{message}"


START = 'schema = 1\ndefault_environment = "draft"\n'
CONFIGS = {
    "not TOML": ("schema = \n", ":1:10: this is not TOML: invalid value."),
    "another schema": (
        START.replace("1", "2"),
        ": schema is 2; this promptreg reads 1. Is it older than the registry?",
    ),
    "an unknown key": (
        f"{START}gates = 1\n",
        (
            ":3: there is no key gates here. It can be default_environment, environments, gate, limits, prices, "
            "schema. Did you mean gate?"
        ),
    ),
    "an unknown mode": (
        f'{START}[environments.a]\nmode = "hard"\n',
        ":4: mode must be 'lenient', 'standard' or 'strict', not 'hard'.",
    ),
    "after nobody": (
        f'{START}[environments.a]\nafter = "b"\n',
        ":4: a comes after b, which is no environment.",
    ),
    "after in a circle": (
        f'{START}[environments.a]\nafter = "b"\n[environments.b]\nafter = "a"\n',
        ":4: after goes round: a after b after a.",
    ),
    "alpha": (f"{START}[gate]\nalpha = 2\n", ":4: alpha: input should be less than 0.5."),
    "conflict markers": (
        START + markers("a = 1\n", "a = 2\n"),
        ":3: merge conflict markers stand here. Settle the conflict, then try again.",
    ),
}


@pytest.mark.parametrize(("text", "message"), CONFIGS.values(), ids=CONFIGS.keys())
def test_a_malformed_configuration_is_named_with_its_place(place, text, message):
    place.write(CONFIG, text)
    before = place.files()
    ran = place.run("check", "--base", "HEAD", "--json")
    assert place.files() == before
    found = [
        f"{finding['path']}:{finding['line']}: {finding['message']}"
        for finding in (ran.json["findings"] if ran.out else [])
        if finding["path"] == CONFIG and finding["severity"] == "error"
    ]
    told = found or [ran.err.removeprefix("promptreg: ").removesuffix("\n")]
    assert (told, ran.status) == ([CONFIG + message], 1 if found else 2)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('schema = 1\ndefault_environment = "prod"\n[environments.production]\n', 2),
        (f"{START}[environments.Prod]\n", 3),
        (f"{START}[limits]\nx = 1\n", 4),
        (f"{START}[limits]\noutput = 0\n", 4),
    ],
)
def test_what_is_wrong_in_the_configuration_has_a_path_and_a_line(place, text, line):
    place.write(CONFIG, text)
    assert refused(place, "list").startswith(f"{CONFIG}:{line}:")


SUITES = {
    "no scorers": ("provider: echo\n", "1:1: scorers is missing."),
    "no scorer": ("scorers: {}\n", "1:10: a suite needs at least one scorer."),
    "an unknown scorer": (
        "scorers: {c: {type: exat}}\n",
        f"1:21: there is no scorer exat. There are {', '.join(SCORERS)}. Did you mean exact?",
    ),
    "an unknown provider": (
        "provider: eco\nscorers: {c: {type: exact}}\n",
        f"1:11: There is no provider eco. There are {', '.join(PROVIDERS)}. Did you mean echo?",
    ),
    "a threshold of nothing": (
        "scorers: {c: {type: exact}}\ngate: {d: {}}\n",
        "2:8: d is not measured here. There are c, latency, cost, tokens.",
    ),
    "an unknown key": (
        "scorers: {c: {type: exact}}\nrepeat: 1\n",
        (
            "2:1: there is no key repeat here. It can be cases, description, gate, model, parameters, provider, "
            "repeats, scorers, store_outputs. Did you mean repeats?"
        ),
    ),
    "cases elsewhere": (
        "scorers: {c: {type: exact}}\ncases: ../../x.jsonl\n",
        (
            "2:8: cases names a file beside the suite (.jsonl, .csv, .yaml), as in  cases: cases.jsonl; or "
            "python:MODULE:FUNCTION."
        ),
    ),
    "an alias": ("provider: *p\n", "1:11: YAML aliases (*p) are not read here. Write the value out."),
    "conflict markers": (
        markers("provider: echo\n", "provider: none\n"),
        "1: merge conflict markers stand here. Settle the conflict, then try again.",
    ),
}


@pytest.mark.parametrize(("text", "message"), SUITES.values(), ids=SUITES.keys())
def test_a_malformed_suite_is_named_with_its_place(place, text, message):
    place.write(SUITE, text)
    assert refused(place, "eval support/route") == f"{SUITE}:{message}"


CASE_FILES = {
    "not JSON": ('{"id": \n', "1:8: this line is not JSON: expecting value."),
    "no mapping": ("[]\n", "1: this must be a mapping."),
    "no id": ("{}\n", "1: id is missing."),
    "an id twice": (
        '{"id": "a", "expected": "x"}\n\n{"id": "a", "expected": "x"}\n',
        "3: the id a stands here a second time.",
    ),
    "a key twice": ('{"id": "a", "id": "b"}\n', "1: the key id stands here twice."),
    "an unknown key": (
        '{"id": "a", "input": {}}\n',
        "1: there is no key input here. It can be cluster, expected, id, inputs, tags. Did you mean inputs?",
    ),
    "NaN": ('{"id": "a", "inputs": {"a": NaN}}\n', "1: NaN is no number that can be compared."),
    "no expectation": ('{"id": "a"}\n', "1: correct: case a: expected is missing."),
    "a missing input": (
        '\n{"id": "a", "inputs": {"a": "x", "b": "x", "c": "x"}, "expected": "x"}\n',
        "2: case a cannot be rendered with support/route@draft: missing input d. Takes: a, b, c, d.",
    ),
    "conflict markers": (
        markers('{"id": "a"}\n', '{"id": "b"}\n'),
        "1: merge conflict markers stand here. Settle the conflict, then try again.",
    ),
}


@pytest.mark.parametrize(("text", "message"), CASE_FILES.values(), ids=CASE_FILES.keys())
def test_malformed_cases_are_named_with_their_place(place, text, message):
    place.write(CASES, text)
    assert refused(place, "eval support/route") == f"{CASES}:{message}"


SUMS_LINES = {
    "garbage": ("garbage\n", "this is not a line of versions.sum (VERSION sha256:… DATE [INCLUDES] # MESSAGE)."),
    "no digest": ("1.2.0 sha256:x 2026-11-20\n", "sha256:x is not a digest (sha256: and 64 hexadecimal digits)."),
    "no date": (f"1.2.0 sha256:{'0' * 64} today\n", "today is not a date like 2026-11-20."),
    "a yank of nothing": ("9.0.0 yanked 2026-11-20\n", "9.0.0 is yanked here and was not released above."),
    "conflict markers": (markers("x\n", "y\n"), None),
}


@pytest.mark.parametrize(("line", "message"), SUMS_LINES.values(), ids=SUMS_LINES.keys())
def test_a_malformed_line_of_versions_sum_is_named_with_its_place(place, line, message):
    place.write(SUMS, place.read(SUMS) + line)
    for command in ("show support/answer@1.0.0", "release support/answer", "promote support/answer@1.0.0 --to staging"):
        found = refused(place, command)
        assert found == f"{SUMS}:3: {message}" if message else found.startswith(f"{SUMS}:3: merge conflict markers")


ENTRIES = {
    "garbage": (
        "garbage\n",
        (
            "9: 'garbage' is not the name of a prompt and a colon. An environment file holds entries of promptreg's "
            "own and comments, nothing else."
        ),
    ),
    "no digest": ("support/x:\n  version: 1.0.0\n", "9: support/x: an entry needs version and digest."),
    "an unknown key": ("support/x:\n  owner: me\n", "10: 'owner: me' cannot stand in an entry."),
    "conflict markers": (
        markers("# a\n", "# b\n"),
        "9: merge conflict markers stand here. Settle the conflict, then try again.",
    ),
}


@pytest.mark.parametrize("command", ["list --in production", "promote support/route@1.2.0 --to production"])
@pytest.mark.parametrize(("text", "message"), ENTRIES.values(), ids=ENTRIES.keys())
def test_a_malformed_environment_file_is_named_with_its_place(place, command, text, message):
    place.write(PRODUCTION, place.read(PRODUCTION) + text)
    assert refused(place, command).startswith(f"{PRODUCTION}:{message.partition('.')[0]}")


@pytest.mark.parametrize(
    "command",
    [
        "promote support/route@1.2.0 --to production",
        "rollback support/answer --in production",
        "rollback support/answer@1.0.0 --in production -m x",
        "unpin support/answer --in production",
    ],
)
def test_nothing_is_written_into_an_environment_file_with_conflict_markers(place, command):
    place.write(PRODUCTION, place.read(PRODUCTION) + markers("# a\n", "# b\n"))
    assert refused(place, command).startswith(f"{PRODUCTION}:9: merge conflict markers")


@pytest.mark.parametrize(
    "command",
    [
        "show support/answer@1.0.0",
        "render support/answer@1.0.0 -i question=x",
        "promote support/answer@1.0.0 --to staging",
        "rollback support/answer --in staging",
        "diff support/answer@1.0.0 support/answer",
        "draft support/answer@1.0.0",
    ],
)
def test_a_digest_that_does_not_match_is_told_with_what_often_does_it(place, command):
    edit(place, FIRST, "shortly", "quickly")
    assert refused(place, command) == (
        f"{FIRST}: support/answer 1.0.0 is not what was released (sha256 … → …). {FORMATTER}"
    )


def test_a_pin_with_another_digest_than_its_version_is_told_with_both(place):
    pin_by_hand(place, "production", "support/answer", "1.1.0", digest="sha256:" + "0" * 64)
    real = digest_of(place, "support/answer", "1.1.0")
    assert refused(place, "show support/answer@production") == (
        f"{PRODUCTION}:2: production pins support/answer 1.1.0 as sha256:00000000…, and that version is {real[:15]}…. "
        "promptreg check --fix mends a pin that an amended release left behind."
    )


@pytest.mark.parametrize("content", ["{\n", "{}\n", "[]\n", '{"id": "c00"}\n'])
def test_outputs_that_cannot_be_read_are_a_sentence_and_no_bug(place, content):
    place.write(result_of(place, "1.1.0", ".outputs.jsonl"), content)
    assert "outputs.jsonl" in refused(place, "results show support/route@1.1.0")


# Links, folders and pipes in the place of files


@pytest.mark.parametrize(
    "command", ["show evil", "release evil", "ship evil --to staging", "lint evil", "diff evil", "render evil"]
)
def test_a_link_out_of_the_registry_is_refused(place, command):
    place.write("secret.md", "Secret.\n")
    (place.path / "prompts/evil").mkdir()
    (place.path / "prompts/evil/prompt.md").symlink_to(place.path / "secret.md")
    message = refused(place, command)
    assert message == "prompts/evil/prompt.md: this is a link that leads out of the registry."
    assert "Secret" not in message


def test_nothing_is_written_through_a_link_out_of_the_registry(place):
    (place.path / "elsewhere").mkdir()
    (place.path / "prompts/link").symlink_to(place.path / "elsewhere")
    assert refused(place, "new link/x") == ("prompts/link/x/prompt.md: this is a link that leads out of the registry.")


def test_a_folder_or_a_pipe_in_the_place_of_a_file_is_named(place):
    (place.path / "prompts/dir/prompt.md").mkdir(parents=True)
    assert refused(place, "show dir") == "prompts/dir/prompt.md: cannot be read: Is a directory."
    (place.path / "prompts/pipe").mkdir()
    os.mkfifo(place.path / "prompts/pipe/prompt.md")
    before = {path: data for path, data in place.files().items() if "pipe" not in path}
    ran = place.run("show", "pipe")
    assert (ran.status, ran.err) == (2, "promptreg: prompts/pipe/prompt.md: this is not a regular file.\n")
    assert before == {path: data for path, data in place.files().items() if "pipe" not in path}


# No registry, no repository, no git


@pytest.mark.parametrize("command", ["list", "show x", "new x", "release x", "check", "lint"])
def test_no_registry_says_where_it_was_looked_for(folder, command):
    assert refused(folder, command) == (
        f"No promptreg.toml in {folder.path} or above, nor in a prompts/ there. Set PROMPTREG_ROOT, or start in the "
        "repository. To begin: promptreg init"
    )


def test_a_registry_named_by_a_variable_that_is_not_there_is_told(place):
    assert refused(place, "list", environ={"PROMPTREG_ROOT": "/nowhere"}) == (
        "No promptreg.toml in /nowhere, nor in a prompts/ there. Set PROMPTREG_ROOT, or start in the repository. To "
        "begin: promptreg init"
    )


@pytest.mark.parametrize(
    "command",
    [
        "history",
        "history --in production --at HEAD",
        "check --base HEAD",
        "status --changed",
        "show support/answer@git:HEAD",
        "release support/answer --tag",
    ],
)
def test_no_repository_is_told_where_history_is_needed(place, command):
    shutil.rmtree(place.path / ".git")
    assert refused(place, command) == (f"{place.path}/prompts is not inside a git repository. git init makes one.")


@pytest.mark.parametrize("command", ["list", "show support/answer", "release --all", "list --in production", "check"])
def test_what_needs_no_history_works_without_a_repository(place, command):
    shutil.rmtree(place.path / ".git")
    place.ok(*command.split())


def without_git(place: Place, command: str) -> subprocess.CompletedProcess[str]:
    environ = dict(os.environ, PATH="/nowhere", PYTHONPATH=str(Path(__file__).parents[2]))
    argv = [sys.executable, "-m", "promptreg", *command.split()]
    return subprocess.run(argv, cwd=place.path, env=environ, capture_output=True, text=True, check=False)


def test_without_git_what_needs_it_says_so_and_the_rest_works(place):
    done = without_git(place, "history")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "promptreg: git is not installed, or not on PATH. This command reads the repository's history.\n"
    )
    assert without_git(place, "render support/answer -i question=x").stdout == "Be brief.\nAnswer x in one line.\n"


def test_without_a_base_changed_says_what_to_name(repo):
    repo.registry()
    repo.draft("a", "Hi\n")
    assert refused(repo, "lint --changed") == "there is no base revision to tell what changed. Name one: --base REV"


def test_a_shallow_clone_says_how_to_fetch_what_history_needs(place):
    target = place.path.parent / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{place.path}", str(target)], check=True)
    first = place.git("rev-list", "--max-parents=0", "HEAD")
    for command in (f"diff support/answer@git:{first} support/answer", f"lint --changed --base {first}"):
        assert refused(Place(target), command) == (
            f"git knows no revision {first}. This clone is shallow. Fetch it: git fetch --depth=1 origin {first}"
        )


# The command line itself


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("relase", "There is no command relase. Did you mean release? promptreg --help lists them."),
        ("list extra", "Got unexpected extra argument (extra) promptreg list --help shows how."),
        (
            "list --format xml",
            "Invalid value for '--format': 'xml' is not one of 'text', 'json'. promptreg list --help shows how.",
        ),
        ("-C /nowhere list", "-C /nowhere: No such file or directory."),
        ("diff a b c", "diff takes two specs at most. promptreg diff --help shows how."),
        ("release", ("Name a prompt, a pattern in quotes ('support/*'), --all or --changed. promptreg release --help "
         "shows how.")),
        ("release 'x/*'", "No prompt matches x/*."),
        ("release support/answer --base main", "--base goes with --changed. promptreg release --help shows how."),
        ("release --all --version 1.0.0", "--version is for one prompt. promptreg release --help shows how."),
        ("promote --to production", "Name what to promote, or --all. promptreg promote --help shows how."),
        ("promote support/answer", "Missing option '--to'. promptreg promote --help shows how."),
        ("history --at HEAD", "--at needs an environment: --in ENV. promptreg history --help shows how."),
        ("eval", ("Name what to evaluate (support/answer, support/answer@1.1.0), or --needed --to ENV. promptreg eval "
         "--help shows how.")),
        (
            "rollback support/answer --to production",
            ("--to takes no environment here. Did you mean: promptreg rollback support/answer --in production? "
            "promptreg rollback --help shows how."),
        ),
        (
            "promote support/answer --in production",
            ("--in looks into an environment, --to moves into one. Did you mean: promptreg promote support/answer --to "
            "production? promptreg promote --help shows how."),
        ),
        ("render support/answer -i question", ("-i question: write -i KEY=VALUE or -i KEY=@FILE. promptreg render "
         "--help shows how.")),
        ("init other", "there is a registry already: prompts"),
    ],
)  # fmt: skip
def test_a_command_line_that_cannot_be_understood_is_explained(place, command, message):
    assert refused(place, command) == message


@pytest.mark.parametrize("command", ["history --since garbage", "history --in production --at 2026-99-99"])
def test_a_date_that_is_none_is_refused_and_not_read_as_some_other(place, command):
    refused(place, command)


def test_a_registry_cannot_be_made_where_a_file_stands(folder):
    folder.write("prompts", "A file.\n")
    refused(folder, "init")


# Evaluation


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "eval support/answer",
            ("support/answer has no suite. promptreg new support/answer --cases writes one: "
            "prompts/support/answer/evals/suite.yaml"),
        ),
        ("eval support/route --max-calls 39", "this takes 40 calls, and --max-calls allows 39. Nothing was called."),
        (
            "eval support/route --provider nobody",
            f"There is no provider nobody. There are {', '.join(PROVIDERS)}.",
        ),
        (
            "eval support/route --provider nearest-example",
            ("nearest-example answers from the user/assistant pairs in the prompt, and the rendered messages hold "
            "none. It is not a language model: write examples into the prompt, or choose another provider: echo, "
            "command:PROGRAM."),
        ),
        ("results show support/answer@1.0.0", ("support/answer@1.0.0 has no stored result. promptreg eval "
         "support/answer@1.0.0 makes one.")),
    ],
)  # fmt: skip
def test_an_evaluation_that_cannot_be_made_says_why(place, command, message):
    assert refused(place, command) == message


def test_a_program_is_run_only_where_that_is_allowed(place):
    place.write("mark.sh", "#!/bin/sh\ntouch ran\n")
    (place.path / "mark.sh").chmod(0o755)
    message = refused(place, "eval support/route --provider command:./mark.sh")
    assert message.startswith("command:./mark.sh runs a program ")
    assert message.endswith("If you trust it: --allow-code")
    assert not (place.path / "ran").exists()


def test_a_suite_without_a_provider_lists_them(place):
    edit(place, SUITE, "provider: echo\n", "")
    lines = refused(place, "eval support/route").split("\n")
    assert lines[0] == (
        f"No provider chosen for {SUITE}. Write provider: into it, or choose one with --provider. There are"
    )
    assert [line.split()[0] for line in lines[1:-1]] == list(PROVIDERS)
    assert lines[-1] == "nearest-example needs nothing and is not a language model."


def test_a_cost_that_cannot_be_kept_to_says_what_to_write(place):
    place.draft("support/route", ANSWER.replace("question: string", "a: string").replace("question", "a"))
    edit(place, SUITE, "provider: echo", "provider: command:cat\nmodel: gpt-9")
    assert refused(place, "eval support/route --max-cost 1 --allow-code") == (
        '--max-cost needs a price for gpt-9. Add [prices."gpt-9"] to promptreg.toml, or use --max-calls 40.'
    )
