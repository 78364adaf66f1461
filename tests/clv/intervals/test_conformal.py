"""The correction by earlier outcomes: it inverts, it covers, it shrinks and grows, it keeps zeros."""

import numpy as np
import pytest

from revml.clv.intervals.conformal import Levels, Scores, at_score, fit_levels, scores, widths
from revml.clv.value import Floats

N, DRAWS = 4000, 200


def sorted_draws(rng: np.random.Generator, spread: float, zeros: float = 0.0) -> Floats:
    """Draws around 10 of N accounts; of some of them nothing comes."""
    draws = rng.normal(10, spread, (N, DRAWS)) * (rng.random((N, DRAWS)) >= zeros)
    return np.sort(draws, axis=1)


def covered(draws: Floats, outcome: Floats, levels: Levels) -> float:
    """Share of the outcomes between the values at two levels."""
    unit = widths(draws)
    low, high = (at_score(draws, np.full(len(draws), one), unit) for one in (levels.low, levels.high))
    return float(((outcome >= low - 1e-9) & (outcome <= high + 1e-9)).mean())


@pytest.mark.parametrize("outcome", [-3.0, 1.0, 2.5, 4.0, 9.0])
def test_the_value_at_its_score_is_the_outcome(outcome: float) -> None:
    """Within the draws, at their ends and beyond them."""
    draws = np.array([[1.0, 2.0, 3.0, 4.0]])
    found = scores(draws, np.array([outcome]), np.array([2.0]))
    assert at_score(draws, found.above, np.array([2.0])) == pytest.approx(outcome)
    assert at_score(draws, found.below, np.array([2.0])) == pytest.approx(outcome)


def test_an_outcome_that_equals_several_draws_has_two_scores() -> None:
    """Read from above and from below the three zeros of five draws."""
    found = scores(np.array([[0.0, 0.0, 0.0, 1.0, 2.0]]), np.array([0.0]), np.array([1.0]))
    assert (found.above[0], found.below[0]) == (0.5, 0.0)


@pytest.mark.parametrize("spread", [0.3, 1.0, 4.0])
def test_later_outcomes_are_covered_whatever_was_simulated(spread: float) -> None:
    """Simulated too narrow, right, too wide: levels of 4,000 outcomes cover 80 % of 4,000 others."""
    rng = np.random.default_rng(3)
    draws = sorted_draws(rng, spread)
    levels = fit_levels(scores(draws, rng.normal(10, 1, N), widths(draws)))
    assert covered(draws, rng.normal(10, 1, N), levels) == pytest.approx(0.80, abs=0.02)


def test_intervals_shrink_where_simulation_was_too_careful() -> None:
    """And grow where it was too bold."""
    rng = np.random.default_rng(4)
    outcome = rng.normal(10, 1, N)
    wide, narrow = sorted_draws(rng, 4.0), sorted_draws(rng, 0.3)
    careful, bold = (fit_levels(scores(draws, outcome, widths(draws))) for draws in (wide, narrow))
    assert 0.1 < careful.low < careful.high < 0.9
    assert bold.low < 0 < 1 < bold.high


@pytest.mark.parametrize("zeros", [0.05, 0.3, 0.6])
def test_outcomes_of_which_many_are_nothing_are_covered(zeros: float) -> None:
    """Where the lower end is zero nothing lies below it; the whole interval still holds its share."""
    rng = np.random.default_rng(5)
    draws = sorted_draws(rng, 1.0, zeros)
    came, later = (rng.normal(10, 1, N) * (rng.random(N) >= zeros) for _ in range(2))
    levels = fit_levels(scores(draws, came, widths(draws)))
    assert covered(draws, later, levels) == pytest.approx(0.80, abs=0.02)


def test_an_account_of_nothing_but_zeros_has_an_interval_of_zero() -> None:
    """Inside the draws there is only zero to be had."""
    draws = np.zeros((1, 50))
    assert at_score(draws, np.array([0.9]), widths(draws)) == 0.0


def test_levels_of_outcomes_that_are_all_the_same_are_in_order() -> None:
    """Nothing changed for anybody: the interval begins where it ends, or before."""
    same = np.full(100, 0.4)
    levels = fit_levels(Scores(same, same))
    assert levels.low <= 0.4 <= levels.high
