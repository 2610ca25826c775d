"""`status` and `list`: what waits, what runs, in which order, and what of the evidence is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from promptreg.overview import Proof, Status
from promptreg.report.states import status_lines
from tests.support.place import Place
from tests.support.shipping import RIGHT, begun, cases, prepared

NAME = "support/answer"
OTHER = f"prompts/{NAME}/evals/other.yaml"


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """1.0.0 with two suites and no result, in production."""
    return prepared(tmp_path_factory, tmp_path, _shipped)


def _shipped(place: Place) -> None:
    begun(place)
    place.draft(NAME, RIGHT)
    place.ok("ship", NAME, "--to", "production")
    place.suite(NAME, cases(3))
    place.write(OTHER, place.read(f"prompts/{NAME}/evals/suite.yaml"))
    place.commit()


def table(out: str) -> list[str]:
    return [re.sub(r" {2,}", "  ", line) for line in out.splitlines()]


def evidence(place: Place) -> str:
    """What `list --in production` says of the evidence."""
    (row,) = place.ok("list", "--in", "production", "--json").json["prompts"]
    found: str = row["evidence"]
    return found


def test_a_suite_without_results_is_not_hidden_by_one_that_has_some(place: Place):
    assert evidence(place) == "not evaluated"
    place.ok("eval", f"{NAME}@1.0.0", "--suite", "other")
    assert evidence(place) == "suite: not evaluated, other: 1 run"
    assert place.ok("status").out == (
        "support/answer: 1.0.0: suite: not evaluated, other: 1 run\n1 prompt: 1 waits for something.\n"
    )
    place.suite(NAME, cases(4))
    place.ok("eval", f"{NAME}@1.0.0", "--suite", "suite")
    place.suite(NAME, cases(5))
    (row,) = place.ok("status", "--json").json["prompts"]
    assert row["evidence"] == "suite: 4 of 5 cases scored, other: 4 of 5 cases scored".replace("other: 4", "other: 3")
    place.ok("eval", f"{NAME}@1.0.0")
    assert evidence(place) == "2 runs"
    assert place.ok("status").out == "1 prompt: nothing waits.\n"


def test_a_version_that_cannot_be_read_has_a_word_in_the_table_and_its_sentence_below(place: Place):
    path = f"prompts/{NAME}/versions/1.0.0.txt"
    place.write(path, "Another text.\n")
    head, row, below = table(place.ok("list", "--in", "production").out)
    assert head == "production  version  since  by  evidence  owners"
    assert row.split("  ")[4:] == ["cannot be read", "–"]
    assert below.startswith("support/answer: cannot be read: ")
    assert "is not what was released" in below


ORDERED = """\
schema = 1
default_environment = "production"

[environments.production]
after = "staging"

[environments.alpha]

[environments.staging]
after = "testing"

[environments.testing]
"""


def test_environments_stand_in_the_order_of_promotion(place: Place):
    place.write("prompts/promptreg.toml", ORDERED)
    assert table(place.ok("list").out)[0] == "prompt  latest  testing  staging  production  alpha  versions  draft"
    place.write("prompts/promptreg.toml", re.sub("after = .*\n", "", ORDERED))
    assert table(place.ok("list").out)[0] == "prompt  latest  production  alpha  staging  testing  versions  draft"


def test_a_pin_that_was_yanked_is_told_with_the_reason_last(place: Place):
    place.ok("yank", f"{NAME}@1.0.0", "-m", "標準")
    assert "production runs 1.0.0, which was yanked: 標準" in place.ok("status").out
    (row,) = place.ok("status", "--json").json["prompts"]
    assert row["yanked"] == {"production": "1.0.0: 標準"}


def test_what_one_suite_lacks_is_told_without_its_name():
    row = Status("a", "1.0.0", ahead=False, evidence=(Proof("suite", 2, 29, 30),))
    assert status_lines([row])[0] == "a: 1.0.0: 29 of 30 cases scored"


def test_who_includes_a_prompt_through_another_is_found_once_each(place: Place):
    place.draft("shared/tone", "Be brief.\n")
    place.draft("shared/frame", '{% include "shared/tone@draft" %}\n')
    place.draft("app/one", '{% include "shared/frame@draft" %}\n')
    rows = place.ok("impact", "shared/tone", "--json").json["users"]
    assert [(row["name"], row["includes"]) for row in rows] == [
        ("app/one", "shared/frame@draft"), ("shared/frame", "shared/tone@draft"),
    ]  # fmt: skip
