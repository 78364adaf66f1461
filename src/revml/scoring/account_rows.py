"""Who the accounts of a run are, as was known at its instant.

Comes in: facts, an instant and accounts. Goes out: `ACCOUNT_COLUMNS`, one row an account: its attributes after the
last change known then, the MRR of its contracts, and the revenue of its orders over the year before.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from revml.snapshots import bound
from revml.sources.facts import Facts
from revml.store.runs import ACCOUNT_COLUMNS

# Attributes that may change over time; the newest value known at as_of is shown.
_ATTRIBUTES = ("name", "owner", "industry", "country", "region", "parent_account_id")

_ACCOUNTS_SQL = """
WITH changes AS (
  SELECT account_id, {changed}
  FROM (
    SELECT account_id, attribute, value,
           row_number() OVER (PARTITION BY account_id, attribute ORDER BY changed_at DESC, known_at DESC, value) AS nth
    FROM account_history
    WHERE changed_at <= $as_of AND known_at <= $as_of
  ) AS ordered_changes
  WHERE nth = 1
  GROUP BY account_id
), contract AS (
  SELECT account_id, sum(mrr) AS mrr
  FROM subscriptions
  WHERE started_at <= $as_of AND known_at <= $as_of AND (ended_at IS NULL OR ended_at > $as_of)
  GROUP BY account_id
), ordered AS (
  SELECT account_id, sum(amount) AS amount
  FROM orders
  WHERE ordered_at <= $as_of AND known_at <= $as_of AND ordered_at > $year_ago
  GROUP BY account_id
)
SELECT w.account_id, {newest}, a.created_at AS customer_since,
       round(coalesce(c.mrr, 0), 4) AS mrr, round(coalesce(o.amount, 0), 4) AS order_revenue_12m
FROM wanted w
LEFT JOIN accounts a ON a.account_id = w.account_id
LEFT JOIN changes h ON h.account_id = w.account_id
LEFT JOIN contract c ON c.account_id = w.account_id
LEFT JOIN ordered o ON o.account_id = w.account_id
ORDER BY w.account_id
"""


def account_frame(facts: Facts, as_of: datetime, accounts: list[str]) -> pd.DataFrame:
    """Who the accounts are, with attributes, MRR and order revenue as known at `as_of`: `ACCOUNT_COLUMNS`."""
    changed = ", ".join(f"max(CASE WHEN attribute = '{name}' THEN value END) AS {name}" for name in _ATTRIBUTES)
    newest = ", ".join(f"coalesce(h.{name}, a.{name}) AS {name}" for name in _ATTRIBUTES)
    with bound(facts.con, wanted=pd.DataFrame({"account_id": pd.Series(accounts, dtype="str")})):
        frame = facts.con.execute(
            _ACCOUNTS_SQL.format(changed=changed, newest=newest),
            {"as_of": as_of, "year_ago": as_of - timedelta(days=365)},
        ).df()
    return pd.DataFrame(frame[list(ACCOUNT_COLUMNS)])
