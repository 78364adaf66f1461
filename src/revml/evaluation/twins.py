"""Rows of the test that stand word for word among the learning rows: then the test measures memory.

Comes in: the rows of both sides. Goes out: how many test rows have a twin at another account. Rows of constants alike
(nobody uses anything) are no twins: a row counts only where several of its values are rare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from revml.models.encoding import Encoding

TELLING = 3  # rare values that a row needs to be known again
RARE = 0.002  # share of the rows that bear a rare value, at most


@dataclass(frozen=True)
class Twins:
    """Test rows that have a twin, of how many, and the share of them whose twin had the same outcome."""

    rows: int
    tested: int
    alike: float


def twins(rows: pd.DataFrame, test: pd.DataFrame, encoding: Encoding) -> Twins:
    """Test rows that a learning row of another account equals in every feature."""
    both = [encoding.matrix(part).astype(np.float32) for part in (rows, test)]
    keys = [pd.util.hash_pandas_object(pd.DataFrame(part), index=False).to_numpy() for part in both]
    first = pd.DataFrame({"key": keys[0], "account": rows["account_id"].to_numpy(), "label": rows["label"].to_numpy()})
    again = pd.DataFrame({"key": keys[1], "account": test["account_id"].to_numpy(), "label": test["label"].to_numpy()})
    again["row"] = np.arange(len(again))
    pairs = again[again["key"].isin(first["key"])].merge(first, on="key", suffixes=("", "_then"))
    pairs = pairs[pairs["account"] != pairs["account_then"]]
    if pairs.empty:
        return Twins(0, len(test), 0.0)
    found = pairs["row"].unique()
    known = found[_rare_values(np.vstack(both), both[1][found]) >= TELLING]
    if not len(known):
        return Twins(0, len(test), 0.0)
    alike = (pairs["label"] == pairs["label_then"]).groupby(pairs["row"]).mean()
    return Twins(len(known), len(test), float(alike[known].mean()))


def _rare_values(every: np.ndarray, some: np.ndarray) -> np.ndarray:
    """How many rare values each of some rows has."""
    most = max(4.0, RARE * len(every))
    out = np.zeros(len(some), dtype=int)
    for j in range(every.shape[1]):
        points, n = np.unique(every[:, j], return_counts=True)
        rare = points[(n <= most) & ~np.isnan(points)]
        out += np.isin(some[:, j], rare)
    return out
