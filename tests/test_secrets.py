"""Keys of the environment are in nothing that promptreg writes or prints, whatever code of the team says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.shipping import begun, cases

NAME = "support/answer"
KEY = "proj-9f8e7d6c5b4a39281706"
ENVIRON = {"OPENAI_API_KEY": KEY}
CODE = """\
import os
KEY = os.environ.get("OPENAI_API_KEY", "")
def ask(request):
    text = request["messages"][-1]["content"].strip()
    if text == "q1":
        raise ValueError(f"401 for {KEY}")
    return text
def judged(answer):
    if answer == "q2":
        raise RuntimeError(KEY)
    return True
"""
SUITE = """\
provider: {provider}
scorers:
  correct: {{type: exact}}
  fine: {{type: python, function: "x:judged"}}
  graded: {{type: command, command: "sh told.sh"}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    begun(made)
    made.draft(NAME, "{{ question }}\n")
    made.ok("release", NAME)
    made.write("prompts/x.py", CODE)
    made.write("told.sh", "echo key $OPENAI_API_KEY >&2\nexit 3\n")
    made.suite(NAME, cases(3), SUITE.format(provider="python:x:ask"))
    return made


def told_nowhere(place: Place, *arguments: str) -> str:
    """Run a command; returns what it printed."""
    ran = place.run(*arguments, environ=ENVIRON)
    assert KEY not in ran.out + ran.err
    assert [path for path, data in place.files().items() if KEY.encode() in data] == []
    return ran.out + ran.err


@pytest.mark.parametrize("keep", ["--cache", "--record"])
def test_what_code_of_the_team_says_is_stored_and_printed_without_keys(place: Place, keep: str) -> None:
    said = told_nowhere(place, "eval", f"{NAME}@1.0.0", "--allow-code", keep)
    assert "python:x:ask raised ValueError: 401 for [OPENAI_API_KEY]" in said
    (result,) = (
        data.decode() for path, data in place.files().items() if "/results/" in path and path.endswith(".json")
    )
    assert "RuntimeError: [OPENAI_API_KEY]" in result
    assert "command:sh ended with status 3. key [OPENAI_API_KEY]" in result


def test_nor_does_what_a_program_says_tell_them(place: Place) -> None:
    place.suite(NAME, cases(3), SUITE.format(provider="command:sh told.sh"))
    assert "key [OPENAI_API_KEY]" in told_nowhere(place, "eval", f"{NAME}@1.0.0", "--allow-code")
    assert "key [OPENAI_API_KEY]" in told_nowhere(
        place, "run", f"{NAME}@1.0.0", "-i", "question=q", "--provider", "command:sh told.sh", "--allow-code"
    )


def test_nor_does_the_report_of_a_bug(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError(KEY)

    monkeypatch.setattr("shutil.which", broken)  # which a scorer asks for its program
    said = told_nowhere(place, "eval", f"{NAME}@1.0.0", "--allow-code")
    assert "KeyError: '[OPENAI_API_KEY]'" in said
