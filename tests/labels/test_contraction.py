"""Contraction: alive at the end of the window with an MRR at least `drop` below that of its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.labels.rows import UNTIL, decided, term
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]


@pytest.mark.parametrize(("mrr", "label"), [(90.0, 1), (90.01, 0), (100.0, 0), (110.0, 0), (0.0, 1)])
def test_ten_percent_less_is_a_contraction(tmp_path: Path, mrr: float, label: int) -> None:
    """The threshold itself counts, and so does going over to a free plan."""
    rows = [term("a", "2025-01-01", "2026-02-01"), term("a", "2026-02-01", mrr=mrr)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": label}


def test_the_threshold_is_what_it_says_in_binary(tmp_path: Path) -> None:
    """0.7 of 110 is not 77 in binary, and still a drop by 30 %."""
    rows = [term("a", "2025-01-01", "2026-02-01", mrr=110.0), term("a", "2026-02-01", mrr=77.0)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT, drop=0.3) == {"a": 1}
    assert decided(facts, "contraction", AT, drop=0.31) == {"a": 0}


@pytest.mark.parametrize(
    ("at", "label"), [("2026-01-01", 0), ("2026-01-01T00:00:01", 1), ("2026-04-01", 1), ("2026-04-01T00:00:01", 0)]
)
def test_a_change_belongs_to_the_window_that_ends_with_it(tmp_path: Path, at: str, label: int) -> None:
    """A change at the snapshot is the base; one at the very end of the window counts."""
    rows = [term("a", "2025-01-01", at), term("a", at, mrr=50.0)]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": label}


def test_a_loss_within_the_gap_is_the_base(tmp_path: Path) -> None:
    """MRR is compared with the start of the window; nobody could act on what shrank before it."""
    rows = [
        term("in gap", "2025-01-01", "2026-01-05"),
        term("in gap", "2026-01-05", mrr=50.0),
        term("after gap", "2025-01-01", "2026-01-09"),
        term("after gap", "2026-01-09", mrr=50.0),
        term("lost in gap", "2025-01-01", "2026-01-05"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    expected = {"after gap": 1, "in gap": 0, "lost in gap": None}
    assert decided(facts, "contraction", AT, gap_days=7) == expected


def test_what_was_made_good_or_lost_altogether_is_no_contraction(tmp_path: Path) -> None:
    """A loss that was made good by the end of the window is none, and the end of the last contract is churn."""
    rows = [
        term("made good", "2025-01-01", "2026-01-10"),
        term("made good", "2026-01-10", "2026-03-01", mrr=50.0),
        term("made good", "2026-03-01"),
        term("lost", "2025-01-01", "2026-01-10"),
        term("lost", "2026-01-10", "2026-03-01", mrr=50.0),
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
        term("cut", "2025-01-01", "2026-02-01", mrr=100.0),
        term("cut", "2026-02-01", mrr=98.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"cut": 0, "made up": 0, "module": 1, "renewed": 0}


def test_a_swap_of_subscriptions_is_measured_by_their_sum(tmp_path: Path) -> None:
    """Another subscription of the same price takes the place of an old one; a cheaper one is a contraction."""
    rows = [
        term("same", "2025-01-01", "2026-02-01"),
        term("same", "2026-02-01", line="new"),
        term("cheaper", "2025-01-01", "2026-02-01"),
        term("cheaper", "2026-02-01", line="new", mrr=80.0),
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
        term("a", "2026-02-01", mrr=130.0),
        term("a", "2025-01-01", "2026-02-01", line="extra", mrr=10.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert (decided(facts, "contraction", AT), decided(facts, "upsell", AT)) == ({"a": 0}, {"a": 1})


def test_a_change_known_late_belongs_to_its_own_time(tmp_path: Path) -> None:
    """A cut before the snapshot that was booked after it is no contraction of the window."""
    rows = [
        term("a", "2025-01-01", "2025-12-20", known_at="2025-01-01"),
        term("a", "2025-12-20", mrr=50.0, known_at="2026-01-20"),
        term("a", "2025-01-01", line="other", mrr=10.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": 0}


@pytest.mark.parametrize(("until", "label"), [("2026-03-31T23:59:59", None), ("2026-04-01", 1)])
def test_the_label_waits_for_the_window_alone(tmp_path: Path, until: str, label: int | None) -> None:
    """A contraction needs no grace period: its label is final when the window closes."""
    rows = [term("a", "2025-01-01", "2026-02-01"), term("a", "2026-02-01", mrr=50.0)]
    facts = stage(tmp_path, observed_until=until, subscriptions=rows)
    assert decided(facts, "contraction", AT) == {"a": label}
