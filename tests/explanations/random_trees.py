"""Random models of LightGBM, of every kind that `treeshap` explains, and rows that are hard for them."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np


@dataclass(frozen=True)
class RandomTrees:
    """A model and rows to explain."""

    booster: lightgbm.Booster
    rows: np.ndarray

    @property
    def text(self) -> str:
        """The model as LightGBM writes it."""
        return self.booster.model_to_string(num_iteration=-1)

    @property
    def raw(self) -> np.ndarray:
        """What LightGBM says."""
        return np.asarray(self.booster.predict(self.rows, raw_score=True, num_threads=1))

    @property
    def contributions(self) -> np.ndarray:
        """What LightGBM says each feature adds; the base is the last column."""
        return np.asarray(self.booster.predict(self.rows, pred_contrib=True, num_threads=1))


def random_trees(seed: int, *, numbers_only: bool = False, rows: int = 40) -> RandomTrees:
    """Categories, missing values of all three kinds, skewed and repeated splits, one-leaf trees: as the seed has it."""
    rng = np.random.default_rng(seed)
    n, features = int(rng.integers(60, 400)), int(rng.integers(1, 9))
    categories = [] if numbers_only else [j for j in range(features) if rng.random() < 0.35]
    x = _matrix(rng, n, features, categories)
    weight = rng.normal(size=features) * (rng.random(features) < 0.6)
    target = np.nan_to_num(x) @ weight + np.log1p(np.nan_to_num(x[:, 0])) ** 2 + rng.normal(size=n)
    binary = rng.random() < 0.6
    label = (
        (target > np.quantile(target, rng.uniform(0.2, 0.9))).astype(float)
        if binary
        else np.exp(np.clip(target, -12, 12) / 4)
    )
    params = {
        "objective": "binary" if binary else "regression",
        "num_leaves": int(rng.choice([2, 4, 15, 31, 63])),
        "max_depth": int(rng.choice([-1, -1, 2, 5])),
        "min_data_in_leaf": int(rng.choice([1, 1, 5, 20, 100])),
        "min_sum_hessian_in_leaf": 1e-3,
        "learning_rate": float(rng.uniform(0.02, 0.5)),
        "use_missing": bool(rng.random() < 0.85),
        "zero_as_missing": not numbers_only and bool(rng.random() < 0.3),
        "boosting": str(rng.choice(["gbdt", "gbdt", "dart"])),
        "boost_from_average": bool(rng.random() < 0.7),
        "bagging_fraction": float(rng.choice([1.0, 0.6])),
        "bagging_freq": 1,
        "max_cat_to_onehot": int(rng.choice([1, 4, 30])),
        "min_data_per_group": 5,
        "cat_smooth": 1.0,
        "extra_trees": bool(rng.random() < 0.3),
        "seed": seed % 2**31,
        "num_threads": 1,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(x, label, categorical_feature=categories, params={"verbosity": -1, "min_data_in_bin": 1})
    booster = lightgbm.train(params, data, num_boost_round=int(rng.integers(1, 25)))
    asked = _matrix(rng, rows, features, categories)
    for j in categories:  # never seen, negative, between two, beyond an int
        asked[:, j] = np.where(rng.random(rows) < 0.2, rng.choice([-3.0, -0.5, 2.5, 900.0, 3e9], rows), asked[:, j])
    odd = rng.choice([0.0, -0.0, 1e-36, -1e-36, 1e-34, np.inf, -np.inf, np.nan], (rows, features))
    return RandomTrees(booster, np.ascontiguousarray(np.where(rng.random((rows, features)) < 0.1, odd, asked)))


def _matrix(rng: np.random.Generator, rows: int, features: int, categories: list[int]) -> np.ndarray:
    x = rng.normal(size=(rows, features)) * rng.choice([0.1, 1.0, 100.0], features)
    x = np.where(rng.random(features) < 0.3, np.round(x), x)
    x[:, 0] = np.exp(2 * rng.normal(size=rows))  # skewed: leaf by leaf along one feature
    for j in categories:
        x[:, j] = rng.integers(0, rng.choice([2, 5, 60]), rows)
    x[rng.random(x.shape) < 0.15] = 0.0
    x[rng.random(x.shape) < 0.15] = np.nan
    return x
