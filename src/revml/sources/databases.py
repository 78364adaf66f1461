"""What a file is, and which tables a database file holds.

Comes in: a path. Goes out: the kind that its first bytes tell, and the names of tables and views. Nothing is read
beyond that.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from revml.errors import DataError
from revml.sources.facts import literal
from revml.sources.packing import require_as_named
from revml.sources.source import unreadable
from revml.sources.sqlite import sqlite_tables

SQLITE_MAGIC = b"SQLite format 3\x00"
DATABASES = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3")


def kind_of(file: Path) -> str:
    """What a file is: `parquet`, `csv`, `duckdb` or `sqlite`.

    Raises:
        DataError: none of these, not what its name says, cut off, or it may not be read.
    """
    try:
        with file.open("rb") as content:
            head = content.read(16)
        require_as_named(file)
    except OSError as error:
        raise unreadable(file.name, error, wanted="a file that may be read") from None
    if head[:4] == b"PAR1":
        return "parquet"
    if head == SQLITE_MAGIC:
        return "sqlite"
    if head[8:12] == b"DUCK":
        return "duckdb"
    text = file.name.lower()
    if text.endswith((".parquet", ".pq", *DATABASES)):
        raise _wrong_kind(file, "a file of the kind that its name says", "other content" if head else "an empty file")
    if head[:2] == b"PK" or text.endswith((".xls", ".xlsx")):
        raise _wrong_kind(file, "a Parquet, CSV, DuckDB or SQLite file", "a workbook or an archive")
    return "csv"


def _wrong_kind(file: Path, wanted: str, got: str) -> DataError:
    return DataError(
        "this file is not what revml reads",
        where=file.name,
        wanted=wanted,
        got=got,
        do="save it as CSV (UTF-8) or Parquet, or write it again if it was cut off",
    )


def duckdb_tables(con: duckdb.DuckDBPyConnection, alias: str) -> list[str]:
    """Tables and views of an attached database, as `schema.table` outside the schema main."""
    rows = con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ? ORDER BY 1, 2", [alias]
    ).fetchall()
    return [table if schema == "main" else f"{schema}.{table}" for schema, table in rows]


def tables_of(file: Path) -> list[str]:
    """The tables of a DuckDB or SQLite file.

    Raises:
        DataError: it cannot be opened.
    """
    if kind_of(file) == "sqlite":
        return sqlite_tables(file)
    try:
        with duckdb.connect(":memory:") as con:
            con.execute(f"ATTACH {literal(file)} AS there (READ_ONLY)")
            return duckdb_tables(con, "there")
    except duckdb.Error as error:
        raise unreadable(file.name, error, wanted="a DuckDB file that no other program has open for writing") from None
