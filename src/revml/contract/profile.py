"""The shape of a table's accepted rows in time: what pictures are drawn from and what the next check compares with.

Comes in: nothing; `sources.noticing` fills it. Goes out: frozen data. Days are counted from the first to the last on
which a row happened; months are written `2026-03`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True)
class Gap:
    """Days on which far fewer rows came than those weekdays usually bring.

    Attributes:
        expected: rows that would have been usual.
    """

    first: date
    last: date
    rows: int
    expected: int


@dataclass(frozen=True)
class Jump:
    """A month from which a column of numbers is larger by a factor, for nearly every account at once.

    Attributes:
        accounts: accounts with rows on both sides.
        medians: the column's median by month.
    """

    column: str
    month: str
    factor: float
    accounts: int
    medians: dict[str, float]


@dataclass(frozen=True)
class Month:
    """The rows of a month; the digest depends on them as a set, and is empty where rows may rightly change later."""

    rows: int
    digest: str = ""


@dataclass(frozen=True)
class Profile:
    """A table over time.

    Attributes:
        first: the first day that has a row; None when rows have no time.
        days: rows a day from then on, without holes.
    """

    first: date | None = None
    days: tuple[int, ...] = ()
    months: dict[str, Month] | None = None
    gaps: tuple[Gap, ...] = ()
    jumps: tuple[Jump, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: rows by month, gaps and jumps; days are for pictures only."""
        return {
            "months": {name: month.rows for name, month in (self.months or {}).items()},
            "gaps": [{**asdict(gap), "first": str(gap.first), "last": str(gap.last)} for gap in self.gaps],
            "unit_changes": [asdict(jump) for jump in self.jumps],
        }

    def weeks(self) -> list[tuple[date, int]]:
        """Rows by week, each under its Monday."""
        if self.first is None:
            return []
        counts: dict[date, int] = {}
        for number, rows in enumerate(self.days):
            day = self.first + timedelta(days=number)
            monday = day - timedelta(days=day.weekday())
            counts[monday] = counts.get(monday, 0) + rows
        return sorted(counts.items())
