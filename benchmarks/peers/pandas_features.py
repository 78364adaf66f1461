"""A straightforward pandas version of revml's features of usage, people, contracts and profile.

As someone who knows pandas writes it: ids are read as categories, usage is sorted once, and each cutoff takes the slice
of its last 364 days, drops what was not known yet, and groups that. Values are revml's own by definition: windows are
`(as_of - days, as_of]`, and a row counts once it is known. Imports nothing of revml.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.typing import SeriesGroupBy

from peers.pandas_contracts import (
    adoption_features,
    people_features,
    profile_features,
    ratio,
    subscription_features,
)

TICK = pd.Timedelta(microseconds=1)
WINDOWS = (364, 182, 168, 84, 56, 28, 7)
Columns = dict[str, pd.Series]


def pandas_features(staged: Path, as_ofs: list[pd.Timestamp]) -> pd.DataFrame:
    """The features, a row an account and cutoff, sorted by as_of and account_id."""
    usage = read_usage(staged)
    known_days = usage.groupby(["account_id", "day"], observed=True, sort=False)["known_at"].min().reset_index()
    accounts, users, subscriptions, products = (
        pd.read_parquet(staged / f"{name}.parquet") for name in ("accounts", "users", "subscriptions", "products")
    )
    every = pd.Index(np.sort(accounts["account_id"].to_numpy()), name="account_id")
    parts = []
    for at in as_ofs:
        made = usage_features(usage, known_days, at)
        made |= people_features(users, at)
        made |= subscription_features(subscriptions, products, at)
        made |= profile_features(accounts, made["subscriptions_active"], at)
        frame = pd.DataFrame({name: column.reindex(every) for name, column in made.items()})
        for name, column in adoption_features(frame).items():
            frame[name] = column
        numbers = frame.select_dtypes("number").columns
        frame[numbers] = frame[numbers].astype("float32")
        parts.append(frame.reset_index().assign(as_of=at))
    return pd.concat(parts, ignore_index=True)


def read_usage(staged: Path) -> pd.DataFrame:
    """Usage in the order of time; ids as categories; `day` is the 24 hours a row belongs to, which end at midnight."""
    place = staged / "usage" if (staged / "usage").is_dir() else staged / "usage.parquet"
    ids = ["account_id", "user_id", "event"]
    columns = [*ids, "occurred_at", "quantity", "known_at"]
    usage = pd.read_parquet(place, columns=columns, read_dictionary=ids, partitioning=None)
    usage = usage.sort_values("occurred_at", ignore_index=True)
    usage["day"] = (usage["occurred_at"] - TICK).dt.normalize()
    return usage


def usage_features(usage: pd.DataFrame, known_days: pd.DataFrame, at: pd.Timestamp) -> Columns:
    """The features of usage at one cutoff."""
    known = known_days[(known_days["day"] < at) & (known_days["known_at"] <= at)]
    life = known.groupby("account_id", observed=True)["day"].agg(["min", "max"])
    seen = _known(usage, at, 364)
    made: Columns = {"first": life["min"], "last": life["max"]}
    for days in WINDOWS:
        seen = seen[seen["day"] >= at - pd.Timedelta(days=days)]
        made[f"events_{days}"] = seen.groupby("account_id", observed=True)["quantity"].sum()
        made[f"active_days_{days}"] = distinct(seen, "day")
        made[f"user_days_{days}"] = distinct(seen, "user_id", "day")
        made[f"users_{days}"] = distinct(seen, "user_id")
        made[f"kinds_{days}"] = distinct(seen, "event")
    by_user = seen_by_user(_known(usage, at, 28))
    made["top"], made["by_users"] = by_user.max(), by_user.sum()
    made["users_before"] = distinct(_known(usage, at - pd.Timedelta(days=84), 28), "user_id")
    frame = pd.DataFrame(made)
    frame.index = frame.index.astype("str")
    counted = [name for name in frame.columns if name not in ("first", "last")]
    frame[counted] = frame[counted].fillna(0)
    return _usage(frame, at)


def _usage(f: pd.DataFrame, at: pd.Timestamp) -> Columns:
    out: Columns = {}
    for days in (364, 182, 84, 28, 7):
        out[f"events_{days}d"] = f[f"events_{days}"]
        out[f"active_days_{days}d"] = f[f"active_days_{days}"]
        out[f"active_users_{days}d"] = f[f"users_{days}"]
    for days in (364, 84, 28):
        out[f"distinct_events_{days}d"] = f[f"kinds_{days}"]
    out["days_since_usage"] = (at - f["last"]).dt.days - 1
    out["usage_age_days"] = age = (at - f["first"]).dt.days - 1
    year = (age + 1).clip(upper=364)
    out["events_trend_7d"] = ratio(4 * f["events_7"], f["events_28"])
    out["events_vs_year_28d"] = ratio(f["events_28"] * year, f["events_364"] * year.clip(upper=28))
    out["active_days_vs_year_84d"] = ratio(f["active_days_84"] * year, f["active_days_364"] * year.clip(upper=84))
    for name, days in (("active_days", 28), ("active_days", 84), ("user_days", 84)):
        whole = f[f"{name}_364"]
        expected = whole * year.clip(upper=days) / year
        out[f"{name}_surprise_{days}d"] = ((f[f"{name}_{days}"] - expected) / np.sqrt(expected + 0.5)).where(whole > 0)
    for name, days in (("events", 28), ("events", 84), ("active_days", 28), ("active_days", 84), ("user_days", 28)):
        now, both = f[f"{name}_{days}"], f[f"{name}_{2 * days}"]
        out[f"{name}_trend_{days}d"] = ratio(now, both - now)
    out["active_users_trend_84d"] = ratio(f["users_28"], f["users_before"])
    out["users_gone_quiet_28d"] = f["users_84"] - f["users_28"]
    out["users_gone_quiet_share_28d"] = ratio(f["users_84"] - f["users_28"], f["users_84"])
    out["stickiness_28d"] = ratio(f["user_days_28"], 28 * f["users_28"])
    out["events_per_user_28d"] = ratio(f["events_28"], f["users_28"])
    out["events_breadth_trend_28d"] = ratio(f["kinds_28"], f["kinds_84"])
    out["top_user_share_28d"] = ratio(f["top"], f["by_users"])
    return out


def _known(usage: pd.DataFrame, at: pd.Timestamp, days: int) -> pd.DataFrame:
    """What happened in `(at - days, at]` and was known at `at`; usage stands in the order of time."""
    first, last = usage["occurred_at"].searchsorted([at - pd.Timedelta(days=days), at], side="right")
    rows = usage.iloc[first:last]
    return rows[rows["known_at"] <= at]


def distinct(rows: pd.DataFrame, *columns: str) -> pd.Series:
    """How many different values, or pairs of them, each account has."""
    return rows.drop_duplicates(["account_id", *columns]).groupby("account_id", observed=True).size()


def seen_by_user(rows: pd.DataFrame) -> SeriesGroupBy:
    """What each user did, grouped by account."""
    each = rows.groupby(["account_id", "user_id"], observed=True)["quantity"].sum()
    return each.groupby("account_id", observed=True)
