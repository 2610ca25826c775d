"""`promptreg case`."""

from __future__ import annotations

from typing import Any

import click

from promptreg.casebook import Added, Found, add, case_data, known_cases, suites_of, summary, the_suite
from promptreg.cli import output
from promptreg.cli.commands.label import label
from promptreg.cli.inputs import content, given_inputs, given_options
from promptreg.cli.options import find_project, format_option
from promptreg.core.errors import FileError, PromptregError, counted
from promptreg.core.text import decode
from promptreg.evals.case_files import READERS, ending, loose_cases
from promptreg.evals.case_text import CaseText
from promptreg.evals.case_writing import NEW, new_text
from promptreg.evals.json_text import strict_json
from promptreg.evals.logged import logged_cases, with_tags
from promptreg.files import write_new
from promptreg.report.cases import added_lines, suite_lines

_suite_option = click.option("--suite", metavar="SUITE", help="The suite, where the prompt has several.")


@click.group("case")
def command() -> None:
    """The cases of a prompt's suites."""


command.add_command(label)


@command.command("add")
@click.argument("name")
@given_options
@click.option(
    "--expected", metavar="TEXT", help="What is expected: text, a JSON mapping or list, or @FILE for a file's content."
)
@click.option("--id", "id_", metavar="ID", help="Its id.  [default: from its first words]")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A tag; may be given more than once.")
@click.option("--critical", is_flag=True, help="Short for --tag critical: it must never be lost.")
@click.option("--cluster", metavar="CLUSTER", help="What it shares with cases that are not independent of it.")
@click.option("--from-log", "log", metavar="FILE", help="Calls from a log instead, one JSON object a line.")
@click.option("--expect-response", is_flag=True, help="With --from-log: what was answered was right.")
@_suite_option
@format_option
def add_(
    name: str, given: tuple[str, ...], file: str | None, expected: str | None, id_: str | None, tags: tuple[str, ...],
    critical: bool, cluster: str | None, log: str | None, expect_response: bool, suite: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Add a case to the file of a suite, or calls from a log.

    It is tried first: the scorers must be able to judge it, and the draft to be rendered with it. Values are read by
    the declared types, as in promptreg render. From a log come inputs, and what was expected where a line says so;
    calls with inputs that a case has already are passed over. A log of messages will do where the prompt makes them of
    a single text.
    """
    project = find_project()
    if log is None:
        if expect_response:
            raise click.UsageError("--expect-response goes with --from-log.")
        the_suite(project.head, name, suite)
        data: dict[str, Any] = {"inputs": given_inputs(project.prompt(name), given, file)}
        said = {"id": id_, "cluster": cluster, "expected": None if expected is None else _expected(expected)}
        data |= {key: value for key, value in said.items() if value is not None}
        found = [Found(with_tags(data, tags, critical=critical))]
        try:
            added = add(project, name, suite, found)
        except FileError as problem:
            if expected is not None or not problem.message.endswith("expected is missing."):
                raise
            raise FileError(f"{problem.message} --expected TEXT says it.") from None
        _say(name, added, as_json=as_json)
        return
    if given or file or expected is not None or id_ or cluster:
        raise click.UsageError("--from-log takes inputs, ids and expectations from the log: leave out the others.")
    the_suite(project.head, name, suite)
    calls = logged_cases(CaseText(log, content(log)), project.prompt(name), expect_response=expect_response)
    cases = (Found(with_tags(call, tags, critical=critical), log, line) for call, line in calls)
    _say(name, add(project, name, suite, cases, skip="inputs"), as_json=as_json)


def _expected(text: str) -> Any:
    """What is expected: a JSON mapping or list as such, all else as text."""
    if text.startswith("@"):
        text = decode(content(text[1:]), text[1:])
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return strict_json(text)
    except (ValueError, RecursionError):
        return text


def _say(name: str, added: Added, *, as_json: bool) -> None:
    if as_json:
        output.say_json({"name": name, **added.data()})
        return
    output.say_all(added_lines(added))
    if added.cases:
        output.say(f"Next: promptreg eval {name}; promptreg case list {name} shows them all")


@command.command("import")
@click.argument("name")
@click.argument("file")
@_suite_option
@format_option
def import_(name: str, file: str, suite: str | None, as_json: bool) -> None:
    """Add all cases of a table (.csv, as spreadsheets save it), or of a .jsonl or .yaml file.

    Cases that are there already are passed over; one with an id that another case has is refused. All or none.
    """
    if ending(file) is None:
        raise PromptregError(f"{file}: cases are read from {', '.join(READERS)} files.")
    project = find_project()
    cases = (Found(case.data(), file, line) for case, line in loose_cases(content(file), file))
    _say(name, add(project, name, suite, cases, skip="equal"), as_json=as_json)


@command.command("export")
@click.argument("name")
@click.argument("out")
@_suite_option
@format_option
def export(name: str, out: str, suite: str | None, as_json: bool) -> None:
    """Write the cases of a suite into a new .csv (for spreadsheets) or .jsonl file.

    Read again they are the same cases. A column whose texts a spreadsheet would run or change, formulas and numbers, is
    written as JSON, with :json behind its heading.
    """
    if ending(out) not in NEW:
        raise PromptregError(f"{out}: cases are written to {' or '.join(NEW)} files.")
    chosen = the_suite(find_project().head, name, suite)
    cases = list(known_cases(name, chosen))
    write_new(out, new_text(out, cases))
    if as_json:
        output.say_json({"name": name, "suite": chosen.name, "path": out, "cases": len(cases)})
    else:
        output.say(f"{counted(len(cases), 'case')} of {chosen.cases_path} written to {out}")


@command.command("list")
@click.argument("name")
@_suite_option
@format_option
def list_(name: str, suite: str | None, as_json: bool) -> None:
    """Which cases there are."""
    suites = suites_of(find_project().head, name, suite)
    if as_json:
        output.say_json(
            {
                "name": name,
                "suites": [summary(each) for each in suites],
                "cases": [
                    {"suite": each.name} | case_data(case) for each in suites if each.cases.known for case in each.cases
                ],
            }
        )
        return
    for each in suites:
        output.say_all(suite_lines(each))
