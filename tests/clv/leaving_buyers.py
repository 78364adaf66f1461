"""Buyers with a habit that no purchase process knows: before they leave for good, they buy little."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from revml.sources.facts import Facts
from revml.windows import instant
from tests.clv.companies import AS_OF, accounts_of, order
from tests.literal_facts import stage

FIRST = instant("2024-01-01")
AFTER = timedelta(days=183)


def rows_of(n: int, seed: int = 5, until: datetime = AS_OF + AFTER) -> list[dict[str, Any]]:
    """Orders every five weeks or so of about 100; after one in eight, of about 20, the buyer never comes back."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        at = FIRST + timedelta(days=float(rng.uniform(0, 500)))
        usual = float(rng.lognormal(4.6, 0.4))
        while at < until:
            leaves = rng.random() < 1 / 8
            amount = usual * float(rng.lognormal(0.0, 0.2)) * (0.2 if leaves else 1.0)
            rows.append(order(f"b{i:04}", at.isoformat(), round(amount, 2)))
            if leaves:
                break
            at += timedelta(days=1 + float(rng.exponential(35)))
    return rows


def shop(folder: Path, rows: list[dict[str, Any]]) -> Facts:
    """Their facts, observed until half a year after `AS_OF`."""
    return stage(folder, accounts=accounts_of(rows), orders=rows, observed_until=(AS_OF + AFTER).isoformat())
