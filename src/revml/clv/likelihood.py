"""Maximum likelihood of a few positive parameters.

Parameters are handed over as logs and kept within bounds by a smooth bend, so that an unbounded quasi-Newton method
can be used: scipy's bounded one calls threaded linear algebra on its 4 x 4 matrices and, on a busy machine, waits
longer for threads than it works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from revml.clv.value import Floats

BOUND = 9.0
# A part of the data need not be taken to the last digit.
ROUGHLY = 100.0
Likelihood = Callable[[Floats], tuple[float, Floats]]


def most_likely(
    negative: Likelihood,
    starts: Sequence[npt.ArrayLike],
    *,
    tolerance: float = 1e-6,
    rough: Likelihood | None = None,
) -> Floats:
    """The parameters (not their logs) of the smallest negative log-likelihood found from any of the starts.

    Args:
        negative: of log parameters to the negative log-likelihood and its gradient by log parameters.
        starts: log parameters.
        rough: the same of a part of the data. It is cheap, so that the long way from the starts is made on it, and only
            the last steps, with the curvature that it found, on all.

    Logs stay within -9 and 9: far beyond any population, near enough that gamma functions keep their digits.

    >>> most_likely(lambda t: (float((t[0] - 1) ** 2), 2 * (t - 1)), [[0.0]]).round(6).tolist()
    [2.718282]
    """

    points = [
        BOUND * np.arctanh(np.clip(np.asarray(s, dtype=np.float64), 0.01 - BOUND, BOUND - 0.01) / BOUND) for s in starts
    ]
    if rough is None:
        return _unbent(_best(negative, points, tolerance).x)
    near = _best(rough, points, ROUGHLY * tolerance).x
    return _unbent(_best(negative, [near], tolerance, _curvature(rough, near)).x)


def _best(negative: Likelihood, points: list[Floats], tolerance: float, curvature: Floats | None = None) -> Any:
    scaled = _scaled(negative, points[0])
    options = {"gtol": tolerance, "hess_inv0": curvature}
    found = [minimize(scaled, point, jac=True, method="BFGS", options=options) for point in points]
    return min(found, key=lambda one: one.fun)


def _scaled(negative: Likelihood, at: Floats) -> Likelihood:
    # The tolerance is for a likelihood of size one: a sum over many customers never gets its gradient that small.
    size = max(1.0, abs(negative(BOUND * np.tanh(at / BOUND))[0]))

    def scaled(u: Floats) -> tuple[float, Floats]:
        squash = np.tanh(u / BOUND)
        value, slope = negative(BOUND * squash)
        return value / size, slope * (1 - squash**2) / size

    return scaled


def _curvature(negative: Likelihood, at: Floats) -> Floats | None:
    """The inverse of the second derivatives, by differences of the gradient; None where it is no maximum's."""
    scaled = _scaled(negative, at)
    moved = 1e-4 * np.eye(len(at))
    second = np.array([scaled(at + d)[1] - scaled(at - d)[1] for d in moved]) / 2e-4
    second = (second + second.T) / 2
    if not np.isfinite(second).all() or np.linalg.eigvalsh(second).min() < 1e-9:
        return None
    inverse = np.linalg.inv(second)
    return np.asarray((inverse + inverse.T) / 2)


def _unbent(u: Floats) -> Floats:
    return np.asarray(np.exp(BOUND * np.tanh(u / BOUND)))
