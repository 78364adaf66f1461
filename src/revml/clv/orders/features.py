"""What the orders of an account tell about the next ones, at any earlier instant as well as at `as_of`.

Comes in: facts, an origin, the process fitted at that origin. Goes out: one row an account that had bought by then:
recency, frequency, rhythm, size and breadth of its purchases, what it bought in the same months of the year before,
and what the process expects. `order_outcomes` gives what came in a window that has passed. Only lines with
`known_at` and `ordered_at` up to the origin make features; a purchase is a day whose lines net to more than nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from revml.clv.orders.purchases import repeat_line
from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

RECENT_DAYS = (28, 91, 182, 364)
_RECENT = "".join(
    f"""
  count(*) FILTER (age < {days}) AS purchases_{days}d,
  coalesce(sum(amount ORDER BY day) FILTER (age < {days}), 0) AS bought_{days}d,"""
    for days in RECENT_DAYS
)

# `age` is in whole days before the origin's day, so that a day of the origin itself has age 0.
_FEATURES = f"""
WITH days AS (
  SELECT account_id, CAST(ordered_at AS DATE) AS day, sum(amount ORDER BY ordered_at, amount) AS amount,
    count(*) AS lines, count(DISTINCT product) AS products
  FROM orders AS o WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND {{repeat}}
  GROUP BY account_id, CAST(ordered_at AS DATE)
),
bought AS (
  SELECT *, date_diff('day', day, CAST($as_of AS DATE)) AS age,
    date_diff('day', lag(day) OVER (PARTITION BY account_id ORDER BY day), day) AS gap,
    row_number() OVER (PARTITION BY account_id ORDER BY day DESC) AS back
  FROM days WHERE amount > 0
),
returned AS (SELECT account_id, -sum(amount ORDER BY day) AS returned FROM days WHERE amount <= 0 GROUP BY account_id)
SELECT b.account_id,
  count(*) AS purchases,
  max(age) AS age_days,
  min(age) AS silent_days,
  avg(gap ORDER BY day) AS mean_gap,
  coalesce(stddev_samp(gap), 0) AS spread_gap,
  max(gap) FILTER (back = 1) AS last_gap,
  sum(amount ORDER BY day) AS bought,
  max(amount) AS largest,
  max(amount) FILTER (back = 1) AS last_amount,
  avg(amount ORDER BY day) FILTER (back <= 3) AS last_three,
  max(amount) FILTER (back = 1) / avg(amount ORDER BY day) AS last_to_mean,{_RECENT}
  count(*) FILTER (age <= $year AND age > $year - $days) AS purchases_year_before,
  coalesce(sum(amount ORDER BY day) FILTER (age <= $year AND age > $year - $days), 0) AS bought_year_before,
  avg(lines ORDER BY day) AS lines,
  avg(products ORDER BY day) AS products,
  coalesce(max(r.returned), 0) AS returned
FROM bought AS b LEFT JOIN returned AS r ON r.account_id = b.account_id
GROUP BY b.account_id ORDER BY b.account_id"""

_OUTCOMES = """
WITH days AS (
  SELECT account_id, CAST(ordered_at AS DATE) AS day, sum(amount ORDER BY ordered_at, amount) AS amount
  FROM orders AS o
  WHERE o.known_at <= $as_of AND o.ordered_at > $start AND o.ordered_at <= $until AND {repeat}
  GROUP BY account_id, CAST(ordered_at AS DATE)
)
SELECT account_id, count(*) FILTER (amount > 0) AS orders, sum(amount ORDER BY day) AS revenue
FROM days GROUP BY account_id"""

_PATHS = """
WITH days AS (
  SELECT account_id, max(ordered_at) AS last_at, sum(amount) AS amount
  FROM orders AS o
  WHERE o.known_at <= $as_of AND o.ordered_at > $start AND o.ordered_at <= $until AND {repeat}
  GROUP BY account_id, CAST(ordered_at AS DATE)
)
SELECT account_id, CAST(floor((epoch(last_at) - epoch($start::TIMESTAMP) - 1e-6) / $month) AS INTEGER) AS month,
  count(*) FILTER (amount > 0) AS orders, sum(amount ORDER BY last_at) AS revenue
FROM days GROUP BY account_id, month"""


def months_before(as_of: datetime, months: float) -> datetime:
    """The instant so many months of 30.4375 days earlier."""
    return as_of - timedelta(seconds=months * MONTH_SECONDS)


def order_features(facts: Facts, origin: datetime, months: int) -> pd.DataFrame:
    """What the orders known at `origin` tell, one row an account that had bought, sorted by account.

    Args:
        months: the horizon; purchases of the same window of the year before are NaN for accounts younger than a year.
    """
    values = {"as_of": origin, "year": 365, "days": round(months * MONTH_SECONDS / 86_400)}
    frame: pd.DataFrame = facts.con.cursor().execute(_FEATURES.format(repeat=repeat_line(facts)), values).df()
    young = frame["age_days"] < 365
    frame.loc[young, ["purchases_year_before", "bought_year_before"]] = np.nan
    gap = frame["mean_gap"].to_numpy(float)
    frame["overdue"] = np.divide(frame["silent_days"], gap, out=np.full(len(frame), np.nan), where=gap > 0)
    frame["spend"] = frame["bought"] / frame["purchases"]
    frame["returned"] = frame["returned"] / frame["bought"]
    return frame


def order_outcomes(
    facts: Facts, origin: datetime, months: int, accounts: pd.Series, *, as_of: datetime
) -> tuple[Floats, Floats]:
    """Purchases and net revenue of accounts within `(origin, origin + months]`, as known at `as_of`."""
    until = months_before(origin, -months)
    values = {"start": origin, "until": until, "as_of": as_of}
    frame = facts.con.cursor().execute(_OUTCOMES.format(repeat=repeat_line(facts)), values).df().set_index("account_id")
    found = frame.reindex(accounts).fillna(0.0)
    return found["orders"].to_numpy(float), found["revenue"].to_numpy(float)


def order_paths(
    facts: Facts, origin: datetime, months: int, accounts: pd.Series, *, as_of: datetime
) -> tuple[Floats, Floats]:
    """(n, months) purchases and net revenue of accounts in each month after `origin`, as known at `as_of`."""
    values = {"start": origin, "until": months_before(origin, -months), "as_of": as_of, "month": MONTH_SECONDS}
    found = facts.con.cursor().execute(_PATHS.format(repeat=repeat_line(facts)), values).df()
    place = pd.Index(accounts).get_indexer(found["account_id"])
    kept = (place >= 0) & (found["month"] < months).to_numpy()
    at = place[kept], found["month"].to_numpy()[kept]
    orders, revenue = np.zeros((len(accounts), months)), np.zeros((len(accounts), months))
    orders[at], revenue[at] = found["orders"].to_numpy(float)[kept], found["revenue"].to_numpy(float)[kept]
    return orders, revenue
