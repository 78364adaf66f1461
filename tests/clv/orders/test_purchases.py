"""Repeat buyers as the orders tell them."""

from pathlib import Path

import pytest

from revml.clv.orders.purchases import repeat_buyers
from tests.clv.companies import AS_OF, accounts_of, order
from tests.literal_facts import Facts, stage


def made(folder: Path, *rows: dict[str, object], **tables: object) -> Facts:
    """Facts of a few orders."""
    return stage(folder, accounts=accounts_of(list(rows)), orders=list(rows), **tables)


def test_recency_frequency_and_age_in_weeks(tmp_path: Path) -> None:
    """Orders of three days, one of them twice: x = 2, t_x and T counted from the first."""
    rows = [order("a", day, 10) for day in ("2025-10-01", "2025-10-15", "2025-12-10")]
    rows.append(order("a", "2025-10-15T18:00:00", 30))
    buyer = repeat_buyers(made(tmp_path, *rows), AS_OF, margin=0.4).iloc[0]
    assert (buyer["purchases"], buyer["x"]) == (3, 2)
    assert (buyer["t_x"], buyer["T"]) == (10.0, pytest.approx(92 / 7))
    assert buyer["spend"] == pytest.approx(60 / 3)


def test_returns_take_money_but_are_no_purchases(tmp_path: Path) -> None:
    """A return of another day nets out; one of the same day undoes the purchase."""
    rows = [
        order("a", "2025-10-01", 100),
        order("a", "2025-10-09", -40),
        order("a", "2025-11-01", 50),
        order("a", "2025-11-01", -50),
    ]
    buyer = repeat_buyers(made(tmp_path, *rows), AS_OF, margin=0.4).iloc[0]
    assert (buyer["purchases"], buyer["revenue"], buyer["spend"]) == (1, 60.0, 60.0)


def test_who_only_returned_is_no_buyer(tmp_path: Path) -> None:
    """Without a purchase there is nothing to repeat."""
    assert repeat_buyers(made(tmp_path, order("a", "2025-10-01", -5)), AS_OF, margin=0.4).empty


def test_margin_comes_from_costs_then_products_then_the_company(tmp_path: Path) -> None:
    """60 of 100, 90 of 100 and 40 of 100 pool to 190 of 300, towards which each account is drawn."""
    rows = [
        order("a", "2025-10-01", 100, cost=40.0),
        order("b", "2025-10-01", 100, product="q"),
        order("c", "2025-10-01", 100),
    ]
    buyers = repeat_buyers(made(tmp_path, *rows, products=[{"product": "q", "margin_rate": 0.9}]), AS_OF, margin=0.4)
    pooled = 190 / 300
    assert buyers["margin_rate"].tolist() == pytest.approx([(m + pooled) / 2 for m in (0.6, 0.9, 0.4)])


def test_orders_of_the_future_are_not_seen(tmp_path: Path) -> None:
    """Neither what happens later nor what becomes known later counts."""
    rows = [
        order("a", "2025-10-01", 10),
        order("a", "2026-01-02", 10),
        order("a", "2025-12-01", 10, known_at="2026-01-05"),
    ]
    assert repeat_buyers(made(tmp_path, *rows), AS_OF, margin=0.4)["purchases"].tolist() == [1]
