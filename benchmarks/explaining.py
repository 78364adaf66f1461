"""What exact contributions cost beside shap and LightGBM: `treeshap` on one thread, in one run, the values equal.

    python benchmarks/explaining.py        QUICK=1: the smaller model alone

Trees over 120 features, a few of them categories, a tenth of the values missing: 400 of 31 leaves and 600 of 63. Rows
one by one, 32 at a time and in large blocks, against `shap.TreeExplainer.shap_values` and `pred_contrib`; the score
comes with ours. Then 1,000,000 rows scored and explained on all cores, in parts as a file job takes them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

import lightgbm
import numpy as np
import shap
from figures import QUICK, Figures, in_turns, peak_mib, seconds
from threadpoolctl import threadpool_limits

from revml.explanations.treeshap import TreeShap, warm

FEATURES, CATEGORIES, LEARNED = 120, 6, 20_000
SIZES = ((400, 31),) if QUICK else ((400, 31), (600, 63))
MANY, PART = (100_000 if QUICK else 1_000_000), 50_000
RUNS = 5
CALLS = 20  # of one row, as one
CLOSE = 1e-9


def explaining(figures: Figures) -> None:
    """Print the figures of explaining."""
    warnings.filterwarnings("ignore", message="LightGBM binary classifier")  # shap, at each call
    figures_of_start(figures)
    for trees, leaves in SIZES:
        rows, booster = made(trees, leaves)
        ours = TreeShap.from_text(booster.model_to_string(), FEATURES)
        name = f"{trees} x {leaves}"
        for size in (1, 32, 256 if QUICK else 512):
            with threadpool_limits(1, user_api="openmp"):  # shap leaves the number of threads to LightGBM
                _beside_peers(figures, name, ours, booster, rows[:size])
        if (trees, leaves) == SIZES[0]:
            _many(figures, name, ours, rows)


def figures_of_start(figures: Figures) -> None:
    """How long a process waits for compiled code that stands in the cache."""
    warm()
    figures.at_most("warm once more, in the same process", seconds(warm, runs=1), 0.1, "s")


def made(trees: int, leaves: int) -> tuple[np.ndarray, lightgbm.Booster]:
    """Rows, and a model of a fixed size that learned from them."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(LEARNED, FEATURES))
    rows[:, :CATEGORIES] = rng.integers(0, 12, (LEARNED, CATEGORIES))
    told = rows[:, CATEGORIES:] @ (rng.normal(size=FEATURES - CATEGORIES) * 0.5 ** np.arange(FEATURES - CATEGORIES))
    label = told + (rows[:, 0] % 3) + np.sin(rows[:, 8] * rows[:, 9]) + rng.normal(size=LEARNED) > 1
    rows[rng.random(rows.shape) < 0.1] = np.nan
    params = {
        "objective": "binary",
        "num_leaves": leaves,
        "learning_rate": 0.02,
        "min_data_in_leaf": 5,
        "max_bin": 127,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(rows, label.astype(float), categorical_feature=list(range(CATEGORIES)))
    return rows, lightgbm.train(params, data, num_boost_round=trees)


def _beside_peers(figures: Figures, name: str, ours: TreeShap, booster: lightgbm.Booster, rows: np.ndarray) -> None:
    explainer = shap.TreeExplainer(booster)
    raw, parts = ours.explain(rows)
    theirs = np.asarray(booster.predict(rows, pred_contrib=True, num_threads=1))
    assert raw.tobytes() == booster.predict(rows, raw_score=True).tobytes(), "log-odds differ from LightGBM's"
    assert np.abs(parts - theirs[:, :-1]).max() <= CLOSE, "contributions differ from LightGBM's"
    assert np.abs(parts - np.asarray(explainer.shap_values(rows)).reshape(parts.shape)).max() <= CLOSE
    assert np.abs(ours.base + parts.sum(axis=1) - raw).max() <= CLOSE
    often = _often if len(rows) == 1 else lambda call: call
    mine, lightgbms, shaps = in_turns(
        often(lambda: ours.explain(rows)),
        often(lambda: booster.predict(rows, pred_contrib=True, num_threads=1)),
        often(lambda: explainer.shap_values(rows)),
        runs=RUNS,
    )
    calls = CALLS if len(rows) == 1 else 1
    each = 1e6 / calls / len(rows)
    print(
        f"  {name}, {len(rows):,} rows: {mine * each:,.0f} us a row, pred_contrib {lightgbms * each:,.0f}", flush=True
    )
    least = 3.5 if len(rows) == 1 else 20
    figures.at_least(f"pred_contrib / treeshap, {name}, {len(rows):,} rows", lightgbms / mine, least)
    figures.at_least(f"shap.TreeExplainer / treeshap, {name}, {len(rows):,} rows", shaps / mine, least)


def _many(figures: Figures, name: str, ours: TreeShap, rows: np.ndarray) -> None:
    part = np.resize(rows, (PART, FEATURES))
    cores = os.cpu_count() or 1

    def whole() -> None:
        for _ in range(MANY // PART):
            ours.explain(part, threads=cores)

    taken = seconds(whole, runs=1)
    print(f"  {name}, {MANY:,} rows on {cores} cores: {taken:.0f} s", flush=True)
    figures.at_most(f"{MANY:,} rows scored and explained, {name}", taken, 120 * MANY / 1_000_000, "s")
    figures.at_most("peak memory", peak_mib() / 1024, 2, "GiB")


def _often(call: Callable[[], object], calls: int = CALLS) -> Callable[[], object]:
    """Many calls as one, where one is too short to be timed."""
    return lambda: [call() for _ in range(calls)]


if __name__ == "__main__":
    told = Figures()
    explaining(told)
    told.end()
