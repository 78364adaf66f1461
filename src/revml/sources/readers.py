"""Where a table comes from, as something DuckDB can scan.

Comes in: a place (`path` or `url`, with a `table` inside it). Goes out: a `Source`: an SQL relation, its columns with
their types, and words for messages. Files are opened for reading only; nothing is converted and nothing is
downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from revml.errors import DataError
from revml.sources.facts import literal

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".tsv", ".csv.gz")


@dataclass(frozen=True)
class Source:
    """Rows to be mapped.

    Attributes:
        words: what messages call it.
        relation: SQL that can stand after FROM.
        columns: names and DuckDB types, in the source's order.
    """

    words: str
    relation: str
    columns: dict[str, str]


def open_files(con: duckdb.DuckDBPyConnection, files: Sequence[Path], words: str) -> Source:
    """Parquet or CSV files of one table.

    Raises:
        DataError: a file cannot be read, or the files are of different kinds.
    """
    listed = "[" + ", ".join(literal(file) for file in files) + "]"
    if all(file.name.lower().endswith(PARQUET) for file in files):
        relation = f"read_parquet({listed}, union_by_name = true)"
    else:
        relation = f"read_csv({listed}, all_varchar = true, header = true, union_by_name = true)"
    return Source(words, relation, describe(con, relation, words))


def describe(con: duckdb.DuckDBPyConnection, relation: str, words: str) -> dict[str, str]:
    """The columns of a relation with their DuckDB types.

    Raises:
        DataError: the relation cannot be read.
    """
    try:
        rows = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        raise unreadable(words, error) from None
    return {row[0]: row[1] for row in rows}


def unreadable(words: str, error: Exception) -> DataError:
    """The error for a source that is there but cannot be read."""
    return DataError(
        "this cannot be read",
        where=words,
        wanted="a whole Parquet or CSV file",
        got=str(error).splitlines()[0][:300],
        do="write the file again from its origin, or name another one",
    )
