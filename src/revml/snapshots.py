"""Snapshots: when the past is looked at, and which accounts are at risk then.

Comes in: checked facts and the definition of a question. Goes out: `(account_id, as_of)` pairs with the yearly money of
the relation. Who is at risk is decided from what was known at `as_of` alone (`known_at <= as_of`; an end after `as_of`
is unknown), so that the same rule picks the accounts to learn from and the accounts to score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

import duckdb
import pandas as pd
import pyarrow as pa

from revml.config import UPSELL_KINDS, QuestionName, QuestionSpec, SnapshotSpec
from revml.errors import DataError
from revml.families import WHITE_SPACE
from revml.installed_base import OWNERS, WITHOUT_CONTRACT
from revml.sources.facts import Facts
from revml.sources.known import Known
from revml.windows import month_starts

KEYS = ("account_id", "as_of")
# Where a question is about an account and something, `item` names the thing: the third key.
ITEM = "item"
CONTRACT_QUESTIONS: frozenset[QuestionName] = frozenset({"churn", "contraction", "upsell", *UPSELL_KINDS})
ORDER_QUESTIONS: frozenset[QuestionName] = frozenset({"lapse", "growth"})
ASSET_QUESTIONS: frozenset[QuestionName] = frozenset({"attach", "replacement"})
PAIR_QUESTIONS: frozenset[QuestionName] = frozenset({"cross_sell"})
# The longest trailing window of behaviour, and how far back a reason compares an account with itself.
PAST_DAYS = 84
# Older behaviour tells little about today's customers and costs time; `snapshots.first` reaches further back.
MAX_HISTORY_DAYS = 5 * 365
MONEY_DAYS = 365

# A contract line that is active at p.as_of as far as was known then.
_ACTIVE = """s.started_at <= p.as_of AND s.known_at <= p.as_of AND (s.ended_at IS NULL OR s.ended_at > p.as_of)"""


def _exact(column: str) -> str:
    """A number as a decimal, whose sum is the same in any order."""
    return f"CAST({column} AS DECIMAL(28, 4))"


_CONTRACT_SQL = f"""
SELECT s.account_id, p.as_of, CAST(12 * SUM({_exact("s.mrr")}) AS DOUBLE) AS money
FROM cutoffs AS p JOIN subscriptions AS s ON {_ACTIVE}
GROUP BY s.account_id, p.as_of
ORDER BY p.as_of, s.account_id
"""

_PAIRS_SQL = f"""
SELECT s.account_id, p.as_of, CAST(12 * SUM({_exact("s.mrr")}) AS DOUBLE) AS money
FROM pairs AS p JOIN subscriptions AS s ON s.account_id = p.account_id AND {_ACTIVE}
GROUP BY s.account_id, p.as_of
ORDER BY p.as_of, s.account_id
"""

# Sums are made of decimals, so that an order and its return add up to zero in whatever order they are added.
# One row an order and the time it was known, so that lines are added up once and not once a cutoff.
_ORDER_SQL = f"""
WITH one_order AS (
  SELECT account_id, ordered_at, known_at, SUM({_exact("amount")}) AS amount,
         MAX(CASE WHEN quantity > 0 AND amount > 0 THEN 1 ELSE 0 END) AS positive
  FROM orders
  GROUP BY account_id, ordered_at, known_at
)
SELECT o.account_id, p.as_of,
  CAST(GREATEST(SUM(CASE WHEN o.ordered_at > p.year_from THEN o.amount ELSE 0 END), 0) AS DOUBLE) AS money
FROM cutoffs AS p
JOIN one_order AS o ON o.ordered_at <= p.as_of AND o.known_at <= p.as_of AND o.ordered_at > p.reach_from
GROUP BY o.account_id, p.as_of
HAVING MAX(CASE WHEN o.ordered_at > p.alive_from THEN o.positive ELSE 0 END) = 1{{grown_from}}
ORDER BY p.as_of, o.account_id
"""

_GROWN_FROM = """
   AND SUM(CASE WHEN o.ordered_at > p.before_from THEN o.amount ELSE 0 END) > 0"""

_RENEWAL_SQL = f"""
SELECT DISTINCT p.account_id, p.as_of
FROM ({{days_before}}) AS p
JOIN subscriptions AS s
  ON s.account_id = p.account_id AND s.subscription_id = p.subscription_id AND s.started_at = p.started_at AND {_ACTIVE}
"""
_DAYS_BEFORE = """SELECT account_id, subscription_id, started_at,
  date_trunc('day', renews_at) - INTERVAL '{days}' DAY AS as_of FROM subscriptions WHERE renews_at IS NOT NULL"""


class Place(Protocol):
    """Where the facts are asked when they are not in this process: see `features.engines.Engine`."""

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace a small table."""

    def fetch(self, select: str) -> pa.Table:
        """The rows of a SELECT in DuckDB's dialect."""


def keys_of(frame: pd.DataFrame) -> list[str]:
    """The columns that tell the rows of a frame apart: account and instant, and the item where there is one."""
    return [*KEYS, ITEM] if ITEM in frame.columns else list(KEYS)


@contextmanager
def bound(con: duckdb.DuckDBPyConnection, **frames: pd.DataFrame) -> Iterator[None]:
    """Frames as views of a connection for the length of a `with` block."""
    try:
        for name, frame in frames.items():
            con.register(name, frame)
        yield
    finally:
        for name in frames:
            con.unregister(name)


def instants(values: Iterable[datetime]) -> pd.Series[Any]:
    """Instants as the one time type of revml's frames (naive UTC, microseconds)."""
    return pd.Series(list(values), dtype="datetime64[us]")


def snapshot_dates(spec: SnapshotSpec, first: datetime, last: datetime) -> list[datetime]:
    """When everyone at risk is looked at: month starts or Mondays in `[first, last]`, and chosen dates.

    `spec.first` and `spec.last` narrow the span. A chosen date is kept although it lies before a `first` that was only
    derived from the data; it must lie in the span that the workspace itself gives.

    >>> spec = SnapshotSpec(dates=("2026-02-10",))
    >>> [str(d.date()) for d in snapshot_dates(spec, datetime(2026, 1, 15), datetime(2026, 3, 1))]
    ['2026-02-01', '2026-02-10', '2026-03-01']
    """
    start = spec.first or first
    stop = min(last, spec.last) if spec.last else last
    dates = {d for d in spec.dates if (spec.first is None or d >= spec.first) and d <= stop}
    if spec.every == "month":
        dates.update(month_starts(start, stop))
    elif spec.every == "week":
        dates.update(_mondays(start, stop))
    return sorted(dates)


def _mondays(first: datetime, last: datetime) -> Iterator[datetime]:
    day = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - naive means UTC in revml
    if day < first:
        day += timedelta(days=1)
    day += timedelta(days=-day.weekday() % 7)
    while day <= last:
        yield day
        day += timedelta(days=7)


def population(
    facts: Known, question: QuestionName, spec: QuestionSpec, as_ofs: Sequence[datetime], *, place: Place | None = None
) -> pd.DataFrame:
    """Who is at risk of a question at each instant, as far as was known then.

    - churn, contraction, upsell and its kinds: a subscription is active (`started_at <= as_of`, not ended by `as_of`);
    - attach: an asset is in service, and no subscription is active;
    - replacement: an asset is in service;
    - lapse: a positive order (quantity and amount above zero) in `(as_of - lookback_days, as_of]`;
    - growth: the same, and a positive net amount in the `horizon_days` before, which growth is measured against;
    - cross_sell: customers (a subscription, or an order as for lapse) with each product family that they do not have.

    Args:
        place: the engine that holds the contract's tables, where they are not staged here.

    Returns:
        account_id, as_of, money (a year's: 12 × MRR, or the net order amount of 365 days, never below zero), sorted by
        as_of and account_id. Of pairs also the item, and money is what customers of the family typically pay a year
        (median), NaN where that is not known.

    Raises:
        DataError: an amount is too large to add up.
    """
    at = instants(sorted(set(as_ofs)))
    if question in CONTRACT_QUESTIONS:
        return _asked(facts, place, _CONTRACT_SQL, cutoffs=pd.DataFrame({"as_of": at}))
    if question in ASSET_QUESTIONS:
        sql = WITHOUT_CONTRACT if question == "attach" else OWNERS
        return _asked(facts, place, sql, cutoffs=pd.DataFrame({"as_of": at}))
    reach = max(MONEY_DAYS, spec.lookback_days, spec.horizon_days)
    cutoffs = pd.DataFrame(
        {
            "as_of": at,
            "reach_from": at - pd.Timedelta(days=reach),
            "year_from": at - pd.Timedelta(days=MONEY_DAYS),
            "alive_from": at - pd.Timedelta(days=spec.lookback_days),
            "before_from": at - pd.Timedelta(days=spec.horizon_days),
        }
    )
    if question in PAIR_QUESTIONS:
        return _asked(facts, place, WHITE_SPACE, cutoffs=cutoffs)
    return _asked(
        facts, place, _ORDER_SQL.format(grown_from=_GROWN_FROM if question == "growth" else ""), cutoffs=cutoffs
    )


def renewal_snapshots(
    facts: Known, spec: SnapshotSpec, first: datetime, last: datetime, *, place: Place | None = None
) -> pd.DataFrame:
    """Accounts at fixed days before a renewal that was known then: account_id, as_of (00:00 UTC), money.

    Empty when the workspace asks for none or no renewal date is known. Only accounts with an active contract at that
    time are there, as in `population`.
    """
    days = sorted(set(spec.before_renewal_days)) or [0]
    union = " UNION ALL ".join(_DAYS_BEFORE.format(days=n) for n in days)
    pairs = _asked(facts, place, _RENEWAL_SQL.format(days_before=union))
    if not spec.before_renewal_days:
        pairs = pairs.head(0)
    start, stop = spec.first or first, min(last, spec.last) if spec.last else last
    pairs = pairs[(pairs["as_of"] >= start) & (pairs["as_of"] <= stop)]
    return _asked(facts, place, _PAIRS_SQL, pairs=pairs)


def first_snapshot(facts: Known, question: QuestionName, spec: QuestionSpec, *, place: Place | None = None) -> datetime:
    """Where snapshots begin when the workspace does not say: 84 days after the relation's first fact.

    Before that, trailing windows and the comparison with an account's own past would look into time nobody recorded.
    For the same reason snapshots wait for the first 84 days of usage where usage was recorded later, unless that would
    leave no room to learn and to measure (two label windows and three months). At most five years are looked at.
    """
    settled = timedelta(days=PAST_DAYS)
    contract = None if question in ORDER_QUESTIONS else _earliest(facts, place, "subscriptions", "started_at")
    orders = None if question in CONTRACT_QUESTIONS else _earliest(facts, place, "orders", "ordered_at")
    if question in PAIR_QUESTIONS and orders is not None:
        # Before a whole look-back has passed everybody seems not to have what they buy now and then.
        settled = max(settled, timedelta(days=spec.lookback_days))
    first = min((at for at in (contract, orders) if at is not None), default=None)
    if question in ASSET_QUESTIONS:
        # Machines are often recorded back to times of which nothing else is known.
        installed = _earliest(facts, place, "assets", "installed_at")
        first = max((at for at in (installed, contract if question == "attach" else first) if at), default=None)
    start = max((first or facts.observed_until) + settled, facts.observed_until - timedelta(days=MAX_HISTORY_DAYS))
    used = _earliest(facts, place, "usage", "occurred_at")
    if used is not None and used + settled > start:
        window = spec.window(question)
        room = facts.observed_until - timedelta(days=window.settle_days + 92) - 2 * window.reach
        if used + settled <= room:
            return used + settled
    return start


def _earliest(facts: Known, place: Place | None, table: str, column: str) -> datetime | None:
    earliest = _asked(facts, place, f"SELECT MIN({column}) AS earliest FROM {table}")["earliest"].iloc[0]
    return None if pd.isna(earliest) else earliest.to_pydatetime()


def _asked(facts: Known, place: Place | None, sql: str, **frames: pd.DataFrame) -> pd.DataFrame:
    """The rows of a SELECT over the contract's tables and these frames, here or at another place."""
    if place is not None:
        for name, small in frames.items():
            place.put(name, pa.Table.from_pandas(small, preserve_index=False))
        answer: pd.DataFrame = place.fetch(sql).to_pandas()
        return answer
    if not isinstance(facts, Facts):
        raise TypeError("facts that are not staged here need the place that holds them")
    try:
        with bound(facts.con, **frames):
            frame: pd.DataFrame = facts.con.sql(sql).df()
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise DataError(
            "an amount is too large to add up",
            where="table subscriptions, column mrr, or table orders, column amount",
            wanted="amounts below 10^24",
            got=str(error).splitlines()[0],
            do="correct the value in the source, or leave its row out with `where`",
        ) from None
    return frame
