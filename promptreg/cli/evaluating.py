"""What the ways of `promptreg eval` share: options about evidence in CI, running, and the keys of its JSON."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from promptreg.cli import output
from promptreg.evaluation.carry_out import carry_out
from promptreg.evaluation.plans import Options, PlannedRun
from promptreg.evaluation.storing import Stored
from promptreg.files import WriteError, write_over
from promptreg.project import Project
from promptreg.report.junit import SuiteTest, junit_text
from promptreg.rescoring import PlannedRescoring

Function = TypeVar("Function", bound=Callable[..., Any])
Found = TypeVar("Found")
#: What a plan costs: ("about" or "at most", USD); None where nobody knows.
Cost = tuple[str, float] | None

_XML = b"<?xml"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of evidence beside making it (the options below)."""

    confirm: int | None = None
    no_store: bool = False
    against_stored: bool = False
    same_twice: bool = False
    looked_in: str | None = None
    junit: str | None = None

    @property
    def apart(self) -> bool:
        """Whether it is no making of evidence for a move."""
        return self.no_store or self.same_twice


def evidence_options(function: Function) -> Function:
    """Options about evidence in CI; gives the command what is `wanted`."""

    def wrapper(*args: Any, **given: Any) -> Any:
        names = ("confirm", "no_store", "against_stored", "same_twice", "looked_in", "junit")
        wanted = Wanted(**{name: given.pop(name) for name in names})
        return function(*args, wanted=wanted, **given)

    wrapper.__name__ = function.__name__
    wrapper.__doc__ = function.__doc__
    wrapper.__dict__.update(function.__dict__)
    options = [
        click.option(
            "--confirm", type=click.IntRange(1, 100), metavar="N",
            help="With --needed: run what then looks regressed N times more, both sides, all cases.",
        ),
        click.option("--no-store", is_flag=True, help="Run, say what was found, and store nothing."),
        click.option(
            "--against-stored", is_flag=True,
            help="With --no-store: did the model change? Compare with the stored results of the same version.",
        ),
        click.option(
            "--aa", "same_twice", is_flag=True,
            help="A version against itself: how often cases flip, and the gate would cry wolf.",
        ),
        click.option(
            "--in", "-e", "looked_in", metavar="ENV",
            help="With --against-stored or --aa: the versions that ENV pins, in its mode.",
        ),
        click.option(
            "--junit", metavar="FILE", help="With --needed or --against-stored: write the verdicts as JUnit XML."
        ),
    ]  # fmt: skip
    found: Any = wrapper
    for option in reversed(options):
        found = option(found)
    result: Function = found
    return result


def check_wanted(wanted: Wanted, given: dict[str, Any], *, only_needed: bool, show: bool, dry_run: bool) -> None:
    """A usage error for options about evidence that do not go together."""
    fresh = wanted.confirm or wanted.against_stored or wanted.same_twice
    wrong = {
        "--confirm goes with --needed.": wanted.confirm and not only_needed,
        "--against-stored goes with --no-store: what is compared with stored results is not one of them.": (
            wanted.against_stored and not wanted.no_store
        ),
        "--needed makes evidence for the gate; --no-store would throw it away.": only_needed and wanted.no_store,
        "--aa is about versions that are there; --needed and --against-stored are not.": (
            wanted.same_twice and (only_needed or wanted.against_stored)
        ),
        "--in goes with --against-stored and --aa.": (
            wanted.looked_in and not (wanted.against_stored or wanted.same_twice)
        ),
        "--junit goes with --needed and --against-stored: only they ask the gate.": (
            wanted.junit and not (only_needed or wanted.against_stored)
        ),
        "--junit goes without --dry-run, which runs nothing that could be judged.": wanted.junit and dry_run,
        "--confirm runs all suites of a prompt; --suite goes without it.": wanted.confirm and given["suite"],
        "--cache gives old answers, and new ones are wanted.": given["cache"] and fresh,
        "--show stores nothing and judges nothing; it goes without --aa and --no-store.": show and wanted.apart,
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise click.UsageError(message)
    if wanted.junit:
        _check_report(Path(wanted.junit))


def _check_report(target: Path) -> None:
    """WriteError, before anything is run, where no report can be put: only an earlier one is overwritten."""
    path = str(target)
    try:
        if target.is_symlink() or (target.exists() and not target.is_file()):
            raise WriteError("this is no regular file. Choose another name.", path=path)
        if target.exists():
            with target.open("rb") as file:
                begin = file.read(len(_XML))
            if begin not in (b"", _XML):
                raise WriteError("this file is no earlier report, and stays. Choose another name.", path=path)
        folder = next(folder for folder in target.absolute().parents if folder.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise WriteError(f"nothing can be written into {folder}. Choose another name.", path=path)
    except OSError as problem:
        raise WriteError(f"cannot be read: {problem.strerror}.", path=path) from None


def write_junit(project: Project, path: str, tests: Sequence[SuiteTest]) -> None:
    """Write a JUnit file in the place of an earlier one."""
    at = project.surroundings.now().strftime("%Y-%m-%dT%H:%M:%S")
    _check_report(Path(path))
    write_over(path, junit_text(tests, at).encode())


def interruptible(function: Callable[[], Found], *, kept: bool = True) -> Found:
    """Run calls; ^C says how to go on: where answers are `kept`, by --resume."""
    try:
        return function()
    except KeyboardInterrupt:
        if kept:
            output.note("Stopped. What was answered is kept; the same command with --resume goes on.")
        raise


def stored_runs(project: Project, planned: Sequence[PlannedRun], options: Options) -> list[Stored]:
    """Carry out a plan."""
    return interruptible(lambda: carry_out(project, planned, options))


def say_plan(lines: Sequence[str], *, as_json: bool, dry_run: bool) -> None:
    """Say what will be run before it is: where stdout is for JSON, on stderr."""
    if not as_json:
        output.say_all(lines)
    elif not dry_run:
        output.note("\n".join(lines))


def say_unused(planned: Sequence[PlannedRun]) -> None:
    """That the gate will not use what another provider answered than the suite declares."""
    for plan in planned:
        if plan.suite.provider != plan.provider:
            declared = plan.suite.provider or "no provider"
            output.note(f"The gate will not use this: {plan.suite.path} declares {declared}.")
            output.note(f"To change that, write into it: provider: {plan.provider}")
            break


def run_facts(
    planned: Sequence[PlannedRun | PlannedRescoring], made: Sequence[Any], costs: Iterable[Cost]
) -> dict[str, Any]:
    """The keys that every `eval --json` has.

    `made` is what was run, stored or not; `costs` what was said of it before, plan by plan.
    """
    return {
        "results": [each.data() for each in made],
        "planned": [plan.data() for plan in planned],
        "calls": sum(plan.calls for plan in planned),
        "cost": _summed(list(costs)),
        "cost_usd": sum(each.header.totals.cost_usd for each in made),
    }


def _summed(costs: Sequence[Cost]) -> dict[str, Any] | None:
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return None
    word = "at most" if any(word == "at most" for word, _ in known) else "about"
    return {"word": word, "usd": math.fsum(usd for _, usd in known)}
