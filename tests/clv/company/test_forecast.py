"""The company's forecast from its accounts up."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from revml.clv.company.forecast import CompanyForecast, company_forecast
from revml.clv.forecast import ClvForecast, forecast_clv
from revml.clv.kpis.movements import movements_between
from revml.clv.value import MONTH_SECONDS
from revml.config import Economics
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, company, line, order, repeat_orders, yearly_contracts
from tests.literal_facts import stage


def accounts_ahead(facts: Facts, months: int = 12) -> ClvForecast:
    """The accounts' forecast without scores."""
    return forecast_clv(facts, AS_OF, Economics(), horizon_months=months)


def made(facts: Facts, economics: Economics | None = None, months: int = 12, learn: bool = True) -> CompanyForecast:
    """The company's forecast without scores."""
    return company_forecast(facts, AS_OF, economics or Economics(), accounts_ahead(facts, months), learn=learn)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """A company with contracts and orders in two industries and one that is not known."""
    contracts, orders = yearly_contracts(200, 3), repeat_orders(150, 3)
    contracts += [line(f"n{i:02}", 300, f"2025-{1 + i % 12:02}-11", subscription_id=f"n{i}") for i in range(24)]
    accounts = accounts_of(contracts, orders)
    for i, row in enumerate(accounts):
        row["industry"] = ("steel", "glass", None)[i % 3]
    return company(tmp_path_factory.mktemp("company"), accounts=accounts, subscriptions=contracts, orders=orders)


@pytest.fixture(scope="module")
def forecast(facts: Facts) -> ClvForecast:
    """What its accounts are expected to bring."""
    return accounts_ahead(facts)


@pytest.fixture(scope="module")
def whole(facts: Facts, forecast: ClvForecast) -> CompanyForecast:
    """Its forecast, without the forecasts of earlier origins."""
    return company_forecast(facts, AS_OF, Economics(), forecast, learn=False)


def test_segments_add_up_to_the_company_to_the_cent(whole: CompanyForecast) -> None:
    """Every relation, every month: the segments' cents are the company's."""
    assert {segment.name for segment in whole.segments} == {"steel", "glass", ""}
    for name in ("revenue_contract", "revenue_orders"):
        relation = name.removeprefix("revenue_")
        cents = sum(segment.revenue[relation] for segment in whole.segments)  # type: ignore[index]
        assert np.rint(100 * whole.lines[name].mean).tolist() == cents.tolist()


def test_the_company_is_the_sum_of_the_published_flows(forecast: ClvForecast, whole: CompanyForecast) -> None:
    """Contract revenue of each month is the sum of the accounts' flows of that month."""
    flows = forecast.flows[forecast.flows["relation"] == "contract"].groupby("month")["expected_revenue"].sum()
    assert whole.lines["revenue_contract"].mean.round(2).tolist() == flows.round(2).tolist()


def test_mrr_at_the_start_is_the_kpi(facts: Facts, whole: CompanyForecast) -> None:
    """What the accounts pay today adds up to the MRR of the KPI history, to the cent."""
    assert whole.tie is not None
    kpi = movements_between(facts, AS_OF, [(AS_OF - timedelta(days=30), AS_OF)]).iloc[0]["end"]
    assert whole.tie.accounts_cents == whole.tie.kpi_cents == kpi
    assert whole.tie.to_dict()["difference"] == 0


def test_grr_is_at_most_nrr_and_one(whole: CompanyForecast) -> None:
    """For the company and for each segment, in every month."""
    for lines in (whole.lines, *(segment.lines for segment in whole.segments)):
        assert (lines["grr"].mean <= lines["nrr"].mean + 1e-12).all()
        assert (lines["grr"].mean <= 1).all()
        assert (np.diff(lines["grr"].p90) <= 0.2).all()


def test_quantiles_are_in_order(whole: CompanyForecast) -> None:
    """p10 <= p50 <= p90 in every line, and the mean lies within the band."""
    for line_ in whole.lines.values():
        assert (line_.p10 <= line_.p50).all()
        assert (line_.p50 <= line_.p90).all()
        assert ((line_.p10 <= line_.mean) & (line_.mean <= line_.p90)).all()


def test_new_business_off_changes_its_own_lines_alone(
    facts: Facts, forecast: ClvForecast, whole: CompanyForecast
) -> None:
    """Existing accounts stay as they are; the company's total is then theirs."""
    without = company_forecast(facts, AS_OF, Economics(new_business=False), forecast, learn=False)
    mine = {"new_revenue", "new_mrr", "revenue", "mrr"}
    assert set(whole.lines) - set(without.lines) == {"new_revenue", "new_mrr"}
    for name in set(without.lines) - mine:
        assert without.lines[name].to_dict() == whole.lines[name].to_dict()
    assert without.lines["mrr"].mean.tolist() == without.lines["mrr_existing"].mean.tolist()
    assert without.new is None


def test_the_factor_is_shown_and_used_only_when_asked(tmp_path: Path) -> None:
    """Reconciling multiplies existing revenue by the factor that was shown before; segments still add up."""
    contracts = yearly_contracts(60, 3)
    facts = stage(tmp_path, observed_until=AS_OF.isoformat(), accounts=accounts_of(contracts), subscriptions=contracts)
    shown, asked = made(facts), made(facts, Economics(reconcile=True))
    assert (shown.reconciled, asked.reconciled) == (False, True)
    factor = shown.factors["contract"]  # type: ignore[index]
    assert factor[-1] != 1
    np.testing.assert_allclose(asked.lines["mrr_existing"].mean, shown.lines["mrr_existing"].mean * factor, atol=0.03)
    cents = sum(segment.revenue["contract"] for segment in asked.segments)  # type: ignore[index]
    assert np.rint(100 * asked.lines["mrr_existing"].mean).tolist() == cents.tolist()


def test_the_future_changes_nothing(tmp_path: Path) -> None:
    """Facts that happen or become known a tick after as_of, and ends after it, leave the document as it is."""
    tick = timedelta(seconds=1)
    rows = [line(f"a{i}", 100 + i, "2024-01-15") for i in range(9)]
    bought = [order(f"a{i}", f"2024-{m:02}-10", 50 + i) for i in range(9) for m in range(1, 13)]
    accounts = accounts_of(rows)
    before = stage(tmp_path / "before", accounts=accounts, subscriptions=rows, orders=bought)
    later = (AS_OF + tick).isoformat()
    changed = [{**row, "ended_at": later} if row["account_id"] == "a3" else row for row in rows]
    changed.append(line("late", 9_999, later))
    changed.append({**line("told", 9_999, "2025-06-01"), "known_at": later})
    more = [*bought, order("a1", later, 7_777), {**order("a2", "2025-06-01", 7_777), "known_at": later}]
    names = [*accounts, *({"account_id": a, "created_at": "2020-01-01"} for a in ("late", "told"))]
    after = stage(tmp_path / "after", accounts=names, subscriptions=changed, orders=more)
    assert made(before, months=6, learn=False).to_dict() == made(after, months=6, learn=False).to_dict()


@pytest.mark.slow
def test_earlier_origins_are_told_with_what_came(facts: Facts) -> None:
    """Contracts and orders: what was predicted at each origin, what came, and how families would have fared."""
    document = made(facts).to_dict()
    told = {one["relation"]: one for one in document["reconciliation"]["relations"]}
    assert [origin["months_back"] for origin in told["orders"]["origins"]] == [12, 6]
    assert [origin["months_back"] for origin in told["contract"]["origins"]] == [24, 12, 6]
    for relation in told.values():
        for origin in relation["origins"]:
            assert origin["bias"] == pytest.approx(origin["predicted"] / origin["realised"] - 1, abs=1e-3)
    trials = document["families"]["backtest"]
    assert [trial["months_back"] for trial in trials if trial["measure"] == "lines"] == [12, 6]
    assert set(trials[0]["wape"]) == {"both", "accounts", "series", "year_before", "run_rate"}


def test_the_document_is_json(whole: CompanyForecast) -> None:
    """It goes through JSON as it is, with a date a month and 24 months of history."""
    document = whole.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert len(document["months"]) == 12
    assert document["months"][0] == f"{AS_OF + timedelta(seconds=MONTH_SECONDS):%Y-%m-%d}"
    assert {len(values) for values in document["history"].values()} == {24}
    assert document["summary"]["months"] == 12


def test_a_young_company_has_wide_bands_and_no_factor(tmp_path: Path) -> None:
    """Three months of records: nothing to learn from, the usual drift, factors of one."""
    rows = [line(f"a{i}", 100, "2025-10-01") for i in range(10)]
    young = made(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows))
    assert young.learnt == ()
    assert set(young.factors["contract"]) == {1.0}  # type: ignore[index]
    last = young.lines["mrr_existing"]
    assert last.p10[-1] < 0.97 * last.mean[-1]


def test_one_account_with_half_of_the_revenue_widens_the_band(tmp_path: Path) -> None:
    """The same total in equal accounts is surer."""

    def width(sizes: list[float], folder: str) -> float:
        rows = [line(f"a{i:02}", size, f"2024-{1 + i % 12:02}-01") for i, size in enumerate(sizes)]
        rows += [line(f"z{i:02}", 10, "2023-01-01", f"2025-{1 + i % 12:02}-01") for i in range(12)]
        one = made(stage(tmp_path / folder, accounts=accounts_of(rows), subscriptions=rows), learn=False)
        last = one.lines["mrr_existing"]
        return float((last.p90 - last.p10)[-1] / last.mean[-1])

    assert width([2_000.0] + [100.0] * 20, "one") > 1.5 * width([200.0] * 20, "equal")
