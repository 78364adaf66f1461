"""The feature table's form: rows, order, types, what is left out, and that snapshots do not touch each other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from revml.errors import DataError
from revml.features import engine
from revml.features.catalog import available, catalog
from revml.features.engine import build_features
from revml.features.item import PAIR_FEATURES
from revml.features.spec import CONCEPTS
from revml.sources.facts import Facts
from tests.features.company import Tables, random_company
from tests.literal_facts import stage

COMPANY = random_company(seed=3, accounts=6)
AS_OFS = pd.to_datetime(["2024-03-01", "2023-09-01", "2024-04-01", "2024-04-01T18:00"], format="ISO8601")


def _snapshots(company: Tables) -> pd.DataFrame:
    accounts = [a["account_id"] for a in company["accounts"]]
    return pd.DataFrame([(a, t) for t in AS_OFS for a in reversed(accounts)], columns=["account_id", "as_of"])


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return stage(tmp_path_factory.mktemp("facts"), **COMPANY)


@pytest.fixture(scope="module")
def table(facts: Facts) -> pa.Table:
    return build_features(facts, _snapshots(COMPANY))


def test_one_sorted_row_a_snapshot(table: pa.Table) -> None:
    """Rows are sorted by as_of and account, each snapshot once."""
    keys = list(zip(table.column("as_of").to_pylist(), table.column("account_id").to_pylist(), strict=True))
    assert keys == sorted(set(keys))
    assert len(keys) == len(_snapshots(COMPANY))


def test_every_declared_feature_is_there_in_its_type(facts: Facts, table: pa.Table) -> None:
    """All declared features come, whole numbers as int32, categories as text, the rest as float32."""
    features = available(facts)
    assert table.column_names == ["account_id", "as_of", *(f.name for f in features)]
    assert {f.name for f in features} == set(catalog()) - {f.name for f in PAIR_FEATURES}
    types = {"INTEGER": pa.int32(), "FLOAT": pa.float32(), "VARCHAR": pa.string()}
    assert [table.schema.field(f.name).type for f in features] == [types[f.sql_type] for f in features]
    assert table.schema.field("as_of").type == pa.timestamp("us")


def test_at_least_110_features_over_all_concepts() -> None:
    """The catalogue is as broad as the contract."""
    assert len(catalog()) >= 110
    assert {f.concept for f in catalog().values()} == set(CONCEPTS)


def test_no_value_is_infinite(table: pa.Table) -> None:
    """A ratio without a denominator is unknown, never infinite or NaN."""
    for field in table.schema:
        if pa.types.is_floating(field.type):
            assert all(v is None or abs(v) < float("inf") for v in table.column(field.name).to_pylist()), field.name


def test_counts_are_never_missing(facts: Facts, table: pa.Table) -> None:
    """An account without rows in a table that is there counts 0."""
    for feature in available(facts):
        if feature.empty_is_zero:
            assert table.column(feature.name).null_count == 0, feature.name


def test_a_snapshot_does_not_depend_on_the_others(facts: Facts, table: pa.Table) -> None:
    """Taken alone, or in small batches, a snapshot has the same features bit for bit."""
    at = AS_OFS[0]
    alone = build_features(facts, pd.DataFrame({"account_id": ["a1"], "as_of": [at]}))
    position = [
        i
        for i, (a, t) in enumerate(
            zip(table.column("account_id").to_pylist(), table.column("as_of").to_pylist(), strict=True)
        )
        if a == "a1" and t == at.to_pydatetime()
    ]
    assert alone.equals(table.take(position).combine_chunks())


def test_batches_change_nothing(facts: Facts, table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many cutoffs are worked on at once is a matter of memory alone."""
    monkeypatch.setattr(engine, "BATCH_CUTOFFS", 1)
    assert build_features(facts, _snapshots(COMPANY)).equals(table)


def test_the_order_of_rows_changes_nothing(tmp_path: Path, table: pa.Table) -> None:
    """Facts and snapshots in any order, snapshots given twice: the same bits."""
    turned = stage(tmp_path, **{name: rows[::-1] for name, rows in COMPANY.items()})
    twice = pd.concat([_snapshots(COMPANY)] * 2).sample(frac=1, random_state=1)
    assert build_features(turned, twice).equals(table)


def test_features_of_absent_tables_are_left_out(tmp_path: Path) -> None:
    """A company with orders alone has order features and the flags of both kinds."""
    order = {"order_id": "o", "line": 1, "ordered_at": "2025-01-01", "account_id": "a", "product": "p"}
    accounts = [{"account_id": "a", "created_at": "2024-01-01"}]
    facts = stage(tmp_path, accounts=accounts, orders=[order | {"quantity": 1.0, "amount": 5.0}])
    row = build_features(facts, pd.DataFrame({"account_id": ["a"], "as_of": [pd.Timestamp("2025-02-01")]})).to_pylist()[
        0
    ]
    assert (row["has_contract"], row["has_orders"], row["order_revenue_364d"]) == (0, 1, 5)
    assert not {"mrr", "events_28d", "tickets_28d", "siblings", "industry"} & set(row)


def test_no_snapshots_give_an_empty_table_of_the_same_form(facts: Facts, table: pa.Table) -> None:
    """Nobody at risk is no error."""
    empty = build_features(facts, _snapshots(COMPANY).iloc[:0])
    assert (empty.num_rows, empty.schema) == (0, table.schema)


def test_snapshots_must_say_who_and_when(facts: Facts) -> None:
    """A missing column or an empty value is named."""
    with pytest.raises(DataError, match="as_of"):
        build_features(facts, pd.DataFrame({"account_id": ["a1"]}))
    with pytest.raises(DataError, match="empty"):
        build_features(facts, pd.DataFrame({"account_id": ["a1"], "as_of": [pd.NaT]}))


def test_a_number_beyond_all_bounds_is_told(tmp_path: Path) -> None:
    """An amount that cannot be added up names the place and the way out."""
    order = {"order_id": "o", "line": 1, "ordered_at": "2025-01-01", "account_id": "a", "product": "p"}
    accounts = [{"account_id": "a", "created_at": "2024-01-01"}]
    facts = stage(tmp_path, accounts=accounts, orders=[order | {"quantity": 1.0, "amount": 1e30}])
    with pytest.raises(DataError, match="features of orders"):
        build_features(facts, pd.DataFrame({"account_id": ["a"], "as_of": [pd.Timestamp("2025-02-01")]}))


def test_progress_ends_at_one(facts: Facts) -> None:
    """The share done never falls and ends at 1."""
    seen: list[float] = []
    build_features(facts, _snapshots(COMPANY), progress=lambda what, share: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_nothing_is_left_behind(facts: Facts, table: pa.Table) -> None:
    """The connection of the facts holds its views and nothing else."""
    left = facts.con.execute("SELECT table_name FROM information_schema.tables WHERE table_type <> 'VIEW'").fetchall()
    assert left == []
