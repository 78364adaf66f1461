"""Repeat orders ahead: against known habits, without a look at the future, month by month."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.clv.orders.features import order_outcomes
from revml.clv.orders.money_marks import normalised_gini
from revml.clv.orders.repeat_orders import OrderForecast, order_forecast
from revml.config import Economics
from revml.sources.facts import Facts
from revml.windows import instant
from tests.clv.companies import AS_OF, accounts_of, company, order
from tests.clv.leaving_buyers import AFTER, rows_of, shop
from tests.literal_facts import stage

MONTHS = 24


def forecast(facts: Facts, months: int = MONTHS) -> OrderForecast:
    """At `AS_OF`."""
    made = order_forecast(facts, AS_OF, Economics(), months)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """The orders of eight hundred buyers who buy little before they leave."""
    return rows_of(800)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> Facts:
    """As they came."""
    return shop(tmp_path_factory.mktemp("buyers"), rows)


@pytest.fixture(scope="module")
def made(facts: Facts) -> OrderForecast:
    """Two years ahead."""
    return forecast(facts)


def test_half_a_year_comes_true(facts: Facts, made: OrderForecast) -> None:
    """Orders and revenue in total within 10 %, ranked far better than by what buyers spent so far."""
    orders, revenue = order_outcomes(facts, AS_OF, 6, made.buyers["account_id"], as_of=AS_OF + AFTER)
    assert made.orders[:, :6].sum() == pytest.approx(orders.sum(), rel=0.1)
    assert made.revenue[:, :6].sum() == pytest.approx(revenue.sum(), rel=0.1)
    past = normalised_gini(revenue, made.buyers["revenue"].to_numpy(float))
    assert normalised_gini(revenue, made.revenue[:, :6].sum(axis=1)) > past + 0.2


def test_who_bought_little_last_is_not_expected_back(facts: Facts, made: OrderForecast) -> None:
    """One in twenty at most of those whose last order was small; most of the others."""
    sql = "SELECT arg_max(amount, ordered_at) / max(amount) FROM orders WHERE ordered_at <= ? GROUP BY account_id"
    sql += " HAVING count(*) > 2 ORDER BY account_id"
    share = np.array(facts.con.cursor().execute(sql, [AS_OF]).fetchall())[:, 0]
    p = made.p_order[made.buyers["purchases"].to_numpy() > 2, 5]
    assert p[share < 0.25].mean() < 0.1
    assert p[share > 0.6].mean() > 0.75


def test_nothing_after_as_of_moves_a_number(tmp_path: Path, rows: list[dict[str, Any]], made: OrderForecast) -> None:
    """Later orders a thousand times as large, returned, doubled, and old ones that become known later: no bit moves."""
    corrupted = []
    for i, row in enumerate(rows):
        if instant(row["ordered_at"]) <= AS_OF:
            corrupted.append(row)
        else:
            corrupted += [
                {**row, "amount": 1000 * row["amount"] * (-1) ** i},
                {**row, "line": 2, "account_id": "b0000"},
            ]
    late = {**order("b0001", "2025-06-01", 99_999), "known_at": (AS_OF + AFTER / 2).isoformat()}
    other = forecast(shop(tmp_path, [*corrupted, late]))
    for name in ("orders", "revenue", "survival", "p_order", "spend"):
        assert (getattr(other, name) == getattr(made, name)).all(), name
    assert (other.next_order_at == made.next_order_at)[~np.isnat(made.next_order_at)].all()
    assert other.notes == made.notes


def test_laws_of_the_months(made: OrderForecast) -> None:
    """Nothing is negative, P(order) rises and stays within 0 and 1, and so does that of a year."""
    assert (made.orders >= 0).all()
    assert (made.revenue >= 0).all()
    assert (np.diff(made.p_order, axis=1) >= 0).all()
    for p in (made.p_order, made.survival):
        assert ((p >= 0) & (p <= 1)).all()


def test_no_step_where_the_two_stages_end(made: OrderForecast) -> None:
    """The company's revenue glides from month to month, past the horizon that was trained for too."""
    total = made.revenue.sum(axis=0)
    assert np.abs(np.diff(np.log(total))).max() < 0.15


def test_the_next_order_is_as_likely_as_not_by_its_date(made: OrderForecast) -> None:
    """P(order) stands at one half between the months around the date; many are never expected back."""
    months = (made.next_order_at - np.datetime64(AS_OF)) / np.timedelta64(1, "s") / 2_629_800
    reached, later = np.flatnonzero(months < MONTHS), np.flatnonzero((months > 1) & (months < MONTHS))
    assert len(reached) > 100
    assert (made.p_order[reached, np.ceil(months[reached]).astype(int) - 1] >= 0.5 - 1e-6).all()
    assert len(later) > 5
    assert (made.p_order[later, np.floor(months[later]).astype(int) - 1] <= 0.5 + 1e-6).all()
    assert not (months[made.p_order[:, -1] < 0.5] < MONTHS).any()
    assert np.isnat(made.next_order_at).sum() > 200


def test_a_small_company_is_answered_by_the_process(tmp_path: Path) -> None:
    """Finite figures, the reason, and that no season can be told."""
    told = forecast(company(tmp_path))
    assert np.isfinite(told.revenue).all()
    assert any("the process" in note for note in told.notes)


def test_one_buyer_who_returned_everything_is_told(tmp_path: Path) -> None:
    """What others spend is expected of an account that sent back more than it bought."""
    bought = [order("a", "2025-10-01", 100), order("a", "2025-11-01", -150), order("b", "2025-10-01", 80)]
    told = forecast(stage(tmp_path, accounts=accounts_of(bought), orders=bought))
    assert any(note.startswith("1 buyers have returned") for note in told.notes)
    assert (told.revenue >= 0).all()


def test_nobody_bought_is_no_forecast(tmp_path: Path) -> None:
    """Orders that lie after `as_of` alone."""
    later = [order("a", "2026-02-01", 10)]
    assert order_forecast(stage(tmp_path, accounts=accounts_of(later), orders=later), AS_OF, Economics(), 12) is None


def test_forecast_rows_are_those_of_the_buyers(made: OrderForecast) -> None:
    """Sorted by account, as long as the flows."""
    assert made.buyers["account_id"].is_monotonic_increasing
    assert len(made.buyers) == len(made.orders) == len(made.spend) == len(pd.Series(made.next_order_at))
