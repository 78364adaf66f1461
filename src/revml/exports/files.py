"""Tables as files: CSV that no spreadsheet mistakes for a program, Parquet with checksums.

A file is written under a temporary name in its own folder and renamed, so that whoever reads it sees the old one or the
new one. In CSV a text that a spreadsheet would run as a formula gets a leading apostrophe; numbers are left alone.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from revml.errors import DataError

# The last ones are the wide forms and the minus sign, which some spreadsheets take for the plain ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u2212")
APOSTROPHE = "'"


def neutral(text: str) -> str:
    """Text that a spreadsheet shows and does not run; one that begins with an apostrophe gets another, so that `plain`
    gives back what there was.

    >>> neutral("=HYPERLINK(1)"), neutral("Acme"), neutral("-5"), neutral("'t Hof")
    ("'=HYPERLINK(1)", 'Acme', "'-5", "''t Hof")
    """
    return f"'{text}" if text.startswith((*FORMULA_STARTS, APOSTROPHE)) else text


def plain(text: str) -> str:
    """The text that `neutral` was given.

    >>> plain("'=HYPERLINK(1)"), plain("Acme"), plain("''t Hof")
    ('=HYPERLINK(1)', 'Acme', "'t Hof")
    """
    return text.removeprefix(APOSTROPHE)


def write_csv(table: pa.Table, path: Path, *, bom: bool = False) -> int:
    """Write a table as CSV in UTF-8 (RFC 4180; times in ISO 8601, missing values empty); returns the rows.

    Args:
        bom: begin with a byte order mark, which Excel needs to read UTF-8.

    Raises:
        DataError: the folder cannot be made or written.
    """
    columns = [cells(table.column(i)) for i in range(table.num_columns)]

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([neutral(name) for name in table.column_names])
            writer.writerows(zip(*columns, strict=True))

    _whole(path, write)
    return int(table.num_rows)


def write_parquet(table: pa.Table, path: Path) -> int:
    """Write a table as Parquet with its types and page checksums; returns the rows.

    Raises:
        DataError: the folder cannot be made or written.
    """
    _whole(path, lambda temporary: pq.write_table(table, temporary, write_page_checksum=True))
    return int(table.num_rows)


def write_pieces(pieces: Iterable[bytes], path: Path) -> None:
    """Write a file out of its pieces, as they come.

    Raises:
        DataError: the folder cannot be made or written.
    """

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.writelines(pieces)

    _whole(path, write)


def cells(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column as they stand in CSV."""
    values = column.to_pylist()
    if pa.types.is_string(column.type):
        return [None if v is None else neutral(v) for v in values]
    return [v.isoformat() if isinstance(v, datetime) else v for v in values]


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    try:
        path.parent.mkdir(exist_ok=True)  # `exports/scores.csv` of a new workspace; a longer path is taken for a slip
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise DataError(
            "the file cannot be written",
            where=str(path),
            wanted="a folder that exists and may be written to",
            got=str(error.strerror),
            do="make the folder, or choose another place",
        ) from None
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise DataError("the file cannot be written", where=str(path), got=str(error.strerror)) from None
    finally:
        temporary.unlink(missing_ok=True)
