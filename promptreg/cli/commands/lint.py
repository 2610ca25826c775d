"""`promptreg lint`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option, selection_options
from promptreg.core.errors import counted
from promptreg.lint.finding import ERROR, Finding
from promptreg.lint.linter import lint_name
from promptreg.report.findings import finding_data, finding_lines, severities
from promptreg.selection import Selection, selected


@click.command("lint")
@selection_options
@format_option
def command(selection: Selection, as_json: bool) -> int:
    """What looks wrong in drafts. All drafts unless some are named. Status 1 where there are errors."""
    project = find_project()
    names = project.head.catalog.names() if selection.is_empty else selected(project, selection)
    strays = project.folder.strays() if selection.is_empty or selection.all else []
    findings = [Finding("name", ERROR, problem, None, project.folder.shown(path)) for path, problem in strays]
    findings += [finding for name in names for finding in lint_name(project.head.loader, name)]
    if as_json:
        output.say_json({"base": None, "checked": len(names), "findings": [finding_data(found) for found in findings]})
    else:
        output.say_all(finding_lines(findings, output.paint))
        output.say(f"Linted {counted(len(names), 'draft')}: {severities(findings)}.")
    return int(any(finding.severity == ERROR for finding in findings))
