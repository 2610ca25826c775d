"""Changed suites: each of their cases must run with the draft, and with what environments pin."""

from __future__ import annotations

from collections.abc import Iterator

from promptreg.check.change import Change
from promptreg.core.errors import PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.suite import Suite


def check_suites(change: Change) -> None:
    """Find the cases of suites that differ which lack what a prompt needs."""
    for name in change.names():
        start = f"{name}/evals/"
        if not any(path.startswith(start) and not path.startswith(f"{start}results/") for path in change.paths):
            continue
        try:
            suites = change.head.suites(name)
        except PromptregError as problem:
            change.problem(problem, name, "suite")
            continue
        for prompt in _prompts(change, name):
            for suite in suites:
                _lacking(change, prompt, suite)


def _prompts(change: Change, name: str) -> Iterator[Prompt]:
    """The draft of a prompt and the versions that environments pin; what cannot be read is told elsewhere."""
    catalog, loader = change.head.catalog, change.head.loader
    versions = set()
    for environment in catalog.settings.environments:
        try:
            pin = catalog.pin(environment, name)
        except PromptregError:
            continue
        if pin is not None:
            versions.add(pin.version)
    try:
        text = catalog.draft(name)
        if text is not None:
            yield loader.from_text(name, text)
    except PromptregError as problem:
        change.problem(problem, name)
    for version in sorted(versions):
        try:
            yield loader.version(name, version)
        except PromptregError as problem:
            change.problem(problem, name)


def _lacking(change: Change, prompt: Prompt, suite: Suite) -> None:
    try:
        needed = [name for name, declared in prompt.declared.items() if declared.required]
    except PromptregError as problem:  # a draft whose inputs have to be inferred, and cannot be
        change.problem(problem, prompt.name)
        return
    for case in suite.cases if suite.cases.known else ():
        missing = [name for name in needed if name not in case.inputs]
        if missing:
            message = f"case {case.id} lacks {', '.join(missing)}, which {prompt.spec} needs."
            change.problem(suite.problem(case, message), prompt.name, "suite")
