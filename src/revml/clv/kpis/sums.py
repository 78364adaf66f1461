"""The sums that every figure is made of, over the accounts of a span and segment.

Comes in: facts, `as_of`, spans of time, and which account stands in which segment. Goes out: one row a span and
segment. Counts and money are whole numbers (cents) that add up from accounts to segments and to the company; only the
median of the buyers' rhythm and the largest account are no sums.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from revml.clv.kpis.movements import PAIRS, SUMS
from revml.clv.kpis.orders import BOUGHT
from revml.clv.value import MONTH_SECONDS
from revml.config import Economics
from revml.sources.facts import Facts

_ACCOUNTS = f"""
CREATE TEMP TABLE monthly AS
WITH {PAIRS},
{BOUGHT},
began AS (SELECT min(day_at) AS day_at FROM daily),
spans AS (
  SELECT e.began, e.ended,
    greatest(1.0, least(epoch(e.ended - e.began), epoch(e.ended - b.day_at)) / {MONTH_SECONDS}) AS months,
    epoch(e.ended - e.began) / {MONTH_SECONDS} AS asked
  FROM ends AS e CROSS JOIN began AS b
),
parts AS (
  SELECT began, ended, account_id, was, is_now, margin, before FROM pairs
  UNION ALL BY NAME SELECT began, ended, account_id, days, revenue, order_margin, rhythm FROM bought
  UNION ALL BY NAME SELECT began, ended, account_id, 1 AS ever FROM ever
  UNION ALL BY NAME
  SELECT e.began, e.ended, a.account_id, 1 AS joined, CAST(round(100 * a.acquisition_cost) AS BIGINT) AS cost
  FROM ends AS e JOIN accounts AS a ON a.created_at > e.began AND a.created_at <= e.ended AND a.known_at <= $as_of
  UNION ALL BY NAME
  SELECT e.began, e.ended, v.account_id, CAST(round(100 * v.clv) AS BIGINT) AS clv
  FROM ends AS e JOIN values_of AS v ON e.ended = $as_of
),
accounts_of AS (
  SELECT p.began, p.ended, p.account_id,
    coalesce(max(was), 0) AS was, coalesce(max(is_now), 0) AS is_now, coalesce(max(margin), 0) AS margin,
    coalesce(bool_or(before), false) AS before, coalesce(max(days), 0) AS days,
    coalesce(max(revenue), 0) AS revenue, coalesce(max(order_margin), 0) AS order_margin, max(rhythm) AS rhythm,
    coalesce(max(ever), 0) AS ever, coalesce(max(joined), 0) AS joined, max(cost) AS cost, max(clv) AS clv
  FROM parts AS p GROUP BY p.began, p.ended, p.account_id
)
SELECT a.*, n.months, n.asked
FROM accounts_of AS a JOIN spans AS n ON n.began = a.began AND n.ended = a.ended"""

_SQL = f"""
WITH sums AS (
  SELECT began, ended, segment, any_value(months) AS months, any_value(asked) AS asked, {SUMS},
    count(*) FILTER (is_now > 0 OR days > 0) AS active,
    sum(is_now) + sum(revenue) / any_value(months) AS money,
    sum(margin) + sum(order_margin) / any_value(months) AS gain,
    max(is_now + revenue / months) AS largest,
    count(*) FILTER (days > 0) AS buyers, count(*) FILTER (days > 1) AS repeaters, coalesce(sum(days), 0) AS days,
    coalesce(sum(revenue), 0)::BIGINT AS revenue, median(rhythm) AS rhythm,
    count(rhythm) AS rhythms, sum(ever) AS ever,
    sum(joined) AS joined, count(cost) AS costed, coalesce(sum(cost), 0)::BIGINT AS cost,
    count(clv) AS valued, coalesce(sum(clv), 0)::BIGINT AS clv
  FROM (SELECT m.*, g.segment FROM monthly AS m JOIN segment_of AS g ON g.account_id = m.account_id) AS every
  GROUP BY began, ended, segment
)
SELECT n.began, n.ended, g.segment, s.* EXCLUDE (began, ended, segment)
FROM (SELECT unnest($starts::TIMESTAMP[]) AS began, unnest($ends::TIMESTAMP[]) AS ended) AS n
CROSS JOIN (SELECT DISTINCT segment FROM segment_of) AS g
LEFT JOIN sums AS s ON s.began = n.began AND s.ended = n.ended AND s.segment = g.segment
ORDER BY n.began, n.ended, g.segment"""

NO_SUMS = ("money", "gain", "largest", "rhythm", "months", "asked")


class KpiSums:
    """What every account adds in each span, looked up once and added up by as many segments as asked.

    Args:
        as_of: only what is known then counts.
        spans: `(began, ended]`, none twice.
        clv: account_id, clv: one row an account; belongs to the spans that end at `as_of`.
    """

    def __init__(
        self,
        facts: Facts,
        as_of: datetime,
        spans: list[tuple[datetime, datetime]],
        economics: Economics,
        *,
        clv: pd.DataFrame | None = None,
    ) -> None:
        self._spans = {"starts": [began for began, _ in spans], "ends": [ended for _, ended in spans]}
        margins = {"margin": economics.margin, "order_margin": economics.order_margin}
        self._cursor = facts.con.cursor()  # a temporary table belongs to its cursor
        self._cursor.register("values_of", _EMPTY if clv is None or clv.empty else clv[["account_id", "clv"]])
        self._cursor.execute(_ACCOUNTS, {"as_of": as_of, **margins, **self._spans})

    def by(self, segments: pd.DataFrame) -> pd.DataFrame:
        """The sums of each span and segment.

        Args:
            segments: account_id, segment: every account once.

        Returns:
            began, ended, segment; asked and months (how long the span is, and how much of it the orders cover, at least
            one); the columns of `movements.SUMS` (contracts); active (accounts that pay a contract or bought), money
            and gain (revenue and margin a month, cents), largest (of money, one account's); buyers, repeaters, days
            (with a purchase), revenue, rhythm (median over buyers of the median days between purchases), rhythms
            (buyers who have one), ever (bought by the end); joined, costed, cost (accounts created in the span);
            valued, clv.
        """
        self._cursor.register("segment_of", segments)
        frame: pd.DataFrame = self._cursor.execute(_SQL, self._spans).df()
        whole = [name for name in frame.columns[3:] if name not in NO_SUMS]
        frame[whole] = frame[whole].fillna(0).astype("int64")
        return frame.fillna({"money": 0.0, "gain": 0.0, "largest": 0.0})


def whole_company(segments: pd.DataFrame) -> pd.DataFrame:
    """All accounts in one segment."""
    return segments.assign(segment="")


_EMPTY = pd.DataFrame({"account_id": pd.Series(dtype="str"), "clv": pd.Series(dtype="float64")})
