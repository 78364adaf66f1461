"""Buyers who may stop at each order: BG/NBD, MBG/NBD, and MBG with Erlang rhythm.

While alive a buyer orders in phases: `k` phases make an order and phases come at a constant rate, gamma(r, alpha)
across buyers, so that with k = 1 orders come by chance and with greater k in a rhythm (Platzer and Reutterer 2016,
"Ticking away the moments"). After each order a buyer drops out with a probability, beta(a, b) across buyers. In BG/NBD
(Fader, Hardie and Lee 2005) nobody can before the first repeat; in MBG/NBD (Batislam, Denizel and Filiztekin 2007;
Hoppe and Wagner 2007) already after the first order.

Forecasts integrate over the dropout probability by Gauss-Jacobi quadrature, so that none loses its digits for heavy
buyers. Given that probability they are exact for every k: what counts whole orders is a sum over the k-th roots of
unity, each of whose terms is the generating function of a negative binomial number of phases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from revml.clv.orders.processes.at_orders_likelihood import branches, phase_weights
from revml.clv.orders.processes.chunks import by_pattern
from revml.clv.orders.processes.phases import any_order, orders_by
from revml.clv.orders.processes.process import Lives, Process
from revml.clv.orders.processes.quadrature import beta_rule, enough_nodes
from revml.clv.value import Floats

MOST_ORDERS = 1_000_000


@dataclass(frozen=True)
class StopsAtOrders:
    """A fitted process of this kind; rates are a week, other words are those of `PurchaseProcess`.

    Attributes:
        r, alpha: gamma of the rate of phases (mean rate of orders `r / alpha / k` a week).
        a, b: beta of the probability that an order is the last one.
        k: phases an order.
    """

    process: Process
    r: float
    alpha: float
    a: float
    b: float
    k: int = 1
    log_likelihood: float = float("nan")
    buyers: int = 0
    patterns: int = 0
    held: bool = False

    @property
    def _chances(self) -> float:
        """Whether the first order can be the last one."""
        return 0.0 if self.process is Process.BG_NBD else 1.0

    def _survived(self, x: Floats) -> Floats:
        """How many chances to drop out a living buyer has let pass."""
        return np.asarray(x, dtype=np.float64) + self._chances

    def p_alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """(n,) probability that a buyer has not dropped out by T."""
        alive, dead = branches(self.r, self.alpha, self.a, self.b, self.k, self._chances, x, t_x, T)
        return np.asarray(expit(alive - dead))

    def expected_orders(self, x: Floats, t_x: Floats, T: Floats, ahead: Floats) -> Floats:
        """(n, m) expected orders within each of `ahead` (m,) weeks after T."""

        def inner(p: Floats, shape: Floats, rate: Floats) -> Floats:
            return orders_by(p, self.k, shape, ahead / rate)

        return self._integrate(x, t_x, T, ahead, inner)

    def p_order(self, x: Floats, t_x: Floats, T: Floats, start: Floats, end: Floats) -> Floats:
        """(n, m) probability of at least one order in `(start, end]` weeks after T; both (m,)."""

        def inner(p: Floats, shape: Floats, rate: Floats) -> Floats:
            return any_order(p, self.k, shape, start / rate, (end - start) / rate)

        return self._integrate(x, t_x, T, end, inner)

    def posterior_draw(self, x: Floats, t_x: Floats, T: Floats, rng: np.random.Generator, draws: int) -> Lives:
        """Drawn rates and remaining lives, given what each buyer did."""
        alive, passed, rate, stop, orders = self._drawn(x, t_x, T, rng, draws)
        left = rng.standard_gamma(orders * self.k - passed) / np.maximum(rate, 1e-12)
        return Lives(rate * (1.0 - stop) / self.k, alive, np.where(alive, left, 0.0), ends_with_order=True)

    def simulate(
        self, x: Floats, t_x: Floats, T: Floats, ends: Floats, rng: np.random.Generator, draws: int
    ) -> npt.NDArray[np.int32]:
        """(draws, n, m) orders in each span `(ends[k - 1], ends[k]]` weeks after T, the first one from T on."""
        alive, phases, rate, _, most = (v.reshape(-1) for v in self._drawn(x, t_x, T, rng, draws))
        out = np.zeros((len(alive), len(ends)), dtype=np.int32)
        going = np.flatnonzero(alive)
        phases, rate, most = phases[going], rate[going], most[going]
        before, so_far = 0.0, np.zeros(len(going), dtype=np.int64)
        for span, end in enumerate(ends):
            phases = phases + rng.poisson(rate * (end - before))
            now = np.minimum(phases // self.k, most)
            out[going, span] = now - so_far
            left = now < most
            going, phases, rate, most, so_far = going[left], phases[left], rate[left], most[left], now[left]
            before = float(end)
        return out.reshape(draws, len(x), len(ends))

    def _drawn(self, x: Floats, t_x: Floats, T: Floats, rng: np.random.Generator, draws: int) -> tuple[Any, ...]:
        """Alive at T; phases since the last order; rate of phases; probability of stopping; orders until the last."""
        size = draws, len(x)
        alive = rng.random(size) < self.p_alive(x, t_x, T)
        weights = phase_weights(self.r, self.alpha, self.k, x, t_x, T)
        passed = (rng.random(size) > np.cumsum(weights[:-1], axis=0)[:, None]).sum(axis=0)
        rate = rng.standard_gamma(self.r + self.k * x + passed) / (self.alpha + T)
        stop = np.clip(rng.beta(self.a, np.broadcast_to(self.b + self._survived(x), size)), 1.0 / MOST_ORDERS, 1.0)
        return alive, passed, rate, stop, np.minimum(rng.geometric(stop), MOST_ORDERS)

    def _integrate(self, x: Floats, t_x: Floats, T: Floats, ends: Floats, inner: Callable[..., Floats]) -> Floats:
        """P(alive) times the mean of integrand (p, shape, rate) -> (k, rows, m) over a living buyer's p and phases."""
        farthest = float(np.max(ends, initial=0.0))

        def living(x: Floats, T: Floats, _: Floats) -> Floats:
            out = np.empty((len(x), self.k, len(ends)))
            sizes = enough_nodes(farthest / (self.alpha + T), x)
            for size in np.unique(sizes):
                rows = np.flatnonzero(sizes == size)
                out[rows] = self._mean(x[rows], T[rows], int(size), inner).swapaxes(0, 1)
            return out

        # once it is known who is alive and in which phase, it does not matter when the last order was
        answers, where = by_pattern(living, x, T, each=len(ends))
        weights = self.p_alive(x, t_x, T) * phase_weights(self.r, self.alpha, self.k, x, t_x, T)
        out = np.zeros((len(x), len(ends)))
        for j in range(self.k):
            out += weights[j, :, None] * answers[where, j]
        return out

    def _mean(self, x: Floats, T: Floats, size: int, inner: Callable[..., Floats]) -> Floats:
        levels, at = np.unique(x, return_inverse=True)
        rules = [beta_rule(self.a, float(b), size) for b in self.b + self._survived(levels)]
        nodes, weights = np.array([p for p, _ in rules])[at], np.array([w for _, w in rules])[at]
        shape, rate = (self.r + self.k * x)[:, None], (self.alpha + T)[:, None]
        return np.asarray(sum(weights[:, i, None] * inner(nodes[:, i, None], shape, rate) for i in range(size)))
