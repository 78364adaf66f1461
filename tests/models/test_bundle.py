"""Bundles: what is written is what predicts, and what was altered is never loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.config import Workspace
from revml.errors import BundleError, NotFound
from revml.models.bundle import load_bundle, write_bundle
from revml.models.registry import appoint, champion
from tests.models.hand_made import FRAME, write


def test_round_trip_predicts_the_rule(tmp_path: Path) -> None:
    """A loaded rule gives each bin's probability."""
    bundle = write(tmp_path)
    assert bundle.predict(FRAME) == pytest.approx(1 / (1 + np.exp([-1.0, 1.0, 3.0, 2.0])))
    assert bundle.rung == "rule"


def test_column_order_is_the_bundles(tmp_path: Path) -> None:
    """Another column order and extra columns change nothing."""
    bundle = write(tmp_path)
    shuffled = FRAME[["industry", "seats", "logins_28d"]].assign(more=1)
    assert (bundle.predict(shuffled) == bundle.predict(FRAME)).all()


def test_rows_and_frames_agree_to_the_bit(tmp_path: Path) -> None:
    """Rows as a service gets them score like a frame."""
    bundle = write(tmp_path)
    rows = json.loads(FRAME.to_json(orient="records"))
    assert (bundle.predict_rows(rows) == bundle.predict(FRAME)).all()


def test_missing_column_is_named(tmp_path: Path) -> None:
    """A frame without a feature is an error that names it."""
    with pytest.raises(BundleError, match="'seats' is missing"):
        write(tmp_path).predict(FRAME.drop(columns="seats"))


def test_text_for_a_number_is_refused(tmp_path: Path) -> None:
    """Text in a numeric column is an error that shows it."""
    with pytest.raises(BundleError, match="'many'"):
        write(tmp_path).predict(FRAME.assign(seats=["many", "5", "5", "5"]))


@pytest.mark.parametrize("name", ["model.json", "features.json", "calibration.json", "reference.json", "card.md"])
def test_one_flipped_bit_is_refused(tmp_path: Path, name: str) -> None:
    """Any altered file is named and nothing is loaded."""
    folder = write(tmp_path).folder
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(BundleError, match=name):
        load_bundle(folder)


def test_altered_manifest_is_refused(tmp_path: Path) -> None:
    """A manifest whose content was changed does not give its hash."""
    folder = write(tmp_path).folder
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "base_rate": 0.9}))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(folder)


def test_time_of_making_is_not_hashed(tmp_path: Path) -> None:
    """The same model made at another time is the same bundle."""
    a = write_bundle(tmp_path, {"question": "churn"}, {"model.json": "{}"}, {"at": "monday"})
    b = write_bundle(tmp_path, {"question": "churn"}, {"model.json": "{}"}, {"at": "friday"})
    assert a == b


def test_half_written_bundle_is_replaced(tmp_path: Path) -> None:
    """A broken folder of the same hash does not stay in the way."""
    folder = write(tmp_path).folder
    (folder / "model.json").unlink()
    assert write(tmp_path).folder == folder
    assert load_bundle(folder).rung == "rule"
    assert sorted(p.name for p in tmp_path.iterdir()) == [folder.name]


def test_contributions_add_up(tmp_path: Path) -> None:
    """Base plus parts is the raw log-odds."""
    bundle = write(tmp_path)
    base, parts = bundle.contributions(FRAME)
    assert base + parts.sum(axis=1) == pytest.approx(bundle.raw(FRAME), abs=1e-12)


def test_champion_follows_the_pointer(tmp_path: Path) -> None:
    """The pointer gives the bundle and its registered version."""
    workspace = Workspace().at(tmp_path)
    with pytest.raises(NotFound, match="no champion for churn"):
        champion(workspace, "churn")
    made = write(workspace.bundles_dir / "churn")
    appoint(workspace.bundles_dir / "churn", made.folder.name, "7")
    assert champion(workspace, "churn").version == "7"


def test_empty_frame_gives_no_predictions(tmp_path: Path) -> None:
    """Nothing to score is not an error."""
    assert len(write(tmp_path).predict(pd.DataFrame(FRAME.iloc[:0]))) == 0
