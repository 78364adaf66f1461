"""New business: arrivals, what they bring by age, and the sum, on literal facts."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revml.clv.company.arrivals import triangles
from revml.clv.company.new_business import NewBusiness, new_business
from revml.clv.relations import Relation
from revml.clv.value import MONTH_SECONDS
from tests.clv.companies import AS_OF, accounts_of, line, order
from tests.literal_facts import stage

MONTH = timedelta(seconds=MONTH_SECONDS)


def ago(months: float) -> str:
    """An instant so many months before as_of."""
    return (AS_OF - months * MONTH).isoformat()


def contracts(*rows: dict[str, Any], folder: Path, months: int = 6) -> dict[str, NewBusiness]:
    """New business of contracts by kind; an old account began the records 30 months ago."""
    every = [line("old", 1, ago(40), ago(30)), *rows]
    facts = stage(folder, accounts=accounts_of(every), subscriptions=every)
    return {part.kind: part for part in new_business(triangles(facts, AS_OF)[Relation.CONTRACT], months)}


def test_one_account_a_month_that_stays(tmp_path: Path) -> None:
    """One arrival a month at 100 for two years: 100, 200, 300 ... of new MRR ahead."""
    rows = [line(f"a{m:02}", 100, ago(m + 0.5)) for m in range(24)]
    part = contracts(*rows, folder=tmp_path)["new"]
    assert part.rate == 1
    assert part.yearly_trend == pytest.approx(0)
    np.testing.assert_allclose(part.money, [100, 200, 300, 400, 500, 600])


def test_arrivals_that_leave_after_two_months_are_left_out(tmp_path: Path) -> None:
    """Everybody leaves before the third month ends: MRR goes to 200 and no further."""
    rows = [line(f"a{m:02}", 100, ago(m + 0.5), ago(m - 2.0 + 0.01) if m >= 2 else None) for m in range(24)]
    part = contracts(*rows, folder=tmp_path)["new"]
    np.testing.assert_allclose(part.by_age[:3], [100, 100, 0], atol=1e-9)
    np.testing.assert_allclose(part.money, [100, 200, 200, 200, 200, 200])


def test_more_arrivals_than_the_year_before_is_a_damped_trend(tmp_path: Path) -> None:
    """Ten a month after five a month: more than ten are expected, and fewer than twenty ever."""
    rows = [line(f"a{m:02}{i}", 100, ago(m + 0.5)) for m in range(24) for i in range(10 if m < 12 else 5)]
    part = contracts(*rows, folder=tmp_path, months=60)["new"]
    assert 0 < part.yearly_trend < 1
    assert 10 < part.arrivals[0] < part.arrivals[11] < part.arrivals[-1] < 20


def test_a_return_after_the_grace_is_a_reactivation(tmp_path: Path) -> None:
    """Back after three months: one reactivation in the last year, and not new."""
    rows = [line("a", 100, ago(26), ago(6)), line("a", 80, ago(3), subscription_id="again")]
    made = contracts(*rows, folder=tmp_path)
    assert made["reactivation"].counted == 1
    assert made["reactivation"].by_age[0] == 80
    assert "new" not in made


def test_nobody_came_and_nobody_is_expected(tmp_path: Path) -> None:
    """No arrival within a year: no new business, which is not a zero that was estimated."""
    assert contracts(line("a", 100, ago(20)), folder=tmp_path) == {}


def test_a_first_order_soon_after_the_records_begin_may_be_a_return(tmp_path: Path) -> None:
    """An account older than the records is not new in their first year; a younger one is."""
    bought = [order("first", ago(10), 5), order("older", ago(3), 10), order("young", ago(2), 10)]
    accounts = [
        {"account_id": "first", "created_at": "2020-01-01"},
        {"account_id": "older", "created_at": "2020-01-01"},
        {"account_id": "young", "created_at": ago(4)},
    ]
    made = triangles(stage(tmp_path, accounts=accounts, orders=bought), AS_OF)[Relation.ORDERS]
    assert made.counts["new"][:12].sum() == 1
    assert made.counts["old"][:12].sum() == 2


def test_the_triangle_holds_all_the_money(tmp_path: Path) -> None:
    """Arrived before or since: together it is what was ordered, month by month, returns taken off."""
    bought = [order("a", ago(8.5), 10), order("a", ago(1.5), 20), order("a", ago(1.4), -5), order("b", ago(1.5), 7)]
    made = triangles(stage(tmp_path, accounts=accounts_of(bought), orders=bought), AS_OF)[Relation.ORDERS]
    assert made.total()[:3].tolist() == [0, 22, 0]
    assert made.of_those_there(2).tolist() == [15, 0]
    assert made.of_those_after(2).tolist() == [7, 0]
