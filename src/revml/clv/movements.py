"""How MRR moved from month to month: new, expansion, contraction, churn and reactivation, which add up exactly.

Comes in: facts and `as_of`. Goes out: one row a month, or one a month and segment. MRR is compared account by account
at month boundaries, in whole cents, so that the movements add up to the change of MRR to the last cent, and segments to
the company. A contract that starts on the first of a month is that month's. What starts and ends within one month is
not seen. Ending one of several subscriptions is contraction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pandas as pd

from revml.sources.facts import Facts
from revml.windows import month_starts

KINDS = ("new", "expansion", "contraction", "churn", "reactivation")
MONEY = ("start", *KINDS, "end")
INSTANT = timedelta(microseconds=1)  # the finest that a TIMESTAMP tells apart

# What each account paid at both ends of each span: began, ended, account_id, was, is_now (cents), margin (cents a month
# at the end), before (whether it had ever paid by the start). Common table expressions, to be followed by a SELECT.
# Reads $as_of, $starts, $ends (lists) and $margin.
PAIRS = """
known AS (
  SELECT account_id, started_at, mrr, product,
    coalesce(CASE WHEN ended_at <= $as_of THEN ended_at END, TIMESTAMP '9999-12-31') AS until
  FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of
),
first_paid AS (
  SELECT account_id, min(started_at) AS at FROM known WHERE mrr > 0 AND until > started_at GROUP BY account_id
),
ends AS (SELECT unnest($starts::TIMESTAMP[]) AS began, unnest($ends::TIMESTAMP[]) AS ended),
rates AS (SELECT product, any_value(margin_rate) AS margin_rate FROM products GROUP BY product),
cents AS (
  SELECT e.began, e.ended, k.account_id,
    CAST(round(100 * sum(k.mrr ORDER BY k.started_at, k.mrr) FILTER (k.started_at <= e.began AND k.until > e.began))
         AS BIGINT) AS was,
    CAST(round(100 * sum(k.mrr ORDER BY k.started_at, k.mrr) FILTER (k.started_at <= e.ended AND k.until > e.ended))
         AS BIGINT) AS is_now,
    CAST(round(100 * sum(k.mrr * coalesce(r.margin_rate, $margin) ORDER BY k.started_at, k.mrr)
                       FILTER (k.started_at <= e.ended AND k.until > e.ended)) AS BIGINT) AS margin
  FROM ends AS e JOIN known AS k ON k.started_at <= e.ended AND k.until > e.began
  LEFT JOIN rates AS r ON r.product = k.product
  GROUP BY e.began, e.ended, k.account_id
),
pairs AS (
  SELECT c.began, c.ended, c.account_id, coalesce(c.was, 0) AS was, coalesce(c.is_now, 0) AS is_now,
    coalesce(c.margin, 0) AS margin, coalesce(f.at <= c.began, false) AS before
  FROM cents AS c LEFT JOIN first_paid AS f ON f.account_id = c.account_id
)"""

# Sums over the accounts of any group; every one is a whole number, so that groups add up to their union.
SUMS = """
  coalesce(sum(was), 0)::BIGINT AS start,
  coalesce(sum(is_now) FILTER (was = 0 AND NOT before), 0)::BIGINT AS new,
  coalesce(sum(is_now - was) FILTER (was > 0 AND is_now > was), 0)::BIGINT AS expansion,
  coalesce(sum(is_now - was) FILTER (is_now > 0 AND is_now < was), 0)::BIGINT AS contraction,
  coalesce(sum(-was) FILTER (was > 0 AND is_now = 0), 0)::BIGINT AS churn,
  coalesce(sum(is_now) FILTER (was = 0 AND before), 0)::BIGINT AS reactivation,
  coalesce(sum(is_now), 0)::BIGINT AS "end",
  count(*) FILTER (was > 0) AS customers,
  count(*) FILTER (was > 0 AND is_now = 0) AS lost,
  count(*) FILTER (is_now > 0) AS paying,
  coalesce(sum(least(was, is_now)), 0)::BIGINT AS kept_gross,
  coalesce(sum(is_now) FILTER (was > 0), 0)::BIGINT AS kept_net"""

_SQL = f"""
WITH {PAIRS}
SELECT e.began, e.ended, {SUMS}
FROM ends AS e LEFT JOIN pairs AS p ON p.began = e.began AND p.ended = e.ended
GROUP BY e.began, e.ended
ORDER BY e.began, e.ended"""

_BY_SEGMENT = f"""
WITH {PAIRS}
SELECT e.began, e.ended, g.segment, {SUMS}
FROM ends AS e CROSS JOIN (SELECT DISTINCT segment FROM segment_of) AS g
LEFT JOIN (SELECT p.*, s.segment FROM pairs AS p JOIN segment_of AS s ON s.account_id = p.account_id) AS p
  ON p.began = e.began AND p.ended = e.ended AND p.segment = g.segment
GROUP BY e.began, e.ended, g.segment
ORDER BY e.began, e.ended, g.segment"""


def mrr_movements(facts: Facts, as_of: datetime, months: int, *, segments: pd.DataFrame | None = None) -> pd.DataFrame:
    """Movements of the last `months` calendar months; the newest one ends at `as_of` and may be a part of a month.

    Args:
        segments: account_id, segment: every account once; then there is a row a month and segment.

    Returns:
        month (its first instant), segment where asked for, start, new, expansion, contraction, churn, reactivation, end
        (whole cents, int64; losses negative; `start + movements == end` exactly), customers (accounts paying at its
        start), lost (those of them that pay nothing at its end), paying (at its end).
    """
    bounds = month_bounds(as_of, months)
    frame = movements_between(facts, as_of, month_spans(bounds), segments=segments)
    first = {began: month for (began, _), month in zip(month_spans(bounds), bounds[:-1], strict=True)}
    frame.insert(0, "month", pd.Series(frame["began"].map(first), dtype="datetime64[us]"))
    by = ["segment"] if segments is not None else []
    return frame[["month", *by, *MONEY, "customers", "lost", "paying"]]


def movements_between(
    facts: Facts,
    as_of: datetime,
    spans: list[tuple[datetime, datetime]],
    *,
    segments: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Movements over any spans `(began, ended]`, with what those who paid at their start still pay at their end.

    Returns:
        began, ended, the columns of `mrr_movements`, kept_gross and kept_net (cents): the MRR of the starting accounts
        at the end, each at most its start (gross), or as it is (net).
    """
    starts, ends = [began for began, _ in spans], [ended for _, ended in spans]
    values = {"as_of": as_of, "starts": starts, "ends": ends, "margin": 0.0}
    cursor = facts.con.cursor()
    if segments is not None:
        cursor.register("segment_of", segments)
    frame: pd.DataFrame = cursor.execute(_SQL if segments is None else _BY_SEGMENT, values).df()
    return frame


def month_spans(bounds: list[datetime]) -> list[tuple[datetime, datetime]]:
    """From the last instant before each month to its own last one; the newest bound is the instant one looks from.

    >>> [str(ended) for _, ended in month_spans([datetime(2026, 2, 1), datetime(2026, 3, 1), datetime(2026, 3, 15)])]
    ['2026-02-28 23:59:59.999999', '2026-03-15 00:00:00']
    """
    return list(pairwise([*(bound - INSTANT for bound in bounds[:-1]), bounds[-1]]))


def month_bounds(as_of: datetime, months: int) -> list[datetime]:
    """`months + 1` instants: month starts up to `as_of`, and `as_of` itself where it is none.

    >>> [str(b) for b in month_bounds(datetime(2026, 3, 15), 2)]
    ['2026-02-01 00:00:00', '2026-03-01 00:00:00', '2026-03-15 00:00:00']
    """
    starts = month_starts(datetime(max(as_of.year - months // 12 - 2, 1), 1, 1), as_of)  # noqa: DTZ001
    bounds = starts if starts[-1] == as_of else [*starts, as_of]
    return bounds[-months - 1 :]
