"""Spend where it goes with frequency."""

import numpy as np
import pytest

from revml.clv.orders.next_spend import fit_order_spend
from revml.clv.orders.spend import fit_spend


def buyers(slope: float, n: int = 2_000) -> tuple[np.ndarray, np.ndarray]:
    """Purchases and mean spend; spend an order is 100 at one purchase and goes with purchases to the slope."""
    rng = np.random.default_rng(4)
    purchases = rng.integers(1, 30, n).astype(float)
    own = 100 * purchases**slope * rng.gamma(8.0, 1 / 8.0, n)
    return purchases, rng.gamma(4 * purchases, own / (4 * purchases))


def test_independent_spend_is_left_alone() -> None:
    """Without a rank correlation the figures are those of Gamma-Gamma itself."""
    purchases, spend = buyers(0.0)
    found = fit_order_spend(purchases, spend, np.zeros(len(purchases)))
    plain = fit_spend(purchases, spend, np.zeros(len(purchases)))
    assert found.slope == 0.0
    assert (found.expected(purchases, spend) == plain.expected(purchases, spend)).all()


def test_a_rare_buyer_is_drawn_towards_rare_buyers() -> None:
    """Where frequent buyers spend more an order, one of one purchase is expected to spend what such buyers do."""
    purchases, spend = buyers(0.5)
    found = fit_order_spend(purchases, spend, np.zeros(len(purchases)))
    plain = fit_spend(purchases, spend, np.zeros(len(purchases)))
    assert found.slope == pytest.approx(0.5, abs=0.08)
    one = np.array([1.0]), np.array([100.0])
    assert abs(found.expected(*one)[0] - 100) < abs(plain.expected(*one)[0] - 100)


def test_expected_spend_of_past_purchases_adds_up_to_what_was_spent() -> None:
    """Purchases times the peers' level is the money that came."""
    purchases, spend = buyers(0.5)
    found = fit_order_spend(purchases, spend, np.zeros(len(purchases)))
    assert purchases @ (found.at_one * purchases**found.slope) == pytest.approx(purchases @ spend)
