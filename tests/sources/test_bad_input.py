"""What goes wrong in companies' data, each with real files through the check: counted, said, and never repaired."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from revml.errors import DataError
from revml.sources.staging import stage_workspace
from tests.sources.workspaces import ANY_SHARE, check, quarantined, staged, workspace

USAGE = "account_id,occurred_at,event,user_id\n"


def events(rows: int, *, day: int = 1, account: str = "a") -> str:
    """Events of one account on one day, each different."""
    return "".join(f"{account},2024-03-{day:02d}T{n // 60:02d}:{n % 60:02d}:00Z,open,u{n}\n" for n in range(rows))


def test_a_tenth_of_duplicates_is_counted_once_and_said(tmp_path: Path) -> None:
    """1,000 events and 100 of them again: the sum stays whole, and the note asks."""
    lines = events(1000)
    again = "".join(lines.splitlines(keepends=True)[::10])
    report = check(tmp_path, usage=USAGE + lines + again).table("usage")
    assert (report.rows_in, report.accepted, report.duplicates, report.quarantined) == (1100, 1000, 100, {})
    assert any(note.startswith("100 rows equal another in every column") for note in report.notes)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_day_that_arrives_three_times_counts_once(tmp_path: Path, kind: str) -> None:
    """The same day in three files, in another order in each."""
    made = workspace(tmp_path)
    folder = tmp_path / "data/usage"
    folder.mkdir()
    for part, order in enumerate(("occurred_at", "user_id", "occurred_at DESC")):
        (tmp_path / "day.csv").write_text(USAGE + events(300))
        duckdb.execute(
            f"COPY (SELECT * FROM read_csv('{tmp_path}/day.csv', all_varchar = true) ORDER BY {order})"
            f" TO '{folder}/{part}.{kind}'"
        )
    report = stage_workspace(made).table("usage")
    assert (report.rows_in, report.accepted, report.duplicates) == (900, 300, 600)
    assert staged(tmp_path, "usage", "count(*), count(DISTINCT user_id)") == [(300, 300)]


def test_events_with_the_account_in_another_case_are_put_aside_and_the_note_says_why(tmp_path: Path) -> None:
    """An id is an id: 'A' is not 'a', and nothing is folded in silence."""
    report = check(tmp_path, usage=USAGE + events(30) + events(7, account="A")).table("usage")
    assert (report.accepted, report.quarantined) == (30, {"account_id names nothing in accounts": 7})
    assert any("in another spelling" in note and "'A' for 'a'" in note for note in report.notes)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2024-03-31T01:59:00", "2024-03-31 00:59:00"),  # the last minute of winter time
        ("2024-03-31T02:30:00", "2024-03-31 01:30:00"),  # a time that no clock showed: as if it had not been put on
        ("2024-03-31T03:00:00", "2024-03-31 01:00:00"),  # the first of summer time
        ("2024-10-27T00:30:00", "2024-10-26 22:30:00"),
        ("2024-10-27T03:30:00", "2024-10-27 02:30:00"),
    ],
)
def test_local_times_around_a_change_of_clocks_become_instants(tmp_path: Path, local: str, utc: str) -> None:
    """The zone's own rule of the day counts, not one offset for the year."""
    yaml = f"{ANY_SHARE}company: {{timezone: Europe/Prague}}\n"
    check(tmp_path, yaml, usage=f"{USAGE}a,{local},open,u\n")
    assert staged(tmp_path, "usage", "CAST(occurred_at AS VARCHAR)") == [(utc,)]


def test_the_hour_that_comes_twice_is_read_in_one_way_and_kept(tmp_path: Path) -> None:
    """Half past two in the night of the change is one of two instants; the row is accepted at one of them."""
    yaml = f"{ANY_SHARE}company: {{timezone: Europe/Prague}}\n"
    report = check(tmp_path, yaml, usage=f"{USAGE}a,2024-10-27T02:30:00,open,u\n").table("usage")
    assert report.accepted == 1
    (told,) = staged(tmp_path, "usage", "CAST(occurred_at AS VARCHAR)")
    assert told[0] in ("2024-10-27 00:30:00", "2024-10-27 01:30:00")


def test_times_with_and_without_a_zone_in_one_column_are_an_error(tmp_path: Path) -> None:
    """Half of an export from another program."""
    with pytest.raises(DataError, match="mixes times with a zone and times without"):
        check(tmp_path, usage=f"{USAGE}a,2024-03-01T10:00:00Z,open,u\na,2024-03-01T10:00:00,open,v\n")


def test_ids_with_quotes_emoji_and_spaces_inside_are_whole(tmp_path: Path) -> None:
    """In every table that names them, from CSV to the staged facts and to quarantine."""
    ids = ['O\'Hara "Sons"', "smile 😀", "a,b;c", "Ž\u017e", "%s {x} \\n"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in ids]
    accounts = "account_id,created_at\n" + "".join(f"{name},2024-01-01\n" for name in quoted)
    usage = USAGE + "".join(f"{name},2024-03-01,open,{name}\n" for name in quoted)
    report = check(
        tmp_path, accounts=accounts, orders=ORDERS_OF.format(id=quoted[0]), usage=usage + f"{quoted[1]},x,y,z\n"
    )
    assert sorted(row[0] for row in staged(tmp_path, "usage", "account_id")) == sorted(ids)
    assert report.table("orders").accepted == 1
    assert quarantined(tmp_path, "usage", "account_id") == [(ids[1],)]


ORDERS_OF = "order_id,line,ordered_at,account_id,product,quantity,amount\n1,1,2024-02-01,{id},p,1,10\n"


def test_one_account_with_a_third_of_all_events_and_one_with_none(tmp_path: Path) -> None:
    """Both stay; the first is said, for it may be a test account or a robot."""
    accounts = "account_id,created_at\n" + "".join(f"c{n},2024-01-01\n" for n in range(60))
    lines = "".join(events(20, account=f"c{n}", day=n % 28 + 1) for n in range(58)) + events(580, account="c58", day=5)
    report = check(tmp_path, accounts=accounts, orders=ORDERS_OF.format(id="c59"), usage=USAGE + lines).table("usage")
    assert (report.accepted, report.quarantined) == (58 * 20 + 580, {})
    assert any("c58" in note for note in report.notes)
    assert staged(tmp_path, "accounts", "count(*)") == [(60,)]


def test_a_table_that_changes_its_separator_between_files_is_one_table(tmp_path: Path) -> None:
    """An export that a new version of the program writes otherwise."""
    made = workspace(tmp_path)
    folder = tmp_path / "data/usage"
    folder.mkdir()
    (folder / "1.csv").write_text(USAGE + events(3))
    (folder / "2.csv").write_bytes((USAGE + events(3, day=2)).replace(",", ";").encode("utf-16"))
    assert stage_workspace(made).table("usage").accepted == 6
