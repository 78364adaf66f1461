"""Scores and training on Dask; needs `revml[dask]` here and on the workers.

Training is `lightgbm.dask`, data-parallel: every worker finds the bins of some features in its own rows, so trees are
close to those of one machine and not the same. What is trained is a rung like any other; choosing, calibrating and
judging it is left to `revml train` on a sample of the accounts, whose setting is used here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from revml.elsewhere.partitions import BAND, score_partition
from revml.errors import BundleError
from revml.models.blend import Blend
from revml.models.bundle import Bundle
from revml.models.encoding import Encoding
from revml.models.learner import full_params, model_text
from revml.models.sheet_names import PARAMS
from revml.models.trees import Trees


def dask_scores(
    frame: Any, bundle_folder: str | Path, *, keys: tuple[str, ...] = ("account_id",), parts: bool = False
) -> Any:
    """Score a Dask frame of features, lazily.

    Args:
        frame: `keys` and the bundle's features, categories as text.
        bundle_folder: under the same name on every worker.
        keys, parts: see `score_partition`.

    Returns:
        A Dask frame: keys, raw, probability, with `parts` base and contributions, and band.
    """
    scorer = score_partition(bundle_folder, keys=keys, parts=parts)
    chosen = frame[scorer.wanted]
    numbers = {name: pd.Series(dtype="float64") for name in scorer.numbers}
    meta = chosen._meta[list(keys)].assign(**numbers, **{BAND: pd.Series(dtype="str")})
    return chosen.map_partitions(scorer.frame, meta=meta)


def train_on_dask(client: Any, frame: Any, bundle: Bundle, *, label: str = "label") -> Trees:
    """Train the trees of a bundle anew, with its encoding and its setting, on the rows of a cluster.

    Args:
        client: of `dask.distributed`.
        frame: a Dask frame with the bundle's features and the label (1 or 0).
        bundle: has trees, alone or in a blend.

    Raises:
        BundleError: the bundle has no trees.
    """
    from lightgbm.dask import DaskLGBMClassifier

    setting, rounds, seed = setting_of(bundle)
    encoding = bundle.encoding
    params = {**full_params(encoding, setting, seed, 0), "tree_learner": "data"}
    params.pop("num_threads")
    encoded = frame[list(bundle.features)].map_partitions(_encoded, encoding, meta=_encoded(frame._meta, encoding))
    x = encoded.to_dask_array(lengths=True)
    y = frame[label].astype("float64").to_dask_array(lengths=True)
    model = DaskLGBMClassifier(client=client, n_estimators=rounds, **params)
    model.fit(
        x,
        y,
        feature_name=[f"f{j}" for j in range(len(encoding.columns))],
        categorical_feature=[j for j, c in enumerate(encoding.columns) if c.kind == "category"],
    )
    # Where the workers stood is no part of a model.
    text = re.sub(r"\[(machines|machine_list_filename): [^\]]*\]", r"[\1: ]", model_text(model.booster_))
    return Trees(re.sub(r"\[(local_listen_port|num_machines): \d+\]", r"[\1: 1]", text))


def setting_of(bundle: Bundle) -> tuple[dict[str, Any], int, int]:
    """The parameters of a bundle's trees, how many there are, and their seed.

    Raises:
        BundleError: it has none.
    """
    model = bundle.model.second if isinstance(bundle.model, Blend) else bundle.model
    if not isinstance(model, Trees):
        raise BundleError(
            "this model has no trees to train anew",
            where=f"{bundle.question} model {bundle.version}",
            wanted="lightgbm or blend",
            got=bundle.rung,
            do="train on one machine: rules and lines need no cluster",
        )
    told = model.booster.params
    return {name: told[name] for name in PARAMS if name in told}, model.rounds, int(told.get("seed", 0))


def _encoded(frame: pd.DataFrame, encoding: Encoding) -> pd.DataFrame:
    matrix: np.ndarray = encoding.matrix(frame)
    return pd.DataFrame(matrix, columns=list(encoding.names), index=frame.index)
