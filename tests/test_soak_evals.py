"""What takes too long for `make test`: runs of a suite that are killed again and again, and go on."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.place import Place
from tests.support.shipping import begun, prepared, started
from tests.test_soak import _DYING

pytestmark = pytest.mark.slow

#: A model and a judge that always say the same of the same, and take a moment; some calls fail, some answers are wrong.
_CODE = """
import time

def answer(request):
    time.sleep({pause})
    text = request["messages"][-1]["content"]
    if text.endswith("13"):
        raise ValueError("unlucky")
    wrong = text.endswith("7")
    return {{"text": "?" if wrong else text, "model": "m-1", "tokens_in": len(text), "tokens_out": 3,
             "cost_usd": 0.1 * len(text)}}

def grade(output, expected):
    time.sleep({pause} / 4)
    return {{"score": 1 / (1 + abs(len(output) - len(expected))), "comment": f"it says {{output}}"}}
"""
_SUITE = """
provider: python:model:answer
repeats: 3
scorers:
  correct: {type: exact}
  grade: {type: python, function: "model:grade"}
"""
_EVAL = ("eval", "support/answer@1.0.0", "--allow-code", "--resume")
_RUN = "import sys; from promptreg.cli import main; sys.exit(main.run(sys.argv[1:]))"
_RESULTS = "prompts/support/answer/evals/results/1.0.0"


def _built(number: int, pause: float) -> Any:
    def build(place: Place) -> None:
        begun(place)
        place.draft("support/answer", "{{ question }}\n")
        place.write("model.py", _CODE.format(pause=pause))
        cases = [{"id": f"c{n}", "inputs": {"question": f"q{n}"}, "expected": f"q{n}"} for n in range(number)]
        place.suite("support/answer", cases, _SUITE)
        place.ok("release", "support/answer")

    return build


_MANY = _built(70, 0.02)
_FEW = _built(15, 0.0)


def _told(place: Place) -> tuple[dict[str, Any], str]:
    """The only stored result, but for times, and the outputs; nothing half-written or unfinished is beside it."""
    files = sorted(path.name for path in (place.path / _RESULTS).iterdir())
    assert len(files) == 2, files
    assert files[0].removesuffix(".json") == files[1].removesuffix(".outputs.jsonl"), files
    assert list((place.path / "prompts/.promptreg/runs").iterdir()) == []
    result = json.loads(place.read(f"{_RESULTS}/{files[0]}"))
    del result["started_at"], result["duration_s"]
    for case in result["cases"]:
        case.pop("latency_ms", None)
    return result, place.read(f"{_RESULTS}/{files[1]}")


def _written(place: Place) -> int:
    """How many lines the journals of runs have."""
    try:
        return sum(path.read_bytes().count(b"\n") for path in (place.path / "prompts/.promptreg/runs").glob("*.jsonl"))
    except FileNotFoundError:  # the run is over
        return 0


@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_at_random_until_it_ends_has_the_result_of_one_that_was_never_killed(
    seed: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    whole = prepared(tmp_path_factory, tmp_path / "whole", _MANY)
    whole.ok(*_EVAL)
    place = prepared(tmp_path_factory, tmp_path / "killed", _MANY)
    chance, kills, went_on = random.Random(seed), 0, 0
    while True:
        # at random moments of the run, however fast the machine is: after so many more lines of the journal
        process, lines = started(place, _RUN, *_EVAL), _written(place) + chance.randrange(1, 150)
        while process.poll() is None and _written(place) < lines:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        _, error = process.communicate()
        went_on += "goes on" in error
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, error
        kills += 1
    assert (kills > 1, went_on > 0) == (True, True)
    assert _told(place) == _told(whole)
    assert place.ok("check").status == 0


def test_a_kill_before_any_step_of_a_run_or_of_storing_it_leaves_what_goes_on_to_the_same_one_result(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    whole = prepared(tmp_path_factory, tmp_path / "whole", _FEW)
    whole.ok(*_EVAL)
    wanted = _told(whole)
    steps = 0
    while True:
        steps += 1
        place = prepared(tmp_path_factory, tmp_path / str(steps), _FEW)
        process = started(place, _DYING, str(steps), *_EVAL)
        out, error = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, (out, error)
        place.ok(*_EVAL)
        assert _told(place) == wanted, steps
        # a kill at the very end: what is stored is not run again
        place.ok(*_EVAL)
        assert _told(place) == wanted, steps
    assert steps > 10, out
