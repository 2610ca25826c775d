"""The provider python: functions of the team, sync and async."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptreg.evals.all_providers import open_provider
from promptreg.evals.provider import CallRefused, Completion, Means, ProviderError, ProviderUnusable, Request
from tests.support.asking import answer, folder_means, user

_NUMBER = iter(range(10_000))


@pytest.fixture
def code(tmp_path: Path) -> Callable[[str], tuple[str, Means]]:
    """Writes a module; gives the provider that calls its function `reply`, and the means that find it."""

    def write(text: str) -> tuple[str, Means]:
        name = f"answers_{next(_NUMBER)}"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        return f"python:{name}:reply", folder_means(tmp_path)

    return write


Code = Callable[[str], tuple[str, Means]]


@pytest.mark.parametrize("how", ["def", "async def"])
def test_a_function_gets_the_request_and_answers_with_a_text(code: Code, how: str) -> None:
    provider, given = code(f"import json\n{how} reply(request):\n    return json.dumps(request, ensure_ascii=False)\n")
    found = answer(provider, user("返品？"), given=given, model="m", parameters={"temperature": 0}, prompt="p")
    assert found.text == (
        '{"messages": [{"role": "user", "content": "返品？"}], "model": "m", "parameters": {"temperature": 0}, '
        '"tools": [], "output": null}'
    )
    assert found == Completion(found.text, provider)


def test_a_function_may_say_what_the_answer_took(code: Code) -> None:
    facts: dict[str, Any] = {
        "text": "はい",
        "model": "m-1",
        "tokens_in": 3,
        "tokens_out": 1,
        "tokens_cached": 0,
        "cost_usd": 0.5,
        "finish": "stop",
        "tool_calls": [{"name": "a", "arguments": {"b": 1}}],
    }
    provider, given = code(f"def reply(request):\n    return {facts!r}\n")
    assert answer(provider, user("x"), given=given) == Completion(**facts)
    provider, given = code("reply = lambda request: {'text': 'x', 'model': None, 'cost_usd': None}\n")
    assert answer(provider, user("x"), given=given) == Completion("x", provider)


def test_a_function_that_returns_something_to_wait_for_is_waited_for(code: Code) -> None:
    provider, given = code("async def late(request):\n    return 'late'\nreply = lambda request: late(request)\n")
    assert answer(provider, user("x"), given=given).text == "late"


def test_a_function_cannot_change_the_request(code: Code) -> None:
    provider, given = code("def reply(request):\n    request['messages'][0]['content'] = 'other'\n    return 'x'\n")
    message = user("mine")
    answer(provider, message, given=given)
    assert message == user("mine")


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("None", "returned NoneType, not a text or a mapping with text."),
        ("3", "returned int, not a text or a mapping with text."),
        ("b'x'", "returned bytes, not a text or a mapping with text."),
        ("{}", "returned a mapping without text."),
        ("{'text': None}", "returned a mapping without text."),
        ("{'text': 3}", "returned text: 3, which it cannot be."),
        ("{'text': 'x', 'tokens_in': -1}", "returned tokens_in: -1, which it cannot be."),
        ("{'text': 'x', 'tokens_out': True}", "returned tokens_out: True, which it cannot be."),
        ("{'text': 'x', 'cost_usd': float('nan')}", "returned cost_usd: nan, which it cannot be."),
        ("{'text': 'x', 'cost_usd': '1'}", "returned cost_usd: '1', which it cannot be."),
        ("{'text': 'x', 'tool_calls': ['a']}", "returned tool_calls: ['a'], which it cannot be."),
        (
            "{'text': 'x', 'tokens': 1}",
            (
                "returned the key tokens. There are text, model, tokens_in, tokens_out, cost_usd, tokens_cached, "
                "finish, tool_calls. Did you mean tokens_in?"
            ),
        ),
        (
            "{'text': 'x', 'tool_calls': [{'name': 'a', 'arguments': {1, 2}}]}",
            "answered with a tool call that is no JSON: Object of type set is not JSON serializable",
        ),
        (
            "'a\\ud800b'",
            "answered with what cannot be stored: half of a surrogate pair (\\ud800 to \\udfff) is no text.",
        ),
    ],
)
def test_what_is_no_answer_is_a_failed_call(code: Code, returned: str, message: str) -> None:
    provider, given = code(f"def reply(request):\n    return {returned}\n")
    with pytest.raises(ProviderError) as caught:
        answer(provider, user("x"), given=given)
    assert str(caught.value) == f"{provider} {message}"


@pytest.mark.parametrize("how", ["def", "async def"])
@pytest.mark.parametrize(
    ("raised", "message"),
    [
        ("ValueError('no\\n such')", "raised ValueError: no such"),
        ("KeyError()", "raised KeyError"),
        ("SystemExit(3)", "raised SystemExit: 3"),
        ("StopIteration()", "raised "),
    ],
)
def test_what_a_function_raises_is_a_failed_call(code: Code, how: str, raised: str, message: str) -> None:
    provider, given = code(f"{how} reply(request):\n    raise {raised}\n")
    with pytest.raises(ProviderError) as caught:
        answer(provider, user("x"), given=given)
    assert str(caught.value).startswith(f"{provider} {message}")
    assert caught.value.__cause__ is None


def test_a_function_may_ask_to_be_asked_again(code: Code) -> None:
    provider, given = code(
        "from promptreg.evals.provider import CallRefused\n"
        "def reply(request):\n    raise CallRefused('Not yet.', after=3)\n"
    )
    with pytest.raises(CallRefused) as caught:
        answer(provider, user("x"), given=given)
    assert (str(caught.value), caught.value.after) == ("Not yet.", 3)


def test_what_cannot_be_called_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken_answers.py").write_text("import json\n1 / 0\n")
    (tmp_path / "empty_answers.py").write_text("reply = 3\n")
    for name, words in {
        "python:nowhere_at_all:reply": "there is no module nowhere_at_all",
        "python:broken_answers:reply": "ZeroDivisionError: division by zero",
        "python:empty_answers:reply": "no function reply",
        "python:empty_answers": "name a function of a module",
        "python:": "name a function of a module",
    }.items():
        with pytest.raises(ProviderUnusable) as caught:
            open_provider(name, folder_means(tmp_path), allow_code=True)
        assert words in str(caught.value)
    with pytest.raises(ProviderUnusable, match=r"--allow-code$"):
        open_provider("python:empty_answers:reply", folder_means(tmp_path), allow_code=False)


def test_functions_run_at_the_same_time_in_threads_as_many_as_calls_may_be_made(code: Code) -> None:
    provider, given = code(
        "import threading\n"
        "together = threading.Barrier(4, timeout=30)\n"
        "def reply(request):\n    together.wait()\n    return threading.current_thread().name\n"
    )

    async def all_at_once() -> list[str]:
        opened = open_provider(provider, folder_means(Path(given.directory), concurrency=4), allow_code=True)
        calls = [opened.complete(Request([user(str(n))]), 0) for n in range(8)]
        return [found.text for found in await asyncio.gather(*calls)]

    found = asyncio.run(all_at_once())
    assert len(found) == 8
    assert threading.current_thread().name not in found


def test_a_function_that_never_returns_does_not_keep_the_process_from_ending(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text("import threading\ndef reply(request):\n    threading.Event().wait()\n")
    program = (
        "import asyncio\n"
        "from tests.support.asking import *\n"
        "async def main():\n"
        "    async with asyncio.timeout(0.2):\n"
        f"        await asked('python:sleeper:reply', Request([user('x')]), Means(directory={str(tmp_path)!r}))\n"
        "try:\n    asyncio.run(main())\nexcept TimeoutError:\n    print('given up')\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("given up\n", "", 0)
