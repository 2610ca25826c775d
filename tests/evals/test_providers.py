"""Providers: echo, nearest-example, and programs."""

from __future__ import annotations

import json
import math
import shlex
import sys
import unicodedata
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.all_providers import NOT_MODELS, PROVIDERS, listed, open_provider
from promptreg.evals.provider import Completion, Means, ProviderError, ProviderUnusable
from tests.support.asking import answer, assistant, user
from tests.support.place import Place

SYSTEM = {"role": "system", "content": "Answer shortly."}


# Which there are

THERE = "There are nearest-example, echo, replay, openai, litellm, command, python."


def test_only_a_provider_that_is_a_model_may_pass_for_one() -> None:
    for name, kind in PROVIDERS.items():
        assert kind.is_model is (name not in NOT_MODELS), name  # type: ignore[attr-defined]
    assert {"nearest-example", "echo", "replay"} == NOT_MODELS


def test_the_list_says_what_needs_no_key_and_is_no_language_model() -> None:
    lines = {line.split()[0]: line for line in listed().splitlines()}
    assert set(lines) == set(PROVIDERS)
    for name in NOT_MODELS:
        assert "no key, not a language model" in lines[name]
    for name in ("command", "python"):
        assert "--allow-code" in lines[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ecko", f"There is no provider ecko. {THERE} Did you mean echo?"),
        ("openaj", f"There is no provider openaj. {THERE} Did you mean openai?"),
        ("commands:x", f"There is no provider commands. {THERE} Did you mean command?"),
        ("command:", "command: needs a program, as in command:python answer.py"),
        ("command", "command: needs a program, as in command:python answer.py"),
        ("command:a\0b", "command: holds the character U+0000, which no program can be given."),
        ("command:python 'x", "command:python 'x: No closing quotation."),
    ],
)  # fmt: skip
def test_a_provider_that_cannot_be_used_says_why(name: str, message: str) -> None:
    with pytest.raises(ProviderUnusable) as caught:
        open_provider(name, Means(), allow_code=True)
    assert str(caught.value) == message


def test_a_program_that_the_repository_names_runs_only_when_it_was_allowed() -> None:
    with pytest.raises(ProviderUnusable) as caught:
        open_provider("command:rm -rf x", Means(), allow_code=False)
    assert str(caught.value) == (
        "command:rm -rf x runs a program that this repository names. If you trust it: --allow-code"
    )
    for name in ("echo", "nearest-example"):
        open_provider(name, Means(), allow_code=False)


# echo


def test_echo_says_the_last_user_message() -> None:
    found = answer("echo", SYSTEM, user("first"), assistant("answer"), user("返品できますか？\n"), assistant("partial"))
    assert found == Completion("返品できますか？\n", "echo")


def test_echo_leaves_out_images() -> None:
    parts = [
        {"type": "text", "text": "What is "},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "this?"},
    ]
    assert answer("echo", user(parts)).text == "What is this?"


def test_without_a_user_message_there_is_nothing_to_answer() -> None:
    for name in ("echo", "nearest-example"):
        with pytest.raises(ProviderUnusable):
            answer(name, SYSTEM)


# nearest-example


def vectors(examples: list[str], asked: str) -> tuple[list[Counter[str]], Counter[str], Counter[str]]:
    def grams(text: str) -> Counter[str]:
        folded = unicodedata.normalize("NFKC", text).casefold()
        return Counter(folded[i : i + n] for n in (2, 3, 4) for i in range(len(folded)) if i + n <= len(folded))

    counted = [grams(text) for text in examples]
    held: Counter[str] = Counter()
    for counts in counted:
        held.update(counts.keys())
    return counted, grams(asked), held


def reference_scores(examples: list[str], asked: str) -> list[float]:
    """Cosine of tf-idf vectors, written from the definition alone."""
    counted, question, held = vectors(examples, asked)

    def weight(counts: Counter[str], gram: str) -> float:
        if not counts[gram]:
            return 0.0
        return (1 + math.log(counts[gram])) * (math.log((1 + len(examples)) / (1 + held[gram])) + 1)

    def norm(counts: Counter[str]) -> float:
        return math.sqrt(sum(weight(counts, gram) ** 2 for gram in counts))

    scores = []
    for counts in counted:
        lengths = norm(counts) * norm(question)
        dot = sum(weight(counts, gram) * weight(question, gram) for gram in counts)
        scores.append(dot / lengths if lengths else 0.0)
    return scores


def nearest(examples: list[str], asked: str) -> int:
    """The index of the example that answers."""
    shots = [message for at, text in enumerate(examples) for message in (user(text), assistant(str(at)))]
    return int(answer("nearest-example", SYSTEM, *shots, user(asked)).text)


TICKETS = [
    "I was charged twice for my order, please refund one payment.",
    "My parcel has not arrived yet. Where is it?",
    "I cannot log in, the password reset mail never comes.",
    "Can I return shoes that do not fit?",
]
JAPANESE = [
    "二重に請求されました。返金してください。",
    "荷物がまだ届きません。",
    "ログインできません。",
    "サイズが合わないので返品したいです。",
]


@pytest.mark.parametrize(
    ("examples", "asked", "index"),
    [
        (TICKETS, "Where is my parcel?", 1),
        (TICKETS, "please refund the payment", 0),
        (TICKETS, "PASSWORD RESET", 2),
        (TICKETS, "returning shoes", 3),
        (JAPANESE, "荷物はまだですか", 1),
        (JAPANESE, "返品したいのですが", 3),
        (JAPANESE, "ﾛｸﾞｲﾝできない", 2),  # half-width katakana are folded
        (["ＡＢＣ商事", "xyz"], "abc商事", 0),
        (["Straße", "Gasse"], "STRASSE", 0),
        (TICKETS, "", 0),
        (TICKETS, "x", 0),
        (["same", "same", "other"], "same", 0),
        (["other", "same", "same"], "same", 1),
        (["ab", "cd"], "ab cd", 0),
        (["completely", "different"], "日本", 0),
    ],
)
def test_nearest_example_answers_like_the_example_that_is_nearest(examples: list[str], asked: str, index: int) -> None:
    assert nearest(examples, asked) == index
    scores = reference_scores(examples, asked)
    assert scores.index(max(scores)) == index


words = st.lists(
    st.sampled_from(["refund", "order", "parcel", "Log in", "返品", "届きません", "請求", "ﾛｸﾞｲﾝ", "Ａ", "!", "no"]),
    max_size=6,
).map(" ".join)


@given(st.lists(words, min_size=1, max_size=6), words)
@settings(max_examples=150, deadline=None)
def test_nearest_example_agrees_with_its_definition(examples: list[str], asked: str) -> None:
    scores = reference_scores(examples, asked)
    chosen = nearest(examples, asked)
    assert scores[chosen] >= max(scores) - 1e-12
    assert examples.index(examples[chosen]) == chosen  # the first of equals
    near = [at for at, found in enumerate(scores) if found > max(scores) - 1e-9]
    if len(near) == 1:
        assert chosen == near[0]


def test_examples_are_the_pairs_of_user_and_assistant_in_the_rendered_messages() -> None:
    messages = [
        user("dangling"),
        user("alpha beta"),
        assistant("first"),
        SYSTEM,
        assistant("not an answer to anybody"),
        user("gamma delta"),
        assistant("second"),
        user("gamma"),
    ]
    assert answer("nearest-example", *messages) == Completion("second", "nearest-example")
    assert answer("nearest-example", *messages[:-1], user("dangling")).text == "first"


def test_without_examples_nearest_example_cannot_be_used_and_says_that_it_is_no_language_model() -> None:
    with pytest.raises(ProviderUnusable) as caught:
        answer("nearest-example", SYSTEM, user("Hello"))
    assert str(caught.value) == (
        "nearest-example answers from the user/assistant pairs in the prompt, and the rendered messages hold none. "
        "It is not a language model: write examples into the prompt, or choose another provider: echo, command:PROGRAM."
    )


# command


@pytest.fixture
def program(in_place: Place) -> Any:
    """Writes a Python program into the working directory; gives the provider that runs it."""

    def write(code: str) -> str:
        in_place.write("answer.py", code)
        return f"command:{shlex.quote(sys.executable)} -S answer.py --flag 'two words'"

    return write


def test_a_program_gets_the_request_as_json_and_answers_with_what_it_prints(program: Any) -> None:
    provider = program(
        "import json, sys\n"
        "facts = json.load(open(0, encoding='utf-8'))\n"
        "sys.stdout.buffer.write((json.dumps([facts, sys.argv[1:]], ensure_ascii=False) + '\\n').encode())\n"
    )
    tools = [{"name": "look", "description": "", "parameters": {}}]
    asked = {"model": "m", "parameters": {"temperature": 0}, "tools": tools, "output": {"type": "object"}}
    found = answer(provider, SYSTEM, user("返品？"), **asked)
    facts, arguments = json.loads(found.text)
    assert facts == {"messages": [SYSTEM, user("返品？")], **asked}
    assert arguments == ["--flag", "two words"]
    assert found.model == provider
    assert (found.tokens_in, found.tokens_out, found.cost_usd) == (None, None, None)


def test_a_program_that_fails_is_a_failed_call_with_the_last_line_that_it_said(program: Any) -> None:
    provider = program("import sys\nprint('half an answer')\nprint('no\\nHTTP 529', file=sys.stderr)\nsys.exit(3)\n")
    with pytest.raises(ProviderError) as caught:
        answer(provider, user("x"))
    assert str(caught.value) == f"{sys.executable} ended with status 3. HTTP 529"


def test_a_program_that_says_nothing_when_it_fails_is_a_failed_call(program: Any) -> None:
    with pytest.raises(ProviderError, match=r"ended with status 1\.$"):
        answer(program("raise SystemExit(1)"), user("x"))


def test_a_program_that_prints_what_is_no_text_is_a_failed_call(program: Any) -> None:
    provider = program("import sys\nsys.stdout.buffer.write(b'\\xff\\xfe billing')\n")
    with pytest.raises(ProviderError, match="UTF-8"):
        answer(provider, user("x"))


def test_a_program_need_not_read_its_input(program: Any) -> None:
    assert answer(program("print('yes')"), user("x" * 300_000)).text.strip() == "yes"


def test_a_program_that_is_not_there_cannot_be_used(in_place: Place) -> None:
    with pytest.raises(ProviderUnusable) as caught:
        answer("command:./nothing-here", user("x"))
    assert str(caught.value) == "./nothing-here cannot be run: No such file or directory."


def test_a_command_is_no_shell_command(in_place: Place) -> None:
    echo = f"command:{shlex.quote(sys.executable)} -S -c 'import sys; print(sys.argv[1:])'"
    assert answer(f"{echo} $HOME ; touch made && x | y > z *", user("x")).text.strip() == (
        "['$HOME', ';', 'touch', 'made', '&&', 'x', '|', 'y', '>', 'z', '*']"
    )
    assert in_place.files() == {}
