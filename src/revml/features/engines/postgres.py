"""A company's own PostgreSQL as the place where the features are made: only what is fetched leaves the server.

Comes in: a URL. Everything is made in temporary tables, so the right to read and `TEMPORARY` on the database are
enough, and the end of the session leaves nothing behind. `consistently` gives one view of the company's tables while
they are read; afterwards each statement stands alone, so that no long transaction holds up the server's own cleaning.
Text is compared byte by byte (`COLLATE "C"`), as DuckDB does, whatever the database's language is.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyarrow import csv

from revml.contract.checks import identifier
from revml.errors import DataError
from revml.features.engines import TooLarge
from revml.features.engines.translating import parsed, short_name, translate
from revml.sources.functions import FUNCTIONS as LENT
from revml.sources.postgres import SETTINGS, address, driver, without_secrets
from revml.sources.source import first_line

# Memory for one sort or hash table of a session, before it goes to disk; compiling long statements costs seconds.
SESSION = "; ".join(
    (
        SETTINGS,
        "SET client_encoding = 'UTF8'",
        "SET client_min_messages = warning",
        "SET work_mem = '128MB'",
        "SET jit = off",
    )
)
LENT_TYPES = {"as_time": "timestamptz", "as_number": "double precision", "as_flag": "boolean"}
PUT_TYPES = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int32, "integer"),
    (pa.types.is_integer, "bigint"),
    (pa.types.is_floating, "double precision"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "timestamp"),
)
FETCH_TYPES = {
    "bool": pa.bool_(),
    "int2": pa.int32(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "numeric": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
# An instant written as ISO 8601, the zone behind it, and what DuckDB reads besides.
_INSTANT = (
    r"^\s*(\d{4,6}[-/]\d{1,2}[-/]\d{1,2}"
    r"([ T]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d*)?)?\s*([Zz]|[A-Za-z_]+(/[A-Za-z_]+)*|[+-]\d{2}(:?\d{2})?)?)?"
    r"|-?infinity|epoch)\s*$"
)
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_SPECIAL = r"^\s*[+-]?(inf|infinity|nan)\s*$"
_TRY = """
CREATE OR REPLACE FUNCTION pg_temp.{name}(given text) RETURNS {kind} LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
  IF NOT ({shape}) THEN RETURN NULL; END IF;
  RETURN {value};
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $$
"""
_WHERE = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%s)
"""
FUNCTIONS = (
    # Rounded as DuckDB rounds: half away from zero, of the number times 10,000.
    """
CREATE OR REPLACE FUNCTION pg_temp.exact(given double precision) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN given = trunc(given) AND abs(given) < 1e15 THEN CAST(CAST(given AS bigint) AS numeric)
    ELSE round(CAST(CAST(given * 10000 AS text) AS numeric)) / 10000 END $$
""",
    """
CREATE OR REPLACE FUNCTION pg_temp.exact(given numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT given $$
""",
    """
CREATE OR REPLACE FUNCTION pg_temp.is_finite(given double precision) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT given NOT IN ('NaN', 'Infinity', '-Infinity') $$
""",
    """
CREATE OR REPLACE FUNCTION pg_temp.is_finite(given timestamp) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT isfinite(given) $$
""",
    """
CREATE OR REPLACE FUNCTION pg_temp.error(said text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN RAISE EXCEPTION '%', said USING ERRCODE = 'data_exception'; END $$
""",
    _TRY.format(
        name="try_double",
        kind="double precision",
        shape=f"given ~ '{_NUMBER}' OR given ~* '{_SPECIAL}'",
        value="CAST(given AS double precision)",
    ),
    _TRY.format(name="try_number", kind="numeric", shape=f"given ~ '{_NUMBER}'", value="CAST(given AS numeric)"),
    _TRY.format(
        name="try_whole",
        kind="bigint",
        shape=f"given ~ '{_NUMBER}'",
        value="CAST(round(CAST(given AS numeric)) AS bigint)",
    ),
    _TRY.format(
        name="try_flag",
        kind="boolean",
        shape="lower(given) IN ('t', 'f', 'true', 'false', 'yes', 'no', 'y', 'n', '1', '0')",
        value="CAST(given AS boolean)",
    ),
    # A fraction finer than microseconds is cut off, not rounded.
    _TRY.format(
        name="try_instant",
        kind="timestamptz",
        shape=f"given ~ '{_INSTANT}'",
        value=r"CAST(regexp_replace(given, '(\.\d{6})\d+', '\1') AS timestamptz)",
    ),
)


class PostgresEngine:
    """A session on a PostgreSQL server that holds the company's tables.

    Raises:
        ConfigError: the URL is not PostgreSQL's, names a variable that is not set, or the driver is missing.
        DataError: the server cannot be reached, or does not let this user make temporary tables.
    """

    name = "postgres"

    def __init__(self, url: str) -> None:
        self._psycopg = driver()
        self.words = without_secrets(url)
        full = address(url)
        try:
            self._con = self._psycopg.connect(full, connect_timeout=15, application_name="revml", autocommit=True)
        except self._psycopg.Error as error:
            raise self._refused(error, "a PostgreSQL server that lets this user in") from None
        try:
            self._con.execute(SESSION)
            for function in FUNCTIONS:
                self._con.execute(function)
            for function in _lent():
                # What the server cannot say is missed where a mapping calls it, with its place.
                with contextlib.suppress(self._psycopg.errors.SyntaxErrorOrAccessRuleViolation):
                    self._con.execute(function)
        except self._psycopg.Error as error:
            self._con.close()
            raise self._refused(error, "the right to make temporary tables (TEMPORARY on the database)") from None

    @contextmanager
    def consistently(self) -> Iterator[None]:
        """One view of all tables, as of now, for the length of a `with` block."""
        self._con.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            yield
        except BaseException:
            self._con.execute("ROLLBACK")
            raise
        self._con.execute("COMMIT")

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace a small table."""
        columns = ", ".join(f"{identifier(short_name(f.name))} {_put_type(f.type)}" for f in table.schema)
        self._con.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        self._con.execute(f"CREATE TEMP TABLE {name} ({columns})")
        text = io.BytesIO()
        csv.write_csv(table, text, csv.WriteOptions(include_header=False))
        with self._con.cursor().copy(f"COPY pg_temp.{name} FROM STDIN (FORMAT csv)") as rows:
            rows.write(text.getbuffer())
        self._con.execute(f"ANALYZE pg_temp.{name}")

    def make(self, name: str, select: str) -> None:
        """Make or replace a table out of a SELECT in DuckDB's dialect.

        Raises:
            TooLarge: a number is too large to add up.
            DataError: the server refuses.
            Untranslatable: PostgreSQL has no words for it.
        """
        self.make_here(name, translate(select, "postgres"))

    def make_here(self, name: str, select: str) -> None:
        """The same, out of a SELECT in the server's own dialect."""
        try:
            self._con.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
            self._con.execute(f"CREATE TEMP TABLE {name} AS {select}")
            self._con.execute(f"ANALYZE pg_temp.{name}")
        except self._psycopg.errors.NumericValueOutOfRange as error:
            raise TooLarge(first_line(error)) from None
        except self._psycopg.Error as error:
            raise self._refused(error, f"the temporary table {name}") from None

    def described(self, table: str) -> tuple[str, dict[str, str]]:
        """A table of the company's by its full name, quoted, and its columns with the server's types.

        Raises:
            DataError: there is no such table, or this user may not read it.
        """
        quoted = ".".join(identifier(part) for part in table.split("."))
        try:
            found = self._con.execute(_WHERE, [quoted]).fetchone()
            if found is None:
                raise self._refused(RuntimeError("there is no such table or view"), f"the table {table}")
            name = ".".join(identifier(part) for part in found)
            columns = self._con.execute(f"SELECT * FROM {name} LIMIT 0").description
        except self._psycopg.Error as error:
            raise self._refused(error, f"the table {table}") from None
        known = {c.name: self._con.adapters.types.get(c.type_code) for c in columns}
        return name, {column: kind.name if kind else "" for column, kind in known.items()}

    def view_here(self, name: str, columns: list[str], select: str) -> None:
        """Make a temporary view out of a SELECT in the server's own dialect.

        Raises:
            psycopg.Error: the server refuses the statement; a transaction goes on all the same.
        """
        names = ", ".join(identifier(column) for column in columns)
        self.tried(f"CREATE OR REPLACE TEMP VIEW {name} ({names}) AS {select}")

    def tried(self, statement: str) -> None:
        """Run a statement that may fail without ending the transaction around it.

        Raises:
            psycopg.Error: the server refuses.
        """
        with self._con.transaction():
            self._con.execute(statement)

    def drop(self, name: str) -> None:
        """Drop a table that was made, where there is one."""
        self._con.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")

    def fetch(self, select: str) -> pa.Table:
        """The rows of a SELECT in DuckDB's dialect, streamed."""
        names = parsed(select).named_selects
        table = self.fetch_here(translate(select, "postgres"))
        return table.rename_columns(names) if len(names) == table.num_columns else table

    def fetch_here(self, select: str) -> pa.Table:
        """The rows of a SELECT in the server's own dialect, streamed."""
        try:
            described = self._con.execute(f"SELECT * FROM ({select}) AS shape LIMIT 0").description
            types = {column.name: self._type(column.type_code) for column in described}
            with self._con.cursor().copy(f"COPY ({select}) TO STDOUT (FORMAT csv)") as blocks:
                return _read(blocks, types)
        except self._psycopg.Error as error:
            raise self._refused(error, "an answer") from None

    def error(self) -> Any:
        """The class of the driver's errors."""
        return self._psycopg.Error

    def close(self) -> None:
        """Leave nothing behind."""
        self._con.close()

    def _type(self, code: int) -> pa.DataType:
        known = self._con.adapters.types.get(code)
        return FETCH_TYPES.get(known.name if known else "", pa.string())

    def _refused(self, error: Exception, wanted: str) -> DataError:
        return DataError(
            "the server refuses",
            where=self.words,
            wanted=wanted,
            got=first_line(error),
            do="check the address, the user's rights (SELECT on the tables, TEMPORARY on the database) and disk space",
        )


def _lent() -> Iterator[str]:
    """The functions that revml lends to mappings (`sources.functions`), by the type of what they are given."""
    for name, bodies in LENT.items():
        for kind, body in bodies.items():
            given = translate(f"SELECT CAST(NULL AS {kind}) AS x", "postgres").split(" AS ")[1].rstrip(")").strip()
            # PostgreSQL has no cast from the larger whole numbers to true and false.
            sql = "SELECT x <> 0" if (name, kind) == ("as_flag", "BIGINT") else translate(f"SELECT {body}", "postgres")
            yield (
                f"CREATE OR REPLACE FUNCTION pg_temp.{name}(x {given}) RETURNS {LENT_TYPES[name]}"
                f" LANGUAGE sql STABLE AS $$ {sql} $$"
            )


class _Stream(io.RawIOBase):
    """The blocks that a COPY gives, as a file."""

    def __init__(self, blocks: Any) -> None:
        self._blocks, self._rest = iter(blocks), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(bytes(block))
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _read(blocks: Any, types: dict[str, pa.DataType]) -> pa.Table:
    schema = pa.schema(list(types.items()))
    convert = csv.ConvertOptions(
        column_types=schema,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
        true_values=["t"],
        false_values=["f"],
    )
    stream = io.BufferedReader(_Stream(blocks), 1 << 20)
    if not stream.peek(1):
        return schema.empty_table()
    parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    read = csv.ReadOptions(column_names=list(types), block_size=1 << 24)
    with csv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert) as batches:
        return pa.Table.from_batches(list(batches), schema)


def _put_type(kind: pa.DataType) -> str:
    for fits, name in PUT_TYPES:
        if fits(kind):
            return name
    return 'text COLLATE "C"'
