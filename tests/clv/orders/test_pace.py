"""A buyer's own pace, and its share in the forecast."""

import numpy as np
import pytest

from revml.clv.orders.pace import PaceWeights, Shares, Trial, best_share, mixed, pace, pace_weights
from revml.clv.orders.parts import Parts

RNG = np.random.default_rng(7)
RATE = RNG.gamma(2.0, 50.0, 600)


def trial(came: np.ndarray, expected: np.ndarray) -> Trial:
    """Six spans of three months after an origin, alike."""
    wide = np.ones((1, 6))
    return Trial(18, 3, expected[:, None] * wide, expected[:, None] * wide, came, came, RATE, RATE)


def test_a_young_buyer_is_drawn_towards_everybody() -> None:
    """Of two who have not come back the older one is slower, and neither stands still."""
    found = pace(np.array([0.0, 0.0, 12.0]), np.array([1.0, 12.0, 12.0]))
    assert 0 < found[1] < found[0] < found[2]


def test_who_comes_back_after_being_given_up_gives_the_pace_its_share() -> None:
    """The process expects nothing of half of the buyers, who order as they ever did: the pace gets half and more."""
    gone = np.arange(600) % 2 == 0
    came = RNG.poisson(3 * RATE[:, None] * np.ones((1, 6))).astype(float)
    found = pace_weights([trial(came, np.where(gone, 1e-6, 3 * RATE))])
    assert min(found.start, found.end) >= 0.5


def test_who_never_comes_back_gives_it_none() -> None:
    """What the process has given up stays away: no share, at any lag."""
    gone = np.arange(600) % 2 == 0
    expected = np.where(gone, 1e-3, 3 * RATE)
    came = RNG.poisson(expected[:, None] * np.ones((1, 6))).astype(float)
    found = pace_weights([trial(came, expected)])
    assert (found.start, found.end) == (0.0, 0.0)


def test_no_trial_is_no_share() -> None:
    """Nor money that never came."""
    assert pace_weights([]) == PaceWeights()
    assert best_share(np.zeros(3), np.ones(3), np.ones(3)) == 0.0


def test_mixing_moves_money_between_buyers_only() -> None:
    """The total stays that of the forecast."""
    made = mixed(np.array([3.0, 1.0]), np.array([10.0, 30.0]), 0.5)
    assert made.tolist() == [2.0, 2.0]


def test_shares_add_up_to_one() -> None:
    """At every lag; without a back-test there is the process alone."""
    lag = np.arange(1.0, 61)
    assert sum(Shares(8, 0.3, PaceWeights(0.1, 0.7, 24)).at(lag)) == pytest.approx(1.0)
    assert (Shares().at(lag)[1] == 1).all()


def test_the_two_stages_leave_the_total_of_the_process() -> None:
    """A factor of three for one of two buyers moves revenue to it."""
    parts = Parts(Shares(12), np.zeros(2), np.zeros(2))
    made = parts.amounts(np.array([[10.0, 10.0], [10.0, 10.0]]), np.array([3.0, 1.0]), np.zeros(2))
    assert made.sum(axis=0) == pytest.approx(20.0)
    assert made[:, 0] == pytest.approx([15.0, 5.0])
