"""Findings as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptreg.core.errors import counted
from promptreg.lint.finding import ERROR, NOTE, SEVERITIES, WARNING, Finding
from promptreg.report.table import Paint, plain

_STYLES = {ERROR: "bad", WARNING: "warn", NOTE: "dim"}


def finding_lines(findings: Sequence[Finding], paint: Paint = plain) -> list[str]:
    """Each finding: where, how bad, which rule, the sentence, and what mends it."""
    lines = []
    for finding in findings:
        place = ":".join(str(part) for part in (finding.path, finding.line, finding.column) if part is not None)
        word = paint(_STYLES[finding.severity], finding.severity)
        lines.append(f"{place or finding.prompt or 'registry'}: {word} [{finding.rule}] {finding.message}")
        if finding.fix:
            lines.append(f"    fix: {finding.fix}")
    return lines


def finding_data(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "prompt": finding.prompt,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "fix": finding.fix,
    }


def severities(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 warning`, or `no findings`."""
    counts = {severity: sum(finding.severity == severity for finding in findings) for severity in SEVERITIES}
    told = [counted(count, severity) for severity, count in counts.items() if count]
    return ", ".join(told) or "no findings"
