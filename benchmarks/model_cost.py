"""What training, prediction and contributions cost beside plain LightGBM and shap.

training        `train_dataset` (ladder, folds, calibration, figures with intervals, bundle, card) against one plain
                `lightgbm.train`, 100 rounds, on the same matrix with as many threads
prediction      `Bundle.predict` of a frame against `Booster.predict` of the matrix; log-odds equal to the last bit
contributions   `Bundle.contributions` against `shap.TreeExplainer`, on a block and on one row; values equal

The last two on a model of a fixed size, 400 trees of 31 leaves.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import lightgbm
import numpy as np
import pandas as pd
import shap
from companies import room, staged_company
from figures import QUICK, Figures, in_turns, seconds
from fixed_bundle import write_fixed_bundle

from revml.config import Workspace
from revml.datasets import Dataset, build_dataset
from revml.models.bundle import Bundle
from revml.training import train_dataset

ACCOUNTS, EVENTS = (200, 30_000) if QUICK else (2_000, 1_000_000)
BLOCK = 200 if QUICK else 2_000
RUNS = 2 if QUICK else 7
THREADS = 1


def cost(figures: Figures) -> None:
    """Print the figures of cost."""
    warnings.filterwarnings("ignore", message="LightGBM binary classifier")  # shap, at each call
    with room() as folder:
        workspace, facts = staged_company(folder, kind="saas", accounts=ACCOUNTS, events=EVENTS)
        data = build_dataset(workspace, facts, "churn")
        _training(figures, workspace, data)
        bundle = write_fixed_bundle(workspace, data)
        _prediction(figures, bundle, data.frame)
        _contributions(figures, bundle, data.frame)


def _training(figures: Figures, workspace: Workspace, data: Dataset) -> None:
    made = []
    whole = seconds(lambda: made.append(train_dataset(workspace, data, threads=THREADS)), runs=1)
    bundle = made[0].bundle
    rows = pd.concat([data.part("train"), data.part("valid")], ignore_index=True)
    matrix, label = bundle.encoding.matrix(rows), rows["label"].to_numpy(float)
    categories = [i for i, c in enumerate(bundle.encoding.columns) if c.kind == "category"]

    def plain() -> None:
        train = lightgbm.Dataset(matrix, label=label, categorical_feature=categories)
        lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": THREADS}, train)

    one = seconds(plain, runs=3)
    rungs = ", ".join(f"{a.rung} {a.log_loss:.4f}" for a in made[0].attempts)
    print(f"  {len(rows):,} x {matrix.shape[1]}; {whole:.1f} s against {one:.2f} s; out-of-sample log-loss: {rungs}")
    figures.at_most("training / one plain lightgbm.train of 100 rounds", whole / one, 20)


def _prediction(figures: Figures, bundle: Bundle, frame: pd.DataFrame) -> None:
    booster = lightgbm.Booster(model_file=bundle.folder / "model.txt")
    matrix = bundle.encoding.matrix(frame)
    raw = booster.predict(matrix, raw_score=True)
    assert (bundle.raw(frame) == raw).all(), "log-odds differ from LightGBM's"
    ours, theirs = in_turns(lambda: bundle.predict(frame), lambda: booster.predict(matrix), runs=RUNS)
    print(f"  {booster.num_trees()} trees, {len(frame):,} rows: {ours:.3f} s against {theirs:.3f} s; log-odds equal")
    figures.at_most(f"Bundle.predict of a frame / Booster.predict, {len(frame):,} rows", ours / theirs, 4)
    one, row = frame.iloc[[0]], matrix[:1]
    records = one[list(bundle.features)].astype(object).where(one[list(bundle.features)].notna(), None)
    told = records.to_dict("records")
    assert (bundle.predict_rows(told) == bundle.predict(one)).all()
    ours, theirs = in_turns(
        _often(lambda: bundle.predict_rows(told)), _often(lambda: booster.predict(row, num_threads=1)), runs=RUNS
    )
    figures.at_most("Bundle.predict_rows of a row / Booster.predict, one row", ours / theirs, 12)


def _contributions(figures: Figures, bundle: Bundle, frame: pd.DataFrame) -> None:
    booster = lightgbm.Booster(model_file=bundle.folder / "model.txt")
    explainer = shap.TreeExplainer(booster)
    # On a block both end in LightGBM's own TreeSHAP, so it is a draw; on one row revml pays for the frame's encoding.
    for rows, least in ((BLOCK, 0.6), (1, 0.2)):
        part = frame.iloc[-rows:]
        matrix = bundle.encoding.matrix(part)
        base, parts = bundle.contributions(part)
        wanted = np.asarray(explainer.shap_values(matrix)).reshape(parts.shape)
        np.testing.assert_allclose(parts, wanted, atol=1e-9)
        np.testing.assert_allclose(base, np.ravel(explainer.expected_value)[-1], atol=1e-9)
        np.testing.assert_allclose(base + parts.sum(axis=1), bundle.raw(part), atol=1e-9)
        often = _often if rows == 1 else lambda call: call
        ours, theirs = in_turns(
            often(lambda part=part: bundle.contributions(part)),
            often(lambda matrix=matrix: explainer.shap_values(matrix)),
            runs=RUNS,
        )
        print(
            f"  {rows:,} rows: {ours:.3f} s against {theirs:.3f} s{' for 50 calls' if rows == 1 else ''}; values equal"
        )
        figures.at_least(f"shap.TreeExplainer / Bundle.contributions, {rows:,} rows", theirs / ours, least)


def _often(call: Callable[[], object], calls: int = 50) -> Callable[[], object]:
    """Many calls as one, where one is too short to be timed."""
    return lambda: [call() for _ in range(calls)]
