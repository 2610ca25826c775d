from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import FileError, PromptFileError
from promptreg.core.text import canonical, conflict_line, decode, digest
from tests.support.reading import often, said, value_or_words

_CONFLICT = "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> topic\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\n", "a\n"),
        (b"a", "a\n"),
        (b"a\n\n\n", "a\n"),
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"a\rb\r", "a\nb\n"),
        (b"\xef\xbb\xbfa\n", "a\n"),
        (b"\n\na\n", "\n\na\n"),
        (b"a  \n", "a  \n"),
        (b"a\tb\n", "a\tb\n"),
        ("返品は 30 日以内。".encode(), "返品は 30 日以内。\n"),
        ("e\u0301".encode(), "e\u0301\n"),
        (b"  \n", "  \n"),
    ],
)
def test_canonical_text_is_utf8_with_line_feeds_and_one_at_the_end(data: bytes, text: str) -> None:
    assert canonical(data, "prompt.md") == text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "p.md: the file is empty."),
        (b"\n\r\n", "p.md: the file is empty."),
        (b"\xef\xbb\xbf", "p.md: the file is empty."),
        (b"a\nb\xff", "p.md:2:2: this is not UTF-8 (byte 0xff). Save the file as UTF-8."),
        ("日本".encode() + b"\xe9", "p.md:1:3: this is not UTF-8 (byte 0xe9). Save the file as UTF-8."),
        (
            "a\n返品は30日以内".encode("shift_jis"),
            "p.md:2:1: this is not UTF-8 (byte 0x95); it looks like Shift_JIS. Save the file as UTF-8.",
        ),
        (
            "①返品は30日以内".encode("cp932"),
            "p.md:1:1: this is not UTF-8 (byte 0x87); it looks like Shift_JIS. Save the file as UTF-8.",
        ),
        (
            "返品は30日以内".encode("euc_jp"),
            "p.md:1:1: this is not UTF-8 (byte 0xca); it looks like EUC-JP. Save the file as UTF-8.",
        ),
        (
            "返品は30日以内".encode("utf-16"),
            "p.md:1:1: this is not UTF-8 (byte 0xff); it looks like UTF-16. Save the file as UTF-8.",
        ),
        (
            "Answer shortly.".encode("utf-16"),
            "p.md:1:1: this is not UTF-8 (byte 0xff); it looks like UTF-16. Save the file as UTF-8.",
        ),
        (b"a\x00b", "p.md:1:2: the control character U+0000 cannot stand in this file. Remove it."),
        (b"a\nbc\x1b[31m", "p.md:2:3: the control character U+001B cannot stand in this file. Remove it."),
        (b"a\n\x7f", "p.md:2:1: the control character U+007F cannot stand in this file. Remove it."),
        (
            b"a\n" + _CONFLICT.encode(),
            "p.md:2: merge conflict markers stand here. Settle the conflict, then try again.",
        ),
    ],
)
def test_what_is_no_prompt_text_is_refused_with_its_place(data: bytes, sentence: str) -> None:
    assert said(PromptFileError, canonical, data, "p.md") == sentence


def test_of_several_control_characters_the_first_one_is_told() -> None:
    controls = bytes(number for number in range(31, 0, -1) if number not in b"\t\n\r")
    assert said(FileError, decode, b"a\n" + controls, "f") == (
        "f:2:1: the control character U+001F cannot stand in this file. Remove it."
    )


@given(st.binary(max_size=80))
@often
def test_any_bytes_are_canonical_text_or_a_worded_error(data: bytes) -> None:
    text = value_or_words(canonical, data, "p.md")
    if isinstance(text, str):
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert "\r" not in text
    else:
        assert isinstance(text, PromptFileError)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\n\t"), max_size=60))
@often
def test_canonical_text_does_not_depend_on_line_ends_a_mark_or_final_newlines(text: str) -> None:
    text = text.strip("\ufeff\n") + "."
    expected = canonical(text.encode(), "p.md")
    assert canonical(expected.encode(), "p.md") == expected
    for same in (text + "\n\n", text.replace("\n", "\r\n"), text.replace("\n", "\r") + "\r", "\ufeff" + text):
        assert canonical(same.encode(), "p.md") == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_CONFLICT, 1),
        ("a\n\n" + _CONFLICT, 3),
        ("<<<<<<< HEAD\na\n||||||| base\nb\n=======\nc\n>>>>>>> x", 1),
        ("<<<<<<< HEAD\na\n", None),
        (">>>>>>> x\n<<<<<<< HEAD\n", None),
        ("Write <<<<<<< HEAD and >>>>>>> topic.\n", None),
        ("", None),
    ],
)
def test_conflict_markers_are_a_pair_of_lines(text: str, line: int | None) -> None:
    assert conflict_line(text) == line


def _sha(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_a_digest_counts_the_text_and_each_include_sorted() -> None:
    tone = _sha("promptreg 1\nBe polite.\n\n")
    assert digest("Be polite.\n", {}) == tone
    includes = {"shared/tone@1.0.0": tone, "shared/rules@2.0.0": "sha256:" + "0" * 64}
    text = 'Answer.\n{% include "shared/tone@1.0.0" %}\n'
    expected = _sha(f"promptreg 1\n{text}\nshared/rules@2.0.0 sha256:{'0' * 64}\nshared/tone@1.0.0 {tone}\n")
    assert digest(text, includes) == expected
    assert digest(text, dict(reversed(includes.items()))) == expected


_GOLDEN = "9d5790259c52503f95f8497b3d3590d3509d68482c671da7a8ab5a29af474051"


@pytest.mark.parametrize(
    ("text", "includes", "expected"),
    [
        ("Answer {{ question }} shortly.\n", {}, _GOLDEN),
        ("返品は 30 日以内。\n", {}, "8aa01de92335567a9659e24685ff90ebcc8e7ac1269331e5bc1063e15ad49ea7"),
        (
            '{% include "shared/tone@1.0.0" %}\n',
            {"shared/tone@1.0.0": f"sha256:{_GOLDEN}"},
            "25d4c8b258d16d756e897108dbbe5baafdcef72c38c7f88695ca1dee2213dff8",
        ),
    ],
)
def test_a_digest_that_was_ever_written_stays_right(text: str, includes: dict[str, str], expected: str) -> None:
    assert digest(text, includes) == f"sha256:{expected}"


@given(st.text(max_size=20), st.text(max_size=20))
@often
def test_two_texts_have_two_digests(one: str, other: str) -> None:
    assert (digest(one, {}) == digest(other, {})) == (one == other)
