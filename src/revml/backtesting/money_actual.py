"""What happened to accounts around an origin: MRR from month to month, losses, and how long they had been there.

Comes in: facts, an origin, the accounts of a forecast. Goes out: arrays in the order of the accounts; revenue after the
origin is `clv.realised`. A month is 30.4375 days from the origin, as in the forecast. Of losses, what happened by the
end counts, whenever it became known; nothing that happened later does, but for a new subscription within the grace
period of an end, which undoes that end as it does everywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from revml.clv.contracts.subscriptions import GRACE_DAYS
from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

_MRR = """
WITH chosen AS (SELECT unnest($accounts::VARCHAR[]) AS account_id, unnest(range(0, $n)) AS place)
SELECT c.place, i AS month, sum(s.mrr) AS mrr
FROM range(0, $months + 1) AS r(i), subscriptions AS s
JOIN chosen AS c ON c.account_id = s.account_id
WHERE s.started_at <= $origin + to_seconds(i * $month) AND s.known_at <= $known
  AND (s.ended_at IS NULL OR s.ended_at > $known OR s.ended_at > $origin + to_seconds(i * $month))
GROUP BY ALL"""

# The end of the unbroken time as a customer at the origin: an end that a start within the grace undoes is none.
_LOST = """
WITH chosen AS (SELECT unnest($accounts::VARCHAR[]) AS account_id, unnest(range(0, $n)) AS place),
lines AS (
  SELECT c.place, s.started_at, coalesce(s.ended_at, TIMESTAMP '9999-12-31') AS until
  FROM subscriptions AS s JOIN chosen AS c ON c.account_id = s.account_id
  WHERE (s.ended_at IS NULL OR s.ended_at > s.started_at) AND s.started_at <= $until + to_days($grace)
),
ends AS (SELECT DISTINCT place, until FROM lines WHERE until > $origin AND until <= $until),
final AS (
  SELECT e.place, e.until FROM ends AS e
  WHERE NOT EXISTS (
    SELECT 1 FROM lines AS l
    WHERE l.place = e.place AND l.started_at <= e.until + to_days($grace) AND l.until > e.until
  )
)
SELECT place, min(until) AS lost FROM final GROUP BY place"""

_FIRST = {
    "contract": "SELECT account_id, min(started_at) AS at FROM subscriptions WHERE {known} GROUP BY account_id",
    "orders": "SELECT account_id, min(ordered_at) AS at FROM orders WHERE {known} GROUP BY account_id",
}


def months_after(origin: datetime, months: float) -> datetime:
    """The end of the last of some months after an origin."""
    return origin + timedelta(seconds=months * MONTH_SECONDS)


def mrr_paths(
    facts: Facts, origin: datetime, accounts: Sequence[str], months: int, *, known: datetime | None = None
) -> Floats:
    """(accounts, months + 1) MRR at the origin and at the end of each month after it.

    Args:
        known: what became known later does not count; absent means that everything counts.
    """
    out = np.zeros((len(accounts), months + 1))
    values = {"accounts": list(accounts), "n": len(accounts), "origin": origin, "months": months}
    until = known or facts.observed_until
    found = facts.con.cursor().execute(_MRR, {**values, "month": MONTH_SECONDS, "known": until}).df()
    out[found["place"].to_numpy(int), found["month"].to_numpy(int)] = found["mrr"].to_numpy(float)
    return out


def lost_after(facts: Facts, origin: datetime, accounts: Sequence[str], months: float) -> Floats:
    """(accounts,) months from the origin to the loss of each contract account; infinite where none came by the end."""
    out = np.full(len(accounts), np.inf)
    values = {"accounts": list(accounts), "n": len(accounts), "origin": origin, "grace": GRACE_DAYS}
    found = facts.con.cursor().execute(_LOST, {**values, "until": months_after(origin, months)}).df()
    seconds = (found["lost"] - np.datetime64(origin)).dt.total_seconds().to_numpy(float)
    out[found["place"].to_numpy(int)] = seconds / MONTH_SECONDS
    return out


def months_since_first(facts: Facts, origin: datetime, accounts: Sequence[str], *, contract: bool) -> Floats:
    """(accounts,) months from the first contract or order of each account, known at the origin, to the origin.

    0 where there is neither: a machine can be known without its order.
    """
    happened = "started_at" if contract else "ordered_at"
    sql = _FIRST["contract" if contract else "orders"].format(known=f"known_at <= $origin AND {happened} <= $origin")
    found = facts.con.cursor().execute(sql, {"origin": origin}).df().set_index("account_id")["at"]
    first = found.reindex(list(accounts))
    months = (np.datetime64(origin) - first).dt.total_seconds().to_numpy(float) / MONTH_SECONDS
    return np.asarray(np.nan_to_num(months))
