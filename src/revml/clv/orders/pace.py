"""What a buyer has ordered so far, by the month: the forecast of a buyer who never leaves, and how far to believe it.

Comes in: repeat orders and age of a buyer; what came after earlier origins beside what the process expected. Goes
out: a pace by buyer, and `PaceWeights`, the share of it in the forecast by lag. A process gives up who has been silent
for long, yet some return, and the longer ahead one looks the more: there what a buyer ever bought tells more of it than
when it bought last. The shares are those that would have served best at earlier origins; a company whose buyers leave
for good has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from revml.clv.orders.money_marks import tweedie_deviance
from revml.clv.value import Floats

YEAR = 12
# So many months of everybody's pace are added to a buyer's own: whoever bought yesterday does not do so every day.
YOUNG_MONTHS = 3.0
# Beyond the horizon that it was trained for, what the two stages know of an account halves every year.
HALF_LIFE_MONTHS = 12.0
SHARES = np.linspace(0.0, 0.8, 9)
# More buyers of an origin than this teach nothing new of two shares.
MOST_BUYERS = 4_000


@dataclass(frozen=True)
class PaceWeights:
    """The share of a buyer's own pace in the forecast, a straight line over the lag and flat beyond what was seen."""

    start: float = 0.0
    end: float = 0.0
    seen_months: int = 0

    def at(self, months: Floats) -> Floats:
        """Shares so many months ahead.

        >>> PaceWeights(0.2, 0.6, 20).at(np.array([0.0, 10.0, 20.0, 30.0])).round(9).tolist()
        [0.2, 0.4, 0.6, 0.6]
        """
        part = np.minimum(months, self.seen_months) / max(self.seen_months, 1)
        return np.asarray(self.start + (self.end - self.start) * part)


@dataclass(frozen=True)
class Trial:
    """What came after an earlier origin, (n, spans) by spans of months without the season, and what was expected.

    Attributes:
        back: months between the origin and now.
        span: months in a span.
        expected_orders, expected: by the process, orders and revenue.
        orders, revenue: what came.
        pace_orders, pace: (n,) orders and revenue a month of the past.
    """

    back: float
    span: int
    expected_orders: Floats
    expected: Floats
    orders: Floats
    revenue: Floats
    pace_orders: Floats
    pace: Floats


@dataclass(frozen=True)
class Shares:
    """What a month's forecast is made of.

    The two stages have the months that they were trained for to themselves, beside the pace that served them best
    there, and fade beyond them to the process with the pace that serves it best so far ahead.

    Attributes:
        trained: months; 0 without a back-test.
        own: of the pace beside the two stages, or beside the process alone, in these months.
        later: of the pace beside the process, by lag.
        own_total: whether the pace brings its own total, in which those count whom the process has given up, or has
            that of the process: the paces of young buyers, of whom few have left yet, say too much in total.
    """

    trained: int = 0
    own: float = 0.0
    later: PaceWeights = PaceWeights()
    own_total: bool = False

    def at(self, lag: Floats) -> tuple[Floats, Floats, Floats]:
        """Of the two stages, of the process and of the pace, so many months ahead; they add up to one.

        >>> [share.round(9).tolist() for share in Shares(6, 0.2, PaceWeights(0.0, 0.5, 18)).at(np.array([6.0, 18.0]))]
        [[0.8, 0.4], [0.0, 0.25], [0.2, 0.35]]
        """
        left = 0.5 ** (np.maximum(lag - self.trained, 0.0) / HALF_LIFE_MONTHS) * (self.trained > 0)
        two = left * (1 - self.own)
        process = (1 - left) * (1 - self.later.at(lag))
        return two, process, 1 - two - process

    def mixture(self, lag: Floats, process: Floats, own: Floats) -> tuple[Floats, Floats]:
        """(n, m) of the process and of the pace in their shares, and how much of it is the pace.

        Args:
            lag: (m,) months ahead.
            process: (n, m) expected.
            own: (n,) by the pace, in spans as long as those of the process.
        """
        *_, kept = self.at(lag)
        total, paced = process.sum(axis=0), float(own.sum())
        scale = np.ones(len(lag)) if self.own_total or paced <= 0 else total / paced
        habit = kept * scale * own[:, None]
        return (1 - kept) * process + habit, habit


def pace(repeats: Floats, age_months: Floats) -> Floats:
    """(n,) orders a month since the first one, which does not count; a young buyer's is drawn towards everybody's.

    >>> pace(np.array([2.0, 0.0]), np.array([9.0, 1.0])).round(3).tolist()
    [0.217, 0.15]
    """
    whole = float(age_months.sum())
    usual = float(repeats.sum()) / whole if whole > 0 else 0.0
    return np.asarray((repeats + YOUNG_MONTHS * usual) / (age_months + YOUNG_MONTHS))


def mixed(expected: Floats, own: Floats, share: float | Floats) -> Floats:
    """Both at the total of `expected`, in these shares."""
    total = own.sum()
    if total <= 0:
        return expected
    return np.asarray((1 - share) * expected + share * own * (expected.sum() / total))


def best_share(came: Floats, expected: Floats, own: Floats) -> float:
    """The share that would have served best, by Tweedie deviance."""
    return float(SHARES[int(np.argmin(_deviances(came, expected, own)))])


def pace_weights(trials: Sequence[Trial]) -> PaceWeights:
    """The line of shares over the lag that would have served best at the origins together."""
    spans = max((one.expected.shape[1] for one in trials), default=0)
    if not spans:
        return PaceWeights()
    found = np.zeros((spans, len(SHARES)))
    for one in trials:
        step = -(-len(one.pace) // MOST_BUYERS)
        for q in range(one.expected.shape[1]):
            found[q] += _deviances(one.revenue[::step, q], one.expected[::step, q], one.pace[::step])
    last = spans * trials[0].span
    middle = (np.arange(spans) + 0.5) * trials[0].span
    lines = [PaceWeights(a, b, last) for a in SHARES.tolist() for b in SHARES.tolist()]
    costs = [sum(np.interp(s, SHARES, row) for s, row in zip(line.at(middle), found, strict=True)) for line in lines]
    return lines[int(np.argmin(costs))]


def _deviances(came: Floats, expected: Floats, own: Floats) -> Floats:
    """(shares,) sums over the buyers, all at the total of what came: the level is learned apart."""
    total = np.maximum(came, 0.0).sum()
    if total <= 0 or expected.sum() <= 0 or own.sum() <= 0:
        return np.zeros(len(SHARES))
    told = expected * (total / expected.sum())
    return np.array([tweedie_deviance(came, mixed(told, own, share)).sum() for share in SHARES])
