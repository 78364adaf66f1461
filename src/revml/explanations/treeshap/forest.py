"""Trees in the order in which they are walked, with every factor that a walk needs worked out beforehand.

A leaf of value v under features j adds `v Π f_j` to what a path-dependent tree says when each feature is known with
probability t: `f_j = z_j + t (o_j - z_j)`, z_j the share of the rows that the splits on j let through, o_j whether they
let this row through (Owen 1972, Multilinear extensions of games; Lundberg et al. 2020 for the tree). The Shapley value
of i is the integral over t in [0, 1] of the derivative with respect to feature i: `v (o_i - z_i) Π_{j≠i} f_j`, a
polynomial of degree d - 1 for d features, which ⌈d/2⌉ nodes of Gauss and Legendre sum exactly.

A row is in one of three states at a node: it goes left (1), it goes right (0), or an earlier split on the same feature
has shut it out already (2). A split on a feature that the path met before takes that one's place: its factor is divided
by the earlier one. So for each node, state and quadrature node four numbers are all that a walk needs: the factors to
the left and to the right child, and what the sums that come up from the left and the right add to the feature's value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from revml.explanations.treeshap.model_text import Floats, Ints, Tree

LANES = 8  # doubles that are worked on at once
CATEGORY, MISSING_LEFT, ZERO_IS_MISSING = 1, 2, 4  # of a split's kind
ZERO = float(np.float32(1e-35))  # LightGBM takes what is this small for zero


@dataclass(frozen=True)
class Forest:
    """Flat arrays for the kernels; nodes stand tree by tree in the order in which they are first met.

    Attributes:
        base: what the trees say of a row of which nothing is known.
        tree: a row a tree: first node, end of nodes, first leaf, end of leaves, quadrature nodes, the same in lanes.
        steps: the walk, twice as many as nodes: `node` is met downwards, `~node` upwards.
        split: a row a node: feature, kind, where its categories begin in `bits`, and how many words they are.
        threshold: at most this goes left.
        child: a row a node: left and right child, a node or `~leaf`.
        place: a row a node: where its own product stands, and those of its children.
        before: a row a node: the earlier node on the same feature (-1: none), and whether its left lets through.
        ratio: a row a node: the share of its rows that its children have.
        shut: a row a node: the factors to its children in state 2, the same at every quadrature node.
        table: where a node's factors begin in `factors`: `[state][left, right, up left, up right][quadrature node]`.
        value: of the leaves.
        places: how many products stand at once, at most.
        lanes: the most lanes of a tree.
    """

    base: float
    tree: np.ndarray
    steps: np.ndarray
    split: np.ndarray
    threshold: np.ndarray
    child: np.ndarray
    place: np.ndarray
    before: np.ndarray
    ratio: np.ndarray
    shut: np.ndarray
    table: np.ndarray
    factors: np.ndarray
    value: np.ndarray
    bits: np.ndarray
    places: int
    lanes: int

    @cached_property
    def arrays(self) -> tuple[object, ...]:
        """What the kernels take."""
        most_nodes = int((self.tree[:, 1] - self.tree[:, 0]).max(initial=1))
        return (
            self.tree,
            self.steps,
            self.split,
            self.threshold,
            self.child,
            self.place,
            self.before,
            self.shut,
            self.table,
            self.factors,
            self.value,
            self.bits,
            (most_nodes, self.places, self.lanes),
        )


def plant(trees: tuple[Tree, ...]) -> Forest:
    """The trees as arrays for the kernels."""
    walks = [_walk(tree) for tree in trees]
    nodes = _starts([len(tree.feature) for tree in trees])
    leaves = _starts([len(tree.value) for tree in trees])
    words = _starts([len(tree.bits) for tree in trees])
    points = [-(-walk.features // 2) for walk in walks]
    lanes = [-(-k // LANES) * LANES for k in points]
    factors = [_factors(tree, walk, k, wide) for tree, walk, k, wide in zip(trees, walks, points, lanes, strict=True)]
    table = [8 * wide * np.arange(len(tree.feature)) for tree, wide in zip(trees, lanes, strict=True)]
    starts = _starts([len(f) for f in factors])
    moved = list(zip(trees, walks, nodes[:-1], leaves[:-1], words[:-1], starts[:-1], table, strict=True))
    return Forest(
        base=float(sum(_expected(tree) for tree in trees)),
        tree=np.column_stack([nodes[:-1], nodes[1:], leaves[:-1], leaves[1:], points, lanes]).astype(np.int64),
        steps=_joined([np.where(w.steps < 0, w.steps - n, w.steps + n) for _, w, n, *_ in moved], np.int64),
        split=_joined([_splits(tree, walk, word) for tree, walk, _, _, word, *_ in moved], np.int64, 4),
        threshold=_joined([tree.threshold[walk.order] for tree, walk in zip(trees, walks, strict=True)], np.float64),
        child=_joined([np.where(w.child < 0, w.child - leaf, w.child + n) for _, w, n, leaf, *_ in moved], np.int64, 2),
        place=_joined([walk.place for walk in walks], np.int64, 3),
        before=_joined([_moved_before(walk.before, n) for _, walk, n, *_ in moved], np.int64, 2),
        ratio=_joined([walk.ratio for walk in walks], np.float64, 2),
        shut=_joined(
            [walk.ratio * _to_leaves(tree, walk) for tree, walk in zip(trees, walks, strict=True)], np.float64, 2
        ),
        table=_joined([places + start for *_, start, places in moved], np.int64),
        factors=_joined(factors, np.float64),
        value=_joined([tree.value for tree in trees], np.float64),
        bits=_joined([tree.bits for tree in trees], np.int64),
        places=max((int(walk.place.max()) + 1 for walk in walks if len(walk.place)), default=1),
        lanes=max(lanes, default=0),
    )


@dataclass(frozen=True)
class _Walk:
    """One tree, its nodes renumbered in the order in which they are met.

    Attributes:
        order: the tree's number of each node.
        ratio: share of a node's rows that its left and right child have.
        let: share of the rows that earlier splits on a node's feature let through; 1 where there are none.
        features: the most features on a path.
    """

    order: Ints
    steps: Ints
    child: np.ndarray
    place: np.ndarray
    before: np.ndarray
    ratio: np.ndarray
    let: Floats
    features: int


def _walk(tree: Tree) -> _Walk:
    """Walk down the left of each node, down its right, and up."""
    nodes, most = len(tree.feature), 0
    order: list[int] = []
    steps: list[int] = []
    child, place = np.zeros((nodes, 2), np.int64), np.zeros((nodes, 3), np.int64)
    before, ratio, let = np.full((nodes, 2), -1), np.zeros((nodes, 2)), np.ones(nodes)
    # What is still to be met: a node (or ~number, when it is left upwards), its parent, side and level, and the
    # features of its path: the last node on each, whether its left lets through, the share let through.
    ahead: list[tuple[int, int, int, int, dict[int, tuple[int, int, float]]]] = [(0, -1, 0, 0, {})] if nodes else []
    while ahead:
        told, parent, side, level, path = ahead.pop()
        if told < 0:
            steps.append(told)
            continue
        number = len(order)
        order.append(told)
        steps.append(number)
        if parent >= 0:
            child[parent, side] = number
        place[number] = 2 * level + side, 2 * level + 2, 2 * level + 3
        feature, children = int(tree.feature[told]), (int(tree.left[told]), int(tree.right[told]))
        known = path.get(feature, (-1, 0, 1.0))
        before[number], let[number] = known[:2], known[2]
        ahead.append((~number, -1, 0, 0, path))
        for turn in (1, 0):
            to = children[turn]
            rows = tree.leaf_rows[~to] if to < 0 else tree.node_rows[to]
            share = float(rows / tree.node_rows[told])
            ratio[number, turn] = share
            if to < 0:
                child[number, turn] = to
                most = max(most, len(path | {feature: known}))
            else:
                ahead.append((to, number, turn, level + 1, {**path, feature: (number, 1 - turn, known[2] * share)}))
    return _Walk(np.array(order, np.int64), np.array(steps, np.int64), child, place, before, ratio, let, most)


def _factors(tree: Tree, walk: _Walk, points: int, lanes: int) -> Floats:
    """Four factors for each node, state (0 right, 1 left) and quadrature node, nothing in the lanes left over."""
    out = np.zeros((len(walk.order), 2, 4, lanes))
    if not len(walk.order):
        return out.ravel()
    t, weight = quadrature(points)
    let = walk.let[:, None]
    old = let + t * (1 - let)  # the factor that the split's takes the place of; 1 where there is none
    value = _to_leaves(tree, walk)
    for side in (0, 1):  # left, right
        z = let * walk.ratio[:, side, None]
        for state in (0, 1):
            through = float((state == 1) == (side == 0))
            new = z + t * (through - z)
            out[:, state, side, :points] = new / old * value[:, side, None]
            out[:, state, 2 + side, :points] = weight * ((through - z) / new - (1 - let) / old)
    return out.ravel()


@cache
def quadrature(points: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre on [0, 1]."""
    x, weight = np.polynomial.legendre.leggauss(points)
    return (x + 1) / 2, weight / 2


def _to_leaves(tree: Tree, walk: _Walk) -> np.ndarray:
    """The value of each child that is a leaf, 1 for one that is not: products take it along."""
    return np.where(walk.child < 0, tree.value[np.where(walk.child < 0, ~walk.child, 0)], 1.0)


def _splits(tree: Tree, walk: _Walk, words: int) -> np.ndarray:
    """Feature, kind, first word and number of words of each node's categories."""
    decision, threshold = tree.decision[walk.order], tree.threshold[walk.order]
    category, left, missing = decision & 1, (decision >> 1) & 1, (decision >> 2) & 3
    left = np.where(missing == 0, threshold >= 0, left)  # where nothing is missing, NaN counts as zero
    kind = np.where(category, CATEGORY, MISSING_LEFT * left + ZERO_IS_MISSING * (missing == 1))
    at = np.where(category, threshold, 0).astype(np.int64)
    bounds = tree.bits_start if len(tree.bits_start) else np.zeros(2, np.int64)
    return np.column_stack([tree.feature[walk.order], kind, words + bounds[at], bounds[at + 1] - bounds[at]])


def _moved_before(before: np.ndarray, nodes: int) -> np.ndarray:
    return np.column_stack([np.where(before[:, 0] < 0, -1, before[:, 0] + nodes), before[:, 1]])


def _expected(tree: Tree) -> float:
    """The mean of the leaves by their rows."""
    if not len(tree.feature):
        return float(tree.value[0])
    return float(sum(tree.leaf_rows / tree.node_rows[0] * tree.value))


def _starts(sizes: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _joined(parts: list[np.ndarray], kind: type, columns: int = 0) -> np.ndarray:
    """The arrays of all trees one behind another; of no tree, an empty one."""
    shape = (-1, columns) if columns else (-1,)
    return np.ascontiguousarray(np.concatenate([np.zeros(0), *(p.ravel() for p in parts)]).astype(kind).reshape(shape))
