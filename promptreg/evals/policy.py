"""How strict the gate is, and its numbers (docs/gate.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from promptreg.validation import Strict

Mode = Literal["lenient", "standard", "strict"]
Share = Annotated[float, Field(ge=0, le=1)]


class GatePolicy(Strict):
    """The numbers of the gate: [gate] of promptreg.toml."""

    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    max_drop: Annotated[float, Field(gt=0, le=1)] = 0.05
    min_cases: Annotated[int, Field(ge=1)] = 20
    min_coverage: Share = 0.98
    max_errors: Share = 0.02
    max_removed: Share = 0.20
    stale_days: Annotated[int, Field(ge=1)] = 30
    stale_days_strict: Annotated[int, Field(ge=1)] = 90


class Policy(GatePolicy):
    """The numbers, and the mode of the environment that asks."""

    mode: Mode = "standard"
