"""`pytest --prompts`: each suite of each prompt is a test, which fails where the gate would refuse the newest text.

Evidence is what is stored: nothing is asked of a model. What this module needs is imported once --prompts is given.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promptreg.core.errors import PromptregError, Refused, RegistryNotFound

if TYPE_CHECKING:
    from promptreg.project import Project
    from promptreg.standing import Standing, Standings

_MARK = "prompts"
_VERDICT = "verdict"
#: The test of a prompt that an environment runs and that has no suite.
_NO_SUITE = "no-suite"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--prompts` and `--prompts-in`."""
    group = parser.getgroup("git-promptreg", "prompts of a promptreg registry")
    group.addoption(
        "--prompts",
        action="store_true",
        help="Test each suite of each prompt: may the draft, or the newest version, replace what the environment runs? "
        "By stored eval results; the tests carry the mark 'prompts'.",
    )
    group.addoption(
        "--prompts-in",
        metavar="ENV",
        help="The environment to compare with, whose mode says what fails. [default: default_environment]",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find the registry, where its prompts are to be tested; a usage error where there is none."""
    if not config.getoption("prompts"):
        if config.getoption("prompts_in"):
            raise pytest.UsageError("--prompts-in goes with --prompts.")
        return
    config.addinivalue_line("markers", f"{_MARK}: a suite of a prompt (pytest --prompts)")
    config.pluginmanager.register(_Prompts(_standings(config)), "git-promptreg-suites")


def _standings(config: pytest.Config) -> Standings:
    from promptreg.standing import Standings

    try:
        project = _project(config)
        return Standings(project, _environment(project, config.getoption("prompts_in")))
    except PromptregError as problem:
        raise pytest.UsageError(f"--prompts: {problem}") from None


def _project(config: pytest.Config) -> Project:
    """The registry around the folder in which pytest was started, else around its rootdir."""
    from promptreg.project import Project, Surroundings

    environ = dict(os.environ)
    try:
        return Project.find(Surroundings(str(config.invocation_params.dir), environ))
    except RegistryNotFound:
        if config.rootpath == config.invocation_params.dir:
            raise
        return Project.find(Surroundings(str(config.rootpath), environ))


def _environment(project: Project, named: str | None) -> str | None:
    """The environment that is named, else the default one; else, where drafts run, the only one, or none."""
    settings = project.head.catalog.settings
    if named or settings.default_environment in settings.environments:
        return named or settings.default_environment
    if len(settings.environments) > 1:
        raise PromptregError(
            f"default_environment is {settings.default_environment}. Name an environment: --prompts-in "
            f"{settings.environments[-1]}"
        )
    return next(iter(settings.environments), None)


class _Prompts:
    """The hooks that are there with --prompts alone."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the suites, before anything is selected among the items."""
        try:
            suites = self._standings.suites()
        except PromptregError as problem:
            raise pytest.UsageError(f"--prompts: {problem}") from None
        found = [self._item(session, prompt, suite) for prompt, suite in suites]
        items.extend(found)
        # by this report pytest counts what was collected
        session.ihook.pytest_collectreport(report=pytest.CollectReport("", "passed", None, list(found)))

    def _item(self, session: pytest.Session, prompt: str, suite: str | None) -> SuiteItem:
        name, path = suite or _NO_SUITE, Path(self._standings.path(prompt, suite))
        item: SuiteItem = SuiteItem.from_parent(session, name=name, nodeid=f"{prompt}::{name}", path=path)
        item.judged_by(self._standings, prompt, suite)
        return item

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """What passed without being proven is said, however quiet pytest is about what passes."""
        found = [report for report in terminalreporter.stats.get("passed", ()) if _unproven(report)]
        if found:
            terminalreporter.section("prompts that passed and are not proven")
        for report in found:
            said = dict(report.user_properties)
            terminalreporter.write_line(f"{report.nodeid}: {said[_VERDICT]}: {said['reasons']}")


def _unproven(report: Any) -> str:
    """The verdict of a suite that does not block and is no pass."""
    if report.when != "call" or not report.passed or _MARK not in report.keywords:
        return ""
    verdict = dict(report.user_properties).get(_VERDICT, "")
    return "" if verdict == "pass" else str(verdict)


class SuiteItem(pytest.Item):
    """A suite of a prompt as a test: `PROMPT::SUITE`."""

    def judged_by(self, standings: Standings, prompt: str, suite: str | None) -> None:
        """Who judges, and what."""
        self._standings = standings
        self._prompt = prompt
        self._suite = suite
        self.add_marker(_MARK)
        # -k looks at these too
        self.extra_keyword_matches.add(prompt)

    def runtest(self) -> None:
        """Ask the gate; Refused where it would refuse, PromptregError where files cannot be read."""
        standing = self._standings.of(self._prompt, self._suite)
        self.user_properties.extend(_properties(standing))
        text = "\n".join(_lines(standing))
        if standing.blocks:
            raise Refused(text)
        self.add_report_section("call", "gate", text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What the gate says, without a traceback."""
        if isinstance(excinfo.value, PromptregError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The suite's file, and the heading of a failure."""
        return self.path, None, f"{self._prompt} {self.name}"


def _lines(standing: Standing) -> list[str]:
    from promptreg.report.gate import verdict_lines

    verdict, move = standing.verdict, standing.move
    lines = verdict_lines(move.name, verdict, move.environment) if verdict else []
    # pytest's summary shows the first line: what is wrong, before how that was found
    lines[:2] = lines[1::-1]
    lines.extend(filter(None, [standing.remark]))
    return [*lines, *(f"    {command}" for command in standing.commands)]


def _properties(standing: Standing) -> Iterator[tuple[str, str]]:
    """What goes into JUnit: what was compared, the verdict, and for each metric both means and its verdict."""
    move, verdict = standing.move, standing.verdict
    facts = {"candidate": move.to, "baseline": move.before, "environment": move.environment}
    yield from ((name, value) for name, value in facts.items() if value is not None)
    waived = bool(standing.remark) and verdict is not None
    yield _VERDICT, "waived" if waived else verdict.verdict if verdict else "pass"
    yield "reasons", "; ".join(filter(None, [standing.remark, *(verdict.reasons if verdict else ())]))
    for name, metric in verdict.metrics.items() if verdict else ():
        for side, mean in (("candidate", metric.candidate), ("baseline", metric.baseline)):
            if mean is not None:
                yield f"metric:{name}:{side}", f"{mean:.6g}"
        yield f"metric:{name}:verdict", metric.verdict
