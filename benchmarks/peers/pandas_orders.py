"""Ten of revml's features of orders in straightforward pandas: one cutoff after another, one group-by a window.

Ids are read as categories and every window is cut before it is grouped, as someone who knows pandas would do. Values
are revml's own by definition: windows are `(as_of - days, as_of]`, and a row counts once it is known.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

TICK = pd.Timedelta(microseconds=1)


def order_features(staged: Path, as_ofs: list[pd.Timestamp]) -> pd.DataFrame:
    """Ten features of orders, a row an account and cutoff."""
    orders = pd.read_parquet(staged / "orders.parquet")
    for name in ("account_id", "order_id", "product"):
        orders[name] = orders[name].astype("category")
    orders["day"] = (orders["ordered_at"] - TICK).dt.normalize()
    return _stacked(staged, as_ofs, lambda at: _orders(orders, at))


def _stacked(
    staged: Path, as_ofs: list[pd.Timestamp], make: Callable[[pd.Timestamp], dict[str, pd.Series]]
) -> pd.DataFrame:
    accounts = pd.read_parquet(staged / "accounts.parquet", columns=["account_id"])["account_id"]
    parts = []
    for at in as_ofs:
        frame = pd.DataFrame({name: s.rename(None) for name, s in _plain(make(at)).items()}).reindex(accounts)
        parts.append(frame.rename_axis("account_id").reset_index().assign(as_of=at))
    return pd.concat(parts).sort_values(["as_of", "account_id"], ignore_index=True)


def _plain(columns: dict[str, pd.Series]) -> dict[str, pd.Series]:
    return {name: s.set_axis(s.index.astype("str")) for name, s in columns.items()}


def _orders(orders: pd.DataFrame, at: pd.Timestamp) -> dict[str, pd.Series]:
    seen = orders[(orders["ordered_at"] <= at) & (orders["known_at"] <= at)]
    bought = seen[seen["quantity"] > 0]
    out: dict[str, pd.Series] = {}
    out["days_since_order"] = (at - bought.groupby("account_id", observed=True)["day"].max()).dt.days - 1
    out["order_age_days"] = (at - bought.groupby("account_id", observed=True)["day"].min()).dt.days - 1
    for days in (364, 84, 28):
        start = at - pd.Timedelta(days=days)
        seen, bought = seen[seen["ordered_at"] > start], bought[bought["ordered_at"] > start]
        out[f"order_revenue_{days}d"] = seen.groupby("account_id", observed=True)["amount"].sum()
        lines = bought[["account_id", "order_id", "day"]].drop_duplicates()
        out[f"orders_{days}d"] = lines.groupby("account_id", observed=True).size()
        if days != 28:
            out[f"products_ordered_{days}d"] = _distinct(bought, "product")
    return out


def _distinct(rows: pd.DataFrame, column: str) -> pd.Series:
    pairs = rows[["account_id", column]].dropna().drop_duplicates()
    return pairs.groupby("account_id", observed=True).size()
