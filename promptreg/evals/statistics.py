"""The gate's statistics: closed forms, no random numbers (docs/gate.md has the formulas and their sources).

mpmath does the distributions. It computes with its own integers, so that the same results give the same verdict on
every machine, whatever its C library; scipy would give the same figures for forty times the size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

#: One-sided 95 %, and 80 % power.
Z_95 = NormalDist().inv_cdf(0.95)
Z_80 = NormalDist().inv_cdf(0.80)
#: What is smaller, or differs by less, is a rounding error.
TOLERANCE = 1e-12
_DIGITS = 30
#: A term this many bits below its sum is left out: a float holds 53.
_BITS = 80


class Test(NamedTuple):
    """A one-sided test of "the candidate is worse": p-value and the two one-sided bounds of the change.

    None where it cannot be computed.
    """

    p: float | None
    lower: float | None
    upper: float | None


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of what is not null; None of nothing."""
    present = [value for value in values if value is not None]
    if len(present) < 2:
        return present[0] if present else None
    try:
        return math.fsum(present) / len(present)
    except OverflowError:
        return math.fsum(value / len(present) for value in present)


def variance(values: Sequence[float]) -> float:
    """The variance of at least two values, n − 1 below."""
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def mid_p(lost: int, won: int) -> float:
    """One-sided mid-p of McNemar's exact test that more cases are lost than won.

    P(X > lost) + P(X = lost) / 2 for X ~ Binomial(lost + won, 1/2); 1 where no case differs.
    Source: Fagerland, Lydersen, Laake, BMC Med. Res. Methodol. 13:91 (2013).
    """
    differing = lost + won
    if differing == 0:
        return 1.0
    whole = 1 << (differing + 1)
    return (_double_tail(lost, won) if lost >= won else whole - _double_tail(won, lost)) / whole


def _double_tail(more: int, less: int) -> int:
    """2 · Σ C(n, k) for k > more, + C(n, more), where n = more + less and more ≥ less."""
    n = more + less
    ways = term = math.comb(n, more)
    for k in range(more, n):
        term = term * (n - k) // (k + 1)
        if term.bit_length() < ways.bit_length() - _BITS:
            break
        ways += 2 * term
    return ways


def newcombe(both: int, lost: int, won: int, neither: int, z: float = Z_95) -> tuple[float, float]:
    """Interval for the difference of two paired proportions (candidate − baseline).

    Method 10 with the continuity-corrected φ; z = 1.6449 makes its ends one-sided 95 % bounds.
    Source: Newcombe, Statistics in Medicine 17, 2635–2650 (1998).
    """
    n = both + lost + won + neither
    baseline, candidate = (both + lost) / n, (both + won) / n
    low_b, high_b = _wilson(both + lost, n, z)
    low_c, high_c = _wilson(both + won, n, z)
    phi = _phi(both, lost, won, neither)
    difference = candidate - baseline
    below = (candidate - low_c) ** 2 - 2 * phi * (candidate - low_c) * (high_b - baseline) + (high_b - baseline) ** 2
    above = (baseline - low_b) ** 2 - 2 * phi * (baseline - low_b) * (high_c - candidate) + (high_c - candidate) ** 2
    return difference - math.sqrt(max(below, 0.0)), difference + math.sqrt(max(above, 0.0))


def _wilson(successes: int, n: int, z: float) -> tuple[float, float]:
    middle = successes + z * z / 2
    half = z * math.sqrt(z * z / 4 + successes * (n - successes) / n)
    return max((middle - half) / (n + z * z), 0.0), min((middle + half) / (n + z * z), 1.0)


def _phi(both: int, lost: int, won: int, neither: int) -> float:
    margins = (both + lost) * (won + neither) * (both + won) * (lost + neither)
    if margins == 0:
        return 0.0
    n = both + lost + won + neither
    cross = both * neither - lost * won
    corrected = max(cross - n / 2, 0.0) if cross > 0 else cross
    return corrected / math.sqrt(margins)


def paired_t(differences: Sequence[float]) -> Test:
    """One-sided paired t of "the mean is below 0", with the two one-sided 95 % bounds of the mean.

    n − 1 degrees of freedom. Without any spread p is 0 where the mean is negative, else 1.
    """
    n = len(differences)
    if n < 2:
        return Test(None, None, None)
    mean = math.fsum(differences) / n
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in differences) / (n - 1) / n)
    if error <= TOLERANCE * max(1.0, abs(mean)):
        return Test(0.0 if mean < -TOLERANCE else 1.0, mean, mean)
    half = t_quantile(n - 1) * error
    return Test(t_cdf(mean / error, n - 1), mean - half, mean + half)


def t_cdf(t: float, degrees: int) -> float:
    """P(T ≤ t) of Student's t distribution."""
    import mpmath

    with mpmath.workdps(_DIGITS):
        x = mpmath.mpf(degrees) / (degrees + mpmath.mpf(t) ** 2)
        tail = mpmath.betainc(mpmath.mpf(degrees) / 2, mpmath.mpf(1) / 2, 0, x, regularized=True) / 2
        return float(tail if t < 0 else 1 - tail)


@lru_cache(maxsize=256)
def t_quantile(degrees: int, probability: float = 0.95) -> float:
    """The t with P(T ≤ t) = probability (from ½ on).

    Newton's method from the normal quantile: that lies below, and the tail is convex there, so that every step goes up
    and none beyond. A step doubles the digits, so the last one may still move half of them.
    """
    import mpmath

    with mpmath.workdps(_DIGITS):
        half, power = mpmath.mpf(1) / 2, mpmath.mpf(degrees) / 2
        wanted, enough = 1 - mpmath.mpf(str(probability)), mpmath.mpf(10) ** (-_DIGITS // 2 - 1)
        peak = 1 / (mpmath.sqrt(degrees) * mpmath.beta(power, half))
        t = step = mpmath.mpf(NormalDist().inv_cdf(probability))
        while abs(step) > abs(t) * enough:
            x = degrees / (degrees + t * t)
            tail = mpmath.betainc(power, half, 0, x, regularized=True) / 2
            step = (tail - wanted) / (peak * x ** (power + half))
            t += step
        return float(t)


def holm(p_values: Mapping[Any, float]) -> dict[Any, float]:
    """Holm's step-down correction of a family of p-values."""
    ranked = sorted(p_values, key=lambda key: p_values[key])
    adjusted: dict[Any, float] = {}
    highest = 0.0
    for rank, key in enumerate(ranked):
        highest = max(highest, min(1.0, (len(ranked) - rank) * p_values[key]))
        adjusted[key] = highest
    return adjusted


def detectable_share(differing: float, n: int) -> float | None:
    """The drop of a pass rate that a suite would notice 80 % of the time, at one-sided 95 %.

    `differing` is the share of cases whose verdict differs between two runs, `n` the number of cases: the d that
    solves (1.6449 √f + 0.8416 √(f − d²)) / √n = d. None where it would not even if all differences were losses.
    """
    if n == 0 or differing <= 0:
        return None
    low, high = 0.0, differing

    def shortfall(d: float) -> float:
        return (Z_95 * math.sqrt(differing) + Z_80 * math.sqrt(max(differing - d * d, 0.0))) / math.sqrt(n) - d

    if shortfall(high) > 0:
        return None
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if shortfall(middle) > 0 else (low, middle)
    return high


def detectable_mean(differences: Sequence[float]) -> float | None:
    """The drop of a mean that a suite would notice 80 % of the time, at one-sided 95 %, from its own spread.

    None where there is no spread to tell it from.
    """
    n = len(differences)
    if n < 2:
        return None
    mean = math.fsum(differences) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in differences) / (n - 1))
    return (Z_95 + Z_80) * spread / math.sqrt(n) if spread > TOLERANCE * max(1.0, abs(mean)) else None
