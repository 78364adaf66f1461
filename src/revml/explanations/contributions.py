"""What each feature adds to the log-odds of an account, and what each concept does.

Comes in: a bundle and feature rows. Goes out: a base and an (accounts × features) matrix with
`base + row sum = raw log-odds`, which is checked on every call: an explanation that does not add up is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from revml.errors import BundleError
from revml.evaluation.stability import by_concept
from revml.explanations.one_pass import Scored, scored
from revml.models.bundle import Bundle

Explainable: TypeAlias = Bundle
TOLERANCE = 1e-6  # of the log-odds; float64 sums over a few hundred trees stay far below it


@dataclass(frozen=True)
class Contributions:
    """An additive explanation of some rows.

    Attributes:
        base: log-odds of the average row.
        values: (rows, features) log-odds; `base + values.sum(axis=1)` is the model's raw log-odds.
        features: names of the columns.
    """

    base: float
    values: np.ndarray
    features: tuple[str, ...]

    def by_concept(self, concepts: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
        """Sum the features of each concept; `concepts` names the concept of each feature.

        Returns the concepts by name and a (rows, concepts) matrix with the same row sums.

        >>> c = Contributions(0.0, np.array([[0.5, -0.2, 0.1]]), ("logins", "price", "users"))
        >>> names, sums = c.by_concept(["usage", "price", "usage"])
        >>> names, sums.round(3).tolist()
        (('price', 'usage'), [[-0.2, 0.6]])
        """
        return by_concept(self.values, concepts)


def contributions(bundle: Explainable, frame: pd.DataFrame, told: Scored | None = None) -> Contributions:
    """Explain rows, and prove that the explanation adds up.

    Args:
        bundle: a model of any rung.
        frame: rows with at least the bundle's features.
        told: what the bundle said of these rows, where that is at hand.

    Raises:
        BundleError: a feature is missing, or base plus contributions is not the model's own log-odds.
    """
    features = tuple(bundle.features)
    told = told or scored(bundle, frame)
    base, values = told.base, np.asarray(told.parts, dtype=float)
    if values.shape != (len(frame), len(features)):
        raise BundleError(
            "the explanation has the wrong shape",
            where=f"{bundle.question} bundle",
            wanted=f"{len(frame)} rows × {len(features)} features",
            got=" × ".join(str(n) for n in values.shape),
            do="train the question again",
        )
    check_adds_up(bundle.question, told)
    return Contributions(float(base), values, features)


def check_adds_up(question: str, told: Scored) -> None:
    """Prove that an explanation is the score's.

    Raises:
        BundleError: base plus contributions is not the model's own log-odds.
    """
    raw = np.asarray(told.raw, dtype=float)
    away = np.abs(told.base + told.parts.sum(axis=1) - raw)
    bad = ~(away <= TOLERANCE * np.maximum(1.0, np.abs(raw)))
    if bad.any():
        raise BundleError(
            "the explanation does not add up to the score",
            where=f"{question} bundle",
            wanted="base + contributions = log-odds",
            got=f"{int(bad.sum())} of {len(raw)} rows are off, the first by {away[bad][0]:.3g}",
            do="train the question again; if it stays, report a defect",
        )
