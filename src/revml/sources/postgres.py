"""PostgreSQL tables by URL: streamed out with COPY in one read-only, consistent transaction.

Comes in: a URL and a table or view. Goes out: a `Source` over a temporary CSV file with the types that the server told.
Memory stays bounded whatever the table's size. The driver is an extra: `pip install revml[postgres]`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb

from revml.config import expand
from revml.contract.checks import identifier
from revml.errors import ConfigError, DataError
from revml.sources.facts import literal
from revml.sources.source import Source, describe, first_line

TYPES = {
    "bool": "BOOLEAN",
    "int2": "BIGINT",
    "int4": "BIGINT",
    "int8": "BIGINT",
    "float4": "DOUBLE",
    "float8": "DOUBLE",
    "numeric": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
}
SETTINGS = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 3"


def copy_postgres(con: duckdb.DuckDBPyConnection, url: str, table: str, copy: Path) -> Source:
    """Copy a table or view so that DuckDB can scan it.

    Raises:
        ConfigError: the URL is not PostgreSQL's, names a variable that is not set, or the driver is missing.
        DataError: the server or the table cannot be reached.
    """
    psycopg = driver()
    full = address(url)
    words = f"{without_secrets(url)}, table {table}"
    try:
        with psycopg.connect(full, connect_timeout=15, application_name="revml") as server:
            server.execute(SETTINGS)
            server.commit()
            server.read_only = True
            server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            types = _copy(psycopg, server, table, copy)
    except psycopg.Error as error:
        raise DataError(
            "this cannot be read",
            where=words,
            wanted="a PostgreSQL server that lets this user read the table",
            got=first_line(error),
            do="check host, database, user, password and the table's schema (schema.table)",
        ) from None
    scan = _scan(copy, types)
    return Source(words, scan, describe(con, scan, words))


def driver() -> Any:
    """The driver's module.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import psycopg
    except ImportError:
        raise ConfigError(
            "the PostgreSQL driver is not installed",
            where="revml.yaml: url",
            wanted="the package psycopg",
            do="pip install revml[postgres]",
        ) from None
    return psycopg


def address(url: str) -> str:
    """A URL as the driver takes it, variables filled in.

    Raises:
        ConfigError: it is not PostgreSQL's, or names a variable that is not set.
    """
    full = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", expand(url))
    if not full.startswith("postgresql://"):
        raise ConfigError(
            "this is not the URL of a PostgreSQL server",
            where="revml.yaml: url",
            wanted="postgresql://user:${PGPASSWORD}@host:5432/database",
            got=without_secrets(url),
            do="name files (Parquet, CSV, DuckDB, SQLite) with 'path'; export other warehouses to Parquet",
        )
    return full


def without_secrets(url: str) -> str:
    """A URL as messages may show it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}" if rest else scheme


def _copy(psycopg: Any, server: Any, table: str, copy: Path) -> dict[str, str]:
    name = psycopg.sql.Identifier(*table.split("."))
    cursor = server.execute(psycopg.sql.SQL("SELECT * FROM {} LIMIT 0").format(name))
    types = {}
    for column in cursor.description:
        known = server.adapters.types.get(column.type_code)
        types[column.name] = TYPES.get(known.name if known else "", "VARCHAR")
    out = psycopg.sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT csv, HEADER true)").format(name)
    with cursor.copy(out) as rows, copy.open("wb") as file:
        for block in rows:
            file.write(block)
    return types


def _scan(copy: Path, types: dict[str, str]) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in types)
    picked = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in types.items())
    # The server quotes an empty text and leaves NULL bare.
    options = "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', allow_quoted_nulls = false"
    return f"(SELECT {picked} FROM read_csv({literal(copy)}, {options}, columns = {{{columns}}}))"
