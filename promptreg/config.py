"""All of promptreg.toml: environments and their order, the gate's policy, prices (docs/files.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from promptreg.core.errors import FileError
from promptreg.core.settings import Settings
from promptreg.evals.cost import Price
from promptreg.evals.policy import GatePolicy, Mode
from promptreg.validation import Location, Strict, validated


class EnvironmentPolicy(Strict):
    """How strict an environment's gate is, and which environment must have a version first."""

    mode: Mode = "standard"
    after: str | None = None


class Config(Strict):
    """promptreg.toml."""

    version: Annotated[Literal[1], Field(alias="schema")]
    default_environment: str
    environments: dict[str, EnvironmentPolicy] = {}
    gate: GatePolicy = GatePolicy()
    prices: dict[str, Price] = {}
    limits: dict[str, int] = {}

    def road(self, environment: str) -> list[str]:
        """The environments that a version passes on its way, the given one last."""
        road = [environment]
        while (after := self.environments[road[0]].after) is not None:
            road.insert(0, after)
        return road


def read_config(settings: Settings) -> Config:
    """The whole of promptreg.toml; FileError with path and line for what does not fit."""

    def problem(message: str, location: Location, _: bool) -> FileError:
        return settings.problem(message, *(str(part) for part in location))

    config = validated(Config, settings.table, problem)
    for name in config.environments:
        _check_order(settings, config, name)
    return config


def _check_order(settings: Settings, config: Config, name: str) -> None:
    seen = [name]
    while (after := config.environments[seen[-1]].after) is not None:
        wrong = None
        if after not in config.environments:
            wrong = f"{seen[-1]} comes after {after}, which is no environment."
        elif after in seen:
            wrong = f"after goes round: {' after '.join([*seen, after])}."
        if wrong:
            raise settings.problem(wrong, "environments", name, "after")
        seen.append(after)
