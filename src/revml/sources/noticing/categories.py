"""Values that stop or begin all at once: a tracking event that was removed, a plan that got another name.

Comes in: rows by day and value. Goes out: notes. A value stops when it came nearly every week, to the end as often as
before, and then never again while the table went on; what fades away, or rested a year ago too, is no news.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
BEFORE = 56
LEAST_SILENT = 14
LEAST_MISSED = 30
EN_MASSE = 0.4
MOST_NOTES = 5


def changes(
    what: str, first: date, values: Mapping[str, Counts], shared: Callable[[str, date, date], bool]
) -> list[str]:
    """Notes on the values of one column.

    Args:
        what: what a value is called, e.g. `event` or `plan`.
        first: the day of the first count.
        values: for each value one number a day; all of the same length.
        shared: whether a value comes from several accounts, none of them with most of it, between two days.
    """
    total = np.sum(list(values.values()), axis=0) if values else np.zeros(0, dtype=np.int64)
    notes, renamed = [], set()
    for value, counts in sorted(values.items(), key=lambda item: -int(item[1].sum())):
        last = _stopped(counts, total)
        if last is None:
            continue
        day = first + timedelta(days=last)
        if not shared(value, day - timedelta(days=BEFORE), day):
            continue
        after = _successor(values, value, last)
        weekly = counts[last - BEFORE + 1 : last + 1].sum() * 7 / BEFORE
        told = f"{what} {value!r} stopped on {day} (about {weekly:,.0f} rows a week until then)"
        if after:
            renamed.add(after)
            told += f" and {after!r} began in its place: if it was renamed, map both to one name"
        else:
            told += ": is it still sent? features see its silence as the customers' own"
        notes.append(told)
    for value, counts in values.items():
        begun = _began(counts, total)
        if begun is not None and value not in renamed:
            share = counts[begun : begun + 28].sum() / total[begun : begun + 28].sum()
            notes.append(
                f"{what} {value!r} appears on {first + timedelta(days=begun)} and is {share:.0%} of the rows"
                " of the four weeks that follow: was something renamed or loaded in one go?"
            )
    return notes[:MOST_NOTES]


def _stopped(counts: Counts, total: Counts) -> int | None:
    """The last day of a value that came steadily until then and not at all after."""
    there = np.flatnonzero(counts)
    if len(there) < 8:
        return None
    last = int(there[-1])
    silent = len(counts) - 1 - last
    if silent < LEAST_SILENT or last - there[0] < BEFORE:
        return None
    recent = counts[last - BEFORE + 1 : last + 1]
    weeks = recent.reshape(8, 7).sum(axis=1)
    rate = recent.mean()
    steady = (weeks > 0).sum() >= 7 and recent[-14:].mean() >= 0.5 * rate and rate * silent >= LEAST_MISSED
    rests = np.diff(there)
    goes_on = total[last + 1 :].mean() >= 0.5 * (total[last - BEFORE + 1 : last + 1].mean() - rate)
    if not steady or not goes_on or rests.max() > silent / 2:
        return None
    year = slice(max(0, last + 1 - 364), max(0, len(counts) - 364))
    rested = there[0] < last + 1 - 364 and counts[year].mean() < 0.2 * rate
    return None if rested else last


def _successor(values: Mapping[str, Counts], value: str, last: int) -> str | None:
    """A value that began within days of the end of another, about as often."""
    rate = values[value][last - BEFORE + 1 : last + 1].mean()
    for other, counts in values.items():
        there = np.flatnonzero(counts)
        if other != value and len(there) and last - 3 <= there[0] <= last + 10:
            new = counts[there[0] : there[0] + 28].mean()
            if 0.5 * rate <= new <= 2 * rate:
                return other
    return None


def _began(counts: Counts, total: Counts) -> int | None:
    """The first day of a value that is a large part of the rows from its first weeks on, long after the table began."""
    there = np.flatnonzero(counts)
    if not len(there) or there[0] < 2 * BEFORE or len(counts) - there[0] < 28:
        return None
    begun = int(there[0])
    fortnights = [slice(begun, begun + 14), slice(begun + 14, begun + 28)]
    enough = all(counts[part].sum() >= max(LEAST_MISSED, EN_MASSE * total[part].sum()) for part in fortnights)
    usual = total[begun - BEFORE : begun].sum() > 2 * LEAST_MISSED
    return begun if enough and usual else None
