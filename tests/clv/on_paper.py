"""The company of `docs/lifetime-value-on-paper.md`: read from the document's tables, and what comes of it.

`printed` gives the rows of every table of figures as they stand in the document. Where the forecast itself was changed
on purpose, `python -m tests.clv.on_paper` writes them anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from revml.clv import ClvForecast, Published, forecast_clv
from revml.clv.company.forecast import CompanyForecast, company_forecast
from revml.clv.contracts.subscriptions import active_contracts
from revml.clv.durables.ahead import Durables, learn_durables, replacements_ahead
from revml.clv.flows import RelationFlows
from revml.clv.kpis.movements import MONEY, movements_between
from revml.clv.kpis.report import KpiReport, company_kpis
from revml.clv.orders.repeat_orders import OrderForecast, order_forecast
from revml.clv.value import discount_factors
from revml.config import Economics
from revml.explanations import ConceptSums
from revml.sources.facts import Facts
from revml.windows import instant
from tests.clv.companies import line
from tests.literal_facts import stage

DOCUMENT = Path(__file__).parents[2] / "docs/lifetime-value-on-paper.md"
AS_OF, YEAR_AGO = instant("2026-01-01"), instant("2025-01-01")
ECONOMICS = Economics()
HORIZONS = (6, 12)
CAUSES = ("usage", "support")
Rows = list[list[str]]


def table(text: str, header: str) -> Rows:
    """The cells of the rows below a header."""
    below = text[text.index(f"\n{header}") + 1 :].splitlines()[2:]
    rows = below[: next((i for i, one in enumerate(below) if not one.startswith("|")), len(below))]
    return [[cell.strip() for cell in one.strip("|").split("|")] for one in rows]


@dataclass(frozen=True)
class OnPaper:
    """The company and everything that is computed of it."""

    facts: Facts
    scores: Published
    forecast: ClvForecast
    company: CompanyForecast
    kpis: KpiReport
    orders: OrderForecast
    durables: Durables

    def relation(self, name: str) -> RelationFlows:
        """The flows of one relation."""
        return next(one for one in self.forecast.relations if one.relation == name)


def company_of(text: str, folder: Path) -> OnPaper:
    """Stage the tables of the document and forecast."""
    facts = stage(
        folder,
        observed_until=AS_OF.isoformat(),
        accounts=[
            {"account_id": a, "parent_account_id": p or None, "referred_by": r or None, "created_at": at}
            | {"acquisition_cost": float(cost) if cost else None}
            for a, p, r, at, cost in table(text, "| account | parent |")
        ],
        products=[
            {"product": p, "price": _number(price), "life_months": int(life) if life else None}
            | {"margin_rate": _number(margin)}
            for p, price, life, margin in table(text, "| product | price |")
        ],
        subscriptions=[
            line(a, float(mrr), at, end or None, product="seat", known_at=known or at, renews_at=renews)
            for a, mrr, at, end, renews, known in table(text, "| subscription of |")
        ],
        orders=[
            {"order_id": f"o{i}", "line": 1, "account_id": a, "product": p, "quantity": 1, "ordered_at": at}
            | {"amount": float(amount)}
            for i, (a, p, at, amount) in enumerate(table(text, "| order of |"))
        ],
        assets=[
            {"asset_id": asset, "account_id": a, "product": p, "installed_at": at}
            for asset, a, p, at in table(text, "| machine |")
        ],
    )
    scores = _scores(table(text, "| account | leaves within 90 days |"))
    forecast = forecast_clv(facts, AS_OF, ECONOMICS, scores, horizon_months=HORIZONS)
    orders, durables = order_forecast(facts, AS_OF, ECONOMICS, max(HORIZONS)), learn_durables(facts, AS_OF, ECONOMICS)
    assert orders is not None
    assert durables is not None
    return OnPaper(
        facts,
        scores,
        forecast,
        company_forecast(facts, AS_OF, ECONOMICS, forecast, learn=False),
        company_kpis(facts, AS_OF, ECONOMICS, clv=forecast.clv),
        orders,
        durables,
    )


def _scores(rows: Rows) -> Published:
    accounts = [row[0] for row in rows]
    told = np.array([[float(cell.rstrip("%")) / 100 for cell in row[1:5]] for row in rows])
    frames = [
        pd.DataFrame({"account_id": accounts, "probability": near, "probability_365d": far})
        for near, far in (told[:, :2].T, told[:, 2:].T)
    ]
    causes = np.array([[float(cell.replace("−", "-")) for cell in row[5:]] for row in rows])
    sums = ConceptSums(np.array(accounts, dtype=object), -3.0, CAUSES, causes)
    return Published(p_churn=frames[0], churn_days=90, peer_churn=frames[1], concepts={"churn": sums})


def printed(made: OnPaper) -> dict[str, Rows]:
    """By the beginning of its header the rows of each table of figures."""
    contract = made.relation("contract")
    return {
        "| month | S(k) of acme |": _contract(made, contract, 0),
        "| month | S(k) of acme-sk |": _contract(made, contract, 1),
        "| buyer | purchases |": _spend(made),
        "| month | orders of bolt |": _bought(made, "bolt"),
        "| month | orders of cogs |": _bought(made, "cogs"),
        "| month | replacements |": _machines(made),
        "| account | relation | months |": [
            [a, r, str(h), *(money(v) for v in rest)]
            for a, r, h, *rest in _frame(
                made.forecast.clv.sort_values(["account_id", "relation", "horizon_months"]),
                "account_id relation horizon_months base expansion contraction referral clv",
            )
        ],
        "| account | CLV of 6 months |": _values(made.forecast.values),
        "| driver | acme |": _drivers(made.forecast.drivers),
        "| month | MRR of acme |": _company(made),
        "| movement | account |": _movements(made),
        "| key | by hand |": _kpis(made),
    }


def _contract(made: OnPaper, flows: RelationFlows, row: int) -> Rows:
    mrr = active_contracts(made.facts, AS_OF, margin=ECONOMICS.margin)["mrr"].to_numpy(float)[row]
    survival, long = flows.survival[row], flows.long(row, row + 1)
    grown = flows.revenue[row] / (mrr * survival)
    factors = discount_factors(ECONOMICS.discount_rate, flows.months)
    return [
        [str(k + 1), f"{survival[k]:.6f}", f"{grown[k]:.2f}", f"{factors[k]:.6f}", *map(money, both)]
        for k, both in enumerate(_frame(long, "expected_revenue discounted_margin"))
    ]


def _spend(made: OnPaper) -> Rows:
    model = made.orders.money
    return [
        [buyer, str(int(n)), money(own), f"{model.k:.6f}", f"{model.mean:.4f}", f"{expected:.4f}"]
        for (buyer, n, own), expected in zip(
            _frame(made.orders.buyers, "account_id purchases spend"), made.orders.spend, strict=True
        )
    ]


def _bought(made: OnPaper, account: str) -> Rows:
    row = made.orders.buyers["account_id"].tolist().index(account)
    long = made.relation("orders").long(row, row + 1)
    return [
        [str(k + 1), f"{made.orders.orders[row, k]:.6f}", *map(money, both)]
        for k, both in enumerate(_frame(long, "expected_revenue discounted_margin"))
    ]


def _machines(made: OnPaper) -> Rows:
    flows, price = made.relation("durable"), made.durables.prices.typical
    replaced = replacements_ahead(made.durables, flows.months).expected[0]
    further = flows.revenue[0] / price - replaced
    return [
        [str(k + 1), f"{replaced[k]:.6f}", f"{further[k]:.6f}", *map(money, both)]
        for k, both in enumerate(_frame(flows.long(0, 1), "expected_revenue discounted_margin"))
    ]


def _values(values: pd.DataFrame) -> Rows:
    clv = values.pivot(index="account_id", columns="horizon_months", values="clv")
    main = values[values["horizon_months"] == max(HORIZONS)]
    names = "account_id clv with_children acquisition_cost ltv_cac payback_months referral_value"
    rows = []
    for account, own, below, cost, ratio, months, referred in _frame(main, names):
        told = [money(clv.loc[account, HORIZONS[0]]), money(own), money(below), money(cost), f"{ratio:.2f}"]
        rows.append([account, *told, f"{months:.1f}", money(referred)])
    rows = [["" if cell == "nan" else cell for cell in row] for row in rows]
    sums = [money(round(float(clv[h].sum()), 2)) for h in HORIZONS]
    return [*rows, ["**together**", *sums, *[""] * 5]]


def _drivers(drivers: pd.DataFrame) -> Rows:
    wide = drivers.pivot(index="concept", columns="account_id", values="money")
    told = [[name, *(money(v) for v in wide.loc[name])] for name in ("peer", *CAUSES)]
    return [*told, ["**CLV**", *(money(v) for v in wide.sum().round(2))]]


def _company(made: OnPaper) -> Rows:
    contract, lines = made.forecast.flows[made.forecast.flows["relation"] == "contract"], made.company.lines
    wide = contract.pivot(index="month", columns="account_id", values="expected_revenue")
    rows = []
    for k in range(max(HORIZONS)):
        mrr, nrr, grr, orders, durable = (
            float(lines[name].mean[k]) for name in ("mrr_existing", "nrr", "grr", "revenue_orders", "revenue_durable")
        )
        shares = [f"{100 * nrr:.2f}%", f"{100 * grr:.2f}%"]
        rows.append([str(k + 1), *map(money, [*wide.loc[k + 1], mrr]), *shares, money(orders), money(durable)])
    return rows


def _movements(made: OnPaper) -> Rows:
    year = movements_between(made.facts, AS_OF, [(YEAR_AGO, AS_OF)]).iloc[0]
    who = {"start": "acme, dust", "new": "acme-sk", "expansion": "acme", "churn": "dust", "end": "acme, acme-sk"}
    return [[name, who.get(name, ""), money(year[name] / 100)] for name in MONEY]


def _kpis(made: OnPaper) -> Rows:
    clv, value, new = made.forecast.main["clv"].sum(), made.kpis["clv"].value, "acme-sk alone"
    ways = {
        "mrr": "1,000 + 400",
        "clv": f"{money(round(float(clv), 2))} / 4",
        "cac": f"of those won in the year, {new}",
        "ltv_cac": f"{money(value or 0.0)} / 1,500",
    }
    return [[f"`{name}`", way, money(made.kpis[name].value or 0.0)] for name, way in ways.items()]


def money(amount: float) -> str:
    """Whole cents with a minus that is one.

    >>> money(-1234.5)
    '−1,234.50'
    """
    return f"{amount:,.2f}".replace("-", "−")


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _frame(frame: pd.DataFrame, columns: str) -> Iterable[tuple[Any, ...]]:
    return frame[columns.split()].itertuples(index=False, name=None)


def rewritten(text: str, tables: dict[str, Rows]) -> str:
    """The document with the rows of these tables in place of its own."""
    for header, rows in tables.items():
        at = text.index(f"\n{header}") + 1
        lines = text[at:].splitlines(keepends=True)
        end = next((i for i, one in enumerate(lines) if not one.startswith("|")), len(lines))
        body = "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |").replace("|  |", "| |") for row in rows)
        text = text[:at] + "".join(lines[:2]) + body + "".join(lines[end:])
    return text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made_in:
        document = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(rewritten(document, printed(company_of(document, Path(made_in)))), encoding="utf-8")
