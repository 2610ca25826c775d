"""How much a suite can notice, and what it would need: the formulas of docs/gate.md, solved the other way round.

All are for 80 % power at one-sided 95 %. A drop is a share: of the cases, or of a score's range.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from promptreg.evals.statistics import Z_80, Z_95

#: As many repeats as one `promptreg eval` makes.
_MOST_REPEATS = 1000


def cases_for_share(differing: float, drop: float) -> int:
    """How many cases notice a drop of a pass rate, where a share of them differs between the two versions.

    `detectable_share` solved for n. At least as many cases differ as are lost.
    """
    return _at_least((_needed_share(max(differing, drop), drop) / drop) ** 2)


def cases_for_loss(flips: float, drop: float) -> int:
    """The same where `flips` is the share that differs between two runs of one prompt, and the losses come on top."""
    return cases_for_share(min(flips + drop, 1.0), drop)


def detectable_loss(flips: float, n: int) -> float | None:
    """The drop that n cases notice, where `flips` of them differ by chance and the losses come on top.

    None where even the loss of every case would not be noticed.
    """
    return _least(lambda d: _needed_share(min(flips + d, 1.0), d) / math.sqrt(n)) if n else None


def cases_for_mean(spread: float, drop: float) -> int:
    """How many cases notice a drop of a mean, where the differences of cases have a standard deviation `spread`."""
    return _at_least(((Z_95 + Z_80) * spread / drop) ** 2)


def detectable_spread(spread: float, n: int) -> float | None:
    """The drop of a mean that n cases notice, from the spread of their differences; None where none is large enough."""
    drop = (Z_95 + Z_80) * spread / math.sqrt(n) if n else math.inf
    return drop if drop <= 1 else None


def repeats_for(noise: float, lasting: float, n: int, drop: float) -> int | None:
    """How many runs of each of n cases notice a drop; None where no number does.

    The variance of a case's difference is lasting + noise / runs: `noise` is what repeats take away (the variances of
    both sides added), `lasting` what a change really does to one case and not to another.
    """
    room = n * (drop / (Z_95 + Z_80)) ** 2 - lasting
    if room <= 0:
        return None
    runs = _at_least(noise / room)
    return runs if runs <= _MOST_REPEATS else None


def lost_for_good(drop: float) -> float:
    """The variance of a pass-fail change that loses a share of the cases for good and leaves the others alone."""
    return drop - drop * drop


def _needed_share(differing: float, drop: float) -> float:
    """1.6449 √f + 0.8416 √(f − d²)."""
    return Z_95 * math.sqrt(differing) + Z_80 * math.sqrt(max(differing - drop * drop, 0.0))


def _at_least(value: float) -> int:
    """The next whole number, at least 1; what lies above one by a rounding error is that one."""
    return max(1, math.ceil(value - 1e-9))


def _least(needed: Callable[[float], float]) -> float | None:
    """The least d up to 1 that is no smaller than what is needed for it."""
    low, high = 0.0, 1.0
    if needed(high) > high:
        return None
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if needed(middle) > middle else (low, middle)
    return high
