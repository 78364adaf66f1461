"""Expected value of a purchase: Gamma-Gamma and its fallback."""

import numpy as np
import pytest

from revml.clv.orders.spend import fit_spend
from revml.clv.value import Floats


def simulated(p: float, q: float, v: float, n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Purchases, mean spend and spread of buyers of known parameters."""
    rng = np.random.default_rng(seed)
    purchases = rng.integers(1, 12, n)
    scale = rng.gamma(q, 1 / v, n)
    amounts = [rng.gamma(p, 1 / s, k) for s, k in zip(scale, purchases, strict=True)]
    within = [float(((a - a.mean()) ** 2).sum()) for a in amounts]
    return purchases.astype(float), np.array([a.mean() for a in amounts]), np.array(within)


def test_parameters_come_back_from_simulated_buyers() -> None:
    """Population mean and weight of the own mean come back within 5 %."""
    model = fit_spend(*simulated(6.25, 3.74, 15.44, 5_000, seed=1))
    assert model.mean == pytest.approx(6.25 * 15.44 / 2.74, rel=0.05)
    assert model.k == pytest.approx(2.74 / 6.25, rel=0.1)


def test_an_infinite_mean_falls_back_to_credibility() -> None:
    """With q <= 1 the Gamma-Gamma mean does not exist: no Gamma-Gamma parameters, a finite figure."""
    model = fit_spend(*simulated(3.0, 0.6, 10.0, 2_000, seed=2))
    assert model.p is None
    assert np.isfinite(model.mean)


def test_the_more_purchases_the_more_the_own_mean_counts() -> None:
    """The expectation lies between the population's mean and the buyer's, nearer to his the more he bought."""
    model = fit_spend(*simulated(6.25, 3.74, 15.44, 2_000, seed=3))
    one, many = model.expected(np.array([1.0, 40.0]), np.full(2, 200.0))
    assert model.mean < one < many < 200.0


def test_returns_never_make_a_purchase_worth_less_than_nothing() -> None:
    """A buyer who returned more than he bought is expected to bring 0 or more."""
    purchases, spend, within = simulated(6.25, 3.74, 15.44, 200, seed=4)
    assert fit_spend(purchases, spend, within).expected(np.array([5.0]), np.array([-900.0])) >= 0


def test_few_buyers_use_credibility() -> None:
    """Three buyers that differ more than their purchases do keep most of their own means."""
    n, m, within = np.array([4.0, 4.0, 4.0]), np.array([10.0, 100.0, 1000.0]), np.array([1.0, 1.0, 1.0])
    model = fit_spend(n, m, within)
    assert model.p is None
    assert model.expected(n, m) == pytest.approx(m, rel=0.01)


def test_one_buyer_gets_the_mean_of_all() -> None:
    """With nothing to compare with, the population's mean is all there is."""
    one = np.array([2.0]), np.array([50.0]), np.array([8.0])
    assert fit_spend(*one).expected(one[0], one[1]).tolist() == [50.0]


def test_spend_that_goes_with_frequency_is_told() -> None:
    """Buyers who order more often and dearer show a high rank correlation."""
    n = np.arange(2.0, 102.0)
    assert fit_spend(n, n * 10, np.ones(100)).dependence == pytest.approx(1.0)
