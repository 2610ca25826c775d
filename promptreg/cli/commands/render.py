"""`promptreg render`."""

from __future__ import annotations

import json
from typing import Any

import click

from promptreg.asking import found_case
from promptreg.cli import output
from promptreg.cli.inputs import given_inputs, input_options
from promptreg.cli.options import find_project, format_option
from promptreg.core.prompt import Prompt, Rendered
from promptreg.evals.cases import fitted_inputs
from promptreg.listing import about
from promptreg.project import Project


@click.command("render")
@click.argument("spec")
@input_options
@format_option
def command(spec: str, given: tuple[str, ...], file: str | None, case_id: str | None, as_json: bool) -> None:
    """Fill in the inputs and print what the model would get.

    Values are read by the declared type: text as it is, numbers and true/false as such, the rest as JSON.
    """
    project = find_project()
    prompt = project.prompt(spec)
    inputs = case_inputs(project, prompt, case_id) if case_id else {}
    rendered = prompt.render(**inputs | given_inputs(prompt, given, file))
    if as_json:
        text = None if prompt.chat else rendered.text
        facts = {"name": prompt.name, "version": prompt.version, "digest": prompt.digest}
        output.say_json({**facts, "messages": rendered.messages, "text": text})
        return
    output.note(title(project, spec, prompt))
    _print(prompt, rendered)


def _print(prompt: Prompt, rendered: Rendered) -> None:
    if not prompt.chat:
        output.say(rendered.text)
        return
    for message in rendered.messages:
        output.say(output.paint("strong", f"── {message['role']} ──"))
        content = message["content"]
        output.say(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2))


def title(project: Project, spec: str, prompt: Prompt) -> str:
    """The exact thing that an output is about."""
    return spec if "@git:" in spec else about(project.head, prompt.name, prompt.version)


def case_inputs(project: Project, prompt: Prompt, case_id: str) -> dict[str, Any]:
    """The inputs of a case, as far as the prompt declares them."""
    return fitted_inputs(prompt, found_case(project.head, prompt.name, case_id)[1])[0]
