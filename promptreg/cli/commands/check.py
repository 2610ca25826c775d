"""`promptreg check`."""

from __future__ import annotations

import click

from promptreg.check.mend import base_for, mend
from promptreg.check.run import Report, check, find_base, opened
from promptreg.check.settle import settle_conflicts
from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.core.errors import counted
from promptreg.project import Project
from promptreg.report.findings import finding_data, finding_lines, severities
from promptreg.report.gate import verdict_lines


@click.command("check")
@click.option("--base", "revision", metavar="auto|REV", default="auto", help="What to compare with.  [default: auto]")
@click.option("--fix", is_flag=True, help="Mend what is mechanical, and say so.")
@format_option
def command(revision: str, fix: bool, as_json: bool) -> int:
    """Everything that CI must enforce: files parse, releases are frozen, pins keep the order and pass the gate.

    Head is judged by base's rules. Status 1 where anything is an error.
    """
    project = find_project()
    done = _fix(project, revision) if fix else []
    report = check(project, revision)
    if as_json:
        base = {"commit": report.base.id, "how": report.base.how} if report.base else None
        verdicts = [
            {"name": name, "environment": environment, **verdict.data()}
            for (name, environment, _), verdict in sorted(report.verdicts.items())
        ]
        findings = [finding_data(finding) for finding in report.findings]
        facts = {"base": base, "checked": report.checked, "findings": findings, "verdicts": verdicts, "fixed": done}
        output.say_json(facts | {"drafts_only": bool(report.waiting)})
    else:
        output.say_all(f"fixed {what}" for what in done)
        _print(report)
    return int(report.failed)


def _fix(project: Project, revision: str) -> list[str]:
    done = settle_conflicts(project, revision) if project.in_git else []
    base = base_for(project, find_base(project, revision))
    return done + mend(opened(project, base))


def _print(report: Report) -> None:
    for (name, environment, _), verdict in sorted(report.verdicts.items()):
        output.say_all([*verdict_lines(name, verdict, environment, output.paint), ""])
    output.say_all(finding_lines(report.findings, output.paint))
    if report.waiting:
        places = ", ".join(report.waiting[:-1]) + (" or " if report.waiting[1:] else "") + report.waiting[-1]
        output.say(f"This change edits drafts only. Nothing reaches {places} until they are shipped.")
    prompts = counted(report.checked, "prompt")
    if report.base is not None:
        against = f"{report.base.id[:9]} ({report.base.how})"
        output.say(f"Checked {prompts} against {against}: {severities(report.findings)}.")
        return
    output.say(f"Checked {prompts}: {severities(report.findings)}.")
    output.say("gate not checked: no base revision. Frozen versions were not checked either. (--base origin/main)")
