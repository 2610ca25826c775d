"""`promptreg new`."""

from __future__ import annotations

from pathlib import Path

import click

from promptreg.cli import output
from promptreg.cli.options import find_project
from promptreg.core.errors import FileError, PromptregError
from promptreg.core.names import check_name
from promptreg.core.source import DRAFT
from promptreg.core.text import canonical
from promptreg.evals.first import first_suite
from promptreg.files import writing
from promptreg.lint.finding import ERROR
from promptreg.lint.linter import lint_name
from promptreg.lint.rules import unreleased_includes
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
        files[f"{name}/{DRAFT}"] = _draft(project, name, file, chat=chat)
    if cases:
        files |= _suite(project, name, files.get(f"{name}/{DRAFT}"))
    with writing(project.folder) as writer:
        for path, text in files.items():
            writer.write(path, text)
    output.say(f"{name}@draft, never released" if not has_draft else f"{name}@draft")
    output.say_all(f"wrote {project.folder.shown(path)}" for path in files)
    _next(project, name, cases=cases)


def _draft(project: Project, name: str, file: str | None, *, chat: bool) -> str:
    """The draft's text. A file that is no prompt is refused: it is there already, to be mended where it stands."""
    if file is None:
        return _CHAT if chat else _TEXT
    try:
        data = Path(file).read_bytes()
    except OSError as problem:
        raise PromptregError(f"cannot be read: {problem.strerror}.", path=file) from None
    text = canonical(data, file)
    loader = project.head.loader
    try:
        # with includes that are about to be released it cannot be looked at as a whole yet
        if not unreleased_includes(loader, name, text):
            _ = loader.from_text(name, text).declared
    except PromptregError as problem:
        message = f"{problem.message} Nothing was written."
        raise FileError(message, path=file, line=problem.line, column=problem.column) from None
    return text


def _suite(project: Project, name: str, text: str | None) -> dict[str, str]:
    """A suite and its cases, for a draft that is about to be written or (None) is there."""
    suite, cases = f"{name}/evals/suite.yaml", f"{name}/evals/cases.jsonl"
    there = [path for path in (suite, cases) if project.folder.has(path)]
    if there:
        raise PromptregError(f"{name} has a suite already: {project.folder.shown(there[0])}")
    prompt = project.prompt(name) if text is None else project.head.loader.from_text(name, text)
    return dict(zip((suite, cases), first_suite(prompt), strict=True))


def _next(project: Project, name: str, *, cases: bool) -> None:
    view = project.reread()
    findings = lint_name(view.loader, name)
    output.say_all(finding_lines(findings, output.paint))
    if any(finding.severity == ERROR for finding in findings):
        output.say(f"Next: mend that; promptreg lint {name} looks again")
    elif cases:
        output.say(f"Next: write cases, then promptreg eval {name}")
    else:
        environment = view.catalog.settings.default_environment
        target = environment if environment in view.catalog.settings.environments else "production"
        see = f"promptreg render {name}{_inputs(project, name)}"
        output.say(f"Next: edit it; see it with {see}; then promptreg ship {name} --to {target}")


def _inputs(project: Project, name: str) -> str:
    """The options that give a draft its inputs; none where it stands on what is not released, as lint has said."""
    try:
        declared = project.prompt(name).declared
    except PromptregError:
        return ""
    return "".join(f" -i {known}=…" for known, each in declared.items() if each.required)
