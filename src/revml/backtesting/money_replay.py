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

from revml.backtesting.money_actual import lost_after, months_since_first, mrr_paths, order_paths
from revml.backtesting.money_methods import Method, Paths, contract_baselines, order_baselines
from revml.backtesting.money_scores import ForecastScores
from revml.clv import forecast_clv
from revml.clv.flows import RelationFlows
from revml.clv.relations import Relation
from revml.clv.subscriptions import GRACE_DAYS
from revml.clv.value import MONTH_DAYS, Floats, discount_factors
from revml.config import Workspace
from revml.sources.facts import Facts

TOTAL = "total"
DRAWS = 200  # of an account's simulated paths
PART = 2_000  # accounts simulated at once
LEVELS = (0.1, 0.9)


@dataclass(frozen=True)
class Interval:
    """The 80 % interval of each account's sum to a horizon, and the sum that came, in the same money."""

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
        bands: by horizon the 80 % band of the total; empty where the forecast has none.
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
    workspace: Workspace, facts: Facts, origin: datetime, horizons: tuple[int, ...], scores: ForecastScores
) -> OriginMoney:
    """Forecast from an origin and lay beside what came.

    Args:
        horizons: in months, ascending; the last one lies within the data.
    """
    made = forecast_clv(
        facts,
        origin,
        workspace.economics,
        p_churn=scores.p_churn,
        churn_horizon_days=scores.churn_days,
        p_upsell=scores.p_upsell,
        upsell_horizon_days=scores.upsell_days,
        uplift=scores.uplift,
        horizon_months=horizons,
        seed=workspace.seed,
    )
    seen = ((facts.observed_until - origin) - timedelta(days=GRACE_DAYS)) / timedelta(days=MONTH_DAYS)
    relations = [
        _relation(workspace, facts, origin, flows, horizons, scores, seen)
        for flows in made.relations
        if len(flows.account_id)
    ]
    if len(relations) > 1:
        relations.append(_total(relations))
    scored = tuple(name for name in ("churn", "upsell") if getattr(scores, f"p_{name}") is not None)
    return OriginMoney(origin, seen, scored, tuple(relations), scores.notes)


def _relation(
    workspace: Workspace,
    facts: Facts,
    origin: datetime,
    flows: RelationFlows,
    horizons: tuple[int, ...],
    scores: ForecastScores,
    seen: float,
) -> RelationMoney:
    ids, months = [str(one) for one in flows.account_id], horizons[-1]
    contract = flows.relation == Relation.CONTRACT
    lost = None
    if contract:
        came = mrr_paths(facts, origin, ids, months)[:, 1:]
        lost = lost_after(facts, origin, ids, seen)
        methods = contract_baselines(facts, origin, ids, months, scores)
    else:
        came = order_paths(facts, origin, ids, months, durable=flows.relation == Relation.DURABLE)
        methods = order_baselines(facts, origin, ids, months, flows.relation)
    own = Paths(flows.revenue[:, :months], flows.survival[:, :months] if contract else None)
    intervals, bands = _uncertainty(flows, came, horizons, workspace)
    return RelationMoney(
        relation=str(flows.relation),
        account_id=flows.account_id,
        since=months_since_first(facts, origin, ids, contract=contract),
        came=came,
        lost=lost,
        methods={Method.REVML: own, **methods},
        intervals=intervals,
        bands=bands,
    )


def _uncertainty(
    flows: RelationFlows, came: Floats, horizons: tuple[int, ...], workspace: Workspace
) -> tuple[dict[int, Interval], dict[int, tuple[float, float]]]:
    """Intervals as published (of discounted margin) where there are any, else of simulated revenue; bands of totals."""
    intervals: dict[int, Interval] = {}
    money = flows.margin_rate[:, None] * discount_factors(workspace.economics.discount_rate, came.shape[1])[None, :]
    for horizon in horizons:
        published = flows.value_bands.get(horizon, {})
        if "p10" in published and "p90" in published:
            earned = (came * money)[:, :horizon].sum(axis=1)
            intervals[horizon] = Interval(published["p10"], published["p90"], earned)
    if flows.draw is None:
        return intervals, {}
    n, rng = len(came), np.random.default_rng(workspace.seed)
    low, high = ({h: np.empty(n) for h in horizons} for _ in LEVELS)
    sums = {h: np.zeros(DRAWS) for h in horizons}
    for start in range(0, n, PART):
        rows = slice(start, min(start + PART, n))
        paths = np.cumsum(flows.draw(rows, rng, DRAWS), axis=2, dtype=np.float64)
        for h in horizons:
            low[h][rows], high[h][rows] = np.quantile(paths[:, :, h - 1], LEVELS, axis=0)
            sums[h] += paths[:, :, h - 1].sum(axis=1)
    for h in horizons:
        intervals.setdefault(h, Interval(low[h], high[h], came[:, :h].sum(axis=1)))
    return intervals, {h: (float(a), float(b)) for h in horizons for a, b in [np.quantile(sums[h], LEVELS)]}


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
