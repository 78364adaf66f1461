"""What a model's features looked like when it learned: medians and quantiles for drift, medians by segment for peers.

    features.<name>   number: {median, missing, quantiles (0, 10, ... 100 %)}; category: {missing, shares}
    peers             {column, edges, median: {segment: {feature: median}}, n: {segment: accounts}}
    scores            quantiles of the calibrated out-of-sample probabilities

Plain JSON, numbers rounded to six significant digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

MIN_PEERS = 30
SIZE_COLUMNS = ("employees", "mrr", "order_revenue_364d")


def reference(
    frame: pd.DataFrame, features: Sequence[str], categorical: Sequence[str], scores: np.ndarray
) -> dict[str, Any]:
    """Distributions of training rows; peers are told from the newest snapshot (one row an account)."""
    newest = frame[frame["as_of"] == frame["as_of"].max()]
    numeric = [f for f in features if f not in categorical]
    return {
        "features": {f: _category(frame[f]) if f in categorical else _number(frame[f]) for f in features},
        "peers": _peers(newest, numeric),
        "scores": {"quantiles": _digits(np.quantile(scores, np.linspace(0, 1, 11)))},
    }


def _number(values: pd.Series[Any]) -> dict[str, Any]:
    known = values.to_numpy(dtype="float64", na_value=np.nan)
    known = known[np.isfinite(known)]
    missing = round(1 - len(known) / max(len(values), 1), 6)
    if not len(known):
        return {"median": None, "missing": missing, "quantiles": []}
    quantiles = _digits(np.quantile(known, np.linspace(0, 1, 11)))
    return {"median": quantiles[5], "missing": missing, "quantiles": quantiles}


def _category(values: pd.Series[Any]) -> dict[str, Any]:
    shares = values.dropna().astype(str).value_counts(normalize=True)
    kept = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:50]
    return {"missing": round(float(values.isna().mean()), 6), "shares": {str(k): round(float(v), 6) for k, v in kept}}


def segment_of(frame: pd.DataFrame, peers: dict[str, Any]) -> np.ndarray:
    """The peer segment of each row, None where it is not known (then compare with everybody)."""
    column = peers.get("column")
    if column is None or column not in frame:
        return np.full(len(frame), None, dtype=object)
    if peers["edges"] is None:
        texts = frame[column].astype(object).where(frame[column].notna(), None)
        return np.array([v if v in peers["median"] else None for v in texts], dtype=object)
    values = frame[column].to_numpy(dtype="float64", na_value=np.nan)
    found = np.searchsorted(peers["edges"], np.nan_to_num(values), side="left").astype(str).astype(object)
    found[np.isnan(values)] = None
    return np.asarray(found)


def _peers(newest: pd.DataFrame, numeric: Sequence[str]) -> dict[str, Any]:
    column, edges, segments = _segments(newest)
    if column is None:
        return {"column": None, "edges": None, "median": {}, "n": {}}
    medians, counts = {}, {}
    for name in sorted(set(segments) - {None}):
        rows = newest[segments == name]
        if len(rows) >= MIN_PEERS:
            middle = rows[list(numeric)].astype("float64").median()
            medians[str(name)] = {f: _digits([v])[0] for f, v in middle.items() if np.isfinite(v)}
            counts[str(name)] = len(rows)
    return {"column": column, "edges": edges, "median": medians, "n": counts}


def _segments(newest: pd.DataFrame) -> tuple[str | None, list[float] | None, np.ndarray]:
    """Peers are accounts of the same industry where it is known for most, else of the same third by size."""
    if "industry" in newest and newest["industry"].notna().mean() > 0.5 and newest["industry"].nunique() > 1:
        texts = newest["industry"].astype(object).where(newest["industry"].notna(), None)
        return "industry", None, texts.to_numpy()
    for column in SIZE_COLUMNS:
        if column in newest:
            values = newest[column].to_numpy(dtype="float64", na_value=np.nan)
            known = values[np.isfinite(values)]
            edges = _digits(np.unique(np.quantile(known, (1 / 3, 2 / 3)))) if len(known) >= 3 * MIN_PEERS else []
            if edges and len(known) > 0.5 * len(values):
                return column, edges, segment_of(newest, {"column": column, "edges": edges})
    return None, None, np.full(len(newest), None, dtype=object)


def _digits(values: Any) -> list[float]:
    return [float(f"{v:.6g}") for v in values]
