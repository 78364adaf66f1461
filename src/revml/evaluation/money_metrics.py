"""Figures of a forecast of money: bias of totals, errors an account, ranking, survival and coverage.

Comes in: what came and what was forecast, a row an account (or an account at an origin). Goes out: numbers. What is not
defined (nothing came, nobody was at risk) is NaN, never a made-up number. Nothing here reads data.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TWEEDIE_POWER = 1.5
TWEEDIE_FLOOR = 0.01  # of a currency unit: the deviance of a forecast of nothing is infinite where something came
TOP_SHARE = 0.1


def bias(forecast: Floats, actual: Floats) -> float:
    """Total forecast against what came, as a share of what came.

    >>> bias(np.array([60.0, 50.0]), np.array([100.0, 0.0]))
    0.1
    """
    came = float(np.sum(actual))
    return round(float(np.sum(forecast)) / came - 1.0, 12) if came > 0 else float("nan")


def rmse(forecast: Floats, actual: Floats) -> float:
    """Root of the mean squared error of an account.

    >>> rmse(np.array([3.0, 0.0]), np.array([0.0, 4.0]))
    3.5355339059327378
    """
    return float(np.sqrt(np.mean((forecast - actual) ** 2))) if len(actual) else float("nan")


def tweedie_deviance(forecast: Floats, actual: Floats, power: float = TWEEDIE_POWER) -> float:
    """Mean unit deviance of a compound Poisson with gamma sizes, `1 < power < 2` (Jørgensen 1997); 0 is perfect.

    What came below nothing (returns) counts as nothing, a forecast below a cent as a cent.

    >>> tweedie_deviance(np.array([4.0]), np.array([4.0]))
    0.0
    >>> tweedie_deviance(np.array([4.0]), np.array([0.0]))
    8.0
    """
    if not len(actual):
        return float("nan")
    y, mu = np.maximum(actual, 0.0), np.maximum(forecast, TWEEDIE_FLOOR)
    p = power
    unit = y ** (2 - p) / ((1 - p) * (2 - p)) - y * mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p)
    return max(2.0 * float(np.mean(unit)), 0.0)


def normalised_gini(score: Floats, actual: Floats) -> float:
    """Concentration of what came in the order of a forecast, as a share of that in the perfect order: 1 is perfect.

    Accounts with equal forecasts share what came to them equally: their order among each other is worth nothing.

    >>> normalised_gini(np.array([1.0, 2.0, 3.0]), np.array([0.0, 5.0, 10.0]))
    1.0
    >>> normalised_gini(np.array([3.0, 2.0, 1.0]), np.array([0.0, 5.0, 10.0]))
    -1.0
    >>> normalised_gini(np.array([7.0, 7.0, 7.0]), np.array([0.0, 5.0, 10.0]))
    0.0
    """
    best = _concentration(actual, actual)
    return round(_concentration(score, actual) / best, 12) if best > 0 else float("nan")


def _concentration(score: Floats, actual: Floats) -> float:
    total = float(np.sum(actual))
    if len(actual) < 2 or total <= 0:
        return float("nan")
    _, place, size = np.unique(-score, return_inverse=True, return_counts=True)
    shared = (np.bincount(place, weights=actual) / size)[np.sort(place)]
    n = len(actual)
    return float(np.sum(np.cumsum(shared)) / total - (n + 1) / 2) / n


def top_lift(score: Floats, actual: Floats, share: float = TOP_SHARE) -> float:
    """What came from the accounts that a forecast puts first, against what as many accounts bring on average.

    Where forecasts are equal at the edge, those accounts count in part.

    >>> top_lift(np.arange(10.0), np.array([0.0] * 9 + [10.0]))
    10.0
    """
    total = float(np.sum(actual))
    if not len(actual) or total <= 0:
        return float("nan")
    _, place, size = np.unique(-score, return_inverse=True, return_counts=True)
    wanted = share * len(actual)
    taken = np.clip(wanted - (np.cumsum(size) - size), 0, size) / size
    return float(np.bincount(place, weights=actual) @ taken / total / share)


def brier_ipcw(survival: Floats, lost: Floats, seen: Floats, at: float) -> float:
    """Brier score of survival to an instant under censoring, weighted by its inverse probability (Graf et al. 1999).

    The probability of being still seen is Kaplan and Meier's of the censoring; an account that is censored before the
    instant has no outcome and hands its weight to those that have.

    Args:
        survival: (n,) forecast probability of being alive at `at`.
        lost: (n,) time of the loss, infinite where none was seen.
        seen: (n,) how long the account was looked at.
        at: the instant, in the same unit.

    >>> s = np.array([0.8, 0.4, 0.9])
    >>> round(brier_ipcw(s, np.array([np.inf, 3.0, np.inf]), np.array([12.0, 12.0, 12.0]), 6.0), 6)
    0.07
    """
    gone = lost <= np.minimum(at, seen)
    there = (lost > at) & (seen >= at)
    weight = np.zeros(len(survival))
    before = _still_seen(lost, seen, lost[gone], strictly=True)
    weight[gone] = np.divide(1.0, before, out=np.zeros_like(before), where=before > 0)
    then = float(_still_seen(lost, seen, np.array([at]), strictly=True)[0])
    if not len(survival) or not (there.any() or gone.any()) or (then <= 0 and not gone.all()):
        return float("nan")
    weight[there] = 1.0 / then if then > 0 else 0.0
    return float(np.sum(weight * (survival - there) ** 2) / len(survival))


def _still_seen(lost: Floats, seen: Floats, times: Floats, *, strictly: bool) -> Floats:
    """Kaplan and Meier's probability of not being censored before (strictly) or by each of the times."""
    end = np.minimum(lost, seen)
    censored = seen < lost
    marks = np.unique(end[censored])
    # a loss at the instant of a censoring comes first
    at_risk = np.array([np.sum((end > m) | (censored & (end == m))) for m in marks], dtype=float)
    left = np.array([np.sum(censored & (end == m)) for m in marks], dtype=float)
    curve = np.concatenate([[1.0], np.cumprod(1.0 - left / np.maximum(at_risk, 1.0))])
    return np.asarray(curve[np.searchsorted(marks, times, side="left" if strictly else "right")])


def coverage(low: Floats, high: Floats, actual: Floats) -> float:
    """Share of accounts whose figure lies within its interval; accounts without one do not count.

    >>> coverage(np.array([0.0, 5.0]), np.array([4.0, 9.0]), np.array([3.0, 4.0]))
    0.5
    """
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return float("nan")
    return float(np.mean((low[known] <= actual[known]) & (actual[known] <= high[known])))
