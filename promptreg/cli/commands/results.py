"""`promptreg results`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.core.errors import PromptregError, counted, near
from promptreg.core.names import parse_spec
from promptreg.judging import stored
from promptreg.project import View
from promptreg.report.results import case_lines, case_table, left_out, run_lines
from promptreg.runs import CaseRun, StoredRun, cases_of, runs_of


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
@click.option("--failing", is_flag=True, help="Only cases that do not score full marks.")
@format_option
def show(spec: str, case_id: str | None, failing: bool, as_json: bool) -> None:
    """The cases of a version's results; of a draft's, those of the text that it has now."""
    view = find_project().head
    name, (version,) = _versions(view, spec if "@" in spec else f"{spec}@draft")
    found, problems = runs_of(view, name, [version])
    runs = [run for run in found if run.of_this_text]
    others = left_out([run for run in found if not run.of_this_text])
    if not runs:
        raise _nothing(view, spec, f"{name}@{version}", others)
    cases = [case for case in _chosen(view, spec, runs, case_id) if case.failing or not failing]
    if as_json:
        output.say_json({"name": name, "cases": [case.data() for case in cases], "problems": problems})
        return
    if case_id is not None:
        output.say_all(line for case in cases for line in case_lines(case))
    else:
        distinct = {(case.run.result.suite, case.scored.id) for case in cases}
        output.say(f"{name}@{version}, {counted(len(runs), 'run')}, {counted(len(distinct), 'case')}")
        output.say_all(case_table(cases))
    if others:
        output.say(f"{others}.")


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
