"""The company's own PostgreSQL tables are mapped, judged and made into features where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from revml.features.engine import build_features
from revml.features.engines.postgres import PostgresEngine
from revml.features.engines.pushdown import push_down
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace
from tests.features.company import random_company
from tests.features.engines.own_server import READER, READER_PASSWORD, dirtied, load, url, workspace
from tests.postgres_server import login, postgres_server

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.slow

COMPANY = random_company(seed=5, accounts=14)
AS_OFS = (
    datetime(2023, 6, 1),  # noqa: DTZ001
    datetime(2024, 2, 1),  # noqa: DTZ001
    datetime(2024, 5, 1, 13, 30, 5, 123),  # noqa: DTZ001
    datetime(2025, 9, 1),  # noqa: DTZ001
)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, dict[str, dict[str, Any]]]]:
    """A database whose language is not C, with a user who may look and make temporary tables and nothing else."""
    with postgres_server() as port:
        with psycopg.connect(login(port), autocommit=True) as con:
            con.execute("CREATE DATABASE company TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
            con.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{READER_PASSWORD}'")
            con.execute("REVOKE ALL ON DATABASE company FROM PUBLIC")
            con.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE company TO {READER}")
        with psycopg.connect(login(port).replace("dbname=postgres", "dbname=company"), autocommit=True) as con:
            con.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            tables = load(con, dirtied(COMPANY))
            con.execute(f"GRANT USAGE ON SCHEMA own TO {READER}; GRANT SELECT ON ALL TABLES IN SCHEMA own TO {READER}")
        yield port, tables


def _snapshots() -> pd.DataFrame:
    rows = [(a["account_id"], t) for t in AS_OFS for a in COMPANY["accounts"]]
    return pd.DataFrame(rows, columns=["account_id", "as_of"])


def _different(here: pa.Table, there: pa.Table) -> dict[str, Any]:
    assert here.schema == there.schema
    pairs = {name: (here[name].to_pylist(), there[name].to_pylist()) for name in here.column_names}
    return {name: next((x, y) for x, y in zip(a, b, strict=True) if x != y) for name, (a, b) in pairs.items() if a != b}


def test_features_and_verdicts_are_those_of_the_check(
    server: tuple[int, dict[str, dict[str, Any]]], tmp_path: Path
) -> None:
    """Every feature of every snapshot, and every count of the report, is what DuckDB makes of a copy of the tables."""
    port, tables = server
    tables["accounts"]["static"] = ["Own founded", "Own size"]
    here = workspace(tmp_path / "here", tables, url(port))
    report = stage_workspace(here)
    engine = PostgresEngine(url(port))
    known = push_down(here, engine)
    for mine, theirs in zip(report.tables, known.report.tables, strict=True):
        counts = ("table", "rows_in", "filtered", "accepted", "duplicates", "quarantined", "first", "last")
        assert {c: getattr(mine, c) for c in counts} == {c: getattr(theirs, c) for c in counts}
    assert sum(len(table.quarantined) for table in report.tables) > 50
    assert all(table.duplicates for table in report.tables if table.rows_in > 40)
    facts = Facts.open(here.staged_dir)
    assert known.columns == facts.columns
    assert known.observed_until == facts.observed_until
    mine, theirs = build_features(facts, _snapshots()), build_features(known, _snapshots(), engine=engine)
    assert _different(mine, theirs) == {}
