"""Rows that are written as columns are, value for value and type for type, those written a row at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection, Table, insert

from revml.errors import StoreError
from revml.store import Store, schema
from revml.store.columns import driver_parts, plain
from revml.store.frames import fold
from revml.store.json_text import JsonText
from revml.store.runs import CONTRIBUTION_COLUMNS, FLOW_COLUMNS, Concepts, ScoreRun
from tests.literal_runs import literal_run, made_run, with_horizons
from tests.literal_values import with_values

NONE = float("nan")
TABLES = (
    "accounts",
    "scores",
    "reasons",
    "contributions",
    "clv",
    "account_values",
    "drivers",
    "coming_orders",
    "flows",
)


def a_run() -> ScoreRun:
    """Everything that a run may hold: missing names and money, categories, curves, drivers of two accounts."""
    run = with_horizons(with_values(literal_run("2026-03-01")))
    accounts, scores, reasons = run.accounts.copy(), run.scores.copy(), run.reasons.copy()  # type: ignore[union-attr]
    accounts.loc[0, ["name", "customer_since"]] = None
    scores.loc[1, "money"] = NONE
    reasons["value"] = reasons["value"].where(reasons["rank"] != 2, -0.0)
    reasons["past"] = reasons["past"].where(reasons["rank"] != 1, 1e16)
    keys = scores[["account_id", "question", "item"]]
    told = keys.assign(parts="[0.25,-1e-06]").astype("str")[list(CONTRIBUTION_COLUMNS)]
    more = [("bolt", "usage", 12.345), ("bolt", "peer", 7.0), ("acme", "billing", 0.0)]  # acme's stand apart
    drivers = pd.concat([run.drivers, pd.DataFrame(more, columns=list(run.drivers))], ignore_index=True)
    worth = run.values[run.values["horizon_months"] == run.main_horizon].set_index("account_id")["clv"]
    drivers = _added_up(drivers, worth)
    return replace(
        run,
        accounts=accounts,
        scores=scores,
        reasons=reasons,
        drivers=drivers,
        contributions=told,
        concepts={"churn": Concepts(-2.5, ("contract", "usage"))},
    )


def _added_up(drivers: pd.DataFrame, worth: pd.Series[float]) -> pd.DataFrame:
    """Drivers whose peer takes what is missing to the value."""
    lacking = worth.reindex(drivers["account_id"].unique()) - drivers.groupby("account_id")["money"].sum()
    peer = drivers["concept"] == "peer"
    money = drivers["money"] + np.where(peer, drivers["account_id"].map(lacking), 0.0)
    return drivers.assign(money=money.round(2))


def test_columns_are_stored_as_rows_are(store: Store) -> None:
    """Each table of a run, read back raw, against the same frames inserted a dictionary a row."""
    store.publish(literal_run("2026-02-01", churn={"acme": 0.2, "bolt": 0.1}))
    run = a_run()
    number = store.publish(run)
    with store.database.writing() as connection:
        made = insert(schema.runs).values(
            as_of=run.as_of, published_at=run.as_of, company="", currency="EUR", accounts=5, scores=5, withdrawn=True
        )
        other = int(connection.execute(made).inserted_primary_key[0])  # type: ignore[index]
        for table, rows in _row_by_row(run, {"acme": 0.2, "bolt": 0.1}):
            connection.execute(insert(table), [{"run_id": other, **row} for row in rows])
    with store.database.reading() as connection:
        for name in TABLES:
            bulk, plain_ones = (_raw(connection, schema.metadata.tables[name], one) for one in (number, other))
            assert bulk == plain_ones, name
            assert bulk, name


def _raw(connection: Connection, table: Table, run_id: int) -> list[tuple[Any, ...]]:
    """What the database holds, as text with its type."""
    sqlite = connection.dialect.name == "sqlite"
    cell = 'typeof("{0}") || quote("{0}")' if sqlite else '"{0}"::text'
    cells = ", ".join(cell.format(c.name) for c in table.columns if c.name != "run_id")
    keys = ", ".join(f'"{c.name}"' for c in table.primary_key.columns)
    found = connection.exec_driver_sql(f'SELECT {cells} FROM "{table.name}" WHERE run_id = {run_id} ORDER BY {keys}')
    return [tuple(row) for row in found]


def _row_by_row(run: ScoreRun, before: dict[str, float]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """A run's frames as dictionaries for SQLAlchemy."""
    worth = run.values[run.values["horizon_months"] == run.main_horizon].set_index("account_id")["clv"]
    accounts = _records(run.accounts)
    for row in accounts:
        row["clv"] = float(worth[row["account_id"]]) if row["account_id"] in worth else None
        row["clv_key"] = -1.0e300 if row["clv"] is None else row["clv"]
        row["name_key"] = fold(row["name"] or row["account_id"])
        row["search_key"] = fold(f"{row['name'] or row['account_id']} {row['account_id']}")
    yield schema.accounts, accounts
    scores = _records(run.scores)
    for row in scores:
        row["previous_probability"] = before.get(row["account_id"])
        row["change"] = row["probability"] - before.get(row["account_id"], row["probability"])
        if row["money"] is None:
            row["expected_money"] = 0.0
    yield schema.scores, scores
    told = _records(run.reasons)  # type: ignore[arg-type]
    for row in told:
        row |= {name: json.dumps(row[name], ensure_ascii=False) for name in ("value", "past", "peers")}
    yield schema.reasons, told
    parts = _records(run.contributions)  # type: ignore[arg-type]
    yield schema.contributions, [row | {"parts": JsonText(row["parts"])} for row in parts]
    yield schema.clv, _records(run.clv)
    yield schema.values, _records(run.values)
    money: dict[str, dict[str, float]] = {}
    for row in _records(run.drivers):
        money.setdefault(row["account_id"], {})[row["concept"]] = row["money"]
    yield schema.drivers, [{"account_id": account, "money": by} for account, by in money.items()]
    yield schema.coming, [row | {"families": JsonText(row["families"])} for row in _records(run.coming)]
    lists: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in _records(run.flows):  # type: ignore[arg-type]
        of = lists.setdefault((row["account_id"], row["relation"]), {})
        for name in FLOW_COLUMNS[3:]:
            value = round(row[name], 2) if name.startswith("revenue_") else row[name]
            of.setdefault(name, []).append(repr(value).removesuffix(".0"))
    yield (
        schema.flows,
        [
            {"account_id": account, "relation": relation}
            | {name: JsonText(f"[{','.join(values)}]") for name, values in of.items()}
            for (account, relation), of in lists.items()
        ],
    )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    def cell(value: Any) -> Any:
        if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
            return None
        return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value

    return [{str(name): cell(value) for name, value in row.items()} for row in frame.to_dict("records")]


def test_missing_values_are_none() -> None:
    """Of every type: numbers, texts, instants, mixed cells."""
    assert plain(pd.Series([1.0, NONE, float("inf")])) == [1.0, None, None]
    assert plain(pd.Series(["a", None], dtype="str")) == ["a", None]
    assert plain(pd.Series([pd.Timestamp("2026-03-01"), None]))[1] is None
    assert plain(pd.Series([1.5, "a", None], dtype="object")) == [1.5, "a", None]


def test_drivers_of_an_account_stay_together() -> None:
    """However the rows come and the parts are cut, an account has one document, in the order of its rows."""
    rows = [("b", "usage", 1.005), ("a", "peer", 2.0), ("b", "peer", 3.0), ("c", "x", -1.0)]
    frame = pd.DataFrame(rows, columns=["account_id", "concept", "money"])
    parts = list(driver_parts(frame, 1))
    told = {account: money for part in parts for account, money in zip(part["account_id"], part["money"], strict=True)}
    assert len(parts) == 3
    assert told == {"b": '{"usage": 1.0, "peer": 3.0}', "a": '{"peer": 2.0}', "c": '{"x": -1.0}'}


def test_what_the_database_refuses_is_told_and_undone(store: Store) -> None:
    """A text that PostgreSQL cannot hold, a key that comes twice in two parts: a StoreError, and the old run stays."""
    first = store.publish(literal_run("2026-02-01"))
    run = literal_run("2026-03-01")
    twice = _Twice(run.reasons)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="refused"):
        store.publish(replace(run, reasons=twice))
    assert [one.id for one in store.runs()] == [first]
    assert store.published().id == first
    assert store.publish(run) > first


class _Twice:
    """A long frame whose parts repeat each other."""

    kinds: dict[str, set[type]] = {}  # noqa: RUF012

    def __init__(self, part: pd.DataFrame) -> None:
        self._part = part

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return iter((self._part, self._part))

    def __len__(self) -> int:
        return 2 * len(self._part)


def test_a_connection_looks_up_keys_again_after_a_publish(tmp_path: Path) -> None:
    """What a publish turns off for its own rows is on again, also after one that failed."""
    with Store.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        run = literal_run()
        store.publish(run)
        with pytest.raises(StoreError):
            store.publish(replace(run, reasons=_Twice(run.reasons)))  # type: ignore[arg-type]
        with store.database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA cache_size").scalar() == -2000


KILLED = """
import sys
from revml.store import Store
from tests.literal_runs import made_run
store = Store.open(sys.argv[1], keep=1)
run = made_run("2026-03-01", 8_000, shift=0.4)
print("ready", flush=True)
store.publish(run)
print("published", flush=True)
"""


@pytest.mark.slow
def test_wherever_a_publish_is_killed_a_whole_run_is_current(tmp_path: Path) -> None:
    """SIGKILL at ten moments of writing, committing and forgetting: the old run or the new one, and no damage."""
    url = f"sqlite:///{tmp_path / 'scores.db'}"
    with Store.open(url, keep=1) as store:
        store.publish(made_run("2026-02-01", 300, shift=0.2))
        store.publish(made_run("2026-02-01", 300, shift=0.2))
    seen = set()
    took = _killed(url, None)
    with Store.open(url, keep=1) as store:
        store.publish(made_run("2026-02-01", 300, shift=0.2))
    for moment in range(10):
        _killed(url, took * moment / 9)
        with Store.open(url, keep=1) as store:
            page = store.accounts("churn", limit=50)
            seen.add((page.total, {row.score.probability for row in page.rows}.pop()))
            with store.database.reading() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert (300, 0.2) in seen
    assert seen <= {(300, 0.2), (8_000, 0.4)}


def _killed(url: str, after: float | None) -> float:
    """Publish in a process that is killed after so many seconds, or never; returns how long it published."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    begun = time.perf_counter()
    if after is None:
        assert process.stdout.readline() == "published\n"
    else:
        time.sleep(after)
        os.kill(process.pid, signal.SIGKILL)
    took = time.perf_counter() - begun
    process.wait()
    return took
