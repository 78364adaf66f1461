"""Windowed deep feature synthesis by featuretools, run in an environment of its own: `python ... STAGED OUT AS_OF...`.

Comes in: a staged folder whose facts are all known when they happen (featuretools knows one time a row). Goes out: a
Parquet file of 21 features (seven aggregations of usage in windows of 28, 84 and 364 days) a row an account and cutoff,
and a line of JSON: seconds, features. Reading the files and making the entity set count, as they do for revml. Imports
nothing of revml.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import featuretools as ft
import numpy as np
import pandas as pd
from woodwork.logical_types import Categorical, Datetime, Double

warnings.simplefilter("ignore")
WINDOWS = (28, 84, 364)


def main() -> None:
    """Build, report, write."""
    staged, out, as_ofs = Path(sys.argv[1]), sys.argv[2], pd.to_datetime(sys.argv[3:])
    started = time.perf_counter()
    entities = _entities(staged)
    ids = np.sort(entities["accounts"]["account_id"].to_numpy())
    cutoffs = pd.DataFrame({"account_id": np.tile(ids, len(as_ofs)), "time": np.repeat(as_ofs.to_numpy(), len(ids))})
    definitions = ft.dfs(
        entityset=entities,
        target_dataframe_name="accounts",
        agg_primitives=["count", "sum", "mean", "max", "num_unique"],
        trans_primitives=[],
        max_depth=1,
        features_only=True,
    )
    wanted = [f for f in definitions if f.get_name() in _NAMES]
    parts = []
    for days in WINDOWS:
        made = ft.calculate_feature_matrix(
            wanted,
            entityset=entities,
            cutoff_time=cutoffs,
            training_window=ft.Timedelta(days, "d"),
            cutoff_time_in_index=True,
        )
        parts.append(made[list(_NAMES)].rename(columns=lambda name, d=days: f"{_NAMES[name]}_{d}d"))
    whole = pd.concat(parts, axis=1).rename_axis(["account_id", "as_of"]).reset_index()
    print(json.dumps({"seconds": time.perf_counter() - started, "features": whole.shape[1] - 2}))
    whole = whole.astype({name: float for name in whole.columns if name not in ("account_id", "as_of")})
    whole.astype({"account_id": str}).sort_values(["as_of", "account_id"], ignore_index=True).to_parquet(out)


# Those with revml's names are what revml builds, too; the others have no twin.
_NAMES = {
    "COUNT(usage)": "rows",
    "SUM(usage.quantity)": "events",
    "MEAN(usage.quantity)": "quantity_mean",
    "MAX(usage.quantity)": "quantity_max",
    "NUM_UNIQUE(usage.user_id)": "active_users",
    "NUM_UNIQUE(usage.event)": "distinct_events",
    "NUM_UNIQUE(usage.day)": "active_days",
}


def _entities(staged: Path) -> ft.EntitySet:
    place = staged / "usage" if (staged / "usage").is_dir() else staged / "usage.parquet"
    ids = ["account_id", "user_id", "event"]
    usage = pd.read_parquet(
        place, columns=[*ids, "occurred_at", "quantity"], read_dictionary=ids, use_legacy_dataset=False
    )
    usage["day"] = (usage["occurred_at"] - pd.Timedelta(microseconds=1)).dt.normalize().astype("category")
    usage["row"] = np.arange(len(usage))
    accounts = pd.read_parquet(staged / "accounts.parquet", columns=["account_id"])
    entities = ft.EntitySet("company")
    entities.add_dataframe(dataframe=accounts, dataframe_name="accounts", index="account_id")
    kinds = dict.fromkeys(("account_id", "user_id", "event", "day"), Categorical)
    entities.add_dataframe(
        dataframe=usage,
        dataframe_name="usage",
        index="row",
        time_index="occurred_at",
        logical_types={**kinds, "occurred_at": Datetime, "quantity": Double},
    )
    entities.add_relationship("accounts", "account_id", "usage", "account_id")
    return entities


if __name__ == "__main__":
    main()
