"""Simulated revenue of accounts: when a contract is lost and what its MRR does until then; orders and their spend.

Comes in: what is expected (survival, revenue by month) and how single accounts scatter around it. Goes out: a `Draw`,
which gives (draws, accounts, months) of undiscounted revenue. The mean of what it draws from is the expected revenue of
every account and month, exactly; only how it scatters is added here. Nothing here reads data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from revml.clv.flows import Draw
from revml.clv.intervals.mrr_changes import Changes
from revml.clv.orders.processes.process import Lives, Process, PurchaseProcess
from revml.clv.value import MONTH_WEEKS, Floats

Float32s = npt.NDArray[np.float32]
# Orders a month beyond what the purchase process says are drawn up to this factor; the rest scales what they bring.
MOST_ORDERS = 20.0
# Above this mean a Poisson number is drawn by numpy, below it by inversion, which is several times faster there.
FEW = 4.0
MOST_COUNTED = 40
# So many numbers are drawn at once that they stay in the processor's cache.
PART = 32_768
RHYTHMIC = (Process.MBG_ERLANG,)


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


@dataclass(frozen=True)
class Habit:
    """Buyers who go on at their own pace, whatever the process says of them.

    Attributes:
        share: how likely a buyer is one of them.
        pace: (n,) orders a month.
        unsure: (months,) standard deviation of the log of what all buyers bring together, over what is expected.
    """

    share: float
    pace: Floats
    unsure: Floats


def order_draw(
    process: PurchaseProcess,
    x: Floats,
    t_x: Floats,
    T: Floats,
    *,
    revenue: Floats,
    spend: Floats,
    shape: float,
    known: Floats,
    habit: Habit | None = None,
) -> Draw:
    """Orders: a buyer's own rate, whether and when it drops out, orders by month, spend an order.

    Args:
        x, t_x, T: (n,) repeat purchases; weeks to the last one and to now.
        revenue: (n, months) expected, from whatever model: numbers of orders are scaled to it, or what they bring
            where orders keep a rhythm.
        spend: (n,) expected value of an order.
        shape: of the gamma that single orders of a buyer follow: one by the squared coefficient of variation.
        known: (n,) how many orders the buyer's mean is known from, its prior counted; infinite where all are alike.
        habit: in so many draws a buyer does not live by the process, unless that keeps a rhythm.
    """
    ends: Floats = np.arange(1, revenue.shape[1] + 1) * MONTH_WEEKS

    def draw(accounts: slice, rng: np.random.Generator, draws: int) -> Float32s:
        history = x[accounts], t_x[accounts], T[accounts]
        expected, each = revenue[accounts], spend[accounts, None]
        own = np.diff(process.expected_orders(*history, ends), axis=1, prepend=0.0) * each
        if habit is not None and process.process not in RHYTHMIC:
            own = (1 - habit.share) * own + habit.share * habit.pace[accounts, None] * each
        factor = np.divide(expected, own, out=np.zeros_like(expected), where=own > 0)
        if process.process in RHYTHMIC:
            more = np.ones_like(factor)
            out = process.simulate(*history, ends, rng, draws).astype(np.float32)
        else:
            more = np.clip(factor, 0.0, MOST_ORDERS)
            lives = process.posterior_draw(*history, rng, draws)
            if habit is not None:
                lives = _going_on(lives, habit.share, habit.pace[accounts], x[accounts], rng)
            out = _orders(lives, more.astype(np.float32), rng)
        _spent(out, shape, rng)
        out *= own_mean(known[accounts], shape, rng, draws)[:, :, None]
        out *= (np.divide(factor, more, out=np.zeros_like(factor), where=more > 0) * each).astype(np.float32)[None]
        out += np.where(own > 0, 0.0, expected).astype(np.float32)[None]
        if habit is not None:
            unsure = habit.unsure.astype(np.float32)
            out *= np.exp(rng.standard_normal((draws, 1, 1), dtype=np.float32) * unsure - unsure**2 / 2)
        return out

    return draw


def _going_on(lives: Lives, share: float, pace: Floats, x: Floats, rng: np.random.Generator) -> Lives:
    """In that share of the draws the buyer never leaves and orders at its pace, known as far as its orders tell it."""
    which = rng.random(lives.rate.shape, dtype=np.float32) < share
    rate = np.broadcast_to(pace / MONTH_WEEKS, which.shape) * (rng.standard_gamma(x + 1.0, which.shape) / (x + 1.0))
    return replace(
        lives,
        rate=np.where(which, rate, lives.rate),
        alive=lives.alive | which,
        left=np.where(which, np.inf, lives.left),
    )


def _orders(lives: Lives, factor: Float32s, rng: np.random.Generator) -> Float32s:
    """(draws, rows, months) numbers of orders: those that are not the last one, and the last one where it falls.

    `factor` (rows, months) scales both, so that their mean scales and a factor of one is the process itself.
    """
    rows, months = factor.shape
    starts = np.arange(months, dtype=np.float32)
    left = np.where(lives.alive, lives.left, 0.0) / MONTH_WEEKS
    monthly = np.broadcast_to(lives.rate * MONTH_WEEKS, left.shape).astype(np.float32)
    rate = np.minimum(left, months + 1.0).astype(np.float32)[:, :, None] - starts
    np.clip(rate, 0.0, 1.0, out=rate)
    rate *= monthly[:, :, None]
    rate *= factor[None]
    counts = poisson(rate, rng)
    if lives.ends_with_order:
        at = np.flatnonzero((left > 0) & (left < months))
        month = left.ravel()[at].astype(np.int64)
        # a factor of 2.3 makes two of it, and a third one three times in ten
        copies = np.floor(factor[at % rows, month] + rng.random(len(at), dtype=np.float32))
        counts.reshape(-1, months)[at, month] += copies
    return counts


def _spent(counts: Float32s, shape: float, rng: np.random.Generator) -> None:
    """What so many orders of mean one bring together, in place; with an infinite shape all are alike."""
    if not np.isfinite(shape):
        return
    flat = counts.reshape(-1)
    for start in range(0, len(flat), PART):
        part = flat[start : start + PART]
        some = np.flatnonzero(part > 0)
        part[some] = rng.standard_gamma(part[some] * np.float32(shape), dtype=np.float32) / np.float32(shape)


def own_mean(known: Floats, shape: float, rng: np.random.Generator, draws: int) -> Float32s:
    """(draws, n) a buyer's own mean over its expectation: inverse gamma with mean one, as Gamma-Gamma has it."""
    out = np.ones((draws, len(known)), dtype=np.float32)
    unsure = np.isfinite(known)
    if unsure.any() and np.isfinite(shape):
        q = np.broadcast_to(shape * known[unsure] + 1.0, (draws, int(unsure.sum())))
        out[:, unsure] = (q - 1.0) / rng.standard_gamma(q)
    return out


def poisson(rate: Float32s, rng: np.random.Generator) -> Float32s:
    """Poisson numbers of the same shape: by inversion, and by numpy where the mean is large."""
    flat = rate.reshape(-1)
    out = np.empty(flat.shape, dtype=np.float32)
    for start in range(0, len(flat), PART):
        part = flat[start : start + PART]
        mean = np.minimum(part, np.float32(FEW))
        term = np.exp(-mean)
        left = rng.random(part.shape, dtype=np.float32)
        left -= term
        more = left > 0
        counts = more.view(np.uint8).copy()
        number = 0
        while number < MOST_COUNTED and more.any():
            number += 1
            term *= mean
            term *= np.float32(1.0 / number)
            left -= term
            np.greater(left, 0, out=more)
            counts += more.view(np.uint8)
        out[start : start + PART] = counts
    if (large := np.flatnonzero(flat > FEW)).size:
        out[large] = rng.poisson(flat[large])
    return out.reshape(rate.shape)


def evenly(n: int, rng: np.random.Generator, draws: int) -> Float32s:
    """(draws, n) uniform numbers, one in each of `draws` equal parts of (0, 1) by account, in random order."""
    part = rng.random((n, draws), dtype=np.float32).argsort(axis=1).astype(np.float32)
    part += rng.random((n, draws), dtype=np.float32)
    part /= draws
    return np.ascontiguousarray(part.T)
