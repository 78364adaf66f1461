"""The forecast as a whole: it adds up, it is tied, it sees no future, it says what it does not know."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.clv import ClvForecast, Published, forecast_clv
from revml.clv.cautions import CAUTIONS, caution_words, cautions
from revml.clv.flows import CLV_COLUMNS, FLOW_COLUMNS
from revml.config import Economics
from revml.locales import LANGUAGES, words
from revml.sources.facts import Facts
from revml.store import runs
from tests.clv.companies import AS_OF, accounts_of, company, line, order, repeat_orders, stepwise, yearly_contracts
from tests.literal_facts import stage


def forecast(facts: Facts, as_of: datetime = AS_OF, economics: Economics | None = None, **values: Any) -> ClvForecast:
    """A forecast of 24 months without scores."""
    scores = {name: values.pop(name) for name in ("p_churn", "churn_days", "p_upsell") if name in values}
    given = {"horizon_months": 24, **values}
    return forecast_clv(facts, as_of, economics or Economics(), Published(**scores), **given)


def everybody(facts: Facts, probability: float) -> pd.DataFrame:
    """The same probability for all accounts."""
    ids = facts.con.execute("SELECT account_id FROM accounts ORDER BY account_id").df()["account_id"]
    return pd.DataFrame({"account_id": ids, "probability": probability})


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Contracts and orders of 120 accounts each."""
    return company(tmp_path_factory.mktemp("company"))


def test_frames_have_the_columns_of_a_run() -> None:
    """What is forecast is what the store publishes."""
    assert (CLV_COLUMNS, FLOW_COLUMNS) == (runs.CLV_COLUMNS, runs.FLOW_COLUMNS)


def test_flows_add_up_to_accounts_to_the_cent(facts: Facts) -> None:
    """An account's CLV and revenue are the sums of its flows, in every relation, none missing and none twice."""
    made = forecast(facts)
    sums = made.flows.groupby(["account_id", "relation"])[["discounted_margin", "expected_revenue"]].sum()
    clv = made.clv.set_index(["account_id", "relation"])
    assert len(clv) == len(sums) > 100
    assert set(made.clv["relation"]) == {"contract", "orders"}
    sums = sums.reindex(clv.index)
    assert clv["clv"].to_numpy() == pytest.approx(sums["discounted_margin"].to_numpy(), abs=0.005)
    assert clv["expected_revenue"].to_numpy() == pytest.approx(sums["expected_revenue"].to_numpy(), abs=0.005)
    assert (
        made.flows.groupby(["account_id", "relation"])["month"].apply(list).map(lambda m: m == list(range(1, 25))).all()
    )


def test_survival_never_rises(facts: Facts) -> None:
    """Of contracts and of buyers, month after month, within [0, 1]; its end is p_alive of the contracts."""
    made = forecast(facts)
    curves = made.flows["survival"].to_numpy().reshape(-1, 24)
    assert (np.diff(curves, axis=1) <= 1e-12).all()
    assert ((curves >= 0) & (curves <= 1)).all()
    contract = made.clv["relation"] == "contract"
    assert (made.clv.loc[contract, "p_alive"].to_numpy() == curves[contract.to_numpy(), -1]).all()


def test_contracts_are_tied_to_the_published_probability(facts: Facts) -> None:
    """With a horizon of two whole months, 1 - S(2) is the score, to 1e-9, for every account."""
    made = forecast(facts, p_churn=everybody(facts, 0.123), churn_days=60.875)
    second = made.flows[(made.flows["relation"] == "contract") & (made.flows["month"] == 2)]
    assert 1 - second["survival"].to_numpy() == pytest.approx(0.123, abs=1e-9)


def test_orders_are_not_touched_by_churn_scores(facts: Facts) -> None:
    """The relation has its own process."""
    low, high = (forecast(facts, p_churn=everybody(facts, p)).clv for p in (0.01, 0.9))
    assert low[low["relation"] == "orders"].equals(high[high["relation"] == "orders"])
    contract = low["relation"] == "contract"
    assert (high.loc[contract, "clv"] < low.loc[contract, "clv"]).all()


@pytest.mark.parametrize("better", [{"discount_rate": 0.0}, {"margin": 0.95, "order_margin": 0.6}])
def test_better_economics_are_worth_more(facts: Facts, better: dict[str, float]) -> None:
    """A lower discount rate or a higher margin raises the CLV of every account that is worth a few cents."""
    more, plain = forecast(facts, economics=Economics(**better)).clv["clv"], forecast(facts).clv["clv"]
    assert (more[plain > 1] > plain[plain > 1]).all()
    assert (more >= plain).all()


def test_upsell_scores_share_growth_out_among_contracts(facts: Facts, tmp_path: Path) -> None:
    """The likelier gains what the others lose; where nobody ever grew there is nothing to share, and orders stay."""
    low, high = (forecast(facts, p_upsell=everybody(facts, p)).clv for p in (0.0, 1.0))
    assert high.equals(low)
    grown = stepwise(tmp_path)
    even, leaning = everybody(grown, 0.1), everybody(grown, 0.1)
    leaning.loc[: len(leaning) // 2 - 1, "probability"] = 0.3
    one, other = (forecast(grown, p_upsell=scores).clv["clv"].to_numpy() for scores in (even, leaning))
    half = len(one) // 2
    assert (other[:half] > one[:half]).all()
    assert (other[half:] < one[half:]).all()
    assert other.sum() == pytest.approx(one.sum(), abs=0.01 * len(one))


def test_a_longer_horizon_begins_like_a_shorter_one(facts: Facts) -> None:
    """The first twelve months do not depend on how far the forecast looks."""
    short, long = forecast(facts, horizon_months=12).flows, forecast(facts, horizon_months=36).flows
    both = short.merge(long, on=["account_id", "relation", "month"])
    assert len(both) == len(short)
    for name in ("survival", "expected_revenue", "discounted_margin"):
        assert both[f"{name}_x"].to_numpy() == pytest.approx(both[f"{name}_y"].to_numpy(), rel=1e-12)


def test_the_same_facts_give_the_same_frames(facts: Facts) -> None:
    """Bit for bit, whatever the seed, as nothing is drawn."""
    one, two = forecast(facts, seed=1), forecast(facts, seed=2)
    assert one.clv.equals(two.clv)
    assert one.flows.equals(two.flows)


def test_nothing_after_as_of_matters(tmp_path: Path) -> None:
    """Corrupt every later fact, add facts one tick later: no figure moves by a bit."""
    as_of = datetime(2025, 6, 15)  # noqa: DTZ001
    subscriptions, orders = yearly_contracts(80, 3), repeat_orders(80, 3)
    accounts = accounts_of(subscriptions, orders)
    tick = "2025-06-15T00:00:00.000001"
    changed = [
        {**row, "ended_at": None if row["ended_at"] and row["ended_at"] > tick else row["ended_at"]}
        for row in subscriptions
        if row["started_at"] < tick
    ]
    changed += [line("a0001", 9e6, tick, subscription_id="late"), line("new", 5.0, "2025-01-01", known_at=tick)]
    bought = [row for row in orders if row["ordered_at"] < tick]
    bought += [order("b0001", tick, 9e6), order("b0002", "2025-02-01", 7e6, known_at=tick)]
    made = [
        forecast(stage(tmp_path / name, accounts=accounts, subscriptions=s, orders=o), as_of)
        for name, s, o in (("one", subscriptions, orders), ("two", changed, bought))
    ]
    assert len(made[0].clv) > 100
    assert made[0].clv.equals(made[1].clv)
    assert made[0].flows.equals(made[1].flows)


def test_lost_accounts_are_left_out_aloud(tmp_path: Path) -> None:
    """An account whose subscription ended has no row, and a note says so."""
    rows = [line("a", 10, "2024-01-01"), line("b", 10, "2024-01-01", "2025-06-01")]
    made = forecast(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows))
    assert made.clv["account_id"].tolist() == ["a"]
    assert any(note.startswith("1 that left is worth nothing here") for note in made.notes)


def test_a_company_of_lost_accounts_gives_empty_frames(tmp_path: Path) -> None:
    """Nobody left: the columns are there, the rows are not."""
    rows = [line("b", 10, "2024-01-01", "2025-06-01")]
    made = forecast(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows))
    assert (len(made.clv), len(made.flows)) == (0, 0)
    assert (tuple(made.clv), tuple(made.flows)) == (CLV_COLUMNS, FLOW_COLUMNS)


def test_three_months_of_history_are_answered_with_a_warning(tmp_path: Path) -> None:
    """A horizon far beyond anything observed: a figure, its extrapolated share, a caution."""
    rows = [line(f"a{i}", 100, "2025-10-01", "2025-11-20" if i == 0 else None) for i in range(5)]
    clv = forecast(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows), horizon_months=60).clv
    assert (clv["clv"] > 0).all()
    assert (clv["extrapolated_share"] > 0.9).all()
    assert clv["warning"].str.contains(words("en").text("clv.caution.extrapolated")).all()


def test_a_lone_account_is_no_error(tmp_path: Path) -> None:
    """One contract and one order: figures, with cautions for both."""
    rows, bought = [line("a", 10, "2025-10-01")], [order("a", "2025-11-01", 70.0)]
    made = forecast(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows, orders=bought))
    assert made.clv["relation"].tolist() == ["contract", "orders"]
    assert np.isfinite(made.clv["clv"]).all()
    assert (made.clv["warning"] != "").all()


def test_a_negative_margin_is_allowed_and_told(tmp_path: Path) -> None:
    """Sold below cost: a negative CLV with its caution."""
    rows = [line("a", 10, "2024-01-01")]
    products = [{"product": "p", "margin_rate": -0.3}]
    clv = forecast(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows, products=products)).clv
    assert (clv["clv"] < 0).all()
    assert words("en").text("clv.caution.negative_margin") in clv["warning"].iloc[0]


def test_cautions_are_said_in_every_language() -> None:
    """Each caution has words, and a warning of several is translated whole."""
    warning = cautions(1, dict.fromkeys(CAUTIONS, True))[0]
    for language in LANGUAGES:
        said = caution_words(warning, language)
        assert said == " ".join(words(language).text(f"clv.caution.{name}") for name in CAUTIONS)
