"""What is known of the features of some accounts: now, 12 weeks before, and among similar accounts.

Comes in: feature rows as the model saw them. Goes out: aligned (accounts × features) arrays, NaN where unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from revml.explanations.peers import peer_values
from revml.features.catalog import catalog
from revml.features.item import OF_ITEM
from revml.features.spec import Feature


@dataclass(frozen=True)
class KnownFacts:
    """Features of some accounts; every array is (accounts, features).

    Attributes:
        features: what the columns are.
        value, past: the numbers now and before; NaN where unknown, and for categories.
        category, past_category: the values of the categories by feature, None where unknown.
        peers: median of similar accounts; for flags the share of yes, for categories the share of all with the same.
        known: whether there is a value now.
    """

    features: tuple[Feature, ...]
    value: np.ndarray
    past: np.ndarray
    category: dict[str, np.ndarray]
    past_category: dict[str, np.ndarray]
    peers: np.ndarray
    known: np.ndarray

    @property
    def names(self) -> list[str]:
        """The features by name."""
        return [feature.name for feature in self.features]

    @classmethod
    def of(cls, now: pd.DataFrame, past: pd.DataFrame | None, features: Sequence[Feature]) -> KnownFacts:
        """Align the past to `now` by account, and find the peers among `now`."""
        before = (past if past is not None else now.iloc[:0]).drop_duplicates("account_id").set_index("account_id")
        before = before.reindex(now["account_id"])
        names = [f.name for f in features]
        categories = [f.name for f in features if f.kind == "category"]
        flags = [f.name for f in features if f.kind == "flag"]
        numbers = [n for n in names if n not in {*categories, *flags}]
        value, category = _values(now, features)
        past_value, past_category = _values(before, features)
        known = np.isfinite(value)
        for name in categories:
            known[:, names.index(name)] = category[name] != None  # noqa: E711 - elementwise
        return cls(
            features=tuple(features),
            value=value,
            past=past_value,
            category=category,
            past_category=past_category,
            peers=_peers(now, numbers, flags, categories)[names].to_numpy(dtype=float),
            known=known,
        )


def _peers(now: pd.DataFrame, numbers: list[str], flags: list[str], categories: list[str]) -> pd.DataFrame:
    """What is usual among similar accounts; what is the same for all of them is no comparison."""
    peers = peer_values(now, numbers, flags, categories)
    return peers.assign(**dict.fromkeys(OF_ITEM.intersection(peers.columns), np.nan))


OWN = "own"  # the concept of a ready table's columns, each of which is told by itself


def own_features(told: Mapping[str, Any] | None) -> dict[str, Feature]:
    """Declarations of a ready table's columns, called by their own names; none where revml made the features.

    Args:
        told: what a bundle knows of its ready table, with the kind of each column.
    """
    return (
        {} if told is None else {name: Feature(name, kind, OWN, label=name) for name, kind in told["columns"].items()}
    )


def declared(name: str, *, categorical: bool) -> Feature:
    """The declaration of a model's column; one that nobody declared is a number or a category of the profile."""
    return catalog().get(name) or Feature(name, "category" if categorical else "number", "profile")


def _values(frame: pd.DataFrame, features: Sequence[Feature]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Numbers and categories of a frame; a column that it does not hold is unknown."""
    numbers = np.full((len(frame), len(features)), np.nan)
    texts = {}
    for i, feature in enumerate(features):
        if feature.kind == "category":
            column = frame[feature.name] if feature.name in frame else pd.Series(None, frame.index, dtype="object")
            texts[feature.name] = column.astype("object").where(column.notna(), None).to_numpy()
        elif feature.name in frame:
            numbers[:, i] = frame[feature.name].to_numpy(dtype="float64", na_value=np.nan)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers, texts
