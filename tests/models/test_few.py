"""Few events: settings are given, the mean of a rule, a line and trees serves, and the level drifts with care."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from revml.config import Workspace
from revml.models.bundle import load_bundle
from revml.models.few import FEW, PENALTY, ROUNDS, is_few
from revml.models.ladder import drifted
from revml.models.sheet import load_sheet
from revml.training import TrainingResult, train_dataset
from tests.made_dataset import made_dataset


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    """A company of 200 accounts, of which fewer than 300 had the event."""
    workspace = Workspace().at(tmp_path_factory.mktemp("small"))
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 50})
    return train_dataset(workspace, made_dataset(accounts=200, seed=1), sheet=sheet)


def test_accounts_are_counted_not_rows() -> None:
    """An account that had the event in a hundred snapshots is one account with the event."""
    accounts = np.arange(2 * FEW)
    label = (accounts < FEW).astype(float)
    assert not is_few(label, accounts)
    assert is_few(np.tile(label, 5), np.where(np.tile(label, 5) == 1, 7, np.tile(accounts, 5)))


def test_settings_are_given(trained: TrainingResult) -> None:
    """Nothing is picked: one penalty, one number of rounds, a third of the mean each."""
    settings = {attempt.rung: attempt.setting for attempt in trained.attempts}
    assert settings["logistic"] == {"C": PENALTY}
    assert settings["lightgbm"] == {"candidate": "given", "rounds": ROUNDS}
    assert settings["blend"] == {"share": 1 / 3, "rule": 0.5}


def test_the_mean_of_three_is_kept_to_the_bit(trained: TrainingResult) -> None:
    """A rule within a line within a blend comes back from the bundle's files as it was, and adds up."""
    assert trained.bundle.rung == "blend"
    told = json.loads((trained.bundle.folder / "model.json").read_text(encoding="utf-8"))
    assert (told["first"]["first"]["rung"], told["first"]["second"]["rung"]) == ("logistic", "rule")
    again = load_bundle(trained.bundle.folder)
    frame = made_dataset(accounts=200, seed=1).part("test")
    assert (again.predict(frame) == trained.predictions.sort_values("account_id")["probability"].to_numpy()).all()
    base, parts = again.contributions(frame)
    assert base + parts.sum(axis=1) == pytest.approx(again.raw(frame), abs=1e-9)


def test_what_serves_is_not_clearly_worse(trained: TrainingResult) -> None:
    """The ladder tells what share of resamples each rung was asked for."""
    asked = {row["rung"]: row["asked"] for row in trained.bundle.manifest["ladder"]}
    assert asked["rule"] > asked["logistic"] == asked["blend"] == 0.2


@pytest.mark.parametrize(("accounts", "low", "high"), [(20, 0.10, 0.125), (20_000, 0.19, 0.2)])
def test_the_level_follows_what_cannot_be_luck(accounts: int, low: float, high: float) -> None:
    """A rate of 20 % where 10 % were expected is hardly believed of 20 accounts, and believed of 20,000."""
    label = (np.arange(accounts) % 5 == 0).astype(float)
    assert low < drifted(np.full(accounts, 0.1), label, np.arange(accounts)) < high


def test_one_account_seen_often_moves_the_level_little() -> None:
    """The same rows under one account's name say less than under many."""
    label = (np.arange(1_000) % 5 == 0).astype(float)
    many = drifted(np.full(1_000, 0.1), label, np.arange(1_000))
    one = drifted(np.full(1_000, 0.1), label, np.zeros(1_000, dtype=int))
    assert 0.1 < one < many < 0.2


def test_large_data_choose(tmp_path: Path) -> None:
    """With enough accounts the settings are picked again."""
    workspace = Workspace().at(tmp_path)
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 50, "max_rounds": 30})
    result = train_dataset(workspace, made_dataset(accounts=700, seed=1), sheet=sheet)
    settings = {attempt.rung: attempt.setting for attempt in result.attempts}
    assert {number for number, _ in settings["lightgbm"]["candidates"]} <= set(range(len(sheet.candidates)))
