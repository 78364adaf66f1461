"""How MRR moved from month to month: new, expansion, contraction, churn and reactivation, which add up exactly.

Comes in: facts and `as_of`. Goes out: one row a month. MRR is compared account by account at month boundaries, in whole
cents, so that the movements add up to the change of MRR to the last cent. What starts and ends within one month is not
seen. Ending one of several subscriptions is contraction.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pandas as pd

from revml.sources.facts import Facts
from revml.windows import month_starts

KINDS = ("new", "expansion", "contraction", "churn", "reactivation")

_SQL = """
WITH known AS (
  SELECT account_id, started_at, mrr,
    coalesce(CASE WHEN ended_at <= $as_of THEN ended_at END, TIMESTAMP '9999-12-31') AS until
  FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of
),
first_paid AS (
  SELECT account_id, min(started_at) AS at FROM known WHERE mrr > 0 AND until > started_at GROUP BY account_id
),
ends AS (SELECT unnest($starts::TIMESTAMP[]) AS began, unnest($ends::TIMESTAMP[]) AS ended),
cents AS (
  SELECT e.began, k.account_id,
    CAST(round(100 * sum(k.mrr ORDER BY k.started_at, k.mrr) FILTER (k.started_at <= e.began AND k.until > e.began))
         AS BIGINT) AS was,
    CAST(round(100 * sum(k.mrr ORDER BY k.started_at, k.mrr) FILTER (k.started_at <= e.ended AND k.until > e.ended))
         AS BIGINT) AS is_now
  FROM ends AS e JOIN known AS k ON k.started_at <= e.ended AND k.until > e.began
  GROUP BY e.began, k.account_id
),
pairs AS (
  SELECT c.began, coalesce(c.was, 0) AS was, coalesce(c.is_now, 0) AS is_now, f.at <= c.began AS before
  FROM cents AS c LEFT JOIN first_paid AS f ON f.account_id = c.account_id
)
SELECT e.began, e.ended,
  coalesce(sum(was), 0)::BIGINT AS start,
  coalesce(sum(is_now) FILTER (was = 0 AND NOT before), 0)::BIGINT AS new,
  coalesce(sum(is_now - was) FILTER (was > 0 AND is_now > was), 0)::BIGINT AS expansion,
  coalesce(sum(is_now - was) FILTER (is_now > 0 AND is_now < was), 0)::BIGINT AS contraction,
  coalesce(sum(-was) FILTER (was > 0 AND is_now = 0), 0)::BIGINT AS churn,
  coalesce(sum(is_now) FILTER (was = 0 AND before), 0)::BIGINT AS reactivation,
  coalesce(sum(is_now), 0)::BIGINT AS "end",
  count(*) FILTER (was > 0) AS customers,
  count(*) FILTER (was > 0 AND is_now = 0) AS lost,
  coalesce(sum(least(was, is_now)), 0)::BIGINT AS kept_gross,
  coalesce(sum(is_now) FILTER (was > 0), 0)::BIGINT AS kept_net
FROM ends AS e LEFT JOIN pairs AS p ON p.began = e.began
GROUP BY e.began, e.ended
ORDER BY e.began"""


def mrr_movements(facts: Facts, as_of: datetime, months: int) -> pd.DataFrame:
    """Movements of the last `months` calendar months; the newest one ends at `as_of` and may be a part of a month.

    Returns:
        month (its first instant), start, new, expansion, contraction, churn, reactivation, end (whole cents, int64;
        losses negative; `start + movements == end` exactly), customers (accounts paying at its start), lost (those of
        them that pay nothing at its end).
    """
    bounds = month_bounds(as_of, months)
    frame = movements_between(facts, as_of, list(pairwise(bounds)))
    frame = frame.rename(columns={"began": "month"})
    return frame[["month", "start", *KINDS, "end", "customers", "lost"]]


def movements_between(facts: Facts, as_of: datetime, spans: list[tuple[datetime, datetime]]) -> pd.DataFrame:
    """Movements over any spans `(began, ended]`, with what those who paid at their start still pay at their end.

    Returns:
        began, ended, the columns of `mrr_movements`, kept_gross and kept_net (cents): the MRR of the starting accounts
        at the end, each at most its start (gross), or as it is (net).
    """
    values = {"as_of": as_of, "starts": [began for began, _ in spans], "ends": [ended for _, ended in spans]}
    frame: pd.DataFrame = facts.con.cursor().execute(_SQL, values).df()
    return frame


def month_bounds(as_of: datetime, months: int) -> list[datetime]:
    """`months + 1` instants: month starts up to `as_of`, and `as_of` itself where it is none.

    >>> [str(b) for b in month_bounds(datetime(2026, 3, 15), 2)]
    ['2026-02-01 00:00:00', '2026-03-01 00:00:00', '2026-03-15 00:00:00']
    """
    starts = month_starts(datetime(max(as_of.year - months // 12 - 2, 1), 1, 1), as_of)  # noqa: DTZ001
    bounds = starts if starts[-1] == as_of else [*starts, as_of]
    return bounds[-months - 1 :]
