"""Check 1: every file parses; templates compile inside the limits; used inputs are declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from promptreg.check.change import Change
from promptreg.core.errors import IntegrityError, PromptregError, VersionNotFound
from promptreg.core.names import parse_spec
from promptreg.core.pins import FOLDER, environment_path
from promptreg.core.prompt import Prompt
from promptreg.core.source import DRAFT, SETTINGS
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.template import Parsed
from promptreg.evals.anew import contradictions
from promptreg.evals.people import misattributed
from promptreg.evals.reading import read_result
from promptreg.evals.results import OUTPUTS, Result
from promptreg.lint.finding import ERROR, WARNING, Finding
from promptreg.lint.linter import lint, lint_name
from promptreg.selection import readable_includes

_UNLISTED = "remove it, or release again"


def check_files(change: Change) -> None:
    """Read every file that differs, as its place in the registry says."""
    drafts: set[str] = set()
    paths = [path for path in change.paths if path not in change.links]
    for path in paths:
        name = change.prompt_of(path)
        if path == SETTINGS:
            _guarded(change, None, lambda: change.head.config)
        elif path.startswith(f"{FOLDER}/"):
            _guarded(change, None, partial(_environment, change, path))
        elif name is None or not _is_there(change, name, path):
            continue
        elif path == f"{name}/{DRAFT}":
            drafts.add(name)
        else:
            _file_of(change, name, path[len(name) + 1 :])
    drafts.update(_floating_users(change))
    for name in sorted(drafts):
        for finding in lint_name(change.head.loader, name):
            if finding.severity == ERROR or finding.rule == "unreleased-include":
                change.say(replace(finding, severity=ERROR))


def _is_there(change: Change, name: str, path: str) -> bool:
    try:
        return change.head.source.read(path) is not None
    except PromptregError as problem:
        change.problem(problem, name)
        return False


def _guarded(change: Change, prompt: str | None, read: Callable[[], object]) -> bool:
    try:
        read()
    except PromptregError as problem:
        change.problem(problem, prompt)
        return False
    return True


def _environment(change: Change, path: str) -> None:
    environment = path.removeprefix(f"{FOLDER}/").removesuffix(".yaml")
    if change.head.source.read(path) is None:
        return
    if path != environment_path(environment) or environment not in change.head.catalog.settings.environments:
        message = f"promptreg.toml names no environment {environment}, so nothing reads this file."
        shown = change.head.source.shown(path)
        change.say(
            Finding("environment", WARNING, message, None, shown, None, None, f"add [environments.{environment}]")
        )
        return
    change.head.catalog.pins(environment)


def _file_of(change: Change, name: str, rest: str) -> None:
    catalog = change.head.catalog
    if rest == SUMS_FILE:
        if _guarded(change, name, lambda: catalog.sums(name)):
            _new_versions(change, name)
    elif rest.startswith("versions/"):
        _version(change, name, rest.removeprefix("versions/"))
    elif rest.startswith("evals/results/"):
        _result(change, name, rest.removeprefix("evals/results/"))
    elif rest.startswith("evals/") and rest.endswith((".yaml", ".jsonl", ".csv")):
        try:
            change.head.suites(name)
        except PromptregError as problem:
            change.problem(problem, name, "suite")


def _new_versions(change: Change, name: str) -> None:
    """Read the versions that have a line now, whose files may have been there before, where no line spoke of them."""
    before = change.base_sums(name)
    for version in change.head.catalog.sums(name).versions():
        file = f"{version}.txt"
        if before is not None and version not in before.releases and f"{name}/versions/{file}" not in change.changed:
            _version(change, name, file)


def _version(change: Change, name: str, file: str) -> None:
    version = file.removesuffix(".txt")
    try:
        release = change.head.catalog.sums(name).releases.get(version)
        before = change.base_sums(name)
        if release is not None and before is not None and version in before.releases:
            return
        if release is None or file != f"{version}.txt":
            shown = change.head.source.shown(f"{name}/versions/{file}")
            message = f"{file} has no line in {SUMS_FILE}, so it is no version: a leftover."
            change.say(Finding("unlisted-version", WARNING, message, name, shown, None, None, _UNLISTED))
            return
        prompt = change.head.loader.version(name, version)
        _same_includes(prompt)
    except (IntegrityError, VersionNotFound) as problem:
        change.problem(problem, name, "digest")
        return
    except PromptregError as problem:
        change.problem(problem, name)
        return
    for finding in lint(change.head.loader, prompt):
        if finding.severity == ERROR and finding.rule in (
            "undeclared",
            "partial-input",
            "template",
            "limit",
            "front-matter",
        ):
            change.say(finding)


def _same_includes(prompt: Prompt) -> None:
    """IntegrityError where a version's line does not name what its template includes."""
    environment = prompt.compile().environment
    parsed = Parsed(prompt.file, environment, partial=False)
    written = {include.spec for include in parsed.syntax.includes}
    if written != set(prompt.includes):
        extra = ", ".join(sorted(set(prompt.includes) - written))
        raise IntegrityError(
            f"its line in {SUMS_FILE} names {extra}, which it does not include.", path=prompt.file.path
        )


def _result(change: Change, name: str, rest: str) -> None:
    version, _, file = rest.partition("/")
    path = f"{name}/evals/results/{rest}"
    if not file.endswith(".json") or file.endswith(OUTPUTS):
        return
    try:
        result = read_result(change.head.source.read(path) or b"", change.head.source.shown(path))
        release = change.head.catalog.sums(name).releases.get(version)
    except PromptregError as problem:
        change.problem(problem, name, "result")
        return
    if (result.prompt, result.version) != (name, version):
        change.error("result", f"this is a result of {result.prompt}@{result.version}.", prompt=name, path=path)
    elif release is None:
        change.error(
            "result", f"{name} {version} is no version.", prompt=name, path=path, fix=f"promptreg release {name}"
        )
    elif result.digest != release.digest:
        message = f"this result is of another text than {name} {version}."
        change.error("result", message, prompt=name, path=path, fix="promptreg check --fix sets it aside")
    else:
        if result.answers_of is not None:
            _later_result(change, name, path, result)
        _attributed(change, name, path, result)


def _attributed(change: Change, name: str, path: str, result: Result) -> None:
    """Hold a result to who can give its scores: people or a run."""
    try:
        suites = [suite for suite in change.head.suites(name) if suite.name == result.suite]
    except PromptregError:  # told where the suites themselves are read
        return
    for problem in (problem for suite in suites for problem in misattributed(result, suite)):
        change.error("result", f"this result {problem}.", prompt=name, path=path)


def _later_result(change: Change, name: str, path: str, result: Result) -> None:
    """Hold a result about stored answers to the run that they are of."""
    source = change.head.source
    about = f"{path.rpartition('/')[0]}/{result.answers_of}"
    data = source.read(about)
    if data is None:
        message = f"this result scores answers of {result.answers_of}, which is not stored: it counts for nothing."
        change.say(Finding("result", WARNING, message, name, source.shown(path)))
        return
    try:
        run = read_result(data, source.shown(about))
    except PromptregError:  # told where that file itself is read
        return
    if run.answers_of is not None:
        message = f"this result is about {result.answers_of}, which holds no answers of its own: it counts for nothing."
        change.say(Finding("result", WARNING, message, name, source.shown(path)))
    for problem in contradictions({path: result, about: run}):
        message = f"{problem.removeprefix(f'{path} is ')}."
        change.error("result", f"this result is {message}", prompt=name, path=path)


def _mentions(change: Change, name: str, needles: list[bytes]) -> bool:
    try:
        data = change.head.source.read(f"{name}/{DRAFT}") or b""
    except PromptregError:
        return False
    return b"include" in data and any(needle in data for needle in needles)


def _floating_users(change: Change) -> set[str]:
    """Drafts that include something which differs without naming a version, and so change with it."""
    names = set(change.names())
    found: set[str] = set()
    if change.base is None:
        return found
    needles = [name.encode() for name in names]
    for name in sorted(change.here):
        if name in names or not _mentions(change, name, needles):
            continue
        for spec in readable_includes(change.head, name):
            included, selector = parse_spec(spec)
            if included in names and (selector is None or selector.kind == "draft"):
                found.add(name)
    return found
