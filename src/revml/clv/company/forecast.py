"""The company's forecast from its accounts up: MRR, NRR, GRR and revenue by month, with bands, for all and by segment.

Comes in: a `ClvForecast`, the facts it was made of, `as_of`, economics. Goes out: `CompanyForecast`, one document. Each
line is the sum of the accounts' published flows in whole cents, so that segments add up to the company exactly; new
business stands in lines of its own. What earlier origins teach is shown as a factor and used only where
`economics.reconcile` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from revml.clv.company.arrivals import Triangle, triangles
from revml.clv.company.family_trials import FamilyTrial, families_of, family_trials
from revml.clv.company.lines import (
    HISTORY_MONTHS,
    Line,
    Past,
    kept_mrr,
    line,
    lines_of,
    new_spread,
    spread_of,
    together,
)
from revml.clv.company.new_business import NewBusiness, new_business
from revml.clv.company.reconcile import Lesson, Tie, earlier, factor, lessons, tie_to_kpi
from revml.clv.company.season import YEAR
from revml.clv.company.segments import Segment, segment_names, segments_of
from revml.clv.contracts.subscriptions import active_contracts
from revml.clv.flows import RelationFlows
from revml.clv.forecast import ClvForecast
from revml.clv.relations import Relation
from revml.clv.value import MONTH_SECONDS, Floats
from revml.config import Economics
from revml.sources.facts import Facts


@dataclass(frozen=True)
class CompanyForecast:
    """The company ahead.

    Attributes:
        months: the ends of the months ahead.
        lines: by name: `mrr`, `mrr_existing`, `nrr`, `grr` (where there are contracts), `revenue`, `revenue_<relation>`
            (existing accounts), `new_mrr`, `new_revenue` (where new business is on). `mrr` and `revenue` hold both.
        segments: existing accounts by `segmented_by`; they add up to the lines of existing accounts to the cent.
        new: the parts of new business.
        history: by name the last months, oldest first.
    """

    as_of: datetime
    currency: str
    months: tuple[datetime, ...]
    lines: Mapping[str, Line]
    segmented_by: str
    segments: tuple[Segment, ...]
    new: tuple[NewBusiness, ...] | None
    tie: Tie | None
    factors: Mapping[Relation, Floats]
    reconciled: bool
    learnt: tuple[Lesson, ...]
    history_months: tuple[datetime, ...]
    history: Mapping[str, Floats]
    families: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """One document for JSON; months are the ISO dates they end on, money is in currency units."""
        return {
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "months": [f"{at:%Y-%m-%d}" for at in self.months],
            "lines": {name: line.to_dict(6 if name in ("nrr", "grr") else 2) for name, line in self.lines.items()},
            "segments": {
                "by": self.segmented_by,
                "rows": [
                    {
                        "name": one.name,
                        "accounts": one.accounts,
                        "mrr": one.mrr,
                        "lines": {n: line.to_dict(6 if n in ("nrr", "grr") else 2) for n, line in one.lines.items()},
                    }
                    for one in self.segments
                ],
            },
            "reconciliation": self._reconciliation(),
            "new_business": None if self.new is None else [part.to_dict() for part in self.new],
            "families": self.families,
            "history": {
                "months": [f"{at:%Y-%m-%d}" for at in self.history_months],
                **{name: [round(float(v), 2) for v in values] for name, values in self.history.items()},
            },
            "summary": self.summary(),
        }

    def summary(self) -> dict[str, Any]:
        """The few figures that a terminal prints, at 12 months or at the end of a shorter forecast."""
        at = min(YEAR, len(self.months)) - 1

        def told(name: str) -> dict[str, float]:
            digits = 4 if name in ("nrr", "grr") else 2
            line = self.lines[name]
            return {q: round(float(getattr(line, q)[at]), digits) for q in ("p10", "p50", "mean", "p90")}

        names = [name for name in ("mrr", "nrr", "grr", "new_mrr") if name in self.lines]
        year = {
            name: round(float(line.mean[: at + 1].sum()), 2)
            for name, line in self.lines.items()
            if name.startswith(("revenue", "new_revenue"))
        }
        return {
            "months": at + 1,
            "mrr_now": self.tie.accounts_cents / 100 if self.tie else None,
            **{name: told(name) for name in names},
            "revenue_sums": year,
            "factor": {str(relation): round(float(value[at]), 4) for relation, value in self.factors.items()},
            "reconciled": self.reconciled,
            "new_business": self.new is not None,
        }

    def _reconciliation(self) -> dict[str, Any]:
        return {
            "mrr_at_as_of": self.tie.to_dict() if self.tie else None,
            "applied": self.reconciled,
            "relations": [
                {
                    "relation": str(relation),
                    "factor": [round(float(v), 5) for v in values],
                    "origins": [
                        {
                            "months_back": lesson.back,
                            "predicted": round(float(lesson.predicted.sum()), 2),
                            "realised": round(float(lesson.realised.sum()), 2),
                            "bias": None if np.isnan(lesson.bias) else round(lesson.bias, 4),
                            "new_predicted": round(float(lesson.new_predicted.sum()), 2),
                            "new_realised": round(float(lesson.new_realised.sum()), 2),
                        }
                        for lesson in self.learnt
                        if lesson.relation is relation
                    ],
                }
                for relation, values in self.factors.items()
            ],
        }


def company_forecast(
    facts: Facts,
    as_of: datetime,
    economics: Economics,
    forecast: ClvForecast,
    *,
    currency: str = "EUR",
    learn: bool = True,
) -> CompanyForecast:
    """Add the accounts' flows up, with what is not there yet and with bands.

    Args:
        forecast: made at `as_of` from these facts.
        learn: make the forecasts of earlier origins, for the bands and the factor; without them bands are the usual.
    """
    months = max(forecast.horizons)
    relations = {Relation(flows.relation): flows for flows in forecast.relations}
    contract = relations.get(Relation.CONTRACT)
    now = triangles(facts, as_of)
    learnt: list[Lesson] = []
    tried: list[FamilyTrial] = []
    for origin in earlier(facts, as_of, economics, now) if learn else ():
        learnt += lessons(origin, now)
        tried += family_trials(facts, as_of, origin)
    past = Past(now, tuple(learnt))
    factors = {relation: factor(past.learnt, relation, months) for relation in relations}
    used = factors if economics.reconcile else {relation: np.ones(months) for relation in relations}
    start = _start(facts, as_of, economics, contract)
    names = segment_names(facts, as_of, economics.segment_by, relations)
    segments = segments_of(names, relations, used, start, past)
    total = {
        relation: sum((one.revenue[relation] for one in segments), np.zeros(months)) / 100 for relation in relations
    }
    fresh = tuple(part for triangle in now.values() for part in new_business(triangle, months))
    fresh = fresh if economics.new_business else ()
    kept = kept_mrr(contract, start)
    lines = lines_of(total, kept, start, past)
    lines |= _with_new({r: (total[r], spread_of(r, total[r], past, start, kept)) for r in relations}, fresh, past)
    return CompanyForecast(
        as_of=as_of,
        currency=currency,
        months=tuple(as_of + timedelta(seconds=k * MONTH_SECONDS) for k in range(1, months + 1)),
        lines=lines,
        segmented_by=economics.segment_by,
        segments=segments,
        new=fresh if economics.new_business else None,
        tie=tie_to_kpi(facts, as_of, forecast, start) if contract is not None else None,
        factors=factors,
        reconciled=economics.reconcile,
        learnt=past.learnt,
        families=families_of(facts, as_of, forecast.relations, fresh, tried, months),
        **_history(now, as_of),
    )


def _with_new(
    existing: Mapping[Relation, tuple[Floats, Floats]], fresh: tuple[NewBusiness, ...], past: Past
) -> dict[str, Line]:
    """The lines that hold new business, or would."""
    new = [(part.relation, (part.money, new_spread(part, past))) for part in fresh]
    mrr = [pair for relation, pair in new if relation is Relation.CONTRACT]
    out = {}
    if new:
        out["new_revenue"] = line(*together([pair for _, pair in new]))
    if mrr:
        out["new_mrr"] = line(*together(mrr))
    if Relation.CONTRACT in existing:
        out["mrr"] = line(*together([existing[Relation.CONTRACT], *mrr]))
    if existing:
        out["revenue"] = line(*together([*existing.values(), *(pair for _, pair in new)]))
    return out


def _start(facts: Facts, as_of: datetime, economics: Economics, contract: RelationFlows | None) -> pd.Series:
    """Today's MRR of the accounts of the contract flows, in their order."""
    if contract is None:
        return pd.Series(dtype="float64")
    active = active_contracts(facts, as_of, margin=economics.margin).set_index("account_id")["mrr"]
    return active.reindex(contract.account_id).fillna(0.0)


def _history(now: Mapping[Relation, Triangle], as_of: datetime) -> dict[str, Any]:
    seen = min(max((triangle.seen for triangle in now.values()), default=0), HISTORY_MONTHS)
    ends = tuple(as_of - timedelta(seconds=k * MONTH_SECONDS) for k in range(seen - 1, -1, -1))
    history = {}
    for relation, triangle in now.items():
        history[f"revenue_{relation}"] = triangle.total()[:seen][::-1]
        history[f"arrivals_{relation}"] = triangle.counts["new"][:seen][::-1]
    if Relation.CONTRACT in now:
        history["mrr"] = history["revenue_contract"]
    return {"history_months": ends, "history": history}
