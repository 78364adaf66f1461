"""An explanation adds up, or there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.errors import BundleError
from revml.explanations import contributions
from revml.explanations.one_pass import Scored
from revml.models.baselines import Constant, Rule
from revml.models.learner import dataset, fit_trees
from tests.explanations.literal_bundles import FEATURES, bundle, encoding_of, frame, linear

WEIGHTS = {"active_users_28d": -0.8, "mrr": 0.3, "days_to_renewal": -0.4, "auto_renew": -0.2, "plan": 0.6}


def _model(rung: str, rows: pd.DataFrame) -> Any:
    if rung == "constant":
        return Constant(-2.0)
    if rung == "rule":
        return Rule(0, (20.0, 40.0), (1.0, -1.0, -3.0), -2.0, -1.5)
    if rung == "logistic":
        return linear(WEIGHTS, rows)
    encoding = encoding_of(rows)
    label = (np.random.default_rng(0).random(len(rows)) < 0.4).astype(float)
    params = {"num_leaves": 7, "min_data_in_leaf": 5, "learning_rate": 0.1}
    return fit_trees(
        dataset(encoding.matrix(rows), label, encoding, params), encoding, params, rounds=40, seed=0, threads=1
    )


@pytest.mark.parametrize("rung", ["constant", "rule", "logistic", "lightgbm"])
def test_base_plus_contributions_is_the_log_odds(tmp_path: Path, rung: str) -> None:
    """Whatever rung is served, each row's parts sum to the model's own raw value."""
    rows = frame(300)
    made = bundle(tmp_path, _model(rung, rows), rows)
    explained = contributions(made, rows)
    assert explained.values.shape == (300, len(FEATURES))
    np.testing.assert_allclose(explained.base + explained.values.sum(axis=1), made.raw(rows), atol=1e-9)


def test_concepts_sum_to_the_same(tmp_path: Path) -> None:
    """Rolling up to concepts loses nothing."""
    rows = frame(50)
    explained = contributions(bundle(tmp_path, linear(WEIGHTS, rows), rows), rows)
    names, sums = explained.by_concept(["adoption", "contract", "renewal", "renewal", "seats", "contract"])
    assert names == ("adoption", "contract", "renewal", "seats")
    np.testing.assert_allclose(sums.sum(axis=1), explained.values.sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(sums[:, 2], explained.values[:, 2] + explained.values[:, 3], atol=1e-12)


@pytest.mark.parametrize(("raw", "part"), [(1.0, 0.9), (1.0, float("nan")), (float("nan"), 1.0)])
def test_an_explanation_that_does_not_add_up_is_refused(tmp_path: Path, raw: float, part: float) -> None:
    """A wrong or undefined sum is an error, never a reason."""
    rows = frame(3)
    parts = np.zeros((3, len(FEATURES)))
    parts[:, 0] = part
    lie = Scored(np.full(3, raw), np.full(3, 0.5), 0.0, parts)
    with pytest.raises(BundleError, match="does not add up"):
        contributions(bundle(tmp_path, Constant(-2.0), rows), rows, lie)


def test_a_missing_feature_is_named(tmp_path: Path) -> None:
    """Explaining rows without a model's column names the column."""
    rows = frame(10)
    with pytest.raises(BundleError, match="mrr"):
        contributions(bundle(tmp_path, linear(WEIGHTS, rows), rows), rows.drop(columns="mrr"))
