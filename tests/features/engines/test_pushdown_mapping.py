"""What a mapping says means the same on the server as over a copy of its tables; what cannot be said is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revml.config import QUESTIONS, QuestionSpec, Workspace
from revml.errors import ConfigError, DataError, QuarantineError
from revml.features.engine import build_features
from revml.features.engines.choosing import open_engine
from revml.features.engines.postgres import PostgresEngine
from revml.features.engines.pushdown import push_down
from revml.snapshots import first_snapshot, population
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace
from revml.windows import instant
from tests.features.engines.alike import different
from tests.features.engines.own_server import READER, READER_PASSWORD, url, workspace
from tests.postgres_server import login, postgres_server

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.slow

SHOP = """
CREATE TABLE customers ("CustomerNo" integer, "Since" date, "Land" char(2), "Staff" text, "Size" real, active boolean);
INSERT INTO customers VALUES (1, '2024-01-05', 'CZ', '40', 0.1, true), (2, '2024-02-01', 'DE', 'many', 0.25, true),
  (3, '2024-03-01', 'AT', '7', NULL, true), (4, '2024-03-01', 'AT', '9', 1, false);
CREATE TABLE orders ("OrderId" text, "Line" text, "At" timestamp, "CustomerNo" integer, "Sku" text, "Units" numeric,
  "Cents" bigint, "Free" text);
INSERT INTO orders VALUES
  ('o1', '1', '2024-03-31 01:30', 1, 'pump', 2, 100050, '0'), ('o1', '2', '2024-03-31 03:30', 1, 'seal', 1.5, 333, '0'),
  ('o2', 'x', '2024-04-02 00:10', 2, 'seal', 1, 700, '0'), ('o3', '1', '2024-10-27 02:30', 3, 'pump', 1, 5, '1'),
  ('o4', '1', '2024-11-27 02:30', 3, 'pump', 1, 5, '0'), ('o4', '1', '2024-11-27 02:30', 3, 'pump', 1, 5, '0'),
  ('o5', '1', '2024-11-28 02:30', 9, 'pump', 1, 5, '0'), ('o6', '1.4', '2024-11-28 02:30', 1, 'pump', 1, 12, '0');
CREATE TABLE log (body json, moment text);
INSERT INTO log VALUES ('{"who": "1", "what": "login"}', '2024-04-01T10:00:00+02'), ('{"who": "2", "what": "login"}',
  '2024-02-30T10:00:00Z'), ('{"who": "3", "what": "print"}', '2024-05-01 23:30:00.1234567Z');
"""
TABLES: dict[str, dict[str, Any]] = {
    "accounts": {
        "table": "customers",
        "columns": {
            "account_id": "CustomerNo",
            "created_at": "Since",
            "country": "Land",
            "employees": {"sql": "TRY_CAST(staff AS INTEGER)"},
        },
        "where": "Active",
        "static": ["Size"],
    },
    "orders": {
        "table": "public.orders",
        "timezone": "Europe/Prague",
        "columns": {
            "order_id": "OrderId",
            "line": "Line",
            "ordered_at": "At",
            "account_id": "CustomerNo",
            "product": {"sql": "upper(Sku) || '-' || Sku"},
            "quantity": "Units",
            "amount": {"sql": "as_number(cents) / 100"},
            "cost": {"sql": "CASE WHEN Free = '1' THEN 0 WHEN units > 1 THEN Cents / (units * 200) END"},
        },
    },
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with a shop's tables, and a user who may look at them and make temporary tables."""
    with postgres_server() as port:
        with psycopg.connect(login(port), autocommit=True) as con:
            con.execute("CREATE DATABASE company")
            con.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{READER_PASSWORD}'")
        with psycopg.connect(_owner(port), autocommit=True) as con:
            con.execute(SHOP)
            con.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}")
        yield port


def _owner(port: int) -> str:
    return login(port).replace("dbname=postgres", "dbname=company")


def _same(here: Workspace, there: Workspace) -> None:
    """The counts and the features of a check and of a push-down are equal."""
    report = stage_workspace(here)
    chosen = open_engine(there, "postgres")
    assert chosen.report is not None
    for mine, theirs in zip(report.tables, chosen.report.tables, strict=True):
        counts = ("table", "rows_in", "filtered", "accepted", "duplicates", "quarantined", "first", "last", "left_out")
        assert {c: getattr(mine, c) for c in counts} == {c: getattr(theirs, c) for c in counts}
    facts = Facts.open(here.staged_dir)
    assert (facts.columns, facts.extras) == (chosen.facts.columns, chosen.facts.extras)  # type: ignore[attr-defined]
    at = [instant("2024-04-02"), instant("2024-12-01")]
    snapshots = pd.DataFrame([(a, t) for a in ("1", "2", "3") for t in at], columns=["account_id", "as_of"])
    for question in QUESTIONS:
        spec = QuestionSpec()
        mine = population(facts, question, spec, at).to_dict("records")
        assert mine == population(chosen.facts, question, spec, at, place=chosen.place).to_dict("records")
        assert first_snapshot(facts, question, spec) == first_snapshot(chosen.facts, question, spec, place=chosen.place)
    assert (
        different(build_features(facts, snapshots), build_features(chosen.facts, snapshots, engine=chosen.engine)) == {}
    )


def test_expressions_zones_and_conditions(port: int, tmp_path: Path) -> None:
    """SQL in any case of its names, local times over a change of clocks, fractions of whole numbers, TRY_CAST."""
    _same(workspace(tmp_path, TABLES, url(port)), workspace(tmp_path, TABLES, url(port)))


def test_a_query_over_json(port: int, tmp_path: Path) -> None:
    """A query over `source` becomes a view on the server; a day that does not exist goes to quarantine there too."""
    usage = {
        "table": "log",
        "query": "SELECT body ->> 'who' AS account, body ->> 'what' AS Kind, moment FROM source WHERE body IS NOT NULL",
        "columns": {
            "account_id": "account",
            "occurred_at": {"sql": "TRY_CAST(Moment AS TIMESTAMPTZ)"},
            "event": "Kind",
        },
    }
    both = workspace(tmp_path, TABLES | {"usage": usage}, url(port))
    _same(both, both)


def test_times_as_they_come(port: int, tmp_path: Path) -> None:
    """`as_time` reads seconds, milliseconds and ISO times on the server too, and `as_flag` true and false."""
    with psycopg.connect(_owner(port), autocommit=True) as con:
        con.execute("CREATE TABLE tracked (who int, at_ text, on_ text)")
        con.execute(
            "INSERT INTO tracked VALUES (1, '1711958400', 'yes'), (2, '1711958400123', '0'),"
            " (1, '2024-05-01T10:00:00+0200', 't'), (3, '2024-05-01 10:00', NULL)"
        )
        con.execute(f"GRANT SELECT ON tracked TO {READER}")
    usage = {
        "table": "tracked",
        "columns": {"account_id": "who", "occurred_at": {"sql": "as_time(at_)"}, "event": {"sql": "'seen'"}}
        | {"quantity": {"sql": "CASE WHEN as_flag(on_) THEN 2 ELSE 1 END"}},
    }
    both = workspace(tmp_path, TABLES | {"usage": usage}, url(port))
    _same(both, both)


def test_a_small_table_from_a_file_is_uploaded(port: int, tmp_path: Path) -> None:
    """Accounts from a CSV join the server's orders, by the same rules, and the report says that they were sent."""
    rows = "account_id,created_at,country\n1,2024-01-05,CZ\n2,2024-02-30,DE\n3,2024-03-01,AT\n3,2024-03-01,AT\n"
    (tmp_path / "accounts.csv").write_text(rows)
    both = workspace(tmp_path, {"orders": TABLES["orders"]}, url(port), data=".")
    _same(both, both)
    chosen = open_engine(both, "postgres")
    assert chosen.report is not None
    assert "2 rows were uploaded to the server, as a temporary table" in chosen.report.table("accounts").notes
    chosen.engine.close()


def test_sql_that_postgresql_does_not_know(port: int, tmp_path: Path) -> None:
    """DuckDB's own functions are refused with the table, the column and the reason."""
    orders = TABLES["orders"] | {"columns": TABLES["orders"]["columns"] | {"amount": {"sql": "list_sum([Cents, 1])"}}}
    with pytest.raises(ConfigError) as caught:
        open_engine(workspace(tmp_path, TABLES | {"orders": orders}, url(port)), "postgres")
    assert caught.value.where == "revml.yaml: tables.orders.columns.amount.sql"
    assert "PostgreSQL" in caught.value.what
    assert caught.value.got


def test_too_many_bad_rows_end_it(port: int, tmp_path: Path) -> None:
    """The workspace's limit holds on the server too."""
    with pytest.raises(QuarantineError, match="rows broke the contract") as caught:
        open_engine(workspace(tmp_path, TABLES, url(port), quarantine_limit=0.01), "postgres")
    assert caught.value.where == "table orders"


def test_other_currencies_end_it(port: int, tmp_path: Path) -> None:
    """Accounts in a currency that is not the company's are an error, as in the check."""
    accounts = TABLES["accounts"] | {"columns": TABLES["accounts"]["columns"] | {"currency": {"sql": "'USD'"}}}
    with pytest.raises(DataError, match="another currency"):
        open_engine(workspace(tmp_path, TABLES | {"accounts": accounts}, url(port)), "postgres")


def test_a_table_that_is_not_there(port: int, tmp_path: Path) -> None:
    """A table that the server does not have is named."""
    orders = TABLES["orders"] | {"table": "public.order_lines"}
    with pytest.raises(DataError, match="the server refuses") as caught:
        open_engine(workspace(tmp_path, TABLES | {"orders": orders}, url(port)), "postgres")
    assert "order_lines" in caught.value.wanted


def test_nothing_is_left_behind(port: int, tmp_path: Path) -> None:
    """After a push-down that worked, and one that failed, the server holds the company's tables and nothing else."""
    listed = "SELECT relname FROM pg_class WHERE relnamespace >= 16384 OR relnamespace = 'public'::regnamespace"
    with psycopg.connect(_owner(port), autocommit=True) as con:
        before = sorted(con.execute(listed).fetchall())
        engine = PostgresEngine(url(port))
        push_down(workspace(tmp_path, TABLES, url(port)), engine)
        assert len(con.execute(listed).fetchall()) > len(before)
        engine.close()
        with pytest.raises(QuarantineError):
            open_engine(workspace(tmp_path, TABLES, url(port), quarantine_limit=0.01), "postgres")
        for _ in range(100):
            after = sorted(con.execute(listed).fetchall())
            if after == before:
                break
            con.execute("SELECT pg_sleep(0.05)")
        assert after == before


def test_the_right_to_make_temporary_tables_is_needed(port: int, tmp_path: Path) -> None:
    """A user who may not make temporary tables is told which right is missing."""
    with psycopg.connect(_owner(port), autocommit=True) as con:
        con.execute("CREATE DATABASE closed")
        con.execute("REVOKE TEMPORARY ON DATABASE closed FROM PUBLIC")
    with pytest.raises(DataError) as caught:
        PostgresEngine(url(port, "closed"))
    assert "TEMPORARY" in caught.value.wanted
