"""Rows in quarantine are tried again: accepted once the cause is mended, told where they remain or are gone."""

from __future__ import annotations

from pathlib import Path

from revml.contract.retried import Retried
from revml.sources.retrying import former_quarantine, retry
from revml.sources.staging import stage_workspace
from tests.sources.workspaces import ACCOUNTS, ANY_SHARE, ORDERS, check, workspace

HEAD = "order_id,line,ordered_at,account_id,product,quantity,amount\n"


def again(folder: Path, yaml: str = ANY_SHARE, **tables: str) -> dict[str, Retried]:
    """Check once more and tell what became of the rows in quarantine; their counts add up."""
    space = workspace(folder, yaml, **tables)
    with former_quarantine(space) as former:
        stage_workspace(space, accept_changes=True)
        found = retry(space, former)
    for one in found:
        for reason in one.reasons:
            told = reason.accepted + reason.duplicates + reason.filtered + reason.gone
            assert told + sum(reason.remaining.values()) == reason.rows
    return {one.table: one for one in found}


def test_rows_come_back_when_their_account_arrives(tmp_path: Path) -> None:
    """Of two unknown accounts one is known now."""
    orders = ORDERS + "3,1,2024-02-03,late,p,1,10\n4,1,2024-02-03,never,p,1,10\n"
    check(tmp_path, orders=orders)
    (reason,) = again(tmp_path, accounts=ACCOUNTS + "late,2024-01-01\n", orders=orders)["orders"].reasons
    assert (reason.reason, reason.rows, reason.accepted) == ("account_id names nothing in accounts", 2, 1)
    assert reason.remaining == {"account_id names nothing in accounts": 1}


def test_rows_come_back_when_the_mapping_is_mended(tmp_path: Path) -> None:
    """A decimal comma is read by an expression; the row that is no number remains, under its reason."""
    orders = HEAD + '1,1,2024-02-01,a,p,1,"10,5"\n2,1,2024-02-02,b,p,2,free\n3,1,2024-02-02,b,p,2,7\n'
    check(tmp_path, orders=orders)
    mended = ANY_SHARE + (
        "tables: {orders: {path: data/orders.csv, columns: {amount: {sql: \"replace(amount, ',', '.')\"}}}}\n"
    )
    (reason,) = again(tmp_path, mended, orders=orders)["orders"].reasons
    assert (reason.rows, reason.accepted) == (2, 1)
    assert reason.remaining == {"amount is not an amount of money": 1}


def test_rows_are_found_where_the_source_was_sorted_anew(tmp_path: Path) -> None:
    """What a row holds counts, not its place."""
    lines = ["3,1,2024-02-03,late,p,1,10\n", "4,1,2024-02-03,never,p,1,10\n"]
    check(tmp_path, orders=ORDERS + "".join(lines))
    turned = HEAD + "".join(reversed([*ORDERS.splitlines(keepends=True)[1:], *lines]))
    (reason,) = again(tmp_path, accounts=ACCOUNTS + "late,2024-01-01\n", orders=turned)["orders"].reasons
    assert (reason.accepted, reason.gone) == (1, 0)


def test_rows_whose_source_is_gone_are_judged_by_their_kept_values(tmp_path: Path) -> None:
    """They are not staged: it is only said which of them would pass."""
    check(tmp_path, orders=ORDERS + "3,1,2024-02-03,late,p,1,10\n4,1,2024-02-03,never,p,1,10\n")
    one = again(tmp_path, accounts=ACCOUNTS + "late,2024-01-01\n", orders=ORDERS)["orders"]
    (reason,) = one.reasons
    assert (reason.accepted, reason.gone, reason.would_pass) == (0, 2, 1)
    assert "bring their file back" in one.note


def test_a_table_that_is_gone_as_a_whole(tmp_path: Path) -> None:
    """Usage vanished with its file; its quarantine is all that is left."""
    check(tmp_path, usage="account_id,occurred_at,event\na,2024-02-01,login\nlate,2024-02-01,login\n")
    (tmp_path / "data/usage.csv").unlink()
    (reason,) = again(tmp_path, accounts=ACCOUNTS + "late,2024-01-01\n")["usage"].reasons
    assert (reason.gone, reason.would_pass) == (1, 1)


def test_rows_that_the_mapping_now_leaves_out_are_filtered(tmp_path: Path) -> None:
    """A condition names them."""
    orders = ORDERS + "3,1,2024-02-03,test,p,1,10\n"
    check(tmp_path, orders=orders)
    mended = ANY_SHARE + "tables: {orders: {path: data/orders.csv, where: \"account_id <> 'test'\"}}\n"
    (reason,) = again(tmp_path, mended, orders=orders)["orders"].reasons
    assert (reason.filtered, reason.gone) == (1, 0)


def test_copies_come_back_as_one_row(tmp_path: Path) -> None:
    """Two equal rows of an account that arrives: one is accepted, one is its duplicate."""
    orders = ORDERS + "3,1,2024-02-03,late,p,1,10\n3,1,2024-02-03,late,p,1,10\n"
    check(tmp_path, orders=orders)
    (reason,) = again(tmp_path, accounts=ACCOUNTS + "late,2024-01-01\n", orders=orders)["orders"].reasons
    assert (reason.accepted, reason.duplicates) == (1, 1)


def test_nothing_in_quarantine_is_nothing_to_retry(tmp_path: Path) -> None:
    """A clean company."""
    check(tmp_path)
    assert again(tmp_path) == {}


def test_rows_of_several_files_come_back_each_to_its_place(tmp_path: Path) -> None:
    """Usage in two files, each with a decimal comma that an expression reads."""
    (tmp_path / "data" / "usage").mkdir(parents=True)
    for month in (2, 3):
        lines = f'a,2024-0{month}-01,login,1\na,2024-0{month}-02,login,"1,5"\nb,2024-0{month}-02,view,"2,5"\n'
        (tmp_path / f"data/usage/{month}.csv").write_text("account_id,occurred_at,event,quantity\n" + lines)
    check(tmp_path)
    mended = ANY_SHARE + (
        "tables: {usage: {path: data/usage, columns: {quantity: {sql: \"replace(quantity, ',', '.')\"}}}}\n"
    )
    (reason,) = again(tmp_path, mended)["usage"].reasons
    assert (reason.rows, reason.accepted, reason.gone) == (4, 4, 0)
