"""Names in a model sheet that nothing answers to: a misspelt feature or parameter would otherwise be passed over.

Comes in: what the sheet says, and the features there may be. Goes out: nothing, or an error with the nearest name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from revml.errors import ConfigError
from revml.yaml_file import nearest

# LightGBM's own, without what revml decides: objective, metric, seeds, threads, rounds, directions, files.
PARAMS = (
    "bagging_fraction",
    "bagging_freq",
    "cat_l2",
    "cat_smooth",
    "extra_trees",
    "feature_fraction",
    "feature_fraction_bynode",
    "lambda_l1",
    "lambda_l2",
    "learning_rate",
    "max_bin",
    "max_cat_threshold",
    "max_cat_to_onehot",
    "max_delta_step",
    "max_depth",
    "min_data_in_bin",
    "min_data_in_leaf",
    "min_data_per_group",
    "min_gain_to_split",
    "min_sum_hessian_in_leaf",
    "monotone_penalty",
    "num_leaves",
    "path_smooth",
)


def checked_params(params: Mapping[str, Any]) -> None:
    """Only parameters that LightGBM knows and revml leaves to the sheet, and only numbers.

    Raises:
        ValueError: names the first that is neither; LightGBM itself would pass over it in silence.

    >>> checked_params({"num_leafs": 7})
    Traceback (most recent call last):
    ValueError: 'num_leafs' is no parameter of LightGBM that a sheet may set; did you mean 'num_leaves'?
    """
    for name, value in params.items():
        if name not in PARAMS:
            near = nearest(name, PARAMS) or f"there are {', '.join(PARAMS)}"
            raise ValueError(f"{name!r} is no parameter of LightGBM that a sheet may set; {near}")
        if isinstance(value, str):
            raise ValueError(f"{name} is a number, not {value!r}")


def checked_features(named: Mapping[str, Iterable[str]], known: Iterable[str], *, where: str) -> None:
    """Every name, or glob, of each key answers to a feature that there may be.

    Args:
        named: by key of the sheet (`monotone`, `features.include`), the names.
        where: the sheet.

    Raises:
        ConfigError: names the first that answers to none, and the nearest that would.
    """
    features = tuple(known)
    for key, names in named.items():
        for name in names:
            if not any(fnmatchcase(feature, name) for feature in features):
                raise ConfigError(
                    f"unknown feature {name!r}",
                    where=f"{where}: {key}",
                    wanted="names of features, or globs that fit some",
                    got=name,
                    do=nearest(name, features) or "see `revml features`, or the columns of the ready table",
                )
