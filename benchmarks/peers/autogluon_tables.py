"""AutoGluon's tabular predictor, medium quality, run in an environment of its own: `python ... FOLDER SECONDS`.

Comes in: a folder with `fit.parquet`, `test.parquet` and, where there is time in the data, `valid.parquet`, the newest
part of what may be learned from; columns are features and `label`. Goes out: `autogluon.parquet` with a probability a
test row, and a line of JSON: CPU seconds, models. One CPU; refitted on all rows at the end. Imports nothing of revml.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from autogluon.tabular import TabularPredictor

warnings.simplefilter("ignore")


def main() -> None:
    """Fit, predict, report, write."""
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    fit, test = pd.read_parquet(folder / "fit.parquet"), pd.read_parquet(folder / "test.parquet")
    valid = folder / "valid.parquet"
    tuning = pd.read_parquet(valid) if valid.exists() else None
    started = time.process_time()
    predictor = TabularPredictor(
        "label", problem_type="binary", eval_metric="log_loss", path=str(folder / "ag"), verbosity=0
    )
    predictor.fit(
        fit,
        tuning_data=tuning,
        presets="medium_quality",
        time_limit=seconds,
        num_cpus=1,
        num_gpus=0,
        ag_args_ensemble={},
    )
    predictor.refit_full(set_best_to_refit_full=True, num_cpus=1)
    probability = predictor.predict_proba(test.drop(columns="label"))[predictor.positive_class]
    took = time.process_time() - started
    print(json.dumps({"seconds": took, "models": ", ".join(predictor.model_names()[:12])}))
    pd.DataFrame({"probability": probability.to_numpy(float)}).to_parquet(folder / "autogluon.parquet")


if __name__ == "__main__":
    main()
