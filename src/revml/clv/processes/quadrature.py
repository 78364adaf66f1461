"""Nodes and weights of integrals over a probability, and over the time of a decaying product."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.linalg import eigh_tridiagonal

from revml.clv.value import Floats

NODES = 16
# natural logarithm of the error that forecasts may have
DIGITS = 22.0


@lru_cache(maxsize=4096)
def beta_rule(a: float, b: float, nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights (nodes,) that integrate against Beta(a, b) on (0, 1), by Golub and Welsch (1969).

    >>> p, w = beta_rule(2.0, 3.0, 8)
    >>> round(float(w @ p), 6)
    0.4
    """
    alpha, beta = b - 1.0, a - 1.0
    n = np.arange(nodes, dtype=np.float64)
    total = 2 * n + alpha + beta
    diagonal = np.empty(nodes)
    diagonal[0] = (beta - alpha) / (alpha + beta + 2)
    diagonal[1:] = ((beta**2 - alpha**2) / (total * (total + 2)))[1:]
    k, t = n[1:], total[1:]
    square = 4 * k * (k + alpha) * (k + beta) / (t**2 * (t + 1))
    # (k + alpha + beta) / (t - 1) is 1 at k = 1, where it can be 0 / 0
    square[1:] *= ((k + alpha + beta) / (t - 1))[1:]
    values, vectors = eigh_tridiagonal(diagonal, np.sqrt(square))
    return np.clip((1 + values) / 2, 1e-15, 1.0 - 1e-9), np.asarray(vectors[0] ** 2)


def decay(m: Floats, a: Floats, s: Floats | float, b: Floats, span: Floats) -> tuple[Floats, ...]:
    """The integral over v from 0 to `span` of `(1 + v / a) ** -m * (1 + v / b) ** -s`; m, s > 0 and a, b > 0.

    One power `(1 + v / A) ** -c` that has the same slope and the same bend at v = 0 is taken out by substitution, so
    that what is left is nearly level, however heavy a buyer is or however far a and b lie apart.

    Returns:
        The integral, shaped like all arguments together; v, log(1 + v / a), log(1 + v / b) at the nodes and the share
        of the integral at each, all with the nodes in front.
    """
    slope, bend = m / a + s / b, m / np.square(a) + s / np.square(b)
    A, power = slope / bend, slope**2 / bend - 1.0
    power = np.where(np.abs(power) < 1e-6, 1e-6, power)
    whole = -np.expm1(-power * np.log1p(span / A)) / power
    nodes, weights = _legendre(NODES)
    shape = (-1,) + (1,) * np.ndim(whole)
    y = -np.log1p(-power * whole * nodes.reshape(shape)) / power
    v = A * np.expm1(y)
    near, far = np.log1p(v / a), np.log1p(v / b)
    part = weights.reshape(shape) * np.exp((power + 1.0) * y - m * near - s * far)
    total = part.sum(axis=0)
    return A * whole * total, v, near, far, part / total


def enough_nodes(ahead: float) -> int:
    """Nodes of `beta_rule` for `(1 + p * ahead) ** -m`: Gauss' error falls with the distance of its pole from (0, 1).

    >>> [enough_nodes(ahead) for ahead in (0.5, 20.0, 1e6)]
    [12, 36, 96]
    """
    pole = 1.0 / max(ahead, 1e-9)
    per_node = 2.0 * np.log1p(2.0 * pole + 2.0 * np.sqrt(pole + pole**2))
    return int(np.clip(12 * np.ceil((4 + DIGITS / per_node) / 12), 12, 96))


@lru_cache
def _legendre(nodes: int) -> tuple[Floats, Floats]:
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return (1 + points) / 2, weights / 2
