"""Figures against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from revml.evaluation.metrics import calibration_error, equal_mass_bins, log_losses, pr_auc, reached, roc_auc

rows = st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40)


def _arrays(drawn: list[tuple[int, bool, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    score, label, weight = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    return score / 8, label, weight


@given(rows)
def test_auc_is_sklearns(drawn: list[tuple[int, bool, int]]) -> None:
    """With ties and weights, the ROC-AUC is scikit-learn's."""
    score, label, weight = _arrays(drawn)
    if weight @ label > 0 and weight @ (1 - label) > 0:
        assert roc_auc(score, label, weight) == pytest.approx(roc_auc_score(label, score, sample_weight=weight))


@given(rows)
def test_average_precision_is_sklearns(drawn: list[tuple[int, bool, int]]) -> None:
    """With ties and weights, the average precision is scikit-learn's."""
    score, label, weight = _arrays(drawn)
    if weight @ label > 0:
        assert pr_auc(score, label, weight) == pytest.approx(
            average_precision_score(label, score, sample_weight=weight)
        )


def test_one_class_is_not_a_number() -> None:
    """Where there is nothing to rank, no number is made up."""
    assert np.isnan(roc_auc(np.array([0.1, 0.2]), np.array([1.0, 1.0])))
    assert np.isnan(pr_auc(np.array([0.1, 0.2]), np.array([0.0, 0.0])))


def test_log_loss_of_the_base_rate_is_entropy() -> None:
    """Giving everybody the rate costs the entropy of the rate."""
    label = np.array([1.0, 0.0, 0.0, 0.0])
    expected = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert log_losses(np.full(4, 0.25), label).mean() == pytest.approx(expected)


def test_perfectly_calibrated_has_no_error() -> None:
    """Where each tenth gets what it was promised, the error is zero."""
    p = np.repeat([0.0, 0.5, 1.0], 4)
    label = np.array([0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1], dtype=float)
    assert calibration_error(p, label, equal_mass_bins(p, 3)) == 0.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_bins_rise_and_keep_ties_together(values: list[float]) -> None:
    """A higher probability never falls into a lower bin, and equal ones share a bin."""
    p = np.array(values)
    bins = equal_mass_bins(p)
    order = np.argsort(p, kind="stable")
    assert (np.diff(bins[order]) >= 0).all()
    assert all(len(set(bins[p == v].tolist())) == 1 for v in values)


@given(rows, st.integers(0, 60))
def test_a_list_is_never_longer_than_the_capacity(drawn: list[tuple[int, bool, int]], capacity: int) -> None:
    """What is reached is the capacity, or everybody where there are fewer."""
    score, _, weight = _arrays(drawn)
    taken = reached(np.argsort(-score, kind="stable"), capacity, weight)
    assert taken.sum() == pytest.approx(min(capacity, weight.sum()))
    assert (taken <= weight).all()
