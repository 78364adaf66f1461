"""Days on which far fewer rows came than usual: a feed that stopped, or brought only a part.

Comes in: rows by day. Goes out: gaps. What is usual is the median of the same weekday over the last eight weeks that
were in order, so that weekends are no gap and a long outage does not become the new usual. Slow declines, the turn of
the year and what was as quiet a year ago are no gaps: a note that cries wolf is worse than none.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from revml.contract.profile import Gap

WEEKS = 8
LEAST_WEEKS = 4
LOW = 0.3
LEAST_EXPECTED = 50
LEAST_DAYS = 3
DEAD, DEAD_DAYS, DEAD_EXPECTED = 0.05, 2, 25
NEW_LEVEL_DAYS = 84
Counts = NDArray[np.int64]


def gaps(first: date, counts: Counts, *, never_rests: bool = False) -> list[Gap]:
    """The gaps in rows by day.

    Args:
        first: the day of the first count.
        counts: one number a day, without holes; the last day should be whole.
        never_rests: rows come on public holidays too, if fewer, so that two days with next to nothing are a gap.

    >>> whole = np.full(140, 20)
    >>> whole[100:107] = 3
    >>> [(str(gap.first), str(gap.last), gap.rows, gap.expected) for gap in gaps(date(2025, 1, 6), whole)]
    [('2025-04-16', '2025-04-22', 21, 140)]
    """
    expected, low = _expected(counts)
    dead = never_rests & (expected >= DEAD_EXPECTED) & (counts < DEAD * expected)
    low |= dead
    if low.mean() > 0.2:
        return []
    bumpy = _least_usual(counts, expected, low)
    found = (_gap(first, counts, expected, start, end) for start, end in _runs(expected, low, dead))
    return [gap for gap in found if gap and gap.rows < 0.6 * bumpy * gap.expected]


def _expected(counts: Counts) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Usual rows of each day, and whether the day lies in a week with far fewer."""
    days = len(counts)
    expected, low = np.zeros(days), np.zeros(days, dtype=bool)
    for day in range(days):
        before = [counts[d] for d in range(day - 7, max(-1, day - 7 * 26), -7) if not low[d]][:WEEKS]
        expected[day] = np.median(before) if len(before) >= LEAST_WEEKS else 0.0
        week = slice(max(0, day - 6), day + 1)
        usual = expected[week].sum()
        if usual >= LEAST_EXPECTED and counts[week].sum() < LOW * usual:
            low[week] |= counts[week] < 0.5 * expected[week]
        if (
            day >= NEW_LEVEL_DAYS
            and low[day]
            and not (~low[day - NEW_LEVEL_DAYS : day] & (expected > 0)[day - NEW_LEVEL_DAYS : day]).any()
        ):
            low[day] = False
    return expected, low


def _least_usual(counts: Counts, expected: NDArray[np.float64], low: NDArray[np.bool_]) -> float:
    """How low a week in order may fall against what is usual; bills that go out in bursts fall far."""
    seven = np.ones(7)
    rows, usual = (np.convolve(np.where(low, 0, values), seven, "valid") for values in (counts, expected))
    ratios = rows[usual >= LEAST_EXPECTED] / usual[usual >= LEAST_EXPECTED]
    return float(np.quantile(ratios, 0.02)) if len(ratios) else 0.0


def _runs(expected: NDArray[np.float64], low: NDArray[np.bool_], dead: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Low days from first to last, joined over up to two days between them and over days that are always quiet."""
    usual = np.median(expected[expected > 0]) if (expected > 0).any() else 0.0
    quiet = expected < 0.3 * usual
    runs: list[tuple[int, int]] = []
    for day in np.flatnonzero(low & ~quiet):
        if runs and (~quiet[runs[-1][1] + 1 : day]).sum() <= 2:
            runs[-1] = (runs[-1][0], int(day))
        else:
            runs.append((int(day), int(day)))
    return [
        (start, _with_weekend(low, end))
        for start, end in runs
        if low[start : end + 1].sum() >= LEAST_DAYS or dead[start : end + 1].sum() >= DEAD_DAYS
    ]


def _with_weekend(low: NDArray[np.bool_], end: int) -> int:
    """The last low day, quiet ones included."""
    while end + 1 < len(low) and low[end + 1]:
        end += 1
    return end


def _gap(first: date, counts: Counts, expected: NDArray[np.float64], start: int, end: int) -> Gap | None:
    rows, usual = int(counts[start : end + 1].sum()), float(expected[start : end + 1].sum())
    days = (first + timedelta(days=start), first + timedelta(days=end))
    before = slice(max(0, start - 14), start)
    slide = counts[before].sum() < 0.6 * expected[before].sum()
    if (
        usual < LEAST_EXPECTED
        or rows >= LOW * usual
        or slide
        or _turn_of_year(*days)
        or _last_year(counts, expected, start, end)
    ):
        return None
    return Gap(days[0], days[1], rows, round(usual))


def _turn_of_year(start: date, end: date) -> bool:
    """Most companies rest between Christmas and Epiphany."""
    return (
        (end - start).days < 24
        and (start.month, start.day) >= (12, 17)
        and ((end.month, end.day) <= (1, 9) or end.year == start.year)
    )


def _last_year(counts: Counts, expected: NDArray[np.float64], start: int, end: int) -> bool:
    """Whether the same weekdays of a year ago, give or take a week, brought less than half of what was usual then."""
    span = end - start + 1
    for then in (start - 371, start - 364, start - 357):
        if then >= 0:
            usual = expected[then : then + span].sum()
            if usual > 0 and counts[then : then + span].sum() < 0.5 * usual:
                return True
    return False
