"""LightGBM: small regularised trees, trained through `lightgbm.train`, saved as its own text.

Comes in: an encoded float64 matrix, never a frame (LightGBM ignores column names, and aborts on some dtypes). Goes out:
a `Trees` rung. Same data and seed give the same text, on any number of threads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import lightgbm
import numpy as np

from revml.models.encoding import Encoding

FIXED: dict[str, Any] = {
    "objective": "binary",
    "deterministic": True,
    "force_col_wise": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Trees:
    """A boosted ensemble; `text` is LightGBM's own model format."""

    name: ClassVar[str] = "lightgbm"
    text: str = field(repr=False)

    @cached_property
    def booster(self) -> lightgbm.Booster:
        """The loaded model. Text from disk comes here only after its digest was checked."""
        return lightgbm.Booster(model_str=self.text)

    @property
    def rounds(self) -> int:
        """Number of trees."""
        return int(self.booster.current_iteration())

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds."""
        if not len(matrix):
            return np.zeros(0)
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=_threads(matrix)))

    def contributions(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """TreeSHAP, path-dependent, exact (Lundberg et al. 2020); additive on the log-odds."""
        if not len(matrix):
            return 0.0, np.zeros(matrix.shape)
        parts = np.asarray(self.booster.predict(matrix, pred_contrib=True, num_threads=_threads(matrix)))
        return float(parts[0, -1]), parts[:, :-1]

    def to_json(self) -> dict[str, Any]:
        """Its content is text and stands in `model.txt`."""
        return {"rung": self.name}


def _threads(matrix: np.ndarray) -> int:
    """One thread for small requests (waking more costs more than it gives), LightGBM's default beyond."""
    return 1 if len(matrix) < 64 else 0


def dataset(matrix: np.ndarray, label: np.ndarray, encoding: Encoding, params: Mapping[str, Any]) -> lightgbm.Dataset:
    """The binned training data, to be shared by several fits with the same binning parameters."""
    categories = [j for j, c in enumerate(encoding.columns) if c.kind == "category"]
    return lightgbm.Dataset(
        matrix,
        label=label,
        feature_name=[f"f{j}" for j in range(len(encoding.columns))],
        categorical_feature=categories,
        params={**FIXED, **params},
        free_raw_data=False,
    )


def fit_trees(
    data: lightgbm.Dataset, encoding: Encoding, params: Mapping[str, Any], *, rounds: int, seed: int, threads: int
) -> Trees:
    """Train `rounds` trees; parameters must not contradict those that made `data`."""
    booster = lightgbm.train(full_params(encoding, params, seed, threads), data, num_boost_round=rounds)
    return Trees(model_text(booster))


def full_params(encoding: Encoding, params: Mapping[str, Any], seed: int, threads: int) -> dict[str, Any]:
    """A sheet's parameters with what revml fixes for reproducibility."""
    monotone = [c.monotone for c in encoding.columns]
    extra = {"monotone_constraints": monotone, "monotone_constraints_method": "intermediate"} if any(monotone) else {}
    return {**FIXED, **params, **extra, "seed": seed, "num_threads": threads}


def model_text(booster: lightgbm.Booster) -> str:
    """The model as text, without what only tells of the machine that trained it."""
    text = booster.model_to_string(num_iteration=-1)
    return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text)
