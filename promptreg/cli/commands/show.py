"""`promptreg show`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.listing import about
from promptreg.report.show import show_lines


@click.command("show")
@click.argument("spec")
@format_option
def command(spec: str, as_json: bool) -> None:
    """One version (or the draft): its digest, settings, inputs and text."""
    project = find_project()
    prompt = project.prompt(spec)
    if not as_json:
        title = about(project.head, prompt.name, prompt.version) if "@git:" not in spec else spec
        output.say_all(show_lines(prompt, title, output.paint))
        return
    output.say_json(
        {
            "name": prompt.name,
            "version": prompt.version,
            "digest": prompt.digest,
            "environment": prompt.environment,
            "source": prompt.source,
            "description": prompt.description,
            "provider": prompt.provider,
            "model": prompt.model,
            "parameters": prompt.parameters,
            "inputs": {name: declared.data() for name, declared in prompt.declared.items()},
            "output": prompt.output,
            "tools": prompt.tools,
            "includes": list(prompt.includes),
            "body": prompt.file.body,
        }
    )
