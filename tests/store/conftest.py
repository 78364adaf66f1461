"""An empty scores database: on SQLite always, on PostgreSQL where one is installed or REVML_TEST_POSTGRES names one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from revml.store import Store
from tests.postgres_server import PASSWORD, USER, postgres_server

POSTGRES = "REVML_TEST_POSTGRES"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The server that the environment names, else one of the tests' own."""
    if POSTGRES in os.environ:
        yield os.environ[POSTGRES]
        return
    with postgres_server() as port:
        yield f"postgresql://{USER}:{quote_plus(PASSWORD)}@127.0.0.1:{port}/postgres"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty place; on PostgreSQL a schema of its own, removed afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'scores.db'}"
        return
    url = make_url(request.getfixturevalue("postgres_url")).set(drivername="postgresql+psycopg")
    schema = f"revml_{uuid.uuid4().hex[:12]}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty scores database that keeps three runs."""
    with Store.open(store_url, keep=3) as opened:
        yield opened
