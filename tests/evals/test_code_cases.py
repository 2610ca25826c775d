"""Cases that code makes: nothing runs before it may, then once, and every pass sees the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from promptreg.core.errors import FileError, PromptregError
from promptreg.core.source import Folder
from promptreg.evals.cases import Case
from promptreg.evals.provider import Means
from promptreg.evals.suite import Setup, Suite, read_suite
from promptreg.evaluation.carry_out import carry_out, means_of
from promptreg.evaluation.plans import Options, whole
from promptreg.judging import Move, Rules, gaps, judged, stored
from tests.support.place import Place

SUITE = "provider: echo\nscorers: {correct: {type: exact}}\ncases: python:made:cases\n"
PATH = "prompts/a/evals/made.py"


@pytest.fixture
def evals(folder: Place) -> Place:
    folder.write("prompts/a/evals/suite.yaml", SUITE)
    return folder


def read(place: Place) -> Suite:
    return read_suite(Folder(str(place.path / "prompts"), "prompts/"), "a")


def made(place: Place, code: str) -> Suite:
    place.write(PATH, code)
    return read(place).with_code(Means(directory=str(place.path)))


def refusal(place: Place, code: str) -> str:
    with pytest.raises(FileError) as caught:
        made(place, code)
    return str(caught.value)


COUNTING = """\
from pathlib import Path
log = Path(__file__).name and Path({log!r})

def cases():
    with log.open("a") as file:
        file.write("run\\n")
    for number in range(3):
        yield {{"id": f"c{{number}}", "inputs": {{"q": number}}, "expected": str(number)}}
"""


def test_nothing_runs_until_it_may_and_then_only_once(evals: Place, tmp_path: Path) -> None:
    log = tmp_path / "log"
    evals.write(PATH, COUNTING.format(log=str(log)))
    suite = read(evals)
    message = (
        "prompts/a/evals/suite.yaml:3:8: python:made:cases makes the cases: code that this repository names. If you "
        "trust it: --allow-code"
    )
    for ask in (lambda: list(suite.cases), lambda: len(suite.cases), lambda: suite.cases.digest()):  # noqa: PLW0108
        with pytest.raises(FileError) as caught:
            ask()
        assert str(caught.value) == message
    assert (suite.cases.known, bool(suite.cases), log.exists()) == (False, True, False)

    suite = suite.with_code(Means(directory=str(evals.path)))
    expected = [Case(id=f"c{number}", inputs={"q": number}, expected=str(number)) for number in range(3)]
    assert (list(suite.cases), list(suite.cases), len(suite.cases)) == (expected, expected, 3)
    assert suite.cases.known
    assert log.read_text() == "run\n"
    assert suite.with_code(Means()) is suite


def test_a_module_is_looked_for_beside_the_suite_then_in_the_registry_then_by_python(folder: Place) -> None:
    def code(id_: str) -> str:
        return f"def cases(): return [{{'id': {id_!r}, 'expected': 'x'}}]\n"

    name = "made_nowhere_else"
    folder.write("prompts/a/evals/suite.yaml", SUITE.replace("made", f"tools.{name}"))
    folder.write(f"tools/{name}.py", code("project"))
    means = Means(directory=str(folder.path))
    before = list(sys.path)
    try:
        assert [case.id for case in read(folder).with_code(means).cases] == ["project"]
        assert read(folder).setup().cases == f"python:tools.{name}:cases"
        for place, id_ in (("prompts", "registry"), ("prompts/a/evals", "beside")):
            folder.write(f"{place}/tools/{name}.py", code(id_))
            assert [case.id for case in read(folder).with_code(means).cases] == [id_]
    finally:
        sys.path[:] = before


@pytest.mark.parametrize(
    "code",
    [
        "def cases():\n    return [{'id': 'a', 'expected': 'x'}]\n",
        "def cases():\n    return ({'id': 'a', 'expected': 'x'},)\n",
        "def cases():\n    yield {'id': 'a', 'expected': 'x'}\n",
        "from promptreg.evals.cases import Case\ndef cases():\n    yield Case(id='a', expected='x')\n",
        (
            "from dataclasses import dataclass\n@dataclass\nclass It:\n    id: 'str'\n    expected: 'str'\n"
            "def cases():\n    yield It('a', 'x')\n"
        ),
        "class cases:\n    def __iter__(self):\n        yield {'id': 'a', 'expected': 'x'}\n",
    ],
)
def test_anything_that_gives_mappings_one_after_the_other_will_do(evals: Place, code: str) -> None:
    assert list(made(evals, code).cases) == [Case(id="a", expected="x")]


MADE, RAISED = "prompts/a/evals/made.py", "python:made:cases raised"
NAMED = "prompts/a/evals/suite.yaml:3:8: python:made:cases"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("cases = [{'id': 'a'}]\n", f"{NAMED}: a/evals/made.py has no function cases."),
        ("def other(): pass\n", f"{NAMED}: a/evals/made.py has no function cases."),
        ("def cases(): return 5\n", f"{NAMED} gives int, not cases one after the other."),
        ("def cases(): return {'id': 'a'}\n", f"{NAMED} gives dict, not cases one after the other."),
        ("def cases(): pass\n", f"{NAMED} gives NoneType, not cases one after the other."),
        ("def cases(): yield 5\n", f"{NAMED}, case 1: this must be a mapping."),
        ("def cases(): yield {'id': 5}\n", f"{NAMED}, case 1: id must be text."),
        (
            "def cases(): yield {'id': 'a', 'inputs': {'q': {1, 2}}}\n",
            (
                f"{NAMED}, case 1: it.inputs.q a set is not plain "
                "data (strings, numbers, booleans, null, lists, mappings)."
            ),
        ),
        (
            "def cases(): yield {'id': 'a', 'inputs': {'q': '\\ud800'}}\n",
            (f"{NAMED}, case 1: half of a surrogate pair (\\ud800 to \\udfff) is no text."),
        ),
        (
            "def cases(): yield {'id': 'a', 'expected': 10 ** 5000}\n",
            f"{NAMED}, case 1: a number is too large to be compared.",
        ),
        (
            "def cases():\n  yield {'id': 'a', 'expected': 'x'}\n  yield {'id': 'a', 'expected': 'x'}\n",
            f"{NAMED}, case 2: the id a stands here a second time.",
        ),
        ("def cases(): yield {'id': 'a'}\n", f"{NAMED}, case 1: correct: case a: expected is missing."),
        ("def cases(): yield {'id': '\\n'}\n", f"{NAMED}, case 1: an id must be text that can be printed."),
        (
            "\ndef cases():\n    yield {'id': 'a', 'expected': 'x'}\n    open('/nowhere')\n",
            (f"{MADE}:4: {RAISED} FileNotFoundError: [Errno 2] No such file or directory: '/nowhere'."),
        ),
        ("\nraise RuntimeError('two\\nlines')\n", f"{MADE}:2: {RAISED} RuntimeError: two lines."),
        ("import sys\nsys.exit(0)\n", f"{MADE}:2: {RAISED} SystemExit: 0."),
        ("def cases(:\n", f"{MADE}:1: {RAISED} SyntaxError: invalid syntax (made.py, line 1)."),
        ("import not_there_at_all\n", (f"{MADE}:1: {RAISED} ModuleNotFoundError: No module named 'not_there_at_all'.")),
        ("def cases(a): pass\n", f"{MADE}: {RAISED} TypeError: cases() missing 1 required positional argument: 'a'."),
    ],
)
def test_what_is_wrong_with_code_or_with_what_it_gives_is_told(evals: Place, code: str, message: str) -> None:
    assert refusal(evals, code) == message


def test_a_module_that_is_nowhere_is_told(evals: Place) -> None:
    with pytest.raises(FileError) as caught:
        read(evals).with_code(Means(directory=str(evals.path)))
    assert str(caught.value) == (
        f"{NAMED}: there is no module made. It is looked for beside the suite, in the registry, in the project "
        "directory, then among packages."
    )


def test_more_cases_than_are_kept_are_read_from_a_file_without_a_name(evals: Place) -> None:
    case = "{'id': f'c{at}', 'inputs': {'q': 'x' * 2000}, 'expected': 'x'}"
    code = f"def cases():\n    for at in range(3000): yield {case}\n"
    cases = made(evals, code).cases
    assert len(cases) == 3000
    assert [case.id for case in cases] == [case.id for case in cases] == [f"c{at}" for at in range(3000)]
    assert sorted(path.name for path in evals.path.rglob("*") if path.is_file()) == ["made.py", "suite.yaml"]


def test_the_code_is_a_part_of_the_setup_and_files_are_not(evals: Place) -> None:
    evals.write(PATH, "def cases(): return []\n")
    one = read(evals).setup()
    evals.write(PATH, "def cases(): return [] # again\n")
    other = read(evals).setup()
    assert one.cases is not None
    assert one.cases.startswith("python:made:cases sha256:")
    assert one.engine() != other.engine()
    assert Setup.model_validate(one.model_dump(mode="json")) == one
    assert "cases" not in Setup(scorers={}).model_dump()
    assert Setup(scorers={}).model_dump(mode="json") == {
        "provider": None, "model": None, "parameters": {}, "scorers": {},
    }  # fmt: skip


# Judging


CODE = """\
def cases():
    for number in range(30):
        yield {"id": f"c{number}", "inputs": {"question": "yes"}, "expected": "yes"}
"""


@pytest.fixture
def shipped_with_code(registry: Place) -> Place:
    registry.draft("a", "{{ question }}")
    registry.suite("a", [], SUITE)
    (registry.path / "prompts/a/evals/cases.jsonl").unlink()
    registry.write("prompts/a/evals/made.py", CODE)
    registry.ok("release", "a", "-m", "First")
    registry.draft("a", "Say {{ question }}")
    registry.ok("release", "a", "-m", "Second")
    return registry


MOVE = Move("a", "production", "1.0.1", "1.0.0")


def test_without_a_result_the_gate_misses_it_and_what_would_make_it_asks_for_permission(
    shipped_with_code: Place,
) -> None:
    view = shipped_with_code.project().head
    verdict = judged(MOVE, Rules(view, view))
    assert verdict.verdict == "missing"
    assert "1.0.1 has cases and no result" in "; ".join(verdict.reasons)
    with pytest.raises(PromptregError, match="--allow-code"):
        gaps(view, [MOVE])
    view.allow_code(Means(directory=str(shipped_with_code.path)))
    assert [(gap.prompt.version, len(gap.cases), gap.why) for gap in gaps(view, [MOVE])] == [
        ("1.0.1", 30, "no result"),
        ("1.0.0", 30, "no result"),
    ]


def evaluated(place: Place, *versions: str) -> None:
    """Evaluate versions with the code's permission to run."""
    project, options = place.project(), Options(allow_code=True)
    project.head.allow_code(means_of(project, options))
    carry_out(project, whole(project.head, [project.prompt(f"a@{version}") for version in versions], options), options)


def test_the_gate_takes_the_cases_from_results_and_runs_nothing(shipped_with_code: Place) -> None:
    place = shipped_with_code
    evaluated(place, "1.0.0", "1.0.1")
    view = place.project().head
    verdict = judged(MOVE, Rules(view, view))
    assert (verdict.verdict, verdict.cases) == ("regressed", 30)
    back = judged(Move("a", "production", "1.0.0", "1.0.1"), Rules(view, view))
    assert (back.verdict, back.cases) == ("pass", 30)
    assert judged(Move("a", "production", "1.0.0", None), Rules(view, view)).verdict == "pass"
    assert "30" in place.ok("results", "list", "a").out
    view.allow_code(Means(directory=str(place.path)))
    assert gaps(view, [MOVE]) == []


def test_what_the_baseline_was_asked_counts_even_if_the_candidate_was_asked_less(shipped_with_code: Place) -> None:
    place = shipped_with_code
    evaluated(place, "1.0.0")
    limit = f"int(Path({str(place.path / 'limit')!r}).read_text())"
    code = "from pathlib import Path\n" + CODE.replace("range(30)", f"range({limit})")
    place.write("limit", "30")
    place.write("prompts/a/evals/made.py", code)
    evaluated(place, "1.0.0")
    place.write("limit", "20")
    evaluated(place, "1.0.1")
    view = place.project().head
    verdict = judged(MOVE, Rules(view, view))
    assert verdict.verdict == "not-comparable"
    assert "1.0.1 has scores for 20 of 30 cases" in str(verdict)


def reading(place: Place, tags: str = "[]") -> None:
    """Code that makes its cases of what a file outside of its digest says."""
    text = f"__import__('pathlib').Path({str(place.path / 'text')!r}).read_text()"
    case = f'{{"id": f"c{{number}}", "inputs": {{"question": text}}, "expected": text, "tags": {tags}}}'
    place.write(
        "prompts/a/evals/made.py", f"def cases():\n    text = {text}\n    for number in range(30): yield {case}\n"
    )
    place.write("text", "yes")


def test_evidence_of_cases_that_the_same_code_made_otherwise_takes_no_place_of_what_was_there(
    shipped_with_code: Place,
) -> None:
    place = shipped_with_code
    reading(place)
    evaluated(place, "1.0.0", "1.0.1")
    place.write("text", "")  # both versions are right about nothing
    evaluated(place, "1.0.0", "1.0.1")
    view = place.project().head
    verdict = judged(MOVE, Rules(view, view))
    times = sorted((run.started_at, name) for name, run in stored(view.source, "a", "1.0.0")[0].items())
    (_, old), (_, new) = times
    assert verdict.verdict == "not-comparable"
    told = f"python:made:cases made another case c0 for {new} than for {old}, and must give the same every time; "
    assert verdict.reasons == (
        f"{told}where they are meant to change, change its module and evaluate both versions anew",
    )
    assert verdict.blocks


def test_a_case_that_code_called_critical_once_stays_so(shipped_with_code: Place) -> None:
    place = shipped_with_code
    flag = place.path / "critical"
    reading(place, f"['critical'] if __import__('os').path.exists({str(flag)!r}) else []")
    place.write("critical", "")
    evaluated(place, "1.0.0", "1.0.1")
    flag.unlink()
    evaluated(place, "1.0.0", "1.0.1")
    view = place.project().head
    assert "critical: c0" in str(judged(MOVE, Rules(view, view)).reasons)


def test_results_of_other_code_do_not_count(shipped_with_code: Place) -> None:
    place = shipped_with_code
    evaluated(place, "1.0.0", "1.0.1")
    place.write("prompts/a/evals/made.py", CODE.replace("30", "25"))
    view = place.project().head
    assert judged(MOVE, Rules(view, view)).verdict == "missing"
    assert "no: another setup" in place.ok("results", "list", "a").out
    evaluated(place, "1.0.0", "1.0.1")
    view = place.project().head
    assert (judged(MOVE, Rules(view, view)).verdict, judged(MOVE, Rules(view, view)).cases) == ("regressed", 25)


def test_what_reads_a_suite_never_runs_its_code(shipped_with_code: Place) -> None:
    place = shipped_with_code
    place.write("prompts/a/evals/made.py", f"open({str(place.path / 'ran')!r}, 'w')\n{CODE}")
    place.commit("Begin")
    for command in ("check --base HEAD", "lint a", "list", "status", "case list a", "results list a", "show a"):
        place.ok(*command.split())
    assert not (place.path / "ran").exists()


def test_a_changed_code_is_listed_as_a_loosened_policy(shipped_with_code: Place) -> None:
    place = shipped_with_code
    place.commit("Begin")
    place.write("prompts/a/evals/made.py", CODE.replace("30", "3"))
    (found,) = [
        each
        for each in place.ok("check", "--base", "HEAD", "--json").json["findings"]
        if each["rule"] == "policy-loosened"
    ]
    assert found["message"].startswith("the code that makes the cases is another.")
    place.write("prompts/a/evals/suite.yaml", SUITE.replace("python:made:cases", "cases.jsonl"))
    place.write("prompts/a/evals/cases.jsonl", "")
    found = place.ok("check", "--base", "HEAD", "--json").json["findings"]
    assert "the code that makes the cases is another." in str(found)
