"""Names that telemetry uses, in one table with the version of the conventions they come from."""

from __future__ import annotations

from typing import Protocol

#: OpenTelemetry's GenAI conventions are in development; these names are of this version.
SCHEMA = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
NAME = "gen_ai.prompt.name"
VERSION = "gen_ai.prompt.version"
DIGEST = "promptreg.prompt.digest"
ENVIRONMENT = "promptreg.environment"
SOURCE = "promptreg.source"


class Resolved(Protocol):
    """What was resolved, and how."""

    name: str
    version: str
    digest: str
    environment: str | None
    source: str


def attributes(prompt: Resolved) -> dict[str, str]:
    """The attributes of a prompt; a draft's version is `draft+` and the first 12 digits of its digest."""
    version = prompt.version if prompt.version != "draft" else f"draft+{prompt.digest[7:19]}"
    found = {NAME: prompt.name, VERSION: version, DIGEST: prompt.digest, SOURCE: prompt.source}
    if prompt.environment is not None:
        found[ENVIRONMENT] = prompt.environment
    return found
