"""The mean of two rungs' log-odds: trees and a line err in different places, so their mean often errs less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from revml.models.baselines import Rung


@dataclass(frozen=True)
class Blend:
    """Half of each, on the log-odds; so contributions are halves as well."""

    name: ClassVar[str] = "blend"
    first: Rung
    second: Rung

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """The mean of both."""
        return np.asarray(0.5 * self.first.raw(matrix) + 0.5 * self.second.raw(matrix))

    def contributions(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean of both, base and parts."""
        base_1, parts_1 = self.first.contributions(matrix)
        base_2, parts_2 = self.second.contributions(matrix)
        return 0.5 * (base_1 + base_2), 0.5 * (parts_1 + parts_2)

    def to_json(self) -> dict[str, Any]:
        """Its halves stand in files of their own."""
        return {"rung": self.name}
