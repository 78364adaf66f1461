"""The scenarios that every run publishes."""

from datetime import datetime
from pathlib import Path

from revml.clv import forecast_clv
from revml.config import Economics
from revml.scoring.standard_scenarios import standard_scenarios
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, line, yearly_contracts
from tests.literal_facts import stage


def names(facts: Facts, as_of: datetime = AS_OF) -> list[str]:
    """The scenarios of a company without scores."""
    forecast = forecast_clv(facts, as_of, Economics(), horizon_months=12)
    told = standard_scenarios(facts, as_of, Economics(), forecast, None, 90)
    return [one["name"] for one in told["scenarios"]["scenarios"]]


def test_a_point_of_retention_and_a_price(tmp_path: Path) -> None:
    """Without scores nobody can be called the riskiest."""
    rows = yearly_contracts(80, 3)
    assert names(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows)) == ["retention", "price"]


def test_what_cannot_be_stops_no_run(tmp_path: Path) -> None:
    """Where hardly anybody ever left, a point more of retention is no scenario, and the others stand."""
    rows = [line(f"a{i:03}", 100, "2022-01-01", renews_at="2026-06-01") for i in range(300)]
    assert names(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows)) == ["price"]
