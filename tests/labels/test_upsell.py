"""Upsell: alive at the end of the window with an MRR up by `uplift` through seats, a tier or a product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.labels.rows import UNTIL, change, decided, term
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]
MORE = {"quantity": 2.0, "mrr": 200.0}
PRODUCTS = [
    {"product": "basic", "family": "suite", "tier": 1},
    {"product": "pro", "family": "suite", "tier": 2},
    {"product": "pro 2", "family": "suite", "tier": 2},
    {"product": "untiered", "family": "suite"},
    {"product": "maps", "family": "modules", "tier": 1},
]


@pytest.mark.parametrize(("mrr", "label"), [(110.0, 1), (109.99, 0), (100.0, 0), (90.0, 0)])
def test_ten_percent_more_is_an_upsell(tmp_path: Path, mrr: float, label: int) -> None:
    """The threshold itself counts, whatever 1.1 is in binary."""
    rows = [term("a", "2025-01-01", "2026-02-01"), term("a", "2026-02-01", quantity=1.1, mrr=mrr)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT, uplift=0.1) == {"a": label}


@pytest.mark.parametrize(
    ("at", "label"), [("2026-01-01", 0), ("2026-01-01T00:00:01", 1), ("2026-04-01", 1), ("2026-04-01T00:00:01", 0)]
)
def test_a_change_belongs_to_the_window_that_ends_with_it(tmp_path: Path, at: str, label: int) -> None:
    """A change at the snapshot is the base; one at the very end of the window counts."""
    rows = [term("a", "2025-01-01", at), term("a", at, **MORE)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT) == {"a": label}


def test_growth_within_the_gap_is_the_base(tmp_path: Path) -> None:
    """MRR is compared with the start of the window, so growth within the gap is none."""
    rows = [
        term("in gap", "2025-01-01", "2026-01-05"),
        term("in gap", "2026-01-05", **MORE),
        term("after gap", "2025-01-01", "2026-01-09"),
        term("after gap", "2026-01-09", **MORE),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT, gap_days=7) == {"after gap": 1, "in gap": 0}


def test_lost_in_the_gap_has_no_label(tmp_path: Path) -> None:
    """Accounts without a subscription at the start of the window cannot be asked."""
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=[term("a", "2025-01-01", "2026-01-05")])
    assert decided(facts, "upsell", AT, gap_days=7) == {"a": None}


def test_growth_that_does_not_last_is_no_upsell(tmp_path: Path) -> None:
    """Growth that was taken back, or lost with the account, by the end of the window does not count."""
    rows = [
        term("taken back", "2025-01-01", "2026-01-10"),
        term("taken back", "2026-01-10", "2026-03-01", **MORE),
        term("taken back", "2026-03-01", mrr=100.0),
        term("lost", "2025-01-01", "2026-01-10"),
        term("lost", "2026-01-10", "2026-03-01", **MORE),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT) == {"lost": 0, "taken back": 0}


def test_subscriptions_of_an_account_add_up(tmp_path: Path) -> None:
    """A second module is an upsell; swapping one subscription for another of the same price is none."""
    rows = [
        term("module", "2025-01-01"),
        term("module", "2026-02-01", line="extra", mrr=20.0),
        term("swap", "2025-01-01", "2026-02-01"),
        term("swap", "2026-02-01", line="new", mrr=100.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT) == {"module": 1, "swap": 0}


def test_from_free_to_paid_is_an_upsell(tmp_path: Path) -> None:
    """From an MRR of zero any paid MRR counts, and staying at zero does not."""
    rows = [
        term("pays", "2025-01-01", "2026-02-01", mrr=0.0),
        term("pays", "2026-02-01", mrr=10.0),
        term("stays", "2025-01-01", mrr=0.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT) == {"pays": 1, "stays": 0}


def test_a_change_known_late_belongs_to_its_own_time(tmp_path: Path) -> None:
    """Growth before the snapshot that was booked after it is no upsell of the window."""
    rows = [term("a", "2025-01-01"), term("a", "2025-12-20", line="extra", mrr=50.0, known_at="2026-01-20")]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT) == {"a": 0}


def _upsold(folder: Path, rows: list[Any], **definition: Any) -> set[str]:
    facts = stage(folder, observed_until=UNTIL, subscriptions=rows, products=PRODUCTS)
    return {account for account, label in decided(facts, "upsell", AT, **definition).items() if label}


def test_a_higher_price_alone_is_no_upsell(tmp_path: Path) -> None:
    """What was held counts at the start's price of a seat; a company that wants price steps counted says so."""
    rows = [
        *change("price", {"quantity": 10.0}, {"quantity": 10.0, "mrr": 130.0}),
        *change("fewer, dearer", {"quantity": 10.0}, {"quantity": 9.0, "mrr": 130.0}),
        *change("one more, dearer", {"quantity": 20.0}, {"quantity": 21.0, "mrr": 130.0}),
        *change("two more, dearer", {"quantity": 20.0}, {"quantity": 22.0, "mrr": 130.0}),
    ]
    assert _upsold(tmp_path / "1", rows) == {"two more, dearer"}
    everybody = {row["account_id"] for row in rows}
    assert _upsold(tmp_path / "2", rows, price_changes=True) == everybody


def test_more_seats_at_a_discount_are_worth_what_they_cost(tmp_path: Path) -> None:
    """Twice the seats are an upsell where MRR rose by a tenth with them, and none where the discount ate it."""
    rows = [
        *change("a tenth", {"quantity": 10.0}, {"quantity": 20.0, "mrr": 110.0}),
        *change("less", {"quantity": 10.0}, {"quantity": 20.0, "mrr": 105.0}),
        *change("even", {"quantity": 10.0}, {"quantity": 20.0}),
    ]
    assert _upsold(tmp_path, rows) == {"a tenth"}


def test_a_price_rise_hides_no_growth_and_helps_none(tmp_path: Path) -> None:
    """A module counts in full beside a dearer product; a small module does not become large by the price of another."""
    rows = [
        *change("large", {"mrr": 100.0}, {"mrr": 105.0}),
        term("large", "2026-02-01", line="two", product="maps", mrr=10.0),
        *change("small", {"mrr": 100.0}, {"mrr": 120.0}),
        term("small", "2026-02-01", line="two", product="maps", mrr=5.0),
    ]
    assert _upsold(tmp_path, rows) == {"large"}


def test_seats_are_those_of_all_subscriptions_of_a_product(tmp_path: Path) -> None:
    """Seats that moved to a dearer subscription of the same product are a price; seats added there are growth."""
    rows = [
        *change("moved", {"quantity": 10.0}, {"quantity": 4.0, "mrr": 40.0}),
        term("moved", "2026-02-01", line="two", quantity=6.0, mrr=90.0),
        term("added", "2025-01-01", quantity=10.0),
        term("added", "2026-02-01", line="two", quantity=2.0, mrr=20.0),
    ]
    assert _upsold(tmp_path, rows) == {"added"}


def test_a_move_to_a_higher_tier_counts_in_full(tmp_path: Path) -> None:
    """A higher tier of the family counts whatever its seats; a successor of the same tier, or a lower one, does not."""
    rows = [
        *change("up", {"product": "basic"}, {"product": "pro", "mrr": 140.0}),
        *change("up with fewer seats", {"product": "basic", "quantity": 9.0}, {"product": "pro", "mrr": 120.0}),
        *change("up for little", {"product": "basic"}, {"product": "pro", "mrr": 105.0}),
        *change("successor", {"product": "pro"}, {"product": "pro 2", "mrr": 140.0}),
        *change("successor, more seats", {"product": "pro"}, {"product": "pro 2", "quantity": 2.0, "mrr": 210.0}),
        *change("down", {"product": "pro"}, {"product": "basic", "mrr": 140.0}),
    ]
    assert _upsold(tmp_path, rows) == {"up", "up with fewer seats", "successor, more seats"}


def test_without_tiers_another_plan_or_product_counts_in_full(tmp_path: Path) -> None:
    """A plan renamed at the same price is no growth; dearer under another name it cannot be told from a higher plan."""
    rows = [
        *change("renamed", {"plan": "gold"}, {"plan": "premium"}),
        *change("dearer", {"plan": "gold"}, {"plan": "premium", "mrr": 130.0}),
        *change("untiered", {"product": "untiered"}, {"product": "pro", "mrr": 130.0}),
        *change("other family", {"product": "pro"}, {"product": "maps", "mrr": 130.0}),
    ]
    assert _upsold(tmp_path, rows) == {"dearer", "untiered", "other family"}


def test_where_a_price_cannot_be_told_mrr_counts_as_it_is(tmp_path: Path) -> None:
    """Seats of 0 stand for unknown ones, and a free product that is paid for has no price to compare with."""
    rows = [
        *change("unknown", {"quantity": 0.0}, {"quantity": 0.0, "mrr": 130.0}),
        *change("not known then", {"quantity": 0.0}, {"quantity": 5.0, "mrr": 130.0}),
        term("trial", "2025-01-01"),
        *change(
            "trial", {"product": "maps", "mrr": 0.0, "line": "two"}, {"product": "maps", "mrr": 30.0, "line": "two"}
        ),
    ]
    assert _upsold(tmp_path, rows) == {"unknown", "not known then", "trial"}


def test_a_second_line_under_one_subscription_is_new(tmp_path: Path) -> None:
    """A source that keeps several products under one subscription is read as it is where the old line goes on."""
    rows = [term("a", "2025-01-01", "2027-06-01", product="pro"), term("a", "2026-02-01", product="pro 2", mrr=50.0)]
    assert _upsold(tmp_path, rows) == {"a"}


@pytest.mark.parametrize(("until", "label"), [("2026-03-31T23:59:59", None), ("2026-04-01", 1)])
def test_the_label_waits_for_the_window_alone(tmp_path: Path, until: str, label: int | None) -> None:
    """An upsell needs no grace period: its label is final when the window closes."""
    rows = [term("a", "2025-01-01", "2026-02-01"), term("a", "2026-02-01", **MORE)]
    facts = stage(tmp_path, observed_until=until, subscriptions=rows)
    assert decided(facts, "upsell", AT) == {"a": label}
