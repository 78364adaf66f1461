"""How far two models give the same reasons: literal contributions, and a retrain under another seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from revml.config import Workspace
from revml.evaluation.stability import overlap, strongest_reasons
from revml.models.sheet import load_sheet
from revml.training import train_dataset
from tests.made_dataset import made_dataset

NAMES = ("billing", "price", "support", "usage")


def _reasons(*rows: tuple[float, ...]) -> np.ndarray:
    return strongest_reasons(NAMES, np.array(rows))


def test_the_same_reasons_overlap_wholly() -> None:
    """A model agrees with itself in every figure."""
    mine = _reasons((0.5, -0.4, 0.3, 0.2), (0.1, 0.0, 0.0, -0.9))
    told = overlap(mine, mine)
    assert told is not None
    assert (told.shared, told.low, told.jaccard, told.ranked, told.accounts) == pytest.approx((1, 1, 1, 1, 2))


def test_one_of_three_reasons_that_goes_is_a_third() -> None:
    """Two of three stay: two thirds shared; two of the four that either gives: Jaccard a half."""
    told = overlap(_reasons((0.5, 0.4, 0.3, 0.1)), _reasons((0.5, 0.4, 0.1, 0.3)))
    assert told is not None
    assert (told.shared, told.jaccard) == pytest.approx((2 / 3, 1 / 2))


def test_a_concept_that_turned_round_is_another_reason() -> None:
    """What raised the probability and now lowers it does not count as kept."""
    told = overlap(_reasons((0.5, 0.0, 0.0, 0.0)), _reasons((-0.5, 0.0, 0.0, 0.0)))
    assert told is not None
    assert told.shared == 0


def test_the_first_reason_counts_most_in_the_ranked_overlap() -> None:
    """The same three in another order: wholly shared, but not wholly in rank; a swap at the top costs more."""
    mine = _reasons((0.5, 0.4, 0.3, 0.0))
    top, bottom = overlap(mine, _reasons((0.4, 0.5, 0.3, 0.0))), overlap(mine, _reasons((0.5, 0.3, 0.4, 0.0)))
    assert top is not None
    assert bottom is not None
    assert top.shared == bottom.shared == 1
    assert top.ranked < bottom.ranked < 1


def test_the_low_figure_is_the_tenth_that_agrees_least() -> None:
    """Of ten accounts one lost all its reasons: the mean is nine tenths, the low decile nothing."""
    mine = _reasons(*[(0.5, 0.4, 0.3, 0.0)] * 20)
    other = mine.copy()
    other[:3] = _reasons((0.0, 0.0, 0.0, 0.9))
    told = overlap(mine, other)
    assert told is not None
    assert (told.shared, told.low) == pytest.approx((0.85, 0.0))


def test_nobody_without_a_reason_is_asked() -> None:
    """What hardly moves the odds is no reason; where nobody has one there is nothing to compare."""
    still = _reasons((0.01, -0.01, 0.0, 0.0))
    assert overlap(still, still) is None
    told = overlap(_reasons((0.5, 0, 0, 0), (0.01, 0, 0, 0)), _reasons((0.5, 0, 0, 0), (0.0, 0, 0, 0)))
    assert told is not None
    assert told.accounts == 1


def test_models_without_concepts_have_no_reasons() -> None:
    """A constant has no concepts at all."""
    assert strongest_reasons((), np.zeros((3, 0))).tolist() == [[""] * 3] * 3


@pytest.mark.parametrize(("rungs", "drawn"), [(("lightgbm",), True), (("logistic",), False)])
def test_a_training_tells_its_own_luck(tmp_path: Path, rungs: tuple[str, ...], drawn: bool) -> None:
    """Where trees are drawn by lot the bundle says how far reasons stay under other seeds, and says it again alike."""
    workspace = Workspace().at(tmp_path)
    update = {"bootstrap_rounds": 20, "max_rounds": 30, "rungs": rungs, "params": {"feature_fraction": 0.5}}
    sheet = load_sheet(workspace, "churn").model_copy(update=update)
    one, again = (train_dataset(workspace, made_dataset(accounts=200), sheet=sheet).bundle for _ in range(2))
    assert one.hash == again.hash
    told = one.manifest["stability"]
    assert (told is not None) == drawn
    if told is not None:
        assert told["seeds"] == 2
        assert 0 <= told["low"] <= told["shared"] <= 1
