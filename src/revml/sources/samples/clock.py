"""The calendar of a sample company: fixed months that end with 2026-06, so that nothing depends on today.

Days are integers (days since 1970-01-01), instants are microseconds since then, months are indices from the first month
of the data. The calendar reaches past the end of the data, because contracts renew there and truth looks there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

END = np.datetime64("2026-07-01", "D")
MICROSECONDS = 86_400_000_000
AHEAD = 72  # months known past the end: the longest term and the label windows


@dataclass(frozen=True)
class Calendar:
    """The months of the data.

    >>> c = Calendar(36)
    >>> c.date(c.starts[0]), c.date(c.end), int(c.lengths[0])
    ('2023-07-01', '2026-07-01', 31)
    """

    months: int

    @cached_property
    def starts(self) -> Ints:
        """First day of each month, `AHEAD` months past the end included."""
        last = END.astype("datetime64[M]")
        return np.arange(last - self.months, last + AHEAD).astype("datetime64[D]").astype(np.int64)

    @cached_property
    def lengths(self) -> Ints:
        """Days in each month."""
        return np.diff(self.starts)

    @cached_property
    def halves(self) -> Ints:
        """First day of each half month, and the day after the last."""
        middle = self.starts[: self.months] + self.lengths[: self.months] // 2
        return np.append(np.stack([self.starts[: self.months], middle], axis=1).ravel(), self.end)

    @cached_property
    def season_month(self) -> Ints:
        """Month of the year of each month, 0 to 11."""
        first = int((END.astype("datetime64[M]") - self.months).astype(np.int64))
        return (first + np.arange(len(self.starts))) % 12

    @property
    def end(self) -> int:
        """The day at which the data ends; nothing is known from that day on."""
        return int(self.starts[self.months])

    def day(self, month: Ints, day_of_month: Ints) -> Ints:
        """The day a month (any index, also before the data) and a day of the month mean."""
        first = END.astype("datetime64[M]").astype(np.int64) - self.months
        days: Ints = (first + month).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day_of_month - 1
        return days

    @staticmethod
    def date(day: int) -> str:
        """ISO form of a day."""
        return str(np.datetime64(int(day), "D"))


@dataclass(frozen=True)
class Span:
    """A month as a step of the latent process; `limit` cuts off what happens later than that many days into it.

    `share` is the part of the month's working days that lie before the limit.
    """

    index: int
    start: int
    days: int
    season: int
    limit: int
    share: float

    @classmethod
    def of(cls, calendar: Calendar, index: int, *, until: int | None = None) -> Span:
        """The month of an index, cut at the day `until` (inclusive)."""
        start, days = int(calendar.starts[index]), int(calendar.lengths[index])
        limit = days if until is None else min(days, until - start)
        work = workload(np.arange(start, start + days))
        share = float(work[:limit].sum() / work.sum())
        return cls(index, start, days, int(calendar.season_month[index]), limit, share)


def workload(day: Ints) -> Floats:
    """How much business a day sees, by its weekday."""
    out: Floats = np.array([1.0, 1.05, 1.05, 1.0, 0.9, 0.08, 0.04])[(day + 3) % 7]
    return out
