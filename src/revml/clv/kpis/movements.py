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
rates AS (SELECT product, any_value(margin_rate) AS margin_rate FROM products GROUP BY product),
known AS (
  SELECT account_id, started_at, mrr::DECIMAL(28, 6) AS mrr,
    (mrr * coalesce(r.margin_rate, $margin))::DECIMAL(28, 6) AS margin,
    coalesce(CASE WHEN ended_at <= $as_of THEN ended_at END, TIMESTAMP '9999-12-31') AS until
  FROM subscriptions AS s LEFT JOIN rates AS r ON r.product = s.product
  WHERE s.known_at <= $as_of AND started_at <= $as_of
),
first_paid AS (
  SELECT account_id, min(started_at) AS at FROM known WHERE mrr > 0 AND until > started_at GROUP BY account_id
),
ends AS (SELECT unnest($starts::TIMESTAMP[]) AS began, unnest($ends::TIMESTAMP[]) AS ended),
cents AS (
  SELECT e.began, e.ended, k.account_id,
    CAST(round(100 * sum(k.mrr) FILTER (k.started_at <= e.began AND k.until > e.began))
         AS BIGINT) AS was,
    CAST(round(100 * sum(k.mrr) FILTER (k.started_at <= e.ended AND k.until > e.ended))
         AS BIGINT) AS is_now,
    CAST(round(100 * sum(k.margin) FILTER (k.started_at <= e.ended AND k.until > e.ended)) AS BIGINT) AS margin
  FROM ends AS e JOIN known AS k ON k.started_at <= e.ended AND k.until > e.began
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

_PAIRS = f"CREATE TEMP TABLE paid AS WITH {PAIRS} SELECT * FROM pairs"

_SPANS = "(SELECT unnest($starts::TIMESTAMP[]) AS began, unnest($ends::TIMESTAMP[]) AS ended)"

_SUMS = f"""
SELECT e.began, e.ended, {SUMS}
FROM {_SPANS} AS e LEFT JOIN paid AS p ON p.began = e.began AND p.ended = e.ended
GROUP BY e.began, e.ended
ORDER BY e.began, e.ended"""

_BY_SEGMENT = f"""
SELECT e.began, e.ended, g.segment, {SUMS}
FROM {_SPANS} AS e CROSS JOIN (SELECT DISTINCT segment FROM segment_of) AS g
LEFT JOIN (SELECT p.*, s.segment FROM paid AS p JOIN segment_of AS s ON s.account_id = p.account_id) AS p
  ON p.began = e.began AND p.ended = e.ended AND p.segment = g.segment
GROUP BY e.began, e.ended, g.segment
ORDER BY e.began, e.ended, g.segment"""


class Paid:
    """What every account paid at both ends of each span, looked up once and added up by as many segments as asked."""

    def __init__(self, facts: Facts, as_of: datetime, spans: list[tuple[datetime, datetime]]) -> None:
        self._spans = {"starts": [began for began, _ in spans], "ends": [ended for _, ended in spans]}
        self._cursor = facts.con.cursor()  # a temporary table belongs to its cursor
        self._cursor.execute(_PAIRS, {"as_of": as_of, "margin": 0.0, **self._spans})

    def sums(self, segments: pd.DataFrame | None = None) -> pd.DataFrame:
        """As `movements_between`."""
        if segments is not None:
            self._cursor.register("segment_of", segments)
        sql = _SUMS if segments is None else _BY_SEGMENT
        frame: pd.DataFrame = self._cursor.execute(sql, self._spans).df()
        return frame


class PaidByMonth:
    """The same over the last calendar months."""

    def __init__(self, facts: Facts, as_of: datetime, months: int) -> None:
        bounds = month_bounds(as_of, months)
        spans = month_spans(bounds)
        self._first = {began: month for (began, _), month in zip(spans, bounds[:-1], strict=True)}
        self._paid = Paid(facts, as_of, spans)

    def movements(self, segments: pd.DataFrame | None = None) -> pd.DataFrame:
        """As `mrr_movements`."""
        frame = self._paid.sums(segments)
        frame.insert(0, "month", pd.Series(frame["began"].map(self._first), dtype="datetime64[us]"))
        by = ["segment"] if segments is not None else []
        return frame[["month", *by, *MONEY, "customers", "lost", "paying"]]


def mrr_movements(facts: Facts, as_of: datetime, months: int, *, segments: pd.DataFrame | None = None) -> pd.DataFrame:
    """Movements of the last `months` calendar months; the newest one ends at `as_of` and may be a part of a month.

    Args:
        segments: account_id, segment: every account once; then there is a row a month and segment.

    Returns:
        month (its first instant), segment where asked for, start, new, expansion, contraction, churn, reactivation, end
        (whole cents, int64; losses negative; `start + movements == end` exactly), customers (accounts paying at its
        start), lost (those of them that pay nothing at its end), paying (at its end).
    """
    return PaidByMonth(facts, as_of, months).movements(segments)


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
    return Paid(facts, as_of, spans).sums(segments)


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
