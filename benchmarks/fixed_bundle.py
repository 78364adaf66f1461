"""A bundle of a fixed size: what a call costs must not depend on how many trees a training happened to find useful."""

from __future__ import annotations

import numpy as np
import pandas as pd

from revml.config import Workspace
from revml.datasets import Dataset
from revml.models.bundle import Bundle, load_bundle, model_files, to_text, write_bundle
from revml.models.calibration import Calibration, sigmoid
from revml.models.encoding import Encoding
from revml.models.golden import GOLDEN, golden
from revml.models.learner import dataset, fit_trees
from revml.models.reference import reference
from revml.models.registry import appoint

TREES, LEAVES = 400, 31


def write_fixed_bundle(workspace: Workspace, data: Dataset, *, rate: float = 0.02) -> Bundle:
    """Train `TREES` trees of `LEAVES` leaves, uncalibrated, and make the bundle its question's champion.

    Args:
        rate: of learning; another one makes another model of the same size.
    """
    rows = pd.concat([data.part("train"), data.part("valid")], ignore_index=True)
    encoding = Encoding.fit(rows, data.features, categorical=data.categorical)
    matrix, label = encoding.matrix(rows), rows["label"].to_numpy(float)
    params = {"num_leaves": LEAVES, "learning_rate": rate, "min_data_in_leaf": 5, "max_bin": 127}
    made = dataset(matrix, label, encoding, params)
    trees = fit_trees(made, encoding, params, rounds=TREES, seed=1, threads=1)
    probability = sigmoid(trees.raw(matrix))
    medium, high = np.quantile(probability, [0.7, 0.9])
    manifest = {
        "question": data.question,
        "rung": trees.name,
        "definition": data.spec.model_dump(mode="json"),
        "base_rate": float(label.mean()),
        "figures": {},
        **({} if data.own is None else {"ready": dict(data.own)}),
    }
    files = {
        **model_files(trees),
        "features.json": to_text(encoding.to_json()),
        "calibration.json": to_text(
            {**Calibration("none").to_json(), "bands": {"medium": float(medium), "high": float(high)}}
        ),
        "reference.json": to_text(reference(rows, data.features, encoding.categorical, probability)),
        GOLDEN: to_text(golden(trees, Calibration("none"), encoding, matrix)),
    }
    folder = workspace.bundles_dir / data.question
    bundle = load_bundle(write_bundle(folder, manifest, files, {"at": "2026-01-01T00:00:00"}))
    appoint(folder, bundle.folder.name, None)
    return bundle
