"""Opening databases: migrations, modes, addresses."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from revml.errors import StoreError
from revml.store import Store
from revml.store.schema import metadata


def test_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    """Nothing differs between `store.schema` and a migrated database."""
    with store.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_sqlite_is_in_wal_mode_with_foreign_keys(tmp_path: Path) -> None:
    """Readers do not wait for a writer, and rows of no run are refused."""
    with Store.open(f"sqlite:///{tmp_path / 'scores.db'}") as store, store.database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_the_folder_is_made(tmp_path: Path) -> None:
    """A workspace that never ran anything has no work folder yet."""
    Store.open(f"sqlite:///{tmp_path / 'new' / 'folder' / 'scores.db'}").close()
    assert (tmp_path / "new" / "folder" / "scores.db").exists()


@pytest.mark.parametrize("url", ["scores.db", "sqlite://", "oracle://x/y", "nonsense://x"])
def test_a_wrong_address_is_told(url: str) -> None:
    """What is no usable URL is a StoreError that shows the right form."""
    with pytest.raises(StoreError) as told:
        Store.open(url)
    assert "sqlite:///" in told.value.wanted


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """A file that is no database is an error that names it."""
    broken = tmp_path / "scores.db"
    broken.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="refused") as told:
        Store.open(f"sqlite:///{broken}")
    assert str(broken) in told.value.where


def test_a_database_of_a_newer_revml_is_refused(tmp_path: Path) -> None:
    """An unknown revision means upgrade, not repair."""
    url = f"sqlite:///{tmp_path / 'scores.db'}"
    Store.open(url).close()
    with sqlite3.connect(tmp_path / "scores.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer revml"):
        Store.open(url)


def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    """The tables are made once, by whoever comes first."""
    url = f"sqlite:///{tmp_path / 'scores.db'}"
    code = "import sys; from revml.store import Store; Store.open(sys.argv[1]).close()"
    processes = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    Store.open(url).close()


def test_a_password_is_never_shown() -> None:
    """An error about an unreachable server does not print its password."""
    with pytest.raises(StoreError) as told:
        Store.open("postgresql://revml:secret-word@127.0.0.1:1/scores?connect_timeout=2")
    assert "secret-word" not in str(told.value)
