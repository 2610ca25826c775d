"""Lint: a draft in, findings out."""

from __future__ import annotations

from promptreg.core.errors import PromptregError
from promptreg.core.loader import Loader
from promptreg.core.prompt import Prompt
from promptreg.lint.finding import Finding, finding_of
from promptreg.lint.rules import Draft, findings, problem_in, unreleased_includes


def lint(loader: Loader, prompt: Prompt) -> list[Finding]:
    """The findings in a draft (or a version read as one), in the order of its file."""
    try:
        draft = Draft(prompt, loader)
        found = findings(draft)
    except PromptregError as problem:
        return [finding_of(problem, prompt.name)]
    obstacle = problem_in(draft)
    return found if obstacle is None else [finding_of(obstacle, prompt.name), *found]


def lint_name(loader: Loader, name: str) -> list[Finding]:
    """The findings in the draft of a prompt."""
    try:
        text = loader.catalog.draft(name)
        if text is None:
            return []
        unreleased = unreleased_includes(loader, name, text)
        if unreleased:
            return unreleased
        prompt = loader.from_text(name, text)
    except PromptregError as problem:
        return [finding_of(problem, name)]
    return lint(loader, prompt)
