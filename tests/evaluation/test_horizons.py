"""Figures of a curve: measured where a horizon has closed, never on the account that the curve learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.config import Workspace
from revml.evaluation.card import card
from revml.evaluation.horizons import measure_horizons
from revml.models.bundle import load_bundle
from revml.models.curve import Renewals, fit_curve
from revml.models.curve_learning import LearnedCurve, Seen
from revml.models.sheet import ModelSheet, load_sheet
from revml.training import TrainingResult, train, train_dataset
from tests.made_dataset import made_dataset
from tests.small_company import small_company


def lived(rows: int, seed: int, closed: int) -> Seen:
    """Accounts with a constant daily hazard of their own, known for so many days."""
    rng = np.random.default_rng(seed)
    daily = np.exp(rng.normal(-7.0, 1.0, rows))
    end = rng.exponential(1 / daily)
    happened = {h: (end <= h).astype(float) if h <= closed else np.full(rows, np.nan) for h in (30, 90, 180, 365)}
    nothing = Renewals(np.full(rows, np.nan), np.full(rows, np.nan))
    return Seen(np.arange(rows) % 3, 1 - np.exp(-90 * daily), happened, nothing)


def learned(across: Seen, judged: Seen) -> LearnedCurve:
    """A curve over the first rows."""
    return LearnedCurve(fit_curve(across.probability, across.happened, across.renewals, main=90), across, judged)


def test_each_horizon_is_measured_where_it_has_closed() -> None:
    """The test up to the model's own, then rows that the ladder judged, then all, then none."""
    test, judged, every = lived(3000, 1, 90), lived(3000, 2, 180), lived(3000, 3, 365)
    told = measure_horizons(learned(every, judged), test.probability, test.happened, test.renewals)["horizons"]
    assert [one["on"] for one in told] == ["test", "test", "judged", "accounts"]
    for one in told:
        assert one["expected"] == pytest.approx(one["observed"], rel=0.2)
        assert one["log_loss"] < one["log_loss_constant"] - 0.01
        assert one["roc_auc"] > 0.7
    short = lived(3000, 4, 90)
    told = measure_horizons(learned(short, short), test.probability, test.happened, test.renewals)["horizons"]
    assert [(one["on"], one["extrapolated"]) for one in told[2:]] == [(None, True), (None, True)]


def test_the_account_is_never_measured_by_its_own_curve() -> None:
    """Where one fold alone has the event at 180 days, its rows meet a curve that expects none."""
    seen = lived(900, 5, 365)
    only = np.where(seen.fold == 0, seen.happened[180], seen.happened[90])
    seen.happened[180][:] = only  # type: ignore[index]
    seen.happened[365][:] = np.nan  # type: ignore[index]
    curve = learned(seen, seen)
    with_it, without = curve.without(1).intervals[2], curve.without(0).intervals[2]
    assert with_it.events > 0
    assert without.events == 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelSheet, TrainingResult]:
    """A churn model of the company that can be counted by hand, with few resamples."""
    folder = tmp_path_factory.mktemp("curve")
    workspace = Workspace().at(folder)
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 20, "max_rounds": 30})
    return folder, sheet, train(workspace, small_company(folder / "facts"), "churn", sheet=sheet)


def test_a_training_leaves_a_curve_in_the_bundle(trained: tuple[Path, ModelSheet, TrainingResult]) -> None:
    """The loaded bundle predicts it, in order, and the card and the manifest tell how good it is."""
    bundle = load_bundle(trained[2].bundle.folder)
    assert "curve.json" in bundle.manifest["files"]
    frame = bundle.encoding.columns
    rows = pd.DataFrame({c.name: [None if c.kind == "category" else np.nan] * 2 for c in frame})
    found = bundle.curve(rows)
    assert found is not None
    assert found[:, 1].tobytes() == bundle.predict(rows).tobytes()
    assert (np.diff(found, axis=1) >= 0).all()
    assert [one["days"] for one in bundle.manifest["curve"]["horizons"]] == [30, 90, 180, 365]
    assert "| 365 |" in card("en", bundle.manifest)


@pytest.mark.slow
def test_a_curve_of_trees_is_the_same_on_two_threads(tmp_path: Path) -> None:
    """Half of the events come in the first 30 days, nothing is known beyond 180: the same hash, the last guessed."""
    dataset = made_dataset(accounts=200)
    label = dataset.frame["label"]
    early = label * (np.arange(len(label)) % 2)
    told = {"within_30": early, "within_90": label, "within_180": label, "within_365": pd.NA}
    outcomes = dataset.frame[["account_id", "as_of"]].assign(**told).astype(dict.fromkeys(told, "Int8"))
    dataset = replace(dataset, outcomes=outcomes)
    workspace = Workspace().at(tmp_path)
    sheet = load_sheet(workspace, "churn").model_copy(
        update={"rungs": ("lightgbm",), "bootstrap_rounds": 20, "max_rounds": 30}
    )
    one, two = (train_dataset(workspace, dataset, sheet=sheet, threads=n).bundle for n in (1, 2))
    assert one.rung == "lightgbm"
    assert one.hash == two.hash
    assert one.extrapolated_days == (365,)


def test_the_curve_is_part_of_the_same_hash(trained: tuple[Path, ModelSheet, TrainingResult], tmp_path: Path) -> None:
    """The same facts and seed give the same bundle, curve and all, in another place."""
    _, sheet, first = trained
    again = train(Workspace().at(tmp_path), small_company(tmp_path / "facts"), "churn", sheet=sheet)
    assert again.bundle.hash == first.bundle.hash
