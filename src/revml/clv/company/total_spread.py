"""Bands of totals: how far sums of a company were off at earlier origins, with a floor for short histories.

    variance of the log of month k = noise of a month + drift² · k

The noise is what even a perfect forecast misses in one month; the drift is what earlier origins were off beyond it, and
counts as one of so many origins more with the usual drift. The mean is the forecast's; the quantiles are of a lognormal
with that mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from revml.clv.value import Floats

Z = 1.2815515655446004
PRIOR_ORIGINS = 2.0
# The usual drift of a total from its forecast, log a root of a month: 3.5 % after a year for contracts, 7 % for others.
USUAL_DRIFT = {"contract": 0.010, "orders": 0.020, "durable": 0.030, "new": 0.060}


def drift(misses: Sequence[Floats], noise: float, usual: float) -> float:
    """The drift a root of a month from the misses (logs by month ahead) of earlier origins.

    >>> drift([], 0.0, 0.02)
    0.02
    """
    means = []
    for miss in misses:
        kept = np.isfinite(miss)
        if kept.any():
            k = np.arange(1, len(miss) + 1)[kept]
            # of the months of one origin, the far ones say most of the drift and the near ones of the noise
            means.append(float(((miss[kept] ** 2 - noise**2).sum()) / k.sum()))
    total = sum(max(value, 0.0) for value in means) + PRIOR_ORIGINS * usual**2
    return float(np.sqrt(total / (len(means) + PRIOR_ORIGINS)))


def spread(months: int, noise: npt.ArrayLike, drifted: float) -> Floats:
    """(months,) standard deviation of the log of each month ahead."""
    k = np.arange(1, months + 1)
    return np.asarray(np.sqrt(np.asarray(noise, dtype=float) ** 2 + drifted**2 * k))


def monthly_noise(amounts: Floats) -> float:
    """Standard deviation of the log of a month around its neighbours, from differences of the second order.

    >>> round(monthly_noise(np.array([1.0, 2.0, 4.0, 8.0])), 6)
    0.0
    """
    if len(amounts) < 4 or (amounts <= 0).any():
        return 0.0 if len(amounts) and (amounts > 0).all() else 0.3
    bends = np.diff(np.log(amounts), 2)
    return float(np.sqrt(np.mean(bends**2) / 6.0))


def quantiles(mean: Floats, spreads: Floats) -> dict[str, Floats]:
    """p10, p50 and p90 of lognormals with these means."""
    middle = mean * np.exp(-(spreads**2) / 2)
    return {"p10": middle * np.exp(-Z * spreads), "p50": middle, "p90": middle * np.exp(Z * spreads)}


def of_sum(parts: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The spread of a sum of independent parts, each a mean and its spread."""
    mean = sum((part for part, _ in parts), np.zeros(len(parts[0][0])))
    variance = sum((np.expm1(s**2) * part**2 for part, s in parts), np.zeros(len(mean)))
    safe = np.where(mean > 0, mean, 1.0)
    return np.asarray(np.where(mean > 0, np.sqrt(np.log1p(variance / safe**2)), 0.0))
