"""`eval --needed` in CI: what it says before it spends, jobs whose results merge, and --confirm."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.flipping import (
    NAME,
    NEW,
    NUMBER,
    OLD,
    PRICES,
    SUITE,
    Loopback,
    Model,
    every,
    first,
    ids,
    two_versions,
)
from tests.support.openai_server import OpenAIServer
from tests.support.place import Place
from tests.support.shipping import cases, prepared, said

NEEDED = ("eval", "--needed", "--to", "production")
LOST = ids(6)


@pytest.fixture
def loopback(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    place, model = prepared(tmp_path_factory, tmp_path / "here", two_versions), Model()
    with OpenAIServer(model) as server:
        yield Loopback(place, server, model)


def without_seconds(text: str) -> list[str]:
    """Lines without how long a run took and where it is stored."""
    lines = [line.rsplit("  ", 1)[0] if line.endswith(" s") else line for line in text.splitlines()]
    return [line for line in lines if not line.startswith("  stored ")]


# The plan first


def test_the_plan_and_its_cost_are_said_before_the_first_call(loopback: Loopback):
    may_answer = threading.Event()
    loopback.model.before = lambda: may_answer.wait(30)
    environ = {**os.environ, **loopback.server.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    command = [sys.executable, "-m", "promptreg", *NEEDED]
    with subprocess.Popen(command, cwd=loopback.place.path, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip("\n") for _ in range(3)]
        answered = sum(loopback.model.asked.values())
        may_answer.set()
        process.stdout.read()
    assert lines == [
        f"{NAME}@{NEW}  suite  openai  30 cases × 1  30 calls  no result",
        f"{NAME}@{OLD}  suite  openai  30 cases × 1  30 calls  no result",
        "60 calls in all, at a cost that nobody stated ([prices] in promptreg.toml)",
    ]
    assert (answered, process.returncode, loopback.calls) == (0, 0, 60)


def priced(loopback: Loopback) -> None:
    toml = "prompts/promptreg.toml"
    loopback.place.write(toml, loopback.place.read(toml) + PRICES)
    loopback.place.suite(NAME, cases(NUMBER), SUITE + "parameters: {max_tokens: 5}\n")


def test_the_cost_is_at_most_what_prices_say_and_about_what_stored_runs_cost(loopback: Loopback):
    priced(loopback)
    before = loopback.ok(*NEEDED, "--dry-run", "--json").json["cost"]
    ran = loopback.ok("eval", f"{NAME}@{NEW}", "--json").json
    assert (before["word"], ran["cost"]["word"]) == ("at most", "at most")
    assert 0 < ran["cost_usd"] < ran["cost"]["usd"] < before["usd"]
    again = loopback.ok("eval", f"{NAME}@{NEW}", "--dry-run", "--json").json["cost"]
    assert again["word"] == "about"
    assert again["usd"] == pytest.approx(ran["cost_usd"])
    out = loopback.ok(*NEEDED, "--dry-run").out.splitlines()
    assert out[-1].startswith("30 calls in all, at most ")


def test_json_leaves_stdout_to_the_document_and_says_the_plan_on_stderr(loopback: Loopback):
    ran = loopback.ok(*NEEDED, "--json")
    assert ran.json["cost"] is None
    assert ran.err.splitlines()[-1] == "60 calls in all, at a cost that nobody stated ([prices] in promptreg.toml)"


def test_a_dry_run_says_the_plan_and_calls_nobody(loopback: Loopback):
    ran = loopback.ok(*NEEDED, "--dry-run")
    assert (len(ran.out.splitlines()), loopback.calls, loopback.stored()) == (3, 0, [])


def test_where_nothing_is_missing_nothing_is_spent(loopback: Loopback):
    loopback.ok(*NEEDED)
    assert loopback.calls == 60
    ran = loopback.ok(*NEEDED)
    assert (ran.out, loopback.calls) == ("nothing to run: the gate has all that it needs\n", 60)
    data = loopback.ok(*NEEDED, "--json").json
    assert (data["planned"], data["cost"], loopback.calls) == ([], {"word": "about", "usd": 0}, 60)


# Two jobs


def job(loopback: Loopback, tmp_path: Path, name: str, *arguments: str) -> None:
    """A clone that evaluates, commits what it stored and pushes it as a branch."""
    clone = tmp_path / name
    subprocess.run(["git", "clone", "-q", str(loopback.place.path), str(clone)], check=True)
    place = Place(clone)
    place.git("checkout", "-q", "-b", name)
    ran = place.run(*arguments, environ=loopback.server.environ)
    assert ran.status == 0, ran.err
    place.commit(name)
    place.git("push", "-q", "origin", name)


def merged(loopback: Loopback, *branches: str) -> None:
    loopback.place.git("merge", "-q", "--no-edit", *branches)


def test_two_jobs_that_evaluate_one_side_each_merge_into_all_that_the_gate_needs(loopback: Loopback, tmp_path: Path):
    loopback.answers(Model(new=every("q1")))
    job(loopback, tmp_path, "one", "eval", f"{NAME}@{OLD}")
    job(loopback, tmp_path, "two", "eval", f"{NAME}@{NEW}")
    assert loopback.calls == 60
    merged(loopback, "one", "two")
    assert loopback.ok(*NEEDED).out == "nothing to run: the gate has all that it needs\n"
    found = loopback.ok("compare", f"{NAME}@{OLD}", f"{NAME}@{NEW}", "--json").json
    assert found["metrics"]["correct"]["lost"] == ["c1"]
    assert loopback.calls == 60


def test_two_jobs_that_evaluate_the_same_sides_are_pooled_as_repeats(loopback: Loopback, tmp_path: Path):
    loopback.answers(Model(new=first("q1", "q2")))
    for name in ("one", "two"):
        job(loopback, tmp_path, name, *NEEDED)
    merged(loopback, "one", "two")
    assert (len(loopback.stored(OLD)), len(loopback.stored(NEW))) == (2, 2)
    found = loopback.ok("compare", f"{NAME}@{OLD}", f"{NAME}@{NEW}", "--json").json
    assert (found["baseline"]["runs"], found["candidate"]["runs"]) == (2, 2)
    # two cases failed in one of two runs
    assert found["metrics"]["correct"]["candidate"] == pytest.approx((NUMBER - 1) / NUMBER)
    assert "30 cases × 2 runs" in loopback.ok("compare", f"{NAME}@{OLD}", f"{NAME}@{NEW}").out


# --confirm


def test_what_looks_regressed_by_chance_is_run_again_on_both_sides_and_all_cases(loopback: Loopback):
    loopback.answers(Model(new=first(*LOST)))
    ran = loopback.ok(*NEEDED, "--confirm", "2")
    assert without_seconds(ran.out) == [
        f"{NAME}@{NEW}  suite  openai  30 cases × 1  30 calls  no result",
        f"{NAME}@{OLD}  suite  openai  30 cases × 1  30 calls  no result",
        "60 calls in all, at a cost that nobody stated ([prices] in promptreg.toml)",
        f"{NAME}@{NEW}  suite  openai  30 cases × 1",
        "  correct      0.800  24 of 30",
        *tokens(ran.out, 0),
        f"  promptreg results show {NAME}@{NEW} --failing",
        f"{NAME}@{OLD}  suite  openai  30 cases × 1",
        "  correct      1.000  30 of 30",
        *tokens(ran.out, 1),
        "to confirm: 1 move, both versions, all cases",
        f"{NAME}@{NEW}  suite  openai  30 cases × 2  60 calls  confirms {NEW} against {OLD}",
        f"{NAME}@{OLD}  suite  openai  30 cases × 2  60 calls  confirms {NEW} against {OLD}",
        "120 calls in all, at a cost that nobody stated ([prices] in promptreg.toml)",
        f"{NAME}@{NEW}  suite  openai  30 cases × 2",
        "  correct      1.000  over 30 cases",
        *tokens(ran.out, 2),
        f"{NAME}@{OLD}  suite  openai  30 cases × 2",
        "  correct      1.000  over 30 cases",
        *tokens(ran.out, 3),
        f"{NAME} {NEW} → production ({OLD} there now)",
        f"  before  regressed  correct 1.000 → 0.800 over 30 cases, p 0.00781  {OLD} × 1, {NEW} × 1",
        f"  after   regressed  correct 1.000 → 0.933 over 30 cases, p 0.00583  {OLD} × 3, {NEW} × 3",
    ]
    assert (loopback.model.runs(OLD), loopback.model.runs(NEW)) == ({3}, {3})
    assert (len(loopback.stored(OLD)), len(loopback.stored(NEW))) == (2, 2)


def tokens(text: str, at: int) -> list[str]:
    """The line of a run that says its model and tokens."""
    return [[line for line in text.splitlines() if " tokens in, " in line][at]]


def test_a_false_alarm_is_one_no_longer(loopback: Loopback):
    loopback.answers(Model(new=first("q1", "q2")))
    confirmed = loopback.ok(*NEEDED, "--confirm", "3", "--json").json["confirmed"]
    assert [(row["name"], row["environment"], row["from"], row["to"]) for row in confirmed] == [
        (NAME, "production", OLD, NEW)
    ]
    assert [confirmed[0][side]["verdict"] for side in ("before", "after")] == ["regressed", "pass"]
    assert confirmed[0]["after"]["candidate"]["runs"] == 2


@pytest.mark.parametrize(
    ("suite", "tags", "wrong"),
    [
        (SUITE, {"tags": ["critical"]}, ("q1",)),
        (SUITE + "gate:\n  correct: {max_drop: 0.9, min: 0.99}\n", {}, ("q1",)),
    ],
    ids=["a critical case", "below min"],
)
def test_what_blocks_in_every_mode_is_confirmed_alike(loopback: Loopback, suite: str, tags: dict, wrong: tuple[str]):
    loopback.place.suite(NAME, cases(NUMBER, **tags), suite)
    loopback.answers(Model(new=first(*wrong)))
    (row,) = loopback.ok(*NEEDED, "--confirm", "2", "--json").json["confirmed"]
    assert row["before"]["verdict"] == "regressed"
    assert (loopback.model.runs(OLD), loopback.model.runs(NEW)) == ({3}, {3})


def test_a_real_regression_is_confirmed(loopback: Loopback):
    loopback.answers(Model(new=every(*LOST)))
    (row,) = loopback.ok(*NEEDED, "--confirm", "1", "--json").json["confirmed"]
    assert (row["before"]["verdict"], row["after"]["verdict"]) == ("regressed", "regressed")


def test_of_several_moves_only_what_looks_regressed_is_run_again(loopback: Loopback):
    place, other = loopback.place, "support/refund"
    place.draft(other, "Refund {{ question }}\n")
    place.ok("ship", other, "--to", "production")
    place.suite(other, cases(NUMBER), SUITE.replace("exact", "contains"))
    place.draft(other, "Refund: {{ question }}\n")
    place.ok("release", other, "--bump", "patch")
    place.commit("Two prompts")
    loopback.answers(Model(new=first("q1", "q2")))
    lines = loopback.ok(*NEEDED, "--confirm", "3").out.splitlines()
    assert [line for line in lines if " moved: " in line] == ["2 moved: 1 regressed, 1 pass", "2 moved: 2 pass"]
    assert lines[-3:] == [
        f"{NAME} {NEW} → production ({OLD} there now)",
        f"  before  regressed  correct 1.000 → 0.933 over 30 cases, p 0.125   {OLD} × 1, {NEW} × 1",
        f"  after   pass       correct 1.000 → 0.983 over 30 cases, p 0.0804  {OLD} × 4, {NEW} × 4",
    ]
    refunds = {count for text, count in loopback.model.asked.items() if text.startswith("Refund")}
    assert (refunds, loopback.calls) == ({1}, 4 * NUMBER + 2 * 3 * NUMBER)


def test_where_nothing_looks_regressed_nothing_is_run_again(loopback: Loopback):
    lines = loopback.ok(*NEEDED, "--confirm", "2").out.splitlines()
    assert (lines[-1], loopback.calls) == ("nothing to confirm: no move looks regressed", 60)
    assert loopback.ok(*NEEDED, "--confirm", "2", "--json").json["confirmed"] == []


def test_what_the_gate_is_uncertain_about_is_not_run_again(loopback: Loopback):
    loopback.answers(Model(new=every("q1")))
    loopback.ok(*NEEDED, "--confirm", "2")
    assert loopback.ok("compare", f"{NAME}@{OLD}", f"{NAME}@{NEW}", "--json").json["verdict"] == "uncertain"
    assert loopback.calls == 60


def test_all_suites_of_a_prompt_are_run_again(loopback: Loopback):
    loopback.place.write(f"prompts/{NAME}/evals/tone.yaml", SUITE.replace("exact", "contains"))
    loopback.answers(Model(new=first(*LOST)))
    data = loopback.ok(*NEEDED, "--confirm", "1", "--json").json
    again = [(row["version"], row["suite"], row["cases"]) for row in data["planned"][4:]]
    assert again == [(NEW, "suite", 30), (NEW, "tone", 30), (OLD, "suite", 30), (OLD, "tone", 30)]


def test_at_a_first_promotion_there_is_one_side(loopback: Loopback):
    place = loopback.place
    place.suite(NAME, cases(NUMBER), SUITE + "gate:\n  correct: {min: 0.99}\n")
    place.ok("unpin", NAME, "--in", "production")
    place.git("checkout", "-q", "--orphan", "fresh")
    place.commit("Never in production")
    loopback.answers(Model(new=first("q1")))
    data = loopback.ok(*NEEDED, "--confirm", "1", "--json").json
    assert [(row["version"], row["why"]) for row in data["planned"]] == [(NEW, "no result"), (NEW, f"confirms {NEW}")]
    assert (loopback.model.runs(OLD), loopback.model.runs(NEW)) == ({0}, {2})


def test_max_calls_is_about_the_whole(loopback: Loopback):
    loopback.answers(Model(new=first(*LOST)))
    ran = loopback.run(*NEEDED, "--confirm", "1", "--max-calls", "119")
    assert (ran.status, said(ran)) == (
        2,
        (
            "to confirm takes 60 calls more, and --max-calls 119 leaves 59. Nothing was called for it; what was run "
            "before is stored."
        ),
    )
    assert (loopback.calls, len(loopback.stored())) == (60, 2)
    loopback.ok(*NEEDED, "--confirm", "1", "--max-calls", "60")
    assert loopback.calls == 120


def test_max_cost_is_about_the_whole(loopback: Loopback):
    priced(loopback)
    loopback.answers(Model(new=first(*LOST)))
    spent = loopback.ok(*NEEDED, "--json").json["cost_usd"]
    for path in loopback.stored():
        (loopback.place.path / path).unlink()
    loopback.answers(Model(new=first(*LOST)))
    ran = loopback.run(*NEEDED, "--confirm", "1", "--max-cost", f"{spent * 1.5:g}")
    assert ran.status == 2
    assert f"of --max-cost {spent * 1.5:g} USD, {spent * 0.5:.2g} USD are left" in ran.out.splitlines()
    assert 60 < loopback.model.asked.total() < 120


def test_a_dry_run_says_what_would_confirm(loopback: Loopback):
    ran = loopback.ok(*NEEDED, "--confirm", "1", "--dry-run")
    assert ran.out.splitlines()[-1] == "what --confirm runs again is known once these are run"
    loopback.answers(Model(new=first(*LOST)))
    loopback.ok(*NEEDED)
    data = loopback.ok(*NEEDED, "--confirm", "1", "--dry-run", "--json").json
    assert ([row["version"] for row in data["planned"]], loopback.calls) == ([NEW, OLD], 60)
    assert [(row["before"]["verdict"], row["after"]) for row in data["confirmed"]] == [("regressed", None)]


def test_a_confirmation_that_ended_amid_its_second_side_is_gone_on_with(loopback: Loopback):
    lost = ("q1", "q2")
    loopback.answers(Model(new=first(*lost), refuses=lambda version, run: version == OLD and run == 2))
    ran = loopback.run(*NEEDED, "--confirm", "3")
    # neither side is stored: with more runs of the candidate alone it would pass
    assert (ran.status, len(loopback.stored(OLD)), len(loopback.stored(NEW))) == (2, 1, 1)
    assert loopback.run("compare", f"{NAME}@{OLD}", f"{NAME}@{NEW}", "--json").json["verdict"] == "regressed"
    asked = len(loopback.server.requests)
    loopback.answers(Model())
    loopback.ok(*NEEDED, "--confirm", "3", "--resume")
    # the second side's alone, of which a few were on their way when it ended
    assert 3 * 30 - 4 <= len(loopback.server.requests) - asked <= 3 * 30
    found = loopback.ok("compare", f"{NAME}@{OLD}", f"{NAME}@{NEW}")
    assert "30 cases × 4 runs" in found.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", NAME, "--confirm", "1"], "--confirm goes with --needed."),
        (
            [*NEEDED, "--confirm", "1", "--suite", "suite"],
            "--confirm runs all suites of a prompt; --suite goes without it.",
        ),
        ([*NEEDED, "--confirm", "1", "--cache"], "--cache gives old answers, and new ones are wanted."),
        ([*NEEDED, "--no-store"], "--needed makes evidence for the gate; --no-store would throw it away."),
        (
            ["eval", NAME, "--junit", "x.xml"],
            "--junit goes with --needed and --against-stored: only they ask the gate.",
        ),
        (
            [*NEEDED, "--junit", "x.xml", "--dry-run"],
            "--junit goes without --dry-run, which runs nothing that could be judged.",
        ),
        (["eval", NAME, "--in", "production"], "--in goes with --against-stored and --aa."),
        (
            ["eval", NAME, "--against-stored"],
            "--against-stored goes with --no-store: what is compared with stored results is not one of them.",
        ),
        ([*NEEDED, "--aa"], "--aa is about versions that are there; --needed and --against-stored are not."),
        (
            ["eval", NAME, "--aa", "--case", "c1", "--show"],
            "--show stores nothing and judges nothing; it goes without --aa and --no-store.",
        ),
    ],
)
def test_options_that_do_not_go_together(loopback: Loopback, arguments: list[str], message: str):
    ran = loopback.run(*arguments)
    assert (ran.status, said(ran)) == (2, f"{message} promptreg eval --help shows how.")
    assert loopback.calls == 0
