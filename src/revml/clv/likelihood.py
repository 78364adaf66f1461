"""Maximum likelihood of a few positive parameters.

Parameters are handed over as logs and kept within bounds by a smooth bend, so that an unbounded quasi-Newton method
can be used: scipy's bounded one calls threaded linear algebra on its 4 x 4 matrices and, on a busy machine, waits
longer for threads than it works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from revml.clv.value import Floats

BOUND = 9.0


def most_likely(
    negative: Callable[[Floats], tuple[float, Floats]], starts: Sequence[npt.ArrayLike], *, tolerance: float = 1e-6
) -> Floats:
    """The parameters (not their logs) of the smallest negative log-likelihood found from any of the starts.

    Args:
        negative: of log parameters to the negative log-likelihood and its gradient by log parameters.
        starts: log parameters.

    Logs stay within -9 and 9: far beyond any population, near enough that gamma functions keep their digits.

    >>> most_likely(lambda t: (float((t[0] - 1) ** 2), 2 * (t - 1)), [[0.0]]).round(6).tolist()
    [2.718282]
    """

    def bent(u: Floats) -> tuple[float, Floats]:
        squash = np.tanh(u / BOUND)
        value, slope = negative(BOUND * squash)
        return value, slope * (1 - squash**2)

    # The tolerance is for a likelihood of size one: a sum over many customers never gets its gradient that small.
    size = max(1.0, abs(bent(np.asarray(starts[0], dtype=np.float64))[0]))

    def scaled(u: Floats) -> tuple[float, Floats]:
        value, slope = bent(u)
        return value / size, slope / size

    best = None
    for start in starts:
        inner = np.clip(np.asarray(start, dtype=np.float64), 0.01 - BOUND, BOUND - 0.01)
        found = minimize(
            scaled, BOUND * np.arctanh(inner / BOUND), jac=True, method="BFGS", options={"gtol": tolerance}
        )
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None  # noqa: S101 - the starts are never empty
    return np.asarray(np.exp(BOUND * np.tanh(best.x / BOUND)))
