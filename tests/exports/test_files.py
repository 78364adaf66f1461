"""CSV and Parquet files: neutral, whole, typed."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from revml.errors import DataError
from revml.exports.files import neutral, write_csv, write_parquet

TEXTS = ["=1+1", "+420 777", "-5", "@SUM(A1)", "\tx", "\rx", 'say "hi", Škoda', "two\nlines", "", None]


def _table() -> pa.Table:
    return pa.table(
        {
            "text": pa.array(TEXTS, pa.string()),
            "money": pa.array([-1.5, 0.1, None, *[2.0] * 7], pa.float64()),
            "at": pa.array([datetime(2026, 3, 1)] * 10, pa.timestamp("us")),  # noqa: DTZ001
        }
    )


def _read(path: Path, encoding: str = "utf-8") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_would_run_as_a_formula_gets_an_apostrophe(start: str) -> None:
    """Each start that a spreadsheet executes is neutralised."""
    assert neutral(f"{start}cmd") == f"'{start}cmd"


def test_csv_gives_back_every_text_but_for_the_apostrophe(tmp_path: Path) -> None:
    """Unicode, quotes, commas and line breaks survive; formulas are neutral; missing values are empty."""
    write_csv(_table(), tmp_path / "t.csv")
    texts = [row[0] for row in _read(tmp_path / "t.csv")[1:]]
    assert texts == ["" if t is None else neutral(t) for t in TEXTS]


def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    """Only text columns are neutralised."""
    write_csv(_table(), tmp_path / "t.csv")
    assert [row[1] for row in _read(tmp_path / "t.csv")[1:4]] == ["-1.5", "0.1", ""]


def test_times_are_iso(tmp_path: Path) -> None:
    """A time is written in ISO 8601."""
    write_csv(_table(), tmp_path / "t.csv")
    assert _read(tmp_path / "t.csv")[1][2] == "2026-03-01T00:00:00"


def test_a_byte_order_mark_comes_only_when_asked_for(tmp_path: Path) -> None:
    """Excel's mark is an option."""
    write_csv(_table(), tmp_path / "plain.csv")
    write_csv(_table(), tmp_path / "excel.csv", bom=True)
    assert (tmp_path / "excel.csv").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "plain.csv").read_bytes()


def test_parquet_keeps_types_and_texts(tmp_path: Path) -> None:
    """Parquet gives back the very table, formulas untouched."""
    write_parquet(_table(), tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet") == _table()


def test_a_flipped_byte_in_a_parquet_page_is_noticed(tmp_path: Path) -> None:
    """Pages carry checksums."""
    path = tmp_path / "t.parquet"
    write_parquet(pa.table({"n": pa.array(range(1000), pa.int64())}), path)
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(OSError, match=r"checksum|CRC|corrupt"):
        pq.ParquetFile(path, page_checksum_verification=True).read()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """One folder is made for the file; a path that leads nowhere is an error that names it."""
    assert write_csv(_table(), tmp_path / "exports" / "t.csv") == 10
    with pytest.raises(DataError, match=r"t\.csv"):
        write_csv(_table(), tmp_path / "nowhere" / "deeper" / "t.csv")


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    """A folder stands where the file should go: it stays, and no half-written file is left beside it."""
    path = tmp_path / "t.csv"
    path.mkdir()
    with pytest.raises(DataError, match=r"t\.csv"):
        write_csv(_table(), path)
    assert list(tmp_path.iterdir()) == [path]
    assert list(path.iterdir()) == []
