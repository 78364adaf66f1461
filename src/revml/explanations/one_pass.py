"""What a model says of rows, in one pass: log-odds, probability, and what each feature adds.

Comes in: a bundle and rows, or their encoded matrix. Goes out: a `Scored`. Its `raw` is to the bit what `Rung.raw`
gives; a row has the same bits alone and among others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revml.models.baselines import Logistic, Rung
from revml.models.blend import Blend
from revml.models.bundle import Bundle
from revml.models.encoding import Rows


@dataclass(frozen=True)
class Scored:
    """What a model says of some rows.

    Attributes:
        raw: uncalibrated log-odds, shape (n,).
        probability: calibrated, shape (n,).
        base: log-odds of the average row.
        parts: (n, features) log-odds; `base + parts.sum(axis=1)` is `raw`.
    """

    raw: np.ndarray
    probability: np.ndarray
    base: float
    parts: np.ndarray


def scored(bundle: Bundle, rows: Rows) -> Scored:
    """Log-odds, probabilities and contributions of rows.

    Raises:
        BundleError: a feature is missing or of the wrong type.
    """
    return scored_matrix(bundle, bundle.encoding.matrix(rows))


def scored_matrix(bundle: Bundle, matrix: np.ndarray) -> Scored:
    """`scored` of rows that are encoded already (`Bundle.encoding`)."""
    raw, base, parts = raw_and_parts(bundle.model, matrix)
    return Scored(raw, bundle.calibration.apply(raw), base, parts)


def raw_matrix(bundle: Bundle, matrix: np.ndarray) -> np.ndarray:
    """Log-odds alone, of rows that are encoded already."""
    return bundle.model.raw(matrix)


def raw_and_parts(model: Rung, matrix: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Log-odds, base and parts of encoded rows."""
    if isinstance(model, Blend):
        raw_1, base_1, parts_1 = raw_and_parts(model.first, matrix)
        raw_2, base_2, parts_2 = raw_and_parts(model.second, matrix)
        return model.mean(raw_1, raw_2), float(model.mean(base_1, base_2)), model.mean(parts_1, parts_2)
    base, parts = model.contributions(matrix)
    if isinstance(model, Logistic):  # its log-odds are the sum of its parts
        return np.asarray(base + parts.sum(axis=1)), base, parts
    return model.raw(matrix), base, parts
