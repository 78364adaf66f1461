"""Expected events: intervals that hold what happens, as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from revml.evaluation.expected import (
    DRIFT,
    NOISE_ONLY,
    Expected,
    Uncertainty,
    drift_of,
    expected_events,
    uncertainty_of,
)
from revml.models.calibration import log_odds, sigmoid

DAY = np.timedelta64(1, "D")
AT = np.datetime64("2026-01-01", "us")


def _expected(p: np.ndarray, label: np.ndarray, uncertainty: Uncertainty = NOISE_ONLY) -> Expected:
    return expected_events(p, label, np.arange(len(p)), np.full(len(p), AT), uncertainty, window_days=90, seed=1)


def test_noise_alone_is_the_binomial_interval() -> None:
    """A hundred accounts at 30 %: 21 to 39, as tables of the binomial distribution say (give or take one)."""
    told = _expected(np.full(100, 0.3), np.repeat([1.0, 0.0], 50))
    assert (told.events, told.observed) == (pytest.approx(30.0), 50)
    assert told.low == pytest.approx(21, abs=1)
    assert told.high == pytest.approx(39, abs=1)
    assert not told.inside


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.8])
def test_true_probabilities_are_inside_in_19_of_20(rate: float) -> None:
    """Of 300 tests of true probabilities, the interval holds at least 94 %, and it is not so wide as to hold all."""
    rng = np.random.default_rng(0)
    p = np.clip(rng.beta(2, 2 * (1 - rate) / rate, 200), 1e-3, 1 - 1e-3)
    inside = [_expected(p, (rng.random(200) < p).astype(float)).inside for _ in range(300)]
    assert 0.94 <= np.mean(inside) < 1.0


def test_an_unsure_level_is_allowed_for() -> None:
    """Where the level of the probabilities was itself learned from few accounts, noise alone fails and this holds."""
    rng = np.random.default_rng(3)
    noise, honest = [], []
    for _ in range(200):
        true = rng.normal(-2.0, 1.0, 600)
        learned, tested = np.split((rng.random(600) < sigmoid(true)).astype(float), [100])
        z = true[:100]
        for _ in range(20):  # the level that fits the hundred accounts
            p = sigmoid(z)
            z = z + (learned - p).sum() / (p * (1 - p)).sum()
        shift = float((z - true[:100]).mean())
        found = uncertainty_of(sigmoid(z), learned, np.arange(100), np.ones(100, dtype=bool), drift=0.0)
        given = sigmoid(true[100:] + shift)
        noise.append(_expected(given, tested).inside)
        honest.append(_expected(given, tested, found).inside)
    assert np.mean(noise) < 0.85
    assert np.mean(honest) > 0.92


def test_snapshots_of_an_account_are_not_independent() -> None:
    """The level rests on accounts: copies of their rows make it no surer."""
    rng = np.random.default_rng(0)
    p = np.full(200, 0.2)
    label = (rng.random(200) < p).astype(float)
    once = uncertainty_of(p, label, np.arange(200), np.ones(200, dtype=bool), drift=0.0)
    four = np.tile(np.arange(200), 4)
    copied = uncertainty_of(p[four], label[four], four, np.ones(800, dtype=bool), drift=0.0)
    assert copied.level == pytest.approx(once.level)


def test_overlapping_windows_share_their_events() -> None:
    """Two snapshots an account: days apart they tell the same twice, a window apart they do not."""
    p, who = np.full(200, 0.2), np.repeat(np.arange(100), 2)

    def width(days: int) -> float:
        at = np.tile([AT, AT + days * DAY], 100)
        told = expected_events(p, np.zeros(200), who, at, NOISE_ONLY, window_days=90, seed=1)
        return told.high - told.low

    assert width(1) > 1.3 * width(90)
    assert width(1) > width(60) > width(90)


def test_the_order_of_rows_does_not_matter() -> None:
    """Shuffled rows give the same interval."""
    rng = np.random.default_rng(0)
    p, who = rng.uniform(0.05, 0.5, 60), np.repeat(np.arange(20), 3)
    at = np.tile([AT, AT + 30 * DAY, AT + 60 * DAY], 20)
    mixed = rng.permutation(60)
    both = [
        expected_events(p[k], np.zeros(60), who[k], at[k], Uncertainty(0.2), window_days=90, seed=1)
        for k in (np.arange(60), mixed)
    ]
    assert both[0].events == pytest.approx(both[1].events)
    assert (both[0].low, both[0].high) == (both[1].low, both[1].high)


def test_no_rows_no_events() -> None:
    """An empty test expects nothing, and nothing comes."""
    assert _expected(np.zeros(0), np.zeros(0)).inside


def _history(sd: float, seed: int, months: int = 24, accounts: int = 2_000) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    p = np.tile(sigmoid(rng.normal(-2, 1, accounts)), months)
    moved = np.repeat(rng.normal(0, sd, months), accounts)
    label = (rng.random(len(p)) < sigmoid(log_odds(p) + moved)).astype(float)
    return p, label, np.repeat(AT + 91 * np.arange(months) * DAY, accounts)


def test_drift_is_found_where_there_is_some() -> None:
    """A level that moves by 0.4 a window is found within a third; one that stays put is believed to move less."""
    moving = [drift_of(*_history(0.4, seed), window_days=90) / np.sqrt(2) for seed in range(6)]
    assert np.mean(moving) == pytest.approx(0.4, rel=1 / 3)
    assert max(drift_of(*_history(0.0, seed), window_days=90) for seed in range(6)) < DRIFT


def test_a_short_history_leaves_the_belief() -> None:
    """With no two windows that share nothing, drift is what is believed beforehand."""
    p, label, at = _history(0.4, 0, months=1)
    assert drift_of(p, label, at, window_days=90) == DRIFT
