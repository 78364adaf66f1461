"""Clocks, spellings of ids, fillings and dominant accounts, from files through the whole check."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.sources.workspaces import ACCOUNTS, check

ORDER = "order_id,line,ordered_at,account_id,product,quantity,amount"


def usage(folder: Path, lines: list[str], head: str = "account_id,occurred_at,event", **tables: str) -> str:
    """The notes on usage, a line each."""
    table = check(folder, usage="\n".join([head, *lines]) + "\n", **tables).table("usage")
    return "\n".join(table.notes)


def test_times_a_few_hours_ahead_look_like_local_times(tmp_path: Path) -> None:
    """Events of the next two hours."""
    now = datetime.now(UTC) + timedelta(hours=2)
    assert "local times read as UTC" in usage(tmp_path, [f"a,{now:%Y-%m-%dT%H:%M:%S},login"])


def test_facts_known_before_they_happened_are_told(tmp_path: Path) -> None:
    """The two times are mapped the wrong way round."""
    lines = [f"a,2025-02-{day:02},login,2025-01-{day:02}" for day in range(1, 20)]
    notes = usage(tmp_path, lines, "account_id,occurred_at,event,known_at")
    assert "19 rows (100.0%) bear a known_at more than a day before occurred_at" in notes


def test_a_history_known_on_one_day_looks_like_a_time_of_loading(tmp_path: Path) -> None:
    """Ten months of events, all known on the day of the export."""
    lines = [f"a,{date(2024, 2, 1) + timedelta(days=day)},login,2025-01-02" for day in range(300)]
    notes = usage(tmp_path, lines, "account_id,occurred_at,event,known_at")
    assert "have a known_at on the one day 2025-01-02 though they happened over 299 days" in notes


def test_known_soon_after_is_worth_no_word(tmp_path: Path) -> None:
    """A day later, every day."""
    lines = [
        f"a,{date(2024, 2, 1) + timedelta(days=day)},login,{date(2024, 2, 2) + timedelta(days=day)}"
        for day in range(300)
    ]
    assert usage(tmp_path, lines, "account_id,occurred_at,event,known_at") == ""


def test_ids_in_another_spelling_are_told_with_an_example(tmp_path: Path) -> None:
    """The rows stay in quarantine: nothing is joined by guess."""
    report = check(tmp_path, orders=f"{ORDER}\n1,1,2024-02-01, A,p,1,10\n2,1,2024-02-02,b,p,2,20\n").table("orders")
    assert report.quarantined_rows == 1
    assert any("1 quarantined rows name 1 accounts" in note and "' A' for 'a'" in note for note in report.notes)


def test_unknown_ids_that_resemble_nothing_are_not_told(tmp_path: Path) -> None:
    """They are in quarantine with their reason, which says enough."""
    report = check(tmp_path, orders=f"{ORDER}\n1,1,2024-02-01,zz,p,1,10\n2,1,2024-02-02,b,p,2,20\n").table("orders")
    assert report.notes == ()


def test_accounts_twice_in_two_spellings_are_told(tmp_path: Path) -> None:
    """`A` and `a` are two accounts until somebody says otherwise."""
    report = check(tmp_path, accounts=ACCOUNTS + "A,2024-01-01\n").table("accounts")
    assert any("1 account_id stand in several spellings, e.g. 'A' and 'a'" in note for note in report.notes)


def test_a_column_that_is_filled_no_more_is_told(tmp_path: Path) -> None:
    """The product stopped sending who it was."""
    lines = [
        f"a,{date(2024, 2, 1) + timedelta(days=day)}T0{n}:00:00,login,{'3' if day < 150 else ''}"
        for day in range(300)
        for n in range(2)
    ]
    notes = usage(tmp_path, lines, "account_id,occurred_at,event,quantity")
    assert "quantity is filled in 0% of the rows from 2024-07 on, in 100% before" in notes


def test_one_account_with_most_rows_is_told(tmp_path: Path) -> None:
    """A third of the rows of thirty accounts."""
    accounts = "account_id,created_at\n" + "".join(f"c{n},2024-01-01\n" for n in range(30))
    day = date(2024, 2, 1)
    lines = [f"c{n % 30 if n % 3 else 7},{day + timedelta(days=n // 30)}T{n % 24:02}:00:00,e{n}" for n in range(1500)]
    orders = f"{ORDER}\n1,1,2024-03-01,c1,p,1,1\n"
    notes = usage(tmp_path, lines, accounts=accounts, orders=orders)
    assert "the account 'c7' has 3" in notes
