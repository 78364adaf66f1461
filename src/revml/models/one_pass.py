"""Log-odds and their parts from one encoded matrix: a row is encoded once, and a line is drawn once.

Comes in: a rung and a matrix. Goes out: a `Scored`. Its `raw` and `parts` are to the bit what `Rung.raw` and
`Rung.contributions` give one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revml.models.baselines import Logistic, Rung
from revml.models.blend import Blend


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
