"""Reading ready tables: roles, labels, instants, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from revml.config import Workspace, load_workspace
from revml.errors import BundleError, ConfigError, DataError, RevmlError
from revml.sources.ready import read_ready

HEAD = "company: {currency: EUR}\nready:\n  own: {path: t.csv, account: id, label: gone"


def own(folder: Path, text: str, more: str = "") -> Workspace:
    """A workspace with a table of a few lines."""
    (folder / "t.csv").write_text(text, encoding="utf-8")
    (folder / "revml.yaml").write_text(f"{HEAD}{more}}}\n", encoding="utf-8")
    return load_workspace(folder)


def test_a_label_of_one_and_zero_needs_no_positive(tmp_path: Path) -> None:
    """1 is the event, empty is not known yet."""
    rows = read_ready(own(tmp_path, "id,gone,x\na,1,3\nb,0,4\nc,,5\n"), "own")
    assert rows.frame["label"].tolist()[:2] == [1.0, 0.0]
    assert rows.frame["label"].isna().tolist() == [False, False, True]
    assert rows.kinds == {"x": "number"}


@pytest.mark.parametrize("positive", ['"Yes"', "Yes"])
def test_yes_means_yes_quoted_or_not(tmp_path: Path, positive: str) -> None:
    """YAML takes an unquoted Yes for true; it means the same here."""
    rows = read_ready(own(tmp_path, "id,gone,x\na,Yes,3\nb,No,4\n", f", positive: {positive}"), "own")
    assert rows.frame["label"].tolist() == [1.0, 0.0]


def test_an_unclear_label_shows_its_values(tmp_path: Path) -> None:
    """Without `positive` the values must say which is which."""
    with pytest.raises(ConfigError) as caught:
        read_ready(own(tmp_path, "id,gone,x\na,left,3\nb,stayed,4\n"), "own")
    assert "'left', 'stayed'" in str(caught.value)


def test_an_account_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Without as_of one account has one row, and the error names those that have more."""
    with pytest.raises(DataError, match="repeat an account") as caught:
        read_ready(own(tmp_path, "id,gone,x\na,1,3\na,0,4\n"), "own")
    assert "'a'" in str(caught.value)


def test_with_as_of_an_account_may_stand_many_times(tmp_path: Path) -> None:
    """Dates tell its rows apart; dates of features become days before."""
    text = "id,at,gone,x,since\na,2026-01-01,1,3,2025-12-22\na,2026-02-01,0,4,2025-12-22\nb,2026-02-01,0,9,2026-01-31\n"
    rows = read_ready(own(tmp_path, text, ", as_of: at, horizon_days: 30"), "own")
    assert rows.frame["since"].tolist() == [10.0, 41.0, 1.0]
    assert rows.kinds["since"] == "days"


def test_a_date_after_as_of_is_left_out(tmp_path: Path) -> None:
    """It was written later."""
    text = "id,at,gone,x,until\na,2026-01-01,1,3,2026-05-22\nb,2026-02-01,0,9,2026-01-31\n"
    rows = read_ready(own(tmp_path, text, ", as_of: at, horizon_days: 30"), "own")
    assert "knows the future" in rows.left_out["until"]


def test_dates_without_as_of_are_left_out(tmp_path: Path) -> None:
    """Nobody can say how long ago they were."""
    rows = read_ready(own(tmp_path, "id,gone,x,since\na,1,3,2025-12-22\nb,0,4,2025-11-22\n"), "own")
    assert "how long ago" in rows.left_out["since"]


@pytest.mark.parametrize(
    ("text", "more", "word"),
    [
        ("id,gone,x\na,1,3\n", ", features: [xx]", "did you mean 'x'"),
        ("id,left,x\na,1,3\n", "", "gone"),
        ("id,gone,x\n,1,3\nb,0,1\n", "", "have no account"),
        ("id,gone,x\n", "", "no rows"),
        ("id,at,gone,x\na,soon,1,3\n", ", as_of: at, horizon_days: 30", "have no instant"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, more: str, word: str) -> None:
    """Missing columns, ids, rows and instants end in a message that names them."""
    with pytest.raises(RevmlError) as caught:
        read_ready(own(tmp_path, text, more), "own")
    assert word in str(caught.value)


def test_as_of_needs_a_horizon(tmp_path: Path) -> None:
    """The split by time cannot keep labels apart without it."""
    with pytest.raises(ConfigError, match="horizon_days"):
        own(tmp_path, "id,gone,x\n", ", as_of: at")


def test_a_column_called_label_is_a_feature_of_another_name(tmp_path: Path) -> None:
    """Names that revml uses itself are told apart, in training and in scoring."""
    workspace = own(tmp_path, "id,gone,label\na,1,3\nb,0,4\n")
    assert read_ready(workspace, "own").kinds == {"label (column)": "number"}
    again = read_ready(workspace, "own", trained={"label (column)": "number"})
    assert again.frame["label (column)"].tolist() == [3.0, 4.0]


def test_scoring_reads_what_the_model_learned_from(tmp_path: Path) -> None:
    """From score_path, without a label, and a missing column is named."""
    workspace = own(tmp_path, "id,gone,x\na,1,3\nb,0,4\n", ", score_path: new.csv")
    (tmp_path / "new.csv").write_text("x,id\n,n1\n7.5,n2\n", encoding="utf-8")
    rows = read_ready(workspace, "own", trained={"x": "number"})
    assert rows.frame["account_id"].tolist() == ["n1", "n2"]
    assert pd.isna(rows.frame["x"][0])
    (tmp_path / "new.csv").write_text("y,id\n1,n1\n", encoding="utf-8")
    with pytest.raises(BundleError, match="trained on columns that the table no longer has") as refused:
        read_ready(workspace, "own", trained={"x": "number"})
    assert refused.value.wanted == "x"
