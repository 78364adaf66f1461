"""Batches as one file, Parquet or CSV by its suffix, whole or not at all.

Comes in: record batches of one schema. Goes out: Parquet in row groups with checksums and the model in its metadata;
or CSV in UTF-8, whose texts no spreadsheet takes for a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from revml.errors import DataError
from revml.whole_file import whole

GROUP_ROWS = 131_072
SUFFIXES = (".parquet", ".csv")


class Writer(Protocol):
    """Takes batches in order."""

    def write(self, batch: pa.RecordBatch) -> None:
        """One batch more."""


@contextmanager
def writing(target: Path, schema: pa.Schema) -> Iterator[Writer]:
    """A writer whose file takes its place when the block ends well, and is gone when it does not.

    Raises:
        DataError: the folder is not there, may not be written or is full.
    """
    made = _Parquet if target.suffix.lower() == ".parquet" else _Csv
    try:
        with whole(target) as new:
            writer = made(new, schema)
            try:
                yield writer
            except BaseException:
                writer.abandon()
                raise
            writer.close()
    except OSError as error:
        raise DataError(
            "the file cannot be written",
            where=str(target),
            wanted="a folder that exists, may be written to and has room",
            got=str(error.strerror or error),
            do="make room or choose another place; nothing was left behind",
        ) from None


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        named = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        # Texts of reasons hardly repeat: a dictionary of them would be built only to be thrown away.
        self._writer = pq.ParquetWriter(
            path, schema, compression="zstd", compression_level=1, use_dictionary=named, write_page_checksum=True
        )
        self._held: list[pa.RecordBatch] = []
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._rows += len(batch)
        if self._rows >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held), row_group_size=2 * GROUP_ROWS)
            self._held, self._rows = [], 0

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        self._held = []
        with suppress(OSError, pa.ArrowException):  # the first error is the one to be told
            self._writer.close()


class _Csv:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        from revml.exports.files import APOSTROPHE, FORMULA_STARTS, neutral  # exports bring the database along

        starts = "".join(f"\\x{{{ord(start):x}}}" for start in (*FORMULA_STARTS, APOSTROPHE))
        self._risky = f"^([{starts}])"
        fields = [pa.field(neutral(f.name), _plain(f.type)) for f in schema]
        self._schema = pa.schema(fields)
        self._writer = pc_csv.CSVWriter(path, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = []
        for column, field in zip(batch.columns, self._schema, strict=True):
            plain = column.cast(field.type)
            if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
                plain = pc.replace_substring_regex(plain, pattern=self._risky, replacement=r"'\1")
            columns.append(plain)
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        with suppress(OSError, pa.ArrowException):
            self._writer.close()


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
