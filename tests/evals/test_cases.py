"""Cases: their file, their digest."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.core.errors import FileError
from promptreg.core.source import Files, Folder, Overlay, Source
from promptreg.evals.case_files import FileCases, file_cases, json_lines
from promptreg.evals.case_text import SMALL, CaseText
from promptreg.evals.case_writing import extended
from promptreg.evals.cases import Case, CaseList, Cases, digest_of
from promptreg.evals.csv_writing import csv_text
from promptreg.evals.json_text import canonical_json, line_json, strict_json

PATH = "prompts/a/evals/cases.jsonl"


def judge(_: Case) -> None:
    """Takes every case."""


def read_case_lines(text: str, path: str) -> list[tuple[Case, int]]:
    cases = FileCases(CaseText(path, text.encode("utf-8", "surrogatepass")), json_lines, judge)
    return [(case, cases.line_of(case.id) or 0) for case in cases]


def test_a_line_has_the_keys_of_the_contract() -> None:
    line = (
        '{"id": "返品-1", "inputs": {"question": "返品できますか？", "n": 3}, "expected": {"queue": "returns"},'
        ' "tags": ["critical", "日本語"], "cluster": "doc-7"}'
    )
    [(case, _)] = read_case_lines(line + "\n", PATH)
    assert case == Case(
        id="返品-1",
        inputs={"question": "返品できますか？", "n": 3},
        expected={"queue": "returns"},
        tags=["critical", "日本語"],
        cluster="doc-7",
    )


def test_only_the_id_is_needed_and_blank_lines_are_skipped() -> None:
    assert read_case_lines('\n{"id": "a"}\n   \n{"id": "b"}', PATH) == [(Case(id="a"), 2), (Case(id="b"), 4)]
    assert read_case_lines("", PATH) == []


def test_a_line_separator_inside_of_a_text_does_not_end_the_line() -> None:
    [(case, _)] = read_case_lines('{"id": "a", "inputs": {"q": "x\u2028y\u0085z"}}\n', PATH)
    assert case.inputs["q"] == "x\u2028y\u0085z"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"id": "a"', "1:11: this line is not JSON: expecting ',' delimiter."),
        ('{"id": "a",}', "1:12: this line is not JSON: expecting property name enclosed in double quotes."),
        ('{"id": "a"}\n{"id": "b"} x', "2:13: this line is not JSON: extra data."),
        ("id: a", "1:1: this line is not JSON: expecting value."),
        ('["a"]', "1: this must be a mapping."),
        ("{}", "1: id is missing."),
        ('{"id": 7}', "1: id must be text."),
        ('{"id": ""}', "1: an id must be text that can be printed."),
        ('{"id": " "}', "1: an id must be text that can be printed."),
        ('{"id": "a\\nb"}', "1: an id must be text that can be printed."),
        ('{"id": "a", "inputs": ["x"]}', "1: inputs must be a mapping."),
        ('{"id": "a", "tags": "critical"}', "1: tags must be a list."),
        ('{"id": "a", "cluster": 4}', "1: cluster must be text."),
        (
            '{"id": "a", "input": {}}',
            "1: there is no key input here. It can be cluster, expected, id, inputs, tags. Did you mean inputs?",
        ),
        ('{"id": "a", "inputs": {"x": NaN}}', "1: NaN is no number that can be compared."),
        ('{"id": "a", "inputs": {"x": -Infinity}}', "1: -Infinity is no number that can be compared."),
        ('{"id": "a", "inputs": {"x": 1, "x": 2}}', "1: the key x stands here twice."),
        ('{"id": "a"}\n\n{"id": "b"}\n{"id": "a"}', "4: the id a stands here a second time."),
        (
            '{"id": "a"}\n<<<<<<< HEAD\n{"id": "b"}\n=======\n{"id": "c"}\n>>>>>>> other\n',
            "2: merge conflict markers stand here. Settle the conflict, then try again.",
        ),
    ],
)
def test_a_wrong_line_is_named_with_its_place(lines: str, message: str) -> None:
    with pytest.raises(FileError) as caught:
        read_case_lines(lines, PATH)
    assert str(caught.value) == f"{PATH}:{message}"


def digests(lines: str) -> list[str]:
    return [case.digest for case, _ in read_case_lines(lines, PATH)]


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "a", "inputs": {"x": 1e999}}',  # an infinity in disguise
        '{"id": "a", "expected": -1e999}',
        '{"id": "a", "inputs": {"x": "\\ud800"}}',  # half of a surrogate pair is no text
        '{"id": "a", "expected": ["\\udfff"]}',
        '{"id": "a", "tags": ["\\ud800"]}',
        '{"id": "a", "inputs": {"x": ' + "[" * 200_000 + "]" * 200_000 + "}}",
        '{"id": "a", "inputs": {"x": ' + "9" * 5000 + "}}",
    ],
)
def test_what_cannot_be_stored_or_compared_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(FileError) as caught:
        digests('{"id": "z"}\n' + line)
    assert (caught.value.path, caught.value.line) == (PATH, 2)


def test_the_digest_is_16_digits_over_id_inputs_and_expectation() -> None:
    case = Case(id="c1", inputs={"b": "返品", "a": [1, 2.5, None, True]}, expected={"queue": "returns"})
    text = '{"expected":{"queue":"returns"},"id":"c1","inputs":{"a":[1,2.5,null,true],"b":"返品"}}'
    assert case.digest == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert Case(id="c1").digest == "7c1ef975a7db1e4f"  # in files for ever


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"tags": ["critical"]}, True),
        ({"cluster": "doc"}, True),
        ({"inputs": {"b": 2, "a": 1}}, True),
        ({"id": "c2"}, False),
        ({"inputs": {"a": 1, "b": 3}}, False),
        ({"inputs": {"a": 1}}, False),
        ({"inputs": {"a": True, "b": 2}}, False),
        ({"inputs": {"a": "1", "b": 2}}, False),
        ({"expected": None}, False),
        ({"expected": " x"}, False),
    ],
)
def test_a_case_with_another_input_or_expectation_is_another_case(changes: dict[str, Any], same: bool) -> None:
    base = {"id": "c1", "inputs": {"a": 1, "b": 2}, "expected": "x"}
    assert (Case(**base).digest == Case(**(base | changes)).digest) is same


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable()), json_values)
@settings(max_examples=100, deadline=None)
def test_a_case_survives_its_file(id_: str, value: Any) -> None:
    case = Case(id=id_, inputs={"x": value}, expected=value)
    [(found, _)] = read_case_lines(json.dumps(case.model_dump()), PATH)
    assert found == case
    assert found.digest == case.digest


@given(json_values)
@settings(max_examples=100, deadline=None)
def test_canonical_json_is_json_in_one_spelling(value: Any) -> None:
    text = canonical_json(value)
    assert strict_json(text) == value
    assert canonical_json(strict_json(text)) == text


def test_canonical_json_has_no_word_for_what_is_no_number() -> None:
    for value in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            canonical_json({"x": value})


# Files of every kind


def cases_in(path: str, text: str | bytes) -> Cases:
    found = file_cases(Files({path: text if isinstance(text, bytes) else text.encode()}, "prompts/"), path, judge)
    assert found is not None
    return found


CASE = Case(
    id="返品-1", inputs={"q": "返品?", "n": 2}, expected={"queue": "returns"}, tags=["critical", "ja"], cluster="d7"
)
WRITTEN = {
    "a/cases.jsonl": '{"id": "返品-1", "inputs": {"q": "返品?", "n": 2}, "expected": {"queue": "returns"}, '
    '"tags": ["critical", "ja"], "cluster": "d7"}',
    "a/cases.yaml": "# Found in May\n- id: 返品-1\n  inputs: {q: 返品?, n: 2}\n  expected: {queue: returns}\n"
    "  tags: [critical, ja]\n  cluster: d7\n",
    "a/cases.csv": "id,q,n:json,expected.queue,tags,cluster\n返品-1,返品?,2,returns,critical;ja,d7\n",
}


@pytest.mark.parametrize("path", WRITTEN)
def test_the_same_case_has_the_same_digest_in_every_kind_of_file(path: str) -> None:
    cases = cases_in(path, WRITTEN[path])
    assert list(cases) == [CASE]
    assert [case.digest for case in cases] == [CASE.digest]
    assert cases.digest() == digest_of([CASE])


def test_a_file_that_is_not_there_has_no_cases() -> None:
    assert file_cases(Files({}), "a/cases.csv", judge) is None


@pytest.mark.parametrize("path", WRITTEN)
def test_an_empty_file_holds_no_cases(path: str) -> None:
    for text in ("", "\n", "\ufeff"):
        assert (list(cases_in(path, text)), len(cases_in(path, text)), bool(cases_in(path, text))) == ([], 0, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: a\n", "1:1: cases are a list, as in  - {id: refund, inputs: {…}, expected: …}."),
        ("- id: a\n- 5\n", "2:3: this must be a mapping."),
        ("- id: a\n  tags: x\n", "2:9: tags must be a list."),
        ("- id: a\n- id: b\n- id: a\n", "3:7: the id a stands here a second time."),
        (
            "- {id: a, exected: b}\n",
            "1:11: there is no key exected here. It can be cluster, expected, id, inputs, tags. Did you mean expected?",
        ),
    ],
)
def test_what_is_wrong_in_a_yaml_file_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(FileError) as caught:
        cases_in("a/cases.yaml", text)
    assert str(caught.value) == f"prompts/a/cases.yaml:{message}"


def test_a_digest_over_all_cases_sees_their_order_and_everything_about_them() -> None:
    one, other = Case(id="a", expected="x"), Case(id="b", expected="x")
    different = [
        [one, other], [other, one], [one], [one, other.model_copy(update={"tags": ["critical"]})],
        [one, other.model_copy(update={"cluster": "c"})], [],
    ]  # fmt: skip
    assert len({digest_of(cases) for cases in different}) == len(different)
    assert CaseList(different[0]).digest() == digest_of(different[0])


# Large files, which are not kept


def many(number: int, length: int) -> str:
    filling = "返" * (length // 3)
    return "".join(
        f'{{"id": "c{index}", "inputs": {{"q": "{filling}"}}, "expected": "x"}}\n' for index in range(number)
    )


@pytest.fixture
def large(tmp_path: Path) -> Folder:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/cases.jsonl").write_bytes(many(3000, 2000).encode())
    assert (tmp_path / "a/cases.jsonl").stat().st_size > SMALL
    return Folder(str(tmp_path), "prompts/")


def sources(folder: Folder) -> list[Source]:
    data = folder.read("a/cases.jsonl") or b""
    return [
        folder,
        Overlay(folder),
        Overlay(folder, {"a/cases.jsonl": data}),
        Files({"a/cases.jsonl": data}, "prompts/"),
    ]


def test_a_large_file_says_what_a_small_one_would(large: Folder) -> None:
    expected = [json.loads(line)["id"] for line in many(3000, 3).splitlines()]
    for source in sources(large):
        cases = file_cases(source, "a/cases.jsonl", judge)
        assert cases is not None
        assert (len(cases), [case.id for case in cases], cases.line_of("c2999")) == (3000, expected, 3000)
        assert [case.id for case in cases] == expected
        assert cases.line_of("none") is None


def test_two_passes_over_a_large_file_do_not_disturb_one_another(large: Folder) -> None:
    cases = file_cases(large, "a/cases.jsonl", judge)
    assert cases is not None
    assert all(one.id == other.id for one, other in zip(cases, cases, strict=True))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "c5"}', "3001: the id c5 stands here a second time."),
        ('{"id": "new"', "3001:13: this line is not JSON: expecting ',' delimiter."),
        ('{"id": ""}', "3001: an id must be text that can be printed."),
        (">>>>>>> main", "3001: merge conflict markers stand here. Settle the conflict, then try again."),
    ],
)
def test_what_is_wrong_at_the_end_of_a_large_file_is_named_with_its_line(
    large: Folder, line: str, message: str
) -> None:
    for ends in ("\n", "\r\n"):
        text = (many(3000, 2000) + line + "\n").replace("\n", ends)
        Path(large.root, "a/cases.jsonl").write_bytes(text.encode())
        with pytest.raises(FileError) as caught:
            file_cases(large, "a/cases.jsonl", judge)
        assert str(caught.value) == f"prompts/a/cases.jsonl:{message}"


def test_a_byte_that_is_no_text_is_found_in_a_large_file(large: Folder) -> None:
    Path(large.root, "a/cases.jsonl").write_bytes(many(3000, 2000).encode() + b'{"id": "\xff"}')
    with pytest.raises(
        FileError, match=r"cases\.jsonl:3001:9: this is not UTF-8 \(byte 0xff\)\. Save the file as UTF-8"
    ):
        file_cases(large, "a/cases.jsonl", judge)


def test_a_large_file_that_is_changed_while_it_is_used_is_refused(large: Folder) -> None:
    cases = file_cases(large, "a/cases.jsonl", judge)
    assert cases is not None
    with Path(large.root, "a/cases.jsonl").open("ab") as file:
        file.write(b'{"id": "late"}\n')
    with pytest.raises(FileError, match="this file was changed while its cases were read"):
        list(cases)


def test_a_large_file_that_is_replaced_stays_what_it_was_read_as(large: Folder) -> None:
    cases = file_cases(large, "a/cases.jsonl", judge)
    assert cases is not None
    Path(large.root, "new").write_text('{"id": "other"}\n')
    Path(large.root, "new").replace(Path(large.root, "a/cases.jsonl"))
    assert len(list(cases)) == 3000


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not say what a process holds")
def test_a_large_file_is_closed_when_its_cases_are_gone(large: Folder) -> None:
    def held() -> int:
        return sum(
            os.path.realpath(f"/proc/self/fd/{name}").endswith("cases.jsonl") for name in os.listdir("/proc/self/fd")
        )

    cases = file_cases(large, "a/cases.jsonl", judge)
    assert held() == 1
    del cases
    gc.collect()
    assert held() == 0


_MEASURE = """
import sys
from promptreg.core.source import Folder
from promptreg.evals.suite import read_suite
suite = read_suite(Folder(sys.argv[1]), "a")
for _ in range(2):
    assert sum(1 for case in suite.cases) == len(suite.cases) == int(sys.argv[2])
suite.cases.digest()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak(root: Path, kind: str, number: int) -> int:
    """The most memory, in kB, that reading a suite of so many cases takes, two passes over them, and their digest."""
    folder = root / f"{kind}-{number}" / "a/evals"
    folder.mkdir(parents=True)
    (folder / "suite.yaml").write_text(f"scorers: {{correct: {{type: exact}}}}\ncases: cases.{kind}\n")
    (folder.parent / "prompt.md").write_text("{{ q }}")
    text = many(number, 240)
    if kind == "csv":
        text = "id,q,expected\n" + "".join(f"c{index},{'返' * 80},x\n" for index in range(number))
    (folder / f"cases.{kind}").write_text(text)
    argv = [sys.executable, "-c", _MEASURE, str(folder.parents[1]), str(number)]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what a process took")
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_hundred_thousand_cases_take_hardly_more_memory_than_five_hundred(tmp_path: Path, kind: str) -> None:
    growth = peak(tmp_path, kind, 100_000) - peak(tmp_path, kind, 500)
    assert growth < 15_000, f"{growth} kB"


# Round trips

signs = st.sampled_from(list("=+-@,;:\"'\t\n\r \ufeff\u2028\x85<>|\x00＝"))
texts = st.text(st.characters(exclude_categories=("Cs",)) | signs, max_size=8) | st.sampled_from(
    ["010", "1e5", "TRUE", "=1+1", "2026-11-20", "null", "<<<<<<< a", "", " ", "a;b"]
)
json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
keys = texts | st.sampled_from(
    ["id", "expected", "inputs", "tags", "cluster", "critical", "q", "q.r", "q:json", "質問"]
)
written_cases = st.lists(
    st.builds(
        Case,
        id=texts.filter(lambda text: bool(text.strip()) and text.isprintable()),
        inputs=st.dictionaries(keys, json_texts, max_size=3),
        expected=json_texts | st.dictionaries(keys, texts, max_size=2),
        tags=st.lists(texts, max_size=2),
        cluster=st.none() | texts,
    ),
    max_size=4,
    unique_by=lambda case: case.id,
)


@given(written_cases)
@settings(max_examples=150, deadline=None)
def test_cases_survive_a_table(cases: list[Case]) -> None:
    assert list(cases_in("a/cases.csv", csv_text(cases))) == cases


@given(written_cases)
@settings(max_examples=100, deadline=None)
def test_cases_survive_lines_of_json(cases: list[Case]) -> None:
    text = "".join(f"{line_json(case.data())}\n" for case in cases)
    assert [case.digest for case in cases_in("a/cases.jsonl", text)] == [case.digest for case in cases]
    assert list(cases_in("a/cases.jsonl", text)) == cases


@given(written_cases, st.sampled_from([".jsonl", ".yaml", ".csv"]))
@settings(max_examples=150, deadline=None)
def test_a_case_that_is_added_comes_back_as_it_is_or_is_refused(cases: list[Case], kind: str) -> None:
    path, data = f"a/cases{kind}", b""
    kept: list[Case] = []
    for case in cases:
        try:
            longer = extended(data, path, [case])
        except FileError:
            assert kind == ".csv"  # a table may lack a column, or have one of texts
            continue
        assert longer.startswith(data)
        data = longer
        kept.append(case)
    assert [case.digest for case in cases_in(path, data)] == [case.digest for case in kept]
    assert [set(case.tags) for case in cases_in(path, data)] == [set(case.tags) for case in kept]
