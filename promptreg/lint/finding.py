"""What is wrong somewhere, as data."""

from __future__ import annotations

from dataclasses import dataclass

from promptreg.core.errors import IntegrityError, LimitError, PromptFileError, PromptregError, TemplateError

ERROR, WARNING, NOTE = "error", "warning", "note"
#: Worst first.
SEVERITIES = (ERROR, WARNING, NOTE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: the `rule`, its `severity` (error, warning, note), the prompt, the place, a sentence, and the
    command or edit that mends it.
    """

    rule: str
    severity: str
    message: str
    prompt: str | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None
    fix: str | None = None

    def sentence(self) -> str:
        """All of it in one line: the place, what is wrong, what mends it."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return (f"{place}: " if place else "") + self.message + (f" Fix: {self.fix}" if self.fix else "")


_RULES: dict[type[PromptregError], str] = {
    PromptFileError: "front-matter",
    TemplateError: "template",
    LimitError: "limit",
    IntegrityError: "integrity",
}


def finding_of(problem: PromptregError, prompt: str | None = None, rule: str | None = None) -> Finding:
    """An error that stopped the reading of something, as a finding."""
    rule = rule or _RULES.get(type(problem), "file")
    return Finding(rule, ERROR, problem.message, prompt, problem.path, problem.line, problem.column)
