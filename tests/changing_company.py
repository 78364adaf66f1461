"""Two companies to whom everything happens that the further questions ask about, each kind of it in its own accounts.

Contracts: of 180 accounts one in six shrinks, adds seats, moves to a higher plan, adds a product or leaves, one after
another from 2025 on. Machines: of 120 owners one in three takes out a service contract, one in three replaces the
machine, and ten customers have both a machine and a contract from the start.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from revml.windows import instant
from tests.labels.rows import machine, term

BEGAN, FIRST, UNTIL = "2024-01-01", instant("2025-01-10"), "2026-09-30"
PRODUCTS = [
    {"product": "basic", "family": "suite", "tier": 1, "price": 100.0},
    {"product": "pro", "family": "suite", "tier": 2, "price": 150.0},
    {"product": "maps", "family": "modules", "price": 50.0},
    {"product": "mill", "family": "machines", "price": 40_000.0},
    {"product": "mill-2", "family": "machines", "price": 55_000.0},
    {"product": "service", "family": "service", "price": 200.0},
]


def _accounts(names: list[str]) -> list[Any]:
    return [{"account_id": a, "created_at": BEGAN, "industry": "steel"} for a in names]


def contracts() -> dict[str, list[Any]]:
    """The tables of the company of contracts: `a000` shrinks first, `a001` adds seats, `a002` moves up and so on."""
    names, rows = [f"a{n:03d}" for n in range(180)], []
    for n, account in enumerate(names):
        at = (FIRST + timedelta(days=18 * (n // 6))).isoformat()
        before = {"product": "basic", "quantity": 10.0, "mrr": 100.0 + n}
        after = (
            {"quantity": 8.0, "mrr": 0.8 * before["mrr"]},  # type: ignore[operator]
            {"quantity": 12.0, "mrr": 1.2 * before["mrr"]},  # type: ignore[operator]
            {"product": "pro", "mrr": 1.5 * before["mrr"]},  # type: ignore[operator]
            {},
            None,
            {},
        )[n % 6]
        rows.append(term(account, BEGAN, at, **before))
        if after is not None:
            rows.append(term(account, at, **before | after))
        if n % 6 == 3:
            rows.append(term(account, at, line="maps", product="maps", quantity=1.0, mrr=50.0))
    return {"accounts": _accounts(names), "products": PRODUCTS, "subscriptions": rows}


def machines() -> dict[str, list[Any]]:
    """The tables of the seller of machines: `b000` takes out a contract first, `b001` replaces its machine first."""
    names, rows, assets = [f"b{n:03d}" for n in range(130)], [], []
    for n, account in enumerate(names):
        at = (FIRST + timedelta(days=14 * (n // 3))).isoformat()
        replaced = n % 3 == 1 and n < 120
        assets.append(
            machine(
                account,
                f"{account}-1",
                BEGAN,
                at if replaced else None,
                replaced_by=f"{account}-2" if replaced else None,
            )
        )
        if replaced:
            assets.append(machine(account, f"{account}-2", at, product="mill-2"))
        if n >= 120:
            rows.append(term(account, BEGAN, product="service", mrr=200.0 + n))
        elif n % 3 == 0:
            rows.append(term(account, at, product="service", mrr=200.0))
    rows.append(term("b129", BEGAN, "2025-06-01", line="ended", product="service", mrr=10.0))
    return {"accounts": _accounts(names), "products": PRODUCTS, "subscriptions": rows, "assets": assets}
