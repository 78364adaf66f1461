"""Holes, early ends and the future are worth a word; they stop nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from tests.sources.workspaces import check


def usage(folder: Path, days: list[int], *, repeats: int = 1) -> tuple[str, ...]:
    """The notes on usage with one event on each of these days of 2024."""
    lines = [f"a,{date(2024, 2, 1) + timedelta(days=day)},login\n" for day in days for _ in range(repeats)]
    return check(folder, usage="account_id,occurred_at,event\n" + "".join(lines)).table("usage").notes


def test_usage_every_day_is_worth_no_word(tmp_path: Path) -> None:
    """Sixty days in a row."""
    assert usage(tmp_path, list(range(60))) == ()


def test_a_hole_is_told_with_its_days(tmp_path: Path) -> None:
    """Two weeks without a single event, where there was one every day."""
    (note,) = usage(tmp_path, [day for day in range(60) if not 30 <= day < 44])
    assert note.startswith("no row between 2024-03-01 and 2024-03-16 (15 days")


def test_an_early_end_is_told(tmp_path: Path) -> None:
    """Usage ends two months before the newest order."""
    lines = "".join(f"a,{date(2024, 2, 1) + timedelta(days=day)},login\n" for day in range(40))
    orders = "order_id,line,ordered_at,account_id,product,quantity,amount\n1,1,2024-05-11,a,p,1,1\n"
    report = check(tmp_path, usage="account_id,occurred_at,event\n" + lines, orders=orders)
    assert report.table("usage").notes == (
        "it ends on 2024-03-11, 61 days before the newest fact: is the newest part missing?",
    )


def test_many_equal_events_are_told(tmp_path: Path) -> None:
    """A table without a key counts equal rows once, and says how many there were."""
    (note,) = usage(tmp_path, list(range(40)), repeats=2)
    assert note.startswith("40 rows equal another in every column")


def test_the_future_is_told(tmp_path: Path) -> None:
    """An order of the year 2999 is most likely a slip: it is told, and the data does not count as reaching that far."""
    orders = (
        "order_id,line,ordered_at,account_id,product,quantity,amount\n1,1,2999-05-11,a,p,1,1\n2,1,2025-05-11,a,p,1,1\n"
    )
    report = check(tmp_path, orders=orders)
    (note,) = (note for note in report.table("orders").notes if "future" in note)
    assert note.startswith("its newest ordered_at lies in the future: 2999-05-11")
    assert f"{report.observed_until:%Y-%m-%d}" == "2025-05-11"
