"""A change under check: the registry as base has it and as head would leave it, and which files differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from promptreg.core.errors import PromptregError
from promptreg.core.pins import FOLDER
from promptreg.core.source import DRAFT, SETTINGS
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.sums import Sums
from promptreg.evals.verdict import Verdict
from promptreg.git.base import Base
from promptreg.git.source import RevisionSource
from promptreg.lint.finding import ERROR, WARNING, Finding, finding_of
from promptreg.project import Project, View
from promptreg.selection import owner_of

_OWN = ("versions/", "evals/")


@dataclass(slots=True)
class Change:
    """What is checked. Without a `base` every file counts as changed, and only what head itself shows can be said.

    `before` is the registry as base has it, None where it holds none that can be read. `paths` are relative to the
    registry; as a set `changed`; `links` are those where something stands that is no file. `verdicts` are the gate's,
    by prompt, environment and version.
    """

    project: Project
    base: Base | None
    before: View | None
    paths: list[str]
    findings: list[Finding] = field(default_factory=list)
    verdicts: dict[tuple[str, str, str], Verdict] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    changed: frozenset[str] = frozenset()
    _known: tuple[View, frozenset[str], frozenset[str]] | None = None

    def __post_init__(self) -> None:
        self.changed = frozenset(self.paths)

    @property
    def head(self) -> View:
        """The working tree's state."""
        return self.project.head

    @property
    def rules(self) -> View:
        """Who judges: base where it holds a registry, else head."""
        return self.before or self.head

    @property
    def here(self) -> frozenset[str]:
        """The names of all prompts in head."""
        return self._names()[0]

    @property
    def known(self) -> frozenset[str]:
        """The names of all prompts in head or base."""
        return self._names()[1]

    def _names(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names in head, and in head or base: looked up once for a state of head."""
        if self._known is None or self._known[0] is not self.head:
            here = frozenset(self.head.catalog.names())
            there = self.before.catalog.names() if self.before else ()
            self._known = self.head, here, here.union(there)
        return self._known[1:]

    def names(self) -> list[str]:
        """The prompts any of whose files differ."""
        return sorted({name for path in self.paths if (name := self.prompt_of(path))})

    def prompt_of(self, path: str) -> str | None:
        """The prompt whose draft, versions or evals a file is among; None where it belongs to none.

        Folders are not known by their names alone: a registry at the root of a repository stands among foreign ones.
        """
        name = owner_of(path, self.known)
        rest = path[len(name) + 1 :] if name else ""
        return name if rest in (DRAFT, SUMS_FILE) or rest.startswith(_OWN) else None

    def is_ours(self, path: str) -> bool:
        """Whether what stands at a path is the registry's; all is, but in one at the root of its repository."""
        first = path.partition("/")[0].casefold()
        if self.project.prefix or first in (SETTINGS, FOLDER):
            return True
        return owner_of(f"{path}/", self.known) is not None or any(name.startswith(f"{path}/") for name in self.known)

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
        if found and isinstance(source, RevisionSource):
            for path in source.ids:
                name = self.prompt_of(path)
                if name in found:
                    found[name].append(path)
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

    def problem(self, problem: PromptregError, prompt: str | None = None, rule: str | None = None) -> None:
        """Add what stopped the reading of something, unless an error was told of its place already."""
        for finding in self.findings:
            same = finding.line == problem.line or finding.message == problem.message
            if finding.severity == ERROR and finding.path == problem.path and same:
                return
        self.say(finding_of(problem, prompt, rule))

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


def changed_paths(project: Project, base: Base | None) -> list[str]:
    """The files of the registry that differ from base, or all of them."""
    if base is None:
        return sorted(_all_files(project))
    return project.changed_since(base.id)


def _all_files(project: Project) -> Iterable[str]:
    view = project.head
    source = view.source
    yield SETTINGS
    for file in source.files(FOLDER):
        yield f"{FOLDER}/{file}"
    for name in view.catalog.names():
        for folder in ("", "/versions", "/evals"):
            for file in source.files(name + folder):
                if folder or file in (DRAFT, SUMS_FILE):
                    yield f"{name}{folder}/{file}"
        for version in _versions(view, name):
            for file in source.files(f"{name}/evals/results/{version}"):
                yield f"{name}/evals/results/{version}/{file}"


def _versions(view: View, name: str) -> list[str]:
    try:
        return view.catalog.sums(name).versions()
    except PromptregError:  # told where the file itself is read
        return []


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
    source.fetch([*wanted, SETTINGS, *(path for path in source.ids if path.startswith(f"{FOLDER}/"))])
