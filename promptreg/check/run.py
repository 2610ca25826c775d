"""Check: from a base revision and the working tree to findings."""

from __future__ import annotations

import os
from dataclasses import dataclass

from promptreg.check.attributes import check_attributes
from promptreg.check.change import Change, changed_paths, fetch_rules
from promptreg.check.files import check_files
from promptreg.check.frozen import check_frozen
from promptreg.check.pins import check_pins
from promptreg.check.policy import check_bumps, check_policy
from promptreg.check.reused import check_reused
from promptreg.check.suites import check_suites
from promptreg.check.tree import ALONE, THERE_IN_BASE, check_tree
from promptreg.core.errors import PromptregError
from promptreg.core.limits import LIMITS, Limits
from promptreg.core.source import DRAFT, SETTINGS
from promptreg.evals.verdict import Verdict
from promptreg.git.base import Base, automatic_base, named_base
from promptreg.git.repo import GitError
from promptreg.lint.finding import ERROR, NOTE, SEVERITIES, Finding
from promptreg.project import Project

_RULES = (
    check_tree, check_attributes, check_files, check_frozen, check_reused, check_bumps, check_suites, check_pins,
    check_policy,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What check found: the base (None: there was none), how many prompts head holds, findings and verdicts.

    Verdicts stand by prompt, environment and version. `waiting` are the environments that a change of drafts alone
    does not reach before they are shipped; none where it is another change.
    """

    base: Base | None
    checked: int
    findings: tuple[Finding, ...]
    verdicts: dict[tuple[str, str, str], Verdict]
    waiting: tuple[str, ...] = ()

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
    elif base is not None and (there := _registries(project, base)):
        _say_elsewhere(change, there[0])
    elif base is not None and not change.findings:
        message = f"base ({base.how}) holds no registry here, so this change is judged by its own rules."
        change.say(Finding("first-registry", NOTE, message))
    fetch_rules(change)
    return change


def _registries(project: Project, base: Base) -> list[str]:
    """The folders of base's registries that are gone from head, or that lie around or inside this one.

    This one is among them where base has a link for its promptreg.toml.
    """
    files, links = project.repository.tree_and_links(base.id, "")
    found = []
    for path in [*files, *links]:
        folder, _, file = path.rpartition("/")
        prefix = f"{folder}/" if folder else ""
        if file != SETTINGS:
            continue
        gone = not os.path.lexists(os.path.join(project.git_root or "", path))
        if gone or prefix.startswith(project.prefix) or project.prefix.startswith(prefix):
            found.append(folder or ".")
    return sorted(found)


def _say_elsewhere(change: Change, there: str) -> None:
    here = change.project.folder_in_git or "."
    if there == here:
        change.error("link", THERE_IN_BASE, path=SETTINGS, fix=ALONE)
        return
    there, here = (f"in {folder}" if folder != "." else "at the repository's root" for folder in (there, here))
    message = f"base has its registry {there}, and this one is {here}, so nothing of it is compared with base."
    fix = f"keep it {there}; to move it, merge a change that does nothing else past this check"
    change.error("registry-moved", message, path=SETTINGS, fix=fix)


def _waiting(change: Change) -> tuple[str, ...]:
    """The environments that a change of drafts alone does not reach; none where it is another change, or drafts run."""
    mine = [path for path in change.paths if change.is_ours(path)]
    drafts = all(path.endswith(f"/{DRAFT}") and change.prompt_of(path) for path in mine)
    settings = change.rules.catalog.settings
    if change.base is None or not mine or not drafts or settings.default_environment == "draft":
        return ()
    return settings.environments


def _stricter(one: Limits, other: Limits) -> Limits:
    return Limits(**{name: min(getattr(one, name), getattr(other, name)) for name in LIMITS})


def check(project: Project, revision: str = "auto") -> Report:
    """Everything that CI must enforce. Raises what reading promptreg.toml or finding the base raises."""
    base = find_base(project, revision)
    change = opened(project, base)
    for rule in _RULES:
        try:
            rule(change)
        except GitError:
            raise
        except PromptregError as problem:
            change.problem(problem, rule="file")
    return Report(base, len(change.here), _sorted(change.findings), change.verdicts, _waiting(change))


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.path or "", f.line or 0, f.rule)))
