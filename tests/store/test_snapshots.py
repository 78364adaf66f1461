"""Runs as Parquet files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from revml.store.snapshots import FRAMES, save_run
from tests.literal_runs import literal_run
from tests.literal_values import FORECAST, with_values


def test_the_frames_read_back(tmp_path: Path) -> None:
    """Every frame comes back with its rows and columns, and run.json tells what it is."""
    run = literal_run()
    folder = save_run(run, 7, tmp_path / "runs")
    assert folder.name == "7"
    for name in FRAMES:
        frame = getattr(run, name)
        back = pd.read_parquet(folder / f"{name}.parquet")
        assert (list(back.columns), len(back)) == (list(frame.columns), len(frame))
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "scores.parquet"), run.scores)
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["as_of"] == "2026-03-01T00:00:00"


def test_documents_are_files_of_their_own(tmp_path: Path) -> None:
    """A run's forecast lies beside its frames, with values, drivers and the discount."""
    folder = save_run(with_values(literal_run(), FORECAST), 8, tmp_path / "runs")
    assert json.loads((folder / "report-forecast.json").read_text(encoding="utf-8")) == FORECAST
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["discount_rate"] == 0.1
    assert pd.read_parquet(folder / "drivers.parquet")["money"].sum() == 22_000


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """A frame that cannot be written leaves no folder and no temporary one."""
    run = literal_run()
    with pytest.raises(AttributeError):
        save_run(replace(run, flows=None), 7, tmp_path / "runs")  # type: ignore[arg-type]
    assert list((tmp_path / "runs").iterdir()) == []


def test_snapshots_of_forgotten_runs_are_deleted(tmp_path: Path) -> None:
    """Only the runs to keep stay; a folder that is no run is left alone."""
    (tmp_path / "notes").mkdir()
    for number in (1, 2, 3):
        save_run(literal_run(), number, tmp_path, keep=(2, 3))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2", "3", "notes"]
