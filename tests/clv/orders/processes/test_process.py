"""Laws that every process keeps, whichever story it tells."""

import numpy as np
import pytest
from hypothesis import given, settings

from revml.clv.orders.fitting import Process, PurchaseProcess, fit_process
from tests.clv.orders.processes.lives import BG, MBG, MODELS, PARETO, Rows, buyers

each = pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.process))


@each
@given(buyers)
@settings(max_examples=20, deadline=None)
def test_orders_grow_with_the_horizon_and_probabilities_are_probabilities(model: PurchaseProcess, rows: Rows) -> None:
    """Expected orders never fall; P(order) rises with the span, below P(alive) and below the expected orders."""
    ends = np.array([0.0, 0.1, 1.0, 13.0, 52.0, 520.0])
    orders = model.expected_orders(*rows, ends)
    p = model.p_order(*rows, np.zeros(6), ends)
    alive = model.p_alive(*rows)[:, None]
    assert (np.diff(orders, axis=1) >= -1e-9).all()
    assert orders[:, 0] == pytest.approx(0.0, abs=1e-12)
    assert (np.diff(p, axis=1) >= -1e-9).all()
    assert ((p >= 0) & (p <= alive + 1e-9) & (alive <= 1) & (p <= orders + 1e-9)).all()


@each
@given(buyers)
@settings(max_examples=20, deadline=None)
def test_an_order_in_two_spans_is_an_order_in_the_first_or_only_in_the_second(
    model: PurchaseProcess, rows: Rows
) -> None:
    """P(order in both spans together) lies between that of each and their sum."""
    first, second, both = model.p_order(*rows, np.array([4.0, 17.0, 4.0]), np.array([17.0, 30.0, 30.0])).T
    assert (both >= np.maximum(first, second) - 1e-9).all()
    assert (both <= first + second + 1e-9).all()


@each
def test_drawn_orders_are_the_expected_ones(model: PurchaseProcess) -> None:
    """Over 30,000 drawn futures: orders of each quarter and the share with an order, within four standard errors."""
    x, t_x, T = np.array([0.0, 1, 3, 12]), np.array([0.0, 2, 10, 39]), np.array([5.0, 20, 12, 40])
    ends = np.array([13.0, 26.0, 39.0])
    drawn = model.simulate(x, t_x, T, ends, np.random.default_rng(5), 30_000)
    expected = np.diff(model.expected_orders(x, t_x, T, ends), axis=1, prepend=0.0)
    p = model.p_order(x, t_x, T, np.array([0.0, 13.0, 26.0]), ends)
    error = drawn.std(axis=0) / np.sqrt(30_000)
    assert (np.abs(drawn.mean(axis=0) - expected) <= 4 * error + 1e-6).all()
    assert (np.abs((drawn > 0).mean(axis=0) - p) <= 4 * np.sqrt(p * (1 - p) / 30_000) + 1e-6).all()


@pytest.mark.parametrize("model", [BG, MBG, PARETO], ids=lambda model: str(model.process))
def test_orders_follow_from_drawn_lives(model: PurchaseProcess) -> None:
    """Without rhythm: rate times the life within a year, and the order that ends it, is what is expected."""
    x, t_x, T = np.array([0.0, 3, 12]), np.array([0.0, 10, 39]), np.array([5.0, 12, 40])
    lives = model.posterior_draw(x, t_x, T, np.random.default_rng(6), 60_000)
    orders = lives.rate * np.minimum(lives.left, 52.0)
    orders += lives.alive & (lives.left <= 52.0) & lives.ends_with_order
    assert orders.mean(axis=0) == pytest.approx(model.expected_orders(x, t_x, T, np.array([52.0]))[:, 0], rel=0.03)
    assert lives.alive.mean(axis=0) == pytest.approx(model.p_alive(x, t_x, T), abs=0.01)


@each
def test_heavy_and_newborn_buyers_get_finite_figures(model: PurchaseProcess) -> None:
    """500 orders until today, 500 within a day, first order today, silent for ten years: numbers all the same."""
    x, t_x = np.array([500.0, 500, 0, 500, 5]), np.array([300.0, 0.1, 0, 10, 0.01])
    T = np.array([300.0, 0.1, 0, 520, 520])
    ends = np.array([0.1, 4.3, 520.0])
    orders, p = model.expected_orders(x, t_x, T, ends), model.p_order(x, t_x, T, ends / 2, ends)
    assert np.isfinite(orders).all()
    assert (orders >= 0).all()
    assert ((p >= 0) & (p <= 1)).all()
    # who ordered five times in three in a week and stays away for eight years is gone
    assert model.p_alive(x, t_x, T)[3] < 1e-9
    assert orders[0, 1] == pytest.approx(500 / 300 * 4.3, rel=0.1)


@each
def test_answers_do_not_depend_on_who_else_is_asked_for(model: PurchaseProcess) -> None:
    """5,000 buyers, many alike, asked together and one of them alone: the same digits."""
    rng = np.random.default_rng(4)
    x, T = rng.integers(0, 9, 5_000).astype(float), rng.integers(20, 60, 5_000) / 2
    t_x = np.where(x > 0, T * rng.integers(1, 9, 5_000) / 9, 0.0)
    ends = np.array([4.0, 52.0])
    together = model.expected_orders(x, t_x, T, ends)
    for i in (0, 2_500, 4_999):
        alone = slice(i, i + 1)
        assert model.expected_orders(x[alone], t_x[alone], T[alone], ends)[0] == pytest.approx(together[i], rel=1e-12)


@pytest.mark.parametrize("process", list(Process))
def test_few_buyers_are_held_whichever_the_process(process: Process) -> None:
    """Three buyers, one of whom came back: finite, moderate, and said."""
    x, t_x, T = np.array([0.0, 2, 0]), np.array([0.0, 8, 0]), np.array([10.0, 12, 3])
    model: PurchaseProcess = fit_process(x, t_x, T, process=process, log_gaps=np.array([0.0, 2 * np.log(4.0), 0.0]))
    assert model.held
    assert model.expected_orders(x, t_x, T, np.array([52.0])).max() < 52


def test_nobody_gets_no_rows() -> None:
    """No buyers: no rows, the right number of columns."""
    none = np.zeros(0)
    assert BG.expected_orders(none, none, none, np.array([4.0, 8.0])).shape == (0, 2)
