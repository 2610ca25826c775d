"""Stored results: the file format, for ever; and what is no result."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promptreg.core.errors import FileError
from promptreg.evals.reading import read_result
from promptreg.evals.results import (
    CacheUse,
    CaseResult,
    Failure,
    Origin,
    Outputs,
    Result,
    mean_of,
    output_line,
    outputs_text,
    read_outputs,
    read_rows,
    results_of,
    totals,
)
from tests.support.evals import GRADE, GRADED, NEW, result, setup_of

FOLDER = "prompts/support/answer/evals/results/1.2.0/"

#: Written by the first release that stored results. What stands here must be readable for ever.
GOLDEN = """\
{
"schema": 1,
"prompt": "support/answer",
"version": "1.2.0",
"digest": "sha256:2222222222222222222222222222222222222222222222222222222222222222",
"suite": "suite",
"tool": "promptreg 0.1.0",
"fingerprint": "sha256:0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd",
"setup": {"provider": "openai", "model": "gpt-4.1-mini", "parameters": {"temperature": 0.2, "stop": ["。"]}, \
"scorers": {"correct": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", \
"polite": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}},
"models": ["gpt-4.1-mini-2026-04-14"],
"repeats": 2,
"seed": 7,
"started_at": "2026-11-20T09:30:00.125+00:00",
"duration_s": 12.5,
"origin": {"kind": "ci", "url": "https://ci.example.com/runs/214"},
"scorers": {"correct": {"kind": "pass-fail", "range": [0, 1], "direction": "up", \
"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, \
"polite": {"kind": "score", "range": [0, 1], "direction": "up", \
"digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "model": "gpt-4.1"}},
"totals": {"metrics": {"correct": {"n": 2, "mean": 0.75}, "polite": {"n": 2, "mean": 0.7}}, \
"tokens_in": 600, "tokens_out": 42, "cost_usd": 0.0005, "errors": 1},
"cases": [
{"id": "c01", "case": "0123456789abcdef", "tags": ["critical"], "cluster": "doc-7", \
"scores": {"correct": [1, 0], "polite": [0.9, 0.7]}, "latency_ms": [801.5, 912], "tokens_in": [200, 200], \
"tokens_out": [20, 22], "cost_usd": [0.0002, 0.0003]},
{"id": "返品-2", "case": "fedcba9876543210", "scores": {"correct": [1, null], "polite": [0.6, null]}, \
"latency_ms": [700, null], "tokens_in": [200, null], "errors": [{"repeat": 1, "source": "provider", \
"reason": "HTTP 529: overloaded"}], "cached": [false, false]}
]
}
"""


def digest8(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def read(text: str, name: str | None = None) -> Result:
    """Read a file that carries the name which its own content asks for, or another."""
    head = json.loads(text)
    named = f"{head['suite']}-{head['fingerprint'][7:15]}-{digest8(text)}.json"
    return read_result(text.encode(), FOLDER + (name or named))


def refusal(text: str, name: str | None = None) -> str:
    with pytest.raises(FileError) as caught:
        read(text, name)
    assert caught.value.path is not None
    assert caught.value.path.startswith(FOLDER)
    return caught.value.message


# The format


def test_a_file_of_the_first_release_is_read_and_written_again_byte_for_byte() -> None:
    found = read(GOLDEN)
    assert found.text() == GOLDEN
    assert found.file_name() == f"suite-0123abcd-{digest8(GOLDEN)}.json" == "suite-0123abcd-bee80922.json"


def test_what_a_file_of_the_first_release_says() -> None:
    found = read(GOLDEN)
    assert (found.prompt, found.version, found.suite, found.repeats, found.seed) == (
        "support/answer",
        NEW,
        "suite",
        2,
        7,
    )
    assert found.setup.engine() == ("openai", "gpt-4.1-mini", '{"stop":["。"],"temperature":0.2}', None, None)
    assert found.origin == Origin(kind="ci", url="https://ci.example.com/runs/214")
    assert found.scorers["polite"].model == "gpt-4.1"
    first, second = found.cases
    assert (first.id, first.tags, first.cluster, first.errors, first.cached) == ("c01", ["critical"], "doc-7", [], [])
    assert second.scores == {"correct": [1.0, None], "polite": [0.6, None]}
    assert second.errors == [Failure(repeat=1, source="provider", reason="HTTP 529: overloaded")]
    assert (second.tags, second.cluster, second.cost_usd) == ([], None, [])


def test_header_keys_stand_on_their_own_lines_and_each_case_on_one() -> None:
    lines = result(NEW, [1, 0, [1, 0]], models=["m"]).text().splitlines()
    assert [line.partition('"')[2].partition('"')[0] for line in lines[1:-5]] == [
        "schema", "prompt", "version", "digest", "suite", "tool", "fingerprint", "setup", "models", "repeats",
        "started_at", "duration_s", "origin", "scorers", "totals", "cases",
    ]  # fmt: skip
    assert lines[-5:] == [
        '{"id": "c0000", "case": "0123456789abcdef", "scores": {"correct": [1]}},',
        '{"id": "c0001", "case": "0123456789abcdef", "scores": {"correct": [0]}},',
        '{"id": "c0002", "case": "0123456789abcdef", "scores": {"correct": [1, 0]}}',
        "]",
        "}",
    ]


def test_a_file_is_named_for_its_suite_its_fingerprint_and_its_own_digest() -> None:
    found = result(NEW, [1], suite="tone", fingerprint="sha256:" + "0a1b2c3d" * 8)
    assert found.file_name() == f"tone-0a1b2c3d-{digest8(found.text())}.json"
    assert results_of("support/answer", NEW) == "support/answer/evals/results/1.2.0"


def test_the_same_run_has_the_same_bytes_whether_a_whole_number_was_a_float_or_not() -> None:
    one, other = result(NEW, [1, 0], duration_s=2), result(NEW, [1.0, 0.0], duration_s=2.0)
    assert one.text() == other.text()


def test_a_parameter_keeps_its_kind_of_number_and_its_null_in_the_file() -> None:
    for parameters in ({"temperature": 1.0}, {"temperature": 1}, {"stop": None}, {"top_p": 1e30}, {"x": [1.0, None]}):
        written = result(NEW, [1], setup=setup_of(parameters=parameters))
        found = read(written.text())
        assert found.setup.engine() == written.setup.engine(), parameters
        assert found.text() == written.text()


ODD = "\x7f\x85\x9f\u200f\u2028\u2029\u202e\u2066\ufeff\uffff"


def test_control_and_direction_characters_are_escaped_so_that_lines_stay_lines() -> None:
    text = result(NEW, [1], columns={"tags": [[f"返品{ODD}é"]]}).text()
    assert not set(ODD) & set(text)
    assert "返品" in text
    assert "é" in text
    assert read(text).cases[0].tags == [f"返品{ODD}é"]
    assert not set(ODD) & set(outputs_text({f"c{ODD}": [ODD]}))


scores_of_cases = st.lists(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=3), min_size=1, max_size=5)


@given(scores_of_cases, st.lists(st.floats(0, 1e12), min_size=5, max_size=5), st.text())
@example([[None]], [0.0] * 5, "a program said \x7f")
@example([[1.0]], [0.0] * 5, "<<<<<<< \n>>>>>>> \u2028\r\ufeff")
@settings(max_examples=60, deadline=None)
def test_a_result_survives_its_file(scores: list[Any], latencies: list[float], words: str) -> None:
    columns = {"latency_ms": [[value] for value in latencies], "tags": [[words]] * 5, "cluster": [words] * 5}
    failures = [
        [Failure(repeat=at, source="grade", reason=words) for at, value in enumerate(values) if value is None]
        for values in scores
    ]
    written = result(NEW, scores, GRADED, columns=columns | {"errors": failures}, tool=words)
    written = written.model_copy(update={"totals": totals(written.cases, written.scorers)})
    found = read_result(written.text().encode(), f"x/{written.file_name()}")
    assert found == written
    assert found.text() == written.text()


# What does not add up


def test_a_file_that_was_edited_after_the_run_is_refused() -> None:
    edited = GOLDEN.replace("[1, 0]", "[1, 1]").replace("0.75", "1")
    name = f"suite-0123abcd-{digest8(GOLDEN)}.json"
    assert refusal(edited, name) == (
        f"the file was changed after the run: its name says {digest8(GOLDEN)}, its content is {digest8(edited)}."
    )


@pytest.mark.parametrize(
    "name",
    [
        "suite-ffffffff-{}.json",
        "tone-0123abcd-{}.json",
        "suite-0123abcd-{}.JSON",
        "suite-0123abcd-{} copy.json",
        "{}.json",
    ],
)
def test_a_file_that_was_renamed_is_refused(name: str) -> None:
    assert refusal(GOLDEN, name.format(digest8(GOLDEN)))


def edit(old: str, new: str) -> str:
    assert old in GOLDEN
    return GOLDEN.replace(old, new)


TOTALS = "the totals do not add up to the cases."
TOO_MANY = "there are more values than the 2 repeats."
AT_MOST = "less than or equal to"
ERROR = '{"repeat": 1, "source": "provider", "reason": "again"}'
NO_RESULT = "this is not a result of promptreg: "
DIGESTS = "digest and fingerprint must be sha256: and 64 hexadecimal digits."


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # totals
        ('"mean": 0.75', '"mean": 0.76', TOTALS),
        ('{"n": 2, "mean": 0.75}', '{"n": 3, "mean": 0.75}', TOTALS),
        ('"correct": {"n": 2, "mean": 0.75}, ', "", TOTALS),
        ('"tokens_in": 600', '"tokens_in": 601', TOTALS),
        ('"tokens_out": 42', '"tokens_out": 0', TOTALS),
        ('"cost_usd": 0.0005', '"cost_usd": 0.0004', TOTALS),
        ('"errors": 1}', '"errors": 0}', TOTALS),
        ('{"correct": [1, 0]', '{"correct": [1, 1]', TOTALS),
        # scores and other values
        ('{"correct": [1, 0]', '{"correct": [1, 2]', "case c01: correct is 2.0, outside of its range 0 to 1."),
        ('{"correct": [1, 0]', '{"correct": [1, -1]', "case c01: correct is -1.0, outside of its range 0 to 1."),
        ('{"correct": [1, 0]', '{"correct": [1, 0.5]', "case c01: correct is 0.5; a pass-fail score is 0 or 1."),
        ('"polite": [0.9, 0.7]', '"polite": [0.9, 1.01]', "case c01: polite is 1.01, outside of its range 0 to 1."),
        ('{"correct": [1, 0]', '{"correct": [1, 0, 0]', f"case c01: {TOO_MANY}"),
        ('"tokens_in": [200, 200]', '"tokens_in": [200, 100, 100]', f"case c01: {TOO_MANY}"),
        ('"cached": [false, false]', '"cached": [false, false, true]', f"case 返品-2: {TOO_MANY}"),
        ('{"correct": [1, 0], ', '{"right": [1, 0], ', "case c01: right is none of the scorers."),
        ("[801.5, 912]", "[-801.5, 912]", "case c01: latency_ms is below 0."),
        ("[801.5, 912]", "[801.5, 1e16]", "case c01: latency_ms is above 1e+15."),
        ('"tokens_in": [200, null]', f'"tokens_in": [{10**400}, null]', "case 返品-2: tokens_in is above 1e+15."),
        ('"repeats": 2', '"repeats": 1000000000', f"{NO_RESULT}repeats: repeats: input should be {AT_MOST} 100000."),
        ('"errors": [{', '"errors": [' + ERROR + ", {", "case 返品-2: an error stands here twice."),
        ('"cost_usd": [0.0002, 0.0003]', '"cost_usd": [-0.0002, 0.0007]', "case c01: cost_usd is below 0."),
        ('"id": "返品-2"', '"id": "c01"', "case c01: it stands here twice."),
        # what was judged
        ("sha256:2222", "sha256:22g2", DIGESTS),
        ('"digest": "sha256:2222', '"digest": "2222', DIGESTS),
        ('0123abcd",\n"setup"', '0123abcz",\n"setup"', DIGESTS),
        ('"version": "1.2.0"', '"version": "1.2"', "1.2 is not a version."),
        ('"version": "1.2.0"', '"version": "../x"', "../x is not a version."),
        ("2026-11-20T09:30:00.125+00:00", "yesterday", "started_at is 'yesterday', which is no time (ISO 8601)."),
        (
            '"direction": "up", "digest": "sha256:aaaa',
            '"direction": "up", "digest": "sha256:cccc',
            "a scorer's digest is not the one of the setup.",
        ),
        (', "polite": "sha256:' + "b" * 64 + '"}}', "}}", "the scorers and those of the setup are not the same."),
        # shape
        ('"schema": 1', '"schema": 2', f"{NO_RESULT}schema: schema must be 1, not 2."),
        ('"schema": 1,\n', "", f"{NO_RESULT}schema: schema is missing."),
        ('"repeats": 2', '"repeats": 2.5', f"{NO_RESULT}repeats: repeats must be a whole number."),
        (
            '"direction": "up", "digest": "sha256:a',
            '"direction": "left", "digest": "sha256:a',
            f"{NO_RESULT}scorers.correct.direction: direction must be 'up' or 'down', not 'left'.",
        ),
        ("[1, null]", '[1, "1"]', f"{NO_RESULT}cases.1.scores.correct.1: 1 must be a number."),
        ("[1, null]", "[1, true]", f"{NO_RESULT}cases.1.scores.correct.1: 1 must be a number."),
        (
            "[1, null]",
            "[1, 1e999]",
            f"{NO_RESULT}cases.1.scores.correct.1: 1: input should be a finite number.",
        ),
        ("[1, null]", "[1, NaN]", "NaN is no number that can be compared."),
        ('"duration_s": 12.5', '"duration_s": Infinity', "Infinity is no number that can be compared."),
        ('"seed": 7', '"seed": 7,\n"seed": 8', "the key seed stands here twice."),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_refused(old: str, new: str, message: str) -> None:
    assert refusal(edit(old, new)) == message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"repeat": 1,', '"repeat": 2,'),  # a repeat that was not made
        ('"source": "provider"', '"source": "nobody"'),  # neither the provider nor a scorer
        ('"errors": [{"repeat": 1, "source": "provider", "reason": "HTTP 529: overloaded"}], ', ""),  # null, no reason
        ('[1, null], "polite": [0.6, null]', '[1, 1], "polite": [0.6, 0.6]'),  # failed, and has scores
        ('"case": "0123456789abcdef"', '"case": "0123"'),
        ('"case": "0123456789abcdef"', '"case": "0123456789ABCDEX"'),
        ('"id": "c01"', '"id": "\\ud800"'),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(old: str, new: str) -> None:
    text = edit(old, new)
    changed = json.loads(text)
    cases = [CaseResult.model_validate(case) for case in changed["cases"]]
    summed = json.dumps(totals(cases, changed["scorers"]).model_dump(mode="json"))
    consistent = re.sub('"totals": .*,\n', f'"totals": {summed},\n', text)  # the totals are no part of the matter
    assert refusal(consistent)


def test_totals_that_differ_by_a_rounding_error_only_add_up() -> None:
    assert read(edit('"mean": 0.7}', '"mean": 0.7000000000000001}')).totals.metrics["polite"].n == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", ":1:1: this is not JSON: Expecting value."),
        (b'{"schema": 1,\n]', ":2:1: this is not JSON: Expecting property name enclosed in double quotes."),
        (b"[]", ": this is not a result of promptreg: this must be a mapping."),
        (b"null", ": this is not a result of promptreg: this must be a mapping."),
        (b"\xff{}", ":1:1: this is not UTF-8 (byte 0xff). Save the file as UTF-8."),
        (
            b'{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> other\n}\n',
            ":2: merge conflict markers stand here. Settle the conflict, then try again.",
        ),
    ],
)
def test_what_is_no_result_is_named_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(FileError) as caught:
        read_result(data, "r/x.json")
    assert str(caught.value) == f"r/x.json{message}"


def test_a_file_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(FileError, match="recursion"):
        read_result(b"[" * 200_000, "r/x.json")


# Totals and outputs


def test_totals_are_means_of_case_means_and_sums() -> None:
    cases = result(
        NEW,
        {"grade": [[0.2, 0.4], [None, 0.9], [None]]},
        {"grade": GRADE},
        columns={"tokens_in": [[1, 2], [None, 3], None], "cost_usd": [[0.1], None, [0.2]], "errors": [None] * 3},
    ).cases
    found = totals(cases, ["grade", "tone"])
    assert (found.metrics["grade"].n, found.metrics["grade"].mean) == (2, pytest.approx(0.6))
    assert (found.metrics["tone"].n, found.metrics["tone"].mean) == (0, None)
    assert (found.tokens_in, found.tokens_out, found.errors) == (6, 0, 0)
    assert found.cost_usd == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("values", "mean"), [([], None), ([None], None), ([1, None, 0], 0.5), ([0.1] * 3, pytest.approx(0.1))]
)
def test_the_mean_leaves_out_what_is_no_evidence(values: list[float | None], mean: Any) -> None:
    assert mean_of(values) == mean


def test_outputs_stand_one_case_a_line_and_are_cut_to_2000_characters() -> None:
    long = "あ" * 2001
    text = outputs_text({"c1": ["返品です\n「はい」", None], "c2": [long], "c3": ["𠮷" * 2000]})
    lines = text.splitlines()
    assert lines[0] == '{"id": "c1", "outputs": ["返品です\\n「はい」", null]}'
    assert [len(json.loads(line)["outputs"][0]) for line in lines[1:]] == [2000, 2000]
    assert text.endswith("\n")
    assert outputs_text({}) == ""


def test_outputs_with_line_separators_still_stand_one_case_a_line() -> None:
    text = outputs_text({"c1": ["a\u2028b\r\nc\u0085d"], "c2": ["x"]})
    assert [json.loads(line)["id"] for line in text.split("\n")[:-1]] == ["c1", "c2"]


def test_a_line_of_outputs_says_what_was_cut_and_what_scorers_said() -> None:
    long = "長" * 2001
    line = output_line("c1", [long, None, "短い"], {"polite": [None, None, "curt\u2028and short"]})
    assert json.loads(line) == {
        "id": "c1", "outputs": [long[:2000], None, "短い"], "cut": [0],
        "comments": {"polite": [None, None, "curt\u2028and short"]},
    }  # fmt: skip
    (row,) = read_rows(line.encode(), "x").values()
    assert row == Outputs([long[:2000], None, "短い"], frozenset([0]), {"polite": [None, None, "curt\u2028and short"]})
    assert read_outputs(line.encode(), "x") == {"c1": row.texts}
    assert output_line("c1", ["a"], {}) == '{"id": "c1", "outputs": ["a"]}\n'


CUT = "only the first 2,000 characters of its output are stored"


@pytest.mark.parametrize(
    ("line", "repeat", "why"),
    [
        ('{"id": "c1", "outputs": ["a"]}', 0, None),
        ('{"id": "c1", "outputs": ["a"]}', 1, "its output is not stored"),
        ('{"id": "c1", "outputs": [null, "a"]}', 0, "its output is not stored"),
        ('{"id": "c1", "outputs": ["%s"]}' % ("x" * 1999), 0, None),
        # the first release did not say what it cut
        ('{"id": "c1", "outputs": ["%s"]}' % ("x" * 2000), 0, CUT),
        ('{"id": "c1", "outputs": ["a"], "cut": [0]}', 0, CUT),
    ],
)
def test_what_is_not_there_as_a_whole_cannot_be_judged(line: str, repeat: int, why: str | None) -> None:
    assert read_rows(line.encode(), "x")["c1"].why_unjudged(repeat) == why


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "[]",
        '{"id": 1, "outputs": []}',
        '{"id": "c1", "outputs": "a"}',
        '{"id": "c1", "outputs": [1]}',
        '{"id": "c1", "outputs": [], "cut": 1}',
        '{"id": "c1", "outputs": [], "cut": ["0"]}',
        '{"id": "c1", "outputs": [], "cut": [true]}',
        '{"id": "c1", "outputs": [], "cut": [[0]]}',
        '{"id": "c1", "outputs": [], "comments": []}',
        '{"id": "c1", "outputs": [], "comments": {"a": "b"}}',
        '{"id": "c1", "outputs": [], "comments": {"a": [1]}}',
        '{"id": "c1", "outputs": ["\\ud800"]}',
    ],
)
def test_what_is_no_line_of_outputs_is_named_with_its_place(line: str) -> None:
    with pytest.raises(FileError) as caught:
        read_rows(f'{{"id": "c0", "outputs": []}}\n{line}\n'.encode(), "r/x.outputs.jsonl")
    assert str(caught.value) == 'r/x.outputs.jsonl:2: this is not a line of outputs: {"id": …, "outputs": […]}.'


# Scores that stored answers got later

ABOUT = "suite-0123abcd-4b2bf76f.json"


def about(**changes: Any) -> str:
    """A file that says of stored answers what people or later scorers said."""
    fields = {"answers_of": ABOUT, "judged_by": "Hana <hana@example.com>"} | changes
    return result(NEW, changes.pop("scores", [[1, None, 0], [None, 1]]), **{"columns": {}, **fields}).text()


def test_scores_that_answers_got_later_need_no_reason_where_there_are_none() -> None:
    text = about()
    found = read(text)
    assert found.text() == text
    assert (found.answers_of, found.judged_by) == (ABOUT, "Hana <hana@example.com>")
    assert [case.scores["correct"] for case in found.cases] == [[1, None, 0], [None, 1]]
    assert '"answers_of": "suite-0123abcd-4b2bf76f.json",\n"judged_by": "Hana <hana@example.com>",\n' in text
    assert refusal(about(answers_of=None)) == "case c0000: correct has no score in repeat 1, and no error says why."


CALLS = "case c0000: it tells of calls, and is about the answers of another run."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answers_of": "x"}, "answers_of is 'x', which is no file name of a result of the suite suite."),
        (
            {"answers_of": f"../1.1.0/{ABOUT}"},
            f"answers_of is '../1.1.0/{ABOUT}', which is no file name of a result of the suite suite.",
        ),
        (
            {"answers_of": f"{ABOUT}\n"},
            f"answers_of is '{ABOUT}\\n', which is no file name of a result of the suite suite.",
        ),
        (
            {"answers_of": ABOUT.replace("suite", "tone")},
            "answers_of is 'tone-0123abcd-4b2bf76f.json', which is no file name of a result of the suite suite.",
        ),
        ({"judged_by": " "}, "judged_by must be text that can be printed."),
        ({"judged_by": "Hana\x1b[2J"}, "judged_by must be text that can be printed."),
        (
            {"cache": CacheUse(hits=1, misses=0, runs=[])},
            "it is about the answers of another run, and cannot have any from a cache.",
        ),
        ({"columns": {"latency_ms": [[1], None]}}, CALLS),
        ({"columns": {"tokens_out": [[1], None]}}, CALLS),
        ({"columns": {"finish": [["length"], None]}}, CALLS),
        ({"columns": {"cached": [[False], None]}}, CALLS),
        ({"failed": {0: ["provider"]}}, CALLS),
    ],
)
def test_what_answers_got_later_tells_of_no_calls(changes: dict[str, Any], message: str) -> None:
    assert refusal(about(**changes)) == message
