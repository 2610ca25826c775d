"""A change under check: the registry as base has it and as head would leave it, and which files differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from promptreg.core.errors import PromptregError
from promptreg.core.names import is_name
from promptreg.core.source import DRAFT
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.sums import Sums
from promptreg.evals.verdict import Verdict
from promptreg.git.base import Base
from promptreg.git.source import RevisionSource
from promptreg.lint.finding import ERROR, WARNING, Finding
from promptreg.project import Project, View

_OWN_FOLDERS = ("versions", "evals")


@dataclass(slots=True)
class Change:
    """What is checked. Without a `base` every file counts as changed, and only what head itself shows can be said.

    `before` is the registry as base has it, None where it holds none that can be read. `paths` are relative to the
    registry.
    """

    project: Project
    base: Base | None
    before: View | None
    paths: list[str]
    findings: list[Finding] = field(default_factory=list)
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)

    @property
    def head(self) -> View:
        """The working tree's state."""
        return self.project.head

    @property
    def rules(self) -> View:
        """Who judges: base where it holds a registry, else head."""
        return self.before or self.head

    def names(self) -> list[str]:
        """The prompts any of whose files differ."""
        return sorted({name for path in self.paths if (name := prompt_of(path))})

    def base_sums(self, name: str) -> Sums | None:
        """What base says of a prompt's versions; None where there is no base, or it cannot be read, which is said."""
        if self.before is None:
            return None
        try:
            return self.before.catalog.sums(name)
        except PromptregError as problem:
            self.unreadable(problem, name)
            return None

    def base_files(self) -> dict[str, list[str]]:
        """The files that base has of the prompts that differ, by prompt."""
        source = self.before.source if self.before else None
        found: dict[str, list[str]] = {name: [] for name in self.names()}
        for path in source.ids if isinstance(source, RevisionSource) else ():
            folder = _folder_of(path)
            if folder in found:
                found[folder].append(path)
        return found

    def unreadable(self, problem: PromptregError, prompt: str | None = None) -> None:
        """Say that something in base cannot be read, so that nothing is compared with it."""
        message = "base cannot be read here, so this change is not compared with it."
        path = problem.path.partition(":")[2] if problem.path else None
        self.say(Finding("base-unreadable", WARNING, message, prompt, path, problem.line))

    def say(self, finding: Finding) -> None:
        """Add a finding that was not said yet."""
        if finding not in self.findings:
            self.findings.append(finding)

    def error(
        self,
        rule: str,
        message: str,
        *,
        prompt: str | None = None,
        path: str | None = None,
        line: int | None = None,
        fix: str | None = None,
    ) -> None:
        """Add an error; `path` is relative to the registry."""
        shown = self.head.source.shown(path) if path else None
        self.say(Finding(rule, ERROR, message, prompt, shown, line, None, fix))


def prompt_of(path: str) -> str | None:
    """The prompt that a file of the registry belongs to; None where it belongs to none."""
    folder = _folder_of(path)
    return folder if folder and is_name(folder) else None


def _folder_of(path: str) -> str:
    parts = path.split("/")
    if parts[-1] in (DRAFT, SUMS_FILE):
        return "/".join(parts[:-1])
    own = next((at for at, part in enumerate(parts[:-1]) if part in _OWN_FOLDERS), 0)
    return "/".join(parts[:own])


def changed_paths(project: Project, base: Base | None) -> list[str]:
    """The files of the registry that differ from base, or all of them."""
    if base is None:
        return sorted(_all_files(project))
    prefix = project.prefix
    changed = project.repository.changed(base.id, project.folder_in_git)
    return [path[len(prefix) :] for path in changed if path.startswith(prefix)]


def _all_files(project: Project) -> Iterable[str]:
    view = project.head
    source = view.source
    yield "promptreg.toml"
    for file in source.files("environments"):
        yield f"environments/{file}"
    for name in view.catalog.names():
        for folder in ("", "/versions", "/evals"):
            for file in source.files(name + folder):
                if folder or file in (DRAFT, SUMS_FILE):
                    yield f"{name}{folder}/{file}"
        for version in view.catalog.sums(name).versions():
            for file in source.files(f"{name}/evals/results/{version}"):
                yield f"{name}/evals/results/{version}/{file}"


def fetch_rules(change: Change) -> None:
    """Read at once what base will be asked for about the prompts that differ."""
    source = change.before.source if change.before else None
    if not isinstance(source, RevisionSource):
        return
    wanted = [
        path
        for paths in change.base_files().values()
        for path in paths
        if "/results/" not in path and not path.endswith(DRAFT)
    ]
    source.fetch([*wanted, "promptreg.toml", *(path for path in source.ids if path.startswith("environments/"))])
