"""Features of a single account at one instant, from literal rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from revml.features.engine import build_features
from tests.literal_facts import Rows, stage

ACCOUNT = {"account_id": "a", "created_at": "2024-01-01"}


def features_of(folder: Path, as_of: str, *, account: str = "a", **tables: Rows) -> dict[str, Any]:
    """Features by name of one account (rows without account_id belong to it); None where unknown."""
    accounts = tables.pop("accounts", [ACCOUNT])
    owned = {
        name: [row if name == "products" else {"account_id": "a"} | dict(row) for row in rows]
        for name, rows in tables.items()
    }
    facts = stage(folder, accounts=accounts, **owned)
    table = build_features(facts, pd.DataFrame({"account_id": [account], "as_of": [pd.Timestamp(as_of)]}))
    row: dict[str, Any] = table.to_pylist()[0]
    return row
