"""What runs, what waits, what happened, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptreg.core.errors import counted
from promptreg.history import Event
from promptreg.overview import Proof, Running, Status
from promptreg.report.table import columns, shortened


def running_lines(environment: str, rows: Sequence[Running]) -> list[str]:
    """What an environment runs."""
    if not rows:
        return [f"{environment} runs nothing yet."]
    head = [environment, "version", "since", "by", "evidence", "owners"]
    body = [
        [row.name, row.pin.version, row.since[:10] or "–", _person(row.by), _evidence(row), " ".join(row.owners) or "–"]
        for row in rows
    ]
    lines = columns([head, *body])
    for row in rows:
        if row.problem:
            lines.append(f"{row.name}: cannot be read: {row.problem}")
        if row.pin.rollout:
            version, _, percent = row.pin.rollout
            lines.append(f"{row.name}: {percent:g} % of keys get {version}")
        if row.pin.waiver:
            waiver = row.pin.waiver
            lines.append(
                f"{row.name}: WAIVED ({waiver['verdict']}) by {waiver['by']} on {waiver['date']}: {waiver['reason']}"
            )
    return lines


def running_data(row: Running) -> dict[str, Any]:
    """What an environment runs of one prompt as JSON."""
    return {
        "name": row.name,
        "version": row.pin.version,
        "digest": row.pin.digest,
        "since": row.since or None,
        "by": row.by or None,
        "evidence": f"cannot be read: {row.problem}" if row.problem else evidence_words(row.evidence),
        "waiver": row.pin.waiver,
        "owners": list(row.owners),
    }


def _evidence(row: Running) -> str:
    return "cannot be read" if row.problem else evidence_words(row.evidence)


def evidence_words(proofs: Sequence[Proof]) -> str:
    """`no cases`, `not evaluated`, `29 of 30 cases scored` or `2 runs`; suite by suite where they differ."""
    words = [_proof(proof) for proof in proofs]
    if len(set(words)) < 2:
        return words[0] if words else "no cases"
    return ", ".join(f"{proof.suite}: {word}" for proof, word in zip(proofs, words, strict=True))


def _proof(proof: Proof) -> str:
    if not proof.runs:
        return "not evaluated"
    return counted(proof.runs, "run") if proof.is_whole else f"{proof.scored} of {proof.cases} cases scored"


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
        for environment, (version, why) in row.yanked.items():
            parts.append(f"{environment} runs {version}, which was yanked: {why}")
        if row.lacks_evidence:
            parts.append(f"{row.latest}: {evidence_words(row.evidence)}")
        lines.append(f"{row.name}: {'; '.join(parts)}")
    waiting = sum(not row.is_quiet for row in rows)
    what = f"{waiting} wait{'s' if waiting == 1 else ''} for something" if waiting else "nothing waits"
    lines.append(f"{counted(len(rows), 'prompt')}: {what}.")
    return lines


def status_data(row: Status) -> dict[str, Any]:
    """What one prompt waits for as JSON."""
    return {
        "name": row.name,
        "latest": row.latest,
        "ahead": row.ahead,
        "draft_version": row.draft_version,
        "behind": row.behind,
        "yanked": {environment: f"{version}: {why}" for environment, (version, why) in row.yanked.items()},
        "evidence": evidence_words(row.evidence) if row.lacks_evidence else None,
        "problem": row.problem,
    }


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
        when = event.at[:16].replace("T", " ") or ("before this clone" if event.earlier else "not committed")
        rows.append(
            [when, _person(event.by), event.commit[:9] if event.commit else "–", what, shortened(event.message, 100)]
        )
    note = (
        "This clone is shallow: who did the oldest of these, and when, is not in it. git fetch --unshallow brings it."
    )
    return [*columns(rows), *([note] if any(event.earlier for event in events) else [])]
