"""`make gate-rates`: how often the gate blocks a change that is none, and lets a true loss pass, by simulation.

Each suite is drawn from one mix of cases: 80 % solid (pass 99 % of the time), 12 % shaky (50 to 95 %), 8 % hopeless
(5 %); 6.7 % of such cases differ between two runs of the same prompt. A true loss turns solid cases into hopeless ones.
Every verdict is that of `promptreg.evals.gate.judge`. Seeded: the same table on every machine.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from random import Random

from promptreg.evals.evidence import GatedCase, Metric, Question, Side, SuiteEvidence
from promptreg.evals.gate import judge
from promptreg.evals.policy import Policy
from promptreg.evals.power import cases_for_share
from promptreg.evals.results import CaseResult, Origin, Result, ScorerFacts, totals
from promptreg.evals.suite import Setup

SOLID, SHAKY, HOPELESS = 0.99, (0.50, 0.95), 0.05
SHARE_SOLID, SHARE_SHAKY = 0.80, 0.12
#: A share of cases that differ between two runs of the same prompt, from the mix.
FLIPS = 0.067
SIZES = (20, 50, 100, 200, 500)
LOSSES = (0.0, 0.02, 0.05, 0.10)
RUNS = 1000

Rates = tuple[float, float, float]
#: regressed / uncertain / pass of the rule as it was proposed, 4,000 suites a cell, by cases and repeats.
PROPOSED: dict[tuple[int, int], tuple[Rates, ...]] = {
    (20, 1): ((0.08, 0.23, 0.68), (0.20, 0.27, 0.54), (0.35, 0.26, 0.39), (0.62, 0.20, 0.18)),
    (50, 1): ((0.09, 0.31, 0.61), (0.24, 0.36, 0.40), (0.49, 0.32, 0.19), (0.82, 0.13, 0.05)),
    (100, 1): ((0.04, 0.38, 0.59), (0.14, 0.55, 0.31), (0.46, 0.45, 0.09), (0.89, 0.11, 0.01)),
    (200, 1): ((0.05, 0.13, 0.82), (0.25, 0.35, 0.40), (0.66, 0.28, 0.06), (0.98, 0.02, 0.00)),
    (500, 1): ((0.05, 0.00, 0.95), (0.44, 0.00, 0.56), (0.96, 0.00, 0.04), (1.0, 0.0, 0.0)),
    (20, 3): ((0.04, 0.30, 0.66), (0.08, 0.45, 0.47), (0.24, 0.49, 0.27), (0.52, 0.38, 0.10)),
    (50, 3): ((0.05, 0.18, 0.77), (0.17, 0.45, 0.38), (0.49, 0.39, 0.12), (0.86, 0.13, 0.01)),
    (100, 3): ((0.05, 0.03, 0.92), (0.23, 0.30, 0.48), (0.62, 0.30, 0.08), (0.96, 0.04, 0.00)),
    (200, 3): ((0.05, 0.00, 0.95), (0.39, 0.03, 0.59), (0.89, 0.05, 0.06), (1.0, 0.0, 0.0)),
}

_SCORER = "sha256:" + "a" * 64
_CASE = "0" * 16
_SETUP = Setup(provider="openai", model="simulated", scorers={"correct": _SCORER})
_METRIC = Metric("pass-fail", 0, 1, "up", _SCORER)
_FACTS = ScorerFacts(kind="pass-fail", range=(0, 1), direction="up", digest=_SCORER)
_DIGESTS = {"1.0.0": "sha256:" + "1" * 64, "1.1.0": "sha256:" + "2" * 64}
#: How often a case passes in each of the two versions, of so many repeats.
Passes = tuple[tuple[int, int], ...]


def rates(cases: int, repeats: int, loss: float, runs: int = RUNS, seed: int = 1) -> Rates:
    """How often `runs` simulated changes with a true loss are regressed, uncertain and passed."""
    random = Random(f"{seed} {cases} {repeats} {loss}")  # noqa: S311 - a simulation
    found = Counter(verdict(_suite(random, cases, repeats, loss), repeats) for _ in range(runs))
    other = found.keys() - {"regressed", "uncertain", "pass"}
    if other:
        raise ValueError(f"the gate said {', '.join(sorted(other))}")
    return found["regressed"] / runs, found["uncertain"] / runs, found["pass"] / runs


def _suite(random: Random, cases: int, repeats: int, loss: float) -> Passes:
    """One suite, run with both versions; sorted, since the gate asks for no order of cases."""
    breaks = loss / (SOLID - HOPELESS) / SHARE_SOLID
    return tuple(sorted(_case(random, repeats, breaks) for _ in range(cases)))


def _case(random: Random, repeats: int, breaks: float) -> tuple[int, int]:
    before = after = _chance(random.random(), random)
    if before == SOLID and random.random() < breaks:
        after = HOPELESS
    return _passed(random, before, repeats), _passed(random, after, repeats)


def _chance(at: float, random: Random) -> float:
    if at < SHARE_SOLID:
        return SOLID
    return random.uniform(*SHAKY) if at < SHARE_SOLID + SHARE_SHAKY else HOPELESS


def _passed(random: Random, chance: float, repeats: int) -> int:
    return sum(random.random() < chance for _ in range(repeats))


@cache
def verdict(passes: Passes, repeats: int) -> str:
    """What the gate says of two runs of a suite."""
    sides = [_side(version, [counts[number] for counts in passes], repeats) for number, version in enumerate(_DIGESTS)]
    cases = {f"c{number}": GatedCase(_CASE) for number in range(len(passes))}
    evidence = SuiteEvidence("suite", _SETUP, {"correct": _METRIC}, {}, cases, sides[1], sides[0])
    baseline, candidate = _DIGESTS.items()
    return judge(Question(Policy(), candidate, baseline, (evidence,))).verdict


def _side(version: str, passed: list[int], repeats: int) -> Side:
    cases = [
        CaseResult(id=f"c{number}", case=_CASE, scores={"correct": [1.0] * count + [0.0] * (repeats - count)})
        for number, count in enumerate(passed)
    ]
    result = Result(
        format=1, prompt="a", version=version, digest=_DIGESTS[version], suite="suite", tool="simulated",
        fingerprint=_DIGESTS[version], setup=_SETUP, models=["simulated"], repeats=repeats,
        started_at="2026-11-20T10:00:00+00:00", duration_s=0.0, origin=Origin(kind="local"),
        scorers={"correct": _FACTS}, totals=totals(cases, ["correct"]), cases=cases,
    )  # fmt: skip
    return Side(version, _DIGESTS[version], (result,))


def noticed(flips: float, drop: float, cases: int, runs: int = RUNS, seed: int = 1) -> float:
    """How often the one-sided test alone (p ≤ 0.05) notices a true drop, with a share of cases that differ."""
    from promptreg.evals.statistics import mid_p

    random = Random(f"{seed} {flips} {drop} {cases}")  # noqa: S311 - a simulation
    lose = (flips + drop) / 2
    found = 0
    for _ in range(runs):
        draws = [random.random() for _ in range(cases)]
        lost = sum(draw < lose for draw in draws)
        won = sum(lose <= draw < flips for draw in draws)
        found += mid_p(lost, won) <= 0.05
    return found / runs


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="simulated changes for each cell")
    runs = parser.parse_args().runs
    print(f"regressed / uncertain / pass, {runs} simulated changes a cell; in brackets the rule as it was proposed\n")
    losses = " | ".join("nothing changed" if not loss else f"true −{loss * 100:g} points" for loss in LOSSES)
    print(f"| cases | runs | {losses} |\n|---|---|{'---|' * len(LOSSES)}")
    differing: list[str] = []
    for repeats in (1, 3):
        for cases in SIZES:
            row = [rates(cases, repeats, loss, runs) for loss in LOSSES]
            print(f"| {cases} | {repeats} | {' | '.join(_cells(cases, repeats, row))} |", flush=True)
            differing.extend(_differing(cases, repeats, row, runs))
    print("\nWhere ours differs from the proposal by more than chance:", *(differing or ["nowhere"]), sep="\n- ")
    print(_WHY)
    print("\n| drop | differing | cases promised by `promptreg power` | noticed |\n|---|---|---|---|")
    print(*_promises(runs), sep="\n")


_WHY = """
The proposal left open how a true loss comes about; here it breaks solid cases, and each suite is a fresh draw from the
mix. The rule itself differs in three places: a proven drop of less than a tenth of max_drop does not count; a large
drop that is not proven counts from 2 net losses on, repeats averaged; `uncertain` needs 20 cases or more to be left."""


def _cells(cases: int, repeats: int, row: list[Rates]) -> Iterator[str]:
    for found, proposed in zip(row, PROPOSED.get((cases, repeats), (None,) * len(LOSSES)), strict=True):
        yield _told(found) + (f" ({_told(proposed)})" if proposed else "")


def _told(found: Rates) -> str:
    return "/".join(f"{share:.2f}".removeprefix("0") for share in found)


def _differing(cases: int, repeats: int, row: list[Rates], runs: int) -> Iterator[str]:
    """The cells that chance does not explain: more than three standard errors and one point of rounding apart."""
    for loss, found, proposed in zip(LOSSES, row, PROPOSED.get((cases, repeats), ()), strict=False):
        for name, ours, theirs in zip(("regressed", "uncertain", "pass"), found, proposed, strict=True):
            spread = math.sqrt(max(theirs * (1 - theirs), 0.001) * (1 / runs + 1 / 4000))
            if abs(ours - theirs) > 3 * spread + 0.01:
                yield f"{cases} cases × {repeats}, true −{loss * 100:g}: {name} {ours:.3f}, proposed {theirs:.2f}"


def _promises(runs: int) -> Iterable[str]:
    for drop, flips in ((0.05, 0.10), (0.05, 0.067), (0.02, 0.10), (0.10, 0.15)):
        cases = cases_for_share(flips, drop)
        assert cases is not None
        share = noticed(flips, drop, cases, runs)
        yield f"| {drop * 100:g} points | {flips:.1%} | {cases} | {share:.1%} |"


if __name__ == "__main__":
    main()
