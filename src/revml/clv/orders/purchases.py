"""What the orders tell about repeat buyers at an instant: recency, frequency, age and money.

Comes in: facts and `as_of`. Goes out: one row an account that ever bought. A purchase is a day whose order lines net to
more than nothing, so that an order of many lines is one purchase and a returned one is none; returns of other days net
out of the money. Only lines with `known_at <= as_of` and `ordered_at <= as_of` count.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from revml.clv.relations import is_durable
from revml.sources.facts import Facts

_SQL = """
WITH margins AS (SELECT product, any_value(margin_rate) AS margin_rate FROM products GROUP BY product),
days AS (
  SELECT o.account_id, CAST(o.ordered_at AS DATE) AS day, sum(o.amount) AS amount,
    sum(CASE WHEN o.cost IS NOT NULL THEN o.amount - o.cost
             ELSE o.amount * coalesce(m.margin_rate, $margin) END) AS margin
  FROM orders AS o LEFT JOIN margins AS m ON m.product = o.product
  WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND {repeat}
  GROUP BY o.account_id, CAST(o.ordered_at AS DATE)
),
gaps AS (
  SELECT account_id, sum(ln(gap / 7.0) ORDER BY day) AS log_gaps
  FROM (SELECT account_id, day, day - lag(day) OVER (PARTITION BY account_id ORDER BY day) AS gap
        FROM days WHERE amount > 0)
  WHERE gap > 0 GROUP BY account_id
)
SELECT d.account_id,
  count(*) FILTER (amount > 0) AS purchases,
  min(day) FILTER (amount > 0) AS first_day,
  max(day) FILTER (amount > 0) AS last_day,
  sum(amount ORDER BY day) AS revenue,
  sum(margin ORDER BY day) AS margin,
  coalesce(sum(amount * amount ORDER BY day) FILTER (amount > 0), 0) AS squares,
  coalesce(sum(amount ORDER BY day) FILTER (amount > 0), 0) AS bought,
  coalesce(max(log_gaps), 0) AS log_gaps
FROM days AS d LEFT JOIN gaps AS g ON g.account_id = d.account_id
GROUP BY d.account_id
ORDER BY d.account_id"""


def repeat_line(facts: Facts) -> str:
    """A condition in SQL: whether the order line `o` is a repeat order's, known at `$as_of`."""
    return f"coalesce(NOT ({is_durable(facts, 'o.product')}), true)"


def repeat_buyers(facts: Facts, as_of: datetime, *, margin: float) -> pd.DataFrame:
    """Accounts that bought at least once by `as_of`.

    Args:
        margin: share of an order line that is margin where neither the line has a cost nor its product a rate.

    Returns:
        account_id; purchases (days with a purchase, at least 1); x (repeat purchases); t_x and T in weeks from the
        first purchase to the last one and to `as_of`; log_gaps (sum of the logs of the weeks between purchases);
        revenue (net of returns) and margin_rate (share; shrunken
        towards that of all accounts by one average purchase); spend (net revenue a purchase); within (sum of squared
        deviations of the purchases' amounts from their mean).
    """
    frame: pd.DataFrame = (
        facts.con.cursor().execute(_SQL.format(repeat=repeat_line(facts)), {"as_of": as_of, "margin": margin}).df()
    )
    frame = frame[frame["purchases"] > 0].reset_index(drop=True)
    purchases = frame["purchases"].to_numpy(float)
    revenue, earned = frame["revenue"].to_numpy(float), frame["margin"].to_numpy(float)
    bought = frame["bought"].to_numpy(float)
    first = pd.to_datetime(frame["first_day"])
    today = pd.Timestamp(as_of).normalize()
    total = revenue.sum()
    pooled = earned.sum() / total if total > 0 else margin
    weight = bought.sum() / purchases.sum() if len(frame) else 1.0
    net = np.maximum(revenue, 0.0)
    # an account that returned more than it bought tells nothing about margins
    rate = (np.where(revenue > 0, earned, 0.0) + weight * pooled) / (net + weight)
    return pd.DataFrame(
        {
            "account_id": frame["account_id"],
            "purchases": purchases.astype(int),
            "x": (purchases - 1).astype(int),
            "t_x": (pd.to_datetime(frame["last_day"]) - first).dt.days.to_numpy(float) / 7,
            "T": (today - first).dt.days.to_numpy(float) / 7,
            "log_gaps": frame["log_gaps"].to_numpy(float),
            "revenue": revenue,
            "margin_rate": rate,
            "spend": revenue / purchases,
            "within": np.maximum(frame["squares"].to_numpy(float) - bought**2 / purchases, 0.0),
        }
    )
