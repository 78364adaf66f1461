"""LightGBM's model text, read without LightGBM: its import costs seconds, and a service only wants the numbers.

Comes in: the text of a verified bundle. Goes out: its trees as they stand there. What is not one sum of trees with
constant leaves is refused with `CannotExplain`: linear leaves, several classes, means of trees, empty nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from revml.errors import RevmlError

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


class CannotExplain(RevmlError):
    """The trees are of a kind that `treeshap` does not know; `by` may: LightGBM's `pred_contrib`, or nothing."""

    def __init__(self, what: str, *, got: str = "", by: str = "pred_contrib") -> None:
        do = "explain with LightGBM's pred_contrib, which is slower" if by == "pred_contrib" else "train other trees"
        super().__init__(what, where="model.txt", wanted="one sum of trees with constant leaves", got=got, do=do)
        self.by = by


@dataclass(frozen=True)
class Tree:
    """One tree; a child is the number of a node, or `~leaf`.

    Attributes:
        decision: bit 0 category, bit 1 missing goes left, bits 2 and 3 what is missing (0 nothing, 1 zero, 2 NaN).
        threshold: at most this goes left; of a category, its number among `bits_start`.
        bits_start, bits: sets of categories that go left, 32 a word.
    """

    value: Floats
    leaf_rows: Floats
    feature: Ints
    threshold: Floats
    decision: Ints
    left: Ints
    right: Ints
    node_rows: Floats
    bits_start: Ints
    bits: Ints


def read_trees(text: str, features: int) -> tuple[Tree, ...]:
    """The trees of a model text, in their order.

    Args:
        features: columns of the matrices that are to be explained.

    Raises:
        CannotExplain: for what is not a sum of trees with constant leaves over these columns.
    """
    sections = list(_sections(text))
    if not sections:
        raise CannotExplain("the model text is empty")
    head, *trees = sections
    for name in ("num_class", "num_tree_per_iteration"):
        if head.get(name) != "1":
            raise CannotExplain("the model has several outputs", got=f"{name}={head.get(name)}")
    if "average_output" in head:
        raise CannotExplain("the model is a mean of trees", got="average_output")
    if head.get("max_feature_idx") != str(features - 1):
        raise CannotExplain(
            f"the model does not want {features} columns", got=f"max_feature_idx={head.get('max_feature_idx')}"
        )
    return tuple(_tree(section, features) for section in trees)


def _sections(text: str) -> Iterator[dict[str, str]]:
    """The header and each tree, as their lines `key=value`; what follows the trees is left out."""
    section: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("Tree=") or line == "end of trees":
            yield section
            section = {}
        key, _, value = line.partition("=")
        if key == "end of trees":
            return
        section[key] = value
    raise CannotExplain("the model text ends before its trees do")


def _tree(section: dict[str, str], features: int) -> Tree:
    if section.get("is_linear", "0") != "0":
        raise CannotExplain("the leaves of the trees are linear", got="is_linear=1", by="nothing")
    try:
        leaves = int(section["num_leaves"])
        nodes = leaves - 1
        sets = int(section["num_cat"])
        start = _ints(section, "cat_boundaries", sets + 1 if sets else 0)
        tree = Tree(
            value=_floats(section, "leaf_value", leaves),
            leaf_rows=_floats(section, "leaf_count", leaves if nodes else 0),
            feature=_ints(section, "split_feature", nodes),
            threshold=_floats(section, "threshold", nodes),
            decision=_ints(section, "decision_type", nodes),
            left=_ints(section, "left_child", nodes),
            right=_ints(section, "right_child", nodes),
            node_rows=_floats(section, "internal_count", nodes),
            bits_start=start,
            bits=_ints(section, "cat_threshold", int(start[-1]) if sets else 0),
        )
    except (KeyError, ValueError) as error:
        raise CannotExplain("a tree cannot be read", got=f"{type(error).__name__}: {error}") from None
    _check(tree, features)
    return tree


def _check(tree: Tree, features: int) -> None:
    """Kernels do not look where they step: each node and each leaf is met once, and every index is within bounds."""
    nodes = len(tree.feature)
    children = np.concatenate([tree.left, tree.right])
    met = np.sort(np.where(children < 0, nodes + ~children, children))
    if nodes and not np.array_equal(met, np.arange(1, 2 * nodes + 1)):
        raise CannotExplain("the nodes of a tree are no tree")
    if ((tree.feature < 0) | (tree.feature >= features)).any():
        raise CannotExplain("a tree asks for a column that is not there")
    if nodes and min(tree.leaf_rows.min(), tree.node_rows.min()) <= 0:
        raise CannotExplain("a node of a tree tells no rows")
    rows = np.concatenate([tree.node_rows, tree.leaf_rows[::-1]])  # `~leaf` counts from the end
    if nodes and (rows[tree.left] + rows[tree.right] != tree.node_rows).any():
        raise CannotExplain("the children of a node of a tree have not its rows")
    sets = tree.threshold[tree.decision % 2 == 1]
    if len(sets) and not (
        np.diff(tree.bits_start).min() >= 0 and sets.min() >= 0 and sets.max() < len(tree.bits_start) - 1
    ):
        raise CannotExplain("the categories of a tree cannot be read")


def _floats(section: dict[str, str], key: str, size: int) -> Floats:
    return _sized(np.array(section[key].split() if size else [], dtype=np.float64), key, size)


def _ints(section: dict[str, str], key: str, size: int) -> Ints:
    return _sized(np.array(section[key].split() if size else [], dtype=np.int64), key, size)


def _sized(values: np.ndarray, key: str, size: int) -> np.ndarray:
    if len(values) != size:
        raise ValueError(f"{key} has {len(values)} values of {size}")
    return values
