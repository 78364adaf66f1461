"""What the orders tell: what each buyer bought in a span, orders by month, revenue by product family.

Comes in: facts and `as_of`. Goes out: SQL over accounts and spans, and frames; money in whole cents, so that accounts,
families and months add up. A purchase is a day whose order lines net to more than nothing; returns of other days net
out of the money. Machines and other durables are orders here like any other.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.kpis.movements import month_bounds
from revml.sources.facts import Facts

# days: account_id, day_at, amount and margin (cents) of each day with orders, gap (days since the purchase before).
# bought: began, ended, account_id, days (with a purchase), revenue, order_margin (cents), rhythm (the median gap).
# ever: ended, account_id of whoever had bought by then. Common table expressions; read $as_of, $order_margin and the
# tables `ends` and `rates`.
BOUGHT = """
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
),
bought AS (
  SELECT e.began, e.ended, d.account_id, count(*) FILTER (d.amount > 0) AS days,
    sum(d.amount)::BIGINT AS revenue, sum(d.margin)::BIGINT AS order_margin, median(d.gap) AS rhythm
  FROM ends AS e JOIN days AS d ON d.day_at > e.began AND d.day_at <= e.ended
  GROUP BY e.began, e.ended, d.account_id
),
ever AS (
  SELECT e.began, e.ended, f.account_id
  FROM ends AS e JOIN (SELECT account_id, min(day_at) AS day_at FROM daily WHERE amount > 0 GROUP BY account_id) AS f
    ON f.day_at <= e.ended
)"""

_BY_MONTH = """
SELECT least(CAST(date_trunc('month', ordered_at) AS TIMESTAMP), $last) AS month,
  CAST(round(100 * sum(amount::DECIMAL(28, 6))) AS BIGINT) AS revenue,
  count(DISTINCT account_id) FILTER (amount > 0) AS customers
FROM orders WHERE known_at <= $as_of AND ordered_at >= $start AND ordered_at <= $as_of GROUP BY 1 ORDER BY 1"""

_BY_FAMILY = """
SELECT coalesce(p.family, '') AS family,
  CAST(round(100 * sum(o.amount::DECIMAL(28, 6))) AS BIGINT) AS revenue,
  count(DISTINCT o.account_id) FILTER (o.amount > 0) AS customers
FROM orders AS o
LEFT JOIN (SELECT product, any_value(family) AS family FROM products GROUP BY product) AS p ON p.product = o.product
WHERE o.known_at <= $as_of AND o.ordered_at > $start AND o.ordered_at <= $as_of
GROUP BY 1 ORDER BY revenue DESC, family"""


def orders_by_month(facts: Facts, as_of: datetime, months: int) -> pd.DataFrame:
    """Orders of the last `months` calendar months: month, revenue (cents, net of returns), customers who bought.

    The newest month ends with `as_of`, which is in it even where that is the first instant of the next one.
    """
    bounds = month_bounds(as_of, months)
    values = {"as_of": as_of, "start": bounds[0], "last": bounds[-2]}
    frame: pd.DataFrame = facts.con.cursor().execute(_BY_MONTH, values).df()
    whole = pd.DataFrame({"month": pd.Series(bounds[:-1], dtype="datetime64[us]")})
    frame["month"] = frame["month"].astype("datetime64[us]")
    made = whole.merge(frame, on="month", how="left").fillna({"revenue": 0, "customers": 0})
    return made.assign(**{name: made[name].astype(np.int64) for name in ("revenue", "customers")})


def orders_by_family(facts: Facts, as_of: datetime, start: datetime) -> pd.DataFrame:
    """Orders of `(start, as_of]` by product family, the most revenue first.

    Returns:
        family ('' for products without one), revenue (cents, net of returns), customers who bought of it; no row where
        the list of products names no family.
    """
    if not facts.has("products", "family"):
        return pd.DataFrame({"family": pd.Series(dtype="str"), "revenue": np.empty(0, int), "customers": []})
    values = {"as_of": as_of, "start": start}
    frame: pd.DataFrame = facts.con.cursor().execute(_BY_FAMILY, values).df()
    return frame
