"""Where a table comes from, as something DuckDB can scan.

Comes in: a `Located` table (files, or a database and a table inside it). Goes out: a `Source`: an SQL relation, its
columns with their types, and words for messages. What a file is, its first bytes tell, not its name. Everything is
opened for reading only; nothing is converted by guess. Files of an object store are copied to a temporary folder, files
in an older code page rewritten there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb

from revml.contract.checks import identifier
from revml.errors import DataError
from revml.sources.databases import duckdb_tables, kind_of
from revml.sources.delimited import open_csv, rows_of
from revml.sources.encodings import in_utf8, needs_copy
from revml.sources.facts import literal
from revml.sources.locate import Located
from revml.sources.manifests import compare
from revml.sources.parquet import open_parquet, rows_in
from revml.sources.postgres import copy_postgres
from revml.sources.remote import Remote, fetch
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
    if not inputs:
        return source
    copied = tuple(pair for one in [source, *inputs.values()] for pair in one.copied)
    return replace(source, inputs=inputs, copied=copied)


def _open(con: duckdb.DuckDBPyConnection, name: str, located: Located, room: Path) -> Source:
    spec = located.source
    if spec.url is not None:
        return copy_postgres(con, spec.url, spec.table or name, room / f"{name}.csv")
    files, remote, copies = located.files, located.remote, room / "copies" / name
    if remote is not None:
        files = fetch(remote, copies)
    kind = _kind(files, located.words)
    if not located.compared:
        rows = {"parquet": partial(rows_in, con), "csv": partial(rows_of, con)}.get(kind)
        compare(files, rows, _listed(remote, copies))
    if kind == "sqlite":
        return copy_sqlite(con, files[0], spec.table, name, room / f"{name}.parquet", located.words)
    if kind == "duckdb":
        return _duckdb(con, files[0], spec.table, name, located.words)
    root = remote.root if remote is not None else None
    if kind == "csv" and spec.encoding is not None and needs_copy(spec.encoding):
        here = str(copies) if root is not None else _common(files)
        files = in_utf8(files, spec.encoding, copies, here)
        root = root if root is not None else here
    source = open_parquet(con, files, located.words) if kind == "parquet" else open_csv(con, files, located.words)
    return source if root is None else _of_copies(source, copies, root)


def _kind(files: Sequence[Path], words: str) -> str:
    kinds = {file: kind_of(file) for file in files}
    if len(set(kinds.values())) > 1:
        raise DataError(
            "the files of one table are of different kinds",
            where=words,
            wanted="either Parquet or CSV in one table",
            got=", ".join(f"{file.name} ({kind})" for file, kind in list(kinds.items())[:4]),
            do="move one kind elsewhere, or write them all as Parquet",
        )
    return next(iter(kinds.values()))


def _listed(remote: Remote | None, copies: Path) -> Callable[[Path], bool]:
    """Whether a file that a manifest names is there: on this machine, or in the store that the copies come from."""
    if remote is None:
        return Path.is_file
    listed = remote.listed
    return lambda file: f"{remote.root}/{file.relative_to(copies).as_posix()}" in listed


def _common(files: Sequence[Path]) -> str:
    return os.path.commonpath([file.parent for file in files])


def _of_copies(source: Source, copies: Path, root: str) -> Source:
    """A source over copies whose rows name the originals."""
    source = replace(source, copied=((str(copies), root),))
    if not source.has_files:
        return source
    file = identifier(FILE_COLUMN)
    return replace(source, relation=f"(SELECT * REPLACE ({source.original(file)} AS {file}) FROM {source.relation})")


def _duckdb(con: duckdb.DuckDBPyConnection, file: Path, table: str | None, name: str, words: str) -> Source:
    alias = f"from_{name}"
    try:
        con.execute(f"ATTACH {literal(file)} AS {identifier(alias)} (READ_ONLY)")
    except duckdb.Error as error:
        raise unreadable(words, error, wanted="a DuckDB file that no other program has open for writing") from None
    picked = pick_table(duckdb_tables(con, alias), table, name, words)
    relation = f"{identifier(alias)}." + ".".join(identifier(part) for part in picked.split("."))
    return Source(f"{words}, table {picked}", relation, describe(con, relation, words))
