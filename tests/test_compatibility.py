"""Files that earlier releases of promptreg wrote are read as they were then, and written again byte for byte.

`tests/yesterday/VERSION/` is a registry that the release VERSION made, with every file and every key of them in it;
`VERSION.json` beside it is what that release said of it. Neither is ever changed; a release that adds to a format adds
a registry.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from promptreg.core.pins import read_pins, share_of, with_pin, without_pin
from promptreg.core.registry import Registry
from promptreg.core.sums import read_sums
from promptreg.evals.behaviour import behaviour
from promptreg.evals.reading import read_result
from promptreg.evals.results import outputs_text, read_outputs
from promptreg.evals.suite import fingerprint, read_suite
from promptreg.project import Project, Surroundings
from tests.support.place import Place

YESTERDAY = Path(__file__).parent / "yesterday"
RELEASES = sorted(path.stem for path in YESTERDAY.glob("*.json"))

pytestmark = pytest.mark.parametrize("release", RELEASES)


def said(release: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((YESTERDAY / f"{release}.json").read_text(encoding="utf-8"))
    return found


def files(release: str, pattern: str) -> list[Path]:
    found = sorted((YESTERDAY / release).glob(pattern))
    assert found, pattern
    return found


def test_what_is_loaded_and_rendered_is_what_it_was(release: str):
    registry = Registry.open(str(YESTERDAY / release))
    expected = said(release)["prompts"]
    for spec, then in expected.items():
        prompt = registry.load(spec)
        call = prompt.render(**then["inputs"])
        assert (prompt.version, prompt.digest) == (then["version"], then["digest"])
        assert call.messages == then["messages"]
        assert json.loads(json.dumps(call.for_openai())) == then["for_openai"]


def test_keys_fall_into_the_share_of_a_rollout_as_they_did(release: str):
    registry = Registry.open(str(YESTERDAY / release))
    for spec, environment, keys in said(release)["rollouts"]:
        found = {key: registry.load(spec, environment=environment, key=key).version for key in keys}
        assert found == keys
    for name, salt, key, share in said(release)["shares"]:
        assert share_of(name, salt, key) == share


def test_an_environment_is_written_again_byte_for_byte(release: str):
    for path in files(release, "environments/*.yaml"):
        text = path.read_bytes().decode()
        pins = read_pins(text, str(path))
        assert pins
        for name, pin in pins.items():
            assert "".join(line for line in text.splitlines(keepends=True) if "#" not in line) == "".join(
                line for line in with_pin(text, pin).splitlines(keepends=True) if "#" not in line
            )
            assert read_pins(with_pin(without_pin(text, name), pin), str(path))[name].facts() == pin.facts()


def test_the_lines_of_versions_sum_are_written_again_byte_for_byte(release: str):
    for path in files(release, "**/versions.sum"):
        text = path.read_bytes().decode()
        sums = read_sums(text, str(path))
        lines = [line for line in text.splitlines(keepends=True) if " yanked " not in line]
        assert [found.line() for found in sums.releases.values()] == lines


def test_results_are_written_again_byte_for_byte_under_the_same_name(release: str):
    for path in files(release, "**/results/**/*.json"):
        result = read_result(path.read_bytes(), path.name)
        assert result.text().encode() == path.read_bytes()
        assert result.file_name() == path.name
    for path in files(release, "**/results/**/*.outputs.jsonl"):
        assert outputs_text(read_outputs(path.read_bytes(), path.name)).encode() == path.read_bytes()


def test_what_is_evaluated_today_pools_with_the_results_of_then(release: str):
    view = Project.find(Surroundings(str(YESTERDAY / release), {})).head
    for path in files(release, "**/results/**/*.json"):
        result = read_result(path.read_bytes(), path.name)
        suite = read_suite(view.source, result.prompt, result.suite)
        prompt = view.loader.version(result.prompt, result.version)
        assert fingerprint(behaviour(prompt), suite.setup()) == result.fingerprint
        assert {case.id: case.digest for case in suite.cases} == {case.id: case.case for case in result.cases}


def test_check_and_compare_say_what_they_said(release: str, tmp_path: Path):
    place = Place(tmp_path).init()
    shutil.copytree(YESTERDAY / release, tmp_path / "prompts")
    place.commit("As it was")
    assert place.ok("check", "--base", "HEAD").out.endswith("no findings.\n")
    for one, other, then in said(release)["verdicts"]:
        found = place.run("compare", one, other, "--json").json
        assert {key: found[key] for key in then} == then
