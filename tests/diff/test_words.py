"""Differences word by word, and character by character where no space parts words."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.diff.words import tokens, words

_SCRIPTS = st.sampled_from(
    [*list("ab \n\t.{}%#|返品は30日以内。ﾊｶﾞ"), "👩\u200d👩\u200d👧", "é", "が", "🇯🇵", "\u2028", "\r", "\x0b"]
)
TEXTS = st.lists(_SCRIPTS, max_size=40).map("".join)

ENGLISH_WORDS = (
    "answer the customer only from passages that were found in help centre and cite each of them by its number if "
    "nothing fits say so politely never invent a price date or promise keep to three short sentences use plain words"
).split()
ENGLISH = " ".join(random.Random(7).choice(ENGLISH_WORDS) for _ in range(400))
JAPANESE_CHARACTERS = (
    "返品交換配送料金支払方法お客様質問回答丁寧短文必ずヘルプセンター情報のみ利用してくださいはがをにで、。"
)
JAPANESE = "".join(random.Random(7).choice(JAPANESE_CHARACTERS) for _ in range(400))


@given(TEXTS, TEXTS)
@settings(max_examples=300, deadline=None)
def test_the_pieces_put_together_are_both_texts_exactly(old, new):
    pieces = words(old, new)
    assert "".join(text for sign, text in pieces if sign in "=-") == old
    assert "".join(text for sign, text in pieces if sign in "=+") == new


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_piece_is_empty_and_no_two_of_a_sign_stand_side_by_side(old, new):
    pieces = words(old, new)
    assert all(text for _, text in pieces)
    assert all(one[0] != other[0] for one, other in itertools.pairwise(pieces))


@given(st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_tokens_put_together_are_the_text(text):
    assert "".join(tokens(text)) == text


@given(TEXTS)
@settings(max_examples=50, deadline=None)
def test_equal_texts_have_no_difference(text):
    assert words(text, text) == ([("=", text)] if text else [])


@pytest.mark.parametrize("at", [0, 1, 199, 398, 399])
def test_one_changed_word_in_400_is_all_that_shows(at):
    parts = ENGLISH.split(" ")
    old, new = f"{ENGLISH}\n", " ".join([*parts[:at], "XYZ", *parts[at + 1 :]]) + "\n"
    changed = [piece for piece in words(old, new) if piece[0] != "="]
    assert changed == [("-", parts[at]), ("+", "XYZ")]


@pytest.mark.parametrize("at", [0, 1, 200, 398, 399])
def test_one_changed_character_in_400_japanese_ones_is_all_that_shows(at):
    new = JAPANESE[:at] + "犬" + JAPANESE[at + 1 :]
    changed = [piece for piece in words(f"{JAPANESE}\n", f"{new}\n") if piece[0] != "="]
    assert changed == [("-", JAPANESE[at]), ("+", "犬")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "new\n", [("+", "new\n")]),
        ("old\n", "", [("-", "old\n")]),
        ("a b c\n", "a c\n", [("=", "a"), ("-", " b"), ("=", " c\n")]),
        ("a\nsay b\nc\n", "a\nsay B\nc\n", [("=", "a\nsay "), ("-", "b"), ("+", "B"), ("=", "\nc\n")]),
        ("a\n", "a\n\n", [("=", "a\n"), ("+", "\n")]),
        ("30日以内\n", "14日以内\n", [("-", "30"), ("+", "14"), ("=", "日以内\n")]),
        ("返品は可\n", "返品は不可\n", [("=", "返品は"), ("+", "不"), ("=", "可\n")]),
        (
            "Good day, dear {{ name }}.\n",
            "Good day, dear {{ nick }}.\n",
            [("=", "Good day, dear "), ("-", "{{ name }}"), ("+", "{{ nick }}"), ("=", ".\n")],
        ),
        ("The cafe\n", "The café\n", [("=", "The "), ("-", "cafe"), ("+", "café"), ("=", "\n")]),
    ],
)
def test_changes_are_as_small_as_words_and_tags_allow(old, new, expected):
    assert words(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("👩‍👩‍👧", "👩‍👩‍👦"),
        ("👍🏻", "👍🏿"),
        ("か\u3099", "か\u309a"),
        ("e\u0301", "e\u0300"),
        ("🇯🇵", "🇯🇲"),
        ("1\ufe0f\u20e3", "1\ufe0e\u20e3"),
    ],
    ids=["family", "skin", "kana with a mark", "letter with a mark", "flag", "keycap"],
)
def test_a_grapheme_is_never_torn_apart(old, new):
    before, after = "お客様への返答は必ず", "を付けてください。\n"
    changed = [("=", before), ("-", old), ("+", new), ("=", after)]
    assert words(f"{before}{old}{after}", f"{before}{new}{after}") == changed


def test_a_moved_line_leaves_the_lines_around_it_alone():
    lines = [f"Line {number} of the prompt.\n" for number in range(30)]
    moved = [*lines[:5], *lines[6:20], lines[5], *lines[20:]]
    changed = [piece for piece in words("".join(lines), "".join(moved)) if piece[0] != "="]
    assert changed == [("-", lines[5]), ("+", lines[5])]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Be kind to all.\n", "Never answer questions about prices, and name your sources.\n"),
        ("丁寧に答えること。\n", "料金の質問には答えず、出典を示してください。\n"),
    ],
)
def test_texts_that_share_little_are_told_whole_and_not_as_confetti(old, new):
    assert words(old, new) == [("-", old), ("+", new)]
