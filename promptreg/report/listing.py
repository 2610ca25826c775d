"""Lists of prompts as lines."""

from __future__ import annotations

from collections.abc import Sequence

from promptreg.listing import Row, User
from promptreg.report.table import columns


def list_lines(rows: Sequence[Row], environments: Sequence[str]) -> list[str]:
    """A table of prompts."""
    head = ["prompt", "latest", *environments, "versions", "draft"]
    body = [
        [
            row.name,
            row.latest or "–",
            *(row.environments.get(environment, "–") for environment in environments),
            str(len(row.versions)),
            "yes" if row.draft else "–",
        ]
        for row in rows
    ]
    return columns([head, *body])


def impact_lines(name: str, users: Sequence[User]) -> list[str]:
    """Who includes a prompt."""
    if not users:
        return [f"Nothing includes {name}."]
    rows = [
        [user.name, user.version, f"includes {user.includes}", ", ".join(user.environments) or "–"] for user in users
    ]
    return columns([["prompt", "version", "", "runs in"], *rows])
