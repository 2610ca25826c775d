"""`promptreg results`."""

from __future__ import annotations

import json
from typing import Any

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.core.errors import PromptregError, counted, near
from promptreg.core.names import parse_spec
from promptreg.evals.results import OUTPUTS, Result, read_outputs, results_folder
from promptreg.judging import stored
from promptreg.project import View
from promptreg.release import draft_results
from promptreg.report.table import columns, shortened


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
    found, problems = _found(view, name, versions)
    rows = [_facts(view, result) for result in found]
    if as_json:
        output.say_json({"name": name, "results": rows, "problems": problems})
        return
    if rows:
        head = ["version", "suite", "started", "provider", "cases", "errors", "scores", "counts", "file"]
        output.say_all(columns([head, *(_line(row) for row in rows)]))
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


def _found(view: View, name: str, versions: list[str]) -> tuple[list[Result], list[str]]:
    results: list[Result] = []
    problems: list[str] = []
    for version in versions:
        found, wrong = stored(view.source, name, version)
        results.extend(sorted(found, key=lambda result: result.started_at))
        problems.extend(wrong)
    return results, problems


def _facts(view: View, result: Result) -> dict[str, Any]:
    suites = {suite.name: suite for suite in view.suites(result.prompt)}
    suite = suites.get(result.suite)
    counts = suite is not None and result.setup.engine() == suite.setup().engine()
    return {
        "version": result.version,
        "suite": result.suite,
        "started_at": result.started_at,
        "provider": result.setup.provider,
        "models": result.models,
        "cases": len(result.cases),
        "repeats": result.repeats,
        "totals": result.totals.model_dump(mode="json"),
        "counts": counts,
        "path": view.source.shown(_path(result)),
    }


def _path(result: Result) -> str:
    folder = (
        draft_results(result.prompt) if result.version == "draft" else results_folder(result.prompt, result.version)
    )
    return f"{folder}/{result.file_name()}"


def _line(row: dict[str, Any]) -> list[str]:
    metrics = row["totals"]["metrics"].items()
    scores = ", ".join(
        f"{name} {total['mean']:.3f}" if total["mean"] is not None else f"{name} –" for name, total in metrics
    )
    return [
        row["version"],
        row["suite"],
        row["started_at"][:16].replace("T", " "),
        row["provider"] or "–",
        f"{row['cases']} × {row['repeats']}",
        str(row["totals"]["errors"]),
        scores,
        "yes" if row["counts"] else "no: another setup",
        row["path"],
    ]


@command.command("show")
@click.argument("spec", metavar="NAME@VERSION")
@click.option("--case", "case_id", metavar="ID", help="One case: inputs, expectation, scores and outputs.")
@click.option("--failing", is_flag=True, help="Only cases that do not score full marks.")
@format_option
def show(spec: str, case_id: str | None, failing: bool, as_json: bool) -> None:
    """The cases of a version's results."""
    view = find_project().head
    name, versions = _versions(view, spec if "@" in spec else f"{spec}@draft")
    results, problems = _found(view, name, versions)
    if not results:
        others = [version for version in view.catalog.sums(name).versions() if stored(view.source, name, version)[0]]
        there = f" Stored: {', '.join(f'{name}@{version}' for version in others)}." if others else ""
        raise PromptregError(f"{name}@{versions[0]} has no stored result.{there} promptreg eval {spec} makes one.")
    rows = [row for result in results for row in _cases(view, result) if case_id in (None, row["id"])]
    if case_id is not None and not rows:
        raise PromptregError(
            f"no stored result of {spec} has a case {case_id}.{near(case_id, {c.id for r in results for c in r.cases})}"
        )
    if failing:
        rows = [row for row in rows if any(score != 1 for scores in row["scores"].values() for score in scores)]
    if as_json:
        output.say_json({"name": name, "cases": rows, "problems": problems})
    elif case_id is not None:
        for row in rows:
            output.say_all(_case_lines(view, name, row))
    else:
        output.say(f"{name}@{versions[0]}, {counted(len(results), 'run')}, {counted(len(rows), 'case')}")
        body = [
            [
                row["id"],
                _scores(row),
                shortened(_brief(row["expected"]), 30),
                shortened(_answers(row), 40),
                " ".join(row["tags"]),
            ]
            for row in rows
        ]
        output.say_all(columns([["case", "scores", "expected", "answer", "tags"], *body]))


def _cases(view: View, result: Result) -> list[dict[str, Any]]:
    outputs = _outputs(view, result)
    known = {
        case.id: case for suite in view.suites(result.prompt) if suite.name == result.suite for case in suite.cases
    }
    return [
        {
            "id": case.id,
            "version": result.version,
            "suite": result.suite,
            "tags": case.tags,
            "expected": known[case.id].expected if case.id in known else None,
            "scores": case.scores,
            "errors": [failure.reason for failure in case.errors],
            "outputs": outputs.get(case.id, []),
        }
        for case in result.cases
    ]


def _outputs(view: View, result: Result) -> dict[str, list[str | None]]:
    path = _path(result).removesuffix(".json") + OUTPUTS
    return read_outputs(view.source.read(path) or b"", view.source.shown(path))


def _brief(expected: Any) -> str:
    if isinstance(expected, dict):
        return ", ".join(str(value) for value in expected.values())
    return "–" if expected is None else str(expected)


def _answers(row: dict[str, Any]) -> str:
    texts = [*dict.fromkeys(" ".join(text.split()) for text in row["outputs"] if text is not None), *row["errors"]]
    return " | ".join(texts) or "–"


def _scores(row: dict[str, Any]) -> str:
    return ", ".join(
        f"{metric} {' '.join('–' if s is None else f'{s:g}' for s in scores)}"
        for metric, scores in row["scores"].items()
    )


def _case_lines(view: View, name: str, row: dict[str, Any]) -> list[str]:
    known = {case.id: case for suite in view.suites(name) if suite.name == row["suite"] for case in suite.cases}
    lines = [f"{name}@{row['version']}  {row['suite']}  case {row['id']}"]
    case = known.get(row["id"])
    if case is not None:
        lines.append(f"inputs    {json.dumps(case.inputs, ensure_ascii=False)}")
        lines.append(f"expected  {json.dumps(case.expected, ensure_ascii=False)}")
    lines.append(f"scores    {_scores(row)}")
    lines.extend(f"error     {error}" for error in row["errors"])
    lines.extend(f"output    {text}" for text in row["outputs"])
    return lines if row["outputs"] else [*lines, "no outputs are stored"]
