"""A company of forty contracts and buyers with segments, and its published document of key figures."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from revml.clv import forecast_clv
from revml.clv.kpis.report import published_kpis
from revml.config import Economics
from revml.sources.facts import Facts
from revml.windows import instant
from tests.clv.companies import order, repeat_orders, yearly_contracts
from tests.literal_facts import stage

INDUSTRIES = ("Software", "Machinery", None)
COUNTRIES = ("CZ", "DE")
PRODUCTS = [
    {"product": "p", "family": "Licences", "margin_rate": 0.7},
    {"product": "q", "family": "Parts", "margin_rate": 0.3},
]
KPIS_AS_OF = instant("2026-03-01")


def segmented(folder: Path, n: int = 40, seed: int = 3, *, as_of: datetime = KPIS_AS_OF) -> Facts:
    """Contracts and orders whose accounts have industries, countries, plans and half of them an acquisition cost."""
    contracts = [
        row | {"plan": ("basic", "team")[i % 2]} for i, row in enumerate(yearly_contracts(n, seed, until=as_of))
    ]
    orders = [row | {"product": "pq"[i % 2]} for i, row in enumerate(repeat_orders(n, seed, until=as_of))]
    orders.append(order("b0000", "2026-02-10", -25.5))
    names = sorted({row["account_id"] for row in (*contracts, *orders)})
    accounts = [
        {
            "account_id": name,
            "created_at": f"202{3 + i % 3}-0{1 + i % 9}-01",
            "industry": INDUSTRIES[i % 3],
            "country": COUNTRIES[i % 2],
            "acquisition_cost": 100.0 * (i % 5) if i % 2 else None,
        }
        for i, name in enumerate(names)
    ]
    return stage(
        folder,
        observed_until=as_of.isoformat(),
        accounts=accounts,
        subscriptions=contracts,
        orders=orders,
        products=PRODUCTS,
    )


@cache
def kpi_document() -> dict[str, Any]:
    """What a run of that company publishes."""
    economics = Economics(margin=0.5, order_margin=0.5)
    with TemporaryDirectory() as folder:
        facts = segmented(Path(folder))
        clv = forecast_clv(facts, KPIS_AS_OF, economics, horizon_months=12).clv
        return published_kpis(facts, KPIS_AS_OF, economics, clv)
