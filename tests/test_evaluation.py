from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.place import Place
from tests.support.shipping import (
    RIGHT,
    STAGED,
    WRONG,
    begun,
    calls,
    cases,
    logged_suite,
    prepared,
    said,
)

NAME = "support/answer"
CASES = f"prompts/{NAME}/evals/cases.jsonl"
#: An answer that differs from that of RIGHT and passes all the same.
PADDED = "{{ question }} {{ '' }}\n"


@pytest.fixture
def registry(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, begun)


@pytest.fixture
def pair(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """1.0.0 in production and 1.0.1 released, with four cases and no result of either."""
    return prepared(tmp_path_factory, tmp_path, _pair)


def _pair(place: Place) -> None:
    begun(place)
    place.draft(NAME, RIGHT)
    place.ok("ship", NAME, "--to", "production")
    place.suite(NAME, cases(4))
    place.draft(NAME, PADDED)
    place.ok("release", NAME)
    place.commit()


@pytest.fixture
def logged(pair: Place) -> Place:
    """The same, and its provider is a program that counts its calls."""
    logged_suite(pair, NAME, cases(4))
    return pair


def planned(place: Place, *arguments: str, environment: str = "production") -> list[tuple[str, int, str]]:
    """What `eval --needed` would run: version, calls, why."""
    facts = place.ok("eval", "--needed", "--to", environment, *arguments, "--dry-run", "--json").json
    assert facts["results"] == []
    assert facts["calls"] == sum(row["calls"] for row in facts["planned"])
    return [(row["version"], row["calls"], row["why"]) for row in facts["planned"]]


def verdict(place: Place, spec: str = NAME) -> str:
    facts = place.run("promote", spec, "--to", "production", "--dry-run", "--json").json
    (row,) = facts["would_move"] + facts["refused"]
    found: str = row["verdict"] if "verdict" in row else row["gate"]["verdict"]
    return found


def stored(place: Place) -> list[str]:
    return sorted(path for path in place.files() if "/results/" in path and path.endswith(".json"))


# eval SPEC


def test_a_run_is_stored_with_its_version_and_outputs_and_told(pair: Place):
    facts = pair.ok("eval", f"{NAME}@1.0.1", "--json").json
    (row,) = facts["results"]
    (file,) = stored(pair)
    assert (facts["schema"], facts["calls"], facts["cost_usd"]) == (1, 4, 0)
    assert (row["name"], row["version"], row["suite"], row["path"]) == (NAME, "1.0.1", "suite", file)
    assert row["totals"] == {
        "metrics": {"correct": {"n": 4, "mean": 1.0}},
        "tokens_in": 0,
        "tokens_out": 0,
        "cost_usd": 0,
        "errors": 0,
    }
    assert Path(file).parent.name == "1.0.1"
    assert Path(file).name.startswith("suite-")
    assert pair.read(file.removesuffix(".json") + ".outputs.jsonl").count("\n") == 4


def test_a_run_of_the_draft_stays_on_this_machine(pair: Place):
    pair.draft(NAME, WRONG)
    (row,) = pair.ok("eval", NAME, "--json").json["results"]
    assert row["version"] == "draft"
    assert row["path"].startswith(f"prompts/.promptreg/results/{NAME}/")
    assert f"prompts/{NAME}/prompt.md" in pair.git("status", "--porcelain", "-uall")
    assert "results" not in pair.git("status", "--porcelain", "-uall")


def test_the_text_says_what_was_found_and_where_it_is(pair: Place):
    lines = pair.ok("eval", f"{NAME}@1.0.1").out.splitlines()
    assert lines[0].startswith("support/answer@1.0.1  suite  echo (not a language model)  4 cases × 1  ")
    assert lines[1].split()[:2] == ["correct", "1.000"]
    assert any(line.strip() == f"stored {stored(pair)[0]}" for line in lines)


def test_repeats_are_so_many_calls_and_scores(logged: Place):
    facts = logged.ok("eval", f"{NAME}@1.0.1", "--repeat", "3", "--allow-code", "--json").json
    assert (facts["calls"], calls(logged)) == (12, 12)
    assert facts["results"][0]["totals"]["metrics"]["correct"]["n"] == 4


def test_several_suites_are_all_run_or_one_that_is_named(pair: Place):
    pair.write(f"prompts/{NAME}/evals/other.yaml", "provider: echo\nscorers:\n  correct: {type: exact}\n")
    runs = [
        [row["suite"] for row in pair.ok("eval", f"{NAME}@1.0.1", *options, "--json").json["results"]]
        for options in ([], ["--suite", "other"])
    ]
    assert runs == [["suite", "other"], ["other"]]


def test_several_specs_are_run_one_after_the_other(pair: Place):
    facts = pair.ok("eval", f"{NAME}@production", f"{NAME}@latest", "--json").json
    assert [row["version"] for row in facts["results"]] == ["1.0.0", "1.0.1"]


def test_another_provider_than_the_suites_is_run_and_it_is_said_that_the_gate_will_not_use_it(pair: Place):
    pair.suite(NAME, cases(4), "scorers:\n  correct: {type: exact}\n")
    ran = pair.ok("eval", f"{NAME}@1.0.1", "--provider", "echo")
    assert ran.err.splitlines() == [
        f"The gate will not use this: prompts/{NAME}/evals/suite.yaml declares no provider.",
        "To change that, write into it: provider: echo",
    ]
    assert verdict(pair) == "missing"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["support/anser"], "There is no prompt support/anser under prompts. Did you mean support/answer?"),
        ([f"{NAME}@2.0.0"], "support/answer has no 2.0.0. It has 1.0.0, 1.0.1."),
        (
            ["support/loose"],
            (
                "support/loose has no suite. promptreg new support/loose --cases writes one: "
                "prompts/support/loose/evals/suite.yaml"
            ),
        ),
        (
            ["--to", "production", NAME],
            "--to goes with --needed. promptreg eval --help shows how.",
        ),
        (
            [],
            (
                "Name what to evaluate (support/answer, support/answer@1.1.0), or --needed --to ENV. promptreg eval "
                "--help "
                "shows how."
            ),
        ),
        (
            ["--needed", "--provider", "echo"],
            (
                "--needed runs the setup that the suites declare; --provider would make results that the gate does not "
                "use. promptreg eval --help shows how."
            ),
        ),
        (
            ["--needed", "--to", "prodution"],
            "There is no environment prodution. There is production. Did you mean production?",
        ),
        ([NAME, "--provider", "ecko"], None),
        ([NAME, "--suite", "nope"], None),
        (["--needed", "--to", "production", "--suite", "nope"], None),
    ],
)
def test_an_eval_that_cannot_be(pair: Place, arguments: list[str], message: str | None):
    pair.draft("support/loose")
    ran = pair.run("eval", *arguments)
    assert (ran.status, said(ran)) == (2, message or said(ran))
    assert message is not None or arguments[-1] in said(ran)
    assert stored(pair) == []


def test_without_a_provider_all_of_them_are_listed(pair: Place):
    pair.suite(NAME, cases(4), "scorers:\n  correct: {type: exact}\n")
    ran = pair.run("eval", NAME)
    assert ran.status == 2
    lines = said(ran).splitlines()
    assert lines[0].startswith(f"No provider chosen for prompts/{NAME}/evals/suite.yaml.")
    assert [line.split()[0] for line in lines if line.startswith("  ")][:2] == ["nearest-example", "echo"]
    assert lines[-1] == "nearest-example needs nothing and is not a language model."


def test_a_program_is_not_run_unless_that_is_allowed(logged: Place):
    ran = logged.run("eval", f"{NAME}@1.0.1")
    assert ran.status == 2
    assert said(ran).endswith("runs a program that this repository names. If you trust it: --allow-code")
    assert calls(logged) == 0


def failing(place: Place, questions: str, number: int = 4) -> None:
    """A provider that fails for those questions of `q1 q2 …` that a regular expression finds, else says them back."""
    place.write(
        "answer.py",
        "import json, re, sys\nasked = json.load(sys.stdin)['messages'][-1]['content'].strip()\n"
        f"if re.fullmatch({questions!r}, asked): sys.exit('quota exceeded')\nsys.stdout.write(asked)\n",
    )
    suite = f"provider: command:{sys.executable} answer.py\nscorers:\n  correct: {{type: exact}}\n"
    place.suite(NAME, cases(number), suite)


QUOTA = f"{sys.executable} ended with status 1. quota exceeded"


def test_calls_that_fail_are_errors_with_their_reason_and_no_zeros(pair: Place):
    failing(pair, "q[123]")
    ran = pair.ok("eval", f"{NAME}@1.0.1", "--allow-code", "--json")
    totals = ran.json["results"][0]["totals"]
    assert (totals["errors"], totals["metrics"]["correct"]) == (3, {"n": 1, "mean": 1})
    assert "quota exceeded" in pair.read(stored(pair)[0])


def test_a_run_that_scored_nothing_is_not_stored_and_says_why(pair: Place):
    failing(pair, ".*")
    for _ in range(2):
        ran = pair.run("eval", f"{NAME}@1.0.1", "--allow-code")
        assert (ran.status, said(ran), stored(pair)) == (
            2,
            (
                f"support/answer@1.0.1 suite: all 4 calls failed, so nothing was stored: {QUOTA}. Once the provider "
                "answers: promptreg eval support/answer@1.0.1 --allow-code"
            ),
            [],
        )
    failing(pair, "nothing")
    pair.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", "--allow-code")
    assert verdict(pair) == "uncertain"


def test_a_run_of_one_call_that_failed_is_told_as_one(pair: Place):
    failing(pair, ".*", 1)
    ran = pair.run("eval", NAME, "--allow-code")
    assert said(ran).startswith("support/answer@draft suite: its only call failed, so nothing was stored: ")


def test_a_run_of_another_suite_that_scored_nothing_leaves_those_before_it(pair: Place):
    failing(pair, ".*")
    pair.write(f"prompts/{NAME}/evals/broken.yaml", pair.read(f"prompts/{NAME}/evals/suite.yaml"))
    pair.suite(NAME, cases(4))
    ran = pair.run("eval", f"{NAME}@1.0.1", "--allow-code")
    assert (ran.status, [Path(file).name.split("-")[0] for file in stored(pair)]) == (2, ["suite"])
    assert said(ran).startswith("support/answer@1.0.1 broken: all 4 calls failed, so nothing was stored: ")
    assert said(ran).endswith("promptreg eval support/answer@1.0.1 --suite broken --allow-code")


def test_answers_of_which_none_could_be_scored_are_not_stored(pair: Place):
    deep = "[" * 600 + "]" * 600
    schema = "provider: echo\nscorers:\n  fits: {type: json-schema, schema: {items: {$ref: '#'}}}\n"
    pair.suite(NAME, [{"id": "c", "inputs": {"question": deep}}], schema)
    ran = pair.run("eval", f"{NAME}@1.0.1")
    assert (ran.status, stored(pair)) == (2, [])
    assert said(ran).startswith("support/answer@1.0.1 suite: its answer could not be scored, so nothing was stored: ")
    assert said(ran).endswith(". Once it can be: promptreg eval support/answer@1.0.1")


def test_too_many_failed_calls_name_how_many_repeats_make_up_for_them_and_these_do(pair: Place):
    failing(pair, "q[12]")
    pair.ok("eval", f"{NAME}@1.0.1", "--allow-code")
    failing(pair, "nothing")
    pair.ok("eval", f"{NAME}@1.0.0", "--allow-code")
    ran = pair.run("promote", NAME, "--to", "production")
    words = (
        "2 of 4 calls failed for 1.0.1 (promptreg eval support/answer@1.0.1 --repeat 24 --allow-code makes up for "
        "them, once the provider answers)"
    )
    assert (ran.status, words in ran.out) == (4, True)
    pair.ok("eval", f"{NAME}@1.0.1", "--repeat", "24", "--allow-code")
    assert verdict(pair) == "uncertain"


def test_fewer_repeats_than_named_would_not_do(pair: Place):
    failing(pair, "q[12]")
    pair.ok("eval", f"{NAME}@1.0.1", "--allow-code")
    failing(pair, "nothing")
    pair.ok("eval", f"{NAME}@1.0.0", "--allow-code")
    pair.ok("eval", f"{NAME}@1.0.1", "--repeat", "23", "--allow-code")
    assert verdict(pair) == "not-comparable"


def test_needed_leaves_alone_what_failed_where_the_gate_can_do_without_it(pair: Place):
    failing(pair, "q1")
    pair.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", "--allow-code")
    assert (planned(pair), verdict(pair)) == ([], "uncertain")
    failing(pair, "nothing", 5)
    assert planned(pair) == [("1.0.1", 2, "2 cases without a score"), ("1.0.0", 2, "2 cases without a score")]


def test_a_suite_that_is_not_there_is_told_with_those_that_are(pair: Place):
    for arguments in ([NAME], ["--needed", "--to", "production", NAME]):
        ran = pair.run("eval", *arguments, "--suite", "nope")
        assert (ran.status, said(ran)) == (2, "support/answer has no suite nope. It has: suite.")
    ran = pair.run("eval", NAME, "--suite", "suit")
    assert said(ran) == "support/answer has no suite suit. It has: suite. Did you mean suite?"


# Cases that do not fit


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"id": "odd", "inputs": {}, "expected": "x"}, "question"),
        ({"id": "odd", "inputs": {"question": "x"}}, "expected"),
        ({"id": "c1", "inputs": {"question": "x"}, "expected": "x"}, "c1 stands here a second time"),
    ],
    ids=["a required input is missing", "nothing is expected", "an id twice"],
)
def test_a_case_that_does_not_fit_is_found_before_the_first_call(logged: Place, odd: dict[str, Any], words: str):
    logged_suite(logged, NAME, [*cases(4), odd])
    ran = logged.run("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", "--allow-code")
    assert ran.status == 2
    assert said(ran).startswith(CASES)
    assert words in said(ran)
    assert (calls(logged), stored(logged)) == (0, [])


def test_a_case_that_fits_one_of_two_versions_stops_both(logged: Place):
    logged.draft(NAME, "{{ question }}{{ more }}\n")
    logged.ok("release", NAME)
    ran = logged.run("eval", f"{NAME}@1.0.0", f"{NAME}@2.0.0", "--allow-code")
    assert ran.status == 2
    assert said(ran).startswith(f"{CASES}:1: case c1 cannot be rendered with support/answer@2.0.0: missing input more")
    assert (calls(logged), stored(logged)) == (0, [])


def test_inputs_that_a_version_does_not_declare_are_left_out_and_named(pair: Place):
    pair.draft(NAME, "---\ninputs: {question: string, locale: {type: string, default: en}}\n---\n{{ question }}\n"
               "{% if locale == 'de' %}{% endif %}")  # fmt: skip
    pair.ok("release", NAME)
    pair.suite(NAME, [{**case, "inputs": {**case["inputs"], "locale": "de"}} for case in cases(4)])
    lines = pair.ok("eval", f"{NAME}@1.0.1").out.splitlines()
    assert "  inputs of the cases that this version does not declare: locale" in lines
    assert not any("does not declare" in line for line in pair.ok("eval", f"{NAME}@latest").out.splitlines())


# Budgets


def test_a_plan_of_more_calls_than_allowed_is_refused_before_the_first(logged: Place):
    ran = logged.run("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", "--max-calls", "7", "--allow-code")
    assert (ran.status, said(ran)) == (
        2,
        "this takes 8 calls, and --max-calls allows 7. Nothing was called.",
    )
    assert calls(logged) == 0
    logged.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1", "--max-calls", "8", "--allow-code")
    assert calls(logged) == 8


@pytest.mark.parametrize("command", [["eval", f"{NAME}@1.0.1"], ["eval", "--needed", "--to", "production", NAME]])
def test_max_cost_without_a_price_names_the_model_and_the_way_out(logged: Place, command: list[str]):
    suite = f"prompts/{NAME}/evals/suite.yaml"
    logged.write(suite, logged.read(suite) + "model: gpt-4.1-mini\n")
    number = 4 if command[1] != "--needed" else 8
    ran = logged.run(*command, "--max-cost", "1", "--allow-code")
    assert (ran.status, said(ran)) == (
        2,
        (
            '--max-cost needs a price for gpt-4.1-mini. Add [prices."gpt-4.1-mini"] to promptreg.toml, or use '
            "--max-calls "
            f"{number}."
        ),
    )
    assert calls(logged) == 0


@pytest.fixture
def priced(logged: Place) -> Place:
    """A token of gpt-4.1-mini costs a cent, and an answer has at most ten of them; four cases."""
    suite = f"prompts/{NAME}/evals/suite.yaml"
    logged.write(suite, logged.read(suite) + "model: gpt-4.1-mini\nparameters: {max_tokens: 10}\n")
    toml = "prompts/promptreg.toml"
    logged.write(toml, logged.read(toml) + '\n[prices."gpt-4.1-mini"]\ninput = 10000.0\noutput = 10000.0\n')
    return logged


def test_max_cost_stops_before_a_first_call_that_could_cost_more(priced: Place):
    ran = priced.run("eval", f"{NAME}@1.0.1", "--max-cost", "0.40", "--allow-code")
    assert (ran.status, said(ran)) == (
        2,
        "the next call for support/answer could cost 0.94 USD, more than --max-cost 0.4 leaves.",
    )
    assert (calls(priced), stored(priced)) == (0, [])


def test_max_cost_stops_before_the_call_that_could_pass_it_and_resume_goes_on(priced: Place):
    told = re.search(r"for at most ([0-9.]+) USD", priced.run("promote", NAME, "--to", "production", "--json").out)
    assert told is not None
    enough = str(float(told[1]) / 8 * 2.5)  # for two calls of four; the program counts no tokens
    ran = priced.run("eval", f"{NAME}@1.0.1", "--max-cost", enough, "--allow-code")
    assert ran.status == 2
    assert said(ran).endswith("; the same command with --resume goes on.")
    assert "2 of 4 answers are kept (0 USD spent, and at most " in said(ran)
    assert (calls(priced), stored(priced)) == (2, [])
    ran = priced.ok("eval", f"{NAME}@1.0.1", "--max-cost", enough, "--allow-code", "--resume")
    assert "goes on, 2 of 4 answers are there." in ran.err
    assert (calls(priced), len(stored(priced))) == (4, 1)
    again = priced.ok("eval", f"{NAME}@1.0.1", "--allow-code", "--resume")
    assert "nothing is missing" in again.err
    assert (calls(priced), len(stored(priced))) == (4, 1)


def test_a_plan_that_cannot_cost_more_than_max_cost_is_carried_out(priced: Place):
    priced.ok("eval", f"{NAME}@1.0.1", "--max-cost", "100", "--allow-code")
    assert calls(priced) == 4


def test_max_cost_of_a_program_that_is_asked_for_no_model_offers_max_calls_alone(logged: Place):
    ran = logged.run("eval", f"{NAME}@1.0.1", "--max-cost", "1", "--allow-code")
    assert (ran.status, said(ran)) == (
        2,
        (
            f"--max-cost needs a price, which belongs to a model, and command:{sys.executable} answer.py is asked for "
            "none. Use --max-calls 4."
        ),
    )
    assert calls(logged) == 0


def test_the_refusal_of_a_promotion_and_max_cost_take_the_same_price(priced: Place):
    ran = priced.run("promote", NAME, "--to", "production", "--json")
    (refused,) = ran.json["refused"]
    told = re.search(r"8 calls would make it, for at most ([0-9.]+) USD", refused["reasons"][0]["message"])
    assert told is not None
    dry = priced.ok("eval", "--needed", "--to", "production", NAME, "--dry-run", "--allow-code")
    assert f"at most {told[1]} USD" in dry.out


def test_max_cost_where_nothing_says_how_long_an_answer_is_names_the_ways_out(priced: Place):
    suite = f"prompts/{NAME}/evals/suite.yaml"
    priced.write(suite, priced.read(suite).replace("parameters: {max_tokens: 10}\n", ""))
    ran = priced.run("eval", f"{NAME}@1.0.1", "--max-cost", "100", "--allow-code")
    assert (ran.status, said(ran)) == (
        2,
        (
            "--max-cost needs to know how long an answer of support/answer@1.0.1 can be (and that no image goes with "
            f"it). Set max_tokens under parameters: in {suite}, or use --max-calls 4."
        ),
    )
    assert calls(priced) == 0


def test_what_costs_nothing_needs_no_price(pair: Place):
    pair.ok("eval", f"{NAME}@1.0.1", "--max-cost", "0")


# --needed


def test_needed_is_what_the_gate_would_miss_on_both_sides_and_then_nothing(pair: Place):
    assert verdict(pair) == "missing"
    assert planned(pair) == [("1.0.1", 4, "no result"), ("1.0.0", 4, "no result")]
    pair.ok("eval", "--needed", "--to", "production")
    assert planned(pair) == []
    assert verdict(pair) == "uncertain"
    assert pair.ok("eval", "--needed", "--to", "production").out == "nothing to run: the gate has all that it needs\n"


def test_needed_runs_one_side_where_the_other_is_there(pair: Place):
    pair.ok("eval", f"{NAME}@1.0.0")
    assert planned(pair) == [("1.0.1", 4, "no result")]
    pair.ok("eval", f"{NAME}@1.0.1")
    assert planned(pair) == []


def test_needed_runs_only_the_cases_that_have_no_score(pair: Place):
    pair.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1")
    changed = cases(6)
    changed[0]["inputs"] = {"question": "another"}
    pair.suite(NAME, changed)
    assert [(version, number) for version, number, _ in planned(pair)] == [("1.0.1", 3), ("1.0.0", 3)]
    pair.ok("eval", "--needed", "--to", "production")
    assert planned(pair) == []


def test_needed_runs_everything_again_where_the_setup_is_another(pair: Place):
    pair.ok("eval", f"{NAME}@1.0.0", f"{NAME}@1.0.1")
    pair.suite(NAME, cases(4), "provider: echo\nparameters: {temperature: 1}\nscorers:\n  correct: {type: exact}\n")
    assert [(version, number) for version, number, _ in planned(pair)] == [("1.0.1", 4), ("1.0.0", 4)]
    pair.suite(NAME, cases(4), "provider: echo\nscorers:\n  correct: {type: exact, ignore_case: true}\n")
    assert [(version, number) for version, number, _ in planned(pair)] == [("1.0.1", 4), ("1.0.0", 4)]


def test_needed_runs_again_what_failed(pair: Place):
    failing(pair, "q[123]")
    pair.ok("eval", f"{NAME}@1.0.1", "--allow-code")
    assert [(version, number) for version, number, _ in planned(pair)] == [("1.0.1", 4), ("1.0.0", 4)]


def test_needed_at_a_first_promotion_is_the_candidate_alone(pair: Place):
    pair.ok("unpin", NAME, "--in", "production")
    pair.git("checkout", "-q", "--orphan", "fresh")  # no history in which production ran it
    pair.commit("Never in production")
    assert planned(pair, NAME) == [("1.0.1", 4, "no result")]
    pair.ok("eval", "--needed", "--to", "production")
    assert (planned(pair, NAME), verdict(pair)) == ([], "pass")


def test_needed_of_a_prompt_that_comes_again_is_both_sides(pair: Place):
    pair.ok("unpin", NAME, "--in", "production")
    pair.commit("Out of production")
    assert planned(pair, NAME) == [("1.0.1", 4, "no result"), ("1.0.0", 4, "no result")]


def test_needed_of_what_runs_there_already_is_nothing(pair: Place):
    assert planned(pair, f"{NAME}@1.0.0") == []


def test_needed_of_a_version_that_says_the_same_to_a_model_is_nothing(pair: Place):
    pair.draft(NAME, f"---\ndescription: Other words.\ninputs: {{question: any}}\n---\n{RIGHT}")
    pair.ok("release", NAME)
    assert planned(pair) == []
    assert verdict(pair) == "pass"


def test_needed_without_cases_is_nothing(pair: Place):
    pair.write(CASES, "")
    assert (planned(pair), verdict(pair)) == ([], "ungated")


def test_needed_without_names_is_about_every_prompt_that_could_move(pair: Place):
    pair.draft("support/refund", RIGHT)
    pair.suite("support/refund", cases(2))
    pair.ok("release", "support/refund")
    pair.draft("support/never-released", RIGHT)
    pair.suite("support/never-released", cases(2))
    facts = pair.ok("eval", "--needed", "--to", "production", "--dry-run", "--json").json
    assert [(row["name"], row["version"]) for row in facts["planned"]] == [
        (NAME, "1.0.1"),
        (NAME, "1.0.0"),
        ("support/refund", "1.0.0"),
    ]


def test_needed_for_an_environment_with_an_order_takes_what_a_promotion_would_take(pair: Place):
    pair.write("prompts/promptreg.toml", STAGED)
    pair.ok("promote", f"{NAME}@1.0.0", "--to", "staging", "--force", "-m", "To begin with")
    assert planned(pair) == []
    assert planned(pair, environment="staging") == [("1.0.1", 4, "no result"), ("1.0.0", 4, "no result")]


def test_needed_without_an_environment_is_about_all_of_them_and_runs_nothing_twice(pair: Place):
    pair.write("prompts/promptreg.toml", STAGED.replace('after = "staging"', ""))
    facts = pair.ok("eval", "--needed", NAME, "--dry-run", "--json").json
    assert [(row["version"], row["calls"]) for row in facts["planned"]] == [("1.0.1", 4), ("1.0.0", 4)]


def test_whatever_is_missing_needed_mends_it(pair: Place):
    """The promise in one go: over states of evidence, after `eval --needed` the verdict is never `missing`."""
    states: list[list[str]] = [[], [f"{NAME}@1.0.0"], [f"{NAME}@1.0.1"], [f"{NAME}@1.0.0", f"{NAME}@1.0.1"]]
    for state in states:
        for file in stored(pair):
            (pair.path / file).unlink()
        pair.suite(NAME, cases(2))
        if state:
            pair.ok("eval", *state)
        pair.suite(NAME, cases(5))
        pair.ok("eval", "--needed", "--to", "production", NAME)
        assert planned(pair) == [], state
        assert verdict(pair) not in ("missing", "not-comparable"), state
