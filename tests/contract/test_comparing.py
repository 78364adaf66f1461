"""What the next check makes of a table that vanished, a column that changed, a past that is another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from revml.contract.comparing import Changed, compare
from revml.sources.staging import stage_workspace
from tests.sources.workspaces import ACCOUNTS, ORDERS, check, staged, workspace

TABLE: dict[str, Any] = {
    "source": "usage.csv",
    "source_columns": {"account_id": "VARCHAR", "event": "VARCHAR"},
    "columns": ["account_id", "event", "quantity"],
    "rows_in": 1200,
    "accepted": 1200,
    "duplicates": 0,
    "quarantined": 0,
    "judged": 1200,
    "last": "2025-06-20T00:00:00",
    "months": {f"2025-0{n}": [200, f"d{n}"] for n in range(1, 7)},
}


def summary(usage: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    """A summary with one table that differs from `TABLE` as told."""
    return {
        "version": 1,
        "checked_at": "2025-06-21T00:00:00+00:00",
        "currency": "EUR",
        "digests": "duckdb 2",
        "observed_until": "2025-06-20T00:00:00",
        "fingerprint": "f",
        "tables": {"usage": TABLE | usage} if usage is not None else {},
    } | other


def changes(usage: dict[str, Any] | None, **other: Any) -> list[tuple[str, bool]]:
    """Kind and weight of the changes from `TABLE` to another state."""
    return [(one.kind, one.stops) for one in compare(summary({}), summary(usage, **other)).changes]


def months(**rows: Any) -> dict[str, Any]:
    """The months of `TABLE`, some of them otherwise; None removes one."""
    named = {name.replace("m", "2025-"): value for name, value in rows.items()}
    return {name: value for name, value in (TABLE["months"] | named).items() if value is not None}


def test_the_same_again_is_no_change() -> None:
    """Checked twice."""
    assert changes({}) == []


def test_a_table_that_vanished_or_emptied_stops() -> None:
    """Models would see silence where there was usage."""
    assert changes(None) == [("table_gone", True)]
    assert changes({"accepted": 0}) == [("table_gone", True)]


def test_a_column_that_held_values_stops_and_others_are_told() -> None:
    """What the contract's column held is gone; what nobody read is only told."""
    assert changes({"columns": ["account_id", "event"]}) == [("column_gone", True)]
    assert changes({"columns": [*TABLE["columns"], "user_id"]}) == [("column_new", False)]
    assert changes({"source_columns": {"account_id": "BIGINT", "page": "VARCHAR"}}) == [
        ("type", False),
        ("source_column_gone", False),
        ("source_column_new", False),
    ]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (months(m03=None, m04=[90, "x"]), [("rows_gone", True)]),
        (months(m03=[150, "x"]), [("rows_gone", False)]),
        (months(m03=[198, "x"]), []),
        (months(m01=None), [("rows_gone", False)]),
        (months(m01=None, m02=None, m03=None), [("rows_gone", True)]),
        (months(m06=[20, "x"]), []),
        (months(m02=[330, "x"]), [("rows_more", False)]),
        (months(m01=[200, "x"], m02=[200, "x"], m03=[200, "x"]), [("rows_differ", False)]),
        (months(m01=[200, "x"]), []),
    ],
    ids=["a third", "some", "a few", "moving window", "half", "this month", "twice", "others", "one other"],
)
def test_the_past(now: dict[str, Any], expected: list[tuple[str, bool]]) -> None:
    """Closed months that lost, gained or exchanged rows; the open month may do as it likes."""
    assert changes({"months": now}) == expected


def test_digests_of_different_makers_are_not_compared() -> None:
    """Another version of the database hashes in another way."""
    other = {"months": months(**{f"m0{n}": [200, "x"] for n in range(1, 6)})}
    assert changes(other, digests="duckdb 3") == []


def test_shares_currency_and_time() -> None:
    """Quarantine that grew, duplicates, another currency, nothing newer, older data."""
    assert changes({"quarantined": 36}) == [("quarantine", False)]
    assert changes({"duplicates": 120}) == [("duplicates", False)]
    assert changes({}, currency="CZK") == [("currency", False)]
    assert changes({}, fingerprint="g") == [("no_newer", False)]
    assert changes({}, fingerprint="g", observed_until="2025-06-01T00:00:00") == [("older", False)]
    assert changes({}, fingerprint="g", observed_until="2025-07-20T00:00:00") == [("no_newer", False)]


def test_a_vanished_table_leaves_the_last_facts_until_it_is_accepted(tmp_path: Path) -> None:
    """The check stops with its report; told that it is meant, it goes on, and the next one has nothing to say."""
    usage = "account_id,occurred_at,event\na,2024-02-01,login\n"
    check(tmp_path, usage=usage)
    (tmp_path / "data" / "usage.csv").unlink()
    with pytest.raises(Changed, match="table usage: it had 1 rows and is gone") as error:
        check(tmp_path)
    assert error.value.exit_code == 3
    assert error.value.report.table("orders").accepted == 2
    assert len(staged(tmp_path, "usage")) == 1
    report = stage_workspace(workspace(tmp_path), accept_changes=True)
    assert report.since
    assert "table_gone" in [change.kind for change in report.since.changes]
    assert staged(tmp_path, "usage") == []
    again = check(tmp_path).since
    assert again
    assert again.changes == ()


def test_the_first_check_compares_with_nothing(tmp_path: Path) -> None:
    """And one whose summary cannot be read does the same."""
    assert check(tmp_path).since is None
    (tmp_path / ".revml/staged/check.json").write_text("{")
    assert check(tmp_path).since is None
    assert json.loads((tmp_path / ".revml/staged/check.json").read_text())["tables"]["orders"]["accepted"] == 2


def test_an_optional_column_that_vanished_stops(tmp_path: Path) -> None:
    """Owners were told last time."""
    check(tmp_path, accounts=ACCOUNTS.replace("created_at\n", "created_at,owner\n").replace("01\n", "01,Eva\n"))
    with pytest.raises(Changed, match="table accounts: the column owner held values and holds none now"):
        check(tmp_path, accounts=ACCOUNTS, orders=ORDERS)
