"""What came after an earlier instant, account by account and month by month, as it is known now.

Comes in: facts, an origin, accounts, and the instant from which one looks back. Goes out: matrices (accounts, months)
of revenue, defined as the forecast defines it: of contracts the MRR at the end of the month, of orders the amounts net
of returns. Only what was known at `as_of` counts.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt

from revml.clv.relations import Relation, is_durable
from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

_CHOSEN = "WITH chosen AS (SELECT unnest($accounts::VARCHAR[]) AS account_id, unnest(range(0, $n)) AS place)"

_CONTRACT = (
    _CHOSEN
    + """
SELECT c.place, i - 1 AS month, sum(s.mrr ORDER BY s.started_at, s.mrr) AS revenue
FROM range(1, $months + 1) AS r(i), subscriptions AS s JOIN chosen AS c ON c.account_id = s.account_id
WHERE s.known_at <= $until AND s.started_at <= $origin::TIMESTAMP + to_seconds(i * $month)
  AND (s.ended_at IS NULL OR s.ended_at > $until OR s.ended_at > $origin::TIMESTAMP + to_seconds(i * $month))
GROUP BY ALL"""
)

_ORDERS = (
    _CHOSEN
    + """
SELECT c.place, CAST(floor((epoch(o.ordered_at) - epoch($origin::TIMESTAMP) - 1e-6) / $month) AS INTEGER) AS month,
  sum(o.amount ORDER BY o.ordered_at, o.amount) AS revenue
FROM orders AS o JOIN chosen AS c ON c.account_id = o.account_id
WHERE o.known_at <= $until AND o.ordered_at > $origin
  AND o.ordered_at <= $origin::TIMESTAMP + to_seconds($months * $month) AND {which}
GROUP BY ALL"""
)


def realised_revenue(
    facts: Facts,
    relation: Relation,
    origin: datetime,
    accounts: npt.NDArray[np.object_],
    months: int,
    *,
    as_of: datetime,
) -> Floats:
    """(accounts, months) revenue of a relation in the months after `origin`, known at `as_of`."""
    values = {"accounts": accounts.tolist(), "n": len(accounts), "origin": origin, "months": months}
    values |= {"month": MONTH_SECONDS, "until": as_of}
    if relation is Relation.CONTRACT:
        sql = _CONTRACT
    else:
        which = is_durable(facts, "o.product")
        if "$as_of" in which:
            values["as_of"] = origin
        sql = _ORDERS.format(which=which if relation is Relation.DURABLE else f"NOT coalesce(({which}), false)")
    found = facts.con.cursor().execute(sql, values).df()
    out = np.zeros((len(accounts), months))
    out[found["place"].to_numpy(int), found["month"].to_numpy(int)] = found["revenue"].to_numpy(float)
    return out
