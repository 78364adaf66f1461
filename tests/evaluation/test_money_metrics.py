"""Figures of a forecast of money, against numbers worked out by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_tweedie_deviance, root_mean_squared_error

from revml.evaluation import money_metrics as metrics

ACTUAL = np.array([1200.0, 500.0, 1100.0])
FORECAST = np.array([1200.0, 1200.0, 600.0])
EVER = np.full(4, np.inf)


def test_errors_are_those_of_scikit_learn() -> None:
    """RMSE and the Tweedie deviance of power 1.5."""
    assert metrics.rmse(FORECAST, ACTUAL) == pytest.approx(root_mean_squared_error(ACTUAL, FORECAST))
    theirs = mean_tweedie_deviance(ACTUAL, FORECAST, power=1.5)
    assert metrics.tweedie_deviance(FORECAST, ACTUAL) == pytest.approx(theirs)


def test_a_forecast_of_nothing_is_punished_and_finite() -> None:
    """As much as a forecast of one cent."""
    nothing = metrics.tweedie_deviance(np.zeros(3), ACTUAL)
    assert nothing == metrics.tweedie_deviance(np.full(3, 0.01), ACTUAL)
    assert np.isfinite(nothing)


def test_gini_and_lift_of_three_accounts() -> None:
    """The two first share 1,700, so each stands for 850: areas -.0893 of .25, and 850 against a mean of 933."""
    assert metrics.normalised_gini(FORECAST, ACTUAL) == pytest.approx(-0.357142857)
    assert metrics.top_lift(FORECAST, ACTUAL) == pytest.approx(850 / (2800 / 3))


def test_ranking_does_not_care_for_the_level() -> None:
    """Twice the forecast ranks the same."""
    rng = np.random.default_rng(3)
    actual, score = rng.gamma(0.5, 100, 300), rng.gamma(1.0, 50, 300)
    assert metrics.normalised_gini(2 * score + 7, actual) == metrics.normalised_gini(score, actual)
    assert metrics.top_lift(2 * score + 7, actual) == metrics.top_lift(score, actual)


def test_brier_without_censoring_is_the_mean_square() -> None:
    """Two of four are there at six months."""
    lost, seen = np.array([2.0, 5.0, np.inf, 9.0]), np.full(4, 12.0)
    s = np.array([0.5, 0.2, 0.9, 0.6])
    expected = (0.5**2 + 0.2**2 + 0.1**2 + 0.4**2) / 4
    assert metrics.brier_ipcw(s, lost, seen, 6.0) == pytest.approx(expected)


def test_brier_hands_the_weight_of_the_censored_to_the_others() -> None:
    """One of four is no longer seen after three months: the two later ones count 1 / (2/3), the loss before it once."""
    lost, seen = np.array([2.0, np.inf, np.inf, 5.0]), np.array([12.0, 3.0, 12.0, 12.0])
    s = np.array([0.4, 0.7, 0.9, 0.3])
    expected = (0.4**2 + 0.1**2 * 1.5 + 0.3**2 * 1.5) / 4
    assert metrics.brier_ipcw(s, lost, seen, 6.0) == pytest.approx(expected)


def test_nobody_seen_so_long_gives_no_brier() -> None:
    """All are censored before the instant."""
    assert np.isnan(metrics.brier_ipcw(np.full(4, 0.5), EVER, np.full(4, 3.0), 6.0))


def test_censoring_does_not_move_the_brier_of_a_true_forecast() -> None:
    """Constant hazard, half of the accounts censored at random: weighted and whole agree within the noise."""
    rng = np.random.default_rng(5)
    lost, s = rng.exponential(20.0, 40_000), np.full(40_000, np.exp(-12 / 20))
    whole = metrics.brier_ipcw(s, lost, np.full(40_000, 100.0), 12.0)
    cut = metrics.brier_ipcw(s, lost, rng.uniform(6.0, 30.0, 40_000), 12.0)
    assert cut == pytest.approx(whole, abs=0.004)


def test_what_is_not_defined_is_nan() -> None:
    """Nothing came, or there is nobody."""
    none, zeros = np.zeros(0), np.zeros(3)
    for figure in (metrics.bias, metrics.normalised_gini, metrics.top_lift):
        assert np.isnan(figure(none, none))
        assert np.isnan(figure(FORECAST, zeros))
    assert np.isnan(metrics.rmse(none, none))
    assert np.isnan(metrics.coverage(np.array([np.nan]), np.array([1.0]), np.array([0.5])))
