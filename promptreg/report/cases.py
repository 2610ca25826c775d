"""Cases as lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from promptreg.casebook import Added
from promptreg.core.errors import counted
from promptreg.evals.cases import Case
from promptreg.evals.json_text import shown
from promptreg.evals.suite import Suite
from promptreg.report.table import columns, shortened


def added_lines(added: Added) -> list[str]:
    """What was added, and to what."""
    what = f"{counted(len(added.cases), 'case')} added to {added.path}"
    skipped = f", {counted(added.skipped, 'case')} there already" if added.skipped else ""
    return [what + skipped, *_rows(added.cases)]


def suite_lines(suite: Suite) -> list[str]:
    """A suite and its cases."""
    if not suite.cases.known:
        code = f"python:{suite.code.reference}" if suite.code else "code"
        return [f"{suite.name}  {code} makes the cases, in promptreg eval --allow-code only"]
    head = f"{suite.name}  {counted(len(suite.cases), 'case')}  {suite.cases_path}"
    return [head, *_rows(suite.cases)]


def _rows(cases: Iterable[Case]) -> list[str]:
    rows = [
        [
            shown(case.id),
            shortened(_brief(case.inputs), 50),
            shortened("–" if case.expected is None else _brief(case.expected), 30),
            shown(" ".join(case.tags)),
        ]
        for case in cases
    ]
    return columns([["case", "inputs", "expected", "tags"], *rows]) if rows else []


def _brief(value: Any) -> str:
    """A value on a line; of a mapping with a single key its value."""
    if isinstance(value, dict) and len(value) == 1:
        return _brief(*value.values())
    return shown(" ".join(value.split()) if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
