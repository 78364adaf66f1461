"""A company small enough to count by hand: 120 accounts, every third of them ends, one every two weeks.

Account `a000` ends on 2025-01-15, `a003` two weeks later, up to `a117` on 2026-07-15; the others stay. Everybody orders
each month while a customer, and the stayers of even number twice as much from 2026 on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from revml.sources.facts import Facts
from revml.windows import instant, month_starts
from tests.labels.rows import order, term
from tests.literal_facts import stage

BEGAN, FIRST_END, UNTIL = instant("2024-01-01"), instant("2025-01-15"), instant("2026-09-30")
NAMES = [f"a{n:03d}" for n in range(120)]


def ended_at(number: int) -> datetime | None:
    """When an account ends, if it does."""
    return FIRST_END + timedelta(days=14 * (number // 3)) if number % 3 == 0 else None


def subscriptions() -> list[Any]:
    """One subscription an account."""
    ends = [ended_at(n) for n in range(120)]
    return [
        term(a, str(BEGAN), e and e.isoformat(), mrr=100.0 + n)
        for n, (a, e) in enumerate(zip(NAMES, ends, strict=True))
    ]


def orders() -> list[Any]:
    """One order on the first of each month."""
    rows = []
    for n, account in enumerate(NAMES):
        for at in month_starts(BEGAN, ended_at(n) or UNTIL):
            rows.append(order(account, at.isoformat(), 200.0 if n % 2 == 0 and at.year == 2026 else 100.0))
    return rows


def small_company(folder: Path, **tables: Any) -> Facts:
    """The company's contracts, or the given tables, staged."""
    accounts = [{"account_id": a, "created_at": str(BEGAN), "industry": "steel"} for a in NAMES]
    tables = tables or {"subscriptions": subscriptions()}
    return stage(folder, observed_until=UNTIL.isoformat(), accounts=accounts, **tables)
