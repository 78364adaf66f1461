"""The likelihood of buyers who may stop at each order, its exact gradient, and its maximum.

Given in which phase a living buyer is, everything is a power of `alpha + T`; the k phases are a short sum. What the
gaps between orders add for k > 1 is `(k - 1) * sum(log gap) - x * log((k - 1)!)`, which no other parameter meets, so
that the sum over all buyers is a sufficient statistic.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, expit, gammaln, psi

from revml.clv.likelihood import most_likely
from revml.clv.processes.patterns import Patterns
from revml.clv.value import Floats

# Weak prior on (log r, log a - log b, (log a + log b) / 2): rates spread like an exponential, one order in ten is the
# last one and the last-order probability is known as from ten orders; standard deviation 1 each.
_PRIOR_MEAN = (0.0, -2.2, 1.1)


def branches(
    r: float, alpha: float, a: float, b: float, k: int, chances: float, x: Floats, t_x: Floats, T: Floats
) -> tuple[Floats, Floats]:
    """Logs of the two ways to have this history: still alive at T, or dropped out after the last order.

    Args:
        chances: 1 where the first order could be the last one, 0 where not.
    """
    levels, where = np.unique(np.asarray(x, dtype=np.float64), return_inverse=True)
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
    alive, dead = branches(r, alpha, a, b, k, chances, seen.x, seen.t_x, seen.T)
    start = gammaln(r + k * seen.x) - gammaln(r) + r * np.log(alpha) - seen.x * gammaln(k)
    return float(seen.counts @ (start + np.logaddexp(alive, dead))) + (k - 1) * log_gaps


class _Negative:
    """Negative log-likelihood and its gradient, of log parameters; time is in units of `scale`."""

    def __init__(self, seen: Patterns, k: int, chances: float, scale: float, held: bool) -> None:
        self.n, self.k, self.chances, self.held = seen.counts, k, chances, held
        self.t_x, self.T = seen.t_x / scale, seen.T / scale
        self.silent = self.T - self.t_x
        self.levels, self.where = np.unique(seen.x, return_inverse=True)
        self.at_level = np.bincount(self.where, weights=self.n)

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        k, n, where, levels = self.k, self.n, self.where, self.levels
        m, s = r + k * levels, levels + self.chances
        shape = m[where]
        near, early = alpha + self.T, alpha + self.t_x
        log_near, log_early = np.log(near), np.log(early)
        # by level: what is the same for all buyers with so many orders
        whole = betaln(a, b)
        stays = betaln(a, b + s) - whole
        stops = np.where(s > 0, betaln(a + 1, np.maximum(b + s - 1, 1e-300)) - whole, -np.inf)
        alive, dead = stays[where] - shape * log_near, stops[where] - shape * log_early
        of_r, of_alpha = -log_near, -shape / near
        if k > 1:
            terms, slopes = _phases(shape, self.silent / near, k)
            total = terms.sum(axis=0)
            alive = alive + np.log(total)
            of_r = of_r + slopes.sum(axis=0) / total
            of_alpha = of_alpha - (np.arange(k) @ terms) / total / near
        gap = alive - dead
        w = expit(gap)
        start = gammaln(m) - gammaln(r)
        value = -float(n @ (alive + np.log1p(np.exp(-np.abs(gap))) + np.maximum(-gap, 0.0)) + self.at_level @ start)
        value -= float(n.sum() * r * np.log(alpha))
        sure, not_sure = np.bincount(where, weights=n * w), np.bincount(where, weights=n * (1 - w))
        both = psi(a + b) - psi(a + b + s)
        late = np.where(s > 0, psi(np.maximum(b + s - 1, 1e-300)), 0.0)
        slope = np.array(
            [
                n @ (w * of_r - (1 - w) * log_early) + self.at_level @ (psi(m) - psi(r)) + n.sum() * np.log(alpha),
                n @ (w * of_alpha - (1 - w) * shape / early) + n.sum() * r / alpha,
                sure.sum() * psi(a) + not_sure.sum() * psi(a + 1) + self.at_level @ (both - psi(a)),
                sure @ psi(b + s) + not_sure @ late + self.at_level @ (both - psi(b)),
            ]
        )
        slope *= -np.array([r, alpha, a, b])
        if self.held:
            gaps = np.array([theta[0], theta[2] - theta[3], (theta[2] + theta[3]) / 2]) - np.array(_PRIOR_MEAN)
            value += float(gaps @ gaps) / 2
            slope += np.array([gaps[0], 0.0, gaps[1] + gaps[2] / 2, -gaps[1] + gaps[2] / 2])
        return value, slope
