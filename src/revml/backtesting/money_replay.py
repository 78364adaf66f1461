"""One origin of a back-test of money: the forecast as it would have been lived, the baselines, and what came.

Comes in: a workspace, its facts, an origin. Goes out: `OriginMoney`, by relation and in total. Forecasts see what was
known at the origin; what came is read from the whole facts. Accounts won later are no part of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from revml.backtesting.money_actual import lost_after, months_since_first
from revml.backtesting.money_methods import Method, Paths, contract_baselines, order_baselines
from revml.backtesting.money_scores import ForecastScores
from revml.clv import forecast_clv
from revml.clv.company.forecast import CompanyForecast, company_forecast
from revml.clv.contracts.subscriptions import GRACE_DAYS
from revml.clv.flows import RelationFlows
from revml.clv.intervals.realised import realised_revenue
from revml.clv.relations import Relation
from revml.clv.value import MONTH_DAYS, Floats
from revml.config import Workspace
from revml.sources.facts import Facts

TOTAL = "total"
TINY, CENT, ROUNDED = 1e-12, 0.01, 1e-6


@dataclass(frozen=True)
class Interval:
    """The 80 % interval of each account's discounted margin to a horizon, and the margin of what came."""

    low: Floats
    high: Floats
    came: Floats


@dataclass(frozen=True)
class RelationMoney:
    """The accounts of a relation (or of all, under `TOTAL`) at one origin; matrices are (accounts, months).

    Attributes:
        since: (n,) months from the first contract or order to the origin.
        came: revenue of each month; of a contract the MRR at its end.
        lost: (n,) months from the origin to the loss, infinite where none was seen; None where nothing can be lost.
        methods: who forecast what.
        intervals: by horizon, empty where the forecast has none.
        bands: by horizon the 80 % band of all accounts' revenue in its last month; empty where the forecast has none.
    """

    relation: str
    account_id: npt.NDArray[np.object_]
    since: Floats
    came: Floats
    lost: Floats | None
    methods: Mapping[Method, Paths]
    intervals: Mapping[int, Interval] = field(default_factory=dict)
    bands: Mapping[int, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class OriginMoney:
    """One origin after the fact.

    Attributes:
        seen: months from the origin within which an end is final: the end of the data less the grace period.
        scored: which questions had scores.
    """

    as_of: datetime
    seen: float
    scored: tuple[str, ...]
    relations: tuple[RelationMoney, ...]
    notes: tuple[str, ...]


def replay_money(
    workspace: Workspace,
    facts: Facts,
    origin: datetime,
    horizons: tuple[int, ...],
    scores: ForecastScores,
    *,
    intervals: bool = True,
) -> OriginMoney:
    """Forecast from an origin and lay beside what came.

    Args:
        horizons: in months, ascending; the last one lies within the data.
        intervals: whether to make intervals of accounts and bands of totals, which looks at still earlier origins.
    """
    made = forecast_clv(
        facts,
        origin,
        workspace.economics,
        scores.published,
        horizon_months=horizons,
        seed=workspace.seed,
        intervals=intervals,
    )
    company = company_forecast(facts, origin, workspace.economics, made) if intervals else None
    seen = ((facts.observed_until - origin) - timedelta(days=GRACE_DAYS)) / timedelta(days=MONTH_DAYS)
    relations = [
        _relation(facts, origin, flows, horizons, scores, seen, company)
        for flows in made.relations
        if len(flows.account_id)
    ]
    if len(relations) > 1:
        relations.append(_total(relations))
    scored = tuple(name for name in ("churn", "upsell") if getattr(scores, f"p_{name}") is not None)
    return OriginMoney(origin, seen, scored, tuple(relations), scores.notes)


def _relation(
    facts: Facts,
    origin: datetime,
    flows: RelationFlows,
    horizons: tuple[int, ...],
    scores: ForecastScores,
    seen: float,
    company: CompanyForecast | None,
) -> RelationMoney:
    ids, months = [str(one) for one in flows.account_id], horizons[-1]
    contract = flows.relation == Relation.CONTRACT
    came = realised_revenue(facts, flows.relation, origin, flows.account_id, months, as_of=facts.observed_until)
    lost = None
    if contract:
        lost = lost_after(facts, origin, ids, seen)
        methods = contract_baselines(facts, origin, ids, months, scores)
    else:
        methods = order_baselines(facts, origin, ids, months, flows.relation)
    own = Paths(flows.revenue[:, :months], flows.survival[:, :months] if contract else None)
    return RelationMoney(
        relation=str(flows.relation),
        account_id=flows.account_id,
        since=months_since_first(facts, origin, ids, contract=contract),
        came=came,
        lost=lost,
        methods={Method.REVML: own, **methods},
        intervals=published_intervals(flows, came, horizons),
        bands=published_bands(company, str(flows.relation), horizons),
    )


def published_intervals(flows: RelationFlows, came: Floats, horizons: tuple[int, ...]) -> dict[int, Interval]:
    """The published intervals of CLV, and what came made discounted margin as the forecast does; in whole cents."""
    worth = np.divide(flows.margin, flows.revenue, out=np.zeros_like(flows.margin), where=np.abs(flows.revenue) > TINY)
    rate = flows.margin_rate[:, None] * np.ones_like(worth)
    worth = np.where(np.abs(flows.revenue) > TINY, worth, rate)
    found = {}
    for horizon in horizons:
        published = flows.value_bands.get(horizon, {})
        if "p10" in published and "p90" in published:
            earned = np.rint(100.0 * (came * worth)[:, :horizon].sum(axis=1)) / 100.0
            # draws are numbers of 32 bits: a contract that goes on as it is lies at the very edge of its interval
            slack = ROUNDED * np.abs(earned) + CENT
            found[horizon] = Interval(published["p10"] - slack, published["p90"] + slack, earned)
    return found


def published_bands(
    company: CompanyForecast | None, relation: str, horizons: tuple[int, ...]
) -> dict[int, tuple[float, float]]:
    """By horizon the published band of the relation's revenue in its last month."""
    line = None if company is None else company.lines.get(f"revenue_{relation}")
    return {} if line is None else {h: (float(line.p10[h - 1]), float(line.p90[h - 1])) for h in horizons}


def _total(relations: list[RelationMoney]) -> RelationMoney:
    """All relations of each account together; methods that every relation has."""
    ids = np.unique(np.concatenate([one.account_id.astype(str) for one in relations]))
    places = [np.searchsorted(ids, one.account_id.astype(str)) for one in relations]
    months = relations[0].came.shape[1]

    def added(parts: list[Floats]) -> Floats:
        out = np.zeros((len(ids), months))
        for place, part in zip(places, parts, strict=True):
            out[place] += part
        return out

    since = np.zeros(len(ids))
    for place, one in zip(places, relations, strict=True):
        since[place] = np.fmax(since[place], one.since)
    methods = {
        method: Paths(added([one.methods[method].revenue for one in relations]))
        for method in Method
        if all(method in one.methods for one in relations)
    }
    return RelationMoney(TOTAL, ids.astype(object), since, added([one.came for one in relations]), None, methods)
