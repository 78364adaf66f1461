"""Key figures add up: by month, by segment, by cohort; and they agree with each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revml.clv import forecast_clv
from revml.clv.kpis.movements import KINDS, MONEY, mrr_movements
from revml.clv.kpis.report import KpiReport, company_kpis
from revml.clv.kpis.segments import MAX_SEGMENTS, OTHER, SEGMENTS, segment_of
from revml.config import Economics
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, line, order
from tests.literal_facts import stage
from tests.literal_kpis import KPIS_AS_OF, segmented

ECONOMICS = Economics(margin=0.5, order_margin=0.5)
BY = ("industry", "country", "plan", "cohort")


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Eighty contracts and buyers with segments."""
    return segmented(tmp_path_factory.mktemp("segmented"), 80)


@pytest.fixture(scope="module")
def report(facts: Facts) -> KpiReport:
    """All figures of that company, two years by month."""
    clv = forecast_clv(facts, KPIS_AS_OF, ECONOMICS, horizon_months=12).clv
    return company_kpis(facts, KPIS_AS_OF, ECONOMICS, history=24, clv=clv, by=SEGMENTS)


@pytest.mark.parametrize("by", BY)
def test_movements_of_segments_add_up_by_month_and_to_the_company(report: KpiReport, by: str) -> None:
    """In every segment and month start plus movements is the end; over segments each is the company's, to the cent."""
    parts = [one.movements for one in report.segments if one.by == by]
    assert len(parts) >= 2
    for part in parts:
        assert (part["start"] + part[list(KINDS)].sum(axis=1) == part["end"]).all()
    whole = pd.concat(parts).groupby("month", as_index=False)[[*MONEY, "customers", "lost"]].sum()
    pd.testing.assert_frame_equal(whole, report.movements[whole.columns], check_dtype=False)


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("name", ["mrr", "paying", "order_revenue", "active_customers"])
def test_sums_of_segments_are_the_companys(report: KpiReport, by: str, name: str) -> None:
    """Money and counts of all segments of a kind add up."""
    parts = [one[name].value or 0.0 for one in report.segments if one.by == by]
    assert sum(parts) == pytest.approx(report[name].value, abs=1e-6)


def test_figures_agree_with_each_other(report: KpiReport) -> None:
    """Retention and logo churn are one; net is gross retention and expansion: of the company and of each segment."""
    told = 0
    for one in (report, *report.segments):
        retention, churn, gross, net, more = (
            one[name].value for name in ("retention", "logo_churn", "grr", "nrr", "expansion_rate")
        )
        if retention is None:
            continue
        told += 1
        assert retention + churn == pytest.approx(1.0)
        assert gross + more == pytest.approx(net)
        assert 0 <= gross <= 1
    assert told > 5


def test_the_newest_month_is_the_report(report: KpiReport) -> None:
    """The figures by month end with those of the day, CLV aside; MRR is the end of each month's movements."""
    _, last = report.series[-1]
    for kpi in last:
        if kpi.name not in ("clv", "ltv_cac"):
            assert kpi.value == report[kpi.name].value, kpi.name
    mrr = [next(kpi.value for kpi in kpis if kpi.name == "mrr") for _, kpis in report.series]
    assert mrr == [end / 100 for end in report.movements["end"]]


def test_what_is_known_later_changes_nothing(facts: Facts, report: KpiReport) -> None:
    """The MRR of a month is the same from the end of that month and from a year later, where nothing came late."""
    then = datetime(2025, 6, 1)  # noqa: DTZ001
    early = company_kpis(facts, then, ECONOMICS)
    later = next(kpis for month, kpis in report.series if f"{month:%Y-%m}" == "2025-05")
    for kpi in later:
        if kpi.name in ("mrr", "grr", "nrr", "logo_churn", "active_customers", "repeat_rate"):
            assert kpi.value == pytest.approx(early[kpi.name].value)


def test_cells_of_month_cohorts_are_the_months_of_movements(facts: Facts) -> None:
    """What the cohorts begin with is the new MRR of their month; all that pay in a month are its end."""
    from revml.clv.kpis.cohorts import contract_cohorts

    made = contract_cohorts(facts, KPIS_AS_OF, months=50, step="month")
    movements = mrr_movements(facts, KPIS_AS_OF, 50).assign(name=lambda f: f["month"].dt.strftime("%Y-%m"))
    months = list(movements["name"])
    new = dict(zip(movements["name"], movements["new"], strict=True))
    assert dict(zip(made.names, made.money, strict=True)) == {name: new[name] for name in made.names}
    for i, month in enumerate(months[24:], 24):
        paid = sum(
            money * made.revenue[c, i - months.index(name)]
            for c, (name, money) in enumerate(zip(made.names, made.money, strict=True))
            if months.index(name) <= i
        )
        assert round(paid) == int(movements.loc[movements["name"] == month, "end"].iloc[0])


def test_a_cell_that_has_not_passed_for_everyone_is_empty(report: KpiReport) -> None:
    """Seen on the first of March 2026, who began in December 2024 has ages 0 to 14, and with them the quarter."""
    made = report.cohorts["contract"].to_dict()
    newest = next(row for row in made["rows"] if row["cohort"] == "2024 Q4")
    assert [cell is not None for cell in newest["retention"][:16]] == [True] * 15 + [False]
    orders = report.cohorts["orders"].to_dict()["rows"]
    assert all(row["retention"][0] == 1 for row in orders)
    assert [sum(cell is not None for cell in row["retention"]) for row in orders][-1] < len(orders[0]["retention"])


def contracts() -> list[dict[str, Any]]:
    """Two that begin in January, one of which ends in March; one in February that grows in April; one in May."""
    return [
        line("a", 100, "2025-01-01"),
        line("b", 300, "2025-01-20", "2025-03-10"),
        line("c", 200, "2025-02-01", "2025-04-05"),
        line("c", 260, "2025-04-05"),
        line("d", 50, "2025-05-15"),
    ]


def test_cohorts_by_hand(tmp_path: Path) -> None:
    """The cohort of the first quarter: 600 at its start; a third of the accounts and 360 are left from April on."""
    from revml.clv.kpis.cohorts import contract_cohorts

    facts = stage(tmp_path, accounts=accounts_of(contracts()), subscriptions=contracts())
    made = contract_cohorts(facts, datetime(2025, 6, 1), step="quarter")  # noqa: DTZ001
    row = made.to_dict()["rows"][0]
    assert (row["cohort"], row["accounts"], row["mrr"]) == ("2025 Q1", 3, 600.0)
    assert row["retention"][:3] == [1.0, 1.0, pytest.approx(2 / 3)]
    assert row["revenue"][:3] == [1.0, 1.0, pytest.approx(360 / 600)]
    assert made.names == ("2025 Q1",)  # the second quarter is not over


def test_orders_again_by_quarter(tmp_path: Path) -> None:
    """Two first bought in the first quarter; one again in the second, both in the third; the fourth is not over."""
    rows = [order("a", d, 10) for d in ("2025-01-05", "2025-04-02", "2025-08-01", "2025-10-03")]
    rows += [order("b", d, 10) for d in ("2025-03-31", "2025-07-01")]
    from revml.clv.kpis.cohorts import order_cohorts

    made = order_cohorts(stage(tmp_path, accounts=accounts_of(rows), orders=rows), datetime(2025, 11, 1))  # noqa: DTZ001
    assert made.to_dict()["rows"] == [
        {"cohort": "2025 Q1", "accounts": 2, "mrr": None, "retention": [1.0, 0.5, 1.0], "revenue": []}
    ]


def test_what_starts_on_the_first_is_that_months(tmp_path: Path) -> None:
    """A contract from the first of November is new in November; one that ends on the first of December is lost then."""
    rows = [line("a", 10, "2025-11-01", "2025-12-01")]
    made = mrr_movements(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows), datetime(2025, 12, 20), 3)  # noqa: DTZ001
    assert made[["new", "churn", "end"]].to_numpy().tolist() == [[0, 0, 0], [1000, 0, 1000], [0, -1000, 0]]


def test_subscriptions_without_any_end_say_nothing_about_leaving(tmp_path: Path) -> None:
    """Retention is not 100 %: it has no value, and the reason names the column."""
    rows = [line("a", 10, "2024-01-01"), line("b", 20, "2024-01-01")]
    made = company_kpis(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows), AS_OF, ECONOMICS)
    assert made["mrr"].value == 30
    for name in ("retention", "logo_churn", "grr", "nrr", "quick_ratio"):
        assert (made[name].value, made[name].reason) == (None, "no_ends")


def test_before_the_records_begin_nothing_is_zero(tmp_path: Path) -> None:
    """Three months of history: nine of twelve months have no MRR but a reason, and orders are told to be young."""
    rows, bought = [line("a", 10, "2025-10-05")], [order("a", "2025-10-07", 300)]
    facts = stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows, orders=bought)
    made = company_kpis(facts, AS_OF, ECONOMICS)
    series = [next(kpi for kpi in kpis if kpi.name == "mrr") for _, kpis in made.series]
    assert [kpi.value for kpi in series] == [None] * 9 + [10.0] * 3
    assert {kpi.reason for kpi in series[:9]} == {"before_history"}
    assert "young" in made["arpc"].cautions
    # the monthly average is taken over the 86 days since the first order, not over the year
    assert made["arpc"].value == pytest.approx(10 + 300 / (86 / 30.4375))


def test_one_account_with_half_of_the_revenue_is_a_caution(tmp_path: Path) -> None:
    """Figures that it moves say so; logo retention, where it is one of many, does not."""
    rows = [line("big", 1000, "2024-01-01")]
    rows += [line(f"s{i}", 50, "2024-01-01", "2025-06-01" if i < 2 else None) for i in range(22)]
    made = company_kpis(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows), AS_OF, ECONOMICS)
    assert made["largest_share"].value == pytest.approx(0.5)
    assert all("concentrated" in made[name].cautions for name in ("mrr", "nrr", "arpc"))
    assert made["retention"].cautions == ()


def test_an_assumed_margin_is_a_caution(tmp_path: Path) -> None:
    """No product has a margin: payback says that the one of the settings is taken."""
    rows = [line("a", 10, "2025-02-01"), line("b", 10, "2024-02-01")]
    accounts = [{"account_id": n, "created_at": "2025-02-01", "acquisition_cost": 20.0} for n in "ab"]
    made = company_kpis(stage(tmp_path, accounts=accounts, subscriptions=rows), AS_OF, ECONOMICS)
    assert (made["payback"].value, made["payback"].cautions) == (pytest.approx(4.0), ("assumed_margin",))


def test_rhythm_is_that_of_the_typical_buyer(tmp_path: Path) -> None:
    """Gaps of 10 and 30 days and of 40: medians 20 and 40, together 30; a single purchase has none."""
    rows = [order("a", d, 5) for d in ("2025-06-01", "2025-06-11", "2025-07-11")]
    rows += [order("b", d, 5) for d in ("2025-06-01", "2025-07-11")] + [order("c", "2025-08-01", 5)]
    rows += [order("d", "2023-01-01", 5)]
    made = company_kpis(stage(tmp_path, accounts=accounts_of(rows), orders=rows), AS_OF, ECONOMICS)
    assert (made["order_rhythm"].value, made["order_rhythm"].basis) == (30.0, 2)
    assert made["active_share"].value == pytest.approx(3 / 4)


def test_families_add_up_to_order_revenue(report: KpiReport) -> None:
    """Each order line has one family; returns come off, whoever sent them."""
    assert report.families["revenue"].sum() / 100 == pytest.approx(report["order_revenue"].value)


def test_months_of_orders_add_up_to_order_revenue(tmp_path: Path) -> None:
    """From the first of a month twelve months are the year, to the cent; an order of that very instant is in."""
    rows = [order("a", "2025-01-02", 10.1), order("b", "2025-06-30", 20.25), order("a", "2026-01-01", 5.0)]
    made = company_kpis(stage(tmp_path, accounts=accounts_of(rows), orders=rows), AS_OF, ECONOMICS)
    assert made.orders["revenue"].sum() == 3535
    assert made["order_revenue"].value == 35.35


def test_every_account_has_one_segment_of_a_kind(facts: Facts, tmp_path: Path) -> None:
    """No account twice, none missing; of many segments the smallest are put together."""
    for by in SEGMENTS:
        frame = segment_of(facts, KPIS_AS_OF, by)
        assert frame["account_id"].is_unique
        assert len(frame) == 160
    accounts = [{"account_id": f"a{i}", "created_at": "2025-01-01", "country": f"C{i % 20}"} for i in range(41)]
    few = segment_of(stage(tmp_path, accounts=accounts), AS_OF, "country")
    assert few["segment"].nunique() == MAX_SEGMENTS
    assert (few["segment"] == OTHER).sum() == 41 - 3 - 2 * (MAX_SEGMENTS - 2)


def test_several_horizons_count_once(facts: Facts) -> None:
    """Of a forecast with 6 and 12 months the CLV is that of 12."""
    both = forecast_clv(facts, KPIS_AS_OF, ECONOMICS, horizon_months=(6, 12)).clv
    only = both[both["horizon_months"] == 12]
    values = [company_kpis(facts, KPIS_AS_OF, ECONOMICS, clv=clv)["clv"] for clv in (both, only)]
    assert values[0] == replace(values[1])


def test_a_company_without_customers_has_reasons_only(tmp_path: Path) -> None:
    """No figure, no failure."""
    made = company_kpis(stage(tmp_path, accounts=accounts_of([{"account_id": "a"}])), AS_OF, ECONOMICS, by=SEGMENTS)
    assert all(kpi.value is None and kpi.reason for kpi in made.kpis)
    assert made.to_dict()["movements"] == []
