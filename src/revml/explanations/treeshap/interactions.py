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
    for first, last, *_, points, _ in forest.tree.tolist():
        ahead: list[tuple[int, Path]] = [(first, {})] if last > first else []
        while ahead:
            node, path = ahead.pop()
            if node < 0:
                _add(pairs, float(forest.value[~node]), path, points)
                continue
            feature = int(forest.split[node, 0])
            through, share = path.get(feature, (True, 1.0))
            left = goes_left(forest, node, float(row[feature]))
            for side, goes in enumerate((left, not left)):
                known = through and goes, share * float(forest.ratio[node, side])
                ahead.append((int(forest.child[node, side]), {**path, feature: known}))
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


def goes_left(forest: Forest, node: int, value: float) -> bool:
    """Whether a value goes left at a node."""
    _, kind, start, words = forest.split[node].tolist()
    if kind & CATEGORY:
        code = int(value) if -1 < value < 2**31 else 32 * words
        return code < 32 * words and bool(forest.bits[start + code // 32] >> (code % 32) & 1)
    if np.isnan(value) or (kind & ZERO_IS_MISSING and abs(value) <= ZERO):
        return bool(kind & MISSING_LEFT)
    return (value if abs(value) > ZERO else 0.0) <= float(forest.threshold[node])
