"""The same SQL on PostgreSQL gives the same features: each step transpiled as text, run on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import ErrorLevel

from revml.contract.tables import TABLES
from revml.features import engine
from revml.features.catalog import SUBJECTS
from revml.features.engines.local import DuckDBEngine
from revml.sources.facts import Facts
from tests.features.company import random_company
from tests.literal_facts import stage
from tests.postgres_server import login, postgres_server

psycopg = pytest.importorskip("psycopg")

COMPANY = random_company(seed=5, accounts=8)
AS_OFS = (datetime(2024, 2, 1), datetime(2024, 5, 1))  # noqa: DTZ001
TYPES = {
    "VARCHAR": "text",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
    "DOUBLE": "double precision",
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "INTERVAL": "interval",
}


@pytest.fixture(scope="module")
def server() -> Iterator[psycopg.Connection[Any]]:
    with postgres_server() as port, psycopg.connect(login(port), autocommit=True) as con:
        yield con


def _copy(con: duckdb.DuckDBPyConnection, server: psycopg.Connection[Any], name: str) -> None:
    """A DuckDB table or view as a PostgreSQL table."""
    described = con.execute(f"DESCRIBE {name}").fetchall()
    columns = ", ".join(f"{row[0]} {TYPES[row[1]]}" for row in described)
    server.execute(f"CREATE TABLE {name} ({columns})")
    marks = ", ".join(["%s"] * len(described))
    with server.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {name} VALUES ({marks})", con.execute(f"SELECT * FROM {name}").fetchall())


def _prepared(facts: Facts) -> duckdb.DuckDBPyConnection:
    """A connection with everything the subjects read, as the engine makes it, all steps run."""
    accounts = sorted(a["account_id"] for a in COMPANY["accounts"])
    here = DuckDBEngine(facts)
    here.put(
        "accounts_in_play", pa.table({"account": pa.array(range(len(accounts)), pa.int32()), "account_id": accounts})
    )
    here.make("clock", "SELECT INTERVAL '1' MICROSECOND AS shift")
    rows = [(a, t) for t in AS_OFS for a in accounts]
    engine._prepare(here, pd.DataFrame(rows, columns=["account_id", "as_of"]), engine._first_day(here, facts))
    for subject in SUBJECTS:
        for name, select in (*subject.once, *subject.steps):
            here.make(name, select)
    return here._con


@pytest.mark.slow
def test_postgresql_gives_the_same_features(tmp_path: Path, server: psycopg.Connection[Any]) -> None:
    """All steps run on PostgreSQL, and every feature of every snapshot agrees."""
    con = _prepared(stage(tmp_path, **COMPANY))
    for name in (*TABLES, "accounts_in_play", "clock", "snapshots", "days", "ages"):
        _copy(con, server, name)
    differ: dict[str, tuple[Any, Any]] = {}
    for subject in SUBJECTS:
        for name, select in (*subject.once, *subject.steps):
            text = sqlglot.transpile(select, read="duckdb", write="postgres", unsupported_level=ErrorLevel.RAISE)[0]
            server.execute(f"CREATE TABLE {name} AS {text}")
        wanted = (
            f"SELECT snapshot, {', '.join(f.name for f in subject.features)} FROM {subject.table} ORDER BY snapshot"
        )
        here, there = con.execute(wanted).fetchall(), server.execute(wanted).fetchall()
        assert len(here) == len(there)
        for mine, theirs in zip(here, there, strict=True):
            for feature, a, b in zip(subject.features, mine[1:], theirs[1:], strict=True):
                equal = a == b if a is None or b is None or isinstance(a, str) else float(a) == pytest.approx(float(b))
                if not equal:
                    differ[feature.name] = (a, b)
    assert differ == {}
