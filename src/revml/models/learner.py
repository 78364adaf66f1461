"""LightGBM: small regularised trees, trained through `lightgbm.train`, saved as its own text.

Comes in: an encoded float64 matrix, never a frame (LightGBM ignores column names, and aborts on some dtypes). Goes out:
a `Trees` rung. Same data and seed give the same text, on any number of threads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from revml.models.encoding import Encoding
from revml.models.forest_mean import mean_text
from revml.models.trees import Trees

if TYPE_CHECKING:
    import lightgbm

FIXED: dict[str, Any] = {
    "objective": "binary",
    "deterministic": True,
    "force_col_wise": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}


def dataset(matrix: np.ndarray, label: np.ndarray, encoding: Encoding, params: Mapping[str, Any]) -> lightgbm.Dataset:
    """The binned training data, to be shared by several fits with the same binning parameters."""
    import lightgbm

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
    import lightgbm

    booster = lightgbm.train(full_params(encoding, params, seed, threads), data, num_boost_round=rounds)
    return Trees(model_text(booster))


def mean_of(forests: Sequence[Trees]) -> Trees:
    """The mean of several forests over the same columns, as one that LightGBM itself has written."""
    import lightgbm

    if len(forests) == 1:
        return forests[0]
    return Trees(model_text(lightgbm.Booster(model_str=mean_text([forest.text for forest in forests]))))


def full_params(encoding: Encoding, params: Mapping[str, Any], seed: int, threads: int) -> dict[str, Any]:
    """A sheet's parameters with what revml fixes for reproducibility."""
    monotone = [c.monotone for c in encoding.columns]
    extra = {"monotone_constraints": monotone, "monotone_constraints_method": "intermediate"} if any(monotone) else {}
    return {**FIXED, **params, **extra, "seed": seed, "num_threads": threads}


def model_text(booster: lightgbm.Booster) -> str:
    """The model as text, without what only tells of the machine that trained it."""
    text = booster.model_to_string(num_iteration=-1)
    return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text)
