"""What a suite can notice: the tables of research, the two directions of one formula, and that the promise holds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gate_rates import FLIPS, noticed, rates
from promptreg.evals.power import (
    cases_for_loss,
    cases_for_mean,
    cases_for_share,
    detectable_loss,
    detectable_spread,
    lost_for_good,
    repeats_for,
)
from promptreg.evals.statistics import detectable_share

SHARES = st.floats(0.01, 0.9)


@pytest.mark.parametrize(
    ("differing", "drop", "cases"),
    [(0.10, 0.05, 246), (0.10, 0.02, 1544), (0.15, 0.10, 91), (0.02, 0.05, 122), (1.0, 1.0, 3)],
)
def test_cases_that_a_pass_rate_needs(differing: float, drop: float, cases: int):
    assert cases_for_share(differing, drop) == cases


@given(differing=SHARES, drop=st.floats(0.005, 0.9))
def test_cases_are_the_least_that_notice_the_drop(differing: float, drop: float):
    n = cases_for_share(differing, drop)
    share = max(differing, drop)
    found = detectable_share(share, n)
    assert found is not None
    assert found <= drop * (1 + 1e-6)
    fewer = detectable_share(share, n - 1) if n > 1 else None
    assert fewer is None or fewer > drop * (1 - 1e-6)


@given(flips=st.floats(0, 0.9), drop=st.floats(0.005, 0.9))
def test_losses_on_top_of_chance_need_more_cases_and_are_noticed_with_them(flips: float, drop: float):
    n = cases_for_loss(flips, drop)
    assert n >= cases_for_share(flips, drop)
    found = detectable_loss(flips, n)
    assert found is not None
    assert found <= drop * (1 + 1e-6)


def test_what_hardly_any_cases_notice_is_nothing():
    assert detectable_loss(0.1, 0) is None
    assert detectable_loss(0.1, 2) is None
    assert detectable_spread(0.3, 0) is None
    assert detectable_spread(0.9, 4) is None


@pytest.mark.parametrize(
    ("spread", "n", "points"), [(0.1, 20, 5.6), (0.2, 50, 7.0), (0.3, 100, 7.5), (0.2, 500, 2.2), (0.1, 1000, 0.8)]
)
def test_scores_as_in_the_table_of_research(spread: float, n: int, points: float):
    found = detectable_spread(spread, n)
    assert found is not None
    assert found * 100 == pytest.approx(points, abs=0.06)
    assert cases_for_mean(spread, found) == n


def test_repeats_help_until_only_what_lasts_is_left():
    assert repeats_for(0.067, 0.0, 100, 0.05) == 2
    assert repeats_for(0.067, lost_for_good(0.05), 100, 0.05) is None
    assert repeats_for(0.067, lost_for_good(0.05), 200, 0.05) == 3
    assert repeats_for(0.0, 0.0, 100, 0.05) == 1
    assert repeats_for(1.0, lost_for_good(0.05), 118, 0.05) is None


@pytest.mark.parametrize(("flips", "drop"), [(0.10, 0.05), (0.15, 0.10)])
def test_the_promised_cases_notice_the_drop_four_times_in_five(flips: float, drop: float):
    assert noticed(flips, drop, cases_for_share(flips, drop), runs=1500) == pytest.approx(0.8, abs=0.04)


def test_a_change_that_is_none_is_seldom_blocked_and_a_loss_of_ten_points_hardly_ever_passes():
    blocked, _, _ = rates(100, 1, 0.0, runs=150)
    assert blocked <= 0.06 + 3 * math.sqrt(0.06 * 0.94 / 150)
    found, _, silent = rates(100, 1, 0.10, runs=150)
    assert silent <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / 150)
    assert found >= 0.75


def test_the_simulated_mix_flips_as_often_as_it_says():
    mix = 0.8 * 2 * 0.99 * 0.01 + 0.12 * 2 * (0.725 - 0.725**2 - 0.45**2 / 12) + 0.08 * 2 * 0.05 * 0.95
    assert mix == pytest.approx(FLIPS, abs=0.0005)
