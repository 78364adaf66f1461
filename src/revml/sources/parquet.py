"""Parquet files of one table, united by column name.

Comes in: files. Goes out: a `Source`. A column may be whole numbers in one file and decimals in another, or dates and
instants, or empty; of any other two types DuckDB would make text in silence, and here they are an error that names
both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from revml.errors import DataError
from revml.sources.facts import literal
from revml.sources.source import FILE_COLUMN, Source, describe, lacking_in, unreadable

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", *WHOLE, *(f"U{kind}" for kind in WHOLE))


def open_parquet(con: duckdb.DuckDBPyConnection, files: Sequence[Path], words: str) -> Source:
    """Parquet files as one relation.

    Raises:
        DataError: a file is cut off or broken, or a column has types that do not go together.
    """
    if len(files) == 1:
        relation = f"read_parquet({literal(files[0])})"
        return Source(words, relation, describe(con, relation, words))
    kinds = _columns(con, files)
    _require_kin(kinds)
    relation = f"read_parquet({_listed(files)}, union_by_name = true, filename = {literal(FILE_COLUMN)})"
    columns = describe(con, relation, words)
    return Source(words, relation, columns, has_files=True, lacking=lacking_in(kinds))


def rows_in(con: duckdb.DuckDBPyConnection, file: Path) -> int:
    """How many rows a Parquet file says that it holds.

    Raises:
        DataError: it cannot be read.
    """
    try:
        [(rows,)] = con.execute(f"SELECT num_rows FROM parquet_file_metadata({literal(file)})").fetchall()
    except duckdb.Error as error:
        raise unreadable(file.name, error) from None
    return int(rows)


def _listed(files: Sequence[Path]) -> str:
    return f"[{', '.join(literal(file) for file in files)}]"


def _columns(con: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> dict[Path, dict[str, str]]:
    """The columns of each file; files of the same shape are described once."""
    try:
        shapes = con.execute(f"""
            SELECT file_name, string_agg(concat_ws(' ', name, duckdb_type, num_children), ',' ORDER BY column_id)
            FROM parquet_schema({_listed(files)}) GROUP BY file_name
        """).fetchall()
    except duckdb.Error as error:
        raise _which(con, files, error) from None
    shape_of = dict(shapes)
    described: dict[str, dict[str, str]] = {}
    for file in files:
        shape = shape_of[str(file)]
        if shape not in described:
            described[shape] = describe(con, f"read_parquet({literal(file)})", file.name)
    return {file: described[shape_of[str(file)]] for file in files}


def _which(con: duckdb.DuckDBPyConnection, files: Sequence[Path], error: Exception) -> DataError:
    """The error of the file that cannot be read; DuckDB does not always name it."""
    for file in files:
        try:
            con.execute(f"SELECT 1 FROM parquet_file_metadata({literal(file)})")
        except duckdb.Error as broken:
            return unreadable(file.name, broken)
    return unreadable(", ".join(file.name for file in files[:4]), error)


def _require_kin(kinds: dict[Path, dict[str, str]]) -> None:
    first: dict[str, tuple[str, str, Path]] = {}
    for file, columns in kinds.items():
        for name, kind in columns.items():
            if kind == '"NULL"':
                continue
            _, was, other = first.setdefault(name.casefold(), (name, kind, file))
            if _family(kind) != _family(was):
                raise DataError(
                    f"the column {name} has another type in another file",
                    where=f"{other.name} and {file.name}",
                    wanted="one type in all files of a table",
                    got=f"{was} in {other.name}, {kind} in {file.name}",
                    do=f"write one of them again with {name} as the other has it",
                )


def _family(kind: str) -> str:
    """Types that widen into each other without loss of meaning."""
    plain = kind.partition("(")[0]
    if plain in NUMBERS:
        return "number"
    return "time" if plain in ("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S") else kind
