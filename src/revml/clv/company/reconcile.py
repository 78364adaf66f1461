"""How the sum of the accounts stands to what the company really took: at `as_of`, and at earlier origins.

Comes in: facts, `as_of`, a forecast. Goes out: `Tie`, whether the accounts' MRR at `as_of` is the KPI's to the cent,
and `Lesson`s, what the forecast of earlier origins said of each relation against what came. From the lessons follow a
factor, which is shown beside the forecast and used only where the workspace asks for it, and the width of the bands.
The forecasts of earlier origins know no scores, because today's models have seen what followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from revml.clv.company.arrivals import Triangle, triangles
from revml.clv.company.new_business import new_business
from revml.clv.forecast import ClvForecast, forecast_at
from revml.clv.kpis.movements import movements_between
from revml.clv.relations import Relation
from revml.clv.value import MONTH_SECONDS, Floats
from revml.config import Economics
from revml.errors import NotEnoughData
from revml.sources.facts import Facts

BACKS = (24, 12, 6)
# Forecasting many accounts takes long, and their sums teach more.
FEW_BACKS, MANY = (12,), 50_000
LEAST_SEEN = 12  # months of records before an origin, for a forecast from it to mean anything
# The mean miss is believed like that of so many origins more, all without a miss.
PRIOR_ORIGINS = 2.0


@dataclass(frozen=True)
class Lesson:
    """A forecast made at an earlier origin against what came, of one relation: money a month, oldest first."""

    relation: Relation
    back: int
    predicted: Floats
    realised: Floats
    new_predicted: Floats
    new_realised: Floats

    @property
    def bias(self) -> float:
        """Sum predicted against realised, less one; NaN where nothing came."""
        came = self.realised.sum()
        return float(self.predicted.sum() / came - 1) if came > 0 else float("nan")

    def misses(self) -> Floats:
        """Log of realised to predicted by month ahead; NaN where either is nothing."""
        return _logs(self.realised, self.predicted)

    def new_misses(self) -> Floats:
        """The same of new business."""
        return _logs(self.new_realised, self.new_predicted)


@dataclass(frozen=True)
class Origin:
    """An earlier instant and the forecast made there from what was known then."""

    back: int
    at: datetime
    forecast: ClvForecast
    then: Mapping[Relation, Triangle]
    able: frozenset[Relation]


def earlier(facts: Facts, as_of: datetime, economics: Economics, now: Mapping[Relation, Triangle]) -> Iterator[Origin]:
    """Forecasts of the earlier origins that the records reach, oldest first, one at a time."""
    arrived = max((sum(counts.sum() for counts in triangle.counts.values()) for triangle in now.values()), default=0)
    for back in FEW_BACKS if arrived > MANY else BACKS:
        able = frozenset(relation for relation, triangle in now.items() if triangle.seen >= back + LEAST_SEEN)
        if not able:
            continue
        origin = as_of - timedelta(seconds=back * MONTH_SECONDS)
        try:
            made = forecast_at(facts, origin, economics, back)
        except NotEnoughData:
            continue
        yield Origin(back, origin, made, triangles(facts, origin), able)


def lessons(origin: Origin, now: Mapping[Relation, Triangle]) -> Iterator[Lesson]:
    """What a forecast of an earlier origin teaches of each relation."""
    for flows in origin.forecast.relations:
        relation, back = Relation(flows.relation), origin.back
        if relation in origin.able and relation in origin.then:
            fresh = sum((part.money for part in new_business(origin.then[relation], back)), np.zeros(back))
            yield Lesson(
                relation,
                back,
                flows.revenue.sum(axis=0)[:back],
                now[relation].of_those_there(back),
                fresh,
                now[relation].of_those_after(back),
            )


def factor(learnt: tuple[Lesson, ...], relation: Relation, months: int) -> Floats:
    """(months,) what the sum of a relation would have to be multiplied by, from the mean miss of earlier origins.

    A contract's sum is known at month 0, so that its factor goes away from one month by month; that of orders is one
    number. Both are drawn towards one, and stay beyond the longest origin what they are there.
    """
    mine = [lesson for lesson in learnt if lesson.relation is relation and lesson.realised.sum() > 0]
    mine = [lesson for lesson in mine if lesson.predicted.sum() > 0]
    if not mine:
        return np.ones(months)
    weight = len(mine) / (len(mine) + PRIOR_ORIGINS)
    if relation is not Relation.CONTRACT:
        every = np.log(sum(one.realised.sum() for one in mine) / sum(one.predicted.sum() for one in mine))
        return np.full(months, float(np.exp(weight * every)))
    k = np.concatenate([np.arange(1, lesson.back + 1) for lesson in mine]).astype(float)
    miss = np.concatenate([lesson.misses() for lesson in mine])
    kept = np.isfinite(miss)
    slope = float((k[kept] * miss[kept]).sum() / (k[kept] ** 2).sum()) if kept.any() else 0.0
    ahead = np.minimum(np.arange(1, months + 1), max(lesson.back for lesson in mine))
    return np.asarray(np.exp(weight * slope * ahead))


@dataclass(frozen=True)
class Tie:
    """MRR at `as_of`: what the accounts of the forecast add up to against the KPI, in whole cents."""

    accounts_cents: int
    kpi_cents: int
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """In currency units."""
        difference = (self.accounts_cents - self.kpi_cents) / 100
        return {
            "accounts": self.accounts_cents / 100,
            "kpi": self.kpi_cents / 100,
            "difference": difference,
            "reason": self.reason,
        }


def tie_to_kpi(facts: Facts, as_of: datetime, forecast: ClvForecast, mrr: pd.Series) -> Tie:
    """Compare the MRR of the forecast's accounts with that of the KPI history at the same instant.

    Args:
        mrr: today's MRR by account_id, of the accounts of the forecast.
    """
    kpi = int(movements_between(facts, as_of, [(as_of, as_of)]).iloc[0]["end"]) if facts.has("subscriptions") else 0
    accounts = int(np.rint(100 * mrr.to_numpy(float)).sum())
    reason = "" if accounts == kpi else "accounts_differ"
    return Tie(accounts, kpi, reason)


def _logs(above: Floats, below: Floats) -> Floats:
    fine = (above > 0) & (below > 0)
    return np.log(np.where(fine, above, np.nan) / np.where(fine, below, np.nan))
