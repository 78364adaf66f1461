"""PostgreSQL by URL, against a real server that the test starts (skipped aloud where none is installed)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from revml.errors import ConfigError, DataError
from tests.postgres_server import USER, login, postgres_server
from tests.sources.workspaces import check, quarantined, staged

psycopg = pytest.importorskip("psycopg")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a fresh server with some tables; the password stands in the environment, not in the URL."""
    with postgres_server() as port:
        with psycopg.connect(login(port)) as con:
            con.execute("""
                CREATE TABLE accounts (account_id bigint, created_at timestamptz, name text, employees int);
                INSERT INTO accounts VALUES (1, '2024-01-01 02:00+02', 'Ěščř, "quoted"', 5),
                                            (2, '2024-01-05', '', NULL);
                CREATE SCHEMA shop;
                CREATE VIEW shop.lines AS
                SELECT 10 + n AS order_id, n AS line, date '2024-02-01' + n AS ordered_at, 1 + n % 3 AS account_id,
                       'p' AS product, 1.5::real AS quantity, (n * 0.1)::numeric(10, 2) AS amount
                FROM generate_series(1, 6) n;
            """)
        yield f"postgresql://{USER}:${{REVML_TEST_PASSWORD}}@127.0.0.1:{port}/postgres"


@pytest.fixture
def yaml(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A workspace whose two tables come from the server."""
    monkeypatch.setenv("REVML_TEST_PASSWORD", "s3cret%40%3A%2F")
    return f"""
quarantine_limit: 1
tables:
  accounts: {{url: "{server}", table: accounts}}
  orders: {{url: "{server}", table: shop.lines, where: amount > 0.15}}
"""


def test_tables_and_views_are_read_with_their_types(tmp_path: Path, yaml: str) -> None:
    """Instants arrive in UTC, empty text stays apart from NULL, and every row is counted."""
    report = check(tmp_path, yaml)
    assert staged(tmp_path, "accounts", "account_id, CAST(created_at AS VARCHAR), name, employees") == [
        ("1", "2024-01-01 00:00:00", 'Ěščř, "quoted"', 5),
        ("2", "2024-01-05 00:00:00", "", None),
    ]
    orders = report.table("orders")
    assert (orders.rows_in, orders.filtered, orders.accepted, orders.quarantined_rows) == (6, 1, 3, 2)
    assert quarantined(tmp_path, "orders", "reason, account_id") == [("account_id names nothing in accounts", "3")] * 2


def test_the_password_is_in_no_message(tmp_path: Path, yaml: str) -> None:
    """An error names host, database and table, and neither user nor password."""
    with pytest.raises(DataError, match=r"relation .* does not exist") as caught:
        check(tmp_path, yaml.replace("shop.lines", "lines"))
    assert "s3cret" not in str(caught.value)
    assert "reader" not in caught.value.where


def test_a_server_that_is_away_is_a_data_error(tmp_path: Path) -> None:
    """Nobody listens on port 1."""
    with pytest.raises(DataError, match="cannot be read"):
        check(tmp_path, 'data: data\ntables: {orders: {url: "postgresql://u:p@127.0.0.1:1/db", table: t}}')


def test_other_databases_are_refused_by_name(tmp_path: Path) -> None:
    """A URL of another kind says what to do instead."""
    with pytest.raises(ConfigError, match="not the URL of a PostgreSQL server"):
        check(tmp_path, 'data: data\ntables: {orders: {url: "mysql://u:p@h/db", table: t}}')


def test_a_missing_driver_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the way out is one pip command."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"pip install revml\[postgres\]"):
        check(tmp_path, 'data: data\ntables: {orders: {url: "postgresql://u@h/db", table: t}}')


def test_a_query_joins_a_file_to_tables_of_a_server(tmp_path: Path, server: str, yaml: str) -> None:
    """Further inputs may be tables of a database, and a table of a database may say which account an id means."""
    (tmp_path / "tickets.csv").write_text("id,line,at\nt1,1,2024-03-01\nt2,2,2024-03-02\n")
    there = f'url: "{server}"'
    tickets = f"""
  tickets:
    path: tickets.csv
    sources: {{lines: {{{there}, table: shop.lines}}}}
    query: SELECT t.id, t.at, l.account_id FROM source AS t JOIN lines AS l ON l.line = as_number(t.line)
    columns: {{ticket_id: id, opened_at: at}}
  touches:
    path: tickets.csv
    account_ids: {{{there}, table: accounts, theirs: {{sql: "'t' || account_id"}}, ours: account_id}}
    columns: {{account_id: id, occurred_at: at, channel: {{sql: "'call'"}}}}
"""
    check(tmp_path, yaml + tickets.lstrip("\n"))
    assert staged(tmp_path, "tickets", "ticket_id, account_id") == [("t1", "2")]
    assert staged(tmp_path, "touches", "account_id, channel") == [("1", "call"), ("2", "call")]
