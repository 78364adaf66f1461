"""Pareto/NBD (Schmittlein, Morrison and Colombo 1987): a buyer orders at a constant rate and may stop at any time.

Order rates are gamma(r, alpha) across buyers, rates of stopping gamma(s, beta). The one integral that has no elementary
form, over the time of death, is taken by quadrature (`quadrature.decay`) in place of hypergeometric functions, which
lose their digits for heavy buyers; its derivatives are means under the same weights, so that the gradient is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit, exprel, gammaln, psi

from revml.clv.likelihood import most_likely
from revml.clv.orders.processes.chunks import by_pattern
from revml.clv.orders.processes.patterns import Patterns
from revml.clv.orders.processes.process import Lives, Process
from revml.clv.orders.processes.quadrature import NODES, decay
from revml.clv.value import Floats

# Weak prior on (log r, log s, log of the part that stops within a mean age): order rates and rates of stopping spread
# like an exponential, one in three stops within a mean age; standard deviation 1 each.
_PRIOR_MEAN = (0.0, 0.0, -1.0)
# So many patterns at a time, times the nodes of the quadrature, stay in the processor's cache.
BLOCK = 1_024


@dataclass(frozen=True)
class ParetoNbd:
    """A fitted Pareto/NBD; rates are a week, other words are those of `PurchaseProcess`.

    Attributes:
        r, alpha: gamma of the order rate (mean `r / alpha` a week).
        s, beta: gamma of the rate of stopping (mean `s / beta` a week).
    """

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float = float("nan")
    buyers: int = 0
    patterns: int = 0
    held: bool = False
    process: Process = Process.PARETO_NBD

    def p_alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """(n,) probability that a buyer has not dropped out by T."""
        given = np.array([self.r, self.alpha, self.s, self.beta])

        def living(x: Floats, T: Floats, t_x: Floats) -> Floats:
            alive, dead, _, _ = _branches(given, x, t_x, T)
            return np.asarray(expit(alive - dead))

        answers, where = by_pattern(living, x, T, t_x, each=NODES)
        return answers[where]

    def expected_orders(self, x: Floats, t_x: Floats, T: Floats, ahead: Floats) -> Floats:
        """(n, m) expected orders within each of `ahead` (m,) weeks after T."""
        rate = self.p_alive(x, t_x, T) * (self.r + x) / (self.alpha + T)
        far = np.log1p(ahead[None, :] / (self.beta + T)[:, None])
        return np.asarray((rate * (self.beta + T))[:, None] * far * exprel((1.0 - self.s) * far))

    def p_order(self, x: Floats, t_x: Floats, T: Floats, start: Floats, end: Floats) -> Floats:
        """(n, m) probability of at least one order in `(start, end]` weeks after T; both (m,)."""

        def living(x: Floats, T: Floats, _: Floats) -> Floats:
            m, a, b = self.r + x[:, None], self.alpha + T[:, None], self.beta + T[:, None]
            reached = np.exp(-self.s * np.log1p(start / b))
            within = decay(m + 1.0, a, self.s, b + start, np.broadcast_to(end - start, (len(x), len(end))))[0]
            return np.asarray(np.clip(m / a * within, 0.0, 1.0) * reached)

        answers, where = by_pattern(living, x, T, each=NODES * len(end))
        return self.p_alive(x, t_x, T)[:, None] * answers[where]

    def posterior_draw(self, x: Floats, t_x: Floats, T: Floats, rng: np.random.Generator, draws: int) -> Lives:
        """Drawn rates and remaining lives, given what each buyer did."""
        size = draws, len(x)
        alive = rng.random(size) < self.p_alive(x, t_x, T)
        rate = rng.standard_gamma(np.broadcast_to(self.r + x, size)) / (self.alpha + T)
        stop = rng.standard_gamma(self.s, size) / (self.beta + T)
        left = rng.standard_exponential(size) / np.maximum(stop, 1e-12)
        return Lives(rate, alive, np.where(alive, left, 0.0), ends_with_order=False)

    def simulate(
        self, x: Floats, t_x: Floats, T: Floats, ends: Floats, rng: np.random.Generator, draws: int
    ) -> npt.NDArray[np.int32]:
        """(draws, n, m) orders in each span `(ends[k - 1], ends[k]]` weeks after T, the first one from T on."""
        lives = self.posterior_draw(x, t_x, T, rng, draws)
        rate, left = lives.rate.reshape(-1), lives.left.reshape(-1)
        out = np.zeros((len(left), len(ends)), dtype=np.int32)
        going, before = np.flatnonzero(left > 0), 0.0
        for span, end in enumerate(ends):
            out[going, span] = rng.poisson(rate[going] * (np.minimum(left[going], end) - before))
            going, before = going[left[going] > end], float(end)
        return out.reshape(draws, len(x), len(ends))


def fit_any_time(seen: Patterns, *, held: bool) -> ParetoNbd:
    """The most likely Pareto/NBD, or the maximum of the posterior under the weak prior where `held`."""
    scale = max(float(seen.counts @ seen.T / seen.buyers), 1e-6)
    rate = max(float(seen.counts @ seen.x / seen.buyers), 1e-3)

    starts = [np.log([r, r / rate, s, s / stops]) for r, s, stops in ((0.6, 0.6, 0.5), (1.5, 2.0, 0.2))]
    rough = seen.some()
    found = most_likely(
        lambda theta: _negative(theta, seen, scale, held=held),
        starts,
        rough=None if rough is None else lambda theta: _negative(theta, rough, scale, held=held),
    )
    r, alpha, s, beta = (float(v) for v in found * np.array([1.0, scale, 1.0, scale]))
    fitted = ParetoNbd(r, alpha, s, beta, buyers=int(seen.buyers), patterns=len(seen.x), held=held)
    return replace(fitted, log_likelihood=log_likelihood(fitted, seen))


def log_likelihood(model: ParetoNbd, seen: Patterns) -> float:
    """Log-likelihood of counted buyers."""
    return -_negative(np.log([model.r, model.alpha, model.s, model.beta]), seen, 1.0, held=False)[0]


def _negative(theta: Floats, seen: Patterns, scale: float, *, held: bool) -> tuple[float, Floats]:
    r, alpha, s, beta = given = np.exp(theta)
    total = seen.buyers
    whole = np.array([total * np.log(alpha), total * r / alpha, total * np.log(beta), total * s / beta])
    value = -float(total * (r * np.log(alpha) + s * np.log(beta)))
    for low in range(0, len(seen.x), BLOCK):
        rows = slice(low, low + BLOCK)
        x, n = seen.x[rows], seen.counts[rows]
        alive, dead, of_alive, of_dead = _branches(given, x, seen.t_x[rows] / scale, seen.T[rows] / scale)
        w = expit(alive - dead)
        value -= float(n @ (gammaln(r + x) - gammaln(r) + np.logaddexp(alive, dead)))
        whole[0] += n @ (psi(r + x) - psi(r))
        whole += np.where(w < 1.0, w * of_alive + (1 - w) * of_dead, of_alive) @ n
    slope = -given * whole
    if held:
        gaps = np.array([theta[0], theta[2], theta[2] - theta[3]]) - np.array(_PRIOR_MEAN)
        value += float(gaps @ gaps) / 2
        slope += np.array([gaps[0], 0.0, gaps[1] + gaps[2], -gaps[2]])
    return value, slope


def _branches(given: Floats, x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Logs of the two ways to have this history (alive at T; stopped since the last order) and their gradients."""
    r, alpha, s, beta = given
    m = r + np.asarray(x, dtype=np.float64)
    near, far, early, late = alpha + T, beta + T, alpha + t_x, beta + t_x
    alive = -m * np.log(near) - s * np.log(far)
    of_alive = np.array([-np.log(near), -m / near, -np.log(far), -s / far])
    whole, v, grown, aged, share = decay(m, early, s + 1.0, late, np.asarray(T - t_x, dtype=np.float64))
    with np.errstate(divide="ignore"):
        log_whole = np.log(whole)
    dead = np.log(s) - m * np.log(early) - (s + 1.0) * np.log(late) + log_whole
    of_dead = np.array(
        [
            -np.log(early) - (share * grown).sum(axis=0),
            -m * (share / (early + v)).sum(axis=0),
            1.0 / s - np.log(late) - (share * aged).sum(axis=0),
            -(s + 1.0) * (share / (late + v)).sum(axis=0),
        ]
    )
    return alive, dead, of_alive, of_dead
