"""Which segment each account stands in, one of each kind, so that segments add up to the company.

Comes in: facts and `as_of`. Goes out: account_id and segment, every account known then exactly once, whatever it was in
the past. A kind without any value in the data is not offered.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from revml.sources.facts import Facts

SEGMENTS = ("industry", "country", "region", "channel", "plan", "cohort")
UNKNOWN, OTHER = "", "…"  # no value; the small ones together
MAX_SEGMENTS = 12

_COLUMNS = {"industry": "industry", "country": "country", "region": "region", "channel": "acquisition_channel"}

_KNOWN = {
    "account": """
SELECT account_id, coalesce({column}, '') AS segment FROM accounts WHERE known_at <= $as_of""",
    # the plan of the subscription that brings most, of those that started last
    "plan": """
SELECT account_id, coalesce(arg_max(plan, (started_at, mrr, subscription_id)) FILTER (plan IS NOT NULL), '') AS segment
FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of GROUP BY account_id""",
    "cohort": """
SELECT account_id, strftime(min(paid_at), '%Y') || ' Q' || quarter(min(paid_at)) AS segment FROM (
  SELECT account_id, started_at AS paid_at FROM subscriptions
  WHERE known_at <= $as_of AND started_at <= $as_of AND mrr > 0 AND coalesce(ended_at > started_at, true)
  UNION ALL
  SELECT account_id, min(ordered_at) FROM orders WHERE known_at <= $as_of AND ordered_at <= $as_of
  GROUP BY account_id, CAST(ordered_at AS DATE) HAVING sum(amount) > 0
) AS paid GROUP BY account_id""",
}

_EVERY = """
SELECT account_id FROM accounts WHERE known_at <= $as_of
UNION SELECT account_id FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of
UNION SELECT account_id FROM orders WHERE known_at <= $as_of AND ordered_at <= $as_of"""


def segments_there(facts: Facts) -> tuple[str, ...]:
    """The kinds of segments that the data has, in the order of `SEGMENTS`."""
    there = [by for by, column in _COLUMNS.items() if facts.has("accounts", column)]
    plan = ["plan"] if facts.has("subscriptions", "plan") else []
    return (*there, *plan, "cohort")


def segment_of(facts: Facts, as_of: datetime, by: str, *, most: int = MAX_SEGMENTS) -> pd.DataFrame:
    """The segment of every account, as known at `as_of`.

    Args:
        by: one of `SEGMENTS`; a cohort is the quarter of the first payment, of a contract or for an order.
        most: more segments than these are put together in `OTHER`: the smallest, of cohorts the oldest.

    Returns:
        account_id, segment (`UNKNOWN` where nothing is known), sorted by account.
    """
    column = _COLUMNS.get(by)
    known = _KNOWN["account"].format(column=column) if column else _KNOWN[by]
    sql = (
        f"SELECT e.account_id, coalesce(k.segment, '') AS segment FROM ({_EVERY}) AS e "
        f"LEFT JOIN ({known}) AS k ON k.account_id = e.account_id ORDER BY e.account_id"
    )
    frame: pd.DataFrame = facts.con.cursor().execute(sql, {"as_of": as_of}).df()
    sizes = frame.loc[frame["segment"] != UNKNOWN, "segment"].value_counts().sort_index(ascending=by != "cohort")
    if by != "cohort":
        sizes = sizes.sort_values(ascending=False, kind="stable")
    small = list(sizes.index[most - 1 :]) if len(sizes) > most else []
    return frame.assign(segment=frame["segment"].where(~frame["segment"].isin(small), OTHER))
