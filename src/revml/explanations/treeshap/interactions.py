"""Which pairs of features matter to one account: exact Shapley interaction values of the same trees.

The integral of `forest.py` with two features taken out instead of one: a leaf of value v adds
`v ∫ (o_i - z_i) (o_j - z_j) Π_{k≠i,j} f_k dt / 2` to each of the pairs (i, j) and (j, i). What is left of a feature's
contribution stands on the diagonal (Lundberg et al. 2020). Plain numpy, leaf by leaf: for one account that is looked
at, not for a million.
"""

from __future__ import annotations

import numpy as np

from revml.explanations.treeshap.forest import CATEGORY, MISSING_LEFT, ZERO, ZERO_IS_MISSING, Forest, quadrature

Path = dict[int, tuple[bool, float]]


def interactions(forest: Forest, row: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Interaction values of one row.

    Args:
        row: as the model sees it, shape (features,).
        parts: its contributions.

    Returns:
        Shape (features, features), symmetric; row sums are `parts`.
    """
    pairs = np.zeros((len(row), len(row)))
    for first, _, points, *_ in forest.tree.tolist():
        ahead: list[tuple[int, float, Path]] = [(1, 0.0, {})]
        while ahead:
            at, value, path = ahead.pop()
            if not at:
                _add(pairs, value, path, points)
                continue
            node = forest.node[first + at - 1]
            feature, ratio = int(node["feature"]), float(node["ratio"])
            through, share = path.get(feature, (True, 1.0))
            left = goes_left(forest, node, float(row[feature]))
            for side, goes, passed in (("left", left, ratio), ("right", not left, 1 - ratio)):
                known = {**path, feature: (through and goes, share * passed)}
                ahead.append((int(node[side]), float(node[f"{side}_value"]), known))
    np.fill_diagonal(pairs, 0.0)
    pairs[np.diag_indices(len(row))] = parts - pairs.sum(axis=1)
    return pairs


def _add(pairs: np.ndarray, value: float, path: Path, points: int) -> None:
    """What a leaf adds to each pair of its path's features."""
    t, weight = quadrature(points)
    through, share = np.array(list(path.values()), dtype=float).T[:, :, None]
    factor = share + t * (through - share)
    each = (through - share) / factor
    at = np.fromiter(path, dtype=np.int64)
    pairs[np.ix_(at, at)] += (each * (value / 2 * weight * factor.prod(axis=0))) @ each.T


def goes_left(forest: Forest, node: np.void, value: float) -> bool:
    """Whether a value goes left at a node."""
    kind = int(node["kind"])
    if kind & CATEGORY:
        start = int(node["threshold"])
        words = int(forest.bits[start])
        code = int(value) if -1 < value < 2**31 else 32 * words
        return code < 32 * words and bool(forest.bits[start + 1 + code // 32] >> (code % 32) & 1)
    if np.isnan(value) or (kind & ZERO_IS_MISSING and abs(value) <= ZERO):
        return bool(kind & MISSING_LEFT)
    return (value if abs(value) > ZERO else 0.0) <= float(node["threshold"])
