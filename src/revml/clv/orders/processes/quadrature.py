"""Nodes and weights of integrals over a probability, and over the time of a decaying product."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal

from revml.clv.value import Floats

NODES = 16
_SIZES = np.array([12, 24, 48, 96, 160])


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


def enough_nodes(ahead: Floats, x: Floats) -> npt.NDArray[np.intp]:
    """(n,) nodes of `beta_rule` for `(1 + p * ahead) ** -(r + x)` to a millionth; found by trying, at most 160.

    >>> enough_nodes(np.array([0.5, 20.0, 20.0]), np.array([5.0, 0.0, 100.0])).tolist()
    [24, 48, 96]
    """
    needed = 8.0 + 4.5 * np.sqrt(ahead * np.sqrt(1.0 + x))
    return _SIZES[np.minimum(np.searchsorted(_SIZES, needed), len(_SIZES) - 1)]


@lru_cache
def _legendre(nodes: int) -> tuple[Floats, Floats]:
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return (1 + points) / 2, weights / 2
