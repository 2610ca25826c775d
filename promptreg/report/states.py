"""What runs, what waits, what happened, as lines."""

from __future__ import annotations

from collections.abc import Sequence

from promptreg.core.errors import counted
from promptreg.history import Event
from promptreg.overview import Running, Status
from promptreg.report.table import columns, shortened


def running_lines(environment: str, rows: Sequence[Running]) -> list[str]:
    """What an environment runs."""
    if not rows:
        return [f"{environment} runs nothing yet."]
    head = [environment, "version", "since", "by", "evidence", "owners"]
    body = [
        [row.name, row.pin.version, row.since[:10] or "–", _person(row.by), row.evidence, " ".join(row.owners) or "–"]
        for row in rows
    ]
    lines = columns([head, *body])
    for row in rows:
        if row.pin.rollout:
            version, _, percent = row.pin.rollout
            lines.append(f"{row.name}: {percent:g} % of keys get {version}")
        if row.pin.waiver:
            waiver = row.pin.waiver
            lines.append(
                f"{row.name}: WAIVED ({waiver['verdict']}) by {waiver['by']} on {waiver['date']}: {waiver['reason']}"
            )
    return lines


def _person(by: str) -> str:
    return by.partition(" <")[0] or "–"


def status_lines(rows: Sequence[Status]) -> list[str]:
    """What waits, prompt by prompt; a last line for those that wait for nothing."""
    lines = []
    for row in rows:
        if row.is_quiet:
            continue
        parts = []
        if row.problem:
            parts.append(row.problem)
        if row.ahead and row.draft_version:
            parts.append(f"draft the same as {row.draft_version}, not as {row.latest}")
        elif row.ahead:
            parts.append(f"draft ahead of {row.latest}" if row.latest else "draft, never released")
        for environment, version in row.behind.items():
            parts.append(
                f"{environment} runs {version}, newest is {row.latest}" if version else f"not in {environment}"
            )
        parts.extend(f"{environment} runs {what}, which was yanked" for environment, what in row.yanked.items())
        if row.evidence:
            parts.append(f"{row.latest}: {row.evidence}")
        lines.append(f"{row.name}: {'; '.join(parts)}")
    waiting = sum(not row.is_quiet for row in rows)
    what = f"{waiting} wait{'s' if waiting == 1 else ''} for something" if waiting else "nothing waits"
    lines.append(f"{counted(len(rows), 'prompt')}: {what}.")
    return lines


def history_lines(events: Sequence[Event]) -> list[str]:
    """Events, newest first."""
    if not events:
        return ["Nothing has happened yet."]
    rows = []
    for event in events:
        what = f"{event.event} {event.name} {event.version}"
        if event.environment:
            what += f" in {event.environment}" + (
                f" (was {event.before})" if event.before and event.event != "unpinned" else ""
            )
        when = event.at[:16].replace("T", " ") if event.at else "not committed"
        rows.append(
            [when, _person(event.by), event.commit[:9] if event.commit else "–", what, shortened(event.message, 100)]
        )
    return columns(rows)
