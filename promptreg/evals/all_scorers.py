"""The table of scorers: a new one is a class and a line here."""

from __future__ import annotations

from promptreg.evals.scorer import Scorer
from promptreg.evals.scorers.json_schema import JsonSchema
from promptreg.evals.scorers.text import Contains, Exact, Regex

SCORERS: dict[str, type[Scorer]] = {
    "exact": Exact,
    "contains": Contains,
    "regex": Regex,
    "json-schema": JsonSchema,
}
