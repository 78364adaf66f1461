"""Quality over origins, on literal rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from revml.backtesting.figures import quality

FIRST = datetime(2026, 1, 1)  # noqa: DTZ001 - naive means UTC


def rows(label: list[int | None], probability: list[float]) -> pd.DataFrame:
    """Accounts a0, a1, ... worth 100 each."""
    frame = pd.DataFrame({"account_id": [f"a{k}" for k in range(len(label))], "money": 100.0})
    frame["label"] = pd.array(label, dtype="Int8")
    return frame.assign(probability=probability, expected=np.array(probability) * 100)


def measured(*frames: pd.DataFrame, capacity: int = 1, constant: float = 0.5):
    """Quality with origins a month apart."""
    as_ofs = [FIRST + timedelta(days=30 * k) for k in range(len(frames))]
    return quality(frames, as_ofs, [constant] * len(frames), capacity=capacity, seed=1, rounds=50)


PERFECT = rows([1, 0, 1, 0], [0.9, 0.1, 0.8, 0.2])
WRONG = rows([0, 1, 0, 1], [0.9, 0.1, 0.8, 0.2])


def test_figures_of_an_origin() -> None:
    """Ranked perfectly; the one call reaches one of two; the constant's log-loss is that of a coin."""
    [figures] = measured(PERFECT).each
    assert figures["roc_auc"].value == 1.0
    assert figures["events_caught"].value == 0.5
    assert figures["log_loss_constant"].value == pytest.approx(np.log(2))
    assert figures["log_loss"].value == pytest.approx(-np.log([0.9, 0.9, 0.8, 0.8]).mean())


def test_rankings_are_averaged_within_origins() -> None:
    """One perfect origin and one that is wrong all over make one half."""
    assert measured(PERFECT, WRONG).overall["roc_auc"].value == 0.5


def test_expected_and_observed_events() -> None:
    """Two expected, two came; four came where a fraction was expected lies outside."""
    [fine] = measured(PERFECT).expected
    assert (fine.predicted, fine.observed, fine.inside) == (pytest.approx(2.0), 2, True)
    [off] = measured(rows([1, 1, 1, 1], [0.01] * 4)).expected
    assert not off.inside


def test_rows_without_a_label_are_on_the_list_and_not_in_the_figures() -> None:
    """Whom the question did not apply to any more took a call, and says nothing about the probabilities."""
    frame = rows([None, 1, 0], [0.99, 0.5, 0.5])
    result = measured(frame)
    assert result.expected[0].predicted == 1.0
    assert result.each[0]["events_caught"].value == 0.0


def test_the_trend_is_the_change_from_the_first_origin_to_the_last() -> None:
    """Perfect, perfect, wrong: the line falls by one, and all accounts move together or not at all."""
    trend = measured(PERFECT, PERFECT, WRONG).trend["roc_auc"]
    assert trend.value == pytest.approx(-1.0)
    assert (trend.low, trend.high) == (pytest.approx(-1.0), pytest.approx(-1.0))


def test_two_origins_have_no_trend() -> None:
    """A line through two points says nothing about drift."""
    assert measured(PERFECT, WRONG).trend == {}


def test_one_class_has_no_ranking() -> None:
    """Nobody left: the ROC-AUC is unknown and not a made-up number."""
    [figures] = measured(rows([0, 0, 0], [0.1, 0.2, 0.3])).each
    assert figures["roc_auc"].value is None
    assert figures["log_loss"].value is not None
