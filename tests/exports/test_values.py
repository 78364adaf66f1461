"""Lifetime values as files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from revml.errors import ConfigError, NotFound
from revml.exports import export_values, value_table
from revml.exports.values import RELATIONS, VALUES
from revml.store import Store
from tests.literal_runs import literal_run
from tests.literal_values import with_values


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A scores database with one run of two horizons."""
    opened = Store.open(f"sqlite:///{tmp_path / 'scores.db'}")
    opened.publish(with_values(literal_run()))
    return opened


def test_main_rows_add_up_to_the_company(store: Store) -> None:
    """One row an account and horizon; those of the longest one sum to the total, others lie within."""
    frame = value_table(store).to_pandas()
    assert not frame.duplicated(["account_id", "horizon_months"]).any()
    assert frame.loc[frame["main"], "clv"].sum() == store.totals().clv
    acme = frame[frame["account_id"] == "acme"].set_index("horizon_months")
    assert acme["clv"].to_dict() == {12: 12_100.0, 24: 22_000.0}
    assert acme.loc[24, ["clv_p10", "ltv_cac", "payback_months", "acquisition_cost"]].tolist() == [14e3, 5.5, 5.7, 4e3]
    parts = frame["base"] + frame["expansion"] - frame["contraction"] + frame["referral"]
    assert parts.tolist() == pytest.approx(frame["clv"].tolist(), abs=0.005)
    assert acme.loc[24, "extrapolated_share"] == pytest.approx((20_000 * 0.25 + 2_000 * 0.5) / 22_000, abs=1e-6)


def test_relations_add_up_to_the_account(store: Store) -> None:
    """A row a relation, with its warning in the language."""
    frame = value_table(store, by_relation=True).to_pandas()
    whole = value_table(store).to_pandas().set_index(["account_id", "horizon_months"])["clv"]
    assert (frame.groupby(["account_id", "horizon_months"])["clv"].sum() == whole).all()
    assert frame.loc[frame["relation"] == "orders", "warning"].tolist() == ["Few orders."] * 2


@pytest.mark.parametrize(("by_relation", "schema"), [(False, VALUES), (True, RELATIONS)])
def test_files_read_back(store: Store, tmp_path: Path, by_relation: bool, schema: object) -> None:
    """Parquet with its types, CSV with empty cells for what is not known."""
    rows = export_values(store, tmp_path / "values.parquet", by_relation=by_relation)
    table = pq.read_table(tmp_path / "values.parquet")
    assert (table.schema, table.num_rows) == (schema, rows)
    assert export_values(store, tmp_path / "values.csv", by_relation=by_relation) == rows
    frame = pd.read_csv(tmp_path / "values.csv")
    assert frame["clv"].tolist() == table["clv"].to_pylist()
    if not by_relation:
        assert frame.loc[frame["account_id"] == "bolt", "ltv_cac"].isna().all()


def test_runs_without_values_have_their_relations_sums(tmp_path: Path) -> None:
    """An older run gives what it has; components stay empty and no zero."""
    with Store.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        with pytest.raises(NotFound):
            value_table(store)
        store.publish(literal_run())
        frame = value_table(store).to_pandas()
    assert frame["clv"].sum() == 20 * (1000 + 5000 + 250 + 40)
    assert frame["base"].isna().all()


def test_the_ending_tells_the_form(store: Store, tmp_path: Path) -> None:
    """Neither CSV nor Parquet is refused."""
    with pytest.raises(ConfigError, match="ending"):
        export_values(store, tmp_path / "values.xlsx")
