"""The daily store: a day is built once, touched days alone are built again, and no feature differs by a bit."""

# ruff: noqa: S311 - random is for tests here
from __future__ import annotations

import json
import random
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from revml.config import Workspace, load_workspace
from revml.features import daily
from revml.features.daily import MANIFEST, daily_folder, refresh
from revml.features.engine import build_features
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace

FIRST = datetime(2025, 1, 1)  # noqa: DTZ001
AS_OFS = [pd.Timestamp(at) for at in ("2025-03-01", "2025-04-01", "2025-05-01", "2025-05-20")]
SNAPSHOTS = pd.DataFrame([(f"a{i}", at) for i in range(6) for at in AS_OFS], columns=["account_id", "as_of"])
Rows = list[dict[str, Any]]


def _event(number: int) -> str:
    """One of 70 kinds, more than a word has bits; two are exports, whose words follow the numbers they are given."""
    return f"export-{number}" if number in (3, 66) else f"e{number}"


def _uses(draw: random.Random, day: int, rows: int) -> Rows:
    """Random uses of a day; some known much later, some without a person, some at midnight."""
    out: Rows = []
    for _ in range(rows):
        at = FIRST + timedelta(days=day, seconds=draw.choice([0, draw.randrange(86_400)]))
        out.append(
            {
                "account_id": f"a{draw.randrange(6)}",
                "user_id": draw.choice([None, f"u{draw.randrange(9)}"]),
                "event": _event(draw.randrange(70)),
                "occurred_at": at,
                "known_at": at if draw.random() < 0.8 else at + timedelta(days=draw.expovariate(0.1)),
                "quantity": draw.choice([None, 1.0, 0.1, 2.5]),
            }
        )
    return out


def _write(folder: Path, name: str, rows: Rows) -> None:
    types = {"occurred_at": pa.timestamp("us"), "known_at": pa.timestamp("us"), "quantity": pa.float64()}
    columns = {c: pa.array([row[c] for row in rows], types.get(c, pa.string())) for c in rows[0]}
    pq.write_table(pa.table(columns), folder / "data" / "usage" / f"{name}.parquet")


def _workspace(folder: Path) -> Workspace:
    (folder / "data" / "usage").mkdir(parents=True)
    (folder / "revml.yaml").write_text("data: data\n", encoding="utf-8")
    accounts = "".join(f"a{i},2024-12-01\n" for i in range(6))
    (folder / "data" / "accounts.csv").write_text("account_id,created_at\n" + accounts, encoding="utf-8")
    subscriptions = "".join(f"s{i},2025-01-01,a{i},p,1,100\n" for i in range(6))
    header = "subscription_id,started_at,account_id,product,quantity,mrr\n"
    (folder / "data" / "subscriptions.csv").write_text(header + subscriptions, encoding="utf-8")
    return load_workspace(folder)


def _facts(workspace: Workspace) -> Facts:
    stage_workspace(workspace)
    return Facts.open(workspace.staged_dir)


def _without_store(facts: Facts, folder: Path) -> pa.Table:
    """The features of the same facts, built straight from the rows."""
    shutil.copytree(facts.folder, folder)
    (folder / "usage_days.parquet").unlink()
    return build_features(Facts.open(folder), SNAPSHOTS)


def _with_month(folder: Path, seed: int = 3) -> Workspace:
    """A workspace with three months of use, a file a day."""
    workspace, draw = _workspace(folder), random.Random(seed)
    for day in range(90):
        _write(folder, f"{day:03}", _uses(draw, day, 12))
    return workspace


def test_the_store_changes_no_feature(tmp_path: Path) -> None:
    """Features from the store equal those from the rows, to the last bit."""
    facts = _facts(_with_month(tmp_path))
    stored = build_features(facts, SNAPSHOTS)
    assert (daily_folder(facts) / MANIFEST).exists()
    assert stored.equals(_without_store(facts, tmp_path / "alone"))


def test_small_chunks_change_no_feature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts the store is made of, features stay the same."""
    facts = _facts(_with_month(tmp_path))
    whole = build_features(facts, SNAPSHOTS)
    shutil.rmtree(daily_folder(facts))
    monkeypatch.setattr(daily, "CHUNK_ROWS", 50)
    assert build_features(facts, SNAPSHOTS).equals(whole)
    assert len(json.loads((daily_folder(facts) / MANIFEST).read_text())["parts"]) > 10


def test_a_new_day_costs_itself_alone(tmp_path: Path) -> None:
    """After a new file with one day, one day is built."""
    workspace = _with_month(tmp_path)
    refresh(_facts(workspace))
    _write(tmp_path, "090", _uses(random.Random(1), 90, 12))
    done = refresh(_facts(workspace))
    assert done is not None
    # A use at midnight belongs to the day before.
    assert 1 <= done.built <= 2
    assert not done.anew
    assert done.rows < 40
    assert refresh(_facts(workspace)) == daily.Refreshed(done.days, 0, 0)


@pytest.mark.slow
def test_any_history_ends_in_the_same_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late, repeated, corrected and withdrawn rows, in any order: as if everything were built from scratch."""
    monkeypatch.setattr(daily, "MAX_PARTS", 3)
    for seed in range(3):
        folder = tmp_path / str(seed)
        workspace, draw = _with_month(folder, seed), random.Random(seed)
        refresh(_facts(workspace))
        for step in range(6):
            day = draw.randrange(100)
            files = sorted((folder / "data" / "usage").glob("*.parquet"))
            one = draw.choice(files)
            match draw.choice(["late", "twice", "corrected", "withdrawn"]):
                case "late":
                    _write(folder, f"late-{step}", _uses(draw, day, 20))
                case "twice":
                    shutil.copy(one, one.with_name(f"again-{step}.parquet"))
                case "corrected":
                    rows = pq.read_table(one).to_pylist()
                    _write(folder, one.stem, [row | {"quantity": 7.25, "event": "corrected"} for row in rows])
                case _:
                    one.unlink()
            facts = _facts(workspace)
            done = refresh(facts)
            assert done is not None
            assert not done.anew
        assert build_features(facts, SNAPSHOTS).equals(_without_store(facts, folder / "alone"))
        assert len(json.loads((daily_folder(facts) / MANIFEST).read_text())["parts"]) <= 4


def test_a_damaged_store_is_made_anew(tmp_path: Path) -> None:
    """A part that was cut off, or a manifest that cannot be read, costs time and no fact."""
    facts = _facts(_with_month(tmp_path))
    whole = build_features(facts, SNAPSHOTS)
    part = next(daily_folder(facts).glob("usage_days-*.parquet"))
    part.write_bytes(part.read_bytes()[:100])
    done = refresh(facts)
    assert done is not None
    assert "was damaged" in done.anew
    (daily_folder(facts) / MANIFEST).write_text("{", encoding="utf-8")
    assert build_features(facts, SNAPSHOTS).equals(whole)


def test_a_reader_sees_one_state(tmp_path: Path) -> None:
    """What a reader opened before a refresh stays readable, and holds what it held."""
    workspace = _with_month(tmp_path)
    facts = _facts(workspace)
    refresh(facts)
    before = daily.relations(facts)["usage_days"]
    held = facts.con.execute(f"SELECT COUNT(*), SUM(events) FROM {before}").fetchall()
    _write(tmp_path, "005", _uses(random.Random(8), 5, 30))
    refresh(_facts(workspace))
    assert facts.con.execute(f"SELECT COUNT(*), SUM(events) FROM {before}").fetchall() == held


def test_snapshots_within_the_day_do_not_use_the_store(tmp_path: Path) -> None:
    """A snapshot at six in the morning counts use until six, which days from midnight cannot tell."""
    facts = _facts(_with_month(tmp_path))
    six = SNAPSHOTS.assign(as_of=SNAPSHOTS["as_of"] + pd.Timedelta(hours=6))
    both = build_features(facts, pd.concat([SNAPSHOTS, six]))
    assert both.num_rows == 2 * len(SNAPSHOTS)
    alone = build_features(facts, six)
    at = pa.array([at.to_pydatetime().hour == 6 for at in both["as_of"].to_pandas()])
    assert both.filter(at).equals(alone)


def test_days_of_the_ledger_are_those_of_the_store(tmp_path: Path) -> None:
    """The store holds exactly the days that the ledger tells."""
    facts = _facts(_with_month(tmp_path))
    refresh(facts)
    [(days,)] = facts.con.execute("SELECT LIST(DISTINCT day ORDER BY day) FROM usage_ledger").fetchall()
    [(stored,)] = facts.con.execute(
        f"SELECT LIST(DISTINCT day ORDER BY day) FROM {daily.relations(facts)['usage_days']}"
    ).fetchall()
    assert stored == days
    assert isinstance(days[0], date)
