"""`promptreg new`."""

from __future__ import annotations

from pathlib import Path

import click

from promptreg.cli import output
from promptreg.cli.options import find_project
from promptreg.core.errors import PromptregError
from promptreg.core.names import check_name
from promptreg.core.source import DRAFT
from promptreg.core.text import canonical
from promptreg.files import writing
from promptreg.lint.linter import lint_name
from promptreg.project import Project
from promptreg.report.findings import finding_lines

_TEXT = """\
---
description: One sentence on what this prompt is for.
inputs:
  question: string
---
Answer the question in one short paragraph.

{{ question }}
"""
_CHAT = """\
---
description: One sentence on what this prompt is for.
inputs:
  question: string
---
{% message role="system" %}
Answer the question in one short paragraph.
{% endmessage %}

{% message role="user" %}
{{ question }}
{% endmessage %}
"""
_SUITE = """\
# Cases and scorers that judge this prompt.
provider: nearest-example     # needs no key and is not a language model; it learns from examples in the prompt
scorers:
  correct: {type: exact}
gate:
  correct: {max_drop: 0.05}
cases: cases.jsonl
"""
_CASES = '{"id": "first", "inputs": %s, "expected": "What the answer should be."}\n'


@click.command("new")
@click.argument("name")
@click.option("--chat", is_flag=True, help="With a system and a user message.")
@click.option("--from", "file", metavar="FILE", type=click.Path(), help="From a file's text.")
@click.option("--cases", is_flag=True, help="Also a suite with a first case; for a prompt that is there, only that.")
def command(name: str, chat: bool, file: str | None, cases: bool) -> None:
    """Write a draft, and with --cases a suite for it. Nothing is overwritten."""
    if chat and file:
        raise click.UsageError("--chat and --from exclude each other.")
    check_name(name)
    project = find_project()
    has_draft = project.folder.has(f"{name}/{DRAFT}")
    if has_draft and (not cases or chat or file):
        raise PromptregError(f"{name} has a draft already: {project.folder.shown(f'{name}/{DRAFT}')}")
    files: dict[str, str] = {}
    if not has_draft:
        files[f"{name}/{DRAFT}"] = _draft(file, chat=chat)
    if cases:
        files |= _suite(project, name)
    with writing(project.folder) as writer:
        for path, text in files.items():
            writer.write(path, text)
    output.say(f"{name}@draft, never released" if not has_draft else f"{name}@draft")
    output.say_all(f"wrote {project.folder.shown(path)}" for path in files)
    _next(project, name, cases=cases)


def _draft(file: str | None, *, chat: bool) -> str:
    if file is None:
        return _CHAT if chat else _TEXT
    try:
        data = Path(file).read_bytes()
    except OSError as problem:
        raise PromptregError(f"cannot be read: {problem.strerror}.", path=file) from None
    return canonical(data, file)


def _suite(project: Project, name: str) -> dict[str, str]:
    suite, cases = f"{name}/evals/suite.yaml", f"{name}/evals/cases.jsonl"
    there = [path for path in (suite, cases) if project.folder.has(path)]
    if there:
        raise PromptregError(f"{name} has a suite already: {project.folder.shown(there[0])}")
    return {suite: _SUITE, cases: _CASES % _first_inputs(project, name)}


def _first_inputs(project: Project, name: str) -> str:
    import json

    names = ["question"]
    if project.folder.has(f"{name}/{DRAFT}"):
        names = [known for known, declared in project.prompt(name).declared.items() if declared.required]
    return json.dumps(dict.fromkeys(names, "What somebody might ask."), ensure_ascii=False)


def _next(project: Project, name: str, *, cases: bool) -> None:
    view = project.reread()
    output.say_all(finding_lines(lint_name(view.loader, name), output.paint))
    if cases:
        output.say(f"Next: write cases, then promptreg eval {name}")
        return
    environment = view.catalog.settings.default_environment
    target = environment if environment in view.catalog.settings.environments else "production"
    inputs = "".join(f" -i {known}=…" for known, declared in project.prompt(name).declared.items() if declared.required)
    output.say(f"Next: edit it; see it with promptreg render {name}{inputs}; then promptreg ship {name} --to {target}")
