"""A check that reads only new files of usage gives what a check that reads everything gives."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from revml.config import Workspace, load_workspace
from revml.contract.report import CheckReport, OverLimit
from revml.errors import DataError
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace
from tests.sources.workspaces import ANY_SHARE, ORDERS

ACCOUNTS = ["account_id,created_at", "a,2024-01-01", "b,2024-01-05T10:00:00"]
USERS = ["user_id,created_at,account_id", "u,2024-01-01,a", "v,2024-01-01,a"]
HEAD = "account_id,occurred_at,event,user_id,quantity"


def company(folder: Path, yaml: str = ANY_SHARE, **files: str) -> Workspace:
    """A workspace whose usage stands in CSV files: name of the file -> its lines, parted by spaces."""
    (folder / "data/usage").mkdir(parents=True, exist_ok=True)
    write(folder, "accounts.csv", ACCOUNTS)
    write(folder, "users.csv", USERS)
    (folder / "data/orders.csv").write_text(ORDERS)
    for name, lines in files.items():
        usage(folder, name, lines)
    (folder / "revml.yaml").write_text(yaml)
    return load_workspace(folder)


def write(folder: Path, name: str, lines: list[str]) -> None:
    """Write a file of the data folder, last changed an hour ago."""
    file = folder / "data" / name
    file.write_text("".join(line + "\n" for line in lines))
    age(file)


def age(file: Path, seconds: float = 3600) -> None:
    """Make a file one that nobody is writing to, its time another at each call."""
    then = file.stat().st_mtime_ns - int(seconds * 1e9) + random.randrange(1_000_000_000)  # noqa: S311
    os.utime(file, ns=(then, then))


def usage(folder: Path, name: str, lines: str) -> None:
    """Write a file of usage."""
    write(folder, f"usage/{name}.csv", [HEAD, *lines.split()])


def told(report: CheckReport) -> str:
    """Which way the check went."""
    return report.table("usage").reading


def outcome(workspace: Workspace, report: CheckReport) -> dict[str, Any]:
    """Everything that must not depend on the way the check went."""
    table = report.table("usage")
    facts = Facts.open(workspace.staged_dir)
    file = workspace.quarantine_dir / "usage.parquet"
    aside = duckdb.sql(f"FROM read_parquet('{file}')").df() if file.exists() else pd.DataFrame()
    return {
        "rows": facts.con.sql("FROM usage ORDER BY ALL").df().to_csv(),
        "ledger": facts.con.sql("FROM usage_ledger ORDER BY day").df().to_csv(),
        "quarantine": aside.to_csv(),
        "counts": (table.rows_in, table.filtered, table.accepted, table.duplicates, table.quarantined),
        "span": (table.first, table.last, table.columns, table.missing, table.source_columns),
        "facts": (facts.columns, facts.observed_until, report.fingerprint),
    }


def agree(workspace: Workspace, report: CheckReport) -> None:
    """Hold an outcome against that of a check elsewhere that reads everything."""
    elsewhere = workspace.at(workspace.root)
    object.__setattr__(elsewhere, "work", ".elsewhere")
    shutil.rmtree(elsewhere.work_dir, ignore_errors=True)
    whole = stage_workspace(elsewhere, accept_changes=True)
    assert outcome(workspace, report) == outcome(elsewhere, whole)
    table = report.table("usage")
    assert table.rows_in == table.filtered + table.accepted + table.duplicates + table.quarantined_rows


def test_only_the_new_file_is_read(tmp_path: Path) -> None:
    """The file of a new day is read, the other is not; the note says so and the facts hold both days."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1 b,2024-02-01,login,,2")
    assert told(stage_workspace(made)) == ""
    usage(tmp_path, "two", "a,2024-02-02T10:00,login,u,1")
    report = stage_workspace(made)
    assert told(report) == "1 new file"
    assert report.table("usage").accepted == 3
    agree(made, report)


def test_nothing_is_read_where_nothing_changed(tmp_path: Path) -> None:
    """The same check again has the same outcome, and the same files of rows."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1", two="a,2024-03-01,login,u,1")
    stage_workspace(made)
    parts = sorted(part.name for part in (made.staged_dir / "usage").iterdir())
    report = stage_workspace(made)
    assert told(report) == "no file is new, so none was read"
    assert sorted(part.name for part in (made.staged_dir / "usage").iterdir()) == parts
    agree(made, report)


def test_a_full_reading_may_be_asked_for(tmp_path: Path) -> None:
    """Whatever the record says."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1")
    stage_workspace(made)
    assert told(stage_workspace(made, full=True)) == "read in full, because that was asked for"


def test_a_day_that_arrives_three_times_counts_once(tmp_path: Path) -> None:
    """Its rows are there once, two thirds of them are duplicates."""
    day = "a,2024-02-01T08:00,login,u,1 b,2024-02-01T09:00,view,,2"
    made = company(tmp_path, one=day)
    stage_workspace(made)
    usage(tmp_path, "again", day)
    stage_workspace(made)
    usage(tmp_path, "thrice", day)
    report = stage_workspace(made)
    assert (report.table("usage").accepted, report.table("usage").duplicates) == (2, 4)
    agree(made, report)


def test_a_corrected_file_has_its_days_made_again(tmp_path: Path) -> None:
    """Its old rows go, those of another file on the same day stay."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1 a,2024-02-03,login,u,1", two="b,2024-02-01,login,,7")
    stage_workspace(made)
    usage(tmp_path, "one", "a,2024-02-01,login,u,5 a,2024-02-03,login,u,1")
    report = stage_workspace(made)
    assert told(report) == "1 changed file, 2 days read again"
    agree(made, report)


def test_a_file_that_vanished_takes_its_rows_along(tmp_path: Path) -> None:
    """A row that stands in another file too stays."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1 a,2024-02-03,x,u,1", two="a,2024-02-01,login,u,1")
    stage_workspace(made)
    (tmp_path / "data/usage/one.csv").unlink()
    report = stage_workspace(made, accept_changes=True)
    assert told(report) == "1 vanished file, 2 days read again"
    assert report.table("usage").accepted == 1
    agree(made, report)


def test_rows_of_an_account_that_came_later_are_taken_from_quarantine(tmp_path: Path) -> None:
    """Usage arrived a day before its account; the file with it is read again."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1", two="c,2024-02-02,login,,1")
    assert stage_workspace(made).table("usage").quarantined == {"account_id names nothing in accounts": 1}
    write(tmp_path, "accounts.csv", [*ACCOUNTS, "c,2024-02-01"])
    report = stage_workspace(made)
    assert told(report) == "1 changed file, 1 day read again"
    assert report.table("usage").quarantined == {}
    agree(made, report)


@pytest.mark.parametrize(
    ("accounts", "users", "reason"),
    [
        ([*ACCOUNTS[:1], "b,2024-01-05T10:00:00"], USERS[:1], "accounts vanished or were created at another time"),
        ([*ACCOUNTS[:2], "b,2024-01-06T10:00:00"], USERS, "accounts vanished or were created at another time"),
        (ACCOUNTS, USERS[:2], "users vanished"),
    ],
)
def test_accounts_and_users_that_changed_lead_to_a_full_reading(
    tmp_path: Path, accounts: list[str], users: list[str], reason: str
) -> None:
    """Rows that were accepted might not be any more."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1 b,2024-02-01,login,,1")
    stage_workspace(made)
    write(tmp_path, "accounts.csv", accounts)
    write(tmp_path, "users.csv", users)
    (tmp_path / "data/orders.csv").write_text(ORDERS.replace(",a,", ",b,"))
    report = stage_workspace(made, accept_changes=True)
    assert told(report) == f"read in full, because {reason}"
    agree(made, report)


def test_another_mapping_leads_to_a_full_reading(tmp_path: Path) -> None:
    """A condition leaves rows out that were accepted."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1 b,2024-02-01,view,,1")
    stage_workspace(made)
    yaml = ANY_SHARE + "tables: {usage: {path: data/usage, where: \"event <> 'view'\"}}\n"
    made = company(tmp_path, yaml)
    report = stage_workspace(made)
    assert told(report) == "read in full, because the mapping, the columns or the version of revml changed"
    assert report.table("usage").filtered == 1
    agree(made, report)


def test_a_file_that_kept_its_time_but_not_its_size_is_read_again(tmp_path: Path) -> None:
    """A copy that preserves times is still another file."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1", two="a,2024-02-02,login,u,1")
    stage_workspace(made)
    file = tmp_path / "data/usage/two.csv"
    then = file.stat().st_mtime_ns
    file.write_text(file.read_text() + "b,2024-02-02,login,,1\n")
    os.utime(file, ns=(then, then))
    report = stage_workspace(made)
    assert told(report) == "1 changed file, 1 day read again"
    agree(made, report)


def test_a_file_written_this_very_moment_is_read_again_the_next_time(tmp_path: Path) -> None:
    """It may change once more without another time or size, so nothing is taken on trust."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1", two="a,2024-02-02,login,u,1")
    ahead = (tmp_path / "data/usage/two.csv").stat().st_mtime_ns + 7200 * 10**9
    os.utime(tmp_path / "data/usage/two.csv", ns=(ahead, ahead))
    stage_workspace(made)
    assert told(stage_workspace(made)) == "1 changed file, 1 day read again"


def test_over_the_limit_the_record_of_the_last_good_check_stays(tmp_path: Path) -> None:
    """The bad file counts as new until it is mended."""
    made = company(tmp_path, "data: data\n", one="a,2024-02-01,login,u,1")
    stage_workspace(made)
    usage(tmp_path, "two", "nobody,2024-02-02,login,,1")
    with pytest.raises(OverLimit):
        stage_workspace(made)
    usage(tmp_path, "two", "b,2024-02-02,login,,1")
    report = stage_workspace(made)
    assert told(report) == "1 new file"
    agree(made, report)


def test_times_with_and_without_a_zone_are_found_across_checks(tmp_path: Path) -> None:
    """The file of yesterday names the zone, that of today does not."""
    made = company(tmp_path, one="a,2024-02-01T08:00:00Z,login,u,1")
    stage_workspace(made)
    usage(tmp_path, "two", "a,2024-02-02T08:00:00,login,u,1")
    with pytest.raises(DataError, match="mixes times with a zone and times without one"):
        stage_workspace(made)


def test_a_column_that_came_with_a_new_file_is_in_all_parts(tmp_path: Path) -> None:
    """Old parts lack it, so everything is read."""
    made = company(tmp_path)
    write(tmp_path, "usage/one.csv", ["account_id,occurred_at,event", "a,2024-02-01,login"])
    stage_workspace(made)
    usage(tmp_path, "two", "a,2024-02-02,login,u,4")
    report = stage_workspace(made)
    assert told(report).startswith("read in full, because the mapping, the columns")
    agree(made, report)


def test_many_small_files_do_not_make_many_parts(tmp_path: Path) -> None:
    """Thirty checks, each with a new file of the same month, leave a handful of parts."""
    made = company(tmp_path, d00="a,2024-02-01T00:00:30,login,u,1")
    stage_workspace(made)
    for number in range(1, 13):
        usage(tmp_path, f"d{number:02}", f"a,2024-02-{number:02}T10:00,login,u,1")
        report = stage_workspace(made)
    assert len(list((made.staged_dir / "usage").iterdir())) <= 8
    agree(made, report)


def test_two_checks_at_the_same_time_leave_a_whole_folder(tmp_path: Path) -> None:
    """Each works in a room of its own, and the later one wins."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1")
    stage_workspace(made)
    usage(tmp_path, "two", "b,2024-02-02,login,,1")
    failed: list[Exception] = []

    def check() -> None:
        try:
            stage_workspace(made)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=check) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(p.name for p in made.work_dir.iterdir()) == ["counted", "quarantine", "staged"]
    agree(made, stage_workspace(made))


def test_a_record_that_cannot_be_read_leads_to_a_full_reading(tmp_path: Path) -> None:
    """As if there had been no check before."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1")
    stage_workspace(made)
    (made.staged_dir / "usage_sources/files.json").write_text(json.dumps({"files": 3}))
    report = stage_workspace(made)
    assert report.table("usage").accepted == 1
    agree(made, report)


def test_a_file_that_grows_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    """Each check counts the rows that it saw, and the first one after the writing has stopped sees them all."""
    made = company(tmp_path, one="a,2024-02-01,login,u,1", two="")
    done = threading.Event()

    def grow() -> None:
        with (tmp_path / "data/usage/two.csv").open("a") as file:
            for number in range(100_000):
                file.write(f"a,2024-02-02,login,u,{number}\n")
                file.flush()
                if done.wait(0.001):
                    return

    writer = threading.Thread(target=grow)
    writer.start()
    for _ in range(4):
        table = stage_workspace(made, accept_changes=True).table("usage")
        assert table.rows_in == table.accepted
    done.set()
    writer.join()
    agree(made, stage_workspace(made))


def test_late_rows_share_the_parts_of_the_other_months(tmp_path: Path) -> None:
    """Nothing that did not change is written again: the files are the same on disk."""
    made = company(tmp_path, one="a,2024-02-01T08:00,login,u,1", two="a,2024-03-01T08:00,login,u,1")
    stage_workspace(made)
    before = {part.name: part.stat().st_ino for part in (made.staged_dir / "usage").iterdir()}
    usage(tmp_path, "one", "a,2024-02-01T08:00,login,u,2")
    stage_workspace(made)
    after = {part.name: part.stat().st_ino for part in (made.staged_dir / "usage").iterdir()}
    assert {name for name in before if name in after} == {name for name in before if name.startswith("202403")}
    assert all(before[name] == after[name] for name in before if name in after)


def random_rows(draw: random.Random, n: int) -> list[str]:
    """Lines of usage, good and bad, on few days so that they meet."""
    return [
        ",".join(
            (
                draw.choice(["a", "a", "b", "c", "d", ""]),
                draw.choice(
                    [f"2024-0{draw.randint(1, 3)}-0{draw.randint(1, 4)}{draw.choice(['', 'T08:00', 'T23:59:59'])}"] * 9
                    + ["1999-01-01", "never"]
                ),
                draw.choice(["login", "view"]),
                draw.choice(["", "", "u", "v", "w"]),
                draw.choice(["", "1", "2", "0", "-1"]),
            )
        )
        for _ in range(n)
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_after_any_history_the_outcome_is_that_of_a_full_reading(tmp_path: Path, seed: int, kind: str) -> None:
    """Late rows, days twice, corrected and vanished files, accounts and users that come later."""
    draw = random.Random(f"{seed} {kind}")  # noqa: S311
    made = company(tmp_path)
    files: dict[str, list[str]] = {}
    accounts, users = list(ACCOUNTS), list(USERS)

    def put(name: str) -> None:
        if kind == "csv":
            return write(tmp_path, f"usage/{name}.csv", [HEAD, *files[name]])
        lines = [[value or None for value in line.split(",")] for line in files[name]]
        frame = pd.DataFrame(lines, columns=HEAD.split(","), dtype="string")
        frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], errors="coerce", format="ISO8601")
        frame["quantity"] = pd.to_numeric(frame["quantity"]).astype("float64")
        frame.to_parquet(tmp_path / "data/usage" / f"{name}.parquet")
        return age(tmp_path / "data/usage" / f"{name}.parquet")

    ways = []
    for step in range(9):
        name = draw.choice(sorted(files)) if files else ""
        change = draw.choice(["new", "new", "twice", "corrected", "vanished", "account", "user"]) if step else "new"
        if change == "twice" and name:
            files[f"f{step}"] = list(files[name])
            put(f"f{step}")
        elif change == "corrected" and name:
            files[name] = files[name][1:] + random_rows(draw, 2)
            put(name)
        elif change == "vanished" and len(files) > 1:
            (tmp_path / "data/usage" / f"{name}.{kind}").unlink()
            del files[name]
        elif change == "account" and len(accounts) < 5:
            accounts.append(f"{'cd'[len(accounts) - 3]},2024-02-02")
            write(tmp_path, "accounts.csv", accounts)
        elif change == "user" and len(users) < 4:
            users.append("w,2024-01-01,a")
            write(tmp_path, "users.csv", users)
        else:
            files[f"f{step}"] = random_rows(draw, draw.randint(1, 20))
            put(f"f{step}")
        report = stage_workspace(made, accept_changes=True)
        ways.append(told(report) if step else "")
        agree(made, report)
    assert [way for way in ways if "changed" in way or "new" in way], ways
