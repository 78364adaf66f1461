"""Feature tables as companies bring them: one without dates, one by month; a known mechanism, odd names, leaks."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from revml.config import Workspace, load_workspace
from revml.windows import month_starts

UNDATED = """\
company: {name: Own s.r.o., currency: EUR}
ready:
  own:
    path: table.csv
    account: Customer
    label: Left
    positive: "Yes"
    money: Yearly "fee" [EUR]
    name: Company
"""
DATED = """\
company: {name: Own s.r.o., currency: EUR}
ready:
  own:
    path: table.parquet
    account: customer
    as_of: month
    label: left
    horizon_days: 60
"""
HONEST = ("Logins 🚀 {per week}", "Support, calls: 'all'", 'Yearly "fee" [EUR]', "Plan", "Town")


def undated_table(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """One row an account: five honest columns, a score and a reason that know the answer, ids, empties."""
    rng = np.random.default_rng(seed)
    logins, calls = rng.normal(10, 4, rows), rng.poisson(2.0, rows)
    plan = rng.choice(["basic", "team", "large"], rows, p=[0.5, 0.3, 0.2])
    chance = 1 / (1 + np.exp(-(-1.2 - 0.35 * (logins - 10) + 0.4 * (calls - 2) + 0.8 * (plan == "basic"))))
    left = rng.random(rows) < chance
    fee = [f"{v:.2f}" for v in np.exp(rng.normal(7, 0.5, rows))]
    fee[3], fee[5] = " ", ""
    return pd.DataFrame(
        {
            "Customer": [f"c'{i:04d}" for i in range(rows)],
            "Company": [f"[red]Company {i}" for i in range(rows)],
            "Left": np.where(left, "Yes", "No"),
            HONEST[0]: np.where(rng.random(rows) < 0.1, np.nan, logins.round(3)),
            HONEST[1]: calls,
            HONEST[2]: fee,
            "Plan": plan,
            "Town": rng.choice([f"town {i}" for i in range(200)], rows, p=np.array([100.0] + [1.0] * 199) / 299),
            "Health index": np.where(left, rng.integers(40, 100, rows), rng.integers(0, 60, rows)),
            "Why": np.where(left, rng.choice(["price", "moved"], rows), None),
            "propensity_v2": rng.random(rows).round(3),
            "Row": range(rows),
            "Empty": None,
            "Country": "CZ",
        }
    )


def dated_table(accounts: int = 150, months: int = 14, seed: int = 1, weeks: int = 0) -> pd.DataFrame:
    """Monthly (or weekly) snapshots; the last two have no label yet."""
    rng = np.random.default_rng(seed)
    health = rng.normal(size=accounts)
    parts = []
    start = datetime(2025, 1, 1)  # noqa: DTZ001 - naive means UTC in revml
    dates = [start + timedelta(days=7 * week) for week in range(weeks)] or month_starts(start, start.replace(year=2030))
    dates = dates[: weeks or months]
    for n, at in enumerate(dates):
        health = 0.9 * health + 0.45 * rng.normal(size=accounts)
        left = (rng.random(accounts) < 1 / (1 + np.exp(1.5 + 1.5 * health))).astype(float)
        parts.append(
            pd.DataFrame(
                {
                    "customer": range(accounts),
                    "month": at,
                    "left": np.nan if n >= len(dates) - 2 else left,
                    "health": health + 0.2 * rng.normal(size=accounts),
                    "signed": at - pd.to_timedelta(rng.integers(10, 900, accounts), unit="D"),
                    "renewed": at + pd.to_timedelta(rng.integers(-90, 90, accounts), unit="D"),
                    "vip": rng.random(accounts) < 0.3,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def undated_company(folder: Path, **changes: str) -> Workspace:
    """A workspace with the table without dates."""
    folder.mkdir(parents=True, exist_ok=True)
    undated_table().to_csv(folder / "table.csv", index=False)
    return _workspace(folder, UNDATED, changes)


def dated_company(folder: Path, **changes: str) -> Workspace:
    """A workspace with the table by month."""
    folder.mkdir(parents=True, exist_ok=True)
    dated_table().to_parquet(folder / "table.parquet")
    return _workspace(folder, DATED, changes)


def _workspace(folder: Path, text: str, changes: dict[str, str]) -> Workspace:
    extra = "".join(f"    {key}: {value}\n" for key, value in changes.items())
    (folder / "revml.yaml").write_text(text + extra, encoding="utf-8")
    return load_workspace(folder)
