"""The gate's statistics against the reference figures of docs/gate.md, and against scipy and statsmodels."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

from promptreg.evals import statistics

Z_95 = float(stats.norm.ppf(0.95))
Z_80 = float(stats.norm.ppf(0.80))
EXACT = 1e-9


def reference_mid_p(lost: int, won: int) -> float:
    if lost + won == 0:
        return 1.0
    return float(stats.binom.sf(lost, lost + won, 0.5) + stats.binom.pmf(lost, lost + won, 0.5) / 2)


def reference_newcombe(both: int, lost: int, won: int, neither: int) -> tuple[float, float]:
    """Newcombe (1998), method 10: a, b, c, d are his e, f, g, h; θ = (c − b) / n; φ̂ corrected where ad > bc."""
    a, b, c, d = (float(count) for count in (both, lost, won, neither))
    n = a + b + c + d
    z = Z_95

    def wilson(successes: float) -> tuple[float, float]:
        p = successes / n
        root = z * math.sqrt(z**2 + 4 * n * p * (1 - p))
        return (2 * n * p + z**2 - root) / (2 * (n + z**2)), (2 * n * p + z**2 + root) / (2 * (n + z**2))

    before, after = (a + b) / n, (a + c) / n
    (l_before, u_before), (l_after, u_after) = wilson(a + b), wilson(a + c)
    product = (a + b) * (c + d) * (a + c) * (b + d)
    phi = 0.0
    if product:
        top = a * d - b * c
        phi = (max(top - n / 2, 0.0) if top > 0 else top) / math.sqrt(product)
    down, up = after - l_after, u_before - before
    lower = after - before - math.sqrt(max(down**2 - 2 * phi * down * up + up**2, 0.0))
    down, up = before - l_before, u_after - after
    return lower, after - before + math.sqrt(max(down**2 - 2 * phi * down * up + up**2, 0.0))


# The figures of gate.md 5


@pytest.mark.parametrize(
    ("counts", "d", "p", "low", "high"),
    [
        ((90, 5, 0, 5), -0.05, 0.015625, -0.0991, -0.0100),
        ((85, 8, 2, 5), -0.06, 0.03271, -0.1194, -0.0056),
        ((45, 3, 0, 2), -0.06, 0.0625, -0.1433, 0.0086),
        ((470, 15, 5, 10), -0.02, 0.01330, -0.0365, -0.0050),
        ((100, 0, 0, 0), 0.0, 1.0, -0.0263, 0.0263),
    ],
)
def test_the_reference_figures_of_pass_fail_metrics_come_out(
    counts: tuple[int, int, int, int], d: float, p: float, low: float, high: float
) -> None:
    both, lost, won, neither = counts
    found = statistics.newcombe(both, lost, won, neither)
    assert (won - lost) / sum(counts) == pytest.approx(d, abs=EXACT)
    assert statistics.mid_p(lost, won) == pytest.approx(p, abs=5e-6)
    assert statistics.mid_p(lost, won) == pytest.approx(reference_mid_p(lost, won), abs=EXACT)
    assert found == pytest.approx((low, high), abs=5e-5)
    assert found == pytest.approx(reference_newcombe(*counts), abs=EXACT)


def test_the_reference_figures_of_scores_come_out() -> None:
    before = [0.82, 0.91, 0.76, 0.88, 0.95, 0.70, 0.84, 0.90, 0.79, 0.86]
    after = [0.80, 0.85, 0.77, 0.81, 0.93, 0.60, 0.85, 0.84, 0.75, 0.80]
    differences = [new - old for old, new in zip(before, after, strict=True)]
    found = statistics.paired_t(differences)
    reference = stats.ttest_rel(after, before, alternative="less")
    error = stats.sem(differences)
    assert math.fsum(differences) / 10 == pytest.approx(-0.041, abs=EXACT)
    assert error == pytest.approx(0.0112990, abs=5e-8)
    assert reference.statistic == pytest.approx(-3.628650, abs=5e-7)
    assert found.p == pytest.approx(0.002749, abs=5e-7)
    assert found.p == pytest.approx(float(reference.pvalue), abs=EXACT)
    assert found.lower == pytest.approx(-0.061712, abs=5e-7)
    assert found.lower == pytest.approx(-0.041 - float(stats.t.ppf(0.95, 9)) * error, abs=EXACT)
    assert found.upper == pytest.approx(-0.041 + float(stats.t.ppf(0.95, 9)) * error, abs=EXACT)


def test_the_reference_figures_of_holms_correction_come_out() -> None:
    found = statistics.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}, abs=EXACT)


# Against other libraries


def test_mid_p_agrees_with_the_binomial_distribution_of_scipy() -> None:
    for lost, won in itertools.product(range(0, 60, 3), range(0, 60, 4)):
        assert statistics.mid_p(lost, won) == pytest.approx(reference_mid_p(lost, won), abs=EXACT), (lost, won)


def test_mid_p_of_thousands_of_differences_is_still_a_number() -> None:
    assert statistics.mid_p(1600, 1400) == pytest.approx(reference_mid_p(1600, 1400), rel=1e-9)
    assert statistics.mid_p(3000, 0) == 0.0  # 2^-3001 is below the smallest float
    assert statistics.mid_p(0, 3000) == 1.0


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_mid_p_of_a_table_and_of_its_mirror_add_up_to_one(lost: int, won: int) -> None:
    if lost + won:
        assert statistics.mid_p(lost, won) + statistics.mid_p(won, lost) == pytest.approx(1, abs=EXACT)


def test_newcombes_interval_agrees_with_his_formula_over_a_grid_of_tables() -> None:
    for counts in itertools.product((0, 1, 3, 40, 250), (0, 1, 2, 9), (0, 1, 4), (0, 1, 6, 30)):
        if sum(counts):
            assert statistics.newcombe(*counts) == pytest.approx(reference_newcombe(*counts), abs=EXACT), counts


counts_of_cases = st.tuples(*[st.integers(0, 300)] * 4).filter(any)


@given(counts_of_cases)
@settings(max_examples=200, deadline=None)
def test_newcombes_interval_holds_the_difference_and_turns_with_the_sides(counts: tuple[int, int, int, int]) -> None:
    both, lost, won, neither = counts
    low, high = statistics.newcombe(both, lost, won, neither)
    assert (low, high) == pytest.approx(reference_newcombe(*counts), abs=EXACT)
    assert -1 - EXACT <= low <= (won - lost) / sum(counts) + EXACT
    assert (won - lost) / sum(counts) - EXACT <= high <= 1 + EXACT
    mirrored = statistics.newcombe(both, won, lost, neither)
    assert mirrored == pytest.approx((-high, -low), abs=EXACT)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9, 30, 99, 499, 20_000])
def test_students_t_agrees_with_scipy(degrees: int) -> None:
    assert statistics.t_quantile(degrees) == pytest.approx(float(stats.t.ppf(0.95, degrees)), abs=EXACT)
    for t in (-60.0, -5.0, -1.6449, -0.01, 0.0, 1e-9, 0.7, 2.5, 40.0):
        assert statistics.t_cdf(t, degrees) == pytest.approx(float(stats.t.cdf(t, degrees)), abs=EXACT), t


@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=25))
@settings(max_examples=25, deadline=None)
def test_the_paired_t_agrees_with_scipy(differences: list[float]) -> None:
    found = statistics.paired_t(differences)
    error = float(stats.sem(differences))
    assume(error > 1e-6)
    mean = math.fsum(differences) / len(differences)
    half = float(stats.t.ppf(0.95, len(differences) - 1)) * error
    reference = stats.ttest_1samp(differences, 0, alternative="less")
    assert found == pytest.approx((float(reference.pvalue), mean - half, mean + half), abs=EXACT)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([], (None, None, None)),
        ([-0.3], (None, None, None)),
        ([0.0, 0.0, 0.0], (1.0, 0.0, 0.0)),
        ([-0.25] * 8, (0.0, -0.25, -0.25)),
        ([0.25] * 8, (1.0, 0.25, 0.25)),
        ([-0.1] * 7, (0.0, -0.1, -0.1)),
    ],
)
def test_without_spread_p_is_0_where_the_mean_is_negative_and_else_1(
    differences: list[float], expected: tuple[float | None, ...]
) -> None:
    assert statistics.paired_t(differences) == pytest.approx(expected, abs=EXACT)


def test_a_mean_that_is_negative_by_a_rounding_error_only_is_no_loss() -> None:
    assert statistics.paired_t([-2.7e-17] * 10).p == 1


probabilities = st.floats(0, 1, allow_subnormal=False)


@given(st.lists(probabilities, min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_holms_correction_agrees_with_statsmodels(p_values: list[float]) -> None:
    found = statistics.holm(dict(enumerate(p_values)))
    expected = multipletests(p_values, method="holm")[1]
    assert [found[index] for index in range(len(p_values))] == pytest.approx(list(expected), abs=EXACT)


@given(st.lists(probabilities, min_size=1, max_size=8), st.randoms())
@settings(max_examples=60, deadline=None)
def test_holms_correction_does_not_depend_on_the_order_of_the_metrics(p_values: list[float], random: object) -> None:
    keys = list(range(len(p_values)))
    expected = statistics.holm({key: p_values[key] for key in keys})
    random.shuffle(keys)  # type: ignore[attr-defined]
    assert statistics.holm({key: p_values[key] for key in keys}) == expected


def test_holms_correction_of_nothing_is_nothing() -> None:
    assert statistics.holm({}) == {}


# What a suite would notice


def reference_detectable(differing: float, n: int) -> float | None:
    def excess(d: float) -> float:
        return (Z_95 * math.sqrt(differing) + Z_80 * math.sqrt(differing - d * d)) / math.sqrt(n) - d

    return float(optimize.brentq(excess, 0, differing, xtol=1e-15)) if excess(differing) < 0 else None


@pytest.mark.parametrize(
    ("differing", "n", "points"),
    [
        (0.10, 100, 7.8),  # the example of gate.md 7
        (0.20, 100, 11.0),
        (0.20, 50, 15.4),
        (0.05, 200, 3.9),
        (0.10, 200, 5.5),
        (0.05, 500, 2.5),
        (0.10, 1000, 2.5),
        (0.20, 1000, 3.5),
    ],
)
def test_the_detectable_drop_is_the_one_of_the_published_table(differing: float, n: int, points: float) -> None:
    found = statistics.detectable_share(differing, n)
    assert found is not None
    assert round(found * 100, 1) == points
    assert found == pytest.approx(reference_detectable(differing, n), abs=EXACT)


@pytest.mark.parametrize(("differing", "n"), [(0.05, 100), (0.10, 50), (0.20, 20), (0.10, 20), (0.0, 100), (0.0, 0)])
def test_a_suite_that_would_notice_no_drop_at_all_says_so(differing: float, n: int) -> None:
    assert statistics.detectable_share(differing, n) is None


@given(st.integers(1, 2000), st.floats(0.001, 1))
@settings(max_examples=150, deadline=None)
def test_the_detectable_drop_solves_its_equation(n: int, differing: float) -> None:
    found = statistics.detectable_share(differing, n)
    expected = reference_detectable(differing, n)
    assert found == (None if expected is None else pytest.approx(expected, abs=EXACT))


@pytest.mark.parametrize(("spread", "n", "points"), [(0.1, 20, 5.6), (0.2, 100, 5.0), (0.3, 500, 3.3)])
def test_the_detectable_drop_of_a_score_comes_from_the_spread_of_its_differences(
    spread: float, n: int, points: float
) -> None:
    half = spread * math.sqrt((n - 1) / n)
    found = statistics.detectable_mean([half, -half] * (n // 2))
    assert found is not None
    assert round(found * 100, 1) == points
    assert found == pytest.approx((Z_95 + Z_80) * spread / math.sqrt(n), abs=EXACT)


@pytest.mark.parametrize("differences", [[], [0.5], [0.1, 0.1, 0.1]])
def test_the_detectable_drop_of_a_score_without_spread_cannot_be_said(differences: list[float]) -> None:
    assert statistics.detectable_mean(differences) is None


def test_no_statistics_library_is_loaded_before_a_distribution_is_needed(in_place: object) -> None:
    import subprocess
    import sys

    code = "import sys, promptreg.evals.gate; print([n for n in ('mpmath', 'scipy', 'numpy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
