"""suite.yaml and its cases: all keys, and what is wrong with path, line and column."""

from __future__ import annotations

import json
from typing import Any

import pytest

from promptreg.core.errors import FileError
from promptreg.core.source import Folder
from promptreg.evals.all_providers import PROVIDERS
from promptreg.evals.all_scorers import SCORERS as KINDS
from promptreg.evals.cases import Case
from promptreg.evals.suite import MetricPolicy, Setup, Suite, fingerprint, read_suite, read_suites, suite_names
from tests.support.place import Place

CASES = '{"id": "c1", "expected": "x"}\n'
SCORERS = "scorers:\n  correct: {type: exact}\n"
SUITE = "prompts/a/evals/suite.yaml"


@pytest.fixture
def evals(folder: Place) -> Place:
    """A folder with cases, in which suites can be written."""
    folder.write("prompts/a/evals/cases.jsonl", CASES)
    return folder


def read(place: Place, text: str | bytes, name: str = "suite") -> Suite:
    place.write(f"prompts/a/evals/{name}.yaml", text)
    return read_suite(Folder(str(place.path / "prompts"), "prompts/"), "a", name)


def refusal(place: Place, text: str | bytes, name: str = "suite") -> str:
    with pytest.raises(FileError) as caught:
        read(place, text, name)
    return str(caught.value)


# What a suite can say


def test_every_key_of_a_suite_is_read(evals: Place) -> None:
    evals.write("prompts/a/evals/many.jsonl", '{"id": "c1", "inputs": {"q": "?"}, "expected": {"queue": "billing"}}\n')
    suite = read(
        evals,
        """\
# 問い合わせの振り分け
description: Routes tickets to queues.
provider: nearest-example
model: gpt-4.1-mini
parameters: {temperature: 0.2, stop: ["。"]}
repeats: 3
store_outputs: failing
scorers:
  correct: {type: exact, expected: "{queue}"}
  short: {type: regex, pattern: "^.{0,20}$"}
gate:
  correct: {max_drop: 0.02, min: 0.80}
  short: {block: false}
  latency: {max_rise: 0.20, block: false}
  cost: {max_rise: 0.5}
cases: many.jsonl
""",
    )
    assert (suite.name, suite.path, suite.cases_path) == ("suite", SUITE, "prompts/a/evals/many.jsonl")
    assert (suite.provider, suite.model, suite.repeats) == ("nearest-example", "gpt-4.1-mini", 3)
    assert (suite.parameters, suite.store_outputs) == ({"temperature": 0.2, "stop": ["。"]}, "failing")
    assert list(suite.scorers) == ["correct", "short"]
    assert suite.gate == {
        "correct": MetricPolicy(max_drop=0.02, min=0.8),
        "short": MetricPolicy(block=False),
        "latency": MetricPolicy(max_rise=0.2, block=False),
        "cost": MetricPolicy(max_rise=0.5),
    }
    assert tuple(suite.cases) == (Case(id="c1", inputs={"q": "?"}, expected={"queue": "billing"}),)


def test_only_scorers_are_needed(evals: Place) -> None:
    suite = read(evals, SCORERS)
    assert (suite.provider, suite.model, suite.parameters, suite.repeats) == (None, None, {}, 1)
    assert (suite.store_outputs, suite.gate, tuple(suite.cases)) == ("all", {}, (Case(id="c1", expected="x"),))


def test_cases_can_stand_in_the_suite(evals: Place) -> None:
    suite = read(
        evals,
        SCORERS + "cases:\n- {id: c1, inputs: {q: '10'}, expected: x, tags: [critical], cluster: doc}\n"
        "- id: c2\n  expected: yes\n",
    )
    assert suite.cases_path == SUITE
    assert tuple(suite.cases) == (
        Case(id="c1", inputs={"q": "10"}, expected="x", tags=["critical"], cluster="doc"),
        Case(id="c2", expected="yes"),
    )


def test_the_same_case_has_the_same_digest_in_yaml_and_in_json_lines(evals: Place) -> None:
    inputs = {"q": "返品", "n": 2.5, "flag": True, "nothing": None, "list": [1, {"a": "b"}]}
    evals.write("prompts/a/evals/cases.jsonl", json.dumps({"id": "c1", "inputs": inputs, "expected": "x"}))
    lines = read(evals, SCORERS)
    inline = read(
        evals,
        SCORERS
        + "cases:\n- id: c1\n  inputs: {q: 返品, n: 2.5, flag: true, nothing: ~, list: [1, {a: b}]}\n  expected: x\n",
    )
    assert [case.digest for case in inline.cases] == [case.digest for case in lines.cases]


def test_further_suites_stand_beside_the_main_one(evals: Place) -> None:
    for name in ("tone", "suite", "a-b_2"):
        read(evals, SCORERS, name)
    evals.write("prompts/a/evals/notes.txt", "no suite")
    source = Folder(str(evals.path / "prompts"), "prompts/")
    assert suite_names(source, "a") == ["suite", "a-b_2", "tone"]
    assert [suite.name for suite in read_suites(source, "a")] == ["suite", "a-b_2", "tone"]
    assert read_suites(source, "b") == []


def test_a_yaml_file_of_cases_is_no_suite_and_belongs_to_one(evals: Place) -> None:
    source = Folder(str(evals.path / "prompts"), "prompts/")
    for file in ("cases.yaml", "tone.cases.yaml"):
        evals.write(f"prompts/a/evals/{file}", "- {id: c1, expected: x}\n")
    read(evals, SCORERS + "cases: cases.yaml\n")
    read(evals, SCORERS + "cases: tone.cases.yaml\n", "tone")
    assert suite_names(source, "a") == ["suite", "tone"]
    assert [len(suite.cases) for suite in read_suites(source, "a")] == [1, 1]
    read(evals, SCORERS + "cases: cases.yaml\n", "tone")
    with pytest.raises(FileError) as caught:
        read_suites(source, "a")
    assert str(caught.value) == (
        "prompts/a/evals/tone.cases.yaml: no suite says  cases: tone.cases.yaml. Write it into one, or rename this "
        "file if it is a suite itself."
    )


def test_a_byte_order_mark_and_windows_line_ends_are_read_over(evals: Place) -> None:
    evals.write("prompts/a/evals/cases.jsonl", b"\xef\xbb\xbf" + CASES.replace("\n", "\r\n").encode())
    suite = read(evals, b"\xef\xbb\xbf" + SCORERS.replace("\n", "\r\n").encode())
    assert tuple(suite.cases) == (Case(id="c1", expected="x"),)


# What is wrong

GATE = SCORERS + "gate:\n  "
KEYS = "cases, description, gate, model, parameters, provider, repeats, scorers, store_outputs"
COLON = 'this value holds ": ". Put it in quotes: description: "返品: 30日以内".'
NO_NAME = "a scorer's name is text without a dot, and not provider: results and verdicts use these otherwise."
EMPTY = "an empty text is contained in every answer. Say what is expected."
NO_CASES_FILE = (
    "cases names a file beside the suite (.jsonl, .csv, .yaml), as in  cases: cases.jsonl; or python:MODULE:FUNCTION."
)
SCORER_NAMES = f"There are {', '.join(KINDS)}."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: scorers is missing."),
        ("- a\n", "1:1: this must be a mapping."),
        ("scorers: {}\n", "1:10: a suite needs at least one scorer."),
        ("scorers: [exact]\n", "1:10: scorers must be a mapping."),
        ("scorers:\n  correct: exact\n", "2:12: correct must be a mapping."),
        ("scorers:\n  correct: {}\n", f"2:12: a scorer needs a type. {SCORER_NAMES}"),
        ("scorers:\n  correct: {type: exakt}\n", f"2:19: there is no scorer exakt. {SCORER_NAMES} Did you mean exact?"),
        (
            "scorers:\n  correct: {type: exact, expect: a}\n",
            "2:26: there is no key expect here. It can be expected, ignore_case, type. Did you mean expected?",
        ),
        (
            "scorers:\n  correct: {type: regex, patern: a}\n",
            "2:12: pattern is missing.",
        ),
        ("scorers:\n  correct: {type: exact, ignore_case: yes}\n", "2:39: ignore_case must be true or false."),
        (
            "scorers:\n  correct: {type: regex, pattern: '('}\n",
            "2:35: pattern: this is not a regular expression: missing ), unterminated subpattern at position 0.",
        ),
        (
            "scorers:\n  latency: {type: exact}\n",
            "2:3: latency is measured in every run. Name the scorer something else.",
        ),
        (SCORERS + "provider: [echo]\n", "3:11: provider must be text."),
        (
            SCORERS + "provider: ecko\n",
            f"3:11: There is no provider ecko. There are {', '.join(PROVIDERS)}. Did you mean echo?",
        ),
        (SCORERS + "model: 4\n", "3:8: model must be text."),
        (SCORERS + "parameters: warm\n", "3:13: parameters must be a mapping."),
        (
            SCORERS + "parameters: {temperature: 0, api_base: 'https://elsewhere'}\n",
            (
                "3:30: api_base is no generation setting: endpoints, credentials, headers and transport come from the "
                "environment."
            ),
        ),
        (SCORERS + "repeats: 0\n", "3:10: repeats: input should be greater than or equal to 1."),
        (SCORERS + "repeats: 1001\n", "3:10: repeats: input should be less than or equal to 1000."),
        (SCORERS + "repeats: 1.5\n", "3:10: repeats must be a whole number."),
        (SCORERS + "repeats: many\n", "3:10: repeats must be a whole number."),
        (
            SCORERS + "store_outputs: some\n",
            "3:16: store_outputs must be 'all', 'failing' or 'none', not 'some'.",
        ),
        (
            SCORERS + "casses: x.jsonl\n",
            f"3:1: there is no key casses here. It can be {KEYS}. Did you mean cases?",
        ),
        (SCORERS + "repeats: 2\nrepeats: 3\n", "4:1: the key repeats stands here a second time."),
        (SCORERS + "repeats: .nan\n", "3:10: .nan is no number that can be compared. Put it in quotes if it is text."),
        (SCORERS + "description: 返品: 30日以内\n", f"3:14: {COLON}"),
        ("scorers:\n  tone.correct: {type: exact}\n", f"2:3: {NO_NAME}"),
        ("scorers:\n  provider: {type: exact}\n", f"2:3: {NO_NAME}"),
        ('scorers:\n  " ": {type: exact}\n', f"2:3: {NO_NAME}"),
        ('scorers:\n  "a\\nb": {type: exact}\n', f"2:3: {NO_NAME}"),
        ("scorers:\n  correct: {type: [exact]}\n", f"2:19: a scorer needs a type. {SCORER_NAMES}"),
        ("scorers:\n  correct: {type: contains, expected: 5}\n", "2:39: expected must be text or a list."),
        ("scorers:\n  correct: {type: contains, expected: ''}\n", f"2:39: correct: {EMPTY}"),
        ("scorers:\n  correct: {type: contains, expected: []}\n", f"2:39: correct: {EMPTY}"),
        ("scorers:\n  correct: {type: contains, expected: [a, ' ']}\n", f"2:39: correct: {EMPTY}"),
        # gate
        (
            GATE + "corect: {min: 0.8}\n",
            "4:3: corect is not measured here. There are correct, latency, cost, tokens. Did you mean correct?",
        ),
        (
            GATE + "correct: {minn: 0.8}\n",
            "4:13: there is no key minn here. It can be block, max_drop, max_rise, min. Did you mean min?",
        ),
        (GATE + "correct: {min: high}\n", "4:18: min must be a number."),
        (GATE + "correct: {max_drop: 0}\n", "4:23: max_drop: input should be greater than 0."),
        (GATE + "correct: {max_drop: 5}\n", "4:23: max_drop: input should be less than or equal to 1."),
        (GATE + "correct: {block: 1}\n", "4:20: block must be true or false."),
        (GATE + "correct: {max_rise: 0.2}\n", "4:12: correct takes max_drop, not max_rise."),
        (GATE + "latency: {max_drop: 0.2}\n", "4:12: latency takes max_rise, since less of it is better."),
        (GATE + "cost: {min: 0.2}\n", "4:9: cost takes max_rise, since less of it is better."),
        (GATE + "tokens: {max_rise: -1}\n", "4:22: max_rise: input should be greater than 0."),
        # cases
        (SCORERS + "cases: cases.txt\n", f"3:8: {NO_CASES_FILE}"),
        (
            SCORERS + "cases: many.yaml\n",
            "3:8: a .yaml file of cases is called cases.yaml, or its name ends in .cases.yaml: any other is a suite.",
        ),
        (SCORERS + "cases: .csv\n", f"3:8: {NO_CASES_FILE}"),
        (SCORERS + "cases: ../../b/cases.jsonl\n", f"3:8: {NO_CASES_FILE}"),
        (
            SCORERS + "cases: python:cases\n",
            "3:8: python:cases: name a function of a module, as in python:tools.checks:polite",
        ),
        (SCORERS + "cases: other.jsonl\n", "3:8: there is no prompts/a/evals/other.jsonl."),
        (
            SCORERS + "cases:\n- id: c1\n  input: {}\n",
            "5:3: there is no key input here. It can be cluster, expected, id, inputs, tags. Did you mean inputs?",
        ),
        (SCORERS + "cases:\n- {id: c1, expected: x}\n- {expected: x}\n", "5:3: id is missing."),
        (SCORERS + "cases:\n- {id: 1, expected: x}\n", "4:8: id must be text."),
        (SCORERS + "cases:\n- {id: a, expected: x, tags: critical}\n", "4:30: tags must be a list."),
        (
            SCORERS + "cases:\n- {id: a, expected: x}\n- {id: a, expected: y}\n",
            "5:8: the id a stands here a second time.",
        ),
        (SCORERS + "cases:\n- {id: a, expected: x}\n- {id: b}\n", "5:3: correct: case b: expected is missing."),
        (SCORERS + "cases: 5\n", "3:8: cases must be text or a list."),
        (SCORERS + "cases: [a]\n", "3:9: this must be a mapping."),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_suite_is_named_with_path_line_and_column(evals: Place, text: str, message: str) -> None:
    assert refusal(evals, text) == f"{SUITE}:{message}"


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("scorers:\n  correct: {type: [exact]}\n", "2:19: "),
        ("scorers:\n  correct: {type: {a: b}}\n", "2:19: "),
        ("scorers:\n  correct: {type: contains, expected: 5}\n", "2:39: expected "),
        ("scorers:\n  correct: {type: contains, expected: [a, 5]}\n", "2:43: "),
        ("scorers:\n  correct: {type: json-schema, schema: 5}\n", "2:40: schema "),
        ("scorers:\n  correct: {type: json-schema, schema: {$schema: [1]}}\n", "2:"),
        ("scorers:\n  correct: {type: regex, pattern: 'a{99999999999999}'}\n", "2:35: pattern: "),
        (SCORERS + "cases: 5\n", "3:8: cases "),
    ],
)
def test_a_value_of_a_kind_that_is_never_right_is_named_by_its_key_and_place(
    evals: Place, text: str, begins: str
) -> None:
    said = refusal(evals, text)
    assert said.startswith(f"{SUITE}:{begins}")
    assert not [word for word in ("str ", "dict[", "list[", "unhashable") if word in said.partition(": ")[2]]


def test_an_id_that_stands_twice_in_a_suite_is_refused(evals: Place) -> None:
    said = refusal(evals, SCORERS + "cases:\n- {id: c1, expected: x}\n- {id: c1, expected: y}\n")
    assert said.startswith(SUITE)
    assert said.endswith(": the id c1 stands here a second time.")


def test_merge_conflict_markers_are_named_with_their_line(evals: Place) -> None:
    text = SCORERS + "<<<<<<< HEAD\nrepeats: 1\n=======\nrepeats: 2\n>>>>>>> other\n"
    assert refusal(evals, text) == f"{SUITE}:3: merge conflict markers stand here. Settle the conflict, then try again."


def test_a_suite_that_is_not_there_is_named_with_a_near_match(evals: Place) -> None:
    read(evals, SCORERS, "tone")
    with pytest.raises(FileError) as caught:
        read_suite(Folder(str(evals.path / "prompts"), "prompts/"), "a", "tones")
    assert str(caught.value) == "prompts/a/evals/tones.yaml: a has no suite tones. Did you mean tone?"


@pytest.mark.parametrize("name", ["Tone", "a.b", "a b", "評価"])
def test_a_suite_whose_file_name_could_not_stand_in_a_result_is_refused(evals: Place, name: str) -> None:
    said = refusal(evals, SCORERS, name)
    assert said == f"prompts/a/evals/{name}.yaml: a suite's file name is made of a–z, 0–9, - and _."


@pytest.mark.parametrize(
    ("scorer", "case", "message"),
    [
        ("{type: exact}", {"id": "c1"}, "correct: case c1: expected is missing."),
        ("{type: exact}", {"id": "c1", "expected": {"queue": "x"}}, "correct: case c1: expected is no text."),
        (
            '{type: exact, expected: "{queue}"}',
            {"id": "c1", "inputs": {"q": 1}, "expected": "x"},
            "correct: case c1 has no queue, neither under expected nor among its inputs.",
        ),
        ('{type: contains, expected: ["{q}"]}', {"id": "c1", "inputs": {"q": [1]}}, "correct: case c1: q is no text."),
        ("{type: contains}", {"id": "c1", "expected": ["a", None]}, "correct: case c1: expected is missing."),
    ],
)
def test_a_case_that_lacks_what_a_scorer_needs_is_an_error_of_the_suite(
    evals: Place, scorer: str, case: dict[str, Any], message: str
) -> None:
    evals.write("prompts/a/evals/cases.jsonl", json.dumps(case))
    assert refusal(evals, f"scorers:\n  correct: {scorer}\n") == f"prompts/a/evals/cases.jsonl:1: {message}"


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{type: sentence}", "this is not a JSON Schema: 'sentence' is not valid under any of the given schemas."),
        ("{pattern: '('}", "this is not a JSON Schema: '(' is not a 'regex'."),
        ("{$schema: [1]}", "this is not a JSON Schema: $schema must be text."),
        ("{items: {$ref: 'https://example.com/x'}}", "https://example.com/x; other documents are not fetched."),
        ("{items: {$ref: '#/$defs/x'}}", "the schema refers to #/$defs/x, which it does not hold."),
        ("{anyOf: [{$ref: '#'}]}", "refers to itself without end, or the answer is nested too deep."),
    ],
)
def test_what_is_no_json_schema_is_named_where_it_stands(evals: Place, schema: str, message: str) -> None:
    text = f"scorers:\n  correct: {{type: json-schema, schema: {schema}}}\n"
    for cases in (CASES, ""):
        evals.write("prompts/a/evals/cases.jsonl", cases)
        said = refusal(evals, text)
        assert said.startswith(f"{SUITE}:2:")
        assert said.endswith(message)


# Setup and fingerprint


def test_the_setup_is_provider_model_parameters_and_the_scorers_digests(evals: Place) -> None:
    suite = read(evals, SCORERS + "provider: echo\nmodel: m\nparameters: {temperature: 0}\n")
    digest = suite.scorers["correct"].digest()
    assert suite.setup() == Setup(
        provider="echo", model="m", parameters={"temperature": 0}, scorers={"correct": digest}
    )
    assert suite.setup("command:x").provider == "command:x"
    assert digest.startswith("sha256:")
    assert len(digest) == 71


BASE = SCORERS + "provider: echo\n"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (BASE + "# a comment\n", True),
        (BASE + "description: Other words.\nrepeats: 3\nstore_outputs: none\n", True),
        (BASE + "gate: {correct: {min: 0.5}}\n", True),
        (BASE + "cases: [{id: c9, expected: z}]\n", True),
        ("provider: echo\nscorers: {correct: {ignore_case: false, type: exact}}\n", True),
        (BASE + "model: m\n", False),
        (BASE + "parameters: {seed: 1}\n", False),
        (BASE.replace("echo", "nearest-example"), False),
        (BASE.replace("exact", "contains"), False),
        (BASE.replace("exact", "exact, ignore_case: true"), False),
        (BASE.replace("exact}", "exact, expected: '{expected}'}"), False),
        (BASE.replace("correct", "right"), False),
    ],
)
def test_the_fingerprint_changes_with_the_setup_and_with_nothing_else(evals: Place, text: str, same: bool) -> None:
    behaviour = "sha256:" + "1" * 64
    before = fingerprint(behaviour, read(evals, BASE).setup())
    assert (fingerprint(behaviour, read(evals, text).setup()) == before) is same
    assert fingerprint("sha256:" + "2" * 64, read(evals, BASE).setup()) != before


def test_digests_that_stand_in_files_for_ever_do_not_change(evals: Place) -> None:
    suite = read(
        evals,
        'provider: echo\nscorers:\n  exact: {type: exact}\n  contains: {type: contains, expected: ["a", "{q}"]}\n'
        "  regex: {type: regex, pattern: a, full: true}\n  schema: {type: json-schema, schema: {type: object}}\n"
        'cases: [{id: c1, inputs: {q: b}, expected: "1"}]\n',
    )
    assert {name: scorer.digest()[7:15] for name, scorer in suite.scorers.items()} == {
        "exact": "1f2dc264",
        "contains": "dee5102b",
        "regex": "4ec9942b",
        "schema": "14e1e699",
    }
    assert fingerprint("sha256:" + "1" * 64, suite.setup())[7:15] == "e90be0ad"
