"""Contraction: alive at the end of the window with an MRR down by `drop` through seats, a tier or a subscription."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.labels.rows import UNTIL, change, decided, term
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]
FEWER = {"quantity": 5.0, "mrr": 50.0}


def _seats(started: str, ended: str | None = None, *, seats: float = 10.0, **more: Any) -> Any:
    return term("a", started, ended, quantity=seats, **more)


@pytest.mark.parametrize(("mrr", "label"), [(90.0, 1), (90.01, 0), (100.0, 0), (110.0, 0), (0.0, 1)])
def test_ten_percent_less_is_a_contraction(tmp_path: Path, mrr: float, label: int) -> None:
    """The threshold itself counts, and so does going over to a free plan."""
    rows = [_seats("2025-01-01", "2026-02-01"), _seats("2026-02-01", seats=5.0, mrr=mrr)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": label}


def test_the_threshold_is_what_it_says_in_binary(tmp_path: Path) -> None:
    """0.7 of 110 is not 77 in binary, and still a drop by 30 %."""
    rows = [_seats("2025-01-01", "2026-02-01", mrr=110.0), _seats("2026-02-01", seats=7.0, mrr=77.0)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT, drop=0.3) == {"a": 1}
    assert decided(facts, "contraction", AT, drop=0.31) == {"a": 0}


@pytest.mark.parametrize(
    ("at", "label"), [("2026-01-01", 0), ("2026-01-01T00:00:01", 1), ("2026-04-01", 1), ("2026-04-01T00:00:01", 0)]
)
def test_a_change_belongs_to_the_window_that_ends_with_it(tmp_path: Path, at: str, label: int) -> None:
    """A change at the snapshot is the base; one at the very end of the window counts."""
    rows = [_seats("2025-01-01", at), _seats(at, seats=5.0, mrr=50.0)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": label}


def test_a_loss_within_the_gap_is_the_base(tmp_path: Path) -> None:
    """MRR is compared with the start of the window; nobody could act on what shrank before it."""
    rows = [
        term("in gap", "2025-01-01", "2026-01-05", quantity=10.0),
        term("in gap", "2026-01-05", **FEWER),
        term("after gap", "2025-01-01", "2026-01-09", quantity=10.0),
        term("after gap", "2026-01-09", **FEWER),
        term("lost in gap", "2025-01-01", "2026-01-05"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    expected = {"after gap": 1, "in gap": 0, "lost in gap": None}
    assert decided(facts, "contraction", AT, gap_days=7) == expected


def test_what_was_made_good_or_lost_altogether_is_no_contraction(tmp_path: Path) -> None:
    """A loss that was made good by the end of the window is none, and the end of the last contract is churn."""
    rows = [
        term("made good", "2025-01-01", "2026-01-10", quantity=10.0),
        term("made good", "2026-01-10", "2026-03-01", **FEWER),
        term("made good", "2026-03-01", quantity=10.0),
        term("lost", "2025-01-01", "2026-01-10", quantity=10.0),
        term("lost", "2026-01-10", "2026-03-01", **FEWER),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"lost": 0, "made good": 0}


def test_the_end_of_one_of_several_subscriptions_counts_however_small(tmp_path: Path) -> None:
    """A module of 2 % that ends is a contraction, unless another subscription makes up for it; a cut by 2 % is none."""
    rows = [
        term("module", "2025-01-01"),
        term("module", "2025-01-01", "2026-02-01", line="extra", mrr=2.0),
        term("made up", "2025-01-01"),
        term("made up", "2025-01-01", "2026-02-01", line="extra", mrr=2.0),
        term("made up", "2026-02-01", line="other", mrr=2.0),
        term("renewed", "2025-01-01"),
        term("renewed", "2025-01-01", "2026-02-01", line="extra", mrr=2.0),
        term("renewed", "2026-02-01", line="extra", mrr=2.0),
        term("cut", "2025-01-01", "2026-02-01", quantity=100.0, mrr=100.0),
        term("cut", "2026-02-01", quantity=98.0, mrr=98.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"cut": 0, "made up": 0, "module": 1, "renewed": 0}


def test_a_swap_of_subscriptions_is_measured_by_their_sum(tmp_path: Path) -> None:
    """Another subscription of the same price takes the place of an old one; a cheaper one is a contraction."""
    rows = [
        term("same", "2025-01-01", "2026-02-01"),
        term("same", "2026-02-01", line="new"),
        term("cheaper", "2025-01-01", "2026-02-01"),
        term("cheaper", "2026-02-01", line="new", product="q", mrr=80.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"cheaper": 1, "same": 0}


def test_nothing_shrinks_from_zero(tmp_path: Path) -> None:
    """A free account has nothing to give back, not even one of two free subscriptions."""
    rows = [term("a", "2025-01-01", mrr=0.0), term("a", "2025-01-01", "2026-02-01", line="extra", mrr=0.0)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": 0}


def test_no_account_both_grows_and_shrinks(tmp_path: Path) -> None:
    """Contraction and upsell exclude each other, also where one subscription ends and another grows."""
    rows = [
        term("a", "2025-01-01", "2026-02-01"),
        term("a", "2026-02-01", quantity=2.0, mrr=130.0),
        term("a", "2025-01-01", "2026-02-01", line="extra", product="q", mrr=10.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert (decided(facts, "contraction", AT), decided(facts, "upsell", AT)) == ({"a": 0}, {"a": 1})


def test_a_change_known_late_belongs_to_its_own_time(tmp_path: Path) -> None:
    """A cut before the snapshot that was booked after it is no contraction of the window."""
    rows = [
        term("a", "2025-01-01", "2025-12-20", quantity=10.0, known_at="2025-01-01"),
        term("a", "2025-12-20", **FEWER, known_at="2026-01-20"),
        term("a", "2025-01-01", line="other", mrr=10.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": 0}


@pytest.mark.parametrize(("until", "label"), [("2026-03-31T23:59:59", None), ("2026-04-01", 1)])
def test_the_label_waits_for_the_window_alone(tmp_path: Path, until: str, label: int | None) -> None:
    """A contraction needs no grace period: its label is final when the window closes."""
    rows = [_seats("2025-01-01", "2026-02-01"), _seats("2026-02-01", seats=5.0, mrr=50.0)]
    facts = stage(tmp_path, observed_until=until, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": label}


def test_a_lower_price_alone_is_no_contraction(tmp_path: Path) -> None:
    """A discount counts only as far as seats were given back with it, and dearer seats hide no contraction of MRR."""
    rows = [
        *change("discount", {"quantity": 10.0}, {"quantity": 10.0, "mrr": 70.0}),
        *change("more seats for less", {"quantity": 10.0}, {"quantity": 20.0, "mrr": 80.0}),
        *change("one seat and a discount", {"quantity": 10.0}, {"quantity": 9.5, "mrr": 70.0}),
        *change("two seats and a discount", {"quantity": 10.0}, {"quantity": 8.0, "mrr": 70.0}),
        *change("two seats, dearer", {"quantity": 10.0}, {"quantity": 8.0, "mrr": 95.0}),
        *change("moved to one contract", {"quantity": 10.0}, {"quantity": 14.0, "mrr": 130.0}),
        term("moved to one contract", "2025-01-01", "2026-02-01", line="two", quantity=4.0, mrr=40.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    expected = dict.fromkeys(sorted({row["account_id"] for row in rows}), 0) | {"two seats and a discount": 1}
    assert decided(facts, "contraction", AT) == expected
    asked_for = {"discount", "more seats for less", "one seat and a discount", "two seats and a discount"}
    asked_for |= {"moved to one contract"}  # a subscription ended, and its MRR was not made up for
    counted = decided(facts, "contraction", AT, price_changes=True)
    assert {account for account, shrunk in counted.items() if shrunk} == asked_for


def test_a_lower_tier_and_an_unknown_number_of_seats_count_in_full(tmp_path: Path) -> None:
    """Another plan or product is more than a price; where seats are 0 a price cannot be told from what was held."""
    rows = [
        *change("plan", {"plan": "pro"}, {"plan": "basic", "mrr": 60.0}),
        *change("product", {"product": "pro"}, {"product": "basic", "mrr": 60.0}),
        *change("successor", {"product": "pro"}, {"product": "pro 2", "mrr": 60.0}),
        *change("unknown", {"quantity": 0.0}, {"quantity": 0.0, "mrr": 60.0}),
    ]
    tiers = [{"product": name, "family": "f", "tier": tier} for name, tier in (("basic", 1), ("pro", 2), ("pro 2", 2))]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows, products=tiers)
    assert decided(facts, "contraction", AT) == {"plan": 1, "product": 1, "successor": 0, "unknown": 1}
