"""A company's own table on its server, seen as a source is seen: through a temporary view and an empty twin here.

The view gives each column in the type that a copy of the table would have (`sources.postgres.TYPES`), so that a mapping
means the same on the server. The twin is an empty DuckDB table with the same columns: the mapping is tried on it, as it
is for files, and its SQL is then translated. No row leaves the server.
"""

from __future__ import annotations

from typing import Any

import duckdb
from sqlglot import exp

from revml.config import Expression, TableSource, Workspace
from revml.contract.checks import identifier
from revml.contract.tables import Table
from revml.errors import ConfigError
from revml.features.engines.postgres import PostgresEngine
from revml.features.engines.translating import Untranslatable, parsed, spoken
from revml.sources.mapping import Mapping, Value, map_table
from revml.sources.postgres import TYPES
from revml.sources.source import Source, first_line

HERE = {"BOOLEAN": "boolean", "BIGINT": "bigint", "DOUBLE": "double precision", "DATE": "date", "VARCHAR": "text"}


def own_table(
    con: duckdb.DuckDBPyConnection, engine: PostgresEngine, workspace: Workspace, table: Table, spec: TableSource
) -> Mapping:
    """The mapping of a table that stays on the server; its source is a temporary view there.

    Args:
        con: a DuckDB connection for the empty twin.

    Raises:
        ConfigError: the mapping names what is not there, or says what PostgreSQL cannot.
        DataError: the table is not there, cannot be read, or lacks a required column.
    """
    asked = spec.table or table.name
    name, told = engine.described(asked)
    types = {column: TYPES.get(kind, "VARCHAR") for column, kind in told.items()}
    view = f"source_{table.name}"
    picked = ", ".join(f"{_as_copied(column, kind)} AS {identifier(column)}" for column, kind in told.items())
    engine.view_here(view, list(types), f"SELECT {picked} FROM {name}")
    con.execute(f"CREATE TABLE {view} ({', '.join(f'{identifier(c)} {kind}' for c, kind in types.items())})")
    mapping = map_table(con, workspace, table, spec, Source(f"{engine.words}, table {asked}", view, types))
    if spec.query is not None:
        _queried(engine, mapping, spec.query, types)
    return _in_its_spelling(engine, mapping, spec)


def _as_copied(column: str, kind: str) -> str:
    quoted = identifier(column)
    if kind in ("date", "timestamp", "timestamptz"):
        return quoted
    if kind == "float4":
        # By its digits: 0.1 stays 0.1.
        return f"CAST(CAST({quoted} AS text) AS double precision)"
    return f"CAST({quoted} AS {HERE[TYPES.get(kind, 'VARCHAR')]})"


def _queried(engine: PostgresEngine, mapping: Mapping, query: str, types: dict[str, str]) -> None:
    """A view on the server of the user's query, which calls the table `source`."""
    place = f"revml.yaml: tables.{mapping.table.name}.query"
    try:
        tree = _spelled(parsed(query.strip().rstrip(";")), types)
        for node in list(tree.find_all(exp.Table)):
            if node.name.casefold() == "source" and not node.db:
                alias = node.alias or "source"
                node.replace(exp.to_table(f"source_{mapping.table.name}").as_(alias, table=True))
        engine.view_here(mapping.source.relation, list(mapping.source.columns), spoken(tree, "postgres"))
    except Untranslatable as error:
        raise untranslatable(place, str(error)) from None
    except engine.error() as error:
        raise untranslatable(place, first_line(error)) from None


def _in_its_spelling(engine: PostgresEngine, mapping: Mapping, spec: TableSource) -> Mapping:
    """The mapping with the columns in its SQL spelt as the server spells them, each expression tried there."""
    where = f"revml.yaml: tables.{mapping.table.name}"
    values = dict(mapping.values)
    for name, asked in spec.columns.items():
        if isinstance(asked, Expression):
            value = values[name]
            sql = _tried(engine, mapping, f"CAST({value.sql} AS {_told(value.type)})", f"{where}.columns.{name}.sql")
            values[name] = Value(sql, value.type)
    condition = mapping.where and _tried(engine, mapping, mapping.where, f"{where}.where")
    return Mapping(**{**vars(mapping), "values": values, "where": condition})


def _told(kind: str) -> str:
    return "DECIMAL(38, 0)" if kind in ("HUGEINT", "UHUGEINT", "UBIGINT") else kind


def _tried(engine: PostgresEngine, mapping: Mapping, sql: str, place: str) -> str:
    try:
        tree = _spelled(parsed(sql), mapping.source.columns)
        engine.tried(f"SELECT {spoken(tree, 'postgres')} AS value FROM {mapping.source.relation} LIMIT 0")
    except Untranslatable as error:
        raise untranslatable(place, str(error)) from None
    except engine.error() as error:
        raise untranslatable(place, first_line(error)) from None
    return str(tree.sql(dialect="duckdb"))


def _spelled(tree: Any, columns: dict[str, str]) -> Any:
    """Names of columns as the source spells them: DuckDB does not mind case, PostgreSQL does."""
    exact = {name.casefold(): name for name in columns}
    for node in list(tree.find_all(exp.Identifier)):
        if node.name.casefold() in exact:
            node.replace(exp.to_identifier(exact[node.name.casefold()], quoted=True))
    return tree


def untranslatable(place: str, reason: str) -> ConfigError:
    """The error for SQL of a mapping that DuckDB understands and the server does not."""
    return ConfigError(
        "this SQL cannot be run on PostgreSQL",
        where=place,
        wanted="SQL that DuckDB and PostgreSQL both understand",
        got=reason,
        do="say it in plainer SQL, put it into a view on the server, or build with --engine duckdb",
    )
