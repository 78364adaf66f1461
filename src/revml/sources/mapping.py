"""From a source's own columns to the contract's.

Comes in: a located table. Goes out: a `Mapping`: a relation, and for each contract column the SQL expression over it
with the type that it has. A renaming is explicit, save that a column which already bears the contract's name is
taken. Everything that the user wrote in SQL is tried here, so that a mistake in it is an error with its place, before
any row is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import duckdb

from revml.config import Expression, TableSource, Workspace
from revml.contract.checks import identifier, typed
from revml.contract.tables import Table
from revml.errors import ConfigError, DataError
from revml.sources.functions import define_functions
from revml.sources.matching import our_account
from revml.sources.source import FILE_COLUMN, Source, first_line, nearest, unreadable


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
        left_out: source columns that nothing uses; on accounts they are looked at for signs of today's value.
        where: SQL condition on the source's columns, or None.
        timezone: zone of naive times, or None for UTC.
        mixing: a column may mix times with and without a zone, because the table itself names the zone of the latter.
        limit: the share of rows that may be quarantined.
    """

    table: Table
    source: Source
    values: dict[str, Value]
    extras: dict[str, Value]
    left_out: dict[str, Value]
    where: str | None
    timezone: str | None
    mixing: bool
    limit: float


def map_table(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, table: Table, spec: TableSource, source: Source
) -> Mapping:
    """Map an opened source to a contract table.

    Raises:
        ConfigError: the mapping names a column that the source or the contract does not have, or its SQL is wrong.
        DataError: the source lacks a required column.
    """
    define_functions(con)
    _inputs_are_open(table.name, spec, source)
    if spec.query is not None:
        source = _queried(con, table.name, spec.query, source)
    _known_columns(table, tuple(spec.columns))
    values: dict[str, Value] = {}
    for name in table.by_name:
        asked = spec.columns.get(name)
        if isinstance(asked, Expression):
            where = f"revml.yaml: tables.{table.name}.columns.{name}.sql"
            values[name] = Value(f"({asked.sql})", _type_of(con, source, asked.sql, where))
        elif asked is not None or name in source.columns:
            values[name] = _own(table.name, f"columns.{name}", asked or name, source)
    _require_columns(table, values, source)
    _require_in_every_file(table, values, source)
    extras = {n: _own(table.name, "static", n, source) for n in spec.static if n not in table.by_name}
    if spec.where is not None:
        _type_of(con, source, spec.where, f"revml.yaml: tables.{table.name}.where")
    left_out = _left_out(source, spec, [*values.values(), *extras.values()])
    if spec.account_ids is not None and (told := values.get("account_id")):
        id_text = typed(table.by_name["account_id"], told.sql, told.type)
        matched = our_account(con, table.name, spec.account_ids, source.inputs["account_ids"], id_text)
        values["account_id"] = Value(matched, "VARCHAR")
    limit = workspace.quarantine_limit if spec.quarantine_limit is None else spec.quarantine_limit
    return Mapping(
        table=table,
        source=source,
        values=values,
        extras=extras,
        left_out=left_out,
        where=spec.where,
        timezone=spec.timezone or workspace.company.timezone,
        mixing=spec.timezone is not None,
        limit=limit,
    )


def _inputs_are_open(table: str, spec: TableSource, source: Source) -> None:
    """A table that stays on its own server has nothing else beside it."""
    away = [name for name in spec.inputs if name not in source.inputs]
    if away:
        raise ConfigError(
            "the inputs of this table cannot be joined where it stands",
            where=f"revml.yaml: tables.{table}",
            wanted="a table by itself, or one that is copied here to be joined",
            got=", ".join(away),
            do="run it with --engine duckdb, or make a view on the server that joins them and map that",
        )


def _own(table: str, key: str, name: str, source: Source) -> Value:
    if name not in source.columns:
        raise ConfigError(
            f"the source has no column {name!r}",
            where=f"revml.yaml: tables.{table}.{key}",
            wanted=f"a column of {source.words}: {', '.join(source.columns)}",
            got=name,
            do=nearest(name, source.columns) or "write the column's name as the source spells it",
        )
    return Value(identifier(name), source.columns[name])


def _queried(con: duckdb.DuckDBPyConnection, table: str, query: str, source: Source) -> Source:
    """The source seen through the user's own query, which calls it `source` and its other inputs by their names."""
    sql = query.strip().rstrip(";")
    made = f"source_of_{table}"
    seen = {"source": source, **source.inputs}
    for name, one in seen.items():
        picked = f"* EXCLUDE ({identifier(FILE_COLUMN)})" if one.has_files else "*"
        con.execute(f"CREATE OR REPLACE TEMP VIEW {identifier(name)} AS SELECT {picked} FROM {one.relation}")
    where = f"revml.yaml: tables.{table}.query"
    try:
        rows = con.execute(f"DESCRIBE {sql}").fetchall()
    except duckdb.Error as error:
        raise _bad_sql(where, source, error) from None
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {made} AS {sql}")
    except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
        raise _bad_sql(where, source, error) from None
    except duckdb.Error as error:
        raise unreadable(source.words, error) from None
    for name in seen:
        con.execute(f"DROP VIEW {identifier(name)}")
    return replace(
        source,
        words=f"{source.words}, by query",
        relation=made,
        columns={row[0]: row[1] for row in rows},
        has_files=False,
        lacking={},
        sets_aside=any(one.sets_aside for one in seen.values()),
        notes=tuple(note for one in seen.values() for note in one.notes),
    )


def _type_of(con: duckdb.DuckDBPyConnection, source: Source, sql: str, where: str) -> str:
    try:
        rows = con.execute(f"DESCRIBE SELECT ({sql}) AS value FROM {source.relation}").fetchall()
    except duckdb.Error as error:
        raise _bad_sql(where, source, error) from None
    return str(rows[0][1])


def _bad_sql(where: str, source: Source, error: Exception) -> ConfigError:
    way_out = "mend the SQL (DuckDB's dialect)"
    if source.is_text:
        way_out += (
            '; the values of this source are text, so write TRY_CAST("column" AS DOUBLE) or as_number("column")'
            " to calculate with them"
        )
    return ConfigError(
        "this SQL does not work",
        where=where,
        wanted=f"SQL over {'; '.join(_told(name, one) for name, one in {'source': source, **source.inputs}.items())}",
        got=first_line(error),
        do=way_out,
    )


def _told(name: str, source: Source) -> str:
    columns = ", ".join(source.columns)
    return columns if name == "source" else f"{name}: {columns}"


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
            guess = nearest(column.name, source.columns)
            raise DataError(
                f"the required column {column.name} is missing",
                where=f"table {table.name} ({source.words})",
                wanted=", ".join(c.name for c in table.columns if c.required),
                got=", ".join(source.columns),
                do=f"map it in revml.yaml, tables: {table.name}: columns: {{{column.name}: <source column>}}"
                + (f"; {guess}" if guess else ""),
            )


def _require_in_every_file(table: Table, values: dict[str, Value], source: Source) -> None:
    for column in table.columns:
        without = source.lacking.get(_bare(values[column.name].sql)) if column.name in values else None
        if column.required and without:
            raise DataError(
                f"the required column {column.name} is missing in {'a file' if len(without) == 1 else 'some files'}",
                where=f"table {table.name} ({source.words}): {', '.join(without[:4])}",
                wanted=f"{_bare(values[column.name].sql)} in every file of the table",
                got=f"{len(without):,} without it",
                do="write the file again with all columns, or move it out of the table's folder",
            )


def _bare(quoted: str) -> str:
    """A column's name from its identifier; of an expression, nothing that is a name."""
    return quoted[1:-1].replace('""', '"') if quoted.startswith('"') else ""


def _left_out(source: Source, spec: TableSource, used: list[Value]) -> dict[str, Value]:
    """Source columns that nothing uses; what an expression or condition mentions is used."""
    taken = {value.sql for value in used}
    written = " ".join([spec.where or "", *(v.sql for v in spec.columns.values() if isinstance(v, Expression))])
    words = set(re.findall(r"\w+", written.casefold())) | {w.casefold() for w in re.findall(r'"([^"]+)"', written)}
    return {
        name: Value(identifier(name), kind)
        for name, kind in source.columns.items()
        if identifier(name) not in taken and name.casefold() not in words
    }
