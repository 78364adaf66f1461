"""What is already agreed: changes of MRR that begin after `as_of` and are known at it.

A price rise in the next renewal, seats that were ordered for May, a module from autumn on: a row of `subscriptions`
with `started_at` after `as_of` and `known_at` up to it. Comes in: facts and `as_of`. Goes out: by account and month
what its MRR will have changed by. Of accounts without an active contract nothing is said: they are new business.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

_STEPS = """
WITH known AS (
  SELECT account_id, subscription_id, started_at, mrr,
    CASE WHEN ended_at <= $as_of THEN ended_at END AS ended_at
  FROM subscriptions WHERE known_at <= $as_of
),
lines AS (
  SELECT *, lag(CASE WHEN ended_at IS NULL THEN mrr ELSE 0 END, 1, 0)
    OVER (PARTITION BY account_id, subscription_id ORDER BY started_at) AS before
  FROM known WHERE ended_at IS NULL OR started_at > $as_of
)
SELECT account_id, ceil((epoch(started_at) - epoch($as_of::TIMESTAMP)) / $month)::INTEGER AS month,
  sum(mrr - before ORDER BY subscription_id, started_at) AS step
FROM lines WHERE started_at > $as_of
GROUP BY ALL ORDER BY ALL"""


def agreed_changes(
    facts: Facts, as_of: datetime, accounts: npt.NDArray[np.object_], mrr: Floats, months: int
) -> Floats | None:
    """By how much the MRR of each account will have changed at the end of each month ahead, as a share of today's.

    Args:
        accounts: (n,) ids with an active contract.
        mrr: (n,) today's.

    Returns:
        (n, months), None where nothing is agreed.
    """
    steps = facts.con.cursor().execute(_STEPS, {"as_of": as_of, "month": MONTH_SECONDS}).df()
    place = pd.Index(accounts).get_indexer(steps["account_id"])
    month = steps["month"].to_numpy(int)
    kept = (place >= 0) & (month <= months)
    kept[kept] = mrr[place[kept]] > 0
    if not kept.any():
        return None
    out = np.zeros((len(accounts), months))
    np.add.at(out, (place[kept], month[kept] - 1), steps["step"].to_numpy(float)[kept])
    return np.asarray(np.cumsum(out, axis=1) / np.where(mrr > 0, mrr, 1.0)[:, None])
