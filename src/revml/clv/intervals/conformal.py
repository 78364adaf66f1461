"""Simulated intervals corrected by how forecasts of earlier origins did: split-conformal, in the draws' own terms.

Comes in: draws of many accounts, and what came. An outcome's score is where it lies among its account's draws: 0 at the
lowest, 1 at the highest, and beyond them by its distance in widths. `Levels` are the scores between which `nominal` of
the outcomes lay; an interval is what an account's draws have at these scores. So intervals shrink where simulation was
too careful and grow where it was too bold, zero stays zero, and an account of many atoms keeps them (distributional
conformal prediction: Chernozhukov, Wüthrich and Zhu 2021; widths as in Romano, Patterson and Candès 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from revml.clv.value import Floats

Draws = npt.NDArray[np.float32] | npt.NDArray[np.float64]

NOMINAL = 0.80
MEDIAN = 0.5
# However narrow the draws of an account are, distances beyond them are measured in at least this share of their mean.
LEAST_WIDTH = 0.05


@dataclass(frozen=True)
class Levels:
    """The scores at which an interval begins and ends."""

    low: float = (1 - NOMINAL) / 2
    high: float = (1 + NOMINAL) / 2


@dataclass(frozen=True)
class Scores:
    """Where outcomes lay among their draws, (n,) each: read from above, for the lower end, and from below.

    They differ where an outcome equals several draws: an interval that ends there holds it from either side.
    """

    above: Floats
    below: Floats

    def __len__(self) -> int:
        return len(self.above)

    def inside(self, levels: Levels) -> Floats:
        """(n,) 1 where the interval at these levels holds the outcome, else 0."""
        return np.asarray((self.above >= levels.low - 1e-9) & (self.below <= levels.high + 1e-9), dtype=np.float64)


def widths(draws: Draws) -> Floats:
    """(n,) the unit of distances beyond the draws: from the 10th to the 90th percentile, never nothing.

    Args:
        draws: (n, draws), sorted.
    """
    count = draws.shape[1]
    spread = draws[:, int(0.9 * (count - 1))] - draws[:, int(0.1 * (count - 1))]
    mean = np.abs(draws.mean(axis=1, dtype=np.float64))
    least = LEAST_WIDTH * np.maximum(mean, mean.mean() if len(mean) else 0.0)
    return np.asarray(np.maximum(np.maximum(spread, least), 1e-9), dtype=np.float64)


def scores(draws: Draws, outcome: Floats, unit: Floats) -> Scores:
    """Where outcomes lie among their draws.

    Args:
        draws: (n, draws), sorted.
        outcome: (n,).
        unit: (n,) `widths`.
    """
    last = draws.shape[1] - 1
    rows = np.arange(len(draws))
    lowest, highest = draws[:, 0].astype(float), draws[:, -1].astype(float)
    tails = np.where(outcome < lowest, (outcome - lowest) / unit, 1.0 + (outcome - highest) / unit)
    outside = (outcome < lowest) | (outcome > highest)

    def place(smaller: np.ndarray) -> Floats:
        j = np.clip(smaller, 1, last)
        left, right = draws[rows, j - 1].astype(float), draws[rows, j].astype(float)
        part = np.divide(outcome - left, right - left, out=np.zeros(len(j)), where=right > left)
        return np.asarray(np.where(outside, tails, (j - 1 + np.clip(part, 0.0, 1.0)) / max(last, 1)))

    above = place((draws <= outcome[:, None]).sum(axis=1))
    above = np.where(~outside & (outcome >= highest), 1.0, above)
    below = place((draws < outcome[:, None]).sum(axis=1))
    below = np.where(~outside & (outcome <= lowest), 0.0, below)
    return Scores(above, below)


def at_score(draws: Draws, score: Floats, unit: Floats) -> Floats:
    """(n,) the value of each account at a score: the inverse of `scores`.

    >>> at_score(np.array([[1.0, 2.0, 3.0]]), np.array([0.75]), np.array([2.0])).tolist()
    [2.5]
    """
    last = draws.shape[1] - 1
    rows = np.arange(len(draws))
    at = np.clip(score, 0.0, 1.0) * last
    j = np.minimum(at.astype(int), max(last - 1, 0))
    left, right = draws[rows, j].astype(float), draws[rows, min(last, 1) + j].astype(float)
    inner = left + (at - j) * (right - left)
    return np.asarray(inner + (np.minimum(score, 0.0) + np.maximum(score - 1.0, 0.0)) * unit)


def fit_levels(found: Scores, nominal: float = NOMINAL) -> Levels:
    """Levels between which `nominal` of the outcomes lay, with the correction for a finite sample.

    Both ends leave out the same share; where nothing can lie below an interval (most of its draws are zero), the other
    end is let in until the whole interval holds its share.

    >>> levels = fit_levels(Scores(np.linspace(0, 1, 1001), np.linspace(0, 1, 1001)))
    >>> round(levels.low, 2), round(levels.high, 2)
    (0.1, 0.9)
    """
    n = len(found)
    wanted = min(np.ceil((n + 1) * nominal) / max(n, 1), 1.0)
    above, below = np.sort(found.above), np.sort(found.below)

    def at(tail: float) -> Levels:
        skipped = int(np.floor(tail * (n - 1) + 1e-9))
        return Levels(float(above[skipped]), float(below[n - 1 - skipped]))

    least, most = 0.0, 0.5
    for _ in range(30):
        middle = (least + most) / 2
        if found.inside(at(middle)).mean() >= wanted:
            least = middle
        else:
            most = middle
    return at(least)
