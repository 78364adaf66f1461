"""The small tables that let windows be equi-joins: a day -> its slot -> the snapshots that see it, and at what age.

Accounts that are looked at on the same days form a **cohort** and share a calendar: monthly snapshots are one cohort,
snapshots at fixed days before renewals many small ones. Numbers of slots and cutoffs are never used twice.

Days are 24-hour periods that end at the snapshots' time of day. Cut the time line at every window edge of every
snapshot: between two cuts lies a **slot**, whose days no window ever tells apart. A **cutoff** is an instant at which
something is looked at: each distinct `as_of`, and the same `PAST_DAYS` earlier (a feature's own past). Facts are
aggregated to slots once; a slot reaches each cutoff with one **age**, the smallest edge of `EDGES` that covers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

EDGES = (7, 14, 28, 56, 84, 168, 182, 364)
PAST_DAYS = 84
PAST_EDGES = (28,)
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Calendar:
    """Tables by name, and the cutoff of each snapshot day.

    Attributes:
        days: (cohort, day, slot, gap, near); gap is the first cutoff that sees the day, near 1 where some window of a
            cutoff reaches it. Days no cutoff sees are not there.
        ages: (slot, cutoff, age); age is the smallest edge that covers the slot from the cutoff.
        cutoffs: by (cohort, snapshot day): the number of its cutoff; of the one `PAST_DAYS` before it.
    """

    days: pa.Table
    ages: pa.Table
    cutoffs: dict[tuple[int, date], tuple[int, int]]


def calendars(snapshot_days: Mapping[int, Sequence[date]], first_day: date) -> Calendar:
    """The calendars of several cohorts as one.

    Args:
        snapshot_days: the days of each cohort's snapshots.
        first_day: the first day with facts; earlier windows are empty anyway.
    """
    days, ages = [], []
    numbers: dict[tuple[int, date], tuple[int, int]] = {}
    slots = cutoffs = 0
    for cohort, dates in snapshot_days.items():
        one = calendar(dates, first_day, cohort=cohort, slots=slots, cutoffs=cutoffs)
        days.append(one.days)
        ages.append(one.ages)
        numbers |= one.cutoffs
        cutoffs += 2 * len(set(dates))
        slots += 1 + 2 * len(set(dates)) * (1 + len(EDGES))
    return Calendar(pa.concat_tables(days), pa.concat_tables(ages), numbers)


def calendar(
    snapshot_days: Sequence[date], first_day: date, *, cohort: int = 0, slots: int = 0, cutoffs: int = 0
) -> Calendar:
    """The calendar of snapshots taken at the end of the period before each of `snapshot_days`.

    Args:
        snapshot_days: dates of the snapshots, in any order.
        first_day: the first day with facts; earlier windows are empty anyway.
        slots, cutoffs: how many numbers of slots and cutoffs are taken already.

    >>> c = calendar([date(2026, 1, 29)], date(2026, 1, 1))
    >>> c.days.num_rows
    28
    >>> sorted(set(c.ages.column("age").to_pylist()))
    [7, 14, 28]
    """
    # Ordinal e of a period is that of the day it ends on: the period of a snapshot day D ends at ordinal(D).
    now = sorted({d.toordinal() for d in snapshot_days})
    looks: dict[int, tuple[int, ...]] = {n - PAST_DAYS: PAST_EDGES for n in now} | dict.fromkeys(now, EDGES)
    instants = sorted(looks)
    number = {at: cutoffs + i for i, at in enumerate(instants)}
    cuts = np.array(sorted({at - edge for at, edges in looks.items() for edge in (0, *edges)}), dtype=np.int64)
    last = instants[-1]
    ends = np.arange(min(first_day.toordinal() + 1, last), last + 1, dtype=np.int64)
    slot = np.searchsorted(cuts, ends, side="left")
    gap = np.searchsorted(np.array(instants, dtype=np.int64), ends, side="left")
    seen = np.unique(slot)
    found, ats, ages = [], [], []
    for at, edges in looks.items():
        reach = np.searchsorted(cuts, [at - e for e in (0, *edges)], side="left")  # slot that ends at each edge
        mine = seen[(seen > reach[-1]) & (seen <= reach[0])]
        # the slot (cuts[k-1], cuts[k]] has the age of the first edge at or before its start
        which = np.searchsorted(-reach[1:], -(mine - 1), side="left")
        found.append(slots + mine)
        ats.append(np.full(len(mine), number[at]))
        ages.append(np.array(edges)[which])
    table = pa.table(
        {
            "slot": pa.array(np.concatenate(found), pa.int32()),
            "cutoff": pa.array(np.concatenate(ats), pa.int32()),
            "age": pa.array(np.concatenate(ages), pa.int32()),
        }
    )
    days = pa.table(
        {
            "cohort": pa.array(np.full(len(ends), cohort), pa.int32()),
            "day": pa.array((ends - 1 - _EPOCH).astype(np.int32)).cast(pa.date32()),
            "slot": pa.array(slots + slot, pa.int32()),
            "gap": pa.array(cutoffs + gap, pa.int32()),
            "near": pa.array(np.isin(slot, np.concatenate(found) - slots), pa.int8()),
        }
    )
    pairs = {(cohort, date.fromordinal(n)): (number[n], number[n - PAST_DAYS]) for n in now}
    return Calendar(days, table, pairs)
