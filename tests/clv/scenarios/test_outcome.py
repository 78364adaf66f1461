"""Scenarios in money: two accounts on paper, laws, and the forecast itself made anew as the reference."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.clv import Published, forecast_clv
from revml.clv.relations import Relation
from revml.clv.scenarios.changing import changed
from revml.clv.scenarios.declared import Discount, Margin, Price, Retention, Saving, Scenario, Segment
from revml.clv.scenarios.outcome import outcome
from revml.clv.scenarios.standing import Standing, standing
from revml.config import Economics
from revml.errors import ConfigError, NotEnoughData, NotFound
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, company, line, order, yearly_contracts
from tests.literal_facts import stage

DAYS = 3 * 30.4375


def scored(facts: Facts, *probabilities: float, days: float = DAYS) -> Published:
    """Churn scores of the accounts in the order of their ids, repeated where there are more of them."""
    ids = facts.con.execute("SELECT account_id FROM accounts ORDER BY account_id").df()["account_id"]
    return Published(pd.DataFrame({"account_id": ids, "probability": np.resize(probabilities, len(ids))}), days)


def figure(told: dict[str, Any], name: str, months: int) -> dict[str, Any]:
    """One figure of an outcome."""
    return next(row for row in told["figures"] if (row["name"], row["months"]) == (name, months))


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Contracts and orders of 120 accounts each, half of the contracts in industry `even`."""
    rows = yearly_contracts(120, 1)
    accounts = [{**one, "industry": "even" if i % 2 == 0 else "odd"} for i, one in enumerate(accounts_of(rows))]
    return company(tmp_path_factory.mktemp("company"), subscriptions=rows, accounts=accounts, orders=[])


@pytest.fixture(scope="module")
def stood(facts: Facts) -> Standing:
    """Forecast over one and two years, with scores from 2 to 40 %."""
    return standing(facts, AS_OF, Economics(), scored(facts, *np.linspace(0.02, 0.4, 7)), horizon_months=(12, 24))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Standing:
    """A company of contracts and orders, without scores."""
    facts = company(tmp_path_factory.mktemp("both"))
    return standing(facts, AS_OF, Economics(referral_share=0.1), horizon_months=24)


NOTHING = [
    Scenario(),
    Scenario(retention=Retention(0)),
    Scenario(saving=Saving(0)),
    Scenario(saving=Saving(5, success=0)),
    Scenario(price=Price(0, at_renewal=True, churn_response=2)),
    Scenario(margin=Margin(0)),
    Scenario(discount=Discount(Economics().discount_rate)),
]


@pytest.mark.parametrize("nothing", NOTHING)
def test_no_change_changes_nothing(stood: Standing, nothing: Scenario) -> None:
    """Every figure, relation, segment and account is what it was, to the cent."""
    told = outcome(stood, nothing)
    assert {row["difference"] for row in told["figures"]} == {0.0}
    assert {row["clv"]["difference"] for row in (*told["relations"], *told["segments"]["rows"])} == {0.0}
    assert (told["clv"], told["net"], told["accounts"]) == (0.0, 0.0, [])


def test_two_accounts_on_paper(tmp_path: Path) -> None:
    """MRR 100 and 200 at a margin of 0.5 without discount: 5 % more price is a tenth more margin.

    Costs stay: of 105 the margin is 55, and of 210 it is 110; what was expected of each month grows by a tenth.
    """
    rows = [line("a", 100.0, "2024-01-01"), line("b", 200.0, "2024-01-01")]
    facts = stage(tmp_path, observed_until="2026-01-01", accounts=accounts_of(rows), subscriptions=rows)
    at = standing(facts, AS_OF, Economics(margin=0.5, discount_rate=0.0), horizon_months=12)
    [contract] = at.flows
    clv = 0.5 * (np.array([100.0, 200.0])[:, None] * contract.survival).sum()
    told = outcome(at, Scenario(price=Price(5)))
    assert figure(told, "clv", 12)["before"] == pytest.approx(clv, abs=0.01)
    assert figure(told, "clv", 12)["difference"] == pytest.approx(0.1 * clv, abs=0.02)
    assert figure(told, "revenue", 12)["difference"] == pytest.approx(0.05 * 2 * clv, abs=0.02)
    assert [one["account_id"] for one in told["accounts"]] == ["b", "a"]


def test_a_price_is_the_forecast_of_dearer_contracts(facts: Facts, tmp_path: Path) -> None:
    """At once and for all: revenue is what the whole forecast gives when every contract always was 5 % dearer."""
    dearer = [{**row, "mrr": 1.05 * row["mrr"]} for row in yearly_contracts(120, 1)]
    again = forecast_clv(company(tmp_path, subscriptions=dearer, orders=[]), AS_OF, Economics(), horizon_months=24)
    plain = company(tmp_path / "plain", subscriptions=yearly_contracts(120, 1), orders=[])
    told = outcome(standing(plain, AS_OF, Economics(), horizon_months=24), Scenario(price=Price(5)))
    assert figure(told, "revenue", 24)["after"] == pytest.approx(again.clv["expected_revenue"].sum(), rel=1e-6)


def test_saving_is_the_forecast_with_the_average_score(facts: Facts) -> None:
    """Within the score's horizon a saved account's revenue is what the whole forecast gives it at the average score."""
    scores = scored(facts, 0.1, 0.3)
    at = standing(facts, AS_OF, Economics(), scores, horizon_months=12)
    contract = at.contract
    assert contract is not None
    riskiest = str(contract.account_id[np.argmax(at.risk * at.mrr)])
    told = outcome(at, Scenario(saving=Saving(1)))
    assert [one["account_id"] for one in told["accounts"]] == [riskiest]
    assert scores.p_churn is not None
    average = scores.p_churn.assign(probability=at.risk.mean())
    again = forecast_clv(facts, AS_OF, Economics(), Published(average, DAYS), horizon_months=12).relations[0]
    after = changed(at, Scenario(saving=Saving(1))).flows[0]
    row = contract.account_id.tolist().index(riskiest)
    assert after.survival[row, :3] == pytest.approx(again.survival[row, :3], rel=1e-9)
    assert after.revenue[row, :3] == pytest.approx(again.revenue[row, :3], rel=1e-9)


def test_a_point_of_retention_is_a_point(stood: Standing) -> None:
    """Of the segment's accounts one in a hundred more stays a year; all others are as they were."""
    told = outcome(stood, Scenario(retention=Retention(1, Segment("industry", "EVEN"))))
    [one] = [one for one in told["assumed"] if one["key"] == "retention"]
    assert one["after"] - one["before"] == pytest.approx(0.01)
    by_name = {row["name"]: row["clv"]["difference"] for row in told["segments"]["rows"]}
    assert by_name["odd"] == 0
    assert by_name["even"] == told["clv"] > 0


def test_more_retention_is_never_worth_less(stood: Standing) -> None:
    """CLV rises with the points, and falls where they are negative."""
    worth = [outcome(stood, Scenario(retention=Retention(points)))["clv"] for points in (-2, -1, 0, 1, 2, 4)]
    assert worth == sorted(worth)
    assert worth[0] < 0 < worth[-1]


def test_saving_more_accounts_is_never_worth_less(stood: Standing) -> None:
    """Nor does it pay less with more success; the cost is for everyone who is tried."""
    saved = [outcome(stood, Scenario(saving=Saving(n, cost=500)))["clv"] for n in (0, 1, 5, 20)]
    assert saved == sorted(saved)
    tried = outcome(stood, Scenario(saving=Saving(5, success=0.5, cost=500)))
    assert 0 < tried["clv"] < saved[2]
    assert tried["net"] == pytest.approx(tried["clv"] - 2500)


def test_parts_add_up_to_the_company(both: Standing) -> None:
    """Relations and segments add up to the CLV's difference, to the cent, with shares of referrals too."""
    told = outcome(both, Scenario(retention=Retention(2), price=Price(3, churn_response=0.2)))
    assert sum(round(100 * row["clv"]["difference"]) for row in told["relations"]) == round(100 * told["clv"])
    assert {row["relation"] for row in told["relations"]} == {"contract", "orders"}


def test_before_is_what_the_forecast_says(both: Standing) -> None:
    """The company's value today is the sum of the forecast's accounts, to the cent."""
    forecast = forecast_clv(both.facts, AS_OF, both.economics, horizon_months=24)
    assert figure(outcome(both, Scenario()), "clv", 24)["before"] == round(float(forecast.clv["clv"].sum()), 2)


def test_a_price_from_the_renewal_on_starts_there(tmp_path: Path) -> None:
    """The renewal is 45 days ahead: the first month has the old price, the second one the new."""
    rows = [line("a", 100.0, "2025-02-15", renews_at="2026-02-15")]
    facts = stage(tmp_path, observed_until="2026-01-01", accounts=accounts_of(rows), subscriptions=rows)
    at = standing(facts, AS_OF, Economics(), horizon_months=12)
    after = changed(at, Scenario(price=Price(10, at_renewal=True))).flows[0]
    assert after.revenue[0, :3] / at.flows[0].revenue[0, :3] == pytest.approx([1.0, 1.1, 1.1])


def test_a_response_takes_back_what_the_price_brings(stood: Standing) -> None:
    """With a half point of churn a percent, retention falls by two and a half points and CLV rises less."""
    alone, answered = (outcome(stood, Scenario(price=Price(5, churn_response=r))) for r in (0.0, 0.5))
    assert figure(answered, "retention", 12)["difference"] == pytest.approx(-0.025, abs=1e-6)
    assert answered["clv"] < alone["clv"]
    assert {"price_no_response"} <= {one["key"] for one in alone["assumed"]}


def test_prices_leave_gross_retention_or_lower_it(stood: Standing) -> None:
    """A rise is growth, which GRR does not count; a cut is MRR that is lost."""
    rise, cut = (figure(outcome(stood, Scenario(price=Price(p))), "grr", 12)["difference"] for p in (5, -5))
    assert rise == 0
    assert cut < 0


def test_margin_by_hand(stood: Standing) -> None:
    """Two points of a margin of 75 are 2/75 more CLV, and no revenue."""
    told = outcome(stood, Scenario(margin=Margin(2)))
    before = figure(told, "clv", 24)["before"]
    assert told["clv"] == pytest.approx(before * 2 / 75, rel=1e-5)
    assert figure(told, "revenue", 24)["difference"] == 0


def test_a_discount_rate_is_the_forecast_at_that_rate(facts: Facts, stood: Standing) -> None:
    """CLV at 20 % a year is what the whole forecast gives with economics of 20 %."""
    scores = scored(facts, *np.linspace(0.02, 0.4, 7))
    again = forecast_clv(facts, AS_OF, Economics(discount_rate=0.2), scores, horizon_months=24)
    told = outcome(stood, Scenario(discount=Discount(0.2)))
    assert figure(told, "clv", 24)["after"] == pytest.approx(again.clv["clv"].sum(), rel=1e-9)


def test_more_buyers_order(both: Standing) -> None:
    """A point of orders: one buyer in a hundred more orders within a year; contracts are as they were."""
    told = outcome(both, Scenario(retention=Retention(1, relation=Relation.ORDERS)))
    worth = {row["relation"]: row["clv"]["difference"] for row in told["relations"]}
    assert worth["contract"] == 0
    assert worth["orders"] > 0


WRONG: list[tuple[Scenario, type[Exception], str]] = [
    (Scenario(retention=Retention(99)), ConfigError, "retention cannot be so much"),
    (Scenario(retention=Retention(1, Segment("industry", "evn"))), NotFound, "did you mean 'even'"),
    (Scenario(retention=Retention(1, Segment("colour", "red"))), NotFound, "industry"),
    (Scenario(saving=Saving(100_000)), ConfigError, "there are not so many accounts"),
    (Scenario(saving=Saving(accounts=("nobody",))), NotFound, "nobody"),
    (Scenario(price=Price(5, churn_response=30)), ConfigError, "--churn-response"),
    (Scenario(margin=Margin(40)), ConfigError, "no margin is above all"),
    (Scenario(retention=Retention(1, relation=Relation.ORDERS)), NotEnoughData, "nobody has ordered"),
]


@pytest.mark.parametrize(("wrong", "error", "told"), WRONG)
def test_what_cannot_be_is_refused(stood: Standing, wrong: Scenario, error: type[Exception], told: str) -> None:
    """The message says what is there, or what could be."""
    with pytest.raises(error) as raised:
        outcome(stood, wrong)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Price(-101),
        lambda: Retention(float("nan")),
        lambda: Saving(-1),
        lambda: Saving(1, success=1.5),
        lambda: Saving(2, accounts=("a",)),
        lambda: Saving(accounts=("a", "a")),
        lambda: Discount(1.5),
        lambda: Retention(1, relation=Relation.DURABLE),
        lambda: Segment.read("industry"),
    ],
)
def test_what_has_no_meaning_cannot_be_declared(declare: Any) -> None:
    """A price below nothing, no number, fewer than no accounts and so on."""
    with pytest.raises(ConfigError):
        declare()


def test_without_contracts_retention_is_refused(tmp_path: Path) -> None:
    """The way out is named: prices, margins, or buyers who order."""
    orders = [order(f"b{i}", f"2025-{m:02}-01", 100.0) for i in range(6) for m in (1, 4, 8)]
    facts = stage(tmp_path, observed_until="2026-01-01", accounts=accounts_of(orders), orders=orders)
    at = standing(facts, AS_OF, Economics(), horizon_months=12)
    with pytest.raises(NotEnoughData, match="--relation orders"):
        outcome(at, Scenario(retention=Retention(1)))
    assert outcome(at, Scenario(price=Price(5)))["clv"] > 0


def test_without_scores_nobody_is_riskiest(both: Standing) -> None:
    """Expected loss needs churn scores."""
    with pytest.raises(NotEnoughData, match="no account has a churn score"):
        outcome(both, Scenario(saving=Saving(1)))


def test_less_than_a_year_is_refused(facts: Facts) -> None:
    """Retention is told by the year."""
    with pytest.raises(ConfigError, match="a year ahead"):
        standing(facts, AS_OF, Economics(), horizon_months=6)
