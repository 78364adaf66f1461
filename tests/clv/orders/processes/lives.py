"""Fitted processes of known parameters, buyers of every kind, and lives lived by a process."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from revml.clv.orders.fitting import ParetoNbd, Process, PurchaseProcess, StopsAtOrders
from revml.clv.value import Floats

Rows = tuple[Floats, Floats, Floats]

BG = StopsAtOrders(Process.BG_NBD, r=0.24, alpha=4.4, a=0.79, b=2.43)
MBG = StopsAtOrders(Process.MBG_NBD, r=0.52, alpha=6.2, a=1.3, b=1.6)
RHYTHM = StopsAtOrders(Process.MBG_ERLANG, r=0.9, alpha=2.5, a=0.8, b=4.0, k=3)
PARETO = ParetoNbd(r=0.55, alpha=10.6, s=0.61, beta=11.7)
MODELS: list[PurchaseProcess] = [BG, MBG, RHYTHM, PARETO]

buyers = st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1), st.floats(2, 200)), min_size=1, max_size=8).map(
    lambda rows: tuple(np.array(v) for v in zip(*((x, 0.0 if x == 0 else u * T, T) for x, u, T in rows), strict=True))
)


def lived(
    n: int, *, shape: float, mean_weeks: float, k: int, stop: tuple[float, float], ahead: float, seed: int
) -> tuple[Floats, ...]:
    """x, t_x, T, log_gaps, and orders within `ahead` weeks after T, of buyers who may stop at each order.

    Args:
        shape: of the gamma of rates across buyers; its mean is an order in `mean_weeks / shape`.
        k: phases an order.
        stop: of the beta of the probability that an order is the last one, the first one too.
    """
    rng = np.random.default_rng(seed)
    rates, stops = rng.gamma(shape, k / mean_weeks, n), rng.beta(*stop, n)
    T = rng.uniform(40, 90, n)
    x, t_x, log_gaps, after = (np.zeros(n) for _ in range(4))
    for i in range(n):
        now, alive = 0.0, rng.random() >= stops[i]
        while alive:
            gap = rng.gamma(k, 1 / rates[i])
            now += gap
            if now > T[i] + ahead:
                break
            if now > T[i]:
                after[i] += 1
            else:
                x[i], t_x[i], log_gaps[i] = x[i] + 1, now, log_gaps[i] + np.log(gap)
            alive = rng.random() >= stops[i]
    return x, t_x, T, log_gaps, after


def living(n: int, model: ParetoNbd, *, weeks: float, seed: int) -> tuple[Floats, Floats, Floats]:
    """x, t_x and T of buyers who may stop at any time."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(weeks / 2, weeks, n)
    rate, stop = rng.gamma(model.r, 1 / model.alpha, n), rng.gamma(model.s, 1 / model.beta, n)
    life = np.minimum(rng.exponential(1 / stop), T)
    x = rng.poisson(rate * life).astype(float)
    return x, np.where(x > 0, life * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0), T
