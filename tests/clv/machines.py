"""Companies that sell machines: written by hand, or simulated with a known life and known habits."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, DAY, accounts_of, order
from tests.literal_facts import stage

MONTH = 365.25 / 12
MILL = {"product": "mill", "family": "machines", "price": 1000.0, "margin_rate": 0.2, "life_months": 100}
OIL = {"product": "oil", "family": "consumables", "price": 10.0, "margin_rate": 0.5}


def machine(asset: str, account: str, installed: str, retired: str | None = None, **more: Any) -> dict[str, Any]:
    """One row of `assets`, a mill."""
    row = {"asset_id": asset, "account_id": account, "product": "mill", "installed_at": installed}
    return {**row, "retired_at": retired, "replaced_by": None, **more}


def sold(account: str, day: str, amount: float, product: str = "mill") -> dict[str, Any]:
    """An order of one product."""
    return order(account, day, amount, product=product)


def machine_company(folder: Path, *, until: datetime = AS_OF, **tables: list[dict[str, Any]]) -> Facts:
    """The given rows, with the products mill (a durable) and oil, and the accounts that they name."""
    named = [rows for name, rows in tables.items() if name not in ("products", "accounts")]
    tables.setdefault("products", [MILL, OIL])
    tables.setdefault("accounts", accounts_of(*named))
    return stage(folder, observed_until=until.isoformat(), **tables)


def worn_machines(
    n: int, seed: int, *, hazard: float = 0.01, replaced: float = 0.7, more: float = 0.01, until: datetime = AS_OF
) -> dict[str, list[dict[str, Any]]]:
    """Owners since 2019 whose machines retire at a constant hazard a month, and who buy one more at a constant rate.

    Everybody orders oil twice a year, so that all are in touch. A machine costs 1000.
    """
    rng = np.random.default_rng(seed)
    assets: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    begin = datetime(2019, 1, 1)  # noqa: DTZ001

    def place(account: str, at: datetime, *, first: bool) -> None:
        while at < until:
            name = f"m{len(assets):05}"
            end = at + timedelta(days=float(rng.exponential(1 / hazard)) * MONTH)
            taken = rng.random() < replaced
            row = machine(name, account, at.isoformat(), end.isoformat() if end < until else None)
            assets.append(row)
            if not first:
                orders.append(sold(account, (at - DAY).isoformat(), 1000.0))
            if end >= until or not taken or end + DAY >= until:
                return
            row["replaced_by"] = f"m{len(assets):05}"
            at, first = end + DAY, False

    for i in range(n):
        account = f"a{i:04}"
        place(account, begin + float(rng.uniform(0, 300)) * DAY, first=True)
        for months in np.cumsum(rng.exponential(1 / more, 20)):
            place(account, begin + 301 * DAY + timedelta(days=float(months) * MONTH), first=False)
        orders += [
            sold(account, (begin + float(day) * DAY).isoformat(), 10.0, "oil")
            for day in np.arange(rng.uniform(0, 182), (until - begin).days, 182)
        ]
    return {"assets": assets, "orders": orders}
