"""Retention curves beyond the observed, against published figures."""

import numpy as np
import pytest

from revml.clv.contracts.tail import MAX_BEND, Tail, fit_tail, fit_tails
from revml.clv.value import Floats

# Fader and Hardie (2007), "How to project customer retention", Journal of Interactive Marketing 21, table 1: percent of
# customers of two segments who survive 0 to 12 years, here as 1,000 customers each.
REGULAR = np.array([100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3]) * 10
HIGH_END = np.array([100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4]) * 10


def fitted(alive: Floats, years: int, *, weibull: bool) -> Tail:
    """A curve fitted on the first years of a cohort."""
    return fit_tail(alive[:years], alive[:years] - alive[1 : years + 1], weibull=weibull)


def residual_error(alive: Floats, years: int, *, weibull: bool) -> float:
    """Error of the customer-years after `years` to year 12, given those who are there at `years`."""
    curve = fitted(alive, years, weibull=weibull).survival(np.arange(13.0))
    return float((curve[years + 1 :].sum() / curve[years]) / (alive[years + 1 :].sum() / alive[years]) - 1)


@pytest.mark.parametrize(("alive", "a", "b"), [(REGULAR, 0.704, 1.182), (HIGH_END, 0.668, 3.806)])
def test_the_beta_geometric_fits_the_published_parameters(alive: Floats, a: float, b: float) -> None:
    """Seven years of the published cohorts give the published alpha and beta to three decimals."""
    tail = fitted(alive, 7, weibull=False)
    assert (tail.a, tail.b) == pytest.approx((a, b), abs=6e-4)


@pytest.mark.parametrize(("alive", "within"), [(HIGH_END, 0.01), (REGULAR, 0.005)])
def test_the_beta_discrete_weibull_projects_the_published_cohorts(alive: Floats, within: float) -> None:
    """After five years its residual customer-years to year 12 are within 1 % (High End) and 0.5 % (Regular)."""
    assert abs(residual_error(alive, 5, weibull=True)) < within


@pytest.mark.parametrize(("alive", "error"), [(HIGH_END, -0.070), (REGULAR, -0.033)])
def test_the_beta_geometric_falls_short_as_is_known(alive: Floats, error: float) -> None:
    """Without duration dependence the same projection is 7 % and 3.3 % too low, which is why there is an exponent."""
    assert residual_error(alive, 5, weibull=False) == pytest.approx(error, abs=0.001)


def test_survival_and_incidence_add_up_to_one() -> None:
    """Whoever is not there any more was lost in one of the years."""
    tail = Tail(0.7, 1.2, 1.3)
    t = np.arange(20.0)
    lost = tail.survival(t) * tail.hazard(t)
    assert tail.survival(np.array([20.0])) + lost.sum() == pytest.approx(1.0, abs=1e-12)


def test_late_entry_does_not_move_the_estimate() -> None:
    """Risk sets that start in year 2 give the same curve when the hazards are the model's own."""
    truth = Tail(1.5, 4.0)
    hazard = truth.hazard(np.arange(10.0))
    at_risk = np.full(10, 1e6)
    late = at_risk.copy()
    late[:2] = 0.0
    tail = fit_tail(late, late * hazard, weibull=False)
    assert (tail.a, tail.b) == pytest.approx((1.5, 4.0), rel=1e-3)


def test_nothing_is_bent_within_the_observed_tenure() -> None:
    """The tail speaks only beyond what was seen."""
    assert (Tail(0.7, 1.2).log_ratio(np.array([[1.0, 24.0, 36.0]]), 36.0) == 0).all()


def test_the_bend_is_bounded() -> None:
    """However few losses shaped the curve, a hazard stays within a factor of the last observed."""
    bend = Tail(0.02, 0.02, 0.2).log_ratio(np.array([600.0, 6000.0]), 12.0)
    assert (np.abs(bend) <= np.log(MAX_BEND) + 1e-12).all()


def test_few_losses_give_a_flat_tail() -> None:
    """What cannot be fitted goes on as it was, and no segment gets a tail of its own."""
    tenure, lost = np.arange(40.0), np.arange(40) == 3
    tails = fit_tails(tenure, lost, np.array(["x"] * 40, dtype=object), ("x",))
    assert list(tails) == [""]
    assert tails[""].flat
    assert (tails[""].log_ratio(np.array([500.0]), 40.0) == 0).all()


def test_a_segment_of_few_is_held_towards_all() -> None:
    """The same retention of forty customers moves less far from the curve of all than that of forty thousand."""
    pooled = fitted(REGULAR, 7, weibull=True)
    years = np.arange(13.0)
    gaps = []
    for size in (0.04, 40.0):
        alive = HIGH_END * size
        own = fit_tail(alive[:7], alive[:7] - alive[1:8], weibull=True, around=pooled)
        gaps.append(np.abs(own.survival(years) - HIGH_END / 1000).max())
        assert (own.survival(years)[1:] > pooled.survival(years)[1:]).all()
    assert gaps[0] > 4 * gaps[1]
    assert gaps[1] < 0.02
