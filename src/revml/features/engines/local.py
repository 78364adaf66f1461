"""DuckDB in this process: the engine that needs nothing."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from revml.features.engines import TooLarge
from revml.sources.facts import Facts


class DuckDBEngine:
    """A cursor of its own on the facts' connection; its temporary tables go with it."""

    name = "duckdb"

    def __init__(self, facts: Facts) -> None:
        self._con = cursor(facts)
        self._looks: set[str] = set()

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace a small table."""
        self._con.register("incoming", table)
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM incoming")
        self._con.unregister("incoming")

    def make(self, name: str, select: str) -> None:
        """Make or replace a table out of a SELECT.

        Raises:
            TooLarge: a number is too large to add up.
        """
        if name in self._looks:
            self._con.execute(f"DROP VIEW {name}")
            self._looks.remove(name)
        make_table(self._con, name, select)

    def drop(self, name: str) -> None:
        """Forget a table; its memory is free at once."""
        self._con.execute(f"DROP TABLE IF EXISTS {name}")

    def look(self, name: str, select: str) -> None:
        """Make or replace a view of a SELECT: for what is stored already."""
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")
        self._looks.add(name)

    def fetch(self, select: str) -> pa.Table:
        """The rows of a SELECT."""
        return self._con.sql(select).to_arrow_table()

    def close(self) -> None:
        """Drop everything that was made."""
        self._con.close()


def make_table(con: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    """Make or replace a temporary table out of a SELECT.

    Raises:
        TooLarge: a number is too large to add up.
    """
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise TooLarge(str(error).splitlines()[0]) from None


def cursor(facts: Facts) -> duckdb.DuckDBPyConnection:
    """A cursor on the facts; what it makes is temporary."""
    con = facts.con.cursor()
    for setting in ("python_enable_replacements = false", "TimeZone = 'UTC'"):
        con.execute(f"SET {setting}")
    return con
