"""What is known of the features of some accounts: now, 12 weeks before, and among similar accounts.

Comes in: feature rows as the model saw them. Goes out: aligned (accounts × features) arrays, NaN where unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from revml.at_risk import AtRisk
from revml.explanations.peers import Peers
from revml.explanations.since import since
from revml.features.catalog import catalog
from revml.features.item import OF_ITEM
from revml.features.spec import Feature

_THERE = "there before"  # a column of our own beside the past's, for who was an account then
AMOUNTS = ("count", "number", "money", "share", "score", "days")  # kinds whose movement is told beside that of peers


@dataclass(frozen=True)
class KnownFacts:
    """Features of some accounts; every array is (accounts, features).

    Attributes:
        features: what the columns are.
        value, past: the numbers now and before; NaN where unknown, and for categories.
        category, past_category: the values of the categories by feature, None where unknown.
        peers: median of similar accounts; for flags the share of yes, for categories the share of all with the same.
        known: whether there is a value now.
        past_peers: median of the same similar accounts before; of amounts only. None: nothing is known of them.
        since: days in which most of a movement came about, see `since`. None: not known of any.
        seen: whether the account and the feature were looked at before. None: they were not.
    """

    features: tuple[Feature, ...]
    value: np.ndarray
    past: np.ndarray
    category: dict[str, np.ndarray]
    past_category: dict[str, np.ndarray]
    peers: np.ndarray
    known: np.ndarray
    past_peers: np.ndarray | None = None
    since: np.ndarray | None = None
    seen: np.ndarray | None = None

    @property
    def names(self) -> list[str]:
        """The features by name."""
        return [feature.name for feature in self.features]


class Known:
    """The facts of all rows, handed out part by part; the peers of a row are found among all of them.

    Args:
        now: the rows that were scored.
        past: features of the same accounts before; an account that is not in it has no past.
        features: what is to be known.
    """

    def __init__(self, now: AtRisk, past: pd.DataFrame | None, features: Sequence[Feature]) -> None:
        self._now, self._features = now, tuple(features)
        before = now.own[["account_id"]].iloc[:0] if past is None else past.drop_duplicates("account_id")
        there = pd.Series(np.float32(1), index=before.index, name=_THERE)
        self._past = AtRisk(now.own[["account_id"]], pd.concat([before, there], axis=1))
        names = [f.name for f in features]
        categories = [f.name for f in features if f.kind == "category"]
        flags = [f.name for f in features if f.kind == "flag"]
        self._moving = [f.name for f in features if f.kind in AMOUNTS and f.name not in OF_ITEM]
        self._peers = Peers(
            now,
            [n for n in names if n not in {*categories, *flags}],
            flags,
            categories,
            past=None if past is None else self._past,
            moving=self._moving,
        )

    def part(self, start: int, stop: int, now: pd.DataFrame | None = None) -> KnownFacts:
        """The facts of some rows; `now` where their part is at hand."""
        features = self._features
        here = self._now.part(start, stop) if now is None else now
        there = self._past.part(start, stop)
        value, category = values_of(here, features)
        past_value, past_category = values_of(there, features)
        known = np.isfinite(value)
        peers, past_peers = np.full(value.shape, np.nan), np.full(value.shape, np.nan)
        before = there[_THERE].to_numpy() == 1
        seen = np.zeros(value.shape, dtype=bool)
        for i, feature in enumerate(features):
            if feature.kind == "category":
                known[:, i] = category[feature.name] != None  # noqa: E711 - elementwise
            if feature.name not in OF_ITEM:  # what is the same for all peers is no comparison
                peers[:, i] = self._peers.of(feature.name, start, stop)
                past_peers[:, i] = self._peers.of_past(feature.name, start, stop)
            seen[:, i] = before & (feature.name in there)
        moved = since(here, features, value, past_value)
        return KnownFacts(features, value, past_value, category, past_category, peers, known, past_peers, moved, seen)


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


def values_of(frame: pd.DataFrame, features: Sequence[Feature]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
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
