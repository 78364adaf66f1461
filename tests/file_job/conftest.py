"""A bundle of trees over declared features, and three hundred made rows for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.models.baselines import Rung
from revml.models.bundle import Bundle, load_bundle, model_files, to_text, write_bundle
from revml.models.calibration import Calibration
from revml.models.curve import Curve, Interval
from revml.models.learner import dataset, fit_trees
from revml.models.reference import reference
from tests.explanations.literal_bundles import FEATURES, encoding_of, frame

CURVE = Curve(90, 0, falls=False, intervals=(Interval(0, 30, "average", -4.0), Interval(30, 90, "average", -3.0)))
PARAMS = {"num_leaves": 7, "learning_rate": 0.2, "min_data_in_leaf": 5}


def trees_bundle(folder: Path, rows: pd.DataFrame) -> Bundle:
    """Trees that learned a made rule from the rows, with the rows' own peers and a curve."""
    encoding = encoding_of(rows)
    matrix = encoding.matrix(rows)
    odds = (30 - rows["active_users_28d"]) / 5 + np.log(rows["mrr"]) - 6 + 2 * (rows["plan"] == "basic")
    label = (np.random.default_rng(1).random(len(rows)) < 1 / (1 + np.exp(-odds))).to_numpy(float)
    trees: Rung = fit_trees(dataset(matrix, label, encoding, PARAMS), encoding, PARAMS, rounds=30, seed=1, threads=1)
    files = {
        **model_files(trees),
        "features.json": to_text(encoding.to_json()),
        "calibration.json": to_text({**Calibration("none").to_json(), "bands": {"medium": 0.3, "high": 0.6}}),
        "reference.json": to_text(reference(rows, FEATURES, encoding.categorical, label)),
        "curve.json": to_text(CURVE.to_json()),
    }
    manifest = {"question": "churn", "rung": trees.name, "definition": {"horizon_days": 90}, "base_rate": 0.5}
    return load_bundle(write_bundle(folder, {**manifest, "figures": {}}, files, {"at": "2026-01-01"}))


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    """Three hundred made accounts, some values missing."""
    return frame(300)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, rows: pd.DataFrame) -> Bundle:
    """A model of them; nobody changes it."""
    return trees_bundle(tmp_path_factory.mktemp("bundles") / "churn", rows)
