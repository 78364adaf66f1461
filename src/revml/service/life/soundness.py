"""Whether a loaded bundle scores and explains here as it did where it was trained, by the code that serves."""

from __future__ import annotations

import numpy as np

from revml.errors import BundleError
from revml.explanations.one_pass import scored_matrix
from revml.models.bundle import Bundle
from revml.models.golden import check_golden

ADDS_UP = 1e-6


def check_sound(bundle: Bundle) -> bool:
    """Score a row of which nothing is known, and the golden rows.

    Returns:
        Whether the bundle has golden rows; one of before them is judged by the one row alone.

    Raises:
        BundleError: what comes out is no probability, does not add up, or is not what training wrote.
    """

    def says(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
        told = scored_matrix(bundle, matrix)
        return told.raw, told.probability, told.base, told.parts

    raw, probability, base, parts = says(np.full((1, len(bundle.features)), np.nan))
    if not (0 <= probability[0] <= 1 and abs(base + parts[0].sum() - raw[0]) <= ADDS_UP * max(1.0, abs(raw[0]))):
        raise BundleError(
            "the model gives no probability that adds up",
            where=f"{bundle.question} bundle {bundle.hash[:12]}",
            wanted="0 to 1, explained by parts that add up to it",
            got=f"{float(probability[0])!r}",
            do="train again; what served before serves on",
        )
    return check_golden(bundle, says)
