"""From a source's own columns to the contract's.

Comes in: a located table. Goes out: a `Mapping`: a relation, and for each contract column the SQL expression over it
with the type that it has. A renaming is explicit, save that a column which already bears the contract's name is
taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import duckdb

from revml.config import Expression, Workspace
from revml.contract.checks import identifier
from revml.contract.tables import Table
from revml.errors import ConfigError, DataError
from revml.sources.locate import Located
from revml.sources.readers import Source, open_files


@dataclass(frozen=True)
class Value:
    """A column's raw value: an expression over the source, and its DuckDB type."""

    sql: str
    type: str


@dataclass(frozen=True)
class Mapping:
    """A contract table over its source.

    Attributes:
        values: contract column -> raw value.
        extras: static account column -> raw value.
        left_out: source columns that nothing uses.
        where: SQL condition on the source's columns, or None.
    """

    table: Table
    source: Source
    values: dict[str, Value]
    extras: dict[str, Value]
    left_out: tuple[str, ...]
    where: str | None
    timezone: str | None
    limit: float


def map_table(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, table: Table, located: Located, room: Path
) -> Mapping:
    """Open a table's source and map its columns.

    Raises:
        ConfigError: the mapping names a column that the source or the contract does not have.
        DataError: the source cannot be read, or lacks a required column.
    """
    spec = located.source
    source = open_files(con, located.files, located.words)
    _known_columns(table, tuple(spec.columns))
    values: dict[str, Value] = {}
    for name in table.by_name:
        asked = spec.columns.get(name)
        if isinstance(asked, Expression):
            values[name] = Value(f"({asked.sql})", _type_of(con, source, asked.sql))
        elif asked is not None or name in source.columns:
            column = asked or name
            if column not in source.columns:
                raise _no_column(table.name, f"columns.{name}", column, source)
            values[name] = Value(identifier(column), source.columns[column])
    _require_columns(table, values, source)
    extras = {}
    for name in spec.static:
        if name not in source.columns:
            raise _no_column(table.name, "static", name, source)
        extras[name] = Value(identifier(name), source.columns[name])
    used = {value.sql for value in (*values.values(), *extras.values())}
    left_out = tuple(c for c in source.columns if identifier(c) not in used)
    limit = workspace.quarantine_limit if spec.quarantine_limit is None else spec.quarantine_limit
    return Mapping(
        table, source, values, extras, left_out, spec.where, spec.timezone or workspace.company.timezone, limit
    )


def _type_of(con: duckdb.DuckDBPyConnection, source: Source, sql: str) -> str:
    rows = con.execute(f"DESCRIBE SELECT ({sql}) AS value FROM {source.relation}").fetchall()
    return str(rows[0][1])


def _known_columns(table: Table, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in table.by_name:
            raise ConfigError(
                f"the contract's table {table.name} has no column {name!r}",
                where=f"revml.yaml: tables.{table.name}.columns",
                wanted=", ".join(table.by_name),
                got=name,
                do=nearest(name, table.by_name) or "write contract column: source column",
            )


def _require_columns(table: Table, values: dict[str, Value], source: Source) -> None:
    for column in table.columns:
        if column.required and column.name not in values:
            raise DataError(
                f"the required column {column.name} is missing",
                where=f"table {table.name} ({source.words})",
                wanted=", ".join(c.name for c in table.columns if c.required),
                got=", ".join(source.columns),
                do=f"map it in revml.yaml, tables: {table.name}: columns: {{{column.name}: <source column>}}",
            )


def _no_column(table: str, key: str, name: str, source: Source) -> ConfigError:
    return ConfigError(
        f"the source has no column {name!r}",
        where=f"revml.yaml: tables.{table}.{key}",
        wanted=f"a column of {source.words}: {', '.join(source.columns)}",
        got=name,
        do=nearest(name, source.columns) or "write the column's name as the source spells it",
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """A 'did you mean' for a misspelt name, or nothing."""
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), folded, n=1)
    return f"did you mean {folded[close[0]]!r}?" if close else ""
