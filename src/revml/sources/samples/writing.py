"""Writing contract tables as Parquet: the contract's types, page checksums, a temporary name and a rename.

The same columns give the same bytes: nothing of the machine or the moment goes into a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from revml.contract.tables import TABLES
from revml.sources.samples.clock import MICROSECONDS

ARROW = {
    "id": pa.string(),
    "text": pa.string(),
    "time": pa.timestamp("us"),
    "integer": pa.int64(),
    "number": pa.float64(),
    "money": pa.float64(),
    "flag": pa.bool_(),
}

Columns = Mapping[str, Any]


def days(day: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    """Instants from days (midnight), empty where not `known`."""
    return instants(np.asarray(day, np.int64) * MICROSECONDS, known)


def instants(microseconds: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    """Instants from microseconds since 1970, empty where not `known`."""
    mask = None if known is None else ~np.asarray(known, bool)
    return pa.array(np.asarray(microseconds, np.int64), mask=mask).cast(pa.timestamp("us"))


def coded(codes: np.ndarray, words: Any) -> pa.Array:
    """Text from codes into a list of words; a negative code is empty."""
    codes = np.asarray(codes, np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(list(words), pa.string()))


def filled(values: np.ndarray, known: np.ndarray) -> pa.Array:
    """Values, empty where not `known`."""
    return pa.array(values, mask=~np.asarray(known, bool))


def make_table(name: str, columns: Columns, *, by: tuple[str, ...] = ()) -> pa.Table:
    """A contract table from columns, with the contract's types and in the contract's order, sorted by some columns."""
    spec = TABLES[name].by_name
    arrays = {}
    for column in (c for c in spec if c in columns):
        array = columns[column]
        array = array if isinstance(array, pa.Array | pa.ChunkedArray) else pa.array(array)
        wanted = ARROW[spec[column].type]
        if not pa.types.is_dictionary(array.type) and array.type != wanted:
            array = array.cast(wanted)
        arrays[column] = array
    table = pa.table(arrays)
    if by and table.num_rows:
        table = table.take(pc.sort_indices(table, [(c, "ascending") for c in by]))
    return table


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    pq.write_table(
        table, temporary, compression="zstd", write_page_checksum=True, store_schema=False, row_group_size=1 << 20
    )
    temporary.replace(path)


def write_text(text: str, path: Path) -> None:
    """Write a text whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)
