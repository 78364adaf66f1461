"""Growth: net order amount in the window above `growth_ratio` times that of the same span before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.labels.rows import UNTIL, decided, order
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01], the span before (2025-10-03, 2026-01-01]


@pytest.mark.parametrize(("amount", "label"), [(125.0, 0), (125.01, 1), (100.0, 0)])
def test_growth_must_exceed_the_ratio(tmp_path: Path, amount: float, label: int) -> None:
    """Exactly 1.25 times the amount before is not above it."""
    facts = stage(tmp_path, observed_until=UNTIL, orders=[order("a", "2025-12-01"), order("a", "2026-02-01", amount)])
    assert decided(facts, "growth", AT) == {"a": label}


def test_the_ratio_itself_is_not_above_it_in_binary_either(tmp_path: Path) -> None:
    """1.15 times 100 is 114.99999999999999 to a computer, and 115 is still no growth."""
    facts = stage(tmp_path, observed_until=UNTIL, orders=[order("a", "2025-12-01"), order("a", "2026-02-01", 115.0)])
    assert decided(facts, "growth", AT, growth_ratio=1.15) == {"a": 0}


def test_both_spans_have_the_same_length_and_the_same_edges(tmp_path: Path) -> None:
    """Each span excludes its start and includes its end; the snapshot's own instant belongs to the span before."""
    rows = [
        order("start of before is out", "2025-10-03", 1000.0),
        order("start of before is out", "2025-12-01", 100.0),
        order("start of before is out", "2026-02-01", 200.0),
        order("snapshot is before", "2026-01-01", 100.0),
        order("snapshot is before", "2026-02-01", 120.0),
        order("end is in", "2025-12-01", 100.0),
        order("end is in", "2026-04-01", 200.0),
        order("after is out", "2025-12-01", 100.0),
        order("after is out", "2026-04-01T00:00:01", 200.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert decided(facts, "growth", AT) == {
        "after is out": 0,
        "end is in": 1,
        "snapshot is before": 0,
        "start of before is out": 1,
    }


def test_returns_are_taken_off(tmp_path: Path) -> None:
    """Both spans are net of returns."""
    rows = [
        order("a", "2025-12-01", 100.0),
        order("a", "2026-02-01", 200.0),
        order("a", "2026-02-10", -150.0, -1.0),
        order("b", "2025-12-01", 100.0),
        order("b", "2025-12-02", -90.0, -1.0),
        order("b", "2026-02-01", 20.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert decided(facts, "growth", AT) == {"a": 0, "b": 1}


def test_an_order_in_the_gap_belongs_to_neither_span(tmp_path: Path) -> None:
    """What is ordered in the gap is neither growth nor base."""
    rows = [
        order("no growth", "2025-12-01", 100.0),
        order("no growth", "2026-01-05", 500.0),
        order("no growth", "2026-02-01", 100.0),
        order("same base", "2025-12-01", 100.0),
        order("same base", "2026-01-05", 100.0),
        order("same base", "2026-02-01", 200.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert decided(facts, "growth", AT, gap_days=7) == {"no growth": 0, "same base": 1}


def test_nothing_to_grow_from_is_not_at_risk(tmp_path: Path) -> None:
    """An account whose span before is empty or netted to zero is not asked, though it ordered in the look-back."""
    rows = [
        order("paused", "2025-08-01"),
        order("sent back", "2025-12-01", 33.3),
        order("sent back", "2025-12-02", -33.3, -1.0),
        order("buys", "2025-12-01"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert decided(facts, "growth", AT) == {"buys": 0}


def test_a_return_known_late_takes_the_label_away(tmp_path: Path) -> None:
    """Where the span before turns out to be nothing, there was nothing to grow from."""
    rows = [
        order("a", "2025-12-01", 100.0),
        order("a", "2025-12-20", -100.0, -1.0, known_at="2026-02-01"),
        order("a", "2026-02-10", 500.0),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, orders=rows)
    assert decided(facts, "growth", AT) == {"a": None}
