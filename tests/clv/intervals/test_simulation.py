"""Simulated revenue: what is drawn has the expected mean, whatever is drawn, and scatters as the process does."""

import numpy as np
import numpy.typing as npt
import pytest

from revml.clv.flows import Draw
from revml.clv.intervals.mrr_changes import Changes
from revml.clv.intervals.simulation import Habit, contract_draw, evenly, order_draw, own_mean, poisson
from revml.clv.orders.fitting import fit_process
from revml.clv.orders.processes.process import Process
from revml.clv.value import MONTH_WEEKS, Floats

MONTHS = 12


def generator(seed: int = 1) -> np.random.Generator:
    """A generator of the test."""
    return np.random.default_rng(seed)


def drawn(draw: Draw, accounts: int, draws: int = 20_000) -> npt.NDArray[np.float64]:
    """Draws of the first accounts, in doubles."""
    return draw(slice(0, accounts), generator(), draws).astype(float)


def changes(paths: list[list[float]]) -> Changes:
    """Past changes of one cell."""
    ratios = np.array(paths)
    return Changes(((ratios / ratios.mean(axis=0)).astype(np.float32),), {("", -1): 0}, np.zeros(2), len(ratios))


def of_one_cell(survival: Floats, revenue: Floats, past: Changes) -> Draw:
    """A draw whose accounts are all alike in their past."""
    return contract_draw(survival, revenue, lambda: (past, np.zeros(len(survival), dtype=np.int64)))


def test_contracts_have_the_expected_mean_in_every_month() -> None:
    """Losses and changes of MRR add scatter and nothing else, also beyond the length of the past paths."""
    survival = np.stack([0.97 ** np.arange(1, 13), 0.6 ** np.arange(1, 13)])
    revenue = survival * np.array([[100.0], [700.0]]) * 1.01 ** np.arange(1, 13)
    draw = of_one_cell(survival, revenue, changes([[1.0, 1.0, 1.0], [1.0, 1.2, 1.5], [0.9, 0.9, 0.6]]))
    assert drawn(draw, 2).mean(axis=0) == pytest.approx(revenue, rel=0.05, abs=2.0)


def test_contracts_are_lost_when_survival_says_so() -> None:
    """The share of draws without revenue in a month is the chance of having been lost, and who is lost stays lost."""
    survival = 0.9 ** np.arange(1, 13)[None, :]
    found = drawn(of_one_cell(survival, 100 * survival, changes([[1.0]])), 1, draws=1000)[:, 0]
    assert (found > 0).mean(axis=0) == pytest.approx(survival[0], abs=0.0011)
    assert (np.diff((found > 0).astype(int), axis=1) <= 0).all()


def test_a_contract_of_which_nothing_changes_keeps_its_mrr() -> None:
    """While it lives, an account whose like never changed has exactly what is expected of a survivor."""
    survival = 0.9 ** np.arange(1, 13)[None, :]
    found = drawn(of_one_cell(survival, 100 * survival, changes([[1.0, 1.0]])), 1, draws=200)
    assert np.unique(found.round(3)) == pytest.approx([0.0, 100.0], rel=1e-6)


def buyers() -> dict[str, Floats]:
    """Buyers with many orders, few, none of late, and one order alone."""
    return {
        "x": np.array([40.0, 6.0, 6.0, 0.0]),
        "t_x": np.array([100.0, 95.0, 20.0, 0.0]),
        "T": np.array([104.0, 104.0, 104.0, 30.0]),
    }


@pytest.mark.parametrize("process", [Process.BG_NBD, Process.MBG_NBD, Process.PARETO_NBD])
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.4])
def test_orders_have_the_expected_mean_in_every_month(process: Process, factor: float) -> None:
    """Of each process, also where another model expects less or more than the process."""
    seen, spend = buyers(), np.array([10.0, 20.0, 30.0, 40.0])
    many = {name: np.tile(values, 30) for name, values in seen.items()}
    model = fit_process(**many, process=process)
    ends = np.arange(1, MONTHS + 1) * MONTH_WEEKS
    expected = np.diff(model.expected_orders(**seen, ahead=ends), axis=1, prepend=0.0) * spend[:, None] * factor
    draw = order_draw(model, **seen, revenue=expected, spend=spend, shape=2.0, known=np.full(4, 8.0))
    error = 5 * expected.mean(axis=1).max() * 0.02
    assert drawn(draw, 4).mean(axis=0) == pytest.approx(expected, rel=0.07, abs=error)


def test_buyers_who_go_on_keep_the_expected_mean_and_order_more_often() -> None:
    """Half of the draws at the buyer's own pace: the mean is what is expected, the given-up buyer orders in half."""
    seen, spend = buyers(), np.full(4, 10.0)
    model = fit_process(**{name: np.tile(values, 30) for name, values in seen.items()})
    expected = np.full((4, MONTHS), 8.0)
    habit = Habit(0.5, np.array([1.7, 0.3, 0.3, 0.2]), np.full(MONTHS, 0.1))
    draw = order_draw(model, **seen, revenue=expected, spend=spend, shape=5.0, known=np.full(4, 8.0), habit=habit)
    paths = drawn(draw, 4)
    assert paths.mean(axis=0) == pytest.approx(expected, rel=0.1)
    alive = model.p_alive(**seen)[2]
    assert (paths[:, 2].sum(axis=1) > 0).mean() > 0.5 * alive + 0.4


def test_orders_of_a_process_are_as_often_none_as_it_says() -> None:
    """P(no order within a year) of the draws is that of the model."""
    seen = buyers()
    model = fit_process(**{name: np.tile(values, 30) for name, values in seen.items()})
    ends = np.arange(1, MONTHS + 1) * MONTH_WEEKS
    expected = np.diff(model.expected_orders(**seen, ahead=ends), axis=1, prepend=0.0)
    draw = order_draw(model, **seen, revenue=expected, spend=np.ones(4), shape=np.inf, known=np.full(4, np.inf))
    some = (drawn(draw, 4).sum(axis=2) > 0).mean(axis=0)
    assert some == pytest.approx(model.p_order(**seen, start=np.zeros(1), end=ends[-1:])[:, 0], abs=0.02)


@pytest.mark.parametrize("mean", [0.0, 0.05, 1.0, 3.9, 30.0])
def test_poisson_numbers_have_mean_and_variance_of_theirs(mean: float) -> None:
    """By inversion and beyond it."""
    found = poisson(np.full((1000, 100), mean, dtype=np.float32), generator())
    assert found.mean() == pytest.approx(mean, rel=0.03)
    assert found.var() == pytest.approx(mean, rel=0.03)


def test_own_means_are_one_on_average_and_surer_with_more_orders() -> None:
    """A buyer known from many orders scatters less, one known exactly not at all."""
    found = own_mean(np.array([3.0, 30.0, np.inf]), 2.0, generator(), 50_000)
    assert found.mean(axis=0) == pytest.approx([1.0, 1.0, 1.0], abs=0.02)
    spread = found.std(axis=0)
    assert spread[0] > spread[1] > spread[2] == 0


def test_even_numbers_fall_into_every_part_once() -> None:
    """Of ten draws of an account one lies in each tenth."""
    found = evenly(3, generator(), 10)
    assert (np.sort(np.floor(found * 10), axis=0) == np.arange(10)[:, None]).all()
