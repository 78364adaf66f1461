"""The file job with files that it cannot take: each is refused with its place, and nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from revml.errors import DataError
from revml.file_job import score_file
from revml.models.bundle import Bundle


def refused(bundle: Bundle, source: Path, *says: str, **options: Any) -> None:
    """The job ends with an error that says this, and beside its file there is nothing new."""
    target = source.parent / "out.parquet"
    before = sorted(source.parent.iterdir())
    with pytest.raises(DataError) as error:
        score_file(bundle, source, target, currency="EUR", **options)
    for one in says:
        assert one in str(error.value)
    assert sorted(source.parent.iterdir()) == before


def test_missing_columns(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Named with the nearest that is there; the id and what is to be kept have their own words."""
    path = tmp_path / "rows.parquet"
    rows.rename(columns={"mrr": "mmr"}).to_parquet(path)
    refused(bundle, path, "the feature 'mrr' is missing", "did you mean 'mmr'?")
    rows.drop(columns=["mrr", "plan"]).to_parquet(path)
    refused(bundle, path, "2 features are missing", "mrr, plan")
    rows.to_parquet(path)
    refused(bundle, path, "no column 'customer' to tell the rows apart", id="customer")
    refused(bundle, path, "no column 'region' to keep", keep=["region"])


def test_types(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Texts and dates are no numbers, numbers with decimals no categories, and a text in CSV is told with its row."""
    path = tmp_path / "rows.parquet"
    rows.assign(mrr="many").to_parquet(path)
    refused(bundle, path, "the feature 'mrr' is not a number", "string")
    rows.assign(days_to_renewal=pd.Timestamp("2026-01-01")).to_parquet(path)
    refused(bundle, path, "'days_to_renewal' is not a number", "days since")
    rows.assign(plan=1.5).to_parquet(path)
    refused(bundle, path, "the feature 'plan' is a category", "double")
    rows.assign(mrr=["many", *rows["mrr"][1:]]).to_csv(tmp_path / "rows.csv", index=False)
    refused(bundle, tmp_path / "rows.csv", "the column 'mrr' holds something else", "a number or nothing", "'many'")


def test_numbers_beyond_what_trees_compare(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Told with the row."""
    rows.astype({"mrr": float}).assign(mrr=lambda f: np.where(f.index == 41, 1e39, f["mrr"])).to_parquet(
        tmp_path / "rows.parquet"
    )
    refused(bundle, tmp_path / "rows.parquet", "row 42", "'mrr' is too large a number", "1e+39")


def test_rows_without_an_id(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """The first of them is named."""
    rows.assign(account_id=rows["account_id"].where(rows.index != 17)).to_parquet(tmp_path / "rows.parquet")
    refused(bundle, tmp_path / "rows.parquet", "row 18: a row has no account_id")


def test_nothing_to_score(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """A file without rows, an empty file, an empty folder, no file at all, an unknown kind."""
    rows.iloc[:0].to_parquet(tmp_path / "rows.parquet")
    refused(bundle, tmp_path / "rows.parquet", "there is no row to score")
    rows.iloc[:0].to_csv(tmp_path / "rows.csv", index=False)
    refused(bundle, tmp_path / "rows.csv", "there is no row to score")
    (tmp_path / "empty.csv").touch()
    refused(bundle, tmp_path / "empty.csv", "there is no header line")
    (tmp_path / "empty.parquet").touch()
    refused(bundle, tmp_path / "empty.parquet", "cannot be read")
    (tmp_path / "folder").mkdir()
    refused(bundle, tmp_path / "folder", "there is no file of features")
    refused(bundle, tmp_path / "nowhere.parquet", "there is no such file")
    (tmp_path / "rows.xlsx").touch()
    refused(bundle, tmp_path / "rows.xlsx", "this kind of file is not known")


def test_broken_pages(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """A flipped bit in the last row group is found by its checksum; a file that is cut off by its end."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pandas(rows), path, row_group_size=100, write_page_checksum=True, compression="none")
    whole = path.read_bytes()
    at = pq.ParquetFile(path).metadata.row_group(2).column(3).data_page_offset + 60
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    refused(bundle, path, "cannot be read")
    path.write_bytes(whole[: len(whole) // 2])
    refused(bundle, path, "cannot be read")
    table = pa.Table.from_pandas(rows)
    with pa.ipc.new_stream(tmp_path / "rows.arrow", table.schema) as stream:
        stream.write_table(table)
    (tmp_path / "rows.arrow").write_bytes((tmp_path / "rows.arrow").read_bytes()[:-5000])
    refused(bundle, tmp_path / "rows.arrow", "cannot be read")


def test_what_is_there_is_not_overwritten_unasked(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Neither another file nor the rows themselves; asked for, the new one takes its place."""
    path, target = tmp_path / "rows.parquet", tmp_path / "out.parquet"
    rows.to_parquet(path)
    target.write_text("of yesterday")
    refused(bundle, path, "the file is there already", "--overwrite")
    with pytest.raises(DataError, match="take the place of its own rows"):
        score_file(bundle, path, path, currency="EUR", overwrite=True)
    score_file(bundle, path, target, currency="EUR", overwrite=True)
    assert pq.read_metadata(target).num_rows == 300


def test_columns_that_cannot_stand_beside_each_other(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """A column that is kept may not be called like one that comes out, and none may stand twice."""
    path = tmp_path / "rows.parquet"
    rows.assign(band="x").to_parquet(path)
    refused(bundle, path, "'band' cannot be kept under its name", keep=["band"])
    table = pa.Table.from_pandas(rows)
    pq.write_table(table.append_column("mrr", table["mrr"]), path)
    refused(bundle, path, "the column 'mrr' stands 2 times")


def test_places_that_take_no_file(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """No such folder, a folder's name, a suffix that is not written."""
    rows.to_parquet(tmp_path / "rows.parquet")
    for target, says in (
        (tmp_path / "no" / "out.parquet", "cannot be written"),
        (tmp_path / "out.txt", "this kind of file is not written"),
    ):
        with pytest.raises(DataError, match=says):
            score_file(bundle, tmp_path / "rows.parquet", target, currency="EUR")
    assert [one.name for one in tmp_path.iterdir()] == ["rows.parquet"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_no_room(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    """A file that may not grow is told, and nothing of it stays; as on a disk that is full."""
    rows.to_parquet(tmp_path / "rows.parquet")
    program = (
        "import resource, sys; from pathlib import Path; from revml.models.bundle import load_bundle;"
        "from revml.errors import DataError; from revml.explanations.warm import warm;"
        "from revml.file_job import score_file; warm(); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "bundle, source, target = map(Path, sys.argv[1:])\n"
        "try:\n    score_file(load_bundle(bundle), source, target, currency='EUR')\n"
        "except DataError as error:\n    print(error)"
    )
    target = tmp_path / f"out.{suffix}"
    told = subprocess.run(
        [sys.executable, "-c", program, str(bundle.folder), str(tmp_path / "rows.parquet"), str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the file cannot be written" in told.stdout, told
    assert [one.name for one in tmp_path.iterdir()] == ["rows.parquet"]
