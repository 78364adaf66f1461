"""The LightGBM settings that tuning searches: small regularised trees, for a few hundred to some thousand events.

Comes in: a point of Optuna's space. Goes out: settings for a candidate of the sheet. Left out on purpose: linear trees
(they have no exact contributions) and class weights (they would undo the calibration).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

Settings = dict[str, float | int | bool | str]

SPACE_VERSION = 1  # another space is another study: raise it with every change below
SPACE: dict[str, BaseDistribution] = {
    "num_leaves": IntDistribution(3, 31, log=True),
    "min_data_in_leaf": IntDistribution(10, 300, log=True),
    "feature_fraction": FloatDistribution(0.1, 1.0, step=0.05),
    "bagging_fraction": FloatDistribution(0.5, 1.0, step=0.05),
    "lambda_l1": FloatDistribution(0.001, 10.0, log=True),
    "lambda_l2": FloatDistribution(0.1, 100.0, log=True),
    "path_smooth": FloatDistribution(0.0, 50.0, step=2.5),
    "learning_rate": CategoricalDistribution((0.02, 0.04, 0.08)),
    "max_bin": CategoricalDistribution((31, 63, 127)),
    "extra_trees": CategoricalDistribution((False, True)),
    "cat_smooth": FloatDistribution(1.0, 100.0, log=True),
}
# What LightGBM takes where a sheet is silent.
SILENT: Settings = {
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "feature_fraction": 1.0,
    "bagging_fraction": 1.0,
    "lambda_l1": 0.0,
    "lambda_l2": 0.0,
    "path_smooth": 0.0,
    "learning_rate": 0.1,
    "max_bin": 255,
    "extra_trees": False,
    "cat_smooth": 10.0,
}


def settings(point: Mapping[str, Any]) -> Settings:
    """A point of the space as a candidate; numbers of three digits, for people read them.

    >>> settings({"num_leaves": 5, "lambda_l2": 3.14159})
    {'num_leaves': 5, 'lambda_l2': 3.14, 'bagging_freq': 1}
    """
    told = {name: float(f"{v:.3g}") if isinstance(v, float) else v for name, v in point.items()}
    return {**told, "bagging_freq": 1}


def point(told: Mapping[str, Any]) -> dict[str, Any]:
    """The point of the space nearest to a candidate, for the search to learn from.

    >>> point({"num_leaves": 4, "learning_rate": 0.05})["learning_rate"]
    0.04
    """
    found: dict[str, Any] = {}
    for name, distribution in SPACE.items():
        value: Any = told.get(name, SILENT[name])
        if isinstance(distribution, CategoricalDistribution):
            away = [abs(float(choice or 0) - float(value)) for choice in distribution.choices]
            found[name] = distribution.choices[away.index(min(away))]
            continue
        assert isinstance(distribution, IntDistribution | FloatDistribution)  # noqa: S101 - the space above has no other
        found[name] = type(distribution.low)(min(max(value, distribution.low), distribution.high))
    return found
