"""The sums that every figure is made of, over the accounts of a span and segment.

Comes in: facts, `as_of`, spans of time, and which account stands in which segment. Goes out: one row a span and
segment. Counts and money are whole numbers (cents) that add up from accounts to segments and to the company; only the
median of the buyers' rhythm and the largest account are no sums.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.kpis.book import Book, Flags, Ints, micros
from revml.clv.kpis.movements import Groups, moved
from revml.clv.value import MONTH_SECONDS, Floats
from revml.config import Economics
from revml.sources.facts import Facts


class KpiSums:
    """What every account paid and bought, read once and added up by as many spans and segments as asked.

    Args:
        as_of: only what is known then counts.
    """

    def __init__(self, facts: Facts, as_of: datetime, economics: Economics) -> None:
        self._book = Book.read(facts, as_of, margin=economics.margin, order_margin=economics.order_margin)

    def by(
        self, segments: pd.DataFrame, spans: list[tuple[datetime, datetime]], *, clv: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """The sums of each span and segment.

        Args:
            segments: account_id, segment: every account once.
            spans: `(began, ended]`, none twice.
            clv: account_id, clv: one row an account; absent means that nothing is valued.

        Returns:
            began, ended, segment; asked and months (how long the span is, and how much of it the orders cover, at least
            one); the columns of `movements.SUMS` (contracts); active (accounts that pay a contract or bought), money
            and gain (revenue and margin a month, cents), largest (of money, one account's); buyers, repeaters, days
            (with a purchase), revenue, rhythm (median over buyers of the median days between purchases), rhythms
            (buyers who have one), ever (bought by the end); joined, costed, cost (accounts created in the span);
            valued, clv.
        """
        groups = Groups(self._book.of(segments, "segment"), segments["segment"].unique())
        values = np.full(self._book.n, np.nan)
        if clv is not None and not clv.empty:
            values = np.rint(100 * self._book.of(clv, "clv").astype(float))
        parts = [self._span(groups, began, ended, values) for began, ended in sorted(spans)]
        return pd.concat(parts, ignore_index=True)

    def _span(self, groups: Groups, began: datetime, ended: datetime, values: Floats) -> pd.DataFrame:
        book, lines = self._book, self._book.lines
        asked = (ended - began).total_seconds() / MONTH_SECONDS
        covered = (micros(ended) - micros(book.day[0].item())) / 1e6 / MONTH_SECONDS if len(book.day) else asked
        months = max(1.0, min(asked, covered))
        was, is_now, margin = lines.at(began, lines.mrr), lines.at(ended, lines.mrr), lines.at(ended, lines.margin)
        bought, (joined, cost) = book.bought(began, ended), book.came(began, ended)
        ever = book.first_bought <= micros(ended)
        each = moved(was, is_now, lines.first_paid <= micros(began)) | {
            "active": _ones((is_now > 0) | (bought.days > 0)),
            "buyers": _ones(bought.days > 0),
            "repeaters": _ones(bought.days > 1),
            "days": bought.days,
            "revenue": bought.revenue,
            "rhythms": _ones(~np.isnan(bought.rhythm)),
            "ever": _ones(ever),
            "joined": joined,
            "costed": _ones(~np.isnan(cost)),
            "cost": np.nan_to_num(cost).astype(np.int64),
            "valued": _ones(~np.isnan(values)),
            "clv": np.nan_to_num(values).astype(np.int64),
        }
        sums = {name: groups.sum(amounts) for name, amounts in each.items()}
        there = lines.within(began, ended) | bought.there | ever | (joined > 0) | ~np.isnan(values)
        known = groups.sum(_ones(there)) > 0
        largest = np.full(len(groups.names), -np.inf)
        mine = groups.inside[there[groups.inside]]
        np.maximum.at(largest, groups.of[mine], is_now[mine] + bought.revenue[mine] / months)
        gain = groups.sum(margin) + groups.sum(bought.margin) / months
        return pd.DataFrame(
            {
                "began": began,
                "ended": ended,
                "segment": groups.names,
                "months": np.where(known, months, np.nan),
                "asked": np.where(known, asked, np.nan),
                **sums,
                "money": sums["end"] + sums["revenue"] / months,
                "gain": gain,
                "largest": np.where(known, largest, 0.0),
                "rhythm": _medians(groups, bought.rhythm),
            }
        )


def _ones(flags: Flags) -> Ints:
    return flags.astype(np.int64)


def _medians(groups: Groups, rhythm: Floats) -> Floats:
    """(groups,) median over the accounts that have a rhythm; NaN where none has."""
    mine = groups.inside[~np.isnan(rhythm[groups.inside])]
    found = pd.Series(rhythm[mine]).groupby(groups.of[mine]).median()
    return np.asarray(found.reindex(range(len(groups.names))).to_numpy(float))


def whole_company(segments: pd.DataFrame) -> pd.DataFrame:
    """All accounts in one segment."""
    return segments.assign(segment="")
