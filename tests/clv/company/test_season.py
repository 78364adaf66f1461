"""Season, damped trend, and a series carried on."""

import numpy as np
import pytest

from revml.clv.company.season import YEAR, carried_on, damped, season, without_season

FLAT = np.full(36, 10.0)
SWING = 10.0 + 4.0 * np.sin(np.arange(36) / YEAR * 2 * np.pi)


def test_years_that_agree_are_a_season() -> None:
    """The same swing in three years is kept nearly whole, mean one."""
    found = season(SWING)
    np.testing.assert_allclose(found, SWING[:YEAR] / 10, atol=0.02)
    assert found.mean() == pytest.approx(1, abs=1e-6)


def test_chance_is_no_season() -> None:
    """Independent months: factors stay near one."""
    amounts = np.random.default_rng(3).normal(100, 10, 36)
    assert np.abs(season(amounts) - 1).max() < 0.06


def test_growth_is_no_season() -> None:
    """A straight line up, and a step between years, leave every factor near one."""
    np.testing.assert_allclose(season(np.linspace(100, 170, 24)), 1, atol=0.03)
    np.testing.assert_allclose(season(np.repeat([5.0, 10.0], 12)), 1, atol=1e-9)


def test_less_than_two_years_tell_nothing() -> None:
    """23 months: all ones."""
    assert season(SWING[:23]).tolist() == [1.0] * YEAR


def test_a_series_without_its_season_is_flat() -> None:
    """Dividing by the factors of the same months takes the swing out, wherever the series begins."""
    assert np.ptp(without_season(SWING)) < 0.5
    assert np.ptp(without_season(SWING[5:])) < 1.0


def test_a_trend_dies_away() -> None:
    """Growth of a tenth a year goes on for a while and no further than the damping lets it."""
    path = damped(60, np.log(1.1))
    assert (np.diff(path) > 0).all()
    assert path[-1] == pytest.approx(1.1 ** (9 / 12), rel=1e-3)


def test_what_repeats_is_carried_on() -> None:
    """Flat stays flat, a season comes again, nothing stays nothing."""
    assert carried_on(FLAT, 3).tolist() == [10.0] * 3
    np.testing.assert_allclose(carried_on(SWING, YEAR), SWING[:YEAR], rtol=0.03)
    assert carried_on(np.zeros(24), 2).tolist() == [0.0, 0.0]
    assert carried_on(np.zeros(0), 2).tolist() == [0.0, 0.0]
