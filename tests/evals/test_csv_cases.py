"""Cases as a table: what headings mean, what is wrong with its place, and rows that are added."""

from __future__ import annotations

from typing import Any

import pytest

from promptreg.core.errors import FileError
from promptreg.core.source import Files
from promptreg.evals.case_files import file_cases
from promptreg.evals.case_writing import extended
from promptreg.evals.cases import Case
from promptreg.evals.csv_writing import csv_text

PATH = "a/evals/cases.csv"


def read(text: str | bytes) -> list[Case]:
    data = text if isinstance(text, bytes) else text.encode()
    cases = file_cases(Files({PATH: data}, "prompts/"), PATH, lambda _: None)
    assert cases is not None
    return list(cases)


def refusal(text: str | bytes) -> str:
    with pytest.raises(FileError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("table", "facts"),
    [
        ("id,question\na,返品できますか\n", {"inputs": {"question": "返品できますか"}}),
        ("id,expected\na,yes\n", {"expected": "yes"}),
        ("id,inputs.id,inputs.tags\na,7,x y\n", {"inputs": {"id": "7", "tags": "x y"}}),
        ("id,expected.queue,expected.team.name\na,b,c\n", {"expected": {"queue": "b", "team": {"name": "c"}}}),
        ("id,customer.name\na,Aki\n", {"inputs": {"customer": {"name": "Aki"}}}),
        ("id,n,flag\na,010,true\n", {"inputs": {"n": "010", "flag": "true"}}),
        ("id,n:json,flag:json\na,10,true\n", {"inputs": {"n": 10, "flag": True}}),
        ('id,hits:json\na,"[{""t"": ""x""}]"\n', {"inputs": {"hits": [{"t": "x"}]}}),
        ('id,inputs:json,expected:json\na,"{""q"": null}",[]\n', {"inputs": {"q": None}, "expected": []}),
        ("id,q,expected,tags,cluster\na,,,,\n", {}),
        ("id,tags\na,critical ja\n", {"tags": ["critical", "ja"]}),
        ("id,tags\na,critical; ja;\n", {"tags": ["critical", "ja"]}),
        ('id,tags:json\na,"[""two words""]"\n', {"tags": ["two words"]}),
        ("id,cluster\na,doc 7\n", {"cluster": "doc 7"}),
        ("id,critical,tags\na,TRUE,ja\n", {"tags": ["ja", "critical"]}),
        ("id,critical\na,no\n", {}),
        ("id,critical,tags\na,x,critical\n", {"tags": ["critical"]}),
        ('id,q\na,"line 1\nline 2"\n', {"inputs": {"q": "line 1\nline 2"}}),
        ('id,q\na,"line 1\nline 2, ""quoted"""\n', {"inputs": {"q": 'line 1\nline 2, "quoted"'}}),
        ("id;q\na;one, two\n", {"inputs": {"q": "one, two"}}),
        ("id\tq\na\tone, two\n", {"inputs": {"q": "one, two"}}),
        (" id , q \na, x \n", {"inputs": {"q": " x "}}),
        ("id,q,,\na,x,,\n\n,,,\n", {"inputs": {"q": "x"}}),
        ("\n\nid,q\na,x\n", {"inputs": {"q": "x"}}),
        ("sep=;\nid;q\na;one, two\n", {"inputs": {"q": "one, two"}}),
        ('"sep=,"\nid,q\na,one; two\n', {"inputs": {"q": "one; two"}}),
        ("SEP=\t\nid\tq\na\tx\n", {"inputs": {"q": "x"}}),
        ("sep=|\nid|q\na|x, y\n", {"inputs": {"q": "x, y"}}),
        (
            "id,tag2,customer,input,index,text\na,1,2,3,4,5\n",
            {"inputs": {"tag2": "1", "customer": "2", "input": "3", "index": "4", "text": "5"}},
        ),
        ("id,inputs.expcted,inputs.tag,inputs.ID\na,1,2,3\n", {"inputs": {"expcted": "1", "tag": "2", "ID": "3"}}),
        ("id,質問,note:en\na,1,2\n", {"inputs": {"質問": "1", "note:en": "2"}}),
    ],
)
def test_a_heading_says_where_its_cells_belong(table: str, facts: dict[str, Any]) -> None:
    case = Case(id="a", **facts)
    for text in (table, table.replace("\n", "\r\n"), "\ufeff" + table, table.rstrip("\n")):
        assert read(text) == [case]
        assert read(text)[0].digest == case.digest


QUOTES = "A cell that holds a comma, a line break or a quote stands in quotes, and a quote inside of it is doubled."
CALLED_SO = "An input of that name is headed inputs."
OUT = "in double quotes, or take :json out of the heading."
HEADING = "the first row names the columns, and none of them is id. There are"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("ID,q\na,x\n", f"1: {HEADING} ID, q. Did you mean id?"),
        ("question,answer\na,x\n", f"1: {HEADING} question, answer."),
        ("ｉｄ;q\na;x\n", f"1: {HEADING} ｉｄ, q. Did you mean id?"),
        ("id,expcted\na,x\n", f"1: there is no column expcted. Did you mean expected? {CALLED_SO}expcted."),
        ("id,Expected\na,x\n", f"1: there is no column Expected. Did you mean expected? {CALLED_SO}Expected."),
        ("id,expected ,ＩＤ\na,x,y\n", f"1: there is no column ＩＤ. Did you mean id? {CALLED_SO}ＩＤ."),
        ("id,tag\na,x\n", f"1: there is no column tag. Did you mean tags? {CALLED_SO}tag."),
        ("id,ｔａｇｓ\na,x\n", f"1: there is no column ｔａｇｓ. Did you mean tags? {CALLED_SO}ｔａｇｓ."),
        ("id,clutser\na,x\n", f"1: there is no column clutser. Did you mean cluster? {CALLED_SO}clutser."),
        ("id,critcal\na,x\n", f"1: there is no column critcal. Did you mean critical? {CALLED_SO}critcal."),
        (
            "id,expectd.queue\na,x\n",
            f"1: there is no column expectd.queue. Did you mean expected.queue? {CALLED_SO}expectd.queue.",
        ),
        ("id,input.q\na,x\n", f"1: there is no column input.q. Did you mean inputs.q? {CALLED_SO}input.q."),
        ("id,count:jsn\na,1\n", "1: there is no column count:jsn. Did you mean count:json?"),
        ("id,Count:JSON\na,1\n", "1: there is no column Count:JSON. Did you mean Count:json?"),
        ("id,count：ｊｓｏｎ\na,1\n", "1: there is no column count：ｊｓｏｎ. Did you mean count:json?"),
        ("sep=;\nid;q\na;x;y\n", "3: this row has 3 cells, and the first row names 2."),
        ("id,q:json\na,送料は？\n", f'2: column q:json: this is not JSON: expecting value; write "送料は？" {OUT}'),
        ("id,q:json\na,5 apples\n", f'2: column q:json: this is not JSON: extra data; write "5 apples" {OUT}'),
        (f"id,q:json\na,{'x' * 31}\n", f"2: column q:json: this is not JSON: expecting value; write a text {OUT}"),
        ('id,q:json\na,"a\nb"\n', f"2: column q:json: this is not JSON: expecting value; write a text {OUT}"),
        ("id,q,q\na,x,y\n", "1: the column q stands here twice."),
        ("id,q,inputs.q\na,x,y\n", "1: the column q stands here twice."),
        ("id,q,q:json\na,x,1\n", "1: the column q stands here twice."),
        ("id,q\na,x,y\n", "2: this row has 3 cells, and the first row names 2."),
        ('id,q\na,"x\ny"\nb\n', "4: this row has 1 cells, and the first row names 2."),
        ("id,q,\na,x,y\n", "2: the cell in column 3 has no heading."),
        ("id,q\n,x\n", "2: id is missing."),
        ("id,n:json\na,{\n", "2: column n:json: this is not JSON: expecting property name enclosed in double quotes."),
        ("id,n:json\na,NaN\n", "2: column n:json: NaN is no number that can be compared."),
        ("id:json,q\n7,x\n", "2: column id:json: id must be text."),
        ("id,inputs\na,x\n", "2: column inputs: inputs must be a mapping."),
        ('id,tags:json\na,"""x"""\n', "2: column tags:json: tags must be a list."),
        ("id,critical\na,maybe\n", "2: column critical: critical is true or false."),
        ("id,expected,expected.queue\na,x,y\n", "2: column expected.queue: another column says all of expected."),
        ("id,expected.queue,expected\na,x,y\n", "2: column expected: another column says a part of expected."),
        ("id,q\na,x\nb,y\na,z\n", "4: the id a stands here a second time."),
        ("id,q\n ,x\n", "2: an id must be text that can be printed."),
        (
            'id,q\na,"x\n',
            f"2: this is not CSV: unexpected end of data. {QUOTES}",
        ),
        (
            'id,q\na,"x"y\n',
            f"2: this is not CSV: ',' expected after '\"'. {QUOTES}",
        ),
        ("id,q\n<<<<<<< HEAD\n", "2: merge conflict markers stand here. Settle the conflict, then try again."),
        ("id,q\na,x\x00\n", "2:4: the control character U+0000 cannot stand in this file. Remove it."),
    ],
)
def test_what_is_wrong_in_a_table_is_named_with_its_line_and_column(table: str, message: str) -> None:
    assert refusal(table) == f"prompts/{PATH}:{message}"


EXCEL = 'In Excel: save as "CSV UTF-8".'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("id,q\na,返品できますか\n".encode("cp932"), f" is not UTF-8 (it looks like Shift_JIS). {EXCEL}"),
        ("id,q\na,はい①\n".encode("cp932"), f" is not UTF-8 (it looks like Shift_JIS). {EXCEL}"),
        ("質問,id\nはい,a\n".encode("cp932"), f" is not UTF-8 (it looks like Shift_JIS). {EXCEL}"),
        ("id,q\na,返品\n".encode("euc_jp"), f" is not UTF-8 (it looks like EUC-JP). {EXCEL}"),
        ("id,q\na,返品\n".encode("utf-16"), f" is not UTF-8 (it looks like UTF-16). {EXCEL}"),
        ("id,q\na,caf\u00e9\n".encode("latin-1"), f":2:6: this is not UTF-8. {EXCEL}"),
    ],
)
def test_another_encoding_is_named_with_what_to_do_in_excel(data: bytes, message: str) -> None:
    assert refusal(data) == f"prompts/{PATH}{message}"


def test_another_encoding_has_a_place_all_the_same() -> None:
    with pytest.raises(FileError) as caught:
        read("id,q\na,返品できますか\n".encode("cp932"))
    assert (caught.value.path, caught.value.line, caught.value.column) == (f"prompts/{PATH}", 2, 3)
    assert caught.value.message == f"this is not UTF-8 (it looks like Shift_JIS). {EXCEL}"


def test_a_cell_may_be_long() -> None:
    assert read("id,q\na," + "x" * 1_000_000)[0].inputs == {"q": "x" * 1_000_000}


# Writing


def table(*cases: Case) -> str:
    text = csv_text(cases)
    assert text.startswith(b"\xef\xbb\xbf")
    assert read(text) == list(cases)
    return text.decode("utf-8-sig")


def test_a_table_is_written_as_a_person_would_write_it() -> None:
    assert table(
        Case(id="one", inputs={"q": "返品?", "n": 2}, expected={"queue": "a"}, tags=["critical", "ja"], cluster="d"),
        Case(id="two", inputs={"q": 'a "b"'}, expected={"queue": "b"}),
    ) == (
        "id,q,n:json,expected.queue,tags,cluster\r\n"
        "one,返品?,2,a,critical ja,d\r\n"
        'two,"a ""b""",,b,,\r\n'
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "＝1",
        "＠x",
        "0010",
        "1e5",
        "12.50",
        "2026-11-20",
        "12:30",
        "TRUE",
        "false",
    ],
)
def test_what_a_spreadsheet_would_run_or_change_is_written_as_json(text: str) -> None:
    written = table(Case(id="a", inputs={"q": text}, expected=text), Case(id="b", inputs={"q": "plain"}, expected="x"))
    assert written.startswith("id,q:json,expected:json\r\n")
    for cell in written.replace("\r\n", ",").split(","):
        assert not cell.startswith(tuple("=+-@\t＝＋－＠"))


def test_keys_that_are_no_headings_go_into_one_column() -> None:
    assert table(Case(id="a", inputs={"a.b": "x", "=1": "y"}, expected={"a b": 1})).startswith(
        "id,inputs:json,expected:json"
    )
    assert table(Case(id="a", inputs={"id": "x", "tags": "y"})).startswith("id,inputs.id,inputs.tags\r\n")
    assert table(Case(id="a", inputs={"tag": "x", "input": "y"})).startswith("id,inputs.tag,input\r\n")


# Rows that are added to what is there


def added(before: str | bytes, *cases: Case) -> bytes:
    data = before if isinstance(before, bytes) else before.encode()
    return extended(data, PATH, cases)


def test_a_row_is_added_in_the_tables_own_columns_and_line_ends() -> None:
    case = Case(id="b", inputs={"q": "x, y"}, expected={"queue": "z"}, tags=["critical", "ja"])
    for before, after in [
        ("id,q,expected.queue,tags\na,x,y,\n", 'b,"x, y",z,critical ja\n'),
        ("\ufefftags,expected.queue,q,id\r\n,y,x,a\r\n", 'critical ja,z,"x, y",b\r\n'),
        ("id;q;expected.queue;critical;tags\na;x;y;;", "\nb;x, y;z;true;ja\n"),
        ("id,note,q,expected:json,tags:json\na,,x,,\n", 'b,,"x, y","{""queue"": ""z""}","[""critical"", ""ja""]"\n'),
        ("id,inputs:json,expected:json,tags\n", 'b,"{""q"": ""x, y""}","{""queue"": ""z""}",critical ja\n'),
    ]:
        assert added(before, case) == (before + after).encode()
        assert read(added(before, case))[-1].digest == case.digest


def test_an_empty_table_gets_its_first_row() -> None:
    case = Case(id="b", inputs={"q": "x"}, expected="y")
    assert added("", case) == "\ufeffid,q,expected\r\nb,x,y\r\n".encode()


def test_a_row_is_added_below_the_line_for_a_spreadsheet() -> None:
    assert added("sep=;\r\nid;q\r\n", Case(id="b", inputs={"q": "x, y"})) == b"sep=;\r\nid;q\r\nb;x, y\r\n"


AS_JSON = "Name the column q:json, and write its cells as JSON."


@pytest.mark.parametrize(
    ("heading", "case", "message"),
    [
        (
            "id,expected",
            {"inputs": {"q": "x"}},
            "it has no column q. Add it to the first row, and a comma to the others.",
        ),
        (
            "id,q",
            {"inputs": {"q": "x"}, "expected": "y", "tags": ["a"]},
            "it has no column expected and no column tags. Add it to the first row, and a comma to the others.",
        ),
        (
            "id,q",
            {"inputs": {"q": 5}},
            f"a value would not come back from its column as it is. {AS_JSON}",
        ),
        (
            "id,q",
            {"inputs": {"q": ""}},
            f"a value would not come back from its column as it is. {AS_JSON}",
        ),
        (
            "id,q",
            {"inputs": {"q": "a\rb"}},
            f"a value would not come back from its column as it is. {AS_JSON}",
        ),
        (
            "id,q",
            {"inputs": {"q": "=1"}},
            f"a spreadsheet would run '=1'. {AS_JSON}",
        ),
    ],
)
def test_a_case_that_does_not_fit_into_a_table_is_refused(heading: str, case: dict[str, Any], message: str) -> None:
    with pytest.raises(FileError) as caught:
        added(f"{heading}\n", Case(id="b", **case))
    assert str(caught.value) == f"{PATH}: case b does not fit into this table: {message}"


def test_a_line_break_in_a_cell_stays_in_it() -> None:
    assert table(Case(id="a", inputs={"q": "one\ntwo"})) == 'id,q\r\na,"one\ntwo"\r\n'


def test_a_number_can_be_added_to_a_column_of_texts() -> None:
    assert read(added("id,q\n", Case(id="b", inputs={"q": "-5"}))) == [Case(id="b", inputs={"q": "-5"})]
