"""Order features on literal rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.features.one_account import features_of


def _order(number: int, day: str, amount: float = 100.0, product: str = "bolt", line: int = 1, **more: object) -> dict:
    quantity = 1.0 if amount >= 0 else -1.0
    row = {"order_id": f"o{number}", "line": line, "ordered_at": day, "product": product, "quantity": quantity}
    return row | {"amount": amount} | more


DAYS = ["2025-01-01", "2025-01-11", "2025-01-31", "2025-03-12"]  # gaps 10, 20, 40
ORDERS = [_order(i, day) for i, day in enumerate(DAYS)]


def test_revenue_is_net_and_orders_are_counted_once(tmp_path: Path) -> None:
    """Lines of one order are one order; a return lowers revenue and is no order."""
    rows = [*ORDERS, _order(3, DAYS[3], 50.0, "nut", line=2), _order(9, "2025-03-20", -30.0)]
    found = features_of(tmp_path, "2025-04-01", orders=rows)
    assert (found["order_revenue_364d"], found["orders_364d"], found["orders_28d"]) == (420, 4, 1)
    assert found["order_revenue_28d"] == 120
    assert found["returns_share_364d"] == pytest.approx(30 / 450)
    assert found["order_value_364d"] == pytest.approx(450 / 4)


def test_rhythm_is_told_by_the_gaps(tmp_path: Path) -> None:
    """Mean, median, spread of the gaps, and how long the present one is beside them."""
    found = features_of(tmp_path, "2025-04-01", orders=ORDERS)
    assert found["days_since_order"] == 20
    assert found["order_gap_mean"] == pytest.approx(70 / 3)
    assert found["order_gap_median"] == 20
    assert found["order_gap_std"] == pytest.approx(np.std([10, 20, 40]))
    assert found["order_overdue_ratio"] == pytest.approx(1.0)
    assert found["order_overdue_worst_ratio"] == pytest.approx(0.5)
    assert found["longer_gaps_share"] == pytest.approx(2 / 3)


def test_an_even_number_of_gaps_has_its_median_between(tmp_path: Path) -> None:
    """The median of 10 and 20 is 15."""
    assert features_of(tmp_path, "2025-03-01", orders=ORDERS[:3])["order_gap_median"] == 15


def test_one_order_has_no_rhythm(tmp_path: Path) -> None:
    """With a single order gaps are unknown and the time since it is not."""
    found = features_of(tmp_path, "2025-01-05", orders=ORDERS)
    assert (found["days_since_order"], found["order_gap_mean"], found["order_overdue_ratio"]) == (4, None, None)
    assert (found["orders_ever"], found["has_orders"]) == (1, 1)


def test_the_same_season_a_year_ago(tmp_path: Path) -> None:
    """The last 84 days, and the coming 84, as they were 364 days earlier."""
    rows = [_order(1, "2024-03-01", 10.0), _order(2, "2024-05-01", 40.0), _order(3, "2025-03-01", 30.0)]
    found = features_of(tmp_path, "2025-04-01", orders=rows)
    assert (found["order_revenue_year_ago_84d"], found["order_revenue_year_ago_ahead_84d"]) == (10, 40)
    assert found["order_revenue_vs_year_ago_84d"] == pytest.approx(3)
    assert found["season_ahead_84d"] == pytest.approx(4)


def test_breadth_and_what_is_left_of_it(tmp_path: Path) -> None:
    """Products and families of the year, and the share of them that is still bought."""
    products = [{"product": p, "family": f} for p, f in (("bolt", "steel"), ("nut", "steel"), ("glue", "chemicals"))]
    rows = [_order(1, "2024-10-01", product="glue"), _order(2, "2025-03-01", product="bolt")]
    rows.append(_order(2, "2025-03-01", product="nut", line=2))
    found = features_of(tmp_path, "2025-04-01", orders=rows, products=products)
    assert (found["products_ordered_84d"], found["products_ordered_364d"]) == (2, 3)
    assert (found["families_ordered_84d"], found["families_ordered_364d"]) == (1, 2)
    assert found["products_kept_share_84d"] == pytest.approx(2 / 3)


def test_margin_counts_lines_with_a_cost_only(tmp_path: Path) -> None:
    """A line without cost says nothing about the margin."""
    rows = [_order(1, "2025-03-01", 100.0, cost=60.0), _order(2, "2025-03-02", 900.0)]
    assert features_of(tmp_path, "2025-04-01", orders=rows)["order_margin_364d"] == pytest.approx(0.4)


def test_trend_against_the_span_before(tmp_path: Path) -> None:
    """84 days against the 84 before; unknown where there was nothing before."""
    rows = [_order(1, "2024-12-01", 50.0), _order(2, "2025-03-01", 75.0)]
    assert features_of(tmp_path / "two", "2025-04-01", orders=rows)["order_revenue_trend_84d"] == pytest.approx(1.5)
    assert features_of(tmp_path / "one", "2025-04-01", orders=rows[1:])["order_revenue_trend_84d"] is None


def test_a_young_customer_is_compared_with_the_life_it_has(tmp_path: Path) -> None:
    """An order a week since eight weeks ago is the usual rate, not a year's worth of growth."""
    rows = [_order(i, f"2025-{m:02d}-{d:02d}") for i, (m, d) in enumerate([(2, 4), (2, 11), (2, 18), (2, 25), (3, 4)])]
    found = features_of(tmp_path, "2025-03-10", orders=rows)
    assert found["orders_vs_year_84d"] == pytest.approx(1)
    assert found["order_revenue_vs_year_84d"] == pytest.approx(1)
    assert found["orders_surprise_84d"] == pytest.approx(0)
    assert found["order_rate_364d"] == pytest.approx(28 * 5 / 35)


def test_fewer_orders_than_usual_are_a_deviation_below_zero(tmp_path: Path) -> None:
    """Expected in 84 days: four at the year's rate; came none."""
    day = pd.Timestamp("2024-04-03")
    rows = [_order(i, str(day + pd.Timedelta(days=16 * i))[:10]) for i in range(17)]
    found = features_of(tmp_path, "2025-04-01", orders=rows)
    expected = 17 * 84 / 364
    assert found["orders_84d"] == 0
    assert found["orders_surprise_84d"] == pytest.approx(-expected / np.sqrt(expected + 0.5), rel=1e-5)


def test_an_order_exactly_at_the_start_of_a_window_is_outside(tmp_path: Path) -> None:
    """The window is (as_of - 28 days, as_of]."""
    outside = features_of(tmp_path / "out", "2025-01-29", orders=ORDERS[:1])
    inside = features_of(tmp_path / "in", "2025-01-28", orders=ORDERS[:1])
    assert (outside["orders_28d"], inside["orders_28d"]) == (0, 1)
    assert features_of(tmp_path / "now", "2025-01-01", orders=ORDERS[:1])["orders_28d"] == 1
