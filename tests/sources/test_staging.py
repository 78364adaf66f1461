"""From sources to accepted facts: every row is counted once, and nothing is half-written."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revml.contract.report import OverLimit
from revml.contract.tables import TABLES
from revml.errors import ConfigError, DataError
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace
from tests.sources.workspaces import ACCOUNTS, ORDERS, check, quarantined, staged, workspace

LINE = "order_id,line,ordered_at,account_id,product,quantity,amount\n"


def reasons(folder: Path, *lines: str) -> dict[str, int]:
    """Why the check puts these order lines aside."""
    return check(folder, orders=ORDERS + "".join(line + "\n" for line in lines)).table("orders").quarantined


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("3,1,,a,p,1,1", "ordered_at is missing"),
        ("3,1,soon,a,p,1,1", "ordered_at is not a time"),
        ("3,1.5,2024-02-01,a,p,1,1", "line is not a whole number"),
        ("3,1,2024-02-01,a,p,some,1", "quantity is not a number"),
        ('3,1,2024-02-01,a,p,1,"1,50"', "amount is not an amount of money"),
        ("3,1,2024-02-01,a,p,1,nan", "amount is not finite"),
        ("3,1,2024-02-01,a,p,1,-inf", "amount is not finite"),
        ("3,1,2024-02-01,a,p,1,1e999", "amount is not finite"),
        ("3,1,2024-02-01,a,p,1_000,1", "quantity is not a number"),
        (f"{'x' * 257},1,2024-02-01,a,p,1,1", "order_id is longer than 256 characters"),
        ("3,1,2024-02-01,c,p,1,1", "account_id names nothing in accounts"),
        ("3,1,2024-01-04,b,p,1,1", "ordered_at is before the account was created"),
        ("3,1,2024-02-01,a,p,1", "the line has too few values"),
        ("3,1,2024-02-01,a,p,1,1,1", "the line has too many values"),
    ],
)
def test_a_row_that_breaks_the_contract_is_put_aside_with_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    """Exactly the broken row goes to quarantine, whatever it breaks."""
    assert reasons(tmp_path, line) == {reason: 1}
    assert len(staged(tmp_path, "orders")) == 2


def test_an_order_on_the_day_of_the_account_is_not_before_it(tmp_path: Path) -> None:
    """A date means midnight, and b was created at ten o'clock that day."""
    assert reasons(tmp_path, "3,1,2024-01-05,b,p,1,1") == {}


def test_an_exact_duplicate_is_counted_and_kept_once(tmp_path: Path) -> None:
    """Two equal lines are one order line and one duplicate."""
    report = check(tmp_path, orders=ORDERS + ORDERS.removeprefix(LINE)).table("orders")
    assert (report.rows_in, report.accepted, report.duplicates, report.quarantined) == (4, 2, 2, {})


def test_rows_that_share_a_key_but_differ_are_all_put_aside(tmp_path: Path) -> None:
    """Nobody can say which of the two is right, so neither is taken."""
    assert reasons(tmp_path, "1,1,2024-02-01,a,p,1,11") == {"another row has the same order_id and line but differs": 2}
    assert [row[0] for row in staged(tmp_path, "orders", "order_id")] == ["2"]


def test_an_end_before_the_start_is_put_aside(tmp_path: Path) -> None:
    """A ticket cannot close before it opens, but an invoice can be paid before it is issued."""
    report = check(
        tmp_path,
        tickets="ticket_id,opened_at,closed_at,account_id\n1,2024-03-02,2024-03-01,a\n2,2024-03-02T08:00,2024-03-02,a\n",
        invoices="invoice_id,issued_at,paid_at,account_id,amount\n1,2024-03-02,2024-03-01,a,5\n",
    )
    assert report.table("tickets").quarantined == {"closed_at is before opened_at": 1}
    assert report.table("invoices").quarantined == {}


def test_rows_of_a_quarantined_account_say_so(tmp_path: Path) -> None:
    """The account is there, but itself in quarantine."""
    report = check(tmp_path, accounts=ACCOUNTS + "c,never\n", orders=ORDERS + "3,1,2024-02-01,c,p,1,1\n")
    assert report.table("orders").quarantined == {"account_id names a row of accounts that is itself in quarantine": 1}


def test_a_parent_must_exist_but_need_not_be_in_order(tmp_path: Path) -> None:
    """An unknown parent is put aside; a parent that is itself in quarantine does not pull its children with it."""
    accounts = "account_id,created_at,parent_account_id\na,2024-01-01,\nb,2024-01-01,x\nc,2024-01-01,d\nd,never,\n"
    assert check(tmp_path, accounts=accounts, orders=ORDERS.replace(",b,", ",a,")).table("accounts").quarantined == {
        "created_at is not a time": 1,
        "parent_account_id names nothing in accounts": 1,
    }


def test_the_quarantine_file_keeps_the_values_as_they_came(tmp_path: Path) -> None:
    """Reason, place and raw values; an unreadable line keeps its text."""
    reasons(tmp_path, "3,one,2024-02-01,a,p,1,1", "4,1")
    assert quarantined(tmp_path, "orders", "reason, source_row, line, unreadable_line, unreadable_text") == [
        ("line is not a whole number", 3, "one", None, None),
        ("the line has too few values", None, None, 5, "4,1"),
    ]


def test_known_at_is_filled_with_the_time_of_happening(tmp_path: Path) -> None:
    """Only where the source does not tell it."""
    orders = LINE.strip() + ",known_at\n1,1,2024-02-01,a,p,1,1,2024-02-09\n2,1,2024-02-02,a,p,1,1,\n"
    check(tmp_path, orders=orders)
    assert staged(tmp_path, "orders", "CAST(known_at AS VARCHAR)") == [
        ("2024-02-09 00:00:00",),
        ("2024-02-02 00:00:00",),
    ]
    assert Facts.open(tmp_path / ".revml/staged").observed_until.isoformat() == "2024-02-09T00:00:00"


def test_accepted_rows_do_not_depend_on_the_order_of_the_source(tmp_path: Path) -> None:
    """The same rows in another order have the same fingerprint; one more row has another."""
    head, *lines = ORDERS.splitlines(keepends=True)
    first = check(tmp_path).fingerprint
    assert check(tmp_path, orders=head + "".join(reversed(lines))).fingerprint == first
    assert check(tmp_path, orders=ORDERS + "3,1,2024-02-03,a,p,1,1\n").fingerprint != first


def test_over_the_limit_the_facts_of_the_last_good_check_stay(tmp_path: Path) -> None:
    """The quarantine file is written, the staged folder is not touched, and no temporary folder stays."""
    good = check(tmp_path).fingerprint
    with pytest.raises(OverLimit, match="1 of 3 rows broke the contract") as caught:
        check(tmp_path, "data: data\n", orders=ORDERS + "3,1,never,a,p,1,1\n")
    assert caught.value.report.table("orders").over_limit
    assert quarantined(tmp_path, "orders", "reason") == [("ordered_at is not a time",)]
    assert json.loads((tmp_path / ".revml/staged/facts.json").read_text())["fingerprint"] == good
    assert sorted(p.name for p in (tmp_path / ".revml").iterdir()) == ["quarantine", "staged"]


def test_a_table_may_have_a_limit_of_its_own(tmp_path: Path) -> None:
    """The workspace allows 2 %, orders half."""
    yaml = "data: data\ntables: {orders: {path: data/orders.csv, quarantine_limit: 0.5}}\n"
    assert check(tmp_path, yaml, orders=ORDERS + "3,1,never,a,p,1,1\n").table("orders").accepted == 2


def test_a_source_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    """The first table is read, the second cannot be: no staged folder, no temporary one."""
    made = workspace(tmp_path, orders="")
    (tmp_path / "data" / "orders.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match="cannot be read"):
        stage_workspace(made)
    assert list((tmp_path / ".revml").iterdir()) == []


def test_what_a_killed_check_left_is_cleared(tmp_path: Path) -> None:
    """A temporary folder of two days ago goes; one of just now may belong to a running check."""
    old, new = tmp_path / ".revml/staging-old", tmp_path / ".revml/staging-new"
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    check(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("missing", ["accounts", "orders"])
def test_a_required_table_that_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    """Accounts, and one of subscriptions and orders."""
    with pytest.raises(DataError, match=missing):
        check(tmp_path, **{missing: ""})


def test_a_table_without_rows_is_missing_in_effect(tmp_path: Path) -> None:
    """An empty usage table costs what a missing one costs; empty orders stop the check."""
    report = check(tmp_path, usage="account_id,occurred_at,event\n")
    assert "no row was accepted" in report.table("usage").notes[0]
    assert "usage" in [missing.name for missing in report.missing_tables]
    assert "usage" not in Facts.open(tmp_path / ".revml/staged").present
    with pytest.raises(DataError, match="no accepted row in subscriptions or orders"):
        check(tmp_path, orders=LINE)


def test_a_workspace_without_data_says_what_to_write(tmp_path: Path) -> None:
    """Neither `data` nor `tables`."""
    with pytest.raises(ConfigError, match="names no data"):
        check(tmp_path, "seed: 1\n")


def test_every_table_and_column_of_the_contract_can_be_staged(tmp_path: Path) -> None:
    """One row a table with all columns comes back as it went in."""
    value = {"id": "a", "text": "t", "time": "2024-05-01", "integer": 3, "number": 3.5, "money": 4.5, "flag": True}
    data = tmp_path / "data"
    data.mkdir()
    for table in TABLES.values():
        row = {
            name: (
                "EUR"
                if name == "currency"
                else float(column.minimum or 1)
                if column.type in ("number", "money")
                else value[column.type]
            )
            for name, column in table.by_name.items()
        }
        pd.DataFrame([row]).to_parquet(data / f"{table.name}.parquet")
    (tmp_path / "revml.yaml").write_text("data: data\n")
    report = check(tmp_path, "data: data\n", accounts="", orders="")
    assert {one.table: (one.accepted, one.missing) for one in report.tables} == dict.fromkeys(TABLES, (1, ()))
    facts = Facts.open(tmp_path / ".revml/staged")
    assert all(facts.has(name, *table.by_name) for name, table in TABLES.items())


FAULTY_LINES = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", ""]),
        st.sampled_from(["1", "2", "x"]),
        st.sampled_from(["2024-02-01", "2024-02-02T10:00:00", "1999-01-01", "never", ""]),
        st.sampled_from(["a", "b", "c", ""]),
        st.sampled_from(["1", "-1", "inf"]),
        st.sampled_from(["5", "7", "nan", '"', "5,5"]),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=FAULTY_LINES, filtered=st.booleans())
def test_every_row_is_counted_exactly_once(lines: list[tuple[str, ...]], *, filtered: bool) -> None:
    """rows in = filtered + accepted + duplicates + quarantined, and the files hold as many as the report says."""
    rows = "".join(f"{o},{n},{t},{a},p,{q},{m}\n" for o, n, t, a, q, m in lines)
    yaml = "data: data\nquarantine_limit: 1\n"
    if filtered:
        yaml += "tables: {orders: {path: data/orders.csv, where: \"order_id <> '3'\"}}\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = check(folder, yaml, orders=ORDERS.replace("\n1,1", "\n91,1").replace("\n2,1", "\n92,1") + rows)
        orders = report.table("orders")
        assert orders.rows_in == orders.filtered + orders.accepted + orders.duplicates + orders.quarantined_rows
        assert len(staged(folder, "orders")) == orders.accepted
        if orders.quarantined:
            assert len(quarantined(folder, "orders")) == orders.quarantined_rows
        if not any('"' in line[-1] for line in lines):
            assert orders.rows_in == 2 + len(lines)
        keys = staged(folder, "orders", "order_id, line")
        assert len(keys) == len(set(keys))
