"""Flows of contracts: the formula, its parts, its monotonicity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from revml.clv.contracts.flows import contract_flows
from revml.clv.contracts.growth import Growth, GrowthModel, Movements
from revml.clv.contracts.tie import survival_of

NONE = Growth(GrowthModel.NONE)
MOVES = Movements(days=90, upsell_rate=0.05, upsell_size=0.3, contraction=0.01, pairs=100, upsells=30)
log_odds = arrays(np.float64, (2, 12), elements=st.floats(-8, 2))
share = st.floats(0.0, 1.0)
ONE = np.array([100.0, 250.0])


def test_the_formula_by_hand() -> None:
    """MRR 100, margin 0.8, S = 0.9 and 0.8, 21 % a year: 72 / 1.21 ** (1/24) + 64 / 1.21 ** (3/24)."""
    made = contract_flows(np.array([100.0]), np.array([0.8]), np.array([[0.9, 0.8]]), NONE, 0.21)
    assert made.margin.sum() == pytest.approx(72 / 1.21 ** (1 / 24) + 64 / 1.21 ** (3 / 24))
    assert made.revenue.tolist() == [[90.0, 80.0]]


@given(log_odds, st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None)
def test_parts_add_up_to_the_cent(eta: np.ndarray, p: float, margin: float) -> None:
    """Base and expansion less contraction are the margin, flow by flow."""
    growth = Growth(GrowthModel.UPLIFT, np.array([p, 0.1]), MOVES)
    made = contract_flows(ONE, np.full(2, margin), survival_of(eta), growth, 0.1)
    assert made.base + made.expansion - made.contraction == pytest.approx(made.margin, abs=1e-9)
    assert (made.expansion >= 0).all()
    assert (made.contraction >= -1e-12).all()


@given(log_odds, st.floats(0, 3))
@settings(deadline=None)
def test_value_falls_with_the_hazard(eta: np.ndarray, more: float) -> None:
    """Riskier in every month is never worth more."""
    safe, risky = (contract_flows(ONE, np.full(2, 0.7), survival_of(e), NONE, 0.1).margin for e in (eta, eta + more))
    assert (risky.sum(axis=1) <= safe.sum(axis=1) + 1e-9).all()


@given(log_odds, st.tuples(share, share).map(sorted))
@settings(deadline=None)
def test_value_rises_with_the_margin(eta: np.ndarray, margins: list[float]) -> None:
    """A higher margin is never worth less."""
    low, high = (contract_flows(ONE, np.full(2, m), survival_of(eta), NONE, 0.1).margin.sum() for m in margins)
    assert low <= high + 1e-9


@given(log_odds, st.tuples(share, share).map(sorted))
@settings(deadline=None)
def test_value_falls_with_the_discount(eta: np.ndarray, rates: list[float]) -> None:
    """A higher discount rate is never worth more."""
    low, high = (contract_flows(ONE, np.full(2, 0.7), survival_of(eta), NONE, d).margin.sum() for d in rates)
    assert high <= low + 1e-9


def test_a_negative_margin_gives_a_negative_value() -> None:
    """Revenue stays revenue; the value says what it costs."""
    made = contract_flows(np.array([100.0]), np.array([-0.2]), np.array([[0.9, 0.8]]), NONE, 0.1)
    assert made.margin.sum() < 0 < made.revenue.sum()
