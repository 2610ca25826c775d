"""`promptreg doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator

import click

from promptreg import __version__
from promptreg.cli import output
from promptreg.cli.options import format_option, surroundings
from promptreg.core.errors import PromptregError, counted
from promptreg.git.base import automatic_base
from promptreg.git.repo import GitError, git_version
from promptreg.project import Project
from promptreg.report.table import columns

_DISTRIBUTION = "git-promptreg"
_OTHER = "promptreg"


@click.command("doctor")
@format_option
def command(as_json: bool) -> int:
    """Which git, which registry, which state, and whether the other `promptreg` distribution is in the way."""
    facts = [*_installation(), *_git(), *_registry()]
    if as_json:
        rows = [{"what": what, "found": found, "problem": problem} for what, found, problem in facts]
        output.say_json({"facts": rows})
    else:
        output.say_all(columns([[what, found] for what, found, _ in facts]))
        output.say_all(f"{output.paint('bad', 'problem')} {what}: {problem}" for what, _, problem in facts if problem)
        if not any(problem for _, _, problem in facts):
            output.say("Nothing is in the way.")
    return int(any(problem for _, _, problem in facts))


Fact = tuple[str, str, str | None]


def _installation() -> Iterator[Fact]:
    yield "python", platform.python_version(), None
    yield "promptreg", f"{__version__} ({os.path.dirname(os.path.dirname(os.path.dirname(__file__)))})", None
    yield _other_distribution()
    import yaml

    loader = "with" if hasattr(yaml, "CBaseLoader") else "without"
    slow = (
        None
        if loader == "with"
        else "PyYAML has no C loader here, so that reading is about ten times slower. Reinstall it from a wheel."
    )
    yield "yaml", f"PyYAML {yaml.__version__}, {loader} its C loader", slow


def _other_distribution() -> Fact:
    try:
        other = importlib.metadata.distribution(_OTHER)
    except importlib.metadata.PackageNotFoundError:
        return "distribution", _DISTRIBUTION, None
    overwrote = any(str(file) == "promptreg/__init__.py" for file in other.files or ())
    if not overwrote and other.metadata["Name"] == _DISTRIBUTION:
        return "distribution", _DISTRIBUTION, None
    message = (
        f"The distribution promptreg {other.version} (another project) "
        f"{'overwrote this package' if overwrote else 'is installed too, and its command has the same name'}. "
        "pip uninstall promptreg && pip install --force-reinstall git-promptreg"
    )
    return "distribution", f"{_DISTRIBUTION}, and {_OTHER} {other.version}", message


def _git() -> Iterator[Fact]:
    path = shutil.which("git")
    if path is None:
        yield "git", "not found", "git is not on PATH: history, check with a base, and --commit need it."
        return
    try:
        yield "git", f"{git_version()} ({path})", None
    except GitError as problem:
        yield "git", path, str(problem)


def _registry() -> Iterator[Fact]:
    here = surroundings()
    for name in ("PROMPTREG_ROOT", "PROMPTREG_ENV", "PROMPTREG_OVERRIDE"):
        if here.environ.get(name):
            yield name, here.environ[name], None
    try:
        project = Project.find(here)
        view = project.head
        settings = view.catalog.settings
        names = view.catalog.names()
        _ = view.config
    except PromptregError as problem:
        yield "registry", "not usable", str(problem)
        return
    yield "registry", project.folder.root, None
    environments = ", ".join(settings.environments) or "none"
    yield (
        "state",
        f"{counted(len(names), 'prompt')}, environments {environments}, default {settings.default_environment}",
        None,
    )
    try:
        repository = project.repository
        head = repository.head()
        base = automatic_base(repository, here.environ)
        branch = repository.branch() or "detached HEAD"
        shallow = ", shallow" if repository.is_shallow() else ""
        yield "repository", f"{repository.root}, {branch} at {head[:9] if head else 'no commit'}{shallow}", None
        yield "base", f"{base.id[:9]} ({base.how})" if base else "none: check needs --base REV", None
    except GitError as problem:
        yield "repository", "not usable", str(problem)
