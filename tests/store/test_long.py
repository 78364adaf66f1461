"""Frames that wait on disk come back as they went."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from revml.put_aside import PREFIX, put_aside
from revml.store.long import Shelved, parts_of, whole

PART = pd.DataFrame(
    {
        "account_id": pd.Series(["A", "B"], dtype="str"),
        "rank": pd.Series([1, 2], dtype="int64"),
        "contribution": [0.1 + 0.2, -1e-300],
        "value": pd.Series([3.5, None], dtype="object"),
        "text_en": pd.Series(["Škoda", None], dtype="str"),
    }
)
TEXTS = PART.assign(value=pd.Series(["retail", 7.0], dtype="object"))


def test_parts_come_back_to_the_bit(tmp_path: Path) -> None:
    """Types, missing values, numbers and texts in one column: all as they were, in order, as often as asked."""
    shelf = Shelved(tmp_path)
    for part in (PART, TEXTS):
        shelf.add(part)
    for _ in range(2):
        for came, went in zip(parts_of(shelf), (PART, TEXTS), strict=True):
            pd.testing.assert_frame_equal(came, went, check_exact=True)
    assert len(shelf) == 4
    assert whole(shelf)["value"].tolist() == [3.5, None, "retail", 7.0]
    assert shelf.kinds["value"] == {float, str}


def test_the_folder_goes_with_the_shelf(tmp_path: Path) -> None:
    """Nothing is left behind."""
    shelf = Shelved(tmp_path)
    shelf.add(PART)
    assert len(list(tmp_path.iterdir())) == 1
    del shelf
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("owner", "stays"), [(os.getpid(), True), (2**22 + 1, False)], ids=["alive", "gone"])
def test_what_a_killed_run_left_is_swept(tmp_path: Path, owner: int, stays: bool) -> None:
    """Of a process that is no more; what a living one put aside stays."""
    left = tmp_path / f"{PREFIX}{owner}-left"
    left.mkdir()
    with put_aside(tmp_path):
        assert left.exists() is stays
