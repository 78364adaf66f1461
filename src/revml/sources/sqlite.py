"""SQLite files: read through Python's own sqlite3, in batches, into a temporary Parquet file.

Comes in: a file and a table. Goes out: a `Source`. SQLite does not enforce types, so values travel as text; a column
declared as a number is handed on as one only if every value in it is.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from revml.contract.checks import identifier
from revml.sources.facts import literal
from revml.sources.source import Source, describe, pick_table, unreadable

BATCH = 100_000


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


def sqlite_tables(file: Path) -> list[str]:
    """Tables and views of a SQLite file.

    Raises:
        DataError: it cannot be opened.
    """
    try:
        with closing(_open(file)) as con:
            rows = con.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
            ).fetchall()
    except sqlite3.Error as error:
        raise unreadable(file.name, error, wanted="a SQLite file that can be opened for reading") from None
    return [row[0] for row in rows]


def copy_sqlite(
    con: duckdb.DuckDBPyConnection, file: Path, table: str | None, name: str, copy: Path, words: str
) -> Source:
    """Copy a table of a SQLite file so that DuckDB can scan it.

    Raises:
        ConfigError: there is no such table.
        DataError: the file cannot be read.
    """
    picked = pick_table(sqlite_tables(file), table, name, words)
    words = f"{words}, table {picked}"
    try:
        with closing(_open(file)) as db:
            declared = _copy(db, picked, copy)
    except sqlite3.Error as error:
        raise unreadable(words, error) from None
    scan = f"read_parquet({literal(copy)})"
    numbers = [column for column, kind in declared.items() if re.search("INT|REAL|FLOA|DOUB|NUM|DEC", kind.upper())]
    cast = [column for column in numbers if _all_numbers(con, scan, column)]
    if cast:
        picked_columns = ", ".join(f"CAST({identifier(c)} AS DOUBLE) AS {identifier(c)}" for c in cast)
        scan = f"(SELECT * REPLACE ({picked_columns}) FROM {scan})"
    return Source(words, scan, describe(con, scan, words), is_text=True)


def _copy(db: sqlite3.Connection, table: str, copy: Path) -> dict[str, str]:
    # Text that is not UTF-8 must not end the whole table.
    db.text_factory = lambda content: content.decode("utf-8", errors="replace")
    declared = {row[1]: row[2] for row in db.execute(f"PRAGMA table_info({identifier(table)})")}
    cursor = db.execute(f"SELECT * FROM {identifier(table)}")
    schema = pa.schema([(column[0], pa.string()) for column in cursor.description])
    with pq.ParquetWriter(copy, schema, compression="lz4") as writer:
        while rows := cursor.fetchmany(BATCH):
            arrays = [pa.array([_text(value) for value in column], pa.string()) for column in zip(*rows, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return declared


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _all_numbers(con: duckdb.DuckDBPyConnection, scan: str, column: str) -> bool:
    name = identifier(column)
    # A whole number beyond 2**53 would lose digits as DOUBLE and stays text.
    fits = f"TRY_CAST({name} AS DOUBLE) IS NOT NULL AND abs(TRY_CAST({name} AS DOUBLE)) < 9007199254740992"
    [(every,)] = con.execute(f"SELECT count(*) = count(*) FILTER ({name} IS NULL OR ({fits})) FROM {scan}").fetchall()
    return bool(every)
