"""One small company through every kind of source: the same facts, the same features, and no look at the future."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from revml.config import load_workspace
from revml.contract.report import CheckReport
from revml.contract.tables import SQL_TYPES, TABLES
from revml.features.engine import build_features
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace
from tests.features.company import HAPPENED, Tables, random_company
from tests.features.test_nothing_after_as_of import add_a_tick_later, add_known_a_tick_later
from tests.literal_facts import ARROW
from tests.postgres_server import PASSWORD, USER, login, postgres_server
from tests.s3_server import BUCKET, s3_server, upload

pytestmark = pytest.mark.slow

AS_OF = datetime(2024, 9, 17, 6, 30)  # noqa: DTZ001
COMPANY: Tables = {
    name: [{key: value for key, value in row.items() if key != "founded"} for row in rows]
    for name, rows in random_company(accounts=9).items()
}
LATER: Tables = {
    name: add_known_a_tick_later(add_a_tick_later(rows, name, AS_OF)[: 2 * len(rows)], name, AS_OF)
    if name in HAPPENED
    else rows
    for name, rows in COMPANY.items()
}


@dataclass
class Servers:
    """Servers that are started by the first source that needs them."""

    request: pytest.FixtureRequest
    started: dict[str, Any] = field(default_factory=dict)

    def of(self, name: str) -> Any:
        if name not in self.started:
            self.started[name] = self.request.getfixturevalue(name)
        return self.started[name]


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    with postgres_server() as port:
        yield port


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def servers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Servers:
    monkeypatch.setenv("TEST_PG_PASSWORD", quote(PASSWORD, safe=""))
    return Servers(request)


def company(tables: Tables) -> duckdb.DuckDBPyConnection:
    """The company's tables in a database, with the contract's types."""
    con = duckdb.connect(":memory:")
    for name, rows in tables.items():
        types = TABLES[name].by_name
        columns = list(dict.fromkeys(key for row in rows for key in row))
        content = pa.table(
            {c: pa.array([r.get(c) for r in rows], ARROW[types[c].type] if c in types else None) for c in columns}
        )
        con.register("rows", content)
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
        con.unregister("rows")
    return con


Written = dict[str, str]  # what revml.yaml says of each table


def parquet(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    for name in COMPANY:
        con.execute(f"COPY {name} TO '{folder}/{name}.parquet' (FORMAT parquet)")
    return {name: f"path: {name}.parquet" for name in COMPANY}


def parts(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    for name in COMPANY:
        (folder / name).mkdir()
        for part in range(3):
            rows = f"(SELECT * FROM (SELECT *, row_number() OVER () AS n FROM {name}) WHERE n % 3 = {part})"
            con.execute(f"COPY (SELECT * EXCLUDE (n) FROM {rows}) TO '{folder}/{name}/{part}.parquet' (FORMAT parquet)")
    return {name: f"path: {name}" for name in COMPANY}


def csv(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    for name in COMPANY:
        con.execute(f"COPY {name} TO '{folder}/{name}.csv' (FORMAT csv, HEADER true)")
    return {name: f"path: {name}.csv" for name in COMPANY}


def _packed(folder: Path, ending: str, pack: Callable[[bytes], bytes]) -> Written:
    for name in COMPANY:
        plain = folder / f"{name}.csv"
        (folder / f"{name}.csv.{ending}").write_bytes(pack(plain.read_bytes()))
        plain.unlink()
    return {name: f"path: {name}.csv.{ending}" for name in COMPANY}


def csv_gzip(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    csv(con, folder, servers)
    return _packed(folder, "gz", gzip.compress)


def csv_zstd(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    csv(con, folder, servers)
    return _packed(folder, "zst", lambda content: pa.compress(content, codec="zstd", asbytes=True))


def csv_utf16(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    for name in csv(con, folder, servers):
        file = folder / f"{name}.csv"
        file.write_bytes(file.read_text(encoding="utf-8").encode("utf-16"))
    return {name: f"path: {name}.csv" for name in COMPANY}


def csv_windows(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    for name in csv(con, folder, servers):
        file = folder / f"{name}.csv"
        file.write_bytes(file.read_text(encoding="utf-8").encode("windows-1250"))
    return {name: f"path: {name}.csv, encoding: windows-1250" for name in COMPANY}


def duckdb_file(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    con.execute(f"ATTACH '{folder}/company.duckdb' AS there")
    for name in COMPANY:
        con.execute(f"CREATE TABLE there.{name} AS SELECT * FROM {name}")
    con.execute("DETACH there")
    return {name: f"path: company.duckdb, table: {name}" for name in COMPANY}


def sqlite_file(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    with sqlite3.connect(folder / "company.db") as db:
        for name in COMPANY:
            rows = con.execute(f"SELECT * FROM {name}")
            columns = [column[0] for column in rows.description]
            db.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            db.executemany(
                f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})",
                [[str(v) if isinstance(v, datetime) else v for v in row] for row in rows.fetchall()],
            )
    db.close()
    return {name: f"path: company.db, table: {name}" for name in COMPANY}


def postgresql(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    psycopg = pytest.importorskip("psycopg")
    port = servers.of("postgres")
    types = {"DOUBLE": "double precision", "VARCHAR": "text"}
    with psycopg.connect(login(port)) as server:
        for name in COMPANY:
            rows = con.execute(f"SELECT * FROM {name}")
            told = TABLES[name].by_name
            columns = {c[0]: SQL_TYPES[told[c[0]].type] if c[0] in told else "DOUBLE" for c in rows.description}
            made = ", ".join(f"{column} {types.get(kind, kind)}" for column, kind in columns.items())
            server.execute(f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({made})")
            with server.cursor().copy(f"COPY {name} FROM STDIN") as out:
                for row in rows.fetchall():
                    out.write_row(row)
    url = f"postgresql://{USER}:${{TEST_PG_PASSWORD}}@127.0.0.1:{port}/postgres"
    return {name: f'url: "{url}", table: {name}' for name in COMPANY}


def s3_store(con: duckdb.DuckDBPyConnection, folder: Path, servers: Servers) -> Written:
    endpoint = servers.of("s3")
    prefix = folder.parent.name
    written = parts(con, folder, servers)
    files = list(folder.rglob("*.parquet"))
    upload(endpoint, {f"{prefix}/{file.relative_to(folder)}": file.read_bytes() for file in files})
    for file in files:
        file.unlink()
    store = f"s3://{BUCKET}/{prefix}"
    return {name: f"path: '{store}/{name}/*.parquet'" for name in written} | {"storage": endpoint}


SOURCES: tuple[Callable[[duckdb.DuckDBPyConnection, Path, Servers], Written], ...] = (
    parts,
    csv,
    csv_gzip,
    csv_zstd,
    csv_utf16,
    csv_windows,
    duckdb_file,
    sqlite_file,
    postgresql,
    s3_store,
)


def staged(
    folder: Path, tables: Tables, source: Callable[..., Written], servers: Servers
) -> tuple[CheckReport, Facts, pa.Table]:
    """The check's report, the facts and the features at `AS_OF` of a company that comes from a source."""
    folder.mkdir()
    with company(tables) as con:
        written = source(con, folder, servers)
    endpoint = written.pop("storage", None)
    written["accounts"] += ", static: [size]"
    lines = ["quarantine_limit: 1", "tables:", *(f"  {name}: {{{place}}}" for name, place in written.items())]
    if endpoint:
        lines.append(f"storage: {{s3: {{endpoint: '{endpoint}', region: eu-central-1}}}}")
    (folder / "revml.yaml").write_text("\n".join(lines) + "\n")
    workspace = load_workspace(folder)
    report = stage_workspace(workspace)
    facts = Facts.open(workspace.staged_dir)
    snapshots = pd.DataFrame({"account_id": [row["account_id"] for row in COMPANY["accounts"]], "as_of": AS_OF})
    return report, facts, build_features(facts, snapshots)


@pytest.fixture(scope="module")
def reference(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[CheckReport, Facts, pa.Table]:
    """The company from Parquet, the source that keeps every type."""
    return staged(tmp_path_factory.mktemp("reference") / "company", COMPANY, parquet, Servers(request))


def test_the_check_takes_the_company_as_it_is(reference: tuple[CheckReport, Facts, pa.Table]) -> None:
    """Every table is there with nearly all its rows, so that what follows says something."""
    report, _, features = reference
    assert {table.table for table in report.tables} == set(COMPANY)
    assert all(table.accepted > 0.7 * len(COMPANY[table.table]) for table in report.tables)
    assert features.num_columns > 150


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_every_source_gives_the_same_facts_and_features(
    tmp_path: Path, servers: Servers, reference: tuple[CheckReport, Facts, pa.Table], source: Callable[..., Written]
) -> None:
    """Rows, counts and features are those of the Parquet files, bit for bit."""
    report, facts, features = staged(tmp_path / "company", COMPANY, source, servers)
    wanted, truth, base = reference
    for name in COMPANY:
        ordered = f"SELECT * FROM {name} ORDER BY ALL"
        assert facts.con.execute(ordered).fetchall() == truth.con.execute(ordered).fetchall()
    counts = [(t.table, t.rows_in, t.accepted, t.duplicates, t.quarantined) for t in report.tables]
    assert counts == [(t.table, t.rows_in, t.accepted, t.duplicates, t.quarantined) for t in wanted.tables]
    assert features.equals(base)


@pytest.mark.parametrize("source", [parquet, *SOURCES], ids=lambda source: source.__name__)
def test_what_happens_or_is_known_a_tick_later_moves_no_feature(
    tmp_path: Path, servers: Servers, reference: tuple[CheckReport, Facts, pa.Table], source: Callable[..., Written]
) -> None:
    """Loud facts one microsecond after `AS_OF`, in the source itself, in every table that can have them."""
    report, _, features = staged(tmp_path / "company", LATER, source, servers)
    wanted, _, base = reference
    more = {table.table: table.accepted - wanted.table(table.table).accepted for table in report.tables}
    assert all(more[name] > 0 for name in HAPPENED)
    assert features.schema == base.schema
    assert {name for name in base.column_names if not features.column(name).equals(base.column(name))} == set()
