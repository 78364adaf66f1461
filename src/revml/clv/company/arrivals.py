"""When accounts came and what they have paid since: the triangle that new business and back-tests are read from.

Comes in: facts and `as_of`. Goes out: a `Triangle` a relation. Months are the forecast's, 30.4375 days, counted back
from `as_of`: month 0 is the one that ends there. An account arrives with its first subscription (and again with one
after a gap longer than the grace), its first purchase, its first machine. Only facts known at `as_of` count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from revml.clv.contracts.subscriptions import GRACE_DAYS
from revml.clv.orders.purchases import repeat_line
from revml.clv.relations import Relation, is_durable
from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

# How far back arrivals are told apart; whoever came earlier is in the last row.
MONTHS_BACK = 60
# Somebody who seems to arrive this soon after the records begin may only return, unless the account is that young.
SETTLING_MONTHS = 12
# A month of which this share is missing is whole: two years of the calendar are a shade less than 24 of these months.
NEARLY = 0.05
KINDS = ("new", "reactivation", "old")


@dataclass(frozen=True)
class Triangle:
    """Money by the month of arrival and the month it was there.

    Attributes:
        relation: contract money is MRR at the end of a month, other money what was ordered in it, net of returns.
        seen: how many whole months the records reach back.
        counts: by kind in `KINDS` (MONTHS_BACK + 1,) arrivals by month back.
        money: by kind (MONTHS_BACK + 1, MONTHS_BACK + 1): arrived in month m, money of month b.
    """

    relation: Relation
    seen: int
    counts: Mapping[str, Floats]
    money: Mapping[str, Floats]

    def total(self) -> Floats:
        """(MONTHS_BACK + 1,) money of everybody by month back."""
        return np.asarray(sum(matrix.sum(axis=0) for matrix in self.money.values()))

    def of_those_there(self, back: int) -> Floats:
        """(back,) money of the months since then, oldest first, of those who had arrived `back` months ago."""
        return np.asarray(sum(matrix[back:, :back].sum(axis=0) for matrix in self.money.values()))[::-1]

    def of_those_after(self, back: int, kinds: tuple[str, ...] = KINDS) -> Floats:
        """The same of those who arrived since: (back,), oldest first."""
        return np.asarray(sum(self.money[kind][:back, :back].sum(axis=0) for kind in kinds))[::-1]


_CONTRACT = """
WITH lines AS (
  SELECT account_id, started_at, sum(mrr) AS mrr,
    coalesce(CASE WHEN ended_at <= $as_of THEN ended_at END, TIMESTAMP '9999-12-31') AS until
  FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of AND (ended_at IS NULL OR ended_at > started_at)
  GROUP BY account_id, started_at, until
),
marked AS (
  SELECT *, max(until) OVER (PARTITION BY account_id ORDER BY started_at, until
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached FROM lines
),
numbered AS (
  SELECT *, sum(CASE WHEN reached IS NULL OR (reached < TIMESTAMP '9999-12-31'
                                              AND started_at > reached + to_days($grace)) THEN 1 ELSE 0 END)
    OVER (PARTITION BY account_id ORDER BY started_at, until ROWS UNBOUNDED PRECEDING) AS spell FROM marked
),
spells AS (
  SELECT account_id, spell, min(started_at) AS first_at FROM numbered GROUP BY account_id, spell
),
arrived AS (
  SELECT s.account_id, s.spell, CASE WHEN s.spell > 1 THEN 'reactivation' ELSE 'new' END AS kind,
    least(CAST(floor(date_diff('microsecond', s.first_at, $as_of::TIMESTAMP) / 1e6 / $month) AS INTEGER), $most) AS came
  FROM spells AS s
),
paid AS (
  SELECT n.account_id, n.spell, i AS back, sum(n.mrr ORDER BY n.started_at, n.mrr) AS money
  FROM range(0, $most + 1) AS r(i)
  JOIN numbered AS n ON n.started_at <= $as_of - to_seconds(i * $month) AND n.until > $as_of - to_seconds(i * $month)
  GROUP BY ALL
)"""

_ORDERS = """
WITH lines AS (
  SELECT account_id, ordered_at, amount FROM orders AS o
  WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND {which}
),
days AS (
  SELECT account_id, CAST(ordered_at AS DATE) AS day, min(ordered_at) AS first_at FROM lines
  GROUP BY ALL HAVING sum(amount ORDER BY ordered_at, amount) > 0
),
firsts AS (SELECT account_id, min(first_at) AS first_at FROM ({firsts}) AS f GROUP BY account_id),
arrived AS (
  SELECT f.account_id, 1 AS spell,
    CASE WHEN f.first_at < $settled AND coalesce(a.created_at, TIMESTAMP '1900-01-01') < $began THEN 'old'
         ELSE 'new' END AS kind,
    least(CAST(floor(date_diff('microsecond', f.first_at, $as_of::TIMESTAMP) / 1e6 / $month) AS INTEGER), $most) AS came
  FROM firsts AS f LEFT JOIN accounts AS a ON a.account_id = f.account_id AND a.known_at <= $as_of
),
paid AS (
  SELECT account_id, 1 AS spell,
    CAST(floor(date_diff('microsecond', ordered_at, $as_of::TIMESTAMP) / 1e6 / $month) AS INTEGER) AS back,
    sum(amount ORDER BY ordered_at, amount) AS money
  FROM lines GROUP BY ALL
)"""

_COUNTS = "{with_} SELECT kind, came, count(*) AS accounts FROM arrived GROUP BY ALL ORDER BY ALL"
_MONEY = """{with_}
SELECT a.kind, a.came, p.back, sum(p.money ORDER BY p.account_id, p.spell) AS money
FROM arrived AS a JOIN paid AS p ON p.account_id = a.account_id AND p.spell = a.spell
WHERE p.back <= $most GROUP BY ALL ORDER BY ALL"""


def triangles(facts: Facts, as_of: datetime) -> dict[Relation, Triangle]:
    """The triangle of each relation that anybody has known by `as_of`."""
    out = {}
    for relation in Relation:
        made = _contract(facts, as_of) if relation is Relation.CONTRACT else _orders(facts, as_of, relation)
        if made is not None:
            out[relation] = made
    return out


def _contract(facts: Facts, as_of: datetime) -> Triangle | None:
    if not facts.has("subscriptions"):
        return None
    # As for the hazards: before the first end that was recorded only those who stayed may have been kept.
    began = _one(
        facts,
        "SELECT coalesce(min(CASE WHEN ended_at <= $as_of THEN ended_at END), min(started_at)) FROM subscriptions "
        "WHERE known_at <= $as_of AND started_at <= $as_of",
        as_of,
    )
    if began is None:
        return None
    return _triangle(facts, Relation.CONTRACT, _CONTRACT, as_of, began, grace=GRACE_DAYS)


def _orders(facts: Facts, as_of: datetime, relation: Relation) -> Triangle | None:
    if not facts.has("orders"):
        return None
    which = is_durable(facts, "o.product")
    if relation is Relation.DURABLE and which == "false":
        return None
    firsts = "SELECT account_id, first_at FROM days"
    if relation is Relation.DURABLE:
        firsts += (
            " UNION ALL SELECT account_id, installed_at FROM assets WHERE known_at <= $as_of AND installed_at <= $as_of"
        )
    else:
        which = repeat_line(facts)
    began = _one(facts, "SELECT min(ordered_at) FROM orders WHERE known_at <= $as_of AND ordered_at <= $as_of", as_of)
    if began is None:
        return None
    settled = began + pd.Timedelta(seconds=SETTLING_MONTHS * MONTH_SECONDS)
    sql = _ORDERS.format(which=which, firsts=firsts)
    return _triangle(facts, relation, sql, as_of, began, began=began, settled=settled)


def _triangle(
    facts: Facts, relation: Relation, with_: str, as_of: datetime, since: datetime, **values: object
) -> Triangle:
    every = {"as_of": as_of, "month": MONTH_SECONDS, "most": MONTHS_BACK, **values}
    cursor = facts.con.cursor()
    size = MONTHS_BACK + 1
    counts = {kind: np.zeros(size) for kind in KINDS}
    money = {kind: np.zeros((size, size)) for kind in KINDS}
    for kind, came, accounts in _rows(cursor, _COUNTS.format(with_=with_), every):
        counts[kind][came] = accounts
    for kind, came, back, amount in _rows(cursor, _MONEY.format(with_=with_), every):
        money[kind][came, back] = amount
    seen = int((as_of - since).total_seconds() / MONTH_SECONDS + NEARLY)
    return Triangle(relation, min(max(seen, 0), MONTHS_BACK), counts, money)


def _rows(cursor: duckdb.DuckDBPyConnection, sql: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
    names = {name: value for name, value in values.items() if f"${name}" in sql}
    found: list[tuple[Any, ...]] = cursor.execute(sql, names).fetchall()
    return found


def _one(facts: Facts, sql: str, as_of: datetime) -> datetime | None:
    [(found,)] = facts.con.cursor().execute(sql, {"as_of": as_of}).fetchall()
    return found if isinstance(found, datetime) else None
