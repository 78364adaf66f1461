"""The purchase process at an origin, beside what the orders tell: the rows that the two stages read.

Comes in: facts and an origin. Goes out: `order_features` with the process' P(order), orders, spend and revenue over
the months after the origin, fitted at that origin alone; and the same with what came after it, by month, for learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.orders.features import order_features, order_paths
from revml.clv.orders.fitting import Process, PurchaseProcess
from revml.clv.orders.next_spend import fit_order_spend
from revml.clv.orders.pace import Trial, pace
from revml.clv.orders.process_at import process_at
from revml.clv.orders.purchases import repeat_buyers, repeat_line
from revml.clv.orders.season import Season
from revml.clv.orders.two_stage import Lesson
from revml.clv.value import MONTH_SECONDS, MONTH_WEEKS, Floats
from revml.sources.facts import Facts

MAX_ACCOUNTS = 30_000
# What came is looked at in spans of so many months.
SPAN_MONTHS = 3


@dataclass(frozen=True)
class KnownBuyers:
    """What is known of each buyer at an origin, sorted by account.

    Attributes:
        origin: the instant.
        rows: `order_features` with the process' P(order), orders, spend and revenue; empty where nobody had bought.
        process: fitted to everybody at the origin; None where nobody had bought.
        x, t_x, T: (n,) of the rows, in weeks.
    """

    origin: datetime
    rows: pd.DataFrame
    process: PurchaseProcess | None
    x: Floats
    t_x: Floats
    T: Floats

    def expected(self, span: int, spans: int) -> Floats:
        """(n, spans) orders by spans of months."""
        if self.process is None:
            return np.zeros((0, spans))
        ends: Floats = np.linspace(1.0, spans, spans) * span * MONTH_WEEKS
        return np.asarray(np.diff(self.process.expected_orders(self.x, self.t_x, self.T, ends), axis=1, prepend=0.0))

    def pace(self) -> tuple[Floats, Floats]:
        """(n,) orders and revenue a month of the past."""
        orders = pace(self.x, self.T / MONTH_WEEKS)
        return orders, orders * self.rows["process_spend"].to_numpy(float)


@dataclass(frozen=True)
class Outcome:
    """What was known at an origin, and (n, months) what came of it, divided by the season."""

    known: KnownBuyers
    back: float
    orders: Floats
    revenue: Floats

    def lesson(self, months: int) -> Lesson:
        """Of the first months."""
        orders, revenue = self.orders[:, :months].sum(axis=1), self.revenue[:, :months].sum(axis=1)
        return Lesson(self.known.origin, self.known.rows, orders, revenue)

    def trial(self, months: int | None = None) -> Trial:
        """By spans of months, of the first months or of all; what fills no span is left out."""
        seen = self.orders.shape[1] if months is None else min(months, self.orders.shape[1])
        span = min(SPAN_MONTHS, seen)
        count = seen // span
        orders, revenue = (
            came[:, : count * span].reshape(len(came), count, span).sum(axis=2) for came in (self.orders, self.revenue)
        )
        expected = self.known.expected(span, count)
        spend = self.known.rows["process_spend"].to_numpy(float)[:, None]
        return Trial(self.back, span, expected, expected * spend, orders, revenue, *self.known.pace())


def known_buyers(
    facts: Facts,
    origin: datetime,
    months: int,
    kind: Process,
    *,
    most: int | None = None,
    process: PurchaseProcess | None = None,
) -> KnownBuyers:
    """What is known of each buyer at an origin.

    Args:
        months: of the process' figures.
        kind: the process, which is fitted to everybody.
        most: of more accounts than this every n-th is taken.
        process: where it was fitted already.
    """
    rows = order_features(facts, origin, months)
    if rows.empty:
        return KnownBuyers(origin, rows, None, np.zeros(0), np.zeros(0), np.zeros(0))
    buyers = repeat_buyers(facts, origin, margin=0.0)
    x, t_x, T = (buyers[name].to_numpy(float) for name in ("x", "t_x", "T"))
    process = process or process_at(facts, origin, kind, buyers)
    purchases, spend = buyers["purchases"].to_numpy(float), buyers["spend"].to_numpy(float)
    money = fit_order_spend(purchases, spend, buyers["within"].to_numpy(float))
    weeks = np.array([months * MONTH_WEEKS])
    kept = slice(None, None, 1 if most is None else -(-len(rows) // most))
    rows = rows.iloc[kept].reset_index(drop=True)
    x, t_x, T, purchases, spend = (values[kept] for values in (x, t_x, T, purchases, spend))
    rows["process_alive"] = process.p_alive(x, t_x, T)
    rows["process_p_order"] = process.p_order(x, t_x, T, np.zeros(1), weeks)[:, 0]
    rows["process_orders"] = process.expected_orders(x, t_x, T, weeks)[:, 0]
    rows["process_spend"] = money.expected(purchases, spend)
    rows["process_revenue"] = rows["process_orders"] * rows["process_spend"]
    return KnownBuyers(origin, rows, process, x, t_x, T)


def outcome(facts: Facts, known: KnownBuyers, back: float, *, as_of: datetime, season: Season) -> Outcome:
    """What had come by `as_of`, so many months after the origin, divided by the season (of `as_of`) month by month."""
    if known.rows.empty:
        return Outcome(known, back, np.zeros((0, int(back))), np.zeros((0, int(back))))
    orders, revenue = order_paths(facts, known.origin, int(back), known.rows["account_id"], as_of=as_of)
    factors = np.array([season.of_window(back - month, 1) for month in range(int(back))])
    return Outcome(known, back, orders / factors, revenue / factors)


def span_months(facts: Facts, as_of: datetime) -> float:
    """Months from the first order that was known at `as_of` until then."""
    known = f"o.known_at <= $as_of AND o.ordered_at <= $as_of AND {repeat_line(facts)}"
    sql = f"SELECT min(o.ordered_at) FROM orders AS o WHERE {known}"
    [[first]] = facts.con.cursor().execute(sql, {"as_of": as_of}).fetchall()
    return 0.0 if first is None else (as_of - first).total_seconds() / MONTH_SECONDS
