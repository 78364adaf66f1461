"""Where a table comes from, as something DuckDB can scan.

Comes in: a `Located` table (files, or a database and a table inside it). Goes out: a `Source`: an SQL relation, its
columns with their types, and words for messages. What a file is, its first bytes tell, not its name. Everything is
opened for reading only; nothing is converted by guess and nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from revml.contract.checks import identifier
from revml.errors import DataError
from revml.sources.databases import duckdb_tables, kind_of
from revml.sources.delimited import open_csv
from revml.sources.facts import literal
from revml.sources.locate import Located
from revml.sources.postgres import copy_postgres
from revml.sources.source import FILE_COLUMN, Source, describe, pick_table, unreadable
from revml.sources.sqlite import copy_sqlite


def open_source(con: duckdb.DuckDBPyConnection, name: str, located: Located, room: Path) -> Source:
    """Open the place a contract table comes from, and what its query joins to it.

    Args:
        name: the contract table.
        room: a temporary folder for copies of database tables.

    Raises:
        ConfigError: the place is named wrongly.
        DataError: it cannot be read.
    """
    source = _open(con, name, located, room)
    inputs = {alias: _open(con, f"{name}.sources.{alias}", there, room) for alias, there in located.inputs.items()}
    return replace(source, inputs=inputs) if inputs else source


def _open(con: duckdb.DuckDBPyConnection, name: str, located: Located, room: Path) -> Source:
    spec = located.source
    if spec.url is not None:
        return copy_postgres(con, spec.url, spec.table or name, room / f"{name}.csv")
    kinds = {file: kind_of(file) for file in located.files}
    if len(set(kinds.values())) > 1:
        raise DataError(
            "the files of one table are of different kinds",
            where=located.words,
            wanted="either Parquet or CSV in one table",
            got=", ".join(f"{file.name} ({kind})" for file, kind in list(kinds.items())[:4]),
            do="move one kind elsewhere, or write them all as Parquet",
        )
    kind = next(iter(kinds.values()))
    if kind == "parquet":
        return _parquet(con, located.files, located.words)
    if kind == "csv":
        return open_csv(con, located.files, located.words)
    if kind == "sqlite":
        return copy_sqlite(con, located.files[0], spec.table, name, room / f"{name}.parquet", located.words)
    return _duckdb(con, located.files[0], spec.table, name, located.words)


def _parquet(con: duckdb.DuckDBPyConnection, files: Sequence[Path], words: str) -> Source:
    several = f", union_by_name = true, filename = {literal(FILE_COLUMN)}" if len(files) > 1 else ""
    relation = f"read_parquet([{', '.join(literal(file) for file in files)}]{several})"
    columns = describe(con, relation, words)
    return Source(words, relation, columns, has_files=len(files) > 1)


def _duckdb(con: duckdb.DuckDBPyConnection, file: Path, table: str | None, name: str, words: str) -> Source:
    alias = f"from_{name}"
    try:
        con.execute(f"ATTACH {literal(file)} AS {identifier(alias)} (READ_ONLY)")
    except duckdb.Error as error:
        raise unreadable(words, error, wanted="a DuckDB file that no other program has open for writing") from None
    picked = pick_table(duckdb_tables(con, alias), table, name, words)
    relation = f"{identifier(alias)}." + ".".join(identifier(part) for part in picked.split("."))
    return Source(f"{words}, table {picked}", relation, describe(con, relation, words))
