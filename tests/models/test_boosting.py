"""The mean of forests is one forest, and who is in it is not picked by luck."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from revml.explanations.treeshap import TreeShap
from revml.models.boosting import choose_mean
from revml.models.forest_mean import mean_text
from revml.models.learner import dataset, fit_trees, mean_of
from revml.models.trees import Trees
from tests.models.test_rungs import ENCODING, LABEL, MATRIX

ACCOUNTS = np.arange(2_000)
GROUPS = ACCOUNTS % 4


@pytest.fixture(scope="module")
def forests() -> list[Trees]:
    """Of three sizes and lengths."""
    made = []
    for leaves, rounds in ((3, 9), (7, 30), (15, 4)):
        params = {"num_leaves": leaves, "min_data_in_leaf": 50}
        data = dataset(MATRIX, LABEL, ENCODING, params)
        made.append(fit_trees(data, ENCODING, params, rounds=rounds, seed=leaves, threads=1))
    return made


def test_the_mean_of_forests_is_one_forest(forests: list[Trees]) -> None:
    """Its log-odds and its contributions are the means of theirs."""
    mean = mean_of(forests)
    assert mean.rounds == 9 + 30 + 4
    assert mean.raw(MATRIX) == pytest.approx(np.mean([f.raw(MATRIX) for f in forests], axis=0), abs=1e-12)
    base, parts = mean.contributions(MATRIX)
    assert base == pytest.approx(np.mean([f.contributions(MATRIX)[0] for f in forests]), abs=1e-12)
    assert parts == pytest.approx(np.mean([f.contributions(MATRIX)[1] for f in forests], axis=0), abs=1e-12)


def test_it_is_scored_to_the_bit_without_lightgbm(forests: list[Trees]) -> None:
    """Our own reader gives LightGBM's bits for a mean, too."""
    mean = mean_of(forests)
    assert (TreeShap.from_text(mean.text, MATRIX.shape[1]).raw(MATRIX) == mean.raw(MATRIX)).all()


def test_the_text_is_lightgbms_own(forests: list[Trees]) -> None:
    """LightGBM writes what it read, byte for byte; a mean of one is that one."""
    text = mean_of(forests).text
    again = lightgbm.Booster(model_str=text).model_to_string(num_iteration=-1)
    assert again.replace("[num_threads: 1]", "[num_threads: 0]") == text
    assert mean_text([forests[0].text]) == forests[0].text


def test_what_is_no_model_is_refused() -> None:
    """A text without trees has no place in a mean."""
    with pytest.raises(ValueError, match="without trees"):
        mean_text(["tree\n", "tree\n"])


def _curves(*errors: float) -> tuple[np.ndarray, np.ndarray]:
    """A label, and log-odds of it with noise of these sizes."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=len(ACCOUNTS))
    label = (rng.random(len(truth)) < 1 / (1 + np.exp(-2 * truth))).astype(float)
    return label, np.stack([2 * truth + error * rng.normal(size=len(truth)) for error in errors])


def test_candidates_that_are_as_good_share_the_mean() -> None:
    """Two that err alike are in it, each with the rounds where it errs least; one that errs more is not."""
    label, curves = _curves(4.0, 0.1, 0.1, 4.0, 9.0)
    settings = [{"candidate": c, "rounds": r} for c, r in ((0, 10), (0, 20), (1, 10), (1, 20), (2, 10))]
    mean = choose_mean(settings, curves, label, GROUPS, ACCOUNTS)
    assert mean.setting == {"candidates": [(0, 20), (1, 10)], "rounds": 30}
    assert mean.raw == pytest.approx(curves[1:3].mean(axis=0))


def test_one_account_does_not_put_a_candidate_out() -> None:
    """What only one account's many rows say against a candidate is luck."""
    label, curves = _curves(0.6, 0.3)
    curves[1, :300] = -curves[0, :300]
    settings = [{"candidate": c, "rounds": 10} for c in (0, 1)]
    many = choose_mean(settings, curves, label, GROUPS, ACCOUNTS)
    one = choose_mean(settings, curves, label, np.zeros(len(label), dtype=int), np.maximum(ACCOUNTS, 300))
    assert many.setting["candidates"] == [(0, 10)]
    assert one.setting["candidates"] == [(0, 10), (1, 10)]
