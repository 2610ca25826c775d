"""How things are timed: round by round against the reference of the same round, then the median of the ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ratio:
    """One figure: the median ratio to its reference, the medians behind it (seconds), and the target."""

    name: str
    ratio: float
    seconds: float
    reference: float
    target: float
    rounds: int

    def line(self) -> str:
        """The figure as a row of a table."""
        verdict = "ok" if self.ratio <= self.target else "OVER"
        unit, scale = ("ms", 1e3) if self.reference > 5e-4 else ("µs", 1e6)
        times = f"{self.seconds * scale:.2f} {unit} / {self.reference * scale:.2f} {unit}"
        return f"| {self.name} | {self.ratio:.2f}× | ≤ {self.target:g}× | {verdict} | {times} | {self.rounds} |"


def environment() -> dict[str, str]:
    """An environment in which byte-code is cached, as it is where packages are installed."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "CI")}


def process(argv: list[str], folder: Path) -> Callable[[], None]:
    """A whole process."""
    environ = environment()

    def run() -> None:
        subprocess.run(argv, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)

    return run


def python(code: str, folder: Path) -> Callable[[], None]:
    """A fresh interpreter that runs some code."""
    return process([sys.executable, "-c", code], folder)


def repeated(call: Callable[[], object], times: int) -> Callable[[], None]:
    """A call, many times over; `compare` divides by the number."""

    def run() -> None:
        for _ in range(times):
            call()

    return run


def once(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(
    cases: Mapping[str, tuple[Callable[[], object], float]],
    reference: Callable[[], object],
    *,
    rounds: int,
    divide: int = 1,
) -> list[Ratio]:
    """Time each case and the reference in turn, `rounds` times; cases map names to (call, target)."""
    reference()
    for call, _ in cases.values():
        call()
    floor: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        floor.append(once(reference))
        for name, (call, _) in cases.items():
            times[name].append(once(call))
    return [
        Ratio(
            name,
            statistics.median(taken / bare for taken, bare in zip(times[name], floor, strict=True)),
            statistics.median(times[name]) / divide,
            statistics.median(floor) / divide,
            target,
            rounds,
        )
        for name, (_, target) in cases.items()
    ]
