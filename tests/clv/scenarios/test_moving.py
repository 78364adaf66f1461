"""Survival moved on the log-odds: goals are met exactly, order is kept, what cannot end stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from revml.clv.contracts.tie import Survival
from revml.clv.scenarios.moving import brought_down, log_odds_of, retained, shift_to_retention, shifted

hazards = arrays(np.float64, (3, 24), elements=st.floats(0.001, 0.3))
TWO_YEARS = np.array([0.99 ** np.arange(1, 25), 0.97 ** np.arange(1, 25)])


def moved_to(survival: np.ndarray, goal: float) -> np.ndarray:
    """The curves with that retention."""
    shift = shift_to_retention(survival, goal)
    assert shift is not None
    return shifted(survival, np.full((len(survival), 1), shift))


@given(hazards, st.floats(-0.05, 0.05))
@settings(deadline=None, max_examples=40)
def test_retention_moves_by_exactly_the_points(hazard: np.ndarray, points: float) -> None:
    """The mean of S(12) over the accounts is the goal, whatever the hazards are."""
    survival = np.cumprod(1 - hazard, axis=1)
    goal = float(np.clip(retained(survival) + points, 1e-4, 1 - 1e-4))
    assert retained(moved_to(survival, goal)) == pytest.approx(goal, abs=1e-9)


def test_one_account_by_hand() -> None:
    """A hazard of 1 % a month is odds of 1/99; retention of 0.98 ** 12 is odds of 2/98, in each month and after it."""
    made = moved_to(TWO_YEARS[:1], 0.98**12)
    assert made[0] == pytest.approx(0.98 ** np.arange(1, 25), abs=1e-10)


def test_a_month_without_an_end_stays_without() -> None:
    """Between renewals nobody can leave, before and after."""
    survival = np.where(np.arange(1, 25) < 12, 1.0, 0.8)[None, :]
    assert np.isneginf(log_odds_of(survival)[0, 0])
    made = moved_to(survival, 0.9)
    assert made[0, 10] == 1.0
    assert made[0, 11:] == pytest.approx(0.9)


def test_risk_comes_down_to_the_goal_and_the_safe_stay() -> None:
    """Over three months the riskier account has the goal's risk; the other one is untouched, to the bit."""
    made = brought_down(TWO_YEARS, 91.3125, 0.05, 1.0)
    risk = 1 - Survival(made, np.zeros(2)).at_days(91.3125)
    assert risk[1] == pytest.approx(0.05, abs=1e-9)
    assert (made[0] == TWO_YEARS[0]).all()


def test_what_was_saved_wears_off() -> None:
    """Half a year after the score's horizon half of the effect on the log-odds is left."""
    made = brought_down(TWO_YEARS, 91.3125, 0.05, 1.0)
    effect = log_odds_of(made)[1] - log_odds_of(TWO_YEARS)[1]
    assert effect[8] == pytest.approx(effect[2] / 2)


def test_success_is_a_mixture() -> None:
    """In three of ten cases the better curve, else the old one."""
    whole, some = (brought_down(TWO_YEARS, 91.3125, 0.05, share) for share in (1.0, 0.3))
    assert some == pytest.approx(0.3 * whole + 0.7 * TWO_YEARS)
