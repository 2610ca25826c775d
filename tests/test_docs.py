"""The documentation is true: generated pages are fresh, sessions print what the pages say, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate import PAGES as GENERATED
from docs.sessions import PAGES, rewritten
from promptreg.cli.table import all_commands

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_the_code_says(name: str):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == GENERATED[name]()


@pytest.mark.parametrize("name", PAGES)
def test_a_pages_sessions_print_what_it_says(name: str):
    page = (ROOT / name).read_text(encoding="utf-8")

    assert rewritten(page) == page


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name)
def test_links_lead_to_files_that_are_there(path: Path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target}

    assert {target for target in targets if target and not (path.parent / target).exists()} == set()


def test_every_command_has_its_help_in_the_reference():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert [name for name in all_commands() if f"### promptreg {name}\n" not in page] == []


def test_no_page_names_a_machine_or_a_package_index():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*"), ROOT / "Makefile", ROOT / ".ci" / "run"]
    words = (f"{ROOT.parent}/", f"{Path.home()}/", "/home/", "PyPI.org".lower(), "find-links", "index-url")

    found = [
        f"{page.name}: {word}" for page in pages if page.is_file() for word in words if word in page.read_text("utf-8")
    ]
    assert found == []
