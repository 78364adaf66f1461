"""Exact path-dependent TreeSHAP of LightGBM's trees, tens of times as fast as shap's and LightGBM's own.

Comes in: the text of a model, and encoded rows. Goes out: log-odds with LightGBM's own bits, a base, and what each
feature adds; `base + parts.sum(axis=1)` is `raw`. LightGBM is not imported. A row has the same bits alone and among
others, on any number of threads.

    model_text.py   reads LightGBM's text            forest.py   all that can be worked out before rows come
    kernels.py      the walks, compiled by numba     interactions.py   which pairs matter to one row
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from revml.errors import BundleError
from revml.explanations.treeshap.forest import Forest, plant
from revml.explanations.treeshap.interactions import interactions
from revml.explanations.treeshap.kernels import LANES, ROWS, explain_blocks, explain_few, explain_singly
from revml.explanations.treeshap.model_text import CannotExplain, read_trees

SINGLE, FEW = 2, 3 * LANES  # up to so many rows one by one, and in blocks of eight
CHUNK = 64 * ROWS  # rows that a thread takes at a time


@dataclass(frozen=True)
class TreeShap:
    """Trees that tell what they say and why.

    >>> shap = TreeShap.from_text(TINY, features=2)
    >>> raw, parts = shap.explain(np.array([[0.5, 7.0], [2.0, float("nan")]]))
    >>> shap.base, raw.tolist(), parts.tolist()
    (-0.25, [-1.0, 0.5], [[-0.75, 0.0], [0.75, 0.0]])
    """

    features: int
    forest: Forest

    @classmethod
    def from_text(cls, text: str, features: int) -> TreeShap:
        """Read a model.

        Args:
            text: LightGBM's, of a verified bundle.
            features: columns of the matrices to come.

        Raises:
            CannotExplain: the trees are of a kind that is not known here, such as linear ones.
        """
        return cls(features, plant(read_trees(text, features)))

    @property
    def base(self) -> float:
        """The mean of what the trees say of the rows they learned from."""
        return self.forest.base

    def raw(self, matrix: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """The sum of the trees, shape (n,), to the bit what LightGBM predicts."""
        return self._walk(matrix, threads, np.zeros((len(matrix), 0)))

    def explain(self, matrix: np.ndarray, *, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """The sum of the trees, and what each feature adds to it.

        Args:
            matrix: shape (n, features); categories as codes, NaN where a value is unknown.

        Returns:
            Shapes (n,) and (n, features).
        """
        parts = np.zeros((len(matrix), self.features))
        return self._walk(matrix, threads, parts), parts

    def interactions(self, row: np.ndarray) -> np.ndarray:
        """Which pairs matter to one row: (features, features), symmetric, row sums as `explain` has them.

        Takes about a second for hundreds of trees.
        """
        row = np.asarray(row, dtype=np.float64)
        return interactions(self.forest, row, self.explain(row[None])[1][0])

    def _walk(self, matrix: np.ndarray, threads: int, parts: np.ndarray) -> np.ndarray:
        if not (matrix.dtype == np.float64 and matrix.flags.carray):  # one layout, so that one compiled walk serves all
            matrix = np.require(matrix, np.float64, ["C", "A", "W"])
        if matrix.ndim != 2 or matrix.shape[1] != self.features:
            raise BundleError(
                "the matrix does not fit the model",
                where="treeshap",
                wanted=f"rows × {self.features} features",
                got=" × ".join(str(n) for n in matrix.shape),
            )
        n, forest, raw = len(matrix), self.forest.arrays, np.zeros(len(matrix))
        kernel = explain_singly if n <= SINGLE else explain_few if n <= FEW else explain_blocks
        if threads < 2 or n <= CHUNK:
            kernel(matrix, 0, n, forest, raw, parts)
            return raw
        with ThreadPoolExecutor(threads) as pool:
            done = [
                pool.submit(kernel, matrix, at, min(at + CHUNK, n), forest, raw, parts) for at in range(0, n, CHUNK)
            ]
            for chunk in done:
                chunk.result()
        return raw


TINY = """num_class=1
num_tree_per_iteration=1
max_feature_idx=1
Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=1
decision_type=8
left_child=-1
right_child=-2
leaf_value=-1 0.5
leaf_count=1 1
internal_count=2
end of trees
"""


def warm() -> None:
    """Compile the walks, or load them from the cache: some seconds the first time, a fraction of one afterwards."""
    tiny = TreeShap.from_text(TINY, features=2)
    for rows in (SINGLE, FEW, ROWS):
        tiny.explain(np.zeros((rows, 2)))


__all__ = ["CannotExplain", "TreeShap", "warm"]
