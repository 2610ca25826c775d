"""What answers are compared with: one text, or several of which the nearest counts."""

from __future__ import annotations

from promptreg.evals.cases import Case
from promptreg.evals.scorer import ScorerError, filled

Expected = str | list[str] | None
NOTHING = "the expected text is empty. Say what is expected."


def references(expected: Expected, case: Case) -> list[str]:
    """The texts of the option `expected`, its `{placeholders}` filled, else those of the case.

    ScorerError where there is none, or one is empty: no answer can be like it.
    """
    texts = _texts(expected, case)
    if not texts or not all(text.strip() for text in texts):
        raise ScorerError(f"case {case.id}: {NOTHING}")
    return [text.strip() for text in texts]


def check_expected(expected: Expected) -> None:
    """ScorerError where the option asks for nothing."""
    texts = [expected] if isinstance(expected, str) else expected
    if texts is not None and not (texts and all(text.strip() for text in texts)):
        raise ScorerError(NOTHING)


def _texts(expected: Expected, case: Case) -> list[str]:
    if isinstance(expected, list):
        return [filled(template, case) for template in expected]
    if expected is None and isinstance(case.expected, list):
        return [filled(None, case.model_copy(update={"expected": text})) for text in case.expected]
    return [filled(expected, case)]
