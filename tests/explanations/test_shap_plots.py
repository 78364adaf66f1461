"""shap's own plots draw what revml's contributions say."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import shap

from revml.explanations.one_pass import scored
from revml.explanations.shap_plots import shap_explanation
from revml.models.learner import dataset, fit_trees
from tests.explanations.literal_bundles import FEATURES, bundle, encoding_of, frame


def test_plots_of_shap_draw_it(tmp_path: Path) -> None:
    """A waterfall of one account and a swarm of all are pictures; values, base and categories are the bundle's."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = frame(120)
    encoding = encoding_of(rows)
    params = {"num_leaves": 7, "min_data_in_leaf": 5}
    data = dataset(encoding.matrix(rows), (rows["mrr"] > 500).to_numpy(float), encoding, params)
    made = bundle(tmp_path, fit_trees(data, encoding, params, rounds=10, seed=1, threads=1), rows)
    told = shap_explanation(made, rows)
    wanted = scored(made, rows)
    assert told.values.tobytes() == wanted.parts.tobytes()
    assert (told.base_values == wanted.base).all()
    assert tuple(told.feature_names) == FEATURES
    assert set(told.display_data[:, FEATURES.index("plan")]) == {"basic", "pro", "max", None}
    plots = (lambda: shap.plots.waterfall(told[0], show=False), lambda: shap.plots.beeswarm(told, show=False))
    for number, draw in enumerate(plots):
        draw()
        place = tmp_path / f"{number}.png"
        plt.savefig(place)
        plt.close("all")
        pixels = plt.imread(place)
        assert np.ptp(pixels) > 0.5, "an empty picture"
