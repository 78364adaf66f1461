"""Orders by product family, for planning production: lines, quantities and revenue a month, from the accounts' flows.

Comes in: facts, `as_of`, the forecast of orders and machines, new business. Goes out: `FamilyOrders`. The revenue of an
account is shared out by what it bought of each family lately, drawn towards what all accounts buy; that of new accounts
by what new accounts buy. Where two years tell that families differ by season, shares move with it; they always add up
to the revenue that is shared out. Lines and quantities follow from revenue by the last year's ratios. Beside it each
family's own past is carried on: planning takes both, each by how well it did at earlier origins (`family_trials`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.company.arrivals import MONTHS_BACK, NEARLY
from revml.clv.company.new_business import NewBusiness
from revml.clv.company.season import YEAR, ahead, carried_on, season
from revml.clv.flows import RelationFlows
from revml.clv.orders.purchases import repeat_line
from revml.clv.relations import Relation, is_durable
from revml.clv.value import MONTH_SECONDS, Floats
from revml.families import MAX_FAMILIES
from revml.sources.facts import Facts

Names = npt.NDArray[np.object_]
MEASURES = ("revenue", "lines", "quantity")
# What an account bought counts half as much a year later.
HALF_LIFE_MONTHS = 12.0
# The company's shares count as much as this many average purchases of an account.
PRIOR_PURCHASES = 3.0
NEW_MONTHS = 24
OTHER, UNKNOWN = "other", ""


@dataclass(frozen=True)
class FamilyHistory:
    """Orders by family and month, oldest first: each of `MEASURES` (families, months), returns taken off."""

    relation: Relation
    names: Names
    revenue: Floats
    lines: Floats
    quantity: Floats


@dataclass(frozen=True)
class FamilyOrders:
    """The same ahead: each of `MEASURES` (families, months).

    Attributes:
        by_accounts: the accounts' forecasts, shared out; their revenue adds up to the company's.
        by_series: each family's own past carried on.
    """

    names: Names
    by_accounts: Mapping[str, Floats]
    by_series: Mapping[str, Floats]

    def mixed(self, measure: str, weight: float) -> Floats:
        """(families, months) of a measure, with so much weight on the families' own past."""
        return (1 - weight) * self.by_accounts[measure] + weight * self.by_series[measure]


_MONTHS = """
WITH goods AS (SELECT product, min(family) AS family FROM products GROUP BY product)
SELECT coalesce(g.family, '') AS family,
  CAST(floor(date_diff('microsecond', o.ordered_at, $as_of::TIMESTAMP) / 1e6 / $month) AS INTEGER) AS back,
  sum(o.amount ORDER BY o.order_id, o.line) AS revenue,
  count(*) FILTER (o.quantity > 0) AS lines,
  sum(o.quantity ORDER BY o.order_id, o.line) AS quantity
FROM orders AS o LEFT JOIN goods AS g ON g.product = o.product
WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND {which}
GROUP BY ALL ORDER BY ALL"""

_BOUGHT = """
WITH goods AS (SELECT product, min(family) AS family FROM products GROUP BY product),
lines AS (
  SELECT o.account_id, coalesce(g.family, '') AS family, o.amount, o.ordered_at, o.order_id, o.line,
    date_diff('microsecond', o.ordered_at, $as_of::TIMESTAMP) / 1e6 / $month AS age
  FROM orders AS o LEFT JOIN goods AS g ON g.product = o.product
  WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND {which}
),
came AS (SELECT account_id, max(age) AS age FROM lines GROUP BY account_id)
SELECT l.account_id, l.family, c.age < $new AS young,
  sum(l.amount * 0.5 ** (l.age / $half) ORDER BY l.order_id, l.line) AS money,
  count(DISTINCT CAST(l.ordered_at AS DATE)) AS days
FROM lines AS l JOIN came AS c ON c.account_id = l.account_id
GROUP BY ALL ORDER BY ALL"""


def family_history(facts: Facts, as_of: datetime, relation: Relation) -> FamilyHistory:
    """What was ordered of each family in each whole month of the records, known at `as_of`; largest family first."""
    values = {"as_of": as_of, "month": MONTH_SECONDS}
    frame = facts.con.cursor().execute(_MONTHS.format(which=_which(facts, relation)), values).df()
    [(began,)] = (
        facts.con.cursor()
        .execute(
            "SELECT min(ordered_at) FROM orders WHERE known_at <= $as_of AND ordered_at <= $as_of", {"as_of": as_of}
        )
        .fetchall()
    )
    span = (as_of - began).total_seconds() / MONTH_SECONDS if began else 0.0
    whole = min(int(span + NEARLY), MONTHS_BACK)
    frame = frame[frame["back"] < whole]
    sizes = frame.groupby("family")["revenue"].sum().sort_index()
    names = [str(name) for name in sizes.sort_values(ascending=False, kind="stable").index]
    if len(names) > MAX_FAMILIES:
        kept = names[: MAX_FAMILIES - 1]
        frame = frame.assign(family=frame["family"].where(frame["family"].isin(kept), OTHER))
        names = [*kept, OTHER]
    place = {name: i for i, name in enumerate(names)}
    made = {measure: np.zeros((len(names), whole)) for measure in MEASURES}
    at = frame["family"].map(place).to_numpy(int), whole - 1 - frame["back"].to_numpy(int)
    for measure in MEASURES:
        np.add.at(made[measure], at, frame[measure].to_numpy(float))
    return FamilyHistory(relation, np.array(names, dtype=object), **made)


def family_orders(
    facts: Facts, as_of: datetime, flows: Iterable[RelationFlows], fresh: Iterable[NewBusiness], months: int
) -> dict[Relation, FamilyOrders]:
    """Orders by family and month ahead, by relation; relations that sell nothing by orders are left out.

    Args:
        flows: of any relations, made at `as_of`.
        fresh: new business to be shared out too; none leaves existing accounts alone.
    """
    out: dict[Relation, FamilyOrders] = {}
    new = list(fresh)
    for one in flows:
        relation = Relation(one.relation)
        if relation is Relation.CONTRACT:
            continue
        history = family_history(facts, as_of, relation)
        if not len(history.names):
            continue
        own, newcomers = _shares(facts, as_of, history, one.account_id)
        shared = own.T @ one.revenue[:, :months]
        for part in new:
            if part.relation is relation:
                shared = shared + newcomers[:, None] * part.money[None, :months]
        factors = np.vstack([ahead(season(row), months) for row in history.revenue])
        moved = shared * factors
        total = moved.sum(axis=0)
        revenue = moved * np.divide(shared.sum(axis=0), total, out=np.zeros(months), where=total > 0)[None, :]
        past = {measure: getattr(history, measure) for measure in MEASURES}
        by_accounts = {"revenue": revenue} | {
            measure: revenue * _ratio(past[measure], history.revenue)[:, None] for measure in MEASURES[1:]
        }
        by_series = {m: np.vstack([carried_on(row, months) for row in rows]) for m, rows in past.items()}
        out[relation] = FamilyOrders(history.names, by_accounts, by_series)
    return out


def _shares(facts: Facts, as_of: datetime, history: FamilyHistory, accounts: Names) -> tuple[Floats, Floats]:
    """(n, families) shares of each account, and (families,) of accounts that came lately; rows add up to one."""
    names = history.names
    values = {"as_of": as_of, "month": MONTH_SECONDS, "half": HALF_LIFE_MONTHS, "new": NEW_MONTHS}
    frame = facts.con.cursor().execute(_BOUGHT.format(which=_which(facts, history.relation)), values).df()
    place = {name: i for i, name in enumerate(names)}
    rest = place.get(OTHER, -1)
    column = frame["family"].map(lambda name: place.get(name, rest)).to_numpy(int)
    frame = frame.assign(column=column, money=np.maximum(frame["money"].to_numpy(float), 0.0))[column >= 0]
    size = len(names)
    company = _normed(_by_column(frame, size), np.full(size, 1 / size))
    scale = float(frame["money"].sum()) / max(len(frame), 1)
    newcomers = _normed(_by_column(frame[frame["young"]], size) + 20 * scale * company, company)
    row = pd.Series(np.arange(len(accounts)), index=accounts).reindex(frame["account_id"]).to_numpy(float)
    known = ~np.isnan(row)
    bought = np.zeros((len(accounts), size))
    np.add.at(bought, (row[known].astype(int), frame["column"].to_numpy()[known]), frame["money"].to_numpy()[known])
    days = np.zeros(len(accounts))
    np.maximum.at(days, row[known].astype(int), frame["days"].to_numpy(float)[known])
    # an average purchase of the account itself, so that small and large accounts are drawn alike
    weight = PRIOR_PURCHASES * bought.sum(axis=1) / np.maximum(days, 1.0)
    weight = np.where(weight > 0, weight, 1.0)
    return (bought + weight[:, None] * company[None, :]) / (bought.sum(axis=1) + weight)[:, None], newcomers


def _by_column(frame: pd.DataFrame, size: int) -> Floats:
    return np.bincount(frame["column"], weights=frame["money"], minlength=size).astype(np.float64)


def _ratio(counts: Floats, revenue: Floats) -> Floats:
    """(families,) of the last year, of all the records where the year has no revenue; never negative."""
    out = np.zeros(len(revenue))
    for months in (revenue.shape[1], YEAR):
        money, counted = revenue[:, -months:].sum(axis=1), counts[:, -months:].sum(axis=1)
        out = np.where(money > 0, counted / np.where(money > 0, money, 1.0), out)
    return np.asarray(np.maximum(out, 0.0))


def _normed(amounts: Floats, otherwise: Floats) -> Floats:
    total = amounts.sum()
    return np.asarray(amounts / total if total > 0 else otherwise)


def _which(facts: Facts, relation: Relation) -> str:
    return is_durable(facts, "o.product") if relation is Relation.DURABLE else repeat_line(facts)
