"""`promptreg render`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.core.errors import FileError, PromptregError, near
from promptreg.core.prompt import Prompt, Rendered
from promptreg.core.text import decode
from promptreg.core.yaml_reader import read_yaml
from promptreg.evals.cases import fitted_inputs
from promptreg.listing import about
from promptreg.project import Project


@click.command("render")
@click.argument("spec")
@click.option(
    "-i", "--input", "given", metavar="KEY=VALUE", multiple=True, help="An input; KEY=@FILE takes a file's content."
)
@click.option("--inputs", "file", metavar="FILE", type=click.Path(), help="Inputs from a JSON or YAML mapping.")
@click.option("--case", "case_id", metavar="ID", help="The inputs of a case of the prompt's suites.")
@format_option
def command(spec: str, given: tuple[str, ...], file: str | None, case_id: str | None, as_json: bool) -> None:
    """Fill in the inputs and print what the model would get.

    Values are read by the declared type: text as it is, numbers and true/false as such, the rest as JSON.
    """
    project = find_project()
    prompt = project.prompt(spec)
    inputs = case_inputs(project, prompt, case_id) if case_id else {}
    inputs |= _from_file(file) if file else {}
    inputs |= dict(_read(prompt, word) for word in given)
    rendered = prompt.render(**inputs)
    if as_json:
        text = None if prompt.chat else rendered.text
        facts = {"name": prompt.name, "version": prompt.version, "digest": prompt.digest}
        output.say_json({**facts, "messages": rendered.messages, "text": text})
        return
    output.note(about(project.head, prompt.name, prompt.version) if "@git:" not in spec else spec)
    _print(prompt, rendered)


def _print(prompt: Prompt, rendered: Rendered) -> None:
    if not prompt.chat:
        output.say(rendered.text)
        return
    for message in rendered.messages:
        output.say(output.paint("strong", f"── {message['role']} ──"))
        content = message["content"]
        output.say(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2))


def case_inputs(project: Project, prompt: Prompt, case_id: str) -> dict[str, Any]:
    """The inputs of a case, as far as the prompt declares them."""
    cases = {case.id: case for suite in project.head.suites(prompt.name) for case in suite.cases}
    if case_id not in cases:
        raise PromptregError(f"{prompt.name} has no case {case_id}.{near(case_id, cases)}")
    return fitted_inputs(prompt, cases[case_id])[0]


def _from_file(path: str) -> dict[str, Any]:
    data = read_yaml(decode(_content(path), path), path).data
    if not isinstance(data, dict):
        raise FileError("inputs are a mapping from names to values.", path=path)
    return data


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        raise FileError(f"cannot be read: {problem.strerror}.", path=path) from None


def _read(prompt: Prompt, word: str) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    if not equals:
        raise click.UsageError(f"-i {word}: write -i KEY=VALUE or -i KEY=@FILE.")
    if text.startswith("@"):
        text = decode(_content(text[1:]), text[1:])
    declared = prompt.declared.get(name)
    kind = declared.type if declared else "string"
    if kind in ("string", "any"):
        return name, text
    try:
        return name, json.loads(text)
    except (ValueError, RecursionError):
        return name, text  # which is then told as not of its type, with all else that is wrong
