"""What a sample company writes keeps the contract: types, keys, references, order of events."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from revml.contract.tables import TABLES
from revml.errors import ConfigError
from revml.sources.samples import write_sample
from revml.sources.samples.kinds import KINDS
from tests.literal_facts import ARROW
from tests.sources.samples import sample

END = pd.Timestamp("2026-07-01")
WANTED = {
    "saas": set(TABLES) - {"orders", "assets"},
    "machinery": set(TABLES),
    "manufacturing": set(TABLES) - {"subscriptions", "assets", "usage", "tickets"},
}
kinds = pytest.mark.parametrize("kind", list(KINDS))


@kinds
def test_tables_of_a_kind(kind):
    """Each kind has the tables that such a company would have."""
    assert set(sample(kind).tables) == WANTED[kind]


@kinds
def test_columns_have_the_types_of_the_contract(kind):
    """Every column is one of the contract's and is stored with its type."""
    for name in WANTED[kind]:
        schema = pq.read_schema(sample(kind).folder / f"{name}.parquet")
        for column in schema:
            assert column.type == ARROW[TABLES[name].by_name[column.name].type], (name, column.name)


@kinds
def test_required_columns_are_full_and_keys_are_unique(kind):
    """No required value is missing and no key comes twice."""
    for name in WANTED[kind]:
        frame, spec = sample(kind).table(name), TABLES[name]
        required = [c.name for c in spec.columns if c.required]
        assert frame[required].notna().all(axis=None), name
        if spec.key:
            assert not frame.duplicated(list(spec.key)).any(), name
        else:
            assert not frame.duplicated().any(), name


@kinds
def test_references_are_there_and_numbers_in_range(kind):
    """Every id that is referred to exists; every number lies in its range."""
    keys = {
        name: set(sample(kind).table(name)[spec.key[0]])
        for name, spec in TABLES.items()
        if name in WANTED[kind] and spec.key
    }
    for name in WANTED[kind]:
        frame = sample(kind).table(name)
        for column in TABLES[name].columns:
            if column.name not in frame:
                continue
            values = frame[column.name].dropna()
            if column.references:
                assert set(values) <= keys[column.references], (name, column.name)
            if column.minimum is not None:
                assert (values >= column.minimum).all(), (name, column.name)
            if column.maximum is not None:
                assert (values <= column.maximum).all(), (name, column.name)


@kinds
def test_nothing_happens_before_the_account_or_after_the_data(kind):
    """Facts lie between the day their account came and the end of the data; what ends, ends after it began."""
    created = sample(kind).table("accounts").set_index("account_id")["created_at"]
    for name in WANTED[kind] - {"accounts", "products"}:
        frame, spec = sample(kind).table(name), TABLES[name]
        at = frame[spec.happened_at]
        assert (at >= frame["account_id"].map(created)).all(), name
        assert (at < END).all(), name
        for column in ("ended_at", "deactivated_at", "retired_at", "paid_at", "closed_at", "left_at", "done_at"):
            if column in frame:
                ends = frame[column].dropna()
                assert (ends >= at[ends.index]).all(), (name, column)
                assert (ends < END).all(), (name, column)


def test_subscription_rows_follow_each_other():
    """The rows of a subscription never overlap, and each but the last ends where the next begins or earlier."""
    rows = sample("saas").table("subscriptions").sort_values(["subscription_id", "started_at"])
    assert (rows["ended_at"].isna() | (rows["ended_at"] > rows["started_at"])).all()
    later = rows.groupby("subscription_id")["started_at"].shift(-1)
    followed = later.notna()
    assert (rows.loc[followed, "ended_at"] <= later[followed]).all()
    assert rows.loc[rows["ended_at"].notna(), "end_reason"].notna().all()


def test_mrr_movements_add_up():
    """New, expansion, contraction, churn and reactivation of the months add up to the change of MRR."""
    rows = sample("saas").table("subscriptions")
    ends = rows["ended_at"].fillna(pd.Timestamp.max)

    def mrr(at: pd.Timestamp) -> pd.Series:
        return rows[(rows["started_at"] <= at) & (ends > at)].groupby("account_id")["mrr"].sum()

    first, last = pd.Timestamp("2024-01-01"), pd.Timestamp("2026-06-01")
    moved = 0.0
    for start in pd.date_range(first, last, freq="MS", inclusive="left"):
        moved += mrr(start + pd.offsets.MonthBegin()).sub(mrr(start), fill_value=0).sum()
    assert moved == pytest.approx(mrr(last).sum() - mrr(first).sum())


def test_no_usage_after_the_last_contract_ended():
    """An account whose last contract ended leaves no usage, ticket or answer behind afterwards."""
    made = sample("saas")
    rows = made.table("subscriptions")
    over = rows.assign(e=rows["ended_at"].fillna(END)).groupby("account_id")["e"].max()
    for name, at in (("usage", "occurred_at"), ("tickets", "opened_at"), ("feedback", "given_at")):
        frame = made.table(name)
        assert (frame[at] <= frame["account_id"].map(over)).all(), name


def test_orders_have_returns_of_what_was_ordered():
    """A return has a negative quantity and amount, and comes after an order of the same product."""
    orders = sample("manufacturing").table("orders")
    back = orders[orders["amount"] < 0]
    assert len(back) > 0
    assert (back["quantity"] < 0).all()
    first = orders[orders["amount"] > 0].groupby(["account_id", "product"])["ordered_at"].min()
    before = back.join(first.rename("first"), on=["account_id", "product"])["first"]
    assert (before <= back["ordered_at"]).all()


def test_a_machine_in_service_was_ordered_or_there_before():
    """Every machine installed within the data has an order of its model shortly before."""
    made = sample("machinery")
    assets, orders = made.table("assets"), made.table("orders")
    accounts = made.table("accounts").set_index("account_id")["created_at"]
    bought = assets[assets["installed_at"] > assets["account_id"].map(accounts)]
    bought = bought[bought["installed_at"] >= pd.Timestamp("2023-07-05")]
    pairs = bought.merge(orders, on=["account_id", "product"], suffixes=("", "_order"))
    wait = pairs["installed_at"] - pairs["ordered_at"].dt.normalize()
    assert len(bought) > 20
    assert set(pairs.loc[wait == pd.Timedelta(days=3), "asset_id"]) == set(bought["asset_id"])


def test_same_arguments_same_bytes(tmp_path: Path):
    """Two runs with the same arguments write the same bytes, another seed writes others."""
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_sample(tmp_path / name, kind="machinery", accounts=60, months=12, seed=seed)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.parquet"))
    assert len(files) == len(TABLES) + 2
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    assert (tmp_path / "a" / "orders.parquet").read_bytes() != (tmp_path / "c" / "orders.parquet").read_bytes()


@pytest.mark.parametrize("kind", list(KINDS))
def test_small_companies_are_whole(tmp_path: Path, kind):
    """Thirty accounts, one account, half a year, no usage: still a company."""
    for accounts, months, events in ((30, 12, None), (1, 6, None), (5, 6, 0)):
        made = write_sample(tmp_path, kind=kind, accounts=accounts, months=months, seed=1, events=events)
        assert made.rows["accounts"] == accounts


def test_arguments_out_of_range_write_nothing(tmp_path: Path):
    """No accounts, or too short a history, is refused before a file is made."""
    with pytest.raises(ConfigError, match="cannot be made"):
        write_sample(tmp_path / "x", kind="saas", accounts=0, months=36, seed=1)
    with pytest.raises(ConfigError, match="no such kind"):
        write_sample(tmp_path / "x", kind="bakery", accounts=10, months=36, seed=1)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_a_companys_own_tables_are_never_written_over(tmp_path: Path):
    """A folder with tables that no sample wrote is refused and left as it was."""
    pq.write_table(pa.table({"account_id": ["ours"]}), tmp_path / "accounts.parquet")
    before = (tmp_path / "accounts.parquet").read_bytes()
    with pytest.raises(ConfigError, match="written over"):
        write_sample(tmp_path, kind="saas", accounts=10, months=6, seed=1)
    assert (tmp_path / "accounts.parquet").read_bytes() == before


def test_another_kind_replaces_a_sample_whole(tmp_path: Path):
    """Tables of an earlier sample that the new one does not have are gone."""
    write_sample(tmp_path, kind="saas", accounts=20, months=6, seed=1)
    made = write_sample(tmp_path, kind="manufacturing", accounts=20, months=6, seed=1)
    assert {p.stem for p in tmp_path.glob("*.parquet")} == set(made.rows)


@kinds
def test_nothing_happens_after_the_data_ends(kind):
    """No row of any table lies after the end of the data, or every table would look cut short against it."""
    for name, spec in TABLES.items():
        if name in WANTED[kind] and spec.happened_at:
            assert sample(kind).table(name)[spec.happened_at].max() < END
