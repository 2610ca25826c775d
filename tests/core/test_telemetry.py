"""promptreg.core.telemetry: what spans and logs say about a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptreg.core import telemetry
from tests.support.shelf import NAME, Shelf, answer, sha

DRAFT = "Draft: {{ question }}\n"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = answer(tmp_path / "prompts")
    shelf.release(f"{NAME}@1.1.0", "Two: {{ question }}\n")
    shelf.draft(NAME, DRAFT)
    return shelf


@pytest.mark.parametrize(
    ("spec", "version", "source", "environment"),
    [
        (NAME, "1.0.0", "environment", "production"),
        (f"{NAME}@1.0.0", "1.0.0", "version", None),
        (f"{NAME}@^1", "1.1.0", "range", None),
        (f"{NAME}@latest", "1.1.0", "latest", None),
        (f"{NAME}@draft", f"draft+{sha(DRAFT)[7:19]}", "draft", None),
    ],
)
def test_attributes_name_the_prompt_and_how_it_was_chosen(
    shelf: Shelf, spec: str, version: str, source: str, environment: str | None
) -> None:
    prompt = shelf.open().load(spec)
    expected = {
        "gen_ai.prompt.name": "support/answer",
        "gen_ai.prompt.version": version,
        "promptreg.prompt.digest": sha(DRAFT) if source == "draft" else shelf.digests[f"{NAME}@{version}"],
        "promptreg.source": source,
    }
    if environment is not None:
        expected["promptreg.environment"] = environment
    assert prompt.attributes() == prompt.render(question="secret").attributes() == expected


def test_an_override_is_shown(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTREG_OVERRIDE", f"{NAME}=1.1.0")
    assert shelf.open().load(NAME).attributes() == {
        "gen_ai.prompt.name": "support/answer",
        "gen_ai.prompt.version": "1.1.0",
        "promptreg.prompt.digest": shelf.digests[f"{NAME}@1.1.0"],
        "promptreg.source": "override",
    }


def test_the_version_of_a_rollout_is_the_one_that_was_served(shelf: Shelf) -> None:
    shelf.pin(f"{NAME}@1.0.0", rollout=("1.1.0", 50))
    registry = shelf.open()
    served = {(p := registry.load(NAME, key=f"user-{n}")).version: p.attributes() for n in range(20)}
    assert {version: said["gen_ai.prompt.version"] for version, said in served.items()} == {
        "1.0.0": "1.0.0",
        "1.1.0": "1.1.0",
    }
    assert {said["promptreg.environment"] for said in served.values()} == {"production"}


def test_what_is_returned_can_be_added_to_without_harm(shelf: Shelf) -> None:
    prompt = shelf.open().load(NAME)
    prompt.attributes()["user"] = "7"
    assert "user" not in prompt.attributes()


def test_the_names_stand_in_one_table_with_the_version_of_their_schema() -> None:
    assert telemetry.SCHEMA.startswith("https://opentelemetry.io/schemas/")
    assert [telemetry.NAME, telemetry.VERSION, telemetry.DIGEST, telemetry.ENVIRONMENT, telemetry.SOURCE] == [
        "gen_ai.prompt.name",
        "gen_ai.prompt.version",
        "promptreg.prompt.digest",
        "promptreg.environment",
        "promptreg.source",
    ]
