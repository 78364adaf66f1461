"""How often a repeat buyer orders: BG/NBD and MBG/NBD by maximum likelihood.

While alive a buyer orders at a constant rate (gamma across buyers), and after each order drops out with a probability
(beta across buyers). In BG/NBD (Fader, Hardie and Lee 2005) nobody can drop out before the first repeat; in MBG/NBD
(Batislam, Denizel and Filiztekin 2007; Hoppe and Wagner 2007) already after the first order. Time is in weeks. Comes
in: x, t_x and T by buyer. Goes out: `PurchaseProcess`, whose forecasts integrate over the dropout probability by
Gauss-Jacobi quadrature, so that every quantity is one integrand and none loses its digits for heavy buyers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal
from scipy.special import betaln, expit, gammaln, psi

from revml.clv.likelihood import most_likely
from revml.clv.value import Floats

NODES = 48
CHUNK = 4096
# Below these the likelihood is flat in some direction and a weak prior holds it.
MIN_BUYERS = 50
MIN_REPEATERS = 20
# Weak prior on (log r, log a - log b, (log a + log b) / 2): rates spread like an exponential, one order in ten is the
# last one and the last-order probability is known as from ten orders; standard deviation 1 each.
_PRIOR_MEAN = (0.0, -2.2, 1.1)


# An integrand (p, weeks, shape, rate) -> value, all broadcast to (rows, weeks).
_Inner = Callable[[Floats, Floats, Floats, Floats], Floats]


class Process(StrEnum):
    """Which dropout story is told."""

    BG_NBD = "bg_nbd"
    MBG_NBD = "mbg_nbd"


@dataclass(frozen=True)
class PurchaseProcess:
    """A fitted process; rates are a week.

    Attributes:
        r, alpha: gamma of the order rate (mean `r / alpha` a week).
        a, b: beta of the probability that an order is the last one.
        log_likelihood: at the estimate.
        buyers, patterns: how many buyers, and how many different (x, t_x, T) were counted among them.
        held: whether the weak prior of small populations was used.
    """

    process: Process
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")
    buyers: int = 0
    patterns: int = 0
    held: bool = False

    def _survived(self, x: Floats) -> Floats:
        """How many chances to drop out a living buyer has let pass."""
        return x + 1.0 if self.process is Process.MBG_NBD else np.asarray(x, dtype=np.float64)

    def p_alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """(n,) probability that a buyer has not dropped out by T."""
        alive, dead = _branches(self.process, self.r, self.alpha, self.a, self.b, x, t_x, T)
        return np.asarray(expit(alive - dead))

    def expected_orders(self, x: Floats, t_x: Floats, T: Floats, ahead: Floats) -> Floats:
        """(n, m) expected orders within each of `ahead` (m,) weeks after T."""

        def inner(p: Floats, weeks: Floats, shape: Floats, rate: Floats) -> Floats:
            return np.asarray(-np.expm1(-shape * np.log1p(p * weeks / rate)) / p)

        return self._integrate(x, t_x, T, ahead, inner)

    def p_order(self, x: Floats, t_x: Floats, T: Floats, start: Floats, end: Floats) -> Floats:
        """(n, m) probability of at least one order in `(start, end]` weeks after T; both (m,).

        This, and not `p_alive`, is what to act on: who is alive but orders once in five years will not order.
        """
        span = end - start

        def inner(p: Floats, weeks: Floats, shape: Floats, rate: Floats) -> Floats:
            near = np.log1p(p * weeks / rate)
            far = np.log1p((p * weeks + span) / rate)
            return np.asarray(np.exp(-shape * near) - np.exp(-shape * far))

        return self._integrate(x, t_x, T, start, inner)

    def _integrate(self, x: Floats, t_x: Floats, T: Floats, weeks: Floats, inner: _Inner) -> Floats:
        alive = self.p_alive(x, t_x, T)
        levels, where = np.unique(x, return_inverse=True)
        rules = [_jacobi(self.a, float(b)) for b in self.b + self._survived(levels)]
        nodes, weights = np.array([p for p, _ in rules]), np.array([w for _, w in rules])
        out = np.empty((len(x), len(weeks)))
        for low in range(0, len(x), CHUNK):
            rows = slice(low, low + CHUNK)
            at = where[rows]
            shape, rate = (self.r + x[rows])[:, None], (self.alpha + T[rows])[:, None]
            total = np.zeros((len(at), len(weeks)))
            for j in range(NODES):
                total += weights[at, j, None] * inner(nodes[at, j, None], weeks[None, :], shape, rate)
            out[rows] = alive[rows, None] * total
        return out


def fit_process(
    x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, *, process: Process = Process.MBG_NBD
) -> PurchaseProcess:
    """Maximum likelihood on counted patterns of (x, t_x, T), with the exact gradient.

    Args:
        x: (n,) repeat purchases.
        t_x: (n,) weeks from the first purchase to the last, 0 where x is 0.
        T: (n,) weeks from the first purchase to now.

    With fewer than `MIN_BUYERS` buyers or `MIN_REPEATERS` who came back, the maximum of the posterior under a weak
    prior is taken in its place, and `held` says so.
    """
    rows = np.column_stack([np.asarray(v, dtype=np.float64) for v in (x, t_x, T)])
    patterns, counts = np.unique(rows, axis=0, return_counts=True)
    xs, ts, Ts = patterns.T
    n = counts.astype(float)
    held = n.sum() < MIN_BUYERS or n[xs > 0].sum() < MIN_REPEATERS
    scale = max(float(n @ Ts / n.sum()), 1e-6)
    levels, where = np.unique(xs, return_inverse=True)
    offset = 1.0 if process is Process.MBG_NBD else 0.0

    def negative(theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        alive, dead = _branches(process, r, alpha, a, b, xs, ts / scale, Ts / scale)
        start = (gammaln(r + levels) - gammaln(r))[where] + r * np.log(alpha)
        value = -float(n @ (start + np.logaddexp(alive, dead)))
        w = expit(alive - dead)
        s = levels + offset
        both = psi(a + b + s)
        late = np.where(s > 0, psi(np.maximum(b + s - 1, 1e-300)), 0.0)
        log_T, log_t = np.log(alpha + Ts / scale), np.log(alpha + ts / scale)
        of_r = (psi(r + levels) - psi(r))[where] + np.log(alpha) - w * log_T - (1 - w) * log_t
        of_alpha = r / alpha - (r + xs) * (w / np.exp(log_T) + (1 - w) / np.exp(log_t))
        of_a = w * psi(a) + (1 - w) * psi(a + 1) - both[where] - psi(a) + psi(a + b)
        of_b = w * psi(b + s)[where] + (1 - w) * late[where] - both[where] - psi(b) + psi(a + b)
        slope = -np.exp(theta) * np.array([n @ of_r, n @ of_alpha, n @ of_a, n @ of_b])
        if held:
            gaps = np.array([theta[0], theta[2] - theta[3], (theta[2] + theta[3]) / 2]) - np.array(_PRIOR_MEAN)
            value += float(gaps @ gaps) / 2
            slope += np.array([gaps[0], 0.0, gaps[1] + gaps[2] / 2, -gaps[1] + gaps[2] / 2])
        return value, slope

    rate = max(float(n @ xs / n.sum()), 1e-3)
    starts = [np.log([r, r / rate, 10 * drop, 10 * (1 - drop)]) for r, drop in ((1.0, 0.1), (0.3, 0.3))]
    r, alpha, a, b = (float(v) for v in most_likely(negative, starts))
    fitted = PurchaseProcess(process, r, alpha * scale, a, b, buyers=int(n.sum()), patterns=len(n), held=bool(held))
    return PurchaseProcess(**{**vars(fitted), "log_likelihood": log_likelihood(fitted, xs, ts, Ts, n)})


def log_likelihood(model: PurchaseProcess, x: Floats, t_x: Floats, T: Floats, counts: Floats) -> float:
    """Log-likelihood of buyers' patterns, each counted `counts` times."""
    alive, dead = _branches(model.process, model.r, model.alpha, model.a, model.b, x, t_x, T)
    start = gammaln(model.r + x) - gammaln(model.r) + model.r * np.log(model.alpha)
    return float(counts @ (start + np.logaddexp(alive, dead)))


def _branches(
    process: Process, r: float, alpha: float, a: float, b: float, x: Floats, t_x: Floats, T: Floats
) -> tuple[Floats, Floats]:
    """Logs of the two ways to have this history: still alive at T, or dropped out after the last order."""
    s = np.asarray(x, float) + (1.0 if process is Process.MBG_NBD else 0.0)
    whole = betaln(a, b)
    alive = betaln(a, b + s) - whole - (r + x) * np.log(alpha + T)
    dead = betaln(a + 1, np.maximum(b + s - 1, 1e-300)) - whole - (r + x) * np.log(alpha + t_x)
    return np.asarray(alive), np.where(s > 0, dead, -np.inf)


@lru_cache(maxsize=4096)
def _jacobi(a: float, b: float) -> tuple[Floats, Floats]:
    """Nodes and weights (NODES,) that integrate against Beta(a, b) on (0, 1), by Golub and Welsch (1969)."""
    alpha, beta = b - 1.0, a - 1.0
    n = np.arange(NODES, dtype=np.float64)
    total = 2 * n + alpha + beta
    diagonal = np.empty(NODES)
    diagonal[0] = (beta - alpha) / (alpha + beta + 2)
    diagonal[1:] = ((beta**2 - alpha**2) / (total * (total + 2)))[1:]
    k, t = n[1:], total[1:]
    square = 4 * k * (k + alpha) * (k + beta) / (t**2 * (t + 1))
    # (k + alpha + beta) / (t - 1) is 1 at k = 1, where it can be 0 / 0
    square[1:] *= ((k + alpha + beta) / (t - 1))[1:]
    values, vectors = eigh_tridiagonal(diagonal, np.sqrt(square))
    return np.clip((1 + values) / 2, 1e-15, 1.0), np.asarray(vectors[0] ** 2)
