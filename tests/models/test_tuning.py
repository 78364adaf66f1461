"""Tuning: the same trials find the same, a kill costs one trial, little data is not tuned, noise changes nothing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from revml.config import Workspace
from revml.errors import DataError
from revml.models.folds import folds_by_time
from revml.models.learning import Learning
from revml.models.sheet import ModelSheet, Tuning
from revml.models.tuning import BEYOND, Tuned, tune
from revml.training import fit_dataset, train_dataset
from tests.made_dataset import made_dataset

TRIALS = 9
SHEET = ModelSheet(
    question="churn",
    params={"learning_rate": 0.1, "bagging_freq": 1},
    candidates=(
        {"num_leaves": 31, "min_data_in_leaf": 5, "learning_rate": 0.4},
        {"num_leaves": 31, "learning_rate": 0.6},
    ),
    max_rounds=50,
    early_stopping=20,
    bootstrap_rounds=50,
)
HERE = Path(__file__).parents[2]


def learning(*, seed: int = 0, shuffled: bool = False, accounts: int = 300) -> Learning:
    """The rows of a made company, encoded; shuffled labels have nothing to be found."""
    dataset = made_dataset(seed=seed, accounts=accounts, level=-1.5)
    data = fit_dataset(Workspace(), dataset, sheet=SHEET.model_copy(update={"rungs": ("constant",)})).data
    data = replace(data, sheet=SHEET)
    if not shuffled:
        return data
    return replace(data, label=np.random.default_rng(seed).permutation(data.label))


def tuned(
    file: Path, data: Learning, *, trials: int = TRIALS, minutes: float | None = None, days_later: int = 0
) -> Tuned:
    """Tune on folds by time, as training does; rows of other days are another dataset."""
    dataset = made_dataset()
    folds = folds_by_time(data.as_of, dataset.split.valid, data.label, dataset.spec.window("churn"), min_fit_events=30)
    moved = replace(data, as_of=data.as_of + np.timedelta64(days_later, "D"))
    return tune(moved, folds, Tuning(trials=trials, minutes=minutes), file, "churn", f"of {days_later}")


def stored(file: Path) -> int:
    """How many finished trials stand in the file."""
    if not file.exists():
        return 0
    try:
        with sqlite3.connect(file) as con:
            return int(con.execute("SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED')").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.fixture(scope="module")
def data() -> Learning:
    """Rows with a mechanism in them."""
    return learning()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared tuning keeps its trials."""
    return tmp_path_factory.mktemp("tuning") / "tuning.db"


@pytest.fixture(scope="module")
def found(file: Path, data: Learning) -> Tuned:
    """One tuning from the beginning to the end."""
    return tuned(file, data)


def test_candidates_of_the_sheet_come_first(found: Tuned) -> None:
    """They are tried exactly as they stand there, and count beside the trials that were asked for."""
    trials = found.told["list"]
    assert [t["settings"] for t in trials[:2]] == list(SHEET.candidates)
    assert [t["origin"] for t in trials] == ["sheet", "sheet", *["search"] * TRIALS]


def test_winners_stand_beside_the_candidates(found: Tuned) -> None:
    """A sheet whose candidates are poor is extended, and the share of resamples says by what right."""
    assert found.kept
    assert found.told["better"] >= BEYOND
    assert found.sheet.candidates == (*SHEET.candidates, *found.told["winners"])


def test_a_finished_tuning_is_not_run_again(file: Path, found: Tuned, data: Learning) -> None:
    """Asked again, it answers the same from its file without a new trial."""
    before = stored(file)
    assert tuned(file, data).told == found.told
    assert stored(file) == before


@pytest.mark.slow
def test_two_threads_find_the_same(tmp_path: Path, found: Tuned, data: Learning) -> None:
    """LightGBM's threads change nothing."""
    assert tuned(tmp_path / "tuning.db", replace(data, threads=2)).told == found.told


def test_more_trials_go_on_from_fewer(tmp_path: Path, found: Tuned, data: Learning) -> None:
    """Four trials and then nine are the nine that are found at once."""
    fewer = tuned(tmp_path / "tuning.db", data, trials=4)
    assert fewer.told["list"] == found.told["list"][:6]
    assert tuned(tmp_path / "tuning.db", data).told == found.told


@pytest.mark.slow
def test_a_killed_tuning_goes_on(tmp_path: Path, found: Tuned) -> None:
    """A process is killed amid its trials; the next finds what an undisturbed one finds."""
    file = tmp_path / "tuning.db"
    program = (
        "import sys, pathlib; from tests.models.test_tuning import *; tuned(pathlib.Path(sys.argv[1]), learning())"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(file)], cwd=HERE)
    until = time.monotonic() + 120
    while stored(file) < 4 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 4 <= stored(file) < TRIALS + 2
    assert tuned(file, learning()).told == found.told


def test_noise_changes_nothing(tmp_path: Path) -> None:
    """Where labels are shuffled, no setting is better beyond noise and the sheet stays."""
    data = learning(shuffled=True)
    nothing = tuned(tmp_path / "tuning.db", data)
    assert not nothing.kept
    assert nothing.sheet == data.sheet


def test_few_events_are_not_tuned(tmp_path: Path) -> None:
    """Below a hundred judged events nothing is tried, nothing is written, and the reason is told."""
    data = learning(accounts=60)
    guarded = tuned(tmp_path / "tuning.db", data)
    assert guarded.told["trials"] == 0
    assert "too few events" in guarded.told["why"]
    assert not (tmp_path / "tuning.db").exists()


def test_minutes_end_the_search(tmp_path: Path, data: Learning) -> None:
    """With hardly any time only the sheet's own candidates are tried."""
    assert tuned(tmp_path / "tuning.db", data, minutes=1e-6).told["trials"] == 0


def test_winners_of_another_dataset_are_tried_first(file: Path, found: Tuned, data: Learning) -> None:
    """The first setting that is searched for newer data is the one that won on the older."""
    first = tuned(file, data, trials=1, days_later=30).told["list"][2]
    assert first["origin"] == "former"
    assert first["settings"] == found.told["winners"][0]


def test_winners_of_later_data_are_not_known(file: Path, found: Tuned, data: Learning) -> None:
    """A replay of the past does not begin with what was found out later."""
    assert found.kept
    assert tuned(file, data, trials=1, days_later=-30).told["former"] == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path, data: Learning) -> None:
    """A broken file of trials is an error with its path, not a traceback of SQLite."""
    (tmp_path / "tuning.db").write_text("not a database, but long enough to be taken for one " * 40)
    with pytest.raises(DataError, match=r"tuning\.db"):
        tuned(tmp_path / "tuning.db", data)


@pytest.mark.slow
def test_a_sheet_that_asks_is_tuned_in_training(tmp_path: Path) -> None:
    """The manifest tells the trials, and the same trials elsewhere give the same bundle."""
    sheet = SHEET.model_copy(update={"tuning": Tuning(trials=3), "rungs": ("constant", "lightgbm")})
    one, two = (train_dataset(Workspace().at(tmp_path / n), made_dataset(), sheet=sheet) for n in ("one", "two"))
    assert one.bundle.manifest["tuning"]["trials"] == 3
    assert one.bundle.hash == two.bundle.hash
