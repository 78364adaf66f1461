"""What the orders tell at an instant, and what came after it."""

from pathlib import Path

import pandas as pd
import pytest

from revml.clv.orders.features import months_before, order_features, order_outcomes
from tests.clv.companies import AS_OF, accounts_of, order
from tests.literal_facts import stage


def test_rhythm_and_recency_of_three_orders(tmp_path: Path) -> None:
    """Orders 60, 30 and 20 days ago: gaps of 30 and 10 days, silent for 20, twice as long as the last gap."""
    rows = [order("a", "2025-11-02", 10), order("a", "2025-12-02", 40), order("a", "2025-12-12", 10)]
    told = order_features(stage(tmp_path, accounts=accounts_of(rows), orders=rows), AS_OF, 3).iloc[0]
    assert (told["purchases"], told["mean_gap"], told["last_gap"], told["silent_days"]) == (3, 20, 10, 20)
    assert (told["overdue"], told["last_to_mean"], told["largest"]) == (1.0, 0.5, 40.0)
    assert (told["purchases_28d"], told["bought_91d"]) == (1, 60.0)


def test_returns_are_told_as_a_share(tmp_path: Path) -> None:
    """30 of 120 given back is a quarter, and no purchase."""
    rows = [order("a", "2025-11-02", 120), order("a", "2025-11-20", -30)]
    told = order_features(stage(tmp_path, accounts=accounts_of(rows), orders=rows), AS_OF, 3).iloc[0]
    assert (told["purchases"], told["returned"]) == (1, 0.25)


def test_the_same_months_of_the_year_before_are_unknown_to_young_buyers(tmp_path: Path) -> None:
    """A buyer of two years has a figure for last January to March, one of two months has none."""
    rows = [order("a", "2024-01-05", 10), order("a", "2025-02-01", 70), order("b", "2025-11-01", 10)]
    told = order_features(stage(tmp_path, accounts=accounts_of(rows), orders=rows), AS_OF, 3).set_index("account_id")
    assert told.loc["a", "bought_year_before"] == 70.0
    assert pd.isna(told.loc["b", "bought_year_before"])


def test_outcomes_lie_after_the_origin_and_within_the_months(tmp_path: Path) -> None:
    """An order at the origin is known, one a day later is to come, one after the window is neither."""
    origin = months_before(AS_OF, 2)
    days = (origin, origin + pd.Timedelta(days=1), AS_OF + pd.Timedelta(days=1))
    rows = [order("a", day.isoformat(), 10 * 2**i) for i, day in enumerate(days)]
    facts = stage(tmp_path, accounts=accounts_of(rows), orders=rows)
    assert order_features(facts, origin, 2)["bought"].tolist() == [10.0]
    orders, revenue = order_outcomes(facts, origin, 2, pd.Series(["a", "nobody"]), as_of=AS_OF)
    assert (orders.tolist(), revenue.tolist()) == ([1.0, 0.0], [20.0, 0.0])


def test_what_became_known_later_is_not_seen(tmp_path: Path) -> None:
    """An order of November that was booked in January tells nothing on the first of January."""
    rows = [order("a", "2025-10-01", 10), order("a", "2025-11-01", 10, known_at="2026-01-05")]
    facts = stage(tmp_path, accounts=accounts_of(rows), orders=rows)
    assert order_features(facts, AS_OF, 3)["purchases"].tolist() == [1]
    orders, _ = order_outcomes(facts, months_before(AS_OF, 3), 3, pd.Series(["a"]), as_of=AS_OF)
    assert orders.tolist() == [0.0]


def test_machines_are_no_repeat_orders(tmp_path: Path) -> None:
    """An order of a product that wears out, of a company that lists its machines, is left to the durables."""
    rows = [order("a", "2025-10-01", 10), order("a", "2025-11-01", 9_000, product="press")]
    facts = stage(
        tmp_path,
        accounts=accounts_of(rows),
        orders=rows,
        products=[{"product": "press", "life_months": 120}, {"product": "p"}],
        assets=[{"asset_id": "m1", "account_id": "a", "product": "press", "installed_at": "2025-11-01"}],
    )
    assert order_features(facts, AS_OF, 3)["bought"].tolist() == [pytest.approx(10.0)]
