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

from revml.clv import total_spread
from revml.clv.arrivals import Triangle, triangles
from revml.clv.flows import RelationFlows
from revml.clv.forecast import ClvForecast
from revml.clv.new_business import NewBusiness, new_business
from revml.clv.reconcile import Lesson, Tie, factor, lessons, tie_to_kpi
from revml.clv.relations import Relation
from revml.clv.subscriptions import active_contracts
from revml.clv.value import MONTH_SECONDS, Floats, to_cents
from revml.config import Economics
from revml.sources.facts import Facts

HISTORY_MONTHS = 24
YEAR = 12
# The largest segments by revenue; the rest are together in one, so that they still add up.
MAX_SEGMENTS = 20
REST, UNKNOWN = "other", ""


@dataclass(frozen=True)
class Line:
    """One line of the forecast: (months,) each, in currency units or as shares."""

    mean: Floats
    p10: Floats
    p50: Floats
    p90: Floats

    def to_dict(self, digits: int = 2) -> dict[str, list[float]]:
        """Rounded lists by name."""
        return {name: [round(float(v), digits) for v in getattr(self, name)] for name in ("p10", "p50", "mean", "p90")}


@dataclass(frozen=True)
class Segment:
    """A part of the accounts; `revenue` by relation is (months,) in whole cents."""

    name: str
    accounts: int
    mrr: float
    revenue: Mapping[Relation, Floats]
    lines: Mapping[str, Line]


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
    families: Mapping[str, Any] | None = None

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
    now = triangles(facts, as_of)
    learnt = lessons(facts, as_of, economics, now) if learn else ()
    relations = {Relation(flows.relation): flows for flows in forecast.relations}
    factors = {relation: factor(learnt, relation, months) for relation in relations}
    used = factors if economics.reconcile else {relation: np.ones(months) for relation in relations}
    attribute, names = _segment_names(facts, as_of, economics.segment_by, relations)
    contract = relations.get(Relation.CONTRACT)
    start = _start(facts, as_of, economics, contract)
    segments = _segments(names, relations, used, start, now, learnt)
    total = {
        relation: sum((one.revenue[relation] for one in segments), np.zeros(months)) / 100 for relation in relations
    }
    fresh = tuple(part for triangle in now.values() for part in new_business(triangle, months))
    lines = _lines(total, _kept(contract, start), start, learnt, now)
    kept = _kept(contract, start)
    spreads = {relation: _spread(relation, total[relation], learnt, now, start, kept) for relation in relations}
    parts = [(total[relation], spreads[relation]) for relation in relations]
    fresh_parts = [(part.money, _new_spread(part, learnt)) for part in fresh] if economics.new_business else []
    if economics.new_business and fresh:
        lines["new_revenue"] = _line(*_together(fresh_parts))
        mrr = [pair for part, pair in zip(fresh, fresh_parts, strict=True) if part.relation is Relation.CONTRACT]
        if mrr:
            lines["new_mrr"] = _line(*_together(mrr))
    else:
        mrr = []
    if Relation.CONTRACT in relations:
        lines["mrr"] = _line(*_together([(total[Relation.CONTRACT], spreads[Relation.CONTRACT]), *mrr]))
    if parts or fresh_parts:
        lines["revenue"] = _line(*_together([*parts, *fresh_parts]))
    return CompanyForecast(
        as_of=as_of,
        currency=currency,
        months=tuple(as_of + timedelta(seconds=k * MONTH_SECONDS) for k in range(1, months + 1)),
        lines=lines,
        segmented_by=attribute,
        segments=segments,
        new=fresh if economics.new_business else None,
        tie=tie_to_kpi(facts, as_of, forecast, start) if contract is not None else None,
        factors=factors,
        reconciled=economics.reconcile,
        learnt=learnt,
        **_history(now, as_of),
    )


def _segment_names(
    facts: Facts, as_of: datetime, attribute: str, relations: Mapping[Relation, RelationFlows]
) -> tuple[str, dict[Relation, np.ndarray[Any, Any]]]:
    """The segment of each account of each relation, '' where it is not known; the largest keep their name."""
    known: pd.Series = (
        facts.con.cursor()
        .execute(f"SELECT account_id, {attribute} AS name FROM accounts WHERE known_at <= $as_of", {"as_of": as_of})
        .df()
        .drop_duplicates("account_id")
        .set_index("account_id")["name"]
    )
    names = {r: known.reindex(flows.account_id).fillna(UNKNOWN).to_numpy(object) for r, flows in relations.items()}
    sizes: dict[str, float] = {}
    for relation, flows in relations.items():
        for name, money in pd.Series(flows.revenue.sum(axis=1)).groupby(names[relation]).sum().items():
            sizes[str(name)] = sizes.get(str(name), 0.0) + float(money)
    large = set(sorted(sizes, key=lambda name: (-sizes[name], name))[:MAX_SEGMENTS])
    return attribute, {
        r: np.array([name if name in large else REST for name in mine], dtype=object) for r, mine in names.items()
    }


def _start(facts: Facts, as_of: datetime, economics: Economics, contract: RelationFlows | None) -> pd.Series:
    """Today's MRR of the accounts of the contract flows, in their order."""
    if contract is None:
        return pd.Series(dtype="float64")
    active = active_contracts(facts, as_of, margin=economics.margin).set_index("account_id")["mrr"]
    return active.reindex(contract.account_id).fillna(0.0)


def _kept(contract: RelationFlows | None, start: pd.Series) -> Floats | None:
    """(n, months) what is left of today's MRR with losses and shrinking but without growth; never above either."""
    if contract is None:
        return None
    before = contract.base + contract.expansion
    shrunk = np.divide(before - contract.contraction, before, out=np.ones_like(before), where=before != 0)
    kept = start.to_numpy(float)[:, None] * contract.survival * np.clip(shrunk, 0.0, 1.0)
    return np.asarray(np.minimum(kept, contract.revenue))


def _segments(
    names: Mapping[Relation, np.ndarray[Any, Any]],
    relations: Mapping[Relation, RelationFlows],
    used: Mapping[Relation, Floats],
    start: pd.Series,
    now: Mapping[Relation, Triangle],
    learnt: tuple[Lesson, ...],
) -> tuple[Segment, ...]:
    cents = {r: 100 * to_cents(flows.revenue) for r, flows in relations.items()}
    contract = relations.get(Relation.CONTRACT)
    kept = _kept(contract, start)
    out = []
    for name in sorted({str(name) for mine in names.values() for name in mine}):
        rows = {relation: names[relation] == name for relation in relations}
        revenue = {r: np.rint(np.rint(cents[r][rows[r]]).sum(axis=0) * used[r]) for r in relations}
        accounts = set().union(*(relations[r].account_id[rows[r]].tolist() for r in relations))
        mine = start[rows[Relation.CONTRACT]] if contract is not None else start
        total = {r: values / 100 for r, values in revenue.items()}
        own = kept[rows[Relation.CONTRACT]] if kept is not None else None
        lines = _lines(total, own, mine, learnt, now)
        if len(total) > 1:
            spreads = [(total[r], _spread(r, total[r], learnt, now, mine, own)) for r in total]
            lines["revenue"] = _line(*_together(spreads))
        elif total:
            [only] = total
            lines["revenue"] = lines[f"revenue_{only}"]
        out.append(Segment(name, len(accounts), round(float(mine.sum()), 2), revenue, lines))
    return tuple(out)


def _lines(
    total: Mapping[Relation, Floats],
    kept: Floats | None,
    start: pd.Series,
    learnt: tuple[Lesson, ...],
    now: Mapping[Relation, Triangle],
) -> dict[str, Line]:
    lines = {}
    for relation, money in total.items():
        spread = _spread(relation, money, learnt, now, start, kept)
        lines[f"revenue_{relation}"] = _line(money, spread)
        if relation is Relation.CONTRACT and kept is not None:
            lines["mrr_existing"] = lines[f"revenue_{relation}"]
            if (mrr := float(start.sum())) > 0:
                lines["nrr"] = _line(money / mrr, spread)
                lines["grr"] = _capped(np.minimum(kept.sum(axis=0), money) / mrr, spread)
    return lines


def _spread(
    relation: Relation,
    money: Floats,
    learnt: tuple[Lesson, ...],
    now: Mapping[Relation, Triangle],
    start: pd.Series,
    kept: Floats | None,
) -> Floats:
    """Spread of the logs by month ahead: chance of single accounts, of single months, drift of earlier origins."""
    months = len(money)
    triangle = now.get(relation)
    history = triangle.total()[: min(triangle.seen, HISTORY_MONTHS)][::-1] if triangle else np.zeros(0)
    misses = [lesson.misses() for lesson in learnt if lesson.relation is relation]
    noise = total_spread.monthly_noise(history) if relation is not Relation.CONTRACT else 0.0
    drifted = total_spread.drift(misses, noise, total_spread.USUAL_DRIFT[str(relation)])
    if relation is not Relation.CONTRACT:
        whole = history[-YEAR:].mean() if len(history) else 0.0
        share = money[:YEAR].mean() / whole if whole > 0 else 1.0
        return total_spread.spread(months, noise / np.sqrt(np.clip(share, 1e-4, 1.0)), drifted)
    alone = np.zeros(months)
    mrr = start.to_numpy(float)
    if kept is not None and mrr.sum() > 0:
        stay = np.clip(kept.sum(axis=0) / mrr.sum(), 0.0, 1.0)
        alone = np.sqrt((mrr**2).sum()) / mrr.sum() * np.sqrt((1 - stay) / np.maximum(stay, 0.01))
    return total_spread.spread(months, alone, drifted)


def _new_spread(part: NewBusiness, learnt: tuple[Lesson, ...]) -> Floats:
    misses = [lesson.new_misses() for lesson in learnt if lesson.relation is part.relation]
    drifted = total_spread.drift(misses, 0.0, total_spread.USUAL_DRIFT["new"])
    return np.minimum(np.maximum(part.noise, total_spread.spread(len(part.money), 0.0, drifted)), 1.5)


def _together(parts: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    return sum((mean for mean, _ in parts), np.zeros(len(parts[0][0]))), total_spread.of_sum(parts)


def _line(mean: Floats, spread: Floats) -> Line:
    return Line(mean=mean, **total_spread.quantiles(mean, spread))


def _capped(mean: Floats, spread: Floats) -> Line:
    line = _line(mean, spread)
    return Line(line.mean, *(np.minimum(getattr(line, name), 1.0) for name in ("p10", "p50", "p90")))


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
