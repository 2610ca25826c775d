"""`eval --show`: a case with what is asked, what is answered and how it is judged, as a person reads it."""

from __future__ import annotations

import re

import pytest

from tests.support.place import Place
from tests.support.shipping import RIGHT, cases

NAME = "support/answer"
BOTS = """\
import itertools

count = itertools.count()

def same(request):
    return {"text": "はい\\nいいえ", "model": "bot", "tokens_in": 12, "tokens_out": 3 + next(count) % 2}

def changing(request):
    return "even" if next(count) % 2 else "odd"

def broken(request):
    raise ValueError("one\\ntwo")
"""
SCORERS = """\
scorers:
  correct: {type: exact}
  near: {type: python, function: says:grade, kind: score}
"""
SAYS = """\
def grade(answer):
    return {"score": 2 / 3, "comment": "first\\nsecond"}
"""


@pytest.fixture
def place(registry: Place) -> Place:
    registry.draft(NAME, RIGHT)
    registry.write("prompts/bots.py", BOTS)
    registry.write(f"prompts/{NAME}/evals/says.py", SAYS)
    return registry


def look(place: Place, bot: str, *arguments: str, status: int = 0) -> list[str]:
    """What is shown behind the messages, times taken out."""
    place.suite(NAME, cases(1), f"provider: python:bots:{bot}\n{SCORERS}")
    options = ["--case", "c1", "--show", "--allow-code", "--concurrency", "1", *arguments]
    out = place.ok("eval", NAME, *options, status=status).out
    lines = out.splitlines()
    return [re.sub(r"\d+\.\d\d( to \d+\.\d\d)? s", "NOW", line) for line in lines[lines.index("    q1") + 1 :]]


JUDGED = [
    "correct   0",
    "near      0.667  first",
    "                 second",
]


def test_equal_answers_are_told_once_with_how_often(place: Place):
    assert look(place, "same", "--repeat", "5") == [
        "answer × 5 (bot, NOW, 12 tokens in, 3 to 4 out):",
        "    はい",
        "    いいえ",
        *JUDGED,
    ]


def test_one_answer_is_told_with_what_is_known_of_it(place: Place):
    assert look(place, "same")[0] == "answer (bot, NOW, 12 tokens in, 3 out):"


def test_other_answers_are_parted_by_a_blank_line(place: Place):
    shown = look(place, "changing", "--repeat", "4")
    assert shown[1:3] == ["    odd", JUDGED[0]]
    assert shown[4:] == [JUDGED[2], "", shown[6], "    even", *JUDGED]
    assert (shown[0][:10], shown[6]) == ("answer × 2", shown[0])


def test_json_keeps_each_answer(place: Place):
    place.suite(NAME, cases(1), f"provider: python:bots:same\n{SCORERS}")
    ran = place.ok("eval", NAME, "--case", "c1", "--show", "--allow-code", "--repeat", "3", "--json").json
    assert len(ran["cases"][0]["answers"]) == 3
