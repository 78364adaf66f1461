"""FLAML's AutoML, run in an environment of its own: `python ... FOLDER SECONDS`.

Comes in: a folder with `fit.parquet`, `test.parquet` and, where there is time in the data, `valid.parquet`, the newest
part of what may be learned from; columns are features and `label`. Goes out: `flaml.parquet` with a probability a test
row, and a line of JSON: CPU seconds, the learner that won. One thread; it refits on all rows at the end. Imports
nothing of revml.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from flaml import AutoML

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


def main() -> None:
    """Fit, predict, report, write."""
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    fit, test = _read(folder / "fit.parquet"), _read(folder / "test.parquet")
    valid = folder / "valid.parquet"
    held = {}
    if valid.exists():
        late = _read(valid)
        held = {"X_val": late.drop(columns="label"), "y_val": late["label"].to_numpy(), "eval_method": "holdout"}
    started = time.process_time()
    learner = AutoML()
    learner.fit(
        fit.drop(columns="label"),
        fit["label"].to_numpy(),
        task="classification",
        metric="log_loss",
        time_budget=seconds,
        n_jobs=1,
        seed=42,
        verbose=0,
        **held,
    )
    probability = learner.predict_proba(test.drop(columns="label"))[:, 1]
    took = time.process_time() - started
    print(json.dumps({"seconds": took, "models": learner.best_estimator}))
    pd.DataFrame({"probability": probability.astype(float)}).to_parquet(folder / "flaml.parquet")


def _read(file: Path) -> pd.DataFrame:
    rows = pd.read_parquet(file)
    texts = [c for c in rows.columns if not pd.api.types.is_numeric_dtype(rows[c])]
    return rows.astype(dict.fromkeys(texts, "category"))


if __name__ == "__main__":
    main()
