"""A unit that changes moves every account by one factor at once; customers who buy more do not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from revml.contract.profile import Jump
from revml.sources.facts import literal
from revml.sources.noticing.units import jumps, words


def found(folder: Path, factor: float, *, share: float = 1.0, noise: float = 0.3, day: int = 210) -> list[Jump]:
    """The jumps of 40 accounts with an invoice a month, when a share of them is multiplied from a day on."""
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(
        [
            (f"a{number}", pd.Timestamp("2025-01-01") + pd.Timedelta(days=30 * month + number % 28), number)
            for number in range(40)
            for month in range(12)
        ],
        columns=["account_id", "issued_at", "number"],
    )
    rows["amount"] = 100 * (1 + rows["number"] % 7) * np.exp(rng.normal(0, noise, len(rows)))
    late = rows["issued_at"] >= pd.Timestamp("2025-01-01") + pd.Timedelta(days=day)
    rows.loc[late & (rows["number"] < 40 * share), "amount"] *= factor
    file = folder / "invoices.parquet"
    rows.drop(columns="number").to_parquet(file)
    con = duckdb.connect()
    return jumps(con, f"read_parquet({literal(file)})", "issued_at", ("amount",), len(rows))


def test_cents_in_place_of_euros_are_told(tmp_path: Path) -> None:
    """A hundred times larger from August on, in the middle of its predecessor even."""
    (jump,) = found(tmp_path, 100)
    assert jump.month in ("2025-07", "2025-08")
    assert jump.factor == pytest.approx(100, rel=0.3)
    assert "about 100 times larger" in words(jump)
    assert "cents" in words(jump)


def test_a_rate_of_exchange_is_told_where_amounts_are_even(tmp_path: Path) -> None:
    """Crowns in place of euros, for accounts that pay the same each month."""
    (jump,) = found(tmp_path, 24.7, noise=0.02, day=212)
    assert jump.factor == pytest.approx(24.7, rel=0.05)


@pytest.mark.parametrize(("factor", "share", "noise"), [(1, 1, 0.5), (1.6, 1, 0.3), (10, 0.3, 0.3), (4, 1, 0.9)])
def test_growth_is_not_told(tmp_path: Path, factor: float, share: float, noise: float) -> None:
    """Nothing, a price rise, a few that grew tenfold, and growth that differs from account to account."""
    assert found(tmp_path, factor, share=share, noise=noise) == []
