from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import FileError
from promptreg.core.pins import Pin, environment_path, find_pin, read_pins, share_of, with_pin, without_pin
from promptreg.core.text import decode
from tests.support.reading import often, rarely, said, value_or_words

_A, _B, _C = (f"sha256:{letter * 64}" for letter in "abc")
_WAIVER = {
    "version": "2.0.0",
    "from": "1.0.0",
    "verdict": "regressed",
    "figures": "correct 0.930 → 0.870, p 0.033",
    "by": "Aki <aki@example.com>",
    "date": "2026-11-20",
    "reason": 'The supplier asked for it: "now" # really',
}
_TEXT = f"""\
# What production runs.

shared/tone:
  version: 1.0.0
  digest: {_C}
# Guarded by the support team.
support/answer:
  version: 1.1.0
  # Since the audit.
  digest: {_A}
  previous: 1.0.0 {_B}

support/classify:
  version: 2.0.0
  digest: {_B}
  rollout: 2.1.0 {_C} 10%
"""


# Reading


def test_an_entry_says_version_digest_previous_rollout_and_waiver() -> None:
    pins = read_pins(_TEXT, "f")
    assert list(pins) == ["shared/tone", "support/answer", "support/classify"]
    answer, classify = pins["support/answer"], pins["support/classify"]
    assert (answer.version, answer.digest, answer.previous, answer.rollout, answer.waiver, answer.line) == (
        "1.1.0", _A, ("1.0.0", _B), None, None, 7,
    )  # fmt: skip
    assert (classify.version, classify.digest, classify.previous, classify.rollout, classify.line) == (
        "2.0.0", _B, None, ("2.1.0", _C, 10.0), 13,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["shared/tone", "support/answer", "support/classify"])
def test_one_entry_found_by_its_line_is_the_one_that_the_whole_reader_finds(name: str) -> None:
    one, whole = find_pin(_TEXT, name, "f"), read_pins(_TEXT, "f")[name]
    assert one is not None
    assert (one.facts(), one.line) == (whole.facts(), whole.line)


@pytest.mark.parametrize("name", ["support", "tone", "support/answe", "answer", "version", "hared/tone"])
def test_a_name_that_is_part_of_another_is_not_found(name: str) -> None:
    assert find_pin(_TEXT, name, "f") is None


def test_an_environment_may_be_empty() -> None:
    assert read_pins("", "f") == read_pins("# Nothing yet.\n\n", "f") == {}
    assert find_pin("", "a", "f") is None


_HEAD = f"a:\n  version: 1.0.0\n  digest: {_A}\n"
_ELSE = "An environment file holds entries of promptreg's own and comments, nothing else."


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("a:\n", "f:2: a: an entry needs version and digest."),
        ("a:\n  version: 1.0.0\n", "f:2: a: an entry needs version and digest."),
        (f"a:\n  version: 1.0\n  digest: {_A}\n", "f:2: a: '1.0' is not a version."),
        (f"a:\n  version: '1.0.0'\n  digest: {_A}\n", 'f:2: a: "\'1.0.0\'" is not a version.'),
        ("a:\n  version: 1.0.0\n  digest: abc\n",
         "f:2: a: 'abc' is not a digest (sha256: and 64 hexadecimal digits)."),
        (_HEAD + "  previous: 1.0.0\n", "f:2: a: '' is not a digest (sha256: and 64 hexadecimal digits)."),
        (_HEAD + f"  rollout: 1.1.0 {_B} 10\n", "f:2: a: '10' is not a share like 10%."),
        (_HEAD + f"  rollout: 1.1.0 {_B} 0%\n", "f:2: a: '0%' is not a share like 10%."),
        (_HEAD + f"  rollout: 1.1.0 {_B} 100%\n", "f:2: a: '100%' is not a share like 10%."),
        (_HEAD + f"  rollout: 1.1.0 {_B} nan%\n", "f:2: a: 'nan%' is not a share like 10%."),
        (_HEAD + "  waiver: because\n",
         "f:2: a: a waiver is a mapping of version, from, verdict, figures, by, date, reason."),
        (_HEAD + '  waiver: {"version": "1.0.0"}\n',
         "f:2: a: a waiver is a mapping of version, from, verdict, figures, by, date, reason."),
        (_HEAD + "  owner: me\n", "f:5: 'owner: me' cannot stand in an entry."),
        (_HEAD + "  version: 1.0.0\n", "f:5: 'version: 1.0.0' cannot stand in an entry."),
        (_HEAD + "  words\n", "f:5: 'words' cannot stand in an entry."),
        (_HEAD + "  previous:1.0.0\n", "f:5: 'previous:1.0.0' cannot stand in an entry."),
        (f"a:\n version: 1.0.0\n  digest: {_A}\n", "f:3: 'version: 1.0.0' cannot stand in an entry."),
        (f"a:\n    version: 1.0.0\n  digest: {_A}\n", "f:3: 'version: 1.0.0' cannot stand in an entry."),
        (_HEAD + _HEAD, "f:5: a stands here a second time."),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_told_with_its_line(entry: str, sentence: str) -> None:
    assert said(FileError, read_pins, f"\n{entry}", "f") == sentence
    one = said(FileError, find_pin, f"\n{entry}", "a", "f")
    assert one == sentence.replace(
        "f:5: a stands here a second time.", "f:2: a stands here a second time further down."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1.0.0\n", f"f:1: 'a: 1.0.0' is not the name of a prompt and a colon. {_ELSE}"),
        (f"a:  # mine\n{_HEAD[3:]}", f"f:1: 'a:  # mine' is not the name of a prompt and a colon. {_ELSE}"),
        (f"'a':\n{_HEAD[3:]}", f'f:1: "\'a\':" is not the name of a prompt and a colon. {_ELSE}'),
        ("- a\n", f"f:1: '- a' is not the name of a prompt and a colon. {_ELSE}"),
        ("---\n", f"f:1: '---' is not the name of a prompt and a colon. {_ELSE}"),
        ("A:\n", f"f:1: 'A:' is not the name of a prompt and a colon. {_ELSE}"),
        (_HEAD + "\tprevious: x\n", f"f:4: 'previous: x' is not the name of a prompt and a colon. {_ELSE}"),
        (f"{_HEAD}<<<<<<< HEAD\nb:\n=======\nc:\n>>>>>>> topic\n",
         ("f:4: merge conflict markers stand here. Settle prompt.md by hand, then: "
         "promptreg check --fix && promptreg ship --changed --to ENV")),
    ],
)  # fmt: skip
def test_what_is_no_entry_is_told_with_its_line(text: str, sentence: str) -> None:
    assert said(FileError, read_pins, text, "f") == sentence


def test_names_stand_sorted() -> None:
    sentence = said(FileError, read_pins, _HEAD.replace("a:", "b:", 1) + _HEAD, "f")
    assert sentence.startswith("f:4: ")


# Writing


@pytest.mark.parametrize(
    ("pin", "text"),
    [
        (Pin("a", "1.0.0", _A), _HEAD),
        (Pin("a", "1.0.0", _A, previous=("0.9.0", _B)), f"{_HEAD}  previous: 0.9.0 {_B}\n"),
        (Pin("a", "1.0.0", _A, rollout=("1.1.0", _B, 10.0)), f"{_HEAD}  rollout: 1.1.0 {_B} 10%\n"),
        (Pin("a", "1.0.0", _A, rollout=("1.1.0", _B, 12.5)), f"{_HEAD}  rollout: 1.1.0 {_B} 12.5%\n"),
        (Pin("a", "2.0.0", _A, waiver=_WAIVER),
         (f"a:\n  version: 2.0.0\n  digest: {_A}\n"
         '  waiver: {"version": "2.0.0", "from": "1.0.0", "verdict": "regressed", '
         '"figures": "correct 0.930 → 0.870, p 0.033", "by": "Aki <aki@example.com>", "date": "2026-11-20", '
         '"reason": "The supplier asked for it: \\"now\\" # really"}\n')),
    ],
)  # fmt: skip
def test_an_entry_is_written_as_a_name_and_its_keys(pin: Pin, text: str) -> None:
    assert pin.text() == text
    assert read_pins(text, "f")["a"].facts() == pin.facts()


@given(st.text(max_size=30) | st.text(alphabet="\"\\'{}:,# \x7f\x80\x85\u2028\ufeff\uffff\n日😀", max_size=8))
@often
def test_whatever_the_reason_of_a_waiver_is_it_is_read_back(reason: str) -> None:
    pin = Pin("a", "2.0.0", _A, waiver=_WAIVER | {"reason": reason})
    assert read_pins(decode(pin.text().encode(), "f"), "f")["a"].facts() == pin.facts()


@given(st.floats(0, 100, exclude_min=True, exclude_max=True))
@often
def test_whatever_the_share_of_a_rollout_is_it_is_read_back(share: float) -> None:
    pin = Pin("a", "1.0.0", _A, rollout=("1.1.0", _B, share))
    assert read_pins(pin.text(), "f")["a"].facts() == pin.facts()


def test_replacing_an_entry_changes_its_lines_alone() -> None:
    text = with_pin(_TEXT, Pin("support/answer", "1.2.0", _B, previous=("1.1.0", _A)))
    assert text == _TEXT.replace(
        f"  version: 1.1.0\n  # Since the audit.\n  digest: {_A}\n  previous: 1.0.0 {_B}\n",
        f"  # Since the audit.\n  version: 1.2.0\n  digest: {_B}\n  previous: 1.1.0 {_A}\n",
    )


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("shared/rules", "shared/tone:\n"),
        ("shared/tone-2", "# Guarded by the support team.\nsupport/answer:\n"),
        ("support/billing", "support/classify:\n"),
    ],
)
def test_a_new_entry_stands_before_the_next_name_and_the_comment_above_that(name: str, before: str) -> None:
    pin = Pin(name, "1.0.0", _A)
    assert with_pin(_TEXT, pin) == _TEXT.replace(before, pin.text() + before)


def test_a_new_entry_that_sorts_last_stands_at_the_end() -> None:
    pin = Pin("support/refund", "1.0.0", _A)
    assert with_pin(_TEXT, pin) == _TEXT + pin.text()
    assert with_pin(_TEXT.removesuffix("\n"), pin) == _TEXT + pin.text()
    assert with_pin("", pin) == pin.text()
    assert with_pin("# What production runs.\n", pin) == "# What production runs.\n" + pin.text()


def test_taking_an_entry_out_leaves_every_other_line() -> None:
    assert without_pin(_HEAD, "a") == ""
    assert without_pin(_TEXT, "support/refund") == _TEXT
    assert without_pin(_TEXT, "shared/tone") == _TEXT.replace(f"shared/tone:\n  version: 1.0.0\n  digest: {_C}\n", "")


_NAMES = st.sampled_from(["a", "a-b", "a.b", "a/b", "a/b/c", "ab", "b", "version", "x/digest"])
_EXACT = st.tuples(st.sampled_from(["1.0.0", "1.10.0", "2.0.0-rc.1"]), st.sampled_from([_A, _B, _C]))


@st.composite
def _pins(draw: Any, names: Any = _NAMES) -> Pin:
    version, digest = draw(_EXACT)
    rollout = draw(st.none() | st.tuples(_EXACT, st.sampled_from([0.5, 10.0, 99.0])))
    return Pin(
        draw(names),
        version,
        digest,
        previous=draw(st.none() | _EXACT),
        rollout=None if rollout is None else (*rollout[0], rollout[1]),
        waiver=draw(st.none() | st.just(_WAIVER)),
    )


@st.composite
def _files(draw: Any) -> str:
    """An environment file as people keep them: sorted entries, with comments and blank lines between and inside."""
    pins = draw(st.lists(_pins(), unique_by=lambda pin: pin.name, max_size=5))
    pieces = [draw(st.sampled_from(["", "# Head.\n", "# Head.\n\n"]))]
    for pin in sorted(pins, key=lambda pin: pin.name):
        pieces.append(draw(st.sampled_from(["", "# About it.\n", "\n", "\n# b:\n# more\n"])))
        lines = pin.text().splitlines(keepends=True)
        lines.insert(draw(st.integers(1, len(lines))), draw(st.sampled_from(["", "  # inside\n"])))
        pieces.extend(lines)
    pieces.append(draw(st.sampled_from(["", "\n", "# End.\n"])))
    text = "".join(pieces)
    return text.removesuffix("\n") if draw(st.booleans()) and pins else text


def _others(text: str, name: str) -> list[str]:
    """The lines of a file that are no part of an entry."""
    kept, inside = [], False
    for line in text.splitlines():
        inside = line == f"{name}:" or (inside and line.startswith(" "))
        if not inside:
            kept.append(line)
    return kept


def _facts(text: str) -> dict[str, tuple[Any, ...]]:
    return {name: pin.facts() for name, pin in read_pins(text, "f").items()}


@given(_files(), _pins())
@often
def test_putting_an_entry_in_leaves_everything_else(text: str, pin: Pin) -> None:
    new = with_pin(text, pin)
    assert _facts(new) == _facts(text) | {pin.name: pin.facts()}
    assert _others(new, pin.name) == _others(text, pin.name)
    assert new.count("  # inside\n") >= text.count("  # inside\n")
    assert list(read_pins(new, "f")) == sorted(read_pins(new, "f"))
    assert with_pin(new, pin) == new


@given(_files(), _NAMES)
@often
def test_taking_an_entry_out_leaves_everything_else(text: str, name: str) -> None:
    new = without_pin(text, name)
    assert _facts(new) == {key: facts for key, facts in _facts(text).items() if key != name}
    assert _others(new, name) == _others(text, name)


@given(_files(), _pins())
@often
def test_an_entry_put_in_and_taken_out_was_never_there(text: str, pin: Pin) -> None:
    if pin.name not in _facts(text):
        assert without_pin(with_pin(text, pin), pin.name).removesuffix("\n") == text.removesuffix("\n")


@given(_files(), _NAMES)
@often
def test_the_scanning_reader_and_the_whole_reader_agree(text: str, name: str) -> None:
    one, whole = find_pin(text, name, "f"), read_pins(text, "f").get(name)
    assert (one and (one.facts(), one.line)) == (whole and (whole.facts(), whole.line))


_LINES = st.sampled_from(
    ["a:", "b:", "a", "# c", "", "  ", "  version: 1.0.0", f"  digest: {_A}", f"  previous: 1.0.0 {_B}", "  # c",
     "   x", f"  rollout: 1.1.0 {_C} 10%", "  waiver: {a: *b}", "  waiver: [", " version: 1.0.0", "é",
     "<<<<<<< a", ">>>>>>> b"]
)  # fmt: skip


@given(st.binary(max_size=60) | st.lists(_LINES, max_size=9).map(lambda lines: "\n".join(lines).encode()))
@often
def test_any_bytes_are_pins_or_a_worded_error(data: bytes) -> None:
    whole = value_or_words(lambda: read_pins(decode(data, "f"), "f"))
    one = value_or_words(lambda: find_pin(decode(data, "f"), "a", "f"))
    if isinstance(whole, FileError):
        assert whole.path == "f"
        assert whole.line is not None
    else:
        assert not isinstance(one, FileError)
        assert (one is None) == ("a" not in whole)


# Facts and rollouts


def test_two_entries_that_say_the_same_have_the_same_facts() -> None:
    full = {"previous": ("0.9.0", _B), "rollout": ("1.1.0", _C, 10.0), "waiver": _WAIVER}
    pin = Pin("a", "1.0.0", _A, **full)
    assert pin.facts() == Pin("a", "1.0.0", _A, **(full | {"waiver": dict(reversed(_WAIVER.items()))})).facts()
    others = [
        Pin("a", "1.0.1", _A, **full),
        Pin("a", "1.0.0", _B, **full),
        *[Pin("a", "1.0.0", _A, **(full | {key: None})) for key in full],
        Pin("a", "1.0.0", _A, **(full | {"waiver": _WAIVER | {"reason": "Another."}})),
    ]
    assert all(pin.facts() != other.facts() for other in others)


def test_an_environments_file_is_named_after_it() -> None:
    assert environment_path("production") == "environments/production.yaml"


def test_the_share_of_a_key_is_settled_by_its_sha256_for_ever() -> None:
    first = hashlib.sha256(b"support/answer\n2.1.0\nuser-1").digest()[:8]
    assert share_of("support/answer", "2.1.0", "user-1") == int.from_bytes(first, "big") / 2**64 * 100
    assert share_of("support/answer", "2.1.0", "user-1") == pytest.approx(31.343133782488085)


def test_ten_percent_of_the_keys_are_about_ten_percent() -> None:
    inside = sum(share_of("support/answer", "2.1.0", f"user-{number}") < 10 for number in range(5000))
    assert 400 < inside < 600


@given(st.text(), st.text(), st.text())
@rarely
def test_a_share_lies_between_0_and_100(name: str, salt: str, key: str) -> None:
    assert 0 <= share_of(name, salt, key) < 100
