"""`case add`, `case import`, `case export`, `case list`: what is tried before anything is written, and what stays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from promptreg.evals.cases import Case
from tests.support.place import Place

NAME = "support/answer"
EVALS = f"prompts/{NAME}/evals"
SUITE = "provider: echo\nscorers: {correct: {type: exact}}\n"
CHAT = """\
---
inputs:
  question: string
  hits: {type: array, items: string, default: []}
  count: {type: integer, default: 1}
---
{% message role="user" %}
{{ question }} {{ count }} {{ hits | join(",") }}
{% endmessage %}
"""
UNRENDERED = f"case a cannot be rendered: {NAME}@draft:"
TAKES = "Takes: question, hits, count."
HELP = "promptreg case add --help shows how."
FIRST = {"id": "first", "inputs": {"question": "What?"}, "expected": "That."}


@pytest.fixture
def place(registry: Place) -> Place:
    registry.draft(NAME, CHAT)
    registry.suite(NAME, [FIRST], SUITE)
    return registry


def cases(place: Place) -> list[Case]:
    (suite,) = place.project().head.suites(NAME)
    return list(suite.cases)


def add(place: Place, *arguments: str, status: int = 0) -> str:
    ran = place.ok("case", "add", NAME, *arguments, status=status)
    return ran.out if status == 0 else ran.err


def refusal(place: Place, *arguments: str) -> str:
    """What a command says that is refused and writes nothing."""
    before = place.files()
    ran = place.ok("case", *arguments, status=2)
    after = {path: data for path, data in place.files().items() if "/.promptreg/" not in f"/{path}"}
    assert after == {path: data for path, data in before.items() if "/.promptreg/" not in f"/{path}"}
    return ran.err.removeprefix("promptreg: ").rstrip("\n")


# One case


def test_a_case_is_added_and_told_with_what_is_next(place: Place):
    before = place.read(f"{EVALS}/cases.jsonl")
    options = "--expected There --tag en --critical --cluster doc-1"
    said = add(place, "-i", "question=Where is it?", "-i", "count=3", *options.split())
    assert said == (
        f"1 case added to {EVALS}/cases.jsonl\n"
        "case         inputs                                   expected  tags\n"
        'where-is-it  {"question": "Where is it?", "count": 3}  There     en critical\n'.replace(
            "inputs  ", "inputs   "
        )
        + f"Next: promptreg eval {NAME}; promptreg case list {NAME} shows them all\n"
    )
    line = (
        '{"id": "where-is-it", "inputs": {"question": "Where is it?", "count": 3}, "expected": "There", '
        '"tags": ["en", "critical"], "cluster": "doc-1"}\n'
    )
    assert place.read(f"{EVALS}/cases.jsonl") == before + line


@pytest.mark.parametrize(
    ("expected", "read"),
    [
        ("yes", "yes"),
        ("5", "5"),
        ("true", "true"),
        ("", ""),
        ('"quoted"', '"quoted"'),
        ("[sic] so", "[sic] so"),
        ("@answer.txt", "From a file\n"),
        ('{"queue": "a"}', {"queue": "a"}),
        ('["a", 1]', ["a", 1]),
        ("@answer.json", {"queue": "b"}),
    ],
)
def test_what_is_expected_is_text_or_a_json_mapping_or_list(place: Place, expected: str, read: Any):
    place.write(f"{EVALS}/suite.yaml", "provider: echo\nscorers: {any: {type: regex, pattern: x}}\n")
    place.write("answer.txt", "From a file\n")
    place.write("answer.json", '{"queue": "b"}')
    add(place, "-i", "question=x", "--expected", expected)
    assert cases(place)[-1].expected == read


def test_inputs_come_from_a_file_and_values_are_read_by_their_type(place: Place):
    place.write("inputs.yaml", "question: From the file\nhits: [a]\n")
    place.write("text.txt", "With\nlines\n")
    add(place, "--inputs", "inputs.yaml", "-i", 'hits=["b", "c"]', "--expected", "x", "--id", "one")
    add(place, "-i", "question=@text.txt", "--expected", "x", "--id", "two")
    assert [case.inputs for case in cases(place)[1:]] == [
        {"question": "From the file", "hits": ["b", "c"]},
        {"question": "With\nlines\n"},
    ]


@pytest.mark.parametrize(
    ("question", "id_"),
    [
        ("Where is my order, please? It is late", "where-is-my-order-please"),
        ("first", "first-2"),
        ("!!!", "case-1a4a7a4e"),
        ("！？…", "case-"),
        ("返品できますか？", "返品できますか"),
        ("iPhoneの返品、できますか。", "iphoneの返品-できますか"),
        (
            "注文した商品がまだ届いていないので配送状況を教えてください",
            "注文した商品がまだ届いていないので配送状況を教え",
        ),
        ("か\u3099 " * 30, "が-が-が-が-が"),
        ("สวัสดีครับ", "สวัสดีครับ"),
        ("नमस्ते दुनिया", "नमस्ते-दुनिया"),
        ("Où est-il?", "où-est-il"),
        ("Naïve 😀 question: " + "word" * 20, "naïve-question-wordwordwordwordwordwordwo"[:40]),
    ],
)
def test_an_id_is_made_of_the_first_words(place: Place, question: str, id_: str):
    add(place, "-i", f"question={question}", "--expected", "x")
    made = cases(place)[-1].id
    assert made == id_ if not id_.startswith("case-") else (made[:5], len(made)) == ("case-", 13)


def test_two_cases_of_the_same_words_get_two_ids(place: Place):
    for count in ("1", "2", "3"):
        add(place, "-i", "question=Where?", "-i", f"count={count}", "--expected", "x")
    assert [case.id for case in cases(place)] == ["first", "where", "where-2", "where-3"]


def test_json_tells_what_was_added(place: Place):
    found = place.ok("case", "add", NAME, "-i", "question=Why?", "--expected", "x", "--json").json
    (case,) = cases(place)[1:]
    assert found == {
        "schema": 1, "name": NAME, "suite": "suite", "path": f"{EVALS}/cases.jsonl", "skipped": 0,
        "added": [{"id": "why", "case": case.digest, "inputs": {"question": "Why?"}, "expected": "x", "tags": [],
                   "cluster": None}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-i", "question=x", "--expected", "y", "--id", "first"],
            f"{EVALS}/cases.jsonl has a case first already. Choose another id.",
        ),
        (["-i", "question=x"], "correct: case x: expected is missing. --expected TEXT says it."),
        (["-i", "question=x", "--expected", '{"a": 1}'], "correct: case x: expected is no text."),
        (
            ["-i", "quetsion=x", "--id", "a", "--expected", "y"],
            f"{UNRENDERED} missing input question; unexpected input quetsion. {TAKES} Did you mean question?",
        ),
        (
            ["-i", "question=x", "-i", "count=many", "--id", "a", "--expected", "y"],
            f"{UNRENDERED} count must be a whole number, not 'many'. {TAKES}",
        ),
        (["-i", "question=x", "--expected", "y", "--id", " "], "an id must be text that can be printed."),
        (
            ["-i", "question=x", "--expected", "y", "--suite", "tone"],
            f"{NAME} has no suite tone. It has: suite.",
        ),
        (["-i", "question"], f"-i question: write -i KEY=VALUE or -i KEY=@FILE. {HELP}"),
        (["--expect-response"], f"--expect-response goes with --from-log. {HELP}"),
        (
            ["--from-log", "x.jsonl", "--expected", "y"],
            f"--from-log takes inputs, ids and expectations from the log: leave out the others. {HELP}",
        ),
        (["--from-log", "x.jsonl"], "x.jsonl: cannot be read: No such file or directory."),
    ],
)
def test_what_cannot_be_a_case_is_refused_before_anything_is_written(place: Place, arguments: list[str], message: str):
    assert refusal(place, "add", NAME, *arguments) == message


def test_where_there_is_no_suite_it_says_what_writes_one(place: Place):
    place.draft("new/one")
    assert refusal(place, "add", "new/one", "-i", "question=x") == (
        "new/one has no suite. promptreg new new/one --cases writes one."
    )
    assert refusal(place, "list", "new/one") == "new/one has no suite. promptreg new new/one --cases writes one."
    assert "Did you mean support/answer?" in refusal(place, "add", "support/anser", "-i", "question=x")


def test_of_several_suites_the_main_one_is_meant_or_the_one_that_is_named(place: Place):
    place.write(f"{EVALS}/tone.yaml", SUITE + "cases: tone.jsonl\n")
    place.write(f"{EVALS}/tone.jsonl", "")
    add(place, "-i", "question=a", "--expected", "x")
    add(place, "-i", "question=b", "--expected", "x", "--suite", "tone")
    assert [[case.id for case in suite.cases] for suite in place.project().head.suites(NAME)] == [["first", "a"], ["b"]]
    (place.path / EVALS / "suite.yaml").rename(place.path / EVALS / "main.yaml")
    assert refusal(place, "add", NAME, "-i", "question=c") == f"{NAME} has the suites main, tone. --suite chooses one."


# Files of every kind


def with_file(place: Place, name: str, text: str | bytes) -> None:
    place.write(f"{EVALS}/suite.yaml", f"{SUITE}cases: {name}\n")
    place.write(f"{EVALS}/{name}", text)


LINE = '{"id": "a", "inputs": {"question": "返品 \\"x\\""}, "expected": "y"}'
ENTRY = '- id: "a"\n  inputs: {"question": "返品 \\"x\\""}\n  expected: "y"\n'


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("c.jsonl", "", f"{LINE}\n"),
        ("c.jsonl", '{"id": "b", "expected": "x"}', f"\n{LINE}\n"),
        ("c.jsonl", '{"id": "b", "expected": "x"}\r\n', f"{LINE}\r\n"),
        ("c.csv", "\ufeffexpected,id,question\r\n", 'y,a,"返品 ""x"""\r\n'),
        ("c.csv", "", '\ufeffid,question,expected\r\na,"返品 ""x""",y\r\n'),
        ("cases.yaml", "# None yet\n", ENTRY),
        ("cases.yaml", "# Found\n- id: b # in May\n  expected: x\n\n# the end\n", ENTRY),
        ("cases.yaml", "  - {id: b, expected: x}", "\n" + indent(ENTRY, "  ")),
        ("cases.yaml", "-   id: b\n    expected: x\n", ENTRY),
    ],
)
def test_a_case_is_written_behind_what_stands_there(place: Place, name: str, before: str, after: str):
    with_file(place, name, before)
    add(place, "-i", 'question=返品 "x"', "--expected", "y", "--id", "a")
    assert place.path.joinpath(EVALS, name).read_bytes() == (before + after).encode()
    assert cases(place)[-1] == Case(id="a", inputs={"question": '返品 "x"'}, expected="y")


ENDED = "this is not YAML: did not find expected <document start>."
NO_COLUMN = (
    "case a does not fit into this table: it has no column question. Add it to the first row, and a comma to the "
    "others."
)
IN_BRACKETS = (
    "this list is not written one entry below the other, so nothing can be added to it. Write each entry behind a - on "
    "lines of its own."
)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "c.csv",
            "id,expected\n",
            f" {NO_COLUMN}",
        ),
        (
            "cases.yaml",
            "[{id: b, expected: x}]\n",
            f"1: {IN_BRACKETS}",
        ),
        (
            "cases.yaml",
            "- id: b\n  expected: x\n...\n",
            f" with a case more at its end this file could not be read: {ENDED} Add it by hand.",
        ),
    ],
)
def test_a_file_that_cannot_take_a_case_stays_as_it_is(place: Place, name: str, text: str, message: str):
    with_file(place, name, text)
    assert (
        refusal(place, "add", NAME, "-i", "question=x", "--expected", "y", "--id", "a") == f"{EVALS}/{name}:{message}"
    )


def test_cases_in_the_suite_itself_are_moved_out_first_and_it_says_how(place: Place):
    place.write(f"{EVALS}/suite.yaml", SUITE + "cases:\n- {id: a, inputs: {question: x}, expected: y}\n")
    (place.path / EVALS / "cases.jsonl").unlink()
    assert refusal(place, "add", NAME, "-i", "question=z", "--expected", "y") == (
        f"{EVALS}/suite.yaml holds its cases itself. Move them into a file: promptreg case export {NAME} "
        f"{EVALS}/cases.jsonl, then write  cases: cases.jsonl  in place of the list."
    )
    before = [case.digest for case in cases(place)]
    place.ok("case", "export", NAME, f"{EVALS}/cases.jsonl")
    place.write(f"{EVALS}/suite.yaml", SUITE + "cases: cases.jsonl\n")
    assert [case.digest for case in cases(place)] == before
    add(place, "-i", "question=z", "--expected", "y")


def test_code_that_makes_cases_is_told_and_not_run(place: Place):
    place.write(f"{EVALS}/suite.yaml", SUITE + "cases: python:made:cases\n")
    place.write(f"{EVALS}/made.py", "raise SystemExit(9)\n")
    assert refusal(place, "add", NAME, "-i", "question=z", "--expected", "y") == (
        f"python:made:cases makes the cases of {EVALS}/suite.yaml. Add yours to what it gives."
    )
    assert refusal(place, "export", NAME, "out.csv") == (
        f"python:made:cases makes the cases of {NAME}, and runs in promptreg eval --allow-code only."
    )
    assert place.ok("case", "list", NAME).out == (
        "suite  python:made:cases makes the cases, in promptreg eval --allow-code only\n"
    )
    assert place.ok("case", "list", NAME, "--json").json["suites"] == [
        {"suite": "suite", "path": f"{EVALS}/suite.yaml", "cases": None, "code": "python:made:cases"}
    ]


def test_of_many_who_add_at_once_nobody_loses_a_case(place: Place):
    programs = [
        subprocess.Popen(
            [sys.executable, "-m", "promptreg", *f"case add {NAME} -i question=x{at} --expected x --id c{at}".split()],
            cwd=place.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for at in range(4)
    ]  # fmt: skip
    done = [(program.communicate(), program.returncode) for program in programs]
    added = {f"c{at}" for at, (_, status) in enumerate(done) if status == 0}
    assert {case.id for case in cases(place)} == {"first", *added}
    for (_, said), status in done:
        assert status == 0 or "somebody else has written this file meanwhile. Try again." in said


# From a log


def log(place: Place, *rows: Any) -> str:
    place.write("log.jsonl", "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return "log.jsonl"


def test_calls_are_taken_out_of_a_log_and_those_that_are_there_are_passed_over(place: Place):
    file = log(
        place,
        {"at": "2026-11-20", "inputs": {"question": "One?"}, "output": "Said", "expected": "Right", "user": 7},
        {"inputs": {"question": "What?"}, "expected": "Something else"},
        {"inputs": {"question": "One?"}, "expected": "Again"},
        "",
        {
            "id": 77,
            "inputs": {"question": "Two?", "count": 2},
            "expected": {"queue": "a"},
            "tags": ["ja"],
            "cluster": "x",
        },
    )
    place.write(f"{EVALS}/suite.yaml", "provider: echo\nscorers: {any: {type: regex, pattern: x}}\n")
    said = add(place, "--from-log", file, "--tag", "logged")
    assert said.startswith(f"2 cases added to {EVALS}/cases.jsonl, 2 cases there already\n")
    assert cases(place)[1:] == [
        Case(id="one", inputs={"question": "One?"}, expected="Right", tags=["logged"]),
        Case(
            id="77",
            inputs={"question": "Two?", "count": 2},
            expected={"queue": "a"},
            tags=["ja", "logged"],
            cluster="x",
        ),
    ]
    assert add(place, "--from-log", file).startswith("0 cases added to")


def test_what_was_answered_is_expected_only_where_somebody_says_so(place: Place):
    rows = [
        {"inputs": {"question": "a"}, "output": "A"},
        {"inputs": {"question": "b"}, "response": "B"},
        {"inputs": {"question": "c"}, "response": {"choices": [{"message": {"content": "C"}}]}},
        {"inputs": {"question": "d"}, "response": "X", "expected": "D"},
    ]
    file = log(place, *rows)
    assert refusal(place, "add", NAME, "--from-log", file) == "log.jsonl:1: correct: case a: expected is missing."
    add(place, "--from-log", file, "--expect-response")
    assert [case.expected for case in cases(place)[1:]] == ["A", "B", "C", "D"]


SHAPES = 'Each line is {"inputs": {…}}, with "expected", "id" and "tags" where there are any.'
MESSAGES = (
    "there are messages here and no inputs, and inputs can be read off messages only of a prompt with a single one, a "
    f"text. {NAME} takes question, hits, count. Log the inputs."
)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "2:2: this line is not JSON: expecting property name enclosed in double quotes."),
        ("[]", f"2: this is no call. {SHAPES}"),
        ({"prompt": "x"}, f"2: there are no inputs here. {SHAPES}"),
        ({"inputs": [1], "output": "y"}, "2: inputs must be a mapping."),
        ({"inputs": {"question": "x"}, "tags": "a", "output": "y"}, "2: tags must be a list."),
        ({"inputs": {"question": "x"}}, "2: there is no answer here to expect: neither output nor response."),
        (
            {"id": "a", "inputs": {"q": "x"}, "output": "y"},
            f"2: {UNRENDERED} missing input question; unexpected input q. {TAKES}",
        ),
        (
            {"id": "first", "inputs": {"question": "x"}, "output": "y"},
            f"2: {EVALS}/cases.jsonl has a case first already. Choose another id.",
        ),
        ({"messages": [{"role": "user", "content": "x"}], "response": "y"}, f"2: {MESSAGES}"),
    ],
)
def test_one_line_that_is_no_case_and_nothing_of_a_log_is_taken(place: Place, row: Any, message: str):
    file = log(place, {"inputs": {"question": "good"}, "output": "y"}, row)
    assert refusal(place, "add", NAME, "--from-log", file, "--expect-response") == f"log.jsonl:{message}"


ONE = "---\ninputs: {question: string}\n---\n"
SO = "so it cannot be read off the last user message. Log the inputs."
TALK = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Why?"}]


def test_a_log_of_messages_will_do_where_the_prompt_makes_them_of_one_text(place: Place):
    place.draft(NAME, ONE + '{% message role="system" %}Be brief.{% endmessage %}\n'
                '{% message role="user" %}{{ question }}{% endmessage %}\n')  # fmt: skip
    add(place, "--from-log", log(place, {"messages": TALK, "response": "So."}), "--expect-response")
    assert cases(place)[-1] == Case(id="why", inputs={"question": "Why?"}, expected="So.")


@pytest.mark.parametrize(
    ("draft", "messages", "message"),
    [
        ("Say {{ question }}", TALK, f"{NAME}@draft puts other words around question, {SO}"),
        ("{{ question }}", TALK[:1], "there is no user message here to read an input off."),
        ("{{ question }}", "Why?", "messages must be a list of mappings."),
    ],
)
def test_an_input_is_never_guessed_from_messages(place: Place, draft: str, messages: Any, message: str):
    place.draft(NAME, ONE + draft + "\n")
    file = log(place, {"messages": messages, "response": "So."})
    assert refusal(place, "add", NAME, "--from-log", file, "--expect-response") == f"log.jsonl:1: {message}"


# Tables in and out


def test_a_table_goes_out_and_comes_in_again_as_the_same_cases(place: Place):
    inputs = {"question": '=返品\n"x", y', "count": 2}
    place.suite(NAME, [FIRST, {"id": "ja", "inputs": inputs, "expected": "010", "tags": ["critical"]}], SUITE)
    before = cases(place)
    ran = place.ok("case", "export", NAME, "out.csv")
    assert ran.out == f"2 cases of {EVALS}/cases.jsonl written to out.csv\n"
    assert (place.path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfid,question:json,")
    assert place.ok("case", "import", NAME, "out.csv").out == (
        f"0 cases added to {EVALS}/cases.jsonl, 2 cases there already\n"
    )
    place.write(f"{EVALS}/cases.jsonl", "")
    found = place.ok("case", "import", NAME, "out.csv", "--json").json
    assert [case["id"] for case in found["added"]] == ["first", "ja"]
    assert cases(place) == before


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("in.csv", "id,question,expected\na,x,y\nfirst,x,y\n",
         f"in.csv:3: {EVALS}/cases.jsonl has a case first already. Choose another id."),
        ("in.csv", "id,question,expected\na,x,y\na,z,y\n",
         "in.csv:3: the id a stands here a second time; line 2 has it too. Choose another id."),
        ("in.csv", "",
         "in.csv: this table is empty. Its first row must hold the headings, as in  id,question,expected."),
        ("in.csv", "\ufeff\r\n,,\r\n",
         "in.csv: this table is empty. Its first row must hold the headings, as in  id,question,expected."),
        ("in.csv", "id,question,expected,note\na,x,y,z\n",
         f"in.csv:2: {UNRENDERED} unexpected input note. {TAKES}"),
        ("in.csv", "id,question,expected\na,返,y\n".encode("cp932"),
         'in.csv is not UTF-8 (it looks like Shift_JIS). In Excel: save as "CSV UTF-8".'),
        ("in.csv", "id,question\na,x\n", "in.csv:2: correct: case a: expected is missing."),
        ("in.yaml", "- id: a\n  expected: y\n", f"in.yaml:1: {UNRENDERED} missing input question. {TAKES}"),
        ("in.xlsx", "", "in.xlsx: cases are read from .jsonl, .csv, .yaml files."),
        ("missing.csv", None, "missing.csv: cannot be read: No such file or directory."),
    ],
)  # fmt: skip
def test_all_of_a_file_comes_in_or_nothing(place: Place, name: str, text: str | bytes | None, message: str):
    if text is not None:
        place.write(name, text)
    assert refusal(place, "import", NAME, name) == message


def test_a_column_that_no_input_is_called_like_is_told(place: Place):
    with_file(place, "c.csv", "sep=;\nid;question;expected;note;remark\na;x;y;one;\nb;x;y;;two\n")
    assert "  inputs of the cases that this version does not declare: note, remark\n" in place.ok("eval", NAME).out
    place.write("in.csv", "id,question,expectd\na,x,y\n")
    assert refusal(place, "import", NAME, "in.csv") == (
        "in.csv:1: there is no column expectd. Did you mean expected? An input of that name is headed inputs.expectd."
    )


def test_a_table_of_a_suite_in_another_encoding_is_named_once(place: Place):
    with_file(place, "c.csv", "id,question,expected\na,返品,y\n".encode("cp932"))
    assert refusal(place, "list", NAME) == (
        f'{EVALS}/c.csv is not UTF-8 (it looks like Shift_JIS). In Excel: save as "CSV UTF-8".'
    )


def test_an_export_overwrites_nothing(place: Place):
    place.write("out.csv", "mine")
    assert refusal(place, "export", NAME, "out.csv") == (
        "out.csv: this file is there already. Remove it, or choose another name."
    )
    assert refusal(place, "export", NAME, "out.xlsx") == "out.xlsx: cases are written to .csv or .jsonl files."
    assert not Path(place.path, "out.xlsx").exists()


def test_a_list_has_a_line_for_each_case_of_each_suite(place: Place):
    place.write(f"{EVALS}/tone.yaml", SUITE + "cases: [{id: t, inputs: {question: Why?}, expected: y, tags: [ja]}]\n")
    assert place.ok("case", "list", NAME).out == (
        f"suite  1 case  {EVALS}/cases.jsonl\n"
        "case   inputs  expected  tags\n"
        "first  What?   That.\n"
        f"tone  1 case  {EVALS}/tone.yaml\n"
        "case  inputs  expected  tags\n"
        "t     Why?    y         ja\n"
    )
    assert place.ok("case", "list", NAME, "--suite", "tone", "--json").json == {
        "schema": 1, "name": NAME,
        "suites": [{"suite": "tone", "path": f"{EVALS}/tone.yaml", "cases": 1, "code": None}],
        "cases": [{"suite": "tone", "case": Case(id="t", inputs={"question": "Why?"}, expected="y").digest, "id": "t",
                   "inputs": {"question": "Why?"}, "expected": "y", "tags": ["ja"], "cluster": None}],
    }  # fmt: skip
