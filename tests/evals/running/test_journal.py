"""The journal: every line that was written is there after a kill, whatever became of the last one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.results import Failure, Judging
from promptreg.evals.running.journal import ANSWERED, DONE, NOTHING, Entry, Journal, JournalError
from promptreg.files import Log, WriteError, log
from tests.support.place import Place
from tests.support.shipping import small_disk

PATH = "runs/k.jsonl"


@pytest.fixture
def place(folder: Place) -> Place:
    """A registry."""
    return folder.registry()


def file_of(place: Place) -> Path:
    return place.path / "prompts/.promptreg" / PATH


@contextmanager
def opened(place: Place, *, done: bool = False) -> Iterator[Log]:
    lines = log(place.project().folder, PATH)
    assert lines is not None
    try:
        yield lines
    finally:
        lines.close(done=done)


def journal(lines: Log, cases: int = 3, repeats: int = 2) -> Journal:
    return Journal(lines, cases, repeats, "2026-11-20T10:00:00.000+00:00")


def entry(case: int, repeat: int, *, text: str = "x", judged: bool = True, t: float = 1.0) -> Entry:
    scores = {"correct": 1.0} if judged else {}
    answer = {"text": text, "model": "m", "tokens_in": 0}
    return Entry(at=(case, repeat), id=f"c{case}", case="0" * 16, answer=answer, judged=judged, scores=scores, t=t)


def states(found: Journal) -> list[int]:
    return [found.state(case, repeat) for case in range(3) for repeat in range(2)]


def test_what_was_written_is_known_to_the_next_process_whatever_order_it_came_in(place: Place) -> None:
    with opened(place) as lines:
        first = journal(lines)
        assert first.is_empty()
        for each in (entry(2, 1, t=0.5), entry(0, 0, judged=False, t=0.7), entry(0, 1, t=2.0), entry(2, 0, t=2.5)):
            first.keep(each)
        assert states(first) == [ANSWERED, DONE, NOTHING, NOTHING, DONE, DONE]
    with opened(place) as lines:
        again = Journal(lines, 3, 2, "2027-01-01T00:00:00.000+00:00")
        assert (states(again), again.done()) == (states(first), 3)
        assert (again.started_at, again.seconds) == ("2026-11-20T10:00:00.000+00:00", 2.5)
        assert [[each.at for each in row] for row in again.rows()] == [[(2, 0), (2, 1)]]
        again.keep(entry(0, 0, text="judged", t=0.25))
        assert again.seconds == 2.75
        assert [[each.at for each in row] for row in again.rows()] == [[(0, 0), (0, 1)], [(2, 0), (2, 1)]]
        assert (again.entry(0, 0).answer or {})["text"] == "judged"


@given(st.integers(min_value=0))
@settings(max_examples=40, deadline=None)
def test_a_journal_cut_anywhere_goes_on_with_the_lines_that_are_whole(tmp_path_factory, cut: int) -> None:
    place = Place(tmp_path_factory.mktemp("cut")).registry()
    kept = [entry(0, 0, text="é" * 50), entry(1, 1, judged=False), entry(2, 0), entry(1, 1)]
    with opened(place) as lines:
        first = journal(lines)
        for each in kept:
            first.keep(each)
    whole = file_of(place).read_bytes()
    at = cut % (len(whole) + 1)
    file_of(place).write_bytes(whole[:at])
    complete = whole[:at].count(b"\n") - 1
    with opened(place) as lines:
        again = journal(lines)
        for case in range(3):
            for repeat in range(2):
                there = [each for each in kept[: max(complete, 0)] if each.at == (case, repeat)]
                wanted = NOTHING if not there else DONE if there[-1].judged else ANSWERED
                assert again.state(case, repeat) == wanted
                assert not there or again.entry(case, repeat) == there[-1]
        again.keep(entry(0, 1))
        assert again.entry(0, 1) == entry(0, 1)


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=60, deadline=None)
def test_an_entry_is_read_as_it_was_written(text: str, score: float) -> None:
    made = Entry(
        at=(7, 3),
        id="c",
        case="0" * 16,
        tags=["critical"],
        cluster="d",
        answer={"text": text, "model": text, "tokens_in": 0, "tool_calls": [{"name": "f", "arguments": [text]}]},
        ms=0.25,
        cached="2026",
        judged=True,
        scores={"a": score, "b": 0.0},
        comments={"a": text},
        errors=[Failure(repeat=3, source="c", reason=text)],
        judging=Judging(calls=1, cost_usd=0.1),
        t=1.5,
    )
    assert "\n" not in made.line()
    assert Entry.read(made.line()) == made


def test_an_answer_with_calls_deep_inside_one_another_is_kept(place: Place) -> None:
    deep: object = 1
    for _ in range(600):
        deep = [deep]
    made = entry(0, 0)
    made = made.model_copy(update={"answer": {"text": "x", "model": "m", "tool_calls": [{"arguments": deep}]}})
    assert Entry.read(made.line()) == made


def test_huge_answers_are_kept(place: Place) -> None:
    text = "é\u2028" * 3_000_000
    with opened(place) as lines:
        first = journal(lines)
        first.keep(entry(0, 0, text=text))
        first.keep(entry(0, 1))
        assert (first.entry(0, 0).answer or {})["text"] == text
        assert first.entry(0, 1) == entry(0, 1)


@pytest.mark.parametrize(
    "line", ["garbage", "[]", "{}", '{"at":[9,9],"id":"x","case":"y"}', '{"at":[0,0],"new":1}', "\0\0"]
)
def test_a_journal_that_is_none_is_named(place: Place, line: str) -> None:
    with opened(place) as lines:
        journal(lines).keep(entry(0, 0))
        lines.append(line)
    with opened(place) as lines, pytest.raises(JournalError, match=r"line 3 of this unfinished run cannot be read"):
        journal(lines)


def test_a_journal_belongs_to_one_process_until_that_is_dead(place: Place) -> None:
    code = (
        "import sys, time\nfrom promptreg.core.source import Folder\nfrom promptreg.files import log\n"
        "held = log(Folder(sys.argv[1]), sys.argv[2])\nprint(held is not None, flush=True)\ntime.sleep(60)"
    )
    arguments = [sys.executable, "-c", code, str(place.path / "prompts"), PATH]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert log(place.project().folder, PATH) is None
        other.kill()
    with opened(place, done=True):
        assert log(place.project().folder, PATH) is None
    assert list(file_of(place).parent.iterdir()) == []


def test_what_the_disk_does_not_take_is_said_and_what_was_there_stays(place: Place) -> None:
    with opened(place) as lines:
        first = journal(lines)
        first.keep(entry(0, 0))
        with small_disk(1000), pytest.raises(WriteError, match="cannot be written"):
            first.keep(entry(0, 1, text="x" * 5000))
        first.keep(entry(1, 0))
    with opened(place) as lines:
        assert states(journal(lines)) == [DONE, NOTHING, DONE, NOTHING, NOTHING, NOTHING]


def test_a_journal_is_for_its_user_alone(place: Place) -> None:
    with opened(place):
        assert file_of(place).stat().st_mode & 0o777 == 0o600
