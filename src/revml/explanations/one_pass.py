"""What a model says of rows, in one pass: log-odds, probability, and what each feature adds.

Comes in: a bundle and rows, or their encoded matrix. Goes out: a `Scored`. Its `raw` is to the bit what `Rung.raw`
gives; a row has the same bits alone and among others.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from revml.errors import BundleError
from revml.explanations.treeshap import CannotExplain, TreeShap
from revml.models.baselines import Logistic, Rung
from revml.models.blend import Blend
from revml.models.bundle import Bundle
from revml.models.encoding import Rows
from revml.models.trees import Trees

MANY = 4096  # rows that several threads share
logger = logging.getLogger(__name__)


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


def scored_matrix(bundle: Bundle, matrix: np.ndarray, *, threads: int | None = None) -> Scored:
    """`scored` of rows that are encoded already (`Bundle.encoding`).

    Args:
        threads: that walk the trees; None leaves it to the number of rows.
    """
    raw, base, parts = raw_and_parts(bundle.model, matrix, threads)
    return Scored(raw, bundle.calibration.apply(raw), base, parts)


def raw_matrix(bundle: Bundle, matrix: np.ndarray, *, threads: int | None = None) -> np.ndarray:
    """Log-odds alone of rows that are encoded already; to the bit what `Bundle.raw` gives."""
    return _raw(bundle.model, matrix, threads)


def explained_by(bundle: Bundle) -> str:
    """What explains a bundle: `sums` (no trees), `treeshap`, or LightGBM's `pred_contrib` or nothing, and why."""
    trees = bundle.model.second if isinstance(bundle.model, Blend) else bundle.model
    if not isinstance(trees, Trees):
        return "sums"
    found = fast_trees(trees, len(bundle.features))
    return "treeshap" if isinstance(found, TreeShap) else f"{found.by}: {found.what}"


@lru_cache(maxsize=16)
def fast_trees(trees: Trees, features: int) -> TreeShap | CannotExplain:
    """What explains trees fast, or why they cannot be; told once in the log."""
    try:
        return TreeShap.from_text(trees.text, features)
    except CannotExplain as why:
        logger.warning("explained by %s, not by treeshap: %s (%s)", why.by, why.what, why.got)
        return why


def raw_and_parts(model: Rung, matrix: np.ndarray, threads: int | None = None) -> tuple[np.ndarray, float, np.ndarray]:
    """Log-odds, base and parts of encoded rows."""
    if isinstance(model, Blend):
        raw_1, base_1, parts_1 = raw_and_parts(model.first, matrix, threads)
        raw_2, base_2, parts_2 = raw_and_parts(model.second, matrix, threads)
        return model.mean(raw_1, raw_2), float(model.mean(base_1, base_2)), model.mean(parts_1, parts_2)
    if isinstance(model, Trees):
        trees = fast_trees(model, matrix.shape[1])
        if isinstance(trees, TreeShap):
            raw, parts = trees.explain(matrix, threads=threads or _threads(matrix))
            return raw, trees.base, parts
        if trees.by == "nothing":
            raise BundleError(
                f"the model cannot be explained: {trees.what}", where="model.txt", got=trees.got, do=trees.do
            )
    base, parts = model.contributions(matrix)
    if isinstance(model, Logistic):  # its log-odds are the sum of its parts
        return np.asarray(base + parts.sum(axis=1)), base, parts
    return model.raw(matrix), base, parts


def _raw(model: Rung, matrix: np.ndarray, threads: int | None = None) -> np.ndarray:
    if isinstance(model, Blend):
        return model.mean(_raw(model.first, matrix, threads), _raw(model.second, matrix, threads))
    if isinstance(model, Trees):
        trees = fast_trees(model, matrix.shape[1])
        if isinstance(trees, TreeShap):
            return trees.raw(matrix, threads=threads or _threads(matrix))
    return model.raw(matrix)


def _threads(matrix: np.ndarray) -> int:
    """One for what a request asks; all that this process may use for many rows."""
    if len(matrix) < MANY:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
