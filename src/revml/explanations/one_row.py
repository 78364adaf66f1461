"""One kept row as a model is asked about it: its values by name, what a model says of it, and of others like it.

Comes in: a bundle and a row of features. Goes out: probability, band, log-odds and what each concept adds; the same
bits that the run published, where the row is the one that it scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from revml.errors import BundleError
from revml.explanations.amounts import Value
from revml.explanations.choosing import Concepts
from revml.explanations.facts import own_features
from revml.explanations.one_pass import scored_matrix
from revml.explanations.reasons import features_of
from revml.features.catalog import catalog
from revml.features.spec import Feature
from revml.models.bundle import Bundle
from revml.snapshots import ITEM

NO_FEATURES = frozenset({"account_id", "as_of", "money", ITEM})
Row = Mapping[str, Value]


@dataclass(frozen=True)
class Said:
    """What a model says of one row.

    Attributes:
        log_odds: before calibration; `base` and `concepts` add up to it.
        concepts: by name, what each adds.
        features: by name, what each adds.
    """

    probability: float
    band: str
    log_odds: float
    base: float
    concepts: dict[str, float]
    features: dict[str, float]


def values_of_row(row: pd.DataFrame) -> dict[str, Value]:
    """The features of a row of one: numbers, texts of categories, None where unknown."""
    found: dict[str, Value] = {}
    for name in row.columns:
        if name not in NO_FEATURES:
            value = row[name].iloc[0]
            if value is None or pd.isna(value):
                found[name] = None
            else:
                found[name] = value if isinstance(value, str) else float(value)
    return found


def fits(bundle: Bundle, row: Mapping[str, Any]) -> list[str]:
    """The features of a model that a row lacks."""
    return [name for name in bundle.features if name not in row]


def ask(bundle: Bundle, rows: Sequence[Row]) -> list[Said]:
    """What the model says of rows, one pass for all.

    Raises:
        BundleError: a row lacks a feature.
    """
    matrix = bundle.encoding.rows([dict(row) for row in rows])
    told = scored_matrix(bundle, matrix)
    ideas = Concepts.of_features(features_of(bundle, own_features(bundle.ready)))
    sums = ideas.sums(told.parts)
    bands = bundle.bands.of(told.probability)
    return [
        Said(
            float(told.probability[i]),
            str(bands[i]),
            float(told.raw[i]),
            float(told.base),
            dict(zip(ideas.ideas, sums[i].tolist(), strict=True)),
            dict(zip(bundle.features, told.parts[i].tolist(), strict=True)),
        )
        for i in range(len(rows))
    ]


def probabilities(bundle: Bundle, rows: Sequence[Row]) -> np.ndarray:
    """The calibrated probability of each row, without what it is made of."""
    return bundle.predict_rows([dict(row) for row in rows]) if rows else np.zeros(0)


def feature_of(bundle: Bundle, name: str) -> Feature:
    """The declaration of a feature, of the model or of the row alone."""
    own = own_features(bundle.ready)
    if name in own:
        return own[name]
    return catalog().get(name) or Feature(name, "category" if name in bundle.categorical else "number", "profile")


def must_hold(bundle: Bundle, row: Mapping[str, Any], *, where: str) -> None:
    """Refuse a row that lacks what the model wants.

    Raises:
        BundleError: names the first features that it lacks.
    """
    if gone := fits(bundle, row):
        raise BundleError(
            f"the kept row lacks features of the {bundle.question} model",
            where=where,
            wanted=", ".join(gone[:8]) + (f" and {len(gone) - 8} more" if len(gone) > 8 else ""),
            got="a row without them",
            do="publish again with `revml score`",
        )
