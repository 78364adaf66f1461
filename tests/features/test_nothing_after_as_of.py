"""The proof by mutation: nothing that happened, was known or became true after `as_of` moves a feature by a bit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from revml.contract.tables import LATER_COLUMNS, TABLES
from revml.features.catalog import SUBJECTS, available_subjects
from revml.features.engine import build_features
from tests.features.company import HAPPENED, Row, Tables, random_company
from tests.literal_facts import stage

TICK = timedelta(microseconds=1)
AS_OFS = (datetime(2024, 5, 1), datetime(2024, 9, 17, 6, 30))  # noqa: DTZ001
COMPANY = random_company()
EXTRAS = ("founded", "size")


def _features(folder: Path, tables: Tables, as_of: datetime) -> pa.Table:
    snapshots = pd.DataFrame({"account_id": [r["account_id"] for r in COMPANY["accounts"]], "as_of": as_of})
    return build_features(stage(folder, extras=EXTRAS, **tables), snapshots)


def _changed(row: Row, table: str, as_of: datetime) -> Row:
    """The same row with every value that can be changed changed, and every time after `as_of`."""
    types = TABLES[table].by_name
    fixed = {"account_id", "created_at"} if table == "accounts" else {"account_id"}
    out: Row = {}
    for name, value in row.items():
        kind = types[name].type if name in types else None
        if name in fixed or value is None or name in TABLES[table].key:
            out[name] = value
        elif kind in ("number", "money"):
            out[name] = 1000.0 + value
        elif kind == "integer":
            out[name] = 1000 + value
        elif kind == "flag":
            out[name] = not value
        elif kind == "time":
            out[name] = value + timedelta(days=11) if value > as_of else value
        else:
            out[name] = value
    return out


def _fresh(row: Row, table: str, happened: datetime, known: datetime) -> Row:
    """A new, loud row at an instant: other key, large numbers, nothing ended."""
    out = _changed(row, table, happened)
    for name in TABLES[table].key:
        if name not in ("account_id", "attribute", "line", HAPPENED[table], "stage"):
            out[name] = f"{row[name]}-new"
    for name in LATER_COLUMNS.get(table, {}):
        out[name] = None
    return out | {HAPPENED[table]: happened, "known_at": known}


def corrupt_what_was_known_later(rows: list[Row], table: str, as_of: datetime) -> list[Row]:
    """Change every row known after `as_of`, and drop every other one of them."""
    early = [r for r in rows if r["known_at"] <= as_of]
    late = [r for r in rows if r["known_at"] > as_of]
    return early + [_changed(r, table, as_of) for r in late[::2]]


def add_a_tick_later(rows: list[Row], table: str, as_of: datetime) -> list[Row]:
    """Add facts one microsecond after `as_of`."""
    return rows + [_fresh(r, table, as_of + TICK, as_of + TICK) for r in rows]


def add_known_a_tick_later(rows: list[Row], table: str, as_of: datetime) -> list[Row]:
    """Add facts that happened days before `as_of` and were known a microsecond after it."""
    return rows + [_fresh(r, table, as_of - timedelta(days=3), as_of + TICK) for r in rows]


def change_what_became_true_later(rows: list[Row], table: str, as_of: datetime) -> list[Row]:
    """End one microsecond after `as_of` whatever is open then, and change what the end tells."""
    later = LATER_COLUMNS.get(table, {})
    types = TABLES[table].by_name
    out = []
    for row in rows:
        new = dict(row)
        for name, when in later.items():
            if row.get(when) is None or row[when] > as_of:
                new[name] = {"time": as_of + TICK, "number": 1.0}.get(types[name].type, "changed")
        out.append(new)
    return out


MUTATIONS: tuple[Callable[[list[Row], str, datetime], list[Row]], ...] = (
    corrupt_what_was_known_later,
    add_a_tick_later,
    add_known_a_tick_later,
    change_what_became_true_later,
)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[datetime, pa.Table]:
    return {as_of: _features(tmp_path_factory.mktemp("base"), COMPANY, as_of) for as_of in AS_OFS}


@pytest.mark.parametrize("as_of", AS_OFS, ids=str)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.__name__)
def test_the_future_moves_no_feature(
    tmp_path: Path,
    bases: dict[datetime, pa.Table],
    as_of: datetime,
    mutation: Callable[[list[Row], str, datetime], list[Row]],
) -> None:
    """Every table mutated at once beyond `as_of` leaves all features bit for bit the same."""
    mutated = {name: mutation(rows, name, as_of) if name in HAPPENED else rows for name, rows in COMPANY.items()}
    assert any(mutated[name] != COMPANY[name] for name in HAPPENED)
    _same(_features(tmp_path, mutated, as_of), bases[as_of])


SUBJECT_OF = {
    "account_history": "profile",
    "users": "people",
    "opportunities": "deals",
    "invoices": "billing",
    "tickets": "support",
}


@pytest.mark.parametrize("table", sorted(HAPPENED))
def test_a_fact_exactly_at_as_of_moves_its_subject(tmp_path: Path, bases: dict[datetime, pa.Table], table: str) -> None:
    """A fact that happened and was known exactly at `as_of` counts, so the test above can fail."""
    as_of = AS_OFS[table < "n"]
    loud = COMPANY[table] + [_fresh(r, table, as_of, as_of) | {"holdout": False} for r in COMPANY[table][:40]]
    if table != "actions":
        loud = [{k: v for k, v in r.items() if k != "holdout"} for r in loud]
    moved = _moved(_features(tmp_path, COMPANY | {table: loud}, as_of), bases[as_of])
    subject = SUBJECT_OF.get(table, table)
    features = {f.name for s in SUBJECTS if s.name == subject for f in s.features}
    assert moved & features


@pytest.mark.parametrize("table", sorted(LATER_COLUMNS))
def test_an_end_exactly_at_as_of_moves_its_subject(tmp_path: Path, bases: dict[datetime, pa.Table], table: str) -> None:
    """What ended exactly at `as_of` has ended."""
    as_of = AS_OFS[table < "n"]
    ended = [
        r | dict.fromkeys((w for w in LATER_COLUMNS[table].values()), as_of)
        if any(r.get(w) is None or r[w] > as_of for w in LATER_COLUMNS[table].values())
        else r
        for r in COMPANY[table]
    ]
    assert _moved(_features(tmp_path, COMPANY | {table: ended}, as_of), bases[as_of])


def test_every_subject_and_feature_is_under_the_proof(tmp_path: Path) -> None:
    """The random company has every table and column, so no feature escapes the mutation."""
    facts = stage(tmp_path, extras=EXTRAS, **COMPANY)
    named = {s.name: len(features) for s, features in available_subjects(facts)}
    assert named == {s.name: len(s.features) for s in SUBJECTS} | {"own": len(EXTRAS)}


def test_hardly_a_feature_is_constant(bases: dict[datetime, pa.Table]) -> None:
    """A feature that is the same for everybody would pass the mutation without a proof."""
    both = pa.concat_tables(bases.values())
    constant = {name for name in both.column_names if len(set(both.column(name).to_pylist())) == 1}
    assert constant <= {"siblings_churned_364d"}


def _moved(new: pa.Table, base: pa.Table) -> set[str]:
    return {name for name in base.column_names if not new.column(name).equals(base.column(name))}


def _same(new: pa.Table, base: pa.Table) -> None:
    assert new.schema == base.schema
    moved: dict[str, Any] = {
        name: (new.column(name).to_pylist(), base.column(name).to_pylist()) for name in _moved(new, base)
    }
    assert moved == {}
