"""Upsell: alive at the end of the window with an MRR at least `uplift` above that of its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.labels.rows import UNTIL, decided, term
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]


@pytest.mark.parametrize(("mrr", "label"), [(110.0, 1), (109.99, 0), (100.0, 0), (90.0, 0)])
def test_ten_percent_more_is_an_upsell(tmp_path: Path, mrr: float, label: int) -> None:
    """The threshold itself counts, whatever 1.1 is in binary."""
    rows = [term("a", "2025-01-01", "2026-02-01"), term("a", "2026-02-01", mrr=mrr)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT, uplift=0.1) == {"a": label}


@pytest.mark.parametrize(
    ("at", "label"), [("2026-01-01", 0), ("2026-01-01T00:00:01", 1), ("2026-04-01", 1), ("2026-04-01T00:00:01", 0)]
)
def test_a_change_belongs_to_the_window_that_ends_with_it(tmp_path: Path, at: str, label: int) -> None:
    """A change at the snapshot is the base; one at the very end of the window counts."""
    rows = [term("a", "2025-01-01", at), term("a", at, mrr=200.0)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "upsell", AT) == {"a": label}


def test_growth_within_the_gap_is_the_base(tmp_path: Path) -> None:
    """MRR is compared with the start of the window, so growth within the gap is none."""
    rows = [
        term("in gap", "2025-01-01", "2026-01-05"),
        term("in gap", "2026-01-05", mrr=200.0),
        term("after gap", "2025-01-01", "2026-01-09"),
        term("after gap", "2026-01-09", mrr=200.0),
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
        term("taken back", "2026-01-10", "2026-03-01", mrr=200.0),
        term("taken back", "2026-03-01", mrr=100.0),
        term("lost", "2025-01-01", "2026-01-10"),
        term("lost", "2026-01-10", "2026-03-01", mrr=200.0),
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


@pytest.mark.parametrize(("until", "label"), [("2026-03-31T23:59:59", None), ("2026-04-01", 1)])
def test_the_label_waits_for_the_window_alone(tmp_path: Path, until: str, label: int | None) -> None:
    """An upsell needs no grace period: its label is final when the window closes."""
    rows = [term("a", "2025-01-01", "2026-02-01"), term("a", "2026-02-01", mrr=200.0)]
    facts = stage(tmp_path, observed_until=until, subscriptions=rows)
    assert decided(facts, "upsell", AT) == {"a": label}
