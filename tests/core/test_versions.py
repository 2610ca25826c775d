from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import SpecError
from promptreg.core.versions import check_range, is_prerelease, is_version, matching, newest, precedence
from tests.support.reading import often, said, value_or_words

#: The expression that https://semver.org suggests, without build metadata.
_OFFICIAL = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?",
    re.ASCII,
)
_RELEASED = (
    "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0-alpha 1.0.0-rc.1 1.0.0-rc.2 1.0.0 1.2.0 1.2.3-rc.1 1.2.3 1.2.4 1.10.0 "
    "2.0.0-0 2.0.0 2.1.0-beta 2.3.4 3.0.0-alpha 10.0.0"
).split()

#: Range → which of _RELEASED npm's own semver 7.8.6 says satisfy it.
_NPM = [
    ("*", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    ("x", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    ("X", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    (" ", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    ("1", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("1.2", "1.2.0 1.2.3 1.2.4"),
    ("1.x", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("1.2.x", "1.2.0 1.2.3 1.2.4"),
    ("1.2.*", "1.2.0 1.2.3 1.2.4"),
    ("1.X.X", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("1.2.3", "1.2.3"),
    ("=1.2.3", "1.2.3"),
    ("v1.2.3", "1.2.3"),
    ("= 1.2.3", "1.2.3"),
    ("^1", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("^1.2", "1.2.0 1.2.3 1.2.4 1.10.0"),
    ("^1.2.3", "1.2.3 1.2.4 1.10.0"),
    ("^1.x", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("^0", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4"),
    ("^0.2", "0.2.3 0.2.4"),
    ("^0.0", "0.0.1 0.0.3"),
    ("^0.2.3", "0.2.3 0.2.4"),
    ("^0.0.1", "0.0.1"),
    ("^0.x", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4"),
    ("^0.0.x", "0.0.1 0.0.3"),
    ("^1.0.0-rc.1", "1.0.0-rc.1 1.0.0-rc.2 1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("^1.2.3-rc.1", "1.2.3-rc.1 1.2.3 1.2.4 1.10.0"),
    ("^v1.2", "1.2.0 1.2.3 1.2.4 1.10.0"),
    ("~1", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("~1.2", "1.2.0 1.2.3 1.2.4"),
    ("~1.2.3", "1.2.3 1.2.4"),
    ("~0", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4"),
    ("~0.2", "0.2.3 0.2.4"),
    ("~ 1.2", "1.2.0 1.2.3 1.2.4"),
    ("~> 1.2", "1.2.0 1.2.3 1.2.4"),
    ("~>1", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("~1.0.0-rc.1", "1.0.0-rc.1 1.0.0-rc.2 1.0.0"),
    ("~1.2.3-rc.1", "1.2.3-rc.1 1.2.3 1.2.4"),
    (">1", "2.0.0 2.3.4 10.0.0"),
    (">1.2", "1.10.0 2.0.0 2.3.4 10.0.0"),
    (">1.2.3", "1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    (">=1", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    (">=1.2", "1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    (">=1.2.3", "1.2.3 1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    ("<1", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4"),
    ("<1.2", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0"),
    ("<1.2.3", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0"),
    ("<=1", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("<=1.2", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0 1.2.3 1.2.4"),
    ("<=1.2.3", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0 1.2.3"),
    (">=1 <3", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4"),
    (">= 1   < 3", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4"),
    (">1.2 <=2", "1.10.0 2.0.0 2.3.4"),
    (">=1.2.3-rc.1 <2", "1.2.3-rc.1 1.2.3 1.2.4 1.10.0"),
    (">1.0.0-rc.1 <1.0.0", "1.0.0-rc.2"),
    ("<1.0.0-rc.2", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0-alpha 1.0.0-rc.1"),
    ("<1.0.0", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4"),
    ("1.x || 2.x", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4"),
    ("1||3", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    ("^0.2.3 || >=10", "0.2.3 0.2.4 10.0.0"),
    ("1.2.3 || 3.0.0-alpha", "1.2.3 3.0.0-alpha"),
    ("1.0 - 1.2", "1.0.0 1.2.0 1.2.3 1.2.4"),
    ("1.0.0 - 1.2.3", "1.0.0 1.2.0 1.2.3"),
    ("1 - 2", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4"),
    ("1.2.3 - 2", "1.2.3 1.2.4 1.10.0 2.0.0 2.3.4"),
    ("1.0.0-rc.1 - 1.2.0", "1.0.0-rc.1 1.0.0-rc.2 1.0.0 1.2.0"),
    (">=2.0.0-0", "2.0.0-0 2.0.0 2.3.4 10.0.0"),
    ("<2.0.0-0 >=1", "1.0.0 1.2.0 1.2.3 1.2.4 1.10.0"),
    (">=1 <1", ""),
    ("<0.0.1", ""),
    (">*", ""),
    ("<*", ""),
    (">=*", "0.0.1 0.0.3 0.1.0 0.2.3 0.2.4 1.0.0 1.2.0 1.2.3 1.2.4 1.10.0 2.0.0 2.3.4 10.0.0"),
    ("1.0.0-alpha", "1.0.0-alpha"),
    ("4", ""),
    ("1.2.3 2.0.0", ""),
]


def test_precedence_is_that_of_the_semver_page() -> None:
    ordered = (
        "0.9.9 1.0.0-0 1.0.0-2 1.0.0-11 1.0.0--a 1.0.0-A 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta "
        "1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.9.0 1.10.0 1.11.0 2.0.0 2.1.0 2.1.1"
    ).split()
    assert all(precedence(low) < precedence(high) for low, high in itertools.combinations(ordered, 2))


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.2.3.4", "1.2.x", "v1.2.3", " 1.2.3", "1.2.3\n", "01.2.3", "1.02.3", "1.2.-3", "1..3", "a.b.c",
     "1.2.3-", "１.2.3", "1.2.3+b", "1.2.9999999999", "-1.2.3"],
)  # fmt: skip
def test_what_is_no_version_is_refused(text: str) -> None:
    assert not is_version(text)
    assert said(SpecError, precedence, text).startswith(f"{text!r} is not a version")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1.2", "'1.2' is not a version. Versions look like 1.2.0 or 1.2.0-rc.1."),
        ("1.2.3-", "'1.2.3-' is not a version. Versions look like 1.2.0 or 1.2.0-rc.1."),
        ("1.2.3-rc..1", "'1.2.3-rc..1' is not a version: '' cannot stand after the dash."),
        ("1.2.3-01", "'1.2.3-01' is not a version: '01' cannot stand after the dash."),
        ("1.2.3-rc_1", "'1.2.3-rc_1' is not a version: 'rc_1' cannot stand after the dash."),
        ("1.2.3-β", "'1.2.3-β' is not a version: 'β' cannot stand after the dash."),
    ],
)
def test_the_refusal_of_a_version_names_the_part_that_is_wrong(text: str, sentence: str) -> None:
    assert said(SpecError, precedence, text) == sentence


@given(st.text(alphabet="0123456789.-abR+ ", max_size=14))
@often
def test_a_version_is_what_the_semver_page_says(text: str) -> None:
    assert is_version(text) == bool(_OFFICIAL.fullmatch(text))


@given(
    st.tuples(*[st.integers(0, 999_999_999)] * 3),
    st.lists(st.from_regex(r"0|[1-9][0-9]{0,3}|[a-z-]{1,3}", fullmatch=True)),
)
@often
def test_every_version_of_the_semver_page_is_one(numbers: tuple[int, int, int], label: list[str]) -> None:
    text = ".".join(map(str, numbers)) + ("-" + ".".join(label) if label else "")
    assert is_version(text)
    assert is_prerelease(text) == bool(label)
    assert precedence(text)[:3] == numbers


@pytest.mark.parametrize(("text", "versions"), _NPM)
def test_a_range_admits_what_npm_says(text: str, versions: str) -> None:
    assert matching(text, _RELEASED) == versions.split()


@pytest.mark.parametrize(
    "text",
    ["a", "1,2", "^^1", "1.2.3.4", "!1", "=>1", "1.2.3-rc_1", "1.2.3-", "01.2.3", "^01", "1 - 2 - 3", "1 -2", "latest",
     "&&", "1.2.3-01", ">=1 <production", " - ", "1.2..3", ".1", "1.-1", "1.2.3 -", "**", "x.1.2", "1.x.3"],
)  # fmt: skip
def test_what_npm_does_not_read_as_a_range_is_refused(text: str) -> None:
    sentence = (
        f"{text!r} is not a range that npm reads. Ranges look like 1, 1.2, ^1.2, ~1.2.3, '>=1 <3' or '1.x || 2.x'."
    )
    assert said(SpecError, check_range, text) == sentence
    assert said(SpecError, matching, text, _RELEASED) == sentence


@given(st.one_of(st.text(max_size=12), st.text(alphabet="0123xX*.-^~<>=| vrc+", max_size=16)))
@often
def test_any_text_is_a_range_or_a_worded_error(text: str) -> None:
    found = value_or_words(matching, text, _RELEASED)
    assert isinstance(found, SpecError) or found == [version for version in _RELEASED if version in found]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ("1.9.0 1.10.0 1.2.0", "1.10.0"),
        ("1.0.0 2.0.0-rc.1", "1.0.0"),
        ("1.0.0-rc.2 1.0.0-rc.10", "1.0.0-rc.10"),
        ("", None),
    ],
)
def test_the_newest_version_is_that_of_highest_precedence(versions: str, expected: str | None) -> None:
    assert newest(versions.split()) == expected


@pytest.mark.parametrize(
    ("text", "admitted"),
    [(">=2.0.0-rc || *", ["1.0.0"]), ("* || 2.0.0-rc", ["1.0.0"]), (">=2.0.0-rc || ^1", ["1.0.0", "2.0.0-rc"])],
)
def test_a_range_that_admits_everything_names_no_pre_release(text: str, admitted: list[str]) -> None:
    assert matching(text, ["1.0.0", "2.0.0-rc"]) == admitted
