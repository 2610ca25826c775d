"""`promptreg compare`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, in_option
from promptreg.core.errors import SpecError
from promptreg.core.names import Selector, parse_spec
from promptreg.judging import Move, Rules, judged
from promptreg.project import View
from promptreg.report.gate import verdict_lines


@click.command("compare")
@click.argument("old", metavar="SPEC")
@click.argument("new", metavar="SPEC")
@in_option(required=False)
@format_option
def command(old: str, new: str, environment: str | None, as_json: bool) -> int:
    """The stored results of two versions, from the first to the second, and the gate's verdict.

    --in takes an environment's mode; else it is standard. Status 1 for a regression, 4 where it cannot be told.
    """
    project = find_project()
    view = project.head
    name, before = _version(view, old)
    other, after = _version(view, new)
    if name != other:
        raise SpecError(f"{name} and {other} are two prompts; results are compared between versions of one.")
    verdict = judged(Move(name, environment, after, before), Rules(view, view))
    if as_json:
        output.say_json(verdict.data())
    else:
        output.say_all(verdict_lines(name, verdict, None, output.paint))
    return verdict.exit_status


def _version(view: View, spec: str) -> tuple[str, str]:
    name, selector = parse_spec(spec)
    return name, view.catalog.resolve(name, selector or Selector("draft", "draft")).version
