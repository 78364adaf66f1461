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
from revml.explanations.one_pass import scored_matrix
from revml.features.spec import Feature
from revml.models.compiled import compiled
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
    known = zip(features, bundle.encoding.columns, strict=True)
    slopes = Slopes([f.direction not in DECLARED and "category" not in (f.kind, c.kind) for f, c in known])
    probability = []
    for number, (start, stop) in enumerate(parts):
        (progress or silent)("scores", number / len(parts))
        frame = rows.part(start, stop)
        matrix = bundle.encoding.matrix(frame)
        told = scored_matrix(bundle, matrix)
        explained = contributions(bundle, frame, told)
        probability.append(told.probability)
        slopes.add(matrix, explained.values)
        kept.add(explained)
    return Looked(bundle.question, rows, tuple(features), parts, np.concatenate(probability), slopes.signs, kept)


class Slopes:
    """The sign of the covariance of each feature's values and contributions, where both are known.

    Both are counted from the first of them, so that what never changes gives exactly nothing, and summed row after row,
    so that the parts in which the rows come make no difference to a single bit.

    Args:
        asked: whether a feature's slope is wanted; the others have none.

    >>> slopes = Slopes([True, False])
    >>> slopes.add(np.array([[1.0, 1.0], [2.0, 2.0], [np.nan, 3.0], [3.0, 4.0]]), -np.eye(4, 2))
    >>> slopes.signs.tolist()
    [1.0, 0.0]
    """

    def __init__(self, asked: Sequence[bool]) -> None:
        self._asked = np.array(asked, dtype=bool)
        self._sums = np.zeros((len(asked), 6))

    def add(self, values: np.ndarray, contributions: np.ndarray) -> None:
        """More rows; both (rows, features)."""
        given = [np.ascontiguousarray(array, dtype=np.float64) for array in (values, contributions)]
        _add(self._asked, *given, self._sums)

    @property
    def signs(self) -> np.ndarray:
        """1, -1 or 0 of each feature."""
        n, _, _, x, y, both = self._sums.T
        return np.where(n < LEAST_ROWS, 0.0, np.sign(both - x * y / np.maximum(n, 1)))


def warm() -> None:
    """Compile the loop, or load what was compiled before."""
    Slopes([True]).add(np.zeros((1, 1)), np.zeros((1, 1)))


@compiled
def _add(asked, values, contributions, sums):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for row in range(len(values)):
        for j in range(len(asked)):
            x, y = values[row, j], contributions[row, j]
            if not asked[j] or not np.isfinite(x):
                continue
            if sums[j, 0] == 0:
                sums[j, 1], sums[j, 2] = x, y
            x -= sums[j, 1]
            y -= sums[j, 2]
            sums[j, 0] += 1
            sums[j, 3] += x
            sums[j, 4] += y
            sums[j, 5] += x * y


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
