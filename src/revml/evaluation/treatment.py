"""What a model says of accounts that were attended to, and of those held out from it, apart from each other.

Comes in: a dataset's treated snapshots, the rows learned from, the predictions of the test. Goes out: plain values for
the manifest: counts, and by group the events and the mean probability with intervals that draw whole accounts. The
groups are not alike (plays go where trouble is): the difference between them is no effect of a play.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from revml.datasets import Dataset
from revml.labels.treated import HELD_OUT, TREATED
from revml.snapshots import KEYS

NEITHER = "neither"
GROUPS = (TREATED, HELD_OUT, NEITHER)
MANY = 0.10  # share of treated rows from which a probability means: under the usual attention
FEW_ACCOUNTS = 5  # below this no interval is told
TAILS = (0.05, 0.95)


def groups_of(dataset: Dataset, rows: pd.DataFrame) -> np.ndarray:
    """The group of each row: treated, held_out or neither."""
    if dataset.treated is None:
        return np.full(len(rows), NEITHER, dtype=object)
    found = rows[list(KEYS)].merge(dataset.treated, on=list(KEYS), how="left", validate="many_to_one")["group"]
    return found.astype("object").where(found.notna(), NEITHER).to_numpy()


def learned_rows(dataset: Dataset, rows: pd.DataFrame, how: str) -> pd.DataFrame:
    """The rows to learn from: all, or those that nobody attended to."""
    if how == "keep" or dataset.treated is None:
        return rows
    kept: pd.DataFrame = rows[groups_of(dataset, rows) != TREATED]
    return kept.reset_index(drop=True)


def by_treatment(
    dataset: Dataset, predictions: pd.DataFrame, how: str, *, seed: int, rounds: int
) -> dict[str, Any] | None:
    """Treated and held-out rows among those to learn from, and the three groups of the test; None without plays.

    Args:
        predictions: the test rows: account_id, as_of, label, probability.
        how: `keep`, or `leave_out` where treated rows are not learned from.
    """
    if dataset.treated is None:
        return None
    rows = pd.concat([dataset.part("train"), dataset.part("valid")], ignore_index=True)
    group = groups_of(dataset, rows)
    counts = {
        f"{name}_{what}": int(n)
        for name in (TREATED, HELD_OUT)
        for what, n in (
            ("rows", (group == name).sum()),
            ("accounts", rows.loc[group == name, "account_id"].nunique()),
        )
    }
    tested = groups_of(dataset, predictions)
    share = counts["treated_rows"] / max(len(rows), 1)
    return {
        "how": how,
        "rows": len(rows),
        **counts,
        "share": round(share, 6),
        "many": how == "keep" and share >= MANY,
        "test": [_group(name, predictions[tested == name], seed, rounds) for name in GROUPS],
    }


def _group(name: str, rows: pd.DataFrame, seed: int, rounds: int) -> dict[str, Any]:
    sums = rows.assign(n=1.0).groupby("account_id")[["n", "label", "probability"]].sum().to_numpy(dtype=float)
    told: dict[str, Any] = {
        "group": name,
        "rows": len(rows),
        "accounts": len(sums),
        "events": int(rows["label"].sum()),
    }
    for what, column in (("rate", 1), ("score", 2)):
        told[what] = _share(sums[:, column], sums[:, 0], np.random.default_rng(seed), rounds)
    return told


def _share(part: np.ndarray, whole: np.ndarray, rng: np.random.Generator, rounds: int) -> dict[str, float | None]:
    """A mean over rows with the 90 % interval of account resamples."""
    if not len(whole):
        return {"value": None, "low": None, "high": None}
    value = float(part.sum() / whole.sum())
    if len(whole) < FEW_ACCOUNTS:
        return {"value": round(value, 6), "low": None, "high": None}
    drawn = rng.multinomial(len(whole), np.full(len(whole), 1 / len(whole)), size=rounds)
    low, high = np.quantile((drawn @ part) / (drawn @ whole), TAILS)
    return {"value": round(value, 6), "low": round(float(low), 6), "high": round(float(high), 6)}
