"""`promptreg results`."""

from __future__ import annotations

from typing import Any

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.core.errors import PromptregError, counted, near
from promptreg.core.names import parse_spec
from promptreg.judging import stored
from promptreg.project import View
from promptreg.redaction import committed, plan_redaction, redact
from promptreg.report.results import (
    all_case_lines,
    before_lines,
    case_table,
    difference_lines,
    failing_table,
    left_out,
    redaction_lines,
    run_lines,
)
from promptreg.runs import Before, CaseRun, StoredRun, before, cases_of, differences, runs_of, version_before


@click.group("results")
def command() -> None:
    """Stored results: the evidence that the gate looks at."""


@command.command("list")
@click.argument("spec", metavar="NAME[@VERSION]")
@format_option
def list_(spec: str, as_json: bool) -> None:
    """Which results are stored, and which count."""
    view = find_project().head
    name, versions = _versions(view, spec)
    runs, problems = runs_of(view, name, versions)
    if as_json:
        output.say_json({"name": name, "results": [run.data() for run in runs], "problems": problems})
        return
    if runs:
        output.say_all(run_lines(runs))
    else:
        output.say(f"{name} has no stored results. promptreg eval {name} makes some.")
    output.say_all(f"unreadable: {problem}" for problem in problems)


def _versions(view: View, spec: str) -> tuple[str, list[str]]:
    name, selector = parse_spec(spec)
    if selector is not None:
        return name, [view.catalog.resolve(name, selector).version]
    missing = view.catalog.missing(name)
    if missing:
        raise missing
    return name, [*view.catalog.sums(name).versions(), "draft"]


@command.command("show")
@click.argument("spec", metavar="NAME@VERSION")
@click.option("--case", "case_id", metavar="ID", help="One case: inputs, expectation, scores and outputs.")
@click.option("--vs", "other", metavar="NAME@OLD", help="With --case: the version to look at beside it.")
@click.option("--failing", is_flag=True, help="Only cases that do not score full marks.")
@format_option
def show(spec: str, case_id: str | None, other: str | None, failing: bool, as_json: bool) -> None:
    """The cases of a version's results; of a draft's, those of the text that it has now.

    With --case the outputs before and after: what the default environment runs, else the version before, stands beside
    it, and what changed in the words.
    """
    if other is not None and case_id is None:
        raise click.UsageError("--vs goes with --case.")
    view = find_project().head
    name, (version,) = _versions(view, spec if "@" in spec else f"{spec}@draft")
    found, problems = runs_of(view, name, [version])
    runs = [run for run in found if run.of_this_text]
    others = left_out([run for run in found if not run.of_this_text])
    if not any(run.result.answers_of is None for run in runs):
        raise _nothing(view, spec, f"{name}@{version}", others)
    chosen = _chosen(view, spec, runs, case_id)
    cases = [case for case in chosen if case.failing or not failing]
    beside = _before(view, name, version, other, case_id) if case_id is not None else None
    changed = differences(beside.cases, cases) if beside else []
    if as_json:
        data: dict[str, Any] = {"name": name, "cases": [case.data() for case in cases], "problems": problems}
        if beside is not None:
            data["before"] = {"version": beside.version, "cases": [case.data() for case in beside.cases]}
            data["differences"] = [each.data() for each in changed]
        output.say_json(data)
        return
    if case_id is not None:
        output.say_all(all_case_lines(cases))
        if beside is not None:
            output.say_all(["", *before_lines(beside, case_id, name)])
            output.say_all(["", *difference_lines(changed, output.paint)] if changed else [])
    else:
        distinct = {(case.run.result.suite, case.scored.id) for case in cases}
        own = sum(run.result.answers_of is None for run in runs)
        output.say(f"{name}@{version}, {counted(own, 'run')}, {counted(len(distinct), 'case')}")
        output.say_all(failing_table(chosen) if failing and own > 1 else case_table(cases))
    if others:
        output.say(f"{others}.")


def _before(view: View, name: str, version: str, other: str | None, case_id: str) -> Before | None:
    """The version to look at beside another, and what it says of a case; None where there is none."""
    if other is None:
        found = version_before(view, name, version)
        return before(view, name, *found, case_id) if found else None
    named, (chosen,) = _versions(view, other if "@" in other else f"{other}@draft")
    if named != name:
        raise click.UsageError(f"--vs takes a version of {name}: {name}@VERSION.")
    return before(view, name, chosen, "as --vs says", case_id)


def _chosen(view: View, spec: str, runs: list[StoredRun], case_id: str | None) -> list[CaseRun]:
    """The cases of some runs, or what they say of one; PromptregError where none has it."""
    cases = cases_of(view, runs[0].result.prompt, runs)
    chosen = [case for case in cases if case_id in (None, case.scored.id)]
    if case_id is not None and not chosen:
        hint = near(case_id, {case.scored.id for case in cases})
        raise PromptregError(f"no stored result of {spec} has a case {case_id}.{hint}")
    return chosen


def _nothing(view: View, spec: str, exact: str, others: str) -> PromptregError:
    """What to say where a version has no result to show; `others` is about those of other texts."""
    name = exact.partition("@")[0]
    elsewhere = [
        f"{name}@{known}" for known in view.catalog.sums(name).versions() if stored(view.source, name, known)[0]
    ]
    what = f"no stored result of the text that it has now ({others})" if others else "no stored result"
    there = f" Stored: {', '.join(elsewhere)}." if elsewhere else ""
    return PromptregError(f"{exact} has {what}.{there} promptreg eval {spec} makes one.")


@command.command("redact")
@click.argument("spec", metavar="NAME[@VERSION]")
@click.option("--case", "cases", metavar="ID", multiple=True, help="The outputs of this case only.")
@click.option("--all", "everything", is_flag=True, help="Unfinished runs and the cache of this machine as well.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@format_option
def redact_(spec: str, cases: tuple[str, ...], everything: bool, dry_run: bool, as_json: bool) -> None:
    """Take stored outputs away, which may hold personal data.

    Scores stay as they are and count as before, and check has nothing against it. What git's history holds is not
    touched.
    """
    project = find_project()
    name, versions = _versions(project.head, spec)
    found = plan_redaction(project, name, versions, cases, everything=everything)
    if not dry_run:
        redact(project, found)
    if as_json:
        output.say_json({**found.data(), "dry_run": dry_run})
        return
    output.say_all(redaction_lines(found, spec, committed(project, found), dry_run=dry_run))
