"""The segments that a model is measured by: plan, industry, size, tenure; of a ready table, its own plain categories.

Comes in: the rows learned from, which set the edges, and the rows of the test. Goes out: by column, the segment of each
test row: the name of a category, a `Band` of a number, or None where it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from revml.snapshots import ITEM

CATEGORIES = ("plan", "industry")
SIZES = ("employees", "mrr", "order_revenue_364d")
TENURES = ("contract_age_days", "order_age_days", "tenure_days")
YEARS = (365.0, 1095.0)
MOST_VALUES = 8  # of a category; the rarer ones are measured together with the rest only
OWN_COLUMNS = 3


@dataclass(frozen=True, order=True)
class Band:
    """A span of a number, both ends known to the reader: above `low`, up to `high`; infinite where open."""

    low: float
    high: float

    def __str__(self) -> str:
        low, high = (f"{end:g}" if np.isfinite(end) else "" for end in (self.low, self.high))
        return f"{low}..{high}"


Segments = dict[str, list[str | Band | None]]


def segments_of(
    learned: pd.DataFrame, test: pd.DataFrame, categorical: Sequence[str], *, own: bool = False
) -> Segments:
    """The segments of each test row.

    Args:
        categorical: the columns that hold text, among those the model may use.
        own: whether the columns are a ready table's, whose names mean nothing to revml.
    """
    found: Segments = {}
    for column in _telling(learned, categorical) if own else CATEGORIES:
        if column in categorical and column in test:
            kept = set(learned[column].dropna().astype(str).value_counts().index[:MOST_VALUES])
            if len(kept) > 1:
                found[column] = [str(v) if pd.notna(v) and str(v) in kept else None for v in test[column]]
    if ITEM in test:
        found[ITEM] = [str(v) for v in test[ITEM]]
    if not own:
        for columns, edges in ((SIZES, None), (TENURES, YEARS)):
            known = {c: float(learned[c].notna().mean()) for c in columns if c in learned}
            # The one that is known for most; the first of those that are known for equally many.
            for column in [c for c in known if known[c] > 0.5 and known[c] == max(known.values())][:1]:
                found[column] = _banded(learned[column], test[column], edges)
    return found


def as_told(told: Sequence[Mapping[str, Any]], rows: pd.DataFrame) -> Segments:
    """The segments of other rows, by the categories and edges that a model's figures tell (`Figures.segments`).

    A column that the rows do not have is left out.
    """
    found: Segments = {}
    for column in dict.fromkeys(one["column"] for one in told if one["column"] in rows):
        mine = [one for one in told if one["column"] == column]
        ends = {float(end) for one in mine for end in (one.get("low"), one.get("high")) if end is not None}
        if ends:
            found[column] = _placed(rows[column], sorted(ends))
        else:
            kept = {one["value"] for one in mine}
            found[column] = [str(v) if pd.notna(v) and str(v) in kept else None for v in rows[column]]
    return found


def _banded(learned: pd.Series[Any], test: pd.Series[Any], edges: Sequence[float] | None) -> list[str | Band | None]:
    if edges is None:
        known = learned.to_numpy(dtype="float64", na_value=np.nan)
        edges = np.unique([float(f"{q:.3g}") for q in np.nanquantile(known, (1 / 3, 2 / 3))]).tolist()
    return _placed(test, edges)


def _placed(numbers: pd.Series[Any], edges: Sequence[float]) -> list[str | Band | None]:
    ends = [-np.inf, *edges, np.inf]
    bands = [Band(float(low), float(high)) for low, high in pairwise(ends)]
    values = numbers.to_numpy(dtype="float64", na_value=np.nan)
    place = np.searchsorted(edges, np.nan_to_num(values), side="left")
    return [bands[k] if np.isfinite(v) else None for k, v in zip(place, values, strict=True)]


def _telling(learned: pd.DataFrame, categorical: Sequence[str]) -> list[str]:
    """The columns of few values between which the rate of events differs most."""
    spread = {}
    for column in categorical:
        rates = learned.groupby(learned[column].astype(str))["label"].agg(["mean", "size"])
        if 2 <= len(rates) <= MOST_VALUES:
            spread[column] = float((rates["size"] * (rates["mean"] - learned["label"].mean()) ** 2).sum())
    return sorted(spread, key=lambda column: (-spread[column], column))[:OWN_COLUMNS]
