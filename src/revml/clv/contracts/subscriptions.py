"""What the subscriptions tell about contracts at an instant: who is active, and the months that were lived through.

Comes in: facts and `as_of`. Goes out: frames, one row an account (`active_contracts`) or an account-month
(`account_months`). Only rows with `known_at <= as_of` count, and an end after `as_of` is unknown. An account is lost
when its last subscription ended and none started within the grace period.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from revml.clv.value import MONTH_DAYS, MONTH_SECONDS, Floats
from revml.sources.facts import Facts

GRACE_DAYS = 30
# Terms that contracts really have, in months: the observed span is taken to the nearest of them.
TERMS_MONTHS = np.array([1.0, 3.0, 6.0, 12.0, 24.0, 36.0, 60.0])
MOST_MONTHS = 6_000_000  # of all accounts together
MAX_HISTORY_MONTHS = 120

_ROWS = """
known AS (
  SELECT account_id, subscription_id, product, started_at, mrr, renews_at,
    CASE WHEN ended_at <= TIMESTAMP '{as_of}' THEN ended_at END AS ended_at
  FROM subscriptions
  WHERE known_at <= TIMESTAMP '{as_of}' AND started_at <= TIMESTAMP '{as_of}'
),
terms AS (
  SELECT subscription_id, max(date_diff('hour', started_at, renews_at)) / 24.0 AS term_days
  FROM known WHERE renews_at > started_at GROUP BY subscription_id
),
lines AS (
  SELECT k.*, coalesce(k.ended_at, TIMESTAMP '9999-12-31') AS until, t.term_days
  FROM known AS k LEFT JOIN terms AS t ON t.subscription_id = k.subscription_id
  WHERE k.ended_at IS NULL OR k.ended_at > k.started_at
),
begun AS (
  SELECT account_id, started_at, max(until) AS until FROM lines GROUP BY account_id, started_at
),
marked AS (
  SELECT account_id, started_at, until,
    max(until) OVER (PARTITION BY account_id ORDER BY started_at
                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
  FROM begun
),
numbered AS (
  SELECT account_id, started_at, until,
    sum(CASE WHEN reached IS NULL OR (reached < TIMESTAMP '9999-12-31'
                                      AND started_at > reached + INTERVAL {grace} DAY) THEN 1 ELSE 0 END)
      OVER (PARTITION BY account_id ORDER BY started_at ROWS UNBOUNDED PRECEDING) AS spell
  FROM marked
),
spells AS (
  SELECT account_id, spell, min(started_at) AS began, max(until) AS lost
  FROM numbered GROUP BY account_id, spell
)"""

_ACTIVE = """
SELECT l.account_id,
  sum(l.mrr) AS mrr,
  sum(l.mrr * coalesce(p.margin_rate, {margin})) AS margin_mrr,
  avg(coalesce(p.margin_rate, {margin})) AS plain_margin,
  min(s.began) AS began,
  first(l.renews_at ORDER BY l.mrr DESC, l.subscription_id) AS renews_at,
  first(l.term_days ORDER BY l.mrr DESC, l.subscription_id) AS term_days,
  coalesce(any_value(a.industry), '') AS segment
FROM lines AS l
JOIN spells AS s ON s.account_id = l.account_id AND s.began <= l.started_at AND l.started_at < s.lost
LEFT JOIN (SELECT product, any_value(margin_rate) AS margin_rate FROM products GROUP BY product) AS p
  ON p.product = l.product
LEFT JOIN accounts AS a ON a.account_id = l.account_id AND a.known_at <= TIMESTAMP '{as_of}'
WHERE l.until > TIMESTAMP '{as_of}'
GROUP BY l.account_id
ORDER BY l.account_id"""

_MONTHS = """
landmarks AS (
  SELECT CAST(i AS INTEGER) AS back, TIMESTAMP '{cut}' - to_seconds(i * {month}) AS at
  FROM range(1, {count} + 1) AS r(i)
),
standing AS (
  SELECT l.account_id, m.back, m.at,
    sum(l.mrr) AS mrr,
    first(l.renews_at ORDER BY l.mrr DESC, l.subscription_id) AS renews_at,
    first(l.term_days ORDER BY l.mrr DESC, l.subscription_id) AS term_days
  FROM landmarks AS m
  JOIN lines AS l ON l.started_at <= m.at AND l.until > m.at
  GROUP BY l.account_id, m.back, m.at
)
SELECT x.account_id, x.back, x.at, x.mrr, x.renews_at, x.term_days, s.began,
  coalesce(a.industry, '') AS segment,
  s.lost <= x.at + to_seconds({month}) AS lost
FROM standing AS x
JOIN spells AS s ON s.account_id = x.account_id AND s.began <= x.at AND x.at < s.lost
LEFT JOIN accounts AS a ON a.account_id = x.account_id AND a.known_at <= TIMESTAMP '{as_of}'
ORDER BY x.account_id, x.back"""


def active_contracts(facts: Facts, as_of: datetime, *, margin: float) -> pd.DataFrame:
    """Accounts with an active subscription at `as_of`.

    Returns:
        account_id, mrr, margin (share: the products' own rates weighted by MRR, `margin` where a product has none),
        tenure_days (since this spell began), days_to_renewal and term_days of the line with most MRR (NaN where
        unknown), segment (the account's industry).
    """
    frame = _query(facts, "WITH " + _ROWS + _ACTIVE, as_of, margin=repr(float(margin)))
    weighted = frame["margin_mrr"].to_numpy(float)
    mrr = frame["mrr"].to_numpy(float)
    rate = np.divide(weighted, mrr, out=frame["plain_margin"].to_numpy(float).copy(), where=mrr > 0)
    return pd.DataFrame(
        {
            "account_id": frame["account_id"],
            "mrr": mrr,
            "margin": rate,
            "tenure_days": _days(pd.Timestamp(as_of) - frame["began"]),
            "days_to_renewal": _days(frame["renews_at"] - pd.Timestamp(as_of)),
            "term_days": snap_terms(frame["term_days"].to_numpy(float)),
            "segment": frame["segment"].astype(object),
        }
    )


def account_months(facts: Facts, as_of: datetime, *, grace_days: int = GRACE_DAYS) -> pd.DataFrame:
    """Every month that an account was at risk, known at `as_of`: the table the hazards are learnt from.

    Months end at `as_of - grace_days`, because a later end may still be undone (right-censoring), and start at the
    first end that was ever recorded, because before it only survivors may have been kept (left truncation; the
    recorded end itself is not counted, so the choice of this start does not bias the rate).

    Of very many accounts some are taken, by a digest of their ids: hazards have no more to learn from fifty million
    months than from `MOST_MONTHS`.

    Returns:
        account_id, tenure_days, mrr, days_to_renewal, term_days and segment at the start of the month, and whether the
        account was lost within it.
    """
    cut = as_of - timedelta(days=grace_days)
    [(first_start, first_end, accounts)] = (
        facts.con.cursor()
        .execute(
            "SELECT min(started_at), min(CASE WHEN ended_at <= $as_of THEN ended_at END), count(DISTINCT account_id) "
            "FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of",
            {"as_of": as_of},
        )
        .fetchall()
    )
    start = first_end or first_start
    count = 0 if start is None else int((cut - start).total_seconds() // MONTH_SECONDS)
    count = max(0, min(count, MAX_HISTORY_MONTHS))
    sql = "WITH " + _ROWS.replace("{grace}", str(int(grace_days))) + "," + _MONTHS
    if (one_in := -(-accounts * count // MOST_MONTHS)) > 1:
        sql = f"SELECT * FROM ({sql}) AS every WHERE md5_number_lower(account_id) % {one_in} = 0"
    frame = _query(facts, sql, as_of, cut=cut.isoformat(" "), count=count, month=MONTH_SECONDS)
    return pd.DataFrame(
        {
            "account_id": frame["account_id"],
            "back": frame["back"].to_numpy(int),
            "tenure_days": _days(frame["at"] - frame["began"]),
            "mrr": frame["mrr"].to_numpy(float),
            "days_to_renewal": _days(frame["renews_at"] - frame["at"]),
            "term_days": snap_terms(frame["term_days"].to_numpy(float)),
            "segment": frame["segment"].astype(object),
            "lost": frame["lost"].to_numpy(bool),
        }
    )


_STANDING = """
marks AS (SELECT CAST(i AS INTEGER) AS back, TIMESTAMP '{as_of}' - to_seconds(i * {month}) AS at
          FROM range(0, {count} + 1) AS r(i))
SELECT l.account_id, m.back, sum(l.mrr ORDER BY l.subscription_id, l.started_at) AS mrr, max(s.spell) AS spell,
  max((epoch(m.at) - epoch(s.began)) / {month}) AS tenure
FROM marks AS m
JOIN lines AS l ON l.started_at <= m.at AND l.until > m.at
JOIN spells AS s ON s.account_id = l.account_id AND s.began <= m.at AND m.at < s.lost
{chosen}
GROUP BY l.account_id, m.back
ORDER BY l.account_id, m.back"""


@dataclass(frozen=True)
class Standing:
    """Accounts at an instant and at each whole month before it; every array is (accounts, months + 1).

    Attributes:
        mrr: column 0 at the instant, 0 where nothing was paid.
        spell: number of the spell between two losses, -1 where there was none.
        tenure: months since the spell began.
    """

    mrr: Floats
    spell: Floats
    tenure: Floats


def standing_months(facts: Facts, as_of: datetime, count: int, *, most: int = MOST_MONTHS) -> Standing:
    """The MRR of accounts at `as_of` and at each whole month before it, as known at `as_of`.

    Args:
        count: months back; months before the first subscription of all are left out.
        most: account-months; of more some accounts are taken, by a digest of their ids.
    """
    [(first, accounts)] = (
        facts.con.cursor()
        .execute(
            "SELECT min(started_at), count(DISTINCT account_id) FROM subscriptions "
            "WHERE known_at <= $as_of AND started_at <= $as_of",
            {"as_of": as_of},
        )
        .fetchall()
    )
    if first is None:
        return Standing(*(np.zeros((0, 1)) for _ in range(3)))
    count = min(count, int((as_of - first).total_seconds() // MONTH_SECONDS))
    one_in = -(-accounts * count // most)
    chosen = f"WHERE md5_number_lower(l.account_id) % {one_in} = 0" if one_in > 1 else ""
    sql = "WITH " + _ROWS + "," + _STANDING
    frame = _query(facts, sql, as_of, count=count, month=MONTH_SECONDS, chosen=chosen)
    row, names = pd.factorize(frame["account_id"])
    back = frame["back"].to_numpy(int)
    mrr, spell, tenure = (np.full((len(names), count + 1), empty) for empty in (0.0, -1.0, 0.0))
    for filled, name in ((mrr, "mrr"), (spell, "spell"), (tenure, "tenure")):
        filled[row, back] = frame[name].to_numpy(float)
    return Standing(mrr, spell, tenure)


def snap_terms(days: Floats) -> Floats:
    """The nearest usual contract term of a span in days; NaN stays NaN.

    >>> snap_terms(np.array([364.0, 31.0, np.nan])).tolist()
    [365.25, 30.4375, nan]
    """
    months = days / MONTH_DAYS
    nearest = TERMS_MONTHS[np.abs(np.log(np.maximum(months, 0.1)[:, None] / TERMS_MONTHS[None, :])).argmin(axis=1)]
    return np.where(np.isnan(days), np.nan, nearest * MONTH_DAYS)


def _query(facts: Facts, sql: str, as_of: datetime, **values: object) -> pd.DataFrame:
    values = {"grace": GRACE_DAYS, **values}
    frame: pd.DataFrame = facts.con.cursor().execute(sql.format(as_of=as_of.isoformat(" "), **values)).df()
    return frame


def _days(span: pd.Series) -> Floats:
    return np.asarray(span.dt.total_seconds().to_numpy(dtype=float, na_value=np.nan) / 86_400)
