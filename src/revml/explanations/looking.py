"""A model looks at rows once, part by part: probabilities at hand, contributions put aside until they are told.

Comes in: a bundle and rows at risk. Goes out: a `Looked`. What a feature does to the log-odds (its slope) takes all
rows, and reasons take the slopes; so that contributions are not computed twice nor held at once, those of several parts
wait in files of a temporary folder, which goes away with the `Looked`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from revml.at_risk import AtRisk
from revml.explanations.contributions import Contributions, Explainable, contributions
from revml.explanations.facts import values_of
from revml.explanations.one_pass import scored
from revml.features.spec import Feature
from revml.progress import Progress, silent
from revml.put_aside import put_aside

DECLARED = ("good", "bad")
LEAST_ROWS = 3  # fewer have no slope


@dataclass(frozen=True)
class Looked:
    """What a model says of all rows.

    Attributes:
        parts: where each part of the rows begins and ends.
        probability: of each row, calibrated.
        slopes: of each feature that is not declared good or bad, whether more of it goes with more log-odds (1), with
            less (-1), or with neither (0).
    """

    question: str
    rows: AtRisk
    features: tuple[Feature, ...]
    parts: tuple[tuple[int, int], ...]
    probability: np.ndarray
    slopes: np.ndarray
    _kept: _Kept

    def contributions(self, number: int) -> Contributions:
        """What each feature adds to the log-odds of the rows of a part."""
        return self._kept.read(number)


def look(
    bundle: Explainable,
    rows: AtRisk,
    features: Sequence[Feature],
    *,
    part_rows: int | None = None,
    place: Path | None = None,
    progress: Progress | None = None,
) -> Looked:
    """Score rows, and prove that each explanation adds up.

    Args:
        features: the declarations of the bundle's features, in its order.
        part_rows: rows at a time; None means all at once.
        place: where contributions wait, where there are several parts.

    Raises:
        BundleError: a feature is missing, or the explanation does not add up.
    """
    parts = tuple(rows.parts(part_rows))
    kept = _Kept(tuple(f.name for f in features), place if len(parts) > 1 else None)
    slopes = {i: _Slope() for i, feature in enumerate(features) if feature.direction not in DECLARED}
    enough = len(rows) >= LEAST_ROWS
    probability = []
    for number, (start, stop) in enumerate(parts):
        (progress or silent)("scores", number / len(parts))
        frame = rows.part(start, stop)
        told = scored(bundle, frame)
        explained = contributions(bundle, frame, told)
        probability.append(told.probability)
        if enough:
            values, _ = values_of(frame, features)
            for i, slope in slopes.items():
                slope.add(values[:, i], explained.values[:, i])
        kept.add(explained)
    signs = np.array([slopes[i].sign if i in slopes else 0.0 for i in range(len(features))])
    return Looked(bundle.question, rows, tuple(features), parts, np.concatenate(probability), signs, kept)


class _Slope:
    """The sign of the covariance of a value and its contribution, where both are known.

    Both are counted from the first of them, so that what never changes gives exactly nothing, and summed in long
    doubles, so that the parts in which the rows come make no difference.
    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._n = 0
        self._sums = np.zeros(3, dtype=np.longdouble)

    def add(self, value: np.ndarray, contribution: np.ndarray) -> None:
        known = np.isfinite(value)
        if not known.any():
            return
        x, y = value[known].astype(np.longdouble), contribution[known].astype(np.longdouble)
        if self._first is None:
            self._first = float(x[0]), float(y[0])
        x, y = x - self._first[0], y - self._first[1]
        self._n += len(x)
        self._sums += np.array([x.sum(), y.sum(), (x * y).sum()])

    @property
    def sign(self) -> float:
        if self._n < LEAST_ROWS:
            return 0.0
        x, y, both = self._sums
        return float(np.sign(both - x * y / self._n))


class _Kept:
    """Contributions by part: one in memory, several in files."""

    def __init__(self, features: tuple[str, ...], place: Path | None) -> None:
        self._features = features
        self._folder = None if place is None else put_aside(place)
        self._base: list[float] = []
        self._here: list[np.ndarray] = []

    def add(self, explained: Contributions) -> None:
        if self._folder is None:
            self._here.append(explained.values)
        else:
            np.save(self._file(len(self._base)), explained.values)
        self._base.append(explained.base)

    def read(self, number: int) -> Contributions:
        values = self._here[number] if self._folder is None else np.load(self._file(number), allow_pickle=False)
        return Contributions(self._base[number], values, self._features)

    def _file(self, number: int) -> Path:
        assert self._folder is not None  # noqa: S101 - asked for only where there is one
        return Path(self._folder.name) / f"{number}.npy"
