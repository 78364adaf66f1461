"""What MLflow calls to load a bundle as a pyfunc model: `loader_module: revml.models.pyfunc`, data = the bundle folder.

Knows nothing of MLflow and pickles nothing; `predict` is `Bundle.predict`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from revml.models.bundle import Bundle, load_bundle


class BundleModel:
    """The object MLflow wraps."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Calibrated probabilities, float64."""
        return self.bundle.predict(frame)


def _load_pyfunc(path: str) -> BundleModel:
    return BundleModel(load_bundle(path))
