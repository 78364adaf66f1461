"""Small companies for the tests of CLV: written by hand, drawn by hypothesis, or simulated with known hazards."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from revml.sources.facts import Facts
from revml.windows import instant
from tests.literal_facts import stage

DAY = timedelta(days=1)
AS_OF = instant("2026-01-01")


def line(account: str, mrr: float, start: str, end: str | None = None, **values: Any) -> dict[str, Any]:
    """A subscription's row of the account."""
    row = {"subscription_id": f"s-{account}", "account_id": account, "product": "p", "quantity": 1, "mrr": mrr}
    return {**row, "started_at": start, "ended_at": end, **values}


def order(account: str, day: str, amount: float, **values: Any) -> dict[str, Any]:
    """An order of one line."""
    row = {"order_id": f"o-{account}-{day}-{amount}", "line": 1, "account_id": account, "product": "p", "quantity": 1}
    return {**row, "ordered_at": day, "amount": amount, **values}


def accounts_of(*tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The accounts that the rows name, created in 2020."""
    names = sorted({row["account_id"] for rows in tables for row in rows})
    return [{"account_id": name, "created_at": "2020-01-01"} for name in names]


def yearly_contracts(n: int, seed: int, *, until: datetime = AS_OF) -> list[dict[str, Any]]:
    """Yearly contracts since 2022: at each renewal one in five leaves, between renewals one in 300 a month."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        start = datetime(2022, 1, 1) + int(rng.integers(0, 1100)) * DAY  # noqa: DTZ001
        at, end = start, None
        while end is None and at < until:
            early = int(rng.geometric(1 / 300)) * 30
            renewal = at + 365 * DAY
            if early < 365:
                end = at + early * DAY
            elif rng.random() < 0.2:
                end = renewal
            at = renewal
        values = {"renews_at": (start + 365 * DAY).isoformat(), "subscription_id": f"s{i}"}
        mrr = round(float(rng.lognormal(6, 1)), 2)
        rows.append(line(f"a{i:04}", mrr, start.isoformat(), end.isoformat() if end else None, **values))
    return rows


def stepwise(tmp_path: Path, accounts: int = 40, *, rise: float = 0.5, leaving: int = 0) -> Facts:
    """Accounts since 2024-01-01 whose MRR of 100 rises at 2025-01-01; the last ones leave a year and a half in."""
    rows: list[dict[str, Any]] = []
    for i in range(accounts):
        gone = "2025-07-01" if i >= accounts - leaving else None
        first = line(f"a{i:03}", 100.0, "2024-01-01", "2025-01-01")
        rows += [first, line(f"a{i:03}", 100.0 * (1 + rise), "2025-01-01", gone)]
    return stage(
        tmp_path,
        accounts=[{"account_id": f"a{i:03}", "created_at": "2024-01-01"} for i in range(accounts)],
        subscriptions=rows,
    )


def repeat_orders(n: int, seed: int, *, until: datetime = AS_OF) -> list[dict[str, Any]]:
    """Buyers who order every two months or so, and drop out after one order in eight."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        at, rate = datetime(2024, 1, 1) + float(rng.uniform(0, 500)) * DAY, rng.gamma(2.0, 1 / 100)  # noqa: DTZ001
        size = rng.gamma(4.0, 100.0)
        while at < until:
            rows.append(order(f"b{i:04}", at.isoformat(), round(float(rng.gamma(4.0, size / 4)) + 1, 2)))
            if rng.random() < 1 / 8:
                break
            at += (1 + float(rng.exponential(1 / rate))) * DAY
    return rows


def company(folder: Path, n: int = 120, seed: int = 1, **tables: Any) -> Facts:
    """A company with contracts and orders, observed until `AS_OF`; given tables take the place of its own."""
    every = {"subscriptions": yearly_contracts(n, seed), "orders": repeat_orders(n, seed), **tables}
    every.setdefault("accounts", accounts_of(every["subscriptions"], every["orders"]))
    return stage(folder, observed_until=AS_OF.isoformat(), **every)
