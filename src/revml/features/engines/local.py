"""DuckDB in this process: the engine that needs nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from revml.features.engines import TooLarge
from revml.sources.facts import Facts, literal

# Beyond this, sorts and hash tables go to a temporary folder.
MEMORY_LIMIT = "3GB"


class DuckDBEngine:
    """A cursor of its own on the facts' connection; its temporary tables go with it."""

    name = "duckdb"

    def __init__(self, facts: Facts) -> None:
        self._context = cursor(facts)
        self._con = self._context.__enter__()

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
        try:
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")
        except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            raise TooLarge(str(error).splitlines()[0]) from None

    def look(self, name: str, select: str) -> None:
        """Make or replace a view of a SELECT: for what is stored already."""
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")

    def fetch(self, select: str) -> pa.Table:
        """The rows of a SELECT."""
        return self._con.sql(select).to_arrow_table()

    def close(self) -> None:
        """Drop everything that was made."""
        self._context.__exit__(None, None, None)


@contextmanager
def cursor(facts: Facts) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor on the facts with bounded memory; what it makes is temporary."""
    room = Path(tempfile.mkdtemp(prefix="revml-build-"))
    try:
        with facts.con.cursor() as con:
            for setting in (
                "python_enable_replacements = false",
                "TimeZone = 'UTC'",
                f"memory_limit = '{MEMORY_LIMIT}'",
                "preserve_insertion_order = false",
            ):
                con.execute(f"SET {setting}")
            con.execute(f"SET temp_directory = {literal(room)}")
            yield con
    finally:
        shutil.rmtree(room, ignore_errors=True)
