"""Likelihoods are those of the story, told the long way round; gradients are theirs; known truth comes back."""

from collections.abc import Callable
from math import gamma

import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.optimize import approx_fprime
from scipy.special import hyp2f1

from revml.clv.orders.fitting import Process, PurchaseProcess, StopsAtOrders, fit_process
from revml.clv.orders.processes import any_time, at_orders_likelihood
from revml.clv.orders.processes.patterns import counted
from revml.clv.value import Floats
from revml.errors import RevmlError
from tests.clv.orders.processes.lives import PARETO, lived, living


def told(model: StopsAtOrders, gaps: list[float], silent: float) -> float:
    """Likelihood of gaps between orders and silence since, each rate and each probability of stopping in turn."""
    r, alpha, a, b, k, x = model.r, model.alpha, model.a, model.b, model.k, len(gaps)
    bg = model.process is Process.BG_NBD

    def one(p: float, rate: float) -> float:
        orders = np.prod([rate**k * gap ** (k - 1) * np.exp(-rate * gap) / gamma(k) for gap in gaps])
        quiet = sum((rate * silent) ** j / gamma(j + 1) for j in range(k)) * np.exp(-rate * silent)
        stays = x if bg else x + 1
        stopped = p * (1 - p) ** (stays - 1) if stays else 0.0
        of_p = gamma(a + b) / gamma(a) / gamma(b) * p ** (a - 1) * (1 - p) ** (b - 1)
        of_rate = alpha**r * rate ** (r - 1) * np.exp(-alpha * rate) / gamma(r)
        return float(orders * ((1 - p) ** stays * quiet + stopped) * of_p * of_rate)

    return float(dblquad(one, 0, np.inf, 0, 1, epsrel=1e-9)[0])


@pytest.mark.parametrize(
    ("process", "k"), [(Process.BG_NBD, 1), (Process.MBG_NBD, 1), (Process.MBG_ERLANG, 2), (Process.MBG_ERLANG, 4)]
)
@pytest.mark.parametrize("gaps", [[], [2.0], [1.5, 0.5, 3.0]])
def test_likelihood_of_a_story_with_stops_at_orders(process: Process, k: int, gaps: list[float]) -> None:
    """Gaps of 1.5, 0.5 and 3 weeks and 4 of silence: the closed form is the double integral."""
    model = StopsAtOrders(process, r=1.3, alpha=2.0, a=1.2, b=2.5, k=k)
    seen = counted([len(gaps)], [sum(gaps)], [sum(gaps) + 4.0])
    chances = 0.0 if process is Process.BG_NBD else 1.0
    closed = at_orders_likelihood.log_likelihood(1.3, 2.0, 1.2, 2.5, k, chances, seen, float(np.log(gaps).sum()))
    assert closed == pytest.approx(np.log(told(model, gaps, 4.0)), abs=1e-6)


@pytest.mark.parametrize(("x", "t_x", "T"), [(0, 0.0, 4.0), (3, 5.0, 9.0), (3, 9.0, 9.0), (500, 5.0, 9.0)])
def test_likelihood_of_a_story_with_a_stop_at_any_time(x: int, t_x: float, T: float) -> None:
    """Orders at a gamma rate, a death since the last one or none at all: one integral over the time of death.

    The published form counts sets of x orders by their last one: no factor for the order times, as here.
    """
    r, alpha, s, beta = PARETO.r, PARETO.alpha, PARETO.s, PARETO.beta

    def dies(tau: float) -> float:
        return float(((alpha + t_x) / (alpha + tau)) ** (r + x) * s * beta**s / (beta + tau) ** (s + 1))

    lives = ((alpha + t_x) / (alpha + T)) ** (r + x) * (beta / (beta + T)) ** s
    start = sum(np.log(r + i) for i in range(x)) + r * np.log(alpha) - (r + x) * np.log(alpha + t_x)
    long_way = start + np.log(lives + quad(dies, t_x, T, epsrel=1e-12)[0])
    assert any_time.log_likelihood(PARETO, counted([x], [t_x], [T])) == pytest.approx(long_way, abs=1e-8)


def test_pareto_likelihood_as_published() -> None:
    """Fader and Hardie (2005) write it with a hypergeometric function: the same for buyers that are not heavy."""
    r, alpha, s, beta = PARETO.r, PARETO.alpha, PARETO.s, PARETO.beta
    x, t_x, T = np.array([0.0, 1, 7]), np.array([0.0, 3, 30]), np.array([39.0, 30, 31])

    def since(t: Floats) -> Floats:
        n = r + s + x
        return np.asarray(hyp2f1(n, r + x, n + 1, (beta - alpha) / (beta + t)) / (beta + t) ** n)

    whole = s / (r + s + x) * (since(t_x) - since(T)) + (alpha + T) ** -(r + x) * (beta + T) ** -s
    before = [sum(np.log(r + i) for i in range(int(n))) for n in x]
    published = np.array(before) + r * np.log(alpha) + s * np.log(beta) + np.log(whole)
    assert any_time.log_likelihood(PARETO, counted(x, t_x, T)) == pytest.approx(published.sum(), abs=1e-9)


def gradient_holds(negative: Callable[[Floats], tuple[float, Floats]], theta: Floats) -> None:
    """The gradient is that of differences."""
    differences = approx_fprime(theta, lambda at: negative(at)[0], 1e-6)
    assert negative(theta)[1] == pytest.approx(differences, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(("k", "chances"), [(1, 0.0), (1, 1.0), (3, 1.0)])
def test_gradient_with_stops_at_orders(k: int, chances: float, held: bool) -> None:
    """All four slopes, away from the maximum, with the prior and without."""
    seen = counted([0, 0, 3, 12, 500], [0, 0, 5, 30, 200], [9, 2, 9, 40, 200])
    gradient_holds(at_orders_likelihood._Negative(seen, k, chances, 10.0, held), np.log(np.array([0.7, 1.9, 0.6, 2.2])))


@pytest.mark.parametrize("held", [False, True])
def test_gradient_with_a_stop_at_any_time(held: bool) -> None:
    """All four slopes, away from the maximum, with the prior and without."""
    seen = counted([0, 0, 3, 12, 500], [0, 0, 5, 30, 200], [9, 2, 9, 40, 200])
    gradient_holds(
        lambda theta: any_time._negative(theta, seen, 10.0, held=held), np.log(np.array([0.7, 1.9, 0.6, 2.2]))
    )


@pytest.mark.parametrize("k", [1, 2, 4])
def test_rhythm_comes_back(k: int) -> None:
    """2,000 buyers whose orders take k phases: k itself, mean rate and stopping, and the orders of half a year."""
    x, t_x, T, log_gaps, after = lived(2_000, shape=1.2, mean_weeks=4.0, k=k, stop=(0.8, 6.0), ahead=26.0, seed=k)
    found = fit_process(x, t_x, T, process=Process.MBG_ERLANG, log_gaps=log_gaps)
    assert found.k == k
    assert found.r / found.alpha / k == pytest.approx(1.2 / 4.0, rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(0.8 / 6.8, abs=0.02)
    assert found.expected_orders(x, t_x, T, np.array([26.0])).sum() == pytest.approx(after.sum(), rel=0.08)
    p = found.p_order(x, t_x, T, np.zeros(1), np.array([26.0])).sum()
    assert p == pytest.approx((after > 0).sum(), rel=0.08)


def test_rhythm_is_not_guessed_without_gaps() -> None:
    """Rhythm asked for without the logs of the gaps is refused with what to do."""
    with pytest.raises(RevmlError, match="log_gaps"):
        fit_process([1.0], [2.0], [3.0], process=Process.MBG_ERLANG)


def test_pareto_parameters_come_back() -> None:
    """From 12,000 buyers, most of whose patterns differ, so that the maximum is first sought on some of them."""
    x, t_x, T = living(12_000, PARETO, weeks=104.0, seed=3)
    found = fit_process(x, t_x, T, process=Process.PARETO_NBD)
    assert (found.r, found.alpha, found.s, found.beta) == pytest.approx((0.55, 10.6, 0.61, 11.7), rel=0.15)


@pytest.mark.parametrize("process", [Process.BG_NBD, Process.MBG_NBD, Process.PARETO_NBD])
def test_the_maximum_is_that_of_all_buyers(process: Process) -> None:
    """Beginning on some of the patterns ends where beginning on all of them does: the likelihood is level there."""
    seen = living(9_000, PARETO, weeks=60.0, seed=4)
    model: PurchaseProcess = fit_process(*seen, process=process)
    patterns = counted(*seen)
    assert patterns.some() is not None
    if isinstance(model, StopsAtOrders):
        chances = 0.0 if process is Process.BG_NBD else 1.0
        negative: Callable[[Floats], tuple[float, Floats]] = at_orders_likelihood._Negative(
            patterns, 1, chances, 1.0, False
        )
        theta = np.log([model.r, model.alpha, model.a, model.b])
    else:
        assert isinstance(model, any_time.ParetoNbd)
        theta = np.log([model.r, model.alpha, model.s, model.beta])

        def negative(theta: Floats) -> tuple[float, Floats]:
            return any_time._negative(theta, patterns, 1.0, held=False)

    value, slope = negative(theta)
    assert np.abs(slope).max() < 1e-5 * value
    assert -value == pytest.approx(model.log_likelihood)
