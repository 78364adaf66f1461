"""Trees in the order in which they are walked, a cache line a split.

A leaf of value v under features j adds `v Π f_j` to what a path-dependent tree says when each feature is known with
probability t: `f_j = z_j + t (o_j - z_j)`, z_j the share of the rows that the splits on j let through, o_j whether they
let this row through (Owen 1972, Multilinear extensions of games; Lundberg et al. 2020 for the tree). The Shapley value
of i is the integral over t in [0, 1] of the derivative with respect to feature i: `v (o_i - z_i) Π_{j≠i} f_j`, a
polynomial of degree d - 1 for d features, which ⌈d/2⌉ nodes of Gauss and Legendre sum exactly.

A split gives its left child the share r of its rows and goes on with this row or not (o): with e = o - r its children's
products are those of the split times `r + q e` and `(1 - r) - q e`, where q is t for a feature that the path meets for
the first time. Of one that earlier splits let through with a share z it is `q = t / (z + t (1 - z))`: the quotient of
the new factor and the earlier one comes to that. Where they shut the row out, e is 0. With H the product down to the
split, L and R what its children say under the features split further down, and S what it says itself, that is

    S = R + (r + q e) (L - R),    and the split adds   e Σ_k w_k (dq/dt)_k H_k (L_k - R_k)   to its feature:

what the splits on one feature add along a path telescopes to its Shapley value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from revml.explanations.treeshap.model_text import Floats, Ints, Tree

LANES = 8  # doubles that are worked on at once
CATEGORY, MISSING_LEFT, ZERO_IS_MISSING = 1, 2, 4  # of a split's kind
ZERO = float(np.float32(1e-35))  # LightGBM takes what is this small for zero

NODE = np.dtype(
    [
        ("threshold", "f8"),  # at most this goes left; of a category, where its set stands in `bits`
        ("ratio", "f8"),  # the share of its rows that goes left
        ("let", "f8"),  # the share of the rows that earlier splits on its feature let through
        ("left_value", "f8"),  # of a child that is a leaf, else 0
        ("right_value", "f8"),
        ("feature", "i4"),
        ("kind", "i4"),
        ("left", "i4"),  # children, counted in the tree from 1; a leaf is 0
        ("right", "i4"),
        ("edge", "i4"),  # where it hangs: twice its parent, one more on the right; the root hangs on 0
        ("earlier", "i4"),  # the edge below the split that last met its feature on the path; 0: none
    ]
)


@dataclass(frozen=True)
class Forest:
    """Flat arrays for the kernels.

    Attributes:
        base: what the trees say of a row of which nothing is known.
        tree: a row a tree: first node, number of nodes, quadrature nodes, the same in lanes, where they stand.
        node: `NODE`, tree by tree, parents before their children.
        gauss: quadrature nodes, then their weights, of each number that is needed; lanes left over weigh nothing.
        bits: sets of categories that go left: the number of words, then the words, 32 categories each.
        most: the most nodes of a tree.
    """

    base: float
    tree: np.ndarray
    node: np.ndarray
    gauss: np.ndarray
    bits: np.ndarray
    most: int

    @property
    def arrays(self) -> tuple[object, ...]:
        """What the kernels take."""
        return self.tree, self.node, self.gauss, self.bits, self.most


def plant(trees: tuple[Tree, ...]) -> Forest:
    """The trees as arrays for the kernels."""
    walked = [_walk(_with_a_split(tree)) for tree in trees]
    nodes, points = [node for node, _ in walked], [-(-features // 2) for _, features in walked]
    sets = [_sets(tree) for tree in trees]
    for node, start in zip(nodes, _starts([len(words) for words in sets])[:-1], strict=True):
        node["threshold"][node["kind"] == CATEGORY] += start
    wide = {k: -(-k // LANES) * LANES for k in sorted(set(points))}
    stands = dict(zip(wide, _starts([2 * lanes for lanes in wide.values()])[:-1].tolist(), strict=True))
    sizes = [len(node) for node in nodes]
    return Forest(
        base=float(sum(_expected(tree) for tree in trees)),
        tree=np.array(
            [[a, n, k, wide[k], stands[k]] for a, n, k in zip(_starts(sizes), sizes, points, strict=False)], np.int64
        ).reshape(-1, 5),
        node=_in_lines(np.concatenate([np.zeros(0, NODE), *nodes])),
        gauss=np.concatenate([np.zeros(0), *(_padded(k, lanes) for k, lanes in wide.items())]),
        bits=np.concatenate([np.zeros(0, np.int64), *sets]),
        most=max(sizes, default=0),
    )


def _with_a_split(tree: Tree) -> Tree:
    """The tree; one without a split gets one whose sides say the same, so that walks need not ask."""
    if len(tree.feature):
        return tree
    one, none = np.ones(1), np.zeros(1, np.int64)
    return Tree(
        value=np.repeat(tree.value, 2),
        leaf_rows=np.ones(2),
        feature=none,
        threshold=one,
        decision=none,
        left=none - 1,
        right=none - 2,
        node_rows=2 * one,
        bits_start=tree.bits_start,
        bits=tree.bits,
    )


def _walk(tree: Tree) -> tuple[np.ndarray, int]:
    """The nodes of a tree, parents first and left before right, and the most features on a path."""
    node, kinds, sets = (
        np.zeros(len(tree.feature), NODE),
        _kinds(tree),
        tree.bits_start[:-1] + np.arange(len(tree.bits_start[:-1])),
    )
    met, most = 0, 0
    # What is still to be met: a node, its edge, and the features of its path: the last edge and the share let through.
    ahead: list[tuple[int, int, dict[int, tuple[int, float]]]] = [(0, 0, {})]
    while ahead:
        told, edge, path = ahead.pop()
        met += 1
        feature, children = int(tree.feature[told]), (int(tree.left[told]), int(tree.right[told]))
        earlier, let = path.get(feature, (0, 1.0))
        rows = [float(tree.leaf_rows[~to] if to < 0 else tree.node_rows[to]) for to in children]
        values = [float(tree.value[~to]) if to < 0 else 0.0 for to in children]
        threshold = sets[int(tree.threshold[told])] if kinds[told] == CATEGORY else tree.threshold[told]
        ratio = rows[0] / float(tree.node_rows[told])
        node[met - 1] = threshold, ratio, let, *values, feature, kinds[told], 0, 0, edge, earlier
        if edge:
            node[edge // 2 - 1]["right" if edge % 2 else "left"] = met
        most = max(most, len(path | {feature: None}))
        for side, share in ((1, 1 - ratio), (0, ratio)):
            if children[side] >= 0:
                ahead.append((children[side], 2 * met + side, {**path, feature: (2 * met + side, let * share)}))
    return node, most


def _kinds(tree: Tree) -> Ints:
    """What goes where at each node, as sums of `CATEGORY`, `MISSING_LEFT` and `ZERO_IS_MISSING`."""
    category, left, missing = tree.decision & 1, (tree.decision >> 1) & 1, (tree.decision >> 2) & 3
    left = np.where(missing == 0, tree.threshold >= 0, left)  # where nothing is missing, NaN counts as zero
    return np.where(category, CATEGORY, MISSING_LEFT * left + ZERO_IS_MISSING * (missing == 1))


def _sets(tree: Tree) -> Ints:
    """The sets of categories of a tree, each behind the number of its words."""
    if not len(tree.bits_start):
        return np.zeros(0, np.int64)
    sizes = np.diff(tree.bits_start)
    return np.insert(tree.bits, tree.bits_start[:-1], sizes)


@cache
def quadrature(points: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre on [0, 1]."""
    x, weight = np.polynomial.legendre.leggauss(points)
    return (x + 1) / 2, weight / 2


def _in_lines(nodes: np.ndarray) -> np.ndarray:
    """The nodes, each in one cache line."""
    size = NODE.itemsize
    room = np.zeros((len(nodes) + 1) * size, np.uint8)
    start = -room.ctypes.data % size
    out = room[start : start + len(nodes) * size].view(NODE)
    out[:] = nodes
    return out


def _padded(points: int, lanes: int) -> Floats:
    out = np.zeros((2, lanes))
    out[:, :points] = quadrature(points)
    return out.ravel()


def _expected(tree: Tree) -> float:
    """The mean of the leaves by their rows."""
    if not len(tree.feature):
        return float(tree.value[0])
    return float(sum(tree.leaf_rows / tree.node_rows[0] * tree.value))


def _starts(sizes: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
