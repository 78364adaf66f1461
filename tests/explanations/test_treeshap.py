"""TreeSHAP of our own says what LightGBM and shap say, of trees of every kind, and LightGBM's score to the bit."""

from __future__ import annotations

import logging
import subprocess
import sys
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
import shap
from hypothesis import given, settings
from hypothesis import strategies as st

from revml.errors import BundleError
from revml.explanations.one_pass import explained_by, raw_matrix, scored_matrix
from revml.explanations.treeshap import CannotExplain, TreeShap, warm
from revml.explanations.treeshap.interactions import goes_left
from revml.explanations.treeshap.kernels import explain_blocks, explain_singly
from revml.explanations.treeshap.model_text import Tree, read_trees
from revml.models.trees import Trees
from tests.explanations.literal_bundles import bundle, encoding_of, frame
from tests.explanations.random_trees import RandomTrees, random_trees

CLOSE = 1e-9


def _agrees(made: RandomTrees) -> None:
    """Score to the bit; base, parts and their sum within a tolerance."""
    ours = TreeShap.from_text(made.text, made.rows.shape[1])
    raw, parts = ours.explain(made.rows)
    theirs = made.contributions
    scale = max(1.0, float(np.abs(theirs).max()))
    assert raw.tobytes() == made.raw.tobytes()
    assert ours.raw(made.rows).tobytes() == raw.tobytes()
    assert abs(ours.base - theirs[0, -1]) <= CLOSE * scale
    assert np.abs(parts - theirs[:, :-1]).max() <= CLOSE * scale
    assert np.abs(ours.base + parts.sum(axis=1) - raw).max() <= CLOSE * scale


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_random_trees_are_explained_as_lightgbm_does(seed: int) -> None:
    """Whatever the trees, the score is LightGBM's and so is what each feature adds."""
    _agrees(random_trees(seed))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(4))
def test_thousands_of_random_trees_are_explained_as_lightgbm_does(part: int) -> None:
    """The same, of three thousand models."""
    for seed in range(part * 750, part * 750 + 750):
        _agrees(random_trees(seed))


@pytest.mark.parametrize("seed", range(6))
def test_numbers_are_explained_as_shap_itself_does(seed: int) -> None:
    """The algorithm of shap, not LightGBM's that it calls by default, gives the same parts."""
    made = random_trees(seed, numbers_only=True)
    rows = np.where(np.isfinite(made.rows), made.rows, 0.5)
    explainer = shap.TreeExplainer(made.booster)
    explainer.model.model_type = "internal"
    _, parts = TreeShap.from_text(made.text, rows.shape[1]).explain(rows)
    theirs = explainer.shap_values(rows, check_additivity=False)
    assert np.abs(parts - theirs).max() <= CLOSE * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("seed", range(6))
def test_pairs_matter_as_shap_says(seed: int) -> None:
    """Interaction values of single rows are shap's, symmetric, and add up to the contributions."""
    made = random_trees(seed, numbers_only=True)
    rows = np.where(np.isfinite(made.rows), made.rows, 0.5)[:5]
    ours = TreeShap.from_text(made.text, rows.shape[1])
    theirs = np.asarray(shap.TreeExplainer(made.booster).shap_interaction_values(rows))
    parts = ours.explain(rows)[1]
    for row, wanted, part in zip(rows, theirs, parts, strict=True):
        pairs = ours.interactions(row)
        scale = max(1.0, np.abs(wanted).max())
        assert np.abs(pairs - wanted).max() <= CLOSE * scale
        assert np.abs(pairs - pairs.T).max() <= 1e-12 * scale
        assert np.abs(pairs.sum(axis=1) - part).max() <= 1e-12 * scale


@pytest.mark.parametrize("seed", range(20, 40))
def test_pairs_go_where_the_walks_go(seed: int) -> None:
    """Categories and missing values of all kinds: step by step, each row comes to the leaves of its score."""
    made = random_trees(seed)
    forest = TreeShap.from_text(made.text, made.rows.shape[1]).forest
    for row, wanted in zip(made.rows, made.raw, strict=True):
        raw = 0.0
        for first, *_ in forest.tree.tolist():
            at, value = 1, 0.0
            while at:
                node = forest.node[first + at - 1]
                side = "left" if goes_left(forest, node, float(row[node["feature"]])) else "right"
                at, value = int(node[side]), float(node[f"{side}_value"])
            raw += value
        assert raw == wanted


def test_a_deep_skewed_tree_keeps_its_digits() -> None:
    """Each leaf three times the next: cut one by one off one side, a path of some twenty splits over two features."""
    steps = np.arange(120.0) // 4
    x = np.column_stack([steps, np.arange(120.0) % 4])
    fine = {"min_data_in_bin": 1, "verbosity": -1}
    params = {**fine, "objective": "regression", "num_leaves": 40, "min_data_in_leaf": 1, "num_threads": 1}
    data = lightgbm.Dataset(x, 3.0**steps * (1 + 0.1 * (x[:, 1] > 1)), params=fine)
    booster = lightgbm.train(params, data, num_boost_round=3)
    ours = TreeShap.from_text(booster.model_to_string(), 2)
    _, parts = ours.explain(x)
    theirs = booster.predict(x, pred_contrib=True)
    first, nodes, points, *_ = ours.forest.tree[0].tolist()
    depth = [0]
    for edge in ours.forest.node["edge"][first : first + nodes].tolist():
        depth.append(depth[edge // 2] + 1)
    assert max(depth) > 17
    assert points == 1  # two features: one quadrature node
    assert np.abs(parts - theirs[:, :-1]).max() <= CLOSE * np.abs(theirs).max()


def test_many_features_on_a_path_are_exact() -> None:
    """More than sixteen features on a path take more nodes than lanes; held against sums of whole fractions.

    LightGBM itself, which unwinds its path step by step, is off by some 1e-8 here.
    """
    rng = np.random.default_rng(4)
    x = (rng.random((6000, 40)) < 0.9).astype(float)
    label = x.prod(axis=1) * 50 + x @ rng.random(40)
    params = {"objective": "regression", "num_leaves": 60, "min_data_in_leaf": 1, "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(params, lightgbm.Dataset(x, label), num_boost_round=1)
    text = booster.model_to_string()
    ours, trees = TreeShap.from_text(text, 40), read_trees(text, 40)
    assert ours.forest.tree[:, 3].max() > 8
    wanted = [float(part) for part in _exact(trees[0], x[0])]
    for rows in (1, 50):
        raw, parts = ours.explain(x[:rows])
        assert np.abs(parts[0] - wanted).max() <= 1e-13
        assert np.abs(ours.base + parts.sum(axis=1) - raw).max() <= 1e-13
    assert np.abs(booster.predict(x[:1], pred_contrib=True)[0, :-1] - wanted).max() <= 1e-6


def _exact(tree: Tree, row: np.ndarray) -> list[Fraction]:
    """Shapley values by their integral, every polynomial in fractions; of splits on numbers that are known."""
    parts = [Fraction(0)] * len(row)
    ahead: list[tuple[int, dict[int, tuple[int, Fraction]]]] = [(0, {})]
    while ahead:
        node, path = ahead.pop()
        if node < 0:
            product = [Fraction(1)]
            for through, share in path.values():
                product = _sum([c * share for c in product], [Fraction(0), *(c * (through - share) for c in product)])
            for feature, (through, share) in path.items():
                rest, carry = [], Fraction(0)
                for coefficient in product[:-1]:  # the product without this feature's factor
                    carry = (coefficient - (through - share) * carry) / share
                    rest.append(carry)
                area = sum((c / (k + 1) for k, c in enumerate(rest)), Fraction(0))
                parts[feature] += Fraction(float(tree.value[~node])) * (through - share) * area
            continue
        feature = int(tree.feature[node])
        goes_left = bool(row[feature] <= tree.threshold[node])
        for child, through in ((int(tree.left[node]), goes_left), (int(tree.right[node]), not goes_left)):
            rows = tree.leaf_rows[~child] if child < 0 else tree.node_rows[child]
            known, share = path.get(feature, (1, Fraction(1)))
            share *= Fraction(int(rows), int(tree.node_rows[node]))
            ahead.append((child, {**path, feature: (known * through, share)}))
    return parts


def _sum(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
    return [p + q for p, q in zip_longest(a, b, fillvalue=Fraction(0))]


def test_trees_of_one_leaf_are_their_base() -> None:
    """A model that found no split says the same of every row."""
    data = lightgbm.Dataset(np.zeros((50, 2)), np.arange(50) % 2, params={"verbosity": -1})
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, data, num_boost_round=3)
    ours = TreeShap.from_text(booster.model_to_string(), 2)
    raw, parts = ours.explain(np.ones((7, 2)))
    assert raw.tobytes() == booster.predict(np.ones((7, 2)), raw_score=True).tobytes()
    assert (raw == ours.base).all()
    assert not parts.any()


def test_a_row_has_the_same_bits_alone_and_among_others() -> None:
    """One by one, in blocks, in any part and on several threads: the same bits."""
    made = random_trees(11, rows=5000)
    ours = TreeShap.from_text(made.text, made.rows.shape[1])
    raw, parts = ours.explain(made.rows)
    assert ours.explain(made.rows, threads=2)[1].tobytes() == parts.tobytes()
    for size in (1, 3, 33):
        some = [ours.explain(made.rows[k : k + size]) for k in range(0, 99, size)]
        assert np.concatenate([s[0] for s in some]).tobytes() == raw[:99].tobytes()
        assert np.concatenate([s[1] for s in some]).tobytes() == parts[:99].tobytes()


def test_matrices_of_any_layout_are_taken() -> None:
    """Columns first, single precision, read-only: the same numbers, and nothing of the caller's is written."""
    made = random_trees(12)
    rows = made.rows.astype(np.float32).astype(float)
    ours = TreeShap.from_text(made.text, rows.shape[1])
    _, parts = ours.explain(rows)
    fixed = rows.copy()
    fixed.setflags(write=False)
    for other in (np.asfortranarray(rows), rows.astype(np.float32), fixed):
        assert ours.explain(other)[1].tobytes() == parts.tobytes()
    assert ours.explain(rows[:0])[1].shape == (0, rows.shape[1])


def test_a_matrix_of_other_columns_is_refused() -> None:
    """The walks do not look where they step, so the shape is held against the model."""
    made = random_trees(12)
    with pytest.raises(BundleError, match="does not fit"):
        TreeShap.from_text(made.text, made.rows.shape[1]).explain(np.zeros((2, 99)))


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"linear_tree": True}, "linear"),
        ({"objective": "multiclass", "num_class": 3}, "several outputs"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "mean of trees"),
    ],
)
def test_what_it_cannot_explain_is_refused(params: dict[str, object], why: str) -> None:
    """Linear leaves, several classes and means of trees are named."""
    x = np.random.default_rng(0).normal(size=(300, 2))
    data = lightgbm.Dataset(x, np.arange(300) % 3 if "num_class" in params else x[:, 0], params={"verbosity": -1})
    booster = lightgbm.train({"objective": "regression", "verbosity": -1, **params}, data, num_boost_round=2)
    with pytest.raises(CannotExplain, match=why):
        TreeShap.from_text(booster.model_to_string(), 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left_child=-1", "left_child=-2"),
        ("split_feature=0", "split_feature=9"),
        ("leaf_count=1", "leaf_count=0"),
        ("internal_count=2", "internal_count=3"),
    ],
)
def test_a_text_that_is_no_tree_is_refused(old: str, new: str) -> None:
    """A child that is met twice, a column that is not there, a leaf without rows, rows that come from nowhere."""
    from revml.explanations.treeshap import TINY

    with pytest.raises(CannotExplain):
        TreeShap.from_text(TINY.replace(old, new), 2)
    with pytest.raises(CannotExplain, match="ends before"):
        TreeShap.from_text(TINY[:60], 2)


def _trees(rows: pd.DataFrame, **params: object) -> Trees:
    matrix = encoding_of(rows).matrix(rows)
    label = (np.arange(len(matrix)) % 3 == 0).astype(float)
    told = {"objective": "binary", "num_leaves": 7, "verbosity": -1, **params}
    data = lightgbm.Dataset(matrix, label, params={k: v for k, v in told.items() if k != "boosting"})
    return Trees(lightgbm.train(told, data, num_boost_round=5).model_to_string())


def test_a_mean_of_trees_is_explained_by_lightgbm_and_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What `treeshap` cannot tell LightGBM tells; the log says so once, `explained_by` whenever asked."""
    rows = frame(200)
    forest = _trees(rows, boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    made = bundle(tmp_path / "mean", forest, rows)
    matrix = made.encoding.matrix(rows)
    with caplog.at_level(logging.WARNING):
        told = [scored_matrix(made, matrix) for _ in range(2)]
    assert len([r for r in caplog.records if "pred_contrib" in r.getMessage()]) == 1
    assert explained_by(made) == "pred_contrib: the model is a mean of trees"
    assert told[0].raw.tobytes() == made.raw(rows).tobytes() == raw_matrix(made, matrix).tobytes()
    assert np.abs(told[0].base + told[0].parts.sum(axis=1) - told[0].raw).max() <= CLOSE
    fast = bundle(tmp_path / "fast", _trees(rows), rows)
    assert explained_by(fast) == "treeshap"
    assert raw_matrix(fast, matrix).tobytes() == fast.raw(rows).tobytes()


def test_linear_trees_are_scored_but_not_explained(tmp_path: Path) -> None:
    """LightGBM has no contributions of linear leaves either; the error says so."""
    rows = frame(200)
    made = bundle(tmp_path, _trees(rows, linear_tree=True), rows)
    matrix = made.encoding.matrix(rows)
    assert raw_matrix(made, matrix).tobytes() == made.raw(rows).tobytes()
    assert explained_by(made) == "nothing: the leaves of the trees are linear"
    with pytest.raises(BundleError, match="linear"):
        scored_matrix(made, matrix)


def test_compiled_code_waits_in_the_cache() -> None:
    """Once warm, a new process compiles nothing, and needs no LightGBM."""
    warm()
    asked = (
        "import sys; import revml.explanations.treeshap as t; import revml.explanations.treeshap.kernels as k;"
        "t.warm(); assert 'lightgbm' not in sys.modules;"
        "print(*(sum(f.stats.cache_misses.values()) for f in (k.explain_blocks, k.explain_singly)))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0"]
    assert explain_blocks.signatures
    assert explain_singly.signatures


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_stops_nothing() -> None:
    """Where numba finds no folder for its cache, everything is compiled in memory and says the same."""
    asked = (
        "from numba.core import caching; caching.CacheImpl._locator_classes = [];"
        "from revml.explanations.warm import warm; warm(); print('warm')"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["warm"]
