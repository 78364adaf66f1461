"""Figures of a test: known cases, and intervals that mean something."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from revml.evaluation.figures import Figures, measure
from revml.evaluation.verdict import judge

AT = pd.Timestamp("2026-01-01")


def _rows(label: list[int], probability: list[float], money: list[float] | None = None) -> pd.DataFrame:
    n = len(label)
    return pd.DataFrame(
        {
            "account_id": [f"a{i:03d}" for i in range(n)],
            "as_of": AT,
            "label": label,
            "money": money or [1.0] * n,
            "probability": probability,
        }
    )


def _noisy(n: int = 600, seed: int = 0, skill: float = 1.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.normal(-1.5, skill, n)
    probability = 1 / (1 + np.exp(-score))
    return _rows((rng.random(n) < probability).astype(int).tolist(), probability.tolist())


def _measure(rows: pd.DataFrame, capacity: int = 2, rounds: int = 60) -> Figures:
    return measure(rows, constant=float(rows["label"].mean()), capacity=capacity, seed=1, rounds=rounds)


def test_a_perfect_list_catches_what_fits_on_it() -> None:
    """With four events and room for two, a perfect order catches half, and no list could do more."""
    figures = _measure(_rows([1, 1, 1, 1, 0, 0, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1]))
    values = {name: figures.values[name].value for name in ("roc_auc", "events_caught", "events_within_reach", "lift")}
    assert values == {"roc_auc": 1.0, "events_caught": 0.5, "events_within_reach": 0.5, "lift": 2.0}


def test_money_is_caught_on_a_list_by_expected_money() -> None:
    """A likely small account gives way to a less likely large one on the list by money."""
    figures = _measure(_rows([1, 1, 0], [0.9, 0.5, 0.1], [1.0, 99.0, 1.0]), capacity=1)
    assert figures.values["money_caught"].value == pytest.approx(0.99)
    assert figures.values["events_caught"].value == 0.5


def test_each_snapshot_has_a_list_of_its_own() -> None:
    """Two snapshots with room for one each give two places, not one."""
    rows = pd.concat([_rows([1, 0], [0.9, 0.1]), _rows([1, 0], [0.6, 0.2]).assign(as_of=AT + pd.Timedelta(days=31))])
    assert _measure(rows.reset_index(drop=True), capacity=1).values["events_caught"].value == 1.0


def test_intervals_hold_the_value_and_are_reproducible() -> None:
    """An interval surrounds its value and comes out the same again."""
    first, second = _measure(_noisy()), _measure(_noisy())
    auc = first.values["roc_auc"]
    assert auc.value is not None
    assert auc.low is not None
    assert auc.high is not None
    assert auc.low < auc.value < auc.high
    assert first.to_json() == second.to_json()


def test_rows_of_an_account_are_drawn_together() -> None:
    """Copying each row three times under its account does not narrow the interval, as copying accounts would."""
    rows = _noisy(300)
    copies = pd.concat([rows.assign(as_of=AT + pd.Timedelta(days=k)) for k in range(3)], ignore_index=True)
    strangers = copies.assign(account_id=[f"b{i}" for i in range(len(copies))])

    def width(of: pd.DataFrame) -> float:
        figure = _measure(of, rounds=150).values["roc_auc"]
        assert figure.low is not None
        assert figure.high is not None
        return figure.high - figure.low

    assert width(copies) > 1.3 * width(strangers)


def test_one_class_is_told_as_unknown() -> None:
    """Without an event the ranking cannot be told, and the verdict says so."""
    figures = _measure(_rows([0, 0, 0], [0.1, 0.2, 0.3]))
    assert figures.values["roc_auc"].value is None
    assert judge(figures, "logistic").reasons == ("unknown",)


def test_a_skilled_calibrated_model_passes() -> None:
    """True probabilities pass."""
    assert judge(_measure(_noisy()), "lightgbm").passed


def test_a_test_that_the_choice_does_not_agree_with_is_doubted() -> None:
    """A model that passes its test, and did not beat the constant rate where it was chosen, may have been lucky."""
    figures = _measure(_noisy())
    assert judge(figures, "lightgbm", over_constant=0.5).reasons == ("chosen",)
    assert judge(figures, "lightgbm", over_constant=0.9).passed


def test_a_coin_does_not_pass() -> None:
    """Probabilities that know nothing fail on ranking and on loss."""
    rows = _noisy()
    coin = rows.assign(probability=np.random.default_rng(5).uniform(0.1, 0.3, len(rows)))
    assert set(judge(_measure(coin), "lightgbm").reasons) >= {"rank", "loss"}


def test_overconfidence_does_not_pass() -> None:
    """A good order with absurd probabilities fails on calibration."""
    rows = _noisy(skill=0.8)
    p = rows["probability"].clip(1e-6, 1 - 1e-6)
    steep = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + 3)))
    assert "calibration" in judge(_measure(rows.assign(probability=steep)), "lightgbm").reasons


def test_a_small_test_may_borrow_evidence() -> None:
    """A small test that points the right way passes only with the evidence of the rows that were chosen on."""
    rows = _noisy(60, seed=4, skill=1.0)
    figures = _measure(rows, rounds=200)
    assert not judge(figures, "rule").passed
    told = judge(figures, "rule", over_constant=1.0)
    assert (told.passed, told.borrowed) == (True, True)


def test_a_large_test_speaks_for_itself() -> None:
    """With a hundred events, nothing that was chosen on can excuse a test that shows nothing."""
    rows = _noisy(900)
    coin = rows.assign(probability=np.random.default_rng(5).uniform(0.1, 0.3, len(rows)))
    assert not judge(_measure(coin), "rule", over_constant=1.0).passed


def test_chance_is_no_miscalibration() -> None:
    """True probabilities on a small test have a large calibration error, and still pass on calibration."""
    reasons = [judge(_measure(_noisy(80, seed=s)), "rule").reasons for s in range(8)]
    assert sum("calibration" in r for r in reasons) <= 2


def test_the_constant_never_passes() -> None:
    """The constant rate is a fallback, not a model."""
    assert judge(_measure(_noisy()), "constant").reasons == ("constant",)


def test_segments_add_up() -> None:
    """The segments of a column share out the rows and the events."""
    rows = _noisy(200)
    side = ["left" if i % 2 else "right" for i in range(200)]
    figures = measure(rows, constant=0.2, capacity=5, seed=1, rounds=50, segments={"industry": side})
    assert sum(s["n"] for s in figures.segments) == 200
    assert sum(s["events"] for s in figures.segments) == rows["label"].sum()
