"""Rows that are at risk, joined to the features of their accounts only as far as they are looked at.

Comes in: rows about accounts, or about accounts and items, and a frame of features, one row an account. Goes out: whole
columns for comparisons among all, and parts of the rows for everything else, so that a million accounts with two
hundred features stand in memory once, as float32, whatever is asked about them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from revml.snapshots import ITEM


@dataclass(frozen=True)
class AtRisk:
    """Rows in the order of account and item, with columns of their own and those of `features`.

    Attributes:
        own: account_id, `item` where the rows are about pairs, and other columns (money, what is known of the pair).
        features: account_id (each once) and more columns; None where `own` has all.
    """

    own: pd.DataFrame
    features: pd.DataFrame | None = None

    @classmethod
    def of(cls, own: pd.DataFrame, features: pd.DataFrame | None = None) -> AtRisk:
        """Rows in any order, sorted."""
        keys = ["account_id", *([ITEM] if ITEM in own else [])]
        return cls(own.sort_values(keys, kind="stable").reset_index(drop=True), features)

    def __len__(self) -> int:
        return len(self.own)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All columns, the rows' own first."""
        more = () if self.features is None else (c for c in self.features.columns if c not in self.own.columns)
        return (*self.own.columns, *more)

    def column(self, name: str) -> pd.Series:
        """One column of all rows.

        Raises:
            KeyError: there is none.
        """
        if name in self.own.columns or self.features is None:
            return self.own[name]
        return self._taken(self.features[name], self._places)

    def part(self, start: int, stop: int) -> pd.DataFrame:
        """Some of the rows with all columns."""
        own = self.own.iloc[start:stop].reset_index(drop=True)
        if self.features is None:
            return own
        more = [name for name in self.columns if name not in own.columns]
        places = self._places[start:stop]
        return pd.concat([own, pd.DataFrame({n: self._taken(self.features[n], places) for n in more})], axis=1)

    def parts(self, rows: int | None) -> Iterator[tuple[int, int]]:
        """Where each part begins and ends; one part where no number of rows is given."""
        size = rows or max(len(self), 1)
        for start in range(0, max(len(self), 1), size):
            yield start, min(start + size, len(self))

    @cached_property
    def _places(self) -> np.ndarray:
        """Where each row's account stands among the features; -1 where it does not."""
        if self.features is None:
            return np.arange(len(self))
        return np.asarray(pd.Index(self.features["account_id"]).get_indexer(pd.Index(self.own["account_id"])))

    @staticmethod
    def _taken(column: pd.Series, places: np.ndarray) -> pd.Series:
        if len(column) and (places >= 0).all():
            return column.take(places).reset_index(drop=True)
        return column.reset_index(drop=True).reindex(places).reset_index(drop=True)
