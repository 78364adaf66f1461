"""The forecast of a year ago against what came."""

from pathlib import Path

import pytest

from revml.clv.backtest import backtest_totals
from revml.config import Economics
from revml.errors import NotEnoughData
from tests.clv.companies import AS_OF, accounts_of, company, line, order
from tests.literal_facts import stage


def test_totals_of_a_known_company_come_true(tmp_path: Path) -> None:
    """Contracts with constant hazards: revenue of the year within 6 %, nearer than the run-rate."""
    made = backtest_totals(company(tmp_path, n=1_500, seed=5), AS_OF, Economics()).set_index("relation")
    contract = made.loc["contract"]
    assert abs(contract["bias"]) < 0.06
    assert abs(contract["bias"]) < abs(contract["run_rate_bias"])
    assert contract["predicted_last"] == pytest.approx(contract["realised_last"], rel=0.1)


def test_orders_of_a_known_company_come_true(tmp_path: Path) -> None:
    """Buyers who order and drop out at random: revenue of six months within 12 %."""
    made = backtest_totals(company(tmp_path, n=1_500, seed=6), AS_OF, Economics(), months=6).set_index("relation")
    assert abs(made.loc["orders", "bias"]) < 0.12


def test_only_accounts_of_the_origin_count(tmp_path: Path) -> None:
    """Revenue of accounts that joined later is no revenue of the forecast; without losses all months are there."""
    rows = [line("a", 100, "2023-01-01"), line("new", 900, "2025-06-01")]
    bought = [order("a", "2024-06-01", 10), order("a", "2025-06-01", 20), order("late", "2025-06-01", 70)]
    facts = stage(tmp_path, accounts=accounts_of(rows, bought), subscriptions=rows, orders=bought)
    made = backtest_totals(facts, AS_OF, Economics()).set_index("relation")
    assert made.loc["contract", ["accounts", "realised", "run_rate"]].tolist() == [1, 1200.0, 1200.0]
    assert made.loc["orders", ["accounts", "realised", "run_rate"]].tolist() == [1, 20.0, 10.0]


def test_too_short_a_history_is_said(tmp_path: Path) -> None:
    """Nobody was there a year ago: an error with the way out, not a table of nothing."""
    rows = [line("a", 100, "2025-06-01")]
    with pytest.raises(NotEnoughData, match="back-test"):
        backtest_totals(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows), AS_OF, Economics())
