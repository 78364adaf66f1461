"""How good a forecast of money by account is: for ranking, for size, for the mean. Never the absolute error, whose best
forecast of a customer who mostly buys nothing is nothing.
"""

from __future__ import annotations

import numpy as np

from revml.clv.value import Floats

POWER = 1.5


def normalised_gini(came: Floats, told: Floats) -> float:
    """How well a forecast ranks money: 1 as well as what came itself, 0 by chance; ties count half. NaN without money.

    >>> normalised_gini(np.array([0.0, 1.0, 3.0]), np.array([0.1, 0.2, 0.9]))
    1.0
    >>> normalised_gini(np.array([0.0, 1.0, 3.0]), np.ones(3))
    0.0
    """
    best = _gini(came, came)
    return _gini(came, told) / best if best else float("nan")


def _gini(came: Floats, told: Floats) -> float:
    total = came.sum()
    if len(came) < 2 or total <= 0:
        return float("nan")
    _, where, counts = np.unique(told, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    middle = below + (counts + 1) / 2
    return float(2 * (middle[where] @ came) / (len(came) * total) - (len(came) + 1) / len(came))


def tweedie_deviance(came: Floats, told: Floats, power: float = POWER) -> Floats:
    """(n,) unit deviances; what came is taken as 0 where it was negative (returns).

    >>> tweedie_deviance(np.array([4.0]), np.array([4.0])).round(9).tolist()
    [0.0]
    """
    y, mu = np.maximum(came, 0.0), np.maximum(told, 1e-6)
    a, b = 1 - power, 2 - power
    return np.asarray(2 * (y**b / (a * b) - y * mu**a / a + mu**b / b))


def rmse(came: Floats, told: Floats) -> float:
    """Root of the mean squared error.

    >>> rmse(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    1.0
    """
    return float(np.sqrt(np.mean((came - told) ** 2)))
