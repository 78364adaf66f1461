"""The purchase process at an origin, beside what the orders tell: the rows that the two stages read.

Comes in: facts and an origin. Goes out: `order_features` with the process' P(order), orders, spend and revenue over
the months after the origin, fitted at that origin alone; and the same with what came after it, for learning.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.orders.features import order_features, order_outcomes
from revml.clv.orders.fitting import Process, PurchaseProcess, fit_process
from revml.clv.orders.next_spend import fit_order_spend
from revml.clv.orders.purchases import repeat_buyers, repeat_line
from revml.clv.orders.two_stage import Lesson
from revml.clv.value import MONTH_SECONDS, MONTH_WEEKS
from revml.sources.facts import Facts

MAX_ACCOUNTS = 30_000


def known_rows(
    facts: Facts,
    origin: datetime,
    months: int,
    kind: Process,
    *,
    most: int | None = None,
    process: PurchaseProcess | None = None,
) -> pd.DataFrame:
    """What is known of each buyer at an origin, sorted by account; empty where nobody had bought.

    Args:
        kind: the process, which is fitted to everybody.
        most: of more accounts than this every n-th is taken.
        process: where it was fitted already.
    """
    rows = order_features(facts, origin, months)
    if rows.empty:
        return rows
    buyers = repeat_buyers(facts, origin, margin=0.0)
    x, t_x, T = (buyers[name].to_numpy(float) for name in ("x", "t_x", "T"))
    process = process or fitted(kind, buyers)
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
    return rows


def fitted(kind: Process, buyers: pd.DataFrame) -> PurchaseProcess:
    """A process fitted to the rows of `repeat_buyers`."""
    x, t_x, T = (buyers[name].to_numpy(float) for name in ("x", "t_x", "T"))
    return fit_process(x, t_x, T, process=kind, log_gaps=buyers["log_gaps"].to_numpy(float))


def lesson(
    facts: Facts, rows: pd.DataFrame, origin: datetime, months: int, *, as_of: datetime, factor: float = 1.0
) -> Lesson:
    """What was known at an origin and what had come of it by `as_of`, divided by the season of those months."""
    if rows.empty:
        return Lesson(origin, rows, np.zeros(0), np.zeros(0))
    orders, revenue = order_outcomes(facts, origin, months, rows["account_id"], as_of=as_of)
    return Lesson(origin, rows, orders / factor, revenue / factor)


def span_months(facts: Facts, as_of: datetime) -> float:
    """Months from the first order that was known at `as_of` until then."""
    known = f"o.known_at <= $as_of AND o.ordered_at <= $as_of AND {repeat_line(facts)}"
    sql = f"SELECT min(o.ordered_at) FROM orders AS o WHERE {known}"
    [[first]] = facts.con.cursor().execute(sql, {"as_of": as_of}).fetchall()
    return 0.0 if first is None else (as_of - first).total_seconds() / MONTH_SECONDS
