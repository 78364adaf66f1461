"""Lapse: no positive order in the window."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.labels.rows import UNTIL, decided, order
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]
BEFORE = order("a", "2025-12-01")


@pytest.mark.parametrize(
    ("at", "label"), [("2026-01-01", 1), ("2026-01-01T00:00:01", 0), ("2026-04-01", 0), ("2026-04-01T00:00:01", 1)]
)
def test_the_window_excludes_its_start_and_includes_its_end(tmp_path: Path, at: str, label: int) -> None:
    """An order at the snapshot belongs to the past; one at the last instant of the window keeps the account."""
    facts = stage(tmp_path, observed_until=UNTIL, orders=[BEFORE, order("a", at)])
    assert decided(facts, "lapse", AT) == {"a": label}


def test_returns_and_free_goods_are_no_orders(tmp_path: Path) -> None:
    """Only a line with a quantity and an amount above zero shows that the customer still buys."""
    rows = [
        BEFORE,
        order("a", "2026-02-01", amount=-100.0, quantity=-1.0),
        order("a", "2026-02-02", amount=0.0),
        order("a", "2026-02-03", amount=10.0, quantity=0.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert decided(facts, "lapse", AT) == {"a": 1}


def test_an_order_in_the_gap_does_not_count(tmp_path: Path) -> None:
    """With a gap, only what comes after it can show that the account has not lapsed."""
    facts = stage(tmp_path, observed_until=UNTIL, orders=[BEFORE, order("a", "2026-01-05")])
    assert decided(facts, "lapse", AT, gap_days=7) == {"a": 1}


def test_an_order_known_late_counts(tmp_path: Path) -> None:
    """An order that was booked months later was an order all the same."""
    rows = [BEFORE, order("a", "2026-02-01", known_at="2026-10-01")]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert decided(facts, "lapse", AT) == {"a": 0}


def test_an_open_window_has_no_label(tmp_path: Path) -> None:
    """Before the window has closed nobody has lapsed, and nobody is said to be safe."""
    facts = stage(tmp_path, observed_until="2026-03-31", orders=[BEFORE, order("a", "2026-02-01")])
    assert decided(facts, "lapse", AT) == {"a": None}
