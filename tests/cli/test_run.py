"""`promptreg run`: the command line against a server on the loopback."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptreg.report.run import broken
from promptreg.report.table import width
from tests.support.openai_server import KEY, OpenAIServer, tokens
from tests.support.place import Place, Ran

PROMPT = """\
---
provider: openai
model: gpt-4.1-mini
parameters: {temperature: 0}
inputs: {question: string}
---
質問: {{ question }}
"""
OTHER = PROMPT.replace("質問: ", "質問に短く答えてください: ")
SUITE = """\
provider: echo
model: gpt-5
parameters: {seed: 7}
scorers:
  correct: {type: exact}
"""
CASES = [{"id": "c1", "inputs": {"question": "いつ？", "spare": 1}, "expected": "x"}]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as started:
        yield started


@pytest.fixture
def answering(registry: Place) -> Place:
    """A registry with support/answer: 1.0.0 is released, and the draft is ahead of it."""
    registry.draft("support/answer", PROMPT)
    registry.ok("release", "support/answer", "-m", "First")
    registry.draft("support/answer", OTHER)
    return registry


def run(place: Place, server: OpenAIServer, *arguments: str, columns: int = 80) -> Ran:
    return place.run("run", *arguments, environ={**server.environ, "COLUMNS": str(columns)})


def untimed(ran: Ran) -> list[str]:
    """The lines of an answer but the one that says how long it took."""
    return [line.rstrip() for line in ran.out.splitlines() if not line.startswith("time ")]


def test_one_answer_with_what_it_took(answering: Place, server: OpenAIServer) -> None:
    ran = run(answering, server, "support/answer", "-i", "question=返品できますか？")
    assert (ran.status, ran.err) == (0, "support/answer@draft, ahead of 1.0.0\n")
    text = "質問に短く答えてください: 返品できますか？"
    sent = tokens(json.dumps([{"role": "user", "content": text}], ensure_ascii=False))
    assert untimed(ran) == [
        text,
        "",
        "provider  openai",
        "model     gpt-4.1-mini-2026-01-01",
        f"tokens    {sent} in, {tokens(text)} out",
        "finish    stop",
    ]
    assert ran.out.splitlines()[-1].startswith("time      ")
    assert server.requests[0].body == {
        "model": "gpt-4.1-mini",
        "temperature": 0,
        "messages": [{"role": "user", "content": text}],
    }
    assert answering.git("status", "--porcelain", "--", "prompts/.promptreg") == ""


def test_cached_tokens_are_told_apart_and_a_price_makes_a_cost(answering: Place, server: OpenAIServer) -> None:
    toml = answering.read("prompts/promptreg.toml")
    price = '[prices."gpt-4.1-mini"]\ninput = 400000\noutput = 1000000\ncached = 100000\n'
    answering.write("prompts/promptreg.toml", f"{toml}\n{price}")
    ran = run(answering, server, "support/answer@1.0.0", "-i", "question=!cached")
    assert ran.err == "support/answer@1.0.0\n"
    sent, got = tokens('[{"role": "user", "content": "質問: !cached"}]'), tokens("質問: !cached")
    assert f"tokens    {sent} in (3 of them cached), {got} out" in ran.out
    assert f"cost      {0.4 * (sent - 3) + 0.1 * 3 + got:.2g} USD" in ran.out


def test_json_says_the_same(answering: Place, server: OpenAIServer) -> None:
    ran = run(answering, server, "support/answer@1.0.0", "-i", "question=x", "--json")
    found = ran.json
    assert found["answers"][0].pop("seconds") > 0
    assert (ran.err, found) == (
        "",
        {
            "schema": 1,
            "answers": [
                {
                    "name": "support/answer",
                    "version": "1.0.0",
                    "digest": answering.project().head.catalog.sums("support/answer").releases["1.0.0"].digest,
                    "provider": "openai",
                    "model": "gpt-4.1-mini-2026-01-01",
                    "text": "質問: x",
                    "tool_calls": [],
                    "finish": "stop",
                    "tokens_in": 11,
                    "tokens_cached": 0,
                    "tokens_out": 3,
                    "cost_usd": None,
                }
            ],
        },
    )


def test_two_versions_are_asked_together_and_shown_below_each_other_where_it_is_narrow(
    answering: Place, server: OpenAIServer
) -> None:
    ran = run(answering, server, "support/answer@1.0.0", "-i", "question=いつ？", "--vs", "support/answer")
    assert ran.err == "support/answer@1.0.0 against support/answer@draft, ahead of 1.0.0\n"
    assert untimed(ran) == [
        "── support/answer@1.0.0 ──",
        "質問: いつ？",
        "",
        "── support/answer@draft ──",
        "質問に短く答えてください: いつ？",
        "",
        "Words",
        "  質問[-に短く答えてください-]: いつ？",
        "",
        "          1.0.0                    draft",
        "provider  openai                   openai",
        "model     gpt-4.1-mini-2026-01-01  gpt-4.1-mini-2026-01-01",
        "tokens    13 in, 5 out             21 in, 12 out",
        "finish    stop                     stop",
    ]
    assert len(server.requests) == 2


def test_two_answers_stand_beside_each_other_where_it_is_wide(answering: Place, server: OpenAIServer) -> None:
    question = "返品できますか？" * 8
    ran = run(
        answering, server, "support/answer@1.0.0", "-i", f"question={question}", "--vs", "support/answer", columns=101
    )
    lines = ran.out.splitlines()
    assert lines[0].startswith("support/answer@1.0.0  ")
    top = lines[: lines.index("")]
    bars = {width(line[: line.index("│")]) for line in top}
    assert bars == {50}
    left, right = ("".join(line.split("│")[side].strip() for line in top[2:]) for side in (0, 1))
    assert left.replace(" ", "") == f"質問:{question}"
    assert right.replace(" ", "") == f"質問に短く答えてください:{question}"


def test_an_answer_can_do_nothing_to_the_terminal(answering: Place) -> None:
    with OpenAIServer(lambda asked: "a\tb\x1b[2Jc\u202ed\n\n👩‍👧\r\n") as server:
        ran = run(answering, server, "support/answer", "-i", "question=x")
    assert ran.out.startswith("a   b\\u001b[2Jc\\u202ed\n\n👩‍👧\n\nprovider")


def test_the_same_answer_twice_is_said_to_be_the_same(answering: Place, server: OpenAIServer) -> None:
    spec = "support/answer@1.0.0"
    ran = run(answering, server, spec, "-i", "question=x", "--vs", spec)
    assert "The answers are the same, word for word." in ran.out
    ran = run(answering, server, spec, "-i", "question=x", "--vs", "support/answer", "--json")
    assert ran.json["words"] == [["=", "質問"], ["-", "に短く答えてください"], ["=", ": x"]]


# Which provider, which inputs


def test_another_provider_can_be_chosen_and_what_is_no_model_is_said(answering: Place, server: OpenAIServer) -> None:
    ran = run(answering, server, "support/answer", "-i", "question=x", "--provider", "echo")
    assert ran.err == "support/answer@draft, ahead of 1.0.0 (echo: not a language model)\n"
    assert untimed(ran) == ["質問に短く答えてください: x", "", "provider  echo"]
    assert server.requests == []


def test_a_prompt_that_names_no_provider_takes_its_main_suites(answering: Place, server: OpenAIServer) -> None:
    answering.draft("support/answer", OTHER.replace("provider: openai\n", ""))
    answering.suite("support/answer", CASES, SUITE)
    ran = run(answering, server, "support/answer", "-i", "question=x")
    assert ran.out.splitlines()[0] == "質問に短く答えてください: x"
    assert "(echo: not a language model)" in ran.err


def test_without_any_provider_the_message_lists_them(registry: Place) -> None:
    registry.draft("support/answer")
    ran = registry.run("run", "support/answer", "-i", "question=x")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(
        "promptreg: No provider chosen for support/answer@draft. Write provider: into its front matter, or choose one "
        "with --provider. There are\n  nearest-example "
    )
    assert ran.err.endswith("\nnearest-example needs nothing and is not a language model.\n")


def test_a_case_asks_what_an_evaluation_asks(answering: Place, server: OpenAIServer) -> None:
    answering.suite("support/answer", CASES, SUITE)
    ran = run(answering, server, "support/answer", "--case", "c1")
    assert ran.status == 0, ran.err
    body = server.requests[0].body
    assert (body["model"], body["seed"], body["temperature"]) == ("gpt-5", 7, 0)
    assert body["messages"][0]["content"] == "質問に短く答えてください: いつ？"
    ran = run(answering, server, "support/answer", "--case", "c1", "-i", "question=どこ？")
    assert "どこ？" in ran.out
    ran = run(answering, server, "support/answer", "--case", "c2")
    assert (ran.status, ran.err) == (2, "promptreg: support/answer has no case c2.\n")


def test_inputs_come_from_a_file_too(answering: Place, server: OpenAIServer) -> None:
    answering.write("inputs.yaml", "question: 返品？\n")
    assert "返品？" in run(answering, server, "support/answer", "--inputs", "inputs.yaml").out


def test_code_of_the_repository_runs_only_when_it_is_allowed(answering: Place, server: OpenAIServer) -> None:
    answering.write(
        "shout.py", "import json\nprint(json.load(open(0, encoding='utf-8'))['messages'][0]['content'].upper())\n"
    )
    provider = f"command:{shlex.quote(sys.executable)} shout.py"
    arguments = ["support/answer", "-i", "question=why", "--provider", provider]
    ran = run(answering, server, *arguments)
    assert ran.status == 2
    assert ran.err.endswith("runs a program that this repository names. If you trust it: --allow-code\n")
    environ = server.environ | {"PYTHONUTF8": "1"}
    assert "WHY" in answering.run("run", *arguments, "--allow-code", environ=environ).out


# Trouble


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("429", "openai answered 429: Rate limit reached for requests."),
        ("401", "openai answered 401: Incorrect API key provided: [OPENAI_API_KEY]. You can find your API key at …"),
        ("other", 'openai did not answer with a chat completion, but with: {"hello": "world"}'),
    ],
)
def test_trouble_is_a_sentence_and_exit_status_2(
    answering: Place, server: OpenAIServer, word: str, message: str
) -> None:
    ran = run(answering, server, "support/answer", "-i", f"question=!{word}")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"support/answer@draft, ahead of 1.0.0\npromptreg: {message}\n"
    assert len(server.requests) == 1


def test_without_a_key_it_says_which(answering: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    ran = answering.run("run", "support/answer", "-i", "question=x")
    assert ran.status == 2
    assert ran.err.endswith(
        "promptreg: --provider openai needs OPENAI_API_KEY (not set). nearest-example needs nothing and is not a "
        "language model.\n"
    )


def test_one_of_two_that_fails_fails_both(answering: Place, server: OpenAIServer) -> None:
    answering.draft("support/answer", OTHER.replace("質問に", "!500 質問に"))
    ran = run(answering, server, "support/answer@1.0.0", "-i", "question=x", "--vs", "support/answer")
    assert (ran.status, ran.out) == (2, "")
    assert "openai answered 500" in ran.err


def test_bytes_on_the_command_line_that_are_no_text_are_refused_in_words(
    answering: Place, server: OpenAIServer
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "promptreg", "run", "support/answer", "-i", b"question=a\xffb"],
        cwd=answering.path,
        env=server.environ | {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert b"this is a bug" not in done.stderr
    assert KEY.encode() not in done.stderr + done.stdout
    assert server.requests == []


def test_an_answer_that_calls_a_tool_is_shown_with_its_words(answering: Place, server: OpenAIServer) -> None:
    tool = "tools: [{name: look_up, parameters: {type: object, properties: {q: {type: string}}}}]\n"
    answering.draft("support/answer", PROMPT.replace("parameters: {temp", f"{tool}parameters: {{temp"))
    ran = run(answering, server, "support/answer", "-i", "question=!tool")
    assert json.loads(ran.out.splitlines()[0]) == [{"name": "look_up", "arguments": {"q": "質問: !tool"}}]
    assert "finish    tool_calls" in ran.out


@pytest.mark.parametrize(
    ("line", "room", "parts"),
    [
        ("one two three", 8, ["one two", "three"]),
        ("one two", 7, ["one two"]),
        ("onetwothree", 4, ["onet", "woth", "ree"]),
        ("返品できますか", 5, ["返品", "でき", "ます", "か"]),
        ("a 返品できます", 6, ["a", "返品で", "きます"]),
        ("", 5, [""]),
        ("返", 1, ["返"]),
    ],
)
def test_lines_break_at_spaces_and_inside_scripts_without_any(line: str, room: int, parts: list[str]) -> None:
    assert broken(line, room) == parts
