"""The company's figures, each with one definition: revenue, retention, customers, acquisition, value.

Comes in: facts, `as_of`, economics, and a CLV forecast where there is one. Goes out: `KpiReport`. A figure that cannot
be told has no value but a reason, never a zero. Names, definitions and caveats stand in the catalogues under
`kpi.<name>.*`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd

from revml.clv.movements import KINDS, month_bounds, movements_between, mrr_movements
from revml.clv.subscriptions import active_contracts
from revml.clv.value import MONTH_SECONDS
from revml.config import Economics
from revml.locales import Words
from revml.sources.facts import Facts

CONTRACT_KPIS = ("mrr", "paying", "logo_churn", "grr", "nrr")
Unit = Literal["money", "share", "ratio", "months", "count"]


@dataclass(frozen=True)
class Kpi:
    """One figure.

    Attributes:
        name: catalogue key: `kpi.<name>.name`, `.definition`, `.caveat`.
        value: in its unit; None where it cannot be told.
        reason: why there is no value: catalogue key `kpi.reason.<reason>`, '' where there is one.
        basis: how many accounts it rests on.
    """

    name: str
    unit: Unit
    value: float | None
    reason: str = ""
    basis: int | None = None

    def shown(self, words: Words, currency: str) -> str:
        """The value as people write it, or an em dash."""
        if self.value is None:
            return "—"
        if self.unit == "money":
            return words.money(self.value, currency)
        if self.unit == "share":
            return words.percent(self.value, 1)
        if self.unit == "months":
            return words.text("kpi.months", n=words.number(self.value, 1))
        return words.number(self.value, 2 if self.unit == "ratio" else 0)


@dataclass(frozen=True)
class KpiReport:
    """All figures at an instant.

    Attributes:
        months: the trailing window that yearly figures look back over.
        movements: `mrr_movements` in cents; empty without subscriptions.
        orders: month, revenue (net of returns), customers (who bought in it); empty without orders.
    """

    as_of: datetime
    months: int
    kpis: tuple[Kpi, ...]
    movements: pd.DataFrame
    orders: pd.DataFrame

    def __getitem__(self, name: str) -> Kpi:
        return next(kpi for kpi in self.kpis if kpi.name == name)

    def to_dict(self, words: Words, currency: str) -> dict[str, Any]:
        """For `--json`: figures with their words, movements and orders by month in currency units."""
        return {
            "as_of": self.as_of.isoformat(),
            "months": self.months,
            "currency": currency,
            "kpis": [
                {
                    "name": kpi.name,
                    "value": kpi.value,
                    "unit": kpi.unit,
                    "accounts": kpi.basis,
                    "label": words.text(f"kpi.{kpi.name}.name"),
                    "definition": words.text(f"kpi.{kpi.name}.definition"),
                    "caveat": words.text(f"kpi.{kpi.name}.caveat"),
                    "reason": words.text(f"kpi.reason.{kpi.reason}") if kpi.reason else "",
                }
                for kpi in self.kpis
            ],
            "movements": [
                {
                    "month": f"{row['month']:%Y-%m}",
                    **{name: row[name] / 100 for name in ("start", *KINDS, "end")},
                    "customers": int(row["customers"]),
                    "lost": int(row["lost"]),
                }
                for row in self.movements.to_dict("records")
            ],
            "orders": [
                {"month": f"{r['month']:%Y-%m}", "revenue": r["revenue"], "customers": int(r["customers"])}
                for r in self.orders.to_dict("records")
            ],
        }


def company_kpis(
    facts: Facts, as_of: datetime, economics: Economics, *, months: int = 12, clv: pd.DataFrame | None = None
) -> KpiReport:
    """The figures of a company at `as_of`, from facts known then.

    Args:
        months: how far trailing figures look back.
        clv: `ClvForecast.clv`; without it CLV and LTV/CAC are absent, with their reason.
    """
    start = (pd.Timestamp(as_of) - pd.DateOffset(months=months)).to_pydatetime()
    contract = _contract(facts, as_of, start, economics)
    bought = _bought(facts, as_of, start, economics.order_margin)
    span = (as_of - start).total_seconds() / MONTH_SECONDS
    customers, revenue, margin = _together(contract, bought, span)
    arpc = Kpi(
        "arpc", "money", revenue / customers if customers else None, "" if customers else "no_customers", customers
    )
    cac = _cac(facts, as_of, start)
    value = _clv(clv)
    per_customer = margin / customers if customers else 0.0
    kpis = (
        *_contract_kpis(facts, contract),
        *_order_kpis(facts, bought),
        arpc,
        value,
        cac,
        _ratio("ltv_cac", "ratio", value, cac),
        _payback(cac, per_customer),
    )
    return KpiReport(
        as_of=as_of,
        months=months,
        kpis=kpis,
        movements=mrr_movements(facts, as_of, months).iloc[: None if facts.has("subscriptions") else 0],
        orders=_orders_by_month(facts, as_of, months).iloc[: None if facts.has("orders") else 0],
    )


@dataclass(frozen=True)
class _Contract:
    mrr: float
    margin: float
    payers: frozenset[str]
    cohort: dict[str, float]


def _contract(facts: Facts, as_of: datetime, start: datetime, economics: Economics) -> _Contract:
    active = active_contracts(facts, as_of, margin=economics.margin)
    paying = active[active["mrr"] > 0]
    cohort = movements_between(facts, as_of, [(start, as_of)]).iloc[0]
    return _Contract(
        mrr=float(paying["mrr"].sum()),
        margin=float((paying["mrr"] * paying["margin"]).sum()),
        payers=frozenset(paying["account_id"]),
        cohort={name: float(cohort[name]) for name in ("start", "customers", "lost", "kept_gross", "kept_net")},
    )


def _contract_kpis(facts: Facts, contract: _Contract) -> Iterator[Kpi]:
    cohort, n = contract.cohort, int(contract.cohort["customers"])
    if not facts.has("subscriptions"):
        units: tuple[Unit, ...] = ("money", "count", "share", "share", "share")
        for name, unit in zip(CONTRACT_KPIS, units, strict=True):
            yield Kpi(name, unit, None, "no_subscriptions")
        return
    yield Kpi("mrr", "money", contract.mrr, basis=len(contract.payers))
    yield Kpi("paying", "count", float(len(contract.payers)), basis=len(contract.payers))
    why = "" if n else "short_history"
    yield Kpi("logo_churn", "share", cohort["lost"] / n if n else None, why, n)
    yield Kpi("grr", "share", cohort["kept_gross"] / cohort["start"] if n else None, why, n)
    yield Kpi("nrr", "share", cohort["kept_net"] / cohort["start"] if n else None, why, n)


_BOUGHT = """
SELECT o.account_id,
  count(DISTINCT CAST(o.ordered_at AS DATE)) FILTER (o.amount > 0) AS days,
  sum(o.amount ORDER BY o.ordered_at, o.order_id, o.line) AS revenue,
  sum(CASE WHEN o.cost IS NOT NULL THEN o.amount - o.cost ELSE o.amount * coalesce(m.margin_rate, $margin) END
      ORDER BY o.ordered_at, o.order_id, o.line) AS margin
FROM orders AS o
LEFT JOIN (SELECT product, any_value(margin_rate) AS margin_rate FROM products GROUP BY product) AS m
  ON m.product = o.product
WHERE o.known_at <= $as_of AND o.ordered_at > $start AND o.ordered_at <= $as_of
GROUP BY o.account_id HAVING days > 0 ORDER BY o.account_id"""


def _bought(facts: Facts, as_of: datetime, start: datetime, margin: float) -> pd.DataFrame:
    values = {"as_of": as_of, "start": start, "margin": margin}
    frame: pd.DataFrame = facts.con.cursor().execute(_BOUGHT, values).df()
    return frame


def _order_kpis(facts: Facts, bought: pd.DataFrame) -> Iterator[Kpi]:
    names: tuple[tuple[str, Unit], ...] = (
        ("order_revenue", "money"),
        ("active_customers", "count"),
        ("repeat_rate", "share"),
        ("purchases", "ratio"),
    )
    n = len(bought)
    if not facts.has("orders") or not n:
        reason = "no_orders" if not facts.has("orders") else "no_customers"
        yield from (Kpi(name, unit, None, reason) for name, unit in names)
        return
    figures = (
        float(bought["revenue"].sum()),
        float(n),
        float((bought["days"] >= 2).mean()),
        float(bought["days"].mean()),
    )
    yield from (Kpi(name, unit, value, basis=n) for (name, unit), value in zip(names, figures, strict=True))


def _together(contract: _Contract, bought: pd.DataFrame, span: float) -> tuple[int, float, float]:
    """Customers of either relation, their revenue and margin a month."""
    customers = contract.payers | frozenset(bought["account_id"])
    revenue = contract.mrr + float(bought["revenue"].sum()) / span
    margin = contract.margin + float(bought["margin"].sum()) / span
    return len(customers), revenue, margin


def _cac(facts: Facts, as_of: datetime, start: datetime) -> Kpi:
    if not facts.has("accounts", "acquisition_cost"):
        return Kpi("cac", "money", None, "no_acquisition_cost")
    found = facts.con.cursor().execute(
        "SELECT count(*), count(acquisition_cost), sum(acquisition_cost ORDER BY account_id) FROM accounts "
        "WHERE known_at <= $as_of AND created_at > $start AND created_at <= $as_of",
        {"as_of": as_of, "start": start},
    )
    [(every, known, total)] = found.fetchall()
    if not known:
        return Kpi("cac", "money", None, "no_acquisition_cost" if every else "no_new_customers")
    return Kpi("cac", "money", float(total) / known, basis=int(known))


def _clv(clv: pd.DataFrame | None) -> Kpi:
    if clv is None or clv.empty:
        return Kpi("clv", "money", None, "no_forecast")
    accounts = clv["account_id"].nunique()
    return Kpi("clv", "money", float(clv["clv"].sum()) / accounts, basis=accounts)


def _ratio(name: str, unit: Unit, above: Kpi, below: Kpi) -> Kpi:
    for part in (above, below):
        if part.value is None:
            return Kpi(name, unit, None, part.reason)
    assert above.value is not None  # noqa: S101 - the loop has returned otherwise
    if not below.value:
        return Kpi(name, unit, None, "free_acquisition")
    return Kpi(name, unit, above.value / below.value, basis=below.basis)


def _payback(cac: Kpi, margin: float) -> Kpi:
    if cac.value is None:
        return Kpi("payback", "months", None, cac.reason)
    if margin <= 0:
        return Kpi("payback", "months", None, "no_margin")
    return Kpi("payback", "months", cac.value / margin, basis=cac.basis)


def _orders_by_month(facts: Facts, as_of: datetime, months: int) -> pd.DataFrame:
    bounds = month_bounds(as_of, months)
    frame: pd.DataFrame = (
        facts.con.cursor()
        .execute(
            "SELECT date_trunc('month', ordered_at)::TIMESTAMP AS month, "
            "sum(amount ORDER BY ordered_at, order_id, line) AS revenue, "
            "count(DISTINCT account_id) FILTER (amount > 0) AS customers FROM orders "
            "WHERE known_at <= $as_of AND ordered_at >= $start AND ordered_at <= $as_of GROUP BY 1 ORDER BY 1",
            {"as_of": as_of, "start": bounds[0]},
        )
        .df()
    )
    whole = pd.DataFrame({"month": pd.Series(bounds[:-1], dtype="datetime64[us]")})
    frame["month"] = frame["month"].astype("datetime64[us]")
    return (
        whole.merge(frame, on="month", how="left")
        .fillna({"revenue": 0.0, "customers": 0})
        .assign(customers=lambda f: f["customers"].astype(np.int64))
    )
