"""Releasing: drafts become versions, which never change again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from promptreg.core.errors import PromptregError, Refused
from promptreg.core.names import Selector
from promptreg.core.prompt import Prompt
from promptreg.core.source import DRAFT, Overlay
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.sums import Release, Sums, yank_line
from promptreg.core.text import decode
from promptreg.core.versions import precedence
from promptreg.diff.bumps import (
    actual_bump,
    allows,
    bump_problem,
    bumped,
    compared_with,
    greatest_lower,
    highest,
    newest_of_each,
)
from promptreg.diff.contract import PATCH, Change, bump_of, compare
from promptreg.diff.sentences import reasons, summary
from promptreg.evals.reading import read_result
from promptreg.evals.results import OUTPUTS, Result, results_of
from promptreg.files import writing
from promptreg.lint.finding import ERROR, WARNING, Finding, finding_of
from promptreg.lint.linter import lint
from promptreg.project import Project, View
from promptreg.selection import dependencies_first


class VersionExists(PromptregError):
    """The version that is asked for is there already."""


class DraftProblems(PromptregError):
    """Drafts have findings that must be mended first."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(finding.sentence() for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Wish:
    """How versions are to be made: a `bump` (auto, patch, minor, major) or a `version`, a message, and the names whose
    newest version is to be replaced (`amend`), which base must not have.
    """

    bump: str = "auto"
    version: str | None = None
    message: str | None = None
    amend: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Planned:
    """One release that was worked out: what it is, why its bump, what it replaces, and the files that it writes.

    `bump` is how far its number goes from the version below, `asked` how far its changes asked for. `files` are texts
    and results, None for what goes away; `sums` is the new versions.sum, which makes them a version. `warnings` are
    what lint finds and what does not stop a release.
    """

    name: str
    version: str
    digest: str
    bump: str | None
    asked: str
    reasons: list[str]
    compared_with: str | None
    replaces: str | None
    taken_over: int
    warnings: tuple[Finding, ...]
    files: dict[str, bytes | None] = field(repr=False)
    sums: bytes = field(repr=False)

    def data(self) -> dict[str, object]:
        """The shape of `release --json`."""
        return {
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "bump": self.bump,
            "reasons": self.reasons,
            "replaces": self.replaces,
        }


def plan(project: Project, names: Sequence[str], wish: Wish) -> list[Planned]:
    """Work out the release of some drafts, dependencies first, all or nothing; writes nothing.

    Drafts that equal a version which stands, or one that was yanked, are left out. Raises Refused where rules
    refuse, DraftProblems where drafts must be mended, with all that was found.
    """
    overlay = Overlay(project.folder)
    planned: list[Planned] = []
    problems: list[Finding] = []
    refusals: list[Refused | VersionExists] = []
    for name in dependencies_first(project.head, names):
        view = View(overlay)
        try:
            if view.is_ahead(name):
                made = _Plan(project, view, name, wish).make()
                overlay.top.update(made.files)
                overlay.top[f"{name}/{SUMS_FILE}"] = made.sums
                planned.append(made)
        except DraftProblems as found:
            problems.extend(found.findings)
        except (Refused, VersionExists) as refusal:
            refusals.append(refusal)
        except PromptregError as problem:
            problems.append(finding_of(problem, name))
    if problems:
        raise DraftProblems([*problems, *(finding_of(refusal) for refusal in refusals)])
    if refusals:
        raise type(refusals[0])("\n".join(refusal.message for refusal in refusals))
    return planned


def preview(project: Project, planned: Sequence[Planned]) -> View:
    """The registry as it will be once a plan is written."""
    files = {path: data for made in planned for path, data in made.files.items()}
    return project.view(Overlay(project.folder, files | {f"{made.name}/{SUMS_FILE}": made.sums for made in planned}))


class _Plan:
    """Works out one release."""

    def __init__(self, project: Project, view: View, name: str, wish: Wish) -> None:
        self.project = project
        self.view = view
        self.name = name
        self.wish = wish
        self.sums: Sums = view.catalog.sums(name)
        self.settled = project.settled(name)
        self.replaces = self._replaced() if name in wish.amend else None
        self.standing = [version for version in self.sums.versions() if version != self.replaces]

    def make(self) -> Planned:
        draft = self.view.prompt(self.name, Selector("draft", "draft"))
        warnings = self._check_draft(draft)
        version, below = self._version(draft)
        changes = self._changes(below, draft) if below else []
        message = self.wish.message or (summary(changes) if below else "First")
        release = Release(version, draft.digest, self.project.today(), tuple(sorted(draft.includes)), message)
        taken = self._results(version, draft.digest)
        text: dict[str, bytes | None] = {f"{self.name}/versions/{version}.txt": draft.file.text.encode()}
        return Planned(
            name=self.name,
            version=version,
            digest=draft.digest,
            bump=actual_bump(below, version) if below else None,
            asked=bump_of(changes) or PATCH,
            reasons=reasons(changes) if below else ["the lowest version" if self.standing else "first version"],
            compared_with=below,
            replaces=self.replaces,
            taken_over=sum(1 for path in taken if path.endswith(".json")),
            warnings=warnings,
            files=self._leftovers(version) | taken | text,
            sums=self._sums_text(release).encode(),
        )

    def _check_draft(self, draft: Prompt) -> tuple[Finding, ...]:
        found = lint(self.view.loader, draft)
        problems = [each for each in found if each.severity == ERROR or each.rule == "floating-include"]
        if problems:
            raise DraftProblems(problems)
        floating = [spec for spec in draft.includes if spec.endswith("@draft")]
        if floating:
            raise Refused(f"{self.name} includes {', '.join(floating)}, which is no version.")
        return tuple(each for each in found if each.severity == WARNING)

    # Which version

    def _replaced(self) -> str:
        latest = self.sums.latest()
        if latest is None:
            raise Refused(f"{self.name} has no version that --amend could replace.")
        if latest in self.settled:
            raise Refused(
                f"{self.name} {latest} is on the base branch, and released versions never change. Without --amend the "
                "draft becomes a new version."
            )
        users = [spec for spec in self._including(latest) if not self._is_replaced_too(*spec.split("@"))]
        if users:
            others = " ".join(dict.fromkeys(spec.partition("@")[0] for spec in users))
            raise Refused(
                f"{self.name} {latest} is included by {', '.join(users)} and cannot be replaced alone. Replace them "
                f"together (promptreg release --amend {self.name} {others}), or make a new version: promptreg release "
                f"{self.name}"
            )
        return latest

    def _including(self, version: str) -> list[str]:
        return [
            f"{other}@{known}"
            for other in self.view.catalog.names()
            for known, release in self.view.catalog.sums(other).releases.items()
            if f"{self.name}@{version}" in release.includes
        ]

    def _is_replaced_too(self, name: str, version: str) -> bool:
        """Whether a version that includes this one is replaced by the same plan."""
        return (
            name in self.wish.amend
            and version == self.view.catalog.sums(name).latest()
            and version not in self.project.settled(name)
        )

    def _version(self, draft: Prompt) -> tuple[str, str | None]:
        """The number, and the version below it that it is compared with first."""
        version = self.wish.version or self._next(draft)
        precedence(version)
        if version in self.standing:
            raise self._exists(version)
        for below in compared_with(version, self.standing):
            problem = bump_problem(version, below, self._changes(below, draft))
            if problem:
                raise Refused(f"{self.name}: {problem}")
        return version, greatest_lower(version, self.standing)

    def _next(self, draft: Prompt) -> str:
        newest = highest(self.standing)
        if newest is None:
            return self.replaces or "1.0.0"
        if self.wish.bump != "auto":
            return bumped(newest, self.wish.bump)
        needed = {below: bump_of(self._changes(below, draft)) or PATCH for below in newest_of_each(self.standing)}
        if self.replaces and all(allows(below, self.replaces, bump) for below, bump in needed.items()):
            return self.replaces
        return max((bumped(below, bump) for below, bump in needed.items()), key=precedence)

    def _exists(self, wanted: str) -> VersionExists:
        following = bumped(highest(self.standing) or wanted, PATCH)
        if wanted in self.settled:
            return VersionExists(
                f"{self.name} {wanted} exists, and released versions never change. --bump patch makes {following}."
            )
        return VersionExists(
            f"{self.name} {wanted} exists but is not on the base branch yet: --amend replaces it, --bump patch makes "
            f"{following}."
        )

    def _changes(self, below: str, draft: Prompt) -> list[Change]:
        return compare(self.view.loader.version(self.name, below), draft)

    # Which files

    def _leftovers(self, version: str) -> dict[str, bytes | None]:
        """What goes away: results under the new number, of a text that is no more, and all of a replaced version."""
        gone: dict[str, bytes | None] = {}
        for old in {version, self.replaces or version}:
            folder = results_of(self.name, old)
            gone |= {f"{folder}/{file}": None for file in self.view.source.files(folder)}
        if self.replaces not in (None, version):
            gone[f"{self.name}/versions/{self.replaces}.txt"] = None
        return gone

    def _results(self, version: str, digest: str) -> dict[str, bytes | None]:
        """Results of the draft's text, under the version's name; those about stored answers name the run anew."""
        found: dict[str, bytes | None] = {}
        folder = results_of(self.name, "draft")
        results = {file: result for file, result in self._stored(folder) if result.digest == digest}
        renamed: dict[str, str] = {}
        for file, result in sorted(results.items(), key=lambda item: item[1].answers_of is not None):
            if result.answers_of is not None and result.answers_of not in renamed:
                continue  # the run that it is about is gone, so that it says nothing
            about = result.answers_of and renamed[result.answers_of]
            made = result.model_copy(update={"version": version, "answers_of": about})
            renamed[file] = made.file_name()
            target = f"{results_of(self.name, version)}/{renamed[file]}"
            outputs = self.project.folder.read(f"{folder}/{file.removesuffix('.json')}{OUTPUTS}")
            if outputs is not None:
                found[target.removesuffix(".json") + OUTPUTS] = outputs
            found[target] = made.text().encode()
        return found

    def _stored(self, folder: str) -> Iterator[tuple[str, Result]]:
        for file in self.project.folder.files(folder):
            if file.endswith(".json"):
                path = f"{folder}/{file}"
                yield file, read_result(self.project.folder.read(path) or b"", self.project.folder.shown(path))

    def _sums_text(self, release: Release) -> str:
        path = f"{self.name}/{SUMS_FILE}"
        lines = decode(self.view.source.read(path) or b"", path).split("\n")
        kept = [line for line in lines if line.strip() and line.split(" ", 1)[0] != self.replaces]
        return "".join(f"{line}\n" for line in kept) + release.line()


def release(project: Project, names: Sequence[str], wish: Wish) -> list[Planned]:
    """Work out and write the release of some drafts: first all texts and results, then the lines of versions.sum."""
    with writing(project.folder) as writer:
        project.reread()
        planned = plan(project, names, wish)
        files = {path: data for made in planned for path, data in made.files.items()}
        writer.write_all(files | {f"{made.name}/{SUMS_FILE}": made.sums for made in planned})
    project.reread()
    return planned


def nothing_to_release(project: Project, names: Sequence[str]) -> Refused:
    """What to say when no draft that was named is ahead."""
    view = project.head
    ahead = [name for name in view.catalog.names() if name not in names and _is_ahead(view, name)]
    changed = f" (Changed drafts: {', '.join(ahead[:10])}.)" if ahead else ""
    return Refused("\n".join(why_not_ahead(view, name) for name in names) + changed)


def why_not_ahead(view: View, name: str) -> str:
    """Why there is nothing to release of a prompt, as a sentence."""
    sums = view.catalog.sums(name)
    if view.source.read(f"{name}/{DRAFT}") is None:
        return f"{name} has no draft. promptreg draft {name}@{sums.latest()} makes one."
    same = view.draft_version(name)
    known = sums.releases.get(same or "")
    if known is not None and known.yanked is not None:
        return f"{name}: the draft equals {same}, which was yanked: {known.yanked.rstrip('.')}. Change it first."
    return f"{name}: the draft equals {same}. Nothing to release."


def _is_ahead(view: View, name: str) -> bool:
    try:
        return view.is_ahead(name)
    except PromptregError:
        return False


def yank(project: Project, name: str, version: str, reason: str) -> None:
    """Withdraw a version: promotion refuses it from now on, a standing pin warns."""
    path = f"{name}/{SUMS_FILE}"
    with writing(project.folder) as writer:
        catalog = project.reread().catalog
        found = catalog.sums(name).releases.get(version)
        if found is None:
            raise catalog.no_version(name, version)
        if found.yanked is not None:
            raise Refused(f"{name} {version} was yanked on {found.yanked_on} already: {found.yanked}")
        text = decode(project.folder.read(path) or b"", path)
        writer.write(path, (text if text.endswith("\n") else text + "\n") + yank_line(version, project.today(), reason))
    project.reread()
