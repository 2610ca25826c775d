"""The verdict on one metric, from its figures (docs/gate.md, verdict)."""

from __future__ import annotations

import math
from dataclasses import replace

from promptreg.core.errors import counted
from promptreg.evals.measures import Figures
from promptreg.evals.policy import Policy
from promptreg.evals.statistics import TOLERANCE
from promptreg.evals.verdict import MetricVerdict

_NET_LOSSES = 2


def ruled(figures: Figures, p_holm: float | None, policy: Policy) -> MetricVerdict:
    """The verdict on a metric. `p_holm` is None where it has no p, or cannot block: then its own p is looked at."""
    verdict = replace(figures.verdict, p_holm=p_holm)
    p = figures.verdict.p if p_holm is None else p_holm
    if verdict.kind == "ratio":
        return _ruled_ratio(verdict, figures, p, policy)
    return _ruled_score(verdict, figures, p, policy)


def _ruled_score(verdict: MetricVerdict, figures: Figures, p: float | None, policy: Policy) -> MetricVerdict:
    drop, limit = -figures.mean, figures.limit
    proven = p is not None and p <= policy.alpha - TOLERANCE
    reasons = []
    if proven and drop >= limit / 10 + TOLERANCE:
        reasons.append(f"p ≤ {policy.alpha:g}")
    if drop > limit + TOLERANCE and -figures.net >= _NET_LOSSES - TOLERANCE:
        reasons.append(f"drop over {_points(limit)}, {-figures.net:g} net")
    reasons.extend(figures.hard)
    if reasons:
        return replace(verdict, verdict="regressed", reasons=tuple(reasons), hard=bool(figures.hard))
    lower = figures.test.lower
    if drop > TOLERANCE and lower is not None and lower <= -limit - TOLERANCE:
        reasons.append(f"a drop over {_points(limit)} cannot be excluded")
    if verdict.n < policy.min_cases:
        reasons.append(f"only {counted(verdict.n, 'case')}; {policy.min_cases} are needed to judge")
    if reasons:
        return replace(verdict, verdict="uncertain", reasons=tuple(reasons))
    return replace(verdict, reasons=(_no_drop(drop, lower, proven=proven),))


def _no_drop(drop: float, lower: float | None, *, proven: bool) -> str:
    seen = "no drop seen"
    if lower is not None and lower > 0:
        seen = f"{_points(-drop)} better"
    if drop > TOLERANCE:
        seen = f"a drop of {_points(drop)}, {'too small to count' if proven else 'within chance'}"
    if lower is None or lower >= 0:
        return seen
    return f"{seen}; a drop up to {_points(-lower)} cannot be excluded"


def _points(share: float) -> str:
    number = f"{share * 100:.1f}".removesuffix(".0")
    return f"{number} point{'' if number == '1' else 's'}"


def _ruled_ratio(verdict: MetricVerdict, figures: Figures, p: float | None, policy: Policy) -> MetricVerdict:
    """Latency, cost or tokens: regressed where the rise is over `max_rise` and is no chance."""
    most = figures.policy.max_rise
    if most is None:
        return replace(verdict, reasons=("not gated",))
    within = f"{most:.0%}".replace("%", " %")
    # in logarithms, where a rise of any size is a number
    if verdict.n and -figures.mean > math.log1p(most) + TOLERANCE:
        if p is not None and p <= policy.alpha - TOLERANCE:
            return replace(verdict, verdict="regressed", reasons=(f"rise over {within}, p ≤ {policy.alpha:g}",))
        return replace(verdict, verdict="uncertain", reasons=(f"rise over {within}, which may be chance",))
    if verdict.n < policy.min_cases:
        return replace(
            verdict, verdict="uncertain", reasons=(f"only {counted(verdict.n, 'case')} have it on both sides",)
        )
    return replace(verdict, reasons=(f"rise within {within}",))
