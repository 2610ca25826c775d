from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import FileError
from promptreg.core.sums import Release, is_digest, read_sums, yank_line
from promptreg.core.text import decode
from tests.support.reading import often, said, value_or_words

_A, _B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
_TEXT = f"""\
1.0.0 {_A} 2026-11-20 shared/tone@1.0.0 # First
1.1.0 {_B} 2026-11-24 shared/tone@1.0.0 shared/rules@2.0.0-rc.1 # Cite each passage # and more
2.0.0-rc.1 {_A} 2026-11-25
1.0.0 yanked 2026-12-01 # Leaks the ticket number
"""


def test_a_line_says_version_digest_date_includes_and_message() -> None:
    releases = read_sums(_TEXT, "versions.sum").releases
    found = [
        (one.version, one.digest, one.date, one.includes, one.message, one.yanked, one.yanked_on)
        for one in releases.values()
    ]
    assert found == [
        ("1.0.0", _A, "2026-11-20", ("shared/tone@1.0.0",), "First", "Leaks the ticket number", "2026-12-01"),
        (
            "1.1.0",
            _B,
            "2026-11-24",
            ("shared/tone@1.0.0", "shared/rules@2.0.0-rc.1"),
            "Cite each passage # and more",
            None,
            None,
        ),
        ("2.0.0-rc.1", _A, "2026-11-25", (), "", None, None),
    ]


@pytest.mark.parametrize(
    ("text", "versions", "standing", "latest"),
    [
        ("", [], [], None),
        ("\n\n", [], [], None),
        (_TEXT, ["1.0.0", "1.1.0", "2.0.0-rc.1"], ["1.1.0", "2.0.0-rc.1"], "1.1.0"),
        (f"1.10.0 {_A} 2026-11-20\n1.9.0 {_A} 2026-11-21\n", ["1.10.0", "1.9.0"], ["1.10.0", "1.9.0"], "1.10.0"),
        (f"1.0.0 {_A} 2026-11-20\n1.0.0 yanked 2026-11-21\n", ["1.0.0"], [], None),
        (f"1.0.0-rc.1 {_A} 2026-11-20\n", ["1.0.0-rc.1"], ["1.0.0-rc.1"], "1.0.0-rc.1"),
    ],
)
def test_the_latest_version_is_the_newest_that_is_not_yanked(
    text: str, versions: list[str], standing: list[str], latest: str | None
) -> None:
    sums = read_sums(text, "versions.sum")
    assert (sums.versions(), sums.standing(), sums.latest()) == (versions, standing, latest)


def test_a_version_that_is_yanked_without_a_word_is_yanked() -> None:
    assert read_sums(f"1.0.0 {_A} 2026-11-20\n1.0.0 yanked 2026-11-21\n", "f").releases["1.0.0"].yanked == ""


_LINE = "this is not a line of versions.sum (VERSION sha256:… DATE [INCLUDES] # MESSAGE)."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("one two three\n", f"f:1: {_LINE}"),
        (f"1.0.0 {_A}\n", f"f:1: {_LINE}"),
        (f"\n1.0 {_A} 2026-11-20\n", f"f:2: {_LINE}"),
        (f"v1.0.0 {_A} 2026-11-20\n", f"f:1: {_LINE}"),
        (f"1.0.0  {_A} 2026-11-20\n", f"f:1: {_A} is not a date like 2026-11-20."),
        (f" 1.0.0 {_A} 2026-11-20\n", f"f:1: {_LINE}"),
        ("# A comment\n", f"f:1: {_LINE}"),
        (f"1.0.0 sha256:{'a' * 63} 2026-11-20\n",
         f"f:1: sha256:{'a' * 63} is not a digest (sha256: and 64 hexadecimal digits)."),
        (f"1.0.0 {_A.upper()} 2026-11-20\n",
         f"f:1: {_A.upper()} is not a digest (sha256: and 64 hexadecimal digits)."),
        (f"1.0.0 {_A} 20.11.2026\n", "f:1: 20.11.2026 is not a date like 2026-11-20."),
        (f"1.0.0 {_A} 2026-13-01\n", "f:1: 2026-13-01 is not a date like 2026-11-20."),
        (f"1.0.0 {_A} 2026-02-30\n", "f:1: 2026-02-30 is not a date like 2026-11-20."),
        (f"1.0.0 {_A} 2026-1-011\n", "f:1: 2026-1-011 is not a date like 2026-11-20."),
        (f"1.0.0 {_A} ２０２６-11-20\n", "f:1: ２０２６-11-20 is not a date like 2026-11-20."),
        (f"1.0.0 {_A} 2026-11-20\n1.0.0 {_B} 2026-11-21\n", "f:2: 1.0.0 stands here a second time."),
        (f"1.0.0 {_A} 2026-11-20\n1.1.0 yanked 2026-11-21\n",
         "f:2: 1.1.0 is yanked here and was not released above."),
        (f"1.0.0 yanked 2026-11-21\n1.0.0 {_A} 2026-11-20\n",
         "f:1: 1.0.0 is yanked here and was not released above."),
        (f"1.0.0 {_A} 2026-11-20\n1.0.0 yanked 2026-11-21 a@1.0.0 # Bad\n", f"f:2: {_LINE}"),
        (f"1.0.0 {_A} 2026-11-20 shared/tone\n", "f:1: shared/tone is not an exact include (NAME@VERSION)."),
        (f"1.0.0 {_A} 2026-11-20 a@^1\n", "f:1: a@^1 is not an exact include (NAME@VERSION)."),
        (f"1.0.0 {_A} 2026-11-20 a@latest\n", "f:1: a@latest is not an exact include (NAME@VERSION)."),
        (f"1.0.0 {_A} 2026-11-20 A@1.0.0\n", "f:1: A@1.0.0 is not an exact include (NAME@VERSION)."),
        (f"1.0.0 {_A} 2026-11-20 First\n", "f:1: First is not an exact include (NAME@VERSION)."),
        (f"1.0.0 {_A} 2026-11-20\n<<<<<<< HEAD\n1.1.0 {_A} 2026-11-20\n=======\n1.1.0 {_B} 2026-11-20\n>>>>>>> b\n",
         ("f:2: merge conflict markers stand here. Settle prompt.md by hand, then: "
         "promptreg check --fix && promptreg ship --changed --to ENV")),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_one_is_told_with_its_number(text: str, sentence: str) -> None:
    assert said(FileError, read_sums, text, "f") == sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_A, True), ("sha256:" + "0123456789abcdef" * 4, True), ("", False), ("sha256:", False), ("a" * 71, False),
        (_A[:-1], False), (_A + "a", False), (_A.replace("a", "A"), False), (_A.replace("a", "g"), False),
    ],
)  # fmt: skip
def test_a_digest_is_sha256_and_64_digits(text: str, expected: bool) -> None:
    assert is_digest(text) is expected


def test_what_is_written_is_one_line() -> None:
    release = Release("1.0.0", _A, "2026-11-20", ("a@1.0.0", "b@2.0.0"), "First\n\nof  all\t")
    assert release.line() == f"1.0.0 {_A} 2026-11-20 a@1.0.0 b@2.0.0 # First of all\n"
    assert Release("1.0.0", _A, "2026-11-20").line() == f"1.0.0 {_A} 2026-11-20\n"
    assert yank_line("1.0.0", "2026-12-01", "Leaks\nnumbers") == "1.0.0 yanked 2026-12-01 # Leaks numbers\n"


def test_a_message_of_bytes_that_are_no_text_can_be_written() -> None:
    """The command line hands such bytes in as lone surrogates."""
    written = Release("1.0.0", _A, "2026-11-20", (), "caf\udce9").line().encode()
    assert read_sums(decode(written, "f"), "f").versions() == ["1.0.0"]


@given(st.text(max_size=20), st.text(alphabet=" #\na\x00\x1b\x7f\x85\u2028é", max_size=10))
@often
def test_whatever_the_message_says_the_line_is_read_back(message: str, reason: str) -> None:
    line = Release("1.0.0", _A, "2026-11-20", ("a@1.0.0",), message).line()
    written = (line + yank_line("1.0.0", "2026-12-01", reason) + Release("1.1.0", _B, "2026-12-02").line()).encode()
    releases = read_sums(decode(written, "f"), "f").releases
    assert list(releases) == ["1.0.0", "1.1.0"]
    assert releases["1.0.0"].includes == ("a@1.0.0",)
    assert releases["1.0.0"].yanked is not None
    if message.isprintable():
        assert releases["1.0.0"].message == " ".join(message.split())


_WORDS = st.sampled_from(
    ["1.0.0", "1.1.0", _A, _B, "yanked", "2026-11-20", "a@1.0.0", "#", "# x", "", "\n", "x", "\x00"]
)


@given(st.binary(max_size=60) | st.lists(_WORDS, max_size=14).map(lambda words: " ".join(words).encode()))
@often
def test_any_bytes_are_sums_or_a_worded_error(data: bytes) -> None:
    found = value_or_words(lambda: read_sums(decode(data, "f"), "f"))
    if isinstance(found, FileError):
        assert found.path == "f"
        assert found.line is not None
    else:
        again = "".join(release.line() for release in found.releases.values())
        assert read_sums(again, "f").versions() == found.versions()
