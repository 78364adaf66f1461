"""A boosted ensemble as a rung: LightGBM's own text, which LightGBM reads only when it is asked.

Its import costs seconds; a service that scores and explains by `explanations.treeshap` does without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    import lightgbm


@dataclass(frozen=True)
class Trees:
    """A boosted ensemble; `text` is LightGBM's own model format."""

    name: ClassVar[str] = "lightgbm"
    text: str = field(repr=False)

    @cached_property
    def booster(self) -> lightgbm.Booster:
        """The loaded model. Text from disk comes here only after its digest was checked."""
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    @property
    def rounds(self) -> int:
        """Number of trees."""
        return int(self.booster.current_iteration())

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds."""
        if not len(matrix):
            return np.zeros(0)
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=_threads(matrix)))

    def contributions(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """TreeSHAP, path-dependent, exact (Lundberg et al. 2020); additive on the log-odds."""
        if not len(matrix):
            return 0.0, np.zeros(matrix.shape)
        parts = np.asarray(self.booster.predict(matrix, pred_contrib=True, num_threads=_threads(matrix)))
        return float(parts[0, -1]), parts[:, :-1]

    def to_json(self) -> dict[str, Any]:
        """Its content is text and stands in `model.txt`."""
        return {"rung": self.name}


def _threads(matrix: np.ndarray) -> int:
    """One thread for small requests (waking more costs more than it gives), LightGBM's default beyond."""
    return 1 if len(matrix) < 64 else 0
