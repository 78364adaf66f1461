"""Attention: plays are no features unless allowed, and what was treated is counted, reported and left out on demand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from revml.config import Workspace
from revml.datasets import Dataset
from revml.evaluation.treatment import by_treatment, learned_rows
from revml.models.sheet import ModelSheet, load_sheet
from revml.training import TrainingResult, train_dataset
from tests.made_dataset import made_dataset


def attended() -> Dataset:
    """The made dataset in which the first 60 accounts are treated at each snapshot, the next 30 held out."""
    dataset = made_dataset()
    keys = dataset.frame[["account_id", "as_of"]]
    number = keys["account_id"].str[1:].astype(int)
    group = pd.Series("treated", keys.index).where(number < 60, "held_out")
    return replace(dataset, treated=keys.assign(group=group)[number < 90])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    """One training on it."""
    workspace = Workspace().at(tmp_path_factory.mktemp("attended"))
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 60, "rungs": ("constant", "rule")})
    return train_dataset(workspace, attended(), sheet=sheet)


def test_treated_and_held_out_rows_are_counted(result: TrainingResult) -> None:
    """A fifth of the learning rows is treated, a tenth held out."""
    told = result.bundle.manifest["treated"]
    assert told["rows"] == 9 * 300
    assert (told["treated_rows"], told["treated_accounts"]) == (9 * 60, 60)
    assert (told["held_out_rows"], told["held_out_accounts"]) == (9 * 30, 30)
    assert told["many"]


def test_groups_of_the_test_are_reported_apart(result: TrainingResult) -> None:
    """Events and mean probability of each group are those of its own rows, inside their intervals."""
    groups = {one["group"]: one for one in result.bundle.manifest["treated"]["test"]}
    number = result.predictions["account_id"].str[1:].astype(int)
    for name, mine in (
        ("treated", number < 60),
        ("held_out", (number >= 60) & (number < 90)),
        ("neither", number > 89),
    ):
        rows, one = result.predictions[mine], groups[name]
        assert one["rows"] == len(rows)
        assert one["rate"]["value"] == pytest.approx(rows["label"].mean(), abs=1e-6)
        assert one["score"]["value"] == pytest.approx(rows["probability"].mean(), abs=1e-6)
        assert one["score"]["low"] < one["score"]["value"] < one["score"]["high"]


def test_the_card_says_what_the_probability_means(result: TrainingResult) -> None:
    """Where many were treated, it holds under the usual attention; in both languages."""
    assert "under the usual attention" in result.bundle.card("en")
    assert "při obvyklé péči" in result.bundle.card("cs")


def test_without_plays_the_card_is_silent(tmp_path: Path) -> None:
    """No section where nothing is known of plays."""
    sheet = load_sheet(Workspace().at(tmp_path), "churn").model_copy(
        update={"bootstrap_rounds": 50, "rungs": ("constant", "rule")}
    )
    result = train_dataset(Workspace().at(tmp_path), made_dataset(), sheet=sheet)
    assert result.bundle.manifest["treated"] is None
    assert "attended" not in result.bundle.card("en")


def test_treated_rows_are_left_out_of_learning_on_demand() -> None:
    """Rows with a play go, held-out ones stay."""
    dataset = attended()
    rows = dataset.part("train")
    kept = learned_rows(dataset, rows, "leave_out")
    assert len(rows) - len(kept) == len(dataset.split.train) * 60
    assert learned_rows(dataset, rows, "keep") is rows
    predictions = dataset.part("test").assign(probability=0.5)
    told = by_treatment(dataset, predictions, "leave_out", seed=0, rounds=20)
    assert told is not None
    assert not told["many"]


def test_plays_are_features_only_where_the_sheet_allows_them() -> None:
    """By default a model does not see whom one calls."""
    features = ("mrr", "plays_28d", "days_since_play", "meetings_84d")
    assert ModelSheet(question="churn").pick(features) == ("mrr", "meetings_84d")
    assert ModelSheet(question="churn", actions="allow").pick(features) == features
