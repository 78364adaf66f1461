"""What every account paid, bought and cost, read once, and added up over any span and segment.

Comes in: facts and `as_of`. Goes out: a `Book`: whole numbers (millionths of MRR, cents of orders) by account, sorted
by time, so that a span is a slice of them and a month is not looked at once a window. Sums are exact whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.value import Floats
from revml.sources.facts import Facts
from revml.sources.remembered import remembered

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]
MICRO = 10_000  # millionths of a unit in a cent
NEVER = np.iinfo(np.int64).max

_WHO = """
CREATE TEMP TABLE who AS SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS place FROM (
  SELECT account_id FROM accounts WHERE known_at <= $as_of
  UNION SELECT account_id FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of
  UNION SELECT account_id FROM orders WHERE known_at <= $as_of AND ordered_at <= $as_of) AS every"""

_RATES = "rates AS (SELECT product, any_value(margin_rate) AS margin_rate FROM products GROUP BY product)"

_LINES = f"""
WITH {_RATES}
SELECT w.place, s.started_at,
  coalesce(CASE WHEN s.ended_at <= $as_of THEN s.ended_at END, TIMESTAMP '9999-12-31') AS until,
  coalesce(CAST(s.mrr::DECIMAL(28, 6) * 1000000 AS BIGINT), 0) AS mrr,
  coalesce(CAST((s.mrr * coalesce(r.margin_rate, $margin))::DECIMAL(28, 6) * 1000000 AS BIGINT), 0) AS margin
FROM subscriptions AS s JOIN who AS w ON w.account_id = s.account_id LEFT JOIN rates AS r ON r.product = s.product
WHERE s.known_at <= $as_of AND s.started_at <= $as_of"""

# A purchase is a day whose order lines net to more than nothing; gaps are days since the purchase before.
_DAYS = f"""
WITH {_RATES},
daily AS (
  SELECT o.account_id, max(o.ordered_at) AS day_at,
    CAST(round(100 * sum(o.amount::DECIMAL(28, 6))) AS BIGINT) AS amount,
    CAST(round(100 * sum((CASE WHEN o.cost IS NOT NULL THEN o.amount - o.cost
                               ELSE o.amount * coalesce(r.margin_rate, $order_margin) END)::DECIMAL(28, 6)))
         AS BIGINT) AS margin
  FROM orders AS o LEFT JOIN rates AS r ON r.product = o.product
  WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of
  GROUP BY o.account_id, CAST(o.ordered_at AS DATE)
),
gaps AS (
  SELECT account_id, day_at,
    date_diff('day', lag(day_at) OVER (PARTITION BY account_id ORDER BY day_at), day_at) AS gap
  FROM daily WHERE amount > 0
),
days AS (
  SELECT d.*, g.gap FROM daily AS d LEFT JOIN gaps AS g ON g.account_id = d.account_id AND g.day_at = d.day_at
)
SELECT w.place, d.day_at, coalesce(d.amount, 0) AS amount, coalesce(d.margin, 0) AS margin, coalesce(d.gap, -1) AS gap
FROM days AS d JOIN who AS w ON w.account_id = d.account_id ORDER BY d.day_at"""

_JOINED = """
SELECT w.place, a.created_at, CAST(round(100 * a.acquisition_cost) AS BIGINT) AS cost
FROM accounts AS a JOIN who AS w ON w.account_id = a.account_id
WHERE a.known_at <= $as_of AND a.created_at IS NOT NULL"""


@dataclass(frozen=True)
class Lines:
    """Contract lines: whose, from when until when, and how much a month.

    Attributes:
        n: how many accounts there are in all.
        place: (lines,) the account.
        mrr, margin: in millionths.
    """

    n: int
    place: Ints
    started: Times
    until: Times
    mrr: Ints
    margin: Ints

    def at(self, when: datetime, amounts: Ints) -> Ints:
        """(n,) cents a month at an instant."""
        at = np.datetime64(when, "us")
        there = (self.started <= at) & (self.until > at)
        total = _added(self.place[there], amounts[there], self.n)
        return np.asarray(np.sign(total) * ((np.abs(total) + MICRO // 2) // MICRO))

    def within(self, began: datetime, ended: datetime) -> Flags:
        """(n,) whether any line touches a span."""
        out = np.zeros(self.n, dtype=bool)
        touches = (self.started <= np.datetime64(ended, "us")) & (self.until > np.datetime64(began, "us"))
        out[self.place[touches]] = True
        return out

    @cached_property
    def first_paid(self) -> Ints:
        """(n,) the first instant at which something was paid, in microseconds."""
        paid = (self.mrr > 0) & (self.until > self.started)
        return _first(self.place[paid], self.started[paid], self.n)


@dataclass(frozen=True)
class Bought:
    """What every account bought in a span: (n,) each.

    Attributes:
        there: whether anything was ordered or returned.
        days: with a purchase.
        revenue, margin: in cents, net of returns.
        rhythm: median days between purchases; NaN where there is none.
    """

    there: Flags
    days: Ints
    revenue: Ints
    margin: Ints
    rhythm: Floats


@dataclass(frozen=True)
class Book:
    """All that the figures are made of.

    Attributes:
        accounts: (n,) sorted.
        place, day, amount, margin, gap: (days,) days with orders, by time; cents; days since the purchase before, -1
            where there is none.
        joined, created, cost: (accounts that were created,) which, when, and their acquisition cost in cents (NaN).
    """

    accounts: npt.NDArray[np.object_]
    lines: Lines
    place: Ints
    day: Times
    amount: Ints
    margin: Ints
    gap: Ints
    joined: Ints
    created: Times
    cost: Floats

    @classmethod
    def read(cls, facts: Facts, as_of: datetime, *, margin: float, order_margin: float | None) -> Book:
        """Read the facts known at `as_of`; without a margin of orders no days with orders."""
        cursor = facts.con.cursor()  # a temporary table belongs to its cursor
        cursor.execute(_WHO, {"as_of": as_of})
        accounts = cursor.execute("SELECT account_id FROM who ORDER BY place").df()["account_id"].to_numpy(object)
        n = len(accounts)
        found = cursor.execute(_LINES, {"as_of": as_of, "margin": margin}).fetchnumpy()
        place, started, until = _whole(found["place"]), _times(found["started_at"]), _times(found["until"])
        lines = Lines(n, place, started, until, _whole(found["mrr"]), _whole(found["margin"]))
        sql = _DAYS if order_margin is not None else f"{_DAYS} LIMIT 0"
        days = cursor.execute(sql, {"as_of": as_of, "order_margin": order_margin}).fetchnumpy()
        came = cursor.execute(_JOINED, {"as_of": as_of}).fetchnumpy()
        cost = np.ma.filled(np.ma.asarray(came["cost"]).astype(np.float64), np.nan)
        return cls(
            accounts,
            lines,
            _whole(days["place"]),
            _times(days["day_at"]),
            _whole(days["amount"]),
            _whole(days["margin"]),
            _whole(days["gap"]),
            _whole(came["place"]),
            _times(came["created_at"]),
            np.asarray(cost, dtype=np.float64),
        )

    @classmethod
    def read_lines(cls, facts: Facts, as_of: datetime) -> Book:
        """Contracts alone, without margins."""

        def made() -> Book:
            return cls.read(facts, as_of, margin=0.0, order_margin=None)

        return remembered(facts, "contract lines", as_of, made, most=1)

    @property
    def n(self) -> int:
        """How many accounts."""
        return len(self.accounts)

    def bought(self, began: datetime, ended: datetime) -> Bought:
        """What was bought in `(began, ended]`."""
        first, last = self._slice(began, ended)
        place, amount = self.place[first:last], self.amount[first:last]
        there = np.zeros(self.n, dtype=bool)
        there[place] = True
        return Bought(
            there,
            np.bincount(place[amount > 0], minlength=self.n).astype(np.int64),
            _added(place, amount, self.n),
            _added(place, self.margin[first:last], self.n),
            self._rhythm(first, last),
        )

    def _slice(self, began: datetime, ended: datetime) -> tuple[int, int]:
        first, last = (int(np.searchsorted(self.day, np.datetime64(at, "us"), side="right")) for at in (began, ended))
        return first, max(first, last)

    @cached_property
    def _by_gap(self) -> Ints:
        """Days that have a gap, by account and gap."""
        known = np.flatnonzero(self.gap >= 0)
        return known[np.lexsort((self.gap[known], self.place[known]))]

    def _rhythm(self, first: int, last: int) -> Floats:
        days = self._by_gap[(self._by_gap >= first) & (self._by_gap < last)]
        counts = np.bincount(self.place[days], minlength=self.n)
        starts = np.cumsum(counts) - counts
        out = np.full(self.n, np.nan)
        some = np.flatnonzero(counts)
        low, high = (self.gap[days[starts[some] + (counts[some] - more) // 2]] for more in (1, 0))
        out[some] = (low + high) / 2
        return out

    @cached_property
    def first_bought(self) -> Ints:
        """(n,) when each account first bought, in microseconds."""
        paid = self.amount > 0
        return _first(self.place[paid], self.day[paid], self.n)

    def came(self, began: datetime, ended: datetime) -> tuple[Ints, Floats]:
        """(n,) how many accounts of each name were created in the span, and their greatest cost (NaN)."""
        inside = (self.created > np.datetime64(began, "us")) & (self.created <= np.datetime64(ended, "us"))
        cost = np.full(self.n, np.nan)
        np.fmax.at(cost, self.joined[inside], self.cost[inside])
        joined = np.zeros(self.n, dtype=np.int64)
        joined[self.joined[inside]] = 1
        return joined, cost

    def of(self, frame: pd.DataFrame, column: str) -> npt.NDArray[np.object_]:
        """(n,) a column of a frame with one row an account; None where it has none."""
        known = frame.set_index("account_id")[column]
        found = known.reindex(self.accounts)
        return np.asarray(found.astype(object).where(found.notna(), None).to_numpy(object))


def micros(when: datetime) -> int:
    """An instant in microseconds, as `first_paid` and `first_bought` tell it."""
    return int(np.datetime64(when, "us").astype(np.int64))


def _added(place: Ints, amounts: Ints, n: int) -> Ints:
    out = np.zeros(n, dtype=np.int64)
    np.add.at(out, place, amounts)
    return out


def _first(place: Ints, when: Times, n: int) -> Ints:
    out = np.full(n, NEVER, dtype=np.int64)
    np.minimum.at(out, place, when.astype(np.int64))
    return out


def _whole(values: npt.NDArray[np.generic]) -> Ints:
    return np.asarray(values, dtype=np.int64)


def _times(values: npt.NDArray[np.generic]) -> Times:
    return np.asarray(values).astype("datetime64[us]")
