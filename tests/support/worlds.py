"""Registries that tests of check, lint and the commands begin with: each is built once in a session, then copied."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptreg.core.catalog import Catalog
from promptreg.core.loader import Loader
from promptreg.core.pins import Pin, with_pin
from promptreg.core.prompt import Prompt
from promptreg.core.source import Files
from promptreg.core.sums import read_sums
from promptreg.core.text import digest
from tests.support.place import Place, Ran

_BUILT: dict[str, Path] = {}

TOML = """\
schema = 1
default_environment = "production"

[environments.staging]
mode = "standard"

[environments.production]
mode = "standard"
after = "staging"
"""
TONE = "Be brief.\n"
ANSWER = """\
---
inputs:
  question: string
---
{% include "shared/tone@1.0.0" %}
Answer {{ question }} shortly.
"""
ROUTE = """\
---
inputs: {a: string, b: string, c: string, d: string}
---
{{ letter }}
"""
ROUTE_SUITE = """\
provider: echo
scorers:
  correct: {type: exact}
  said: {type: contains}
gate:
  correct: {max_drop: 0.05, min: 0.5}
  said: {max_drop: 0.05}
cases: cases.jsonl
"""


def route_cases() -> list[dict[str, Any]]:
    """40 cases. 1.0.0 answers with `a` (38 right), 1.1.0 with `b` (30 right), 1.2.0 with `c` (39 right)."""
    return [
        {
            "id": f"c{number:02}",
            "inputs": {
                "a": "yes" if number < 38 else "no",
                "b": "yes" if number < 30 else "no",
                "c": "yes" if number < 39 else "no",
                "d": "yes",
            },
            "expected": "yes",
            "tags": ["critical"] if number < 2 else [],
        }
        for number in range(40)
    ]


def copied(name: str, build: Callable[[Place], None], tmp_path: Path, factory: pytest.TempPathFactory) -> Place:
    """A place of its own with what `build` makes; it is made once and then copied, .git and all."""
    if name not in _BUILT:
        built = factory.mktemp(f"world-{name}") / "repo"
        built.mkdir()
        build(Place(built))
        Place(built).git("gc", "--quiet")
        shutil.rmtree(built / ".git/hooks", ignore_errors=True)
        _BUILT[name] = built
    target = tmp_path / "repo"
    shutil.copytree(_BUILT[name], target, symlinks=True)
    return Place(target)


def build_settled(place: Place) -> None:
    """Two environments (production after staging), four prompts, on main and committed.

    shared/tone 1.0.0 is included by support/answer; support/answer 1.0.0 and 1.1.0, no cases, 1.1.0 in both
    environments with 1.0.0 before it; support/route with cases: 1.0.0 in both, 1.1.0 worse, 1.2.0 no worse, 1.3.0 not
    evaluated, 1.4.0 yanked; old/unused 1.0.0, which nothing needs.
    """
    place.init().registry()
    place.write("prompts/promptreg.toml", TOML)
    place.draft("shared/tone", TONE)
    place.draft("support/answer", ANSWER)
    place.draft("old/unused", "Nobody needs this.\n")
    place.ok("release", "--all", "-m", "First")
    for environment in ("staging", "production"):
        place.ok("promote", "support/answer", "--to", environment)
    place.commit("First")
    place.draft("support/answer", ANSWER.replace("shortly", "in one line"))
    place.ok("ship", "support/answer", "--to", "production", "--bump", "minor", "-m", "Shorter")
    _build_route(place)
    place.commit("Settle")


def _build_route(place: Place) -> None:
    place.suite("support/route", route_cases(), ROUTE_SUITE)
    for number, letter in enumerate("abcdc"):
        again = "{# again #}" if number == 4 else ""
        place.draft("support/route", ROUTE.replace("{{ letter }}", f"{{{{ {letter} }}}}{again}"))
        place.ok("release", "support/route", "--version", f"1.{number}.0")
    place.draft("support/route", ROUTE.replace("letter", "d"))
    place.ok("eval", *(f"support/route@1.{number}.0" for number in (0, 1, 2, 4)))
    place.ok("yank", "support/route@1.4.0", "-m", "Leaks")
    for environment in ("staging", "production"):
        place.ok("promote", "support/route@1.0.0", "--to", environment)


def settled(tmp_path: Path, factory: pytest.TempPathFactory) -> Place:
    """A copy of the registry that `build_settled` makes."""
    return copied("settled", build_settled, tmp_path, factory)


# Writing by hand what promptreg would refuse


def digest_of(place: Place, name: str, version: str) -> str:
    """The digest in a version's line."""
    return read_sums(place.read(f"prompts/{name}/versions.sum"), "versions.sum").releases[version].digest


def pin_by_hand(place: Place, environment: str, name: str, version: str, **facts: Any) -> None:
    """Write an environment's entry without asking anybody; `digest` where it is not the version's own."""
    found = facts.pop("digest", None) or digest_of(place, name, version)
    path = f"prompts/environments/{environment}.yaml"
    place.write(path, with_pin(place.read(path), Pin(name, version, found, **facts)))


def edit(place: Place, path: str, old: str, new: str) -> None:
    """Replace a text in a file that must hold it."""
    text = place.read(path)
    assert old in text, f"{old!r} is not in {path}:\n{text}"
    place.write(path, text.replace(old, new))


def result_of(place: Place, version: str, ending: str = ".json") -> str:
    """The path of the one result of a version of support/route, or of its outputs."""
    folder = f"prompts/support/route/evals/results/{version}"
    (found,) = [
        path
        for path in place.files()
        if path.startswith(f"{folder}/") and path.endswith(ending) and (ending != ".json" or "outputs" not in path)
    ]
    return found


def release_by_hand(place: Place, name: str, version: str, text: str, includes: dict[str, str] | None = None) -> None:
    """Write a version and its line without asking anybody; `includes` maps NAME@VERSION to digests."""
    place.write(f"prompts/{name}/versions/{version}.txt", text)
    path = f"prompts/{name}/versions.sum"
    before = place.read(path) if (place.path / path).exists() else ""
    words = [version, digest(text, includes or {}), "2026-11-21", *sorted(includes or {})]
    place.write(path, f"{before}{' '.join(words)} # By hand\n")


def markers(ours: str, theirs: str) -> str:
    """What git leaves where two sides changed the same lines."""
    return f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> main\n"


def without_line(place: Place, path: str, beginning: str) -> None:
    """Take the lines that begin with a text out of a file."""
    lines = place.read(path).splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(beginning)]
    assert len(kept) < len(lines)
    place.write(path, "".join(kept))


def waiver(version: str, before: str | None, verdict: str) -> dict[str, Any]:
    """A waiver as `promote --force` writes it."""
    return {
        "version": version, "from": before, "verdict": verdict, "date": "2026-11-20", "by": "Aki",
        "figures": "correct 0.950 → 0.750 over 40 cases, p 0.00391", "reason": "The customer waits",
    }  # fmt: skip


# Reading what came


def told(ran: Ran) -> list[str]:
    """The findings of `--json` as `severity [rule] path:line:column message | fix`, in their order."""
    return [_line(found) for found in ran.json["findings"]]


def _line(found: dict[str, Any]) -> str:
    place = ":".join(str(found[key]) for key in ("path", "line", "column") if found[key] is not None)
    fix = f" | {found['fix']}" if found["fix"] else ""
    return settled_words(f"{found['severity']} [{found['rule']}] {place} {found['message']}{fix}")


def settled_words(text: str) -> str:
    """A text with what differs from run to run left out: the digests in names of results and in messages."""
    text = re.sub(r"suite-[0-9a-f]{8}-[0-9a-f]{8}", "suite-…", text)
    text = re.sub(r"\(sha256 [0-9a-f]{4}… → [0-9a-f]{4}…\)", "(sha256 … → …)", text)
    return re.sub(r"its name says [0-9a-f]{8}, its content is [0-9a-f]{8}", "its name says …, its content is …", text)


def rules(ran: Ran, *severities: str) -> list[str]:
    """The rules of the findings that are of some severities (none: all), sorted."""
    return sorted(found["rule"] for found in ran.json["findings"] if not severities or found["severity"] in severities)


# Prompts without a repository


def loader_of(files: dict[str, str]) -> Loader:
    """A loader for a registry in memory: paths to texts (see `place.released`)."""
    toml = {"promptreg.toml": 'schema = 1\ndefault_environment = "draft"\n'}
    return Loader(Catalog(Files({path: text.encode() for path, text in (toml | files).items()})))


def prompt_of(text: str, files: dict[str, str] | None = None, name: str = "a") -> Prompt:
    """A draft of a text, with other files of the registry beside it."""
    return loader_of(files or {}).from_text(name, text)


def jsonl(rows: list[dict[str, Any]]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def with_cases(place: Place, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the cases of support/route."""
    path = "prompts/support/route/evals/cases.jsonl"
    place.write(path, jsonl(change([json.loads(line) for line in place.read(path).splitlines()])))
