"""Pace, cycle and season of orders on literal rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.features.one_account import features_of

AS_OF = pd.Timestamp("2026-01-01")


def _orders(months_back: list[float], amount: float = 100.0) -> list[dict]:
    """An order in the middle of each of some months (twelfths of 364 days) back from the snapshot."""
    days = [AS_OF - pd.Timedelta(days=round((back + 0.5) * 364 / 12)) for back in months_back]
    row = {"line": 1, "product": "bolt", "quantity": 1.0, "amount": amount}
    return [row | {"order_id": f"o{i}", "ordered_at": str(day.date())} for i, day in enumerate(days)]


def test_an_even_pace_is_expected_to_go_on(tmp_path: Path) -> None:
    """An order a month for two years: about three in the coming quarter, as in the last one, and no cycle."""
    found = features_of(tmp_path, str(AS_OF.date()), orders=_orders(list(range(24))))
    assert found["orders_expected_quarter"] == pytest.approx(3, abs=0.2)
    assert found["orders_expected_vs_quarter"] == pytest.approx(1, abs=0.1)
    assert found["order_revenue_expected_vs_quarter"] == pytest.approx(1, abs=0.1)
    assert found["order_cycle_ahead"] == pytest.approx(1, abs=0.02)
    assert found["order_cycle_share"] < 0.2
    assert found["order_season_ahead"] == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("last", "due"), [(5, True), (2, False)])
def test_who_orders_every_half_year_is_due_or_not(tmp_path: Path, last: int, due: bool) -> None:
    """Three orders at once every sixth month: due when the coming quarter holds such a month, else silence is usual."""
    months = [back for back in range(last, 24, 6) for _ in range(3)]
    found = features_of(tmp_path, str(AS_OF.date()), orders=_orders(months))
    assert found["order_cycle_share"] > 0.95
    assert (found["order_cycle_ahead"] > 1.5) == due
    assert (found["order_cycle_ahead"] < 0.5) == (not due)
    assert (found["order_chance_quarter"] > 0.9) == due


def test_silence_counts_by_the_orders_it_has_cost(tmp_path: Path) -> None:
    """Four months without the usual order a month have cost four; without one every half a year, less than one."""
    often = features_of(tmp_path / "often", str(AS_OF.date()), orders=_orders(list(range(4, 24))))
    seldom = features_of(tmp_path / "seldom", str(AS_OF.date()), orders=_orders([4, 10, 16, 22]))
    now = features_of(tmp_path / "now", str(AS_OF.date()), orders=_orders([-0.45, 1, 2]))
    assert often["orders_missed"] == pytest.approx(4.5, abs=0.5)
    assert 0.1 < seldom["orders_missed"] < 1
    assert now["orders_missed"] == pytest.approx(0, abs=0.1)


def test_a_season_that_comes_every_year_is_seen_coming(tmp_path: Path) -> None:
    """Orders twice as many in the half of the year that begins now, two years long: more than the year's average."""
    months = list(range(24)) + [back for back in range(24) if back % 12 in (6, 7, 8, 9, 10, 11)]
    before = features_of(tmp_path / "before", str(AS_OF.date()), orders=_orders(months))
    months = list(range(24)) + [back for back in range(24) if back % 12 in (0, 1, 2, 3, 4, 5)]
    after = features_of(tmp_path / "after", str(AS_OF.date()), orders=_orders(months))
    assert before["order_season_ahead"] > 1.2
    assert after["order_season_ahead"] < 0.85


def test_a_quarter_that_was_high_by_chance_is_not_expected_again(tmp_path: Path) -> None:
    """One large order last month: expected revenue of the coming quarter lies below that of the last one."""
    rows = _orders(list(range(24)))
    rows[0]["amount"] = 5000.0
    found = features_of(tmp_path, str(AS_OF.date()), orders=rows)
    assert found["order_revenue_expected_vs_quarter"] < 0.3
    assert found["order_revenue_expected_surprise"] < -3
    assert found["order_quarters_above_share"] == pytest.approx(0.5 / 7)


def test_a_low_quarter_lies_below_earlier_ones(tmp_path: Path) -> None:
    """Two years of an order a month, the last three of little: all six that were whole brought more."""
    rows = _orders(list(range(24)))
    for row in rows[:3]:
        row["amount"] = 10.0
    found = features_of(tmp_path, str(AS_OF.date()), orders=rows)
    assert found["order_quarters_above_share"] == pytest.approx(6.5 / 7)
    assert found["order_revenue_expected_surprise"] > 0.5


def test_without_an_order_nothing_is_expected(tmp_path: Path) -> None:
    """Unknown rather than none: there is no pace to tell."""
    found = features_of(tmp_path, "2020-01-01", orders=_orders([1, 2]))
    assert found["orders_expected_quarter"] is None
    assert found["orders_missed"] is None
