"""Simulated revenue of accounts: when a contract is lost and what its MRR does until then; orders and their spend.

Comes in: what is expected (survival, revenue by month) and how single accounts scatter around it. Goes out: a `Draw`,
which gives (draws, accounts, months) of undiscounted revenue. The mean of what it draws from is the expected revenue of
every account and month, exactly; only how it scatters is added here. Nothing here reads data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from revml.clv.flows import Draw
from revml.clv.mrr_changes import Changes
from revml.clv.value import MONTH_WEEKS, Floats

Float32s = npt.NDArray[np.float32]
# Orders a month beyond what the purchase process says are drawn up to this factor; the rest scales what they bring.
MOST_ORDERS = 20.0
# Above this mean a Poisson number is drawn by numpy, below it by inversion, which is several times faster there.
FEW = 8.0


class Buying(Protocol):
    """A fitted purchase process, as far as it is simulated; rates are a week."""

    @property
    def r(self) -> float:
        """Shape of the gamma of order rates across buyers."""

    @property
    def alpha(self) -> float:
        """Its rate, in weeks."""

    @property
    def a(self) -> float:
        """First parameter of the beta of the probability that an order is the last one."""

    @property
    def b(self) -> float:
        """Its second parameter."""

    def p_alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """(n,) probability that a buyer has not dropped out by T."""

    def expected_orders(self, x: Floats, t_x: Floats, T: Floats, ahead: Floats) -> Floats:
        """(n, m) expected orders within each of `ahead` (m,) weeks after T."""

    def _survived(self, x: Floats) -> Floats:
        """How many chances to drop out a living buyer has let pass."""


def contract_draw(
    survival: Floats, revenue: Floats, changes: Callable[[], tuple[Changes, npt.NDArray[np.int64]]]
) -> Draw:
    """Contracts: the month of the loss by the account's own survival, MRR until then by what survivors' MRR did.

    Args:
        survival: (n, months).
        revenue: (n, months) expected.
        changes: gives past changes of MRR, and (n,) the cell of each account; asked when something is drawn.
    """
    asked = cache(changes)

    def draw(accounts: slice, rng: np.random.Generator, draws: int) -> Float32s:
        past, cell = asked()
        alive = survival[accounts].astype(np.float32)
        n, months = alive.shape
        expected = np.divide(revenue[accounts], alive, out=np.zeros((n, months)), where=alive > 0)
        out = past.draw(cell[accounts], months, rng, draws)
        out *= expected.astype(np.float32)[None]
        # a draw of which the survival is exactly as likely as it should be: evenly spread, in random order
        out *= evenly(n, rng, draws)[:, :, None] < alive[None]
        return out

    return draw


def order_draw(
    process: Buying,
    x: Floats,
    t_x: Floats,
    T: Floats,
    *,
    revenue: Floats,
    spend: Floats,
    shape: float,
    known: Floats,
) -> Draw:
    """Orders: a buyer's own rate, whether and when it drops out, orders by month, spend an order.

    Args:
        x, t_x, T: (n,) repeat purchases; weeks to the last one and to now.
        revenue: (n, months) expected, from whatever model: numbers of orders are scaled to it.
        spend: (n,) expected value of an order.
        shape: of the gamma that single orders of a buyer follow: one by the squared coefficient of variation.
        known: (n,) how many orders the buyer's mean is known from, its prior counted; infinite where all are alike.
    """
    months = revenue.shape[1]
    ends: Floats = np.linspace(1.0, months, months) * MONTH_WEEKS

    def draw(accounts: slice, rng: np.random.Generator, draws: int) -> Float32s:
        history = x[accounts], t_x[accounts], T[accounts]
        expected, each = revenue[accounts], spend[accounts, None]
        own = np.diff(process.expected_orders(*history, ends), axis=1, prepend=0.0) * each
        factor = np.divide(expected, own, out=np.zeros_like(expected), where=own > 0)
        more = np.clip(factor, 0.0, MOST_ORDERS)
        worth = np.divide(factor, more, out=np.zeros_like(factor), where=more > 0) * each
        rest = np.where(own > 0, 0.0, expected)
        size = draws, len(expected)
        rate = rng.standard_gamma(np.broadcast_to(process.r + history[0], size)) / (process.alpha + history[2])
        leave = rng.beta(process.a, np.broadcast_to(process.b + process._survived(history[0]), size))
        alive = evenly(size[1], rng, draws) < process.p_alive(*history)[None]
        lasts = rng.standard_exponential(size) / np.maximum(rate * leave * MONTH_WEEKS, 1e-12)
        monthly = (rate * MONTH_WEEKS).astype(np.float32)
        out = _orders(np.where(alive, lasts, 0.0), monthly, leave.astype(np.float32), more.astype(np.float32), rng)
        out = _spent(out, shape, rng)
        out *= own_mean(known[accounts], shape, rng, draws)[:, :, None]
        out *= worth.astype(np.float32)[None]
        out += rest.astype(np.float32)[None]
        return out

    return draw


def _orders(
    ends_at: Floats, monthly: Float32s, leave: Float32s, factor: Float32s, rng: np.random.Generator
) -> Float32s:
    """(draws, rows, months) numbers of orders: those that are not the last one, and the last one where it falls.

    Orders that end a relation come at the rate `monthly * leave`, all others at `monthly * (1 - leave)`, independently;
    `factor` scales both, so that their mean scales and a factor of one is the process itself.
    """
    months = factor.shape[1]
    starts = np.arange(months, dtype=np.float32)
    end = np.minimum(ends_at, months + 1.0).astype(np.float32)
    spent_there = np.clip(end[:, :, None] - starts, 0.0, 1.0)
    extra = np.maximum(factor - 1.0, 0.0)
    rate = factor[None] * (1 - leave)[:, :, None]
    rate += extra[None] * leave[:, :, None]
    rate *= monthly[:, :, None]
    rate *= spent_there
    counts = poisson(rate, rng)
    at = np.flatnonzero((ends_at > 0) & (ends_at < months))
    month = ends_at.ravel()[at].astype(np.int64)
    kept = rng.random(len(at), dtype=np.float32) < np.minimum(factor, 1.0)[at % ends_at.shape[1], month]
    counts.reshape(-1, months)[at[kept], month[kept]] += 1
    return counts


def _spent(counts: Float32s, shape: float, rng: np.random.Generator) -> Float32s:
    """What so many orders of mean one bring together, in place."""
    if not np.isfinite(shape):
        return counts
    flat = counts.reshape(-1)
    some = np.flatnonzero(flat)
    flat[some] = rng.standard_gamma(flat[some] * np.float32(shape), dtype=np.float32) / np.float32(shape)
    return counts


def own_mean(known: Floats, shape: float, rng: np.random.Generator, draws: int) -> Float32s:
    """(draws, n) a buyer's own mean over its expectation: inverse gamma with mean one, as Gamma-Gamma has it."""
    out = np.ones((draws, len(known)), dtype=np.float32)
    unsure = np.isfinite(known)
    if unsure.any() and np.isfinite(shape):
        q = np.broadcast_to(shape * known[unsure] + 1.0, (draws, int(unsure.sum())))
        out[:, unsure] = (q - 1.0) / rng.standard_gamma(q)
    return out


def poisson(rate: Float32s, rng: np.random.Generator) -> Float32s:
    """Poisson numbers, by inversion where the mean is small."""
    flat = rate.reshape(-1)
    out = np.zeros(flat.shape, dtype=np.float32)
    u = rng.random(flat.shape, dtype=np.float32)
    at = np.flatnonzero(u < -np.expm1(-flat))
    if (large := np.flatnonzero(flat > FEW)).size:
        out[large] = rng.poisson(flat[large])
        at = at[flat[at] <= FEW]
    # u is the chance of more than so many: what is left of it falls with each order
    mean = flat[at].astype(np.float64)
    term = np.exp(-mean)
    left, number = (1.0 - u[at]) - term, 0
    while len(at):
        number += 1
        out[at] = number
        term = term * mean / number
        left = left - term
        on = left > 0
        at, mean, term, left = at[on], mean[on], term[on], left[on]
        if number > 100:
            break
    return out.reshape(rate.shape)


def evenly(n: int, rng: np.random.Generator, draws: int) -> Float32s:
    """(draws, n) uniform numbers, one in each of `draws` equal parts of (0, 1) by account, in random order."""
    part = rng.random((n, draws), dtype=np.float32).argsort(axis=1).astype(np.float32)
    part += rng.random((n, draws), dtype=np.float32)
    part /= draws
    return np.ascontiguousarray(part.T)
