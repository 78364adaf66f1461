"""By how much repeat orders come out above the purchase process, the longer ahead the more: a curve learned by lag.

Comes in: what was expected at earlier origins, by spans of months, and what came. Goes out: `LevelCurve`. A process in
which buyers leave for good loses too many of them: some come back, and those who stay order more. So what came over
what was expected may rise with the lag, and one factor cannot tell it. The curve is a straight line of logs over the
lag, drawn towards 1 by how few origins and buyers there were; beyond the longest lag seen it stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from revml.clv.value import Floats

YEAR = 12
# How far a company's level, and its slope a year, lie from those of the process, in logs: the prior of the curve.
LEVEL_SD = 0.20
SLOPE_SD = 0.20
# How far a year of a company lies from its curve, whatever is known, in logs.
SHOCK_SD = 0.10
# The same where no season can be told: other months of the year say less of those ahead.
UNSEASONED_SD = 0.25
# No company is believed to lie further from the process than this, in logs.
MOST = 1.0


@dataclass(frozen=True)
class Sighting:
    """Totals after an earlier origin, without the season, in spans of as many months.

    Attributes:
        back: months between the origin and now.
        span: months in a span.
        expected, came: (spans,) totals over all buyers.
        noise: (spans,) standard deviation of the log of what came, by the chance of single buyers.
    """

    back: float
    span: int
    expected: Floats
    came: Floats
    noise: Floats


@dataclass(frozen=True)
class LevelCurve:
    """Factors of the months ahead.

    Attributes:
        start, slope: logs, at lag 0 and a year.
        cov: (2, 2) how unsure they are.
        seen_months: the longest lag seen, 0 where nothing was.
        origins: how many earlier origins it was learned from.
    """

    start: float = 0.0
    slope: float = 0.0
    cov: Floats = field(default_factory=lambda: np.diag([LEVEL_SD**2, SLOPE_SD**2]))
    seen_months: int = 0
    origins: int = 0

    def ahead(self, months: int) -> Floats:
        """(months,) factors; flat beyond the longest lag seen.

        >>> LevelCurve(0.0, np.log(2), seen_months=12, origins=1).ahead(24)[[11, 23]].round(2).tolist()
        [1.94, 1.94]
        """
        lag = self._lags(months)
        return np.exp(np.clip(self.start + self.slope * lag, -MOST, MOST))

    def spread(self, months: int) -> Floats:
        """(months,) standard deviation of the log of what will come over the curve, for all buyers together."""
        design = np.column_stack([np.ones(months), (np.arange(months) + 0.5) / YEAR])
        return np.asarray(np.sqrt(np.einsum("mi,ij,mj->m", design, self.cov, design) + SHOCK_SD**2))

    def _lags(self, months: int) -> Floats:
        return np.asarray(np.minimum(np.arange(months) + 0.5, max(self.seen_months - 0.5, 0.0)) / YEAR)


def sighting(back: float, span: int, expected: Floats, came: Floats) -> Sighting:
    """A sighting of (n, spans) buyers."""
    total = expected.sum(axis=0)
    chance = np.sqrt(((came - expected) ** 2).sum(axis=0))
    return Sighting(back, span, total, came.sum(axis=0), chance / np.maximum(total, 1e-12))


def level_curve(sightings: Sequence[Sighting], seasoned: bool = True) -> LevelCurve:
    """Least squares of the logs under the prior, weighted by how little chance is in them.

    Many origins look at the same months: together they count as the months since the oldest one, whose chance differs
    from span to span, and whose fortune from year to year.

    Args:
        seasoned: whether a season was told, and taken out.
    """
    rows = [
        (one.back, one.span, q, np.log(one.came[q] / one.expected[q]), one.noise[q])
        for one in sightings
        for q in range(len(one.expected))
        if one.came[q] > 0 and one.expected[q] > 0
    ]
    if not rows:
        return LevelCurve()
    back, span, q, logs, noise = (np.array(values, dtype=float) for values in zip(*rows, strict=True))
    seen = max(float(back.max()), YEAR / 4)
    shock = SHOCK_SD if seasoned else UNSEASONED_SD
    weight = 1 / (len(logs) * (noise**2 * span / seen + shock**2 * YEAR / seen))
    design = np.column_stack([np.ones(len(logs)), (q + 0.5) * span / YEAR])
    cov = np.linalg.inv(design.T @ (design * weight[:, None]) + np.diag([LEVEL_SD**-2, SLOPE_SD**-2]))
    start, slope = cov @ (design.T @ (weight * logs))
    return LevelCurve(float(start), float(slope), cov, int(((q + 1) * span).max()), len(sightings))
