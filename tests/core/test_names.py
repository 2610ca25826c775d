from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import SpecError
from promptreg.core.names import (
    DRAFT,
    LATEST,
    Selector,
    check_environment_name,
    check_name,
    is_name,
    parse_selector,
    parse_spec,
)
from tests.support.reading import often, said, value_or_words

_SEGMENTS = (
    "a name is made of segments a–z, 0–9 and . _ - joined by /, each beginning with a letter or digit and not ending "
    "with a dot (support/answer)."
)
_JAPANESE = (
    "names are lower-case a–z, 0–9 and . _ - / (they become folders and telemetry values). Put the Japanese title "
    "into description:."
)
_FOREIGN = (
    "names are lower-case a–z, 0–9 and . _ - / (they become folders and telemetry values). Put the title into "
    "description:."
)
_OWN = "is a folder of promptreg's own and cannot stand in a name."
_DEVICE = "is a device name on Windows and cannot stand in a name."


@pytest.mark.parametrize(
    "name",
    ["a", "0", "answer", "support/answer", "a/b/c/d", "a-b_c.d", "3d/v1.0", "version", "eval", "com", "com10", "cons"],
)
def test_a_name_is_made_of_lower_case_segments(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "A prompt's name is missing."),
        ("a\\b", "a\\b: names are joined by /, not by a backslash."),
        ("Support/Answer", "Support/Answer: names are lower-case. Did you mean support/answer?"),
        ("/a", f"/a: {_SEGMENTS}"),
        ("a/", f"a/: {_SEGMENTS}"),
        ("a//b", f"a//b: {_SEGMENTS}"),
        ("..", f"..: {_SEGMENTS}"),
        ("a/../b", f"a/../b: {_SEGMENTS}"),
        ("./a", f"./a: {_SEGMENTS}"),
        (".hidden", f".hidden: {_SEGMENTS}"),
        ("_a", f"_a: {_SEGMENTS}"),
        ("-a", f"-a: {_SEGMENTS}"),
        ("a.", f"a.: {_SEGMENTS}"),
        ("a b", f"a b: {_SEGMENTS}"),
        ("a:b", f"a:b: {_SEGMENTS}"),
        ("A b", f"A b: {_SEGMENTS}"),
        ("問い合わせ/回答", f"問い合わせ/回答: {_JAPANESE}"),
        ("réponse", f"réponse: {_FOREIGN}"),
        ("versions", f"versions: versions {_OWN}"),
        ("a/versions", f"a/versions: versions {_OWN}"),
        ("evals/a", f"evals/a: evals {_OWN}"),
        ("environments", f"environments: environments {_OWN}"),
        ("con", f"con: con {_DEVICE}"),
        ("a/nul.txt", f"a/nul.txt: nul.txt {_DEVICE}"),
        ("aux/a", f"aux/a: aux {_DEVICE}"),
        ("prn", f"prn: prn {_DEVICE}"),
        ("com1", f"com1: com1 {_DEVICE}"),
        ("lpt9.v2", f"lpt9.v2: lpt9.v2 {_DEVICE}"),
        ("a" * 201, f"{'a' * 40}…: a name has at most 200 characters; this one has 201."),
    ],
)
def test_what_cannot_be_a_name_is_refused_with_the_rule(name: str, sentence: str) -> None:
    assert said(SpecError, check_name, name) == sentence
    assert not is_name(name)


def test_a_name_may_have_200_characters() -> None:
    assert is_name("a" * 200)


@given(st.text(alphabet="abAB09._-/\\ 日", max_size=12))
@often
def test_a_name_never_leaves_the_folder_that_it_is_put_in(name: str) -> None:
    assert is_name(name) == (value_or_words(check_name, name) == name)
    if is_name(name):
        assert os.path.normpath(f"/registry/{name}") == f"/registry/{name}"
        assert name == name.lower()


@pytest.mark.parametrize("name", ["production", "staging", "eu-west-1", "a", "v1"])
def test_an_environment_is_a_lower_case_word(name: str) -> None:
    assert check_environment_name(name) == name
    assert parse_selector(name) == Selector("environment", name)


@pytest.mark.parametrize("name", ["latest", "draft", "x"])
def test_an_environment_cannot_be_called_like_another_selector(name: str) -> None:
    assert said(SpecError, check_environment_name, name) == (
        f"{name} cannot be an environment: as a selector it means something else."
    )


@pytest.mark.parametrize("name", ["", "Production", "1st", "-a", "a_b", "a.b", "a/b", "本番", "a\n"])
def test_what_cannot_be_an_environment_is_refused(name: str) -> None:
    assert said(SpecError, check_environment_name, name) == (
        f"{name!r} is not an environment's name: lower-case letters, digits and -, a letter first."
    )


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("1.2.0", Selector("version", "1.2.0")),
        ("1.2.0-rc.1", Selector("version", "1.2.0-rc.1")),
        ("1", Selector("range", "1")),
        ("1.2", Selector("range", "1.2")),
        ("^1.2", Selector("range", "^1.2")),
        ("~1.2.3", Selector("range", "~1.2.3")),
        (">=1 <3", Selector("range", ">=1 <3")),
        ("1.x || 2.x", Selector("range", "1.x || 2.x")),
        ("x", Selector("range", "x")),
        ("*", Selector("range", "*")),
        ("v1.2.0", Selector("range", "v1.2.0")),
        ("production", Selector("environment", "production")),
        ("latest", LATEST),
        ("draft", DRAFT),
        ("git:main", Selector("git", "main")),
        ("git:HEAD~2", Selector("git", "HEAD~2")),
        ("git:a@{1}", Selector("git", "a@{1}")),
    ],
)
def test_what_stands_behind_the_at_sign_says_its_kind(text: str, selector: Selector) -> None:
    assert parse_spec(f"support/answer@{text}") == ("support/answer", selector)


def test_a_spec_may_go_without_a_selector() -> None:
    assert parse_spec("support/answer") == ("support/answer", None)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("a@", "The selector behind @ is empty. Name a version, a range, an environment, latest or draft."),
        ("a@ ", "The selector behind @ is empty. Name a version, a range, an environment, latest or draft."),
        ("a@git:", "git: needs a revision, as in git:main."),
        ("a@1.0.0+build.5", "'1.0.0+build.5': versions carry no build metadata. Leave out '+build.5'."),
        ("a@01.2.3", "'01.2.3' is not a version. Versions look like 1.2.0 or 1.2.0-rc.1."),
        (
            "a@1.2.3.4",
            "'1.2.3.4' is not a range that npm reads. Ranges look like 1, 1.2, ^1.2, ~1.2.3, '>=1 <3' or '1.x || 2.x'.",
        ),
        (
            "a@^production",
            (
                "'^production' is not a range that npm reads. Ranges look like 1, 1.2, ^1.2, ~1.2.3, '>=1 <3' or "
                "'1.x || 2.x'."
            ),
        ),
        (
            "a@Production",
            (
                "'Production' is not a selector. Write a version (1.2.0), a range (^1.2), an environment (production), "
                "latest or draft."
            ),
        ),
        (
            "a@b@c",
            (
                "'b@c' is not a selector. Write a version (1.2.0), a range (^1.2), an environment (production), "
                "latest or draft."
            ),
        ),
        ("@1.0.0", "A prompt's name is missing."),
        ("A@1.0.0", "A: names are lower-case. Did you mean a?"),
    ],
)
def test_a_spec_that_cannot_be_read_is_refused_with_what_to_write(spec: str, sentence: str) -> None:
    assert said(SpecError, parse_spec, spec) == sentence


@given(st.one_of(st.text(max_size=20), st.text(alphabet="a1x.0 @^~<>=|*-+:git/", max_size=12)))
@often
def test_any_text_is_a_spec_or_a_worded_error(text: str) -> None:
    value_or_words(parse_spec, text)
    value_or_words(parse_selector, text)
    value_or_words(check_environment_name, text)


def test_equal_selectors_are_one_key() -> None:
    assert len({parse_selector("^1"), Selector("range", "^1"), Selector("version", "^1")}) == 2
    assert repr(parse_selector("^1")) == "Selector('range', '^1')"


@pytest.mark.parametrize("spec", [None, 3, b"a@1.0.0", ["a"]])
def test_what_is_no_text_is_no_spec(spec: Any) -> None:
    sentence = f"a spec is a text, such as support/answer@1.2.0, not {type(spec).__name__}."
    assert said(SpecError, parse_spec, spec) == sentence
