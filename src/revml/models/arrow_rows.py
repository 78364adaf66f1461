"""Columns of Arrow as columns of a matrix: numbers without a detour, categories by their dictionary.

Comes in: a column of a table or a record batch. Goes out: float64, NaN where unknown; the same bits that a frame of the
same values gives. No text is made into a Python object more than once a distinct value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Column: TypeAlias = pa.Array | pa.ChunkedArray


def column_of(rows: pa.Table | pa.RecordBatch, name: str) -> pa.Array:
    """A column in one piece.

    Raises:
        KeyError: the rows lack it.
    """
    if name not in rows.schema.names:
        raise KeyError(name)
    column: Column = rows.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def category_codes(column: pa.Array, codes: Mapping[str, float]) -> np.ndarray:
    """The code of each value; NaN where it is empty or was not seen in training."""
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    told = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    known = [np.nan if v is None or v != v else codes.get(str(v), np.nan) for v in told.dictionary.to_pylist()]
    places = told.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*known, np.nan])[places])


def numbers(column: pa.Array) -> np.ndarray:
    """Numbers as float64.

    Raises:
        TypeError: it holds something else.
    """
    kind = column.type
    if not (pa.types.is_null(kind) or pa.types.is_boolean(kind) or _is_number(kind)):
        raise TypeError(str(kind))
    return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
