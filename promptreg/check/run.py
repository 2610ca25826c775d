"""Check: from a base revision and the working tree to findings."""

from __future__ import annotations

from dataclasses import dataclass

from promptreg.check.change import Change, changed_paths, fetch_rules
from promptreg.check.files import check_files
from promptreg.check.frozen import check_frozen
from promptreg.check.pins import check_pins
from promptreg.check.policy import check_bumps, check_policy
from promptreg.core.errors import PromptregError
from promptreg.core.limits import LIMITS, Limits
from promptreg.evals.verdict import Verdict
from promptreg.git.base import Base, automatic_base, named_base
from promptreg.git.repo import GitError
from promptreg.lint.finding import ERROR, NOTE, Finding
from promptreg.project import Project

_ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Report:
    """What check found: the base (None: there was none), how many prompts head holds, findings and verdicts."""

    base: Base | None
    checked: int
    findings: tuple[Finding, ...]
    verdicts: dict[tuple[str, str], Verdict]

    @property
    def failed(self) -> bool:
        """Whether anything is an error."""
        return any(finding.severity == ERROR for finding in self.findings)


def find_base(project: Project, revision: str) -> Base | None:
    """The base that is asked for: `auto` or a revision. None where `auto` finds none; in CI that is a GitError."""
    if revision != "auto":
        return named_base(project.repository, revision)
    environ = project.surroundings.environ
    found = automatic_base(project.repository, environ) if project.in_git else None
    if found is None and environ.get("CI"):
        raise GitError(
            "gate not checked: no base revision. In CI check must know what it compares with: give it "
            "--base origin/main, and enough history (actions/checkout with fetch-depth: 2)."
        )
    return found


def opened(project: Project, base: Base | None) -> Change:
    """The change between a base and the working tree."""
    change = Change(project, base, None, changed_paths(project, base))
    try:
        change.before = project.at(base.id) if base else None
    except PromptregError as problem:
        change.unreadable(problem)
    if change.before is not None:
        project.limit(_stricter(change.before.catalog.settings.limits, project.head.catalog.settings.limits))
    elif base is not None and not change.findings:
        message = f"base ({base.how}) holds no registry here, so this change is judged by its own rules."
        change.say(Finding("first-registry", NOTE, message))
    fetch_rules(change)
    return change


def _stricter(one: Limits, other: Limits) -> Limits:
    return Limits(**{name: min(getattr(one, name), getattr(other, name)) for name in LIMITS})


def check(project: Project, revision: str = "auto") -> Report:
    """Everything that CI must enforce. Raises what reading promptreg.toml or finding the base raises."""
    base = find_base(project, revision)
    change = opened(project, base)
    check_files(change)
    for rule in (check_frozen, check_bumps, check_pins, check_policy):
        try:
            rule(change)
        except PromptregError as problem:
            known = {(finding.path, finding.message) for finding in change.findings}
            if (problem.path, problem.message) not in known:
                change.say(Finding("file", ERROR, problem.message, None, problem.path, problem.line, problem.column))
    return Report(base, len(project.head.catalog.names()), _sorted(change.findings), change.verdicts)


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (_ORDER[f.severity], f.path or "", f.line or 0, f.rule)))
