"""A table in pieces of bytes, made as its rows come: what `revml export` writes to a file and the service sends.

Comes in: rows of a schema, a page at a time. Goes out: CSV a page at a time, or Parquet a row group at a time; never
more than one row group is held.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from revml.exports.files import cells, neutral

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GROUP_ROWS = 65_536
Rows = list[dict[str, Any]]


def csv_bytes(schema: pa.Schema, pages: Iterable[Rows], *, bom: bool = False) -> Iterator[bytes]:
    """CSV in UTF-8 (RFC 4180; times in ISO 8601, missing values empty, texts neutral).

    Args:
        bom: begin with a byte order mark, which Excel needs to read UTF-8.

    >>> list(csv_bytes(pa.schema([("a", pa.string())]), [[{"a": "=1"}], [{"a": None}]]))
    [b'a\\r\\n', b"'=1\\r\\n", b'""\\r\\n']
    """
    yield (BYTE_ORDER_MARK if bom else b"") + _lines([[neutral(name) for name in schema.names]])
    for rows in pages:
        table = pa.Table.from_pylist(rows, schema=schema)
        yield _lines(zip(*(cells(column) for column in table.columns), strict=True))


def parquet_bytes(schema: pa.Schema, pages: Iterable[Rows]) -> Iterator[bytes]:
    """Parquet with its types and page checksums, in row groups of `GROUP_ROWS`."""
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, write_page_checksum=True) as writer:
        held: list[pa.Table] = []
        for rows in pages:
            held.append(pa.Table.from_pylist(rows, schema=schema))
            while sum(map(len, held)) >= GROUP_ROWS:
                whole = pa.concat_tables(held)
                writer.write_table(whole.slice(0, GROUP_ROWS).combine_chunks(), row_group_size=GROUP_ROWS)
                held = [whole.slice(GROUP_ROWS)]
                yield sink.take()
        if sum(map(len, held)):
            writer.write_table(pa.concat_tables(held).combine_chunks(), row_group_size=GROUP_ROWS)
            yield sink.take()
    yield sink.take()


class _Sink:
    """What a writer wrote since it was last asked."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        found = b"".join(self._pieces)
        self._pieces = []
        return found


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
