"""Texts that a spreadsheet would run: neutral in the file, the same again when read back; numbers as they are."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revml.exports import plain, write_csv
from revml.exports.files import FORMULA_STARTS, neutral
from revml.service.csv_lines import _lines

HOSTILE = ["-1", "+1", "=1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "−1", "＝1", "'=1", "''", "'t Hof", 'a,b"c', ""]


@given(st.text())
def test_every_text_comes_back(text: str) -> None:
    """`plain` undoes `neutral`, whatever the text."""
    assert plain(neutral(text)) == text


@given(st.text())
def test_no_text_begins_as_a_formula_does(text: str) -> None:
    """Nothing that leaves is run."""
    assert not neutral(text).startswith(FORMULA_STARTS)


@pytest.mark.parametrize("text", [t for t in HOSTILE if t])
def test_a_file_is_read_back_to_the_same_values(tmp_path: Path, text: str) -> None:
    """Text columns by the rule, numbers as they stand: negative ones keep their sign and no apostrophe."""
    table = pa.table({"name": [text], "change": [-0.5], "run": pa.array([-1], pa.int64())})
    write_csv(table, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert plain(row["name"]) == text
    assert (row["change"], row["run"]) == ("-0.5", "-1")


def test_the_service_writes_the_same_cells(tmp_path: Path) -> None:
    """What the page downloads is what `revml export` writes."""
    write_csv(pa.table({"name": HOSTILE[:-1], "n": [-1.5] * (len(HOSTILE) - 1)}), tmp_path / "a.csv")
    written = (tmp_path / "a.csv").read_bytes().partition(b"\r\n")[2]
    assert _lines([[text, -1.5] for text in HOSTILE[:-1]]) == written
