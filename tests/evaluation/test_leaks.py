"""Leaks: what knows the answer is named with its evidence, what is honest is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from revml.evaluation.leaks import Suspicion, suspicions

ROWS = 1_000


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, np.ndarray]:
    """Four honest columns of different strength, and the label that they drive."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 4)), columns=["logins", "seats", "tenure", "price"])
    chance = 1 / (1 + np.exp(1.3 + 1.5 * frame["logins"] + 0.6 * frame["seats"] - 0.3 * frame["price"]))
    return frame, (rng.random(ROWS) < chance).to_numpy(dtype=float)


def found(frame: pd.DataFrame, label: np.ndarray, **options: object) -> dict[str, Suspicion]:
    """The suspicions by column."""
    ids = [f"a{i}" for i in range(len(frame))]
    return {one.column: one for one in suspicions(frame, label, ids, **options)}  # type: ignore[arg-type]


def test_honest_columns_are_not_named(table: tuple[pd.DataFrame, np.ndarray]) -> None:
    """A strong, honest column stays, whatever its strength."""
    assert found(*table) == {}


def test_the_label_in_other_words_is_named(table: tuple[pd.DataFrame, np.ndarray]) -> None:
    """A recoding of the label, as a number or as a text."""
    frame, label = table
    one = found(frame.assign(status=1 - label, word=np.where(label == 1, "gone", "here")), label, categorical=["word"])
    assert set(one) == {"status", "word"}
    assert all("other words" in s.evidence and s.certain for s in one.values())


def test_what_is_filled_afterwards_is_named(table: tuple[pd.DataFrame, np.ndarray]) -> None:
    """A reason that only those who left have, of whatever words."""
    frame, label = table
    why = pd.Series(np.where(label == 1, "x", None), dtype="object").where(np.arange(ROWS) % 20 != 0, None)
    one = found(frame.assign(why=why), label, categorical=["why"])
    assert list(one) == ["why"]
    assert "0% of the others" in one["why"].evidence


def test_a_score_made_afterwards_is_named_by_its_power(table: tuple[pd.DataFrame, np.ndarray]) -> None:
    """A number that tells the outcome nearly without fault, without a telling name."""
    frame, label = table
    index = label * 2 + np.random.default_rng(1).normal(size=ROWS)
    one = found(frame.assign(k7=index), label)
    assert list(one) == ["k7"]
    assert one["k7"].certain


def test_a_column_out_of_line_with_the_others_is_named() -> None:
    """Not perfect, but alone it tells more than all others together."""
    rng = np.random.default_rng(3)
    label = (rng.random(2_000) < 0.3).astype(float)
    honest = {f"h{i}": 0.4 * label + rng.normal(size=2_000) for i in range(4)}
    one = found(pd.DataFrame({**honest, "k7": 1.7 * label + rng.normal(size=2_000)}), label)
    assert list(one) == ["k7"]
    assert "all other columns together" in one["k7"].evidence
    assert not one["k7"].certain


@pytest.mark.parametrize("name", ["Churn Score", "churnCategory", "CLTV", "propensity_90d", "Cancellation date"])
def test_a_telling_name_is_a_weaker_evidence(table: tuple[pd.DataFrame, np.ndarray], name: str) -> None:
    """Noise under a telling name is named, and said to be named for its name."""
    frame, label = table
    noise = np.random.default_rng(0).normal(size=ROWS)
    one = found(frame.assign(**{name: noise}), label, label_name="Churn Label")
    assert list(one) == [name]
    assert not one[name].certain
    assert "its name" in one[name].evidence


@pytest.mark.parametrize(
    "name", ["credit score", "description", "satisfaction_score", "Contract", "returns", "label_x"]
)
def test_an_honest_name_is_none(table: tuple[pd.DataFrame, np.ndarray], name: str) -> None:
    """Scores of other things, and words that only look alike, stay."""
    frame, label = table
    noise = np.random.default_rng(0).normal(size=ROWS)
    assert found(frame.assign(**{name: noise}), label, label_name="Churn Label") == {}


def test_a_category_with_a_value_a_row_tells_nothing(table: tuple[pd.DataFrame, np.ndarray]) -> None:
    """An id knows every training row by heart and no other."""
    frame, label = table
    assert found(frame.assign(code=[f"x{i}" for i in range(ROWS)]), label, categorical=["code"]) == {}
