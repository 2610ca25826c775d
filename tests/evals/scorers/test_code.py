"""python and command: code of the registry as a scorer, what it is given, what it may return, and what it cannot do."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from promptreg.core.errors import PromptregError
from promptreg.evals.provider import Completion, Means
from promptreg.evals.scorer import Judgement, Scale, Scorer, ScorerError
from tests.evals.scorers.desk import SUITE, Desk, case, judged, refusal, scorer, trouble
from tests.support.place import Place

MODULE = "prompts/a/evals/checks.py"
SCORE = {"kind": "score", "range": [0, 5]}


def python(place: Place, code: str, function: str = "f", **options: Any) -> Scorer:
    place.write(MODULE, code)
    return scorer(place, {"type": "python", "function": f"checks:{function}", **options})


def command(place: Place, code: str, **options: Any) -> Scorer:
    place.write("prompts/a/evals/grade.py", code)
    return scorer(place, {"type": "command", "command": f"{sys.executable} grade.py", **options})


# What a function is given

OF = case({"queue": "billing"}, inputs={"q": "?"}, tags=["ja"])


@pytest.mark.parametrize(
    ("code", "passes"),
    [
        ("def f(answer): return answer == 'yes'", True),
        ("def f(output): return output == 'yes'", True),
        ("def f(text): return text == 'yes'", True),
        ("def f(x, /): return x == 'yes'", True),
        ("def f(answer, /, expected): return answer == 'yes' and expected == {'queue': 'billing'}", True),
        ("def f(expected): return expected['queue'] == 'refund'", False),
        ("def f(*, inputs, case): return inputs == {'q': '?'} and case.tags == ['ja'] and case.id == 'c1'", True),
        ("def f(completion): return completion.text == 'yes' and completion.model == 'm'", True),
        ("def f(answer, strict=False): return not strict", True),
        ("def f(answer, *more, **rest): return not more and rest['expected'] == {'queue': 'billing'}", True),
        ("f = 'yes'.__eq__", True),
        ("from functools import partial\ndef g(n, answer): return n == 1\nf = partial(g, 1)", True),
        ("class F:\n    def __call__(self, answer): return True\nf = F()", True),
        ("class F:\n    async def __call__(self, answer): return True\nf = F()", True),
        ("async def f(answer): return answer == 'yes'", True),
        ("async def g(): return True\ndef f(answer): return g()", True),
        ("import threading\ndef f(answer): return threading.current_thread() is not threading.main_thread()", True),
        ("import threading\nasync def f(answer): return threading.current_thread() is threading.main_thread()", True),
        ("import asyncio\ndef f(answer): return asyncio.run(asyncio.sleep(0, True))", True),
    ],
)
def test_a_function_gets_what_its_parameters_are_named_for(folder: Place, code: str, passes: bool):
    assert judged(python(folder, code), "yes", OF).score == float(passes)


def test_a_function_cannot_change_what_others_are_given(folder: Place):
    code = (
        "def f(case, inputs, expected):\n    inputs.clear(); expected['x'] = 1; case.tags.append('x')\n    return True"
    )
    of = OF.model_copy(deep=True)
    judged(python(folder, code), "yes", of)
    assert of == OF


def test_what_a_function_asks_for_and_nobody_has_ends_the_run(folder: Place):
    judge = python(folder, "def f(answer, reference): return True")
    with pytest.raises(PromptregError) as caught:
        judged(judge, "yes")
    assert not isinstance(caught.value, ScorerError)
    there = "answer, expected, inputs, case, completion"
    assert caught.value.message == f"python:checks:f asks for reference. A scorer can be given {there}."


# What it may return


@pytest.mark.parametrize(
    ("returned", "options", "judgement"),
    [
        ("True", {}, (1, None)),
        ("0", {}, (0, None)),
        ("1.0", {}, (1, None)),
        ("3.5", SCORE, (3.5, None)),
        ("0.5", {"kind": "score"}, (0.5, None)),
        ("{'score': True, 'comment': 'polite'}", {}, (1, "polite")),
        ("{'key': 'tone', 'score': 4, 'comment': None, 'metadata': {}}", SCORE, (4, None)),
        ("[{'key': 'tone', 'score': 4}]", SCORE, (4, None)),
        ("[{'key': 'a', 'score': 1}, {'key': 'b', 'score': 2}]", {**SCORE, "key": "b"}, (2, None)),
        ("{'score': 1, 'comment': 'half \\ud800 of a pair'}", {}, (1, "half \\ud800 of a pair")),
        ("__import__('numpy').bool_(True)", {}, (1, None)),
        ("__import__('numpy').float32(2.5)", SCORE, (2.5, None)),
        ("__import__('fractions').Fraction(5, 2)", SCORE, (2.5, None)),
    ],
)
def test_what_code_returns_is_a_judgement(folder: Place, returned: str, options: Any, judgement: Any):
    found = judged(python(folder, f"def f(answer): return {returned}", **options), "yes")
    assert found == judgement
    assert type(found.score) is float


RANGE = " Where it is no pass or fail, declare  kind: score  and its range."


@pytest.mark.parametrize(
    ("returned", "options", "message"),
    [
        ("None", {}, "did not judge this answer: it returned nothing."),
        ("{'score': None}", {}, "did not judge this answer: it returned nothing."),
        ("0.7", {}, f"returned 0.7.{RANGE}"),
        ("7", {}, f"returned 7, outside of 0 to 1.{RANGE}"),
        ("7", SCORE, "returned 7, outside of 0 to 5."),
        ("-0.1", SCORE, "returned -0.1, outside of 0 to 5."),
        ("float('nan')", SCORE, "returned nan, outside of 0 to 5."),
        ("float('inf')", SCORE, "returned inf, outside of 0 to 5."),
        ("10 ** 5000", SCORE, "returned a number too large, outside of 0 to 5."),
        ("True", SCORE, "returned true, and  kind: score  asks for a number."),
        ("'good'", {}, "returned str 'good', which is no score."),
        ("object()", {}, "returned object, which is no score."),
        ("1j", {}, "returned complex, which is no score."),
        ("{}", {}, "returned a mapping without score."),
        ("{'score': 1, 'comment': 5}", {}, "returned the comment int, which is no text."),
        ("[]", {}, "returned no score."),
        ("[{'score': 1}, {'score': 0}]", {}, "returned 2 scores. The option key says which counts."),
        ("{'key': 'a', 'score': 1}", {"key": "b"}, "returned no score of the key b."),
        ("True", {"key": "b"}, "returned no score of the key b."),
        ("[{'key': 'b', 'score': 1}] * 2", {"key": "b"}, "returned 2 scores of the key b."),
    ],
)
def test_what_is_no_score_is_no_evidence(folder: Place, returned: str, options: Any, message: str):
    assert (
        trouble(python(folder, f"def f(answer): return {returned}", **options), "yes") == f"python:checks:f {message}"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('no\\nnumber')", "raised ValueError: no number."),
        ("raise SystemExit(3)", "raised SystemExit: 3."),
        ("raise TimeoutError", "raised TimeoutError."),
        ("assert answer == 'no'", "raised AssertionError."),
    ],
)
@pytest.mark.parametrize("word", ["def", "async def"])
def test_what_code_raises_is_said_with_its_place_and_is_no_evidence(folder: Place, body: str, message: str, word: str):
    said = trouble(python(folder, f"{word} f(answer):\n    {body}"), "yes")
    assert said == f"prompts/a/evals/checks.py:2: python:checks:f {message}".removeprefix("prompts/")


def test_an_error_of_promptreg_in_code_is_no_evidence_either(folder: Place):
    code = "from promptreg.core.errors import SpecError\ndef f(answer): raise SpecError('no such thing.')"
    assert trouble(python(folder, code), "yes") == "python:checks:f raised SpecError: no such thing."


def test_code_that_takes_too_long_is_given_up(folder: Place):
    short = Desk(Means(timeout_s=0.05))
    code = "import threading\ndef f(answer): threading.Event().wait(60)"
    assert trouble(python(folder, code), "yes", desk=short) == "python:checks:f took longer than 0.05 s."
    code = "import asyncio\nasync def f(answer): await asyncio.Event().wait()"
    assert trouble(python(folder, code), "yes", desk=short) == "python:checks:f took longer than 0.05 s."


# Where the code is


def test_a_module_is_looked_for_beside_the_suite_then_in_the_registry_then_imported(folder: Place):
    folder.write("prompts/tools/checks.py", "def f(answer): return {'score': 1, 'comment': 'registry'}")
    folder.write("prompts/a/evals/tools/checks.py", "def f(answer): return {'score': 1, 'comment': 'suite'}")
    folder.write("elsewhere/tools_of_the_project.py", "def f(answer): return {'score': 1, 'comment': 'project'}")
    options = {"type": "python", "function": "tools.checks:f"}
    beside = scorer(folder, options)
    assert judged(beside, "x").comment == "suite"
    (folder.path / "prompts/a/evals/tools/checks.py").unlink()
    shared = scorer(folder, options)
    assert judged(shared, "x").comment == "registry"
    assert shared.digest() != beside.digest()
    project = scorer(folder, {**options, "function": "tools_of_the_project:f"})
    desk = Desk(Means(directory=str(folder.path / "elsewhere")))
    path = list(sys.path)
    try:
        assert judged(project, "x", desk=desk).comment == "project"
    finally:
        sys.path[:] = path


def test_what_runs_is_what_was_digested(folder: Place):
    judge = python(folder, "def f(answer): return True")
    digest = judge.digest()
    folder.write(MODULE, "def f(answer): return False")
    assert judged(judge, "x").score == 1
    assert judge.digest() == digest
    changed = scorer(folder, {"type": "python", "function": "checks:f"})
    assert changed.digest() != digest
    assert judged(changed, "x").score == 0


def test_reading_a_suite_runs_no_code(folder: Place):
    mark = folder.path / "ran"
    for judge in (
        python(folder, f"open({str(mark)!r}, 'w').close()\ndef f(answer): return True"),
        command(folder, f"open({str(mark)!r}, 'w').close()\nprint('true')"),
    ):
        judge.digest()
        assert not mark.exists()
        assert judge.needs_code()
        assert judged(judge, "x").score == 1
        assert mark.exists()
        mark.unlink()


def test_revision_tells_code_apart_that_is_not_in_the_registry(folder: Place):
    options = {"type": "python", "function": "elsewhere:f"}
    one, same, other = (scorer(folder, {**options, **more}) for more in ({}, {"revision": 1}, {"revision": 2}))
    assert one.digest() == same.digest() != other.digest()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def g(answer): return True", "python:checks:f: a/evals/checks.py has no function f."),
        ("f = 5", "python:checks:f: a/evals/checks.py has no function f."),
        ("def f(:", "python:checks:f raised SyntaxError: invalid syntax (checks.py, line 1)."),
        ("1 / 0", "python:checks:f raised ZeroDivisionError: division by zero."),
    ],
)
def test_a_module_without_the_function_is_said_before_the_first_call(folder: Place, code: str, message: str):
    judge = python(folder, code)
    with pytest.raises(PromptregError) as caught:
        asyncio.run(judge.prepare(Means()))
    assert caught.value.message == message


# Programs

PRINT = "import json, sys\ngiven = json.load(sys.stdin)\n"


@pytest.mark.parametrize(
    ("printed", "options", "judgement"),
    [
        ("given['answer'] == 'はい'", {}, (1, None)),
        ("given['expected'] == {'queue': 'billing'} and given['inputs'] == {'q': '?'}", {}, (1, None)),
        ("[given['id'], given['tags']] == ['c1', ['ja']] and len(given) == 5", {}, (1, None)),
        ("3.5", SCORE, (3.5, None)),
        ("{'score': 0, 'comment': '短すぎます'}", {}, (0, "短すぎます")),
    ],
)
def test_a_program_gets_the_answer_as_json_and_prints_a_score(
    folder: Place, printed: str, options: Any, judgement: Any
):
    assert judged(command(folder, f"{PRINT}print(json.dumps({printed}))", **options), "はい", OF) == judgement


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; print('x', file=sys.stderr); sys.exit('No rubric.')", "ended with status 1. No rubric."),
        ("import os; os.kill(os.getpid(), 9)", "ended with status -9."),
        ("print('fine')", "printed what is no JSON: fine"),
        ("pass", "printed what is no JSON: nothing"),
        ("print('NaN')", "printed what is no JSON: NaN"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "printed what is no JSON: \ufffd"),
        ("print('null')", "did not judge this answer: it returned nothing."),
        ("print('7')", f"returned 7, outside of 0 to 1.{RANGE}"),
        ("print('1e999')", f"returned inf, outside of 0 to 1.{RANGE}"),
    ],
)
def test_a_program_that_fails_is_no_evidence(folder: Place, code: str, message: str):
    name = os.path.basename(sys.executable)
    assert trouble(command(folder, code), "x") == f"command:{name} {message}"


def test_a_program_that_is_not_there_and_an_answer_that_cannot_be_sent_are_no_evidence(folder: Place):
    judge = scorer(folder, {"type": "command", "command": "no-such-program"})
    assert trouble(judge, "x") == "command:no-such-program cannot be run: No such file or directory."
    said = trouble(command(folder, "print('true')"), "\ud800")
    assert said == "the answer cannot be sent: half of a surrogate pair (\\ud800 to \\udfff) is no text."


def test_files_beside_the_suite_run_as_they_were_read_and_count(folder: Place):
    folder.write("prompts/a/evals/rules/rubric.json", '{"most": 3}')
    folder.write("prompts/a/evals/help_me.py", "def short(text, most): return len(text) <= most")
    code = "from help_me import short\nmost = json.load(open(sys.argv[2]))['most']\n"
    code += "print(json.dumps(short(given['answer'], most)))"
    folder.write("prompts/a/evals/grade.py", PRINT + code)
    line = f"{sys.executable} grade.py ./help_me.py rules/rubric.json"
    judge = scorer(folder, {"type": "command", "command": line})
    digest = judge.digest()
    folder.write("prompts/a/evals/rules/rubric.json", '{"most": 0}')
    assert [judged(judge, text).score for text in ("abc", "abcd")] == [1, 0]
    assert judge.digest() == digest != scorer(folder, {"type": "command", "command": line}).digest()


def test_a_script_beside_the_suite_is_a_program(folder: Place):
    folder.write("prompts/a/evals/grade.sh", '#!/bin/sh\npwd > "$MARK"\necho true\n')
    judge = scorer(folder, {"type": "command", "command": "./grade.sh"})
    mark = folder.path / "mark"
    means = Means({**os.environ, "MARK": str(mark)}, directory=str(folder.path))
    assert judged(judge, "x", desk=Desk(means)).score == 1
    assert mark.read_text().strip() == str(folder.path)


def test_a_program_that_takes_too_long_or_is_given_up_is_ended_with_what_it_started(folder: Place):
    alive = folder.path / "alive"
    os.mkfifo(alive)
    child = f"import time; open({str(alive)!r}, 'w').close(); time.sleep(60)"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    judge = command(folder, code)

    async def given_up() -> None:
        task = asyncio.create_task(judge.judge(Completion("x", "m"), case(), Desk(), 0))
        await asyncio.to_thread(_open_once, alive)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task  # it waits for the pipes, which the child holds too

    asyncio.run(given_up())
    name = os.path.basename(sys.executable)
    short = Desk(Means(dict(os.environ), timeout_s=0.2))
    slow = command(folder, "import time; time.sleep(60)")
    assert trouble(slow, "x", desk=short) == f"command:{name} took longer than 0.2 s."


def _open_once(pipe: Path) -> None:
    pipe.open().close()


# What is said when the suite is read


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "python"}, "2:6: function is missing."),
        (
            {"type": "python", "function": "checks"},
            "2:37: m: python:checks: name a function of a module, as in python:tools.checks:polite",
        ),
        (
            {"type": "python", "function": "a:f", "range": [0, 5]},
            "2:37: m: a range is one of scores: add  kind: score.",
        ),
        (
            {"type": "python", "function": "a:f", "range": [5, 0]},
            "2:53: range: it goes from a lower to a higher number, as in  range: [0, 5].",
        ),
        (
            {"type": "python", "function": "a:f", "range": [0]},
            "2:53: range: list should have at least 2 items after validation, not 1.",
        ),
        (
            {"type": "python", "function": "a:f", "direction": "left"},
            "2:57: direction must be 'up' or 'down', not 'left'.",
        ),
        (
            {"type": "python", "function": "a:f", "revision": 0},
            "2:56: revision: input should be greater than or equal to 1.",
        ),
        (
            {"type": "python", "function": "a:f", "name": "x"},
            "2:44: there is no key name here. It can be direction, function, key, kind, range, revision, type.",
        ),
        ({"type": "command", "command": "python 'x"}, "2:37: m: this is no command line: No closing quotation."),
        ({"type": "command", "command": " "}, "2:37: m: name a program, as in  command: python grade.py."),
    ],
)
def test_what_names_no_code_is_said_when_the_suite_is_read(folder: Place, options: dict[str, Any], message: str):
    assert refusal(folder, options) == f"{SUITE}:{message}"


def test_the_scale_is_as_declared(folder: Place):
    assert python(folder, "", **SCORE, direction="down").scale() == Scale("score", 0, 5, "down")
    assert python(folder, "", kind="score").scale() == Scale("score", 0, 1, "up")
    assert python(folder, "").scale() == Scale("pass-fail", 0, 1, "up")


def test_many_answers_are_judged_at_once(folder: Place):
    code = "import threading\nbarrier = threading.Barrier(8, timeout=30)\ndef f(answer): barrier.wait(); return True"
    judge = python(folder, code)

    async def all_of_them() -> list[Judgement]:
        return await asyncio.gather(*(judge.judge(Completion("x", "m"), case(), Desk(), n) for n in range(8)))

    assert {each.score for each in asyncio.run(all_of_them())} == {1.0}


def test_what_is_sent_to_a_program_is_json(folder: Place):
    of = case(json.loads('{"n": 1.5, "s": "\\u2028", "b": [true, null]}'))
    code = f"{PRINT}print(json.dumps(given['expected'] == {{'n': 1.5, 's': '\\u2028', 'b': [True, None]}}))"
    assert judged(command(folder, code), "x", of).score == 1
