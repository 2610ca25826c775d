"""docs/json.md: what a command prints with --json has the keys that the page lists, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.place import Place
from tests.support.worlds import edit, settled

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:?…]')


class _Shape:
    """Reads `{"key", "other": [{…}], "third"?}`: keys to shapes, None for any value; `?` marks what may be absent."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)

    def value(self) -> Any:
        token = self.tokens.pop(0)
        if token == "{":
            return self.mapping()
        if token == "[":
            items = []
            while self.tokens[0] != "]":
                items.append(self.value())
                self.skip(",")
            self.tokens.pop(0)
            return items
        return None

    def mapping(self) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        while (token := self.tokens.pop(0)) != "}":
            if token == "…":
                self.tokens.pop(0)
                return None
            name = token.strip('"')
            if self.skip("?"):
                name += "?"
            found[name] = self.value() if self.skip(":") else None
            self.skip(",")
        return found

    def skip(self, token: str) -> bool:
        there = self.tokens[0] == token
        if there:
            self.tokens.pop(0)
        return there


def documented() -> dict[str, Any]:
    """The page's shapes by command."""
    found: dict[str, Any] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = re.fullmatch(r"\| (`[^|]*`) \| `([^`]*)`.* \|", line)
        if row:
            for command in re.findall(r"`([^`]*)`", row[1]):
                found[command] = _Shape(row[2]).value()
    return found


def misfits(shape: Any, data: Any, at: str = "") -> Iterator[str]:
    """Keys that are printed and not documented, or the other way."""
    if isinstance(shape, list) and shape and isinstance(data, list):
        for item in data:
            yield from misfits(shape[0], item, f"{at}[]")
    if not (isinstance(shape, dict) and shape and isinstance(data, dict)):
        return
    if at and len(shape) == 1 and next(iter(shape.values())) is None:
        # one key with an example of its value: a mapping of names
        return
    if at and len(shape) == 1:
        for item in data.values():
            yield from misfits(next(iter(shape.values())), item, f"{at}.*")
        return
    known = {name.rstrip("?"): inner for name, inner in shape.items()}
    needed = {name for name in shape if not name.endswith("?")}
    yield from (f"{at}.{name} is not documented" for name in sorted(data.keys() - known.keys()))
    yield from (f"{at}.{name} is not printed" for name in sorted(needed - data.keys()))
    for name in known.keys() & data.keys():
        yield from misfits(known[name], data[name], f"{at}.{name}")


#: A command for each row (and status) that prints as much of its shape as there is.
COMMANDS = [
    ("list", "list", 0),
    ("list --in ENV", "list --in production", 0),
    ("show", "show support/answer@1.0.0", 0),
    ("status", "status", 0),
    ("render", "render support/answer -i question=x", 0),
    ("run", "run support/answer@1.0.0 --provider echo -i question=x", 0),
    ("run", "run support/answer --vs support/answer@1.0.0 --provider echo -i question=x", 0),
    ("diff", "diff support/answer@1.0.0 support/answer@1.1.0", 0),
    ("lint", "lint new/one", 0),
    ("check", "check --base HEAD", 0),
    ("impact", "impact shared/tone", 0),
    ("release", "release new/one", 0),
    ("upgrade", "upgrade shared/tone@1.0.0 other/one", 0),
    ("yank", "yank support/answer@1.1.0 -m Leaks", 0),
    ("eval", "eval support/route@1.3.0", 0),
    ("eval", "eval --needed --to staging --confirm 1 support/route@1.1.0", 0),
    ("eval", "eval support/route@1.1.0 --no-store --against-stored", 0),
    ("eval", "eval support/route@1.1.0 --aa", 0),
    ("compare", "compare support/route@1.0.0 support/route@1.1.0", 1),
    ("compare", "compare support/route@1.0.0 support/route@1.3.0", 4),
    ("power", "power support/route", 0),
    ("power", "power new/one", 0),
    ("results list", "results list support/route", 0),
    ("results show", "results show support/route@1.1.0", 0),
    ("results show", "results show people/one --case x", 0),
    ("results show", "results show support/route@1.1.0 --case c01 --vs support/route@1.0.0", 0),
    ("results redact", "results redact support/route@1.1.0 --all --dry-run", 0),
    ("case label", "case label people/one --case x --good -m Well", 0),
    ("case list", "case list new/one", 0),
    ("case add", "case add new/one -i a=no --expected no --critical", 0),
    ("case import", "case import new/one prompts/new/one/evals/cases.jsonl", 0),
    ("case export", "case export new/one out.csv", 0),
    ("promote", "promote support/route@1.2.0 --to staging", 0),
    ("promote", "promote support/route@1.1.0 --to staging", 1),
    ("promote", "promote support/route@1.2.0 --to production", 1),
    ("promote", "promote support/route@1.1.0 --to staging --force -m Now", 0),
    ("promote", "promote support/route@1.2.0 --to staging --dry-run", 0),
    ("rollback", "rollback support/answer --in production", 0),
    ("rollback", "rollback support/route@1.0.0 --in staging -m Back", 0),
    ("unpin", "unpin support/answer --in production", 0),
    ("ship", "ship new/one --to production", 0),
    ("ship", "ship new/one --to production --dry-run", 0),
    ("history", "history", 0),
    ("history --at", "history --in production --at HEAD", 0),
    ("doctor", "doctor", 0),
]


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    found = settled(tmp_path, tmp_path_factory)
    found.draft("new/one", "{{ a }} {b}\n")
    found.draft("other/one", '{% include "shared/tone@draft" %}\n')
    found.suite("new/one", [{"id": "x", "inputs": {"a": "yes"}, "expected": "yes"}])
    found.draft("people/one", "{{ a }}\n")
    found.suite("people/one", [{"id": "x", "inputs": {"a": "yes"}}], "provider: echo\nscorers: {good: {type: label}}\n")
    found.ok("eval", "people/one")
    edit(found, "prompts/support/answer/prompt.md", "in one line", "at once")
    return found


@pytest.mark.parametrize(("row", "command", "status"), COMMANDS, ids=[command for _, command, _ in COMMANDS])
def test_what_is_printed_has_the_keys_that_are_documented(place: Place, row: str, command: str, status: int):
    data = place.ok(*command.split(), "--json", status=status).json
    assert data.pop("schema") == 1
    assert list(misfits(documented()[row], data)) == []


def test_what_an_unpinned_prompt_moved_to_is_null(place: Place):
    (moved,) = place.ok("unpin", "support/answer", "--in", "production", "--json").json["moved"]
    assert (moved["from"], moved["to"]) == ("1.1.0", None)


def test_every_row_of_the_page_is_tried():
    assert set(documented()) == {row for row, _, _ in COMMANDS}
