"""An empty scores database: SQLite always, PostgreSQL too where REVML_TEST_POSTGRES gives a URL to try it on."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from revml.store import Store

POSTGRES = "REVML_TEST_POSTGRES"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty place; on PostgreSQL a schema of its own, removed afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'scores.db'}"
        return
    if POSTGRES not in os.environ:
        pytest.skip(f"{POSTGRES} is not set")
    url = make_url(os.environ[POSTGRES]).set(drivername="postgresql+psycopg")
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
