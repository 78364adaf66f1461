"""How MRR moved from month to month: new, expansion, contraction, churn and reactivation, which add up exactly.

Comes in: facts and `as_of`. Goes out: one row a month, or one a month and segment. MRR is compared account by account
at month boundaries, in whole cents, so that the movements add up to the change of MRR to the last cent, and segments to
the company. A contract that starts on the first of a month is that month's. What starts and ends within one month is
not seen. Ending one of several subscriptions is contraction.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.kpis.book import Book, Flags, Ints, micros
from revml.sources.facts import Facts
from revml.windows import month_starts

KINDS = ("new", "expansion", "contraction", "churn", "reactivation")
MONEY = ("start", *KINDS, "end")
INSTANT = timedelta(microseconds=1)  # the finest that a TIMESTAMP tells apart

# Sums over the accounts of any group; every one is a whole number, so that groups add up to their union.
SUMS = (
    "start",
    *KINDS,
    "end",
    "customers",
    "lost",
    "paying",
    "kept_gross",
    "kept_net",
)


def moved(was: Ints, is_now: Ints, before: Flags) -> dict[str, Ints]:
    """By name in `SUMS` what each account adds.

    Args:
        was, is_now: (n,) cents of MRR at the start and at the end.
        before: (n,) whether anything had ever been paid by the start.
    """
    there, here = was > 0, is_now > 0
    change = is_now - was
    return {
        "start": was,
        "new": is_now * ((was == 0) & ~before),
        "expansion": change * (there & (change > 0)),
        "contraction": change * (here & (change < 0)),
        "churn": -was * (there & (is_now == 0)),
        "reactivation": is_now * ((was == 0) & before),
        "end": is_now,
        "customers": there.astype(np.int64),
        "lost": (there & (is_now == 0)).astype(np.int64),
        "paying": here.astype(np.int64),
        "kept_gross": np.minimum(was, is_now),
        "kept_net": is_now * there,
    }


class Groups:
    """Which group each account is in: sums over groups of what accounts add.

    Args:
        names: (n,) by account; None where it is in no group.
        every: names of all groups, accounts or not.
    """

    def __init__(self, names: npt.NDArray[np.object_], every: Collection[str]) -> None:
        self.names = sorted(every)
        self.of = np.asarray(pd.Index(self.names, dtype=object).get_indexer(pd.Index(names)), dtype=np.int64)
        self.inside = np.flatnonzero(self.of >= 0)
        self._place = self.of[self.inside]

    def sum(self, amounts: Ints) -> Ints:
        """(groups,)."""
        out = np.zeros(len(self.names), dtype=np.int64)
        np.add.at(out, self._place, amounts[self.inside])
        return out


class Paid:
    """What every account paid at both ends of each span, looked up once and added up by as many segments as asked."""

    def __init__(self, facts: Facts, as_of: datetime, spans: list[tuple[datetime, datetime]]) -> None:
        self._spans = spans
        self._book = Book.read_lines(facts, as_of)

    def sums(self, segments: pd.DataFrame | None = None) -> pd.DataFrame:
        """As `movements_between`."""
        book, lines = self._book, self._book.lines
        if segments is None:
            groups = Groups(np.full(book.n, "", dtype=object), [""])
        else:
            groups = Groups(book.of(segments, "segment"), segments["segment"].unique())
        rows = []
        for began, ended in sorted(self._spans):
            was, is_now = lines.at(began, lines.mrr), lines.at(ended, lines.mrr)
            sums = {
                name: groups.sum(each) for name, each in moved(was, is_now, lines.first_paid <= micros(began)).items()
            }
            rows.append(pd.DataFrame({"began": began, "ended": ended, "segment": groups.names, **sums}))
        frame = pd.concat(rows, ignore_index=True)
        return frame if segments is not None else frame.drop(columns="segment")


class PaidByMonth:
    """The same over the last calendar months."""

    def __init__(self, facts: Facts, as_of: datetime, months: int) -> None:
        bounds = month_bounds(as_of, months)
        spans = month_spans(bounds)
        self._first = {began: month for (began, _), month in zip(spans, bounds[:-1], strict=True)}
        self._paid = Paid(facts, as_of, spans)

    def movements(self, segments: pd.DataFrame | None = None) -> pd.DataFrame:
        """As `mrr_movements`."""
        frame = self._paid.sums(segments)
        frame.insert(0, "month", pd.Series(frame["began"].map(self._first), dtype="datetime64[us]"))
        by = ["segment"] if segments is not None else []
        return frame[["month", *by, *MONEY, "customers", "lost", "paying"]]


def mrr_movements(facts: Facts, as_of: datetime, months: int, *, segments: pd.DataFrame | None = None) -> pd.DataFrame:
    """Movements of the last `months` calendar months; the newest one ends at `as_of` and may be a part of a month.

    Args:
        segments: account_id, segment: every account once; then there is a row a month and segment.

    Returns:
        month (its first instant), segment where asked for, start, new, expansion, contraction, churn, reactivation, end
        (whole cents, int64; losses negative; `start + movements == end` exactly), customers (accounts paying at its
        start), lost (those of them that pay nothing at its end), paying (at its end).
    """
    return PaidByMonth(facts, as_of, months).movements(segments)


def movements_between(
    facts: Facts,
    as_of: datetime,
    spans: list[tuple[datetime, datetime]],
    *,
    segments: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Movements over any spans `(began, ended]`, with what those who paid at their start still pay at their end.

    Returns:
        began, ended, the columns of `mrr_movements`, kept_gross and kept_net (cents): the MRR of the starting accounts
        at the end, each at most its start (gross), or as it is (net).
    """
    return Paid(facts, as_of, spans).sums(segments)


def month_spans(bounds: list[datetime]) -> list[tuple[datetime, datetime]]:
    """From the last instant before each month to its own last one; the newest bound is the instant one looks from.

    >>> [str(ended) for _, ended in month_spans([datetime(2026, 2, 1), datetime(2026, 3, 1), datetime(2026, 3, 15)])]
    ['2026-02-28 23:59:59.999999', '2026-03-15 00:00:00']
    """
    return list(pairwise([*(bound - INSTANT for bound in bounds[:-1]), bounds[-1]]))


def month_bounds(as_of: datetime, months: int) -> list[datetime]:
    """`months + 1` instants: month starts up to `as_of`, and `as_of` itself where it is none.

    >>> [str(b) for b in month_bounds(datetime(2026, 3, 15), 2)]
    ['2026-02-01 00:00:00', '2026-03-01 00:00:00', '2026-03-15 00:00:00']
    """
    starts = month_starts(datetime(max(as_of.year - months // 12 - 2, 1), 1, 1), as_of)  # noqa: DTZ001
    bounds = starts if starts[-1] == as_of else [*starts, as_of]
    return bounds[-months - 1 :]
