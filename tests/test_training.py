"""Training: the same data give the same bundle, small data give a rule, too little data give an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from revml.config import Workspace
from revml.errors import NotEnoughData
from revml.models.bundle import load_bundle
from revml.models.sheet import ModelSheet, load_sheet
from revml.training import TrainingResult, train_dataset
from tests.made_dataset import made_dataset


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> ModelSheet:
    """The shipped churn sheet with fewer resamples."""
    shipped = load_sheet(Workspace().at(tmp_path_factory.mktemp("sheet")), "churn")
    return shipped.model_copy(update={"bootstrap_rounds": 60, "max_rounds": 150})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, quick: ModelSheet) -> TrainingResult:
    """One training, shared by the tests that only read it."""
    return train_dataset(Workspace().at(tmp_path_factory.mktemp("work")), made_dataset(), sheet=quick)


def test_same_data_same_bundle_on_any_threads(tmp_path: Path, trained: TrainingResult, quick: ModelSheet) -> None:
    """Trained again elsewhere, on two threads, with rows in another order, the bundle's hash is the same."""
    dataset = made_dataset()
    shuffled = replace(dataset, frame=dataset.frame.sample(frac=1.0, random_state=1))
    again = train_dataset(Workspace().at(tmp_path), shuffled, sheet=quick, threads=2)
    assert again.bundle.hash == trained.bundle.hash


def test_every_rung_is_tried_and_one_is_served(trained: TrainingResult) -> None:
    """The ladder names all rungs, and the served one is among them."""
    rungs = [a.rung for a in trained.attempts]
    assert rungs == ["constant", "rule", "logistic", "lightgbm", "blend"]
    assert trained.bundle.rung in rungs


def test_a_real_mechanism_passes(trained: TrainingResult) -> None:
    """Where health drives the label, the verdict is yes and the ranking clears chance."""
    assert trained.verdict.passed
    low = trained.figures.values["roc_auc"].low
    assert low is not None
    assert low > 0.6


def test_bundle_predicts_what_was_measured(trained: TrainingResult) -> None:
    """The figures belong to the bundle on disk, to the bit."""
    test = made_dataset().part("test")
    assert (load_bundle(trained.bundle.folder).predict(test) == trained.predictions["probability"]).all()


def test_contributions_add_up_to_raw(trained: TrainingResult) -> None:
    """Base and parts give the log-odds that are calibrated."""
    test = made_dataset().part("test")
    base, parts = trained.bundle.contributions(test)
    assert parts.shape == (len(test), len(trained.bundle.features))
    assert base + parts.sum(axis=1) == pytest.approx(trained.bundle.raw(test), abs=1e-9)


def test_few_events_serve_a_rule(tmp_path: Path, quick: ModelSheet) -> None:
    """With too few events for a model, nothing above a rule is tried."""
    result = train_dataset(Workspace().at(tmp_path), made_dataset(accounts=120, level=-5.0, seed=3), sheet=quick)
    assert {a.rung for a in result.attempts} <= {"constant", "rule"}


@pytest.mark.parametrize(
    ("rungs", "most"), [(("constant",), 0), (("constant", "rule"), 60)], ids=["everybody alike", "a rule's few values"]
)
def test_what_most_accounts_share_is_no_high_risk(
    tmp_path: Path, quick: ModelSheet, rungs: tuple[str, ...], most: int
) -> None:
    """Where all have one probability nobody is high, and a group as large as that of a rule's lowest never is."""
    result = train_dataset(Workspace().at(tmp_path), made_dataset(), sheet=quick.model_copy(update={"rungs": rungs}))
    p = result.predictions["probability"].to_numpy()
    high = result.bundle.bands.of(p) == "high"
    assert high.mean() * 100 <= most
    assert not high[p == p.min()].any()


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_refused(tmp_path: Path, quick: ModelSheet, label: int) -> None:
    """Labels of one class end in an error and leave nothing behind."""
    dataset = made_dataset(accounts=80)
    with pytest.raises(NotEnoughData, match="too little to learn churn"):
        train_dataset(Workspace().at(tmp_path), replace(dataset, frame=dataset.frame.assign(label=label)), sheet=quick)
    assert list(tmp_path.iterdir()) == []


def test_thirty_accounts_are_refused(tmp_path: Path, quick: ModelSheet) -> None:
    """Thirty accounts are too few, and the error says how many are wanted."""
    with pytest.raises(NotEnoughData, match="50 accounts"):
        train_dataset(Workspace().at(tmp_path), made_dataset(accounts=30), sheet=quick)
    assert list(tmp_path.iterdir()) == []


def test_short_history_folds_by_account(tmp_path: Path, quick: ModelSheet) -> None:
    """Without a validation part rungs are chosen across accounts, and the result says so."""
    result = train_dataset(Workspace().at(tmp_path), made_dataset(valid=False, months=9), sheet=quick)
    assert not result.by_time
    assert result.verdict.passed


def test_labels_of_the_test_choose_nothing(tmp_path: Path, trained: TrainingResult, quick: ModelSheet) -> None:
    """With the test's labels turned round, the same model is made."""
    dataset = made_dataset()
    frame = dataset.frame.copy()
    test = frame["as_of"].isin(list(dataset.split.test))
    frame.loc[test, "label"] = 1 - frame.loc[test, "label"]
    turned = train_dataset(Workspace().at(tmp_path), replace(dataset, frame=frame), sheet=quick)
    for name in ("features.json", "calibration.json", "reference.json"):
        assert (turned.bundle.folder / name).read_bytes() == (trained.bundle.folder / name).read_bytes()
    assert turned.bundle.manifest["ladder"] == trained.bundle.manifest["ladder"]
