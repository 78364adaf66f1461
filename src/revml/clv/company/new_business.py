"""What accounts that are not there yet will bring: arrivals a month, what one brings by its age, and their product.

Comes in: the triangle of a relation (`arrivals`). Goes out: `NewBusiness`, money by month ahead. The model is meant to
be checked by hand:

    arrivals of month k  = last year's arrivals / 12 · exp(trend · (f + f² + ... + f^(k + 6))) · season of k
    money of month k     = sum over months j <= k of arrivals of month j · money of one arrival in its month k - j

`trend` is the monthly change between the last two years, drawn towards none by what chance does to counts; `f` damps
it; the season is one unless two whole years exist. What one arrival brings is read from those of the last two years,
and how it goes on from all that came since records began: those who left are in it with nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from revml.clv.company.arrivals import MONTHS_BACK, Triangle
from revml.clv.company.season import TREND_SD, YEAR, ahead, damped, season
from revml.clv.relations import Relation
from revml.clv.value import Floats

LEVEL_MONTHS = 24
MIN_ARRIVALS = 5.0  # money at an age is read from at least so many; beyond, the last reading goes on


@dataclass(frozen=True)
class NewBusiness:
    """New business of one kind in one relation.

    Attributes:
        kind: `new` or `reactivation`.
        arrivals: (months,) expected accounts a month.
        by_age: (months,) what one arrival brings in its first month, its second ...
        money: (months,) MRR at the end of the month (contract) or revenue in it.
        rate: arrivals a month of the last year (or of as much as there is), before trend and season.
        yearly_trend: change of arrivals between the last two years, as used (drawn towards none).
        seasonal: whether the season was told.
        counted: how many arrivals the rate rests on; `span_months`: over how long.
        noise: (months,) relative standard deviation of `money` from counts and sizes alone.
    """

    relation: Relation
    kind: str
    arrivals: Floats
    by_age: Floats
    money: Floats
    rate: float
    yearly_trend: float
    seasonal: bool
    counted: int
    span_months: int
    noise: Floats

    def to_dict(self) -> dict[str, Any]:
        """The parameters, ready for words."""
        return {
            "relation": str(self.relation),
            "kind": self.kind,
            "rate_a_month": round(self.rate, 2),
            "counted": self.counted,
            "span_months": self.span_months,
            "yearly_trend": round(self.yearly_trend, 4),
            "seasonal": self.seasonal,
            "first_money": round(float(self.by_age[0]), 2),
            "kept_after_12_months": round(float(self.by_age[min(YEAR, len(self.by_age) - 1)] / self.by_age[0]), 4)
            if self.by_age[0] > 0
            else None,
            "arrivals": [round(float(value), 3) for value in self.arrivals],
            "by_age": [round(float(value), 2) for value in self.by_age],
        }


def new_business(triangle: Triangle, months: int) -> tuple[NewBusiness, ...]:
    """New business of a relation, a part a kind that has ever been seen; none where nobody arrived."""
    made = (_of(triangle, kind, months) for kind in ("new", "reactivation"))
    return tuple(part for part in made if part is not None)


def _of(triangle: Triangle, kind: str, months: int) -> NewBusiness | None:
    counts, money = triangle.counts[kind], triangle.money[kind]
    span = min(YEAR, triangle.seen)
    counted = counts[:span].sum()
    if span == 0 or counted == 0:
        return None
    trend, rate = 0.0, counted / span
    factors = np.ones(YEAR)
    if triangle.seen >= 2 * YEAR:
        before = counts[YEAR : 2 * YEAR].sum()
        change = np.log((counted + 0.5) / (before + 0.5))
        chance = 1 / (counted + 0.5) + 1 / (before + 0.5)
        trend = float(change * TREND_SD**2 / (TREND_SD**2 + chance))
        whole = triangle.seen // YEAR * YEAR
        factors = season(counts[:whole][::-1])
    arrivals = rate * damped(months, trend) * ahead(factors, months)
    by_age = _by_age(triangle, kind, months)
    flows = np.convolve(arrivals, by_age)[:months]
    first = _sizes(counts, money)
    noise = np.sqrt((1.0 + first**2) / np.maximum(np.cumsum(arrivals), 0.5) + 1.0 / counted)
    return NewBusiness(
        relation=triangle.relation,
        kind=kind,
        arrivals=arrivals,
        by_age=by_age,
        money=flows,
        rate=float(rate),
        yearly_trend=float(np.expm1(trend)),
        seasonal=bool(np.ptp(factors) > 0),
        counted=int(counted),
        span_months=span,
        noise=noise,
    )


def _by_age(triangle: Triangle, kind: str, months: int) -> Floats:
    """What one arrival brings in month 0, 1, ... of its stay.

    Contract: the mean first MRR of the last two years' arrivals, carried on by the ratios of one month's MRR to the
    last one's. Orders: means at each age, smoothed over three months after the first.
    """
    counts, money = triangle.counts[kind], triangle.money[kind]
    seen = min(triangle.seen, MONTHS_BACK)
    recent = min(LEVEL_MONTHS, seen)
    out = np.zeros(months)
    out[0] = np.trace(money[:recent, :recent]) / max(counts[:recent].sum(), 1.0)
    # (ages,): money and arrivals at an age, of those who have reached it within the records
    paid = np.array([sum(money[m, m - age] for m in range(age, seen)) for age in range(seen)])
    there = np.array([counts[age:seen].sum() for age in range(seen)])
    last = int((there >= MIN_ARRIVALS).sum())
    if triangle.relation is Relation.CONTRACT:
        earlier = np.array([sum(money[m, m - age + 1] for m in range(age, seen)) for age in range(1, seen)])
        links = np.divide(paid[1:], earlier, out=np.ones_like(earlier), where=earlier > 0)[: max(last - 1, 0)]
        usual = np.average(links[-YEAR:]) if len(links) else 1.0
        chain = np.concatenate([links, np.full(months, min(usual, 1.0))])[: months - 1]
        out[1:] = out[0] * np.cumprod(chain)
        return out
    paid, there = paid[:last], there[:last]
    if last < 2:
        return out
    for age in range(1, months):
        low, high = (max(age - 1, 1), age + 2) if age < last else (max(last - YEAR // 2, 1), last)
        out[age] = paid[low:high].sum() / max(there[low:high].sum(), 1.0)
    return np.maximum(out, 0.0)


def _sizes(counts: Floats, money: Floats) -> float:
    """How much the mean first money differs from month to month, as a coefficient of variation of one arrival."""
    first, came = np.diag(money)[:LEVEL_MONTHS], counts[:LEVEL_MONTHS]
    kept = came > 0
    if kept.sum() < 3 or first[kept].sum() <= 0:
        return 1.0
    mean = first[kept].sum() / came[kept].sum()
    return float(np.sqrt(np.mean(came[kept] * (first[kept] / came[kept] / mean - 1) ** 2)))
