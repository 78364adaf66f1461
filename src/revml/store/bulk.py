"""Many rows into a table of the scores database, as fast as its driver takes them, within the open transaction.

Comes in: `Columns`, values as the database holds them (JSON is text). SQLite gets one prepared statement for all rows,
PostgreSQL a COPY. Nothing is committed here, and what the driver raises comes as SQLAlchemy's own errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, DateTime, Table, exc

from revml.store.columns import Columns, rows


def write(connection: Connection, table: Table, run_id: int, parts: Iterable[Columns]) -> None:
    """Put rows of a run into a table.

    Raises:
        sqlalchemy.exc.DatabaseError: the database refuses a row.
    """
    put = _copy if connection.dialect.name == "postgresql" else _many
    for part in parts:
        n = len(next(iter(part.values()), ()))
        if n:
            put(connection, table, {"run_id": repeat(run_id, n), **part})  # type: ignore[dict-item]


def _many(connection: Connection, table: Table, columns: Columns) -> None:
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    instants = [c.name for c in table.columns if isinstance(c.type, DateTime) and c.name in columns]
    stored = {**columns, **{name: _instants(columns[name]) for name in instants}}
    connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(rows(stored)))


def _instants(values: Sequence[Any]) -> Sequence[Any]:
    """Instants as SQLAlchemy writes them on SQLite."""
    return [None if value is None else value.isoformat(" ", "microseconds") for value in values]


def _copy(connection: Connection, table: Table, columns: Columns) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    raw = connection.connection.cursor()
    statement = f'COPY "{table.name}" ({names}) FROM STDIN'
    try:
        with raw.copy(statement) as copy:
            for row in rows(columns):
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        base = connection.dialect.loaded_dbapi.Error
        raise exc.DBAPIError.instance(statement, None, error, base, dialect=connection.dialect) from error
    finally:
        raw.close()
