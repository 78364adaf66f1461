"""What the orders tell: orders by month, revenue by product family.

Comes in: facts and `as_of`. Goes out: frames; money in whole cents, so that families and months add up, net of returns.
Machines and other durables are orders here like any other.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.kpis.movements import month_bounds
from revml.sources.facts import Facts

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
