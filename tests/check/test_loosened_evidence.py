"""What a change loosens of how evidence is made: people's scorers, repeats, outputs, code. `check` lists it."""

from __future__ import annotations

import pytest

from tests.support.place import Place
from tests.support.worlds import edit, settled, told, with_cases

SUITE = "prompts/support/route/evals/suite.yaml"
LATER = "It holds from the next change on; this one is judged by base's rules."
LABEL = ("scorers:\n", "scorers:\n  good: {type: label}\n")
GATED = ("gate:\n", "gate:\n  good: {max_drop: 0.05}\n")
NOT_BLOCKING = ("good: {max_drop: 0.05}", "good: {max_drop: 0.05, block: false}")
UNGATED = ("  good: {max_drop: 0.05}\n", "")
Edit = tuple[str, str]


@pytest.fixture
def place(tmp_path, tmp_path_factory) -> Place:
    return settled(tmp_path, tmp_path_factory)


def edited(place: Place, *edits: Edit) -> None:
    for old, new in edits:
        edit(place, SUITE, old, new)


def listed(place: Place) -> list[str]:
    """What `check` finds against HEAD, which is warnings alone."""
    found = told(place.ok("check", "--base", "HEAD", "--json"))
    start, end = f"warning [policy-loosened] {SUITE} ", f". {LATER}"
    assert all(line.startswith(start) and line.endswith(end) for line in found), found
    return [line.removeprefix(start).removesuffix(end) for line in found]


@pytest.mark.parametrize(
    ("before", "change", "found"),
    [
        # people's scorers block only where the gate names them
        ([LABEL, GATED], [UNGATED], ["good no longer blocks"]),
        ([LABEL, GATED], [("good: {max_drop: 0.05}", "good: {block: false}")], ["good no longer blocks"]),
        ([LABEL, GATED], [("good: {max_drop: 0.05}", "good: {}")], []),
        ([LABEL, GATED, NOT_BLOCKING], [(f"  {NOT_BLOCKING[1]}\n", "")], []),
        ([LABEL], [GATED], []),
        ([("provider: echo", "provider: echo\nrepeats: 3")], [("repeats: 3", "repeats: 2")], ["repeats: 3 → 2"]),
        ([("provider: echo", "provider: echo\nrepeats: 3")], [("repeats: 3\n", "")], ["repeats: 3 → 1"]),
        ([("provider: echo", "provider: echo\nrepeats: 3")], [("repeats: 3", "repeats: 4")], []),
        ([], [("provider: echo", "provider: echo\nstore_outputs: none")], ["store_outputs: all → none"]),
        ([], [("provider: echo", "provider: echo\nstore_outputs: failing")], ["store_outputs: all → failing"]),
        ([("provider: echo", "provider: echo\nstore_outputs: none")], [("none", "failing")], []),
    ],
)  # fmt: skip
def test_what_makes_less_evidence_is_listed(place, before: list[Edit], change: list[Edit], found: list[str]):
    edited(place, *before)
    place.commit("Before")
    edited(place, *change)
    assert listed(place) == found


def test_cases_that_no_longer_count_each_for_itself_are_listed(place):
    with_cases(place, lambda rows: [row | ({"cluster": "one"} if row["id"] > "c36" else {}) for row in rows])
    assert listed(place) == ["3 cases in a new cluster: c37, c38, c39"]
    place.commit("Clusters")
    with_cases(place, lambda rows: [{key: row[key] for key in row if key != "cluster"} for row in rows])
    assert listed(place) == []


def test_a_suite_of_base_that_cannot_be_read_is_not_passed_over_in_silence(place):
    # cases.yaml was the name of a suite once
    place.write("prompts/support/route/evals/cases.yaml", place.read(SUITE))
    place.commit("Before")
    place.git("mv", "prompts/support/route/evals/cases.yaml", "prompts/support/route/evals/other.yaml")
    (found,) = place.ok("check", "--base", "HEAD", "--json").json["findings"]
    assert (found["rule"], found["severity"], found["prompt"]) == ("base-unreadable", "warning", "support/route")
    assert found["message"] == "base cannot be read here, so this change is not compared with it."


MARK = "open({path!r}, 'a').write('ran')\n"


@pytest.mark.parametrize(
    "module", ["prompts/checks.py", "prompts/tools/checks.py", "prompts/support/route/evals/checks.py"]
)
def test_code_that_scores_is_compared_wherever_it_stands_in_the_registry_and_never_run(place, module: str):
    name = "tools.checks" if "tools" in module else "checks"
    mark = place.path.parent / "mark"
    place.write(module, MARK.format(path=str(mark)) + "def fine(answer): return len(answer) > 5\n")
    edited(place, ("scorers:\n", f"scorers:\n  fine: {{type: python, function: '{name}:fine'}}\n"))
    place.commit("Before")
    place.write(module, MARK.format(path=str(mark)) + "def fine(answer): return True\n")
    assert listed(place) == ["the scorer of fine is another"]
    assert not mark.exists()


def test_code_that_makes_cases_is_compared_wherever_it_stands_in_the_registry(place):
    place.write("prompts/made.py", "def cases(): yield {'id': 'a', 'inputs': {}}\n")
    edited(place, ("cases: cases.jsonl", "cases: python:made:cases"))
    place.commit("Before")
    place.write("prompts/made.py", "def cases(): return []\n")
    assert listed(place) == ["the code that makes the cases is another"]


def test_code_of_a_provider_is_compared(place):
    place.write("prompts/model.py", "def ask(request): return 'no'\n")
    edited(place, ("provider: echo", "provider: python:model:ask"))
    place.commit("Before")
    place.write("prompts/model.py", "def ask(request): return 'yes'\n")
    assert listed(place) == ["the code of the provider python:model:ask is another"]


def test_other_code_of_the_registry_is_nothing_to_the_gate(place):
    place.write("prompts/other.py", "print(1)\n")
    place.commit("Before")
    place.write("prompts/other.py", "print(2)\n")
    assert listed(place) == []
