"""The facts as they stood at an instant: what a back-test may see of the past.

Comes in: `Facts`. Goes out: `Facts` of the same tables without the rows that became known later, with every end that
lay in the future unknown again, `observed_until` the instant, and only the tables and columns that held a value then.
Features are built from the whole facts all the same: they are point-in-time by themselves, so one build serves many
instants.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import duckdb

from revml.contract.tables import LATER_COLUMNS, TABLES, Table
from revml.sources.at_start import EMPLOYEES, changed_and_same, with_start
from revml.sources.facts import Facts, literal


@contextmanager
def as_known(facts: Facts, at: datetime) -> Iterator[Facts]:
    """The facts as they were known at `at`, for the length of a `with` block; nothing is copied.

    Args:
        at: not later than the end of the data.
    """
    con = facts.con.cursor()
    schema = f"known_{uuid.uuid4().hex}"
    con.execute(f"CREATE SCHEMA {schema}")
    try:
        columns: dict[str, frozenset[str]] = {}
        for table in TABLES.values():
            con.execute(f"CREATE VIEW {schema}.{table.name} AS {_then(table, at)}")
            there = facts.columns.get(table.name, frozenset()) - {EMPLOYEES}
            held = _held(con, f"{schema}.{table.name}", there)
            if held:
                columns[table.name] = held
        con.execute(f"CREATE VIEW {schema}.account_profile AS SELECT * FROM main.account_profile")
        # Of this cursor alone: names without a schema mean the past from here on.
        con.execute(f"SET schema = '{schema}'")
        if facts.has("accounts", EMPLOYEES):  # today's staff can look like the first while its last change is unknown
            columns = with_start(columns, *con.execute(changed_and_same()).fetchall()[0])
        yield replace(facts, con=con, columns=columns, observed_until=at)
    finally:
        con.execute("SET schema = 'main'")
        con.execute(f"DROP SCHEMA {schema} CASCADE")
        con.close()


def _then(table: Table, at: datetime) -> str:
    now = f"TIMESTAMP {literal(at.isoformat(sep=' '))}"
    later = LATER_COLUMNS.get(table.name, {})
    picked = ", ".join(
        f"CASE WHEN {later[name]} <= {now} THEN {name} END AS {name}" if name in later else name
        for name in table.by_name
    )
    return f"SELECT {picked} FROM main.{table.name} WHERE known_at <= {now}"


def _held(con: duckdb.DuckDBPyConnection, relation: str, there: frozenset[str]) -> frozenset[str]:
    """Which of the columns hold a value."""
    if not there:
        return frozenset()
    names = sorted(there)
    counted = ", ".join(f"count({name})" for name in names)
    [row] = con.execute(f"SELECT {counted} FROM {relation}").fetchall()
    return frozenset(name for name, n in zip(names, row, strict=True) if n)
