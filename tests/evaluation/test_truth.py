"""The model beside a sample company's truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.errors import DataError, NotFound
from revml.evaluation.truth import compare_with_truth

AT = pd.Timestamp("2026-01-01")


def _truth(folder: Path, p: np.ndarray) -> Path:
    ids = [f"a{i}" for i in range(len(p))]
    folder.mkdir(exist_ok=True)
    pd.DataFrame({"account_id": ids, "as_of": AT, "p_churn_90d": p}).to_parquet(folder / "account_months.parquet")
    events = {
        "account_id": ["a0", "a1"],
        "time": [AT + pd.Timedelta(days=10), AT + pd.Timedelta(days=400)],
        "kind": "churn",
        "cause": "acquired",
        "forewarned": False,
    }
    pd.DataFrame(events).to_parquet(folder / "events.parquet")
    return folder


def _predictions(probability: np.ndarray, label: np.ndarray) -> pd.DataFrame:
    ids = [f"a{i}" for i in range(len(label))]
    return pd.DataFrame({"account_id": ids, "as_of": AT, "label": label, "probability": probability})


RNG = np.random.default_rng(3)
TRUE = RNG.uniform(0.02, 0.6, 400)
LABEL = (RNG.random(400) < TRUE).astype(int)
LABEL[:2] = 1


def test_the_truth_itself_reaches_all(tmp_path: Path) -> None:
    """Predicting the truth reaches the whole ranking and the whole gain."""
    told = compare_with_truth(_predictions(TRUE, LABEL), _truth(tmp_path, TRUE), "churn", 0.3)
    assert (told.auc_ratio, told.gain_ratio) == (1.0, 1.0)


def test_the_constant_reaches_nothing(tmp_path: Path) -> None:
    """The constant rate reaches none of the gain and ranks like a coin."""
    told = compare_with_truth(_predictions(np.full(400, 0.3), LABEL), _truth(tmp_path, TRUE), "churn", 0.3)
    assert (told.auc_ratio, told.gain_ratio) == (0.0, 0.0)


def test_sudden_events_are_counted_within_the_window(tmp_path: Path) -> None:
    """Of two events that nothing foretold, only the one inside the horizon counts."""
    told = compare_with_truth(_predictions(TRUE, LABEL), _truth(tmp_path, TRUE), "churn", 0.3)
    assert told.sudden == 1


def test_a_missing_truth_is_named(tmp_path: Path) -> None:
    """A folder without truth, and a question that truth does not know, are errors that say so."""
    with pytest.raises(NotFound, match="no truth"):
        compare_with_truth(_predictions(TRUE, LABEL), tmp_path / "nowhere", "churn", 0.3)
    with pytest.raises(DataError, match="upsell"):
        compare_with_truth(_predictions(TRUE, LABEL), _truth(tmp_path, TRUE), "upsell", 0.3)
