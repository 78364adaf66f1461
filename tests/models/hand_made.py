"""A bundle and a dataset made by hand, for tests that need a model but not its training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from revml.models.baselines import Rule, Rung
from revml.models.bundle import Bundle, load_bundle, model_files, to_text, write_bundle
from revml.models.calibration import Calibration
from revml.models.encoding import Encoding

FRAME = pd.DataFrame(
    {
        "logins_28d": [0.0, 3.0, 40.0, np.nan],
        "seats": [5, 5, 10, 20],
        "industry": ["retail", "banking", None, "retail"],
    }
)
RULE = Rule(column=0, edges=(1.0, 10.0), levels=(1.0, -1.0, -3.0), missing=-2.0, base=-2.0)


def write(folder: Path, model: Rung = RULE, frame: pd.DataFrame = FRAME) -> Bundle:
    """A bundle over `logins_28d`, `seats` and `industry`."""
    encoding = Encoding.fit(frame, ("logins_28d", "seats", "industry"), categorical=("industry",))
    manifest = {
        "question": "churn",
        "rung": model.name,
        "definition": {"horizon_days": 90},
        "base_rate": 0.1,
        "figures": {"roc_auc": {"value": 0.7, "low": 0.6, "high": 0.8}},
    }
    files = {
        **model_files(model),
        "features.json": to_text(encoding.to_json()),
        "calibration.json": to_text({**Calibration("none").to_json(), "bands": {"medium": 0.1, "high": 0.3}}),
        "reference.json": to_text({"features": {"logins_28d": {"median": 3.0}}}),
        "card.md": "# Card\n",
        "card.cs.md": "# Karta\n",
    }
    return load_bundle(write_bundle(folder, manifest, files, {"at": "2026-01-01"}))
