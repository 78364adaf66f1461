"""A week at a fraction of the usual is a gap; weekends, growth, slow decline, holidays and bursts are none."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from revml.sources.noticing.volume import gaps

MONDAY = date(2025, 1, 6)
WEEK = np.array([100, 110, 105, 95, 90, 12, 8])


def steady(weeks: int = 40) -> np.ndarray:
    """Rows of working weeks, with a little noise that is always the same."""
    return np.random.default_rng(5).poisson(np.tile(WEEK, weeks))


def test_working_weeks_have_no_gap() -> None:
    """Weekends are quiet every week."""
    assert gaps(MONDAY, steady()) == []


def test_a_week_with_a_part_only_is_a_gap() -> None:
    """Fifteen percent of a usual week, from Monday to Sunday or Friday."""
    rows = steady()
    rows[140:147] = rows[140:147] * 0.15
    (gap,) = gaps(MONDAY, rows)
    assert (gap.first, gap.expected > 450) == (date(2025, 5, 26), True)
    assert gap.last in (date(2025, 5, 30), date(2025, 5, 31), date(2025, 6, 1))


def test_a_feed_that_stops_at_the_end_is_a_gap() -> None:
    """Six days without a row until the data ends."""
    rows = steady()
    rows[-6:] = 0
    assert [gap.rows for gap in gaps(MONDAY, rows)] == [0]


def test_a_long_outage_does_not_become_the_new_usual() -> None:
    """Five weeks with next to nothing are one gap."""
    rows = steady()
    rows[140:175] = 1
    (gap,) = gaps(MONDAY, rows)
    assert (gap.last - gap.first).days >= 32


def test_two_dead_days_are_a_gap_only_where_rows_never_rest() -> None:
    """A product is used on holidays too; orders may rest."""
    rows = steady()
    rows[141:143] = 1
    assert gaps(MONDAY, rows) == []
    assert len(gaps(MONDAY, rows, never_rests=True)) == 1


@pytest.mark.parametrize(
    "shape",
    [
        np.linspace(1, 6, 280),
        np.exp(np.linspace(0, -4, 280)),
        1 + 0.8 * np.sin(np.arange(280) / 28),
    ],
    ids=["growth", "decline", "season"],
)
def test_slow_changes_are_no_gap(shape: np.ndarray) -> None:
    """What changes over months is business, not a fault."""
    assert gaps(MONDAY, np.random.default_rng(6).poisson(np.tile(WEEK, 40) * shape)) == []


def test_the_turn_of_the_year_is_no_gap() -> None:
    """Hardly anybody works between Christmas and Epiphany."""
    rows = steady(60)
    start = (date(2025, 12, 22) - MONDAY).days
    rows[start : start + 14] //= 10
    assert gaps(MONDAY, rows) == []


def test_a_rest_that_comes_every_year_is_no_gap_the_second_time() -> None:
    """The same two weeks in August of both years: the second is a season."""
    rows = steady(110)
    for start in ((date(2025, 8, 4) - MONDAY).days, (date(2026, 8, 3) - MONDAY).days):
        rows[start : start + 14] //= 10
    assert [gap.first.year for gap in gaps(MONDAY, rows)] == [2025]


def test_bills_in_bursts_have_no_gap() -> None:
    """All bills of a month on its first days."""
    rows = np.zeros(400, dtype=np.int64)
    rows[::30], rows[1::30] = 300, 120
    assert gaps(MONDAY, rows) == []


def test_few_rows_tell_nothing() -> None:
    """One row a day: a week without any may be chance."""
    rows = np.ones(200, dtype=np.int64)
    rows[100:107] = 0
    assert gaps(MONDAY, rows) == []
