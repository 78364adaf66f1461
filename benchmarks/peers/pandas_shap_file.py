"""A file scored as one does it with pandas and shap: read Parquet, encode, predict, explain, write Parquet.

    python pandas_shap_file.py MODEL_FOLDER IN.parquet OUT.parquet

`MODEL_FOLDER` holds `model.txt` and `features.json`. Prints the seconds from reading to having written, without
starting Python and importing libraries. Imports nothing of revml. LightGBM uses all cores, as it does by itself.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import shap

TOP = 4


def main(folder: Path, source: Path, target: Path) -> None:
    """Score and explain, and tell how long it took."""
    warnings.filterwarnings("ignore", message="LightGBM binary classifier")
    begun = time.perf_counter()
    columns = json.loads((folder / "features.json").read_text(encoding="utf-8"))["columns"]
    names = [c["name"] for c in columns]
    model = lightgbm.Booster(model_file=folder / "model.txt")
    explainer = shap.TreeExplainer(model)
    rows = pd.read_parquet(source)
    frame = rows[names].copy()
    for column in columns:
        if column["kind"] == "category":
            codes = pd.Categorical(frame[column["name"]], categories=column["codes"]).codes
            frame[column["name"]] = np.where(codes < 0, np.nan, codes)
    matrix = frame.to_numpy(dtype=float)
    found = rows[["account_id"]].assign(probability=model.predict(matrix))
    values = np.asarray(explainer.shap_values(matrix))
    strongest = np.argsort(-np.abs(values), axis=1)[:, :TOP]
    for rank in range(TOP):
        place = strongest[:, rank]
        found[f"reason_{rank + 1}"] = np.asarray(names, dtype=object)[place]
        found[f"contribution_{rank + 1}"] = values[np.arange(len(values)), place]
    found.to_parquet(target)
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
