"""`revml build`: every snapshot the workspace asks for in one table, and only what is new is read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from revml.building import build_table, wanted_snapshots
from revml.config import Workspace, load_workspace
from revml.features.engine import build_features
from revml.features.engines.choosing import open_engine
from revml.windows import instant
from tests.cli.commands import answer, call
from tests.features.company import random_company
from tests.features.engines.own_server import load, url
from tests.postgres_server import PASSWORD, USER, login, postgres_server

RHYTHMS = {"every": "month", "dates": ["2026-02-10"], "before_renewal_days": [180, 90, 60, 30], "first": "2025-06-01"}


def _workspace(folder: Path, **snapshots: object) -> Workspace:
    """Three contracts, one of them renewed on 2026-03-15, and a use a day."""
    data = folder / "data"
    (data / "usage").mkdir(parents=True)
    (folder / "revml.yaml").write_text(yaml.safe_dump({"data": "data", "snapshots": snapshots or RHYTHMS}))
    (data / "accounts.csv").write_text("account_id,created_at\na,2025-01-01\nb,2025-01-01\nc,2025-01-01\n")
    (data / "subscriptions.csv").write_text(
        "subscription_id,started_at,account_id,product,quantity,mrr,ended_at,renews_at\n"
        "1,2025-01-01,a,p,1,100,,2026-03-15\n2,2025-01-01,b,p,1,100,2025-12-10,\n3,2025-09-01,c,p,1,100,,\n"
    )
    _uses(data, "old", pd.date_range("2025-01-01", "2026-05-02"))
    return load_workspace(folder)


def _uses(data: Path, name: str, days: pd.DatetimeIndex) -> None:
    rows = [f"{account},login,{day:%Y-%m-%d}T12:00:00" for day in days for account in "abc"]
    (data / "usage" / f"{name}.csv").write_text("account_id,event,occurred_at\n" + "\n".join(rows) + "\n")


def _table(folder: Path) -> pd.DataFrame:
    return pq.read_table(folder / ".revml" / "features" / "features.parquet").to_pandas()


def test_all_rhythms_are_in_one_build(tmp_path: Path) -> None:
    """Month starts, a chosen date, days before a renewal and the newest day, each account once a day."""
    workspace = _workspace(tmp_path)
    built = build_table(workspace)
    table = _table(tmp_path)
    days = {str(at.date()) for at in table["as_of"]}
    months = {"2025-06-01", "2025-12-01", "2026-05-01"}
    renewals = {"2025-09-16", "2025-12-15", "2026-01-14", "2026-02-13"}
    assert months | {"2026-02-10"} | renewals | {"2026-05-02"} <= days
    assert set(table.loc[table["as_of"] == "2026-01-14", "account_id"]) == {"a"}
    assert set(table.loc[table["as_of"] == "2026-01-01", "account_id"]) == {"a", "c"}
    assert not table.duplicated(["account_id", "as_of"]).any()
    assert (built.snapshots, built.as_ofs, built.accounts) == (len(table), len(days), 3)


def test_the_table_holds_what_training_sees(tmp_path: Path) -> None:
    """The written features are those that `build_features` gives for the same snapshots."""
    workspace = _workspace(tmp_path)
    build_table(workspace)
    chosen = open_engine(workspace, "duckdb")
    wanted = build_features(chosen.facts, wanted_snapshots(workspace, chosen)).to_pandas()
    got = _table(tmp_path).sort_values(["as_of", "account_id"], ignore_index=True)
    pd.testing.assert_frame_equal(got, wanted)


def test_a_second_build_reads_only_what_is_new(tmp_path: Path) -> None:
    """A file with one more day: that file is read, that day is built, and the older snapshots stay as they were."""
    workspace = _workspace(tmp_path)
    build_table(workspace)
    table = _table(tmp_path)
    before = table[table["as_of"] < table["as_of"].max()]  # the newest day is the one to score, and moves on
    _uses(tmp_path / "data", "new", pd.date_range("2026-05-03", "2026-05-03"))
    built = build_table(workspace)
    assert built.daily is not None
    assert (built.daily.built, built.daily.rows) == (1, 3)
    both = before.merge(_table(tmp_path), on=["account_id", "as_of"], suffixes=("", "_now"))
    assert len(both) == len(before)
    for name in before.columns[2:]:
        pd.testing.assert_series_equal(both[name], both[f"{name}_now"], check_names=False)
    assert build_table(workspace, full=True).daily == built.daily.__class__(built.daily.days, 0, 0)


def test_one_instant_is_one_day_of_the_table(tmp_path: Path) -> None:
    """With `as_of` everyone at risk then is there, and nobody else."""
    built = build_table(_workspace(tmp_path), as_of=instant("2025-12-01"), out=tmp_path / "elsewhere")
    table = pq.read_table(tmp_path / "elsewhere" / "features.parquet").to_pandas()
    assert built.file == tmp_path / "elsewhere" / "features.parquet"
    assert table["account_id"].tolist() == ["a", "b", "c"]
    assert set(table["as_of"]) == {pd.Timestamp("2025-12-01")}


def test_the_command_tells_what_it_read(tmp_path: Path) -> None:
    """`revml build` says what was new, and its JSON holds the same."""
    _workspace(tmp_path)
    assert "daily store: all 487 days built from 1,461 rows (there was none)" in call(tmp_path, "build").output
    again = answer(tmp_path, "build")
    assert again["daily"] == {"days": 487, "built": 0, "rows": 0, "anew": ""}
    assert again["snapshots"] == len(_table(tmp_path))


@pytest.mark.slow
def test_a_server_gives_the_same_table(tmp_path: Path) -> None:
    """`--engine postgres` writes, from the company's own tables on their server, the table that DuckDB writes."""
    psycopg = pytest.importorskip("psycopg")
    with postgres_server() as port:
        with psycopg.connect(login(port), autocommit=True) as con:
            tables = load(con, random_company(seed=4, accounts=12))
        for source in tables.values():
            source["url"] = url(port, "postgres", USER, PASSWORD)
        told = {"tables": tables, "snapshots": {"every": "month", "before_renewal_days": [60]}}
        (tmp_path / "revml.yaml").write_text(yaml.safe_dump(told | {"company": {"timezone": "UTC"}}))
        workspace = load_workspace(tmp_path)
        here = build_table(workspace, out=tmp_path / "here")
        there = build_table(workspace, engine="postgres", out=tmp_path / "there")
    assert here.snapshots == there.snapshots > 0
    assert there.daily is None

    def rows(folder: str) -> pa.Table:
        table = pq.read_table(tmp_path / folder / "features.parquet")
        return table.sort_by([("as_of", "ascending"), ("account_id", "ascending")])

    assert rows("here").equals(rows("there"))
