"""The likelihood of buyers who may stop at each order, its exact gradient, and its maximum.

Given in which phase a living buyer is, everything is a power of `alpha + T`; the k phases are a short sum. What the
gaps between orders add for k > 1 is `(k - 1) * sum(log gap) - x * log((k - 1)!)`, which no other parameter meets, so
that the sum over all buyers is a sufficient statistic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln, psi

from revml.clv.likelihood import most_likely
from revml.clv.orders.processes.patterns import Patterns, by_count
from revml.clv.value import Floats

# Weak prior on (log r, log a - log b, (log a + log b) / 2): rates spread like an exponential, one order in ten is the
# last one and the last-order probability is known as from ten orders; standard deviation 1 each.
_PRIOR_MEAN = (0.0, -2.2, 1.1)
# So many patterns at a time stay in the processor's cache, and linear algebra does not share them out among threads.
BLOCK = 8_192


def branches(
    r: float, alpha: float, a: float, b: float, k: int, chances: float, x: Floats, t_x: Floats, T: Floats
) -> tuple[Floats, Floats]:
    """Logs of the two ways to have this history: still alive at T, or dropped out after the last order.

    Args:
        chances: 1 where the first order could be the last one, 0 where not.
    """
    levels, where = by_count(np.asarray(x))
    m = r + k * levels
    s = levels + chances
    whole = betaln(a, b)
    stays = (betaln(a, b + s) - whole)[where]
    stops = np.where(s > 0, betaln(a + 1, np.maximum(b + s - 1, 1e-300)) - whole, -np.inf)[where]
    sums = _phases(m[where], np.asarray(T - t_x, dtype=np.float64) / (alpha + T), k)[0].sum(axis=0) if k > 1 else 1.0
    alive = stays + np.log(sums) - m[where] * np.log(alpha + T)
    return np.asarray(alive), np.asarray(stops - m[where] * np.log(alpha + t_x))


def phase_weights(r: float, alpha: float, k: int, x: Floats, t_x: Floats, T: Floats) -> Floats:
    """(k, n) probability that a living buyer has let 0, 1, ... phases pass since the last order."""
    terms = _phases(r + k * np.asarray(x, dtype=np.float64), (T - t_x) / (alpha + T), k)[0]
    return np.asarray(terms / terms.sum(axis=0))


def _phases(m: Floats, silent: Floats, k: int) -> tuple[Floats, Floats]:
    """(k, n) terms `gamma(m + j) / gamma(m) / j! * silent ** j`, and their derivatives by m."""
    terms, slopes = np.ones((k, len(m))), np.zeros((k, len(m)))
    for j in range(k - 1):
        grow = silent / (j + 1)
        terms[j + 1] = terms[j] * (m + j) * grow
        slopes[j + 1] = (slopes[j] * (m + j) + terms[j]) * grow
    return terms, slopes


def likeliest(seen: Patterns, k: int, chances: float, *, held: bool) -> tuple[float, float, float, float]:
    """r, alpha, a, b of the highest likelihood for this k, or posterior under the weak prior where `held`."""
    scale = max(float(seen.counts @ seen.T / seen.buyers), 1e-6)
    rate = max(float(seen.counts @ seen.x / seen.buyers), 1e-3) * k
    starts = [np.log([r, r / rate, 10 * drop, 10 * (1 - drop)]) for r, drop in ((1.0, 0.1), (0.3, 0.3))]
    rough = seen.some()
    found = most_likely(
        _Negative(seen, k, chances, scale, held),
        starts,
        rough=None if rough is None else _Negative(rough, k, chances, scale, held),
    )
    r, alpha, a, b = (float(v) for v in found)
    return r, alpha * scale, a, b


def log_likelihood(
    r: float, alpha: float, a: float, b: float, k: int, chances: float, seen: Patterns, log_gaps: float
) -> float:
    """Log-likelihood of counted buyers; `log_gaps` is the sum of the logs of all weeks between orders."""
    value, _ = _Negative(seen, k, chances, 1.0, False)(np.log([r, alpha, a, b]))
    return (k - 1) * log_gaps - float(seen.counts @ seen.x * gammaln(k)) - value


class _Negative:
    """Negative log-likelihood and its gradient, of log parameters; time is in units of `scale`."""

    def __init__(self, seen: Patterns, k: int, chances: float, scale: float, held: bool) -> None:
        self.k, self.chances, self.held = k, chances, held
        self.levels, where = by_count(seen.x)
        self.at_level = np.bincount(where, weights=seen.counts)
        t_x, T = seen.t_x / scale, seen.T / scale
        parts = [slice(low, low + BLOCK) for low in range(0, len(where), BLOCK)]
        self.blocks = [(where[part], seen.counts[part], t_x[part], T[part]) for part in parts]

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        m, s, at_level = r + self.k * self.levels, self.levels + self.chances, self.at_level
        n, rest = at_level.sum(), b + s - 1.0
        # the same for all buyers with so many orders: to have stayed, and how much likelier that is than to stop
        stays = betaln(a, b + s) - betaln(a, b)
        odds = np.where(s > 0, np.log(np.maximum(rest, 1e-300)) - np.log(a), np.inf)
        value, of_r, of_alpha, not_sure = 0.0, 0.0, 0.0, np.zeros(len(m))
        for block in self.blocks:
            part, dead = _of_block(m, alpha, self.k, odds, *block)
            value, of_r, of_alpha = value + part[0], of_r + part[1], of_alpha + part[2]
            not_sure += dead
        value += at_level @ (stays + gammaln(m) - gammaln(r)) + n * r * np.log(alpha)
        of_r += at_level @ (psi(m) - psi(r)) + n * np.log(alpha)
        of_alpha += n * r / alpha
        both = psi(a + b) - psi(a + b + s)
        late = np.where(s > 0, psi(np.maximum(rest, 1e-300)), 0.0)
        of_a = at_level @ both + not_sure.sum() / a
        of_b = at_level @ (both - psi(b)) + (at_level - not_sure) @ psi(b + s) + not_sure @ late
        value, slope = -float(value), -np.array([r * of_r, alpha * of_alpha, a * of_a, b * of_b])
        if self.held:
            gaps = np.array([theta[0], theta[2] - theta[3], (theta[2] + theta[3]) / 2]) - np.array(_PRIOR_MEAN)
            value += float(gaps @ gaps) / 2
            slope += np.array([gaps[0], 0.0, gaps[1] + gaps[2] / 2, -gaps[1] + gaps[2] / 2])
        return value, slope


def _of_block(
    m: Floats,
    alpha: float,
    k: int,
    odds: Floats,
    where: npt.NDArray[np.intp],
    n: Floats,
    t_x: Floats,
    T: Floats,
) -> tuple[tuple[float, float, float], Floats]:
    """What differs between buyers of as many orders: value, slopes by r and alpha; and how many of each number stopped.

    Args:
        m: shape of the gamma, by number of orders.
        odds: log of how much likelier it was to stay than to stop, by number of orders.
    """
    shape, near, early = m[where], alpha + T, alpha + t_x
    longer, log_near = np.log(near / early), np.log(near)
    gap = odds[where] - shape * longer
    log_total, of_m, passed = 0.0, 0.0, 0.0
    if k > 1:
        terms, slopes = _phases(shape, (T - t_x) / near, k)
        total = terms.sum(axis=0)
        log_total, of_m, passed = np.log(total), slopes.sum(axis=0) / total, (np.arange(k) @ terms) / total
        gap += log_total
    small = np.exp(-np.abs(gap))
    dead = n * np.where(gap >= 0, small, 1.0) / (1.0 + small)
    alive = n - dead
    value = n @ (log_total - shape * log_near + np.log1p(small) + np.maximum(-gap, 0.0))
    of_r = alive @ (of_m - log_near) - dead @ (log_near - longer)
    of_alpha = -(alive @ ((shape + passed) / near) + dead @ (shape / early))
    stopped = np.bincount(where, weights=dead, minlength=len(m))
    return (float(value), float(of_r), float(of_alpha)), np.asarray(stopped, dtype=np.float64)
