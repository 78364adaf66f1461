"""A weighted mean of two rungs' log-odds: trees and a line err in different places, so their mean often errs less.

Where events are few the first of the two is itself the mean of a line and a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from revml.models.baselines import Rung, baseline_from_json


@dataclass(frozen=True)
class Blend:
    """`share` of the second and the rest of the first, on the log-odds; contributions are weighted alike."""

    name: ClassVar[str] = "blend"
    first: Rung
    second: Rung
    share: float = 0.5

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """The mean of both."""
        return self.mean(self.first.raw(matrix), self.second.raw(matrix))

    def contributions(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean of both, base and parts."""
        base_1, parts_1 = self.first.contributions(matrix)
        base_2, parts_2 = self.second.contributions(matrix)
        return float(self.mean(base_1, base_2)), self.mean(parts_1, parts_2)

    def mean(self, first: np.ndarray | float, second: np.ndarray | float) -> np.ndarray:
        """What the first and the second say, weighted."""
        return np.asarray((1 - self.share) * first + self.share * second)

    def to_json(self) -> dict[str, Any]:
        """The first with its weight; a second that is trees is text and stands in `model.txt`."""
        told = {"rung": self.name, "share": self.share, "first": self.first.to_json()}
        return told if self.second.name == "lightgbm" else {**told, "second": self.second.to_json()}


def plain_from_json(raw: Mapping[str, Any]) -> Rung:
    """Read a rung without trees."""
    if raw["rung"] == Blend.name:
        return Blend(plain_from_json(raw["first"]), plain_from_json(raw["second"]), raw["share"])
    return baseline_from_json(raw)
