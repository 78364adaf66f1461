"""`open_engine` gives the engine that was named, or says what is missing and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from revml.config import Workspace, load_workspace
from revml.errors import ConfigError, DataError, NotFound
from revml.features.engine import build_features
from revml.features.engines.choosing import open_engine
from revml.snapshots import population
from revml.sources.staging import stage_workspace
from revml.windows import instant

ACCOUNTS = "account_id,created_at\na,2025-01-01\n"
ORDERS = "order_id,line,ordered_at,account_id,product,quantity,amount\no1,1,2025-03-01,a,p,1,10\n"


def _workspace(folder: Path, **content: object) -> Workspace:
    (folder / "revml.yaml").write_text(yaml.safe_dump(content or {"data": "data"}))
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "accounts.csv").write_text(ACCOUNTS)
    (folder / "data" / "orders.csv").write_text(ORDERS)
    return load_workspace(folder / "revml.yaml")


def test_duckdb_reads_the_staged_folder(tmp_path: Path) -> None:
    """With `duckdb` the features come from the staged facts, in this process."""
    workspace = _workspace(tmp_path)
    stage_workspace(workspace)
    chosen = open_engine(workspace, "duckdb")
    at = [instant("2025-03-10")]
    risk = population(chosen.facts, "lapse", workspace.question("lapse"), at, place=chosen.place)
    table = build_features(chosen.facts, risk, engine=chosen.engine)
    assert table.select(["account_id", "orders_28d"]).to_pylist() == [{"account_id": "a", "orders_28d": 1}]


def test_an_unknown_engine_is_an_error(tmp_path: Path) -> None:
    """A name that no engine has is answered with those that there are."""
    with pytest.raises(ConfigError) as caught:
        open_engine(_workspace(tmp_path), "oracle")
    assert caught.value.wanted == "duckdb, postgres, spark"


@pytest.mark.parametrize("name", ["duckdb", "spark"])
def test_what_reads_the_staged_folder_needs_the_check_first(tmp_path: Path, name: str) -> None:
    """Without staged facts the way out is `revml check`."""
    with pytest.raises(NotFound, match="no checked data") as caught:
        open_engine(_workspace(tmp_path), name)
    assert "revml check" in caught.value.do


def test_postgres_needs_a_table_on_a_server(tmp_path: Path) -> None:
    """A workspace of files has nothing to push down to."""
    with pytest.raises(ConfigError, match="no table of this workspace is on a PostgreSQL server"):
        open_engine(_workspace(tmp_path), "postgres")


def test_tables_on_two_servers_are_named(tmp_path: Path) -> None:
    """A push-down over two servers is refused with the tables of each, without their passwords."""
    pytest.importorskip("psycopg")
    tables = {
        "accounts": {"url": "postgresql://me:secret@one/db", "table": "a"},
        "orders": {"url": "postgresql://me:secret@two/db", "table": "o"},
    }
    with pytest.raises(ConfigError, match="different servers") as caught:
        open_engine(_workspace(tmp_path, tables=tables), "postgres")
    assert caught.value.got == "accounts on postgresql://one/db; orders on postgresql://two/db"


def test_the_same_server_may_be_written_in_two_ways(tmp_path: Path) -> None:
    """`postgres://` and `postgresql+psycopg://` are one scheme: it is the server that counts."""
    pytest.importorskip("psycopg")
    tables = {
        "accounts": {"url": "postgres://me:secret@127.0.0.1:1/db", "table": "a"},
        "orders": {"url": "postgresql+psycopg://me:secret@127.0.0.1:1/db", "table": "o"},
    }
    with pytest.raises(DataError, match="the server refuses") as caught:
        open_engine(_workspace(tmp_path, tables=tables), "postgres")
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the error names the extra to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    tables = {n: {"url": "postgresql://me@127.0.0.1:1/db", "table": n} for n in ("accounts", "orders")}
    with pytest.raises(ConfigError) as caught:
        open_engine(_workspace(tmp_path, tables=tables), "postgres")
    assert caught.value.do == "pip install revml[postgres]"


def test_missing_spark_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyspark the error names the extra to install."""
    workspace = _workspace(tmp_path)
    stage_workspace(workspace)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ConfigError) as caught:
        open_engine(workspace, "spark")
    assert caught.value.do == "pip install revml[spark]"


def test_missing_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java the error says which one Spark needs."""
    pytest.importorskip("pyspark")
    workspace = _workspace(tmp_path)
    stage_workspace(workspace)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ConfigError, match="Java is not installed"):
        open_engine(workspace, "spark")
