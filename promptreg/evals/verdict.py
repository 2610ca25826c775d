"""What the gate answers, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: Worst first; the worst metric is the verdict.
VERDICTS = ("regressed", "not-comparable", "missing", "uncertain", "ungated", "pass")
#: What stops a promotion in which mode; a `hard` verdict does in each.
_BLOCKS = {
    "lenient": frozenset[str](),
    "standard": frozenset({"regressed", "not-comparable", "missing"}),
    "strict": frozenset(VERDICTS) - {"pass"},
}


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """One metric of one suite.

    `kind` is pass-fail, score or ratio; `baseline` and `candidate` are means (geometric for a ratio); `change` is
    candidate − baseline (a ratio's: candidate / baseline), between the one-sided 95 % bounds `lower` and `upper`.
    `n` is the number of cases compared, `units` that of independent ones; `lost` and `won` are ids. `hard` is a
    regression that blocks even where the environment is lenient: a critical case, or below `min`. `detectable` is the
    drop that the suite would notice 80 % of the time, `detectable_doubled` with twice the repeats that are stored.
    """

    kind: str
    n: int
    verdict: str
    reasons: tuple[str, ...] = ()
    blocking: bool = True
    units: int = 0
    baseline: float | None = None
    candidate: float | None = None
    change: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None
    p_holm: float | None = None
    lost: tuple[str, ...] = ()
    won: tuple[str, ...] = ()
    hard: bool = False
    span: float = 1.0
    detectable: float | None = None
    detectable_doubled: float | None = None


@dataclass(frozen=True, slots=True)
class SideFacts:
    """One of the two versions, and how many stored runs and repeats of a case count for it."""

    version: str
    digest: str
    runs: int = 0
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer. `blocks` is whether the environment's mode lets it stop a promotion."""

    verdict: str
    mode: str
    candidate: SideFacts
    baseline: SideFacts | None = None
    alpha: float = 0.05
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    metrics: dict[str, MetricVerdict] = field(default_factory=dict)
    not_a_model: str | None = None
    cases: int = 0
    missing: int = 0
    errors: int = 0
    hard: bool = False

    @property
    def blocks(self) -> bool:
        """Whether the promotion must not go on."""
        return self.hard or self.verdict in _BLOCKS[self.mode]

    @property
    def main(self) -> MetricVerdict | None:
        """The metric that the summary speaks of: the worst of those that can block, scorers first."""
        return min(
            self.metrics.values(),
            key=lambda metric: (not metric.blocking, VERDICTS.index(metric.verdict), metric.kind == "ratio"),
            default=None,
        )

    @property
    def detectable(self) -> float | None:
        """The drop of the main metric that the suite would notice 80 % of the time."""
        return self.main.detectable if self.main else None

    @property
    def exit_status(self) -> int:
        """0 where it does not block, 1 for a regression, 4 where the gate cannot tell."""
        if not self.blocks:
            return 0
        return 1 if self.verdict == "regressed" else 4

    def data(self) -> dict[str, Any]:
        """The shape of `promptreg compare --json`, figures rounded to 12 digits."""
        sides = {"baseline": self.baseline, "candidate": self.candidate}
        return {
            "verdict": self.verdict,
            "mode": self.mode,
            "blocks": self.blocks,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            **{
                name: side and {"version": side.version, "digest": side.digest, "runs": side.runs}
                for name, side in sides.items()
            },
            "metrics": {name: _metric(metric) for name, metric in self.metrics.items()},
            "detectable": _rounded(self.detectable),
        }


def _metric(metric: MetricVerdict) -> dict[str, Any]:
    figures = ("baseline", "candidate", "change", "lower", "upper", "p", "p_holm")
    return {
        "kind": metric.kind,
        "n": metric.n,
        "units": metric.units,
        "blocking": metric.blocking,
        **{name: _rounded(getattr(metric, name)) for name in figures},
        "lost": list(metric.lost),
        "won": list(metric.won),
        "detectable": _rounded(metric.detectable),
        "verdict": metric.verdict,
        "reasons": list(metric.reasons),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 12) + 0.0
