"""Spark 4 as the place where the features are made, over the staged facts.

Comes in: `Facts`. Spark reads the staged Parquet files itself, in a session of its own on this machine (`local[*]`), or
in the session that is given, whose executors must see the staged folder. Instants are naive UTC (`TIMESTAMP_NTZ`), and
arithmetic that overflows is an error (ANSI mode), never NULL. Each table that is made is computed once and cut off from
the statements before it, so that long chains of steps cost no more than their sum. The package is an extra:
`pip install revml[spark]`, with a Java 17 or 21.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from revml.contract.tables import SQL_TYPES, TABLES, Table
from revml.errors import ConfigError, DataError
from revml.features.engines import TooLarge
from revml.features.engines.translating import translate
from revml.sources.facts import Facts, staged_file, staged_parts
from revml.sources.source import first_line

SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # The plan of one step is large: that is no reason to write it out, or to give up compiling it.
    "spark.sql.maxPlanStringLength": "1000",
    "spark.sql.ui.explainMode": "simple",
}
LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "3g",
    # The last step joins a score of tables, each of which takes a page to sort at once.
    "spark.buffer.pageSize": "1m",
    "spark.sql.shuffle.partitions": "8",
    "spark.default.parallelism": "4",
    "spark.sql.catalogImplementation": "in-memory",
}
OVERFLOWS = ("ARITHMETIC_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE", "CAST_OVERFLOW", "NUMERIC_OUT_OF_SUPPORTED_RANGE")


class SparkEngine:
    """A Spark session with the contract's tables as views of the staged files.

    Args:
        facts: the staged facts.
        session: a `SparkSession` to use; absent means one on this machine, which `close` ends.

    Raises:
        ConfigError: pyspark or Java is missing.
    """

    name = "spark"

    def __init__(self, facts: Facts, session: Any = None) -> None:
        pyspark = _package()
        self._room = Path(tempfile.mkdtemp(prefix="revml-spark-"))
        self._own = session is None
        self._error = pyspark.errors.PySparkException
        # What goes wrong is raised; Spark would print it to the terminal besides.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        try:
            self._spark = session or _local(pyspark, self._room)
        except ConfigError:
            shutil.rmtree(self._room, ignore_errors=True)
            raise
        self._kept: dict[str, Any] = {}
        self._settings = {key: self._spark.conf.get(key, None) for key in SESSION}
        for key, value in SESSION.items():
            self._spark.conf.set(key, value)
        for table in TABLES.values():
            self._view(facts, table)
        picked = ", ".join(["account_id", *(_quoted(name) for name in facts.extras)])
        self._look("account_profile", _relation(facts, "accounts", f"SELECT {picked}"))

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace a small table."""
        self._replace(name, self._spark.createDataFrame(table))

    def make(self, name: str, select: str) -> None:
        """Make or replace a table out of a SELECT in DuckDB's dialect.

        Raises:
            TooLarge: a number is too large to add up.
            DataError: Spark refuses.
            Untranslatable: Spark has no words for it.
        """
        try:
            # Computed now and kept, without the plan that led to it.
            self._replace(name, self._spark.sql(translate(select, "spark")).localCheckpoint(eager=True))
        except self._error as error:
            raise self._refused(error, f"the table {name}") from None

    def drop(self, name: str) -> None:
        """Forget a table that nothing needs any more."""
        self._spark.catalog.dropTempView(name)
        if name in self._kept:
            self._kept.pop(name).unpersist()

    def fetch(self, select: str) -> pa.Table:
        """The rows of a SELECT in DuckDB's dialect."""
        try:
            return self._spark.sql(translate(select, "spark")).toArrow()
        except self._error as error:
            raise self._refused(error, "an answer") from None

    def close(self) -> None:
        """Leave nothing behind."""
        for name in [*self._kept, *TABLES, "account_profile"]:
            with contextlib.suppress(self._error):
                self._spark.catalog.dropTempView(name)
        self._kept.clear()
        if self._own:
            self._spark.stop()
        else:
            for key, value in self._settings.items():
                self._spark.conf.unset(key) if value is None else self._spark.conf.set(key, value)
        shutil.rmtree(self._room, ignore_errors=True)

    def _replace(self, name: str, frame: Any) -> None:
        frame.createOrReplaceTempView(name)
        before, self._kept[name] = self._kept.get(name), frame
        if before is not None:
            before.unpersist()

    def _view(self, facts: Facts, table: Table) -> None:
        there = facts.columns.get(table.name, frozenset())
        columns = ", ".join(
            f"CAST({name if name in there else 'NULL'} AS {_TYPES[SQL_TYPES[column.type]]}) AS {name}"
            for name, column in table.by_name.items()
        )
        empty = f"SELECT {columns} WHERE FALSE"
        self._look(table.name, _relation(facts, table.name, f"SELECT {columns}") if there else empty)

    def _look(self, name: str, select: str) -> None:
        self._spark.sql(select).createOrReplaceTempView(name)

    def _refused(self, error: Any, wanted: str) -> Exception:
        said = first_line(error)
        if any(word in str(error) for word in OVERFLOWS):
            return TooLarge(said)
        return DataError(
            "Spark refuses",
            where="the Spark session",
            wanted=wanted,
            got=said,
            do="look at the session's memory and disk space, or build with --engine duckdb",
        )


_TYPES = {
    "VARCHAR": "STRING",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "BIGINT": "BIGINT",
    "DOUBLE": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
}


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _relation(facts: Facts, table: str, select: str) -> str:
    parts = staged_parts(facts.folder, table)
    place = parts if parts.is_dir() else staged_file(facts.folder, table)
    return f"{select} FROM parquet.{_quoted(str(place.resolve()))}"


def _package() -> Any:
    try:
        import pyspark
        import pyspark.errors
        import pyspark.sql
    except ImportError:
        raise ConfigError(
            "Spark is not installed",
            where="--engine spark",
            wanted="the package pyspark, version 4",
            do="pip install revml[spark]",
        ) from None
    if int(pyspark.__version__.split(".")[0]) < 4:
        raise ConfigError(
            "this Spark is too old",
            where="--engine spark",
            wanted="pyspark 4",
            got=pyspark.__version__,
            do="pip install revml[spark]",
        )
    return pyspark


def _local(pyspark: Any, room: Path) -> Any:
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise ConfigError(
            "Java is not installed",
            where="--engine spark",
            wanted="Java 17 or 21 on the PATH, or JAVA_HOME",
            do="install one (on Debian and Ubuntu: apt install openjdk-17-jre-headless)",
        )
    builder = pyspark.sql.SparkSession.builder.appName("revml").master("local[*]")
    for key, value in {**LOCAL, "spark.local.dir": str(room), "spark.sql.warehouse.dir": str(room)}.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:
        raise ConfigError(
            "Spark does not start",
            where="--engine spark",
            wanted="Java 17 or 21",
            got=first_line(error),
            do="look at `java -version`",
        ) from None
    session.sparkContext.setLogLevel("ERROR")
    return session
