"""Frames too long for memory, read part by part: a run of many accounts has its reasons and flows so.

Comes in: frames of the same columns. Goes out: the same frames, in order. A short run has plain frames instead; both
are read through `parts_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from revml.put_aside import put_aside


class Long(Protocol):
    """Frames one after another, as often as one likes."""

    @property
    def kinds(self) -> Mapping[str, Collection[type]]:
        """The types that occur in columns of objects."""

    def __iter__(self) -> Iterator[pd.DataFrame]: ...

    def __len__(self) -> int:
        """Rows of all parts."""


LongFrame: TypeAlias = pd.DataFrame | Long


def parts_of(frame: LongFrame) -> Iterator[pd.DataFrame]:
    """A plain frame as the only part, or the parts of a long one."""
    if isinstance(frame, pd.DataFrame):
        yield frame
    else:
        yield from frame


def whole(frame: LongFrame) -> pd.DataFrame:
    """All parts as one frame."""
    return frame if isinstance(frame, pd.DataFrame) else pd.concat(list(frame), ignore_index=True)


class Shelved:
    """Parts that wait as Parquet files in a folder, which goes away with the object.

    A column of objects holds numbers, texts and nothing (a reason's value); it comes back as it went.

    >>> import tempfile
    >>> shelf = Shelved(Path(tempfile.mkdtemp()))
    >>> shelf.add(pd.DataFrame({"value": pd.Series([1.5, "retail", None], dtype="object")}))
    >>> len(shelf), next(iter(shelf))["value"].tolist()
    (3, [1.5, 'retail', None])
    """

    def __init__(self, place: Path) -> None:
        self._folder = put_aside(place)
        self._rows: list[int] = []
        self._dtypes: dict[str, Any] = {}
        self._kinds: dict[str, set[type]] = {}

    @property
    def kinds(self) -> Mapping[str, Collection[type]]:
        """The types that occur in columns of objects."""
        return self._kinds

    def add(self, frame: pd.DataFrame) -> None:
        """Put a part behind the others."""
        self._dtypes = {name: frame[name].dtype for name in frame.columns}
        columns: dict[str, pa.Array] = {}
        for name in frame.columns:
            values = frame[name]
            if values.dtype != object:
                columns[name] = pa.Array.from_pandas(values)
                continue
            told = [None if pd.isna(v) else v for v in values]
            self._kinds.setdefault(name, set()).update(type(v) for v in told if v is not None)
            columns[name] = pa.array([None if isinstance(v, str) else v for v in told], pa.float64())
            columns[_text(name)] = pa.array([v if isinstance(v, str) else None for v in told], pa.string())
        pq.write_table(pa.table(columns), self._file(len(self._rows)), compression="zstd", compression_level=1)
        self._rows.append(len(frame))

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for number in range(len(self._rows)):
            table = pq.read_table(self._file(number))
            yield pd.DataFrame({name: _column(table, name, dtype) for name, dtype in self._dtypes.items()})

    def __len__(self) -> int:
        return sum(self._rows)

    def _file(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}.parquet"


def _text(name: str) -> str:
    return f"{name}\ttext"


def _column(table: pa.Table, name: str, dtype: Any) -> pd.Series:
    if _text(name) not in table.column_names:
        return pd.Series(table[name].to_pandas().astype(dtype))
    numbers = table[name].to_numpy(zero_copy_only=False)
    texts = table[_text(name)].to_numpy(zero_copy_only=False)
    cells = np.where(np.isnan(numbers), None, numbers.astype(object))
    return pd.Series(np.where(pd.isna(texts), cells, texts), dtype="object")
