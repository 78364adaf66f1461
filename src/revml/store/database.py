"""Connections to the scores database: SQLite in WAL mode or PostgreSQL, one snapshot a reading, one writer at a time.

A reading sees the database as it was when it began, whatever is published meanwhile; a writing either happens whole or
not at all. Both come from here and nowhere else: on SQLite the driver would otherwise begin transactions only at the
first write, and two selects of one reading could see two runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine import URL, make_url

from revml.errors import StoreError
from revml.store.json_text import serialize

BUSY_SECONDS = 30
CACHE_MIB = 192  # of a run's indexes that grow in no order, while it is written
LOCK = 7_301_905  # any fixed number: writers of one PostgreSQL database queue behind it


class Database:
    """An engine that knows how to read in one snapshot and how to write alone."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reading = (
            engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            if engine.dialect.name == "postgresql"
            else engine
        )

    @property
    def name(self) -> str:
        """The database in words, without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database.

        Raises:
            StoreError: the database is away.
        """
        with self._told(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, much: bool = False) -> Iterator[Connection]:
        """The only writing connection; commits at the end, or undoes all when an exception passes.

        Args:
            much: whole runs are written or deleted. On SQLite pages are then held in memory until they are full, and
                keys into other tables are not looked up row by row: whoever asks for this has looked at them.

        Raises:
            StoreError: the database is away, or another writer held it for longer than half a minute.
        """
        with (
            self._told(),
            self.engine.execution_options(revml_write=True).connect() as connection,
            _roomy(connection) if much else nullcontext(),
            connection.begin(),
        ):
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except exc.OperationalError as error:
            busy = "locked" in str(error.orig)
            raise StoreError(
                "another writer holds the scores database" if busy else "the scores database cannot be reached",
                where=self.name,
                got=str(error.orig).strip(),
                do="wait until it has finished" if busy else "check the address under `store: url` and that it runs",
            ) from error
        except exc.DatabaseError as error:
            raise StoreError(
                "the scores database refused",
                where=self.name,
                got=str(error.orig).strip(),
                do="if the file is damaged, put it aside and publish again with `revml score`",
            ) from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


@contextmanager
def _roomy(connection: Connection) -> Iterator[None]:
    """SQLite outside of a transaction, for one that writes much; PostgreSQL needs nothing."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the only driver that `_sqlite` opens
    [(usual,)] = driver.execute("PRAGMA cache_size").fetchall()
    driver.execute(f"PRAGMA cache_size = -{CACHE_MIB * 1024}")
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")
        driver.execute(f"PRAGMA cache_size = {usual}")
        driver.execute("PRAGMA shrink_memory")


def open_database(url: str) -> Database:
    """Connect and bring the tables up to this version of revml.

    Raises:
        StoreError: the URL is wrong, the database is away, or a newer revml made it.
    """
    try:
        parsed = make_url(url)
        engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _server(parsed)
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            "this is not the address of a database that revml can use",
            where="store: url",
            wanted="sqlite:///path/to/scores.db, or postgresql+psycopg://user:password@host/database",
            got=str(error),
            do="mend the address; PostgreSQL needs `pip install 'revml[postgres]'`",
        ) from None
    database = Database(engine)
    migrate(database)
    return database


def _server(url: URL) -> Engine:
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    return create_engine(url, pool_pre_ping=True, json_serializer=serialize)


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("the scores database must be a file", where="store: url", wanted="sqlite:///path/to/scores.db")
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            "the folder of the scores database cannot be made", where=url.database, got=str(error)
        ) from None
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, json_serializer=serialize)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("revml_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def migrate(database: Database) -> None:
    """Bring the tables up to the newest revision; does nothing when they are.

    Raises:
        StoreError: the database was made by a newer revml.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    with database.reading() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == head:
        return
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(
            "the scores database was made by a newer revml",
            where=database.name,
            wanted=f"revision {head} or older",
            got=f"revision {found}",
            do="upgrade revml here too",
        )
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
