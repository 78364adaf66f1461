"""Lines of the company's forecast: means by month with bands, of all accounts or of a segment's.

Comes in: sums of flows by relation, today's MRR, what earlier origins taught. Goes out: `Line`s. Nothing here reads
data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from revml.clv.company import total_spread
from revml.clv.company.arrivals import Triangle
from revml.clv.company.new_business import NewBusiness
from revml.clv.company.reconcile import Lesson
from revml.clv.company.season import YEAR, without_season
from revml.clv.flows import RelationFlows
from revml.clv.relations import Relation
from revml.clv.value import Floats

HISTORY_MONTHS = 24


@dataclass(frozen=True)
class Past:
    """What the records teach of bands: the triangles of today, and the lessons of earlier origins."""

    now: Mapping[Relation, Triangle]
    learnt: tuple[Lesson, ...]


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


def kept_mrr(contract: RelationFlows | None, start: pd.Series) -> Floats | None:
    """(n, months) what is left of today's MRR with losses and shrinking but without growth; never above either."""
    if contract is None:
        return None
    before = contract.base + contract.expansion
    shrunk = np.divide(before - contract.contraction, before, out=np.ones_like(before), where=before != 0)
    kept = start.to_numpy(float)[:, None] * contract.survival * np.clip(shrunk, 0.0, 1.0)
    return np.asarray(np.minimum(kept, contract.revenue))


def lines_of(
    total: Mapping[Relation, Floats],
    kept: Floats | None,
    start: pd.Series,
    past: Past,
) -> dict[str, Line]:
    """Lines of existing accounts: revenue by relation, and of contracts the MRR, NRR and GRR.

    Args:
        total: (months,) revenue by relation in currency units.
        kept: (n, months) `kept_mrr` of the contracts.
        start: (n,) today's MRR.
    """
    lines: dict[str, Line] = {}
    for relation, money in total.items():
        spread = spread_of(relation, money, past, start, kept)
        lines[f"revenue_{relation}"] = line(money, spread)
        if relation is Relation.CONTRACT and kept is not None:
            lines["mrr_existing"] = lines[f"revenue_{relation}"]
            if (mrr := float(start.sum())) > 0:
                lines["nrr"] = line(money / mrr, spread)
                lines["grr"] = capped(np.minimum(kept.sum(axis=0), money) / mrr, spread)
    return lines


def spread_of(
    relation: Relation,
    money: Floats,
    past: Past,
    start: pd.Series,
    kept: Floats | None,
) -> Floats:
    """Spread of the logs by month ahead: chance of single accounts, of single months, drift of earlier origins."""
    months = len(money)
    triangle = past.now.get(relation)
    history = triangle.total()[: min(triangle.seen, HISTORY_MONTHS)][::-1] if triangle else np.zeros(0)
    misses = [lesson.misses() for lesson in past.learnt if lesson.relation is relation]
    noise = total_spread.monthly_noise(without_season(history)) if relation is not Relation.CONTRACT else 0.0
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


def new_spread(part: NewBusiness, past: Past) -> Floats:
    """Spread of new business: at least what counts and sizes alone make, at least what earlier origins were off by."""
    misses = [lesson.new_misses() for lesson in past.learnt if lesson.relation is part.relation]
    drifted = total_spread.drift(misses, 0.0, total_spread.USUAL_DRIFT["new"])
    return np.minimum(np.maximum(part.noise, total_spread.spread(len(part.money), 0.0, drifted)), 1.5)


def together(parts: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """The mean and the spread of a sum of independent parts."""
    return sum((mean for mean, _ in parts), np.zeros(len(parts[0][0]))), total_spread.of_sum(parts)


def line(mean: Floats, spread: Floats) -> Line:
    """A mean with its quantiles."""
    return Line(mean=mean, **total_spread.quantiles(mean, spread))


def capped(mean: Floats, spread: Floats) -> Line:
    """A line whose quantiles stay at one or below."""
    made = line(mean, spread)
    return Line(made.mean, *(np.minimum(getattr(made, name), 1.0) for name in ("p10", "p50", "p90")))
