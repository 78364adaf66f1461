"""What is usual among similar accounts for rows that come alone: from the accounts that the model learned from.

Comes in: a bundle's reference (`models.reference`). Goes out: what is usual for each row, without a frame: the medians
of the row's own segment (industry, or third by size) where the reference has one, else those of all; of a category the
share of all with the same value. Flags have no peers here, for a median of yes and no says nothing. Tables are made
once a bundle; a row costs one lookup and a copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from revml.explanations.coded import each
from revml.features.item import OF_ITEM
from revml.features.spec import Feature

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReferencePeers:
    """The tables of one bundle.

    Attributes:
        medians: (segments + 1, features); the last row is of everybody. NaN where nothing is usual.
        places: the row of each segment that is told by a text.
        column: the feature that tells the segment, None where none of the model's does.
        edges: where thirds by size begin; None where the segment is a text.
        bands: the row of each third.
        shares: of each category, by its place: what share of all has each value.
    """

    medians: Floats
    places: Mapping[str, int]
    column: int | None
    edges: Floats | None
    bands: npt.NDArray[np.int64]
    names: tuple[str, ...]
    shares: Mapping[int, Mapping[str, float]]

    @classmethod
    def of(cls, reference: Mapping[str, Any], features: Sequence[Feature]) -> ReferencePeers:
        """The tables for a model's features, in their order."""
        names = tuple(feature.name for feature in features)
        told, peers = reference.get("features", {}), reference.get("peers", {})
        segments = peers.get("median", {})
        medians = np.full((len(segments) + 1, len(features)), np.nan)
        for j, feature in enumerate(features):
            if feature.kind in ("category", "flag") or feature.name in OF_ITEM:
                continue
            medians[:-1, j] = [_number(one.get(feature.name)) for one in segments.values()]
            medians[-1, j] = _number(told.get(feature.name, {}).get("median"))
            medians[:-1, j] = np.where(np.isnan(medians[:-1, j]), medians[-1, j], medians[:-1, j])
        places = {segment: place for place, segment in enumerate(segments)}
        edges = None if peers.get("edges") is None else np.asarray(peers["edges"], dtype=float)
        thirds = range(0 if edges is None else len(edges) + 1)
        return cls(
            medians,
            places,
            names.index(peers["column"]) if peers.get("column") in names else None,
            edges,
            np.array([places.get(str(third), len(segments)) for third in thirds], dtype=np.int64),
            names,
            {
                j: dict(told.get(feature.name, {}).get("shares", {}))
                for j, feature in enumerate(features)
                if feature.kind == "category" and feature.name not in OF_ITEM
            },
        )

    def rows(self, matrix: Floats, texts: Mapping[str, Sequence[str | None]]) -> Floats:
        """What is usual for each row, (rows, features); NaN where nothing is.

        Args:
            matrix: (rows, features) numbers; what stands in the columns of categories is not looked at.
            texts: the values of each category, None where unknown.
        """
        usual: Floats = self.medians[self._segments(matrix, texts)]
        for j, shares in self.shares.items():
            usual[:, j] = each(texts[self.names[j]], partial(_share, shares), float)
        return usual

    def _segments(self, matrix: Floats, texts: Mapping[str, Sequence[str | None]]) -> npt.NDArray[np.int64] | list[int]:
        everybody = len(self.medians) - 1
        if self.column is None:
            return [everybody] * len(matrix)
        if self.edges is None:
            told = texts[self.names[self.column]]
            return each(told, lambda text: everybody if text is None else self.places.get(text, everybody), np.int64)
        values = matrix[:, self.column]
        band = self.bands[np.searchsorted(self.edges, values, side="left").clip(max=len(self.edges))]
        return np.where(np.isnan(values), everybody, band)


def _share(shares: Mapping[str, float], text: str | None) -> float:
    return np.nan if text is None else shares.get(text, np.nan)


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
