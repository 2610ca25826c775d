"""The provider replay, and the files that it reads."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import FileError
from promptreg.evals.all_providers import is_model, open_provider
from promptreg.evals.provider import Completion, ProviderError, ProviderUnusable, Request
from promptreg.evals.recordings import read_recordings, recordings_path, recordings_text
from tests.support.asking import answer, folder_means, user
from tests.support.reading import often, said, value_or_words

PATH = "support/answer/evals/recordings/suite.jsonl"
REQUEST = Request(
    [user("返品できますか？")], "gpt-4.1-mini", {"temperature": 0}, prompt="support/answer", suite="suite"
)
ANSWER = Completion("はい\n", "gpt-4.1-mini-2026-01-01", 12, 3, None, 4, "stop")
OTHER = Completion('[{"name":"a"}]', "m", tool_calls=[{"name": "a", "arguments": {"数": [1]}}])
ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def test_a_file_stands_beside_the_suite() -> None:
    assert recordings_path("support/answer", "suite") == PATH


def test_a_file_is_one_answer_a_line_sorted_and_without_what_is_unknown() -> None:
    found = recordings_text({(TWO, 0): OTHER, (ONE, 10): ANSWER, (ONE, 2): Completion("a\u2028b", "m", cost_usd=0.5)})
    assert found == (
        f'{{"request": "{ONE}", "repeat": 2, "text": "a\\u2028b", "model": "m"}}\n'
        f'{{"request": "{ONE}", "repeat": 10, "text": "はい\\n", "model": "gpt-4.1-mini-2026-01-01", "tokens_in": 12, '
        '"tokens_out": 3, "tokens_cached": 4, "finish": "stop"}\n'
        f'{{"request": "{TWO}", "repeat": 0, "text": "[{{\\"name\\":\\"a\\"}}]", "model": "m", '
        '"tool_calls": [{"name": "a", "arguments": {"数": [1]}}]}\n'
    )


digests = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
texts = st.text(st.characters(exclude_categories=["Cs"]))
counts = st.none() | st.integers(0, 10**9)
json_values = st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3))
completions = st.builds(
    Completion,
    text=texts,
    model=texts,
    tokens_in=counts,
    tokens_out=counts,
    tokens_cached=counts,
    finish=st.none() | texts,
    tool_calls=st.lists(st.fixed_dictionaries({"name": texts, "arguments": json_values}), max_size=2),
)


@given(st.dictionaries(st.tuples(digests, st.integers(0, 20)), completions, max_size=6))
@often
def test_what_is_written_is_read_again(answers: dict[tuple[str, int], Completion]) -> None:
    text = recordings_text(answers)
    assert read_recordings(text.encode(), PATH) == answers
    assert recordings_text(read_recordings(text.encode(), PATH)) == text
    assert len(text.split("\n")) == len(answers) + 1


NONE = "this line is no recorded answer"
KEYS = "finish, model, repeat, request, text, tokens_cached, tokens_in, tokens_out, tool_calls"
TWICE = "another answer to sha256:11111111… (repeat 0) stands further up. Keep one of them."


def line(**changed: object) -> str:
    facts = {"request": ONE, "repeat": 0, "text": "a", "model": "m"} | changed
    return json.dumps({name: value for name, value in facts.items() if value != "absent"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{]", f"{PATH}:2: {NONE}: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        ("[]", f"{PATH}:2: this must be a mapping."),
        (line(text="absent"), f"{PATH}:2: text is missing."),
        (line(text=3), f"{PATH}:2: text must be text."),
        (line(repeat=-1), f"{PATH}:2: repeat: input should be greater than or equal to 0."),
        (line(repeat=True), f"{PATH}:2: repeat must be a whole number."),
        (line(request="sha256:12"), f"{PATH}:2: request: string should match pattern '^sha256:[0-9a-f]{{64}}$'."),
        (line(texts="a"), f"{PATH}:2: there is no key texts here. It can be {KEYS}. Did you mean text?"),
        (line(text="a\ud800"), f"{PATH}:2: half of a surrogate pair (\\ud800 to \\udfff) is no text."),
        (line(text="b"), f"{PATH}:2: {TWICE}"),
        ('{"repeat": 0, "repeat": 1}', f"{PATH}:2: {NONE}: the key repeat stands here twice."),
        ("<<<<<<< HEAD", f"{PATH}:2: merge conflict markers stand here. Settle the conflict, then try again."),
    ],
)  # fmt: skip
def test_a_line_that_is_no_recorded_answer_is_told_with_its_place(text: str, message: str) -> None:
    assert said(FileError, read_recordings, f"{line()}\n{text}\n".encode(), PATH) == message


def test_the_same_answer_twice_is_what_a_merge_leaves_and_counts_once() -> None:
    assert read_recordings(f"{line()}\n\n{line()}\n".encode(), PATH) == {(ONE, 0): Completion("a", "m")}


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
@often
def test_whatever_stands_in_a_file_is_read_or_refused_in_words(data: bytes) -> None:
    value_or_words(read_recordings, data, PATH)


# Giving answers back


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    for path in (PATH, "elsewhere.jsonl"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        found = {(REQUEST.digest(), 0): ANSWER, (REQUEST.digest(), 1): OTHER}
        (tmp_path / path).write_text(recordings_text(found), encoding="utf-8")
    return tmp_path


def ask(folder: Path, provider: str = "replay", **changed: object) -> Completion:
    facts = REQUEST.facts() | {"prompt": REQUEST.prompt, "suite": REQUEST.suite} | changed
    return answer(provider, *facts.pop("messages"), given=folder_means(folder), **facts)


@pytest.mark.parametrize("provider", ["replay", "replay:elsewhere.jsonl"])
def test_a_recorded_answer_is_given_back_as_it_was(recorded: Path, provider: str) -> None:
    assert ask(recorded, provider) == ANSWER
    assert not is_model(provider)


def test_each_repeat_has_an_answer_of_its_own_and_a_file_is_read_once(recorded: Path) -> None:
    provider = open_provider("replay", folder_means(recorded), allow_code=False)

    async def both() -> list[Completion]:
        first = await provider.complete(REQUEST, 0)
        (recorded / PATH).unlink()
        return [first, await provider.complete(REQUEST, 1)]

    assert asyncio.run(both()) == [ANSWER, OTHER]


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"model": "gpt-5"}, "promptreg eval support/answer --provider openai --record"),
        ({"parameters": {"temperature": 1}}, "promptreg eval support/answer --provider openai --record"),
        ({"messages": [user("別の質問")]}, "promptreg eval support/answer --provider openai --record"),
        ({"suite": "tone"}, "promptreg eval support/answer --suite tone --provider openai --record"),
    ],
)
def test_what_was_not_recorded_is_a_failed_call_that_says_how_to_record_it(
    recorded: Path, changed: dict[str, object], again: str
) -> None:
    with pytest.raises(ProviderError) as caught:
        ask(recorded, **changed)
    path = recordings_path("support/answer", str(changed.get("suite", "suite")))
    assert str(caught.value) == f"the 1st answer is not recorded in {path} in the registry. To record: {again}"


@pytest.mark.parametrize(
    ("repeat", "which"),
    [(0, "1st"), (1, "2nd"), (2, "3rd"), (3, "4th"), (10, "11th"), (11, "12th"), (20, "21st"), (111, "112th")],
)
def test_which_answer_was_not_recorded_is_counted_from_one(recorded: Path, repeat: int, which: str) -> None:
    provider = open_provider("replay", folder_means(recorded), allow_code=False)
    with pytest.raises(ProviderError, match=f"the {which} answer is not recorded"):
        asyncio.run(provider.complete(replace(REQUEST, model="other"), repeat))


def test_replay_stays_inside_the_registry_and_names_what_is_not_there(recorded: Path) -> None:
    for path, message in {
        "../x.jsonl": "replay:../x.jsonl names a file outside of the registry.",
        "/etc/passwd": "replay:/etc/passwd names a file outside of the registry.",
        "no.jsonl": "replay:no.jsonl: the registry has no such file.",
    }.items():
        with pytest.raises(ProviderUnusable) as caught:
            open_provider(f"replay:{path}", folder_means(recorded), allow_code=False)
        assert str(caught.value) == message
    with pytest.raises(ProviderUnusable):
        ask(recorded, suite="")
