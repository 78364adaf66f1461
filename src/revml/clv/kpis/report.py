"""The company's figures, each with one definition: at an instant, by segment, by cohort and by month.

Comes in: facts, `as_of`, economics, and a CLV forecast where there is one. Goes out: `KpiReport`, which a run publishes
as one document without words; `kpi_words` adds them in the language of the reader. Sums of segments and cohorts are the
company's, and movements of MRR add up to the cent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from revml.clv.kpis.cohorts import Cohorts, contract_cohorts, order_cohorts
from revml.clv.kpis.figures import Known, Kpi, figures
from revml.clv.kpis.movements import INSTANT, MONEY, PaidByMonth, month_bounds
from revml.clv.kpis.orders import orders_by_family, orders_by_month
from revml.clv.kpis.segments import OTHER, SEGMENTS, UNKNOWN, segment_of, segments_there
from revml.clv.kpis.sums import KpiSums, whole_company
from revml.config import Economics
from revml.sources.facts import Facts
from revml.sources.remembered import remembering

Summed = Callable[[pd.DataFrame], pd.DataFrame]  # segments to the sums of the window that ends now
PUBLISHED_MONTHS = 24  # of movements and of the figures by month


@dataclass(frozen=True)
class Segment:
    """The figures of a segment.

    Attributes:
        by: the kind, one of `SEGMENTS`.
        value: what they have in common; '' where it is not known, `OTHER` for the small ones together.
        accounts: how many accounts stand in it, customers or not.
        movements: as of the company.
    """

    by: str
    value: str
    accounts: int
    kpis: tuple[Kpi, ...]
    movements: pd.DataFrame

    def __getitem__(self, name: str) -> Kpi:
        return next(kpi for kpi in self.kpis if kpi.name == name)

    def to_dict(self) -> dict[str, Any]:
        """For a document."""
        kind = {UNKNOWN: "unknown", OTHER: "other"}.get(self.value, "value")
        return {
            "by": self.by,
            "kind": kind,
            "value": self.value if kind == "value" else None,
            "accounts": self.accounts,
            "kpis": [_figure(kpi) for kpi in self.kpis],
            "movements": _movements(self.movements),
        }


@dataclass(frozen=True)
class KpiReport:
    """All figures at an instant.

    Attributes:
        months: the trailing window that yearly figures look back over.
        movements: `mrr_movements` in cents; empty without subscriptions.
        orders: month, revenue (cents, net of returns), customers (who bought in it); empty without orders.
        families: family, revenue (cents), customers, over the window; empty where no product has a family.
        series: the same figures at the end of each month, each over the window that ends then.
        segments: by kind and value; the figures of `cohort` are by the quarter of the first payment.
        cohorts: `contract` and `orders`.
    """

    as_of: datetime
    months: int
    kpis: tuple[Kpi, ...]
    movements: pd.DataFrame
    orders: pd.DataFrame
    families: pd.DataFrame
    series: tuple[tuple[datetime, tuple[Kpi, ...]], ...]
    segments: tuple[Segment, ...]
    cohorts: dict[str, Cohorts]

    def __getitem__(self, name: str) -> Kpi:
        return next(kpi for kpi in self.kpis if kpi.name == name)

    def to_dict(self) -> dict[str, Any]:
        """The whole document: names, values and reasons, money in currency units; no words."""
        total = int(self.families["revenue"].sum())
        return {
            "as_of": self.as_of.isoformat(),
            "months": self.months,
            "kpis": [_figure(kpi) for kpi in self.kpis],
            "movements": _movements(self.movements),
            "orders": [
                {"month": f"{r['month']:%Y-%m}", "revenue": r["revenue"] / 100, "customers": int(r["customers"])}
                for r in self.orders.to_dict("records")
            ],
            "families": [
                {
                    "family": r["family"] or None,
                    "revenue": r["revenue"] / 100,
                    "share": r["revenue"] / total if total > 0 else None,
                    "customers": int(r["customers"]),
                }
                for r in self.families.to_dict("records")
            ],
            "series": [
                {
                    "month": f"{month:%Y-%m}",
                    "kpis": [{"name": kpi.name, "value": kpi.value, "reason": kpi.reason} for kpi in kpis],
                }
                for month, kpis in self.series
            ],
            "segments": [segment.to_dict() for segment in self.segments],
            "cohorts": {name: made.to_dict() for name, made in self.cohorts.items()},
        }


def company_kpis(
    facts: Facts,
    as_of: datetime,
    economics: Economics,
    *,
    months: int = 12,
    history: int | None = None,
    clv: pd.DataFrame | None = None,
    by: Collection[str] = (),
) -> KpiReport:
    """The figures of a company at `as_of`, from facts known then.

    Args:
        months: how far trailing figures look back.
        history: how many months movements and figures by month go back; absent means `months`.
        clv: `ClvForecast.clv`; without it CLV and LTV/CAC are absent, with their reason. Of several horizons the
            longest counts.
        by: kinds of segments to tell, of `SEGMENTS`; those that the data does not have are left out.
    """
    history = history or months
    values = _longest(clv)
    known = Known.of(facts, as_of, valued=values is not None)
    everyone = segment_of(facts, as_of, "cohort")
    company = whole_company(everyone)
    start = _before(as_of, months)
    sums_of = KpiSums(facts, as_of, economics)
    paid = PaidByMonth(facts, as_of, history)

    def now(frame: pd.DataFrame) -> pd.DataFrame:
        return sums_of.by(frame, [(start, as_of)], clv=values)

    sums = now(company)
    return KpiReport(
        as_of=as_of,
        months=months,
        kpis=_figures(sums, known)[0] if len(sums) else figures(_NOBODY | {"ended": as_of}, known),
        movements=paid.movements().iloc[: None if facts.has("subscriptions") else 0],
        orders=orders_by_month(facts, as_of, history).iloc[: None if facts.has("orders") else 0],
        families=orders_by_family(facts, as_of, start),
        series=_series(sums_of, as_of, known, company, months=months, history=history),
        segments=tuple(
            segment
            for kind in SEGMENTS
            if kind in by and kind in segments_there(facts)
            for segment in _by(facts, as_of, kind, known, now, paid)
        ),
        cohorts={"contract": contract_cohorts(facts, as_of), "orders": order_cohorts(facts, as_of)},
    )


def published_kpis(facts: Facts, as_of: datetime, economics: Economics, clv: pd.DataFrame) -> dict[str, Any]:
    """The document that a run publishes: a year back, two years by month, every segment."""
    with remembering(facts):
        return company_kpis(facts, as_of, economics, history=PUBLISHED_MONTHS, clv=clv, by=SEGMENTS).to_dict()


def _by(facts: Facts, as_of: datetime, kind: str, known: Known, now: Summed, paid: PaidByMonth) -> list[Segment]:
    frame = segment_of(facts, as_of, kind)
    sums = now(frame)
    moved = paid.movements(frame).iloc[: None if facts.has("subscriptions") else 0]
    parts = dict(list(moved.groupby("segment")))
    sizes = frame["segment"].value_counts()
    made = [
        Segment(kind, value, int(sizes[value]), kpis, parts.get(value, moved.iloc[:0]).reset_index(drop=True))
        for value, kpis in zip(sums["segment"], _figures(sums, known), strict=True)
    ]
    last = {UNKNOWN: 2, OTHER: 1}
    return sorted(made, key=lambda s: (last.get(s.value, 0), s.value if kind == "cohort" else "", -s.accounts, s.value))


def _series(
    sums: KpiSums, as_of: datetime, known: Known, company: pd.DataFrame, *, months: int, history: int
) -> tuple[tuple[datetime, tuple[Kpi, ...]], ...]:
    """The figures at the last instant of each month, from what is known at `as_of`; a forecast of then is not kept."""
    bounds = month_bounds(as_of, history)
    ends = [*(bound - INSTANT for bound in bounds[1:-1]), as_of]
    spans = [(_before(bound, months), end) for bound, end in zip(bounds[1:], ends, strict=True)]
    made = _figures(sums.by(company, spans), known)
    return tuple(zip(bounds, made, strict=False)) if len(made) == len(spans) else ()


def _before(at: datetime, months: int) -> datetime:
    return (pd.Timestamp(at) - pd.DateOffset(months=months)).to_pydatetime()


def _figures(sums: pd.DataFrame, known: Known) -> list[tuple[Kpi, ...]]:
    rows: list[dict[str, Any]] = sums.to_dict("records")  # type: ignore[assignment]
    return [figures(row, known) for row in rows]


def _longest(clv: pd.DataFrame | None) -> pd.DataFrame | None:
    """account_id, clv: all relations together at the longest horizon; None where there is no forecast."""
    if clv is None or clv.empty:
        return None
    longest = clv[clv["horizon_months"] == clv["horizon_months"].max()]
    summed: pd.DataFrame = longest.groupby("account_id", as_index=False)["clv"].sum()
    return summed


def _figure(kpi: Kpi) -> dict[str, Any]:
    return {
        "name": kpi.name,
        "unit": kpi.unit,
        "value": kpi.value,
        "reason": kpi.reason,
        "accounts": kpi.basis,
        "cautions": list(kpi.cautions),
    }


def _movements(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "month": f"{row['month']:%Y-%m}",
            **{name: row[name] / 100 for name in MONEY},
            **{name: int(row[name]) for name in ("customers", "lost")},
        }
        for row in frame.to_dict("records")
    ]


# a company without any account
_NOBODY: dict[str, Any] = dict.fromkeys(
    ("start", "end", "customers", "paying", "lost", "active", "money", "gain", "largest", "buyers", "valued"), 0
) | dict.fromkeys(("joined", "costed", "cost", "clv", "months", "asked"), 0)
