"""The feature rows that a run scored, kept as Parquet beside the run, and how one account's are found again.

    features.parquet              a row an account, every feature that was built, shared by all questions
    features_<question>.parquet   a row an account (and item) at risk of the question, with what only it knows

Rows are sorted by account and stand in groups of some thousand, so that one account is read without the others.
Numbers are as they were scored (float32), so that a model says of a kept row what it said in the run, to the bit.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from revml.at_risk import AtRisk
from revml.errors import StoreError
from revml.put_aside import put_aside

SHARED = "features"
KEY = "account_id"
GROUP_ROWS = 8192


class KeptRows:
    """Feature rows that wait as files until their run has a number; gone with the object."""

    def __init__(self, place: Path) -> None:
        self._folder = put_aside(place)

    def add(self, question: str, rows: AtRisk) -> None:
        """Keep the rows of a question; features that it shares with others are written once."""
        self._write(f"{SHARED}_{question}", rows.own)
        if rows.features is not None and not self._file(SHARED).exists():
            self._write(SHARED, rows.features)

    def take(self, other: KeptRows) -> None:
        """Keep what another kept as well."""
        other.copy_to(Path(self._folder.name))

    def copy_to(self, folder: Path) -> None:
        """Put all files into a folder."""
        for file in Path(self._folder.name).iterdir():
            shutil.copyfile(file, folder / file.name)

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.parquet"

    def _write(self, name: str, frame: pd.DataFrame) -> None:
        if not frame[KEY].is_monotonic_increasing:
            frame = frame.sort_values(KEY, kind="stable")
        writer: pq.ParquetWriter | None = None
        schema = pa.schema([pa.field(str(c), _kind(frame[c])) for c in frame.columns])
        try:
            writer = pq.ParquetWriter(
                self._file(name),
                schema,
                compression="zstd",
                use_dictionary=[field.name for field in schema if pa.types.is_string(field.type)],
                write_statistics=[KEY],
                write_page_checksum=True,
            )
            for start in range(0, len(frame), GROUP_ROWS):
                part = frame.iloc[start : start + GROUP_ROWS]
                columns = [pa.Array.from_pandas(part[field.name], type=field.type) for field in schema]
                writer.write_table(pa.table(columns, schema=schema), row_group_size=GROUP_ROWS)
        finally:
            if writer is not None:
                writer.close()


def _kind(values: pd.Series[Any]) -> pa.DataType:
    """Numbers keep their width; whatever is text or holds nothing is text."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return pa.timestamp("us")
    if values.dtype == "float32":
        return pa.float32()
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return pa.float64()
    return pa.string()


def kept_rows(folder: Path, question: str, account_id: str) -> pd.DataFrame | None:
    """The rows of an account that a run scored for a question, in the order of their items.

    Args:
        folder: of the run.

    Returns:
        One row, of pairs one an item, with all features that were built; empty where the account was not at risk; None
        where the run kept no rows of the question.

    Raises:
        StoreError: a file is damaged.
    """
    file = folder / f"{SHARED}_{question}.parquet"
    if not file.is_file():
        return None
    own = _of_account(file, account_id)
    if own.empty or not (folder / f"{SHARED}.parquet").is_file():
        return own
    shared = _of_account(folder / f"{SHARED}.parquet", account_id)
    more = [name for name in shared.columns if name not in own.columns]
    places = [0] * len(own) if len(shared) else [-1] * len(own)
    found = shared[more].reset_index(drop=True).reindex(places).reset_index(drop=True)
    return pd.concat([own.reset_index(drop=True), found], axis=1)


def _of_account(file: Path, account_id: str) -> pd.DataFrame:
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as opened:
            groups = [n for n in range(opened.metadata.num_row_groups) if _may_hold(opened.metadata, n, account_id)]
            table = opened.read_row_groups(groups)
            mine = pc.equal(table[KEY], pa.scalar(account_id, table.schema.field(KEY).type))
            return pd.DataFrame(table.filter(mine).to_pandas())
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            "the kept feature rows of a run cannot be read",
            where=str(file),
            wanted="the file that publishing wrote",
            got=str(error).splitlines()[0][:200],
            do="publish again with `revml score`",
        ) from None


def _may_hold(metadata: pq.FileMetaData, group: int, account_id: str) -> bool:
    columns: Iterable[int] = range(metadata.num_columns)
    place = next(i for i in columns if metadata.schema.column(i).name == KEY)
    known = metadata.row_group(group).column(place).statistics
    return known is None or not known.has_min_max or bool(known.min <= account_id <= known.max)
