"""Every command: its help, its JSON, its exit status, and what people read (design 6, messages.md)."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptreg.cli import main
from promptreg.cli.table import all_commands
from tests.support.place import CHAT, Place
from tests.support.worlds import ANSWER, ROUTE, edit, pin_by_hand, settled, with_cases, without_line

DRAFT = "prompts/support/answer/prompt.md"
SUITE = "prompts/support/route/evals/suite.yaml"
CONFIG = "prompts/promptreg.toml"
TEXT, NUMBER = str, (int, float)


@pytest.fixture
def place(tmp_path, tmp_path_factory) -> Place:
    return settled(tmp_path, tmp_path_factory)


def run(place: Place, command: str, status: int = 0) -> str:
    """What a command prints on stdout."""
    return place.ok(*shlex.split(command), status=status).out


def subprocess_of(place: Place, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    environ = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2]))
    argv = [sys.executable, "-m", "promptreg", *arguments]
    return subprocess.Popen(argv, cwd=place.path, env=environ, text=True, **options)


# Help


@pytest.mark.parametrize("command", [*all_commands(), "results list", "results show", "results redact", "case label"])
def test_help_of_each_command_works_and_names_its_options(folder, command):
    ran = folder.ok(*command.split(), "--help")
    assert ran.out.startswith(f"Usage: promptreg {command} ")
    assert ran.err == ""
    shown = set(re.findall(r"^  (-\w|--[\w-]+)", ran.out, re.MULTILINE))
    assert shown & {"-h", "--help"}


def test_help_lists_every_command_with_a_line(folder):
    out = folder.ok("--help").out
    for name, line in all_commands().items():
        assert re.search(rf"^  {name} +{re.escape(line[:20])}", out, re.MULTILINE), name


@pytest.mark.parametrize("command", ["", "results"])
def test_a_command_without_its_words_shows_its_help_and_nothing_in_front_of_it(folder, command):
    ran = folder.run(*command.split())
    assert ran.status in (0, 2)
    assert (ran.out + ran.err).startswith("Usage: promptreg")


def test_the_version_says_which_distribution_it_is(folder):
    assert folder.ok("--version").out == "promptreg 0.1.0 (git-promptreg)\n"


READERS = ["list", "show", "status", "render", "lint", "diff", "impact", "history", "compare", "check", "doctor",
           "results list", "results show"]  # fmt: skip
WRITERS = ["release", "eval", "promote", "rollback", "ship"]


@pytest.mark.parametrize("command", READERS + WRITERS)
def test_what_reads_and_what_moves_takes_format_and_json(folder, command):
    out = folder.ok(*command.split(), "--help").out
    assert "--format" in out
    assert "--json" in out


# JSON: documented keys, at least

COMPARED = {
    "verdict": TEXT, "mode": TEXT, "blocks": bool, "reasons": [TEXT],
    "baseline": {"version": TEXT, "digest": TEXT, "runs": int},
    "candidate": {"version": TEXT, "digest": TEXT, "runs": int},
    "metrics": {
        "correct": {
            "kind": TEXT, "n": int, "baseline": NUMBER, "candidate": NUMBER, "change": NUMBER, "lower": NUMBER,
            "upper": NUMBER, "p": NUMBER, "p_holm": NUMBER, "lost": [TEXT], "won": [TEXT], "verdict": TEXT,
            "reasons": [TEXT],
        }
    },
    "detectable": NUMBER,
}  # fmt: skip
RESULT = {"name": TEXT, "version": TEXT, "suite": TEXT, "path": TEXT, "totals": {"metrics": dict, "cost_usd": NUMBER}}
MOVED = {"name": TEXT, "environment": TEXT, "from": (str, type(None)), "to": TEXT, "verdict": (str, type(None))}
REASON = {"rule": TEXT, "message": TEXT, "fix": (str, type(None))}
RELEASED = {"name": TEXT, "version": TEXT, "digest": TEXT, "bump": (str, type(None)), "reasons": [TEXT]}
FINDING = {
    "rule": TEXT, "severity": TEXT, "prompt": TEXT, "path": TEXT, "line": (int, type(None)),
    "column": (int, type(None)), "message": TEXT, "fix": (str, type(None)),
}  # fmt: skip
SHAPES = {
    "list": (
        0,
        {"prompts": [
            {"name": TEXT, "draft": bool, "latest": (str, type(None)), "versions": [TEXT], "environments": dict}
        ]},
    ),
    "show support/route@1.2.0": (
        0,
        {
            "name": TEXT, "version": TEXT, "digest": TEXT, "environment": type(None), "source": TEXT,
            "description": TEXT, "provider": type(None), "model": type(None), "parameters": dict, "inputs": dict,
            "output": type(None), "tools": list, "includes": list, "body": TEXT,
        },
    ),
    "render support/answer@production -i question=x": (
        0,
        {"name": TEXT, "version": TEXT, "digest": TEXT, "messages": [{"role": TEXT, "content": TEXT}], "text": TEXT},
    ),
    "diff support/answer@1.0.0 support/answer@1.1.0": (
        0,
        {
            "from": TEXT, "to": TEXT, "bump": TEXT,
            "changes": [{"kind": TEXT, "path": TEXT, "old": object, "new": object, "breaking": bool}],
            "text": [{"path": TEXT, "words": [[TEXT, TEXT]]}],
        },
    ),
    "release new/one": (0, {"released": [RELEASED]}),
    "ship new/one --to production": (
        0,
        {"released": [RELEASED], "results": [RESULT], "planned": list, "calls": int, "cost_usd": NUMBER,
         "moved": [MOVED], "refused": list},
    ),
    "eval support/route@1.3.0": (
        0, {"results": [RESULT], "planned": [dict], "calls": int, "cost_usd": NUMBER},
    ),
    "compare support/route@1.0.0 support/route@1.1.0": (1, COMPARED),
    "promote support/route@1.2.0 --to staging": (0, {"moved": [MOVED], "refused": list}),
    "promote support/route@1.1.0 --to staging": (
        1,
        {"moved": list, "refused": [
            {"name": TEXT, "environment": TEXT, "to": TEXT, "reasons": [REASON], "gate": COMPARED}
        ]},
    ),
    "rollback support/answer --in production": (0, {"moved": [MOVED], "refused": list}),
    "check --base HEAD": (1, {"base": {"commit": TEXT}, "checked": int, "findings": [FINDING]}),
    "lint broken": (1, {"base": type(None), "checked": int, "findings": [FINDING]}),
    "history": (
        0,
        {"events": [
            {"at": (str, type(None)), "by": (str, type(None)), "commit": (str, type(None)), "event": TEXT,
             "name": TEXT, "version": TEXT, "environment": (str, type(None)), "from": (str, type(None)),
             "message": TEXT}
        ]},
    ),
    "status": (0, {"prompts": [dict]}),
    "impact shared/tone": (0, {"users": [dict]}),
    "results list support/route": (0, {"results": [dict]}),
    "results show support/route@1.1.0": (0, {"cases": [dict]}),
    "doctor": (0, {"facts": [dict]}),
}  # fmt: skip


def misfits(shape: Any, data: Any, path: str = "") -> Iterator[str]:
    """Where data lacks what a shape asks for."""
    if isinstance(shape, dict):
        for key, inner in shape.items():
            if not isinstance(data, dict) or key not in data:
                yield f"{path}.{key} is missing"
            else:
                yield from misfits(inner, data[key], f"{path}.{key}")
    elif isinstance(shape, list):
        if not isinstance(data, list):
            yield f"{path} is no list"
        elif len(shape) == 1:
            for index, item in enumerate(data):
                yield from misfits(shape[0], item, f"{path}[{index}]")
        elif len(data) != len(shape):
            yield f"{path} has {len(data)} items"
    elif not isinstance(data, shape) or (shape == NUMBER and isinstance(data, bool)):
        yield f"{path} is {data!r}"


@pytest.mark.parametrize(("command", "expected"), SHAPES.items(), ids=SHAPES.keys())
def test_the_json_of_a_command_has_its_documented_shape(place, command, expected):
    status, shape = expected
    place.draft("new/one", "{{ a }}\n")
    place.suite("new/one", [{"id": "x", "inputs": {"a": "yes"}, "expected": "yes"}])
    if command.startswith(("check", "lint")):
        place.draft("broken", "{{ x\n")
    ran = place.ok(*shlex.split(command), "--json", status=status)
    assert ran.json["schema"] == 1
    assert next(iter(ran.json)) == "schema"
    assert list(misfits(shape, ran.json)) == []
    assert ran.out.isascii() or "\\u" not in ran.out


def test_format_json_is_what_json_is_short_for(place):
    assert place.ok("list", "--format", "json").json == place.ok("list", "--json").json
    assert not place.ok("list", "--format", "text").out.startswith("{")


def test_a_list_shows_environments_and_versions(place):
    (row,) = [row for row in place.ok("list", "--json").json["prompts"] if row["name"] == "support/answer"]
    assert row == {
        "name": "support/answer",
        "draft": True,
        "latest": "1.1.0",
        "versions": ["1.0.0", "1.1.0"],
        "environments": {"staging": "1.1.0", "production": "1.1.0"},
    }


def test_a_chat_prompt_has_messages_and_no_text(place):
    place.draft("chat", CHAT)
    data = place.ok("render", "chat", "-i", "question=やあ", "--json").json
    assert data["messages"] == [
        {"role": "system", "content": "Answer shortly."},
        {"role": "user", "content": "やあ"},
    ]
    assert data["text"] is None


def test_the_words_of_a_diff_put_together_are_both_texts(place):
    data = place.ok("diff", "support/answer@1.0.0", "support/answer@1.1.0", "--json").json
    assert (data["from"], data["to"], data["bump"]) == ("support/answer@1.0.0", "support/answer@1.1.0", "patch")
    words = data["text"][0]["words"]
    body = ANSWER.split("---\n", 2)[2]
    assert "".join(text for sign, text in words if sign in "=-") == body
    assert "".join(text for sign, text in words if sign in "=+") == body.replace("shortly", "in one line")


def test_a_shipment_says_in_json_what_it_moved_and_what_was_refused(place):
    place.write("prompts/support/route/prompt.md", ROUTE.replace("letter", "b"))
    data = place.ok("ship", "support/route", "--to", "production", "--json", status=1).json
    assert [made["version"] for made in data["released"]] == ["1.4.1"]
    assert (data["moved"], [refusal["environment"] for refusal in data["refused"]]) == ([], ["staging"])
    assert data["refused"][0]["gate"]["verdict"] == "regressed"


# Exit status

STATUSES = [
    ("list", 0),
    ("lint --all", 0),
    ("check --base HEAD", 0),
    ("promote support/answer --to production", 0),
    ("promote support/route@1.2.0 --to staging", 0),
    ("compare support/route@1.0.0 support/route@1.2.0", 0),
    ("release support/answer", 1),
    ("yank support/route@1.4.0 -m Again", 1),
    ("promote support/route@1.1.0 --to staging", 1),
    ("promote support/route@1.2.0 --to production", 1),
    ("promote support/route@1.3.0 --to production", 1),
    ("promote support/route@1.1.0 support/route@1.3.0 --to staging", 2),
    ("compare support/route@1.0.0 support/route@1.1.0", 1),
    ("show nobody", 2),
    ("list --nonsense", 2),
    ("promote support/route@1.3.0 --to staging", 4),
    ("compare support/route@1.0.0 support/route@1.3.0", 4),
]


@pytest.mark.parametrize(("command", "status"), STATUSES)
def test_the_exit_status_says_yes_no_wrong_or_cannot_tell(place, command, status):
    assert place.run(*shlex.split(command)).status == status


def test_a_mode_that_asks_for_evidence_blocks_what_was_not_tested(place):
    edit(place, CONFIG, '[environments.staging]\nmode = "standard"', '[environments.staging]\nmode = "strict"')
    ran = place.run("promote", "old/unused", "--to", "staging")
    assert ran.status == 4
    assert "refused old/unused 1.0.0 for staging: ungated: there are no cases." in ran.out
    assert "promptreg new old/unused --cases" in ran.out


def test_check_and_lint_answer_no_where_something_is_an_error(place):
    edit(place, DRAFT, "{{ question }}", "{{ qestion }}")
    assert place.run("lint", "--all").status == 1
    assert place.run("check", "--base", "HEAD").status == 1


class Torn(io.StringIO):
    """A terminal that fails when something is written to it."""

    def __init__(self, problem: BaseException) -> None:
        super().__init__()
        self.problem = problem

    def write(self, _: str) -> int:
        raise self.problem


def torn(place: Place, problem: BaseException) -> tuple[int, str]:
    errors = io.StringIO()
    with place.inside(), contextlib.redirect_stdout(Torn(problem)), contextlib.redirect_stderr(errors):
        return main.run(["list"]), errors.getvalue()


def test_a_bug_is_told_as_one_with_a_report_to_paste(place):
    status, said = torn(place, ZeroDivisionError("planted"))
    assert status == 3
    assert said.startswith(
        "promptreg: this is a bug in promptreg. Nothing half-written is left. Please report:\n\n```\n"
    )
    assert "promptreg 0.1.0 list, Python " in said
    assert said.endswith("ZeroDivisionError: planted\n```\n")


def test_an_interrupt_ends_with_130(place):
    assert torn(place, KeyboardInterrupt())[0] == 130


def test_an_interrupt_while_a_provider_answers_leaves_nothing_half_written(place, tmp_path):
    mark = tmp_path / "started"
    place.write("slow.sh", f"#!/bin/sh\ntouch {mark}\nexec sleep 20\n")
    (place.path / "slow.sh").chmod(0o755)
    before = place.files()
    process = subprocess_of(
        place, "eval", "support/route@1.3.0", "--provider", "command:./slow.sh", "--allow-code",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    while not mark.exists() and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, "Traceback" in errors) == (130, False)
    assert place.files() == before


def test_a_reader_that_goes_away_is_no_answer_of_no(place):
    """`promptreg list | head -0` must not look like a rule that refuses."""
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess_of(place, "list", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "latin-1"])
def test_a_legacy_encoding_of_the_terminal_costs_a_few_characters_and_not_the_answer(place, encoding):
    for words in (["list", "--in", "production"], ["show", "support/answer"], ["list", "--json"], ["-h"]):
        environ = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2]), PYTHONIOENCODING=encoding)
        done = subprocess.run(
            [sys.executable, "-m", "promptreg", *words], cwd=place.path, env=environ, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode(encoding)


# What an output is about


@pytest.mark.parametrize(
    ("command", "first"),
    [
        ("show support/answer", "support/answer@draft, ahead of 1.1.0"),
        ("show support/answer@production", "support/answer@1.1.0, in staging, production"),
        ("show old/unused", "old/unused@draft, the same as 1.0.0"),
        ("show new/one", "new/one@draft, never released"),
        ("diff support/answer", "support/answer@1.1.0 (production) → support/answer@draft: patch"),
        ("diff support/answer@1.0.0 support/answer@^1", "support/answer@1.0.0 → support/answer@1.1.0: patch"),
        ("diff support/route@1.2.0", "support/route@1.0.0 (production) → support/route@1.2.0: patch"),
        ("release new/one", "new/one@draft, never released"),
        ("ship support/answer --to staging", "support/answer@draft, ahead of 1.1.0"),
        ("upgrade shared/tone@1.0.0", "No draft includes shared/tone in another version."),
        ("compare support/route@1.0.0 support/route@1.2.0", ("PASS  support/route 1.0.0 → 1.2.0       mode standard, "
         "alpha 0.05, scored by echo (not a language model)")),
    ],
)  # fmt: skip
def test_an_output_begins_with_the_exact_thing_that_it_is_about(place, command, first):
    edit(place, DRAFT, "in one line", "at once")
    place.draft("new/one", "Hi\n")
    assert run(place, command).split("\n")[0] == first


def test_render_prints_the_text_alone_and_says_on_stderr_what_it_is(place):
    ran = place.ok("render", "support/answer@production", "-i", "question=x")
    assert (ran.out, ran.err) == (
        "Be brief.\nAnswer x in one line.\n",
        "support/answer@1.1.0, in staging, production\n",
    )


def test_no_selector_is_the_draft_and_promote_takes_the_newest(place):
    edit(place, DRAFT, "in one line", "at once")
    assert place.ok("render", "support/answer", "-i", "question=x").out == "Be brief.\nAnswer x at once.\n"
    place.ok("eval", "support/route@1.3.0")
    moved = place.ok("promote", "support/route", "--to", "staging", "--json").json["moved"]
    assert [(move["from"], move["to"]) for move in moved] == [("1.0.0", "1.3.0")]


def test_promote_without_a_selector_takes_what_the_environment_before_pins(place):
    place.ok("promote", "support/route@1.2.0", "--to", "staging")
    moved = place.ok("promote", "support/route", "--to", "production", "--json").json["moved"]
    assert [(move["from"], move["to"]) for move in moved] == [("1.0.0", "1.2.0")]


# init, new, draft


def test_init_makes_a_registry_and_says_what_to_do_next(repo):
    ran = repo.ok("init")
    assert ran.out == (
        "wrote prompts/promptreg.toml\nwrote prompts/environments/production.yaml\nwrote prompts/.gitattributes\n"
        "wrote prompts/README.md\nNext: promptreg new support/answer --chat\n"
    )
    assert 'mode = "standard"' in repo.read("prompts/promptreg.toml")
    attributes = repo.read("prompts/.gitattributes")
    assert re.search(r"versions.* -text$", attributes, re.MULTILINE)
    assert re.search(r"prompt\.md diff=markdown$", attributes, re.MULTILINE)
    assert any("\u3040" <= character <= "\u30ff" for character in repo.read("prompts/README.md"))
    assert len(repo.read("prompts/README.md").split("\n")) <= 30
    repo.ok("check")


def test_init_never_overwrites(repo):
    repo.ok("init")
    repo.write("prompts/README.md", "Ours.\n")
    repo.write(".github/CODEOWNERS", "* @us\n")
    before = repo.files()
    out = repo.ok("init", "--codeowners").out
    assert repo.files() == before
    assert "kept  prompts/README.md" in out
    assert ".github/CODEOWNERS is there already; add this to it:" in out
    assert "/prompts/environments/production.yaml  @your-org/release-owners" in out


def test_init_writes_what_its_flags_ask_for(repo):
    repo.ok("init", "llm/prompts", "--github", "--codeowners", "--pre-commit")
    assert "promptreg check" in repo.read(".github/workflows/promptreg.yml")
    assert "/llm/prompts/promptreg.toml " in repo.read(".github/CODEOWNERS")
    assert "files: ^llm/prompts/" in repo.read(".pre-commit-config.yaml")


@pytest.mark.parametrize("options", [[], ["--chat"], ["--cases"]])
def test_a_new_prompt_lints_clean_and_can_be_shipped(registry, options):
    out = registry.ok("new", "support/answer", *options).out
    assert out.split("\n")[0] == "support/answer@draft, never released"
    assert registry.ok("lint", "support/answer").out == "Linted 1 draft: no findings.\n"
    registry.ok("ship", "support/answer", "--to", "production", "-m", "First")


def test_a_prompt_from_a_file_takes_its_text(registry):
    registry.write("old.txt", "\ufeffAnswer {{ question }}.\r\n")
    registry.ok("new", "support/answer", "--from", "old.txt")
    assert registry.read(DRAFT) == "Answer {{ question }}.\n"


def test_an_f_string_that_is_taken_over_is_warned_of_at_once(registry):
    registry.write("old.txt", "Answer {question}.\n")
    out = registry.ok("new", "support/answer", "--from", "old.txt").out
    assert f"{DRAFT}:1:8: warning [left-over] {{question}} stays in the text as it is." in out


def test_an_old_version_becomes_the_draft_again(place):
    out = place.ok("draft", "support/answer@1.0.0").out
    assert out == f"support/answer@draft is 1.0.0 now: {DRAFT}\n"
    assert place.read(DRAFT) == ANSWER


# Looking


def test_what_an_environment_runs_is_listed_with_its_evidence(place):
    place.git("config", "user.name", "Aki")
    place.git("config", "user.email", "aki@example.com")
    place.ok("promote", "support/route@1.1.0", "--to", "staging", "--force", "-m", "The customer waits")
    lines = run(place, "list --in staging").split("\n")
    today = re.findall(r"\d{4}-\d\d-\d\d", lines[1])[0]
    assert [re.sub(r" {2,}", "  ", line) for line in lines] == [
        "staging  version  since  by  evidence  owners",
        f"support/answer  1.1.0  {today}  Aki  no cases  –",
        "support/route  1.1.0  –  –  1 run  –",
        f"support/route: WAIVED (regressed) by Aki <aki@example.com> on {today}: The customer waits",
        "",
    ]


def test_a_waiver_is_by_whom_git_would_name_as_the_author(place):
    """In CI that is often said by variables, as it is in these tests."""
    place.ok("promote", "support/route@1.1.0", "--to", "staging", "--force", "-m", "The customer waits")
    assert '"by": "Aki <aki@example.com>"' in place.read("prompts/environments/staging.yaml")


def test_status_says_what_waits_and_counts_the_rest(place):
    edit(place, DRAFT, "in one line", "at once")
    without_line(place, "prompts/old/unused/versions.sum", "1.0.0")
    out = run(place, "status")
    assert "support/answer: draft ahead of 1.1.0" in out
    assert "old/unused: draft, never released" in out
    assert "support/route: staging runs 1.0.0, newest is 1.3.0; production runs 1.0.0, newest is 1.3.0" in out


def test_impact_follows_includes_through_others(place):
    place.draft("outer", '{% include "support/answer@1.1.0" %}\n')
    users = place.ok("impact", "shared/tone", "--json").json["users"]
    assert [(user["name"], user["version"], user["environments"]) for user in users] == [
        ("outer", "draft", []),
        ("support/answer", "1.0.0", []),
        ("support/answer", "1.1.0", ["staging", "production"]),
        ("support/answer", "draft", []),
    ]


def test_history_tells_who_did_what_newest_first(place):
    place.ok("rollback", "support/answer", "--in", "production")
    events = place.ok("history", "support/answer", "--in", "production", "--json").json["events"]
    assert [(event["event"], event["version"], event["from"], event["by"]) for event in events] == [
        ("rolled-back", "1.0.0", "1.1.0", None),
        ("promoted", "1.1.0", "1.0.0", "Aki <aki@example.com>"),
        ("promoted", "1.0.0", None, "Aki <aki@example.com>"),
    ]


def test_history_knows_what_an_environment_ran_then(place):
    data = place.ok("history", "--in", "production", "--at", "HEAD~1", "--json").json
    assert {name: pin["version"] for name, pin in data["prompts"].items()} == {"support/answer": "1.0.0"}


def test_a_diff_that_differs_in_comments_only_is_still_a_patch(place):
    edit(place, DRAFT, "inputs:\n", "# What is asked.\ninputs:\n")
    assert "ahead of 1.1.0" in run(place, "show support/answer")
    assert "No difference" not in run(place, "diff support/answer")


def test_a_revision_can_be_compared_with_the_draft(place):
    edit(place, DRAFT, "in one line", "in one word")
    out = run(place, "diff support/answer@git:HEAD support/answer")
    assert out.split("\n")[0] == "support/answer@git:HEAD → support/answer@draft: patch"
    assert "Answer {{ question }} in one [-line-]{+word+}." in out


def test_a_case_is_rendered_as_a_suite_would(place):
    assert place.ok("render", "support/route", "--case", "c00").out == "yes\n"


def test_c_runs_as_if_started_elsewhere(place):
    elsewhere = Place(place.path.parent)
    assert elsewhere.ok("-C", "repo", "show", "old/unused").out == place.ok("show", "old/unused").out
    assert elsewhere.ok("-C", "repo", "-C", "prompts", "list").status == 0


def test_git_promptreg_is_the_same_command():
    scripts = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["promptreg"] == scripts["git-promptreg"]


# Releasing and moving


def test_dry_runs_write_nothing(place):
    edit(place, DRAFT, "in one line", "at once")
    before = place.files()
    for command in (
        "release support/answer --dry-run",
        "ship support/answer --to production --dry-run",
        "promote support/route@1.2.0 --to staging --dry-run",
        "eval support/route@1.3.0 --dry-run",
        "upgrade shared/tone --dry-run",
    ):
        run(place, command)
        assert place.files() == before, command


def test_what_reads_writes_nothing(place):
    before = place.files()
    for command in (
        "list", "list --in production", "show support/answer", "status", "lint --all", "diff support/answer@1.0.0",
        "render support/answer -i question=x", "impact shared/tone", "history", "check --base HEAD", "check",
        "compare support/route@1.0.0 support/route@1.2.0", "results list support/route", "doctor",
        "results show support/route@1.1.0 --failing",
    ):  # fmt: skip
        run(place, command)
        assert place.files() == before, command


def test_a_release_says_the_bump_and_why(place):
    place.write(DRAFT, "---\ninputs: {question: string}\nmodel: gpt-9\n---\nAnswer {{ question }}.\n")
    lines = run(place, "release support/answer -m Better").split("\n")
    assert lines[0] == "support/answer@draft, ahead of 1.1.0"
    assert re.fullmatch(r"released support/answer 1\.2\.0  \(minor after 1\.1\.0\)  sha256:[0-9a-f]{12}…", lines[1])
    assert lines[2:5] == [
        "  model – → gpt-9 (minor)",
        "  no longer includes shared/tone (patch)",
        "  text changed (patch)",
    ]


def test_a_refused_ship_says_first_how_many_cases_are_lost(place):
    out = run(place, "promote support/route@1.1.0 --to staging", 1).split("\n")
    assert out[0].startswith("BLOCKED  support/route 1.1.0 → staging (1.0.0 there now) ")
    assert out[1] == "No: 8 of 40 cases that 1.0.0 answers right fail with 1.1.0; 0 others now pass."
    assert "    promptreg results show support/route@1.1.0 --failing" in out


def test_missing_evidence_says_how_many_calls_would_make_it(place):
    """`support/answer 1.2.0 has 100 cases and no result. promptreg eval --needed --to production runs 200 calls`"""
    out = run(place, "promote support/route@1.3.0 --to staging", 4)
    assert "1.3.0 has 40 cases and no result" in out
    assert "promptreg eval --needed --to staging" in out
    assert "40 calls" in out


def test_what_the_refusal_names_makes_the_evidence(place):
    run(place, "promote support/route@1.3.0 --to staging", 4)
    run(place, "eval --needed --to staging support/route@1.3.0")
    run(place, "promote support/route@1.3.0 --to staging")


def test_going_back_needs_no_gate_and_says_where_to(place):
    assert run(place, "rollback support/answer --in production") == (
        "rolled back production: support/answer 1.1.0 → 1.0.0\n"
    )


def test_going_back_without_a_name_takes_what_was_moved_last(place):
    place.ok("promote", "support/route@1.2.0", "--to", "staging")
    out = run(place, "rollback --in staging")
    assert out == (
        "The last change of staging moved support/route.\nrolled back staging: support/route 1.2.0 → 1.0.0\n"
    )


@pytest.mark.parametrize(("version", "earlier"), [("1.2.0", "1.1.0"), ("1.3.0", "1.2.0")])
def test_without_a_way_back_an_earlier_version_is_offered_and_no_later_one(place, version, earlier):
    pin_by_hand(place, "production", "support/route", version)
    assert place.run("rollback", "support/route", "--in", "production").err == (
        "promptreg: production has no earlier version of support/route. Name one: promptreg rollback "
        f"support/route@{earlier} --in production -m …\n"
    )


def test_a_prompt_that_was_never_pinned_is_told_how_to_be_shipped(place):
    place.draft("new/one", "Hi\n")
    assert place.run("render", "new/one@production").err == (
        "promptreg: new/one has no version in production. It has a draft. Ship it: promptreg ship new/one --to "
        "production — or run with PROMPTREG_ENV=draft.\n"
    )


def test_unpin_takes_a_prompt_out(place):
    assert run(place, "unpin support/answer --in production") == (
        "production no longer runs support/answer (it was 1.1.0).\n"
    )
    assert "support/answer" not in place.read("prompts/environments/production.yaml")


def test_a_yank_says_who_still_runs_the_version(place):
    assert run(place, "yank support/answer@1.1.0 -m Leaks") == (
        "yanked support/answer 1.1.0: Leaks\n"
        "staging still runs it. promptreg rollback support/answer --in staging\n"
        "production still runs it. promptreg rollback support/answer --in production\n"
    )


def test_commit_commits_its_own_files_and_nothing_else(place):
    edit(place, DRAFT, "in one line", "at once")
    place.write("notes.txt", "Mine.\n")
    place.git("add", "notes.txt")
    out = run(place, "promote support/route@1.2.0 --to staging --commit")
    assert re.search(r"^committed [0-9a-f]{9}$", out, re.MULTILINE)
    assert place.git("show", "--name-only", "--format=%s", "HEAD").split("\n") == [
        "Promote support/route 1.2.0 to staging",
        "",
        "prompts/environments/staging.yaml",
    ]
    left = sorted(line.split() for line in place.git("status", "--short").split("\n"))
    assert left == [["A", "notes.txt"], ["M", DRAFT]]


def test_ship_goes_from_the_draft_to_the_environment_in_one(place):
    edit(place, DRAFT, "in one line", "at once")
    out = run(place, "ship support/answer --to production -m Quicker")
    for line in (
        "moved staging: support/answer 1.1.0 → 1.1.1",
        "moved production: support/answer 1.1.0 → 1.1.1",
        "Next: git add -A && git commit, and open a pull request; promptreg check says what CI will.",
    ):
        assert line in out.split("\n")
    place.git("add", "-A")
    place.ok("check", "--base", "HEAD")


def test_a_shipment_stops_where_an_environment_refuses_and_says_how_far_it_came(place):
    edit(place, CONFIG, '[environments.production]\nmode = "standard"', '[environments.production]\nmode = "strict"')
    edit(place, DRAFT, "in one line", "at once")
    production = place.read("prompts/environments/production.yaml")
    data = place.ok("ship", "support/answer", "--to", "production", "--json", status=4).json
    assert [(move["environment"], move["to"]) for move in data["moved"]] == [("staging", "1.1.1")]
    assert [(refusal["environment"], refusal["to"]) for refusal in data["refused"]] == [("production", "1.1.1")]
    assert place.read("prompts/environments/production.yaml") == production


def test_several_pins_begin_with_how_many_of_each_verdict(place):
    place.draft("new/one", "Hi\n")
    place.ok("release", "new/one")
    out = run(place, "promote support/route@1.2.0 old/unused new/one --to staging")
    assert out.split("\n")[0] == "3 moved: 2 ungated, 1 pass"


def test_a_result_is_shown_case_by_case(place):
    with_cases(place, lambda rows: rows)
    out = run(place, "results show support/route@1.1.0 --case c30")
    lines = [re.sub(r" {2,}", "  ", line) for line in out.split("\n")]
    assert lines[0] == "support/route@1.1.0  suite  case c30"
    assert {'expected  "yes"', "scores  correct 0, said 0", "output  no"} <= set(lines)


# doctor


def test_doctor_says_which_registry_and_which_base(place):
    facts = {fact["what"]: fact for fact in place.ok("doctor", "--json").json["facts"]}
    assert facts["registry"]["found"] == f"{place.path}/prompts"
    assert facts["state"]["found"] == "4 prompts, environments staging, production, default production"
    assert facts["base"]["found"] == "none: check needs --base REV"
    assert place.ok("doctor").out.endswith("\nNothing is in the way.\n")


def test_doctor_finds_the_other_distribution_in_the_way(place, tmp_path, monkeypatch):
    info = tmp_path / "site/promptreg-0.1.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: promptreg\nVersion: 0.1.1\n")
    (info / "RECORD").write_text("promptreg/__init__.py,,\npromptreg-0.1.1.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    out = run(place, "doctor", 1)
    assert (
        "The distribution promptreg 0.1.1 (another project) overwrote this package. pip uninstall promptreg && pip "
        "install --force-reinstall git-promptreg"
    ) in out
