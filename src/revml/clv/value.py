"""The arithmetic that every relation shares: the length of a month, discounting, and what lies beyond the observed.

A month of a forecast is 365.25 / 12 = 30.4375 days counted from `as_of`, so that months are equal and a horizon in days
has one place on the axis. Nothing here reads data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MONTH_DAYS = 365.25 / 12
MONTH_SECONDS = 2_629_800
MONTH_WEEKS = MONTH_DAYS / 7


def discount_factors(yearly_rate: float, months: int) -> Floats:
    """Factors `(1 + d) ** -((k - 1/2) / 12)` for k = 1..months: money of a month comes at its middle.

    >>> discount_factors(0.21, 2).round(4).tolist()
    [0.9921, 0.9765]
    """
    k = np.arange(1, months + 1)
    return np.asarray((1.0 + yearly_rate) ** (-(k - 0.5) / 12.0), dtype=np.float64)


def share_beyond(flows: Floats, observed_months: Floats) -> Floats:
    """The share of each row's flows that lies in months after `observed_months` (0 where the row is worth nothing).

    Shares are taken of absolute flows, so that a negative margin gives the same share as a positive one.

    >>> share_beyond(np.array([[1.0, 1.0, 2.0]]), np.array([2.0]))
    array([0.5])
    """
    size = np.abs(flows)
    beyond = np.arange(1, flows.shape[1] + 1)[None, :] > observed_months[:, None]
    total = size.sum(axis=1)
    return np.asarray(np.divide((size * beyond).sum(axis=1), total, out=np.zeros_like(total), where=total > 0))


def to_cents(amounts: Floats) -> Floats:
    """Amounts by month in whole cents whose running sums are the rounded running sums.

    So the months of an account add up to its value at every horizon, to the cent, and no rounding piles up.

    Args:
        amounts: (n, months) in currency units.

    >>> to_cents(np.array([[0.004, 0.004, 0.004]])).tolist()
    [[0.0, 0.01, 0.0]]
    """
    sums = np.rint(100.0 * np.cumsum(amounts, axis=1))
    return np.asarray(np.diff(sums, axis=1, prepend=0.0) / 100.0)


def whole_cents(amounts: npt.ArrayLike) -> Floats:
    """Amounts in whole cents.

    >>> whole_cents([0.126, -0.004 - 1]).tolist()
    [0.13, -1.0]
    """
    return np.asarray(np.rint(100.0 * np.asarray(amounts, dtype=np.float64)) / 100.0)


def sum_cents(amounts: Floats, months: int) -> Floats:
    """The sum of the first months of amounts in whole cents, in whole cents.

    >>> sum_cents(np.array([[0.1, 0.1, 0.1]]), 3).tolist()
    [0.3]
    """
    return np.asarray(np.rint(100.0 * amounts[:, :months].sum(axis=1)) / 100.0)


def horizon_sums(amounts: Floats, horizons: Sequence[int]) -> list[Floats]:
    """`sum_cents` of amounts in currency units at each horizon; the matrix in cents does not outlive the call.

    >>> [sums.tolist() for sums in horizon_sums(np.array([[0.004, 0.004, 0.004]]), (1, 3))]
    [[0.0], [0.01]]
    """
    cents = to_cents(amounts)
    return [sum_cents(cents, months) for months in horizons]
